"""How a picture is drawn: seeds, preset, guidance; with what is ticked they make the plan."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import streamlit as st

from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import MOST_IMAGES, MOST_SEED, presets, sampling_settings
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.more_settings import more_settings
from noisette.dashboard.widgets.setting_input import setting_input
from noisette.dashboard.widgets.setting_state import (
    FIXED,
    NEXT,
    RANDOM,
    current,
    prepare,
    stop_varying,
    take_preset,
)
from noisette.errors import RequestError
from noisette.inference.plan import Plan, Start


def settings(form: AttributeForm) -> Plan | None:
    """Draw the settings.

    Returns:
        The plan that they and the attribute form make; None, with the reason told, where it cannot be.
    """
    model, state = form.model, st.session_state
    recipe = model.generator.model.recipe
    guided = bool(form.request) and recipe.conditional and recipe.condition.drop_all > 0
    prepare(model)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = st.container(width=130)
        again = _images()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _preset(model)
        setting_input(model, "steps")
        setting_input(model, "guidance", disabled=not guided)
    if state.get("around") is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _variation()
    with st.expander(say("More settings"), key="more"):
        more_settings(model)
    try:
        planned = partial(
            model.generator.plan,
            form.request or None,
            settings=sampling_settings(current(model), model.generator, negative=form.negative, guided=guided),
            start=None if state.get("around") is None else Start.of((state["around"], state["distance"])),
        )
        first = planned(seeds=[0])
    except RequestError as error:
        _seed_input(seeds)
        st.warning(as_markdown(error), icon=":material/block:")
        return None
    for note in first.notes:
        st.caption(as_markdown(note))
    count = int(state["count"])
    _advance_seed(first, count, again)
    seed = _seed_input(seeds)
    return planned(seeds=range(seed, seed + count))


def _images() -> bool:
    """Which seeds come next, how many images, and the button that draws; whether it was pressed."""
    st.segmented_control(
        say("then"),
        [FIXED, RANDOM, NEXT],
        format_func=say,
        key="then",
        required=True,
        persist_state="session",
        help=say("Seeds of the next drawing: the same, any, or those that follow"),
    )
    st.number_input(say("Images"), 1, MOST_IMAGES, key="count", width=120, persist_state="session")
    return st.button(
        say("Draw"),
        icon=":material/brush:",
        type="primary",
        help=say("Draws by itself when something changes; this draws again"),
    )


def _preset(model: OpenModel) -> None:
    st.segmented_control(
        say("Preset"),
        list(presets(model.generator)),
        format_func=say,
        key="preset",
        on_change=take_preset,
        args=(model,),
        persist_state="session",
    )


def _variation() -> None:
    st.slider(
        say("How far from the image of seed {seed}", seed=st.session_state["around"]),
        0.0,
        1.0,
        step=0.05,
        key="distance",
        width=260,
        persist_state="session",
    )
    st.button(say("Leave it"), icon=":material/close:", on_click=stop_varying)


def _advance_seed(plan: Plan, count: int, again: bool) -> None:
    """Move on to the next seeds where something else has changed, or Draw was pressed; the plan is that of seed 0."""
    state = st.session_state
    changed = again or (plan, count) != state.get("planned", (plan, count))
    state["planned"] = plan, count
    if not changed:
        return
    state.pop("cancelled", None)
    if state["then"] == RANDOM:
        state["seed"] = random.randrange(MOST_SEED)
    elif state["then"] == NEXT:
        state["seed"] = (state["seed"] + count) % MOST_SEED


def _seed_input(place: Any) -> int:
    return int(place.number_input(say("Seed"), 0, MOST_SEED, key="seed", persist_state="session"))
