"""From a config to a compiled model, ready to be trained from any step."""

import importlib
from typing import Any

import keras

from ressl_tf.config import Config
from ressl_tf.config.method_table import METHODS
from ressl_tf.config.own_backbone import is_own
from ressl_tf.engine import precision
from ressl_tf.engine.optimizers import LARS, SGD, AdamW
from ressl_tf.engine.schedules import Cosine, Restart, WarmupConstant, WarmupCosine
from ressl_tf.methods.base import SSLModel
from ressl_tf.runtime import distribute
from ressl_tf.runtime.errors import UsageError
from ressl_tf.runtime.host import physical_memory

COPIES = 4  # of a weight: online, target, gradient, velocity
JIT_COMPILE: dict[str, Any] = {"auto": "auto", "on": True, "off": False}


def make_model(config: Config, steps_per_epoch: int = 1, strategy=None) -> SSLModel:
    """Build and compile the model; its random weights are a function of the seed.

    Args:
        config: of the run.
        steps_per_epoch: of the run, for schedules.
        strategy: of the run; None for one device.
    """
    keras.utils.set_random_seed(config.seed)
    strategy = strategy or distribute.strategy("one")
    with strategy.scope():
        with precision.policy(config.mixed_precision):
            model = build_model(config, steps_per_epoch)
        model.compile(
            build_optimizer(config, steps_per_epoch),
            jit_compile=JIT_COMPILE[config.jit_compile],
            steps_per_execution=config.steps_per_execution,
        )
        model.optimizer.build(model.trainable_variables)
    model.guard.action = config.on_nan
    return model


def build_model(config: Config, steps_per_epoch: int = 1) -> SSLModel:
    """Build the model that `config` describes, with random weights.

    Args:
        config: of the run.
        steps_per_epoch: of the run, for schedules; a model that is not trained has
            none.
    """
    method = method_class(config.method)
    _check_memory(config, "queue_size" in method.options)
    return method(
        **method.parts_from(config), **_options(method, config, steps_per_epoch)
    )


def check_backbone(config: Config) -> None:
    """Refuse a user's network that cannot be trained, before the data is opened.

    Raises:
        UsageError: says what is wrong with it.
    """
    if not is_own(config.backbone):
        return
    with precision.policy(config.mixed_precision):
        method_class(config.method).check_own_backbone(config)


def _options(method: type[SSLModel], config: Config, steps_per_epoch: int) -> dict:
    """Return the plain arguments that a method names in `options`, by name.

    What is "auto" in the config, or is no flag, is left to the method.
    """
    values = {**vars(config), "total_steps": config.total_epochs * steps_per_epoch}
    for option, flag in method.counted_in_epochs.items():
        values[option] = round(values[flag] * steps_per_epoch)
    given = {name: values[name] for name in method.options if name in values}
    return {name: value for name, value in given.items() if value != "auto"}


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


def _check_memory(config, queue: bool) -> None:
    """Refuse queues and heads that this machine could not even hold once.

    Linux would give the memory, and kill the process when it is filled.
    """
    head = config.hidden_dim * max(config.embedding_dim, config.predictor_dim)
    values = config.queue_size * config.embedding_dim if queue else 0
    needed, there = 4 * (values + COPIES * head), physical_memory()
    if there and needed > there:
        raise UsageError(
            "queue and heads of --queue_size, --hidden_dim, --embedding_dim and "
            f"--predictor_dim must fit into the machine's {there / 2**30:.1f} GiB. "
            f"Received: {needed / 2**30:.1f} GiB"
        )


def _schedule(
    config: Config, steps_per_epoch: int, epochs: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Make the learning rate of so many epochs: a warm-up, then cosine or constant."""
    warmup_steps = round(min(config.warmup_epochs, epochs) * steps_per_epoch)
    if config.lr_schedule == "constant":
        return WarmupConstant(config.learning_rate, warmup_steps)
    return WarmupCosine(
        config.learning_rate,
        warmup_steps=warmup_steps,
        total_steps=epochs * steps_per_epoch,
        hold=steps_per_epoch if config.cosine_per_epoch else 1,
    )


def _decay(config: Config, steps_per_epoch: int) -> Any:
    """Return the weight decay: a number, or a cosine over --epochs."""
    start, end = config.weight_decay, config.weight_decay_end
    return Cosine(start, end, config.epochs * steps_per_epoch) if end else start


def build_optimizer(config: Config, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Make SGD, LARS or AdamW with a warm-up, then a cosine or a constant rate."""
    schedule = _schedule(config, steps_per_epoch, config.epochs)
    if config.extend_epochs:
        extension = _schedule(config, steps_per_epoch, config.extend_epochs)
        schedule = Restart(schedule, config.epochs * steps_per_epoch, extension)
    clip_norm = config.clip_norm
    if config.optimizer == "adamw":
        decay = _decay(config, steps_per_epoch)
        return AdamW(schedule, decay, config.decay_bias_and_norm, clip_norm=clip_norm)
    options = (config.sgd_momentum, config.weight_decay, config.decay_bias_and_norm)
    if config.optimizer == "lars":
        trust = config.trust_coefficient
        return LARS(schedule, *options, trust, clip_norm=clip_norm)
    return SGD(schedule, *options, clip_norm=clip_norm)
