"""What the package loads reports to nobody, by whatever way in. Who talks to whom is watched in tests/e2e."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from noisette.files.cache import keep_libraries_in_cache
from noisette.telemetry import SWITCHES, switch_off

WAYS_IN = [
    "noisette",
    "noisette.__main__",
    "noisette.cli",
    "noisette.cli.demo",
    "noisette.dashboard.app",
    "noisette.dashboard.server",
]


@pytest.mark.parametrize("module", WAYS_IN)
def test_every_way_in_sets_the_switches_before_a_library_is_loaded(module):
    """A library that is imported before them shows: the hook tells which switches were set then."""
    code = f"""
import importlib.abc, os, runpy, sys
class Watching(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name in ("onnxruntime", "streamlit", "accelerate", "huggingface_hub", "torch", "matplotlib"):
            missing = [each for each in {list(SWITCHES)!r} if each not in os.environ]
            print(name, missing, "MPLCONFIGDIR" in os.environ, file=sys.stderr)
            raise SystemExit(bool(missing))
sys.meta_path.insert(0, Watching())
sys.argv = [{module!r}, "--help"]
try:
    runpy.run_module({module!r}) if "__main__" in {module!r} else __import__({module!r})
except SystemExit as left:
    if left.code:
        raise
assert not [each for each in {list(SWITCHES)!r} if each not in os.environ]
"""
    kept = {name: value for name, value in os.environ.items() if name not in (*SWITCHES, "MPLCONFIGDIR")}
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_who_set_a_switch_has_their_way(monkeypatch):
    for name in SWITCHES:
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    switch_off()
    keep_libraries_in_cache()
    assert {os.environ[name] for name in (*SWITCHES, "MPLCONFIGDIR")} == {"mine"}


@pytest.mark.parametrize("used", [True, False])
def test_who_has_settings_of_matplotlib_keeps_them(monkeypatch, tmp_path, used):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MPLCONFIGDIR", "x")  # so that what is set here goes with the test
    monkeypatch.delenv("MPLCONFIGDIR")
    if used:
        (tmp_path / ".config" / "matplotlib").mkdir(parents=True)
    keep_libraries_in_cache()
    assert os.environ.get("MPLCONFIGDIR") == (None if used else str(tmp_path / "cache" / "matplotlib"))
