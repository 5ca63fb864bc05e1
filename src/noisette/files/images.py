"""Pictures as files: sheets of small images, enlarged by whole factors, with the request inside."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from noisette.errors import RequestError
from noisette.files.atomic import write_atomically

_KEY = "noisette"
_TEXT_SIZE = 11  # pixels
_LARGEST_UPLOAD = 64 * 2**20  # bytes


def sheet(images: NDArray[np.uint8], *, columns: int | None = None, scale: int = 1, gap: int = 1) -> Image.Image:
    """(N, C, H, W) uint8 in rows, each pixel a square of `scale`, with `gap` image pixels between images.

    columns: as square as possible unless given. Grey and RGB gaps are white, RGBA gaps transparent.
    """
    count, channels, height, width = images.shape
    columns = min(columns or int(np.ceil(np.sqrt(count))), count)
    rows = -(-count // columns)
    canvas = np.full(
        (channels, rows * (height + gap) - gap, columns * (width + gap) - gap), 0 if channels == 4 else 255, np.uint8
    )
    for number, image in enumerate(images):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        canvas[:, top : top + height, left : left + width] = image
    enlarged = canvas.repeat(scale, axis=1).repeat(scale, axis=2)
    return Image.fromarray(enlarged[0] if channels == 1 else np.ascontiguousarray(enlarged.transpose(1, 2, 0)))


def labelled_sheet(
    images: NDArray[np.uint8], texts: Sequence[str], *, columns: int | None = None, scale: int = 1
) -> Image.Image:
    """A sheet like that of `sheet`, on white, with a text under each image, broken into as many lines as it needs."""
    columns = min(columns or int(np.ceil(np.sqrt(len(images)))), len(images))
    font = ImageFont.load_default(_TEXT_SIZE)
    pictures = [on_white(sheet(image[None], scale=scale)) for image in images]
    width, height = max(pictures[0].width, 4 * _TEXT_SIZE), pictures[0].height
    lines = [_broken(text, font, width) for text in texts]
    line_height = _TEXT_SIZE + 3
    rows = -(-len(images) // columns)
    heights = [
        height
        + max(len(lines[place]) for place in range(row * columns, min((row + 1) * columns, len(images)))) * line_height
        for row in range(rows)
    ]
    gap = _TEXT_SIZE
    canvas = Image.new("RGB", (columns * (width + gap) - gap, sum(heights) + gap * (rows - 1)), "white")
    pen = ImageDraw.Draw(canvas)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        left, top = column * (width + gap), sum(heights[:row]) + row * gap
        canvas.paste(picture, (left, top))
        for number, line in enumerate(lines[place]):
            pen.text((left, top + height + 1 + number * line_height), line, fill="#222222", font=font)
    return canvas


def cross_sheet(
    images: NDArray[np.uint8], across: Sequence[str], down: Sequence[str], *, title: str = "", scale: int = 1
) -> Image.Image:
    """(R, K, C, H, W) as R rows of K columns, on white, with a text over each column, `across`, before each row,
    `down`, and over all.
    """
    rows, columns = images.shape[:2]
    font, gap, line_height = ImageFont.load_default(_TEXT_SIZE), _TEXT_SIZE, _TEXT_SIZE + 3
    pictures = [[on_white(sheet(image[None], scale=scale)) for image in row] for row in images]
    width, height = max(pictures[0][0].width, 4 * _TEXT_SIZE), pictures[0][0].height
    heads, margin = [_broken(text, font, width) for text in across], 12 * _TEXT_SIZE
    sides = [_broken(text, font, margin - gap) for text in down]
    heights = [max(height, len(side) * line_height) + gap for side in sides]
    whole = margin + columns * (width + gap) - gap
    titles = _broken(title, font, whole)
    under, top = len(titles) * line_height, (len(titles) + max(map(len, heads))) * line_height + 4
    canvas = Image.new("RGB", (whole, top + sum(heights) - gap), "white")
    pen = ImageDraw.Draw(canvas)
    for number, line in enumerate(titles):
        pen.text((0, number * line_height), line, fill="#222222", font=font)
    for column, head in enumerate(heads):
        for number, line in enumerate(head):
            pen.text((margin + column * (width + gap), under + number * line_height), line, fill="#222222", font=font)
    for row in range(rows):
        y = top + sum(heights[:row])
        for number, line in enumerate(sides[row]):
            pen.text((0, y + number * line_height), line, fill="#222222", font=font)
        for column in range(columns):
            canvas.paste(pictures[row][column], (margin + column * (width + gap), y))
    return canvas


def _broken(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """The text in lines that are no wider than `width` pixels, broken between words where it can be."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def good_scale(width: int, columns: int) -> int:
    """A whole factor, 1 to 64, that brings a sheet of so many columns to some 600 pixels."""
    return min(64, max(1, 600 // (width * columns)))


def as_png(image: Image.Image, request: dict[str, Any]) -> bytes:
    """The file of a picture, with what it was made from inside."""
    info = PngInfo()
    info.add_itxt(_KEY, json.dumps(request))
    file = io.BytesIO()
    image.save(file, format="PNG", pnginfo=info, optimize=True)
    return file.getvalue()


def save_png(path: Path, image: Image.Image, request: dict[str, Any]) -> None:
    """Write the picture with what it was made from. The file is whole or not there."""
    data = as_png(image, request)
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def read_png(path: Path) -> tuple[Image.Image, dict[str, Any]]:
    """A picture made by `save_png` and its request. Raises RequestError for any other file."""
    try:
        data = path.read_bytes() if path.stat().st_size <= _LARGEST_UPLOAD else None
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    if data is None:
        raise RequestError(f"{path} is larger than any picture that noisette makes")
    return parse_png(data, str(path))


def parse_png(data: bytes, path: str) -> tuple[Image.Image, dict[str, Any]]:
    """The same of a file's content; nothing in it is trusted.

    Args:
        data: The content.
        path: What errors call it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                image.load()
                text = image.info.get(_KEY)
    except Exception as error:  # a damaged file makes Pillow raise all kinds
        raise RequestError(f"{path} is not a PNG that can be read") from error
    try:
        request = json.loads(text or "")
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict):
        raise RequestError(f"{path} does not say how it was made; only pictures made by `noisette generate` do")
    return image, request


def on_white(image: Image.Image) -> Image.Image:
    """The image in RGB, its alpha laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
