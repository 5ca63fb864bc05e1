"""A picture is the same however its pixels and its text are kept; what is another's does not make it unreadable."""

from __future__ import annotations

import io
import json
import struct
import zlib
from itertools import product

import numpy as np
import pytest
from PIL import Image

from noisette.errors import RequestError
from noisette.files.animation import as_apng
from noisette.files.images import as_png, differing, parse_png, sheet
from noisette.files.png import SIGNATURE, DamagedText, text_of

SAID = {"seeds": [1, 2, 3], "name": "Eugène"}
TEXT = json.dumps(SAID)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    place, found = 8, []
    while place < len(data):
        [length] = struct.unpack_from(">I", data, place)
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def joined(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return SIGNATURE + b"".join(chunk(kind, content) for kind, content in chunks)


def with_text(data: bytes, *texts: tuple[bytes, bytes], last: bool = False) -> bytes:
    """A file with these chunks behind its header, or behind its pixels, in the place of the texts that it has."""
    chunks = [each for each in chunks_of(data) if each[0] not in (b"tEXt", b"zTXt", b"iTXt")]
    place = len(chunks) - 1 if last else 1
    return joined([*chunks[:place], *texts, *chunks[place:]])


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", **options)
    return with_text(file.getvalue(), OURS)


def raw(image: np.ndarray, kind: int, depth: int, *more: tuple[bytes, bytes], interlaced: bool = False) -> bytes:
    """A PNG as this test writes it, of samples (H, W, C)."""
    height, width = image.shape[:2]
    passes = [image]
    if interlaced:
        starts = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        passes = [image[y::down, x::across] for y, x, down, across in starts]
    rows = (row for each in passes if each.size for row in each)

    def packed(row: np.ndarray) -> bytes:
        samples = row.reshape(-1)
        if depth == 16:
            return samples.astype(">u2").tobytes()
        bits = np.unpackbits(samples.astype(np.uint8)[:, None], axis=1)[:, 8 - depth :]
        return np.packbits(bits.reshape(-1)).tobytes()

    pixels = zlib.compress(b"".join(b"\0" + packed(row) for row in rows))
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    return joined([(b"IHDR", head), OURS, *more, (b"IDAT", pixels), (b"IEND", b"")])


OURS = (b"tEXt", b"noisette\0" + TEXT.encode("latin-1"))
RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (4, 3), dtype=np.uint8)
RGB = COLOURS[RNG.integers(0, 4, (9, 11))]
GREY = np.array([0, 85, 170, 255], np.uint8)[RNG.integers(0, 4, (9, 11))]
SEEN = RNG.random((9, 11)) < 0.7
SEEN[0, 0] = False
RGBA = np.dstack([RGB, np.where(SEEN, 255, 0).astype(np.uint8)])
KEYED = np.where(SEEN[..., None], RGB, np.array([9, 8, 7], np.uint8))  # one colour is transparent
OPAQUE = np.dstack([RGB, np.full((9, 11), 255, np.uint8)])
INDEXED = Image.fromarray(RGB).quantize(8)

