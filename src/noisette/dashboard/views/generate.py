"""Tick attributes, get the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from noisette.dashboard.services.model_list import ListedModel, find_model, list_models
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import model_of
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.grid_view import grid, guidance_grid
from noisette.dashboard.widgets.history import history
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.picture import pictures
from noisette.dashboard.widgets.restoring import GRID, PICTURES, drop_zone
from noisette.dashboard.widgets.settings import settings
from noisette.errors import NoisetteError
from noisette.inference.plan import Plan

_SCALES = "guidance side by side"
_MODES: dict[str, Callable[[AttributeForm, Plan], None]] = {
    PICTURES: pictures,
    _SCALES: guidance_grid,
    GRID: grid,
}


def page(runs: Path) -> None:
    """The attribute form on the left, pictures on the right.

    Args:
        runs: The folder of runs.
    """
    st.title(say("Generate"))
    models = [model for model in list_models(runs) if model.drawable]
    left, right = st.columns([2, 3], gap="large")
    with left:
        model = _choose(models)
    if model is None:
        return
    form = AttributeForm(model)
    with left:
        drop_zone(models)
        form.show()
    with right:
        plan = settings(form)
        mode = _choose_mode(model)
        if plan is not None:
            _MODES[mode](form, plan)
        history(models)


def _choose(models: list[ListedModel]) -> OpenModel | None:
    """The model that is chosen, loaded; None, with the reason told, where there is none."""
    titles = {model.name: model.title for model in models}
    if st.session_state.get("model") not in titles:
        st.session_state.pop("model", None)
    name = st.selectbox(
        say("Model"),
        list(titles),
        format_func=lambda each: titles.get(each, each),
        key="model",
        persist_state="session",
    )
    listed = find_model(name, models) if name else None
    if listed is None:
        st.info(say("There is nothing to draw with yet; train a run, and come back after its first epoch."))
        return None
    try:
        return model_of(listed)
    except (NoisetteError, OSError) as error:
        st.error(as_markdown(error))
        return None


def _choose_mode(model: OpenModel) -> str:
    st.session_state.setdefault("mode", PICTURES)
    mode = st.segmented_control(
        say("Show"),
        [name for name in _MODES if name != _SCALES or model.generator.schema.attributes],
        format_func=say,
        key="mode",
        label_visibility="collapsed",
        required=True,
        persist_state="session",
    )
    return mode or PICTURES
