"""How a picture is drawn: seeds, quality, guidance and the rest; and all of it from a picture that was drawn before."""

from __future__ import annotations

import random
import shlex
from collections.abc import Mapping
from typing import Any, get_args

import streamlit as st

from noisette.attributes.schema import Value
from noisette.config.names import EXCLUSION, VARIATION, DrawnSpacing, SamplerName, SpacingName
from noisette.dashboard.boxes import Boxes
from noisette.dashboard.words import plain, say
from noisette.errors import RequestError
from noisette.inference.generator import Generator
from noisette.inference.request import Request
from noisette.sampling.presets import QualityName
from noisette.sampling.resolve import variation_around
from noisette.sampling.settings import CHURNED

MOST_IMAGES = 64
_MOST_STEPS = 1000
_MOST_SEED = 2**53 - 1  # what a browser counts to exactly
_STEPS = {"draft": 5, "good": 10, "best": 25}
"""What stands in for a table of qualities: see docs/results/evaluation.md, where five steps of a deterministic sampler
are as good as more.
"""

_STRONGEST, _STRONGEST_EXCLUSION = 20.0, 2.0
_FIXED, _RANDOM, _NEXT = "fixed", "random", "+1"


def settings(boxes: Boxes) -> Request | None:
    """Draw the settings, and return the request that they and the boxes come to; None, with the reason told, where it
    cannot be.
    """
    generator, state = boxes.generator, st.session_state
    asked = ", ".join(boxes.ticked.values())
    most, qualities = _most_steps(generator), _qualities(boxes)
    _begin(boxes, qualities, most)
    guided = generator.model.recipe.conditional and generator.model.recipe.condition.drop_all > 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seeds = st.container(width=130)
        st.segmented_control(
            say("then"),
            [_FIXED, _RANDOM, _NEXT],
            format_func=say,
            key="then",
            required=True,
            persist_state="session",
            help=say("Seeds of the next drawing: the same, any, or those that follow"),
        )
        st.number_input(say("Images"), 1, MOST_IMAGES, key="count", width=120, persist_state="session")
        again = st.button(
            say("Draw"),
            icon=":material/brush:",
            type="primary",
            help=say("Draws by itself when a box changes; this draws again"),
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            say("Quality"),
            list(qualities),
            format_func=say,
            key="quality",
            on_change=_take_quality,
            args=(qualities,),
            persist_state="session",
        )
        st.number_input(
            say("Steps"),
            1,
            most,
            key="steps",
            width=120,
            persist_state="session",
            help=(
                say("Network evaluations for an image")
                if generator.model.scaled
                else say("Network evaluations for an image; guidance doubles them")
            ),
        )
        st.slider(
            say("Guidance"),
            *scales_of(generator),
            step=0.1,
            key=_key(boxes, "guidance"),
            width=260,
            disabled=not (asked and guided),
            persist_state="session",
            help=say("How strongly the request is followed; 1 is plain"),
        )
    if state.get("around") is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.slider(
                say("How far from the image of seed {seed}", seed=state["around"]),
                0.0,
                1.0,
                step=0.05,
                key="distance",
                width=260,
                persist_state="session",
            )
            st.button(say("Leave it"), icon=":material/close:", on_click=_leave)
    with st.expander(say("More settings"), key="more"):
        more = _more(boxes)
    try:
        condition = generator.understand(asked) if asked else None
        sampling = generator.choices.sampling(
            state["sampler"],
            int(state["steps"]),
            state["eta"] if state["sampler"] == "ddim" else None,
            spacing=state["spacing"],
            churn=state["churn"] if state["sampler"] in CHURNED else None,
            guidance=state[_key(boxes, "guidance")] if guided and asked else None,
            **more,
        )
        generator.choices.check_guidance(sampling.guidance, condition.attributes if condition else {})
    except RequestError as error:
        _seed_input(seeds)
        st.warning(plain(error), icon=":material/block:")
        return None
    for note in condition.notes if condition else ():
        st.caption(plain(note))
    wish = Request(
        run=boxes.name,
        weights=generator.weights,
        step=generator.step,
        seeds=(0,),
        attributes=condition.attributes if condition else None,
        sampling=sampling,
        palette=generator.palette is not None and state["palette"],
        variation=variation_around((state["around"], state["distance"])) if state.get("around") is not None else None,
    )
    count = int(state["count"])
    changed = again or (wish, count) != state.get("wished", (wish, count))
    if changed:
        state.pop("cancelled", None)
    if changed and state["then"] != _FIXED:
        state["seed"] = (
            random.randrange(_MOST_SEED) if state["then"] == _RANDOM else (state["seed"] + count) % _MOST_SEED
        )
    state["wished"] = wish, count
    seed = _seed_input(seeds)
    return wish.model_copy(update={"seeds": tuple(range(seed, seed + count))})


