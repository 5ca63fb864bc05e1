"""Start trainings, see how they go, stop them and go on."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import streamlit as st

from noisette.config.recipe import Recipe, dump_recipe, lengthened, load_recipe, recipe_names
from noisette.config.suggestion import recipe_of
from noisette.dashboard.services.jobs import free_name, log_of, new_run
from noisette.dashboard.services.overrides import parse_length
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import jobs
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.own_images import own_images
from noisette.dashboard.widgets.recipe_form import recipe_form
from noisette.dashboard.widgets.training_queue import training_queue
from noisette.data.collections.collection import Collection
from noisette.data.hub.names import short_name
from noisette.errors import NoisetteError, RequestError

_EVERY = 2.0  # seconds between two looks
_LENGTHS = {"budget": "10m", "epochs": "10", "steps": "5000"}
"""Units of a training's length, and how much of each where the recipe does not say."""


def page(runs: Path) -> None:
    """What trains on this machine, what can go on, and a new training.

    Args:
        runs: The folder of runs.
    """
    st.title(say("Train"))
    st.fragment(training_queue, run_every=_EVERY)(runs)
    _new(runs)


def _new(runs: Path) -> None:
    st.subheader(say("A new training"))
    if told := st.session_state.pop("started", None):
        (st.success if told[0] == "success" else st.error)(as_markdown(told[1]))
    collection = own_images()
    try:
        name, base, called = _recipe_and_name(runs) if collection is None else _of_images(runs, collection)
    except RequestError as error:
        st.warning(as_markdown(error), icon=":material/block:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit, length = _length(name, base)
        about = say("Two trainings on one machine slow each other")
        beside = st.toggle(say("Begin at once, even beside another"), key="beside", help=about, persist_state="session")
    changes = recipe_form(base, f"form/{name}")
    try:
        folder = new_run(runs, called)
        overrides = [*lengthened(*parse_length(unit, length)), *changes]
        from noisette.model import assemble  # not before: the page must not wait for PyTorch

        changed = load_recipe(name, overrides) if collection is None else recipe_of(collection, overrides)
        recipe = assemble(changed).recipe
    except RequestError as error:
        st.warning(as_markdown(error), icon=":material/block:")
        return
    command = ["train", name, "--out", str(folder), f"--{unit}", length]
    command += [part for change in changes for part in ("--set", change)] + ([] if beside else ["--queue"])
    with st.expander(say("The whole recipe")):
        st.code(dump_recipe(recipe), language="toml")
    st.code(shlex.join(["noisette", *command]), language="sh", wrap_lines=True)
    st.button(
        say("Start"),
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(called, command, runs, f"called/{name}"),
    )


def _of_images(runs: Path, collection: Collection) -> tuple[str, Recipe, str]:
    """The folder of images, the recipe that fits them, and the name of the run. Raises RequestError if none does."""
    base = recipe_of(collection)
    name = collection.given
    free = free_name(runs, re.sub(r"[^A-Za-z0-9._-]", "-", short_name(collection.given)).lstrip("._-") or "images")
    called = st.text_input(
        say("Name of the run"), key=f"called/{name}", persist_state="session", placeholder=free
    ).strip()
    return name, base, called or free


def _recipe_and_name(runs: Path) -> tuple[str, Recipe, str]:
    """The name of the recipe, the recipe, and the name of the run."""
    names = recipe_names()
    summaries = {name: load_recipe(name).summary for name in names}
    first, second = st.columns([3, 2])
    name = first.selectbox(
        say("Recipe"),
        names,
        format_func=lambda each: f"{each}: {summaries.get(each, '')}",
        key="recipe",
        persist_state="session",
    )
    free = free_name(runs, name)
    called = second.text_input(
        say("Name of the run"), key=f"called/{name}", persist_state="session", placeholder=free
    ).strip()
    return name, load_recipe(name), called or free


def _length(name: str, base: Recipe) -> tuple[str, str]:
    """The unit in which the length of a training is given, and how much of it, in the recipe of this name at first."""
    training = base.training
    given = next(each for each in _LENGTHS if getattr(training, each) is not None)
    st.session_state.setdefault(f"unit/{name}", given)
    unit = st.segmented_control(
        say("How long"),
        list(_LENGTHS),
        format_func=say,
        key=f"unit/{name}",
        required=True,
        help=say("Wall-clock time, passes, or steps"),
        persist_state="session",
    )
    unit = unit or given
    length = st.text_input(
        say("that is"),
        str(getattr(training, unit) or _LENGTHS[unit]),
        key=f"length/{name}/{unit}",
        width=140,
        label_visibility="collapsed",
        persist_state="session",
    )
    return unit, length.strip()


def _start(called: str, command: list[str], runs: Path, key: str) -> None:
    """Start, and leave the next name free; in a callback, before the page is drawn."""
    try:
        jobs().start(called, command, log_of(runs, called))
    except (NoisetteError, OSError) as error:
        st.session_state["started"] = ("error", str(error))
        return
    st.session_state[key] = ""
    st.session_state["started"] = ("success", say("{name} begins; its curves appear under Watch.", name=called))
