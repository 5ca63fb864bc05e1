"""Small avatars made from layers: any number, 8 to 64 pixels wide and high, every attribute readable from the pixels.

Two rules make every sprite exactly checkable. A colour belongs to one attribute only. And every attribute has a place
of its own, at every size: pixels where it can paint and no layer in front of it ever does, and in which all its
options differ.

Shapes are given on a grid of 24 by 24, which is stretched to the size, and snapped to whole pixels, never thinner than
one. An edge snaps alike in every shape, so shapes that meet at it stay apart, and 3 of the 24 are always a pixel. The
places, top to bottom: 0..6 hat, 6..9 hairline, 9..13 eyes, 13..15 cheeks, 15..18 mouth, 18..21 chin, 21..24 chest. At 8
pixels each is one row, the hat two. Keep to them when adding a shape; the tests measure every square and some others.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, field_validator

from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag
from noisette.data.description import Description, trained_by_index
from noisette.data.sources.base import Options, Source, check_pixels
from noisette.errors import told
from noisette.text import brief

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisette.data.dataset import Dataset
    from noisette.progress import Progress

    Pixels = NDArray[np.uint32]
    """RGBA bytes seen as one number, so that a pixel is compared or copied at once. 0 is transparent."""

NAME = "sprites"
SMALLEST, LARGEST = 8, 64
GRID = 24
OUTLINED = 20
"""From this size on, the shorter side, there are pixels to spare for outlines and small details."""
MOST = 1_000_000
"""Sprites; of the largest they fill 16 GiB."""
CHUNK = 512
"""Images drawn or read at a time, so that memory stays close to that of the result."""

Size = tuple[int, int]
"""Height and width in pixels."""


class Part(NamedTuple):
    """A box in one colour, from (left, top) to (right, bottom) on the grid; drawn with its mirror image."""

    colour: str  # "" erases what the same layer painted before
    left: int
    top: int
    right: int
    bottom: int
    radius: int = 0  # of the corners
    mirrored: bool = True
    detail: bool = False  # left out of sprites too small for outlines


class Option(NamedTuple):
    """A value of an attribute: how often it comes (of 100) and its parts, back to front."""

    weight: int
    parts: tuple[Part, ...]


class Layer(NamedTuple):
    """An attribute: a flag if its options are `absent` and `present`."""

    name: str
    options: dict[str, Option]
    outlined: bool = False


class Rendered(NamedTuple):
    """A layer at one size."""

    options: Pixels  # (options, H, W), each drawn alone
    colours: Pixels  # all that occur in them
    behind: Pixels  # all that occur in the layers behind
    place: NDArray[np.bool_]  # (H, W), where this layer can paint and none in front of it ever does


def _option(weight: int, *parts: Part) -> Option:
    return Option(weight, parts)


def _flag(weight: int, *parts: Part) -> dict[str, Option]:
    return {"absent": _option(100 - weight), "present": _option(weight, *parts)}


def _detail(colour: str, left: int, top: int, right: int, bottom: int) -> Part:
    return Part(colour, left, top, right, bottom, detail=True)


def _shirt(colour: str, light: str) -> tuple[Part, ...]:
    return (Part(colour, 3, 18, 21, 30, 4), _detail(light, 6, 21, 9, 24))


def _head(colour: str, *, radius: int = 5, ears: tuple[int, int] = (11, 16)) -> tuple[Part, ...]:
    return (Part(colour, 2, ears[0], 5, ears[1], 1), Part(colour, 4, 4, 20, 20, radius))


def _human(colour: str, shade: str, eye: str, glint: str) -> tuple[Part, ...]:
    eyes = (Part(eye, 7, 9, 9, 12), _detail(glint, 7, 9, 8, 10))
    return (*_head(colour), *eyes, _detail(shade, 11, 13, 13, 14))


# fmt: off
LAYERS = (
    Layer("Shirt", {
        "Red": _option(20, *_shirt("#c8403c", "#e8746c")),
        "Blue": _option(25, *_shirt("#3a62c4", "#7396e6")),
        "Green": _option(18, *_shirt("#3c8c4a", "#70bc78")),
        "Yellow": _option(15, *_shirt("#e0b030", "#f6da78")),
        "Purple": _option(12, *_shirt("#7e46a8", "#b07cd4")),
        "White": _option(10, *_shirt("#dcdce8", "#fafaff")),
    }, outlined=True),
    Layer("Body", {
        "Pale": _option(24, *_human("#f2cdb0", "#d8a585", "#2b2233", "#fffdfa")),
        "Tan": _option(24, *_human("#cf9562", "#ab7345", "#2a1d16", "#fff9ee")),
        "Brown": _option(24, *_human("#86522f", "#633a1f", "#1a100b", "#fff3e4")),
        "Zombie": _option(10, *_human("#86ad6c", "#64894f", "#8e1f24", "#ffb4a8"), _detail("#4a6a3c", 6, 7, 9, 8)),
        "Cat": _option(
            9, Part("#e08a3e", 4, 1, 8, 8, 1), *_head("#e08a3e", ears=(13, 15)), Part("#ffe9c9", 9, 12, 15, 14),
            Part("#1f4a2c", 7, 9, 9, 12), _detail("#9fe070", 7, 9, 8, 12), _detail("#b04858", 11, 12, 13, 13)
        ),
        "Robot": _option(
            7, Part("#9aa6b2", 11, 1, 13, 5), Part("#9aa6b2", 2, 10, 5, 15), Part("#9aa6b2", 4, 4, 20, 20, 2),
            Part("#1fd8e8", 6, 9, 9, 12), _detail("#d8fcff", 7, 10, 8, 11), _detail("#6d7884", 11, 13, 13, 15)
        ),
        "Alien": _option(2, *_head("#a596e8", radius=8, ears=(12, 14)), Part("#0d0820", 6, 8, 10, 13, 2), _detail("#efeaff", 7, 9, 8, 10)),
    }, outlined=True),
    Layer("Beard", {
        "None": _option(62),
        "Moustache": _option(14, Part("#33231a", 6, 15, 18, 17), _detail("#33231a", 6, 17, 8, 18)),
        "Goatee": _option(12, Part("#3a2a20", 9, 18, 15, 21, 1)),
        "Full": _option(12, Part("#cac4be", 3, 9, 21, 21, 5), _detail("#eae6e0", 7, 15, 17, 16), Part("", 3, 9, 21, 15)),
    }),
    Layer("Mouth", {
        "Neutral": _option(35, Part("#5a2a2c", 9, 16, 15, 17)),
        "Smile": _option(35, Part("#9c2836", 10, 16, 14, 17), Part("#9c2836", 9, 15, 10, 16)),
        "Grin": _option(20, Part("#701c28", 9, 15, 15, 18, 1), Part("#fcfcf4", 10, 15, 14, 17)),
        "Tongue": _option(10, Part("#6a2030", 9, 15, 15, 16), Part("#f0648c", 10, 16, 14, 18, 1)),
    }),
    Layer("Blush", _flag(30, Part("#f08f92", 6, 13, 9, 15))),
    Layer("Hair", {
        "None": _option(15),
        "Short": _option(
            30, Part("#5c3a20", 3, 3, 21, 24, 6), _detail("#7c5430", 8, 4, 16, 5),
            Part("", 6, 7, 18, 24), Part("", 3, 11, 21, 24)
        ),
        "Long": _option(22, Part("#ecc850", 2, 3, 22, 20, 5), _detail("#fbe68c", 8, 4, 16, 5), Part("", 6, 7, 18, 24, 2)),
        "Afro": _option(15, Part("#30242c", 0, 1, 24, 14, 7), Part("", 6, 7, 18, 15)),
        "Pigtails": _option(
            12, Part("#d0542a", 0, 7, 4, 15, 2), Part("#d0542a", 3, 3, 21, 11, 5),
            _detail("#ec7c48", 8, 4, 16, 5), Part("", 6, 7, 18, 11)
        ),
        "Mohawk": _option(6, Part("#3cc86c", 9, 0, 15, 9, 2), _detail("#8cf0a0", 10, 2, 12, 5)),
    }, outlined=True),
    Layer("Eyewear", {
        "None": _option(60),
        "Glasses": _option(
            20, Part("#2c5c8c", 5, 9, 11, 13), Part("", 6, 10, 10, 12),
            Part("#2c5c8c", 11, 10, 13, 11), Part("#2c5c8c", 3, 10, 5, 11)
        ),
        "Sunglasses": _option(15, Part("#14141c", 5, 9, 11, 13, 1), Part("#14141c", 3, 9, 21, 10), _detail("#50505f", 6, 10, 7, 11)),
        "Visor": _option(5, Part("#e03cc0", 3, 9, 21, 13, 1), _detail("#ff9cec", 5, 10, 10, 11)),
    }),
    Layer("Hat", {
        "None": _option(55),
        "Cap": _option(15, Part("#1f5c8a", 2, 3, 22, 6, 1), Part("#2f7fb8", 5, 0, 19, 5, 4)),
        "Beanie": _option(12, Part("#f6a6b4", 10, 0, 14, 2), Part("#f6a6b4", 4, 3, 20, 6), Part("#d84a6a", 5, 1, 19, 4)),
        "Top Hat": _option(8, Part("#3a3444", 2, 3, 22, 6), Part("#3a3444", 6, 0, 18, 5), Part("#c03058", 6, 3, 18, 4)),
        "Crown": _option(
            5, Part("#f4c61e", 5, 3, 19, 6), Part("#f4c61e", 5, 0, 8, 4), Part("#f4c61e", 10, 0, 14, 4),
            Part("#e8404c", 11, 3, 13, 5)
        ),
        "Party": _option(5, Part("#18a89c", 6, 3, 18, 6), Part("#f0e060", 8, 2, 16, 4), Part("#18a89c", 10, 0, 14, 2)),
    }, outlined=True),
    # The one attribute that tells left from right.
    Layer("Earring", _flag(25, Part("#ffd84a", 20, 15, 22, 20, mirrored=False), Part("#e02848", 20, 17, 22, 20, mirrored=False))),
    Layer("Bow Tie", _flag(20, Part("#e8286c", 8, 21, 12, 24), _detail("", 10, 21, 12, 24), _detail("#7c1040", 10, 22, 12, 23))),
)
# fmt: on

SCHEMA = AttributeSchema(
    attributes=tuple(
        Flag(name=layer.name) if "present" in layer.options else Choice(name=layer.name, options=tuple(layer.options))
        for layer in LAYERS
    )
)
"""The columns of a table, in the order in which their layers are drawn, back to front."""


class SpritesOptions(Options):
    """Which sprites are made."""

    size: int | str = Field(GRID, description="pixels along a side, or width x height such as 16x24")
    count: int = Field(10_000, description="how many to make")
    seed: int = Field(0, description="which ones to make")

    @field_validator("size")
    @classmethod
    def _can_be_drawn(cls, size: int | str) -> int | str:
        """A whole number wherever one will do, so that the same sprites are always written the same way."""
        sides = range(SMALLEST, LARGEST + 1)
        if isinstance(size, int):
            return check_pixels(NAME, size, sides)
        written = re.fullmatch(r"([0-9]{1,9})(?:x([0-9]{1,9}))?", size.strip())
        if written is None:
            raise ValueError(f'the size "{brief(size)}" is not a number of pixels, nor width x height, such as 16x24')
        width, height = int(written[1]), int(written[2] or written[1])
        if width not in sides or height not in sides:
            raise ValueError(f"{NAME} can be {SMALLEST} to {LARGEST} pixels wide and high, not {width}x{height}")
        return width if width == height else f"{width}x{height}"

    @field_validator("count")
    @classmethod
    def _can_be_made(cls, count: int) -> int:
        if count < 1:
            raise ValueError(f"cannot make {told(count)} sprites; count must be at least 1")
        if count > MOST:
            raise ValueError(f"cannot make {told(count)} sprites; count must be at most {MOST:,}")
        return count

    @field_validator("seed")
    @classmethod
    def _is_a_seed(cls, seed: int) -> int:
        if seed < 0:
            raise ValueError(f"a seed cannot be {told(seed)}; it must be 0 or more")
        return seed

    @property
    def height_and_width(self) -> Size:
        """Pixels."""
        if isinstance(self.size, int):
            return self.size, self.size
        width, height = map(int, self.size.split("x"))
        return height, width


def _describe(options: SpritesOptions) -> Description:
    trained = trained_by_index(options.count)
    return Description(NAME, 4, *options.height_and_width, options.count, SCHEMA, "drawn from layers", trained)


def _open(options: SpritesOptions, progress: Progress) -> Dataset:
    from noisette.data.dataset import Dataset, split_by_index

    table = random_table(options.count, options.seed)
    images = draw(table, options.height_and_width)
    return Dataset(name=NAME, images=images, attributes=table, schema=SCHEMA, membership=split_by_index(options.count))


def sprites(count: int = 10_000, size: int | str = GRID, seed: int = 0) -> Dataset:
    """Random sprites. A sprite depends on its size, the seed and its own index only.

    Args:
        count: How many, at least 1.
        size: Pixels along a side, 8 to 64, or width x height such as "16x24".
        seed: Which ones, 0 or more.

    Raises:
        RequestError: There are no such sprites.
    """
    from noisette.progress import silent

    return _open(SOURCE.read_options({"count": count, "size": size, "seed": seed}), silent)


def random_table(count: int, seed: int) -> NDArray[np.int16]:
    """Random attributes, some options common and some rare.

    Args:
        count: How many rows, N. Those before do not depend on it.
        seed: 0 or more.

    Returns:
        (N, A) int16.
    """
    import numpy as np

    uniform = np.random.Generator(np.random.PCG64(seed)).random((count, len(LAYERS)))
    table = np.empty(uniform.shape, dtype=np.int16)
    for column, layer in enumerate(LAYERS):
        weights = np.array([option.weight for option in layer.options.values()])
        table[:, column] = np.searchsorted(weights.cumsum() / weights.sum(), uniform[:, column], side="right")
    return table


def draw(table: NDArray[np.int16], size: int | Size) -> NDArray[np.uint8]:
    """Draw sprites. Different rows give different images.

    Args:
        table: (N, A) int16, without UNKNOWN.
        size: Pixels along a side, or (height, width), each 8 to 64.

    Returns:
        (N, 4, H, W) uint8, RGBA; alpha is 0 or 255, and a transparent pixel is 0 throughout.

    Raises:
        ValueError: There is no such size, or an attribute has no such option.
    """
    import numpy as np

    height, width = (size, size) if isinstance(size, int) else size
    layers = _render(height, width)
    counts = [len(layer.options) for layer in layers]
    if table.ndim != 2 or table.shape[1] != len(counts):
        raise ValueError(f"the table of sprites must be (N, {len(counts)}), not {table.shape}")
    if ((table < 0) | (table >= counts)).any():
        raise ValueError("to draw sprites every attribute must be known and one of its options")

    images = np.empty((len(table), 4, height, width), dtype=np.uint8)
    for start in range(0, len(table), CHUNK):
        rows = table[start : start + CHUNK]
        pixels = np.zeros((len(rows), height, width), dtype=np.uint32)
        for layer, codes in zip(layers, rows.T, strict=True):
            painted = layer.options[codes]
            np.copyto(pixels, painted, where=painted != 0)
        images[start : start + CHUNK] = pixels[..., None].view(np.uint8).transpose(0, 3, 1, 2)
    return images


def read(images: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Read the attributes that images show: the inverse of `draw`.

    Every pixel that can be painted is the place of one attribute, the frontmost that can paint it. An attribute has a
    value if its place shows exactly that option, and colours of layers behind where the option leaves it open;
    otherwise it is UNKNOWN. An image is right throughout if moreover `draw(read(images), (H, W))` is equal to it.

    Args:
        images: (N, 4, H, W) uint8, RGBA.

    Returns:
        (N, A) int16.

    Raises:
        ValueError: They are not such images, or of another size than sprites can have.
    """
    import numpy as np

    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 4:
        raise ValueError(f"sprites must be (N, 4, H, W) uint8, not {images.shape} {images.dtype}")
    layers = _render(*images.shape[2:])
    table = np.full((len(images), len(LAYERS)), UNKNOWN, dtype=np.int16)
    for start in range(0, len(images), CHUNK):
        chunk = np.ascontiguousarray(images[start : start + CHUNK].transpose(0, 2, 3, 1)).view(np.uint32)[..., 0]
        for column, layer in enumerate(layers):
            shown = chunk[:, layer.place]
            shown[np.isin(shown, layer.behind)] = 0  # and a colour from anywhere else stays, and matches no option
            for code, option in enumerate(layer.options[:, layer.place]):
                table[start : start + CHUNK, column][(shown == option).all(axis=1)] = code
    return table


