"""First weights from a model that is trained already: what the two have in common is kept, whatever order it is in."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import torch
from torch import Tensor

from noisette.attributes.names import folded
from noisette.attributes.statistics import value_names
from noisette.config.sections import UNetConfig
from noisette.layers.rows import Units
from noisette.model import Model
from noisette.networks.layers import SKETCHED

_OF_FEATURES = (
    "concat.layers.0.weight",
    "add.layers.0.weight",
    "modulate.layers.0.weight",
    "maps.maps.weight",
    "pixels.maps.maps.weight",
)
"""The tensors with a column for each feature of a condition, by their names in a network."""
_TABLES = ("sketch.colours", "sketch.odds", "sketch.uncovered", "sketch.heights")
"""What is counted and not learned; it means nothing for other values or colours."""


def transferred(
    model: Model, source: Model, weights: Mapping[str, Tensor], *, layers: bool = True
) -> tuple[dict[str, Tensor], float]:
    """First weights for a model, from another of the same kind of network.

    - A value keeps its maps where the other model knows a value of that name, and a colour its answer.
    - A layer that reads more than it did keeps what it made of the rest, and hears nothing else at first; so a
      mechanism that the other network has not does not disturb it.
    - Any other layer keeps its weights where it has the same shape.
    - What was counted in images, where the other model knows all values, stands as it is, if that is wanted.
    - The rest begins as usual.

    Args:
        model: Of the new data.
        source: That was trained.
        weights: Its network's.
        layers: Whether what it counted is better than what could be counted now, as it is of more images.

    Returns:
        A state dict for the model's network, and the share of its parameters that was kept.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)  # it begins alike in every process
        network = model.network()
    fresh = network.state_dict()
    columns = _pairs(_features(model), _features(source))
    tables = _tables(model, source, weights) if layers else {}
    answer, kept = network.ends[-1], 0
    made: dict[str, Tensor] = {}
    for name, tensor in fresh.items():
        other, count = weights.get(name), 0
        made[name] = tensor
        if name in _TABLES:
            made[name] = tables.get(name, tensor)
            continue
        if name.startswith("pixels.sketched.") and other is None:
            made[name] = torch.zeros_like(tensor)
        elif other is None or other.ndim != tensor.ndim:
            pass
        elif name in _OF_FEATURES:
            made[name], count = _with_columns(tensor, other, columns)
        elif name == "sketch.embedding.weight":
            nothing: list[Hashable] = ["no colour"]
            made[name], count = _with_rows(tensor, other, nothing + _outputs(model), nothing + _outputs(source))
        elif name.startswith(f"{answer}.") and _outputs(model) != _outputs(source):
            made[name], count = _with_rows(tensor, other, _outputs(model), _outputs(source))
        elif other.shape == tensor.shape:
            made[name], count = other.clone(), tensor.numel()
        elif name == "enter.weight" and model.shape[0] == source.shape[0]:
            made[name], count = _with_columns(torch.zeros_like(tensor), other, _pairs(_seen(model), _seen(source)))
        elif name.endswith(".modulate.weight") and tensor.shape[1] > other.shape[1]:  # the time's columns come first
            first = [(place, place) for place in range(other.shape[1])]
            made[name], count = _with_columns(torch.zeros_like(tensor), other, first)
        kept += count
    return made, kept / sum(parameter.numel() for parameter in network.parameters())


def _seen(model: Model) -> list[Hashable]:
    """What each channel that the first layer of a U-Net reads stands for, in the order of `UNet`."""
    network = model.recipe.network
    assert isinstance(network, UNetConfig)
    planes: list[Hashable] = [("image", channel) for channel in range(model.shape[0])]
    if "layers" in network.condition:
        planes += [("sketch", channel) for channel in range(SKETCHED)]
    seen: list[Hashable] = [(plane, place) for plane in planes for place in range(network.patch**2)]
    if "spatial" in network.condition:
        seen += [("map", channel) for channel in range(network.map_channels)]
    return seen


def known_values(model: Model, source: Model) -> tuple[int, int]:
    """How many of the values of a model another one knows by name, and how many there are."""
    mine, its = _values(model), set(_values(source))
    return sum(each in its for each in mine), len(mine)


