"""The body of every command line: parse, run, print one JSON line, exit."""

import contextlib
import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import absl.logging

from ressl_tf.runtime import (
    backend,
    flags,
    gpu,
    leaving,
    mirrors,
    quiet_import,
    signals,
)
from ressl_tf.runtime.errors import Interrupted, RunError, UsageError
from ressl_tf.runtime.flag_help import help_text

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # but for tab and line break


def run(
    main: Callable[[Any], dict | Iterable[dict] | None],
    config_class: type,
    doc: str,
    arguments: Sequence[str] | None = None,
    *,
    tensorflow: bool = True,
) -> int:
    """Run `main(config)` and return the exit status.

    Everything printed meanwhile goes to stderr. The dict that `main` returns is the
    last line of stdout, as JSON. Where `main` returns several, each is printed as soon
    as it is there. A user's mistake is one line and status 2, a failure one line and
    status 1. A run that stopped gracefully has status 143 after SIGTERM, 138 after
    SIGUSR1 and 130 after SIGINT, so that nobody takes it for a finished one, and its
    JSON line says that it was interrupted. `--traceback` among the arguments shows
    where an error of a line was raised, too.

    Args:
        main: takes an instance of `config_class`.
        config_class: a dataclass whose fields are made by `flags.option`.
        doc: printed on top of `--help`.
        arguments: without the program's name; None for those of the process.
        tensorflow: whether `main` uses it.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if any(argument in flags.HELP_FLAGS for argument in arguments):
        with contextlib.suppress(BrokenPipeError):  # --help | head
            print(help_text(config_class, doc), flush=True)
        return 0
    signals.obey_as_first_process()
    traced = flags.TRACEBACK_FLAG in arguments
    arguments = [word for word in arguments if word != flags.TRACEBACK_FLAG]
    try:
        config: Any = flags.parse(config_class, arguments)
        backend.check()
        stdout = sys.stdout
        with contextlib.redirect_stdout(sys.stderr), _shown_progress():
            if tensorflow:
                _import_quietly()
                _warn_of_idle_gpus()
            for line in _lines(main(config)):
                print(json.dumps(line), file=stdout, flush=True)
            mirrors.settle_all()
    except UsageError as error:
        _show_traceback(traced)
        print(f"error: {error} (--help lists all flags)", file=sys.stderr)
        return leaving.by(2)
    except RunError as error:
        _show_traceback(traced)
        print(f"error: {error}", file=sys.stderr)
        return leaving.by(1)
    except Interrupted as stop:
        stop.show(sys.stdout)
        return leaving.by(stop.status)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _show_traceback(asked: bool) -> None:
    if asked:
        traceback.print_exc()


def _lines(result: dict | Iterable[dict] | None) -> Iterable[dict]:
    if result is None:
        return ()
    return (result,) if isinstance(result, dict) else result


class _Printable(logging.Formatter):
    """A format whose lines steer no terminal, whatever names of files they show."""

    def format(self, record: logging.LogRecord) -> str:
        return CONTROL.sub(
            lambda found: found[0].encode("unicode_escape").decode(),
            super().format(record),
        )


@contextlib.contextmanager
def _shown_progress() -> Iterator[None]:
    """Show the package's log lines, bare, on stderr; of TFDS only the errors."""
    absl.logging.set_verbosity(absl.logging.ERROR)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    log = logging.getLogger("ressl_tf")
    before = log.handlers, log.propagate, log.level
    log.handlers, log.propagate = [handler], False
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.handlers, log.propagate = before[:2]
        log.setLevel(before[2])


def _warn_of_idle_gpus() -> None:
    if warning := gpu.idle_gpu_warning():
        logging.getLogger("ressl_tf").warning(warning)


def _import_quietly() -> None:
    """Import TensorFlow and list the devices: no GPU is no error worth a line."""
    tf = quiet_import.tensorflow()
    with quiet_import.without_notes():
        tf.config.list_physical_devices()
