"""Models that ship with the package: a folder each, with weights in half precision and a card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisette.config import Recipe, dump_recipe, parse_recipe
from noisette.data.attributes import AttributeSchema
from noisette.data.palette import Palette
from noisette.data.statistics import Statistics
from noisette.errors import RequestError, nearest
from noisette.files import file_sha256, write_text
from noisette.quality import Qualities, read_qualities

if TYPE_CHECKING:
    from torch import Tensor

    from noisette.training.run import Run

_FOLDER = "models"
_CARD = "card.md"
_TABLES = ("schema.json", "statistics.json")


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
        sorted(path.name for path in _home().iterdir() if (path / "weights.safetensors").is_file())
        if _home().is_dir()
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
    folder = _home() / name
    return (
        AttributeSchema.model_validate_json((folder / "schema.json").read_text(encoding="utf-8")),
        Statistics.model_validate_json((folder / "statistics.json").read_text(encoding="utf-8")),
    )


def open_shipped_recipe(name: str) -> Recipe:
    """The recipe of the named model, without its weights."""
    return parse_recipe((_home() / name / "recipe.toml").read_text(encoding="utf-8"), source=name)


def shipped_samples(name: str) -> Path | None:
    """A picture that the named model drew, if one came with it."""
    path = _home() / name / "samples.png"
    return path if path.is_file() else None


def shipped_figures(name: str) -> dict[str, Any]:
    """What was measured of the named model when it was shipped, as `noisette evaluate --json` told it, in part; nothing
    if none came with it.
    """
    path = _home() / name / "figures.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["drawn"] if path.is_file() else {}
    return found


def open_shipped(name: str) -> Shipped:
    """The named model. Raises RequestError if there is none."""
    from safetensors import safe_open

    if not is_shipped(name):
        raise RequestError(
            f'no model "{name}" ships with this package; there are {", ".join(shipped_names()) or "none"}'
        )
    folder = _home() / name
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


def ship(run: Run, name: str, overrides: Sequence[str] = ()) -> Path:
    """Fill the folder of a shipped model from a trained run: its averaged weights in bfloat16, its tables, its recipe
    with `overrides`.

    How it samples when nothing is said stands in the recipe: `samples.guidance=1.5`. Its card.md is written by hand and
    stays; figures.json, samples.png and quality.json are of other weights and go. Raises RequestError if the newest
    checkpoint is not whole.
    """
    import torch
    from safetensors.torch import save_file

    checkpoint, notes = run.checkpoint()
    if checkpoint is None or notes:
        raise RequestError(f"{run.folder} has no whole checkpoint to ship{''.join(f'; {note}' for note in notes)}")
    recipe = parse_recipe(dump_recipe(run.recipe), source=str(run.folder), overrides=overrides)
    folder = _home() / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name != _CARD:
            old.unlink()  # figures, pictures and colours of other weights
    write_text(folder / "recipe.toml", dump_recipe(recipe))
    for file in _TABLES:
        shutil.copyfile(run.folder / file, folder / file)
    if run.palette is not None:
        write_text(folder / "palette.json", run.palette.to_json())
    part = "average" if run.recipe.training.ema > 0 else "network"
    tensors = {key: tensor.to(torch.bfloat16).contiguous() for key, tensor in checkpoint.tensors(part).items()}
    learned = {"schema": run.schema.fingerprint, "palette": run.palette.fingerprint if run.palette is not None else ""}
    if recipe.diffusion.target != "palette":
        learned.pop("palette")
    save_file(
        tensors,
        folder / "weights.safetensors",
        metadata={"step": str(checkpoint.entry.step), "weights": part, **learned},
    )
    return folder


def _home() -> Path:
    return Path(str(resources.files("noisette"))) / _FOLDER
