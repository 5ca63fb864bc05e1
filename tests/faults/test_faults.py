"""The disk refuses, or the power fails, at any moment: nothing is lost that was there, and the same command goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from .__main__ import start
from .shim import built, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(why_not() is not None, reason=f"this needs {why_not()}")]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return built(tmp_path_factory.mktemp("library"))


def test_whatever_writes_files_survives_each_fault_and_each_loss_of_power(library, tmp_path):
    command = [sys.executable, "-m", "tests.faults.files", str(tmp_path), "1500"]
    done = subprocess.run(
        command, env={**os.environ, "LD_PRELOAD": str(library)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    *wrong, tries = done.stdout.splitlines()
    assert wrong == []
    assert int(tries) > 1600


def told(library, folder, kind, *arguments):
    """What the harness found, and what it says of each scenario."""
    done = start(library, kind, folder, *arguments, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if "problems" in line], [line for line in lines if "tries" in line]


@pytest.mark.faults
def test_whichever_operation_fails_the_old_state_or_the_new_one_is_whole(library, tmp_path):
    found, ends = told(library, tmp_path, "failing", "--each", "1", "--fault", "EIO", "train", "export", "fetch")
    assert found == []
    assert all(end["tries"] > 15 for end in ends)


@pytest.mark.faults
def test_after_a_loss_of_power_all_is_there_that_was_said_to_be_saved(library, tmp_path):
    found, ends = told(library, tmp_path, "power", "--tries", "20", "train", "export", "generate")
    assert found == []
    assert all(end["different"] > 5 for end in ends)
