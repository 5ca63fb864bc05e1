"""The list of models and runs: read anew each time, for trainings write while people look."""

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
class ListedModel:
    """A shipped model or a run.

    Args:
        name: As `load` takes it.
        title: What a person calls it.
        state: `shipped`, `damaged`, or the state of the training.
        recipe: None where it cannot be read.
        step: Of the newest checkpoint; 0 if there is none.
        progress: Of the training, 0 to 1.
        loss: The last one; None before the first.
        at: The step at which the training is.
        seconds: How long it has trained.
        rate: Images a second.
        thumbnail: A picture of what it draws.
        changed: When it, or its table of presets, was made, in seconds since the epoch.
        problem: Why it cannot be used, in a line; empty if it can.
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


def list_models(runs: Path) -> list[ListedModel]:
    """The shipped models, then the runs in a folder, the newest first; a damaged run is listed with its problem.

    Args:
        runs: The folder of runs, which need not exist.
    """
    shipped = [
        ListedModel(name, name, "shipped", open_shipped_recipe(name), thumbnail=shipped_samples(name))
        for name in shipped_names()
    ]
    folders = (
        [path for path in runs.iterdir() if (path / "recipe.toml").is_file() and not path.name.startswith(".")]
        if runs.is_dir()
        else []
    )
    return [*shipped, *(_listed(path) for path in sorted(folders, key=_age))]


def find_model(name: str, models: Sequence[ListedModel]) -> ListedModel | None:
    """The model of that name, among those of the list alone: a name from a browser never becomes a path."""
    return next((model for model in models if model.name == name), None)


def find_drawer(run: str, models: Sequence[ListedModel]) -> ListedModel | None:
    """The model that a picture names; by its last part where the picture was drawn from another folder."""
    last = Path(run).name
    return find_model(run, models) or next((model for model in models if Path(model.name).name == last), None)


def _listed(folder: Path) -> ListedModel:
    run, title = Run(folder), f"{folder.parent.name}/{folder.name}"  # never that of a shipped model
    try:
        recipe, status = run.recipe, run.status
        samples = sorted(run.samples.glob("*.png"))
        return ListedModel(
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
        return ListedModel(str(folder), title, "damaged", None, problem=str(error) or "it is half written")


def _age(folder: Path) -> float:
    """Smaller is newer."""
    try:
        return -(folder / "status.json").stat().st_mtime
    except OSError:
        return 0.0
