"""Watch trainings: curves while they are written, the samples of each epoch, and what goes wrong."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import streamlit as st

from noisette.config.recipe import dump_recipe
from noisette.dashboard.services.alerts import alerts
from noisette.dashboard.services.model_list import ListedModel, find_model, list_models
from noisette.dashboard.widgets.curve_chart import curve_chart, curves_of
from noisette.dashboard.widgets.language import say
from noisette.errors import NoisetteError
from noisette.store.run import Run
from noisette.training.queue import entry_of

_EVERY = 2.0  # seconds between two looks at a training
_AT_FIRST = 10  # runs that are shown unless others are chosen


def page(runs: Path) -> None:
    """Curves of the chosen runs together, then one run in depth.

    Args:
        runs: The folder of runs.
    """
    st.title(say("Watch"))
    listed = [model for model in list_models(runs) if model.trains and not model.problem]
    if not listed:
        st.info(
            say(
                "There are no runs in {runs} yet. Start one under **Train**, or with `noisette train digits --budget"
                " 10m`.",
                runs=runs,
            )
        )
        return
    titles = {run.name: run.title for run in listed}
    names = st.multiselect(
        say("Runs"),
        list(titles),
        default=list(titles)[:_AT_FIRST],
        format_func=lambda name: titles.get(name, name),
        key="watched",
        persist_state="session",
    )
    chosen = [run for run in listed if run.name in names]
    live = _EVERY if any(run.state in ("new", "running") for run in chosen) else None
    st.fragment(curve_chart, run_every=live)(chosen)
    if chosen:
        st.fragment(_depth, run_every=live)(runs, chosen)
    st.caption(say("TensorBoard reads the same folder: `tensorboard --logdir {runs}`", runs=runs))


def _depth(runs: Path, chosen: list[ListedModel]) -> None:
    """One run: how it stands, its samples, its recipe."""
    listed = list_models(runs)  # anew: this part runs again by itself while the training goes on
    titles = {run.name: run.title for run in chosen}
    name = st.selectbox(
        say("In depth"), list(titles), format_func=lambda each: titles.get(each, each), key="depth", width=360
    )
    found = find_model(name, listed)
    if found is None or found.problem:
        st.error(
            say(
                "This run cannot be read any more: {problem}",
                problem=found.problem if found else say("its folder is gone"),
            )
        )
        return
    run = Run(found.folder)
    try:
        _alerts(run, found)
        told = say(
            "{state}, step {step:,}, {rate:.0f} images/s", state=say(found.state), step=found.at, rate=found.rate
        )
        st.progress(min(1.0, found.progress), told)
        _samples(run, found)
        with st.expander(say("Recipe")):
            st.code(dump_recipe(run.recipe), language="toml")
        with st.expander(say("Environment")):
            st.json(run.environment)
    except (NoisetteError, OSError, LookupError) as error:
        st.error(say("This run cannot be read: {problem}", problem=error))


def _alerts(run: Run, listed: ListedModel) -> None:
    curves, alive = curves_of(listed), entry_of(run.folder) is not None
    losses = curves["loss"].values if "loss" in curves else np.zeros(0)
    kept = curves.get("validation_loss")
    held_out = [] if kept is None else list(zip(kept.steps.tolist(), kept.values.tolist(), strict=True))
    for problem in alerts(run.status, time.time(), alive=alive, losses=losses, held_out=held_out):
        st.warning(say(problem), icon=":material/warning:")


def _samples(run: Run, listed: ListedModel) -> None:
    """A slider over the grids, which follows the newest unless it was moved away from it."""
    grids = {path.stem: path for path in run.grids}
    if not grids:
        return
    labels, key = list(grids), f"samples/{listed.name}"
    newest = f"{key}/newest"
    if st.session_state.get(key) not in grids or st.session_state[key] == st.session_state.get(newest):
        st.session_state[key] = labels[-1]
    st.session_state[newest] = labels[-1]
    label = st.select_slider(say("Samples"), labels, key=key) if len(labels) > 1 else labels[0]
    about = say("drawn after {epoch} by {name}", epoch=label, name=listed.title)
    st.image(str(grids[label]), caption=label, alt=about)
