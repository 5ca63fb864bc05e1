"""Starting a training and going on with one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.attributes.statistics import count
from noisette.config.data import open_data
from noisette.config.recipe import Recipe, lengthened, load_recipe
from noisette.config.sections import seconds
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import file_sha256
from noisette.files.output import expand, new_folder
from noisette.files.tensors import unlike
from noisette.inference.engine import Inputs, engine_of, in_pytorch
from noisette.model import Model, assemble
from noisette.progress import Progress
from noisette.store.run import Run, check_new, create_run, open_run, table_texts
from noisette.threads import steady
from noisette.training.budget import Budget
from noisette.training.callback import Callback, NullCallback
from noisette.training.grids import Grid
from noisette.training.queue import slot
from noisette.training.speed import Settings, choose, why_not_compiled
from noisette.training.state import check_fits
from noisette.training.stopping import stop_on_signals
from noisette.training.supervision import DataSupervision, Supervision, TeacherSupervision
from noisette.training.trainer import Trainer

_BYTES_PER_PARAMETER = 16  # itself, its gradient, and two moments; its average comes on top


@steady()
def train(
    recipe: str | Recipe,
    *,
    out: str | Path | None = None,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    settings: Sequence[str] = (),
    queue: bool = False,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train a recipe into a new run folder.

    Args:
        recipe: A name (see `noisette recipes`), a path to a TOML file, or a recipe.
        out: The folder; runs/NAME unless given.
        budget: Wall-clock time such as "30m"; at most one of budget, epochs and steps replaces what the recipe says.
        epochs: Passes over the train split, 1 and up.
        steps: Optimiser steps, 1 and up.
        settings: "KEY=VALUE" overrides of the recipe, such as "training.batch_size=32".
        queue: Whether to wait until nothing else trains on this machine.
        callback: Told of each step.
        progress: Called with the bytes of a download that are there, and all of them.

    Returns:
        The finished run.

    Raises:
        RequestError: It cannot be trained like this; nothing is written then.
        NoisetteError: A download, the disk or the numbers failed.
        Stopped: The training was asked to stop, by SIGTERM or Ctrl-C; what was learned is saved.

    Examples:
        >>> run = noisette.train("digits", budget="2m", out="runs/mine")  # doctest: +SKIP
        >>> generator = noisette.load(run.folder)  # doctest: +SKIP
    """
    lengths = lengthened(budget, epochs, steps)
    if isinstance(recipe, Recipe):
        if settings or lengths:
            raise RequestError("a Recipe object is taken as it is; change it before, or give a recipe's name")
        name, resolved = "run", recipe
    else:
        name, resolved = Path(recipe).stem, load_recipe(recipe, [*lengths, *settings])
    if resolved.distillation is not None:
        raise RequestError(
            f"{name} is the recipe of a distilled model; make another one with `noisette distil"
            f" {resolved.distillation.teacher}`"
        )
    folder = new_folder(out) if out is not None else Path("runs") / name
    accelerator = Accelerator(mixed_precision="no")
    callback = _only_one(callback, accelerator)
    if accelerator.is_main_process:
        check_new(folder)
    model = assemble(resolved)  # before the data: a schedule that cannot work is told at once
    if model.warning:
        callback.on_note(f"warning: {model.warning}")
    with slot(folder, wait=queue, note=callback.on_note) if accelerator.is_main_process else nullcontext():
        return _train_anew(model, folder, accelerator, callback, progress)


@steady()
def distil(
    recipe: Recipe,
    teacher: nn.Module,
    schema: AttributeSchema,
    folder: Path,
    *,
    queue: bool = False,
    callback: Callback,
    progress: Progress | None,
) -> Run:
    """Train a recipe with a distillation into a new run folder.

    Args:
        recipe: A recipe with a distillation.
        teacher: The network that is learned from.
        schema: The attributes that it was trained under.
        folder: Of the new run.
        queue: Whether to wait until nothing else trains on this machine.
        callback: Told of each step.
        progress: Called with the bytes of a download that are there, and all of them.

    Returns:
        The finished run.

    Raises:
        RequestError: It cannot be trained like this, or the data have other attributes by now.
        NoisetteError: A download, the disk or the numbers failed.
        Stopped: The training was asked to stop; what was learned is saved.
    """
    accelerator = Accelerator(mixed_precision="no")
    callback = _only_one(callback, accelerator)
    if accelerator.is_main_process:
        check_new(folder)
    with slot(folder, wait=queue, note=callback.on_note) if accelerator.is_main_process else nullcontext():
        return _train_anew(assemble(recipe, schema), folder, accelerator, callback, progress, teacher)


