"""A data set in memory: images as bytes, the table of their attributes, and the split that every figure uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema
from noisette.data.description import EVERY, MODES, TEST, VALIDATION
from noisette.errors import RequestError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, repr=False)
class Dataset:
    """Images with attributes.

    Attributes:
        name: Of the data set.
        images: (N, C, H, W) uint8, C = 1 grey, 3 RGB, 4 RGBA (not premultiplied).
        attributes: (N, A) int16, see `AttributeSchema`.
        schema: What the columns of `attributes` are.
        membership: (N,) uint8, the index in `SPLITS` that each image belongs to.

    Raises:
        ValueError: The parts do not fit together.
    """

    name: str
    images: NDArray[np.uint8]
    attributes: NDArray[np.int16]
    schema: AttributeSchema
    membership: NDArray[np.uint8]

    def __post_init__(self) -> None:
        count = len(self.images)
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.channels not in MODES:
            raise ValueError(f"images must be (N, 1, 3 or 4, H, W) uint8, not {self.images.shape} {self.images.dtype}")
        if self.attributes.shape != (count, len(self.schema.attributes)):
            raise ValueError(
                f"{count} images with {len(self.schema.attributes)} attributes need a table of that shape, not"
                f" {self.attributes.shape}"
            )
        if self.membership.shape != (count,):
            raise ValueError(f"{count} images need as many split entries, not {self.membership.shape}")

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        height, width = self.size
        kind = f"{width}x{height} {MODES[self.channels]}"
        return f"Dataset({self.name!r}, {len(self):,} images, {kind}, {len(self.schema.attributes)} attributes)"

    @property
    def channels(self) -> int:
        """1 grey, 3 RGB, 4 RGBA."""
        return int(self.images.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.images.shape[2]), int(self.images.shape[3])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over images, attributes, schema and split: the same figure means the same data."""
        digest = sha256(repr((self.images.shape, self.attributes.shape)).encode())
        for part in (self.images, self.attributes, self.membership):
            digest.update(np.ascontiguousarray(part).data)
        digest.update(self.schema.model_dump_json().encode())
        return digest.hexdigest()

    def split(self, name: str) -> Dataset:
        """The images of a split, in their order.

        Args:
            name: Train, validation or test.

        Raises:
            RequestError: It is another name.
        """
        return self.take(self.places(name))

    def places(self, name: str) -> NDArray[np.intp]:
        """Where the images of a split are, (M,).

        Args:
            name: Train, validation or test.

        Raises:
            RequestError: It is another name.
        """
        if name not in SPLITS:
            raise RequestError(f'no split "{name}"; there are {", ".join(SPLITS)}')
        return np.flatnonzero(self.membership == SPLITS.index(name))

    def take(self, indices: NDArray[np.intp]) -> Dataset:
        """Some of the images.

        Args:
            indices: (M,), which, in the order wanted.
        """
        return replace(
            self, images=self.images[indices], attributes=self.attributes[indices], membership=self.membership[indices]
        )

    def with_images(self, transform: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> Dataset:
        """The same rows with other pixels.

        Args:
            transform: From (N, C, H, W) to (N, C', H', W'), uint8.
        """
        return replace(self, images=transform(self.images))


def split_by_index(
    count: int, *, every: int = EVERY, validation: int = VALIDATION, test: int = TEST
) -> NDArray[np.uint8]:
    """Split by the index of an image modulo a number.

    Args:
        count: How many images there are, N.
        every: One image in each run of so many goes to validation, one to test.
        validation: The remainder of those for validation.
        test: The remainder of those to test.

    Returns:
        (N,) uint8, the index in `SPLITS` that each image belongs to.
    """
    place = np.arange(count) % every
    return np.where(place == test, 2, np.where(place == validation, 1, 0)).astype(np.uint8)
