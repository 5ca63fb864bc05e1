"""Tick boxes, get the picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from noisette.attributes.parsing import describe
from noisette.dashboard.boxes import Boxes
from noisette.dashboard.easel import Busy, Cancelled, Easel, Report
from noisette.dashboard.gallery import cross_gallery, gallery
from noisette.dashboard.grid import Axis, axis_names, cells, draw_cells, parse_axis, usual_values
from noisette.dashboard.settings import command, python, restore, scales_of, settings, vary
from noisette.dashboard.shelf import Item, find, shelf
from noisette.dashboard.words import plain, say
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.judge import Judge
from noisette.evaluation.judges import find_reader
from noisette.evaluation.obedience import verdict as faults_of
from noisette.files.images import as_png, cross_sheet, good_scale, parse_png, sheet
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.inference.render import check, draw, filled
from noisette.inference.request import Request, request_in
from noisette.model import BATCH, batches

_REMEMBERED = 12
_LARGEST = 16 * 2**20  # bytes of a dropped picture
_SOON = 0.4  # seconds after which a drawing says how long it takes, and can be cancelled
_OFTEN = 0.08  # seconds between two previews
_PICTURES, _SCALES, _GRID = "pictures", "guidance side by side", "X/Y grid"
_COMPARED = ("1", "1.5", "2.5", "4", "6")


@st.cache_resource(max_entries=4, show_spinner=False)
def _loaded(name: str, step: int, changed: float) -> tuple[Boxes, Judge | None]:
    """Shared by all sessions: weights in eval mode, nothing that changes; and what reads the pictures.

    step, changed: a run that went on is loaded anew.
    """
    generator = load(name)
    reader = find_reader(generator.schema, (generator.model.space.channels, generator.model.side, generator.model.side))
    return Boxes.of(name, generator), reader if generator.schema.attributes else None


@st.cache_resource
def easel() -> Easel:
    """The one of this server."""
    return Easel()


@dataclass(frozen=True)
class Drawn:
    """A picture of this session. asked: as it was written. told: the request with what was filled in. seen: what the
    judge reads in each image, (N, A); None where nobody can.
    """

    asked: str
    request: Request
    told: Request
    images: NDArray[np.uint8]
    seen: NDArray[np.int16] | None
    seconds: float

    @property
    def png(self) -> bytes:
        """The file that `noisette generate` writes for the same request."""
        placed = self.told.placed(self.images.shape[2])
        return as_png(sheet(self.images, columns=placed.columns, scale=placed.scale or 1), placed.as_dict())


def page(runs: Path) -> None:
    """Boxes on the left, pictures on the right. runs: the folder of runs."""
    st.title(say("Generate"))
    items = [item for item in shelf(runs) if item.drawable]
    titles = {item.name: item.title for item in items}
    if st.session_state.get("model") not in titles:
        st.session_state.pop("model", None)
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = st.selectbox(
            say("Model"),
            list(titles),
            format_func=lambda each: titles.get(each, each),
            key="model",
            persist_state="session",
        )
    item = find(name, items) if name else None
    if item is None:
        st.info(say("There is nothing to draw with yet; train a run, and come back after its first epoch."))
        return
    try:
        boxes, judge = _loaded(item.name, item.step, item.changed)
    except (NoisetteError, OSError) as error:
        st.error(plain(error))
        return
    with left:
        _drop(items)
        boxes.show()
    with right:
        request = settings(boxes)
        st.session_state.setdefault("view", _PICTURES)
        view = st.segmented_control(
            say("Show"),
            [_PICTURES, *([_SCALES] if boxes.generator.schema.attributes else []), _GRID],
            format_func=say,
            key="view",
            label_visibility="collapsed",
            required=True,
            persist_state="session",
        )
        if request is not None:
            _PAGES[view or _PICTURES](boxes, judge, request)
        _history(items)


def _pictures(boxes: Boxes, judge: Judge | None, request: Request) -> None:
    """The images of a request, drawn unless they are the last ones."""
    asked = ", ".join(boxes.ticked.values())
    drawn: Drawn | None = st.session_state.get("drawn")
    if drawn is None or drawn.request != request:
        begun = time.monotonic()
        told = filled(boxes.generator, request)
        images = _follow(str(request), partial(_draw, boxes.generator, told), asked)
        if images is None:
            return
        seen = None if judge is None else judge.read(images)
        drawn = st.session_state["drawn"] = Drawn(asked, request, told, images, seen, time.monotonic() - begun)
        st.session_state["history"] = [
            drawn,
            *(old for old in st.session_state.get("history", []) if old.request != request),
        ][:_REMEMBERED]
    _show(drawn, boxes)


def _draw(generator: Generator, request: Request, report: Report) -> NDArray[np.uint8]:
    """In the easel's thread: the images as they become clear, then as they are."""
    side, channels = generator.model.side, generator.model.recipe.dataset.image_channels
    so_far = np.zeros((len(request.seeds), channels, side, side), np.uint8)
    steps, taken = request.sampling.steps, 0
    total = steps * batches(len(request.seeds))

    def preview(xt: NDArray[np.uint8], x0: NDArray[np.uint8], number: int) -> None:
        nonlocal taken
        start = taken // steps * BATCH
        so_far[start : start + len(x0)] = x0
        taken += 1
        report(so_far.copy(), taken / total)

    report(None, 0.0)
    return draw(generator, request, preview=preview)


