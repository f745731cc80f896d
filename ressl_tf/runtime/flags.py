"""From a frozen dataclass to flags, their help, their limits and one clear error.

A field is declared by `option`; `parse` turns an argument list into an instance.
Nothing here imports TensorFlow: `--help` is quick.
"""

import dataclasses
import logging
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from absl import flags as absl_flags

from ressl_tf.runtime.errors import UsageError

T = TypeVar("T")
log = logging.getLogger("ressl_tf")
HELP_FLAGS = ("--help", "-help", "--helpfull", "--helpshort", "-h", "-?")


def option(
    default: Any,
    help: str,
    *,
    group: str = "",
    choices: Callable[[], Sequence[str]] | Sequence[str] | None = None,
    low: float | None = None,
    high: float | None = None,
    free: bool = False,
    any_length: bool = False,
    repeated: bool = False,
    former: Sequence[str] = (),
) -> Any:
    """A dataclass field that is a flag.

    Args:
        default: its type (bool, int, float, str, or a tuple of numbers or texts alike)
            is the flag's.
        help: what it does, and what happens when it is too high or too low.
        group: heading in `--help`; empty continues the previous one.
        choices: allowed strings, or a function that returns them.
        low: smallest allowed number.
        high: largest allowed number.
        free: may differ when a run is resumed.
        any_length: of a tuple: not just as many as the default has. One or more, or
            none where the default is empty, which is of floats.
        repeated: a tuple of texts, one for each time that the flag is given: for
            texts with commas.
        former: earlier names of the flag, which go on working.
    """
    metadata = {
        "help": help,
        "group": group,
        "choices": choices,
        "low": low,
        "high": high,
        "free": free,
        "any_length": any_length or repeated,
        "repeated": repeated,
        "former": tuple(former),
    }
    return dataclasses.field(default=default, metadata=metadata)


def free_fields(cls: type) -> frozenset[str]:
    """Names of the flags that may differ when a run is resumed."""
    return frozenset(f.name for f in dataclasses.fields(cls) if f.metadata["free"])


def choices(field: dataclasses.Field) -> Sequence[str] | None:
    """The allowed strings of a field, None for any."""
    allowed = field.metadata["choices"]
    return allowed() if callable(allowed) else allowed


def check(config: Any) -> None:
    """Checks every field of `config` against its type, choices and limits.

    Raises:
        UsageError: names the flag, what was received and what is allowed.
    """
    for field in dataclasses.fields(config):
        _check_value(field, getattr(config, field.name))


def _check_value(field, value):
    if not _has_type(field, value):
        raise UsageError(
            f"--{field.name} must be {_type_name(field)}. Received: {value!r}"
        )
    for part in value if isinstance(value, tuple) else (value,):
        _check_choice(field, part)
        _check_limits(field, part)


def _check_choice(field, value):
    allowed = choices(field)
    if allowed is not None and value not in allowed:
        raise UsageError(
            f"--{field.name} must be one of {', '.join(allowed)}. Received: {value}"
        )


def _has_type(field, value) -> bool:
    if not isinstance(field.default, tuple):
        return _is_a(type(field.default), value)
    if not isinstance(value, tuple) or (field.default and not value):
        return False
    long = field.metadata["any_length"] or len(value) == len(field.default)
    return long and all(_is_a(_part_type(field), part) for part in value)


def _part_type(field) -> type:
    if field.metadata["repeated"]:
        return str
    return type(field.default[0]) if field.default else float


def _is_a(expected: type, value) -> bool:
    if isinstance(value, bool):  # which is an int too
        return expected is bool
    return isinstance(value, (int, float) if expected is float else expected)


def _check_limits(field, number):
    low, high = field.metadata["low"], field.metadata["high"]
    below, above = low is not None, high is not None
    # Written so that NaN fails too.
    if (below and not number >= low) or (above and not number <= high):
        raise UsageError(f"--{field.name} must be {_limits(field)}. Received: {number}")


def _limits(field) -> str:
    low, high = field.metadata["low"], field.metadata["high"]
    if low is not None and high is not None:
        return f"between {low} and {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def _type_name(field) -> str:
    if isinstance(field.default, tuple):
        parts = {int: "whole numbers", float: "numbers", str: "texts"}
        count = "" if field.metadata["any_length"] else f"{len(field.default)} "
        return f"{count}comma-separated {parts[_part_type(field)]}"
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
    }
    return names[type(field.default)]


