"""Our reader of events against TensorBoard's own."""

from __future__ import annotations

import shutil
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from noisette.store import events
from noisette.store.events import EventReader


def as_tensorboard_reads(folder):
    found = EventAccumulator(str(folder), size_guidance={SCALARS: 0})
    found.Reload()
    return {
        tag: [(event.step, event.wall_time, event.value) for event in found.Scalars(tag)]
        for tag in found.Tags()["scalars"]
    }


def as_we_read(reader):
    return {
        tag: list(zip(curve.steps.tolist(), curve.times.tolist(), curve.values.tolist(), strict=True))
        for tag, curve in reader.curves().items()
    }


POINTS = st.lists(
    st.tuples(
        st.sampled_from(["loss", "learning_rate", "x" * 100, "é"]),
        st.floats(width=32, allow_nan=False),
        st.integers(0, 2**40),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=50)
@given(points=POINTS, resumed=POINTS, start=st.integers(0, 2**21))
def test_it_reads_what_tensorboard_reads(tmp_path_factory, points, resumed, start):
    folder = tmp_path_factory.mktemp("metrics")
    for part, (these, purge) in enumerate([(points, None), (resumed, start)]):
        with SummaryWriter(folder, purge_step=purge, filename_suffix=f".{part}") as writer:
            # In the order of their steps, as a training takes them.
            for tag, value, step in sorted(these, key=lambda each: each[2]):
                if purge is None or step >= purge:
                    writer.add_scalar(tag, value, step, walltime=1e9 + part * 1e6 + step)
            writer.add_image("samples", np.zeros((3, 8, 8), np.uint8), 1)
    # The second file is the later one, whatever second both were made in.
    for place, file in enumerate(sorted(folder.iterdir(), key=lambda file: file.name[-1])):
        file.rename(folder / f"events.out.tfevents.{place:010d}.test")
    assert as_we_read(EventReader(folder)) == {
        tag: found for tag, found in as_tensorboard_reads(folder).items() if found
    }


def test_across_chunks_and_with_what_is_not_finite(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "_CHUNK", 101)
    with SummaryWriter(tmp_path) as writer:
        for step in range(200):
            writer.add_scalar("loss", float("nan") if step == 7 else float("inf") if step == 8 else step / 3, step)
    curve = EventReader(tmp_path).curves()["loss"]
    assert curve.steps.tolist() == list(range(200))
    assert np.isnan(curve.values[7])
    assert np.isinf(curve.values[8])
    assert curve.values[9] == np.float32(3)


def test_it_reads_on_while_a_training_writes(tmp_path):
    reader = EventReader(tmp_path)
    assert reader.curves() == {}
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", step, step)
            writer.flush()
            assert reader.curves()["loss"].values.tolist() == list(range(step + 1))


def test_half_a_record_is_read_when_it_is_whole(tmp_path):
    with SummaryWriter(tmp_path / "whole") as writer:
        writer.add_scalar("loss", 1.0, 1)
        writer.add_scalar("loss", 2.0, 2)
    [whole] = (tmp_path / "whole").iterdir()
    part = tmp_path / "part" / whole.name
    part.parent.mkdir()
    data = whole.read_bytes()
    reader = EventReader(part.parent)
    seen = []
    for length in range(len(data) + 1):
        part.write_bytes(data[:length])
        seen.append(len(reader.curves().get("loss", np.zeros(0)).steps) if "loss" in reader.curves() else 0)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 2)


@pytest.mark.parametrize("damage", [b"", b"\xff" * 200, b"\0" * 200, b"not events at all, but text\n" * 20])
def test_a_damaged_file_is_no_error(tmp_path, damage):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", 1.0, 1)
    [file] = tmp_path.iterdir()
    file.write_bytes(damage + file.read_bytes())
    EventReader(tmp_path).curves()
    file.write_bytes(file.read_bytes()[len(damage) :] + damage)
    assert EventReader(tmp_path).curves()["loss"].values.tolist() == [1.0]


def test_a_run_that_is_deleted_and_made_anew(tmp_path):
    reader = EventReader(tmp_path / "metrics")
    for value in (1.0, 2.0):
        with SummaryWriter(tmp_path / "metrics") as writer:
            writer.add_scalar("loss", value, 1)
        assert reader.curves()["loss"].values.tolist() == [value]
        shutil.rmtree(tmp_path / "metrics")
        assert reader.curves() == {}
        time.sleep(0.01)