def restore(request: Request, boxes: Boxes) -> list[str]:
    """Put everything that a picture says of itself into the boxes and the settings, before they are drawn; what could
    not be, in words.
    """
    state, sampling, lost = st.session_state, request.sampling, []
    asked = request.attributes
    if isinstance(asked, tuple):
        lost.append(say("each of its images has a request of its own; that of the first is ticked"))
        asked = asked[0]
    if (
        request.seeds != tuple(range(request.seeds[0], request.seeds[0] + len(request.seeds)))
        or len(request.seeds) > MOST_IMAGES
    ):
        lost.append(say("its seeds do not follow each other, or are many; it begins with the first"))
    strengths = set(sampling.guidance.excluded.values())
    if len(strengths) > 1:
        lost.append(say("its exclusions differ in strength; all take the first"))
    spacing, table = sampling.spacing, boxes.generator.qualities
    fitted = table.fitted.get(sampling.steps) if table else None
    if spacing == "fitted" and fitted != sampling.times:
        lost.append(say("its levels were fitted by another table; others are taken"))
        spacing = spacing if fitted else boxes.generator.choices.sampling().spacing
    boxes.tick(_without_implied(asked or {}, boxes.generator), list(sampling.guidance.excluded))
    strength = next(iter(sampling.guidance.excluded.values()), EXCLUSION)
    for what, value, most in (
        (say("Seed"), request.seeds[0], _MOST_SEED),
        (say("Steps"), sampling.steps, _most_steps(boxes.generator)),
        (say("Guidance"), sampling.guidance.scale, scales_of(boxes.generator)[1]),
        (say("Strength of what is excluded"), strength, _STRONGEST_EXCLUSION),
    ):
        if value > most:
            lost.append(
                say("{what} was {value}, and can be {most} here", what=what, value=f"{value:g}", most=f"{most:g}")
            )
    low, high = sampling.guidance.interval
    state.update(
        {
            "model": boxes.name,
            "set_for": boxes.name,
            "seed": min(request.seeds[0], _MOST_SEED),
            "then": _FIXED,
            "count": min(len(request.seeds), MOST_IMAGES),
            "steps": min(sampling.steps, _most_steps(boxes.generator)),
            "sampler": sampling.sampler,
            "spacing": spacing,
            "eta": sampling.eta if sampling.sampler == "ddim" else 0.0,
            "churn": sampling.churn,
            _key(boxes, "guidance"): min(sampling.guidance.scale, scales_of(boxes.generator)[1]),
            "interval": (low, high),
            "rescale": sampling.guidance.rescale,
            "strength": min(strength, _STRONGEST_EXCLUSION),
            _key(boxes, "weights"): ", ".join(
                f"{name}={_short(scale)}" for name, scale in sampling.guidance.weights.items()
            ),
            "palette": request.palette,
            "around": request.variation.of if request.variation else None,
            "distance": request.variation.strength if request.variation else VARIATION,
            _key(boxes, "complete"): sampling.complete,
        }
    )
    return lost


def vary(seed: int) -> None:
    """More like the image of a seed."""
    st.session_state.update({"around": seed, "distance": VARIATION, "seed": seed + 1 if seed < _MOST_SEED else 0})


def command(asked: str, request: Request, generator: Generator) -> str:
    """What draws the same picture from the command line. asked: the request as it is written."""
    sampling, guidance, usual = (
        request.sampling,
        request.sampling.guidance,
        generator.choices.sampling(request.sampling.sampler),
    )
    parts = ["noisette", "generate", request.run]
    parts += ["--attributes", asked, "--guidance", _short(guidance.scale)] if asked else []
    parts += [
        "--seed",
        str(request.seeds[0]),
        "--count",
        str(len(request.seeds)),
        "--sampler",
        sampling.sampler,
        "--steps",
        str(sampling.steps),
    ]
    parts += ["--eta", _short(sampling.eta)] if sampling.eta != usual.eta else []
    parts += ["--spacing", sampling.spacing] if sampling.spacing != usual.spacing else []
    parts += ["--churn", _short(sampling.churn)] if sampling.churn != usual.churn else []
    for option, amounts in (("--weight", guidance.weights), ("--exclude", guidance.excluded)):
        parts += [part for name, amount in amounts.items() for part in (option, f"{name}={_short(amount)}")]
    parts += (
        ["--guidance-interval", *map(_short, guidance.interval)]
        if tuple(guidance.interval) != usual.guidance.interval
        else []
    )
    parts += ["--guidance-rescale", _short(guidance.rescale)] if guidance.rescale != usual.guidance.rescale else []
    parts += ["--complete" if sampling.complete else "--leave-open"] if sampling.complete != usual.complete else []
    parts += ["--vary", f"{request.variation.of}={_short(request.variation.strength)}"] if request.variation else []
    return shlex.join([*parts, *(["--palette"] if request.palette else [])])


