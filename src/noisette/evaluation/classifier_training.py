"""Training an attribute classifier."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.caller import leaves_torch_alone
from noisette.data.dataset import Dataset
from noisette.errors import RequestError
from noisette.evaluation.classifier import AttributeClassifier, load_classifier
from noisette.evaluation.classifier_network import ClassifierNetwork, as_input, over
from noisette.evaluation.occlusion import occluded as occluded_in
from noisette.files.atomic import make_folder
from noisette.progress import Progress
from noisette.threads import steady

FEWEST_IMAGES = _BATCH = 64
"""Images that a classifier needs to learn from."""

_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 0.02
_WARMUP = 100  # steps
_NOISE = 0.1  # standard deviation, in [-1, 1], at most: drawn images are slightly off where real ones never are


@steady()
@leaves_torch_alone
def fit_classifier(
    dataset: Dataset,
    *,
    epochs: int,
    seed: int = 0,
    occluded: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> AttributeClassifier:
    """Train a classifier on all images of a data set, with AdamW under a cosine schedule.

    Args:
        dataset: N images with A attributes, the train split of a data set.
        epochs: Passes over them, 1 and up.
        seed: Of the weights, the order and the noise; the same seed makes the same classifier.
        occluded: (N, A) attributes that an image does not show and cannot teach; found in the images unless given.
        progress: Called with the steps taken and the steps there are.

    Returns:
        The classifier.

    Raises:
        RequestError: There are no attributes, or too few images.
    """
    if not dataset.schema.attributes:
        raise RequestError(f"{dataset.name} has no attributes that a classifier could learn")
    if len(dataset) < _BATCH:
        raise RequestError(f"a classifier needs at least {_BATCH} images, not {len(dataset)}")
    random = torch.Generator().manual_seed(seed)
    shape = (dataset.channels, *dataset.size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ClassifierNetwork(shape, sum(map(len, dataset.schema.valued)))
        mask = occluded_in(dataset) if occluded is None else occluded
        visible = np.where(mask, np.int16(UNKNOWN), dataset.attributes)
        _train(network, replace(dataset, attributes=visible), epochs, random, progress)
    network.eval().requires_grad_(False)
    for tensor in network.parameters():
        if tensor.dim() > 1:
            tensor.copy_(tensor.bfloat16())  # so that the classifier reads the same before and after it is kept
    network.standardise(over(dataset.images, network.responses))
    return AttributeClassifier(network, dataset.schema, dataset.fingerprint, shape, epochs)


def kept_classifier(
    path: Path, dataset: Dataset, *, epochs: int, progress: Progress | None = None
) -> AttributeClassifier:
    """Load the classifier in a file, or train one and keep it there.

    Args:
        path: Of the file.
        dataset: The train split that the classifier learned from, or shall learn from.
        epochs: Passes over it.
        progress: Called with the steps taken and the steps there are.

    Returns:
        The classifier.

    Raises:
        RequestError: The classifier in the file was trained on other images, or for other passes.
    """
    if path.is_file():
        classifier = load_classifier(path)
        if classifier.dataset != dataset.fingerprint or classifier.epochs != epochs:
            other = classifier.dataset != dataset.fingerprint
            what = "other images" if other else f"{classifier.epochs} passes, not {epochs}"
            raise RequestError(f"the classifier in {path} was trained on {what}; name another file, or remove it")
        return classifier
    classifier = fit_classifier(dataset, epochs=epochs, progress=progress)
    make_folder(path.parent)
    classifier.save(path)
    return classifier


def _train(
    network: nn.Module, dataset: Dataset, epochs: int, random: torch.Generator, progress: Progress | None
) -> None:
    images, codes = torch.from_numpy(dataset.images), torch.from_numpy(dataset.attributes.astype(np.int64))
    steps = epochs * (len(images) // _BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    network.train()
    step = 0
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(images), generator=random), _BATCH):
            if len(batch) < _BATCH:
                continue
            for group in optimizer.param_groups:
                cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
                group["lr"] = _LEARNING_RATE * min(1.0, (step + 1) / _WARMUP) * cosine
            inputs = as_input(images[batch])
            spread = _NOISE * torch.rand(len(batch), 1, 1, 1, generator=random)
            noisy = inputs + spread * torch.randn(inputs.shape, generator=random)
            loss = _loss(network(noisy), codes[batch], dataset.schema)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
            if progress is not None:
                progress(step, steps)


def _loss(logits: Tensor, codes: Tensor, schema: AttributeSchema) -> Tensor:
    """Cross-entropy summed over attributes; what is UNKNOWN does not count."""
    flags = [column for column, attribute in enumerate(schema.attributes) if attribute.kind == "flag"]
    parts = torch.split(logits, [len(valued) for valued in schema.valued], dim=1)
    total = logits.new_zeros(())
    if flags:
        scores, wanted = torch.cat([parts[column] for column in flags], dim=1), codes[:, flags]
        each = F.binary_cross_entropy_with_logits(scores, wanted.clamp(min=0).float(), reduction="none")
        total = total + (each * (wanted >= 0)).sum(dim=1).mean()
    for column, attribute in enumerate(schema.attributes):
        if attribute.kind != "flag":
            known = (codes[:, column] >= 0).sum().clamp(min=1)  # a batch may know nothing of it
            total = total + F.cross_entropy(parts[column], codes[:, column], ignore_index=-1, reduction="sum") / known
    return total
