"""Making a model that ships with the package out of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from noisette.config.recipe import dump_recipe, parse_recipe
from noisette.errors import RequestError
from noisette.files.atomic import make_folder, write_text
from noisette.files.hashes import FILE as HASHES
from noisette.files.hashes import write_hashes
from noisette.files.tensors import save_tensors
from noisette.store.run import Run, table_texts
from noisette.store.shipped import WEIGHTS

_CARD = "card.md"
_DECIDES = (".toml", ".json", ".safetensors")
"""What decides pictures or figures, and not a card or a sample of them."""


def ship(run: Run, folder: Path, overrides: Sequence[str] = ()) -> Path:
    """Fill the folder of a shipped model from a trained run: averaged weights in bfloat16, tables, recipe.

    Its card.md is written by hand and stays; figures.json, samples.png and presets.json are of other weights and go.

    Args:
        run: whose newest checkpoint is shipped.
        folder: of the model, in `noisette.store.shipped.home` or elsewhere.
        overrides: of the recipe, such as how it samples when nothing is said: `sampling.guidance.scale=1.5`.

    Returns:
        The folder.

    Raises:
        RequestError: the newest checkpoint is not whole.
    """
    import torch

    weights = run.weights()
    if weights.notes:
        raise RequestError(f"{run.folder} has no whole checkpoint to ship; {'; '.join(weights.notes)}")
    recipe = parse_recipe(dump_recipe(run.recipe), source=str(run.folder), overrides=overrides)
    make_folder(folder)
    for old in folder.iterdir():
        if old.name != _CARD:
            old.unlink()  # figures, pictures and colours of other weights
    write_text(folder / "recipe.toml", dump_recipe(recipe))
    for name, text in table_texts(run.schema, run.statistics, run.palette).items():
        write_text(folder / name, text)
    tensors = {key: tensor.to(torch.bfloat16) for key, tensor in weights.tensors().items()}
    learned = {"schema": run.schema.fingerprint}
    if recipe.diffusion.target == "palette" and run.palette is not None:
        learned["palette"] = run.palette.fingerprint
    part = "average" if run.recipe.training.ema > 0 else "network"
    save_tensors(folder / WEIGHTS, tensors, {"step": str(weights.step), "weights": part, **learned})
    list_files(folder)
    return folder


def list_files(folder: Path) -> None:
    """Write the hashes of what a folder ships; again after whatever changes in it, such as a new table of presets.

    Args:
        folder: Of a shipped model, or of what else ships and is checked when it is opened.
    """
    write_hashes(folder, [path.name for path in folder.iterdir() if path.suffix in _DECIDES and path.name != HASHES])
