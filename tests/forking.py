"""Many processes of `ressl_tf.train` that share one import of TensorFlow.

    python tests/forking.py < commands

Each line of stdin is a command's flags as a JSON list; a process is forked that runs it
as `python -m ressl_tf.train` would, with stdout and stderr in the file LOG of
`--workdir`'s name. Its id goes to stdout at once, its status when it has ended.
"""

import json
import os
import signal
import sys

from ressl_tf import command, pretraining, train
from ressl_tf.config import Config

assert pretraining  # TensorFlow is imported, and no device of it is in use


def run(log: str, flags: list[str]) -> int:
    """The command in this process, with its output in `log`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    return command.run(train.main, Config, "", flags)


if __name__ == "__main__":
    for line in sys.stdin:
        log, flags = json.loads(line)
        process = os.fork()
        if process == 0:
            status = run(log, flags)
            sys.stdout.flush()
            os._exit(status)
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)