SAME = {
    "RGBA": (RGB, saved(Image.fromarray(OPAQUE))),
    "indexed": (RGB, saved(INDEXED)),
    "indexed in 4 bits": (RGB, saved(INDEXED, bits=4)),
    "indexed with alpha": (RGBA, saved(Image.fromarray(RGBA).quantize(8))),
    "16 bits": (RGB, raw(RGB.astype(np.uint16) * 257, 2, 16)),
    "16 bits, interlaced": (RGB, raw(RGB.astype(np.uint16) * 257, 2, 16, interlaced=True)),
    "interlaced": (RGB, raw(RGB, 2, 8, interlaced=True)),
    "other colours where nothing is seen": (RGBA, saved(Image.fromarray(np.dstack([KEYED, RGBA[..., 3]])))),
    "one colour is transparent": (RGBA, raw(KEYED, 2, 8, (b"tRNS", struct.pack(">3H", 9, 8, 7)))),
    "16 bits, one colour is transparent": (
        RGBA,
        raw(KEYED.astype(np.uint16) * 257, 2, 16, (b"tRNS", struct.pack(">3H", 9 * 257, 8 * 257, 7 * 257))),
    ),
    "grey as RGB": (GREY, saved(Image.fromarray(np.dstack([GREY] * 3)))),
    "grey with alpha": (GREY, saved(Image.fromarray(GREY).convert("LA"))),
    "grey in 16 bits": (GREY, raw(GREY.astype(np.uint16) * 257, 0, 16)),
    "grey in 2 bits": (GREY, raw(GREY // 85, 0, 2)),
    "grey in 2 bits, one is transparent": (
        np.dstack([GREY] * 3 + [np.where(GREY == 85, 0, 255).astype(np.uint8)]),
        raw(GREY // 85, 0, 2, (b"tRNS", b"\0\1")),
    ),
    "black and white": (np.where(SEEN, 255, 0).astype(np.uint8), raw(SEEN.astype(np.uint8), 0, 1)),
}


@pytest.mark.parametrize("how", SAME)
def test_a_picture_is_the_same_however_its_pixels_are_kept(how):
    pixels, data = SAME[how]
    picture, said = parse_png(data, how)
    assert said == SAID
    assert picture.mode in ("L", "RGB", "RGBA")
    assert differing(picture, Image.fromarray(pixels)) == (0, 0)
    other = pixels.copy()
    other[-1, -1, ...] ^= 3
    if other.ndim == 3 and other.shape[2] == 4:
        other[-1, -1, 3] = 255 - pixels[-1, -1, 3]  # seen, or no longer
    assert differing(picture, Image.fromarray(other))[0] == 1


def test_a_single_level_in_one_pixel_is_told():
    one, other = (sheet(np.full((1, 3, 4, 4), 70, np.uint8)) for _ in range(2))
    other.putpixel((2, 2), (70, 71, 70))
    assert differing(one, other) == (1, 1)


ITXT = b"noisette\0\0\0\0\0" + TEXT.encode()
KINDS = {
    "tEXt": OURS,
    "zTXt": (b"zTXt", b"noisette\0\0" + zlib.compress(TEXT.encode("latin-1"))),
    "iTXt": (b"iTXt", ITXT),
    "iTXt, compressed": (b"iTXt", b"noisette\0\1\0en\0Bild\0" + zlib.compress(TEXT.encode())),
}


@pytest.mark.parametrize(("kind", "last"), list(product(KINDS, (False, True))))
def test_what_it_says_is_read_in_every_form_and_place(kind, last):
    data = with_text(as_png(sheet(np.zeros((1, 1, 4, 4), np.uint8)), {}), KINDS[kind], last=last)
    assert parse_png(data, "a.png")[1] == SAID


FOREIGN = {
    "a profile of 3 MB": (b"iCCP", b"ICC\0\0" + zlib.compress(RNG.bytes(3 << 20), 1)),
    "a compressed text of 60 MB": (b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 60_000_000)),
    "a text of 5 MB": (b"tEXt", b"Comment\0" + b"x" * 5_000_000),
    "a text that is damaged": (b"zTXt", b"Comment\0\0no zlib"),
    "a gamma and a date": (b"gAMA", struct.pack(">I", 45455)),
    "an orientation": (b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"),
    "a physical size": (b"pHYs", struct.pack(">IIB", 1, 2**31 - 1, 1)),
    "a private one": (b"prVt", b"abc"),
    "an animation of one frame": (b"acTL", struct.pack(">II", 1, 0)),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_other_programs_add_changes_nothing(what):
    picture = sheet(np.full((1, 3, 4, 4), 70, np.uint8))
    data = with_text(as_png(picture, {}), FOREIGN[what], OURS)
    again, said = parse_png(data, "a.png")
    assert (said, differing(again, picture)) == (SAID, (0, 0))


def test_a_picture_is_written_with_a_text_that_is_compressed_and_that_pillow_reads():
    said = {"attributes": [{"Hat": "Top Hat", "Earring": True}] * 1000}
    data = as_png(sheet(np.zeros((1, 1, 4, 4), np.uint8)), said)
    assert len(data) < 1000
    with Image.open(io.BytesIO(data)) as image:
        assert json.loads(image.info["noisette"]) == said
    assert parse_png(data, "a.png")[1] == said


TRAPS = {
    "60 MB of lists": zlib.compress(b"[" + b"[]," * 20_000_000 + b"[]]", 9),
    "lists in lists": zlib.compress(b"[" * 100_000),
    "8 MB of small lists": zlib.compress(b'{"a":[' + b"[]," * 2_500_000 + b"[]]}"),
    "a number of a million digits": zlib.compress(b'{"a":' + b"1" * 1_000_000 + b"}"),
    "no number": zlib.compress(b'{"a": NaN}'),
    "no UTF-8": zlib.compress(b'{"a": "\xff"}'),
    "half of a text": zlib.compress(TEXT.encode() * 100)[:-8],
}


@pytest.mark.parametrize("what", TRAPS)
def test_a_text_that_is_a_trap_is_refused_in_a_line(what):
    data = with_text(
        as_png(sheet(np.zeros((1, 1, 4, 4), np.uint8)), {}), (b"iTXt", b"noisette\0\1\0\0\0" + TRAPS[what])
    )
    with pytest.raises(RequestError, match="^what a.png says of how it was made is damaged: [^\n]{5,80}$"):
        parse_png(data, "a.png")


def test_a_text_with_a_wrong_checksum_is_damaged():
    data = bytearray(saved(Image.new("L", (2, 2))))
    data[data.index(b"seeds")] ^= 1
    with pytest.raises(DamagedText):
        text_of(bytes(data), "noisette", 1000)


def test_more_than_can_be_read_again_is_not_written():
    with pytest.raises(RequestError, match="draw fewer at a time"):
        as_png(Image.new("L", (2, 2)), {"a": "x" * (8 << 20)})


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "a JPEG"), ("GIF", "a GIF"), ("BMP", "a BMP"), ("WEBP", "a WebP")])
def test_another_kind_of_picture_is_called_by_its_name(kind, name):
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, format=kind)
    with pytest.raises(RequestError, match=f"^a.png is {name}: noisette makes PNG"):
        parse_png(file.getvalue(), "a.png")


def test_an_animation_is_called_that():
    data = with_text(as_png(Image.new("L", (2, 2)), {}), (b"acTL", struct.pack(">II", 20, 0)), OURS)
    with pytest.raises(RequestError, match="a.png is an animation of 20 frames"):
        parse_png(data, "a.png")


def test_the_denoising_of_one_step_is_not_said_to_have_lost_its_text():
    data = as_apng([Image.new("RGB", (2, 2))], said={"seeds": [0]})
    with pytest.raises(RequestError, match="a.png shows the denoising of a picture, and is not the picture"):
        parse_png(data, "a.png")


def test_an_empty_file_and_a_text_are_told_apart():
    for data, told in (
        (b"", "a.png is empty"),
        (b"summary = 1", "is not a PNG$"),
        (SIGNATURE, "damaged, or too large"),
    ):
        with pytest.raises(RequestError, match=told):
            parse_png(data, "a.png")
