"""Whether a model draws what it saw: the nearest training image of each drawn one, beside that of each real one it
never saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_AT_A_TIME = 256


@dataclass(frozen=True)
class Memorisation:
    """copies: share of images that equal a training image in every byte. distance: to the nearest training image, the
    median over images, root mean square in bytes. feature_distance: the same in the features of a judge.
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
    """Compare (N, C, H, W) and (N, D) with the images that were trained on, (M, C, H, W) and (M, D)."""
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
    """For each of (N, C, H, W) the place of the nearest of (M, C, H, W), and the root mean square difference in bytes:
    (N,) each.
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    places, squared = nearest(flat, among.reshape(len(among), -1).astype(np.float32))
    return places, np.sqrt(squared / flat.shape[1])


def nearest(points: NDArray[np.float32], among: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each of (N, D) the place of the nearest of (M, D), and the squared distance to it."""
    middle = among.mean(axis=0)  # from which lengths are short, and float32 keeps what tells neighbours apart
    points, among = points - middle, among - middle
    lengths = (among**2).sum(axis=1)
    places = np.empty(len(points), dtype=np.intp)
    for start in range(0, len(points), _AT_A_TIME):
        part = points[start : start + _AT_A_TIME]
        places[start : start + _AT_A_TIME] = (lengths - 2 * part @ among.T).argmin(axis=1)
    return places, ((points.astype(np.float64) - among[places]) ** 2).sum(axis=1)


def unworn(asked: NDArray[np.int16], trained: NDArray[np.int16]) -> float:
    """The share of rows of (N, A) that no training image, (M, A), has."""
    known = {row.tobytes() for row in np.ascontiguousarray(trained)}
    return float(np.mean([row.tobytes() not in known for row in np.ascontiguousarray(asked)]))
