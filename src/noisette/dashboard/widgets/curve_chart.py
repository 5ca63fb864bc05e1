"""Curves of several runs in one chart."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from noisette.dashboard.services.curves import Axis, along, smoothed, thinned
from noisette.dashboard.services.model_list import ListedModel
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import event_reader
from noisette.dashboard.widgets.language import say
from noisette.store.events import Curve

_BESIDE = {"loss": "validation_loss"}
"""Curves that are shown beside another, in the same chart."""


def curves_of(run: ListedModel) -> dict[str, Curve]:
    """The curves of a run by their tags."""
    return event_reader(str(run.folder / "metrics")).curves()


def curve_chart(runs: list[ListedModel]) -> None:
    """Draw a curve of the runs, with what chooses it above."""
    gone = [run.title for run in runs if not run.folder.is_dir()]
    if gone:
        st.error(say("The folder of {names} is gone.", names=as_markdown(", ".join(gone))))
        if len(gone) == len(runs):
            return
    read = {run.name: curves_of(run) for run in runs}
    written = {tag for curves in read.values() for tag in curves if tag != _BESIDE["loss"]}
    tags = sorted(written, key=lambda tag: (tag != "loss", tag))
    if not tags:
        st.info(say("Nothing was written yet; the first points come with the first steps."))
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tag = st.selectbox(say("Curve"), tags, format_func=lambda each: say(_title(each)), key="tag", width=220)
        axis: Axis = (
            st.segmented_control(
                say("By"), ["step", "images", "minutes"], default="step", format_func=say, key="axis", required=True
            )
            or "step"
        )
        weight = st.slider(say("Smoothing"), 0.0, 0.99, 0.9, 0.01, key="smoothing", width=240)
        log = st.toggle(say("Log axis"), value=True, key="log")
    tables = [
        _points(run, curve, tag, axis, weight, len(runs))
        for run in runs
        if (curve := read[run.name].get(tag)) is not None
    ]
    tables += [
        _points(run, curve, tag, axis, 0.0, len(runs)).assign(of=say("validation images"))
        for run in runs
        if tag in _BESIDE and (curve := read[run.name].get(_BESIDE[tag])) is not None
    ]
    if not tables:
        st.info(say("None of these runs has written {tag}.", tag=tag))
        return
    table = pd.concat(tables)
    kinds = table["of"].unique()
    table = table[np.isfinite(table[tag]) & ((table[tag] > 0) | (not log))]
    chart = (
        alt.Chart(table)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X(axis, title=say(axis)),
            y=alt.Y(
                tag, scale=alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False), title=say(_title(tag))
            ),
            color=alt.Color("run", title=None, legend=alt.Legend(orient="top")),
            strokeDash=alt.StrokeDash("of", title=None, legend=alt.Legend(orient="top") if len(kinds) > 1 else None),
        )
    )
    st.altair_chart(chart.interactive(bind_y=False), width="stretch")


def _points(run: ListedModel, curve: Curve, tag: str, axis: Axis, weight: float, lines: int) -> pd.DataFrame:
    places = thinned(len(curve.values), lines)
    batch = run.recipe.training.batch_size if run.recipe else 1
    values = smoothed(curve.values, weight)[places]
    told = {"run": run.title, "of": say("training images"), axis: along(curve, axis, batch)[places], tag: values}
    return pd.DataFrame(told)


def _title(tag: str) -> str:
    return tag.replace("_", " ")
