"""A student that draws in few evaluations what a trained model draws in many, with its guidance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from noisette.config.names import MOST_EVALUATIONS, STRONGEST
from noisette.config.recipe import Recipe, dump_recipe, lengthened, parse_recipe
from noisette.errors import RequestError
from noisette.inference.loading import load
from noisette.progress import Progress
from noisette.sampling.settings import usual_sampling
from noisette.store.run import Run
from noisette.training.start import distil as start
from noisette.training.watcher import Nobody, Watcher

BUDGET = "10m"
GENTLER = 0.3
"""Of the learning rate that the teacher had: its student begins where it ended."""
FURTHER = 2.0
"""As far as people go: from the scale of a recipe to the strongest that its student learns."""


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

    evaluations: of the network, for an image of the student. guidance: the strongest scale that the student learns,
    with all between it and 1 (Meng et al. 2023); twice that of the run's recipe unless given, where that guides at all.
    out: the folder, runs/NAME-in-EVALUATIONS unless given. budget, 10m unless given, epochs, steps, settings, queue,
    watcher, progress: as in `noisette.train`.

    Raises RequestError for what cannot be; else as `noisette.train`.
    """
    generator = load(run)
    watcher = watcher or Nobody()
    for note in (*generator.notes, *([generator.model.warning] if generator.model.warning else [])):
        watcher.note(note)
    name = Path(run).resolve().name
    if generator.model.recipe.distillation is None:
        generator.choices.sampling(guidance=guidance)  # refuses what the teacher cannot
    recipe = recipe_of(generator.model.recipe, str(run), evaluations, guidance)
    _check(settings)
    lengths = lengthened(budget, epochs, steps) or [f'training.budget="{BUDGET}"']
    recipe = parse_recipe(dump_recipe(recipe), source=str(run), overrides=[*lengths, *settings])
    folder = Path(out) if out is not None else Path("runs") / f"{name}-in-{evaluations}"
    return start(
        recipe, generator.network, generator.model.schema, folder, queue=queue, watcher=watcher, progress=progress
    )


def _check(settings: Sequence[str]) -> None:
    """Raises RequestError for what must stay as the teacher has it."""
    for setting in settings:
        key = setting.partition("=")[0].strip()
        if not key.startswith(("training.", "samples.", "condition.drop_")) and key not in (
            "distillation.steps",
            "summary",
        ):
            raise RequestError(
                f"{key} is the teacher's; of a student, training, samples, condition.drop_... and distillation.steps"
                " can be set"
            )


def recipe_of(teacher: Recipe, name: str, evaluations: int, strongest: float | None = None) -> Recipe:
    """The recipe of a student: the teacher's network and data, a few levels, a gentler learning rate. Raises
    RequestError where it cannot be.

    strongest: scale of guidance; as in `distil`.
    """
    if teacher.distillation is not None:
        raise RequestError(f"{name} is a student itself; distil its teacher, {teacher.distillation.teacher}")
    if teacher.diffusion.target == "noise":
        raise RequestError(
            f"{name} answers with the noise, from which one step cannot tell an image; train a teacher with"
            " diffusion.target = velocity"
        )
    if not 1 <= evaluations <= MOST_EVALUATIONS:
        raise RequestError(f"a student draws in 1 to {MOST_EVALUATIONS} evaluations, not {evaluations}")
    usual = usual_sampling(teacher.samples).guidance
    if strongest is None:
        strongest = min(FURTHER * usual.scale, STRONGEST) if usual.scale > 1 else usual.scale
    low, high = sorted((1.0, strongest))
    values = teacher.model_dump(exclude_none=True)
    values["summary"] = f"{name} in {evaluations} evaluation{'s' if evaluations > 1 else ''}"
    if (
        teacher.samples.complete
    ):  # it only ever sees whole requests; where an open one leads from a noise would be much more to learn
        values["condition"] |= {"drop_all": 0.0, "drop_each": 0.0}
    values["diffusion"] |= {"weighting": "plain"}  # by SNR, the noisiest level would hardly count
    values["training"] |= {
        "learning_rate": GENTLER * teacher.training.learning_rate,
        "precision": "auto",
        "layout": "auto",
        "compile": "auto",
    }
    learned = {"guidance": min(max(usual.scale, low), high), "guidance_interval": [0.0, 1.0], "guidance_rescale": 0.0}
    values["samples"] |= {
        "sampler": "ddim",
        "steps": evaluations,
        "spacing": "time",
        "eta": 0.0,
        "churn": 0.0,
        **learned,
    }
    values["distillation"] = {
        "teacher": name,
        "evaluations": evaluations,
        "guidance": [low, high],
        "guidance_interval": list(usual.interval),
        "guidance_rescale": usual.rescale,
    }
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RequestError(
            f"{name} cannot be distilled to {evaluations} evaluations: {error.errors()[0]['msg']}"
        ) from error
