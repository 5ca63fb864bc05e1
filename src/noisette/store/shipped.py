"""Models that ship with the package: a folder each, with weights in half precision and a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics
from noisette.config.recipe import Recipe, parse_recipe
from noisette.data.palette import Palette
from noisette.errors import RequestError, nearest
from noisette.files.atomic import file_sha256
from noisette.sampling.presets import Qualities, read_qualities

if TYPE_CHECKING:
    from torch import Tensor


_FOLDER = "models"


@dataclass(frozen=True)
class Shipped:
    """A model from the package. tensors: bfloat16."""

    recipe: Recipe
    schema: AttributeSchema
    statistics: Statistics
    palette: Palette | None
    tensors: Mapping[str, Tensor]
    step: int
    sha256: str
    learned: Mapping[str, str]  # fingerprints of the schema and palette that were trained on
    qualities: Qualities | None


def shipped_names() -> list[str]:
    """The models that ship with the package, sorted."""
    return (
        sorted(path.name for path in home().iterdir() if (path / "weights.safetensors").is_file())
        if home().is_dir()
        else []
    )


def is_shipped(name: str) -> bool:
    return name in shipped_names()


def means_shipped(run: str | Path) -> bool:
    """Whether a run, as a person names it, is a shipped model: a run folder of that name in the current one wins."""
    return is_shipped(str(run)) and not (Path(run) / "recipe.toml").is_file()


def check_there(run: str | Path) -> None:
    """Raises RequestError if a run, as a person names it, is neither a folder nor a shipped model."""
    if not means_shipped(run) and not Path(run).is_dir():
        raise RequestError(
            f"no folder {run}, and no model of that name ships with noisette{nearest(str(run), shipped_names())}; "
            f"there are {', '.join(shipped_names()) or 'none'}, and the folders that `noisette train` made"
        )


def open_shipped_tables(name: str) -> tuple[AttributeSchema, Statistics]:
    """What the named model can be asked for, without its weights."""
    folder = home() / name
    return (
        AttributeSchema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8")),
        Statistics.model_validate_json((folder / "statistics.json").read_text(encoding="utf-8")),
    )


def open_shipped_recipe(name: str) -> Recipe:
    """The recipe of the named model, without its weights."""
    return parse_recipe((home() / name / "recipe.toml").read_text(encoding="utf-8"), source=name)


def shipped_samples(name: str) -> Path | None:
    """A picture that the named model drew, if one came with it."""
    path = home() / name / "samples.png"
    return path if path.is_file() else None


def shipped_figures(name: str) -> dict[str, Any]:
    """What was measured of the named model when it was shipped, as `noisette evaluate --json` told it, in part; nothing
    if none came with it.
    """
    path = home() / name / "figures.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["drawn"] if path.is_file() else {}
    return found


def open_shipped(name: str) -> Shipped:
    """The named model. Raises RequestError if there is none."""
    from safetensors import safe_open

    if not is_shipped(name):
        raise RequestError(
            f'no model "{name}" ships with this package; there are {", ".join(shipped_names()) or "none"}'
        )
    folder = home() / name
    weights = folder / "weights.safetensors"
    with safe_open(weights, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a mapping)
        facts = file.metadata()
    schema, statistics = open_shipped_tables(name)
    recipe = open_shipped_recipe(name)
    colours = folder / "palette.json"
    palette = Palette.from_json(colours.read_text(encoding="utf-8")) if colours.is_file() else None
    digest = file_sha256(weights)
    return Shipped(
        recipe,
        schema,
        statistics,
        palette,
        tensors,
        int(facts["step"]),
        digest,
        facts,
        read_qualities(folder, digest)[0],
    )


def home() -> Path:
    """The folder of the models that ship."""
    return Path(str(resources.files("noisette"))) / _FOLDER
