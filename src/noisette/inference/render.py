"""Plans that become files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.files.animation import as_apng, as_gif, frames_apng, frames_gif, loses_alpha, not_in_gif
from noisette.files.atlas import atlas
from noisette.files.atomic import make_folder
from noisette.files.images import GAP, as_png, sheet
from noisette.files.output import cannot_write, put
from noisette.files.png import has_true_colour
from noisette.inference.destination import MOST_FRAMES, Destination
from noisette.inference.generator import BATCH, Generator, Images, batches
from noisette.progress import Progress, silent
from noisette.signals import Terminated

_BETWEEN = 2  # pixels between the halves of an animation, before it is enlarged


def draw_to(
    there: Destination, generator: Generator, *, note: Callable[[str], None], progress: Progress = silent
) -> list[Path]:
    """Draw a plan into the files of its destination.

    The files of a folder are written as they come, sixteen at a time, so that an interruption keeps what is there.

    Args:
        there: From `destination`.
        generator: Whose plan it is.
        note: Told what a person should know of the files.
        progress: Called with the steps taken and the steps there are.

    Returns:
        The files, with those that were there already; none of standard output.

    Raises:
        RequestError: Somebody else has made a file of that name by now.
        NoisetteError: The disk refuses; the message says how many files there are.
        Stopped: Interrupted with files in the folder; the message says how many.
    """
    there = replace(there, plan=generator.recorded(there.plan))
    if there.frames and there.sheet is not None:
        return there.sheet.write(_in_turn(there, generator.draw(there.plan, progress=progress)))
    if there.sheet is not None:
        film = _Film(there) if there.animations else None
        images = generator.draw(there.plan, preview=film.see if film else None, progress=progress)
        if film:
            film.end(images)
        picture = as_png(sheet(images, columns=there.plan.columns, scale=there.scale), there.plan.metadata())
        beside = film.files(note) if film else {}
        return there.sheet.write(
            picture, {**beside, ".json": _atlas(there, generator, picture)} if there.atlas else beside
        )
    return _draw_folder(there, generator, note, progress)


def _in_turn(there: Destination, images: Images) -> bytes:
    """The animation of a plan's images. Raises RequestError where it would show another picture than was drawn."""
    assert there.sheet is not None
    frames, said = [sheet(image[None]) for image in images], there.plan.metadata()
    if there.sheet.path is None or there.sheet.path.suffix.lower() != ".gif":
        return frames_apng(frames, scale=there.scale, milliseconds=there.duration, said=said)
    for seed, frame in zip(there.plan.seeds, frames, strict=True):
        if reason := not_in_gif(frame):
            raise RequestError(
                f"the image of seed {seed} {reason}, which no GIF shows; name a .png file with --out, for an animated"
                " PNG"
            )
    return frames_gif(frames, scale=there.scale, milliseconds=there.duration, said=said)


def _atlas(there: Destination, generator: Generator, picture: bytes) -> bytes:
    """Where the images of a sheet lie, each under its seed."""
    assert there.sheet is not None
    assert there.sheet.path is not None
    names = [f"seed-{seed:04d}" for seed in there.plan.seeds]
    columns = there.plan.columns or 1
    return atlas(
        there.sheet.path.name,
        names,
        generator.model.size,
        columns=columns,
        scale=there.scale,
        gap=GAP,
        milliseconds=there.duration,
        true_colour=has_true_colour(picture),
    )


