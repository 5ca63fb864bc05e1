"""Figures of several evaluations side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from noisette.dashboard.services.model_list import ListedModel
from noisette.dashboard.widgets.language import say
from noisette.evaluation.figures import FIGURES, find
from noisette.evaluation.records import Measured, measured

_MOST_COLUMNS = 6


def figure_table(models: list[ListedModel]) -> None:
    """Draw the table, and name the models of which nothing was measured."""
    found = [(model, each) for model in models for each in measured(model.name)]
    for model in models:
        if not any(model is other for other, _ in found):
            st.info(
                say(
                    "Nothing was measured of {name} yet: `{command}`, or Measure.",
                    name=model.title,
                    command=f"noisette evaluate {model.name}",
                )
            )
    if not found:
        return
    columns = {_title(model, each): each for model, each in found}
    shown = list(columns)
    if len(columns) > _MOST_COLUMNS:
        shown = st.multiselect(say("Columns"), shown, default=shown[-_MOST_COLUMNS:], key=f"columns/{len(columns)}")
    frame = _frame({title: columns[title] for title in shown})
    st.dataframe(frame.fillna(""), height="content")
    download(say("Download the table"), frame.to_csv(), "figures.csv", "text/csv")


def download(title: str, data: str | bytes, name: str, kind: str) -> None:
    """A button that downloads a file.

    Args:
        title: Of the button.
        data: Of the file.
        name: Of the file.
        kind: Its MIME type.
    """
    st.download_button(
        title, data, file_name=name, mime=kind, icon=":material/download:", on_click="ignore", key=f"download/{name}"
    )


def _frame(columns: dict[str, Measured]) -> pd.DataFrame:
    """A row for each figure that was measured; real images stand beside the drawn ones."""
    table = {}
    for title, each in columns.items():
        table[title] = {figure.title: _cell(each, figure.path) for figure in FIGURES}
        if each.real is not None:
            table[say("real, of {title}", title=title)] = {
                figure.title: _number(find(each.real, figure.path)) for figure in FIGURES
            }
    frame = pd.DataFrame(table, index=[figure.title for figure in FIGURES]).dropna(how="all")
    frame.insert(0, say("better"), [say(figure.better) for figure in FIGURES if figure.title in frame.index])
    return frame


def _title(model: ListedModel, each: Measured) -> str:
    """All in which two evaluations can differ."""
    draws = [f"{each.draws}x"] if each.draws > 1 else []
    classifier = say("classifier {which}", which=each.by[:4])
    return " · ".join([model.title, each.title, each.facts["weights"][:6], classifier, *draws])


def _cell(each: Measured, path: str) -> str | None:
    mean, spread = find(each.mean, path), find(each.spread, path)
    if mean is None:
        return None
    return f"{_number(mean)} ± {_number(spread)}" if spread else _number(mean)


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    if value and abs(value) < 0.01:
        return f"{value:.3g}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"
