"""Tick boxes, get the picture."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import streamlit as st

from noisette.dashboard.shelf import Item, find, shelf
from noisette.data.attributes import Value
from noisette.data.inspection import attribute_facts
from noisette.drawing import Request, draw_to
from noisette.errors import NoisetteError, RequestError
from noisette.generation import Generator, load

_MOST_IMAGES = 16
_MOST_STEPS = 100
_WAIT = 60.0  # seconds for the one before
_FEW = 12  # attributes that need no search
_BOXES_HEIGHT = 900  # pixels, so that the picture stays beside the boxes
_NONE = "none"
_TICKED: dict[str, Value] = {"with": True, "without": False}


@st.cache_resource(max_entries=4, show_spinner="loading the model")
def _loaded(name: str, _step: int) -> Generator:
    """Shared by all sessions: weights in eval mode, nothing that changes. _step: a run that went on is loaded anew."""
    return load(name)


@st.cache_resource
def _turn() -> threading.Lock:
    """One drawing at a time: two would only slow each other."""
    return threading.Lock()


def page(runs: Path) -> None:
    """Boxes on the left, pictures on the right. runs: the folder of runs."""
    st.title("Generate")
    items = [item for item in shelf(runs) if item.drawable]
    titles = {item.name: item.title for item in items}
    name = st.selectbox("Model", list(titles), format_func=lambda each: titles.get(each, each), key="model")
    item = find(name, items) if name else None
    if item is None:
        st.info("There is nothing to draw with yet; train a run, and come back after its first epoch.")
        return
    try:
        generator = _loaded(item.name, item.step)
    except NoisetteError as error:
        st.error(str(error))
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        asked = _request(generator, item)
    with right:
        _picture(generator, item, ", ".join(asked))


def _request(generator: Generator, item: Item) -> list[str]:
    """What is ticked, as a person would write it: the boxes are made from the schema, groups as a choice of one."""
    if not generator.schema.attributes:
        st.caption("This run was trained without attributes: it draws what it likes.")
        return []
    facts = attribute_facts(generator.schema, generator.statistics)
    many = len(generator.schema.attributes) > _FEW
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input("Search", placeholder="hat, beard, ...", key=_key(item, "search")).strip().casefold() if many else ""
        if st.button("Random", icon=":material/casino:", help="A plausible request, from the statistics of the data"):
            number = st.session_state["rolled"] = st.session_state.get("rolled", 0) + 1
            _tick(generator.random_request(number), facts, item)
        if st.button("Clear", icon=":material/close:"):
            _tick({}, facts, item)
    asked: list[str] = []
    with st.container(height=_BOXES_HEIGHT) if many else st.container():
        for name, counts in facts["choices"].items():
            if chosen := st.pills(name, list(counts), format_func=_counted(counts), key=_key(item, name), wrap=True):
                asked.append(f"{name}={chosen}")
        for name, counts in facts["groups"].items():
            key = _key(item, name)
            ticked = st.session_state.get(key)
            shown = [each for each in counts if wanted in f"{name} {each}".casefold() or ticked == each]
            if shown:
                with st.expander(f"{name} ({len(counts)})", expanded=bool(wanted)):
                    chosen = st.pills(name, [*shown, _NONE], format_func=_counted(counts), key=key, wrap=True, label_visibility="collapsed")
                if chosen:
                    asked.append(f"no {name}" if chosen == _NONE else chosen)
        for title, value in _TICKED.items():
            key = _key(item, title)
            shown = [each for each in facts["flags"] if wanted in each.casefold() or each in st.session_state.get(key, [])]
            if shown:
                chosen_ = st.pills(title, shown, format_func=_counted(facts["flags"]), selection_mode="multi", key=key, wrap=True)
                asked += [flag if value else f"no {flag}" for flag in chosen_]
    return asked


def _counted(counts: dict[str, int]) -> Callable[[str], str]:
    """A name with how many images have it."""
    return lambda name: f"{name} ({counts[name]:,})" if name in counts else name


def _tick(values: dict[str, Value], facts: dict[str, Any], item: Item) -> None:
    """Put a request into the boxes."""
    for name in facts["choices"]:
        st.session_state[_key(item, name)] = values.get(name)
    for name, counts in facts["groups"].items():
        worn = [member for member in counts if values.get(member) is True]
        absent = all(values.get(member) is False for member in counts)
        st.session_state[_key(item, name)] = worn[0] if worn else _NONE if absent else None
    for title, value in _TICKED.items():
        st.session_state[_key(item, title)] = [flag for flag in facts["flags"] if values.get(flag) is value]


def _key(item: Item, name: str) -> str:
    """Of a box: each model has its own."""
    return f"{item.name}/{name}"


def _picture(generator: Generator, item: Item, asked: str) -> None:
    """The settings, the picture, and how to get it again. asked: the request, empty for none."""
    usual = generator.sampling()
    one, two, three = st.columns(3)
    seed = one.number_input("Seed", min_value=0, max_value=2**31, value=0, key="seed")
    count = two.number_input("Images", min_value=1, max_value=_MOST_IMAGES, value=4, key="count")
    most = min(_MOST_STEPS, generator.model.schedule.steps or _MOST_STEPS)
    steps = three.number_input("Steps", min_value=1, max_value=most, value=min(10, most), key="steps", help="Network evaluations for an image")
    guided = bool(asked) and generator.model.recipe.condition.drop_all > 0
    scale = usual.guidance.scale
    if guided:
        scale = st.slider("Guidance", 1.0, 5.0, scale, 0.1, key=_key(item, "guidance"), help="How strongly the request is followed; 1 is plain")
    palette = generator.palette is not None and st.toggle("Only colours of the data", value=True, key="palette")
    try:
        condition = generator.understand(asked) if asked else None
        sampling = generator.sampling(steps=int(steps), guidance=scale if guided else None)
        generator.check_guidance(sampling.guidance, condition.values if condition else {})
    except RequestError as error:
        st.warning(str(error), icon=":material/block:")
        return
    for note in condition.notes if condition else ():
        st.caption(note)
    request = Request(
        run=item.name,
        weights=generator.weights,
        step=generator.step,
        seeds=tuple(range(int(seed), int(seed) + int(count))),
        attributes=condition.values if condition else None,
        sampling=sampling,
        palette=palette,
    )

    def drawn(done: int, all_: int) -> None:
        bar.progress(done / all_, "drawing")

    bar = st.progress(0.0, "waiting for the drawing before this one")
    turn = _turn()
    if not turn.acquire(timeout=_WAIT):
        bar.empty()
        st.error("Others are drawing; try again in a moment.")
        return
    try:
        with TemporaryDirectory() as folder:
            [file] = draw_to(Path(folder) / "picture.png", generator, request, progress=drawn)
            png = file.read_bytes()
    except NoisetteError as error:
        st.error(str(error))
        return
    finally:
        turn.release()
        bar.empty()
    st.session_state["picture"] = png
    st.image(png, caption=asked or None, alt=asked or "drawn without a request")
    st.download_button("Download", png, file_name=f"{item.title}-seed-{seed}.png", mime="image/png", icon=":material/download:")
    st.code(command(item.name, asked, request), language="sh", wrap_lines=True)


def command(name: str, asked: str, request: Request) -> str:
    """What draws the same picture from the command line."""
    guided = ["--attributes", asked, "--guidance", f"{request.sampling.guidance.scale:g}"] if asked else []
    settings = ["--seed", str(request.seeds[0]), "--count", str(len(request.seeds)), "--steps", str(request.sampling.steps)]
    return shlex.join(["noisette", "generate", name, *guided, *settings, *(["--palette"] if request.palette else [])])
