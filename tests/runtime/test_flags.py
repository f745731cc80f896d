"""Flags, their limits, and the one line that a mistake gets."""

import dataclasses
import logging
import subprocess
import sys

import pytest

from ressl_tf.config import Config
from ressl_tf.config.evaluate_config import KNNConfig, LinearConfig
from ressl_tf.runtime import command, flags
from ressl_tf.runtime.errors import Interrupted, RunError, UsageError
from ressl_tf.runtime.flag_help import help_text


def parse(*arguments):
    return flags.parse(Config, arguments)


def test_every_field_is_a_flag_of_its_type():
    for field in dataclasses.fields(Config):
        default = field.default
        text = ",".join(map(str, default)) if isinstance(default, tuple) else default
        once_a_text = field.metadata["repeated"]  # and the default has none
        given = () if once_a_text else (f"--{field.name}={text}",)
        read = getattr(parse(*given), field.name)
        assert read == getattr(Config(), field.name)
        if field.name != "teacher_temp":  # whose 0 is the method's own
            assert read == default


def test_earlier_names_go_on_working_and_say_the_new_one(tmp_path, caplog):
    flagfile = tmp_path / "old.flags"
    flagfile.write_text("--temp_t=0.02\n--nodecay_vectors\n")
    config = parse(f"--flagfile={flagfile}")
    assert (config.teacher_temp, config.decay_bias_and_norm) == (0.02, False)
    assert sorted(caplog.messages) == [
        "--decay_vectors is called --decay_bias_and_norm now",
        "--temp_t is called --teacher_temp now",
    ]
    caplog.clear()
    later = parse("--temp_t=0.02", "--teacher_temp=0.03")
    assert later.teacher_temp == 0.03
    assert len(caplog.messages) == 1
    assert "--temp_t" not in help_text(Config, "")
    linear = flags.parse(LinearConfig, ["--workdir=a", "--schedule=step"])
    assert linear.lr_schedule == "step"
    knn = flags.parse(KNNConfig, ["--workdir=a", "--k=3,4", "--temperature=0.5"])
    assert (knn.knn_k, knn.knn_temp) == ((3, 4), (0.5,))


def test_a_stored_config_is_read_under_todays_names():
    """Version 0.1.0 kept `temp_t` in every config; runs on images did not use it."""
    old = {"teacher_temp": 0.04, "temp_t": 0.01, "temp_t_diff": 0.5, "epochs": 3}
    images = flags.renamed(Config, {**old, "method": "ressl"})
    graphs = flags.renamed(Config, {**old, "method": "rgrl"})
    assert (images["teacher_temp"], graphs["teacher_temp"]) == (0.04, 0.01)
    for values in (images, graphs):
        assert (values["local_teacher_temp"], values["epochs"]) == (0.5, 3)
        assert not {"temp_t", "temp_t_diff"} & set(values)


def test_the_teachers_temperature_is_the_papers_where_none_is_given():
    assert Config().teacher_temp == 0.04
    graph = {"method": "rgrl", "dataset": "graph:x.npz", "strategy": "one"}
    assert Config(**graph).teacher_temp == 0.01
    assert Config(teacher_temp=0.07).teacher_temp == 0.07
    with pytest.raises(UsageError, match=r"0 \(the paper's\) or at least 0.001"):
        Config(teacher_temp=0.0005)


def test_values_are_read(tmp_path):
    flagfile = tmp_path / "some.flags"
    flagfile.write_text(
        "# a comment\n--epochs=7\n--nodecay_bias_and_norm\n--width=0.5\n"
    )
    read = parse(f"--flagfile={flagfile}", "--epochs=9", "--color_jitter=1,0,0,0.5")
    assert read == Config(
        epochs=9,
        decay_bias_and_norm=False,
        width=0.5,
        color_jitter=(1.0, 0.0, 0.0, 0.5),
    )


@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_a_list_has_any_length(count):
    numbers = tuple(8.0 + index for index in range(count))
    text = ",".join(map(str, numbers))
    assert parse(f"--crop_sizes={text}").crop_sizes == numbers


def test_what_a_method_does_not_use_does_not_stop_it():
    assert parse("--epochs=5", "--infonce_warmup_epochs=6").method == "ressl"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--epoch=3"], "'epoch'. Did you mean: epochs"),
        (["--batch_size=x"], "--batch_size=x"),
        (["--batch_size=1"], "--batch_size must be between 2 and"),
        (
            ["--method=simclr"],
            "ressl, ressl_multicrop, ressl_plus, rgrl, rsa. Received: simclr",
        ),
        (["--backbone=vgg"], "hub:NAME of keras-hub. Received: vgg"),
        (["--learning_rate=nan"], "--learning_rate must be between"),
        (["--learning_rate=-1"], "Received: -1.0"),
        (["--warmup_epochs=nan"], "--warmup_epochs must be at least 0.0"),
        (["--color_jitter=1,2"], "4 comma-separated numbers. Received: 1,2"),
        (["--color_jitter=a,b,c,d"], "4 comma-separated numbers. Received: a,b,c,d"),
        (["--crop_sizes=8,x"], "must be comma-separated numbers. Received: 8,x"),
        (["--crop_sizes=8,0"], "--crop_sizes must be between 1.0 and"),
        (["--color_jitter=0,0,0,0.6"], "at most 0.5. Received: 0.6"),
        (["--color_jitter=0,-1,0,0"], "Received: -1.0"),
        (["--epochs=3", "--warmup_epochs=4"], "at most --epochs=3. Received: 4.0"),
        (
            ["--method=ressl_plus", "--epochs=5", "--infonce_warmup_epochs=6"],
            "--infonce_warmup_epochs must be at most --epochs=5. Received: 6.0",
        ),
        (
            ["--batch_norm=split", "--batch_size=12"],
            "multiple of 8 (1 devices x 1 micro-batches x 8 groups)",
        ),
        (["--nodownload=1"], "--nodownload=1"),
        (["--flagfile=/does/not/exist"], "/does/not/exist"),
        (["photos"], "Received: photos"),
        (["--width"], "width"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_is_allowed(arguments, expected):
    with pytest.raises(UsageError) as error:
        parse(*arguments)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "values", [{"epochs": "3"}, {"epochs": 1.5}, {"epochs": True}, {"download": 1}]
)
def test_types_are_checked_in_python_too(values):
    with pytest.raises(UsageError, match="must be"):
        Config(**values)


