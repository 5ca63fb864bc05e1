"""Requests that become files, and files that become the same request again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.attributes.schema import UNKNOWN
from noisette.errors import RequestError
from noisette.files.images import good_scale, read_png, save_gif, save_png, sheet
from noisette.inference.generator import Generator, OnProgress, Preview
from noisette.inference.loading import load
from noisette.inference.request import Request, request_in
from noisette.sampling.resolve import variation_around
from noisette.sampling.settings import CHURNED, Sampling, Variation
from noisette.store.shipped import is_shipped

_MOST_FRAMES = 60
_MOST_IN_GIF = 64  # images
_MOST_PIXELS = 64_000_000  # of a sheet; larger ones are taken for a trap when they are read again


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
