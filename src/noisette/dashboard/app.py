"""The dashboard: `noisette dashboard`, or `streamlit run streamlit_dashboard.py`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from noisette.dashboard import generate, home, watch
from noisette.dashboard.words import LANGUAGES, language, say

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
_COLOURS = {".": (0, 0, 0, 0), "g": (112, 140, 72, 255), "b": (168, 110, 58, 255), "d": (120, 74, 36, 255), "w": (226, 190, 140, 255)}


def _icon() -> Image.Image:
    """A hazelnut. An icon by name would be fetched from elsewhere."""
    rows = _HAZELNUT.split()
    pixels = np.array([[_COLOURS[letter] for letter in row] for row in rows], dtype=np.uint8)
    return Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST)


def main() -> None:
    """Draw the page that is chosen."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    runs: Path = parser.parse_known_args(sys.argv[1:])[0].runs
    st.set_page_config(page_title="Noisette", page_icon=_icon(), layout="wide")
    chosen = st.navigation(
        [
            st.Page(lambda: home.page(runs), title=say("Home"), icon=":material/home:", url_path="home", default=True),
            st.Page(lambda: watch.page(runs), title=say("Watch"), icon=":material/monitoring:", url_path="watch"),
            st.Page(lambda: generate.page(runs), title=say("Generate"), icon=":material/brush:", url_path="generate"),
        ]
    )
    st.session_state.setdefault("language", language())
    st.sidebar.selectbox(say("Language"), list(LANGUAGES), format_func=lambda each: LANGUAGES.get(each, each), key="language")
    chosen.run()


if __name__ == "__main__":
    main()
