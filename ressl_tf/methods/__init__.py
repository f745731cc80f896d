"""One method a file; `config.method_table` has a row for each."""

from ressl_tf.runtime import backend

backend.check()
