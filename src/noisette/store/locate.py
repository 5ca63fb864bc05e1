"""From the name of a model to its folder, and from the SHA-256 of weights to the model that keeps them: the only place
that knows names.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from noisette.config.recipe import Recipe, load_recipe, recipe_names
from noisette.errors import NoisetteError, RequestError
from noisette.files.output import expand
from noisette.files.reading import MEND
from noisette.store.bundle import Bundle, Weights
from noisette.store.naming import is_run, name_of, why_no_run
from noisette.store.run import Run
from noisette.store.shipped import Shipped, home, shipped_names

_ABOVE = 4  # folders above a picture in which its run is looked for
_MOST_BESIDE = 2000  # folders in one that are looked at


def locate(name: str | Path) -> Bundle:
    """The model of a name: a run folder, or one that ships with the package. A folder of that name wins.

    Raises:
        RequestError: there is neither.
    """
    if not isinstance(name, str | Path):
        raise RequestError(f"a run is named by its folder or by the name of a model, not {name!r}")
    shipped, folder = shipped_names(), expand(name)
    if is_run(folder):
        return Run(folder)
    if str(name) in shipped:
        return Shipped(home() / str(name))
    raise RequestError(why_no_run(str(folder), shipped))


def recipe_of(name: str | Path) -> Recipe:
    """The recipe of that name; else that of a model.

    Args:
        name: Of a recipe that ships, or of a model as `locate` takes it.

    Raises:
        RequestError: There is neither.
    """
    return load_recipe(str(name)) if str(name) in recipe_names() else locate(name).recipe


def find_weights(sha256: str, among: Iterable[Bundle]) -> tuple[Bundle, Weights] | None:
    """The model that keeps certain weights, whatever it is called. Only a file that a manifest names is hashed.

    Args:
        sha256: Of their file, which says exactly what drew an image.
        among: Models in which they may be.

    Returns:
        The first model that keeps them whole, and the weights; None if none keeps them.

    Raises:
        NoisetteError: The only ones that keep them have them damaged.
    """
    damaged: NoisetteError | None = None
    for bundle in among:
        if (step := _step_of(bundle, sha256)) is None:
            continue
        try:
            return bundle, bundle.weights(step if bundle.steps else None)
        except (NoisetteError, OSError) as error:
            damaged = damaged or NoisetteError(f"{bundle.name}: {str(error).replace('; leave it out', f'; {MEND}')}")
    if damaged is not None:
        raise damaged
    return None


def around(file: Path, run: str) -> Iterator[Bundle]:
    """The models that may have drawn a picture, the likeliest first.

    They are what its run is called, then the runs beside it and in the folders above it, under runs/ of each, and in
    the current folder and its runs/, and the models that ship. The work is bounded, wherever the picture lies.

    Args:
        file: The picture.
        run: What it calls its run: a name, or of older versions a path.
    """
    name, shipped = name_of(run), shipped_names()
    likely = [name] if name in shipped else []
    yield from (Shipped(home() / each) for each in likely)
    here = [Path(), *islice(_above(file), _ABOVE)]
    homes = [place for folder in here for place in (folder / "runs", folder)]
    named = [] if run.startswith(("//", "\\\\")) else [Path(run)]  # another machine's is not asked for
    found = itertools.chain(named, here, (folder / name for folder in homes), *map(_folders, homes))
    seen: set[str] = set()
    for folder in found:
        if is_run(folder) and (real := os.path.realpath(folder)) not in seen:
            seen.add(real)
            yield Run(folder)
    yield from (Shipped(home() / each) for each in shipped if each not in likely)


def names() -> list[str]:
    """The names that are no folders: those of the models that ship."""
    return shipped_names()


def find(name: str | Path) -> Bundle | None:
    """The same, or None where there is nothing of that name."""
    try:
        return locate(name)
    except (RequestError, OSError):  # a name from a file may be one that no folder can have
        return None


def bundles(runs: Path) -> list[Bundle]:
    """All there is to look at: the models that ship, then the runs in a folder, the newest first."""
    shipped: list[Bundle] = [Shipped(home() / name) for name in shipped_names()]
    folders = (path for path in runs.iterdir() if not path.name.startswith(".")) if runs.is_dir() else ()
    found = [Run(path) for path in folders if (path / "recipe.toml").is_file()]
    return [*shipped, *sorted(found, key=_age)]


def _step_of(bundle: Bundle, sha256: str) -> int | None:
    """The same as `Bundle.step_of`; None of a folder that is damaged, and has nothing to do with it, perhaps."""
    try:
        return bundle.step_of(sha256)
    except (NoisetteError, OSError):
        return None


def _above(file: Path) -> Iterator[Path]:
    """The folder of a file, and those above it."""
    with suppress(OSError):
        yield from file.resolve().parents


def _folders(home: Path) -> Iterator[Path]:
    """What lies in a folder, in the order of its names, as far as a person may have runs there."""
    with suppress(OSError, ValueError):
        names = sorted(islice((path for path in home.iterdir() if not path.name.startswith(".")), _MOST_BESIDE))
        yield from names


def _age(run: Run) -> float:
    """Smaller is newer."""
    try:
        return -(run.folder / "status.json").stat().st_mtime
    except OSError:
        return 0.0
