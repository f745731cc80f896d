r"""Compare runs over a grid of flags: a JSON line a run, a table and a picture.

    python -m ressl_tf.sweep --flagfile=configs/r18_narrow.flags --epochs=5 \
        --grid=teacher_temp=.03,.04,.05 --grid=method=ressl,ressl_plus \
        --grid=seed=0,1

It takes the flags of ressl_tf.train; each combination of the grid's values is a run
with those flags, one after the other, each in a process and a folder of its own. All
are checked before the first one starts; --dry_run only lists them. The same command
again goes on where it stopped: runs that are done are not done again, failed ones are
tried again. The grid may grow and the evaluation may change; other flags of training
may not.
"""

import sys
from collections.abc import Iterator

from ressl_tf.config.sweep_config import SweepConfig
from ressl_tf.runtime import command


def main(config: SweepConfig) -> Iterator[dict]:
    """Run the grid, or with --dry_run list its runs."""
    # After parsing, as the picture's library takes a second to load.
    from ressl_tf.sweeps import run_grid

    return run_grid.plan(config) if config.dry_run else run_grid.sweep(config)


if __name__ == "__main__":
    sys.exit(command.run(main, SweepConfig, __doc__, tensorflow=False))
