"""The user's cache folder: downloads, exported networks, and what was measured of models that are not the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock

from noisette.errors import NoisetteError

CACHE_VARIABLE = "NOISETTE_CACHE"


def cache_folder() -> Path:
    """Where downloads, and what was read from them, are kept: $NOISETTE_CACHE or the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_cache_dir("noisette"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the right to write `path` in the cache. Raises NoisetteError where the cache cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(path.name + ".lock")):
            yield
    except OSError as error:
        raise NoisetteError(
            f"cannot write {path}: {error.strerror or error}; set {CACHE_VARIABLE} to a folder with room that can be"
            " written"
        ) from error
