"""What `--help` prints."""

import dataclasses
import textwrap

from ressl_tf.runtime import flags


def help_text(cls: type, doc: str, width: int = 88) -> str:
    """Return what `--help` prints: `doc`, then the flags under their headings."""
    lines = [doc.strip(), ""]
    for field in dataclasses.fields(cls):
        if field.metadata["group"]:
            lines += ["", field.metadata["group"].upper()]
        lines += _flag_help(field, width)
    lines += ["", "GENERAL", "  --flagfile=PATH"]
    lines += ["      flags from a file, one a line, # comments; later flags win"]
    lines += ["  --traceback", "      where an error was raised, before its line"]
    lines += ["  --help", "      this text"]
    return "\n".join(lines)


def _flag_help(field: dataclasses.Field, width: int) -> list[str]:
    text = field.metadata["help"]
    allowed = flags.choices(field)
    if allowed:
        text += f" One of: {', '.join(allowed)}."
    if field.metadata["low"] is not None or field.metadata["high"] is not None:
        text += f" ({flags.limits(field)})"
    indent = " " * 6
    body = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)
    return [f"  --{field.name}={flags.as_text(field.default)}", *body]
