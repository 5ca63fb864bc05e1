"""Curves as they are drawn: along an axis, smoothed, and thinned to what a screen can show."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noisette.store.events import Curve

Axis = Literal["step", "images", "minutes"]

_POINTS, _ALL_POINTS = 1000, 5000
"""Of a line on the screen, and of all its lines: the browser draws each."""


def along(curve: Curve, axis: Axis, batch: int) -> NDArray[np.float64]:
    """(N,) where each value stands; minutes are those since the first. batch: images in a step."""
    if axis == "minutes":
        return (curve.times - curve.times[:1]) / 60
    return curve.steps.astype(np.float64) * (batch if axis == "images" else 1)


def smoothed(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The running mean of TensorBoard: each is `weight` of the one before and the rest of its own, without the bias of
    the start.

    What is not finite is passed over, and stays as it is.
    """
    if not weight:
        return values
    finite = np.isfinite(values)
    means = pd.Series(np.where(finite, values, np.nan)).ewm(alpha=1 - weight, ignore_na=True).mean().to_numpy()
    return np.where(finite, means, values)


def thinned(count: int, lines: int = 1) -> NDArray[np.intp]:
    """Which of so many points of one of so many lines are drawn: all, or evenly spaced ones, the first and last among
    them.
    """
    most = max(2, min(_POINTS, _ALL_POINTS // lines))
    return np.unique(np.linspace(0, max(0, count - 1), min(count, most)).astype(np.intp))
