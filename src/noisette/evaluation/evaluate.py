"""The evaluation of a run: what it draws, measured every way that its data allow, beside real images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noisette._version import __version__
from noisette.caller import leaves_torch_alone
from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError, told
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.figures import PARTS, Tree, find, mean_and_spread
from noisette.evaluation.floor import beaten, floor_of
from noisette.evaluation.reference import EvaluationProgress, silently
from noisette.evaluation.setup import EvaluationSetup, prepare
from noisette.seeds import whole_seed

DRAWS = 3

_FAIR = 0.5  # of the real images, that a classifier should read right


@leaves_torch_alone
def evaluate(
    run: str | Path,
    *,
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    draws: int = DRAWS,
    preset: str | None = None,
    step: int | None = None,
    classifier: AttributeClassifier | None = None,
    floor: bool = False,
    ask: int | None = None,
    renderer: str | Path | None = None,
    progress: EvaluationProgress = silently,
    **settings: Any,
) -> Tree:
    """Draw the requests of a split with a run or shipped model, and measure.

    What was measured before is not measured again, see records.py.

    Args:
        run: A run folder, or a shipped model.
        count: Images in a draw, for the first requests of the split, 1 and up; 500 unless given, and all of a smaller
            split, which a note then says.
        split: `train`, `validation`, `test`, or `held-out`, of a run whose recipe held pairs out.
        seed: Of the first image, 0 and up; image k has the seed of the first plus k.
        draws: How often the requests are drawn, each time from other seeds, 1 and up; several give a spread.
        preset: A preset of `noisette tune`: fast, balanced or best.
        step: The step of a checkpoint that is kept; the newest unless given.
        classifier: The one for these data unless given.
        floor: Whether baselines that need no network are measured beside it.
        ask: How many of the values that each real image shows are asked for, by lot, 0 and up; what is left open is
            imputed if the settings say so, and images must agree in it by themselves with `impute=False`. All
            attributes are asked for unless given.
        renderer: The run or shipped model that draws whole attributes right to the pixel, against which images are held
            where their attributes decide them; found unless given, see `find_renderer`.
        progress: Told of the drawing and the measuring.
        **settings: Of the drawing, by their names in `noisette.config.sampling.SETTINGS`, such as steps or guidance; as
            the preset or the recipe says unless given.

    Returns:
        What JSON can hold. The figures are under "drawn", the mean over the draws, "spread", their standard deviation,
        and "real". What cannot be measured is None, with the reason under "left_out". With a floor, the figures of each
        baseline are under "floor", by its name, with the "seconds" and "processor_seconds" that it took; the reasons of
        those that do not apply are under "no_floor"; "training_seconds" is what the model took, where that is known.

    Raises:
        RequestError: Nothing can be measured: there is no classifier, no checkpoint, or no split of that name; there
            are too few images; the data changed since the training.
    """
    setup = prepare(
        run,
        count=count,
        split=split,
        step=step,
        classifier=classifier,
        ask=ask,
        renderer=renderer,
        progress=progress,
    )
    return evaluate_prepared(
        setup,
        setup.generator.planner.resolve(SamplingSettings.of(**settings), preset),
        seed=seed,
        draws=draws,
        floor=floor,
        progress=progress,
    )


def evaluate_prepared(
    setup: EvaluationSetup,
    sampling: SamplingSettings,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    parts: Sequence[str] = PARTS,
    floor: bool = False,
    progress: EvaluationProgress = silently,
) -> Tree:
    """Do the same as `evaluate` with a run that is loaded already.

    Args:
        setup: Of the run.
        sampling: How images are drawn.
        seed: Of the first image, 0 and up.
        draws: How often the requests are drawn, 1 and up.
        parts: The kinds of figures that are taken, of `PARTS`.
        floor: Whether baselines that need no network are measured beside it.
        progress: Told of the drawing and the measuring.

    Returns:
        What `evaluate` returns.

    Raises:
        RequestError: There is no draw, or the seed is negative.
    """
    check_draws(seed, draws)
    real = setup.real_figures(progress, parts)
    drawn = []
    for number in range(draws):

        def told(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"{what}, draw {number + 1} of {draws}" if draws > 1 else what, done, total)

        drawn.append(setup.figures(sampling, seed + number * setup.count, told, parts))
    mean, spread = mean_and_spread(drawn)
    beside = floor_of(setup, progress, parts) if floor else {}
    return {
        **_circumstances(setup, sampling),
        "first_seeds": [seed + number * setup.count for number in range(draws)],
        "drawn": mean,
        "spread": spread,
        "real": real,
        **beside,
        "left_out": setup.reference.left_out,
        "notes": [*beaten(mean, beside.get("floor", {}), real), *setup.notes, *_of_classifier(real)],
    }


def check_draws(seed: int, draws: int) -> None:
    """Refuse what cannot be drawn.

    Args:
        seed: Of the first image.
        draws: How many.

    Raises:
        RequestError: There is no draw, or no such seed.
    """
    if not isinstance(draws, int) or isinstance(draws, bool) or draws < 1:
        raise RequestError(f"there must be at least one draw, not {told(draws)}")
    whole_seed(seed)


def _of_classifier(real: Tree) -> list[str]:
    """A warning of a classifier that can hardly read."""
    exact = find(real, "attribute_accuracy.exact")
    if exact is None or exact >= _FAIR:
        return []
    return [
        f"the classifier reads all attributes right in only {exact:.2f} of the real images, so figures by it say"
        " little; train it longer"
    ]


def _circumstances(setup: EvaluationSetup, sampling: SamplingSettings) -> Tree:
    generator, reference = setup.generator, setup.reference
    return {
        "run": generator.name,
        "step": generator.step,
        "weights": generator.weights,
        "averaged": generator.model.recipe.training.ema > 0,
        "dataset": reference.train.name,
        "trained_on": reference.train.fingerprint,
        "split": setup.split,
        "images": setup.count,
        "unlabelled": setup.unlabelled,
        "ask": setup.ask,
        "renderer": reference.renderer.name if reference.renderer else None,
        "sampling": sampling.model_dump(mode="json"),
        "classifier": {
            "epochs": reference.classifier.epochs,
            "trained_on": reference.classifier.dataset,
            "weights": reference.classifier.digest,
        },
        "noisette": __version__,
    }
