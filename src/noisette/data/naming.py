"""Which paths may be a person's images, and those that may have been meant by one that is not there."""

from __future__ import annotations

import re
from pathlib import Path

from noisette.errors import RequestError
from noisette.files.nearby import nearby
from noisette.files.output import expand

_OF_MANY = (".zip", ".npy", ".npz", ".tar", ".gz", ".idx3-ubyte", ".parquet", ".arrow")
"""Suffixes of single files that hold many images."""
_SHEET = re.compile(r"\d{1,3}x\d{1,3}\.\w+$")
"""The end of the name of a sprite sheet, which says how large its tiles are."""


def is_run(path: Path) -> bool:
    """Whether a folder is a run, or holds runs, and is no folder of images."""
    try:
        return (path / "recipe.toml").is_file() or any(path.glob("*/recipe.toml"))
    except (OSError, ValueError):  # a name that no file can have
        return False


def may_hold_images(path: Path) -> bool:
    """Whether a path is that of a folder, or of a file of a kind that holds many images."""
    try:
        if path.is_dir():
            return not is_run(path)
        return path.is_file() and (path.suffix.lower() in _OF_MANY or _SHEET.search(path.name) is not None)
    except (OSError, ValueError):
        return False


def images_near(name: str) -> list[str]:
    """The folders of images, and files of many, whose names are nearest to one that is not there."""
    try:
        return nearby(str(expand(name)), may_hold_images)
    except RequestError:  # a name that no folder can have
        return []
