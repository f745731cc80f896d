"""What is read off a written report."""

import json
import re

REQUESTED = "performance.getEntriesByType('resource').map((entry) => entry.name)"


def data_of(path):
    """Return the data that the scripts of a page read."""
    found = re.search(
        r'<script type="application/json" id="report-data">(.*?)</script>',
        path.read_text(encoding="utf-8"),
        re.DOTALL,
    )
    return json.loads(found[1])


def wait(browser, script):
    """Wait until a script returns something that is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20, 0.05).until(lambda b: b.execute_script(script))