def _follow(what: str, work: Callable[[Report], Any], asked: str) -> Any:
    """Ask the easel, show how it goes, and return what it made; None where it was cancelled or failed, which is told.

    A change of a box ends this script, and with it the drawing: nobody waits for it any more.
    """
    if st.session_state.get("cancelled") == what:
        st.info(say("Cancelled. Change something, or press Draw."))
        return None
    preview, row = st.empty(), st.empty()
    try:
        drawing = easel().ask(work)
    except Busy as error:
        st.warning(plain(error), icon=":material/hourglass:")
        return None
    begun, shown = time.monotonic(), 0.0
    bar = None
    try:
        for moment in drawing.moments():
            now = time.monotonic()
            if moment.preview is not None and now - shown > _OFTEN:
                shown = now
                preview.html(gallery(moment.preview, [asked] * len(moment.preview), [""] * len(moment.preview)))
            if now - begun > _SOON:
                if bar is None:
                    with row.container(horizontal=True, vertical_alignment="center"):
                        bar = st.empty()
                        st.button(say("Cancel"), icon=":material/stop:", key="cancel", on_click=_cancel, args=(what,))
                waiting = say("{before} before yours", before=moment.before) if moment.before else say("drawing")
                bar.progress(moment.share, waiting)
            else:
                st.session_state.get("model")  # a call at which Streamlit may end this script
        return drawing.result()
    except Cancelled:
        return None
    except NoisetteError as error:
        st.error(plain(error))
        return None
    finally:
        drawing.cancel()
        row.empty()
        preview.empty()


def _cancel(what: str) -> None:
    st.session_state["cancelled"] = what


def _show(drawn: Drawn, boxes: Boxes) -> None:
    """The images, and one of them in depth."""
    request, schema = drawn.request, boxes.generator.schema
    values = request.attributes if isinstance(request.attributes, dict) else {}
    reads = [schema.decode(row) for row in drawn.seen] if drawn.seen is not None else []
    row = schema.encode([values])[0]
    faults = (
        [faults_of(row, seen, schema) for seen in drawn.seen]
        if drawn.seen is not None and values
        else [[] for _ in request.seeds]
    )
    captions = [
        _caption(seed, wrong, bool(reads) and bool(values)) for seed, wrong in zip(request.seeds, faults, strict=True)
    ]
    text = drawn.asked or say("drawn without a request")
    st.html(gallery(drawn.images, [f"{text}, {say('seed')} {seed}" for seed in request.seeds], captions, request))
    place = 0
    if len(request.seeds) > 1:
        numbers = list(range(len(request.seeds)))
        key = f"closer/{request.seeds}"  # its own for each drawing, or the browser keeps the seeds of the last
        place = st.selectbox(
            say("Look closer"),
            numbers,
            format_func=lambda each: f"{say('seed')} {request.seeds[each]}",
            key=key,
            width=180,
        )
    _details(drawn, place, reads, faults[place], boxes)
    with st.container(horizontal=True):
        st.download_button(
            say("Download all"),
            lambda: drawn.png,
            file_name=f"{_stem(drawn)}-sheet.png",
            mime="image/png",
            icon=":material/grid_view:",
            on_click="ignore",
            key="download-all",
        )
    st.caption(say("{seconds:.1f} s; the same picture from the command line, and in Python:", seconds=drawn.seconds))
    st.code(command(drawn.asked, request, boxes.generator), language="sh", wrap_lines=True)
    st.code(python(drawn.asked, request, boxes.generator), language="python", wrap_lines=True)


