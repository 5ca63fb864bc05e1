"""What a training tells while it runs."""

from __future__ import annotations

import math

import pytest

import noisette
from noisette.store.run import Run
from noisette.training.budget import Budget
from noisette.training.curves import Curves
from noisette.training.reporting import Reporter
from noisette.training.state import State

from .helpers import Collecting


def reporter(folder, *, main=True):
    callback = Collecting()
    return Reporter(Run(folder), Curves(None), callback, Budget(steps=100), main=main), callback


@pytest.mark.slow
def test_a_callback_sees_progress_time_left_and_the_grids(tiny, tmp_path):
    callback = Collecting()
    noisette.train(tiny, out=tmp_path / "r", callback=callback)
    assert [info.step for info in callback.steps] == list(range(1, 21))
    assert callback.steps[-1].progress == 1
    assert callback.steps[-1].remaining == 0
    assert callback.grids == [(1, "epoch-0001.png"), (2, "epoch-0002.png"), (3, "epoch-0003.png")]


def test_the_time_left_follows_the_share_that_is_done(tmp_path):
    report, callback = reporter(tmp_path)
    report.step(State(step=0), 0)
    report.step(State(step=25, elapsed=10.0), 1)
    assert [info.remaining for info in callback.steps] == [math.inf, 30.0]
    assert [info.progress for info in callback.steps] == [0.0, 0.25]


def test_a_step_without_a_finite_loss_is_noted_and_left_out_of_the_average(tmp_path):
    report, callback = reporter(tmp_path)
    report.record(State(step=1), {"loss": 2.0}, 50.0, misses=0)
    report.record(State(step=2, skipped=1), {"loss": math.nan}, 50.0, misses=1)
    report.step(State(step=2, skipped=1), 1)
    assert callback.notes == ["step 2: the loss is not finite; the step was skipped (1 in a row)"]
    assert callback.steps[0].loss == 2.0


def test_the_first_process_alone_writes_the_status_and_without_steps_it_has_no_loss(tmp_path):
    report, _ = reporter(tmp_path, main=False)
    report.status("running", State(), 0, 0.0)
    assert not (tmp_path / "status.json").exists()
    report, _ = reporter(tmp_path)
    report.status("finished", State(step=7, skipped=2), 3, 1.0)
    status = Run(tmp_path).status
    assert (status["state"], status["step"], status["epoch"], status["skipped"]) == ("finished", 7, 3, 2)
    assert status["loss"] is None


def test_a_network_that_learned_its_images_by_heart_is_told_where_it_was_best(tmp_path):
    report, callback = reporter(tmp_path)
    for step, loss in enumerate([3.0, 2.0, 2.2, 2.3, 2.4]):
        report.held_out(State(step=10 * step), loss)
    report.step(State(step=41), 5)
    assert callback.steps[0].validation_loss == 2.4
    report.finished(State(step=50), 5)
    assert "lowest at step 10 (2.0000) and has risen to 2.4000" in callback.notes[0]
    assert Run(tmp_path).status["validation_loss"] == 2.4
