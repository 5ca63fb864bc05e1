"""Watch trainings: curves while they are written, the samples of each epoch, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from noisette.config.recipe import dump_recipe
from noisette.dashboard.curves import Axis, along, smoothed, thinned
from noisette.dashboard.shelf import Item, find, shelf
from noisette.dashboard.words import plain, say
from noisette.errors import NoisetteError
from noisette.store.events import Curve, EventReader
from noisette.store.run import Run, open_run
from noisette.training.queue import entry_of

_EVERY = 2.0  # seconds between two looks at a training
_LOST = 10.0  # seconds without a word from one whose process is not there
_STALLED = 120.0  # seconds without a word from a training that says it runs
_AT_FIRST = 10  # runs that are shown unless others are chosen
_ENOUGH = 400  # steps, to tell that a loss no longer falls


@st.cache_resource(max_entries=64)
def _reader(metrics: str) -> EventReader:
    """Shared by all sessions, so that each event is read once."""
    return EventReader(Path(metrics))


def page(runs: Path) -> None:
    """Curves of the chosen runs together, then one run in depth. runs: the folder of runs."""
    st.title(say("Watch"))
    items = [item for item in shelf(runs) if item.state != "shipped" and not item.problem]
    if not items:
        st.info(
            say(
                "There are no runs in {runs} yet. Start one under **Train**, or with `noisette train digits --budget"
                " 10m`.",
                runs=runs,
            )
        )
        return
    titles = {item.name: item.title for item in items}
    names = st.multiselect(
        say("Runs"),
        list(titles),
        default=list(titles)[:_AT_FIRST],
        format_func=lambda name: titles.get(name, name),
        key="watched",
        persist_state="session",
    )
    chosen = [item for item in items if item.name in names]
    live = _EVERY if any(item.state in ("new", "running") for item in chosen) else None
    st.fragment(_curves, run_every=live)(chosen)
    if chosen:
        st.fragment(_depth, run_every=live)(runs, chosen)
    st.caption(say("TensorBoard reads the same folder: `tensorboard --logdir {runs}`", runs=runs))


def _curves(chosen: list[Item]) -> None:
    gone = [item.title for item in chosen if not Path(item.name).is_dir()]
    if gone:
        st.error(say("The folder of {names} is gone.", names=plain(", ".join(gone))))
        if len(gone) == len(chosen):
            return
    read = {item.name: _curves_of(item) for item in chosen}
    tags = sorted({tag for curves in read.values() for tag in curves}, key=lambda tag: (tag != "loss", tag))
    if not tags:
        st.info(say("Nothing was written yet; the first points come with the first steps."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tag = st.selectbox(
            say("Curve"), tags, format_func=lambda name: say(name.replace("_", " ")), key="tag", width=220
        )
        axis: Axis = (
            st.segmented_control(
                say("By"), ["step", "images", "minutes"], default="step", format_func=say, key="axis", required=True
            )
            or "step"
        )
        weight = st.slider(say("Smoothing"), 0.0, 0.99, 0.9, 0.01, key="smoothing", width=240)
        log = st.toggle(say("Log axis"), value=True, key="log")
    tables = []
    for item in chosen:
        if (curve := read[item.name].get(tag)) is None or item.recipe is None:
            continue
        places = thinned(len(curve.values), len(chosen))
        values = smoothed(curve.values, weight)[places]
        tables.append(
            pd.DataFrame(
                {"run": item.title, axis: along(curve, axis, item.recipe.training.batch_size)[places], tag: values}
            )
        )
    if not tables:
        st.info(say("None of these runs has written {tag}.", tag=tag))
        return
    table = pd.concat(tables)
    table = table[np.isfinite(table[tag]) & ((table[tag] > 0) | (not log))]
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    chart = (
        alt.Chart(table)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X(axis, title=say(axis)),
            y=alt.Y(tag, scale=scale, title=say(tag.replace("_", " "))),
            color=alt.Color("run", title=None, legend=alt.Legend(orient="top")),
        )
    )
    st.altair_chart(chart.interactive(bind_y=False), width="stretch")


def _curves_of(item: Item) -> dict[str, Curve]:
    return _reader(str(Path(item.name) / "metrics")).curves()


def _depth(runs: Path, chosen: list[Item]) -> None:
    """One run: how it stands, its samples, its recipe."""
    items = shelf(runs)  # anew: this part runs again by itself while the training goes on
    titles = {item.name: item.title for item in chosen}
    name = st.selectbox(
        say("In depth"), list(titles), format_func=lambda each: titles.get(each, each), key="depth", width=360
    )
    item = find(name, items)
    if item is None or item.problem:
        st.error(
            say(
                "This run cannot be read any more: {problem}",
                problem=item.problem if item else say("its folder is gone"),
            )
        )
        return
    run = open_run(Path(item.name))
    try:
        loss = _curves_of(item).get("loss")
        for problem in alerts(
            run.status,
            time.time(),
            held=entry_of(run.folder) is not None,
            losses=np.zeros(0) if loss is None else loss.values,
        ):
            st.warning(problem, icon=":material/warning:")
        told = say("{state}, step {step:,}, {rate:.0f} images/s", state=say(item.state), step=item.at, rate=item.rate)
        st.progress(min(1.0, item.progress), told)
        _samples(run, item)
        with st.expander(say("Recipe")):
            st.code(dump_recipe(run.recipe), language="toml")
        with st.expander(say("Environment")):
            st.json(run.environment)
    except (NoisetteError, OSError, LookupError) as error:
        st.error(say("This run cannot be read: {problem}", problem=error))


def _samples(run: Run, item: Item) -> None:
    """A slider over the grids, which follows the newest unless it was moved away from it."""
    grids = {path.stem: path for path in sorted(run.samples.glob("*.png"))}
    if not grids:
        return
    labels, key = list(grids), f"samples/{item.name}"
    newest = f"{key}/newest"
    if st.session_state.get(key) not in grids or st.session_state[key] == st.session_state.get(newest):
        st.session_state[key] = labels[-1]
    st.session_state[newest] = labels[-1]
    label = st.select_slider(say("Samples"), labels, key=key) if len(labels) > 1 else labels[0]
    st.image(str(grids[label]), caption=label, alt=say("drawn after {epoch} by {name}", epoch=label, name=item.title))


def alerts(
    status: Mapping[str, Any], now: float, *, held: bool = True, losses: NDArray[np.float64] | None = None
) -> list[str]:
    """What is wrong with a training, by its status and its losses, (N,).

    now: seconds since the epoch. held: whether its process lives.
    """
    found = []
    running = status.get("state") == "running"
    if status.get("state") == "failed":
        found.append(say("The training failed; `noisette resume` goes on from the last checkpoint."))
    if skipped := status.get("skipped"):
        found.append(
            say(
                "{skipped} steps had a loss that was not finite, and were left out; a lower learning rate may help.",
                skipped=skipped,
            )
        )
    updated = status.get("updated")
    silent = now - updated if isinstance(updated, int | float) else 0.0
    if running and not held and silent > _LOST:
        found.append(
            say("The process of the training is gone; it was killed. Resume it under Train, or with `noisette resume`.")
        )
    elif running and silent > _STALLED:
        found.append(say("Nothing was heard of the training for {minutes:.0f} minutes.", minutes=silent / 60))
    if running and losses is not None and _no_longer_falls(losses):
        found.append(
            say(
                "The loss has not fallen in the last half of its steps; a lower learning rate may help, or it is as"
                " good as it gets."
            )
        )
    return found


def _no_longer_falls(losses: NDArray[np.float64]) -> bool:
    """Whether the last quarter is no lower than the one before it, by their medians."""
    finite = losses[np.isfinite(losses)]
    if len(finite) < _ENOUGH:
        return False
    quarter = len(finite) // 4
    return bool(np.median(finite[-quarter:]) >= np.median(finite[-2 * quarter : -quarter]))
