"""What a Keras user expects of a model besides `fit`: its signature, and `export`."""

import inspect
from typing import Any

import keras
import tensorflow as tf

from ressl_tf.engine.trainable import Trainable
from ressl_tf.methods.arguments import check_known, check_values

OF_KERAS = ("name", "dtype", "trainable")  # arguments of any `keras.Model`


class ConstructorSignature:
    """A signature that a class has, but its instances, which are called, have not.

    Args:
        signature: of the constructor.
    """

    def __init__(self, signature: inspect.Signature):
        self.signature = signature

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("an instance is called as Keras's __call__ says")
        return self.signature


class KerasModel(Trainable):
    """A trainable model with a constructor and an export that explain themselves.

    `inspect.signature` of a subclass shows the arguments of all classes that its
    `**kwargs` pass on to, for `help` and editors; an unknown one is refused before
    anything is built.
    """

    __signature__: ConstructorSignature

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class its signature."""
        super().__init_subclass__(**kwargs)
        cls.__signature__ = ConstructorSignature(signature_of(cls))

    def __new__(cls, *args: Any, **kwargs: Any) -> "KerasModel":
        """Refuse arguments that no class of the model has, or values of other types."""
        allowed = [*cls.__signature__.parameters, *cls.former_arguments(), *OF_KERAS]
        check_known(cls.__name__, kwargs, allowed)
        check_values(kwargs, cls.__signature__.parameters)
        return super().__new__(cls, *args, **kwargs)

    @classmethod
    def former_arguments(cls) -> tuple[str, ...]:
        """Return names that arguments had in earlier versions, which go on working."""
        return ()

    def input_specs(self) -> list[Any]:
        """Return what `export` lets the model take, the type that Keras asks for last.

        Each is a `tf.TensorSpec`, or a structure of them.
        """
        raise NotImplementedError

    def exported_part(self) -> keras.layers.Layer:
        """Return the layer with the variables that an export needs."""
        raise NotImplementedError

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Export what `predict` computes, as Keras does; nothing need be called first.

        The SavedModel has an endpoint `serve`, for each type of `input_specs`, and the
        variables that it needs: target and queue stay behind. `python -m
        ressl_tf.export` writes one that trains further, with a model card.
        """
        specs = self.input_specs()
        if input_signature is not None or format != "tf_saved_model":
            signature = [specs[-1]] if input_signature is None else input_signature
            super().export(filepath, format, verbose, signature, **kwargs)
            return
        archive = keras.export.ExportArchive()
        archive.track(self.exported_part())
        serve = tf.function(lambda inputs: self(inputs, training=False))
        for spec in specs:
            serve.get_concrete_function(spec)
        archive.add_endpoint("serve", serve)
        archive.write_out(filepath, verbose=True if verbose is None else verbose)


def signature_of(cls: type) -> inspect.Signature:
    """Return the arguments of a class, those that its `**kwargs` pass on among them.

    A parent's positional arguments are the class's own business.
    """
    named = inspect.Parameter.KEYWORD_ONLY
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    found: dict[str, inspect.Parameter] = {}
    for parent in cls.__mro__[: cls.__mro__.index(keras.Model)]:
        if "__init__" not in vars(parent):
            continue
        parameters = inspect.signature(vars(parent)["__init__"]).parameters.values()
        kinds = (named,) if found else (named, positional)
        own = {p.name: p for p in list(parameters)[1:] if p.kind in kinds}
        found = {**found, **{n: p for n, p in own.items() if n not in found}}
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return inspect.Signature(sorted(found.values(), key=lambda p: p.kind))
