"""The images of a plan: drawn, shown, and one of them in depth."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import streamlit as st

from noisette.attributes.parsing import describe
from noisette.attributes.schema import AttributeSchema
from noisette.config.sampling import SamplingSettings
from noisette.dashboard.services.drawing import Picture, draw_watched
from noisette.dashboard.services.open_model import OpenModel
from noisette.dashboard.services.recognition import mistakes
from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.widgets.attribute_form import AttributeForm
from noisette.dashboard.widgets.following import follow
from noisette.dashboard.widgets.gallery import gallery
from noisette.dashboard.widgets.history import remember
from noisette.dashboard.widgets.language import say
from noisette.dashboard.widgets.setting_state import vary
from noisette.files.images import good_scale
from noisette.inference import snippets
from noisette.inference.generator import Generator
from noisette.inference.plan import Plan


def pictures(form: AttributeForm, plan: Plan) -> None:
    """The images of a plan, drawn unless they are the last ones."""
    picture: Picture | None = st.session_state.get("picture")
    if picture is None or picture.plan != plan:
        picture = _draw(form.model, form.request, plan)
        if picture is None:
            return
        st.session_state["picture"] = picture
        remember(picture)
    _show(picture, form)


def _draw(model: OpenModel, request: str, plan: Plan) -> Picture | None:
    started = time.monotonic()
    images = follow(str(plan), partial(draw_watched, model.generator, plan), request)
    if images is None:
        return None
    recognised = None if model.classifier is None else model.classifier.read(model.generator.model.as_learned(images))
    recorded = model.generator.recorded(plan)
    return Picture(request, plan, recorded, images, recognised, time.monotonic() - started)


def _show(picture: Picture, form: AttributeForm) -> None:
    plan, generator = picture.plan, form.model.generator
    attributes = plan.attributes if isinstance(plan.attributes, dict) else {}
    compared = picture.recognised is not None and bool(attributes)
    wrong: list[list[str]] = [[] for _ in plan.seeds]
    if picture.recognised is not None and attributes:
        wrong = mistakes(attributes, picture.recognised, generator.schema)
    captions = [_caption(seed, each, compared) for seed, each in zip(plan.seeds, wrong, strict=True)]
    text = picture.request or say("drawn without a request")
    st.html(
        gallery(picture.images, [f"{text}, {say('seed')} {seed}" for seed in plan.seeds], captions, picture.recorded)
    )
    place = 0
    if len(plan.seeds) > 1:
        place = st.selectbox(
            say("Look closer"),
            list(range(len(plan.seeds))),
            format_func=lambda each: f"{say('seed')} {plan.seeds[each]}",
            key=f"closer/{plan.seeds}",  # its own for each drawing, or the browser keeps the seeds of the last
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
    _code(picture, generator)
    if note := generator.engine.note:
        st.caption(as_markdown(note))


def _code(picture: Picture, generator: Generator) -> None:
    """What draws the same picture without the page."""
    usual = generator.planner.resolve(SamplingSettings.of(sampler=picture.plan.sampling.sampler))
    for language, written in (("sh", snippets.command), ("python", snippets.python)):
        st.code(written(picture.request, picture.plan, usual), language=language, wrap_lines=True)


def _closer(picture: Picture, place: int, wrong: list[str], form: AttributeForm) -> None:
    """One image: what was asked for and what is recognised, its files, and what can be done with it."""
    recognised = None
    if picture.recognised is not None:
        schema = form.model.generator.schema
        recognised = schema.decode(picture.recognised[place])
        _compare(picture, place, recognised, wrong, schema)
    seed, (height, width) = picture.plan.seeds[place], picture.size
    large = good_scale(width, 1)
    with st.container(horizontal=True):
        for scale, title in (
            (1, say("{width}x{height} pixels", width=width, height=height)),
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
            disabled=picture.plan.start.around is not None,  # which has no seed of its own to start from
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


def _compare(
    picture: Picture, place: int, recognised: dict[str, Any], wrong: list[str], schema: AttributeSchema
) -> None:
    imputed = picture.plan.alone(place).imputed
    present = {name: value for name, value in recognised.items() if value is not False}
    lines = [f"**{say('asked')}** {as_markdown(picture.request) or say('nothing')}"]
    lines += [f"**{say('imputed')}** {as_markdown(describe(imputed[0], schema))}"] if imputed else []
    lines += [f"**{say('recognised')}** {as_markdown(describe(present, schema))}"]
    lines += [f":material/warning: {as_markdown('; '.join(wrong))}"] if wrong else []
    st.markdown("  \n".join(lines))


def _caption(seed: int, wrong: list[str], compared: bool) -> str:
    if not compared:
        return f"{say('seed')} {seed}"
    return f"{say('seed')} {seed} · " + (f"✗ {'; '.join(wrong)}" if wrong else f"✓ {say('as asked')}")
