"""Arguments of views under the names that they had in version 0.1.0."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ressl_tf.runtime import flags

Function = TypeVar("Function", bound=Callable[..., Any])
FORMER = {  # -> those of the flags
    "jitter_p": "color_jitter_prob",
    "grayscale_p": "grayscale_prob",
    "blur_p": "blur_prob",
    "flip_p": "flip_prob",
}


def accepted(function: Function) -> Function:
    """Decorate a function that makes views: earlier names of arguments go on working.

    One that the function itself has stays.
    """
    own = inspect.signature(function).parameters
    former = {old: new for old, new in FORMER.items() if old not in own}

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **flags.renamed_arguments(kwargs, former))

    return call  # type: ignore[return-value]
