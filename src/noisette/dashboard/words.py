"""What the dashboard says, in the language of whoever looks: English, or what stands for it in words/LANGUAGE.toml."""

from __future__ import annotations

import sys
from functools import cache
from importlib import resources

import streamlit as st

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANGUAGES = {"en": "English", "fr": "Français"}


def language() -> str:
    """What was chosen, or else what the browser speaks, where there are words for it."""
    chosen = st.session_state.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    spoken = (st.context.locale or "en").split("-")[0]
    return spoken if spoken in LANGUAGES else "en"


def say(text: str, **values: object) -> str:
    """An English text in the language of whoever looks, with {values} in their places."""
    return words(language()).get(text, text).format(**values) if values else words(language()).get(text, text)


def plain(text: object) -> str:
    """A text from a file or a person without what Markdown would make of it.

    Pictures from elsewhere, links, formulas.
    """
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|:$~" else letter for letter in str(text))


@cache
def words(spoken: str) -> dict[str, str]:
    """All texts of a language by their English; none of English itself."""
    if spoken == "en":
        return {}
    return tomllib.loads(
        resources.files("noisette.dashboard").joinpath("words", f"{spoken}.toml").read_text(encoding="utf-8")
    )
