"""X/Y grids: of guidance scales, and of any two settings."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from noisette.dashboard.services.draw_queue import Report
from noisette.dashboard.services.grid import (
    Axis,
    axis_names,
    default_values,
    draw_grid,
    guidance_axes,
    parse_axis,
    plan_grid,
)
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.following import follow
from noisette.dashboard.widgets.gallery import grid_gallery
from noisette.dashboard.widgets.language import say
from noisette.errors import RequestError
from noisette.files.images import as_png, cross_sheet
from noisette.inference.plan import Plan


def guidance_grid(form: AttributeForm, plan: Plan) -> None:
    """What guidance does: the same seeds at several scales."""
    if not form.selected:
        st.info(say("Tick something: guidance leads towards what is asked for."))
        return
    _grid(form, plan, *guidance_axes(plan, form.model))


def grid(form: AttributeForm, plan: Plan) -> None:
    """A grid over any two settings."""
    names = axis_names(form.model)
    try:
        across = _axis(form.model, "across", say("Across"), names, "guidance" if "guidance" in names else "steps")
        down = _axis(form.model, "down", say("Down"), names, "seed")
        _grid(form, plan, across, down)
    except RequestError as error:
        st.warning(as_markdown(error), icon=":material/block:")


def _axis(model: OpenModel, key: str, title: str, names: list[str], first: str) -> Axis:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.session_state.get(key) not in names:
            st.session_state[key] = first
        name = st.selectbox(title, names, key=key, width=180, persist_state="session")
        values = f"{model.name}/{key}/{name}"
        text = st.text_input(
            say("Values"),
            default_values(name, model) if values not in st.session_state else None,
            key=values,
            persist_state="session",
        )
    return parse_axis(name, text or "")


def _grid(form: AttributeForm, plan: Plan, across: Axis, down: Axis) -> None:
    generator = form.model.generator
    try:
        table = plan_grid(plan, form.selected, generator, across, down)
    except RequestError as error:
        st.warning(as_markdown(error), icon=":material/block:")
        return
    name = str(table)
    kept = st.session_state.get("grid")
    if kept is None or kept[0] != name:

        def work(report: Report) -> object:
            report(None, 0.0)
            return draw_grid(generator, table, report)

        images = follow(name, work, form.request)
        if images is None:
            return
        kept = st.session_state["grid"] = name, images
    images = kept[1]
    recorded = [[cell and generator.recorded(cell) for cell in row] for row in table]
    st.html(grid_gallery(recorded, images, across.labels, down.labels))
    scale = max(1, min(6, 900 // (len(across.values) * images.shape[-1])))
    picture = cross_sheet(images, across.labels, down.labels, title=form.request, scale=scale)
    axes = {"across": [across.name, *across.values], "down": [down.name, *down.values]}
    st.download_button(
        say("Download"),
        as_png(picture, {"request": generator.recorded(plan).metadata(), **axes}),
        file_name=f"{Path(plan.run).name}-{across.name}-{down.name}.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
        key="download-grid",
    )
