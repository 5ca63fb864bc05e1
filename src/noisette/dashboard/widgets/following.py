"""Following a drawing while it waits in the queue and becomes clear, with a button that cancels it."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from noisette.dashboard.services.draw_queue import Busy, Cancelled, DrawState, QueueEntry, Work
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import draw_queue
from noisette.dashboard.widgets.gallery import gallery
from noisette.dashboard.widgets.language import say
from noisette.errors import NoisetteError

_SOON = 0.4  # seconds after which a drawing says how long it takes, and can be cancelled
_OFTEN = 0.08  # seconds between two previews


def follow(name: str, work: Work, request: str) -> Any:
    """Put a drawing into the queue and show how it goes.

    A change of the form ends this script, and with it the drawing: nobody waits for it any more.

    Args:
        name: Of the drawing: who cancelled it is not asked to wait for it again.
        work: Draws.
        request: What is asked for, as a person writes it.

    Returns:
        What the work made; None, with the reason told, where it was cancelled or failed.
    """
    if st.session_state.get("cancelled") == name:
        st.info(say("Cancelled. Change something, or press Draw."))
        return None
    preview, row = st.empty(), st.empty()
    try:
        entry = draw_queue().add(work)
    except Busy as error:
        st.warning(as_markdown(error), icon=":material/hourglass:")
        return None
    try:
        _show_states(entry, name, request, preview, row)
        return entry.result()
    except Cancelled:
        return None
    except NoisetteError as error:
        st.error(as_markdown(error))
        return None
    finally:
        entry.cancel()
        row.empty()
        preview.empty()


def _show_states(entry: QueueEntry, name: str, request: str, preview: Any, row: Any) -> None:
    started, shown = time.monotonic(), 0.0
    bar = None
    for state in entry.states():
        now = time.monotonic()
        if state.preview is not None and now - shown > _OFTEN:
            shown = now
            preview.html(gallery(state.preview, [request] * len(state.preview), [""] * len(state.preview)))
        if now - started > _SOON:
            if bar is None:
                with row.container(horizontal=True, vertical_alignment="center"):
                    bar = st.empty()
                    st.button(say("Cancel"), icon=":material/stop:", key="cancel", on_click=_cancel, args=(name,))
            bar.progress(state.share, _told(state))
        else:
            st.session_state.get("model")  # a call at which Streamlit may end this script


def _told(state: DrawState) -> str:
    return say("{before} before yours", before=state.before) if state.before else say("drawing")


def _cancel(name: str) -> None:
    st.session_state["cancelled"] = name