def _train_anew(
    model: Model,
    folder: Path,
    accelerator: Accelerator,
    callback: Callback,
    progress: Progress | None,
    teacher: nn.Module | None = None,
) -> Run:
    """Make the run folder of a model and train. The rest as in `train` and `distil`."""
    resolved = model.recipe
    dataset = open_data(resolved, progress)
    places = dataset.places("train")
    palette = palette_of(dataset.images, places)
    if teacher is not None and model.schema != dataset.schema:
        raise RequestError(f"{dataset.name} has other attributes than the teacher was trained on; train anew")
    model = assemble(resolved, dataset.schema, palette)
    _check_memory(model)
    _check_batch(resolved, len(places), accelerator)
    if resolved.conditional:
        _check_labels(dataset)
    Grid(model, dataset, accelerator.device)  # a request or a setting that cannot be is told before anything is written
    if "auto" in (resolved.training.precision, resolved.training.layout, resolved.training.compile):
        callback.on_note("measuring what runs fastest on this machine")
    chosen, measured = _choose(resolved, model, len(places), accelerator)
    if measured:
        rates = "; ".join(f"{name}: {rate:g} images/s" for name, rate in measured.items())
        callback.on_note(f"measured {rates}")
    resolved = _with(resolved, chosen)
    if accelerator.is_main_process:
        facts = {
            **_circumstances(accelerator),
            "measured_images_per_second": measured,
            "dataset": {"name": dataset.name, "sha256": dataset.fingerprint, "train_images": len(places)},
        }
        tensors = None if teacher is None else teacher.state_dict()
        create_run(
            folder, resolved, dataset.schema, count(dataset.schema, dataset.attributes[places]), palette, facts, tensors
        )
    accelerator.wait_for_everyone()
    run = open_run(folder)
    with run.locked() if accelerator.is_main_process else nullcontext():
        _train(replace(model, recipe=resolved), dataset, run, accelerator, callback)
    return run


@steady()
def resume(
    folder: str | Path, *, queue: bool = False, callback: Callback | None = None, progress: Progress | None = None
) -> Run:
    """Go on with the training in a run folder, from its newest checkpoint that is whole.

    Steps already taken are taken again exactly as they were, on the same machine; under a wall-clock budget the
    learning rate follows the clock, and they are not. A finished run is returned as it is.

    Args:
        folder: Of the run.
        queue: Whether to wait until nothing else trains on this machine.
        callback: Told of each step.
        progress: Called with the bytes of a download that are there, and all of them.

    Returns:
        The finished run.

    Raises:
        RequestError: There is no run, another process trains it, or its data have changed.
        NoisetteError: A download, the disk or the numbers failed, or the folder is damaged.
        Stopped: The training was asked to stop, by SIGTERM or Ctrl-C; what was learned is saved.
    """
    run = open_run(expand(folder))
    recipe = run.recipe
    for note in _restore_tables(run, recipe, progress):
        (callback or NullCallback()).on_note(note)
    model = assemble(recipe, run.schema, run.palette)
    _check_memory(model)
    accelerator = Accelerator(mixed_precision="no")
    callback = _only_one(callback, accelerator)
    with ExitStack() as held:
        if accelerator.is_main_process:
            held.enter_context(run.locked())
            held.enter_context(slot(run.folder, wait=queue, note=callback.on_note))
        accelerator.wait_for_everyone()
        dataset = open_data(recipe, progress)
        run.check_data(dataset)
        if model.schema != dataset.schema:
            raise NoisetteError(f"{run.folder}/schema.json is not what the run was trained on; restore it from a copy")
        if model.colours_learned and not _has_colours(model, dataset):
            raise NoisetteError(f"{run.folder}/palette.json is not what the run was trained on; restore it from a copy")
        for what, now in _circumstances(accelerator).items():
            if (then := run.environment.get(what)) not in (None, now):
                callback.on_note(
                    f"{what}: {now} now, {then} when the run was made; it goes on well, but not to the bit"
                )
        _train(model, dataset, run, accelerator, callback)
    return run


