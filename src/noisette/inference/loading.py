"""Loading: the run in a folder, or a model that ships with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from noisette.errors import RequestError
from noisette.inference.generator import Generator
from noisette.model import Model, assemble
from noisette.sampling.presets import read_qualities
from noisette.store.run import open_run
from noisette.store.shipped import check_there, means_shipped, open_shipped


def load(run: str | Path, *, step: int | None = None) -> Generator:
    """Load the run in a folder, with its averaged weights from the newest checkpoint that is whole; or a shipped model.

    run: a folder, or the name of a model that ships with the package. A folder of that name in the current one wins.
    step: of another checkpoint that is kept. Raises RequestError if there is neither, or no checkpoint yet, or none of
    that step; NoisetteError if all are damaged.
    """
    if not isinstance(run, str | Path):
        raise RequestError(f"a run is named by its folder or by the name of a model, not {run!r}")
    if means_shipped(run):
        if step is not None:
            raise RequestError(f"{run} ships with its last weights alone; leave the step out")
        return _shipped(str(run))
    check_there(run)
    opened = open_run(Path(run))
    model = assemble(opened.recipe, opened.schema, opened.palette)
    checkpoint, notes = opened.checkpoint(step)
    if checkpoint is None:
        raise RequestError(f"{run} has no checkpoint yet; train on with `noisette resume {run}`")
    tensors = checkpoint.tensors("average" if model.recipe.training.ema > 0 else "network")
    network = _with_weights(model, tensors, checkpoint.state, str(checkpoint.path), str(run))
    notes = [f"{note}; using an older one" for note in notes]
    opened.statistics.check(model.schema)
    weights = checkpoint.entry.sha256
    table, more = read_qualities(opened.folder, weights)
    return Generator(
        str(run),
        model,
        network,
        opened.statistics,
        opened.palette,
        checkpoint.entry.step,
        weights,
        (*notes, *more),
        table,
    )


def _shipped(name: str) -> Generator:
    shipped = open_shipped(name)
    model = assemble(shipped.recipe, shipped.schema, shipped.palette)
    tensors = {key: tensor.float() for key, tensor in shipped.tensors.items()}
    network = _with_weights(model, tensors, shipped.learned, "weights.safetensors", name)
    return Generator(
        name, model, network, shipped.statistics, shipped.palette, shipped.step, shipped.sha256, (), shipped.qualities
    )


def _with_weights(
    model: Model, tensors: Mapping[str, torch.Tensor], learned: Mapping[str, Any], weights: str, name: str
) -> nn.Module:
    """The model's network with these weights, ready to draw.

    learned: fingerprints of the schema and palette they were trained under, if known.
    """
    strangers = (
        f"the weights in {weights} do not fit the recipe, schema and palette of {name}: one of them is of another run"
        " or version"
    )
    network = model.network()
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise RequestError(strangers) from error
    for what, now in (("schema", model.schema.fingerprint), ("palette", model.colours_learned)):
        if learned.get(what) not in ("", None, now):
            raise RequestError(strangers)
    return network.requires_grad_(False).eval()
