"""A form made from the typed recipe: a widget for each setting, with its help."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from noisette.config.recipe import Recipe
from noisette.config.sections import ReportUNetConfig, SimpleUNetConfig, UNetConfig
from noisette.dashboard.services.overrides import as_toml, kind_of, written_as_toml
from noisette.dashboard.widgets.language import say
from noisette.data.opening import CATALOGUE

_LENGTHS = ("budget", "epochs", "steps")
_NETWORKS: dict[str, type[BaseModel]] = {
    "unet": UNetConfig,
    "simple_unet": SimpleUNetConfig,
    "report_unet": ReportUNetConfig,
}


def recipe_form(recipe: Recipe, key: str) -> list[str]:
    """Draw the sections of a recipe, without its length.

    Args:
        recipe: What stands in the form at first.
        key: Of the widgets.

    Returns:
        What differs from the recipe, as KEY=VALUE.
    """
    changes: list[str] = []
    for section in ("dataset", "network", "diffusion", "condition", "training", "samples"):
        config: BaseModel = getattr(recipe, section)
        about = (type(config).__doc__ or "").strip().splitlines()[0]
        with st.expander(f"**{section}** · {about}", key=f"{key}/{section}/open"):
            changes += _section(section, config, f"{key}/{section}")
    return changes


def _section(section: str, config: BaseModel, key: str) -> list[str]:
    fields, values, changes = type(config).model_fields, config.model_dump(), []
    if section == "network":
        kind = st.selectbox("kind", list(_NETWORKS), index=list(_NETWORKS).index(values["kind"]), key=f"{key}/kind")
        if kind != values["kind"]:
            changes += [f"network.{name}=none" for name in values if name not in _NETWORKS[kind].model_fields]
            changes.append(f"network.kind={kind}")
            fields = _NETWORKS[kind].model_fields
            values = {
                name: values.get(name, field.get_default(call_default_factory=True)) for name, field in fields.items()
            }
            key = f"{key}/{kind}"
    columns = st.columns(2)
    shown = [name for name in fields if name != "kind" and not (section == "training" and name in _LENGTHS)]
    for number, name in enumerate(shown):
        with columns[number % 2]:
            now = _widget(f"{section}.{name}", fields[name], values[name], f"{key}/{name}")
        if now != as_toml(values[name]):
            changes.append(f"{section}.{name}={now}")
    return changes


def _widget(path: str, field: FieldInfo, value: Any, key: str) -> str:
    """What stands in a setting now, as TOML."""
    kind = kind_of(field.annotation)
    how: dict[str, Any] = {
        "label": path.rpartition(".")[2],
        "help": field.description or None,
        "key": key,
        "persist_state": "session",
    }
    if kind is bool:
        return as_toml(st.toggle(value=value, **how))
    if path == "dataset.name" or get_origin(kind) is Literal:
        options = list(CATALOGUE) if path == "dataset.name" else list(get_args(kind))
        return as_toml(st.selectbox(options=options, index=options.index(value), **how))
    shown = value if isinstance(value, str) else "" if value is None else as_toml(value)
    return written_as_toml(kind, st.text_input(value=shown, placeholder=say("left out"), **how))
