"""What is too much for one page: pictures and data in a folder beside it."""

import dataclasses
import hashlib
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ressl_tf.runtime.atomic import replacing

OWN = re.compile(r"(plain|weak|strong|data)(-\d+)?-[0-9a-f]{12}\.(jpg|js)")


@dataclasses.dataclass(frozen=True)
class Folder:
    """The files beside a page, under names that tell their contents.

    An earlier page's have other names: while these are written, it stays whole.

    Attributes:
        page: path of the page.
        files: name -> content; empty for a page that holds all itself.
    """

    page: pathlib.Path
    files: Mapping[str, bytes]

    @property
    def path(self) -> pathlib.Path:
        """Of the folder: report_data beside report.html."""
        return self.page.with_name(f"{self.page.stem}_data")

    @property
    def addresses(self) -> dict[str, str]:
        """What a page calls the files: "data", "plain-0", ... -> relative address."""
        folder = quote(self.path.name)
        return {name.rpartition("-")[0]: f"{folder}/{name}" for name in self.files}

    def write(self) -> None:
        """Write the files, each whole or not at all."""
        for name, content in self.files.items():
            self.path.mkdir(exist_ok=True)
            with replacing(self.path / name) as temporary:
                temporary.write_bytes(content)

    def remove_others(self) -> None:
        """Remove the files of an earlier page, and the folder where it is empty."""
        if not self.path.is_dir():
            return
        for old in self.path.iterdir():
            if OWN.fullmatch(old.name) and old.name not in self.files:
                old.unlink()
        if not any(self.path.iterdir()):
            self.path.rmdir()


def filled(
    page: pathlib.Path, pictures: Mapping[str, bytes], data: dict[str, Any]
) -> Folder:
    """Return the folder of a page with its pictures, JPEG, and its data as a script."""
    script = f"window.reportData = {json.dumps(data)};\n".encode()
    contents = {f"{name}.jpg": picture for name, picture in pictures.items()}
    contents["data.js"] = script
    files = {}
    for file, content in contents.items():
        name, _, ending = file.partition(".")
        files[f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"] = content
    return Folder(page, files)
