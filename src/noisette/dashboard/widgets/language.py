"""The language of the person who looks."""

from __future__ import annotations

import streamlit as st

from noisette.dashboard.services.translation import LANGUAGES, Message, translate


def language() -> str:
    """What the person chose, or else what the browser speaks, where there are words for it."""
    chosen = st.session_state.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    spoken = (st.context.locale or "en").split("-")[0]
    return spoken if spoken in LANGUAGES else "en"


def say(message: str | Message, /, **values: object) -> str:
    """An English text in the language of the person who looks; see `translate`."""
    return translate(message, language(), **values)
