"""Sweeps without processes, and rows of their results."""

from ressl_tf.config import Config
from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.runtime import flags
from ressl_tf.runtime.errors import Interrupted, RunError
from ressl_tf.sweeps import grid
from ressl_tf.sweeps import run_grid as sweeping

TEMPS = "--grid=teacher_temp=.03,.04"


def parse(*arguments):
    return flags.parse(SweepConfig, arguments)


def planned(*arguments):
    return grid.runs(parse(*arguments))


class Runner:
    """A stand-in for the processes that notes its calls; some of them fail."""

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
    """Return the lines of a sweep, and how it ended."""
    made = []
    try:
        made.extend(sweeping.sweep(config, runner))
    except RunError as error:
        return made, error
    return made, None


def collect(config, runner):
    """Return the lines as `lines` does, also when the sweep stops in the middle."""
    made = []
    try:
        for line in sweeping.sweep(config, runner):
            made.append(line)
    except (RunError, Interrupted) as error:
        return made, error
    return made, None


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


def swept(**values):
    """Return rows of all combinations of values, kNN by position, not collapsed."""
    names = list(values)
    runs = planned(
        *(f"--grid={n}={','.join(map(str, values[n]))}" for n in names), "--output=o"
    )
    return [row(run.values, 0.3 + 0.01 * i, 0.9) for i, run in enumerate(runs)]
