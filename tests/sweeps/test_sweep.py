"""`python -m ressl_tf.sweep`: grids, what is run and what is not, table and picture."""

import json
import math
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import pytest
from helpers.models import TINY

from ressl_tf import sweep
from ressl_tf.config import Config
from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.evaluate import plots
from ressl_tf.runtime import command, flags
from ressl_tf.runtime.errors import Interrupted, RunError, UsageError
from ressl_tf.sweeps import child, grid, sweep_curves, sweep_figure, sweep_table
from ressl_tf.sweeps import run_grid as sweeping

ROOT = pathlib.Path(__file__).parents[2]
TEMPS = "--grid=teacher_temp=.03,.04"


def parse(*arguments):
    return flags.parse(SweepConfig, arguments)


def planned(*arguments):
    return grid.runs(parse(*arguments))


class Runner:
    """Stands for the processes: notes what it is asked for; some of it goes wrong."""

    def __init__(self, **errors):
        self.asked, self.errors = [], errors

    def __call__(self, module, arguments):
        name = module.removeprefix("ressl_tf.")
        folder = next(a for a in arguments if a.startswith("--workdir=")).split("/")[-1]
        self.asked.append((name, folder))
        error = self.errors.get(name, {}).get(folder)
        if error:
            raise error
        if name != "train":
            return {"top1": 0.625}
        config = flags.parse(Config, arguments)
        return {
            "loss": 10 * config.teacher_temp,
            "knn_top1": 0.5 - config.teacher_temp + config.seed / 100,
            "knn_top1_untrained": 0.25,
            "embedding_std": 0.125 if config.teacher_temp < 0.05 else 0.005,
            "images_per_second": 700.0,
            "steps": config.max_steps or 100,
        }


def lines(config, runner):
    """The lines of a sweep, and how it ended."""
    made = []
    try:
        made.extend(sweeping.sweep(config, runner))
    except RunError as error:
        return made, error
    return made, None


