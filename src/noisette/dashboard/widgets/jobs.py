"""Starting jobs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from noisette.dashboard.services.jobs import log_of
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import jobs
from noisette.errors import NoisetteError


def start_job(name: str, arguments: list[str], runs: Path) -> None:
    """Start `noisette ARGUMENTS`; why it cannot be started is told."""
    try:
        jobs().start(name, arguments, log_of(runs, name))
    except (NoisetteError, OSError) as error:
        st.error(as_markdown(error))
