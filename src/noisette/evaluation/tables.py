"""The result of an evaluation as a person reads it: lines and tables of text."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from noisette.config.sampling import in_words
from noisette.evaluation.figures import FIGURES, Figure, Tree, find
from noisette.floor.registry import BASELINES

_WORST = 5  # values that are told


def circumstances(result: Tree, swept: Collection[str] = ()) -> str:
    """Say in a line how images were drawn: weights, sampler, steps, guidance scale, number of images.

    Args:
        result: Of an evaluation.
        swept: Settings that are told elsewhere.

    Returns:
        Parts with semicolons between them.
    """
    conditional = result["left_out"].get("attribute_accuracy") is None
    always = ("sampler", "steps", *(["guidance"] if conditional else []))
    told = {
        "checkpoint": f"step {result['step']:,}, {'averaged' if result['averaged'] else 'last'} weights",
        **in_words(result["sampling"], always=always),
        "requests": f"{result['images']} images of the {result['split']} split of {result['dataset']}",
        "asked": _how_much(result.get("ask")),
        "renderer": f"held against {result['renderer']}" if result.get("renderer") else "",
        "seed": f"seeds from {', '.join(map(str, result['first_seeds']))}",
    }
    return "; ".join(text for name, text in told.items() if text and name not in swept)


class Row(NamedTuple):
    """A figure as text.

    Attributes:
        title: What it is called.
        better: Which values are better.
        drawn: Of the model.
        spread: Over its draws.
        real: Of real images.
        floor: Of each baseline that stands beside it.
    """

    title: str
    better: str
    drawn: str
    spread: str
    real: str
    floor: tuple[str, ...]


def rows(result: Tree) -> list[Row]:
    """Tabulate the figures that were taken.

    Args:
        result: Of an evaluation.

    Returns:
        A row for each figure; beside a floor also the seconds that all took, and those of the processor.
    """

    def title(figure: Figure) -> str:
        few = figure.path == "novel_pairs.exact"  # as a rule
        return f"{figure.title} ({find(result['drawn'], 'novel_pairs.images'):.0f})" if few else figure.title

    real = result["real"]
    nothing_occluded = find(real, "attribute_accuracy.visible") == find(real, "attribute_accuracy.exact")
    floor = result.get("floor", {})
    taken = [(figure, find(result["drawn"], figure.path)) for figure in FIGURES]
    figures = [
        Row(
            title(figure),
            figure.better,
            _text(value),
            _text(find(result["spread"], figure.path)),
            _text(beside(result, figure.path)),
            tuple(_text(find(its, figure.path)) for its in floor.values()),
        )
        for figure, value in taken
        if value is not None and not (figure.path == "attribute_accuracy.visible" and nothing_occluded)
    ]
    if not floor:
        return figures
    trained, *counted = (
        _seconds(of) for of in (result["training_seconds"], *(its["seconds"] for its in floor.values()))
    )
    processor = tuple(_seconds(its["processor_seconds"]) for its in floor.values())
    return [
        *figures,
        Row("seconds of training or counting", "lower", trained, "", "", tuple(counted)),
        Row("seconds of the processor", "lower", "", "", "", processor),
    ]


def floor_summaries(result: Tree) -> list[tuple[str, str]]:
    """Say what the baselines beside a model do.

    Args:
        result: Of an evaluation.

    Returns:
        For each its name and a few words; nothing where there is no floor.
    """
    return [(name, BASELINES[name].summary) for name in result.get("floor", {})]


def beside(result: Tree, path: str) -> float | None:
    """Look up the figure of real images that belongs beside one of drawn images.

    Args:
        result: Of an evaluation.
        path: Of the figure.

    Returns:
        The figure; None where it goes without saying, for the real images are the right answer themselves.
    """
    goes_without_saying = path.startswith("pixel_accuracy.") or path == "memorisation.novel_combinations"
    return None if goes_without_saying else find(result["real"], path)


def bands(result: Tree) -> list[tuple[str, str, str, str]]:
    """Tabulate recall by how common the requested values are in the training images.

    Args:
        result: Of an evaluation.

    Returns:
        For each band its name, how many values were requested, recall, and recall in real images; nothing where nothing
        was requested.
    """
    if not result["drawn"]["attribute_accuracy"]:
        return []
    drawn, real = (result[who]["attribute_accuracy"]["by_rarity"] for who in ("drawn", "real"))
    return [
        (band, f"{of['requested']:.0f}", _text(of["recall"]), _text(real[band]["recall"]))
        for band, of in drawn.items()
        if of["requested"]
    ]


def values(result: Tree) -> list[tuple[str, str, str, str, str]]:
    """Tabulate each requested value, the most often missed first.

    Args:
        result: Of an evaluation.

    Returns:
        For each value its label, how often it was requested, recall, precision, and recall in real images.
    """
    if not result["drawn"]["attribute_accuracy"]:
        return []
    drawn, real = (result[who]["attribute_accuracy"]["by_value"] for who in ("drawn", "real"))
    requested = sorted(
        ((name, of) for name, of in drawn.items() if of["requested"]),
        key=lambda each: (each[1]["recall"], -each[1]["requested"]),
    )
    return [
        (name, f"{of['requested']:.0f}", _text(of["recall"]), _text(of["precision"]), _text(real[name]["recall"]))
        for name, of in requested
    ]


def left_out(result: Tree) -> list[str]:
    """Say which figures were not taken, and which baselines there are none of.

    Args:
        result: Of an evaluation.

    Returns:
        A text for each reason, with the figures and baselines that it is the reason of.
    """
    reasons: dict[str, list[str]] = {}
    for name, why in (*result["left_out"].items(), *result.get("no_floor", {}).items()):
        reasons.setdefault(why, []).append(name.replace("_", " "))
    return [f"{', '.join(names)}, for {why}" for why, names in reasons.items()]


def describe(result: Tree) -> str:
    """Write the figures for a person to read, drawn beside real, and beside the floor where there is one.

    Args:
        result: Of an evaluation.

    Returns:
        Lines of text.
    """
    summaries = floor_summaries(result)
    lines = [result["run"], circumstances(result), ""]
    lines += [
        f"{row.title:38}{''.join(f'{text:>10}' for text in (row.drawn, row.spread, row.real, *row.floor))}".rstrip()
        for row in (
            Row("", "", "drawn", "spread", "real", tuple(name for name, _ in summaries)),
            *rows(result),
        )
    ]
    lines += ["", *(f"{name}: {summary}" for name, summary in summaries)] if summaries else []
    if told := bands(result):
        lines += ["", f"{'recall of values that are':38}{'drawn':>10}{'requested':>11}{'real':>10}"]
        lines += [
            f"{f'{band} of the training images':38}{drawn:>10}{requested:>11}{real:>10}"
            for band, requested, drawn, real in told
        ]
    if missed := [value for value in values(result) if value[2] != "1.000"][:_WORST]:
        lines += [
            "",
            "most often missed: "
            + ", ".join(
                f"{name} ({recall} of {requested}, real {real})" for name, requested, recall, _, real in missed
            ),
        ]
    lines += ["", *(f"note: {note}" for note in result["notes"])] if result["notes"] else []
    if told_why := left_out(result):
        lines += ["", *(f"left out: {text}" for text in told_why)]
    return "\n".join(lines)


def _how_much(ask: int | None) -> str:
    return "" if ask is None else "nothing asked for" if ask == 0 else f"{ask} of the values of each asked for"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
