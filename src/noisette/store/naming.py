"""What a person meant by a name under which there is no run."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from noisette.config.recipe import recipe_names
from noisette.data.sources import SOURCES
from noisette.errors import as_nearest, closest
from noisette.files.nearby import nearby
from noisette.text import plain

_RECIPE = "recipe.toml"
_RUNS = Path("runs")  # where `noisette train` makes them
_A_RUN = "a run is the folder that `noisette train` made, such as runs/punks"
_MOST = 200  # entries of a folder that are looked at


def is_run(folder: Path) -> bool:
    """Whether there is a run in a folder, of a name that may be anything."""
    try:
        return (folder / _RECIPE).is_file()
    except (OSError, ValueError):  # a name that is too long, or a folder that is not to be looked into
        return False


def name_of(run: str) -> str:
    """The name of a run's folder, written on whichever system; or of a model that ships."""
    last = re.split(r"[\\/]", run.rstrip("\\/"))[-1]
    return last if last not in ("", ".", "..") else Path(run).resolve().name


def why_no_run(name: str, models: Sequence[str] = ()) -> str:
    """Why there is no run under a name, and what to write instead.

    Args:
        name: As a person wrote it.
        models: The models that ship, where one of them would do.
    """
    shown, path = plain(name, 80), Path(name)
    if not name:
        return f"the name of a run is empty; {_A_RUN}"
    try:
        mode = path.stat().st_mode
    except PermissionError as error:
        return f"cannot look at {shown}: {error.strerror}"
    except (OSError, ValueError):
        return _nothing(name, shown, models)
    if not stat.S_ISDIR(mode):
        return f"{shown} is a file, not a run; {_of_a_file(path, shown)}"
    if not os.access(path, os.R_OK | os.X_OK):
        return f"cannot look into {shown}: Permission denied"
    if (above := _within(path)) is not None:
        return f"no run (recipe.toml is missing) in {shown}, but in the folder above it: name {above}"
    runs = [each for each in _entries(path) if is_run(each)]
    if runs:
        return f"{shown} is a folder of runs, not a run; name one of them, such as {plain(str(min(runs)), 200)}"
    near = as_nearest(runs_near(name))
    if is_run(_RUNS / path.name):
        near = f"; name the run in runs/, {plain(str(_RUNS / path.name), 200)}"
    return f"no run (recipe.toml is missing) in {shown}{near or f'; {_A_RUN}'}"


def _nothing(name: str, shown: str, models: Sequence[str]) -> str:
    if is_run(_RUNS / name):
        return f"no folder {shown}; name the run in runs/, {_RUNS / name}"
    if name in recipe_names():
        return (
            f"{shown} is a recipe, and there is no run of it here; `noisette train {shown}` makes one in runs/{shown}"
        )
    if name in SOURCES:
        return f"{shown} is a data set, not a run; {_A_RUN}"
    near = as_nearest([*runs_near(name), *closest(name[:80], models)])
    if not models:
        return f"no folder {shown}{near}; {_A_RUN}"
    return (
        f"no folder {shown}, and no model of that name ships with noisette{near}; there are {', '.join(models)}, and"
        " the folders that `noisette train` made"
    )


def runs_near(name: str) -> list[str]:
    """The runs whose names are nearest, beside the folder of that name and in runs/."""
    return nearby(name, is_run, [_RUNS])


def _of_a_file(path: Path, shown: str) -> str:
    if path.suffix.lower() == ".png":
        return f"`noisette regenerate {shown}` draws a picture again"
    if (above := _within(path)) is not None:
        return f"its run is {above}"
    if path.suffix.lower() == ".toml":
        return f"`noisette train {shown}` trains a recipe"
    return _A_RUN


def _within(path: Path) -> Path | None:
    """The run that a file or folder lies in, up to two folders above it."""
    return next((above for above in islice(path.parents, 2) if is_run(above)), None)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(islice(folder.iterdir(), _MOST))
    except OSError:
        return []
