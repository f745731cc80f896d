"""Flags declared as a frozen dataclass: parsing, help, limits and clear errors.

A field is declared by `option`; `parse` turns an argument list into an instance.
Nothing here imports TensorFlow: `--help` is quick.
"""

import dataclasses
import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from absl import flags as absl_flags

from ressl_tf.runtime import flag_files, paths
from ressl_tf.runtime.errors import UsageError

T = TypeVar("T")
log = logging.getLogger("ressl_tf")
HELP_FLAGS = ("--help", "-help", "--helpfull", "--helpshort", "-h", "-?")
TRACEBACK_FLAG = "--traceback"


def option(
    default: Any,
    help: str,
    *,
    group: str = "",
    choices: Callable[[], Sequence[str]] | Sequence[str] | None = None,
    low: float | None = None,
    high: float | None = None,
    free: bool = False,
    path: bool | Sequence[str] = False,
    remote: bool = False,
    any_length: bool = False,
    repeated: bool = False,
    former: Sequence[str] = (),
) -> Any:
    """Declare a dataclass field that is a flag.

    Args:
        default: its type is the flag's: bool, int, float, str, or a tuple of numbers or
            texts of one type.
        help: what it does, and what happens when it is too high or too low.
        group: heading in `--help`; empty continues the previous one.
        choices: allowed strings, or a function that returns them.
        low: smallest allowed number.
        high: largest allowed number.
        free: whether it may differ when a run is resumed.
        path: whether a text is a path; or the prefixes behind which it is one.
        remote: whether an address, such as gs://bucket, may be the path.
        any_length: whether a tuple may have another length than the default: one or
            more values, or none where the default is empty. An empty default is a tuple
            of floats.
        repeated: whether the flag is given once for each text of a tuple, because the
            texts may hold commas.
        former: earlier names of the flag, which go on working.
    """
    metadata = {
        "help": help,
        "group": group,
        "choices": choices,
        "low": low,
        "high": high,
        "free": free,
        "path": None if path is False else () if path is True else tuple(path),
        "remote": remote,
        "any_length": any_length or repeated,
        "repeated": repeated,
        "former": tuple(former),
    }
    return dataclasses.field(default=default, metadata=metadata)


def free_fields(cls: type) -> frozenset[str]:
    """Return the names of the flags that may differ when a run is resumed."""
    return frozenset(f.name for f in dataclasses.fields(cls) if f.metadata["free"])


def choices(field: dataclasses.Field) -> Sequence[str] | None:
    """Return the allowed strings of a field; None where any is."""
    allowed: Any = field.metadata["choices"]
    return allowed() if callable(allowed) else allowed


def check(config: Any) -> None:
    """Check every field of `config` against its type, choices and limits.

    In paths `~` is expanded.

    Raises:
        UsageError: names the flag, what was received and what is allowed.
    """
    for field in dataclasses.fields(config):
        value, prefixes = getattr(config, field.name), field.metadata["path"]
        if prefixes is not None and isinstance(value, str | os.PathLike):
            remote = field.metadata["remote"]
            value = paths.local(value, f"--{field.name}", prefixes, remote)
            object.__setattr__(config, field.name, value)
        _check_value(field, value)


def _check_value(field: dataclasses.Field, value: Any) -> None:
    if not _has_type(field, value):
        raise UsageError(
            f"--{field.name} must be {_type_name(field)}. Received: {value!r}"
        )
    for element in value if isinstance(value, tuple) else (value,):
        _check_choice(field, element)
        _check_limits(field, element)


def _check_choice(field: dataclasses.Field, value: Any) -> None:
    allowed = choices(field)
    if allowed is not None and value not in allowed:
        raise UsageError(
            f"--{field.name} must be one of {', '.join(allowed)}. Received: {value}"
        )


def _has_type(field: dataclasses.Field, value: Any) -> bool:
    if not isinstance(field.default, tuple):
        return _is_a(type(field.default), value)
    if not isinstance(value, tuple) or (field.default and not value):
        return False
    long = field.metadata["any_length"] or len(value) == len(field.default)
    return long and all(_is_a(_element_type(field), element) for element in value)