def collect(config, runner):
    """As `lines`, also when the sweep stops in the middle."""
    made = []
    try:
        for line in sweeping.sweep(config, runner):
            made.append(line)
    except (RunError, Interrupted) as error:
        return made, error
    return made, None


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures take most of the time."""
    monkeypatch.setattr(sweeping.sweep_figure, "draw", lambda *_: None)
    monkeypatch.setattr(sweeping.plots, "save", lambda *_, **__: None)


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
        ("decay_vectors=true,false", [True, False]),
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


def test_rows_by_hand(tmp_path):
    config = parse(
        "--embedding_dim=64", "--grid=teacher_temp=.04,.05", f"--output={tmp_path}"
    )
    (row, collapsed, total), error = lines(config, Runner())
    assert error is None
    assert row == {
        "run": "teacher_temp=0.04",
        "flags": {"teacher_temp": 0.04},
        "status": "ok",
        "loss": 0.4,
        "knn_top1": 0.46,
        "knn_top1_untrained": 0.25,
        "embedding_std": 0.125,
        "embedding_spread": 1.0,
        "steps": 100,
        "images_per_second": 700.0,
        "workdir": f"{tmp_path}/teacher_temp=0.04",
    }
    assert collapsed["embedding_spread"] == pytest.approx(0.04)
    assert collapsed["status"] == "collapsed"
    assert total == {
        "runs": 2,
        "ok": 1,
        "collapsed": 1,
        "failed": 0,
        "best_run": "teacher_temp=0.04",
        "best_knn_top1": 0.46,
        "table": f"{tmp_path}/table.md",
        "picture": f"{tmp_path}/sweep.png",
        "output": str(tmp_path),
    }
    written = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in written] == [row, collapsed]
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(tmp_path, undrawn):
    output = f"--output={tmp_path}"
    first, second = Runner(), Runner()
    before, _ = lines(parse(TEMPS, output), first)
    grown = parse("--grid=teacher_temp=.03,.04,.06", output, "--judge=linear")
    after, _ = lines(grown, second)
    assert first.asked == [
        ("train", "teacher_temp=0.03"),
        ("train", "teacher_temp=0.04"),
    ]
    assert second.asked == [
        ("linear", "teacher_temp=0.03"),
        ("linear", "teacher_temp=0.04"),
        ("train", "teacher_temp=0.06"),
        ("linear", "teacher_temp=0.06"),
    ]
    assert after[0] == {**before[0], "linear_top1": 0.625}
    third = Runner()
    assert lines(grown, third)[0] == after
    assert third.asked == []


def test_more_steps_go_on_and_are_judged_anew(tmp_path, undrawn):
    output, judge = f"--output={tmp_path}", "--judge=knn"
    lines(parse(TEMPS, output, judge, "--max_steps=5"), Runner())
    longer = Runner()
    made, _ = lines(parse(TEMPS, output, judge, "--max_steps=9"), longer)
    assert [name for name, _ in longer.asked] == ["train", "knn", "train", "knn"]
    assert [row["steps"] for row in made[:2]] == [9, 9]
    assert made[0]["knn_all_top1"] == 0.625


def test_the_table_says_what_all_runs_have_in_common(tmp_path, undrawn):
    common = ["--width=0.5", "--teacher_temp=0.07", "--max_steps=9"]
    lines(parse(*common, TEMPS, f"--output={tmp_path}"), Runner())
    head = (tmp_path / "table.md").read_text().splitlines()[:3]
    assert head == [
        "# shapes, ressl, resnet18, 200 epochs, at most 9 steps",
        "",
        "All runs: `--width=0.5 --max_steps=9`",
    ]


def test_other_flags_need_another_folder(tmp_path, undrawn):
    lines(parse(TEMPS, f"--output={tmp_path}"), Runner())
    untouched = Runner()
    with pytest.raises(UsageError, match=r"--epochs=7 \(there: .*another --output"):
        lines(parse(TEMPS, f"--output={tmp_path}", "--epochs=7"), untouched)
    assert untouched.asked == []


def test_a_failed_run_is_told_and_tried_again(tmp_path):
    config = parse(TEMPS, f"--output={tmp_path}", "--judge=linear")
    wrong = {"teacher_temp=0.03": RunError("train: the loss is nan | at step 2")}
    made, error = lines(config, Runner(train=wrong))
    assert [row["status"] for row in made[:2]] == ["failed", "ok"]
    assert made[0]["error"] == "train: the loss is nan | at step 2"
    assert made[-1]["failed"] == 1
    assert "1 of 2 runs failed, the first is teacher_temp=0.03: train: the" in str(
        error
    )
    assert (
        "failed: train: the loss is nan \\| at step 2"
        in (tmp_path / "table.md").read_text()
    )
    again = Runner()
    made, error = lines(config, again)
    assert error is None
    assert [row["status"] for row in made[:2]] == ["ok", "ok"]
    assert {folder for _, folder in again.asked} == {"teacher_temp=0.03"}


def test_a_judge_that_fails_leaves_the_training(tmp_path, undrawn):
    config = parse(TEMPS, f"--output={tmp_path}", "--judge=linear")
    wrong = {"teacher_temp=0.04": RunError("linear: no labels")}
    made, _ = lines(config, Runner(linear=wrong))
    assert made[1]["status"] == "failed"
    assert made[1]["knn_top1"] == 0.46
    again = Runner()
    lines(config, again)
    assert again.asked == [("linear", "teacher_temp=0.04")]


def test_interrupted_it_goes_on_where_it_stopped(tmp_path, undrawn):
    config = parse("--grid=teacher_temp=.03,.04,.06", f"--output={tmp_path}")
    wrong = {"teacher_temp=0.04": Interrupted("stopped")}
    made, error = collect(config, Runner(train=wrong))
    assert [row["run"] for row in made] == ["teacher_temp=0.03"]
    assert isinstance(error, Interrupted)
    again = Runner()
    assert len(lines(config, again)[0]) == 4
    assert [folder for _, folder in again.asked] == [
        "teacher_temp=0.04",
        "teacher_temp=0.06",
    ]


def test_a_dry_run_lists_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (line,) = sweep.main(parse("--dataset=folder:/p/cats/", TEMPS, "--dry_run"))
    assert line == {
        "runs": ["teacher_temp=0.03", "teacher_temp=0.04"],
        "done": [],
        "output": "runs/sweep-cats-teacher_temp",
    }
    assert not list(tmp_path.iterdir())


def test_lines_come_as_runs_are_done(capsys):
    """The result of a command may be several; a failure after them is status 1."""

    def main(config):
        yield {"run": 1}
        assert json.loads(capsys.readouterr().out) == {"run": 1}
        yield {"runs": 1}
        raise RunError("1 of 1 failed")

    assert command.run(main, SweepConfig, "", [TEMPS], tensorflow=False) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ('{"runs": 1}\n', "error: 1 of 1 failed\n")


def say(tmp_path, monkeypatch, body):
    """A module that can be run, with this body."""
    (tmp_path / "spoken.py").write_text(f"import os, sys\n{body}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return child.run("spoken", ["--flag=1"])


def test_a_process_gives_its_last_line_and_shows_its_progress(
    tmp_path, monkeypatch, capsys
):
    body = "print('step 1', file=sys.stderr)\nprint(1)\nprint('{\"a\": 2}')"
    assert say(tmp_path, monkeypatch, body) == {"a": 2}
    assert capsys.readouterr() == ("", "step 1\n")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "print('error: no such thing', file=sys.stderr); sys.exit(1)",
            "no such thing",
        ),
        (
            "sys.exit('error: bad (--help lists all flags)')",
            "bad",
        ),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("raise ValueError('odd')", "ValueError: odd"),
    ],
)
def test_a_process_that_fails_says_why_in_one_line(
    tmp_path, monkeypatch, body, message
):
    with pytest.raises(RunError, match=rf"^spoken: {message}$"):
        say(tmp_path, monkeypatch, body)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("sys.exit(130)", {}),
        ("os.kill(os.getpid(), 15)", {}),
        (
            'print(\'{"interrupted": true, "steps": 7}\')',
            {"interrupted": True, "steps": 7},
        ),
    ],
)
def test_a_process_that_is_stopped_stops_the_sweep(tmp_path, monkeypatch, body, result):
    with pytest.raises(Interrupted) as stop:
        say(tmp_path, monkeypatch, body)
    assert stop.value.result == result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_passed_on_to_the_process(tmp_path, monkeypatch, number):
    """What it does then is its result; the handlers are as before."""
    body = (
        "import json, signal, time\n"
        f"signal.signal({number}, lambda *_: print(json.dumps({{'told': {number}}})))\n"
        f"os.kill(os.getppid(), {number})\ntime.sleep(0.2)"
    )
    before = signal.getsignal(number)
    assert say(tmp_path, monkeypatch, body) == {"told": number}
    assert signal.getsignal(number) is before


def test_a_sweep_asked_between_two_runs_begins_no_other(tmp_path, undrawn):
    config, runner = parse(TEMPS, f"--output={tmp_path}"), Runner()

    def start(module, arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return runner(module, arguments)

    made, error = collect(config, start)
    assert len(made) == 1
    assert str(error) == "stopped by SIGTERM before run 2"


def row(values, knn, spread, status="ok", untrained=0.2, **more):
    return {
        "flags": values,
        "status": status,
        "loss": 2.0,
        "knn_top1": knn,
        "knn_top1_untrained": untrained,
        "embedding_spread": spread,
        "images_per_second": 700.0,
        **more,
    }


def cells(text):
    return [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines()]


def test_tables_by_hand():
    rows = [
        row({"method": "ressl", "seed": 0}, 0.5, 0.8, linear_top1=0.6),
        row({"method": "ressl", "seed": 1}, 0.53, 0.9),
        row({"method": "rsa", "seed": 0}, 0.4, 0.05, "collapsed"),
        row({"method": "rsa", "seed": 1}, None, None, "failed", None, error="train: x"),
    ]
    runs, seeds = (
        cells(sweep_table.runs_table(rows)),
        cells(sweep_table.seeds_table(rows)),
    )
    titles = "loss,knn_top1,knn_top1_untrained,embedding_std * sqrt(dim),linear_top1"
    assert runs[0] == ["method", "seed", *titles.split(","), "images/s", "status"]
    figures = ["2.000", "50.0%", "20.0%", "0.80", "60.0%", "700"]
    assert runs[2] == ["ressl", "0", *figures, "ok"]
    assert runs[3][6] == "-"
    assert runs[5][2:6:3] == ["2.000", "-"]
    assert runs[5][-1] == "failed: train: x"
    spread = 100 * statistics.stdev([0.5, 0.53])
    assert seeds[2][:4] == [
        "ressl",
        "2 of 2",
        "2.000 ± 0.000",
        f"51.5% ± {spread:.1f}%",
    ]
    assert seeds[3][1:4:2] == ["1 of 2", "40.0%"]
    assert len(seeds) == 4
    assert sweep_table.seeds_table(rows) in sweep_table.page(rows)
    assert len({len(line) for line in sweep_table.runs_table(rows).splitlines()}) == 1


def swept(**values):
    """Rows of all pairs of values, kNN by position, evenly spread."""
    names = list(values)
    runs = planned(
        *(f"--grid={n}={','.join(map(str, values[n]))}" for n in names), "--output=o"
    )
    return [row(run.values, 0.3 + 0.01 * i, 0.9) for i, run in enumerate(runs)]


@pytest.mark.parametrize(
    ("values", "flag", "places"),
    [
        (
            {"method": ["ressl", "rsa"], "teacher_temp": [0.05, 0.03]},
            "teacher_temp",
            {"0.03": 0.03, "0.05": 0.05},
        ),
        ({"seed": [0, 1], "method": ["rsa", "byol"]}, "method", {"rsa": 0, "byol": 1}),
        ({"seed": [0, 4]}, "seed", {"0": 0, "4": 4}),
        (
            {"teacher_temp": [0.04], "width": [1.0, 0.5]},
            "width",
            {"0.5": 0.5, "1.0": 1},
        ),
        (
            {"decay_vectors": ["true", "false"]},
            "decay_vectors",
            {"true": 0, "false": 1},
        ),
    ],
)
def test_what_is_drawn_over(values, flag, places):
    axis = sweep_curves.axis_of(swept(**values))
    assert (axis.flag, axis.places) == (flag, places)
    assert list(axis.places) == list(places)


def test_wide_axes_are_logarithmic():
    for values, wide in (([0.01, 0.1], True), ([0.03, 0.07], False), ([0, 1], False)):
        axis = sweep_curves.axis_of(swept(learning_rate=values))
        assert axis.logarithmic is wide


def line(panel, colour, marker):
    found = [
        a
        for a in panel.get_lines()
        if a.get_color() == colour and a.get_marker() == marker
    ]
    return found[0].get_xydata().tolist()


def test_the_picture_by_hand():
    rows = swept(teacher_temp=[0.03, 0.04], method=["ressl", "rsa"], seed=[0, 1])
    rows[3].update(status="collapsed", embedding_spread=0.05)
    for failed in rows[6:]:
        failed.update(status="failed", knn_top1=None, embedding_spread=None, error="x")
    figure = sweep_figure.draw(rows, "shapes")
    above, below = figure.axes
    first, second = line(above, sweep_figure.COLOURS[0], "o")
    assert first == pytest.approx([0.03, 30.5])
    assert second == pytest.approx([0.04, 34.5])
    first, second = line(above, sweep_figure.COLOURS[1], "s")
    assert first == pytest.approx([0.03, 32.5])
    assert math.isnan(second[1])
    assert line(below, sweep_figure.COLOURS[1], "s")[0] == pytest.approx([0.03, 0.475])
    assert line(above, plots.RED, "o") == [[0.03, pytest.approx(33)]]
    assert line(below, plots.RED, "o") == [[0.03, 0.05]]
    dashed = [a for a in above.get_lines() if a.get_linestyle() == "--"]
    assert [a.get_ydata() for a in dashed] == [pytest.approx([20, 20])]
    assert [(a.xy, a.get_color()) for a in above.texts] == [
        ((0.04, 0), sweep_figure.COLOURS[1])
    ]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "ressl",
        "rsa",
        "untrained",
        "collapsed",
        "failed",
    ]
    assert below.get_xlabel() == "teacher_temp"
    assert [t.get_text() for t in below.get_xticklabels()] == ["0.03", "0.04"]


def test_networks_that_begin_unlike_have_a_floor_each():
    rows = swept(teacher_temp=[0.03, 0.04], width=[0.25, 0.5])
    for each in rows:
        each["knn_top1_untrained"] = each["flags"]["width"]
    drawn = sweep_curves.curves_of(rows, sweep_curves.axis_of(rows))
    assert sweep_curves.untrained(drawn) == {"0.25": [0.25, 0.25], "0.5": [0.5, 0.5]}
    figure = sweep_figure.draw(rows)
    dashed = [a for a in figure.axes[0].get_lines() if a.get_linestyle() == "--"]
    assert [a.get_color() for a in dashed] == list(sweep_figure.COLOURS[:2])


def test_without_labels_there_is_the_spread_alone():
    rows = swept(method=["ressl", "rsa"])
    for each in rows:
        each.update(knn_top1=None, knn_top1_untrained=None)
    (panel,) = sweep_figure.draw(rows).axes
    assert line(panel, sweep_figure.COLOURS[0], "o") == [[0, 0.9], [1, 0.9]]


def start(*arguments):
    tiny = [f"--{name}={value}" for name, value in TINY.items()]
    words = [sys.executable, "-m", "ressl_tf.sweep", *tiny, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, cwd=ROOT, start_new_session=True, **pipes)


@pytest.mark.slow
def test_two_real_runs_interrupted_and_resumed(photos, tmp_path):
    """Ctrl-C, which reaches the sweep and its run, as soon as a checkpoint is there."""
    flags = [f"--dataset=folder:{photos}", TEMPS, f"--output={tmp_path}"]
    child = start(*flags)
    deadline = time.monotonic() + 600
    while not list(tmp_path.glob("*/checkpoints/step-*")):
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=600)
    assert child.returncode == 0, err
    assert json.loads(out)["interrupted"]
    assert "stopped by SIGINT after step" in err
    assert err.splitlines()[-1].endswith("; the same command goes on from here")
    child = start(*flags, "--judge=linear")
    out, err = child.communicate(timeout=900)
    assert child.returncode == 0, err
    first, second, total = map(json.loads, out.splitlines())
    assert "going on from" in err
    assert total["ok"] + total["collapsed"] == total["runs"] == 2
    for each in (first, second):
        assert each["steps"] == 9
        assert 0.5 <= each["linear_top1"] <= 1
        rows = pathlib.Path(each["workdir"], "metrics.jsonl").read_text().splitlines()
        assert json.loads(rows[-1])["knn_top1"] == each["knn_top1"]
    assert first["loss"] != second["loss"]
    assert "linear_top1" in (tmp_path / "table.md").read_text()