def parse(cls: type[T], arguments: Sequence[str]) -> T:
    """An instance of `cls` from an argument list, `--flagfile=` included.

    Later flags win over earlier ones, so that `--flagfile` goes first.

    Raises:
        UsageError: for anything that is not a flag of `cls` or not a value it allows.
    """
    values = _define(cls)
    try:
        rest = values(["program", *arguments])[1:]
    except (absl_flags.Error, ValueError) as error:
        message = str(error).replace("ERROR:: ", "")
        raise UsageError(" ".join(message.split())) from None
    if rest:
        raise UsageError(f"arguments are flags, --name=value. Received: {rest[0]}")
    for former, name in former_names(cls).items():
        if values[former].present:
            log.warning("--%s is called --%s now", former, name)
    return cls(**{field.name: _value(values, field) for field in _fields(cls)})


def _define(cls) -> absl_flags.FlagValues:
    values = absl_flags.FlagValues()
    define = {
        bool: absl_flags.DEFINE_boolean,
        int: absl_flags.DEFINE_integer,
        float: absl_flags.DEFINE_float,
        str: absl_flags.DEFINE_string,
        tuple: absl_flags.DEFINE_list,
    }
    for field in _fields(cls):
        default = field.default
        if isinstance(default, tuple):
            default = [str(part) for part in default]
        kind = type(field.default)
        repeated = field.metadata["repeated"]
        (absl_flags.DEFINE_multi_string if repeated else define[kind])(
            field.name, default, field.metadata["help"], flag_values=values
        )
        for former in field.metadata["former"]:
            absl_flags.DEFINE_alias(former, field.name, values)
    absl_flags.DEFINE_string("flagfile", "", "", flag_values=values)
    return values


def former_names(cls: type) -> dict[str, str]:
    """Return earlier names of the flags of `cls`, each with today's."""
    fields = dataclasses.fields(cls)
    return {old: field.name for field in fields for old in field.metadata["former"]}


def renamed(cls: type, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a stored config under the names that flags have today.

    Args:
        cls: the config's class; `cls.ignored(stored)`, where it has that, names the
            flags that the run did not use.
        stored: as an earlier version wrote it. Where it has a flag under both names,
            the earlier name is the one that was used.
    """
    former = former_names(cls)
    ignored = cls.ignored(stored) if hasattr(cls, "ignored") else ()
    stored = {name: value for name, value in stored.items() if name not in ignored}
    kept = {name: value for name, value in stored.items() if name not in former}
    return kept | {former[name]: stored[name] for name in stored if name in former}


def renamed_arguments(
    given: Mapping[str, Any], former: Mapping[str, str]
) -> dict[str, Any]:
    """Return keyword arguments under today's names, and warn of earlier ones.

    Args:
        given: of a constructor.
        former: earlier name -> today's.
    """
    for old in former.keys() & given.keys():
        log.warning("the argument %s is called %s now", old, former[old])
    return {former.get(name, name): value for name, value in given.items()}


def _value(values, field):
    value = values[field.name].value
    if not isinstance(field.default, tuple):
        return value
    try:
        parts = tuple(_part_type(field)(part) for part in value)
    except ValueError:
        parts = None
    if not _has_type(field, parts):
        raise UsageError(
            f"--{field.name} must be {_type_name(field)}. Received: {','.join(value)}"
        )
    return parts


def arguments(config: Any, cls: type | None = None) -> list[str]:
    """What `parse` takes to make the same config: the flags that are not as by default.

    Args:
        config: a dataclass of flags.
        cls: its own class, which is what None stands for, or one that it extends: only
            the flags of that.
    """
    texts = []
    for field in _fields(cls or type(config)):
        value = getattr(config, field.name)
        if value != field.default:
            shown = value if field.metadata["repeated"] else [as_text(value)]
            texts += [f"--{field.name}={part}" for part in shown]
    return texts


def as_text(value: Any) -> str:
    """A flag's value as it is written on a command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fields(cls):
    return dataclasses.fields(cls)


def help_text(cls: type, doc: str, width: int = 88) -> str:
    """What `--help` prints: the module's text, then the flags under their headings."""
    parts = [doc.strip(), ""]
    for field in _fields(cls):
        if field.metadata["group"]:
            parts += ["", field.metadata["group"].upper()]
        parts += _flag_help(field, width)
    parts += ["", "GENERAL", "  --flagfile=PATH"]
    parts += ["      flags from a file, one a line, # comments; later flags win"]
    parts += ["  --help", "      this text"]
    return "\n".join(parts)


def _flag_help(field, width):
    text = field.metadata["help"]
    allowed = choices(field)
    if allowed:
        text += f" One of: {', '.join(allowed)}."
    if field.metadata["low"] is not None or field.metadata["high"] is not None:
        text += f" ({_limits(field)})"
    indent = " " * 6
    body = textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent)
    return [f"  --{field.name}={as_text(field.default)}", *body]