def _restore_tables(run: Run, recipe: Recipe, progress: Progress | None) -> list[str]:
    """Make tables of a run that are damaged anew from its data; a note for each."""
    if not (damaged := run.damaged_tables()):
        return []
    dataset = open_data(recipe, progress)
    run.check_data(dataset)
    places = dataset.places("train")
    statistics = count(dataset.schema, dataset.attributes[places])
    texts = table_texts(dataset.schema, statistics, palette_of(dataset.images, places))
    for name in damaged:
        run.restore_table(name, texts.get(name, ""))
    return [f"{run.folder / name} was damaged, and was made anew from the data" for name in damaged]


def _has_colours(model: Model, dataset: Dataset) -> bool:
    """Whether the network names the colours of the data."""
    palette = palette_of(dataset.images, dataset.places("train"))
    return palette is not None and palette.fingerprint == model.colours_learned


def _circumstances(accelerator: Accelerator) -> dict[str, Any]:
    """What must stay the same for a resumed training to compute the same bits."""
    return {
        "device": str(accelerator.device),
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
    }


def _train(model: Model, dataset: Dataset, run: Run, accelerator: Accelerator, callback: Callback) -> None:
    """Train from the newest checkpoint, or from the start if there is none."""
    recipe = model.recipe
    images = len(dataset.places("train"))
    _check_batch(recipe, images, accelerator)
    settings = _settings_of(recipe)
    if settings.compiled and (why := why_not_compiled()):
        callback.on_note(f"torch.compile does not work here ({why}); training goes on without it")
        settings = replace(settings, compiled=False)
    budget = _budget_of(recipe, images)
    checkpoint, notes = run.checkpoint()
    if checkpoint is not None:
        check_fits(checkpoint, run, model)
    over = checkpoint is not None and budget.progress(checkpoint.state["step"], checkpoint.state["elapsed"]) >= 1
    first = run.teacher if recipe.distillation is not None and not over else None
    supervision = _supervision(model, run, first, accelerator, callback)
    trainer = Trainer(model, dataset, run, accelerator, settings, budget, supervision, first)
    for note in notes:
        callback.on_note(f"{note}; going on from an older one")
    if checkpoint is not None:
        trainer.restore(checkpoint)
        if over:
            callback.on_note(f"{run.folder} is finished, at step {trainer.state.step}")
            if run.status["state"] != "finished":
                trainer.finish(callback)
            return
        callback.on_note(f"going on from step {trainer.state.step}")
    elif taken := run.status["step"]:
        callback.on_note(f"no checkpoint was kept of the {taken} steps that were taken; beginning anew")
    accelerator.wait_for_everyone()
    try:
        with stop_on_signals() as stop:
            trainer.train(callback, stop)
        accelerator.wait_for_everyone()
    except OSError as error:
        raise NoisetteError(
            f"cannot write to {run.folder}: {error.strerror or error}; all checkpoints so far are whole, go on with"
            f" `noisette resume {run.folder}`"
        ) from error


