"""Names of files as text."""

import os

from ressl_tf.runtime.file_names import printable


def test_every_name_is_one_line_of_text():
    assert printable("/photos/äé 1 $.png") == "/photos/äé 1 $.png"
    assert printable(os.fsdecode(b"caf\xe9.png")) == r"caf\xe9.png"
    assert printable("two\nlines\t.png") == r"two\nlines\t.png"
    assert printable("of JSON: \ud800") == r"of JSON: \ud800"