@lru_cache(maxsize=LARGEST - SMALLEST + 1)
def _render(height: int, width: int) -> tuple[Rendered, ...]:
    import numpy as np

    if not (SMALLEST <= height <= LARGEST and SMALLEST <= width <= LARGEST):
        raise ValueError(f"sprites can be {SMALLEST} to {LARGEST} pixels wide and high, not {width}x{height}")
    drawn = [
        np.stack([_paint(option.parts, (height, width), layer.outlined) for option in layer.options.values()])
        for layer in LAYERS
    ]
    colours = [np.unique(options[options != 0]) for options in drawn]
    layers = []
    covered = np.zeros((height, width), dtype=np.bool_)
    for index in reversed(range(len(LAYERS))):
        painted = (drawn[index] != 0).any(axis=0)
        behind = np.concatenate([np.empty(0, dtype=np.uint32), *colours[:index]])
        layers.append(Rendered(drawn[index], colours[index], behind, painted & ~covered))
        covered = covered | painted
    return tuple(reversed(layers))


def _paint(parts: tuple[Part, ...], size: Size, outlined: bool) -> Pixels:
    """One option of a layer alone, (H, W)."""
    import numpy as np

    pixels = np.zeros((*size, 4), dtype=np.uint8)
    roomy = min(size) >= OUTLINED
    for part in parts:
        if not part.detail or roomy:
            pixels[_shape(part, size)] = (*bytes.fromhex(part.colour[1:]), 255) if part.colour else 0
    if outlined and roomy:
        inside = painted = pixels[..., 3] > 0
        for _ in range(_snap(1, min(size))):
            inside = _shrink(inside)
        pixels[painted & ~inside, :3] //= 2
    return pixels.view(np.uint32)[..., 0]


