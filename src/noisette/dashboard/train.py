"""Start trainings, see how they go, stop them and go on."""

from __future__ import annotations

import shlex
from pathlib import Path

import streamlit as st

from noisette.config.recipe import dump_recipe, lengthened, load_recipe, recipe_names
from noisette.dashboard.form import form
from noisette.dashboard.jobs import Jobs, free_name, log_of, new_run, stop, tail
from noisette.dashboard.shelf import Item, shelf
from noisette.dashboard.words import plain, say
from noisette.errors import NoisetteError, RequestError
from noisette.progress import clock
from noisette.training.queue import QueueEntry, queue_entries

_EVERY = 2.0  # seconds between two looks
_LENGTHS = {"budget": "10m", "epochs": "10", "steps": "5000"}
MEASURING = ("evaluate ", "report ")
"""How the names of jobs begin that train nothing."""

_UNFINISHED = ("new", "running", "stopped", "failed")


@st.cache_resource
def jobs() -> Jobs:
    """Those of this server."""
    return Jobs()


def page(runs: Path) -> None:
    """What trains on this machine, what can go on, and a new training. runs: the folder of runs."""
    st.title(say("Train"))
    st.fragment(_at_work, run_every=_EVERY)(runs)
    _new(runs)


def _at_work(runs: Path) -> None:
    """The queue of this machine, and the runs of this folder that can go on."""
    queue = queue_entries()
    st.subheader(say("On this machine"))
    begun = [job for job in jobs().all() if not job.name.startswith(MEASURING)]
    if not queue and not any(job.state == "running" for job in begun):
        st.caption(say("Nothing trains at the moment."))
    items = {Path(item.name).resolve(): item for item in shelf(runs) if item.state != "shipped"}
    for place, ticket in enumerate(queue):
        _ticket(runs, place, ticket, items.get(ticket.run))
    held = {ticket.run for ticket in queue}
    for job in begun:
        folder = (runs / job.name).resolve()
        if job.state == "running" and folder not in held:
            st.progress(0.0, say("{name}: starting", name=job.name))
        elif job.state == "failed" and folder not in held:
            st.error(
                say("{name} failed: {why}", name=job.name, why=plain((tail(job.log, 1) or "?").removeprefix("error: ")))
            )
            with st.expander(say("Log of {name}", name=job.name)):
                st.code(tail(job.log, 40), language="log")
    left = [
        item for folder, item in items.items() if item.state in _UNFINISHED and not item.problem and folder not in held
    ]
    left = [item for item in left if all(job.state != "running" or job.name != Path(item.name).name for job in begun)]
    if left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            names = {item.name: f"{item.title}, {item.state}, {item.progress:.0%}" for item in left}
            chosen = st.selectbox(
                say("Runs that can go on"),
                list(names),
                format_func=lambda name: names.get(name, name),
                width=360,
                key="unfinished",
            )
            if st.button(say("Resume"), icon=":material/play_arrow:") and chosen in names:
                begin(Path(chosen).name, ["resume", chosen, "--queue"], runs)
                st.rerun(scope="fragment")


def _ticket(runs: Path, place: int, ticket: QueueEntry, item: Item | None) -> None:
    name = item.title if item else ticket.run.name
    ours = ticket.run.parent == runs.resolve()
    with st.container(horizontal=True, vertical_alignment="center"):
        if not ticket.running:
            st.markdown(say("**{name}** waits, {place} before it", name=name, place=place))
        elif item is None or item.problem:
            st.progress(0.0, say("{name}: getting ready", name=name))
        else:
            left = item.seconds * (1 - item.progress) / item.progress if item.progress > 0.01 else None
            told = [f"**{name}**", f"{item.progress:.0%}", say("step {step:,}", step=item.at)]
            told += [say("loss {loss:.4f}", loss=item.loss)] if item.loss is not None else []
            told += [say("{rate:.0f} images/s", rate=item.rate)] if item.rate else []
            told += [say("{time} left", time=clock(left))] if left is not None else []
            st.progress(min(1.0, item.progress), " · ".join(told))
        if ours and st.button(
            say("Stop"),
            icon=":material/stop:",
            key=f"stop/{ticket.run}",
            help=say("It finishes the step and saves; Resume goes on"),
        ):
            stop(ticket.run)
            st.toast(say("{name} saves and stops.", name=name))
    if ours:
        with st.expander(say("Log of {name}", name=name), key=f"log/{ticket.run}"):
            st.code(tail(log_of(runs, ticket.run.name)) or say("It was started elsewhere."), language="log")


def _new(runs: Path) -> None:
    st.subheader(say("A new training"))
    if told := st.session_state.pop("begun", None):
        (st.success if told[0] == "success" else st.error)(plain(told[1]))
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
    called = (
        second.text_input(
            say("Name of the run"), key=f"called/{name}", persist_state="session", placeholder=free
        ).strip()
        or free
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        usual = load_recipe(name).training
        given = next(each for each in _LENGTHS if getattr(usual, each) is not None)
        about = say("Wall-clock time, passes, or steps")
        st.session_state.setdefault(f"unit/{name}", given)
        unit = st.segmented_control(
            say("How long"),
            list(_LENGTHS),
            format_func=say,
            key=f"unit/{name}",
            required=True,
            help=about,
            persist_state="session",
        )
        unit = unit or given
        length = st.text_input(
            say("that is"),
            str(getattr(usual, unit) or _LENGTHS[unit]),
            key=f"length/{name}/{unit}",
            width=140,
            label_visibility="collapsed",
            persist_state="session",
        ).strip()
        about = say("Two trainings on one machine slow each other")
        beside = st.toggle(say("Begin at once, even beside another"), key="beside", help=about, persist_state="session")
    changes = form(load_recipe(name), f"form/{name}")
    try:
        folder = new_run(runs, called)
        overrides = [*lengthened(*_length(unit, length)), *changes]
        from noisette.model import assemble  # not before: the page must not wait for PyTorch

        recipe = assemble(load_recipe(name, overrides)).recipe
    except RequestError as error:
        st.warning(plain(error), icon=":material/block:")
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


def _start(called: str, command: list[str], runs: Path, key: str) -> None:
    """Begin, and leave the next name free; in a callback, before the page is drawn."""
    try:
        jobs().begin(called, command, log_of(runs, called))
    except (NoisetteError, OSError) as error:
        st.session_state["begun"] = ("error", str(error))
        return
    st.session_state[key] = ""
    st.session_state["begun"] = ("success", say("{name} begins; its curves appear under Watch.", name=called))


def _length(unit: str, length: str) -> tuple[str | None, int | None, int | None]:
    """What `lengthened` takes. Raises RequestError."""
    if unit == "budget":
        return length, None, None
    if not length.isdecimal():
        raise RequestError(f"{unit} must be a whole number, not {length}")
    return (None, int(length), None) if unit == "epochs" else (None, None, int(length))


def begin(name: str, arguments: list[str], runs: Path) -> None:
    """Start `noisette ARGUMENTS`; why it cannot be started is told."""
    try:
        jobs().begin(name, arguments, log_of(runs, name.replace("/", "-").replace(" ", "-")))
    except (NoisetteError, OSError) as error:
        st.error(plain(error))
