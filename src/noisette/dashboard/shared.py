"""What all sessions of a server share.

Each brings its heavy imports when it is first asked for: a page must not wait for PyTorch before it needs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from noisette.dashboard.services.jobs import Jobs

if TYPE_CHECKING:
    from noisette.dashboard.services.draw_queue import DrawQueue
    from noisette.dashboard.services.model_list import ListedModel
    from noisette.dashboard.services.open_model import OpenModel
    from noisette.store.events import EventReader


def model_of(listed: ListedModel) -> OpenModel:
    """A model of the list, loaded.

    Raises:
        NoisetteError: It cannot be loaded.
        OSError: Its files cannot be read.
    """
    return _loaded(listed.name, listed.step, listed.changed)


@st.cache_resource(max_entries=4, show_spinner=False)
def _loaded(name: str, step: int, changed: float) -> OpenModel:
    """Step and time of change are part of the key: a run that went on is loaded anew."""
    from noisette.dashboard.services.open_model import open_model

    return open_model(name)


@st.cache_resource
def draw_queue() -> DrawQueue:
    """The one queue of this server."""
    from noisette.dashboard.services.draw_queue import DrawQueue

    return DrawQueue()


@st.cache_resource
def jobs() -> Jobs:
    """The jobs that this server started."""
    return Jobs()


@st.cache_resource(max_entries=64)
def event_reader(metrics: str) -> EventReader:
    """The reader of a folder of metrics, which reads each event once."""
    from noisette.store.events import EventReader

    return EventReader(Path(metrics))
