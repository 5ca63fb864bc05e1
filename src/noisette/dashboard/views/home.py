"""The models and runs there are."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from noisette.dashboard.services.model_list import ListedModel, list_models
from noisette.dashboard.widgets.language import say
from noisette.evaluation.figures import find
from noisette.evaluation.records import measured

_COLUMNS = 3


def page(runs: Path) -> None:
    """A card for each model and run.

    Args:
        runs: The folder of runs.
    """
    st.title("Noisette")
    st.write(
        say(
            "Diffusion models for small images with attributes. Choose a model under **Generate**; a shipped one draws"
            " at once."
        )
    )
    models = list_models(runs)
    for start in range(0, len(models), _COLUMNS):
        for column, model in zip(st.columns(_COLUMNS), models[start : start + _COLUMNS], strict=False):
            with column, st.container(border=True):
                _card(model)
    if not any(model.trains for model in models):
        st.info(
            say(
                "There are no runs in {runs} yet. Start one under **Train**, or with `noisette train digits --budget"
                " 10m`.",
                runs=runs,
            )
        )


def _card(model: ListedModel) -> None:
    st.subheader(model.title)
    if model.problem:
        st.error(say("This run cannot be read: {problem}", problem=model.problem))
        return
    if model.thumbnail is not None:
        st.image(str(model.thumbnail), alt=say("drawn by {name}", name=model.title), width="stretch")
    if model.recipe is not None:
        st.write(model.recipe.summary or model.recipe.dataset.name)
        _, height, width = model.recipe.dataset.shape
        st.caption(f"{model.recipe.dataset.name}, {width}x{height}")
    figures = []
    if (exact := _best(model, "attribute_accuracy.exact")) is not None:
        figures.append(say("as asked {exact:.1%}", exact=exact))
    if (distance := _best(model, "fidelity.frechet")) is not None:
        figures.append(say("Fréchet distance {distance:.1f}", distance=distance))
    if figures:
        st.caption(" · ".join(figures))
    if not model.trains:
        st.caption(say("ships with noisette"))
        return
    loss = "" if model.loss is None else say(", loss {loss:.4f}", loss=model.loss)
    told = say("{state}, step {step:,}", state=say(model.state), step=model.at)
    st.progress(min(1.0, model.progress), told + loss)


def _best(model: ListedModel, path: str) -> float | None:
    """The best of a figure in all evaluations of whole requests on the most images."""
    whole = [each for each in measured(model.name) if each.facts.get("ask") is None]
    found = [each for each in whole if find(each.mean, path) is not None]
    if not found:
        shipped: float | None = find(model.figures, path)
        return shipped
    most = max(each.facts["images"] for each in found)
    values = [find(each.mean, path) for each in found if each.facts["images"] == most]
    return float(min(values) if path == "fidelity.frechet" else max(values))
