"""Making a model that ships with the package out of a run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from noisette.config.recipe import dump_recipe, parse_recipe
from noisette.errors import RequestError
from noisette.files.atomic import write_text
from noisette.store import shipped
from noisette.store.run import Run

_CARD = "card.md"
_TABLES = ("schema.json", "statistics.json")


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
    folder = shipped.home() / name
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
