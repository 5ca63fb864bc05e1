"""A picture that was made here brings its plan back: dropped as a file, or from the history."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from noisette.dashboard.services.grid import axis_names
from noisette.dashboard.services.model_list import ListedModel, find_drawer
from noisette.dashboard.services.restoring import differences, read_picture, restored
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import model_of
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.setting_state import restore
from noisette.errors import NoisetteError, RequestError
from noisette.inference.plan import Plan
from noisette.store.naming import name_of
from noisette.text import shortened

PICTURES, GRID = "pictures", "X/Y grid"
"""The modes of the page in which a picture comes back."""
_LARGEST = 16 * 2**20  # bytes of a dropped picture


def drop_zone(models: list[ListedModel]) -> None:
    """Where a picture is dropped, and what came of it.

    Args:
        models: Those that can draw it.
    """
    with st.expander(say("Go on from a picture"), icon=":material/upload:", key="dropping"):
        number = st.session_state.setdefault("drops", 0)
        key, most = f"dropped/{number}", _LARGEST >> 20
        about = say("Drop a PNG that was made here")
        st.file_uploader(about, type=["png"], max_upload_size=most, key=key, on_change=_take, args=(key, models))
    for kind, text in st.session_state.pop("told", []):
        (st.error if kind == "error" else st.warning if kind == "warning" else st.success)(as_markdown(text))


def restore_or_tell(plan: Plan, models: list[ListedModel], axes: Mapping[str, list[str]] | None = None) -> None:
    """Put a plan into the attribute form and the settings, before they are shown, or tell why that cannot be.

    Args:
        plan: Of the picture.
        models: Those that can draw it.
        axes: Of an X/Y grid, `across` and `down`: a name and its values.
    """
    try:
        _restore(plan, models, axes or {})
    except NoisetteError as error:
        st.session_state["told"] = [("error", str(error))]


def _take(key: str, models: list[ListedModel]) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state["drops"] += 1  # a fresh uploader: the same file may be dropped again
    try:
        if file.size > _LARGEST:
            raise RequestError(say("{name} is larger than any picture that was made here", name=file.name))
        plan, axes = read_picture(file.getvalue(), file.name)
    except NoisetteError as error:
        st.session_state["told"] = [("error", str(error))]
        return
    restore_or_tell(plan, models, axes)


def _restore(plan: Plan, models: list[ListedModel], axes: Mapping[str, list[str]]) -> None:
    """Raises RequestError if what drew it is not here, or cannot draw it."""
    listed = find_drawer(plan, models)
    if listed is None:
        raise RequestError(say("it was drawn by {run}, which is not here", run=shortened(name_of(plan.run), 80)))
    model = model_of(listed)
    checked = model.generator.replan(plan)
    form, back = AttributeForm(model), restored(checked, model.generator)
    restore(back, form)
    st.session_state["mode"] = GRID if len(axes) == 2 else PICTURES
    names = axis_names(model)
    for key, (name, *values) in axes.items():
        if name in names:
            st.session_state[key] = name
            st.session_state[f"{model.name}/{key}/{name}"] = ", ".join(values)
    lost = [*back.lost, *differences(plan, form.request, model.generator)]
    st.session_state["told"] = [("warning", say(message)) for message in lost] or [
        ("success", say("The settings of the picture are back."))
    ]
