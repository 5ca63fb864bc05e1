"""The dashboard: `noisette dashboard`, or `streamlit run streamlit_dashboard.py`."""

from __future__ import annotations

import argparse
import sys
import threading
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from noisette.dashboard.server import ask_nobody
from noisette.dashboard.services.translation import LANGUAGES
from noisette.dashboard.widgets.language import language, say

_HAZELNUT = """
...gg...
..gggg..
.gbbbbg.
bbbbbbbb
bdbbbbwb
bddbbbbb
.bddbbb.
..bbbb..
"""
_COLOURS = {
    ".": (0, 0, 0, 0),
    "g": (112, 140, 72, 255),
    "b": (168, 110, 58, 255),
    "d": (120, 74, 36, 255),
    "w": (226, 190, 140, 255),
}


def _icon() -> Image.Image:
    """A hazelnut. An icon by name would be fetched from elsewhere."""
    rows = _HAZELNUT.split()
    pixels = np.array([[_COLOURS[letter] for letter in row] for row in rows], dtype=np.uint8)
    return Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST)


# Modules of `views`, imported when they are first opened: the first page must not wait for PyTorch.
_PAGES = {
    "home": ("Home", ":material/home:"),
    "watch": ("Watch", ":material/monitoring:"),
    "train": ("Train", ":material/model_training:"),
    "generate": ("Generate", ":material/brush:"),
    "results": ("Results", ":material/table_chart:"),
}

_STYLE = """<style>
.stMainBlockContainer { padding-top: 3rem; padding-bottom: 3rem; }
img { image-rendering: pixelated; }
</style>"""


@st.cache_resource
def _warm() -> None:
    """Import what the other pages need while the first is looked at."""

    def load() -> None:
        for name in ("watch", "generate"):
            import_module(f"noisette.dashboard.views.{name}")

    threading.Thread(target=load, daemon=True).start()


def _page(name: str, runs: Path) -> None:
    import_module(f"noisette.dashboard.views.{name}").page(runs)


def main() -> None:
    """Draw the page that is chosen."""
    ask_nobody()  # where Streamlit was started without our server
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    runs: Path = parser.parse_known_args(sys.argv[1:])[0].runs
    st.set_page_config(page_title="Noisette", page_icon=_icon(), layout="wide")
    st.html(_STYLE)
    pages = [
        st.Page(partial(_page, name, runs), title=say(title), icon=icon, url_path=name, default=name == "home")
        for name, (title, icon) in _PAGES.items()
    ]
    chosen = st.navigation(pages)
    st.session_state.setdefault("language", language())
    st.sidebar.selectbox(
        say("Language"), list(LANGUAGES), format_func=lambda each: LANGUAGES.get(each, each), key="language"
    )
    chosen.run()
    _warm()


if __name__ == "__main__":
    main()
