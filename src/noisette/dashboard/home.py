"""The models and runs there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from noisette.dashboard.shelf import Item, shelf
from noisette.dashboard.words import say
from noisette.evaluation.figures import find
from noisette.evaluation.records import measured
from noisette.store.shipped import shipped_figures

_COLUMNS = 3


def page(runs: Path) -> None:
    """Cards of all that is there; runs: the folder of runs."""
    st.title("Noisette")
    st.write(
        say(
            "Diffusion models for small images with attributes. Choose a model under **Generate**; a shipped one draws"
            " at once."
        )
    )
    items = shelf(runs)
    for start in range(0, len(items), _COLUMNS):
        for column, item in zip(st.columns(_COLUMNS), items[start : start + _COLUMNS], strict=False):
            with column, st.container(border=True):
                _card(item)
    if all(item.state == "shipped" for item in items):
        st.info(
            say(
                "There are no runs in {runs} yet. Start one under **Train**, or with `noisette train digits --budget"
                " 10m`.",
                runs=runs,
            )
        )


def _card(item: Item) -> None:
    st.subheader(item.title)
    if item.problem:
        st.error(say("This run cannot be read: {problem}", problem=item.problem))
        return
    if item.thumbnail is not None:
        st.image(str(item.thumbnail), alt=say("drawn by {name}", name=item.title), width="stretch")
    if item.recipe is not None:
        st.write(item.recipe.summary or item.recipe.dataset.name)
        st.caption(f"{item.recipe.dataset.name}, {item.recipe.dataset.side}x{item.recipe.dataset.side}")
    told = [say("as asked {exact:.1%}", exact=exact)] if (exact := _best(item, "obedience.exact")) is not None else []
    told += (
        [say("Fréchet distance {distance:.1f}", distance=distance)]
        if (distance := _best(item, "fidelity.frechet")) is not None
        else []
    )
    if told:
        st.caption(" · ".join(told))
    if item.state == "shipped":
        st.caption(say("ships with noisette"))
    else:
        loss = "" if item.loss is None else say(", loss {loss:.4f}", loss=item.loss)
        st.progress(min(1.0, item.progress), say("{state}, step {step:,}", state=say(item.state), step=item.at) + loss)


def _best(item: Item, path: str) -> float | None:
    """Of all that was measured of it on the most images."""
    found = [each for each in measured(item.name) if find(each.mean, path) is not None]
    if not found:
        return find(shipped_figures(item.name), path) if item.state == "shipped" else None
    most = max(each.facts["images"] for each in found)
    values = [find(each.mean, path) for each in found if each.facts["images"] == most]
    return float(min(values) if path == "fidelity.frechet" else max(values))
