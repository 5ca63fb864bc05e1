"""The floor beside a run: baselines that need no network, measured by the same path as the run and as real images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from noisette.evaluation.figures import FIGURES, PARTS, Figure, Tree, find
from noisette.evaluation.records import Record
from noisette.evaluation.reference import EvaluationProgress, silently
from noisette.evaluation.setup import EvaluationSetup
from noisette.evaluation.tables import beside
from noisette.files.cache import cache_folder
from noisette.floor.registry import BASELINES, left_out
from noisette.store.locate import locate

SEED = 0
"""Of all lots: the floor is the same beside every draw."""

HEADLINES = (
    "attribute_accuracy.exact",
    "pixel_accuracy.snapped_whole",
    "pixel_accuracy.pixels",
    "validity.valid",
    "fidelity.frechet",
)
"""Figures in which a baseline that is better than the model deserves a note."""


def floor_of(setup: EvaluationSetup, progress: EvaluationProgress = silently, parts: Sequence[str] = PARTS) -> Tree:
    """Read the figures of all baselines that apply, or take them now; all runs on the same data share them.

    Args:
        setup: Of the run beside which they stand.
        progress: Told of the drawing and the measuring.
        parts: The kinds of figures that are wanted, of `PARTS`.

    Returns:
        Under "floor" the figures of each by name, with the "seconds" that it took, and the "processor_seconds", which
        other work beside does not change; under "no_floor" why others do not apply; under "training_seconds" what the
        run took, where that is known.
    """
    reference = setup.reference
    reasons = left_out(reference.train, reference.conditional, brief=reference.brief is not None)
    return {
        "floor": {name: _figures(name, setup, progress, parts) for name in BASELINES if name not in reasons},
        "no_floor": reasons,
        "training_seconds": locate(setup.generator.name).status.get("seconds"),
    }


def _figures(name: str, setup: EvaluationSetup, progress: EvaluationProgress, parts: Sequence[str]) -> Tree:
    reference, baseline = setup.reference, BASELINES[name]
    real = reference.real
    facts = {
        "baseline": name,
        "version": baseline.version,
        "data": setup.data,
        "train": reference.train.fingerprint,
        "requests": real.fingerprint,
        "seed": SEED,
        **({} if setup.ask is None else {"ask": setup.ask}),
    }
    record = Record.of(cache_folder() / "floor", f"{real.name}-{setup.split}-{setup.count}-{name}", facts)
    told = partial(progress, f"floor, {name}")
    images = record.images(lambda: baseline.draw(reference.train, reference.requests, SEED, told), real.images.shape)
    figures = record.figures(setup.by, parts, lambda missing: reference.measure(images, progress, missing))
    clock, processor = record.taken or (None, None)
    return {**figures, "seconds": clock, "processor_seconds": processor}


def beaten(drawn: Tree, floor: Mapping[str, Tree], real: Tree) -> list[str]:
    """Say which baselines are better than the model, by what tables show.

    Nothing is better than real images: a model that has their figure is not beaten in it.

    Args:
        drawn: Figures of the model.
        floor: Figures of each baseline by name.
        real: Figures of real images; pixels are compared with these, and need none.

    Returns:
        A sentence for each baseline that is better in a figure of `HEADLINES`.
    """
    headlines = [figure for figure in FIGURES if figure.path in HEADLINES]
    notes = []
    for name, its in floor.items():
        better = [
            f"{figure.title}: {find(its, figure.path):.3f}, drawn {find(drawn, figure.path):.3f}"
            for figure in headlines
            if _better(figure, find(its, figure.path), find(drawn, figure.path), beside({"real": real}, figure.path))
        ]
        if better:
            notes.append(f"the floor ({name}) beats the model in {'; '.join(better)}")
    return notes


def _better(figure: Figure, theirs: float | None, ours: float | None, real: float | None) -> bool:
    if theirs is None or ours is None:
        return False
    sign = 1 if figure.better == "higher" else -1
    reached = theirs if real is None else sign * min(sign * theirs, sign * real)
    return sign * round(reached, 3) > sign * round(ours, 3)
