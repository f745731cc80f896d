"""Tables in Markdown."""

from ressl_tf.runtime import markdown


def test_columns_are_aligned_and_bars_escaped():
    text = markdown.table(["name", "x"], [["a|b", "1"], ["longer", "12345"]])
    assert text.splitlines() == [
        "| name   | x     |",
        "| ------ | ----- |",
        "| a\\|b   | 1     |",
        "| longer | 12345 |",
    ]


def test_a_compact_table_has_no_padding():
    text = markdown.table(["a", "b"], [["1", "2|3"]], aligned=False)
    assert text == "| a | b |\n|---|---|\n| 1 | 2\\|3 |"


def test_a_name_is_no_html_and_no_link():
    shown = markdown.plain("<script>x</script>\n# [a](b) `c` *d*")
    assert shown == ("&lt;script&gt;x&lt;/script&gt;\\\\n# \\[a\\](b) \\`c\\` \\*d\\*")
    assert markdown.plain("two_words & 3.5") == "two_words &amp; 3.5"
