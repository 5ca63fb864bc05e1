"""A data set as layers: what each attribute value draws, counted in the images all of whose labels are known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN
from noisette.data.dataset import Dataset
from noisette.data.palette import Palette
from noisette.layers.find import find_layers
from noisette.layers.fit import Layers
from noisette.layers.rows import Units
from noisette.progress import Progress, silent

FEWEST_LABELLED = 16
"""Images all of whose attributes are known, from which layers are counted."""


class Counted(NamedTuple):
    """Layers, and what they were counted in.

    Attributes:
        layers: What each value draws.
        images: (N, H, W), the place of each pixel's colour in the palette.
        rows: (N, U), of `Units.rows`.
        units: What the rows stand for.
    """

    layers: Layers
    images: NDArray[np.int16]
    rows: NDArray[np.int64]
    units: Units


def fully_labelled(dataset: Dataset, places: NDArray[np.intp]) -> NDArray[np.intp]:
    """Find the images all of whose attributes are known.

    Args:
        dataset: N images.
        places: (M,), the images that are looked at.

    Returns:
        Those of the places.
    """
    known: NDArray[np.bool_] = (dataset.attributes[places] != UNKNOWN).all(axis=1)
    return np.compress(known, places)


def layers_of(dataset: Dataset, places: NDArray[np.intp], palette: Palette, *, tried: Progress = silent) -> Counted:
    """Count layers; the same images give the same.

    Args:
        dataset: N images.
        places: (M,), the images that count, with all their labels; at least `FEWEST_LABELLED`.
        palette: Their colours.
        tried: Called with the number of orders tried so far, and about how many there will be.

    Returns:
        The layers, and what they were counted in.
    """
    units = Units.of(dataset.schema.valued, dataset.schema.units)
    rows = units.rows(dataset.attributes[places])
    images = palette.places(dataset.images[places])
    return Counted(find_layers(images, rows, units, tried=tried), images, rows, units)
