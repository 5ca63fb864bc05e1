"""Models that ship with the package: a folder each, with weights in half precision and a card."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from noisette.attributes.statistics import count
from noisette.errors import RequestError
from noisette.files.cache import cache_folder
from noisette.files.hashes import FILE as HASHES
from noisette.files.hashes import REINSTALL, content_sha256, file_sha256, read_hashes, verify
from noisette.files.output import STANDARD_OUTPUT, expand
from noisette.files.reading import AbsentError, DamagedError, is_own_file
from noisette.files.tensors import MOST_BYTES, read_head
from noisette.sampling.presets import FILE as PRESETS
from noisette.sampling.presets import Presets
from noisette.store.bundle import Bundle, Weights

if TYPE_CHECKING:
    from torch import Tensor

    from noisette.data.dataset import Dataset

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Shipped(Bundle):
    """A model of the package; nothing is ever written into its folder."""

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def title(self) -> str:
        return self.folder.name

    @property
    def state(self) -> str:
        return "shipped"

    def weights(self, step: int | None = None) -> Weights:
        if step is not None:
            raise RequestError(f"{self.name} ships with its last weights alone; leave the step out")
        path = self.folder / WEIGHTS
        try:
            digest = file_sha256(path, inside=self.folder, most=MOST_BYTES)
        except AbsentError as error:
            raise DamagedError(f"{path} is missing; {REINSTALL}") from error
        verify(path, digest, read_hashes(self.folder).get(WEIGHTS), mend=REINSTALL)
        head = read_head(path, inside=self.folder, mend=REINSTALL)

        def tensors() -> dict[str, Tensor]:
            return {name: tensor.float() for name, tensor in head.tensors().items()}

        return Weights(path, int(head.metadata.get("step", "0")), digest, head.metadata, (), tensors)

    def step_of(self, sha256: str) -> int | None:
        return 0 if read_hashes(self.folder).get(WEIGHTS) == sha256 else None  # `find_weights` asks for no step here

    @property
    def steps(self) -> list[int]:
        return []

    @property
    def records(self) -> Path:
        return cache_folder() / "models" / self.name

    def check_data(self, dataset: Dataset) -> None:
        known = count(dataset.schema, dataset.split("train").attributes)
        if known.together != self.statistics.together:
            raise RequestError(
                f"the data set {dataset.name} is not the one that {self.name} was trained on: its attributes differ;"
                " fetch the data again"
            )

    @property
    def presets_file(self) -> Path:
        raise RequestError(
            f"{self.name} ships with the package, with its table; say where another shall go with --out FILE.json"
        )

    @property
    def thumbnail(self) -> Path | None:
        path = self.folder / "samples.png"
        return path if is_own_file(path, self.folder) else None

    def mend(self, name: str) -> str:
        return REINSTALL

    def presets(self, weights: str) -> tuple[Presets | None, tuple[str, ...]]:
        if self._has(PRESETS):
            self._text(PRESETS)  # verified: tuning cannot make it anew here
        return super().presets(weights)

    def _known(self) -> Collection[str]:
        return read_hashes(self.folder)

    def _verify(self, name: str, content: bytes) -> None:
        known = read_hashes(self.folder).get(name)
        verify(self.folder / name, content_sha256(content), known, mend=REINSTALL)


def home() -> Path:
    """The folder of the models that ship."""
    return Path(str(resources.files("noisette"))) / "models"


def check_not_shipped(out: str | None) -> None:
    """Raises RequestError if an output would lie among the models that ship, where nothing is ever written."""
    if out in (None, STANDARD_OUTPUT):
        return
    path = os.path.realpath(expand(out))
    if Path(path).is_relative_to(os.path.realpath(home())):
        raise RequestError(
            f"{out} lies among the models that ship with noisette, which are not written into; choose another place"
            " with --out"
        )


def shipped_names() -> list[str]:
    """The models that ship with the package, sorted."""
    if not home().is_dir():
        return []
    return sorted(path.name for path in home().iterdir() if any((path / name).is_file() for name in (WEIGHTS, HASHES)))
