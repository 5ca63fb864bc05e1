"""A sweep as a person sees it: panels to plot, text, a table for a spreadsheet, a grid of pictures."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from noisette.config.sampling import SWEPT, SamplingSettings
from noisette.evaluation.charts import Panel
from noisette.evaluation.figures import FIGURES, Tree, find
from noisette.evaluation.sweep_plan import Point
from noisette.evaluation.tables import beside, circumstances
from noisette.files.images import cross_sheet, good_scale, save_png
from noisette.store.naming import name_of

_REQUESTS_IN_GRID = 6


def panels(swept: Tree) -> list[Panel]:
    """Collect what is plotted: of the chosen figures, those that could be measured.

    Args:
        swept: What `sweep` returned.

    Returns:
        A panel for each figure.
    """
    first, *rest = swept["over"]
    others = [name for name in rest if len(swept["over"][name]) > 1]
    chosen = []
    for figure in (figure for figure in FIGURES if figure.path in swept["plotted"]):
        lines: dict[str, list[tuple[float | str, float, float | None]]] = {}
        for point in swept["points"]:
            if (value := find(point["drawn"], figure.path)) is not None:
                name = ", ".join(f"{other} {point['settings'][other]}" for other in others) or "drawn"
                lines.setdefault(name, []).append((point["settings"][first], value, find(point["spread"], figure.path)))
        if lines:
            chosen.append(Panel(figure.title, first, lines, beside(swept["points"][0], figure.path)))
    return chosen


def describe(swept: Tree) -> str:
    """Write the chosen figures of all points for a person to read.

    Args:
        swept: What `sweep` returned.

    Returns:
        Lines of text.
    """
    over, first = swept["over"], swept["points"][0]
    taken = [
        figure
        for figure in FIGURES
        if figure.path in swept["plotted"] and find(first["drawn"], figure.path) is not None
    ]
    widths = [max(len(figure.title), 7) for figure in taken]
    lines = [swept["run"], circumstances(first, over), ""]
    lines.append(
        "".join(f"{name:>12}" for name in over)
        + "".join(f"  {figure.title:>{width}}" for figure, width in zip(taken, widths, strict=True))
    )
    for point in swept["points"]:
        cells = [
            f"  {find(point['drawn'], figure.path):>{width}.3f}" for figure, width in zip(taken, widths, strict=True)
        ]
        lines.append("".join(f"{point['settings'][name]!s:>12}" for name in over) + "".join(cells))
    real = [beside(first, figure.path) for figure in taken]
    cells = [f"  {'' if value is None else f'{value:.3f}':>{width}}" for value, width in zip(real, widths, strict=True)]
    lines.append(f"{'real images':>{12 * len(over)}}" + "".join(cells))
    lines += ["", *(f"note: {note}" for note in first["notes"])] if first["notes"] else []
    return "\n".join(lines)


def command(swept: Tree) -> list[str]:
    """Write the command that makes the same sweep.

    Args:
        swept: What `sweep` returned.

    Returns:
        The words of the command.
    """
    axes = [
        part for name, values in swept["over"].items() for part in ("--over", f"{name}={','.join(map(str, values))}")
    ]
    told = [name for name in ("count", "split", "seed", "draws", "ask", "renderer") if swept.get(name) is not None]
    settings = [part for name in told for part in (f"--{name}", str(swept[name]))]
    return ["noisette", "sweep", swept["run"], *axes, *settings]


def table(swept: Tree) -> str:
    """Write the table of all figures.

    Args:
        swept: What `sweep` returned.

    Returns:
        CSV with a row for each point.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    drawing = ("run", "step", "averaged weights", *SWEPT)
    measuring = ("split", "images", "draws", "first seed", "classifier")
    writer.writerow(
        [*drawing, *measuring, *(f"{figure.path}{part}" for figure in FIGURES for part in ("", " spread", " real"))]
    )
    for point in swept["points"]:
        seeds = point["first_seeds"]
        sampling = SamplingSettings.model_validate(point["sampling"])
        settings = [point["run"], point["step"], point["averaged"], *(each.of(sampling) for each in SWEPT.values())]
        settings += [
            point["split"],
            point["images"],
            len(seeds),
            seeds[0],
            point["classifier"]["weights"],
        ]
        cells = [
            (find(point["drawn"], each.path), find(point["spread"], each.path), beside(point, each.path))
            for each in FIGURES
        ]
        writer.writerow([*settings, *("" if cell is None else cell for three in cells for cell in three)])
    return file.getvalue()


def write_grid(path: Path, run: str, over: Mapping[str, Sequence[Any]], points: Sequence[Point]) -> None:
    """Write a grid of pictures; columns are the first axis, rows the second, or, of one axis alone, several requests.

    Further axes stay at their first value.

    Args:
        path: Of the PNG.
        run: As a person names it; its name stands in the file, which travels.
        over: Values by axis.
        points: Every combination of the values.
    """
    names = [name for name in over if len(over[name]) > 1] or list(over)
    fixed = {name: values[0] for name, values in over.items() if name not in names[:2]}
    shown = [point for point in points if all(point.settings[name] == value for name, value in fixed.items())]
    drawn = [point.setup.draw(point.sampling, point.seed) for point in shown]
    setup = shown[0].setup
    across = [f"{names[0]} {value}" for value in over[names[0]]]
    if len(names) > 1:
        title, down = setup.request_text(0), [f"{names[1]} {value}" for value in over[names[1]]]
        images = (
            np.stack([each[0] for each in drawn]).reshape(len(across), len(down), *drawn[0].shape[1:]).swapaxes(0, 1)
        )
    else:
        title, down = "", [setup.request_text(place) for place in range(min(_REQUESTS_IN_GRID, setup.count))]
        images = np.stack([each[: len(down)] for each in drawn]).swapaxes(0, 1)
    title = "; ".join([*([title] if title else []), *(f"{name} {value}" for name, value in fixed.items())])
    picture = cross_sheet(images, across, down, title=title, scale=max(2, good_scale(images.shape[-1], len(across))))
    save_png(path, picture, {"sweep": {name: list(values) for name, values in over.items()}, "run": name_of(run)})