def _details(drawn: Drawn, place: int, reads: list[dict[str, Any]], faults: list[str], boxes: Boxes) -> None:
    seed, alone = drawn.request.seeds[place], drawn.told.alone(place)
    image, side = drawn.images[place], drawn.images.shape[2]
    if reads:
        there = {name: value for name, value in reads[place].items() if value is not False}
        st.markdown(
            f"**{say('asked')}** {plain(drawn.asked) or say('nothing')}  \n"
            + (f"**{say('filled in')}** {plain(describe(alone.filled[0]))}  \n" if alone.filled else "")
            + f"**{say('recognised')}** {plain(describe(there))}"
            + (f"  \n:material/warning: {plain('; '.join(faults))}" if faults else "")
        )

    def file(scale: int) -> bytes:
        return as_png(sheet(image[None], scale=scale), alone.placed(side, 1, scale).as_dict())

    large = good_scale(side, 1)
    with st.container(horizontal=True):
        for scale, title in (
            (1, say("{side}x{side} pixels", side=side)),
            (large, say("{times} times larger", times=large)),
        ):
            st.download_button(
                title,
                partial(file, scale),
                file_name=f"{_stem(drawn, seed)}{'' if scale == 1 else f'-x{scale}'}.png",
                mime="image/png",
                icon=":material/download:",
                on_click="ignore",
                key=f"download-{scale == 1}",
            )
        st.button(
            say("More like this"),
            icon=":material/flare:",
            on_click=vary,
            args=(seed,),
            disabled=drawn.request.variation is not None,  # which has no seed of its own to begin from
            help=say("Others around this image"),
        )
        if reads:
            st.button(
                say("Tick what is recognised"),
                icon=":material/checklist:",
                on_click=boxes.take,
                args=(reads[place],),
                help=say("Ask for all that is seen in it"),
            )


def _scales(boxes: Boxes, judge: Judge | None, request: Request) -> None:
    """What guidance does: the same seeds at several scales."""
    if not boxes.ticked:
        st.info(say("Tick something: guidance leads towards what is asked for."))
        return
    seeds = tuple(map(str, request.seeds[:4]))
    low, high = scales_of(boxes.generator)
    compared = tuple(scale for scale in _COMPARED if low <= float(scale) <= high)
    _cross(boxes, request, Axis("guidance", compared), Axis("seed", seeds))


def _grid(boxes: Boxes, judge: Judge | None, request: Request) -> None:
    """A grid over any two settings."""
    names = axis_names(boxes)
    axes = []
    try:
        for key, title, first in (
            ("across", say("Across"), "guidance" if "guidance" in names else "steps"),
            ("down", say("Down"), "seed"),
        ):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                if st.session_state.get(key) not in names:
                    st.session_state[key] = first
                name = st.selectbox(title, names, key=key, width=180, persist_state="session")
                text = st.text_input(
                    say("Values"),
                    usual_values(name, boxes) if f"{boxes.name}/{key}/{name}" not in st.session_state else None,
                    key=f"{boxes.name}/{key}/{name}",
                    persist_state="session",
                )
            axes.append(parse_axis(name, text or ""))
        _cross(boxes, request, *axes)
    except RequestError as error:
        st.warning(plain(error), icon=":material/block:")


