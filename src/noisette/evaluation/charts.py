"""Charts as figures of matplotlib, made without its global state, so that a server may make them too."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Chart
from numpy.typing import NDArray

from noisette.text import plain

Content = TypeVar("Content")
Curve = Sequence[tuple[float, float]]

_COLOURS = ("#2f6f9f", "#c1632a", "#4c8c4a", "#8a5a9e", "#b0913a", "#5a6470")
_REAL = "#777777"
_WIDTH, _HEIGHT = 3.6, 2.7  # inches of a panel
_LONGEST = 36  # letters over a panel
_POINTS = 400  # of a curve; more cannot be told apart
_STYLE: Any = {
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.fonttype": "path",  # the same letters on every machine
    "svg.hashsalt": "noisette",  # and the same bytes each time
}


class Panel(NamedTuple):
    """One figure over a sweep.

    Attributes:
        title: Of the figure.
        xlabel: The axis that is swept.
        lines: By name, (x, mean, spread or None) of each point.
        real: The figure of real images; None where it is not shown.
    """

    title: str
    xlabel: str
    lines: Mapping[str, Sequence[tuple[float | str, float, float | None]]]
    real: float | None


def loss_curves(curves: Mapping[str, Curve], held_out: Mapping[str, Curve]) -> Chart:
    """Draw the losses of runs side by side, and those of images that were not trained on.

    Losses of different targets or weightings cannot be compared, so each has its own axis.

    Args:
        curves: (step, loss) of each run, by its name.
        held_out: The same of validation images, of the runs that have them.

    Returns:
        A chart with a panel for each run.
    """

    def draw(axes: Axes, name: str) -> None:
        steps, losses = (np.array(part) for part in zip(*curves[name], strict=True))
        places = np.linspace(0, len(steps) - 1, min(_POINTS, len(steps))).astype(int)
        axes.plot(steps[places], losses[places], color=_COLOURS[0], alpha=0.25, linewidth=0.8)
        axes.plot(steps[places], _smooth(losses)[places], color=_COLOURS[0], linewidth=1.5)
        if held_out.get(name):
            axes.plot(
                *zip(*held_out[name], strict=True),
                color=_COLOURS[1],
                linewidth=1.2,
                marker="o",
                markersize=3,
                label="validation",
            )
            axes.legend(frameon=False, fontsize="small")
        axes.set(title=_short(name), xlabel="step", ylabel="loss", yscale="log")
        axes.set_xlim(0, steps[-1])

    return _panels(list(curves), draw)


def sweep_panels(panels: Sequence[Panel]) -> Chart:
    """Draw figures over a sweep: means with their spread, and a dashed line for real images.

    Args:
        panels: One for each figure.

    Returns:
        The chart.
    """

    def draw(axes: Axes, panel: Panel) -> None:
        for colour, (name, points) in zip(_COLOURS * 9, panel.lines.items(), strict=False):
            names, means, spreads = zip(*points, strict=True)
            places = [_short(each) if isinstance(each, str) else each for each in names]
            bars = None if all(spread is None for spread in spreads) else [spread or 0.0 for spread in spreads]
            joined = "none" if isinstance(places[0], str) else "-"  # nothing lies between two samplers
            axes.errorbar(
                places,
                means,
                yerr=bars,
                color=colour,
                linestyle=joined,
                marker="o",
                markersize=3.5,
                linewidth=1.4,
                capsize=2.5,
                label=_short(name),
            )
        if panel.real is not None:
            axes.axhline(panel.real, color=_REAL, linestyle="--", linewidth=1, label="real images")
        axes.set(title=_short(panel.title), xlabel=_short(panel.xlabel))
        if len(panel.lines) > 1 or panel.real is not None:
            axes.legend(fontsize=7)

    return _panels(panels, draw)


@contextmanager
def _our_style() -> Iterator[None]:
    """Charts look the same everywhere. A letter that the font has not is drawn as a box, without a warning."""
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def as_svg(chart: Chart) -> str:
    """Write a chart to stand inside a page.

    Args:
        chart: Any.

    Returns:
        An <svg> element.
    """
    file = io.StringIO()
    with _our_style():
        chart.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    text = file.getvalue()
    return text[text.index("<svg") :]


def as_png(chart: Chart) -> bytes:
    """Write a chart as a file.

    Args:
        chart: Any.

    Returns:
        A PNG.
    """
    file = io.BytesIO()
    with _our_style():
        chart.savefig(file, format="png", dpi=140)
    return file.getvalue()


def _panels(contents: Sequence[Content], draw: Callable[[Axes, Content], None]) -> Chart:
    columns = 2 if len(contents) == 4 else min(3, len(contents))
    rows = -(-len(contents) // columns)
    with _our_style():
        chart = Chart(figsize=(columns * _WIDTH, rows * _HEIGHT), layout="constrained")
        for number, content in enumerate(contents):
            draw(chart.add_subplot(rows, columns, number + 1), content)
        chart.draw_without_rendering()
    return chart


def _short(name: str) -> str:
    """The end of a long path, which tells more than its beginning; a dollar in it begins no formula."""
    name = plain(name)
    return (name if len(name) <= _LONGEST else f"...{name[-_LONGEST:]}").replace("$", r"\$")


def _smooth(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over a window that grows to a fiftieth of all steps."""
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    ends = np.arange(1, len(losses) + 1)
    starts = np.maximum(0, ends - np.maximum(1, np.minimum(ends // 4, len(losses) // 50)))
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
