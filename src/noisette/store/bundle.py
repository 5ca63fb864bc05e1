"""One model folder: a trained model as files, be it a run folder, one that ships with the package, or an exported one.

recipe.toml        every setting, as it was resolved
schema.json        the attributes of the data, and which exclude each other
statistics.json    how common each value is, which are seen together, and a fingerprint of each row of attributes
palette.json       the colours of the data, where they are few
presets.json       which settings were found to be enough
weights            in weights.safetensors, or of a run in its checkpoints
card.md            what it is, by hand
figures.json       what was measured of it when it was shipped
samples.png        a picture that it drew
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics
from noisette.config.recipe import Recipe, parse_recipe
from noisette.data.palette import Palette
from noisette.errors import NoisetteError
from noisette.legacy import modernise

if TYPE_CHECKING:
    from torch import Tensor

    from noisette.data.dataset import Dataset


@dataclass(frozen=True)
class Weights:
    """Which weights a bundle has; they are read when they are asked for.

    Attributes:
        path: Of their file.
        step: Of the training.
        sha256: Of the file, which says exactly what drew an image.
        learned: The fingerprints of the schema and palette that they were trained under, where they are known.
        notes: What a person should know of them.
        tensors: Reads them, by the names of the network's parameters, float32.
    """

    path: Path
    step: int
    sha256: str
    learned: Mapping[str, Any]
    notes: tuple[str, ...]
    tensors: Callable[[], dict[str, Tensor]]


@dataclass(frozen=True)
class Bundle(ABC):
    """A model folder: a run, a model that ships with the package, or an exported one.

    What is damaged raises NoisetteError when it is read, and says how to mend it.

    Attributes:
        folder: Where it is.
    """

    folder: Path

    @property
    @abstractmethod
    def name(self) -> str:
        """As `noisette.load` takes it."""

    @property
    @abstractmethod
    def title(self) -> str:
        """For people."""

    @property
    @abstractmethod
    def state(self) -> str:
        """`shipped`, or that of the training: new, running, finished, stopped or failed."""

    @abstractmethod
    def weights(self, step: int | None = None) -> Weights:
        """The weights that draw.

        Args:
            step: The step of a checkpoint that is kept; the newest that is whole unless given.

        Raises:
            RequestError: There are none, or none of that step.
            NoisetteError: All are damaged.
        """

    @property
    @abstractmethod
    def steps(self) -> list[int]:
        """Of the weights that can be asked for by their step, in their order; empty where there is but one."""

    @property
    @abstractmethod
    def records(self) -> Path:
        """Where what is drawn and measured of it is kept."""

    @abstractmethod
    def check_data(self, dataset: Dataset) -> None:
        """Refuse data that are not those it was trained on.

        Args:
            dataset: The data.

        Raises:
            RequestError: They are others.
        """

    @property
    @abstractmethod
    def presets_file(self) -> Path:
        """Where a table of presets is written. Raises RequestError where it must be said."""

    @property
    @abstractmethod
    def thumbnail(self) -> Path | None:
        """A picture that it drew, if there is one."""

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, machine and command of its training; empty where it is not known."""
        return {}

    @property
    def status(self) -> dict[str, Any]:
        """Where its training stands; empty where there is nothing to tell."""
        return {}

    @property
    def figures(self) -> dict[str, Any]:
        """What was measured when it was shipped, as `noisette evaluate --json` tells it, in part; empty if nothing."""
        if not (self.folder / "figures.json").is_file():
            return {}
        found: dict[str, Any] = modernise(self._json("figures.json").get("drawn", {}))
        return found

    def scalars(self, tag: str) -> list[tuple[int, float]]:
        """A curve of its training.

        Args:
            tag: Such as `loss`.

        Returns:
            (step, value) of each point; none if there are none.
        """
        return []

    @property
    def recipe(self) -> Recipe:
        """The recipe that it was trained by."""
        return parse_recipe(self._read("recipe.toml"), source=str(self.folder / "recipe.toml"))

    @property
    def schema(self) -> AttributeSchema:
        """The attributes of its data."""
        try:
            return AttributeSchema.model_validate_json(self._read("schema.json"))
        except ValidationError as error:
            raise self._damaged("schema.json") from error

    @property
    def statistics(self) -> Statistics:
        """How common each value is, and which are seen together."""
        try:
            return Statistics.model_validate_json(self._read("statistics.json"))
        except ValidationError as error:
            raise self._damaged("statistics.json") from error

    @property
    def palette(self) -> Palette | None:
        """The colours of the data; None where they are many, or grey."""
        if not (self.folder / "palette.json").is_file():
            return None
        try:
            return Palette.from_json(self._read("palette.json"))
        except ValueError as error:
            raise self._damaged("palette.json") from error

    def _damaged(self, name: str) -> NoisetteError:
        return NoisetteError(f"{self.folder}/{name} is damaged; restore it from a copy")

    def _read(self, name: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise NoisetteError(f"cannot read {self.folder / name}: {reason}") from error

    def _json(self, name: str) -> dict[str, Any]:
        try:
            loaded = json.loads(self._read(name))
        except ValueError as error:
            raise NoisetteError(f"{self.folder / name} is damaged: {error}") from error
        if not isinstance(loaded, dict):
            raise NoisetteError(f"{self.folder / name} is damaged: it is not an object")
        return loaded