def _cross(boxes: Boxes, request: Request, across: Axis, down: Axis) -> None:
    try:
        table = cells(request, boxes.ticked, boxes.generator, across, down)
    except RequestError as error:
        st.warning(plain(error), icon=":material/block:")
        return
    key = f"{table}"
    kept = st.session_state.get("crossed")
    if kept is None or kept[0] != key:

        def work(report: Report) -> NDArray[np.uint8]:
            report(None, 0.0)
            return draw_cells(boxes.generator, table, report)

        images = _follow(key, work, ", ".join(boxes.ticked.values()))
        if images is None:
            return
        kept = st.session_state["crossed"] = key, images
    images = kept[1]
    asked = ", ".join(boxes.ticked.values())
    scale = max(1, min(6, 900 // (len(across.values) * images.shape[-1])))
    picture = cross_sheet(images, across.labels, down.labels, title=asked, scale=scale)
    png = as_png(
        picture,
        {"request": request.as_dict(), "across": [across.name, *across.values], "down": [down.name, *down.values]},
    )
    st.html(cross_gallery(table, images, across.labels, down.labels))
    name = f"{Path(request.run).name}-{across.name}-{down.name}.png"
    st.download_button(
        say("Download"),
        png,
        file_name=name,
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
        key="download-grid",
    )


_PAGES: dict[str, Callable[[Boxes, Judge | None, Request], None]] = {
    _PICTURES: _pictures,
    _SCALES: _scales,
    _GRID: _grid,
}


def _drop(items: list[Item]) -> None:
    """A picture that was made here brings its request back."""
    with st.expander(say("Go on from a picture"), icon=":material/upload:", key="dropping"):
        number = st.session_state.setdefault("drops", 0)
        key, most = f"dropped/{number}", _LARGEST >> 20
        about = say("Drop a PNG that was made here")
        st.file_uploader(about, type=["png"], max_upload_size=most, key=key, on_change=_take_drop, args=(key, items))
    for kind, text in st.session_state.pop("told", []):
        (st.error if kind == "error" else st.warning if kind == "warning" else st.success)(plain(text))


def _take_drop(key: str, items: list[Item]) -> None:
    """Check what was dropped as if an enemy had sent it, and put its request into boxes and settings."""
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state["drops"] += 1  # a fresh uploader: the same file may be dropped again
    try:
        if file.size > _LARGEST:
            raise RequestError(say("{name} is larger than any picture that was made here", name=file.name))
        _, said = parse_png(file.getvalue(), file.name)
        axes = {name: said[name] for name in ("across", "down") if _is_axis(said.get(name))}
        request = request_in(said["request"] if isinstance(said.get("request"), Mapping) else said, file.name)
        _take_back(request, items, axes)
    except NoisetteError as error:
        st.session_state["told"] = [("error", str(error))]


def _is_axis(written: Any) -> bool:
    return isinstance(written, list) and len(written) > 1 and all(isinstance(part, str) for part in written)


def _take_back(request: Request, items: list[Item], axes: Mapping[str, list[str]]) -> None:
    """Raises RequestError if what drew it is not here, or cannot be asked for it."""
    named = Path(request.run).name  # it may have been drawn from another folder
    item = find(request.run, items) or next((item for item in items if Path(item.name).name == named), None)
    if item is None:
        raise RequestError(say("it was drawn by {run}, which is not here", run=request.run))
    boxes, _ = _loaded(item.name, item.step, item.changed)
    generator = boxes.generator
    check(generator, request)
    lost = restore(request, boxes)
    try:
        asked = ", ".join(boxes.ticked.values())
        if (
            asked
            and isinstance(request.attributes, dict)
            and generator.understand(asked).attributes != request.attributes
        ):
            lost.append(say("not all that it asks for can be ticked"))
    except RequestError as error:
        lost.append(say("it cannot be drawn here: {why}", why=error))
    if generator.weights != request.weights:
        lost.append(
            say(
                "its settings are back, but other weights drew it, at step {step}; the picture will differ",
                step=request.step,
            )
        )
    st.session_state["view"] = _GRID if len(axes) == 2 else _PICTURES
    for key, (name, *values) in axes.items():
        if name in axis_names(boxes):
            st.session_state[key] = name
            st.session_state[f"{item.name}/{key}/{name}"] = ", ".join(values)
    st.session_state["told"] = [("warning", text) for text in lost] or [
        ("success", say("The settings of the picture are back."))
    ]


def _history(items: list[Item]) -> None:
    """The last pictures of this session."""
    history: list[Drawn] = st.session_state.get("history", [])
    if len(history) < 2:
        return
    opened = st.expander(say("History"), icon=":material/history:", key="history-open", on_change="rerun")
    if not opened.open:
        return
    with opened, st.container(horizontal=True):
        for number, drawn in enumerate(history):
            with st.container(width=120, key=f"past-{number}"):
                st.html(gallery(drawn.images[:1], [drawn.asked], [""]))
                st.button(
                    plain(drawn.asked)[:40] or say("nothing asked"),
                    key=f"past/{number}",
                    on_click=_return_to,
                    args=(drawn, items),
                    help=f"{say('Back to this one')}: {say('seed')} {drawn.request.seeds[0]}",
                    type="tertiary",
                )


def _return_to(drawn: Drawn, items: list[Item]) -> None:
    try:
        _take_back(drawn.request, items, {})
    except NoisetteError as error:
        st.session_state["told"] = [("error", str(error))]


def _caption(seed: int, faults: list[str], judged: bool) -> str:
    if not judged:
        return f"{say('seed')} {seed}"
    return f"{say('seed')} {seed} · " + (f"✗ {'; '.join(faults)}" if faults else f"✓ {say('as asked')}")


def _stem(drawn: Drawn, seed: int | None = None) -> str:
    around = f"-near-{drawn.request.variation.of}" if drawn.request.variation else ""
    return f"{Path(drawn.request.run).name}{around}-seed-{drawn.request.seeds[0] if seed is None else seed}"
