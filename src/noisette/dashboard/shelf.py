"""What models and runs there are to look at: read anew each time, for trainings write while people look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from noisette.config.recipe import Recipe
from noisette.errors import NoisetteError
from noisette.sampling.presets import FILE
from noisette.store.run import Run
from noisette.store.shipped import open_shipped_recipe, shipped_names, shipped_samples


@dataclass(frozen=True)
class Item:
    """A model or a run. name: as `load` takes it. state: `shipped`, or that of the training. step: of the newest
    checkpoint, 0 if there is none; at, progress (0 to 1), seconds, rate (images a second): where the training is.
    changed: when it, or its table of qualities, was made, in seconds since the epoch. problem: why it cannot be used,
    in a line.
    """

    name: str
    title: str
    state: str
    recipe: Recipe | None
    step: int = 0
    progress: float = 1.0
    loss: float | None = None
    at: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    thumbnail: Path | None = None
    changed: float = 0.0
    problem: str = ""

    @property
    def drawable(self) -> bool:
        """Whether there are weights to draw with."""
        return not self.problem and (self.state == "shipped" or self.step > 0)


def shelf(runs: Path) -> list[Item]:
    """The shipped models, then the runs in a folder, the newest first.

    A run that is damaged is there with its problem.
    """
    shipped = [
        Item(name, name, "shipped", open_shipped_recipe(name), thumbnail=shipped_samples(name))
        for name in shipped_names()
    ]
    folders = (
        [path for path in runs.iterdir() if (path / "recipe.toml").is_file() and not path.name.startswith(".")]
        if runs.is_dir()
        else []
    )
    return [*shipped, *(_item(path) for path in sorted(folders, key=_age))]


def find(name: str, items: Sequence[Item]) -> Item | None:
    """The item of that name, among those that are there alone: a name from a browser never becomes a path."""
    return next((item for item in items if item.name == name), None)


def _item(folder: Path) -> Item:
    run, title = Run(folder), f"{folder.parent.name}/{folder.name}"  # never that of a shipped model
    try:
        recipe, status = run.recipe, run.status
        samples = sorted(run.samples.glob("*.png"))
        return Item(
            name=str(folder),
            title=title,
            state=str(status["state"]),
            recipe=recipe,
            step=run.steps[-1] if run.steps else 0,
            progress=float(status["progress"]),
            loss=status.get("loss"),
            at=int(status["step"]),
            seconds=float(status["seconds"]),
            rate=float(status["images_per_second"]),
            thumbnail=samples[-1] if samples else None,
            changed=max(path.stat().st_mtime for path in (folder / "recipe.toml", folder / FILE) if path.is_file()),
        )
    except (NoisetteError, OSError, LookupError, TypeError, ValueError) as error:
        return Item(str(folder), title, "damaged", None, problem=str(error) or "it is half written")


def _age(folder: Path) -> float:
    """Smaller is newer."""
    try:
        return -(folder / "status.json").stat().st_mtime
    except OSError:
        return 0.0
