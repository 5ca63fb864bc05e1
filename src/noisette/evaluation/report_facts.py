"""The facts of a report: what was trained on what, where, how runs compare, and the sweeps of a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noisette.config.recipe import Recipe
from noisette.errors import NoisetteError
from noisette.evaluation.charts import as_svg, sweep_panels
from noisette.evaluation.figures import FIGURES, Tree, find
from noisette.evaluation.report_pictures import Picture, uri
from noisette.evaluation.setup import EvaluationSetup
from noisette.evaluation.sweep_output import command, panels
from noisette.evaluation.tables import beside, circumstances
from noisette.evaluation.targets import sweeps_of
from noisette.files.reading import read_bytes, read_object
from noisette.inference.generator import Generator
from noisette.legacy import modernise


@dataclass(frozen=True)
class Sweep:
    """A sweep in the page.

    Attributes:
        title: What was swept, and the rest of the settings.
        plots: An <svg> element.
        grid: The grid of pictures.
        command: What a person types for the same sweep.
    """

    title: str
    plots: Markup
    grid: Picture
    command: str


def training_facts(recipe: Recipe, generator: Generator, status: Tree, setup: EvaluationSetup | None) -> dict[str, str]:
    """Say what was trained on what.

    Args:
        recipe: Of the run.
        generator: The run, loaded.
        status: Of the training; nothing of a shipped model.
        setup: Of the run; None if it cannot be measured.

    Returns:
        Texts by name.
    """
    data, diffusion = recipe.dataset, recipe.diffusion
    told = {**data.options.model_dump(exclude_none=True), "background": data.background, "hold_out": data.hold_out}
    wanted = ", ".join(f"{key} {value}" for key, value in told.items() if value not in ("", [], None))
    train = setup.reference.train if setup else None
    facts = {
        "recipe": recipe.summary,
        "data": f"{data.name} ({wanted})" if wanted else data.name,
        "trained on": f"{len(train):,} images, SHA-256 {train.fingerprint[:16]}..." if train is not None else "",
        "network": (
            f"{recipe.network.kind}, {sum(each.numel() for each in generator.network.parameters()):,} parameters"
        ),
        "conditioning": " + ".join(recipe.network.condition) if recipe.conditional else "none, it takes no requests",
        "diffusion": (
            f"{diffusion.schedule} schedule, {diffusion.steps} timesteps, target {diffusion.target},"
            f" {diffusion.weighting} weighting"
        ),
        "training": (
            f"{generator.step:,} steps of {recipe.training.batch_size} images"
            + (f" in {status['seconds'] / 60:.0f} minutes, {status['state']}" if status.get("seconds") else "")
        ),
        "weights": f"{'averaged' if recipe.training.ema > 0 else 'last'}, SHA-256 {generator.weights[:16]}...",
    }
    return {name: value for name, value in facts.items() if value}


def environment_facts(environment: Tree) -> dict[str, str]:
    """Say on which machine and with which versions a run was trained.

    Args:
        environment: As the run kept it.

    Returns:
        Texts by name.
    """
    packages = ", ".join(f"{name} {version}" for name, version in environment.get("packages", {}).items())
    machine = [f"{environment[name]} {name}" for name in ("cores", "threads", "processes") if name in environment]
    facts = {
        "started": environment.get("started", ""),
        "python": environment.get("python", ""),
        "system": environment.get("system", ""),
        "machine": ", ".join([*machine, *([str(environment["device"])] if "device" in environment else [])]),
        "packages": packages,
    }
    return {name: str(value) for name, value in facts.items() if value}


def compared(results: Sequence[Tree | None]) -> list[tuple[str, list[str]]]:
    """Tabulate the figures of several runs.

    Args:
        results: Of the evaluations; None of a run that was not measured.

    Returns:
        A row for each figure: its title, and for each run drawn (and real) as text.
    """

    def cell(result: Tree | None, path: str) -> str:
        value = find(result["drawn"], path) if result else None
        if result is None or value is None:
            return ""
        spread, real = find(result["spread"], path), beside(result, path)
        return (
            f"{value:.3f}"
            + (f" ± {spread:.3f}" if spread is not None else "")
            + (f" (real {real:.3f})" if real is not None else "")
        )

    table = [(figure.title, [cell(result, figure.path) for result in results]) for figure in FIGURES]
    return [(title, cells) for title, cells in table if set(cells) != {""}]


def sweeps(name: str) -> list[Sweep]:
    """Collect the sweeps of a run; one that is damaged is left out.

    Args:
        name: A run folder, or a shipped model.

    Returns:
        The sweeps.
    """
    found = []
    for path in sorted(sweeps_of(name).glob("*/sweep.json")):
        grid = path.parent / "grid.png"
        try:
            swept = modernise(read_object(path, inside=path.parent.parent.parent))
            title = ", ".join(f"{axis}: {', '.join(map(str, each))}" for axis, each in swept["over"].items())
            told = f"{title} ({circumstances(swept['points'][0], swept['over'])})"
            plots = Markup(as_svg(sweep_panels(panels(swept))))
            found.append(
                Sweep(
                    told,
                    plots,
                    Picture(uri(read_bytes(grid, inside=grid.parent.parent.parent)), 0),
                    shlex.join(command({**swept, "run": name})),
                )
            )
        except (NoisetteError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return found
