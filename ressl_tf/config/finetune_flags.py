"""The flags of fine-tuning's optimizer."""

import dataclasses

from ressl_tf.runtime.flags import option


@dataclasses.dataclass(frozen=True)
class FinetuneFlags:
    """How a network is fine-tuned; linear evaluation is by SGD."""

    optimizer: str = option(
        "sgd",
        "Optimizer: sgd; or adamw, as ViTs are fine-tuned, with rates of a hundredth "
        "(--learning_rate=1e-3 --encoder_learning_rate=1e-3 --layer_decay=.75).",
        group="optimizer",
        choices=("sgd", "adamw"),
    )
    clip_norm: float = option(
        0.0,
        "Largest norm of the gradient of all weights together; a longer one is scaled "
        "down to it. 0: none.",
        low=0.0,
        high=1e6,
    )
    decay_bias_and_norm: bool = option(
        True, "Decay biases, normalisation and positions too (ViTs: no)."
    )
