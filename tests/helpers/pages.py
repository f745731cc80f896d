"""What is read off a written report."""

import json
import re


def data_of(path):
    """Return the data that the scripts of a page read."""
    found = re.search(
        r'<script type="application/json" id="report-data">(.*?)</script>',
        path.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    return json.loads(found[1])
