"""The packages of the wheel, and how the files of flags come into it.

All else is in pyproject.toml. The files of flags lie at the top of the checkout, where
people look for them. A wheel has them in one file: 31 that say nearly the same take a
quarter of the space together.
"""

import json
import pathlib

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

PAGE = "ressl_tf.evaluate.report.page"  # templates and scripts, no Python
PACKED = "ressl_tf/config/flagfiles.json"  # runtime/flag_files.py reads it


class BuildWithFlagFiles(build_py):
    """Build the packages, and pack the files of flags beside them."""

    def run(self):
        """Write name -> text of all of them; an editable install reads `configs/`."""
        super().run()
        if self.editable_mode:
            return
        paths = sorted(pathlib.Path("configs").glob("*.flags"))
        texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
        packed = pathlib.Path(self.build_lib) / PACKED
        packed.write_text(json.dumps(texts, indent=0), encoding="utf-8")


setup(
    packages=[*find_packages(include=["ressl_tf*"]), PAGE],
    cmdclass={"build_py": BuildWithFlagFiles},
)
