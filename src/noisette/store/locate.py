"""From the name of a model to its folder: the only place that knows names."""

from __future__ import annotations

from pathlib import Path

from noisette.errors import RequestError, nearest
from noisette.files.output import expand
from noisette.store.bundle import Bundle
from noisette.store.run import Run, open_run
from noisette.store.shipped import Shipped, home, shipped_names


def locate(name: str | Path) -> Bundle:
    """The model of a name: a run folder, or one that ships with the package. A folder of that name wins.

    Raises:
        RequestError: there is neither.
    """
    if not isinstance(name, str | Path):
        raise RequestError(f"a run is named by its folder or by the name of a model, not {name!r}")
    name = expand(name)
    shipped = shipped_names()
    if str(name) in shipped and not (Path(name) / "recipe.toml").is_file():
        return Shipped(home() / str(name))
    if not Path(name).is_dir():
        raise RequestError(
            f"no folder {name}, and no model of that name ships with noisette{nearest(str(name), shipped)}; "
            f"there are {', '.join(shipped) or 'none'}, and the folders that `noisette train` made"
        )
    return open_run(Path(name))


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


def _age(run: Run) -> float:
    """Smaller is newer."""
    try:
        return -(run.folder / "status.json").stat().st_mtime
    except OSError:
        return 0.0
