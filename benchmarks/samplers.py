"""Every sampler at every number of steps: how well it obeys, how near it comes to the data, how long an image takes.

    python benchmarks/samplers.py [RUN] [--count 500] [--samplers ddim,...] [--steps 4,6,...] [--page
    docs/results/samplers.md]

The requests are of the validation split, drawn with the run's own guidance, levels evenly spaced in time unless
--spacing says otherwise. More than 25 steps are drawn by ddim and ddpm alone. What was measured before is not measured
again (RUN/evaluations). The time is that of a batch of 16 in a few steps, for each evaluation, times their number.
Writes a picture of figures against time beside the page's others, and one of the same 16 requests at 1, 2, 4, 10 and 50
steps. Run it when nothing else runs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any, get_args

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import matplotlib.pyplot as plt
import numpy as np
from pages import check_marks, machine, write_between

import noisette
from noisette.cli.display import stages
from noisette.config.names import SamplerName
from noisette.evaluation.evaluate import evaluate_prepared
from noisette.evaluation.figures import find
from noisette.evaluation.setup import EvaluationSetup, prepare
from noisette.evaluation.tuning import PARTS
from noisette.files.images import cross_sheet
from noisette.inference.generator import Generator

STEPS = [4, 6, 8, 10, 15, 25, 50, 100, 1000]
MANY = 25
"""More steps than these are drawn by `LONG` alone: the others would take two hours, and have arrived by then."""
LONG = ("ddim", "ddpm")
FIGURES = {
    "attribute_accuracy.exact": "all as asked",
    "pixel_accuracy.snapped_whole": "images right to the last pixel",
    "fidelity.frechet": "Fréchet distance",
}
SHOWN = (1, 2, 4, 10, 50)


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
        "| sampler | steps | evaluations | " + " | ".join(FIGURES.values()) + " | ms an image |",
        "|---|---|---|" + "---|" * (len(FIGURES) + 1),
    ]
    for sampler, points in found.items():
        for point in points:
            figures = " | ".join("" if point[path] is None else f"{point[path]:.3f}" for path in FIGURES)
            lines.append(f"| {sampler} | {point['steps']} | {point['evaluations']} | {figures} | {point['ms']:.1f} |")
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
    sampling = setup.generator.choices.sampling(sampler, steps, spacing=spacing)

    def told(what: str, done: int, total: int) -> None:
        progress(f"{sampler} {steps}, {what}", done, total)

    drawn = evaluate_prepared(setup, sampling, draws=1, parts=PARTS, progress=told)["drawn"]
    evaluations = setup.generator.model.evaluations(sampling)
    return {
        "steps": steps,
        "evaluations": evaluations,
        **{path: find(drawn, path) for path in FIGURES},
        "ms": _milliseconds(setup, sampler, spacing) * sampling.evaluations,
    }


def _milliseconds(setup: EvaluationSetup, sampler: str, spacing: str) -> float:
    """Of one evaluation, guided or not as the run is, for each image of a batch of 16."""
    sampling, rows = setup.generator.choices.sampling(sampler, 4, spacing=spacing), setup.reference.real.attributes[:16]
    spent = []
    for _ in range(4):
        started = time.perf_counter()
        setup.generator.draw(rows if setup.reference.conditional else None, range(16), sampling)
        spent.append(1000 * (time.perf_counter() - started))
    return min(spent[1:]) / 16 / sampling.evaluations


def _curves(found: dict[str, list[dict[str, Any]]], path: Path) -> None:
    shown = [each for each in FIGURES if any(point[each] is not None for points in found.values() for point in points)]
    figure, axes = plt.subplots(1, len(shown), figsize=(5 * len(shown), 4.2), squeeze=False)
    for axis, name in zip(axes[0], shown, strict=True):
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
    """Columns are requests, plausible ones that no image need have, rows so many steps of ddim."""
    rows = (
        generator.schema.encode([generator.random_request(seed) for seed in range(16)])
        if generator.model.recipe.conditional
        else None
    )
    drawn = np.stack([generator.draw(rows, range(16), generator.choices.sampling("ddim", steps)) for steps in SHOWN])
    picture = cross_sheet(drawn, [""] * 16, [str(steps) for steps in SHOWN], scale=3)
    picture.save(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="punks", help="a run folder, or a shipped model")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--samplers", type=lambda text: text.split(","), default=list(get_args(SamplerName)))
    parser.add_argument("--steps", type=lambda text: [int(part) for part in text.split(",")], default=STEPS)
    parser.add_argument("--spacing", default="time")
    parser.add_argument("--page", type=Path, help="put table and pictures into this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