def _element_type(field: dataclasses.Field) -> type:
    if field.metadata["repeated"]:
        return str
    default: Any = field.default
    return type(default[0]) if default else float


def _is_a(expected: type, value: Any) -> bool:
    if isinstance(value, bool):  # which is an int too
        return expected is bool
    return isinstance(value, (int, float) if expected is float else expected)


def _check_limits(field: dataclasses.Field, number: Any) -> None:
    low, high = field.metadata["low"], field.metadata["high"]
    below, above = low is not None, high is not None
    # Written so that NaN fails too.
    if (below and not number >= low) or (above and not number <= high):
        raise UsageError(f"--{field.name} must be {limits(field)}. Received: {number}")


def limits(field: dataclasses.Field) -> str:
    """Describe the allowed numbers of a field that has limits."""
    low, high = field.metadata["low"], field.metadata["high"]
    if low is not None and high is not None:
        return f"between {low} and {high}"
    return f"at least {low}" if low is not None else f"at most {high}"


def _type_name(field: dataclasses.Field) -> str:
    if isinstance(field.default, tuple):
        plurals = {int: "whole numbers", float: "numbers", str: "texts"}
        count = "" if field.metadata["any_length"] else f"{len(field.default)} "
        return f"{count}comma-separated {plurals[_element_type(field)]}"
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
    }
    return names[type(field.default)]


def parse(cls: type[T], arguments: Sequence[str]) -> T:
    """Parse an argument list, `--flagfile=` included, into an instance of `cls`.

    Later flags override earlier ones, so `--flagfile` goes first.

    Raises:
        UsageError: for anything that is not a flag of `cls` or not a value it allows.
    """
    return cls(**read(cls, arguments))


def read(cls: type, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the value of every flag; `cls` checks them when one is made of it.

    Raises:
        UsageError: for anything that is not a flag of `cls`.
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
    return {field.name: _value(values, field) for field in dataclasses.fields(cls)}


def _define(cls: type) -> absl_flags.FlagValues:
    values = flag_files.FlagValues()
    define: dict[type, Callable[..., Any]] = {
        bool: absl_flags.DEFINE_boolean,
        int: absl_flags.DEFINE_integer,
        float: absl_flags.DEFINE_float,
        str: absl_flags.DEFINE_string,
        tuple: absl_flags.DEFINE_list,
    }
    for field in dataclasses.fields(cls):
        default: Any = field.default
        if isinstance(default, tuple):
            default = [str(element) for element in default]
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
    """Return keyword arguments under today's names, and warn of earlier ones, once.

    Args:
        given: of a constructor.
        former: earlier name -> today's.
    """
    for old in former.keys() & given.keys():
        _say_once(old, former[old])
    return {former.get(name, name): value for name, value in given.items()}


@functools.cache
def _say_once(old: str, new: str) -> None:
    log.warning("the argument %s is called %s now", old, new)


def _value(values: absl_flags.FlagValues, field: dataclasses.Field) -> Any:
    value: Any = values[field.name].value
    if not isinstance(field.default, tuple):
        return value
    try:
        elements = tuple(_element_type(field)(text) for text in value)
    except ValueError:
        elements = None
    if not _has_type(field, elements):
        raise UsageError(
            f"--{field.name} must be {_type_name(field)}. Received: {','.join(value)}"
        )
    return elements


def as_written(config: Any) -> dict[str, Any]:
    """Return flag -> value, with paths as the user wrote them."""
    names = [field.name for field in dataclasses.fields(config)]
    return {name: paths.as_written(getattr(config, name)) for name in names}


def arguments(config: Any, cls: type | None = None) -> list[str]:
    """Return the argument list that `parse` turns into the same config.

    Flags that have their default are left out.

    Args:
        config: a dataclass of flags.
        cls: a class that it extends, to return the flags of that class alone; None for
            its own class.
    """
    texts: list[str] = []
    for field in dataclasses.fields(cls or type(config)):
        value = getattr(config, field.name)
        if value != field.default:
            shown = value if field.metadata["repeated"] else [as_text(value)]
            texts += [f"--{field.name}={text}" for text in shown]
    return texts


def as_text(value: Any) -> str:
    """Write a flag's value as it stands on a command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(paths.as_written(value))
