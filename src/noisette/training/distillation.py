"""Distillation: a model that draws in few network evaluations what another draws in many, with its guidance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from noisette.config.names import MOST_NFE, STRONGEST
from noisette.config.recipe import Recipe, dump_recipe, lengthened, parse_recipe
from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError
from noisette.files.output import expand, new_folder
from noisette.inference.loading import planner_of, with_network
from noisette.progress import Progress
from noisette.store.locate import locate
from noisette.store.run import Run, check_new
from noisette.training.callback import Callback, NullCallback
from noisette.training.checks import check_recipe

BUDGET = "10m"
GENTLER = 0.3
"""Of the learning rate that the teacher had: its weights are where the distilled model begins."""
FURTHER = 2.0
"""As far as people go: from the scale of a recipe to the strongest that is distilled."""


def distil(
    run: str | Path,
    *,
    nfe: int = 1,
    out: str | Path | None = None,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    settings: Sequence[str] = (),
    queue: bool = False,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Run:
    """Distil a run, or a shipped model, into a new run folder.

    Args:
        run: The teacher.
        nfe: Network evaluations for an image of the distilled model.
        out: The new folder; runs/NAME-in-NFE unless given.
        budget: Wall-clock time such as "20m"; 10m unless this, epochs or steps are given.
        epochs: Passes over the data, instead of a budget.
        steps: Optimiser steps, instead of a budget.
        guidance: The strongest scale that is distilled, with all between it and 1 (Meng et al. 2023); twice that of the
            teacher's recipe unless given, where that guides at all.
        settings: "KEY=VALUE" overrides of the recipe.
        queue: Wait until nothing else trains on this machine.
        callback: Told of each step.
        progress: Called with the bytes of a download that are there, and all of them.

    Returns:
        The finished run.

    Raises:
        RequestError: For what cannot be; else as `noisette.train`.
    """
    # Nothing of this loads PyTorch, so that a wrong request is refused at once.
    bundle = locate(run)
    weights = bundle.weights()
    planner = planner_of(bundle, weights)
    name = expand(run).resolve().name
    if planner.recipe.distillation is None:
        planner.resolve(SamplingSettings.of(guidance=guidance))  # refuses what the teacher cannot
    recipe = recipe_of(planner.recipe, str(run), nfe, guidance)
    _check(settings)
    lengths = lengthened(budget, epochs, steps) or [f'training.budget="{BUDGET}"']
    recipe = parse_recipe(dump_recipe(recipe), source=str(run), overrides=[*lengths, *settings])
    folder = new_folder(out if out is not None else Path("runs") / f"{name}-in-{nfe}")
    check_recipe(recipe, planner.schema)
    check_new(folder)
    from noisette.training.start import distil as start

    generator, callback = with_network(planner, weights), callback or NullCallback()
    for note in (*generator.notes, *([generator.model.warning] if generator.model.warning else [])):
        callback.on_note(note)
    return start(
        recipe, generator.network, generator.model.schema, folder, queue=queue, callback=callback, progress=progress
    )


def _check(settings: Sequence[str]) -> None:
    """Raises RequestError for what must stay as the teacher has it."""
    for setting in settings:
        key = setting.partition("=")[0].strip()
        free = key.startswith(("training.", "sampling.", "samples.", "condition.drop_"))
        if not free and key not in ("distillation.steps", "summary"):
            raise RequestError(
                f"{key} is the teacher's; of a distilled model, training, sampling, samples, condition.drop_... and"
                " distillation.steps can be set"
            )


def recipe_of(teacher: Recipe, name: str, nfe: int, strongest: float | None = None) -> Recipe:
    """The recipe of a distilled model: the teacher's network and data, a few levels, a gentler learning rate.

    Args:
        teacher: The recipe of the teacher.
        name: Of the teacher.
        nfe: Network evaluations for an image.
        strongest: Guidance scale; as in `distil`.

    Raises:
        RequestError: It cannot be distilled.
    """
    if teacher.distillation is not None:
        raise RequestError(f"{name} is distilled itself; distil its teacher, {teacher.distillation.teacher}")
    if teacher.diffusion.target == "noise":
        raise RequestError(
            f"{name} answers with the noise, from which one step cannot tell an image; train a teacher with"
            " diffusion.target = velocity"
        )
    if not 1 <= nfe <= MOST_NFE:
        raise RequestError(f"a distilled model draws in 1 to {MOST_NFE} network evaluations, not {nfe}")
    usual = teacher.sampling.guidance
    if strongest is None:
        strongest = min(FURTHER * usual.scale, STRONGEST) if usual.scale > 1 else usual.scale
    low, high = sorted((1.0, strongest))
    values = teacher.model_dump(exclude_none=True)
    values["summary"] = f"{name} in {nfe} evaluation{'s' if nfe > 1 else ''}"
    if teacher.sampling.impute:
        # It only ever sees whole requests; where an open one leads from a noise would be much more to learn.
        values["condition"] |= {"drop_all": 0.0, "drop_each": 0.0}
    values["diffusion"] |= {"weighting": "plain"}  # by SNR, the noisiest level would hardly count
    values["training"] |= {
        "learning_rate": GENTLER * teacher.training.learning_rate,
        "precision": "auto",
        "layout": "auto",
        "compile": "auto",
    }
    values["sampling"] |= {"sampler": "ddim", "steps": nfe, "spacing": "time", "eta": 0.0, "churn": 0.0}
    values["sampling"]["guidance"] = {"scale": min(max(usual.scale, low), high)}
    values["distillation"] = {
        "teacher": name,
        "nfe": nfe,
        "guidance": [low, high],
        "guidance_interval": list(usual.interval),
        "guidance_rescale": usual.rescale,
    }
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise RequestError(f"{name} cannot be distilled to {nfe} evaluations: {error.errors()[0]['msg']}") from error
