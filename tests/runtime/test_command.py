"""What a command line prints."""

import dataclasses
import logging

from ressl_tf.runtime import command
from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class Nothing:
    """A command without use."""

    epochs: int = option(1, "No use.")


def test_names_with_control_characters_steer_no_terminal(capsys):
    def main(config):
        logging.getLogger("ressl_tf").info("\x1b]0;title\x07 \x9b31m\r%s\tb\nc", "ä")

    assert command.run(main, Nothing, "", [], tensorflow=False) == 0
    shown = capsys.readouterr().err
    assert shown == "\\x1b]0;title\\x07 \\x9b31m\\rä\tb\nc\n"
