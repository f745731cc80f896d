"""The command line of the report."""

import pytest


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--workdir=/nowhere/at/all"], "not there"),
        (["--workdir=TMP"], "a folder without config.json"),
        ([], "--workdir must name the folder of a run"),
    ],
)
def test_what_is_no_run_is_one_line(commands, tmp_path, flags, words):
    given = [flag.replace("TMP", str(tmp_path)) for flag in flags]
    status, out, err = commands.run("report", *given)
    assert (status, out) == (2, "")
    (line,) = err.strip().splitlines()
    assert words in line
