"""A recipe for a person's own images: each setting is chosen from what they are, with the reason beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.statistics import value_names
from noisette.config.recipe import Recipe, parse_recipe
from noisette.config.sections import FEWEST_IMAGES
from noisette.data.collections.collection import Collection, open_collection
from noisette.data.dataset import Dataset
from noisette.data.description import MODES
from noisette.data.palette import Palette, palette_of
from noisette.errors import RequestError
from noisette.progress import Progress, silent
from noisette.text import plain

SMALLEST, LARGEST = 8, 128
"""Pixels along a side that can be learned."""

_MOST_COLOURS_OF_ONE = 64
"""Different colours in half of the images: with more they are no pixel art, whatever all of them share."""
_SAMPLE = 1000  # images that are looked at
_MOST_MAPS = 3_000_000  # numbers in the maps of all values, which are most of the network
_MOST_LAYERS = 24_000_000  # pixels of the layers of all values
_MOST_UNITS = 40  # choices, groups and single flags whose order would be looked for
_FEW_SHEETS = 16  # images that may be sheets
_USUAL_BUDGET = "30m"
_STEPS_BETWEEN_GRIDS = 400


@dataclass
class _Choices:
    """Settings as they are chosen, with reasons."""

    values: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def choose(self, name: str, value: Any, reason: str = "") -> None:
        *sections, last = name.split(".")
        target = self.values
        for section in sections:
            target = target.setdefault(section, {})
        target[last] = value
        if reason:
            self.reasons[name] = reason


def recipe_of_folder(
    path: str | Path,
    overrides: Sequence[str] = (),
    *,
    base: Recipe | None = None,
    progress: Progress = silent,
) -> Recipe:
    """The recipe that fits the images of a folder.

    Args:
        path: Of the folder, or of a file that holds many images; or `hf:OWNER/NAME`, of the hub.
        overrides: `KEY=VALUE`, as of `load_recipe`; what a person sets has no reason any more.
        base: Of a trained model that is begun with, whose network is taken, with the conditioning mechanisms that suit
            the images besides its own; chosen by the images unless given.
        progress: Called with the images read and those there are.

    Returns:
        The recipe, with `reasons`.

    Raises:
        RequestError: The images cannot be learned from, or a setting is wrong.
    """
    return recipe_of(open_collection(path, progress=progress), overrides, base=base)


def recipe_of(collection: Collection, overrides: Sequence[str] = (), *, base: Recipe | None = None) -> Recipe:
    """The recipe that fits a collection; see `recipe_of_folder`."""
    import tomli_w

    chosen = _chosen(collection)
    if base is not None:
        own = chosen.values["network"]
        chosen.values["network"] = network = _network_begun(base, own)
        if base.dataset.background is not None and collection.dataset.channels == 4:
            why = "as the model learned that it begins with"
            chosen.choose("dataset.background", base.dataset.background, why)
        chosen.reasons = {name: why for name, why in chosen.reasons.items() if not name.startswith("network.")}
        chosen.reasons["network.kind"] = "as the model has it that it begins with"
        if added := [each for each in network["condition"] if each not in base.network.condition]:
            chosen.reasons["network.condition"] = f"the images suit {' and '.join(added)}, which that model has not"
    recipe = parse_recipe(tomli_w.dumps(chosen.values), source=str(collection.root), overrides=overrides)
    given = {override.partition("=")[0].strip() for override in overrides}
    lengths = {"training.budget", "training.epochs", "training.steps"}
    given |= lengths if given & lengths else set()
    kept = {name: reason for name, reason in chosen.reasons.items() if name not in given}
    return recipe.model_copy(update={"reasons": kept})


def _network_begun(base: Recipe, own: Mapping[str, Any]) -> dict[str, Any]:
    """The network of a trained model with what the images ask for besides.

    Without it a network would begin with trained weights and yet be worse than one that begins with none: it must not
    lack the layers that are counted here, nor a way to ask for anything.

    own: the settings of the network that would be chosen if nothing was begun with.
    """
    network = base.network.model_dump(exclude_none=True)
    suits = own.get("condition", [])
    kept = [each for each in base.network.condition if suits and (each != "layers" or each in suits)]
    if network["kind"] != own["kind"]:  # another kind cannot take what this one could
        return {**network, "condition": kept}
    network["colour_width"] = 0  # of hidden pixels alone, and the recipe of a folder adds noise
    network["condition"] = kept + [each for each in suits if each not in kept]
    if "layers" in suits and not network["pixel_width"]:
        network |= {name: own[name] for name in ("pixel_width", "pixel_map_channels")}
    if "spatial" in suits and "spatial" not in kept:
        network |= {name: own[name] for name in ("map_channels", "pixel_map_channels")}
    return network


def why_not(collection: Collection) -> str | None:
    """Why nothing can be learned from a collection, with what to do about it; None if it can."""
    dataset, where = collection.dataset, plain(str(collection.root), 200)
    height, width = collection.shape.height, collection.shape.width
    if max(height, width) > LARGEST:
        side = 64 if max(height, width) % 64 == 0 else LARGEST // 2
        return (
            f"the images in {where} are {width}x{height}, and {SMALLEST} to {LARGEST} pixels a side can be learned;"
            f' write size = "{side}x{side}" and resize = "area" into {where}/collection.toml{_or_tile(collection)}'
        )
    if min(height, width) < SMALLEST:
        return f"the images in {where} are {width}x{height}; a side must have at least {SMALLEST} pixels"
    if (count := len(dataset.places("train"))) < FEWEST_IMAGES:
        less = f"{where} leaves {count} images to train on, and at least {FEWEST_IMAGES} are needed"
        return f"{less}; add images{_or_tile(collection)}"
    return None


def _or_tile(collection: Collection) -> str:
    """What to do where few images may be sheets of many."""
    if collection.found > _FEW_SHEETS or collection.layout != "images":
        return ""
    return ', or, if each is a sheet of many, how large one is on it into collection.toml: tile = "16x16"'


def _chosen(collection: Collection) -> _Choices:
    if reason := why_not(collection):
        raise RequestError(reason)
    dataset = collection.dataset
    train = dataset.places("train")
    height, width = dataset.size
    palette = palette_of(dataset.images, train)
    art = palette is not None and is_pixel_art(dataset.images[train[:_SAMPLE]])
    values = len(value_names(dataset.schema))
    chosen = _Choices()
    where = plain(collection.origin or collection.root.name, 100)
    chosen.values["summary"] = f"{len(dataset):,} images of {width}x{height} from {where}"
    chosen.choose("dataset.name", "folder")
    chosen.choose("dataset.path", collection.given, collection.how)
    chosen.choose("dataset.size", f"{width}x{height}", "as most images are")
    chosen.choose("dataset.mode", MODES[dataset.channels], _why_mode(dataset.channels))
    _choose_network(chosen, dataset, values, art=art)
    _choose_diffusion(chosen, palette, values, art=art)
    _choose_training(chosen, len(train), art=art)
    _choose_drawing(chosen, dataset, values, art=art)
    return chosen


def is_pixel_art(images: NDArray[np.uint8]) -> bool:
    """Whether a pixel of images has one of few colours, so that it is right or wrong, and never nearly right.

    Args:
        images: (N, C, H, W) uint8, some of a collection.

    Returns:
        Whether half of the images have few colours for their size.
    """
    flat = images.reshape(*images.shape[:2], -1).transpose(0, 2, 1)
    several = [len(np.unique(image, axis=0)) for image in flat]
    pixels = flat.shape[1]
    return bool(np.median(several) <= min(_MOST_COLOURS_OF_ONE, pixels / 4))


def _why_mode(channels: int) -> str:
    return {1: "all pixels are grey", 3: "no pixel is transparent", 4: "some pixels are transparent"}[channels]


def _choose_network(chosen: _Choices, dataset: Dataset, values: int, *, art: bool) -> None:
    height, width = dataset.size
    side = max(height, width)
    patch = next(patch for patch in (1, 2, 4, 8) if side / patch <= 16)
    chosen.choose("network.kind", "unet", "for images from 8 to 128 pixels")
    positions = f"{-(-width // patch)}x{-(-height // patch)} positions"
    chosen.choose("network.patch", patch, f"{width}x{height} pixels are seen as {positions}")
    halves = all(-(-pixels // patch) >= 6 for pixels in (height, width))
    chosen.choose("network.blocks", 1, "minutes of a laptop are better spent on steps than on depth")
    if art:
        chosen.choose("network.widths", [32, 64] if halves else [64], "enough where each value has a map of its own")
        chosen.choose("network.attention", [False, False] if halves else [False], "parts stand where they always stand")
        chosen.choose("network.pixel_width", 64, "pixel art is put together pixel by pixel")
    else:
        chosen.choose("network.widths", [64, 128] if halves else [64], "colours run into each other here")
        chosen.choose("network.attention", [False, True] if halves else [True], "what is far apart hangs together")
    if not values:
        return
    condition, why = ["modulate"], f"{values} values to ask for"
    if art:
        condition.append("spatial")
    units = len(set(dataset.schema.units))
    if art and values * height * width <= _MOST_LAYERS and units <= _MOST_UNITS:
        condition.append("layers")
        why += ", and what each draws is counted first"
    chosen.choose("network.condition", condition, why)
    if art:
        maps, pixel_maps = _map_channels(values, (height, width), patch)
        chosen.choose("network.map_channels", maps, "what a value draws has its place")
        chosen.choose(
            "network.pixel_map_channels",
            pixel_maps,
            f"maps of {values} values are most of the network",
        )


def _map_channels(values: int, size: tuple[int, int], patch: int) -> tuple[int, int]:
    """Channels of the maps that each value owns, at the positions and at full size: as many as time allows."""
    pixels = size[0] * size[1]
    for maps, pixel_maps in ((32, 24), (24, 16), (16, 8), (8, 4), (4, 2)):
        if values * pixels * (maps / patch**2 + pixel_maps) <= _MOST_MAPS:
            return maps, pixel_maps
    return 4, 1


def _choose_diffusion(chosen: _Choices, palette: Palette | None, values: int, *, art: bool) -> None:
    chosen.choose("diffusion.schedule", "cosine", "the usual one")
    chosen.choose("diffusion.steps", "continuous", "any number of steps may be drawn with")
    if art and palette is not None:
        colours = len(palette.colours)
        chosen.choose("diffusion.target", "palette", f"a pixel has one of {colours} colours, and never one in between")
        why = "what is asked for must be seen at high noise" if values else "all noise levels count alike"
        chosen.choose("diffusion.time_power", 2.0 if values else 1.0, why)
        return
    why = "more colours than a palette has" if palette is None else "a single image has colours by the hundred"
    chosen.choose("diffusion.target", "image", why)
    chosen.choose("diffusion.weighting", "clamped-snr" if values else "min-snr", "as measured on digits")


def _choose_training(chosen: _Choices, images: int, *, art: bool) -> None:
    batch = 32 if images >= 64 else 16
    chosen.choose("training.budget", _USUAL_BUDGET, "minutes of a laptop; more is better")
    chosen.choose("training.batch_size", batch, f"{images:,} images to train on")
    chosen.choose("samples.every", max(1, _STEPS_BETWEEN_GRIDS * batch // images), "a grid about every minute")
    if art:
        chosen.choose("training.optimizer", "muon", "as good as adamw at its best rate, and less particular about it")
        chosen.choose("training.learning_rate", 3e-3, "as measured on punks")
    else:
        chosen.choose("training.learning_rate", 2e-3, "as measured on digits")


def _choose_drawing(chosen: _Choices, dataset: Dataset, values: int, *, art: bool) -> None:
    chosen.choose("sampling.sampler", "ddim", "the same seed gives the same picture")
    steps = 10 if art and values else 25
    chosen.choose("sampling.steps", steps, "more change little" if steps == 10 else "less shows")
    if not values:
        return
    several = len(dataset.schema.attributes) > 1
    chosen.choose("condition.drop_all", 0.05 if several else 0.1, "so that it can draw without a request too")
    chosen.choose(
        "condition.drop_each",
        0.12 if several else 0.0,
        "people ask for little" if several else "there is one attribute",
    )
    if art:
        chosen.choose("sampling.impute", True, "what a request leaves open is filled in as the images have it")
    else:
        chosen.choose("sampling.guidance.scale", 2.0, "a request is heard better so where pixels differ much")