def _shape(part: Part, size: Size) -> NDArray[np.bool_]:
    """The pixels of a part, (H, W): a box with its corners cut where pixel centres lie outside the arc."""
    import numpy as np

    height, width = size
    rows, row_radius, down = _extent(part.top, part.bottom, part.radius, height)
    columns, column_radius, across = _extent(part.left, part.right, part.radius, width)
    box = np.outer(rows, columns)
    # the equation of an ellipse without its divisions, so that a square one is a circle to the last pixel
    shape: NDArray[np.bool_] = box & (
        (across**2 * row_radius**2)[None, :] + (down**2 * column_radius**2)[:, None] <= row_radius**2 * column_radius**2
    )
    return shape | shape[:, ::-1] if part.mirrored else shape


def _extent(first: int, last: int, radius: int, pixels: int) -> tuple[NDArray[np.bool_], int, NDArray[np.float64]]:
    """Of a box along one axis: the pixels inside, the radius of its corners in pixels, and how far each pixel reaches
    into a corner.
    """
    import numpy as np

    start, snapped = _snap(first, pixels), _snap(radius, pixels)
    end = max(_snap(last, pixels), start + 1)
    centres = np.arange(pixels) + 0.5
    reach = np.maximum(np.maximum(start + snapped - centres, centres - (end - snapped)), 0)
    return (centres > start) & (centres < end), snapped, reach


def _snap(edge: int, pixels: int) -> int:
    """The pixel edge nearest to an edge on the grid, along a side of so many pixels."""
    return (2 * edge * pixels + GRID) // (2 * GRID)


def _shrink(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`mask`, (H, W), without its outermost pixels; at the bottom the picture goes on."""
    import numpy as np

    padded = np.pad(mask, 1)
    padded[-1] = padded[-2]
    return mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]


SOURCE = Source(
    name=NAME,
    summary="synthetic avatars drawn from layers, RGBA; any number, no network needed",
    options=SpritesOptions,
    describe=_describe,
    open=_open,
    read=read,
    draw=draw,
    background="#638596",
)
