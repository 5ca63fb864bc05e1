"""Requests that become files, and files that become the same request again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from noisette.choices import variation_around
from noisette.config import load_recipe, recipe_names
from noisette.data.attributes import UNKNOWN, Value
from noisette.diffusion.noise import ImageNoise, add_noise
from noisette.errors import RequestError
from noisette.generation import Generator, OnProgress, Preview
from noisette.loading import load
from noisette.model import assemble
from noisette.pictures import good_scale, read_png, save_gif, save_png, sheet
from noisette.sampling import CHURNED, Sampling, Variation
from noisette.shipped import is_shipped
from noisette.training.run import open_run
from noisette.training.start import open_data

_MOST_FRAMES = 60
_MOST_IN_GIF = 64  # images
_MOST_PIXELS = 64_000_000  # of a sheet; larger ones are taken for a trap when they are read again


class Request(BaseModel):
    """Everything that decides a picture; travels inside its PNG.

    weights: SHA-256 of the checkpoint that drew it, made at training step `step`. attributes: what is known, by name,
    of all images, or of each. filled: of each image what it shows of all attributes, where something was left open and
    filled in. palette: each pixel went to the nearest colour of the data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    weights: str
    step: int
    seeds: tuple[int, ...] = Field(min_length=1, max_length=4096)
    attributes: dict[str, Value] | tuple[dict[str, Value], ...] | None = None
    filled: tuple[dict[str, Value], ...] | None = None
    sampling: Sampling
    palette: bool = False
    variation: Variation | None = None
    columns: int | None = Field(None, ge=1)
    scale: int | None = Field(None, ge=1, le=64)

    @model_validator(mode="after")
    def _drawn_again_without_a_table(self) -> Request:
        if (self.sampling.spacing == "fitted") != bool(self.sampling.times):
            raise ValueError("fitted levels stand in sampling.times, and no others do")
        return self

    def placed(self, side: int, columns: int | None = None, scale: int | None = None) -> Request:
        """The same with where its images stand on a sheet, as square as possible, and how much larger; side: of an
        image, in pixels.
        """
        across = min(columns or math.ceil(math.sqrt(len(self.seeds))), len(self.seeds))
        return self.model_copy(update={"columns": across, "scale": scale or good_scale(side, across)})

    def alone(self, place: int) -> Request:
        """Of one of its images."""
        asked = self.attributes[place] if isinstance(self.attributes, tuple) else self.attributes
        filled = None if self.filled is None else (self.filled[place],)
        return self.model_copy(
            update={
                "seeds": (self.seeds[place],),
                "attributes": asked,
                "filled": filled,
                "columns": None,
                "scale": None,
            }
        )

    def as_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def load_with_notes(run: Path, note: Callable[[str], None]) -> Generator:
    """`load`, telling `note` what a person should know of the run."""
    generator = load(run)
    for text in generator.notes:
        note(text)
    return generator


