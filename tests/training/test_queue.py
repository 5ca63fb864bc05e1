"""One training at a time: queue entries of real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

import noisette
from noisette.config.recipe import parse_recipe
from noisette.training.queue import entry_of, queue_entries, slot

from ..conftest import TINY


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))


def holder(run, *, wait, until):
    """A process that joins the queue, appends its run to a file when it has the slot, and keeps the slot until a file is there."""
    code = f"""
import time
from pathlib import Path
from noisette.training.queue import slot
with slot(Path({str(run)!r}), wait={wait}, note=print):
    with open({str(until.parent / "order")!r}, "a") as file:
        file.write({run.name!r} + "\\n")
    while not Path({str(until)!r}).exists():
        time.sleep(0.02)
"""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def eventually(true):
    for _ in range(1500):
        if true():
            return
        time.sleep(0.02)
    pytest.fail("it never became true")


@pytest.mark.slow
def test_they_run_in_the_order_in_which_they_came(tmp_path):
    processes = []
    for number in range(3):
        processes.append(holder(tmp_path / f"run{number}", wait=True, until=tmp_path / f"done{number}"))
        eventually(lambda: len(queue_entries()) == len(processes))
    eventually(lambda: queue_entries()[0].running)
    assert [entry.run.name for entry in queue_entries()] == ["run0", "run1", "run2"]
    assert [entry.running for entry in queue_entries()] == [True, False, False]
    processes[1].kill()  # while it waits
    processes[1].wait(timeout=30)
    eventually(lambda: len(queue_entries()) == 2)
    (tmp_path / "done0").touch()
    eventually(lambda: entry_of(tmp_path / "run2").running)
    (tmp_path / "done2").touch()
    said = [process.communicate(timeout=30)[0] for process in processes]
    assert (tmp_path / "order").read_text().split() == ["run0", "run2"]
    assert "waiting for" in said[2]
    assert queue_entries() == []


def test_a_killed_training_gives_its_slot_back(tmp_path):
    process = holder(tmp_path / "one", wait=True, until=tmp_path / "never")
    eventually(lambda: queue_entries() and queue_entries()[0].running)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with slot(tmp_path / "two", wait=True, note=pytest.fail):
        assert [entry.run.name for entry in queue_entries()] == ["two"]


def test_one_that_does_not_wait_begins_beside_the_other_and_says_so(tmp_path):
    notes = []
    with slot(tmp_path / "one", wait=False, note=notes.append):
        assert notes == []
        with slot(tmp_path / "two", wait=False, note=notes.append):
            assert len(queue_entries()) == 2
    assert len(notes) == 1
    assert "--queue" in notes[0]
    assert queue_entries() == []


def test_a_training_has_a_queue_entry(tmp_path):
    seen = []

    class Looks:
        def on_step(self, info):
            seen.extend(queue_entries())

        def on_note(self, text): ...

        def on_samples(self, epoch, path): ...

    noisette.train(
        parse_recipe(TINY, source="t", overrides=["training.steps=2"]),
        out=tmp_path / "run",
        queue=True,
        callback=Looks(),
    )
    assert seen[0].run == tmp_path / "run"
    assert seen[0].running
    assert queue_entries() == []
