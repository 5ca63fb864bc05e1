"""What the package loads reports to nobody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def _drawn(tmp_path, **variables):
    """What a drawing with a shipped model leaves in a fresh home folder."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ORT_"))}
    environment = {**kept, "HOME": str(home), "NOISETTE_CACHE": str(tmp_path / "cache"), **variables}
    command = [sys.executable, "-m", "noisette", "generate", "digits", "--count", "1", "--steps", "1"]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True)
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


@pytest.mark.slow
def test_drawing_leaves_no_trace_in_a_fresh_home(tmp_path):
    assert _drawn(tmp_path) == []


def test_who_set_the_switch_has_their_way(tmp_path):
    code = "import noisette, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        == "0\n"
    )
