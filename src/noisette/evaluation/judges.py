"""Where judges are kept: those that ship with the package, and those that were trained on this machine."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from noisette.data.dataset import Dataset
from noisette.data.fetch import cache_folder
from noisette.errors import RequestError
from noisette.evaluation.judge import Judge, Progress, fit_judge, load_judge

EPOCHS = 24
"""Passes over the train split."""


def find_judge(train: Dataset) -> Judge:
    """The judge for a train split, shipped or trained here. Raises RequestError, saying how to train one, if there is none."""
    for path in (*sorted(_shipped().glob("*.safetensors")), _kept(train)):
        if path.is_file() and (judge := load_judge(path)).dataset == train.fingerprint:
            return judge
    raise RequestError(f"there is no judge for these images of {train.name} yet; train one, in a few minutes, with --fit-judge")


def fit_and_keep(train: Dataset, *, epochs: int = EPOCHS, progress: Progress | None = None) -> tuple[Judge, Path]:
    """Train a judge on a train split and keep it in the cache folder, in the place of one that is there."""
    judge, path = fit_judge(train, epochs=epochs, progress=progress), _kept(train)
    path.parent.mkdir(parents=True, exist_ok=True)
    judge.save(path)
    return judge, path


def _kept(train: Dataset) -> Path:
    return cache_folder() / "judges" / f"{train.name}-{train.fingerprint[:16]}.safetensors"


def _shipped() -> Path:
    return Path(str(resources.files("noisette"))) / "judges"
