"""Loading: from the name of a model to what plans, and with its network to what draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from noisette.caller import leaves_torch_alone
from noisette.errors import RequestError
from noisette.files.tensors import unlike
from noisette.inference.planner import Planner
from noisette.store.bundle import Bundle, Weights
from noisette.store.locate import locate

if TYPE_CHECKING:
    from noisette.inference.generator import Generator
    from noisette.model import Model
    from noisette.networks.base import Network


def load(run: str | Path, *, step: int | None = None) -> Generator:
    """Load the run in a folder, or a model that ships with the package.

    A run draws with the averaged weights of its newest checkpoint that is whole.

    Args:
        run: A folder, or the name of a model that ships. A folder of that name in the current one wins.
        step: The step of another checkpoint that is kept; the newest that is whole unless given.

    Returns:
        What draws with it.

    Raises:
        RequestError: There is neither, or no checkpoint yet, or none of that step.
        NoisetteError: All checkpoints are damaged.

    Examples:
        >>> generator = noisette.load("digits")
    """
    bundle = locate(run)
    weights = bundle.weights(step)
    return with_network(planner_of(bundle, weights), weights)


def planner_of(bundle: Bundle, weights: Weights) -> Planner:
    """What plans with a bundle and these of its weights; PyTorch is not loaded."""
    presets, notes = bundle.presets(weights.sha256)
    recipe, schema, statistics, palette = bundle.recipe, bundle.schema, bundle.statistics, bundle.palette
    statistics.check(schema)
    if palette is not None and palette.colours.shape[1] != recipe.dataset.image_channels:
        raise RequestError(f"the palette of {bundle.name} has colours of other channels than the images of its recipe")
    return Planner(
        name=bundle.name,
        recipe=recipe,
        trained_schema=schema,
        statistics=statistics,
        palette=palette,
        presets=presets,
        weights=weights.sha256,
        step=weights.step,
        notes=(*weights.notes, *bundle.notes, *notes),
    )


@leaves_torch_alone
def with_network(planner: Planner, weights: Weights) -> Generator:
    """What draws: the planner and its network with these weights."""
    from noisette.inference.generator import Generator
    from noisette.model import assemble

    model = assemble(planner.recipe, planner.trained_schema, planner.palette)
    return Generator(planner, model, _network(model, weights, planner.name))


def _network(model: Model, weights: Weights, name: str) -> Network:
    """The model's network with these weights, ready to draw."""
    strangers = (
        f"the weights in {weights.path} do not fit the recipe, schema and palette of {name}: one of them is of another"
        " run or version"
    )
    tensors = weights.tensors()
    if why := unlike(tensors, model.outline()):  # before there is a network: a recipe may name one that fits nowhere
        raise RequestError(f"{strangers} ({why})")
    network = model.network()
    network.load_state_dict(tensors)
    for what, now in (("schema", model.schema.fingerprint), ("palette", model.colours_learned)):
        if weights.learned.get(what) not in ("", None, now):
            raise RequestError(strangers)
    network.requires_grad_(False).eval()
    return network
