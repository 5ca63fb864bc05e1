"""The settings of a drawing in the session: where they stand, what they are at first, and from a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_origin

import streamlit as st

from noisette.config.names import VARIATION
from noisette.config.sampling import SETTINGS
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import (
    FORM,
    MOST_SEED,
    default_sampler,
    default_settings,
    matching_preset,
    presets,
    within,
)
from noisette.dashboard.services.restoring import Restored
from noisette.dashboard.widgets.attribute_form import AttributeForm

FIXED, RANDOM, NEXT = "fixed", "random", "+1"
"""Seeds of the next drawing."""
_OF_MODEL = ("guidance", "impute", *(name for name, setting in SETTINGS.items() if get_origin(setting.kind) is dict))
"""Settings that each model has for itself; among them those that name its attributes."""


def key(model: OpenModel, setting: str) -> str:
    """Where a setting stands in the session."""
    return f"{model.name}/{setting}" if setting in _OF_MODEL else setting


def current(model: OpenModel) -> dict[str, Any]:
    """What stands in all settings, by their names."""
    return {name: st.session_state[key(model, name)] for name in default_settings(model.generator)}


def put(model: OpenModel, settings: Mapping[str, Any]) -> None:
    """Put values into settings, before they are shown."""
    st.session_state.update({key(model, setting): value for setting, value in settings.items()})


def prepare(model: OpenModel) -> None:
    """Fill the settings that nobody has set, and bring the others within what the model allows."""
    state, generator = st.session_state, model.generator
    chosen: str | None = state.get("preset")
    distilled = generator.model.recipe.distillation is not None
    if state.get("set_for") != model.name and (chosen is not None or distilled):
        # The model before had its settings by a preset, and not by hand; a distilled model has its own.
        put(model, {**default_sampler(generator), **presets(generator).get(chosen or "", {})})
    state["set_for"] = model.name
    state.setdefault("then", FIXED)
    for setting, value in default_settings(generator).items():
        state.setdefault(key(model, setting), value)
    for setting, value in current(model).items():
        if setting in FORM and (allowed := within(setting, value, generator)) != value:
            put(model, {setting: allowed})
    state["preset"] = matching_preset(generator, current(model), chosen)


def take_preset(model: OpenModel) -> None:
    """Put the settings of the chosen preset in their places."""
    put(model, presets(model.generator).get(st.session_state["preset"], {}))


def restore(restored: Restored, form: AttributeForm) -> None:
    """Put all that a picture says of itself into the attribute form and the settings, before they are shown."""
    name = form.model.name
    form.select(restored.attributes, restored.negative)
    put(form.model, {**restored.settings, "model": name, "set_for": name, "then": FIXED})


def vary(seed: int) -> None:
    """Ask for images around the image of a seed."""
    st.session_state.update({"around": seed, "distance": VARIATION, "seed": seed + 1 if seed < MOST_SEED else 0})


def stop_varying() -> None:
    """Ask for images of their own seeds again."""
    st.session_state["around"] = None