def _draw_folder(
    there: Destination, generator: Generator, note: Callable[[str], None], progress: Progress
) -> list[Path]:
    files, size = there.files(), generator.model.size
    films = [suffix for suffix in there.animations if there.film(suffix) not in there.kept]
    missing = [place for place, file in enumerate(files) if file not in there.kept]
    film = _Film(there) if films else None
    drawn = list(range(len(files))) if film else missing  # all of them are seen in the animation
    if film and len(missing) < len(files):
        note(f"{len(files) - len(missing)} images that are there are drawn again for the animation")
    steps, count = there.plan.sampling.steps, batches(len(drawn))
    replaced: list[Path] = []

    def written() -> int:  # of files that are made, what is there: an interruption may come behind any line
        return len(replaced) if there.overwrite else sum(map(os.path.lexists, files))

    with _counted(there, written):
        for number in range(count):
            places = drawn[number * BATCH : (number + 1) * BATCH]
            images = generator.draw(
                there.plan.part(places),
                preview=film.see if film else None,
                progress=_part(progress, number * steps, count * steps),
            )
            if film:
                film.end(images)
            _make_folder(there.folder)
            for place, image in zip(places, images, strict=True):
                if place in missing:
                    picture = as_png(sheet(image[None], scale=there.scale), there.alone(place, size).metadata())
                    put(files[place], picture, overwrite=there.overwrite)
                    replaced.append(files[place])
        contents = film.files(note) if film else {}
        for suffix in films:
            put(there.film(suffix), contents[suffix], overwrite=there.overwrite)
    return [*files, *map(there.film, there.animations)]


def _part(progress: Progress, before: int, total: int) -> Progress:
    """The progress of a part of the work."""
    return lambda done, _: progress(before + done, total)


@contextmanager
def _counted(there: Destination, written: Callable[[], int]) -> Iterator[None]:
    """Tells whoever stops a drawing, and of what stops it, how many of its images are there."""

    def told() -> str:
        going_on = "" if there.overwrite else ", and the same command goes on"
        return f"{written()} of {len(there.plan.seeds)} images are in {there.folder}{going_on}"

    there_before = there.folder is not None and there.folder.is_dir()
    try:
        yield
    except KeyboardInterrupt as error:
        if not written():
            raise
        raise Stopped(f"interrupted; {told()}", interrupted=not isinstance(error, Terminated)) from error
    except RequestError:
        raise
    except (NoisetteError, MemoryError) as error:
        raise NoisetteError(f"{str(error) or 'out of memory'}; {told()}") from error
    finally:
        if not written() and not there_before and there.folder is not None:
            with suppress(OSError):
                there.folder.rmdir()


def _make_folder(folder: Path | None) -> None:
    assert folder is not None
    try:
        make_folder(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error


class _Film:
    """The denoising, as it is seen step by step: xt on the left, x0_hat on the right.

    Args:
        there: What it shows, and how.
    """

    def __init__(self, there: Destination) -> None:
        self._there = there
        self._steps = there.plan.sampling.steps
        self._every = -(-self._steps // MOST_FRAMES)
        self._frames: dict[int, list[Images]] = {}  # by step: xt beside x0_hat of each batch in turn
        self._ended = 0  # batches

    def see(self, xt: Images, x0: Images, number: int) -> None:
        if number % self._every == 0 or number == self._steps:
            self._frames.setdefault(number, []).append(np.stack([xt, x0]))

    def end(self, images: Images) -> None:
        """Puts the images of a batch as they are, snapped to the palette where they are, in the last frame."""
        for part in self._frames[self._steps][self._ended :]:
            part[1] = images[: len(part[1])]
            images = images[len(part[1]) :]
        self._ended = len(self._frames[self._steps])

    def files(self, note: Callable[[str], None]) -> dict[str, bytes]:
        """The animations by their suffixes."""
        columns = self._there.plan.columns or 1
        pairs = [np.concatenate(parts, axis=1) for parts in self._frames.values()]  # each (2, count, C, H, W)
        frames = [_side_by_side(*(sheet(half, columns=columns) for half in pair)) for pair in pairs]
        left = frames[-1].width - sheet(pairs[-1][1], columns=columns).width
        said = self._there.plan.metadata()
        found = {}
        if ".gif" in self._there.animations:
            if loses_alpha(frames[-1], left):
                note("the picture is partly transparent, which a GIF cannot show: it is laid on white; --apng keeps it")
            found[".gif"] = as_gif(frames, scale=self._there.film_scale, left=left, said=said)
        if ".apng" in self._there.animations:
            found[".apng"] = as_apng(frames, scale=self._there.film_scale, said=said)
        return found


def _side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    background = "white" if left.mode != "RGBA" else (0, 0, 0, 0)
    both = Image.new(left.mode, (left.width + _BETWEEN + right.width, left.height), background)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + _BETWEEN, 0))
    return both