def python(asked: str, request: Request, generator: Generator) -> str:
    """What draws the same images in Python, (N, C, H, W) bytes."""
    sampling, guidance, usual = (
        request.sampling,
        request.sampling.guidance,
        generator.choices.sampling(request.sampling.sampler),
    )
    first = request.seeds[0]
    given: dict[str, Any] = {"steps": sampling.steps, "sampler": sampling.sampler}
    given |= {"eta": sampling.eta} if sampling.eta != usual.eta else {}
    given |= {"spacing": sampling.spacing} if sampling.spacing != usual.spacing else {}
    given |= {"churn": sampling.churn} if sampling.churn != usual.churn else {}
    given |= {"guidance": guidance.scale} if asked else {}
    given |= {"interval": tuple(guidance.interval)} if tuple(guidance.interval) != usual.guidance.interval else {}
    given |= {
        name: dict(amounts)
        for name, amounts in (("weights", guidance.weights), ("excluded", guidance.excluded))
        if amounts
    }
    given |= {"rescale": guidance.rescale} if guidance.rescale != usual.guidance.rescale else {}
    given |= {"complete": sampling.complete} if sampling.complete != usual.complete else {}
    given |= {"variation": (request.variation.of, request.variation.strength)} if request.variation else {}
    given |= {"palette": True} if request.palette else {}
    options = ", ".join(
        [f"seeds=range({first}, {first + len(request.seeds)})", *(f"{name}={value!r}" for name, value in given.items())]
    )
    what = f"{asked!r}, " if asked else ""
    return (
        f"import noisette\n\ngenerator = noisette.load({request.run!r})\nimages = generator.generate({what}{options})"
    )


def _short(number: float) -> str:
    """As short as it can be without becoming another."""
    return repr(float(number)).removesuffix(".0")


def _most_steps(generator: Generator) -> int:
    return min(_MOST_STEPS, generator.model.schedule.steps or _MOST_STEPS)


def _spacings(generator: Generator) -> tuple[str, ...]:
    return get_args(DrawnSpacing) if generator.qualities else get_args(SpacingName)


def _without_implied(values: Mapping[str, Value], generator: Generator) -> dict[str, Value]:
    """Without the choices that follow from the rest, so that a request comes back as it was ticked."""
    kept = dict(values)
    for name, value in values.items():
        rest = {other: its for other, its in kept.items() if other != name}
        if not isinstance(value, str) or not rest:
            continue
        try:
            if generator.understand(rest).attributes == dict(values):
                kept = rest
        except RequestError:
            continue
    return kept


def scales_of(generator: Generator) -> tuple[float, float]:
    """The least and the greatest scale of guidance that is offered."""
    student = generator.model.recipe.distillation
    return (student.guidance[0], student.guidance[1]) if student is not None and student.scaled else (0.0, _STRONGEST)


def _qualities(boxes: Boxes) -> dict[str, dict[str, Any]]:
    """The settings of each quality, by their names on this page: from the table of the model, or else so many steps."""
    table, most = boxes.generator.qualities, _most_steps(boxes.generator)
    if (student := boxes.generator.model.recipe.distillation) is not None:
        return {"best": {"sampler": "ddim", "steps": student.evaluations, "spacing": "time"}}
    if table is None:
        return {name: {"steps": min(steps, most)} for name, steps in _STEPS.items()}
    each = {name: table.named(name) for name in get_args(QualityName)}
    return {
        name: {
            "sampler": of.sampler,
            "steps": min(of.steps, most),
            "spacing": of.spacing,
            "eta": 0.0,
            "churn": 0.0,
            _key(boxes, "guidance"): of.guidance,
        }
        for name, of in each.items()
    }


