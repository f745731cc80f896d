"""A shell completes commands, flags and choices."""

import shutil
import subprocess

import pytest

from ressl_tf.runtime import completion, console
from ressl_tf.runtime.errors import UsageError


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """Return the script for bash."""
    pytest.importorskip("shtab")
    path = tmp_path_factory.mktemp("completion") / "ressl-tf.bash"
    path.write_text(completion.script("bash", console.commands()))
    return path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["tr"], {"train", "transfer"}),
        (["knn", "--knn_"], {"--knn_k", "--knn_temp"}),
        (["train", "--method", "ressl"], {"ressl", "ressl_multicrop", "ressl_plus"}),
        (["train", "--noten"], {"--notensorboard"}),
    ],
)
def test_bash_offers_what_can_follow(typed, offered, bash):
    words = " ".join(["ressl-tf", *typed])
    code = f"""source {bash}; COMP_WORDS=({words}); COMP_CWORD={len(typed)}
    f=$(complete -p ressl-tf | sed -E 's/.*-F ([^ ]+).*/\\1/'); $f
    echo "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
    assert set(done.stdout.split()) == offered, done.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_reads_the_script(tmp_path):
    pytest.importorskip("shtab")
    path = tmp_path / "_ressl-tf"
    path.write_text(completion.script("zsh", console.commands()))
    subprocess.run(["zsh", "-n", path], check=True)


def test_another_shell_is_one_line():
    with pytest.raises(UsageError, match=r"one of bash, zsh, tcsh.*Received: fish"):
        completion.script("fish", {})


def test_a_missing_extra_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "shtab", None)
    assert console.main(["--completion", "bash"]) == 2
    assert capsys.readouterr().err == (
        "error: --completion needs shtab: pip install 'ressl_tf[completion]'\n"
    )