def draw_to(
    path: Path,
    generator: Generator,
    request: Request,
    *,
    columns: int | None = None,
    scale: int | None = None,
    gif: bool = False,
    progress: OnProgress | None = None,
) -> list[Path]:
    """Draw the request into one sheet if `path` ends in .png, else into a folder with a file for each seed.

    gif: also the denoising, beside it. Returns the files that were written.
    """
    count = len(request.seeds)
    if path.suffix.lower() not in (".png", ""):
        raise RequestError(f"cannot write {path}: pictures are PNG; name a .png file, or a folder")
    frames: dict[int, list[NDArray[np.uint8]]] = {}  # by step: xt beside x0_hat of each batch in turn
    every = -(-request.sampling.steps // _MOST_FRAMES)

    def preview(xt: NDArray[np.uint8], x0: NDArray[np.uint8], number: int) -> None:
        if number % every == 0 or number == request.sampling.steps:
            frames.setdefault(number, []).append(np.stack([xt, x0]))

    if gif and count > _MOST_IN_GIF:
        raise RequestError(f"a GIF shows at most {_MOST_IN_GIF} images, not {count}; use a smaller --count")
    side = generator.model.side
    placed = request.placed(side, columns, scale)
    across, factor = placed.columns or 1, placed.scale or 1
    if path.suffix:
        _check_size(count, side, factor)
    if gif and 2 * count * (side * factor) ** 2 * min(_MOST_FRAMES, request.sampling.steps) > _MOST_PIXELS:
        raise RequestError(
            f"a GIF of {count} images enlarged {factor} times is too large; use a smaller --scale or --count"
        )
    request, placed = filled(generator, request), filled(generator, placed)
    images = draw(generator, request, preview if gif else None, progress)
    written = []
    if path.suffix.lower() == ".png":
        save_png(path, sheet(images, columns=across, scale=factor), placed.as_dict())
        written.append(path)
    else:
        path.mkdir(exist_ok=True)
        factor = scale or good_scale(side, 2)
        for place, (seed, image) in enumerate(zip(request.seeds, images, strict=True)):
            file = path / f"seed-{seed:04d}.png"
            save_png(file, sheet(image[None], scale=factor), request.alone(place).placed(side, 1, factor).as_dict())
            written.append(file)
    if gif:
        file = path.with_suffix(".gif") if path.suffix else path / "denoising.gif"
        factor = scale or good_scale(side, 2 * across)
        pairs = [np.concatenate(parts, axis=1) for parts in frames.values()]  # each (2, count, C, H, W)
        save_gif(
            file,
            [
                _side_by_side(sheet(xt, columns=across, scale=factor), sheet(x0, columns=across, scale=factor))
                for xt, x0 in pairs
            ],
        )
        written.append(file)
    return written


def redraw(
    file: Path, out: Path, run: Path | None, note: Callable[[str], None], progress: OnProgress | None = None
) -> tuple[bool, Request]:
    """Draw the picture in `file` again into `out`; whether all pixels are the same, and the request.

    Raises RequestError if the file does not say how it was made, or if the run has other weights by now.
    """
    picture, said = read_png(file)
    request = request_in(said, str(file))
    folder = run or Path(request.run)
    if not folder.is_dir() and not is_shipped(str(folder)):
        raise RequestError(f"{file} was drawn by the run {request.run}, which is not here; say where it is with --run")
    generator = load_with_notes(folder, note)
    if generator.weights != request.weights:
        raise RequestError(
            f"{file} was drawn by the weights {request.weights[:12]} of step {request.step}, but {folder} now holds"
            f" {generator.weights[:12]} of step {generator.step}, which draw otherwise"
        )
    _check_size(len(request.seeds), generator.model.side, request.scale or 1)
    again = sheet(draw(generator, request, None, progress), columns=request.columns, scale=request.scale or 1)
    save_png(out, again, request.as_dict())
    same = again.mode == picture.mode and again.size == picture.size and again.tobytes() == picture.tobytes()
    return same, request


def request_in(said: Mapping[str, Any], file: str) -> Request:
    """The request that a picture carries. file: what errors call it. Raises RequestError if it is none."""
    try:
        return Request.model_validate(said)
    except ValidationError as error:
        raise RequestError(
            f"{file} does not say how to draw it again; only pictures made by `noisette generate` do"
        ) from error


def noising_gif(path: Path, run: Path, *, count: int, frames: int) -> None:
    """The forward process on the first images of the train split, as a GIF. run: a run folder or a recipe's name."""
    recipe = load_recipe(str(run)) if str(run) in recipe_names() else open_run(run).recipe
    model = assemble(recipe)
    dataset = open_data(recipe).split("train")
    if count > len(dataset):
        raise RequestError(f"there are only {len(dataset)} images; use a smaller --count")
    x0 = model.space.encode(torch.from_numpy(dataset.images[:count]))
    eps = ImageNoise(range(count)).like(x0)
    levels = model.schedule.levels(min(frames, model.schedule.steps or frames))[::-1]
    across = math.ceil(math.sqrt(count))
    scale = good_scale(model.side, across)

    def frame(alpha: float, sigma: float) -> Image.Image:
        xt = add_noise(x0, eps, torch.full((count,), alpha), torch.full((count,), sigma))
        return sheet(model.space.decode(xt).numpy(), columns=across, scale=scale)

    save_gif(path, [frame(1.0, 0.0), *(frame(level.alpha, level.sigma) for level in levels)])


def draw(
    generator: Generator, request: Request, preview: Preview | None = None, progress: OnProgress | None = None
) -> NDArray[np.uint8]:
    """The images of a request, (len(seeds), C, H, W) uint8. Raises RequestError where the generator cannot draw it."""
    rows, checked, around = check(generator, request)
    rows = _filled_rows(generator, request, rows) if request.filled is not None else rows
    return generator.draw(
        rows, request.seeds, checked, variation=around, palette=request.palette, preview=preview, progress=progress
    )


def check(generator: Generator, request: Request) -> tuple[NDArray[np.int16] | None, Sampling, Variation | None]:
    """What `Generator.draw` takes of a request, from wherever it comes.

    Raises RequestError where the generator cannot draw it.
    """
    sampling, guidance = request.sampling, request.sampling.guidance
    checked = generator.choices.sampling(
        sampling.sampler,
        sampling.steps,
        sampling.eta if sampling.sampler == "ddim" else None,
        guidance=guidance.scale,
        interval=guidance.interval,
        rescale=guidance.rescale,
        weights=guidance.weights,
        excluded=guidance.excluded,
        complete=sampling.complete,
        spacing=sampling.spacing,
        churn=sampling.churn if sampling.sampler in CHURNED else None,
        times=sampling.times or None,
    )
    asked = request.attributes
    if isinstance(asked, tuple) and len(asked) != len(request.seeds):
        raise RequestError(f"the picture names {len(asked)} requests for {len(request.seeds)} seeds; it was changed")
    rows = (
        None
        if asked is None
        else generator.schema.encode(asked if isinstance(asked, tuple) else [asked] * len(request.seeds))
    )
    around = None if request.variation is None else variation_around((request.variation.of, request.variation.strength))
    return rows, checked, around


def filled(generator: Generator, request: Request) -> Request:
    """The request with what is filled in, if anything is: so that it draws the same when the statistics of the data
    have changed.
    """
    if request.filled is not None or not request.sampling.complete:
        return request
    rows, checked, around = check(generator, request)
    whole = generator.completed(rows, request.seeds, checked, variation=around)
    if whole is None or (rows is not None and np.array_equal(rows, whole)):
        return request
    shown = tuple(
        {name: value for name, value in generator.schema.decode(row).items() if value is not False} for row in whole
    )
    return request.model_copy(update={"filled": shown})


def _filled_rows(generator: Generator, request: Request, asked: NDArray[np.int16] | None) -> NDArray[np.int16]:
    """(len(seeds), A). Raises RequestError where it is not what `filled` wrote."""
    rows = generator.schema.encode(request.filled or ())
    flags = np.array([attribute.kind == "flag" for attribute in generator.schema.attributes])
    rows = np.where((rows == UNKNOWN) & flags, np.int16(0), rows)
    if (
        len(rows) != len(request.seeds)
        or (rows == UNKNOWN).any()
        or (asked is not None and (rows != asked)[asked != UNKNOWN].any())
    ):
        raise RequestError(
            "the picture does not say what each of its images shows, or not what it was asked for; it was changed"
        )
    return rows


def _check_size(count: int, side: int, factor: int) -> None:
    if count * (side * factor) ** 2 > _MOST_PIXELS:
        raise RequestError(
            f"a sheet of {count} images enlarged {factor} times is too large; use a smaller --scale or --count, or a"
            " folder for --out"
        )


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    gap = max(4, left.width // 40)
    both = Image.new(
        left.mode, (left.width + gap + right.width, left.height), "white" if left.mode != "RGBA" else (0, 0, 0, 0)
    )
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return both
