"""What a user gives to `fit` and `evaluate`: by name, and checked where Keras does not.

Keras takes these and goes on: weights of samples that nothing reads, and a callback
that sets a learning rate which cannot be set, found out at its first plateau.
"""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from ressl_tf.runtime.errors import UsageError

log = logging.getLogger("ressl_tf")
Schedule = keras.optimizers.schedules.LearningRateSchedule
SETTERS = (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler)


def by_name(
    function: Callable, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a call's arguments by name.

    Args:
        function: a method of `keras.Model`.
        args: positional ones, without `self`.
        kwargs: the others.
    """
    bound = inspect.signature(function).bind(None, *args, **kwargs).arguments
    named = dict(list(bound.items())[1:])
    return named | named.pop("kwargs", {})


def refuse_weights(given: Mapping[str, Any]) -> None:
    """Refuse weights of samples and classes.

    Args:
        given: arguments by name.

    Raises:
        UsageError: there are some.
    """
    for name in ("class_weight", "sample_weight"):
        if given.get(name) is not None:
            raise UsageError(
                f"{name} has no meaning in a loss without labels, which relates the "
                "images to one another; leave it out, or repeat in the data what "
                f"should count more. Received: {name}={type(given[name]).__name__}"
            )


def check_compiled(model: keras.Model) -> None:
    """Refuse to fit a model that has no optimizer.

    Raises:
        UsageError: says how to get one.
    """
    if not model.compiled:
        raise UsageError(
            "the model has no optimizer: model.compile(ressl_tf.SGD(0.06)), with your "
            "learning rate, comes before fit"
        )


def warn_of_losses(model: keras.Model) -> None:
    """Warn of a loss and metrics given to `compile`, which a method never computes.

    Args:
        model: a compiled one.
    """
    given = {"loss": "_compile_loss", "metrics": "_compile_metrics"}
    if unused := [name for name, kept in given.items() if getattr(model, kept, None)]:
        log.warning(
            "compile: %s without effect, since the method has a loss of its own and "
            "there are no labels; leave it out",
            ", ".join(unused),
        )


def in_order(callbacks: Any) -> Any:
    """Return callbacks, those first that add to the logs what others watch.

    Args:
        callbacks: as `fit` takes them.
    """
    if not isinstance(callbacks, list | tuple):
        return callbacks
    return sorted(callbacks, key=lambda c: not getattr(c, "adds_to_logs", False))


def check_callbacks(
    callbacks: Any, optimizer: keras.optimizers.Optimizer | None
) -> None:
    """Refuse callbacks that would set the learning rate of a schedule.

    Args:
        callbacks: as `fit` takes them.
        optimizer: of the model.

    Raises:
        UsageError: names the callback.
    """
    rate = getattr(optimizer, "_learning_rate", None)
    listed = getattr(callbacks, "callbacks", callbacks) or []
    setters = [c for c in keras.tree.flatten(listed) if isinstance(c, SETTERS)]
    if setters and isinstance(rate, Schedule):
        raise UsageError(
            f"{type(setters[0]).__name__} sets the learning rate, which follows a "
            "schedule: compile with a number, as SGD(0.06), or leave the callback out. "
            f"Received: learning_rate={type(rate).__name__}"
        )
