"""Animations as files. A GIF has 256 colours a frame, so those that a person compares with the picture come first; an
animated PNG has them all, and transparency.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.files.apng import apng
from noisette.files.gif import Frame, gif
from noisette.files.images import DENOISING, FRAMES, on_white
from noisette.files.png import compressed_text
from noisette.files.reading import parse_json, read_bytes

_KEY = DENOISING
_CLEAR = 255  # the index of what is transparent
_MOST_EXACT = 240  # colours of the finished part; the noisy part has what is left of 255
_BETWEEN_PATCHES = 20  # milliseconds, the least that browsers take
_LARGEST = 256 * 2**20  # bytes of an animation that is read again


def as_gif(
    frames: Sequence[Image.Image],
    *,
    scale: int = 1,
    left: int = 0,
    whole: int = -1,
    milliseconds: int = 80,
    hold: int = 1500,
    said: Mapping[str, Any] | None = None,
) -> bytes:
    """An animation whose frames have a palette each, in which the colours from column `left` on come first.

    In frame `whole` this part is exact, however many colours it has: what one palette cannot show is laid over it in
    patches, with palettes of their own. Alpha that is only on or off there is kept; any other is laid on white.

    Args:
        frames: Grey, RGB or RGBA, all alike, one pixel for each pixel.
        scale: A whole factor to enlarge by.
        left: The first column of the finished part.
        whole: Number of the frame whose finished part must be exact.
        milliseconds: How long a frame stays.
        hold: How long the last one stays, in milliseconds.
        said: What it was made from, kept as its comment.

    Returns:
        The file.
    """
    whole %= len(frames)
    if loses_alpha(frames[whole], left) or (
        frames[0].mode == "RGBA" and whole < len(frames) - 1 and _patches(frames[whole], left)
    ):
        frames = [on_white(frame) for frame in frames]
    shown, durations = [], []
    for number, frame in enumerate(frames):
        patches = _patches(frame, left) if number == whole else []
        shown += [_indexed(frame, left), *patches]
        durations += [milliseconds, *[_BETWEEN_PATCHES] * len(patches)]
    durations[-1] = hold
    disposal = [_disposal(frames[0])] * len(shown)
    if frames[0].mode == "RGBA" and len(shown) > len(frames):  # patches show the frame that they are laid over
        disposal[len(frames) - 1 :] = [1] * (len(shown) - len(frames) + 1)
    each = zip(shown, durations, disposal, strict=True)
    return gif([Frame(_enlarged(image, scale), *how) for image, *how in each], _comment(said))


def as_apng(
    frames: Sequence[Image.Image],
    *,
    scale: int = 1,
    milliseconds: int = 80,
    hold: int = 1500,
    said: Mapping[str, Any] | None = None,
    key: str = DENOISING,
) -> bytes:
    """The same as an animated PNG, in which nothing is lost; what it was made from is kept under `key`."""
    text = b"" if said is None else compressed_text(key, json.dumps(said))
    return apng([_enlarged(frame, scale) for frame in frames], [*[milliseconds] * (len(frames) - 1), hold], text)


def frames_gif(
    frames: Sequence[Image.Image], *, scale: int = 1, milliseconds: int, said: Mapping[str, Any] | None = None
) -> bytes:
    """Pictures one after the other, each exactly as it is seen, for ever; see `not_in_gif` for which can be.

    Args:
        frames: Grey, RGB or RGBA, all alike, one pixel for each pixel.
        scale: A whole factor to enlarge by.
        milliseconds: How long each stays, in tens.
        said: What they were made from, kept as the comment.

    Returns:
        The file.
    """
    images = (_enlarged(_exact(frame), scale) for frame in frames)
    return gif([Frame(image, milliseconds, _disposal(frames[0])) for image in images], _comment(said))


def frames_apng(
    frames: Sequence[Image.Image], *, scale: int = 1, milliseconds: int, said: Mapping[str, Any] | None = None
) -> bytes:
    """The same of any pictures, as an animated PNG."""
    return as_apng(frames, scale=scale, milliseconds=milliseconds, hold=milliseconds, said=said, key=FRAMES)


def not_in_gif(frame: Image.Image) -> str:
    """Why a GIF cannot show a picture as it is; empty where it can."""
    if frame.mode == "L":
        return ""
    if loses_alpha(frame):
        return "is partly transparent"
    colours, most = len(_colours(_numbers(frame))), _CLEAR if frame.mode == "RGBA" else _CLEAR + 1
    return f"has {colours} colours, more than {most}" if colours > most else ""


def read_said(path: Path) -> dict[str, Any] | None:
    """What an animation says that it was made from; None if it says nothing, or is none."""
    try:
        content = io.BytesIO(read_bytes(path, most=_LARGEST))
        with Image.open(content, formats=["GIF", "PNG"]) as image:
            image.load()  # text of a PNG may stand behind its pixels
            text = image.info.get("comment") or image.info.get(_KEY) or ""
            said = parse_json(text.decode() if isinstance(text, bytes) else text)
    except Exception:  # a damaged file makes Pillow raise all kinds
        return None
    return said if isinstance(said, dict) else None


def loses_alpha(frame: Image.Image, left: int = 0) -> bool:
    """Whether a GIF that ends in this frame has to lay it on white."""
    return frame.mode == "RGBA" and not np.isin(np.asarray(frame)[:, left:, 3], (0, 255)).all()


def _disposal(frame: Image.Image) -> int:
    return 2 if frame.mode == "RGBA" else 0  # a transparent frame would show the one before it


def _comment(said: Mapping[str, Any] | None) -> bytes:
    return b"" if said is None else json.dumps(said).encode()


def _enlarged(image: Image.Image, scale: int) -> Image.Image:
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    large.info = dict(image.info)
    return large


def _indexed(frame: Image.Image, left: int) -> Image.Image:
    """A frame with its own palette, exact from column `left` on unless it has too many colours there."""
    if frame.mode == "L":
        return frame  # 256 greys are all there are
    numbers = _numbers(frame)
    colours = _colours(numbers[:, left:])
    rgb = on_white(frame)
    if len(colours) > _MOST_EXACT:
        indices, palette = _quantised(rgb, _CLEAR)
    else:
        palette = _palette(colours)
        indices = np.searchsorted(colours, numbers).clip(0, _CLEAR - 1).astype(np.uint8)
        if left:
            noisy, more = _quantised(rgb.crop((0, 0, left, rgb.height)), _CLEAR - len(colours))
            indices[:, :left] = noisy + len(colours)
            palette += more
    indices[numbers < 0] = _CLEAR
    return _image(indices, palette, clear=frame.mode == "RGBA")


def _exact(frame: Image.Image) -> Image.Image:
    """A frame with its own palette, of a picture that has few enough colours."""
    if frame.mode == "L":
        return frame
    numbers = _numbers(frame)
    colours = _colours(numbers)
    indices = np.searchsorted(colours, numbers).astype(np.uint8)
    indices[numbers < 0] = _CLEAR
    return _image(indices, _palette(colours), clear=frame.mode == "RGBA")


def _patches(frame: Image.Image, left: int) -> list[Image.Image]:
    """What is laid over a frame to make it exact from column `left` on; nothing where it is already."""
    if frame.mode == "L":
        return []
    numbers = _numbers(frame)
    if len(_colours(numbers[:, left:])) <= _MOST_EXACT:
        return []
    patches = []
    for rows, columns in _regions(numbers, slice(0, frame.height), slice(left, frame.width)):
        region = numbers[rows, columns]
        colours = _colours(region)
        indices = np.full(numbers.shape, _CLEAR, np.uint8)
        indices[rows, columns] = np.where(region < 0, _CLEAR, np.searchsorted(colours, region))
        patches.append(_image(indices, _palette(colours), clear=True))
    return patches


def _regions(numbers: NDArray[np.int32], rows: slice, columns: slice) -> Iterator[tuple[slice, slice]]:
    """Halves of halves, until each has few enough colours for one palette."""
    if len(_colours(numbers[rows, columns])) <= _CLEAR:
        yield rows, columns
        return
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if height > width:
        middle = rows.start + height // 2
        halves = [(slice(rows.start, middle), columns), (slice(middle, rows.stop), columns)]
    else:
        middle = columns.start + width // 2
        halves = [(rows, slice(columns.start, middle)), (rows, slice(middle, columns.stop))]
    for half in halves:
        yield from _regions(numbers, *half)


def _numbers(frame: Image.Image) -> NDArray[np.int32]:
    """(H, W): each colour as a number, -1 where it is transparent."""
    pixels = np.asarray(frame).astype(np.int32)
    numbers: NDArray[np.int32] = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    return np.where(pixels[..., 3] < 128, np.int32(-1), numbers) if pixels.shape[-1] == 4 else numbers


def _colours(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """The different ones, in order, without what is transparent."""
    found: NDArray[np.int32] = np.unique(numbers)
    return found[found >= 0]


def _palette(colours: NDArray[np.int32]) -> list[int]:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).ravel().tolist()


def _quantised(image: Image.Image, colours: int) -> tuple[NDArray[np.uint8], list[int]]:
    """Indices and palette of an RGB image in so many colours."""
    few = image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.array(few), list(few.getpalette() or [])[: 3 * colours]


def _image(indices: NDArray[np.uint8], palette: list[int], *, clear: bool) -> Image.Image:
    image = Image.fromarray(indices)  # `clear` even if nothing is: some readers clear its place in its own way alone
    image.putpalette((palette + [255] * 768)[:768])
    if clear:
        image.info["transparency"] = _CLEAR
    return image
