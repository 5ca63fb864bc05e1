"""The last pictures of this session."""

from __future__ import annotations

import streamlit as st

from noisette.dashboard.services.drawing import Picture
from noisette.dashboard.services.model_list import ListedModel
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.widgets.gallery import gallery
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.restoring import restore_or_tell

_KEPT = 12


def remember(picture: Picture) -> None:
    """Put a picture before all others, in the place of one of the same plan."""
    others = [old for old in st.session_state.get("history", []) if old.plan != picture.plan]
    st.session_state["history"] = [picture, *others][:_KEPT]


def history(models: list[ListedModel]) -> None:
    """The pictures, each to be gone back to.

    Args:
        models: Those that can draw them.
    """
    kept: list[Picture] = st.session_state.get("history", [])
    if len(kept) < 2:
        return
    opened = st.expander(say("History"), icon=":material/history:", key="history-open", on_change="rerun")
    if not opened.open:
        return
    with opened, st.container(horizontal=True):
        for number, picture in enumerate(kept):
            with st.container(width=120, key=f"past-{number}"):
                st.html(gallery(picture.images[:1], [picture.request], [""]))
                st.button(
                    as_markdown(picture.request)[:40] or say("nothing asked"),
                    key=f"past/{number}",
                    on_click=restore_or_tell,
                    args=(picture.plan, models),
                    help=f"{say('Back to this one')}: {say('seed')} {picture.plan.seeds[0]}",
                    type="tertiary",
                )
