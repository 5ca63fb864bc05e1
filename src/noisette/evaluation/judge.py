"""A judge: a small classifier, trained on real images, that reads all attributes of an image at once.

It shares nothing with the networks that draw: no noise levels, no skips, no attention, other normalisation, other
layers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.data.dataset import Dataset
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.visibility import hidden as hidden_in
from noisette.files.atomic import write_atomically

FEWEST_IMAGES = _BATCH = 64
"""That a judge learns from."""

_LEARNING_RATE = 2e-3
_NOISE = 0.1  # standard deviation, in [-1, 1], at most: drawn images are slightly off where real ones never are

FEATURES = 1
"""Raised when `Judge.features` are taken another way: those that were kept are then taken again."""

Progress = Callable[[int, int], None]
"""Called with the steps taken and the steps there are."""


@dataclass(frozen=True)
class Judge:
    """A trained classifier and what it was trained on.

    dataset: the fingerprint of the images. shape: (C, H, W). epochs: passes over them.
    """

    network: JudgeNetwork
    schema: AttributeSchema
    dataset: str
    shape: tuple[int, int, int]
    epochs: int

    @cached_property
    def digest(self) -> str:
        """Which judge this is: a hash of its weights."""
        digest = sha256()
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()[:16]

    def read(self, images: NDArray[np.uint8]) -> NDArray[np.int16]:
        """The attributes that (N, C, H, W) bytes show: (N, A), nothing UNKNOWN.

        Raises RequestError for another shape.
        """
        logits = self._over(images, self.network)
        rows = np.empty((len(images), len(self.schema.attributes)), dtype=np.int16)
        for column, scores in enumerate(torch.split(logits, [len(codes) for codes in self.schema.valued], dim=1)):
            flag = self.schema.attributes[column].kind == "flag"
            rows[:, column] = ((scores[:, 0] > 0) if flag else scores.argmax(dim=1)).numpy()
        return rows

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What (N, C, H, W) bytes look like to it, (N, D), for distances: see `JudgeNetwork.features`.

        Raises RequestError for another shape.
        """
        return self._over(images, self.network.features).numpy()

    def _over(self, images: NDArray[np.uint8], network: Callable[[Tensor], Tensor]) -> Tensor:
        if images.shape[1:] != self.shape:
            raise RequestError(
                f"the judge reads images of {self.shape} (channels, height, width), not {images.shape[1:]}"
            )
        return _over(images, network)

    def save(self, path: Path) -> None:
        """Weights, in bfloat16 where they are rounded to it anyway, and facts in one safetensors file."""
        facts = {
            "schema": self.schema.model_dump_json(),
            "dataset": self.dataset,
            "shape": json.dumps(self.shape),
            "epochs": str(self.epochs),
        }
        tensors = {
            name: tensor.bfloat16() if tensor.dim() > 1 else tensor
            for name, tensor in self.network.state_dict().items()
        }
        write_atomically(path, lambda temporary: temporary.write_bytes(save(tensors, metadata=facts)))


