"""A form made from the typed recipe: a widget for each setting, with its help.

What was changed, as `--set` takes it.
"""

from __future__ import annotations

import json
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from noisette.config.recipe import Recipe
from noisette.config.sections import ReportUNetConfig, SimpleUNetConfig, UNetConfig
from noisette.dashboard.words import say
from noisette.data.sources import SOURCES

_LENGTHS = ("budget", "epochs", "steps")
_KINDS: dict[str, type[BaseModel]] = {
    "unet": UNetConfig,
    "simple_unet": SimpleUNetConfig,
    "report_unet": ReportUNetConfig,
}


def form(recipe: Recipe, key: str) -> list[str]:
    """Draw the sections of a recipe; what differs from it, as KEY=VALUE. key: of the widgets."""
    changes: list[str] = []
    for section in ("dataset", "network", "diffusion", "condition", "training", "samples"):
        config: BaseModel = getattr(recipe, section)
        with st.expander(
            f"**{section}** · {(type(config).__doc__ or '').strip().splitlines()[0]}", key=f"{key}/{section}/open"
        ):
            changes += _section(section, config, f"{key}/{section}")
    return changes


def _section(section: str, config: BaseModel, key: str) -> list[str]:
    fields, values, changes = type(config).model_fields, config.model_dump(), []
    if section == "network":
        kind = st.selectbox("kind", list(_KINDS), index=list(_KINDS).index(values["kind"]), key=f"{key}/kind")
        if kind != values["kind"]:
            changes += [f"network.{name}=none" for name in values if name not in _KINDS[kind].model_fields]
            changes.append(f"network.kind={kind}")
            fields = _KINDS[kind].model_fields
            values = {
                name: values.get(name, field.get_default(call_default_factory=True)) for name, field in fields.items()
            }
            key = f"{key}/{kind}"
    columns = st.columns(2)
    shown = [name for name in fields if name != "kind" and not (section == "training" and name in _LENGTHS)]
    for number, name in enumerate(shown):
        with columns[number % 2]:
            now, was = _widget(f"{section}.{name}", fields[name], values[name], f"{key}/{name}")
        if now != was:
            changes.append(f"{section}.{name}={now}")
    return changes


def _widget(path: str, field: FieldInfo, value: Any, key: str) -> tuple[str, str]:
    """What stands in a setting now, and what stood there, as TOML."""
    name, was = path.rpartition(".")[2], as_toml(value)
    about = field.description or None
    kind = _plain(field.annotation)
    if path == "dataset.name":
        return (
            as_toml(
                st.selectbox(
                    name,
                    list(SOURCES),
                    index=list(SOURCES).index(value),
                    help=about,
                    key=key,
                    persist_state="session",
                )
            ),
            was,
        )
    if kind is bool:
        return as_toml(st.toggle(name, value, help=about, key=key, persist_state="session")), was
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return (
            as_toml(
                st.selectbox(name, options, index=options.index(value), help=about, key=key, persist_state="session")
            ),
            was,
        )
    text = kind is str
    shown = value if isinstance(value, str) else "" if value is None else was
    written = st.text_input(name, shown, help=about, key=key, placeholder=say("left out"), persist_state="session")
    if not written.strip():
        return "none", was
    return (as_toml(written.strip()) if text or _may_be_text(kind, written) else written.strip()), was


def _plain(annotation: Any) -> Any:
    """Without what it may be besides: str of `str | None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        left = [each for each in get_args(annotation) if each is not type(None)]
        return _plain(left[0]) if len(left) == 1 else annotation
    return annotation


def _may_be_text(kind: Any, written: str) -> bool:
    """Whether a word is what the setting takes besides numbers: `continuous`."""
    return get_origin(kind) in (Union, UnionType) and any(
        get_origin(each) is Literal and written.strip() in get_args(each) for each in get_args(kind)
    )


def as_toml(value: Any) -> str:
    """A value as it is written in TOML; `none` for nothing."""
    if value is None:
        return "none"
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(name, ensure_ascii=False)} = {as_toml(each)}" for name, each in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