def _begin(boxes: Boxes, qualities: dict[str, dict[str, Any]], most: int) -> None:
    """What stands in the settings at first, and within what the model allows."""
    state, usual = st.session_state, boxes.generator.choices.sampling()
    usually = (
        {"steps": min(usual.steps, most)}
        if usual.sampler != "ddim" and boxes.generator.qualities is None
        else list(qualities.values())[len(qualities) // 2]
    )
    how: dict[str, Any] = {
        "sampler": usual.sampler,
        "spacing": usual.spacing,
        "eta": usual.eta if usual.sampler == "ddim" else 0.0,
        "churn": usual.churn,
        **usually,  # instead of what stands above
    }
    chosen: str | None = state.get("quality")
    if state.get("set_for") != boxes.name and (
        chosen is not None or boxes.generator.model.recipe.distillation is not None
    ):
        state.update(
            {**how, **qualities.get(chosen or "", {})}
        )  # as the model before had it by a quality, and not by hand; a student has its own
    state["set_for"] = boxes.name
    for name, value in {
        "seed": 0,
        "then": _FIXED,
        "count": 4,
        "interval": usual.guidance.interval,
        "rescale": usual.guidance.rescale,
        "strength": EXCLUSION,
        "palette": True,
        "distance": VARIATION,
        _key(boxes, "guidance"): usual.guidance.scale,
        _key(boxes, "weights"): "",
        _key(boxes, "complete"): usual.complete,
        **how,
    }.items():
        state.setdefault(name, value)
    state["steps"] = min(state["steps"], most)
    if state["spacing"] not in _spacings(boxes.generator):  # the model before had levels of its own
        state["spacing"] = usual.spacing
    names = [
        state.get("quality"),
        list(qualities)[len(qualities) // 2],
        *qualities,
    ]  # of several that are the same, the one that was chosen
    fit = [
        name
        for name in names
        if name in qualities and all(state[setting] == value for setting, value in qualities[name].items())
    ]
    state["quality"] = next(iter(fit), None)


def _more(boxes: Boxes) -> dict[str, Any]:
    """The settings that few people need; those of guidance are returned."""
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(say("Sampler"), get_args(SamplerName), key="sampler", width=140, persist_state="session")
        st.selectbox(
            say("Spacing"),
            _spacings(boxes.generator),
            key="spacing",
            width=120,
            persist_state="session",
            help=say("Which noise levels the steps visit"),
        )
        st.slider(
            say("Eta"),
            0.0,
            1.0,
            step=0.05,
            key="eta",
            persist_state="session",
            width=200,
            disabled=state["sampler"] != "ddim",
            help=say("Of ddim: 0 deterministic, 1 as random as ddpm"),
        )
        st.number_input(
            say("Churn"),
            0.0,
            key="churn",
            width=120,
            persist_state="session",
            disabled=state["sampler"] not in CHURNED,
            help=say("Of euler and heun: noise that is added and taken away again"),
        )
        if boxes.generator.palette is not None:
            st.toggle(say("Only colours of the data"), key="palette", persist_state="session")
    if not boxes.generator.model.recipe.conditional:
        return {}
    by_scale_alone = boxes.generator.model.scaled  # all else of guidance it has learned
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not by_scale_alone:
            st.slider(
                say("Noise levels that guidance works at"),
                0.0,
                1.0,
                step=0.05,
                key="interval",
                width=200,
                persist_state="session",
            )
            st.slider(
                say("Contrast taken back"), 0.0, 1.0, step=0.05, key="rescale", width=200, persist_state="session"
            )
        st.slider(
            say("Strength of what is excluded"),
            0.0,
            _STRONGEST_EXCLUSION,
            step=0.05,
            key="strength",
            width=200,
            persist_state="session",
        )
    if not by_scale_alone:
        st.text_input(
            say("Scales of single attributes"),
            placeholder="Earring=3, hat=2",
            key=_key(boxes, "weights"),
            persist_state="session",
            help=say("Instead of the guidance of the rest"),
        )
    st.toggle(
        say("Fill in what is left open"),
        key=_key(boxes, "complete"),
        persist_state="session",
        help=say("With what the data have together, for each image by its seed; else the network decides"),
    )
    chosen = {"complete": state[_key(boxes, "complete")], "excluded": dict.fromkeys(boxes.excluded, state["strength"])}
    if by_scale_alone:
        return chosen
    return {
        **chosen,
        "interval": state["interval"],
        "rescale": state["rescale"],
        "weights": _weights(state[_key(boxes, "weights")]),
    }


def _weights(text: str) -> dict[str, float]:
    """NAME=NUMBER, commas between; what is no number is left for the generator to refuse."""
    found: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        try:
            found[name.strip() or number.strip()] = float(number)
        except ValueError:
            found[name.strip() or number.strip()] = number
    return found


def _seed_input(place: Any) -> int:
    return int(place.number_input(say("Seed"), 0, _MOST_SEED, key="seed", persist_state="session"))


def _take_quality(qualities: dict[str, dict[str, Any]]) -> None:
    st.session_state.update(qualities.get(st.session_state["quality"], {}))


def _leave() -> None:
    st.session_state["around"] = None


def _key(boxes: Boxes, name: str) -> str:
    return f"{boxes.name}/{name}"