def load_judge(path: Path) -> Judge:
    """A judge that `save` wrote. Raises RequestError if there is none, NoisetteError if it is damaged."""
    if not path.is_file():
        raise RequestError(f"no judge {path}")
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        schema = AttributeSchema.model_validate_json(facts["schema"])
        channels, height, width = json.loads(facts["shape"])
        network = JudgeNetwork((channels, height, width), sum(map(len, schema.valued)))
        network.load_state_dict(tensors)  # bfloat16 into float32
    except (SafetensorError, ValidationError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise NoisetteError(f"the judge {path} is damaged, or of another version; train it again") from error
    return Judge(network.eval(), schema, facts["dataset"], (channels, height, width), int(facts["epochs"]))


def trained_on(path: Path) -> str | None:
    """The fingerprint of the images that the judge in a file was trained on, read from its head alone; None of a
    damaged one.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("dataset")
    except SafetensorError:
        return None


def fit_judge(
    dataset: Dataset,
    *,
    epochs: int,
    seed: int = 0,
    hidden: NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
) -> Judge:
    """Train a judge on all images of `dataset`, the train split of one, for so many passes.

    hidden: attributes that an image does not show, (N, A), and cannot teach; found in the images unless given.

    Raises RequestError where there are no attributes, or too few images.
    """
    if not dataset.schema.attributes:
        raise RequestError(f"{dataset.name} has no attributes to judge by")
    if len(dataset) < _BATCH:
        raise RequestError(f"a judge needs at least {_BATCH} images, not {len(dataset)}")
    random = torch.Generator().manual_seed(seed)
    shape = (dataset.channels, *dataset.size)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = JudgeNetwork(shape, sum(map(len, dataset.schema.valued)))
        shown = np.where(hidden_in(dataset) if hidden is None else hidden, np.int16(UNKNOWN), dataset.attributes)
        _train(network, replace(dataset, attributes=shown), epochs, random, progress)
    network.eval().requires_grad_(False)
    for tensor in network.parameters():
        if tensor.dim() > 1:
            tensor.copy_(tensor.bfloat16())  # so that the judge reads the same before and after it is kept
    network.standardise(_over(dataset.images, network.responses))
    return Judge(network, dataset.schema, dataset.fingerprint, shape, epochs)


def kept_judge(path: Path, dataset: Dataset, *, epochs: int, progress: Progress | None = None) -> Judge:
    """The judge in `path`, or, if there is none, a new one, which is kept there.

    Raises RequestError if the one that is there was trained on other images, or for other passes.
    """
    if path.is_file():
        judge = load_judge(path)
        if judge.dataset != dataset.fingerprint or judge.epochs != epochs:
            what = "other images" if judge.dataset != dataset.fingerprint else f"{judge.epochs} passes, not {epochs}"
            raise RequestError(f"the judge in {path} was trained on {what}; name another file, or remove it")
        return judge
    judge = fit_judge(dataset, epochs=epochs, progress=progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    judge.save(path)
    return judge


def _train(
    network: nn.Module, dataset: Dataset, epochs: int, random: torch.Generator, progress: Progress | None
) -> None:
    images, codes = torch.from_numpy(dataset.images), torch.from_numpy(dataset.attributes.astype(np.int64))
    steps = epochs * (len(images) // _BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=0.02)
    network.train()
    step = 0
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(len(images), generator=random), _BATCH):
            if len(batch) < _BATCH:
                continue
            for group in optimizer.param_groups:
                group["lr"] = _LEARNING_RATE * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / steps))
            inputs = _as_input(images[batch])
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
        if attribute.kind == "choice":
            known = (codes[:, column] >= 0).sum().clamp(min=1)  # a batch may know nothing of it
            total = total + F.cross_entropy(parts[column], codes[:, column], ignore_index=-1, reduction="sum") / known
    return total


class JudgeNetwork(nn.Module):
    """Strided convolutions, then two layers over all positions, so that it knows where things are; and one layer over
    single pixels, for what is no larger, such as a mole. (B, C, H, W) to (B, V) logits.
    """

    usual: Tensor
    spread: Tensor

    def __init__(self, shape: tuple[int, int, int], values: int) -> None:
        super().__init__()
        channels, height, width = shape

        def convolution(width_in: int, width_out: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False), nn.BatchNorm2d(width_out), nn.ReLU()
            )

        self.look = nn.Sequential(
            convolution(channels, 32, 1), convolution(32, 64, 2), convolution(64, 96, 1), convolution(96, 128, 2)
        )
        positions = math.ceil(math.ceil(height / 2) / 2) * math.ceil(math.ceil(width / 2) / 2)
        self.describe = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * positions, 256), nn.BatchNorm1d(256), nn.ReLU()
        )
        self.decide = nn.Sequential(nn.Dropout(0.2), nn.Linear(256, values))
        self.peer = nn.Sequential(nn.Conv2d(channels, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())
        self.point = nn.Sequential(nn.Dropout(0.3), nn.Linear(8 * height * width, values, bias=False))
        self.register_buffer("usual", torch.zeros(32 + 64 + 96 + 128))
        self.register_buffer("spread", torch.ones(32 + 64 + 96 + 128))

    def responses(self, images: Tensor) -> Tensor:
        """(B, D): the mean of each channel of each convolution over the image."""
        means, seen = [], images
        for block in self.look:
            seen = block(seen)
            means.append(seen.mean(dim=(2, 3)))
        return torch.cat(means, dim=1)

    def standardise(self, responses: Tensor) -> None:
        """Take these, (N, D), for what is usual."""
        self.usual.copy_(responses.mean(dim=0))
        self.spread.copy_(responses.std(dim=0).clamp(min=1e-3))  # a channel that never responds has none

    def features(self, images: Tensor) -> Tensor:
        """(B, D) the responses, each 0 in the mean over real images and 1 in their spread.

        From all depths and not from the last layer alone: that one has learned to overlook noise and blur, and lies,
        for images unlike any real one, between the real ones.
        """
        return (self.responses(images) - self.usual) / self.spread

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.decide(self.describe(self.look(images))) + self.point(self.peer(images))
        return logits


def _over(images: NDArray[np.uint8], network: Callable[[Tensor], Tensor]) -> Tensor:
    """What `network` makes of (N, C, H, W) bytes, some at a time."""
    with torch.inference_mode():
        return torch.cat([network(_as_input(part)) for part in torch.split(torch.from_numpy(images), _BATCH)])


def _as_input(images: Tensor) -> Tensor:
    return images.float() / 127.5 - 1
