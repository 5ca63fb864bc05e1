"""What other pictures noisette makes, told apart by what they say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noisette.text import plain

_CONTACT_SHEET = "a contact sheet of {dataset}; `noisette data inspect` makes it again"
_KINDS = (
    (
        {"request", "across", "down"},
        "an X/Y grid of the dashboard, and no plan draws it as a whole; drop it on the dashboard's page, under"
        " Go on from a picture",
    ),
    (
        {"step", "epoch", "seeds", "sampling"},
        "a grid of samples that a training drew at step {step}; draw with its run by `noisette generate RUN`",
    ),
    ({"sweep", "run"}, "the grid of a sweep over {sweep}; `noisette sweep` draws it again"),
    ({"dataset", "sha256"}, _CONTACT_SHEET),
    ({"dataset", "folder"}, _CONTACT_SHEET),
)
"""Keys that only pictures of this kind have, and what a person is told of them."""


def other_kind(said: Mapping[str, Any]) -> str | None:
    """What a picture is that carries no plan.

    Args:
        said: What it says of itself; nothing in it is trusted.

    Returns:
        What it is, and what can be done with it; None if it is none of ours.
    """
    for keys, text in _KINDS:
        if keys <= said.keys() and "weights" not in said:
            return text.format(**{key: plain(_shown(said[key]), 60) for key in keys})
    return None


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Mapping) else str(value)[:1000]
