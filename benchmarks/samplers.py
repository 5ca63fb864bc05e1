"""Every sampler at every number of steps: attribute accuracy, pixel accuracy, Fréchet distance, and time.

    python benchmarks/samplers.py [RUN] [--count 500] [--samplers ddim,...] [--steps 4,6,...]
                                  [--page docs/results/samplers.md]

The requests are of the validation split, drawn with the model's own guidance, at timesteps evenly spaced unless
--spacing says otherwise. More than 25 steps are drawn by ddim and ddpm alone. What was measured before is not measured
again (RUN/evaluations). The time of an image is that of a network evaluation in batches of 16, times the NFE.

With --page it also writes two pictures: the metrics against time, and the same 16 requests at 1, 2, 4, 10 and 50 steps.
Takes an hour or more. Run it when nothing else runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import matplotlib.pyplot as plt
import numpy as np
from pages import check_marks, machine, milliseconds, write_between

import noisette
from noisette.cli.display import stages
from noisette.config.sampling import SamplingSettings
from noisette.diffusion.registry import SAMPLERS
from noisette.evaluation.evaluate import evaluate_prepared
from noisette.evaluation.figures import find
from noisette.evaluation.setup import EvaluationSetup, prepare
from noisette.evaluation.tuning import PARTS
from noisette.files.images import cross_sheet
from noisette.inference.generator import BATCH, Generator
from noisette.sampling.resolve import nfe

STEPS = [4, 6, 8, 10, 15, 25, 50, 100, 1000]
MANY = 25
"""More steps than these are drawn by `LONG` alone: the others would take two hours, and have arrived by then."""
LONG = ("ddim", "ddpm")
FIGURES = {
    "attribute_accuracy.exact": "all attributes right",
    "pixel_accuracy.snapped_whole": "images right to the last pixel",
    "fidelity.frechet": "Fréchet distance",
}
STEPS_IN_PICTURE = (1, 2, 4, 10, 50)


def main() -> None:
    arguments = _arguments()
    if arguments.page:
        check_marks(arguments.page, "samplers")
    generator = noisette.load(arguments.run)
    setup = prepare(generator, count=arguments.count)
    found: dict[str, list[dict[str, Any]]] = {}
    with stages() as progress:
        for sampler in arguments.samplers:
            for steps in arguments.steps:
                if steps <= MANY or sampler in LONG:
                    found.setdefault(sampler, []).append(_point(setup, sampler, steps, arguments.spacing, progress))
    lines = [
        "| sampler | steps | NFE | " + " | ".join(FIGURES.values()) + " | ms an image |",
        "|---|---|---|" + "---|" * (len(FIGURES) + 1),
    ]
    for sampler, points in found.items():
        for point in points:
            figures = " | ".join("" if point[path] is None else f"{point[path]:.3f}" for path in FIGURES)
            lines.append(f"| {sampler} | {point['steps']} | {point['nfe']} | {figures} | {point['ms']:.1f} |")
    print("\n".join(lines))
    if arguments.page:
        images = arguments.page.parent.parent / "images"
        _curves(found, images / "samplers-pareto.png")
        _same_requests(generator, images / "samplers-steps.png")
        real = setup.real_figures(parts=PARTS)
        told = ", ".join(
            f"{title} {find(real, path):.3f}" for path, title in FIGURES.items() if find(real, path) is not None
        )
        foot = (
            f"{generator.name}, weights {generator.weights[:12]}, {setup.count} requests of the validation split, real"
            f" images: {told}; {machine()}."
        )
        pictures = [
            "![figures against time](../images/samplers-pareto.png)",
            "",
            "![the same requests](../images/samplers-steps.png)",
        ]
        write_between(arguments.page, "samplers", [*lines, "", *pictures, "", foot])


def _point(setup: EvaluationSetup, sampler: str, steps: int, spacing: str, progress: Any) -> dict[str, Any]:
    sampling = setup.generator.planner.resolve(SamplingSettings.of(sampler=sampler, steps=steps, spacing=spacing))
    evaluations = nfe(sampling, setup.generator.model.recipe)

    def told(what: str, done: int, total: int) -> None:
        progress(f"{sampler} {steps}, {what}", done, total)

    drawn = evaluate_prepared(setup, sampling, draws=1, parts=PARTS, progress=told)["drawn"]
    return {
        "steps": steps,
        "nfe": evaluations,
        **{path: find(drawn, path) for path in FIGURES},
        "ms": _milliseconds(setup, sampler, spacing) * evaluations,
    }


def _milliseconds(setup: EvaluationSetup, sampler: str, spacing: str) -> float:
    """Of one network evaluation, for each image of a batch of 16."""
    codes = setup.reference.real.attributes[:BATCH] if setup.reference.conditional else None
    settings = SamplingSettings.of(sampler=sampler, steps=4, spacing=spacing)
    plan = setup.generator.plan(codes, seeds=range(BATCH), settings=settings)
    spent = [milliseconds(lambda: setup.generator.draw(plan)) for _ in range(4)]
    return min(spent[1:]) / BATCH / nfe(plan.sampling, setup.generator.model.recipe)


def _curves(found: dict[str, list[dict[str, Any]]], path: Path) -> None:
    there = [each for each in FIGURES if any(point[each] is not None for points in found.values() for point in points)]
    figure, axes = plt.subplots(1, len(there), figsize=(5 * len(there), 4.2), squeeze=False)
    for axis, name in zip(axes[0], there, strict=True):
        for sampler, points in found.items():
            axis.plot(
                [point["ms"] for point in points],
                [point[name] for point in points],
                marker="o",
                markersize=3,
                linewidth=1,
                label=sampler,
            )
        axis.set(xscale="log", xlabel="ms an image, in batches of 16", title=FIGURES[name])
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _same_requests(generator: Generator, path: Path) -> None:
    """Columns are random requests, plausible ones that no image of the data need have; rows are steps of ddim."""
    seeds = range(16)
    requests = [generator.random_request(seed) for seed in seeds] if generator.model.recipe.conditional else None
    drawn = [generator.generate(requests, seeds=seeds, sampler="ddim", steps=steps) for steps in STEPS_IN_PICTURE]
    picture = cross_sheet(np.stack(drawn), [""] * 16, [str(steps) for steps in STEPS_IN_PICTURE], scale=3)
    picture.save(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="punks", help="a run folder, or a shipped model")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--samplers", type=lambda text: text.split(","), default=list(SAMPLERS))
    parser.add_argument("--steps", type=lambda text: [int(part) for part in text.split(",")], default=STEPS)
    parser.add_argument("--spacing", default="time")
    parser.add_argument("--page", type=Path, help="put table and pictures into this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
