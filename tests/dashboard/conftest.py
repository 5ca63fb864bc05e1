from __future__ import annotations

import pytest

import noisette
from noisette.config.recipe import parse_recipe

from ..conftest import CONDITIONAL, TINY


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """A folder with a run of avatars by their attributes, and a plain one."""
    folder = tmp_path_factory.mktemp("runs")
    noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=["dataset.count=400", "training.steps=4"]),
        out=folder / "avatars",
    )
    noisette.train(parse_recipe(TINY, source="t", overrides=["training.steps=4"]), out=folder / "plain")
    return folder


@pytest.fixture(scope="session")
def avatars(runs):
    return noisette.load(runs / "avatars")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A queue, and classifiers, of its own."""
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
