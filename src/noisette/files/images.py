"""Pictures as files: sheets of small images, enlarged by whole factors, with the request inside."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from noisette.errors import RequestError
from noisette.files.atomic import write_atomically
from noisette.files.indexed import indexed_png
from noisette.files.png import (
    SIGNATURE,
    DamagedText,
    bit_depth,
    chunk,
    compressed_text,
    frames_in,
    other_kind,
    pixels_alone,
    text_of,
)
from noisette.files.reading import open_file, parse_json
from noisette.text import plain, shortened

MOST_PIXELS = 64_000_000
"""Of a sheet; larger ones are taken for a trap when they are read again."""
GAP = 1
"""Pixels between the images of a sheet, before they are enlarged."""
DENOISING = "noisette-denoising"
"""The key of what an animation says: not that of a picture, which is drawn again from what it says."""
FRAMES = "noisette-frames"
"""The same of an animation whose frames are pictures."""
_KEY = "noisette"
_PIXELS = "pixels_sha256"
_TEXT_SIZE = 11  # pixels
_LONGEST_CAPTION = 300  # letters
_ANY = 2**62  # bytes: of whatever size a file is, no more than the next are read
_LARGEST_UPLOAD = 64 * 2**20  # bytes
_MOST_TEXT = 8 * 2**20  # characters that a picture says of itself; 4096 random punks took 7.5 million in version 0.2.0
_MOST_NESTED = 500_000  # brackets and braces in it, of which each may become an object of Python


def sheet(images: NDArray[np.uint8], *, columns: int | None = None, scale: int = 1, gap: int = GAP) -> Image.Image:
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


def check_sheet(count: int, size: tuple[int, int], factor: int) -> None:
    """Refuse a sheet that is too large to be written, or to be read again.

    Args:
        count: Of its images.
        size: (height, width) of each.
        factor: By which they are enlarged.

    Raises:
        RequestError: It is too large.
    """
    if count * size[0] * size[1] * factor**2 > MOST_PIXELS:
        raise RequestError(
            f"a sheet of {count} images enlarged {factor} times is too large; use a smaller --scale or --count, or a"
            " folder for --out"
        )


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
    for word in shortened(text, _LONGEST_CAPTION).split():
        if lines and font.getlength(f"{lines[-1]} {plain(word)}") <= width:
            lines[-1] += f" {plain(word)}"
        else:
            lines += _pieces(plain(word), font, width)
    return lines


def _pieces(word: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """A word in pieces that are no wider than `width` pixels, of a letter at least."""
    if font.getlength(word) <= width:
        return [word]
    pieces = [""]
    for letter in word:
        if pieces[-1] and font.getlength(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def good_scale(width: int, columns: int) -> int:
    """A whole factor, 1 to 64, that brings a sheet of so many columns to some 600 pixels."""
    return min(64, max(1, 600 // (width * columns)))


def as_png(image: Image.Image, request: dict[str, Any]) -> bytes:
    """The file of a picture, with what it was made from inside; indexed where few colours allow it.

    Raises:
        RequestError: It was made from more than a picture can say.
    """
    text = json.dumps(request, separators=(",", ":"))
    if len(text) > _MOST_TEXT:
        raise RequestError("the picture would have to say more of its images than it can hold; draw fewer at a time")
    content = compressed_text(_KEY, text)
    data = indexed_png(image, [chunk(b"iTXt", content)])
    if data is not None:
        return data
    info = PngInfo()
    info.add(b"iTXt", content)
    file = io.BytesIO()
    image.save(file, format="PNG", pnginfo=info, optimize=True)
    return file.getvalue()


def as_own_png(image: Image.Image, about: Mapping[str, str]) -> bytes:
    """The file of a picture that is made again: it says of what it is, and which pixels it had. See `is_own_png`."""
    return as_png(image, {**about, _PIXELS: sha256(_seen(image).data).hexdigest()})


def is_own_png(data: bytes, about: Mapping[str, str]) -> bool:
    """Whether a file is what `as_own_png` made of the same, and nobody has drawn on it since.

    Args:
        data: The content of any file.
        about: Of what it should be.
    """
    try:
        image, said = parse_png(data, "it")
    except RequestError:
        return False
    return said == {**about, _PIXELS: sha256(_seen(image).data).hexdigest()}


def save_png(path: Path, image: Image.Image, request: dict[str, Any]) -> None:
    """Write the picture with what it was made from. The file is whole or not there."""
    data = as_png(image, request)
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def read_png(path: Path) -> tuple[Image.Image, dict[str, Any]]:
    """A picture made by `save_png` and its request. Raises RequestError for any other file."""
    shown = plain(str(path), 200)
    try:
        if path.is_dir():
            raise RequestError(f"{shown} is a folder, not a picture; name a .png file")
        with open_file(path, most=_ANY, failure=RequestError) as file:
            data = file.read(_LARGEST_UPLOAD + 1)
    except (OSError, ValueError) as error:
        raise RequestError(f"cannot read {shown}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > _LARGEST_UPLOAD:
        raise RequestError(f"{shown} is larger than any picture that noisette makes")
    return parse_png(data, shown)


def parse_png(data: bytes, path: str) -> tuple[Image.Image, dict[str, Any]]:
    """The same of a file's content; nothing in it is trusted.

    The picture is grey, RGB or RGBA of 8 bits, in whichever way the file keeps its colours. What it says is read
    wherever it stands, compressed or not; profiles and texts of other programs are not looked at, however large.

    Args:
        data: The content.
        path: What errors call it.

    Raises:
        RequestError: It is no PNG, or does not say how it was made.
    """
    try:
        text, frames = text_of(data, _KEY, _MOST_TEXT), frames_in(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(pixels_alone(data)), formats=["PNG"]) as image:
                image.load()
        picture = _in_eight_bits(image, bit_depth(data))
    except DamagedText as error:
        raise RequestError(f"what {path} says of how it was made is damaged: {error}") from error
    except Exception as error:  # a damaged file makes Pillow raise all kinds
        raise RequestError(f"{path} {_not_a_png(data)}") from error
    if _says(data, FRAMES):
        raise RequestError(f"{path} shows {frames} pictures in turn; draw them again with `noisette generate --frames`")
    if frames > 1:
        raise RequestError(f"{path} is an animation of {frames} frames, not a picture; name the PNG that it ends in")
    if not text:
        if _says(data, DENOISING):  # in one step, or it would have several frames
            raise RequestError(f"{path} shows the denoising of a picture, and is not the picture; name the other PNG")
        raise RequestError(
            f"{path} does not say how it was made; only pictures made by `noisette generate` do, and programs that"
            " drop their text make them forget it"
        )
    return picture, _read_request(text, path)


def _says(data: bytes, key: str) -> bool:
    """Whether there is such a text, be it damaged or not."""
    try:
        return text_of(data, key, _MOST_TEXT) is not None
    except DamagedText:
        return True


def differing(one: Image.Image, other: Image.Image) -> tuple[int, int]:
    """How two pictures of one size differ, by what is seen: a colour that is transparent does not count.

    Args:
        one: As `read_png` returns it, or a `sheet`.
        other: The same.

    Returns:
        How many pixels differ, and by how many levels at most; (0, 0) if the pictures are the same.
    """
    first, second = (_seen(each) for each in (one, other))
    levels = np.maximum(first, second) - np.minimum(first, second)
    return int(levels.any(axis=2).sum()), int(levels.max(initial=0))


def _seen(image: Image.Image) -> NDArray[np.uint8]:
    """(H, W, 4), with no colour where nothing is seen."""
    pixels = np.array(image.convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def _in_eight_bits(image: Image.Image, depth: int) -> Image.Image:
    """A picture as `sheet` makes them: L, RGB or RGBA, be it indexed, grey with alpha, of other depths, or with one
    colour for what is transparent.
    """
    hidden = image.info.get("transparency")
    if image.mode == "P":
        if hidden is not None:
            return image.convert("RGBA")
        colours = np.reshape(image.getpalette() or [], (-1, 3))
        return image.convert("L" if (colours == colours[:, :1]).all() else "RGB")
    if image.mode in ("LA", "RGBA"):
        return image.convert("RGBA")
    pixels = np.asarray(image.convert("L") if image.mode == "1" else image)
    if image.mode.startswith("I"):  # 16 bits of grey
        transparent = pixels == hidden
        pixels = (pixels >> 8).astype(np.uint8)
    else:
        transparent = None if hidden is None else pixels == _as_shown(hidden, depth)
    picture = Image.fromarray(pixels)
    if hidden is None:
        return picture
    alpha = np.where(transparent if pixels.ndim == 2 else transparent.all(axis=-1), 0, 255).astype(np.uint8)
    picture = picture.convert("RGB")
    picture.putalpha(Image.fromarray(alpha))
    return picture


def _as_shown(colour: int | tuple[int, ...], depth: int) -> NDArray[np.int64]:
    """A colour in the file's own depth as Pillow shows its pixels, in eight bits."""
    samples = np.asarray(colour, dtype=np.int64)
    return samples >> 8 if depth == 16 else samples * 255 // (2**depth - 1)


def _not_a_png(data: bytes) -> str:
    """What is wrong with a file that is no picture of ours."""
    if not data:
        return "is empty"
    if (kind := other_kind(data)) is not None:
        return f"is {kind}: noisette makes PNG, and what a picture says of itself is lost when it is saved as another"
    if not data.startswith(SIGNATURE):
        return "is no picture that noisette makes: it is not a PNG"
    return "is not a PNG that can be read; it is damaged, or too large"


def _read_request(text: str, path: str) -> dict[str, Any]:
    """What a picture says, of a text that may be anything of `_MOST_TEXT` characters."""
    try:
        if text.count("[") + text.count("{") > _MOST_NESTED:
            raise ValueError("it has too many parts")
        request = parse_json(text)
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise RequestError(f"what {path} says of how it was made is damaged: it is no object of JSON")
    return request


def on_white(image: Image.Image) -> Image.Image:
    """The image in RGB, its alpha laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
