"""A widget for a setting of a drawing, made from its type, limits and help: a new setting needs nothing here."""

from __future__ import annotations

from typing import Any, get_origin

import streamlit as st

from noisette.config.sampling import SETTINGS
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.options import choices, limits, title
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.setting_state import key

_NARROW, _WIDE = 140, 200  # pixels


def setting_input(model: OpenModel, name: str, *, disabled: bool = False) -> None:
    """Draw the widget of a setting, which must have a value in the session.

    Args:
        model: Whose settings are offered.
        name: Of the setting, one of `FORM`.
        disabled: Whether it is without effect as other settings are.
    """
    setting = SETTINGS[name]
    low, high = limits(name, model.generator)
    how: dict[str, Any] = {
        "label": say(title(setting)),
        "key": key(model, name),
        "help": say(setting.help) if setting.help else None,
        "disabled": disabled,
        "persist_state": "session",
    }
    kind = get_origin(setting.kind) or setting.kind
    if setting.choices:
        st.selectbox(options=choices(name, model.generator), width=_NARROW, **how)
    elif kind is bool:
        st.toggle(**how)
    elif kind is dict:
        st.text_input(placeholder=f"{setting.extra.get('metavar', 'NAME=NUMBER')}, ...", width=_WIDE, **how)
    elif kind is not int and low is not None and high is not None:
        step = 0.05 if high - low <= 1 else 0.1
        st.slider(min_value=float(low), max_value=float(high), step=step, width=_WIDE, **how)
    else:
        least, most = (None if limit is None else kind(limit) for limit in (low, high))
        st.number_input(min_value=least, max_value=most, width=_NARROW, **how)
