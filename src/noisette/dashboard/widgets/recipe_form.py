"""A form made from the typed recipe: a widget for each setting, with its help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from noisette.config.recipe import Recipe
from noisette.config.sampling import SETTINGS, SamplingSettings
from noisette.config.sections import NETWORK_SECTIONS, dataset_section
from noisette.dashboard.services.overrides import as_toml, kind_of, written_as_toml
from noisette.dashboard.widgets.language import say
from noisette.data.sources import SOURCES

_LENGTHS = ("budget", "epochs", "steps")
_DRAWN = {".".join(setting.path): setting for setting in SETTINGS.values() if setting.option}
"""The settings of a drawing by their paths: those of guidance are a section in a section."""
_KINDS: dict[str, tuple[str, list[str], Callable[[str], type[BaseModel]]]] = {
    "dataset": ("name", list(SOURCES), dataset_section),
    "network": ("kind", list(NETWORK_SECTIONS), NETWORK_SECTIONS.__getitem__),
}
"""Sections that are of several kinds: the setting that says which, the kinds, and the settings of each."""


def recipe_form(recipe: Recipe, key: str) -> list[str]:
    """Draw the sections of a recipe, without its length.

    Args:
        recipe: What stands in the form at first.
        key: Of the widgets.

    Returns:
        What differs from the recipe, as KEY=VALUE.
    """
    changes: list[str] = []
    for section in ("dataset", "network", "diffusion", "condition", "training", "sampling", "samples"):
        config: BaseModel = getattr(recipe, section)
        about = (type(config).__doc__ or "").strip().splitlines()[0]
        with st.expander(f"**{section}** · {about}", key=f"{key}/{section}/open"):
            changes += _section(section, config, f"{key}/{section}")
    return changes


def _section(section: str, config: BaseModel, key: str) -> list[str]:
    changes: list[str] = []
    fields: Mapping[str, FieldInfo] = type(config).model_fields
    values: Mapping[str, Any] = config.model_dump()
    if isinstance(config, SamplingSettings):
        fields = {path: setting.field for path, setting in _DRAWN.items()}
        values = {path: setting.of(config) for path, setting in _DRAWN.items()}
    if section in _KINDS:
        which, kinds, section_of = _KINDS[section]
        kind = st.selectbox(
            which,
            kinds,
            index=kinds.index(values[which]),
            key=f"{key}/{which}",
            help=fields[which].description,
            persist_state="session",
        )
        if kind != values[which]:
            before, fields = fields, section_of(kind).model_fields
            usual = {name: field.get_default(call_default_factory=True) for name, field in fields.items()}
            # What means the same in both stays. A recipe that leaves another out would have another default now.
            kept = [name for name in values if name in fields and before[name].get_default() == usual[name]]
            changes += [f"{section}.{name}=none" for name in values if name not in (*kept, which)]
            changes.append(f"{section}.{which}={kind}")
            values = {**usual, **{name: values[name] for name in kept}}
            key = f"{key}/{kind}"
        fields = {name: field for name, field in fields.items() if name != which}
    columns = st.columns(2)
    shown = [name for name in fields if not (section == "training" and name in _LENGTHS)]
    for number, name in enumerate(shown):
        with columns[number % 2]:
            now = _widget(name, fields[name], values[name], f"{key}/{name}")
        if now != as_toml(values[name]):
            changes.append(f"{section}.{name}={now}")
    return changes


def _widget(name: str, field: FieldInfo, value: Any, key: str) -> str:
    """What stands in a setting now, as TOML."""
    kind = kind_of(field.annotation)
    how: dict[str, Any] = {
        "label": name,
        "help": field.description or None,
        "key": key,
        "persist_state": "session",
    }
    if kind is bool:
        return as_toml(st.toggle(value=value, **how))
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return as_toml(st.selectbox(options=options, index=options.index(value), **how))
    shown = value if isinstance(value, str) else "" if value is None else as_toml(value)
    return written_as_toml(kind, st.text_input(value=shown, placeholder=say("left out"), **how))
