"""Networks: encoder, classifier, heads, the queue of keys and the moving average."""

from ressl_tf.runtime import backend

backend.check()
