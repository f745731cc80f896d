"""Grids: which runs they are, and mistakes in them."""

import pytest
from helpers.sweeping import TEMPS, planned

from ressl_tf import sweep
from ressl_tf.config import Config
from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.runtime import command
from ressl_tf.runtime.errors import UsageError
from ressl_tf.sweeps import grid


def test_all_combinations_the_last_flag_fastest():
    runs = planned(
        "--epochs=7", "--output=o", "--grid=method=ressl,rsa", "--grid=seed=0,1"
    )
    assert [run.name for run in runs] == [
        "method=ressl,seed=0",
        "method=ressl,seed=1",
        "method=rsa,seed=0",
        "method=rsa,seed=1",
    ]
    assert runs[2].config == Config(
        epochs=7, method="rsa", seed=0, workdir="o/method=rsa,seed=0"
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("teacher_temp=.03,4e-2", [0.03, 0.04]),
        ("decay_bias_and_norm=true,false", [True, False]),
        ("crop_sizes=32,24;32,24,16", [(32.0, 24.0), (32.0, 24.0, 16.0)]),
        ("crop_sizes=;32", [(), (32.0,)]),
        ("dataset=folder:/a,b;shapes", ["folder:/a,b", "shapes"]),
        ("dataset=folder:/a=1,shapes", ["folder:/a=1", "shapes"]),
    ],
)
def test_values_are_of_the_flags_type(text, values):
    (name,) = (text.partition("=")[0],)
    assert [run.values[name] for run in planned(f"--grid={text}")] == values


def test_what_is_one_number_has_one_name():
    with pytest.raises(UsageError, match=r"same run twice.*teacher_temp=0\.04"):
        planned("--grid=teacher_temp=.04,0.040")


def test_each_run_has_a_folder_of_its_own():
    runs = planned("--output=o", "--grid=dataset=folder:/a/b,folder:/a-b,folder:/a%b")
    folders = [run.config.workdir for run in runs]
    assert folders[0] == "o/dataset=folder:%2Fa%2Fb"
    assert len(set(folders)) == 3
    long = [f"dataset=folder:/{'é' * 100}{end}" for end in "ab"]
    names = [grid.folder_name(name) for name in long]
    assert len(set(names)) == 2
    assert max(map(len, names)) <= grid.LONGEST_NAME


def test_a_run_is_named_after_its_path_as_it_was_written(monkeypatch):
    """So the folders of a sweep are found again, whoever's home it is."""
    monkeypatch.setenv("HOME", "/home/me")
    (run,) = planned("--output=~/o", "--grid=dataset=folder:~/a", "--init_from=~/b")
    assert run.values == {"dataset": "folder:~/a"}
    assert run.config.workdir == "/home/me/o/dataset=folder:~%2Fa"
    assert (run.config.dataset, run.config.init_from) == (
        "folder:/home/me/a",
        "/home/me/b",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a --grid"),
        (["--grid=teacher_temp"], "FLAG=VALUE,VALUE. Received: teacher_temp"),
        (["--grid=teacher_tmp=1"], "did you mean teacher_temp? Received: teacher_tmp"),
        (["--grid=flagfile=a"], "Received: flagfile"),
        (["--grid=workdir=a"], "--workdir cannot be in a --grid"),
        ([TEMPS, TEMPS], "once. Received: teacher_temp twice"),
        (["--workdir=a", TEMPS], "Received: --workdir=a"),
        (
            ["--grid=seed=0,1", "--grid=teacher_temp=.04,hot"],
            "in the run seed=0,teacher_temp=hot: ",
        ),
        (["--grid=method=ressl,simclr"], "in the run method=simclr: --method must be"),
        (
            ["--grid=epochs=9,3", "--grid=warmup_epochs=4"],
            "in the run epochs=3,warmup_epochs=4: --warmup_epochs must be at most "
            "--epochs=3",
        ),
    ],
)
def test_a_mistake_is_found_before_anything_runs(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    run = command.run(sweep.main, SweepConfig, "", arguments, tensorflow=False)
    out, err = capsys.readouterr()
    assert (run, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not list(tmp_path.iterdir())


def test_what_runs_have_in_common_need_not_be_a_run():
    """Five epochs of warm-up are the default, and too many for three."""
    (run,) = planned("--epochs=3", "--grid=warmup_epochs=1")
    assert run.config.warmup_epochs == 1


def test_runs_that_differ_in_flags_without_meaning_are_one(caplog):
    """BYOL has no temperature; ReSSL has one, and trains at both."""
    runs = planned(
        "--output=o", "--grid=method=byol,ressl", "--grid=student_temp=.1,.2"
    )
    folders = [run.config.workdir.split(",")[-1] for run in runs]
    assert folders == [f"student_temp={t}" for t in (0.1, 0.1, 0.1, 0.2)]
    assert runs[1].config == runs[0].config
    assert [run.same_as for run in runs] == ["", runs[0].name, "", ""]
    assert [record.getMessage() for record in caplog.records] == [
        "method=byol,student_temp=0.2 is trained once, as method=byol,student_temp=0.1:"
        " student_temp has no part in --method=byol"
    ]
