"""Curves of a training as they are drawn: along an axis, smoothed, and thinned to what a screen can show."""

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
    """Where each value of a curve stands.

    Args:
        curve: N values.
        axis: Minutes are those since the first value.
        batch: Images in a step.

    Returns:
        (N,)
    """
    if axis == "minutes":
        return (curve.times - curve.times[:1]) / 60
    return curve.steps.astype(np.float64) * (batch if axis == "images" else 1)


def smoothed(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """The running mean of TensorBoard, without the bias of the start.

    Args:
        values: (N,); what is not finite is passed over, and stays as it is.
        weight: 0 to 1, what each value takes of the mean before it.

    Returns:
        (N,)
    """
    if not weight:
        return values
    finite = np.isfinite(values)
    means = pd.Series(np.where(finite, values, np.nan)).ewm(alpha=1 - weight, ignore_na=True).mean().to_numpy()
    return np.where(finite, means, values)


def thinned(count: int, lines: int = 1) -> NDArray[np.intp]:
    """Which points of a line are drawn: all, or evenly spaced ones with the first and the last among them.

    Args:
        count: Points of the line.
        lines: How many lines share the screen.
    """
    most = max(2, min(_POINTS, _ALL_POINTS // lines))
    return np.unique(np.linspace(0, max(0, count - 1), min(count, most)).astype(np.intp))
