"""Plans that become files, and files that become the same picture again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from noisette.errors import RequestError
from noisette.files.images import good_scale, read_png, save_gif, save_png, sheet
from noisette.inference.generator import Generator, Images
from noisette.inference.loading import load
from noisette.inference.plan import Plan
from noisette.progress import Progress, silent
from noisette.store.locate import find

_MOST_FRAMES = 60
_MOST_IN_GIF = 64  # images
_MOST_PIXELS = 64_000_000  # of a sheet; larger ones are taken for a trap when they are read again


def draw_to(
    path: Path,
    generator: Generator,
    plan: Plan,
    *,
    columns: int | None = None,
    scale: int | None = None,
    gif: bool = False,
    progress: Progress = silent,
) -> list[Path]:
    """Draw a plan into one sheet if `path` ends in .png, else into a folder with a file for each seed.

    Args:
        path: of the sheet or the folder.
        generator: whose plan it is.
        plan: what to draw.
        columns: images in a row of the sheet; as square as possible unless given.
        scale: a whole factor; to some 600 pixels unless given.
        gif: also the denoising, beside it.
        progress: called with the steps taken and the steps there are.

    Returns:
        The files that were written.

    Raises:
        RequestError: another kind of file, or a picture that is too large.
    """
    check_file(path, generator.model.size, plan, columns=columns, scale=scale, gif=gif)
    placed = plan.placed(generator.model.size, columns, scale)
    across, factor = placed.columns or 1, placed.scale or 1
    width = generator.model.size[1]
    frames: dict[int, list[Images]] = {}  # by step: xt beside x0_hat of each batch in turn
    every = -(-plan.sampling.steps // _MOST_FRAMES)

    def preview(xt: Images, x0: Images, number: int) -> None:
        if number % every == 0 or number == plan.sampling.steps:
            frames.setdefault(number, []).append(np.stack([xt, x0]))

    images = generator.draw(plan, preview=preview if gif else None, progress=progress)
    written = []
    if path.suffix.lower() == ".png":
        save_png(path, sheet(images, columns=across, scale=factor), placed.metadata())
        written.append(path)
    else:
        path.mkdir(exist_ok=True)
        factor = scale or good_scale(width, 2)
        for place, (seed, image) in enumerate(zip(plan.seeds, images, strict=True)):
            file = path / f"seed-{seed:04d}.png"
            alone = plan.alone(place).placed(generator.model.size, 1, factor)
            save_png(file, sheet(image[None], scale=factor), alone.metadata())
            written.append(file)
    if gif:
        file = path.with_suffix(".gif") if path.suffix else path / "denoising.gif"
        factor = scale or good_scale(width, 2 * across)
        pairs = [np.concatenate(parts, axis=1) for parts in frames.values()]  # each (2, count, C, H, W)
        sheets = [[sheet(half, columns=across, scale=factor) for half in pair] for pair in pairs]
        save_gif(file, [_side_by_side(noisy, estimate) for noisy, estimate in sheets])
        written.append(file)
    return written


def check_file(
    path: Path,
    size: tuple[int, int],
    plan: Plan,
    *,
    columns: int | None = None,
    scale: int | None = None,
    gif: bool = False,
) -> None:
    """Refuse a file that `draw_to` would not write, before anything is drawn. See there."""
    count, (height, width) = len(plan.seeds), size
    factor = plan.placed(size, columns, scale).scale or 1
    if path.suffix.lower() not in (".png", ""):
        raise RequestError(f"cannot write {path}: pictures are PNG; name a .png file, or a folder")
    if gif and count > _MOST_IN_GIF:
        raise RequestError(f"a GIF shows at most {_MOST_IN_GIF} images, not {count}; use a smaller --count")
    if path.suffix:
        _check_size(count, size, factor)
    if gif and 2 * count * height * width * factor**2 * min(_MOST_FRAMES, plan.sampling.steps) > _MOST_PIXELS:
        raise RequestError(
            f"a GIF of {count} images enlarged {factor} times is too large; use a smaller --scale or --count"
        )


def redraw(
    file: Path, out: Path, run: Path | None, note: Callable[[str], None], progress: Progress = silent
) -> tuple[bool, Plan]:
    """Draw the picture in `file` again.

    Args:
        file: a PNG that carries its plan.
        out: where the new picture goes.
        run: where the model is, if it moved.
        note: told what a person should know of the model.
        progress: called with the steps taken and the steps there are.

    Returns:
        Whether all pixels are the same, and the plan.

    Raises:
        RequestError: the file does not say how it was made, or the model has other weights by now.
    """
    picture, said = read_png(file)
    plan = Plan.from_metadata(said, str(file))
    folder = run or Path(plan.run)
    if find(folder) is None:
        raise RequestError(f"{file} was drawn by the run {plan.run}, which is not here; say where it is with --run")
    generator = load(folder)
    for text in generator.notes:
        note(text)
    if generator.weights != plan.weights:
        raise RequestError(
            f"{file} was drawn by the weights {plan.weights[:12]} of step {plan.step}, but {folder} now holds"
            f" {generator.weights[:12]} of step {generator.step}, which draw otherwise"
        )
    again = generator.replan(plan)
    _check_size(len(again.seeds), generator.model.size, again.scale or 1)
    drawn = sheet(generator.draw(again, progress=progress), columns=again.columns, scale=again.scale or 1)
    save_png(out, drawn, again.metadata())
    same = drawn.mode == picture.mode and drawn.size == picture.size and drawn.tobytes() == picture.tobytes()
    return same, again


def _check_size(count: int, size: tuple[int, int], factor: int) -> None:
    if count * size[0] * size[1] * factor**2 > _MOST_PIXELS:
        raise RequestError(
            f"a sheet of {count} images enlarged {factor} times is too large; use a smaller --scale or --count, or a"
            " folder for --out"
        )


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    gap = max(4, left.width // 40)
    background = "white" if left.mode != "RGBA" else (0, 0, 0, 0)
    both = Image.new(left.mode, (left.width + gap + right.width, left.height), background)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return both
