"""How a picture is drawn: seeds, preset, guidance; with what is ticked they make the request."""

from __future__ import annotations

import random
from typing import Any

import streamlit as st

from noisette.dashboard.services.drawing import build
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import MOST_IMAGES, MOST_SEED, guidance_range, most_steps, presets
from noisette.dashboard.services.translation import plain
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.more_settings import more_settings
from noisette.dashboard.widgets.setting_state import (
    FIXED,
    NEXT,
    RANDOM,
    current,
    key,
    prepare,
    stop_varying,
    take_preset,
)
from noisette.errors import RequestError
from noisette.inference.request import Request


def settings(form: AttributeForm) -> Request | None:
    """Draw the settings.

    Returns:
        The request that they and the attribute form make; None, with the reason told, where it cannot be.
    """
    model, state = form.model, st.session_state
    asked, recipe = form.asked, model.generator.model.recipe
    guided = bool(asked) and recipe.conditional and recipe.condition.drop_all > 0
    prepare(model)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = st.container(width=130)
        again = _images()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _preset_and_guidance(model, guided)
    if state.get("around") is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _variation()
    with st.expander(say("More settings"), key="more"):
        more = more_settings(form)
    chosen = {
        "sampler": state["sampler"],
        "steps": int(state["steps"]),
        "eta": state["eta"],
        "spacing": state["spacing"],
        "churn": state["churn"],
        "guidance": current(model, "guidance") if guided else None,
        **more,
    }
    try:
        request, notes = build(
            model.generator,
            model.name,
            asked,
            chosen,
            palette=state["palette"],
            around=(state["around"], state["distance"]) if state.get("around") is not None else None,
        )
    except RequestError as error:
        _seed_input(seeds)
        st.warning(plain(error), icon=":material/block:")
        return None
    for note in notes:
        st.caption(plain(note))
    count = int(state["count"])
    _advance_seed(request, count, again)
    seed = _seed_input(seeds)
    return request.model_copy(update={"seeds": tuple(range(seed, seed + count))})


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


def _preset_and_guidance(model: OpenModel, guided: bool) -> None:
    generator = model.generator
    distilled = generator.model.scaled
    st.segmented_control(
        say("Preset"),
        list(presets(generator)),
        format_func=say,
        key="preset",
        on_change=take_preset,
        args=(model,),
        persist_state="session",
    )
    st.number_input(
        say("Steps"),
        1,
        most_steps(generator),
        key="steps",
        width=120,
        persist_state="session",
        help=(
            say("Network evaluations of an image")
            if distilled
            else say("Network evaluations of an image; guidance doubles them")
        ),
    )
    st.slider(
        say("Guidance"),
        *guidance_range(generator),
        step=0.1,
        key=key(model, "guidance"),
        width=260,
        disabled=not guided,
        persist_state="session",
        help=(
            say(
                "Guidance scale: how strongly the request is followed. This distilled model takes any at the same cost."
            )
            if distilled
            else say("Guidance scale: how strongly the request is followed. 1 disables guidance and halves the cost.")
        ),
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


def _advance_seed(request: Request, count: int, again: bool) -> None:
    """Move on to the next seeds where something else has changed, or Draw was pressed."""
    state = st.session_state
    changed = again or (request, count) != state.get("requested", (request, count))
    state["requested"] = request, count
    if not changed:
        return
    state.pop("cancelled", None)
    if state["then"] == RANDOM:
        state["seed"] = random.randrange(MOST_SEED)
    elif state["then"] == NEXT:
        state["seed"] = (state["seed"] + count) % MOST_SEED


def _seed_input(place: Any) -> int:
    return int(place.number_input(say("Seed"), 0, MOST_SEED, key="seed", persist_state="session"))
