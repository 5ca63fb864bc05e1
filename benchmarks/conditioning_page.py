"""The page of conditioning.py: tables, curves and pictures of what it measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from pages import write_between

from noisette.files.atomic import write_text
from noisette.legacy import modernise

HELD_OUT = "held-out pairs"
"""The mechanism of the recipe, modulate + spatial, trained without the images of 40 frequent pairs of attributes."""
PAIR_SCALES = (1.0, 1.5, 2.0)
"""Guidance scales at which its requests are drawn."""


def write_page(page: Path, order: Sequence[str], measured_now: dict[str, Any]) -> None:
    """Put tables and pictures into the page, between its two marks.

    The words around them are written by hand and stay.

    Args:
        page: Markdown. What was measured before is kept in a JSON file beside it.
        order: of the mechanisms.
        measured_now: by mechanism; in the place of what was measured of it before.
    """
    kept = page.with_suffix(".json")
    before = modernise(json.loads(kept.read_text(encoding="utf-8"))) if kept.is_file() else {}
    mechanisms = {
        mechanism: {**before, **measured_now}[mechanism]
        for mechanism in order
        if mechanism in before or mechanism in measured_now
    }
    images = page.parent.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    plot(images / "conditioning.png", mechanisms)
    lines = [tables(mechanisms), "![Exact set, recall and precision by guidance scale](../images/conditioning.png)", ""]
    for mechanism, found in mechanisms.items():
        folder = Path(found["folder"])
        picture = f"conditioning-{folder.name}.png"
        if mechanism in measured_now:
            (images / picture).write_bytes((folder / "scales.png").read_bytes())
        lines += [f"### {mechanism}", "", f"![Eight requests by six scales, {mechanism}](../images/{picture})", ""]
    write_between(page, "conditioning", lines)
    write_text(kept, json.dumps(mechanisms, indent=1) + "\n")


def tables(mechanisms: dict[str, Any]) -> str:
    """Everything measured, as Markdown."""
    scales = sorted({scale for found in mechanisms.values() for scale in found["scales"]}, key=float)
    lines = ["| mechanism | training | steps | images/s | date | cores, PyTorch |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {mechanism} | {found['seconds'] / 60:.0f} min | {found['steps']:,} |"
        f" {found['steps'] * found['batch'] / found['seconds']:.0f} | {found['date']} | {found['cores']},"
        f" {found['torch']} |"
        for mechanism, found in mechanisms.items()
    ]
    lines.append("")
    for figure, title in (("exact", "Exact set"), ("recall", "Recall"), ("precision", "Precision")):
        lines += [
            (
                f"**{title}** by guidance scale, and what the classifier of that study reads in the real images of the"
                " same requests"
            ),
            "",
            "| mechanism | " + " | ".join(scales) + " | real |",
            "|---|" + "---|" * (len(scales) + 1),
        ]
        for mechanism, found in mechanisms.items():
            cells = [f"{found['scales'][scale][figure]:.3f}" if scale in found["scales"] else "" for scale in scales]
            lines.append(f"| {mechanism} | " + " | ".join(cells) + f" | {found['classifier'][figure]:.3f} |")
        lines.append("")
    if HELD_OUT in mechanisms:
        lines += _pairs_table(mechanisms[HELD_OUT]["pairs"])
    return "\n".join(lines)


def _pairs_table(held: dict[str, Any]) -> list[str]:
    lines = [
        (
            f"**{len(held['pairs'])} pairs held out**, {held['images_removed']:,} images removed from the training;"
            " exact set"
        ),
        "",
    ]
    lines += [
        "| requests | drawn by a run that | " + " | ".join(f"scale {scale:g}" for scale in PAIR_SCALES) + " | real |",
        "|---" * 6 + "|",
    ]
    for title in ("with such a pair", "without"):
        for who in ("never saw the pairs", "trained on all"):
            cells = " | ".join(f"{held[title][who][f'{scale:g}']['exact']:.3f}" for scale in PAIR_SCALES)
            lines.append(
                f"| {held[title]['real']['images']} {title} | {who} | {cells} | {held[title]['real']['exact']:.3f} |"
            )
    drawn = held["pairs_drawn"]
    lines += [
        "",
        (
            f"Of {drawn['asked']} such pairs asked for, both are seen in {drawn['both_seen']}: scale 1, the run that"
            " never saw them."
        ),
        "",
    ]
    return lines


def plot(path: Path, mechanisms: dict[str, Any]) -> None:
    """Exact set, recall and precision against the scale."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharex=True)
    for axis, (name, title) in zip(
        axes, (("exact", "exact set"), ("recall", "recall"), ("precision", "precision")), strict=True
    ):
        for mechanism, found in mechanisms.items():
            if mechanism == HELD_OUT:
                continue
            scales = [float(scale) for scale in found["scales"]]
            axis.plot(scales, [figures[name] for figures in found["scales"].values()], marker="o", label=mechanism)
        ceiling = sum(found["classifier"][name] for found in mechanisms.values()) / len(mechanisms)
        axis.axhline(ceiling, color="grey", linestyle="--", linewidth=1, label="classifier on real images")
        axis.set(title=title, xlabel="guidance scale", xscale="log", ylim=(min(0.0, axis.get_ylim()[0]), 1.02))
        axis.set_xticks(scales, [f"{scale:g}" for scale in scales], minor=False)
        axis.minorticks_off()
    axes[1].legend(fontsize=8, loc="lower left")  # all lines are above it
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
