"""Which sampling settings are enough: candidates are measured, and presets are chosen among them.

A preset is the cheapest candidate that loses hardly anything, for three meanings of hardly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import get_args

from noisette.caller import leaves_torch_alone
from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.evaluate import evaluate_prepared
from noisette.evaluation.figures import Tree, find
from noisette.evaluation.reference import EvaluationProgress, silently
from noisette.evaluation.setup import EvaluationSetup, prepare
from noisette.evaluation.step_schedule import optimise_timesteps
from noisette.evaluation.targets import presets_file
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.sampling.presets import Preset, PresetName, Presets
from noisette.sampling.resolve import nfe

SAMPLERS = ("ddim", "dpmpp-2m", "unipc")
"""Deterministic, one network evaluation a step: of first order, and two of second."""
SPACINGS = ("time", "log-snr", "fitted")
STEPS = (1, 2, 3, 4, 6, 8, 10, 15, 25)

SHARES = ("attribute_accuracy.exact", "pixel_accuracy.snapped_whole")
"""Figures that are shares of the images; a hundredth is a point."""
DISTANCE, PERCENT = "fidelity.frechet", 5.0
"""A figure that is better when it is less, and how many percent of it are as bad as a point."""
PARTS = tuple(dict.fromkeys(path.partition(".")[0] for path in (*SHARES, DISTANCE)))
"""The kinds of figures that these are of: the others take ten times as long."""
POINTS: dict[PresetName, float] = {"fast": 2.0, "balanced": 1.0, "best": 0.4}
"""How many points a preset may stay behind the best candidate, in each figure."""


@dataclass(frozen=True)
class Candidate:
    """Sampling settings, and what was measured with them.

    Attributes:
        sampling: The settings.
        nfe: Network evaluations for an image; a guided pair counts twice.
        figures: Those that could be taken, by path.
    """

    sampling: SamplingSettings
    nfe: int
    figures: dict[str, float]


@leaves_torch_alone
def tune(
    run: str | Path | Generator,
    *,
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    classifier: AttributeClassifier | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: EvaluationProgress = silently,
) -> Tree:
    """Measure candidates and write the table of presets, presets.json.

    What was measured before is not measured again.

    Args:
        run: A run folder, a shipped model, or either, loaded.
        count: Images in a draw, 1 and up; see `evaluate`.
        split: Where the requests are from.
        seed: Of the first image, 0 and up.
        classifier: The one for these data unless given.
        out: The file that is written, a .json file; "-" is standard output. In the folder of the run unless given,
            where a damaged table, or one of other weights, is replaced.
        overwrite: Whether a table that is there is replaced.
        progress: Told of the drawing and the measuring.

    Returns:
        The table, its file, and all candidates; what JSON can hold.

    Raises:
        RequestError: Nothing can be measured, or nothing chosen by; the run is distilled; or the model is a shipped one
            and `out` is not given, for its folder is the package's.
    """
    target = presets_file(run.name if isinstance(run, Generator) else run, out, overwrite)
    generator = run if isinstance(run, Generator) else load(run)
    if generator.model.recipe.distillation is not None:
        raise RequestError(f"{generator.name} is a distilled model, which draws as it learned; tune its teacher")
    if generator.model.masked:
        raise RequestError(
            f"{generator.name} hides pixels, and takes as many steps as an image needs; there is nothing to tune"
        )
    setup = prepare(generator, count=count, split=split, classifier=classifier, progress=progress)
    reference = setup.reference
    left_out = reference.left_out
    if "attribute_accuracy" in left_out and "fidelity" in left_out:
        reasons = "; ".join(dict.fromkeys((left_out["attribute_accuracy"], left_out["fidelity"])))
        raise RequestError(
            f"there is nothing to choose by: attribute accuracy and fidelity are left out, for {reasons}"
        )
    codes = reference.train.attributes if reference.conditional else None
    fitted = optimise_timesteps(generator, codes, STEPS[-1], progress)
    candidates = _measured(setup, candidates_of(generator, fitted), seed, progress)
    chosen = {name: choose(candidates, points) for name, points in POINTS.items()}
    table = Presets(
        weights=generator.weights,
        requests=f"{setup.count} of the {split} split",
        **{name: _preset(candidate) for name, candidate in chosen.items()},
        fitted=fitted,
    )
    target.write(table.to_json().encode())
    return {
        "run": generator.name,
        "file": str(target),
        **table.model_dump(mode="json"),
        **{name: _told(getattr(table, name)) for name in POINTS},
        "left_out": left_out,
        "candidates": [_told(_preset(each)) for each in candidates],
    }


def candidates_of(generator: Generator, fitted: Mapping[int, tuple[float, ...]]) -> list[SamplingSettings]:
    """List every sampler, spacing and number of steps that is tried, at the run's own guidance and without guidance.

    Args:
        generator: The model.
        fitted: Optimised timesteps by their number.

    Returns:
        The settings; of one step there is one for each scale.
    """
    usual, most = generator.planner.resolve(), generator.model.schedule.steps
    conditional = generator.model.recipe.conditional
    scales = sorted({1.0, usual.guidance.scale}) if conditional else [1.0]
    steps = [number for number in STEPS if most is None or number <= most]
    settings = [
        (sampler, spacing, number, scale)
        for scale, number, sampler, spacing in product(scales, steps, SAMPLERS, SPACINGS)
        if number > 1 or (sampler, spacing) == (SAMPLERS[0], SPACINGS[0])
    ]
    return [
        generator.planner.resolve(
            SamplingSettings.of(
                sampler=sampler,
                steps=number,
                eta=0.0 if sampler == "ddim" else None,
                guidance=scale if conditional else None,
                spacing=spacing,
                times=fitted[number] if spacing == "fitted" else None,
            )
        )
        for sampler, spacing, number, scale in settings
    ]


def choose(candidates: Sequence[Candidate], points: float) -> Candidate:
    """Choose the candidate of the fewest network evaluations that stays near the best in every figure.

    Accuracy comes first: a candidate that is less accurate than that is not compared by distance. Without guidance
    digits are nearer to the data, and one in twenty is another digit.

    Args:
        candidates: At least one, all with the same figures.
        points: How far a candidate may stay behind the best, 0 and up; a point is a hundredth of a share, or `PERCENT`
            percent of the distance.

    Returns:
        The candidate.
    """

    def inaccurate(candidate: Candidate) -> float:
        return max((100 * (most[name] - candidate.figures[name]) for name in most), default=0.0)

    def farther(candidate: Candidate) -> float:
        return 100 * (candidate.figures[DISTANCE] / max(least, 1e-9) - 1) / PERCENT if least is not None else 0.0

    most = {name: max(each.figures[name] for each in candidates) for name in SHARES if name in candidates[0].figures}
    enough = max(points, min(map(inaccurate, candidates)))  # one may be the best in a figure, and another in another
    accurate = [candidate for candidate in candidates if inaccurate(candidate) <= enough]
    least = min((each.figures[DISTANCE] for each in accurate if DISTANCE in each.figures), default=None)
    near = [candidate for candidate in accurate if farther(candidate) <= points]
    return min(near, key=lambda each: (each.nfe, max(inaccurate(each), farther(each))))


def describe(found: Tree) -> str:
    """Write the table of presets for a person to read.

    Args:
        found: What `tune` returned.

    Returns:
        Lines of text.
    """
    names = dict(zip((*SHARES, DISTANCE), ("all correct", "exact match", "Fréchet"), strict=True))
    lines = [f"{found['run']}: {len(found['candidates'])} candidates on {found['requests']}", ""]
    lines.append(
        f"{'':10}{'sampler':>14}{'steps':>7}{'spacing':>9}{'guidance':>10}{'NFE':>6}"
        + "".join(f"{name:>14}" for name in names.values())
    )
    for name in get_args(PresetName):
        of = found[name]
        figures = "".join(f"{of['figures'][path]:14.3f}" if path in of["figures"] else f"{'':14}" for path in names)
        how = of["settings"]
        lines.append(
            f"{name:10}{how['sampler']:>14}{how['steps']:>7}{how['spacing']:>9}{how['guidance']['scale']:>10g}"
            f"{of['nfe']:>6}{figures}"
        )
    lines += [
        f"not chosen by {part.replace('_', ' ')}: {reason}"
        for part, reason in found["left_out"].items()
        if part in PARTS and part != "pixel_accuracy"
    ]
    return "\n".join(lines)


def _measured(
    setup: EvaluationSetup, samplings: Sequence[SamplingSettings], seed: int, progress: EvaluationProgress
) -> list[Candidate]:
    found = []
    for number, sampling in enumerate(samplings, 1):

        def told(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"candidate {number} of {len(samplings)}, {what}", done, total)

        drawn = evaluate_prepared(setup, sampling, seed=seed, draws=1, parts=PARTS, progress=told)["drawn"]
        figures = {name: find(drawn, name) for name in (*SHARES, DISTANCE)}
        taken = {name: value for name, value in figures.items() if value is not None}
        found.append(Candidate(sampling, nfe(sampling, setup.generator.model.recipe), taken))
    return found


def _preset(candidate: Candidate) -> Preset:
    """What is kept of a candidate: the settings that were tried, and not those that the recipe decides."""
    tried = {name: getattr(candidate.sampling, name) for name in ("sampler", "steps", "spacing")}
    settings = SamplingSettings.of(**tried, guidance=candidate.sampling.guidance.scale)
    return Preset(settings=settings, nfe=candidate.nfe, figures=candidate.figures)


def _told(preset: Preset) -> Tree:
    """A preset as JSON has it, with the keys of version 0.1 beside."""
    settings = preset.settings
    before = {name: getattr(settings, name) for name in ("sampler", "steps", "spacing")}
    before |= {"guidance": settings.guidance.scale, "evaluations": preset.nfe}
    return {**preset.model_dump(mode="json", exclude_unset=True), **before}
