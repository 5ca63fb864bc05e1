"""The curves that TensorBoard shows."""

from __future__ import annotations

import threading

from noisette.store.events import EventReader
from noisette.training.curves import open_curves


def test_each_step_is_in_the_curves_once(trained):
    for tag in ("loss", "learning_rate", "gradient_norm"):
        assert [step for step, _ in trained.scalars(tag)] == list(range(1, 21))


def test_steps_that_are_taken_again_take_the_place_of_the_first(tmp_path):
    with open_curves(tmp_path, step=0) as curves:
        for step in range(1, 6):
            curves.add(step, {"loss": 1.0})
    with open_curves(tmp_path, step=3) as curves:
        curves.add(4, {"loss": 2.0})
    loss = EventReader(tmp_path).curves()["loss"]
    assert loss.steps.tolist() == [1, 2, 3, 4]
    assert loss.values.tolist() == [1.0, 1.0, 1.0, 2.0]


def test_another_process_than_the_first_writes_nothing(tmp_path):
    with open_curves(None, step=0) as curves:
        curves.add(1, {"loss": 1.0})
        curves.flush()
    assert list(tmp_path.iterdir()) == []


def test_the_hook_for_errors_of_threads_is_put_back(tmp_path):
    before = threading.excepthook
    with open_curves(tmp_path, step=0):
        assert threading.excepthook is not before
    assert threading.excepthook is before
