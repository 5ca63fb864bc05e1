"""An evaluation setup: the requests that a run is drawn for, their real images, and where results are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.parsing import describe as describe_request
from noisette.attributes.schema import UNKNOWN, AttributeSchema
from noisette.config.data import shows_held_out
from noisette.config.sampling import SamplingSettings
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.palette import palette_of
from noisette.errors import RequestError, nearest, told
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifiers import find_classifier, fit_and_keep
from noisette.evaluation.figures import PARTS, Tree
from noisette.evaluation.occlusion import occluded
from noisette.evaluation.records import Record, home_of
from noisette.evaluation.reference import VERSION, EvaluationProgress, ReferenceSet, silently
from noisette.evaluation.renderers import find_renderer
from noisette.evaluation.whole_data import open_whole
from noisette.files.cache import cache_folder
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.seeds import ASKED, WORD, random_of
from noisette.store.locate import locate

USUAL_COUNT = 500
HELD_OUT = "held-out"

DRAWING = 2
"""Raised when the same weights, requests and seeds draw other images: those that were kept are then drawn again."""


@dataclass(frozen=True)
class EvaluationSetup:
    """A run that is ready to be evaluated.

    Attributes:
        generator: The run, loaded.
        reference: The requests, their real images, and all that figures are taken with.
        split: Where the requests are from.
        data: Fingerprint of the whole data set.
        unlabelled: Images of the split that are left out, since nothing is known of them.
        wanted: Images that were wanted in a draw, where the split has fewer; 0 elsewhere.
        ask: How many of the values that an image shows are asked for, 0 and up; None if all attributes are.
    """

    generator: Generator
    reference: ReferenceSet
    split: str
    data: str
    unlabelled: int = 0
    wanted: int = 0
    ask: int | None = None

    @property
    def notes(self) -> list[str]:
        """What a person should know of the run and of the real images beside it."""
        learned = ["the classifier learned from the real images of this split, so what it reads in them is no ceiling"]
        left_out = f"{self.unlabelled:,} images of the {self.split} split have no label, and are not asked for"
        fewer = f"the {self.split} split gives {self.count:,} images, so a draw has these, not {self.wanted:,}"
        return [
            *self.generator.notes,
            *(learned if self.split in ("train", HELD_OUT) else []),
            *([left_out] if self.unlabelled else []),
            *([fewer] if self.wanted else []),
        ]

    @property
    def count(self) -> int:
        """Images in a draw."""
        return len(self.reference.real)

    def request_text(self, place: int) -> str:
        """Write what an image was drawn for, without what is absent.

        Args:
            place: Of the request, from 0.

        Returns:
            The request as a person writes it; the number of the image where nothing was requested.
        """
        if not self.reference.conditional:
            return f"image {place + 1}"
        schema = self.reference.classifier.schema
        values = schema.decode(self.reference.requests[place])
        return describe_request({name: value for name, value in values.items() if value is not False}, schema)

    def record(self, sampling: SamplingSettings, seed: int) -> Record:
        """Find what is kept of one draw.

        Args:
            sampling: How images are drawn.
            seed: Of the first image.

        Returns:
            The record, whether anything is kept in it or not.
        """
        facts = {
            "drawing": DRAWING + (seed + self.count > WORD),  # such seeds repeated shorter ones before
            "weights": self.generator.weights,
            "dataset": self.reference.train.name,
            "requests": self.reference.real.fingerprint,
            "split": self.split,
            "images": self.count,
            "first_seed": seed,
            "sampling": _sampling_facts(sampling, whole=self.ask is None),
            **self._asked,
        }
        by = f"{sampling.sampler}{f'-by-{sampling.spacing}' if sampling.spacing != 'time' else ''}-{sampling.steps}"
        by += f"-guidance-{sampling.guidance.scale:g}" if self.reference.conditional else ""
        home = home_of(self.generator.name) / "evaluations"
        return Record.of(home, f"{self.split}-{self.count}-seed-{seed}-{by}", facts)

    def draw(self, sampling: SamplingSettings, seed: int, progress: EvaluationProgress = silently) -> NDArray[np.uint8]:
        """Read the images of one draw, or draw them now.

        Args:
            sampling: How images are drawn.
            seed: Of the first image; image k has the seed of the first plus k.
            progress: Told of the drawing.

        Returns:
            (count, C, H, W) bytes.
        """
        codes = self.reference.requests if self.reference.conditional else None

        def draw() -> NDArray[np.uint8]:
            plan = self.generator.plan(codes, seeds=range(seed, seed + self.count), settings=sampling)
            drawn = self.generator.draw(plan, progress=partial(progress, f"drawing {self.count} images"))
            return self.generator.model.as_learned(drawn)

        return self.record(sampling, seed).images(draw, (self.count, *self.reference.real.images.shape[1:]))

    def figures(
        self,
        sampling: SamplingSettings,
        seed: int,
        progress: EvaluationProgress = silently,
        parts: Sequence[str] = PARTS,
    ) -> Tree:
        """Read the figures of one draw, or take them now.

        Args:
            sampling: How images are drawn.
            seed: Of the first image.
            progress: Told of the drawing and the measuring.
            parts: The kinds of figures that are wanted, of `PARTS`.

        Returns:
            The figures by kind.
        """
        images = self.draw(sampling, seed, progress)
        return self.record(sampling, seed).figures(
            self.by, parts, lambda missing: self.reference.measure(images, progress, missing)
        )

    def real_figures(self, progress: EvaluationProgress = silently, parts: Sequence[str] = PARTS) -> Tree:
        """Read the figures of the real images of the requests, or take them now; all runs on the same data share them.

        Args:
            progress: Told of the measuring.
            parts: The kinds of figures that are wanted, of `PARTS`.

        Returns:
            The figures by kind.
        """
        real, reference = self.reference.real, self.reference
        facts = {
            "data": self.data,
            "train": reference.train.fingerprint,
            "real": real.fingerprint,
            "asked": reference.conditional,
            **self._asked,
        }
        record = Record.of(cache_folder() / "real", f"{real.name}-{self.split}-{self.count}", facts)
        return record.figures(self.by, parts, lambda missing: reference.measure(real.images, progress, missing))

    @property
    def by(self) -> str:
        """Names the classifier and the version of the figures, as records know them."""
        renderer = self.reference.renderer
        return f"{self.reference.classifier.digest}-{VERSION}{f'-{renderer.digest}' if renderer else ''}"

    @property
    def _asked(self) -> Tree:
        """What records know of how much is asked for; nothing of whole requests."""
        return {} if self.ask is None else {"ask": self.ask}


def prepare(
    run: str | Path | Generator,
    *,
    count: int | None = None,
    split: str = "validation",
    step: int | None = None,
    classifier: AttributeClassifier | None = None,
    ask: int | None = None,
    renderer: str | Path | None = None,
    progress: EvaluationProgress = silently,
) -> EvaluationSetup:
    """Load a run, its data, and the attribute classifier of these, which is trained first where there is none.

    Args:
        run: A run folder, a shipped model, or either, loaded.
        count: Requests, the first of the split, 1 and up; 500 unless given, and all of a smaller split.
        split: Where the requests are from; also `held-out`, of a run whose recipe kept pairs out of its training: the
            images that show them.
        step: Of a checkpoint that is kept; the newest unless given.
        classifier: The one for these data unless given.
        ask: How many of the values that each real image shows are asked for, by lot, 0 and up; the rest is left open.
            All attributes are asked for unless given.
        renderer: The run or shipped model that draws whole attributes right to the pixel; see `find_renderer`.
        progress: Told of the training of a classifier.

    Returns:
        The setup.

    Raises:
        RequestError: Nothing can be measured: there can be no classifier, or it is one of other data; there are too few
            images; the data changed since the training.
    """
    generator = run if isinstance(run, Generator) else load(run, step=step)
    recipe = generator.model.recipe
    if ask is not None and ask < 0:
        raise RequestError(f"at least nothing is asked for, which is --ask 0, not {told(ask)}")
    if ask and not recipe.conditional:
        raise RequestError(f"{generator.name} takes no requests, so nothing can be asked for; leave --ask out")
    if renderer is not None and ask is None and recipe.conditional:
        raise RequestError("a renderer is for requests that leave something open; say how much is asked for with --ask")
    ask = ask if recipe.conditional else None
    whole = open_whole(recipe)
    held_out = shows_held_out(whole, recipe.dataset.hold_out)
    dataset = whole.take(np.flatnonzero(~held_out)) if held_out.any() else whole
    locate(generator.name).check_data(dataset)
    if classifier is None:
        train = whole.split("train")
        learning = partial(progress, f"training an attribute classifier of {whole.name}, once")
        classifier = find_classifier(train, generator.name) or fit_and_keep(train, progress=learning)[0]
    if classifier.dataset != whole.split("train").fingerprint:
        raise RequestError(
            f"the classifier was trained on other images than {generator.name}; train one with `noisette evaluate"
            f" --fit-classifier {generator.name}`"
        )
    places = _places(split, whole, held_out)
    asked = ~(whole.attributes[places] == UNKNOWN).all(axis=1)  # of an image without a label nothing can be asked
    unlabelled = int((~asked).sum()) if recipe.conditional else 0
    if unlabelled:
        places = places[asked]
        if not len(places):
            raise RequestError(
                f"no image of the {split} split of {dataset.name} has a label, so nothing can be asked for; label some,"
                " or name another split with --split"
            )
    if not len(places):
        raise RequestError(f"the {split} split of {dataset.name} has no images; name another split with --split")
    if count is not None and count < 1:
        raise RequestError(f"a draw has at least one image, not {told(count)}")
    chosen = places[: USUAL_COUNT if count is None else count]
    wanted = count if count is not None and count > len(places) else 0
    train, real, hidden = dataset.split("train"), whole.take(chosen), occluded(whole)[chosen]
    reference = ReferenceSet(
        classifier,
        train,
        real,
        hidden,
        recipe.conditional and ask != 0,
        palette_of(train.images),
        some_values(np.where(hidden, np.int16(UNKNOWN), real.attributes), real.schema, ask) if ask else None,
        find_renderer(train, recipe, renderer) if ask is not None or not recipe.conditional else None,
    )
    return EvaluationSetup(generator, reference, split, whole.fingerprint, unlabelled, wanted, ask)


def some_values(codes: NDArray[np.int16], schema: AttributeSchema, ask: int) -> NDArray[np.int16]:
    """Keep some of the values that images show, by lot, always the same.

    Args:
        codes: (N, A), of images.
        schema: What the codes mean.
        ask: How many values are kept of each image, 1 and up; all of one that shows fewer.

    Returns:
        (N, A), UNKNOWN but for what is kept. A flag that an image has not is no value that it shows.
    """
    lots = random_of(0, ASKED).random(codes.shape)
    flag = np.array([attribute.kind == "flag" for attribute in schema.attributes])
    lots[(codes == UNKNOWN) | ((codes == 0) & flag)] = 2.0  # last
    kept = (lots.argsort(axis=1).argsort(axis=1) < ask) & (lots < 1)
    return np.where(kept, codes, np.int16(UNKNOWN))


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


def _sampling_facts(sampling: SamplingSettings, whole: bool) -> Tree:
    """The settings that decide what is drawn, under the keys by whose hash records are found.

    Where requests specify all attributes none is imputed, but imputation leaves negative attributes out of the
    guidance; and a spacing by rule needs no times.
    """
    facts = sampling.model_dump(mode="json", exclude={"palette", "times", *(["impute"] if whole else [])})
    negative = facts["guidance"].pop("negative")
    facts["guidance"]["excluded"] = {} if sampling.impute else negative
    if sampling.times:
        facts["times"] = list(sampling.times)
    return facts | ({"palette": True} if sampling.palette else {})
