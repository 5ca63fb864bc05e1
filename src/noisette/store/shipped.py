"""Models that ship with the package: a folder each, with weights in half precision and a card."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from noisette.attributes.statistics import count
from noisette.errors import RequestError
from noisette.files.atomic import file_sha256
from noisette.files.cache import cache_folder
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
        from safetensors import safe_open

        path = self.folder / WEIGHTS

        def tensors() -> dict[str, Tensor]:
            with safe_open(path, framework="pt") as file:
                return {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118  (not a mapping)

        with safe_open(path, framework="numpy") as file:
            facts = file.metadata()
        return Weights(path, int(facts["step"]), file_sha256(path), facts, (), tensors)

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
        return path if path.is_file() else None


def home() -> Path:
    """The folder of the models that ship."""
    return Path(str(resources.files("noisette"))) / "models"


def shipped_names() -> list[str]:
    """The models that ship with the package, sorted."""
    return sorted(path.name for path in home().iterdir() if (path / WEIGHTS).is_file()) if home().is_dir() else []
