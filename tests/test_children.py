"""Programs that are started run nothing that merely lies in the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from noisette import children
from noisette.dashboard.services.jobs import Jobs
from noisette.data.fetch import _pip_settings

SRC = str(Path(children.__file__).parents[1])
NAMES = ("pip", "streamlit", "torch", "numpy", "click", "typing", "sitecustomize", "noisette")
COMMAND = Path(sys.executable).parent / "noisette"


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A folder with modules that leave a file when they are run."""
    folder = tmp_path / "trap"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name + ' '!r})\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", SRC)
    return tmp_path


def ran(trap):
    return (trap / "ran").read_text().split() if (trap / "ran").exists() else []


@pytest.mark.parametrize("path", [SRC, f"{SRC}:", f":{SRC}", f":{SRC}::"])
def test_a_program_runs_nothing_of_the_current_folder(trap, monkeypatch, path):
    monkeypatch.setenv("PYTHONPATH", path)
    code = "import subprocess, sys, typing, click, noisette; subprocess.run([sys.executable, '-c', 'import click'])"
    done = subprocess.run(children.command("-c", code), env=children.environment(), check=False)
    assert (done.returncode, ran(trap)) == (0, [])


def test_the_trap_catches(trap):
    subprocess.run([sys.executable, "-c", "import click"], check=False)
    assert ran(trap) == ["click"]


def test_asking_pip_for_its_settings_runs_no_pip_of_the_current_folder(trap, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://extra/simple")
    assert _pip_settings()["extra-index-url"] == "http://extra/simple"
    assert ran(trap) == []


def test_a_job_of_the_dashboard_runs_nothing_of_the_current_folder(trap):
    job = Jobs().start("x", ["recipes"], trap / "log")
    assert job.process.wait(timeout=60) == 0
    assert (trap / "log").read_text().count("\n") > 3
    assert ran(trap) == []


@pytest.mark.parametrize("way", [[COMMAND], [sys.executable, "-P", "-m", "noisette"]], ids=["command", "module"])
def test_the_command_runs_nothing_of_the_current_folder(trap, way):
    done = subprocess.run([*way, "attributes", "digits"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, ran(trap)) == (0, "", [])


def test_started_as_a_module_it_takes_no_library_from_the_current_folder(trap):
    for name in ("typing", "noisette", "sitecustomize"):  # Python itself looks for these before it reads a line of ours
        (Path.cwd() / f"{name}.py").unlink()
    arguments = ["-m", "noisette", "data", "inspect", "sprites", "--count", "50", "--out", str(trap / "sheet.png")]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, ran(trap)) == (0, "", [])