def test_a_whole_number_is_a_number():
    assert Config(width=1).width == 1


def test_an_empty_workdir_is_named_after_the_run():
    named = Config(dataset="folder:/photos/cats/", seed=3).run_dir
    assert named == "runs/ressl-cats-resnet18-seed3"
    assert Config(dataset="shapes").run_dir == "runs/ressl-shapes-resnet18-seed0"
    assert Config(workdir="here").run_dir == "here"


def test_what_shapes_the_model_is_not_free():
    free = flags.free_fields(Config)
    assert {"workdir", "knn_every", "max_steps", "data_dir"} <= free
    assert not {"seed", "epochs", "dataset", "queue_size", "learning_rate"} & free


def test_help_is_quick_and_whole():
    """Without TensorFlow or Keras: their import alone would take too long."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ressl_tf.train", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert " ressl_tf.config" in done.stderr  # the imports are listed there
    assert "tensorflow" not in done.stderr
    assert "keras" not in done.stderr
    for field in dataclasses.fields(Config):
        assert f"--{field.name}=" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 88


def run(main, *arguments):
    return command.run(main, Config, "", arguments)


def test_the_result_is_the_last_line_of_stdout_and_the_rest_on_stderr(capsys):
    def main(parsed):
        print("on the way")
        return {"epochs": parsed.epochs}

    assert run(main, "--epochs=7") == 0
    out, err = capsys.readouterr()
    assert out == '{"epochs": 7}\n'
    assert "on the way" in err


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (UsageError("no such thing"), 2, "error: no such thing"),
        (RunError("it broke"), 1, "error: it broke"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_one_line_and_a_status(capsys, error, status, line):
    def main(_):
        raise error

    assert run(main) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("name", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_run_that_stopped_is_no_success_and_says_how_to_go_on(capsys, name, status):
    def main(_):
        raise Interrupted(f"run: stopped by {name}", {"steps": 7}, by=name)

    assert run(main) == status
    assert capsys.readouterr() == (
        '{"interrupted": true, "steps": 7}\n',
        f"run: stopped by {name}; the same command goes on from here\n",
    )


def test_a_command_gives_the_log_back_as_it_was():
    """Whoever calls a command's main in a program of their own keeps their logging."""
    log = logging.getLogger("ressl_tf")
    before = (log.handlers, log.propagate, log.level)
    inside = []

    def main(config):
        inside.append((log.level, len(log.handlers), log.propagate))

    assert command.run(main, Config, "doc", []) == 0
    assert inside == [(logging.INFO, 1, False)]
    assert (log.handlers, log.propagate, log.level) == before


@dataclasses.dataclass(frozen=True)
class Lists:
    k: tuple = flags.option((200,), "Neighbours.", low=1, any_length=True)
    names: tuple = flags.option(("a",), "N.", choices=("a", "b"), any_length=True)
    pair: tuple = flags.option((0.5, 0.5), "Two.")

    def __post_init__(self):
        flags.check(self)


def test_lists_take_any_length_of_one_type():
    parsed = flags.parse(Lists, ["--k=20,100,200", "--names=b,a"])
    assert parsed == Lists(k=(20, 100, 200), names=("b", "a"))
    assert all(isinstance(number, int) for number in parsed.k)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--k=1.5", "--k must be comma-separated whole numbers. Received: 1.5"),
        ("--k=", "--k must be comma-separated whole numbers"),
        ("--k=5,0", "--k must be at least 1. Received: 0"),
        ("--names=a,c", "--names must be one of a, b. Received: c"),
        ("--pair=1", "--pair must be 2 comma-separated numbers. Received: 1"),
    ],
)
def test_lists_are_checked_part_by_part(argument, message):
    with pytest.raises(UsageError, match=message):
        flags.parse(Lists, [argument])


@dataclasses.dataclass(frozen=True)
class Repeated(Lists):
    each: tuple = flags.option((), "Texts.", repeated=True)
    switch: bool = flags.option(True, "Off and on.")


def test_a_repeated_flag_keeps_its_commas():
    parsed = flags.parse(Repeated, ["--each=a=1,2", "--each=b", "--k=5"])
    assert parsed.each == ("a=1,2", "b")
    assert flags.parse(Repeated, []).each == ()


def test_arguments_make_the_same_config_again():
    config = Repeated(
        k=(5, 7), pair=(1e-5, 0.1), each=("a=1,2", "b c"), switch=False, names=("b",)
    )
    written = flags.arguments(config)
    assert flags.parse(Repeated, written) == config
    assert flags.arguments(Repeated(pair=(0.5, 0.5))) == []
    assert flags.arguments(config, Lists) == [
        "--k=5,7",
        "--names=b",
        "--pair=1e-05,0.1",
    ]
