"""An attribute classifier: a small network, trained on real images, that reads all attributes of an image at once.

It shares nothing with the networks that draw: no noise levels, no skips, no attention, other normalisation, other
layers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from safetensors.torch import save
from torch import Tensor

from noisette.attributes.schema import AttributeSchema
from noisette.caller import leaves_torch_alone
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.classifier_network import ClassifierNetwork, over
from noisette.files.atomic import write_atomically
from noisette.files.hashes import SEAL
from noisette.files.reading import DamagedError
from noisette.files.tensors import read_head, unlike

FEATURES = 1
"""Raised when `AttributeClassifier.features` are taken another way: those that were kept are then taken again."""


@dataclass(frozen=True)
class AttributeClassifier:
    """A trained classifier and what it was trained on.

    Attributes:
        network: In evaluation mode.
        schema: The attributes that it reads.
        dataset: Fingerprint of the images that it was trained on.
        shape: (C, H, W) of the images that it reads.
        epochs: Passes over the images in its training.
    """

    network: ClassifierNetwork
    schema: AttributeSchema
    dataset: str
    shape: tuple[int, int, int]
    epochs: int

    @cached_property
    def digest(self) -> str:
        """Which classifier this is: a hash of its weights."""
        digest = sha256()
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()[:16]

    def read(self, images: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Read the attributes of images.

        Args:
            images: (N, C, H, W) bytes.

        Returns:
            (N, A) codes, none of them UNKNOWN.

        Raises:
            RequestError: The images have another shape.
        """
        logits = self._over(images, self.network)
        rows = np.empty((len(images), len(self.schema.attributes)), dtype=np.int16)
        for column, scores in enumerate(torch.split(logits, [len(codes) for codes in self.schema.valued], dim=1)):
            flag = self.schema.attributes[column].kind == "flag"
            rows[:, column] = ((scores[:, 0] > 0) if flag else scores.argmax(dim=1)).numpy()
        return rows

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Take the features of images between which distances are measured; see `ClassifierNetwork.features`.

        Args:
            images: (N, C, H, W) bytes.

        Returns:
            (N, D), of mean 0 and standard deviation 1 over the real images.

        Raises:
            RequestError: The images have another shape.
        """
        return self._over(images, self.network.features).numpy()

    @leaves_torch_alone
    def _over(self, images: NDArray[np.uint8], network: Callable[[Tensor], Tensor]) -> Tensor:
        if images.shape[1:] != self.shape:
            raise RequestError(
                f"the classifier reads images of {self.shape} (channels, height, width), not {images.shape[1:]}"
            )
        return over(images, network)

    def save(self, path: Path) -> None:
        """Write one safetensors file with the weights, in bfloat16 where they are rounded to it anyway, and the facts.

        Args:
            path: Of the file; one that is there is replaced.
        """
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
        content = save(tensors, metadata={**facts, SEAL: _digest(facts, tensors)})
        write_atomically(path, lambda temporary: temporary.write_bytes(content))


@leaves_torch_alone
def load_classifier(path: Path) -> AttributeClassifier:
    """Read a classifier that `AttributeClassifier.save` wrote.

    Args:
        path: Of the file.

    Returns:
        The classifier.

    Raises:
        RequestError: There is no such file.
        NoisetteError: The file is damaged.
    """
    if not path.is_file():
        raise RequestError(f"no classifier {path}")
    try:
        head = read_head(path, inside=path.parent)
        facts = _Facts.model_validate(head.metadata)
        tensors = head.tensors()
        if facts.sha256 is not None and facts.sha256 != _digest(_without_seal(head.metadata), tensors):
            raise ValueError("its SHA-256 is not the one that it carries")
        schema, shape = AttributeSchema.model_validate_json(facts.schema_read), _Shape.validate_json(facts.shape)
        values = sum(map(len, schema.valued))
        with torch.device("meta"):  # before a network is made: its file may ask for one of any size
            outline = ClassifierNetwork(shape, values).state_dict()
        if why := unlike(tensors, outline):
            raise ValueError(why)
        network = ClassifierNetwork(shape, values)
        network.load_state_dict(tensors)  # bfloat16 into float32
    except (DamagedError, ValueError) as error:
        raise NoisetteError(f"the classifier {path} is damaged, or of another version; train it again") from error
    return AttributeClassifier(network.eval(), schema, facts.dataset, shape, facts.epochs)


def trained_on(path: Path) -> str | None:
    """Tell what a classifier was trained on, from the head of its file alone.

    Args:
        path: Of a file that `AttributeClassifier.save` wrote.

    Returns:
        The fingerprint of the images; None if the file is damaged.
    """
    try:
        return read_head(path, inside=path.parent).metadata.get("dataset")
    except NoisetteError:
        return None


class _Facts(BaseModel):
    """What the file of a classifier says besides its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_read: str = Field(alias="schema")
    dataset: str = Field(max_length=200)
    shape: str = Field(max_length=100)
    epochs: int = Field(ge=0, le=10**9)
    sha256: str | None = None


_Shape: TypeAdapter[tuple[int, int, int]] = TypeAdapter(
    tuple[Annotated[int, Field(ge=1, le=4)], Annotated[int, Field(ge=1, le=1024)], Annotated[int, Field(ge=1, le=1024)]]
)


def _without_seal(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in metadata.items() if name != SEAL}


def _digest(facts: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of all that a file holds, however it is laid out."""
    digest = sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        as_bytes = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode() + as_bytes)
    return digest.hexdigest()
