"""Names of models are known in one place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from noisette.errors import RequestError
from noisette.store.locate import bundles, find, locate

OLD = Path(__file__).parents[1] / "data" / "run-of-0.1"


def test_a_model_that_ships_and_a_run_are_the_same_kind_of_thing(tmp_path):
    run = shutil.copytree(OLD, tmp_path / "mine")
    for bundle in (locate("punks"), locate(run), locate(str(run))):
        assert bundle.recipe.conditional
        assert bundle.schema.attributes
        assert bundle.statistics.images > 0
        weights = bundle.weights()
        assert (len(weights.sha256), weights.step > 0) == (64, True)
        assert weights.tensors().keys()


def test_a_folder_wins_over_a_model_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert locate("digits").state == locate("punks").state  # an empty folder is no run
    (tmp_path / "digits").rmdir()
    shutil.copytree(OLD, tmp_path / "digits")
    assert locate("digits").folder == Path("digits")
    assert locate("digits").recipe.dataset.name == "sprites"


def test_what_is_nowhere_is_told_with_what_there_is(tmp_path):
    with pytest.raises(RequestError, match="no folder punk.*nearest: punks.*digits, punks"):
        locate("punk")
    with pytest.raises(RequestError, match="is the folder that `noisette train` made"):
        locate(tmp_path)
    with pytest.raises(RequestError, match="not None"):
        locate(None)
    assert find("punk") is None


def test_all_there_is_are_the_models_that_ship_and_then_the_runs_newest_first(tmp_path):
    for name in ("old", "new"):
        shutil.copytree(OLD, tmp_path / name)
    (tmp_path / "new" / "status.json").touch()
    (tmp_path / "notes").mkdir()
    assert [bundle.name for bundle in bundles(tmp_path)] == [
        "digits",
        "punks",
        *map(str, (tmp_path / "new", tmp_path / "old")),
    ]
    assert [bundle.name for bundle in bundles(tmp_path / "nowhere")] == ["digits", "punks"]
