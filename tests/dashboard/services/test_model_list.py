"""The list of models and runs."""

from __future__ import annotations

from noisette.dashboard.services.model_list import find_model, list_models


def test_a_name_from_a_browser_never_becomes_a_path(runs):
    assert find_model("/etc", list_models(runs)) is None
    assert find_model(f"{runs}/../{runs.name}/plain", list_models(runs)) is None
