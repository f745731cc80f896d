"""What a user says: every flag of every command, and every name that it may take."""

from ressl_tf.config.pretrain_config import Config

__all__ = ["Config"]
