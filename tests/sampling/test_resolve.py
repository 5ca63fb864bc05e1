"""Settings are resolved against a model: what was given, else the preset, else the recipe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.config.recipe import load_recipe
from noisette.config.sampling import SETTINGS, SWEPT, SamplingSettings, merged
from noisette.diffusion.registry import OWNED, SAMPLERS, samplers_for
from noisette.errors import RequestError
from noisette.inference.loading import planner_of
from noisette.sampling.resolve import nfe, resolve
from noisette.store.locate import locate


def capabilities(name):
    bundle = locate(name)
    return planner_of(bundle, bundle.weights()).capabilities


PUNKS, DIGITS = capabilities("punks"), capabilities("digits")
MASKED = replace(
    PUNKS,
    name="masked",
    presets=None,
    recipe=load_recipe(
        "punks-attributes",
        ["diffusion.schedule=masked", "diffusion.time_power=1", "sampling.sampler=unmask", "network.colour_width=16"],
    ),
)
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "sampler": st.sampled_from(samplers_for("cosine")),
        "steps": st.integers(1, 25),
        "spacing": st.sampled_from(["time", "log-snr", "karras"]),
        "guidance": st.floats(0, 5),
        "interval": st.tuples(st.floats(0, 0.5), st.floats(0.5, 1)),
        "rescale": st.floats(0, 1),
        "negative": st.dictionaries(st.sampled_from(["Earring", "Cigarette", "beard=Goat"]), st.floats(0, 2)),
        "impute": st.booleans(),
        "palette": st.booleans(),
    },
)
PRESET = st.sampled_from([None, "fast", "balanced", "best"])


@given(GIVEN, PRESET)
def test_what_is_resolved_is_whole_and_resolves_to_itself(given_, preset):
    once = resolve(SamplingSettings.of(**given_), PUNKS, preset)
    assert all(setting.given(once) for setting in SETTINGS.values())
    assert resolve(once, PUNKS) == once


@given(GIVEN, PRESET)
def test_what_is_given_wins_over_the_preset_and_that_over_the_recipe(given_, preset):
    resolved = resolve(SamplingSettings.of(**given_), PUNKS, preset)
    for name in SWEPT:
        if name in given_:
            assert SETTINGS[name].of(resolved) == given_[name]
        elif name not in OWNED:
            usual = PUNKS.recipe.sampling
            if preset is not None:
                usual = merged(usual, PUNKS.presets.named(preset).settings)
            assert SETTINGS[name].of(resolved) == SETTINGS[name].of(usual)


@given(GIVEN)
def test_settings_go_through_json_and_their_flat_names_unchanged(given_):
    resolved = resolve(SamplingSettings.of(**given_), PUNKS)
    assert SamplingSettings.model_validate_json(resolved.model_dump_json()) == resolved
    assert SamplingSettings.of(**{name: value for name, value in resolved.flat().items() if name != "times"}) == (
        resolved.model_copy(update={"times": ()})
    )


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("setting", OWNED)
def test_a_setting_of_one_sampler_is_taken_by_it_and_refused_by_any_other(sampler, setting):
    value = 1 if SETTINGS[setting].kind is int else 0.5
    settings = SamplingSettings.of(sampler=sampler, steps=5, **{setting: value})
    model = MASKED if sampler in samplers_for("masked") else DIGITS
    if setting in SAMPLERS[sampler].takes:
        assert SETTINGS[setting].of(resolve(settings, model)) == value
    else:
        with pytest.raises(RequestError, match=rf"{setting} is a setting of .*; {sampler} has none"):
            resolve(settings, model)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ("digits", {"sampler": "unmask"}, "digits noises pixels, and unmask does not; draw by ddim or ddpm or"),
        ("masked", {"sampler": "ddim"}, "masked hides pixels, and ddim does not; draw by unmask"),
        ("masked", {"spacing": "karras"}, "masked hides pixels, so it has no noise levels to space"),
        ("masked", {"interval": (0.2, 1.0)}, "leave spacing and interval out"),
    ],
)
def test_a_model_is_drawn_with_samplers_of_its_kind(model, settings, message):
    with pytest.raises(RequestError, match="^[^\n]+$") as refused:
        resolve(SamplingSettings.of(**settings), {"digits": DIGITS, "masked": MASKED}[model])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be 1 or more, not 0"),
        ({"sampler": "dimm"}, 'no sampler "dimm"; nearest: ddim'),
        ({"stepz": 3}, 'no setting "stepz"; nearest: steps'),
        ({"guidance": float("nan")}, "guidance must lie between 0 and"),
        ({"negative": {"Earing": 0.3}}, 'no attribute "Earing"; nearest: Earring'),
        ({"palette": "yes"}, "palette is True or False, not 'yes'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(settings, message):
    with pytest.raises(RequestError, match="^[^\n]+$") as refused:
        resolve(SamplingSettings.of(**settings), PUNKS)
    assert message in str(refused.value)


def test_a_model_without_a_palette_or_presets_says_so():
    with pytest.raises(RequestError, match="digits knows no palette"):
        resolve(SamplingSettings.of(palette=True), DIGITS)
    with pytest.raises(RequestError, match='no preset "fats"; nearest: fast'):
        resolve(SamplingSettings(), DIGITS, "fats")


def test_guidance_doubles_the_cost_and_the_second_order_of_heun_too():
    plain = resolve(SamplingSettings.of(sampler="ddim", steps=10, guidance=1), DIGITS)
    assert nfe(plain, DIGITS.recipe) == 10
    assert nfe(plain.changed(guidance=2), DIGITS.recipe) == 20
    assert nfe(plain.changed(sampler="heun"), DIGITS.recipe) == 19
