"""Where the images of a plan go: checked before the network is loaded, so nothing here loads PyTorch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noisette.errors import RequestError
from noisette.files.animation import read_said
from noisette.files.images import MOST_PIXELS, check_sheet, good_scale, read_png
from noisette.files.output import (
    STANDARD_OUTPUT,
    Name,
    OutputFile,
    check_file,
    check_folder,
    check_not_read,
    expand,
    output_file,
)
from noisette.inference.plan import Plan

DURATION = 120
"""Milliseconds that an image stays where images are shown in turn."""
MOST_FRAMES = 60
"""Steps of a denoising that an animation shows."""
_MOST_IN_FILM = 64  # images


@dataclass(frozen=True)
class Destination:
    """Where the images of a plan go: one sheet, or a folder with a file for each. See `destination`.

    Attributes:
        plan: The plan, with the places of its images on a sheet.
        sheet: The file of the sheet; None where each image has its own.
        folder: That of the files; None for a sheet.
        scale: Whole factor of the sheet, or of the files in a folder.
        film_scale: That of what shows the denoising.
        animations: Suffixes of what shows the denoising.
        atlas: Whether JSON beside the sheet tells where its images lie.
        frames: Whether `sheet` is an animation instead, in which the images are shown in turn.
        duration: Milliseconds that each image stays then, and as the atlas has it.
        kept: Files in the folder that are of this plan already.
        overwrite: Whether other files in the folder may be replaced.
    """

    plan: Plan
    sheet: OutputFile | None
    folder: Path | None
    scale: int
    film_scale: int
    animations: tuple[str, ...] = ()
    atlas: bool = False
    frames: bool = False
    duration: int = DURATION
    kept: frozenset[Path] = frozenset()
    overwrite: bool = False

    def files(self) -> list[Path]:
        """The files in the folder, in the order of the seeds."""
        assert self.folder is not None
        return [self.folder / f"seed-{seed:04d}.png" for seed in self.plan.seeds]

    def alone(self, place: int, size: tuple[int, int]) -> Plan:
        """The plan of the file of one image."""
        return self.plan.alone(place).placed(size, 1, self.scale)

    @property
    def done(self) -> Plan | None:
        """The plan, with what drew it, where all its files are there already; None where anything is to be drawn."""
        if self.folder is None or not self.kept.issuperset([*self.files(), *map(self.film, self.animations)]):
            return None
        drawn = _plan_in(self.files()[0], film=False)
        return None if drawn is None else self.plan.model_copy(update={"drawn_by": drawn.drawn_by})

    def film(self, suffix: str) -> Path:
        """The file in the folder that shows the denoising."""
        assert self.folder is not None
        return self.folder / f"denoising{suffix}"


def destination(
    out: Name | None,
    usual: Path,
    size: tuple[int, int],
    plan: Plan,
    *,
    columns: int | None = None,
    scale: int | None = None,
    animations: Sequence[str] = (),
    atlas: bool = False,
    frames: bool = False,
    duration: int = DURATION,
    overwrite: bool = False,
    inputs: Sequence[Name] = (),
) -> Destination:
    """Check where the images of a plan shall go, before the network is loaded.

    A name that ends in .png is that of a sheet, one without a suffix that of a folder. Of a folder, files of the same
    plan are kept: the command was stopped, and goes on.

    Args:
        out: As a person named it, "-" for standard output; None if nobody did.
        usual: Of the sheet, then.
        size: (height, width) of an image in pixels.
        plan: What will be drawn.
        columns: Images in a row of the sheet; as square as possible unless given.
        scale: A whole factor; to some 600 pixels unless given.
        animations: Suffixes of what shows the denoising beside it, .gif and .apng.
        atlas: Whether JSON beside the sheet tells where its images lie.
        frames: Whether the images are shown in turn, in one animation in the place of the sheet.
        duration: Milliseconds that each stays.
        overwrite: Whether files that are there may be replaced.
        inputs: Files and folders that are read.

    Raises:
        RequestError: It cannot go there, or is too large.
    """
    if frames:
        return _frames(out, usual, size, plan.placed(size, 1, scale), duration, overwrite=overwrite, inputs=inputs)
    placed = plan.placed(size, columns, scale)
    factor, film_scale = placed.scale or 1, scale or good_scale(size[1], 2 * (placed.columns or 1))
    _check_animations(animations, plan, size, film_scale)
    if atlas and (out is None or str(out) == STANDARD_OUTPUT or _is_folder(out)):
        raise RequestError("--atlas tells where images lie on a sheet; name a .png file for it with --out")
    if out is not None and _is_folder(out):
        alone = scale or good_scale(size[1], 2)
        there = Destination(placed, None, expand(out), alone, film_scale, tuple(animations), overwrite=overwrite)
        return replace(there, kept=_kept(there, size, inputs))
    check_sheet(len(plan.seeds), size, factor)
    what = "pictures are PNG; name a .png file, or a folder, or show them in turn with --frames"
    beside = (*animations, *([".json"] if atlas else []))
    sheet_file = output_file(out, usual, (".png",), what, overwrite=overwrite, inputs=inputs, beside=beside)
    return Destination(placed, sheet_file, None, factor, film_scale, tuple(animations), atlas, duration=duration)


def _frames(
    out: Name | None,
    usual: Path,
    size: tuple[int, int],
    plan: Plan,
    duration: int,
    *,
    overwrite: bool,
    inputs: Sequence[Name],
) -> Destination:
    """Check where an animation of all images of a plan shall go."""
    count, (height, width), factor = len(plan.seeds), size, plan.scale or 1
    if count < 2:
        raise RequestError("--frames shows images in turn, and one alone is a picture; ask for more with --count")
    if count * height * width * factor**2 > MOST_PIXELS:
        raise RequestError(
            f"{count} frames enlarged {factor} times are too large; use a smaller --scale or --count, or a folder"
            " without --frames"
        )
    if out is not None and _is_folder(out):
        raise RequestError("--frames makes one animation; name a .gif or .png file for it with --out")
    what = "images in turn are a GIF or an animated PNG; name a .gif or .png file"
    file = output_file(out, usual, (".png", ".apng", ".gif"), what, overwrite=overwrite, inputs=inputs)
    if file.path is not None and file.path.suffix.lower() == ".gif" and duration % 10:
        raise RequestError(
            f"--duration {duration} is no multiple of 10, and a GIF counts hundredths of a second; change it, or name a"
            " .png file"
        )
    return Destination(plan, file, None, factor, factor, frames=True, duration=duration)


def _is_folder(out: Name) -> bool:
    """Whether a name is that of a folder: it has no suffix, or a slash at its end, or there is one."""
    if out == STANDARD_OUTPUT:
        return False
    path = expand(out)
    if path.suffix.lower() == ".png":
        return False
    ends_in_slash = os.fspath(out).endswith((os.sep, os.altsep or os.sep))
    return not path.suffix or ends_in_slash or os.path.isdir(path)  # noqa: PTH112  (Path.is_dir raises of some names)


def _kept(there: Destination, size: tuple[int, int], inputs: Sequence[Name]) -> frozenset[Path]:
    """The files of a folder that are of its plan. Raises RequestError for others that are in the way."""
    folder = there.folder
    assert folder is not None
    if not os.path.lexists(folder):
        check_folder(folder)
        return frozenset()
    if not folder.is_dir():
        if folder.is_file() or not folder.exists():
            raise RequestError(f"{folder} is a file; name a .png file, or a folder")
        raise RequestError(f"{folder} is no ordinary file; name a .png file or a folder, or - for standard output")
    check_not_read(folder, inputs)
    check_folder(folder / "seed-0000.png")
    kept = set()
    plans = {file: there.alone(place, size) for place, file in enumerate(there.files())}
    films = {there.film(suffix): there.plan for suffix in there.animations}
    for file, plan in (plans | films).items():
        if not os.path.lexists(file):
            continue
        if not there.overwrite:
            found = _plan_in(file, film=file in films)
            if found is not None and plan.draws_as(found):
                kept.add(file)
                continue
            raise RequestError(
                f"{file} exists, and is another picture than this would be; name another folder, or replace it with"
                " --overwrite"
            )
        check_file(file, overwrite=True, inputs=inputs)
    return frozenset(kept)


def _plan_in(file: Path, *, film: bool) -> Plan | None:
    """The plan of a file that noisette made and that is whole; None of any other."""
    try:
        said = read_said(file) if film else read_png(file)[1]
        return None if said is None else Plan.from_metadata(said)
    except RequestError:
        return None


def _check_animations(animations: Sequence[str], plan: Plan, size: tuple[int, int], factor: int) -> None:
    if not animations:
        return
    count, (height, width) = len(plan.seeds), size
    if count > _MOST_IN_FILM:
        raise RequestError(f"a GIF shows at most {_MOST_IN_FILM} images, not {count}; use a smaller --count")
    if 2 * count * height * width * factor**2 * min(MOST_FRAMES, plan.sampling.steps) > MOST_PIXELS:
        raise RequestError(
            f"a GIF of {count} images enlarged {factor} times is too large; use a smaller --scale or --count"
        )
