"""Watch trainings: curves while they are written, the samples of each epoch, and what goes wrong."""

from __future__ import annotations

import time
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from noisette.config import dump_recipe
from noisette.dashboard.curves import Axis, along, smoothed, thinned
from noisette.dashboard.shelf import Item, find, shelf
from noisette.errors import NoisetteError
from noisette.training.events import EventReader
from noisette.training.run import open_run

_EVERY = 2.0  # seconds between two looks at a training
_STALLED = 60.0  # seconds without a word from a training that says it runs
_AT_FIRST = 3  # runs that are shown unless others are chosen


@st.cache_resource(max_entries=64)
def _reader(metrics: str) -> EventReader:
    """Shared by all sessions, so that each event is read once."""
    return EventReader(Path(metrics))


def page(runs: Path) -> None:
    """Curves of the chosen runs together, then one run in depth. runs: the folder of runs."""
    st.title("Watch")
    items = [item for item in shelf(runs) if item.state != "shipped" and not item.problem]
    if not items:
        st.info(f"There are no runs in {runs} yet. `noisette train digits --budget 10m` makes one; its curves appear here while it trains.")
        return
    titles = {item.name: item.title for item in items}
    names = st.multiselect("Runs", list(titles), default=list(titles)[:_AT_FIRST], format_func=lambda name: titles.get(name, name), key="watched")
    chosen = [item for item in items if item.name in names]
    live = _EVERY if any(item.state in ("new", "running") for item in chosen) else None
    st.fragment(_curves, run_every=live)(chosen)
    if chosen:
        st.fragment(_depth, run_every=live)(runs, chosen)


def _curves(chosen: list[Item]) -> None:
    read = {item.name: _reader(str(Path(item.name) / "metrics")).curves() for item in chosen}
    tags = sorted({tag for curves in read.values() for tag in curves}, key=lambda tag: (tag != "loss", tag))
    if not tags:
        st.info("Nothing was written yet; the first points come with the first steps.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tag = st.selectbox("Curve", tags, format_func=lambda name: name.replace("_", " "), key="tag")
        axis: Axis = st.segmented_control("By", ["step", "images", "minutes"], default="step", key="axis") or "step"
        weight = st.slider("Smoothing", 0.0, 0.99, 0.9, 0.01, key="smoothing")
        log = st.toggle("Log axis", value=True, key="log")
    tables = []
    for item in chosen:
        if (curve := read[item.name].get(tag)) is None or item.recipe is None:
            continue
        places = thinned(len(curve.values))
        values = smoothed(curve.values, weight)[places]
        tables.append(pd.DataFrame({"run": item.title, axis: along(curve, axis, item.recipe.training.batch_size)[places], tag: values}))
    if not tables:
        st.info(f"None of these runs has written {tag}.")
        return
    table = pd.concat(tables)
    table = table[np.isfinite(table[tag]) & ((table[tag] > 0) | (not log))]
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    chart = (
        alt.Chart(table)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X(axis, title=axis),
            y=alt.Y(tag, scale=scale, title=tag.replace("_", " ")),
            color=alt.Color("run", title=None, legend=alt.Legend(orient="top")),
        )
    )
    st.altair_chart(chart.interactive(bind_y=False), width="stretch")


def _depth(runs: Path, chosen: list[Item]) -> None:
    """One run: how it stands, its samples, its recipe."""
    items = shelf(runs)  # anew: this part runs again by itself while the training goes on
    titles = {item.name: item.title for item in chosen}
    name = st.selectbox("In depth", list(titles), format_func=lambda each: titles.get(each, each), key="depth")
    item = find(name, items)
    if item is None or item.problem:
        st.error(f"This run cannot be read any more: {item.problem if item else 'its folder is gone'}")
        return
    run = open_run(Path(item.name))
    try:
        status = run.status
        for problem in alerts(status, time.time()):
            st.warning(problem, icon=":material/warning:")
        st.progress(min(1.0, item.progress), f"{item.state}, step {item.step:,}, {float(status['images_per_second']):.0f} images/s")
        grids = sorted(run.samples.glob("*.png"))
        if grids:
            labels = [path.stem for path in grids]
            label = st.select_slider("Samples", labels, value=labels[-1], key=f"samples/{item.name}") if len(labels) > 1 else labels[0]
            st.image(str(grids[labels.index(label)]), caption=label)
        with st.expander("Recipe"):
            st.code(dump_recipe(run.recipe), language="toml")
        with st.expander("Environment"):
            st.json(run.environment)
    except (NoisetteError, OSError, LookupError) as error:
        st.error(f"This run cannot be read: {error}")


def alerts(status: dict[str, object], now: float) -> list[str]:
    """What is wrong with a training, by its status. now: seconds since the epoch."""
    found = []
    if status.get("state") == "failed":
        found.append("The training failed; `noisette resume` goes on from the last checkpoint.")
    if skipped := status.get("skipped"):
        found.append(f"{skipped} steps had a loss that was not finite, and were left out; a lower learning rate may help.")
    updated = status.get("updated")
    if status.get("state") == "running" and isinstance(updated, int | float) and now - updated > _STALLED:
        found.append(f"Nothing was heard of the training for {(now - updated) / 60:.0f} minutes; it may have been killed. `noisette resume` goes on.")
    return found