def _supervision(
    model: Model, run: Run, teacher: Mapping[str, Tensor] | None, accelerator: Accelerator, callback: Callback
) -> Supervision:
    """Where the training targets of a run come from.

    teacher: its weights, where it learns from another network; a distilled model that is finished needs none.
    """
    if teacher is None or model.recipe.distillation is None:
        return DataSupervision(model.schedule, model.recipe.diffusion.time_power)
    settings = model.recipe.distillation
    model = replace(
        model, recipe=model.recipe.model_copy(update={"distillation": None})
    )  # the teacher's, which has no w-conditioning
    with torch.random.fork_rng():
        network = model.network()
    if why := unlike(teacher, model.outline()):
        raise NoisetteError(
            f"{run.teacher_file} does not fit the recipe of {run.folder}: {why}; restore it from a copy"
        )
    network.load_state_dict(teacher)
    network.requires_grad_(False).eval().to(accelerator.device)
    on_cpu = accelerator.device.type == "cpu"
    engine = (
        engine_of(model, network, file_sha256(run.teacher_file)) if on_cpu else in_pytorch(network, model.objective)
    )
    callback.on_note(f"its teacher is evaluated by {engine.name}")  # another one rounds otherwise
    return TeacherSupervision(model, engine, settings)


def _only_one(callback: Callback | None, accelerator: Accelerator) -> Callback:
    """The first process speaks for all."""
    return callback if callback is not None and accelerator.is_main_process else NullCallback()


def _check_labels(dataset: Dataset) -> None:
    """Raises RequestError where a choice has no value: an unlabelled image is an error, never the first class."""
    if not dataset.schema.attributes:
        raise RequestError(f"{dataset.name} has no attributes to ask for; leave network.condition out")
    for column, attribute in enumerate(dataset.schema.attributes):
        missing = np.flatnonzero(dataset.attributes[:, column] == UNKNOWN)
        if len(missing):
            raise RequestError(
                f"{len(missing)} images have no {attribute.name}, the first of them is number {missing[0]}; label them,"
                " or leave them out"
            )


def _check_memory(model: Model) -> None:
    """Raises RequestError where the weights alone, with what learns them, do not fit into this machine."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not every system tells
        return
    needed = _BYTES_PER_PARAMETER * model.parameters
    if needed > there:
        raise RequestError(
            f"the network of this recipe has {model.parameters:,} parameters; its training takes at least"
            f" {needed / 2**30:,.0f} GiB, and this machine has {there / 2**30:,.0f}; use smaller network.widths, or"
            " fewer blocks"
        )


def _check_batch(recipe: Recipe, images: int, accelerator: Accelerator) -> None:
    batch, processes = recipe.training.batch_size, accelerator.num_processes
    if batch > images:
        raise RequestError(
            f"training.batch_size = {batch} is more than the {images} images there are to train on; use at most"
            f" {images}"
        )
    if batch % processes:
        raise RequestError(
            f"training.batch_size = {batch} cannot be shared by {processes} processes; use a multiple of {processes}"
        )


def _budget_of(recipe: Recipe, images: int) -> Budget:
    training = recipe.training
    if training.budget is not None:
        return Budget(seconds=seconds(training.budget))
    if training.epochs is not None:
        return Budget(steps=training.epochs * (images // training.batch_size))
    return Budget(steps=training.steps)


def _choose(recipe: Recipe, model: Model, images: int, accelerator: Accelerator) -> tuple[Settings, dict[str, float]]:
    budget = _budget_of(recipe, images)

    def lasts(rate: float) -> float:
        return budget.seconds or (budget.steps or 0) * recipe.training.batch_size / (rate * accelerator.num_processes)

    condition = Inputs.of(model).condition(1)
    with torch.random.fork_rng():
        batch = recipe.training.batch_size // accelerator.num_processes
        chosen, measured = choose(
            recipe.training,
            model.network(),
            model.objective,
            model.shape,
            batch,
            accelerator.device,
            condition=condition,
            seconds=lasts,
        )
    # One process decides for all: each may have measured something else.
    [(shared, rates)] = broadcast_object_list([(chosen, measured)])
    return shared, rates


def _with(recipe: Recipe, settings: Settings) -> Recipe:
    """The recipe with what was measured written out, so that a resumed training computes the same way."""
    resolved = {
        "precision": settings.precision,
        "layout": settings.layout,
        "compile": "yes" if settings.compiled else "no",
    }
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=resolved)})


def _settings_of(recipe: Recipe) -> Settings:
    training = recipe.training
    return Settings(training.precision, training.layout, compiled=training.compile == "yes")
