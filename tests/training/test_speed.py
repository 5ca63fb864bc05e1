"""Precision, layout and compilation are chosen by measuring."""

from __future__ import annotations

import torch

from noisette.config.recipe import parse_recipe
from noisette.model import assemble
from noisette.training.speed import choose

from ..conftest import TINY


def test_a_long_training_is_compiled_where_that_is_faster_and_not_where_it_cannot_be(monkeypatch):
    """Without the minute that a compilation takes: what comes in its place is faster, or fails."""
    recipe = parse_recipe(TINY, source="t", overrides=['training.compile="auto"'])
    model = assemble(recipe)
    measured = {}

    def rates(model, candidates, *arguments):
        if measured["fails"] and any(each.compiled for each in candidates):
            raise RuntimeError("no compiler")
        return {each: 200.0 if each.compiled else 100.0 for each in candidates}

    monkeypatch.setattr("noisette.training.speed._measure", rates)
    for fails, lasts, compiled in ((False, 3600.0, True), (False, 60.0, False), (True, 3600.0, False)):
        measured["fails"] = fails
        settings, told = choose(
            model,
            6,
            torch.device("cpu"),
            seconds=lambda rate, lasts=lasts: lasts,
        )
        assert settings.compiled is compiled
        assert (told.get("float32, contiguous, compiled") == 0.0) is fails
