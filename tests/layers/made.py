"""A collection put together from parts that overlap, and the right answer for any of it."""

from __future__ import annotations

import numpy as np

from noisette.layers.rows import Units

SIDE, COLOURS = 12, 20
SIZES = (2, 6, 12, 5)
"""Values of the sky, body, head and glasses; from below."""
UNITS = Units.of([range(size) for size in SIZES], range(len(SIZES)))


def parts(seed=0):
    """(V, H, W), the colour of each value, -1 where it does not draw."""
    random = np.random.default_rng(seed)
    boxes = {0: (0, 0, SIDE, SIDE), 1: (7, 2, 12, 10), 2: (2, 3, 9, 9), 3: (4, 2, 6, 10)}
    made = []
    for unit, size in enumerate(SIZES):
        top, left, bottom, right = boxes[unit]
        for _ in range(size):
            part = np.full((SIDE, SIDE), -1, np.int16)
            inner = np.full((bottom - top, right - left), random.integers(COLOURS), np.int16)
            if unit:
                spots = random.random(inner.shape) < 0.3
                inner[spots] = random.integers(COLOURS)
                inner[random.random(inner.shape) < 0.15] = -1
            part[top:bottom, left:right] = inner
            made.append(part)
    return np.stack(made)


def codes(count, seed):
    """(N, A), every value as likely as any other."""
    random = np.random.default_rng(seed)
    return np.stack([random.integers(size, size=count) for size in SIZES], axis=1)


def drawn(table, wanted):
    """(N, H, W), with the units on each other as they are listed."""
    rows = UNITS.rows(wanted)
    images = np.zeros((len(wanted), SIDE, SIDE), np.int16)
    for unit in range(len(SIZES)):
        layer = table[rows[:, unit]]
        images = np.where(layer >= 0, layer, images)
    return images
