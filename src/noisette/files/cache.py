"""The user's cache folder: downloads, exported networks, and what was measured of models that are not the user's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import make_folder
from noisette.files.output import expand

CACHE_VARIABLE = "NOISETTE_CACHE"
HINT = f"set {CACHE_VARIABLE} to a folder with room that can be written"

_NOWHERE = Path(os.devnull) / "noisette"
"""The cache folder of a user without a home: there is nothing in it, and nothing can be written into it."""


def cache_folder() -> Path:
    """Where downloads, and what was read from them, are kept: $NOISETTE_CACHE or the user's cache folder."""
    try:
        folder = expand(os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("noisette"))
    except (RequestError, RuntimeError):  # a user without a home; the second of older versions of platformdirs
        return _NOWHERE
    return _NOWHERE if folder.parts[0].startswith("~") else folder  # of a user whom the system does not know


def keep_libraries_in_cache() -> None:
    """Have the libraries that we load keep in our cache what they would keep in the home folder or a temporary one.

    To be called before they are imported. Who said where, or has settings of matplotlib, has their way. Where the cache
    cannot be written nothing is said, and they choose: PyTorch cannot be imported with a folder that cannot be made.
    """
    homes = {"TORCHINDUCTOR_CACHE_DIR": "inductor"}
    if not _has_settings_of_matplotlib():
        homes["MPLCONFIGDIR"] = "matplotlib"
    missing = {name: cache_folder() / home for name, home in homes.items() if name not in os.environ}
    for name, folder in missing.items():
        if _can_be_written(folder):
            os.environ[name] = str(folder)


def advice(error: OSError) -> str:
    """What to do about a refusal of the disk, where it was the cache that was refused; else nothing.

    Args:
        error: The refusal.

    Returns:
        `"; set NOISETTE_CACHE ..."`, or nothing.
    """
    names = [name for name in (error.filename, error.filename2) if isinstance(name, str)]
    return f"; {HINT}" if any(Path(name).is_relative_to(cache_folder()) for name in names) else ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the right to write `path` in the cache. Raises NoisetteError where the cache cannot be written."""
    from filelock import FileLock

    try:
        make_folder(path.parent)
        with FileLock(path.with_name(path.name + ".lock")):
            yield
    except OSError as error:
        raise NoisetteError(f"cannot write {path}: {error.strerror or error}; {HINT}") from error


def _can_be_written(folder: Path) -> bool:
    """Whether a folder is there to be written; it is made. Nothing but trying tells: permissions do not know it all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except (OSError, ValueError):
        return False


def _has_settings_of_matplotlib() -> bool:
    return any(os.path.isdir(os.path.expanduser(each)) for each in ("~/.config/matplotlib", "~/.matplotlib"))  # noqa: PTH111, PTH112
