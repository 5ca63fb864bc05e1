"""The table of presets is a file of settings, of this version or the one before."""

from __future__ import annotations

import json

from noisette.config.sampling import SamplingSettings
from noisette.inference.loading import planner_of
from noisette.sampling.presets import FILE, OLD_FILE, Preset, Presets, read_presets
from noisette.store.locate import locate

FITTED = {1: (1.0,), 2: (1.0, 0.4)}


def table(**settings):
    preset = Preset(settings=SamplingSettings.of(**settings), nfe=2, figures={"pixel_accuracy.pixels": 0.99})
    return Presets(weights="ab", requests="4 of train", fast=preset, balanced=preset, best=preset, fitted=FITTED)


def test_a_file_holds_what_was_given_and_the_recipe_says_the_rest(tmp_path):
    (tmp_path / FILE).write_text(table(sampler="ddim", steps=2).to_json())
    found, notes = read_presets(tmp_path, "ab")
    assert notes == ()
    assert found.fast.settings.flat(given=True) == {"sampler": "ddim", "steps": 2}


def test_a_table_of_other_weights_is_none(tmp_path):
    (tmp_path / FILE).write_text(table(steps=2).to_json())
    assert read_presets(tmp_path, "cd") == (None, ())


def test_the_file_of_version_0_1_is_read_where_there_is_no_other(tmp_path):
    preset = {"sampler": "unipc", "steps": 6, "spacing": "fitted", "guidance": 2.0, "evaluations": 12, "figures": {}}
    old = {"weights": "ab", "requests": "x", "fast": preset, "balanced": preset, "best": preset, "fitted": FITTED}
    (tmp_path / OLD_FILE).write_text(json.dumps(old))
    found, _ = read_presets(tmp_path, "ab")
    assert (found.fast.settings.sampler, found.fast.settings.guidance.scale, found.fast.nfe) == ("unipc", 2.0, 12)
    (tmp_path / FILE).write_text(table(steps=2).to_json())
    assert read_presets(tmp_path, "ab")[0].fast.settings.steps == 2


def test_a_damaged_table_is_left_with_a_note(tmp_path):
    (tmp_path / FILE).write_text('{"weights": 3}')
    found, (note,) = read_presets(tmp_path, "ab")
    assert found is None
    assert "noisette tune" in note


def test_a_preset_of_a_model_that_ships_leaves_to_the_recipe_what_it_does_not_say():
    bundle = locate("punks")
    planner = planner_of(bundle, bundle.weights())
    assert planner.resolve(preset="fast").impute
    assert not planner.resolve(SamplingSettings.of(impute=False), "fast").impute
