"""Whether a model draws what it saw: the nearest training image of each drawn image.

Beside it stands the nearest training image of each real image that the model never saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AT_A_TIME = 256


@dataclass(frozen=True)
class Memorisation:
    """How near images are to those that were trained on.

    Attributes:
        images: How many were compared.
        copies: Share of images that equal a training image in every byte, 0 to 1.
        distance: Median, over images, of the root mean square difference to the nearest training image, in bytes.
        feature_distance: The same in the features of an attribute classifier, which vary by 1 among real images.
    """

    images: int
    copies: float
    distance: float
    feature_distance: float


def memorisation(
    images: NDArray[np.uint8],
    train: NDArray[np.uint8],
    features: NDArray[np.float32],
    train_features: NDArray[np.float32],
) -> Memorisation:
    """Compare images with those that were trained on.

    Args:
        images: (N, C, H, W) bytes.
        train: (M, C, H, W) bytes.
        features: (N, D) of the images.
        train_features: (M, D) of the training images.

    Returns:
        The figures.
    """
    flat = images.reshape(len(images), -1)
    places, distances = nearest_images(images, train)
    copies = (flat == train[places].reshape(len(images), -1)).all(axis=1)
    _, squared = nearest(features, train_features)
    return Memorisation(
        images=len(images),
        copies=float(copies.mean()),
        distance=float(np.median(distances)),
        feature_distance=float(np.median(np.sqrt(squared / features.shape[1]))),
    )


def nearest_images(images: NDArray[np.uint8], among: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find the nearest of other images.

    Args:
        images: (N, C, H, W) bytes.
        among: (M, C, H, W) bytes.

    Returns:
        (N,) the place of the nearest, and (N,) the root mean square difference to it in bytes.
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    places, squared = nearest(flat, among.reshape(len(among), -1).astype(np.float32))
    return places, np.sqrt(squared / flat.shape[1])


def nearest(points: NDArray[np.float32], among: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find the nearest of other points.

    Args:
        points: (N, D).
        among: (M, D).

    Returns:
        (N,) the place of the nearest, and (N,) the squared distance to it.
    """
    middle = among.mean(axis=0)  # from which lengths are short, and float32 keeps what tells neighbours apart
    points, among = points - middle, among - middle
    lengths = (among**2).sum(axis=1)
    places = np.empty(len(points), dtype=np.intp)
    for start in range(0, len(points), _AT_A_TIME):
        part = points[start : start + _AT_A_TIME]
        places[start : start + _AT_A_TIME] = (lengths - 2 * part @ among.T).argmin(axis=1)
    return places, ((points.astype(np.float64) - among[places]) ** 2).sum(axis=1)


def novel_combinations(requested: NDArray[np.int16], trained: NDArray[np.int16]) -> float:
    """Count the combinations of attributes that the training never showed.

    Args:
        requested: (N, A) codes.
        trained: (M, A) codes of the training images.

    Returns:
        The share of the requested rows that no training image has, 0 to 1.
    """
    known = {row.tobytes() for row in np.ascontiguousarray(trained)}
    return float(np.mean([row.tobytes() not in known for row in np.ascontiguousarray(requested)]))
