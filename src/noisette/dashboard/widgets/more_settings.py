"""The settings that few people need: all that the page does not lay out by hand."""

from __future__ import annotations

import streamlit as st

from noisette.config.sampling import SETTINGS
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import FORM, MOST_STRENGTH, settable, takes
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.setting_input import setting_input

BY_HAND = ("steps", "guidance")
"""Settings that stand elsewhere on the page."""


def more_settings(model: OpenModel) -> None:
    """Draw those that a model has, of the sampler and its like before those of guidance."""
    shown = [name for name in FORM if name not in BY_HAND and settable(name, model.generator)]
    of_guidance = [name for name in shown if SETTINGS[name].path[0] == "guidance"]
    sampler = st.session_state["sampler"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in shown:
            if name not in of_guidance:
                setting_input(model, name, disabled=not takes(sampler, name))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for name in of_guidance:
            setting_input(model, name)
        if settable("negative", model.generator):
            st.slider(
                say("Strength of negative attributes"),
                0.0,
                MOST_STRENGTH,
                step=0.05,
                key="strength",
                width=200,
                persist_state="session",
            )
