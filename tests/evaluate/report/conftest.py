"""A report of a tiny run, with names that a page must not take for markup."""

import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from helpers.pages import data_of

NAMES = ("<img src=x onerror=alert(1)>", "\"double\" 'single' & \U0001f986")
LONG = "<script>" + "x" * 200


@pytest.fixture(scope="session")
def odd_photos(tmp_path_factory):
    """Write 30 photos of two classes with odd names, and one of a long name."""
    root = tmp_path_factory.mktemp("odd")
    generator = np.random.default_rng(0)
    for index in range(30):
        folder = root / NAMES[index % 2]
        folder.mkdir(exist_ok=True)
        image = generator.integers(0, 200, (16, 16, 3))
        image[..., index % 2] += 55
        encoded = tf.io.encode_png(tf.constant(image, tf.uint8)).numpy()
        (folder / f"{LONG if index == 3 else index}.png").write_bytes(encoded)
    return root


@pytest.fixture(scope="session")
def reported(unbroken, odd_photos, tmp_path_factory):
    """Return the JSON line, the file and the data of a report of the tiny run."""
    from ressl_tf.config.report_config import ReportConfig
    from ressl_tf.evaluate.report import written_report

    path = tmp_path_factory.mktemp("report") / "report.html"
    workdir, dataset = str(unbroken[1]), f"folder:{odd_photos}"
    config = ReportConfig(
        workdir=workdir, output=str(path), dataset=dataset, labels="folders"
    )
    return written_report.write(config), path, data_of(path)


@pytest.fixture(scope="session")
def browser():
    """Open headless Chromium, of Debian's chromium and chromium-driver."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is missing")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = selenium.ChromeOptions()
    options.binary_location = chromium
    flags = ["headless=new", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars"]
    flags += ["no-sandbox"] if os.geteuid() == 0 else []  # which root cannot have
    for flag in flags:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = selenium.ChromeService(driver)
    made = selenium.Chrome(options=options, service=service)
    made.set_window_size(1280, 900)
    yield made
    made.quit()
