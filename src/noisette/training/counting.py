"""What a network begins with that needs no training: layers, counted in the images."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from noisette.attributes.schema import AttributeSchema
from noisette.data.dataset import Dataset
from noisette.data.layered import FEWEST_LABELLED, fully_labelled, layers_of
from noisette.layers.certainty import certainty_of
from noisette.layers.fit import NOTHING, Layers
from noisette.layers.rows import Units
from noisette.model import Model
from noisette.networks.layers import Sketch

_MOST_TOLD = 12  # layers
_BETWEEN_NOTES = 10.0  # seconds


def count_layers(model: Model, dataset: Dataset, sketches: list[Sketch], note: Callable[[str], None]) -> None:
    """Fill the tables of sketches with the layers of the train split.

    The same images give the same tables, in every process. Tables that are filled already stay as they are.

    Args:
        model: Of the networks.
        dataset: Whose train split is counted.
        sketches: Of the network, and of the average of its weights; none, where it has none.
        note: Told what is found.
    """
    if not sketches or model.palette is None:
        return
    if all((sketch.colours >= 0).any() for sketch in sketches):
        note("layers are those that it begins with, which were counted in more images")
        return
    places = fully_labelled(dataset, dataset.places("train"))
    if len(places) < FEWEST_LABELLED:
        note(f"only {len(places)} images have all their labels; layers are not counted")
        return
    started = time.monotonic()
    note("counting which pixels each value draws, and in which order they lie")
    counted = layers_of(dataset, places, model.palette, tried=_Told(note))
    layers, units = counted.layers, counted.units
    certainty = certainty_of(layers, counted.images, counted.rows, units)
    for sketch in sketches:
        sketch.fill(layers, certainty)
    note(
        f"{layers_told(layers, units, model.schema)}; alone they draw {layers.exact:.1%} of the images right in every"
        f" pixel, and {layers.right:.2%} of the pixels ({time.monotonic() - started:.0f} s)"
    )


def layers_told(layers: Layers, units: Units, schema: AttributeSchema) -> str:
    """Which layers were found, from below: those of choices and groups that draw anything, by their names.

    Args:
        layers: That were found.
        units: What they are of.
        schema: Of the attributes.
    """
    group_of = {member: group.name for group in schema.groups for member in group.members}
    draws = (layers.colours != NOTHING).any(axis=(1, 2))
    names = []
    for unit in layers.order:
        if draws[units.of_values == unit].any():
            first = schema.names[int(np.argmax(units.of_attributes == unit))]
            names.append(group_of.get(first, first))
    nothing = len(layers.order) - len(names)
    more = f" and {len(names) - _MOST_TOLD:,} more" if len(names) > _MOST_TOLD else ""
    rest = f" ({nothing:,} {'attribute draws' if nothing == 1 else 'attributes draw'} nothing)" if nothing else ""
    return f"layers from below: {', '.join(names[:_MOST_TOLD]) or 'none'}{more}{rest}"


class _Told:
    """Says now and then how far the search for the order is."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note, self._last = note, time.monotonic()

    def __call__(self, done: int, about: int) -> None:
        if time.monotonic() - self._last > _BETWEEN_NOTES:
            self._last = time.monotonic()
            self._note(f"tried {done} orders of layers, of about {about}")
