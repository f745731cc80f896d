"""The packages of the wheel; all else is in pyproject.toml.

The files of flags lie at the top of the checkout, where people look for them, and
inside the package once it is installed.
"""

from setuptools import find_packages, setup

FLAG_FILES = "ressl_tf.config.flagfiles"
PAGE = "ressl_tf.evaluate.report.page"  # templates and scripts, no Python

setup(
    packages=[*find_packages(include=["ressl_tf*"]), FLAG_FILES, PAGE],
    package_dir={FLAG_FILES: "configs"},
)
