"""The images of a request: drawn, shown, and one of them in depth."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import streamlit as st

from noisette.attributes.parsing import describe
from noisette.dashboard.services.drawing import Picture, draw_watched, impute
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.recognition import mistakes
from noisette.dashboard.services.snippets import command_line, python_code
from noisette.dashboard.services.translation import plain
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.following import follow
from noisette.dashboard.widgets.gallery import gallery
from noisette.dashboard.widgets.history import remember
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.setting_state import vary
from noisette.files.images import good_scale
from noisette.inference.request import Request


def pictures(form: AttributeForm, request: Request) -> None:
    """The images of a request, drawn unless they are the last ones."""
    picture: Picture | None = st.session_state.get("picture")
    if picture is None or picture.request != request:
        picture = _draw(form.model, form.asked, request)
        if picture is None:
            return
        st.session_state["picture"] = picture
        remember(picture)
    _show(picture, form)


def _draw(model: OpenModel, asked: str, request: Request) -> Picture | None:
    started = time.monotonic()
    imputed = impute(model.generator, request)
    images = follow(str(request), partial(draw_watched, model.generator, imputed), asked)
    if images is None:
        return None
    recognised = None if model.classifier is None else model.classifier.read(images)
    return Picture(asked, request, imputed, images, recognised, time.monotonic() - started)


def _show(picture: Picture, form: AttributeForm) -> None:
    request, generator = picture.request, form.model.generator
    values = request.attributes if isinstance(request.attributes, dict) else {}
    compared = picture.recognised is not None and bool(values)
    wrong: list[list[str]] = [[] for _ in request.seeds]
    if picture.recognised is not None and values:
        wrong = mistakes(values, picture.recognised, generator.schema)
    captions = [_caption(seed, each, compared) for seed, each in zip(request.seeds, wrong, strict=True)]
    text = picture.asked or say("drawn without a request")
    st.html(gallery(picture.images, [f"{text}, {say('seed')} {seed}" for seed in request.seeds], captions, request))
    place = 0
    if len(request.seeds) > 1:
        place = st.selectbox(
            say("Look closer"),
            list(range(len(request.seeds))),
            format_func=lambda each: f"{say('seed')} {request.seeds[each]}",
            key=f"closer/{request.seeds}",  # its own for each drawing, or the browser keeps the seeds of the last
            width=180,
        )
    _closer(picture, place, wrong[place], form)
    with st.container(horizontal=True):
        st.download_button(
            say("Download all"),
            lambda: picture.png,
            file_name=f"{picture.stem()}-sheet.png",
            mime="image/png",
            icon=":material/grid_view:",
            on_click="ignore",
            key="download-all",
        )
    st.caption(say("{seconds:.1f} s; the same picture from the command line, and in Python:", seconds=picture.seconds))
    st.code(command_line(picture.asked, request, generator), language="sh", wrap_lines=True)
    st.code(python_code(picture.asked, request, generator), language="python", wrap_lines=True)


def _closer(picture: Picture, place: int, wrong: list[str], form: AttributeForm) -> None:
    """One image: what was asked for and what is recognised, its files, and what can be done with it."""
    recognised = None
    if picture.recognised is not None:
        recognised = form.model.generator.schema.decode(picture.recognised[place])
        _compare(picture, place, recognised, wrong)
    seed, side = picture.request.seeds[place], picture.images.shape[2]
    large = good_scale(side, 1)
    with st.container(horizontal=True):
        for scale, title in (
            (1, say("{side}x{side} pixels", side=side)),
            (large, say("{times} times larger", times=large)),
        ):
            st.download_button(
                title,
                partial(picture.png_of, place, scale),
                file_name=f"{picture.stem(seed)}{'' if scale == 1 else f'-x{scale}'}.png",
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
            disabled=picture.request.variation is not None,  # which has no seed of its own to start from
            help=say("Others around this image"),
        )
        if recognised is not None:
            st.button(
                say("Tick what is recognised"),
                icon=":material/checklist:",
                on_click=form.select_only,
                args=(recognised,),
                help=say("Ask for all that is seen in it"),
            )


def _compare(picture: Picture, place: int, recognised: dict[str, Any], wrong: list[str]) -> None:
    imputed = picture.imputed.alone(place).filled
    present = {name: value for name, value in recognised.items() if value is not False}
    lines = [f"**{say('asked')}** {plain(picture.asked) or say('nothing')}"]
    lines += [f"**{say('filled in')}** {plain(describe(imputed[0]))}"] if imputed else []
    lines += [f"**{say('recognised')}** {plain(describe(present))}"]
    lines += [f":material/warning: {plain('; '.join(wrong))}"] if wrong else []
    st.markdown("  \n".join(lines))


def _caption(seed: int, wrong: list[str], compared: bool) -> str:
    if not compared:
        return f"{say('seed')} {seed}"
    return f"{say('seed')} {seed} · " + (f"✗ {'; '.join(wrong)}" if wrong else f"✓ {say('as asked')}")
