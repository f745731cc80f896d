"""From the name of a method to its class."""

import importlib

from ressl_tf.config.method_table import METHODS
from ressl_tf.methods.base import SSLModel
from ressl_tf.runtime.errors import UsageError


def method_class(name: str) -> type[SSLModel]:
    """Import the class of a method.

    Args:
        name: a row of `config.method_table`.

    Raises:
        UsageError: the table has no such name.
    """
    if name not in METHODS:
        raise UsageError(
            f"--method must be one of {', '.join(METHODS)}. Received: {name}"
        )
    module, _, class_name = METHODS[name].home.partition(":")
    return getattr(importlib.import_module(module), class_name)


def import_all() -> None:
    """Import every method, so that Keras knows the classes of a saved model."""
    for name in METHODS:
        method_class(name)
