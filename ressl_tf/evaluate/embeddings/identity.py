"""Which weights made some features."""

from ressl_tf.engine.checkpoint import sha256_of
from ressl_tf.models.encoder import Encoder


def weights_of(encoder: Encoder, embeddings: bool) -> str:
    """Return the SHA-256 of the weights behind features, or behind embeddings."""
    networks = [encoder.backbone]
    if embeddings and encoder.projector is not None:
        networks.append(encoder.projector)
    return sha256_of(networks)
