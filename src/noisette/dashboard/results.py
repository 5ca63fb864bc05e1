"""How good runs are: figures side by side, sweeps, reports."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import pandas as pd
import streamlit as st

from noisette.dashboard.jobs import tail
from noisette.dashboard.shelf import Item, find, shelf
from noisette.dashboard.train import MEASURING, begin, jobs
from noisette.dashboard.words import plain, say
from noisette.evaluation.figures import FIGURES
from noisette.evaluation.figures import find as figure
from noisette.evaluation.records import Measured, home_of, measured

_EVERY = 2.0  # seconds between two looks at what is being measured
_MOST_COLUMNS = 6


def page(runs: Path) -> None:
    """Tables, sweeps and reports of the chosen runs. runs: the folder of runs."""
    st.title(say("Results"))
    items = [item for item in shelf(runs) if item.drawable]
    titles = {item.name: item.title for item in items}
    known = [item.name for item in items if measured(item.name)]
    names = st.multiselect(
        say("Runs"),
        list(titles),
        default=known[:3],
        format_func=lambda name: titles.get(name, name),
        key="compared",
        persist_state="session",
    )
    chosen = [item for item in (find(name, items) for name in names) if item is not None]
    if not chosen:
        st.info(say("Choose runs to compare; what was measured of them is shown side by side."))
    _table(chosen)
    _sweeps(chosen)
    _reports(runs, chosen)


def _table(chosen: list[Item]) -> None:
    found = [(item, each) for item in chosen for each in measured(item.name)]
    for item in chosen:
        if not any(item is other for other, _ in found):
            st.info(
                say(
                    "Nothing was measured of {name} yet: `{command}`, or Measure.",
                    name=item.title,
                    command=f"noisette evaluate {item.name}",
                )
            )
    if not found:
        return
    columns = {_title(item, each): each for item, each in found}
    shown = list(columns)
    if len(columns) > _MOST_COLUMNS:
        shown = st.multiselect(say("Columns"), shown, default=shown[-_MOST_COLUMNS:], key=f"columns/{len(columns)}")
    table = {}
    for title in shown:
        each = columns[title]
        table[title] = {name.title: _cell(each, name.path) for name in FIGURES}
        if each.real is not None:
            table[say("real, of {title}", title=title)] = {
                name.title: _number(figure(each.real, name.path)) for name in FIGURES
            }
    frame = pd.DataFrame(table, index=[name.title for name in FIGURES]).dropna(how="all")
    frame.insert(0, say("better"), [say(name.better) for name in FIGURES if name.title in frame.index])
    st.dataframe(frame.fillna(""), height="content")
    _download(say("Download the table"), frame.to_csv(), "figures.csv", "text/csv")


def _download(title: str, data: str | bytes, name: str, kind: str) -> None:
    st.download_button(
        title, data, file_name=name, mime=kind, icon=":material/download:", on_click="ignore", key=f"download/{name}"
    )


def _title(item: Item, each: Measured) -> str:
    """All in which two that were measured can differ."""
    sampling = each.facts["sampling"]
    guidance = sampling["guidance"]
    unusual = [f"eta {sampling['eta']:g}"] if sampling["sampler"] == "ddim" and sampling["eta"] else []
    unusual += [
        f"{name} {guidance[name]}"
        for name in ("interval", "rescale", "weights", "excluded")
        if guidance[name] not in (0, {}, [0.0, 1.0])
    ]
    draws = [f"{each.draws}x"] if each.draws > 1 else []
    return " · ".join(
        [item.title, each.title, *unusual, each.facts["weights"][:6], say("judge {which}", which=each.by[:4]), *draws]
    )


def _cell(each: Measured, path: str) -> str | None:
    mean, spread = figure(each.mean, path), figure(each.spread, path)
    if mean is None:
        return None
    return f"{_number(mean)} ± {_number(spread)}" if spread else _number(mean)


def _number(value: float | None) -> str | None:
    return (
        None
        if value is None
        else f"{value:.3g}"
        if abs(value) < 0.01 and value
        else f"{value:.3f}"
        if abs(value) < 100
        else f"{value:.0f}"
    )


def _sweeps(chosen: list[Item]) -> None:
    for item in chosen:
        for folder in sorted(path.parent for path in (home_of(item.name) / "sweeps").glob("*/sweep.json")):
            try:
                over = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))["over"]
                told = ", ".join(f"{name} {', '.join(map(str, values))}" for name, values in over.items())
            except (OSError, ValueError, LookupError, AttributeError):
                continue
            with st.expander(say("Sweep of {name}: {over}", name=item.title, over=told)):
                for picture, about in (
                    ("plots.png", say("figures over the sweep")),
                    ("grid.png", say("the same requests and seeds over the sweep")),
                ):
                    if (folder / picture).is_file():
                        st.image(str(folder / picture), caption=about, alt=f"{about}: {told}")


def _reports(runs: Path, chosen: list[Item]) -> None:
    st.subheader(say("Reports"))
    names = [item.name for item in chosen]
    with st.container(horizontal=True):
        about = say("Draw and measure one run, some minutes; for several, make a report")
        if st.button(say("Measure"), icon=":material/straighten:", disabled=len(chosen) != 1, help=about):
            begin(f"evaluate {chosen[0].title}", ["evaluate", chosen[0].name], runs)
        about = say("A page of the chosen runs; what was not measured is, some minutes each")
        if st.button(say("Make a report"), icon=":material/description:", disabled=not chosen, help=about):
            folder = runs / ".reports"
            folder.mkdir(parents=True, exist_ok=True)
            out = folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}.html"
            begin(f"report {out.stem}", ["report", *names, "--out", str(out)], runs)
    if names:
        st.code(shlex.join(["noisette", "report", *names, "--out", "report.html"]), language="sh", wrap_lines=True)
    st.fragment(
        _at_work, run_every=_EVERY if any(_ours(job.name) and job.state == "running" for job in jobs().all()) else None
    )()
    pages = sorted((runs / ".reports").glob("*.html"), reverse=True)
    by_name = {path.name: path for path in pages}
    if not pages:
        return
    name = st.selectbox(say("Open"), list(by_name), key="report")
    path = by_name.get(name or "")
    if path is not None:
        _download(say("Download the report"), path.read_bytes(), path.name, "text/html")
        with st.expander(say("The report"), expanded=False, on_change="rerun", key="report-open") as opened:
            if opened.open:
                st.iframe(path, height=900, alt=say("The report"))


def _at_work() -> None:
    """What is being measured; when it is done the page is drawn anew."""
    running = False
    for job in jobs().all():
        if not _ours(job.name):
            continue
        match job.state:
            case "running":
                running = True
                st.info(f"{job.name}: {plain(tail(job.log, 1)) or say('begins')}", icon=":material/hourglass:")
            case "failed":
                st.error(f"{job.name}: {plain((tail(job.log, 1) or '?').removeprefix('error: '))}")
    if st.session_state.get("measuring") and not running:
        st.session_state["measuring"] = False
        st.rerun()
    st.session_state["measuring"] = running


def _ours(name: str) -> bool:
    return name.startswith(MEASURING)
