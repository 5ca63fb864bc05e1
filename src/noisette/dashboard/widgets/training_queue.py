"""What trains on this machine, what waits, and what can go on."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from noisette.dashboard.services.jobs import Job, log_of, stop, tail
from noisette.dashboard.services.model_list import ListedModel, list_models
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.shared import jobs
from noisette.dashboard.widgets.jobs import start_job
from noisette.dashboard.widgets.language import say
from noisette.progress import clock
from noisette.training.queue import QueueEntry, queue_entries

_UNFINISHED = ("new", "running", "stopped", "failed")


def training_queue(runs: Path) -> None:
    """The queue of this machine, and the runs of this folder that can go on.

    Args:
        runs: The folder of runs.
    """
    queue = queue_entries()
    st.subheader(say("On this machine"))
    started = [job for job in jobs().all() if not job.measures]
    if not queue and not any(job.state == "running" for job in started):
        st.caption(say("Nothing trains at the moment."))
    listed = {run.folder.resolve(): run for run in list_models(runs) if run.trains}
    for place, entry in enumerate(queue):
        _entry(runs, place, entry, listed.get(entry.run))
    queued = {entry.run for entry in queue}
    for job in started:
        if (runs / job.name).resolve() not in queued:
            _job(job)
    names = {job.name for job in started if job.state == "running"}
    _resume(
        runs,
        [
            run
            for folder, run in listed.items()
            if run.state in _UNFINISHED and not run.problem and folder not in queued and run.folder.name not in names
        ],
    )


def _entry(runs: Path, place: int, entry: QueueEntry, run: ListedModel | None) -> None:
    """A training that runs, or waits for as many as `place` says."""
    name = run.title if run else entry.run.name
    ours = entry.run.parent == runs.resolve()
    with st.container(horizontal=True, vertical_alignment="center"):
        if not entry.running:
            st.markdown(say("**{name}** waits, {place} before it", name=name, place=place))
        elif run is None or run.problem:
            st.progress(0.0, say("{name}: getting ready", name=name))
        else:
            st.progress(min(1.0, run.progress), _told(run))
        if ours and st.button(
            say("Stop"),
            icon=":material/stop:",
            key=f"stop/{entry.run}",
            help=say("It finishes the step and saves; Resume goes on"),
        ):
            stop(entry.run)
            st.toast(say("{name} saves and stops.", name=name))
    if ours:
        with st.expander(say("Log of {name}", name=name), key=f"log/{entry.run}"):
            st.code(tail(log_of(runs, entry.run.name)) or say("It was started elsewhere."), language="log")


def _told(run: ListedModel) -> str:
    told = [f"**{run.title}**", f"{run.progress:.0%}", say("step {step:,}", step=run.at)]
    told += [say("loss {loss:.4f}", loss=run.loss)] if run.loss is not None else []
    told += [say("{rate:.0f} images/s", rate=run.rate)] if run.rate else []
    if run.progress > 0.01:
        told.append(say("{time} left", time=clock(run.seconds * (1 - run.progress) / run.progress)))
    return " · ".join(told)


def _job(job: Job) -> None:
    """A job whose training is not in the queue: not yet, or no more."""
    if job.state == "running":
        st.progress(0.0, say("{name}: starting", name=job.name))
    elif job.state == "failed":
        st.error(say("{name} failed: {why}", name=job.name, why=as_markdown(job.reason)))
        with st.expander(say("Log of {name}", name=job.name)):
            st.code(tail(job.log, 40), language="log")


def _resume(runs: Path, left: list[ListedModel]) -> None:
    if not left:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {run.name: f"{run.title}, {run.state}, {run.progress:.0%}" for run in left}
        chosen = st.selectbox(
            say("Runs that can go on"),
            list(titles),
            format_func=lambda name: titles.get(name, name),
            width=360,
            key="unfinished",
        )
        if st.button(say("Resume"), icon=":material/play_arrow:") and chosen in titles:
            start_job(Path(chosen).name, ["resume", chosen, "--queue"], runs)
            st.rerun(scope="fragment")
