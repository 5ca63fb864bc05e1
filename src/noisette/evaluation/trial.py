"""A run on trial: which requests it is drawn for, with which real images beside, and where its drawings and figures are
kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.statistics import count as count_values
from noisette.config.data import shows_held_out
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.palette import palette_of
from noisette.errors import RequestError, nearest
from noisette.evaluation.figures import PARTS, Tree
from noisette.evaluation.judge import Judge
from noisette.evaluation.judges import find_judge, open_whole
from noisette.evaluation.measure import VERSION, Progress, Yardstick, silently
from noisette.evaluation.records import Record, home_of
from noisette.evaluation.visibility import hidden
from noisette.files.cache import cache_folder
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.sampling.settings import Sampling
from noisette.store.run import open_run
from noisette.store.shipped import means_shipped

USUAL_COUNT = 500
HELD_OUT = "held-out"

DRAWING = 2
"""Raised when the same weights, requests and seeds draw other images: those that were kept are then drawn again."""


@dataclass(frozen=True)
class Trial:
    """split: where the requests are from. data: the fingerprint of the whole data set."""

    generator: Generator
    yardstick: Yardstick
    split: str
    data: str

    @property
    def notes(self) -> list[str]:
        """What a person should know of the run and of the real images that are beside."""
        learned = ["the judge learned from the real images of this split, so what it reads in them is no ceiling"]
        return [*self.generator.notes, *(learned if self.split in ("train", HELD_OUT) else [])]

    @property
    def count(self) -> int:
        """Images in a draw."""
        return len(self.yardstick.real)

    def record(self, sampling: Sampling, seed: int) -> Record:
        """Of one draw; seed: of its first image."""
        facts = {
            "drawing": DRAWING,
            "weights": self.generator.weights,
            "dataset": self.yardstick.train.name,
            "requests": self.yardstick.real.fingerprint,
            "split": self.split,
            "images": self.count,
            "first_seed": seed,
            # requests here leave nothing open to complete, and levels by rule need no times
            "sampling": {
                name: value
                for name, value in asdict(sampling).items()
                if name != "complete" and (value or name != "times")
            },
        }
        by = f"{sampling.named.replace(' ', '-')}-{sampling.steps}" + (
            f"-guidance-{sampling.guidance.scale:g}" if self.yardstick.asked else ""
        )
        return Record.of(
            home_of(self.generator.name) / "evaluations", f"{self.split}-{self.count}-seed-{seed}-{by}", facts
        )

    def draw(self, sampling: Sampling, seed: int, progress: Progress = silently) -> NDArray[np.uint8]:
        """The images, (count, C, H, W), kept or drawn now. progress: of the drawing."""
        rows = self.yardstick.real.attributes if self.yardstick.asked else None
        seeds = range(seed, seed + self.count)
        draw = partial(
            self.generator.draw, rows, seeds, sampling, progress=partial(progress, f"drawing {self.count} images")
        )
        return self.record(sampling, seed).images(draw, (self.count, *self.yardstick.real.images.shape[1:]))

    def figures(
        self, sampling: Sampling, seed: int, progress: Progress = silently, parts: Sequence[str] = PARTS
    ) -> Tree:
        """Of one draw, kept or taken now."""
        images = self.draw(sampling, seed, progress)
        return self.record(sampling, seed).figures(
            self._by, parts, lambda missing: self.yardstick.measure(images, progress, missing)
        )

    def real_figures(self, progress: Progress = silently, parts: Sequence[str] = PARTS) -> Tree:
        """The same of the real images of the requests.

        What it is taken from is the same for all runs on the same data.
        """
        real, yardstick = self.yardstick.real, self.yardstick
        facts = {
            "data": self.data,
            "train": yardstick.train.fingerprint,
            "real": real.fingerprint,
            "asked": yardstick.asked,
        }
        record = Record.of(cache_folder() / "real", f"{real.name}-{self.split}-{self.count}", facts)
        return record.figures(self._by, parts, lambda missing: yardstick.measure(real.images, progress, missing))

    @property
    def _by(self) -> str:
        return f"{self.yardstick.judge.digest}-{VERSION}"


def put_on_trial(
    run: str | Path | Generator,
    *,
    count: int | None = None,
    split: str = "validation",
    step: int | None = None,
    judge: Judge | None = None,
) -> Trial:
    """Load a run or shipped model, unless it is loaded, its data, and the judge of these.

    count: requests, the first of the split; 500 or all of a smaller split unless given. split: also `held-out`, of a
    run whose recipe kept pairs out of its training: the images that show them. step: of a checkpoint that is kept, the
    newest unless given. judge: the one for these data unless given.

    Raises RequestError where nothing can be measured: no judge, a judge of other data, too few images, data that
    changed.
    """
    generator = run if isinstance(run, Generator) else load(run, step=step)
    recipe = generator.model.recipe
    whole = open_whole(recipe)
    held_out = shows_held_out(whole, recipe.dataset.hold_out)
    dataset = whole.take(np.flatnonzero(~held_out)) if held_out.any() else whole
    _check_unchanged(generator, dataset)
    judge = judge or find_judge(whole.split("train"), generator.name)
    if judge.dataset != whole.split("train").fingerprint:
        raise RequestError(
            f"the judge was trained on other images than {generator.name}; train one with `noisette evaluate"
            f" --fit-judge {generator.name}`"
        )
    places = _places(split, whole, held_out)
    count = min(USUAL_COUNT, len(places)) if count is None else count
    if not 1 <= count <= len(places):
        raise RequestError(
            f"the {split} split of {dataset.name} has {len(places)} images; use a --count of at most that, not {count}"
        )
    chosen = places[:count]
    train = dataset.split("train")
    yardstick = Yardstick(
        judge, train, whole.take(chosen), hidden(whole)[chosen], recipe.conditional, palette_of(train.images)
    )
    return Trial(generator, yardstick, split, whole.fingerprint)


def _places(split: str, whole: Dataset, held_out: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Of the images of a split in the whole data set."""
    if split not in (*SPLITS, HELD_OUT):
        raise RequestError(
            f'no split "{split}"{nearest(split, (*SPLITS, HELD_OUT))}; there are {", ".join((*SPLITS, HELD_OUT))}'
        )
    if split != HELD_OUT:
        return np.flatnonzero((whole.membership == SPLITS.index(split)) & ~held_out)
    if not held_out.any():
        raise RequestError(
            "this run was trained with dataset.hold_out empty, so it has no held-out images; use --split validation"
        )
    return np.flatnonzero(held_out)


def _check_unchanged(generator: Generator, dataset: Dataset) -> None:
    """Raises RequestError if the data are not those that were trained on."""
    if not means_shipped(generator.name):
        open_run(Path(generator.name)).check_data(dataset)
    elif count_values(dataset.schema, dataset.split("train").attributes).together != generator.statistics.together:
        raise RequestError(
            f"the data set {dataset.name} is not the one that {generator.name} was trained on: its attributes differ;"
            " fetch the data again"
        )
