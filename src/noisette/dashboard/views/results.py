"""How good runs are: figures side by side, sweeps, reports."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import streamlit as st

from noisette.dashboard.services.jobs import tail
from noisette.dashboard.services.model_list import ListedModel, find_model, list_models
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import jobs
from noisette.dashboard.widgets.figure_table import download, figure_table
from noisette.dashboard.widgets.jobs import start_job
from noisette.dashboard.widgets.language import say
from noisette.errors import NoisetteError
from noisette.evaluation.records import home_of, measured
from noisette.files.reading import is_own_file, read_bytes, read_object

_EVERY = 2.0  # seconds between two looks at what is being measured
_LARGEST = 2**28  # bytes of a report, which has all its pictures inside
_AT_FIRST = 3  # models that are shown unless others are chosen


def page(runs: Path) -> None:
    """Tables, sweeps and reports of the chosen models and runs.

    Args:
        runs: The folder of runs.
    """
    st.title(say("Results"))
    models = [model for model in list_models(runs) if model.drawable]
    titles = {model.name: model.title for model in models}
    names = st.multiselect(
        say("Runs"),
        list(titles),
        default=[model.name for model in models if measured(model.name)][:_AT_FIRST],
        format_func=lambda name: titles.get(name, name),
        key="compared",
        persist_state="session",
    )
    chosen = [model for model in (find_model(name, models) for name in names) if model is not None]
    if not chosen:
        st.info(say("Choose runs to compare; what was measured of them is shown side by side."))
    figure_table(chosen)
    _sweeps(chosen)
    st.subheader(say("Reports"))
    _measure(runs, chosen)
    measuring = any(job.measures and job.state == "running" for job in jobs().all())
    st.fragment(_at_work, run_every=_EVERY if measuring else None)()
    _reports(runs)


def _sweeps(chosen: list[ListedModel]) -> None:
    for model in chosen:
        for folder in sorted(path.parent for path in (home_of(model.name) / "sweeps").glob("*/sweep.json")):
            try:
                over = read_object(folder / "sweep.json", inside=home_of(model.name))["over"]
                told = ", ".join(f"{name} {', '.join(map(str, values))}" for name, values in over.items())
            except (NoisetteError, ValueError, LookupError, AttributeError, TypeError):
                continue
            with st.expander(say("Sweep of {name}: {over}", name=model.title, over=told)):
                for picture, about in (
                    ("plots.png", say("figures over the sweep")),
                    ("grid.png", say("the same requests and seeds over the sweep")),
                ):
                    if is_own_file(folder / picture, home_of(model.name)):
                        st.image(str(folder / picture), caption=about, alt=f"{about}: {told}")


def _measure(runs: Path, chosen: list[ListedModel]) -> None:
    """The buttons that measure and report, and the command that does the same."""
    names = [model.name for model in chosen]
    with st.container(horizontal=True):
        about = say("Draw and measure one run, some minutes; for several, make a report")
        if st.button(say("Measure"), icon=":material/straighten:", disabled=len(chosen) != 1, help=about):
            start_job(f"evaluate {chosen[0].title}", ["evaluate", chosen[0].name], runs)
        about = say("A page of the chosen runs; what was not measured is, some minutes each")
        if st.button(say("Make a report"), icon=":material/description:", disabled=not chosen, help=about):
            folder = runs / ".reports"
            folder.mkdir(parents=True, exist_ok=True)
            out = folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}.html"
            start_job(f"report {out.stem}", ["report", *names, "--out", str(out)], runs)
    if names:
        st.code(shlex.join(["noisette", "report", *names, "--out", "report.html"]), language="sh", wrap_lines=True)


def _at_work() -> None:
    """What is being measured; when it is done the page is drawn anew."""
    running = False
    for job in jobs().all():
        if not job.measures:
            continue
        match job.state:
            case "running":
                running = True
                st.info(f"{job.name}: {as_markdown(tail(job.log, 1)) or say('begins')}", icon=":material/hourglass:")
            case "failed":
                st.error(f"{job.name}: {as_markdown(job.reason)}")
    if st.session_state.get("measuring") and not running:
        st.session_state["measuring"] = False
        st.rerun()
    st.session_state["measuring"] = running


def _reports(runs: Path) -> None:
    """The reports that were made, one of them open."""
    pages = {path.name: path for path in sorted((runs / ".reports").glob("*.html"), reverse=True)}
    if not pages:
        return
    path = pages.get(st.selectbox(say("Open"), list(pages), key="report") or "")
    if path is None:
        return
    try:
        content = read_bytes(path, most=_LARGEST, inside=runs)
    except NoisetteError as error:
        st.error(as_markdown(str(error)))
        return
    download(say("Download the report"), content, path.name, "text/html")
    with st.expander(say("The report"), expanded=False, on_change="rerun", key="report-open") as opened:
        if opened.open:
            st.iframe(path, height=900, alt=say("The report"))
