"""Which variables decay where biases and normalisation are spared."""

import re

import keras

# Attention has biases of rank 2, and the positions of a ViT are one of rank 3.
SPARED = re.compile(r"(^|/)bias$|pos(ition)?(al)?_?emb|(cls|class)_?(token|emb)")


def is_matrix(variable: keras.Variable) -> bool:
    """Return whether a variable is a kernel: no bias, scale, position or class token.

    Papers decay these alone, and LARS scales the steps of these alone.

    Args:
        variable: its rank and path say so.
    """
    return variable.shape.rank > 1 and not SPARED.search(variable.path.lower())
