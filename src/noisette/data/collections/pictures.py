"""Pictures in image files: opened by a list of formats, never believed, and never changed on the way in."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisette.data.collections.entries import RefusedPicture
from noisette.errors import NoisetteError
from noisette.files.reading import AbsentError, read_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("PNG", "GIF", "BMP", "WEBP", "JPEG", "TIFF", "PPM", "TGA")
"""Names of Pillow's readers that strangers' files may reach."""

MOST_SIDE = 4096
"""Pixels; a larger picture is refused by its header, before any of it is decoded."""

MOST_OF_SHEET = 2**16
"""Pixels along a side of a sheet of many images: a strip of them may be long, with no more pixels than a picture."""

MOST_BYTES = 64 * 2**20

_SAME = {"L": 1, "RGB": 3, "RGBA": 4}
"""Modes that are taken as they are, and their channels."""
_BY_PALETTE = ("P", "PA", "1")
_REFUSED = {
    "CMYK": ("CMYK", ""),
    "LAB": ("CMYK", "colours as LAB"),
    "YCbCr": ("CMYK", "colours as YCbCr"),
    "HSV": ("CMYK", "colours as HSV"),
}
_ORIENTATION = 0x0112  # the tag of EXIF


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file with one image. See `Picture`.

    Attributes:
        path: Of the file.
        root: The folder that it must lie in.
    """

    path: Path
    root: Path

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        return decoded(content_of(self.path, self.root))


def content_of(path: Path, root: Path) -> bytes:
    """The bytes of an image file.

    Args:
        path: Of the file.
        root: The folder that it must lie in, links followed.

    Raises:
        RefusedPicture: It is gone, too large, or lies elsewhere.
    """
    try:
        return read_bytes(path, most=MOST_BYTES, inside=root)
    except AbsentError as error:
        raise RefusedPicture("vanished") from error
    except NoisetteError as error:
        told = str(error)
        kind = "link" if "link that leads out" in told else "too large" if "more bytes" in told else "unreadable"
        raise RefusedPicture(kind, "" if kind == "link" else told.rpartition(": ")[2]) from error


def decoded(content: bytes, *, most_side: int = MOST_SIDE) -> NDArray[np.uint8]:
    """The pixels of an image.

    Args:
        content: Of a file.
        most_side: Pixels that a side may have; all together are never more than `MOST_SIDE` squared.

    Returns:
        (H, W, C) uint8: 1 channel of grey without alpha, 3 of RGB, 4 of all with alpha, or with a transparent colour.

    Raises:
        RefusedPicture: It is no image, or more or other than one still image of 8 bits a channel.
    """
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise RefusedPicture("unreadable", "an empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, which are checked below; of damaged text, which nobody reads
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                _check(image, most_side)
                pixels = np.array(_upright(_expanded(image)), dtype=np.uint8)
    except RefusedPicture:
        raise
    except Image.DecompressionBombError as error:
        raise RefusedPicture("too large") from error
    except MemoryError as error:
        raise RefusedPicture("too large", "more than memory holds") from error
    except Exception as error:  # Pillow's readers raise all kinds of what is damaged
        what = "no image" if isinstance(error, UnidentifiedImageError) else str(error) or type(error).__name__
        raise RefusedPicture("unreadable", what) from error
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _check(image: Any, most_side: int) -> None:
    """Refuse by the header what is not decoded."""
    width, height = image.size
    if max(width, height) > most_side or width * height > MOST_SIDE**2:
        raise RefusedPicture("too large", f"{width}x{height}")
    if getattr(image, "n_frames", 1) > 1:
        raise RefusedPicture("animated", f"{image.n_frames} frames")
    if image.mode.startswith(("I", "F")):
        raise RefusedPicture("16 bits")
    if image.format == "PNG" and image.png is not None and _bits(image) == 16:
        raise RefusedPicture("16 bits")
    if image.mode in _REFUSED:
        kind, detail = _REFUSED[image.mode]
        raise RefusedPicture(kind, detail)


def _bits(image: Any) -> int:
    """Of a channel of a PNG; Pillow halves 16 bits of colour without a word."""
    rawmode = image.tile[0][3] if image.tile else ""
    return 16 if "16" in str(rawmode) else 8


def _expanded(image: Any) -> Any:
    """Grey, RGB or RGBA, without a change of any pixel that is seen."""
    clear = "transparency" in image.info
    if image.mode in _SAME and not clear:
        image.load()
        return image
    if clear or image.mode in ("PA", "LA", "La", "RGBa"):
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "P":
        palette = image.getpalette("RGBA") or []
        has_alpha = any(alpha < 255 for alpha in palette[3::4])
        return image.convert("RGBA" if has_alpha else "RGB")
    raise RefusedPicture("unreadable", f"colours of the kind {image.mode}")


def _upright(image: Any) -> Any:
    """As a viewer shows it: cameras say in EXIF how they were held."""
    if image.format not in ("JPEG", "TIFF", None) or image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)
