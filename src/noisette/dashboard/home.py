"""The models and runs there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from noisette.dashboard.shelf import Item, shelf

_COLUMNS = 3


def page(runs: Path) -> None:
    """Cards of all that is there; runs: the folder of runs."""
    st.title("Noisette")
    st.write("Diffusion models for small images with attributes. Choose a model under **Generate**; a shipped one draws at once.")
    items = shelf(runs)
    for start in range(0, len(items), _COLUMNS):
        for column, item in zip(st.columns(_COLUMNS), items[start : start + _COLUMNS], strict=False):
            with column, st.container(border=True):
                _card(item)
    if all(item.state == "shipped" for item in items):
        st.info(f"There are no runs in {runs} yet. `noisette train digits --budget 10m` makes one.")


def _card(item: Item) -> None:
    st.subheader(item.title)
    if item.problem:
        st.error(f"This run cannot be read: {item.problem}")
        return
    if item.thumbnail is not None:
        st.image(str(item.thumbnail), caption="the newest samples", width="stretch")
    if item.recipe is not None:
        st.write(item.recipe.summary or item.recipe.dataset.name)
        st.caption(f"{item.recipe.dataset.name}, {item.recipe.dataset.side}x{item.recipe.dataset.side}")
    if item.state == "shipped":
        st.caption("ships with noisette")
    else:
        st.progress(min(1.0, item.progress), f"{item.state}, step {item.step:,}" + (f", loss {item.loss:.4f}" if item.loss is not None else ""))
