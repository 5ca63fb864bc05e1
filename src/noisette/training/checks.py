"""What can be told of a training before any of its work: `--dry-run` and a training itself ask the same questions.

PyTorch is loaded by the last of them alone, so that a wrong request is refused at once.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from noisette.attributes.parsing import parse_request, values_behind
from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics, value_names
from noisette.config.recipe import Recipe, dump_recipe, lengthened, load_recipe, parse_recipe, recipe_names
from noisette.config.sampling import SamplingSettings
from noisette.config.suggestion import recipe_of_folder
from noisette.data.hub.names import short_name
from noisette.data.opening import folder_meant
from noisette.errors import NoisetteError, RequestError
from noisette.files.output import expand, new_folder
from noisette.progress import Progress, silent
from noisette.sampling.resolve import Capabilities, resolve
from noisette.store.locate import locate
from noisette.store.run import Run, check_new, open_run

if TYPE_CHECKING:
    from noisette.model import Model

_BYTES_PER_PARAMETER = 16
"""Itself, its gradient, and two moments; its average comes on top."""
_CHECKPOINTS = 3
"""That a disk must hold: the two that are always kept, and the next while it is written."""


def check_training(
    recipe: str | Recipe,
    *,
    out: str | Path | None = None,
    budget: str | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    settings: Sequence[str] = (),
    base: str | Path | None = None,
    progress: Progress = silent,
) -> tuple[Recipe, Path]:
    """The recipe and the folder of a training; the arguments are those of `noisette.train`.

    Args:
        recipe: A name, a TOML file, a recipe, or a folder of images.
        out: The folder.
        budget: How long.
        epochs: How long instead.
        steps: How long instead.
        settings: Overrides.
        base: A trained model to begin with.
        progress: Called with the images of a folder that are read, and those there are.

    Returns:
        The recipe as it would be trained, and the folder that would be made.

    Raises:
        RequestError: It cannot be trained like this.
    """
    lengths = lengthened(budget, epochs, steps)
    if isinstance(recipe, Recipe):
        if settings or lengths or base is not None:
            raise RequestError("a Recipe object is taken as it is; change it before, or give a recipe's name")
        name, resolved = "run", recipe
    else:
        name, resolved = _named(recipe, [*lengths, *settings], progress, base)
    if resolved.distillation is not None:
        raise RequestError(
            f"{name} is the recipe of a distilled model; make another one with `noisette distil"
            f" {resolved.distillation.teacher}`"
        )
    check_recipe(resolved)
    folder = new_folder(out if out is not None else Path("runs") / name)
    check_new(folder)
    return resolved, folder


def _named(name: str, overrides: Sequence[str], progress: Progress, base: str | Path | None) -> tuple[str, Recipe]:
    """What a run is called after, and the recipe of a name, of a file, or for a folder of images."""
    if (images := folder_meant(name, recipe_names())) is not None:
        begun = None if base is None else locate(base).recipe
        return short_name(images), recipe_of_folder(images, overrides, base=begun, progress=progress)
    recipe = load_recipe(name, overrides)  # which says so where there is nothing of that name at all
    if base is not None:
        raise RequestError(f"--from is for a folder of images; {name} is a recipe, and says itself what its network is")
    return expand(name).stem, recipe


def check_recipe(recipe: Recipe, schema: AttributeSchema | None = None) -> None:
    """Check the sections of a recipe against each other and against what is known of the data without them.

    Args:
        recipe: Valid by itself.
        schema: The attributes of its data, where more is known than their source tells.

    Raises:
        RequestError: A setting cannot be; the message names it.
    """
    known = recipe.dataset.description
    if known.trained is not None:
        check_batch(recipe, known.trained)
    if schema is None and known.schema is not None:
        groups = recipe.dataset.groups
        schema = known.schema if groups is None else known.schema.with_groups(groups)
    if schema is not None:
        for pair in recipe.dataset.hold_out:
            values_behind(pair, schema)
        check_requests(recipe, schema)
    capabilities = Capabilities("the recipe", recipe, schema or AttributeSchema(), None, palette=True)
    try:
        resolve(SamplingSettings.of(impute=False), capabilities)
    except RequestError as error:
        raise RequestError(f"sampling: {error}") from error


def check_batch(recipe: Recipe, images: int, processes: int = 1) -> None:
    """Refuse a batch that cannot be had.

    Args:
        recipe: Says how large it is.
        images: That there are to train on.
        processes: That share each batch.

    Raises:
        RequestError: There are too few images, or it cannot be shared.
    """
    batch = recipe.training.batch_size
    if batch > images:
        raise RequestError(
            f"training.batch_size = {batch} is more than the {images} images there are to train on; use at most"
            f" {images}"
        )
    if batch % processes:
        raise RequestError(
            f"training.batch_size = {batch} cannot be shared by {processes} processes; use a multiple of {processes}"
        )


def check_requests(recipe: Recipe, schema: AttributeSchema) -> None:
    """Raises RequestError where the grids would ask for what these attributes are not."""
    if not recipe.conditional:
        return
    if not schema.attributes:
        raise RequestError(f"{recipe.dataset.name} has no attributes to ask for; leave network.condition out")
    values = len(value_names(schema))
    nothing = Statistics(images=1, together=((0,) * values,) * values)  # is known of which are seen together
    for request in recipe.samples.requests:
        try:
            parse_request(request, schema, nothing, allow_unseen=True)
        except RequestError as error:
            raise RequestError(f"samples.requests: {error}") from error


def check_longer(folder: str | Path, *, budget: str | None, epochs: int | None, steps: int | None) -> Run:
    """The run in a folder, if it can be trained so much longer; all may be None. Raises RequestError."""
    run = open_run(expand(folder))
    if lengths := lengthened(budget, epochs, steps):
        parse_recipe(dump_recipe(run.recipe), source=str(run.folder / "recipe.toml"), overrides=lengths)
    return run


def assembled(recipe: Recipe, schema: AttributeSchema | None = None) -> Model:
    """A recipe put together without its data; PyTorch is loaded.

    Args:
        recipe: Of a training.
        schema: The attributes of its data, where they are known.

    Raises:
        RequestError: Its schedule cannot work, or has not the levels that its grids would visit.
    """
    from noisette.diffusion.schedules import ScheduleError
    from noisette.model import assemble
    from noisette.sampling.functions import levels_of

    model = assemble(recipe, schema)
    try:
        levels_of(recipe.sampling, model.schedule)
    except ScheduleError as error:
        raise RequestError(f"sampling.steps: {error}") from error
    check_memory(model)
    return model


def check_memory(model: Model) -> None:
    """Refuse a network whose weights alone, with what learns them, do not fit into this machine; none is made.

    Args:
        model: Of a recipe.

    Raises:
        RequestError: It is too large.
    """
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not every system tells
        return
    if model.recipe.diffusion.target == "palette" and model.palette is None:
        return  # its network has an answer for each colour of data that are not open yet; it is asked again then
    needed = _BYTES_PER_PARAMETER * model.parameters
    if needed > there:
        raise RequestError(
            f"the network of this recipe has {model.parameters:,} parameters; its training takes at least"
            f" {needed / 2**30:,.0f} GiB, and this machine has {there / 2**30:,.0f}; use smaller network.widths, or"
            " fewer blocks"
        )


def check_room(folder: Path, model: Model) -> None:
    """Check that a training has memory for its network, and the disk room for its checkpoints.

    Args:
        folder: Of the run, which is to be made.
        model: Of its data.

    Raises:
        RequestError: The network is too large.
        NoisetteError: The disk is too full.
    """
    check_memory(model)
    weights = 4 * model.parameters
    training = model.recipe.training
    copies = 1 + (training.ema > 0) + (2 if training.optimizer == "adamw" else 1)
    needed = _CHECKPOINTS * copies * weights
    free = shutil.disk_usage(next(each for each in folder.absolute().parents if each.is_dir())).free
    if free < needed:
        raise NoisetteError(
            f"no room for {folder}: its checkpoints take {_megabytes(needed)}, and {_megabytes(free)} are free; make"
            " room, or choose another place with --out"
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory; PyTorch has no kind of its own for that on the CPU."""
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("allocate memory", "out of memory", "Storage size calculation overflowed")
    )


def _megabytes(number: int) -> str:
    return f"{number / 2**20:,.0f} MiB"
