"""A student that draws in few evaluations, without guidance, what a trained model draws in many, with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from noisette.config import Recipe, dump_recipe, lengthened, parse_recipe
from noisette.data.fetch import Progress
from noisette.errors import RequestError
from noisette.generation import load
from noisette.training.run import Run
from noisette.training.start import distil as start
from noisette.training.watcher import Nobody, Watcher

BUDGET = "10m"
GENTLER = 0.3
"""Of the learning rate that the teacher had: its student begins where it ended."""


def distil(
    run: str | Path,
    *,
    evaluations: int = 1,
    out: str | Path | None = None,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    settings: Sequence[str] = (),
    queue: bool = False,
    watcher: Watcher | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train a student of a run, or of a shipped model, into a new run folder and return it.

    evaluations: of the network, for an image of the student. guidance: the scale that the student learns; that of the run's recipe unless
    given. out: the folder, runs/NAME-in-EVALUATIONS unless given. budget, 10m unless given, epochs, steps, settings, queue, watcher,
    progress: as in `noisette.train`.

    Raises RequestError for what cannot be; else as `noisette.train`.
    """
    generator = load(run)
    name = Path(run).resolve().name
    recipe = recipe_of(generator.model.recipe, str(run), evaluations, generator.sampling(guidance=guidance).guidance.scale)
    lengths = lengthened(budget, epochs, steps) or [f'training.budget="{BUDGET}"']
    recipe = parse_recipe(dump_recipe(recipe), source=str(run), overrides=[*lengths, *settings])
    folder = Path(out) if out is not None else Path("runs") / f"{name}-in-{evaluations}"
    return start(recipe, generator.network, generator.model.schema, folder, queue=queue, watcher=watcher or Nobody(), progress=progress)


def recipe_of(teacher: Recipe, name: str, evaluations: int, guidance: float) -> Recipe:
    """The recipe of a student: the teacher's network and data, a few levels, a gentler learning rate. Raises RequestError for no evaluations."""
    if teacher.distillation is not None:
        raise RequestError(f"{name} is a student itself; distil its teacher, {teacher.distillation.teacher}")
    values = teacher.model_dump(exclude_none=True)
    values["summary"] = f"{name} in {evaluations} evaluation{'s' if evaluations > 1 else ''}"
    values["training"] |= {"learning_rate": GENTLER * teacher.training.learning_rate, "precision": "auto", "layout": "auto", "compile": "auto"}
    values["samples"] |= {"sampler": "ddim", "steps": evaluations, "spacing": "time", "eta": 0.0, "churn": 0.0, "guidance": 1.0}
    values["distillation"] = {"teacher": name, "evaluations": evaluations, "guidance": guidance}
    try:
        return Recipe.model_validate(values)
    except ValueError as error:
        raise RequestError(f"a student draws in 1 to 16 evaluations, not {evaluations}") from error