def _tables(model: Model, source: Model, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What another model counted of layers, in the order of this one's values and colours; nothing where it does not
    know all values, or has them in other groups.
    """
    mine, its = model.condition_spec, source.condition_spec
    places = [place for _, place in _pairs(_values(model), _values(source))]
    colours = weights.get("sketch.colours")
    if colours is None or len(places) < len(_values(model)) or not (colours >= 0).any() or model.size != source.size:
        return {}
    groups = Units.of(mine.valued, mine.units).of_values.tolist()
    others = Units.of(its.valued, its.units).of_values[places].tolist()
    pairs = sorted(set(zip(groups, others, strict=True)))
    units = [other for _, other in pairs]
    if len(pairs) != len(set(groups)) or len(set(units)) != len(units):
        return {}
    rows = [*places, len(_values(source)), len(_values(source)) + 1]  # that of nothing, and what lies below all
    known = torch.full((len(_outputs(source)) + 1,), -1, dtype=colours.dtype)  # the last for where nothing is drawn
    for place, other in _pairs(_outputs(model), _outputs(source)):
        known[other] = place
    return {
        "sketch.colours": known[colours[rows].long()],
        "sketch.odds": weights["sketch.odds"][rows].clone(),
        "sketch.uncovered": weights["sketch.uncovered"][units].clone(),
        "sketch.heights": weights["sketch.heights"][units].clone(),
    }


def _values(model: Model) -> list[Hashable]:
    """The values that can be asked for, as their names are compared."""
    if not model.condition_spec.valued:
        return []
    return [("value", folded(name), str(value).casefold()) for name, value in value_names(model.schema)]


def _features(model: Model) -> list[Hashable]:
    """What each feature of a condition stands for, in the order of `noisette.networks.conditioning.Features`."""
    spec = model.condition_spec
    if not spec.valued:
        return []
    schema = model.schema
    values = _values(model)
    if spec.null == "single":
        return [*values, "nothing"]
    unknown: list[Hashable] = [("unknown", folded(name)) for name in schema.names]
    groups: list[Hashable] = []
    for unit in dict.fromkeys(schema.units):
        members = [
            folded(attribute.name)
            for attribute, its in zip(schema.attributes, schema.units, strict=True)
            if its == unit and attribute.kind == "flag"
        ]
        if members:
            groups.append(("absent", frozenset(members)))
    return [*values, *unknown, *groups]


def _outputs(model: Model) -> list[Hashable]:
    """What each output of the network stands for: a colour, or a channel."""
    if model.colours_learned and model.palette is not None:
        return [tuple(colour.tolist()) for colour in model.palette.colours]
    return [(model.recipe.diffusion.target, channel) for channel in range(model.space.channels)]


def _pairs(mine: Sequence[Hashable], its: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The places of what both have."""
    places = {each: place for place, each in enumerate(its)}
    return [(place, places[each]) for place, each in enumerate(mine) if each in places]


def _with_columns(tensor: Tensor, other: Tensor, columns: Sequence[tuple[int, int]]) -> tuple[Tensor, int]:
    if other.shape[0] != tensor.shape[0] or other.shape[2:] != tensor.shape[2:] or not columns:
        return tensor, 0
    made = tensor.clone()
    mine, its = (list(places) for places in zip(*columns, strict=True))
    made[:, mine] = other[:, its]
    return made, tensor[:, 0].numel() * len(columns)


def _with_rows(tensor: Tensor, other: Tensor, mine: Sequence[Hashable], its: Sequence[Hashable]) -> tuple[Tensor, int]:
    """The rows of the last layer; where it answers for a patch of pixels at once, an output has several."""
    if other.shape[1:] != tensor.shape[1:] or tensor.shape[0] * len(its) != other.shape[0] * len(mine):
        return tensor, 0
    pixels = tensor.shape[0] // len(mine)
    pairs = _pairs(mine, its)
    if not pairs:
        return tensor, 0
    made = tensor.clone()
    for one, two in pairs:
        made[one * pixels : (one + 1) * pixels] = other[two * pixels : (two + 1) * pixels]
    return made, len(pairs) * pixels * tensor[0].numel()
