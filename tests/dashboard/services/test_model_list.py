"""The list of models and runs."""

from __future__ import annotations

from noisette.dashboard.services.model_list import find_drawer, find_model, list_models
from noisette.store.run import Run


def test_a_name_from_a_browser_never_becomes_a_path(runs):
    assert find_model("/etc", list_models(runs)) is None
    assert find_model(f"{runs}/../{runs.name}/plain", list_models(runs)) is None


def test_what_a_training_says_of_itself_is_read_once(avatars, runs, monkeypatch):
    read = []
    status = Run.status.fget
    monkeypatch.setattr(Run, "status", property(lambda run: read.append(run.name) or status(run)))
    listed = list_models(runs)
    assert find_model(avatars.name, listed).state == "finished"
    assert sorted(read) == sorted(model.name for model in listed if model.trains)


def test_what_drew_a_picture_is_found_by_its_weights_and_else_by_its_name(runs, avatars):
    models = list_models(runs)
    plan = avatars.plan(seeds=[1])
    moved = plan.model_copy(update={"run": "/somewhere/else/plain"})
    assert find_drawer(moved, models).name == avatars.name
    other = moved.model_copy(update={"weights": "0" * 64})
    assert find_drawer(other, models).name == str(runs / "plain")
    assert find_drawer(other.model_copy(update={"run": "nothing"}), models) is None
