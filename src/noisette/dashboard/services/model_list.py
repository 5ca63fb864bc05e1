"""The list of models and runs: read anew each time, for trainings write while people look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noisette.config.recipe import Recipe
from noisette.errors import NoisetteError
from noisette.inference.plan import Plan
from noisette.sampling.presets import FILE, OLD_FILE
from noisette.store.bundle import Bundle
from noisette.store.locate import bundles, find_weights, locate
from noisette.store.naming import name_of


@dataclass(frozen=True)
class ListedModel:
    """A model folder, as it was when the list was read.

    Attributes:
        name: As `load` takes it.
        title: What a person calls it.
        state: `shipped`, `damaged`, or the state of the training.
        folder: Where it is.
        recipe: None where it cannot be read.
        trains: Whether there is a training to watch and to go on with.
        step: Of the newest checkpoint; 0 if there is none.
        progress: Of the training, 0 to 1.
        loss: The last one; None before the first.
        at: The step at which the training is.
        seconds: How long it has trained.
        rate: Images a second.
        thumbnail: A picture of what it draws.
        figures: What was measured when it was shipped; empty if nothing.
        changed: When it, or its table of presets, was made, in seconds since the epoch.
        problem: Why it cannot be used, in a line; empty if it can.
    """

    name: str
    title: str
    state: str
    folder: Path
    recipe: Recipe | None = None
    trains: bool = True
    step: int = 0
    progress: float = 1.0
    loss: float | None = None
    at: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    thumbnail: Path | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    changed: float = 0.0
    problem: str = ""

    @property
    def drawable(self) -> bool:
        """Whether there are weights to draw with; what no training writes has them."""
        return not self.problem and (self.step > 0 or not self.trains)


def list_models(runs: Path) -> list[ListedModel]:
    """The shipped models, then the runs in a folder, the newest first; a damaged run is listed with its problem.

    Args:
        runs: The folder of runs, which need not exist.
    """
    return [_listed(bundle) for bundle in bundles(runs)]


def find_model(name: str, models: Sequence[ListedModel]) -> ListedModel | None:
    """The model of that name, among those of the list alone: a name from a browser never becomes a path."""
    return next((model for model in models if model.name == name), None)


def find_drawer(plan: Plan, models: Sequence[ListedModel]) -> ListedModel | None:
    """The model of the list that has the weights of a picture; else one of the name that the picture says, whose other
    weights draw otherwise.
    """
    listed: dict[Bundle, ListedModel] = {}
    for model in models:
        with suppress(NoisetteError):  # it has gone since the list was read
            listed[locate(model.name)] = model
    with suppress(NoisetteError):  # its weights are damaged: whoever loads the model is told
        if (found := find_weights(plan.weights, listed)) is not None:
            return listed[found[0]]
    name = name_of(plan.run)
    return find_model(plan.run, models) or next((each for each in models if name_of(each.name) == name), None)


def _listed(bundle: Bundle) -> ListedModel:
    try:
        status = bundle.status  # read once: its parts belong together
        return ListedModel(
            name=bundle.name,
            title=bundle.title,
            state=str(status["state"]) if status else bundle.state,
            folder=bundle.folder,
            recipe=bundle.recipe,
            step=max(bundle.steps, default=0),
            thumbnail=bundle.thumbnail,
            figures=bundle.figures,
            changed=_changed(bundle.folder),
            **_standing(status),
        )
    except (NoisetteError, OSError, LookupError, TypeError, ValueError) as error:
        return ListedModel(
            bundle.name, bundle.title, "damaged", bundle.folder, problem=str(error) or "it is half written"
        )


def _standing(status: Mapping[str, Any]) -> dict[str, Any]:
    """Where a training stands, by the status that it writes; empty where there is none."""
    if not status:
        return {"trains": False}
    return {
        "progress": float(status["progress"]),
        "loss": status.get("loss"),
        "at": int(status["step"]),
        "seconds": float(status["seconds"]),
        "rate": float(status["images_per_second"]),
    }


def _changed(folder: Path) -> float:
    """When a model or its table of presets was written last."""
    return max(path.stat().st_mtime for name in ("recipe.toml", FILE, OLD_FILE) if (path := folder / name).is_file())
