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

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics
from noisette.config.recipe import Recipe, parse_recipe
from noisette.data.palette import Palette
from noisette.files.reading import AbsentError, DamagedError, Model, as_model, parse_json, read_bytes
from noisette.legacy import modernise
from noisette.sampling.presets import Presets, read_presets

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

    @abstractmethod
    def step_of(self, sha256: str) -> int | None:
        """The step of the weights that have a SHA-256, of all that are kept; None where none has it.

        Args:
            sha256: Of their file.

        Raises:
            NoisetteError: It cannot be told.
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
        if not self._has("figures.json"):
            return {}
        found = modernise(self._values("figures.json"))
        drawn = found.get("drawn", {}) if isinstance(found, dict) else {}
        return drawn if isinstance(drawn, dict) else {}

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
        return parse_recipe(self._text("recipe.toml"), source=str(self.folder / "recipe.toml"))

    @property
    def schema(self) -> AttributeSchema:
        """The attributes of its data."""
        return self._model(AttributeSchema, "schema.json")

    @property
    def statistics(self) -> Statistics:
        """How common each value is, and which are seen together."""
        return self._model(Statistics, "statistics.json")

    @property
    def palette(self) -> Palette | None:
        """The colours of the data; None where they are many, or grey."""
        if not self._has("palette.json"):
            return None
        try:
            return Palette.from_json(self._text("palette.json"))
        except ValueError as error:
            raise DamagedError(
                f"{self.folder / 'palette.json'} is damaged: {error}; {self.mend('palette.json')}"
            ) from error

    @abstractmethod
    def mend(self, name: str) -> str:
        """What a person should do where one of its files is damaged.

        Args:
            name: Of the file.
        """

    @property
    def edited(self) -> tuple[str, ...]:
        """The files that were changed by hand since they were written, and are taken as they are now."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of its files."""
        return tuple(
            f"{self.folder / name} was changed since noisette wrote it; images are drawn as it says now"
            for name in self.edited
        )

    @abstractmethod
    def _verify(self, name: str, content: bytes) -> None:
        """Raises DamagedError if a file of it is not what was written."""

    @abstractmethod
    def _known(self) -> Collection[str]:
        """The files whose hashes are known, and which must therefore be there."""

    def _has(self, name: str) -> bool:
        return name in self._known() or os.path.lexists(self.folder / name)

    def presets(self, weights: str) -> tuple[Presets | None, tuple[str, ...]]:
        """The table of presets, if there is one and it is of these weights, and what a person should know of it.

        Args:
            weights: The SHA-256 of the weights.
        """
        return read_presets(self.folder, weights)

    def _text(self, name: str) -> str:
        """The text of a file that decides what is drawn, once it was found to be what was written."""
        try:
            content = read_bytes(self.folder / name, inside=self.folder)
        except AbsentError as error:
            raise DamagedError(f"{self.folder / name} is missing; {self.mend(name)}") from error
        self._verify(name, content)
        try:
            return content.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            raise DamagedError(f"{self.folder / name} is damaged: it is no text in UTF-8; {self.mend(name)}") from error

    def _values(self, name: str) -> Any:
        try:
            return parse_json(self._text(name))
        except ValueError as error:
            raise DamagedError(f"{self.folder / name} is damaged: {error}; {self.mend(name)}") from error

    def _model(self, model: type[Model], name: str) -> Model:
        return as_model(model, self._values(name), self.folder / name, mend=self.mend(name))
