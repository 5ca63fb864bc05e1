"""Starting a training and going on with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.attributes.statistics import count
from noisette.caller import leaves_torch_alone
from noisette.config.data import open_data, palette_learned
from noisette.config.recipe import Recipe
from noisette.config.sections import seconds
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.files.output import check_folder
from noisette.files.tensors import unlike
from noisette.inference.engine import Inputs, engine_of, in_pytorch
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.model import Model, assemble
from noisette.progress import Progress, silent
from noisette.store.run import Run, check_new, create_run, open_run, resume_command, table_texts
from noisette.threads import steady
from noisette.training.budget import Budget, prolonged
from noisette.training.callback import Callback, NullCallback
from noisette.training.checks import (
    assembled,
    check_batch,
    check_longer,
    check_memory,
    check_room,
    check_training,
    is_out_of_memory,
)
from noisette.training.counting import count_layers
from noisette.training.expectation import Speed, Taken, compared, expected, keep_speed, key_of, known_speeds, learned
from noisette.training.finetuning import known_values, transferred
from noisette.training.grids import Grid
from noisette.training.launcher import deciding_variables, read_launch
from noisette.training.processes import own_accelerator
from noisette.training.queue import slot
from noisette.training.speed import Settings, choose, why_not_compiled
from noisette.training.state import State, check_fits, state_of
from noisette.training.stopping import StopRequest, stop_on_signals
from noisette.training.supervision import DataSupervision, Supervision, TeacherSupervision
from noisette.training.trainer import Trainer


@steady()
@leaves_torch_alone
def train(
    recipe: str | Recipe,
    *,
    out: str | Path | None = None,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    settings: Sequence[str] = (),
    base: str | Path | None = None,
    queue: bool = False,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train a recipe into a new run folder.

    Args:
        recipe: A name (see `noisette recipes`), a path to a TOML file, a recipe, or the path of a folder of images,
            for which a recipe is chosen.
        out: The folder; runs/NAME unless given.
        budget: Wall-clock time such as "30m"; at most one of budget, epochs and steps replaces what the recipe says.
        epochs: Passes over the train split, 1 and up.
        steps: Optimiser steps, 1 and up.
        settings: "KEY=VALUE" overrides of the recipe, such as "training.batch_size=32".
        base: A run or a shipped model whose weights the training begins with, as far as they have values and colours in
            common; its network is taken, too. Of a folder of images only.
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
    resolved, folder = check_training(
        recipe,
        out=out,
        budget=budget,
        epochs=epochs,
        steps=steps,
        settings=settings,
        base=base,
        progress=progress or silent,
    )
    begun_from = None if base is None else load(base)
    return _train_anew(assembled(resolved), folder, queue, callback, progress, begun_from=begun_from)


@steady()
@leaves_torch_alone
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
    return _train_anew(assembled(recipe, schema), folder, queue, callback, progress, teacher)


def _train_anew(
    model: Model,
    folder: Path,
    queue: bool,
    callback: Callback | None,
    progress: Progress | None,
    teacher: nn.Module | None = None,
    begun_from: Generator | None = None,
) -> Run:
    """Wait for the machine if that is asked for, and train a model into a new folder; see `train` and `distil`."""
    with own_accelerator() as accelerator, ExitStack() as held:
        callback = _only_one(callback, accelerator)
        if accelerator.is_main_process:
            check_folder(folder, parents=True)
            check_new(folder)
        if model.warning and teacher is None:
            callback.on_note(f"warning: {model.warning}")
        if accelerator.is_main_process:
            held.enter_context(slot(folder, wait=queue, note=callback.on_note))
        return _make_and_train(model, folder, accelerator, callback, progress, teacher, begun_from)


def _make_and_train(
    model: Model,
    folder: Path,
    accelerator: Accelerator,
    callback: Callback,
    progress: Progress | None,
    teacher: nn.Module | None,
    begun_from: Generator | None,
) -> Run:
    """Make the run folder of a model and train."""
    resolved = model.recipe
    dataset = open_data(resolved, progress)
    places = dataset.places("train")
    palette = palette_learned(resolved, dataset, progress)
    if teacher is not None and model.schema != dataset.schema:
        raise RequestError(f"{dataset.name} has other attributes than the teacher was trained on; train anew")
    model = assemble(resolved, dataset.schema, palette)
    check_batch(resolved, len(places), accelerator.num_processes)
    if resolved.conditional:
        _check_labels(dataset)
    Grid(model, dataset, accelerator.device)  # a request or a setting that cannot be is told before anything is written
    if accelerator.is_main_process:
        check_room(folder, model)
    if "auto" in (resolved.training.precision, resolved.training.layout, resolved.training.compile):
        callback.on_note("measuring what runs fastest on this machine")
    chosen, measured = _choose(resolved, model, len(places), accelerator)
    if measured:
        rates = "; ".join(f"{name}: {rate:g} images/s" for name, rate in measured.items())
        callback.on_note(f"measured {rates}")
    length = _budget_of(resolved, len(places))
    key = "" if teacher is not None else key_of(model, str(accelerator.device), accelerator.num_processes)
    resolved = _with(resolved, chosen)
    if accelerator.is_main_process:
        facts = {
            **_circumstances(accelerator),
            "measured_images_per_second": measured,
            "speed_key": key,
            "dataset": {"name": dataset.name, "sha256": dataset.fingerprint, "train_images": len(places)},
        }
        if key and (speed := _speed(key, measured, accelerator.num_processes)) is not None:
            facts["expected"] = expected(speed, length, resolved.training.batch_size).model_dump()
        tensors = None if teacher is None else teacher.state_dict()
        if begun_from is not None:
            more = begun_from.statistics.images >= len(places)
            tensors, share = transferred(model, begun_from.model, begun_from.network.state_dict(), layers=more)
            callback.on_note(f"{share:.0%} of the weights begin as those of {begun_from.name}")
            known, values = known_values(model, begun_from.model)
            if known < values / 2:
                callback.on_note(
                    f"{begun_from.name} knows {known} of the {values} values of these images, so that its weights help"
                    " little; a training without --from may be as good or better"
                )
        statistics = count(dataset.schema, dataset.attributes[places])
    with _stoppable(folder) as stop:
        if accelerator.is_main_process:
            create_run(folder, resolved, dataset.schema, statistics, palette, facts, tensors)
        accelerator.wait_for_everyone()
        run = open_run(folder)
        with _held(run, stop) if accelerator.is_main_process else nullcontext():
            _train(replace(model, recipe=resolved), dataset, run, accelerator, callback, stop)
    if accelerator.is_main_process:
        _compare(run, len(places), callback)
    return run


def _speed(key: str, measured: Mapping[str, float], processes: int) -> Speed | None:
    """How fast a training should be: as one before it, or as was just measured of one process."""
    if (known := known_speeds().get(key)) is not None and known.by == "training":
        return known
    rate = max(measured.values(), default=0.0) * processes
    return Speed(images_per_second=rate, by="measurement") if rate > 0 else known


def _compare(run: Run, images: int, callback: Callback) -> None:
    """Say what was expected of a training that is finished, and keep how fast it was.

    images: that it learned from.
    """
    recipe, status = run.recipe, run.status
    taken = Taken(status["step"], status["seconds"])
    before = run.expected
    if before is not None and (line := compared(before, taken, _budget_of(recipe, images))) is not None:
        callback.on_note(line)
    if (key := run.environment.get("speed_key")) and (speed := learned(taken, recipe.training.batch_size)) is not None:
        keep_speed(key, speed)


@steady()
@leaves_torch_alone
def resume(
    folder: str | Path,
    *,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    queue: bool = False,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Run:
    """Go on with the training in a run folder, from its newest checkpoint that is whole.

    Steps already taken are taken again exactly as they were, on the same machine; under a wall-clock budget the
    learning rate follows the clock, and they are not. A finished run is returned as it is.

    With one of budget, epochs and steps it trains so much longer than it has by now, and is then finished, whether it
    was finished before or not: what was left of its own length no longer counts. The new length stands in the run's
    recipe. The learning rate goes on as if the run had been planned so long from the beginning: under cosine it rises
    again to where a training of the whole length would be by now, and falls to 0 at the new end.

    Args:
        folder: Of the run.
        budget: Wall-clock time such as "10m" to train from now on.
        epochs: Passes over the train split from now on, 1 and up.
        steps: Optimiser steps from now on, 1 and up.
        queue: Whether to wait until nothing else trains on this machine.
        callback: Told of each step.
        progress: Called with the bytes of a download that are there, and all of them.

    Returns:
        The finished run.

    Raises:
        RequestError: There is no run, another process trains it, or its data have changed.
        NoisetteError: A download, the disk or the numbers failed, or the folder is damaged.
        Stopped: The training was asked to stop, by SIGTERM or Ctrl-C; what was learned is saved.

    Examples:
        >>> run = noisette.resume("runs/mine", budget="20m")  # doctest: +SKIP
    """
    run = check_longer(folder, budget=budget, epochs=epochs, steps=steps)
    recipe = run.recipe
    longer = {"budget": budget, "epochs": epochs, "steps": steps}
    with own_accelerator() as accelerator, _stoppable(run.folder) as stop, ExitStack() as held:
        callback = _only_one(callback, accelerator)
        if accelerator.is_main_process:
            held.enter_context(_held(run, stop))
            for note in _restore_tables(run, recipe, progress):
                callback.on_note(note)
        accelerator.wait_for_everyone()
        model = assemble(recipe, run.schema, run.palette)
        check_memory(model)
        if accelerator.is_main_process:
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
        was_finished = run.state == "finished"
        _train(model, dataset, run, accelerator, callback, stop, longer)
    if accelerator.is_main_process and not was_finished:
        _compare(run, len(dataset.places("train")), callback)
    return run


def _restore_tables(run: Run, recipe: Recipe, progress: Progress | None) -> list[str]:
    """Make tables of a run that are damaged anew from its data; a note for each."""
    if not (damaged := run.damaged_tables()):
        return []
    dataset = open_data(recipe, progress)
    run.check_data(dataset)
    places = dataset.places("train")
    statistics = count(dataset.schema, dataset.attributes[places])
    texts = table_texts(dataset.schema, statistics, palette_learned(recipe, dataset, progress))
    for name in damaged:
        run.restore_table(name, texts.get(name, ""))
    return [f"{run.folder / name} was damaged, and was made anew from the data" for name in damaged]


@contextmanager
def _stoppable(folder: Path) -> Iterator[StopRequest]:
    """Inside, signals are requests to stop, and the run that is there can be gone on with whenever they come."""
    with stop_on_signals() as stop:
        try:
            yield stop
        except KeyboardInterrupt as error:
            if not stop.requested or not folder.is_dir():
                raise  # it is not ours; or there is nothing yet to go on with
            raise Stopped(
                f"stopped at once; all checkpoints so far are whole, resume with {resume_command(folder)}",
                interrupted=stop.interrupted,
            ) from error


@contextmanager
def _held(run: Run, stop: StopRequest) -> Iterator[None]:
    """Inside, this process alone writes into the run, which says that it was stopped where that comes at once."""
    with run.locked():
        try:
            yield
        except KeyboardInterrupt:
            with suppress(OSError, NoisetteError):
                if stop.requested and run.state != "finished":
                    run.write_status(**{**run.status, "state": "stopped"})
            raise


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
        "variables": deciding_variables(),
    }


def _train(
    model: Model,
    dataset: Dataset,
    run: Run,
    accelerator: Accelerator,
    callback: Callback,
    stop: StopRequest,
    longer: Mapping[str, Any] | None = None,
) -> None:
    """Train from the newest checkpoint, or from the start if there is none.

    longer: one of budget, epochs and steps, from there on; the recipe of the run says how long unless given.
    """
    recipe = model.recipe
    images = len(dataset.places("train"))
    check_batch(recipe, images, accelerator.num_processes)
    settings = _settings_of(recipe)
    if settings.compiled and (why := why_not_compiled()):
        callback.on_note(f"torch.compile does not work here ({why}); training goes on without it")
        settings = replace(settings, compiled=False)
    checkpoint, notes = run.checkpoint()
    if checkpoint is not None:
        check_fits(checkpoint, run, model)
    at = State() if checkpoint is None else state_of(checkpoint, run)
    is_longer = longer is not None and any(value is not None for value in longer.values())
    if longer is not None and is_longer:
        steps_per_epoch = images // recipe.training.batch_size
        training = prolonged(
            recipe.training, step=at.step, elapsed=at.elapsed, steps_per_epoch=steps_per_epoch, **longer
        )
        recipe = recipe.model_copy(update={"training": training})
        model = replace(model, recipe=recipe)
    budget = _budget_of(recipe, images)
    over = checkpoint is not None and budget.progress(at.step, at.elapsed) >= 1
    first = run.teacher if run.begins_with_weights and not over else None
    supervision = _supervision(model, run, first, accelerator, callback)
    trainer = Trainer(model, dataset, run, accelerator, settings, budget, supervision, first)
    for note in notes:
        callback.on_note(f"{note}; going on from an older one")
    if checkpoint is None and model.recipe.distillation is None:
        count_layers(model, dataset, trainer.sketches, callback.on_note)
    if checkpoint is not None:
        trainer.restore(checkpoint)
        if over:
            callback.on_note(f"{run.folder} is finished, at step {trainer.state.step}")
            if run.status["state"] == "finished":
                return
        else:
            callback.on_note(f"going on from step {trainer.state.step}")
    elif taken := run.status["step"]:
        callback.on_note(f"no checkpoint was kept of the {taken} steps that were taken; beginning anew")
    if is_longer:
        length = recipe.training.budget or f"{recipe.training.steps} steps"
        callback.on_note(f"its whole length is {length} now; the learning rate follows that")
    accelerator.wait_for_everyone()
    with _told(run):
        if is_longer and accelerator.is_main_process:
            # First that it is not finished: until the recipe says so too, it would only be found finished again.
            run.write_status(**{**run.status, "state": "stopped", "progress": trainer.progress})
            run.write_recipe(recipe)
        if over:
            trainer.finish(callback, stop)
        else:
            trainer.train(callback, stop)
        accelerator.wait_for_everyone()


@contextmanager
def _told(run: Run) -> Iterator[None]:
    """Where the disk or the memory refuses, says so in a line, and how to go on."""
    go_on = f"all checkpoints so far are whole, go on with {resume_command(run.folder)}"
    try:
        yield
    except OSError as error:
        raise NoisetteError(f"cannot write to {run.folder}: {error.strerror or error}; {go_on}") from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise NoisetteError(f"the memory is not enough for a step or a grid of {run.folder}; {go_on}") from error


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
    if why := unlike(teacher, model.outline()):  # before there is a network, which may fit into no memory
        raise NoisetteError(
            f"{run.teacher_file} does not fit the recipe of {run.folder}: {why}; restore it from a copy"
        )
    with torch.random.fork_rng():
        network = model.network()
    network.load_state_dict(teacher)
    network.requires_grad_(False).eval().to(accelerator.device)
    on_cpu = accelerator.device.type == "cpu"
    sha256 = str(run.environment["teacher_sha256"])  # which `run.teacher` has just found it to have
    engine = engine_of(model, network, sha256) if on_cpu else in_pytorch(network, model.objective)
    callback.on_note(f"its teacher is evaluated by {engine.name}")  # another one rounds otherwise
    return TeacherSupervision(model, engine, settings)


def _only_one(callback: Callback | None, accelerator: Accelerator) -> Callback:
    """The first process speaks for all, and says first how they were launched."""
    callback = callback if callback is not None and accelerator.is_main_process else NullCallback()
    for note in read_launch().notes:
        callback.on_note(note)
    return callback


def _check_labels(dataset: Dataset) -> None:
    """Raises RequestError where nothing is known of an attribute. An image without a label is learned as one of which
    that is unknown, never as the first class.
    """
    if not dataset.schema.attributes:
        raise RequestError(f"{dataset.name} has no attributes to ask for; leave network.condition out")
    learned = dataset.attributes[dataset.places("train")]
    for attribute, all_codes, codes in zip(dataset.schema.attributes, dataset.attributes.T, learned.T, strict=True):
        if (all_codes == UNKNOWN).all():
            raise RequestError(f"no image has a label for {attribute.name}; label some, or leave the attribute out")
        if (codes == UNKNOWN).all():
            raise RequestError(
                f"no image of the train split has a label for {attribute.name}, but only some that are kept for"
                " validation or test; label more, or leave the attribute out"
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
            model,
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
