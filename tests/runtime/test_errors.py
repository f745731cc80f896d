"""What errors say."""

import pytest

from ressl_tf.runtime.errors import reason_of

WRAPPED = """Exception encountered when calling Odd.call().

\x1b[1mno such side\x1b[0m

Arguments received by Odd.call():
  • x=tf.Tensor(shape=(1, 2))"""
CONFIG = """<class 'Net'> could not be deserialized properly.

config={'module': None}.

Exception encountered: Unable to revive model.

Error encountered during deserialization: got 'trainable'"""
USER = """in user code:

    File "layer.py", line 3, in call  *
        return x.no

    AttributeError: no 'no'
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WRAPPED, "no such side"),
        (CONFIG, "got 'trainable'"),
        (USER, "AttributeError: no 'no'"),
        ("two\n lines", "two lines"),
        ("", "ValueError"),
        ("x" * 1000, "x" * 200 + " ..."),
        ("It fails. " + "If you " * 40, "It fails."),
        ("it fails " * 40, "it fails " * 21 + "it fails ..."),
    ],
)
def test_the_reason_is_what_the_error_itself_says(text, reason):
    assert reason_of(ValueError(text)) == reason


def test_names_of_files_leave_a_message_on_one_line():
    from ressl_tf.runtime.errors import RunError, UsageError

    for kind in (UsageError, RunError):
        error = kind("no image in /photos/two\nlines/caf\udce9.png")
        assert str(error) == "no image in /photos/two\\nlines/caf\\xe9.png"
        assert error._render_traceback_() == [f"{kind.__name__}: {error}"]
