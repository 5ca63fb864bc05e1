"""The settings that few people need."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from noisette.config.names import SamplerName
from noisette.dashboard.services.drawing import SAMPLERS_WITH_CHURN
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import MOST_EXCLUSION, spacings
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.setting_state import current, key


def more_settings(form: AttributeForm) -> dict[str, Any]:
    """Draw the settings.

    Returns:
        Those of guidance and imputation, as `Choices.sampling` takes them.
    """
    model = form.model
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _sampler(model)
    if not model.generator.model.recipe.conditional:
        return {}
    scale_alone = model.generator.model.scaled  # a distilled model has learned guidance by its scale alone
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not scale_alone:
            _guidance()
        st.slider(
            say("Strength of negative attributes"),
            0.0,
            MOST_EXCLUSION,
            step=0.05,
            key="strength",
            width=200,
            persist_state="session",
        )
    if not scale_alone:
        st.text_input(
            say("Guidance scales of single attributes"),
            placeholder="Earring=3, hat=2",
            key=key(model, "weights"),
            persist_state="session",
            help=say("Instead of the guidance scale of the rest"),
        )
    st.toggle(
        say("Fill in what is left open"),
        key=key(model, "complete"),
        persist_state="session",
        help=say("With attributes that the data have together, sampled by the seed; else the network decides"),
    )
    state = st.session_state
    chosen = {
        "complete": current(model, "complete"),
        "excluded": dict.fromkeys(form.excluded, state["strength"]),
    }
    if not scale_alone:
        weights = _parse_weights(current(model, "weights"))
        chosen |= {"interval": state["interval"], "rescale": state["rescale"], "weights": weights}
    return chosen


def _sampler(model: OpenModel) -> None:
    state, generator = st.session_state, model.generator
    st.selectbox(say("Sampler"), get_args(SamplerName), key="sampler", width=140, persist_state="session")
    st.selectbox(
        say("Spacing"),
        spacings(generator),
        key="spacing",
        width=120,
        persist_state="session",
        help=say("Which timesteps the sampler visits"),
    )
    st.slider(
        say("Eta"),
        0.0,
        1.0,
        step=0.05,
        key="eta",
        persist_state="session",
        width=200,
        disabled=state["sampler"] != "ddim",
        help=say("Of ddim: 0 deterministic, 1 as random as ddpm"),
    )
    st.number_input(
        say("Churn"),
        0.0,
        key="churn",
        width=120,
        persist_state="session",
        disabled=state["sampler"] not in SAMPLERS_WITH_CHURN,
        help=say("Of euler and heun: noise that is added and taken away again"),
    )
    if generator.palette is not None:
        st.toggle(say("Only colours of the data"), key="palette", persist_state="session")


def _guidance() -> None:
    st.slider(
        say("Guidance interval"),
        0.0,
        1.0,
        step=0.05,
        key="interval",
        width=200,
        persist_state="session",
        help=say("Noise levels, sigma from 0 to 1, at which guidance works"),
    )
    st.slider(
        say("Guidance rescale"),
        0.0,
        1.0,
        step=0.05,
        key="rescale",
        width=200,
        persist_state="session",
        help=say("How much of the contrast that guidance adds is taken back"),
    )


def _parse_weights(text: str) -> dict[str, float]:
    """NAME=NUMBER, commas between; what is no number is left for the generator to refuse."""
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        try:
            found[name.strip() or number.strip()] = float(number)
        except ValueError:
            found[name.strip() or number.strip()] = number
    return found
