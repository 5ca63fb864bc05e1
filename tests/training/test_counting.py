"""What is told of the layers that were counted."""

from __future__ import annotations

import numpy as np

from noisette.attributes.schema import AttributeSchema, Choice, Flag, Group, Range
from noisette.layers.fit import NOTHING, Layers
from noisette.layers.rows import Units
from noisette.training.counting import layers_told


def told(schema, drawing):
    """What is told where only the attributes of these names draw; the units lie as the schema lists them."""
    units = Units.of(schema.valued, schema.units)
    colours = np.full((units.values, 2, 2), NOTHING, np.int16)
    for column, name in enumerate(schema.names):
        if name in drawing:
            colours[units.first_places[column], 1, 1] = 5
    layers = Layers(tuple(range(units.count)), colours, np.zeros((2, 2), np.int16), 1.0, 1.0)
    return layers_told(layers, units, schema)


def test_only_what_draws_is_a_layer():
    schema = AttributeSchema(
        attributes=(
            Choice(name="Body", options=("Red", "Blue")),
            Range(name="Level", edges=(10, 20)),
            Flag(name="Cap"),
            Flag(name="Crown"),
            Flag(name="Shy"),
        ),
        groups=(Group(name="Hats", members=("Cap", "Crown")),),
    )
    assert told(schema, {"Body", "Crown"}) == "layers from below: Body, Hats (2 attributes draw nothing)"
    assert told(schema, {"Body", "Crown", "Shy"}).endswith("Body, Hats, Shy (1 attribute draws nothing)")
    assert told(schema, set()) == "layers from below: none (4 attributes draw nothing)"


def test_of_many_layers_it_is_told_how_many_more_there_are():
    schema = AttributeSchema(attributes=tuple(Flag(name=f"part {number}") for number in range(30)))
    assert told(schema, set(schema.names)).endswith("part 10, part 11 and 18 more")
