"""Charts with names that others gave."""

from __future__ import annotations

import re

import pytest

from noisette.evaluation.charts import Panel, as_png, as_svg, loss_curves, sweep_panels

NAMES = [
    "$x^{",
    "$a$ $b$",
    "\x1b[31m\u202e\n",
    "--><script>alert(1)</script>",
    "帽子 🎩",
    "\udce9",
    r"\frac{",
    "100 %",
    "_x",
]


def _charts(name):
    curve = [(1, 2.0), (2, 1.0), (3, 0.5)]
    lines = {name: [(name, 0.5, 0.1), ("other", 0.6, None)]}
    return [
        loss_curves({name: curve}, {}),
        sweep_panels([Panel(name, name, lines, 0.9), Panel("b", "steps", {"c": [(1, 2.0, None)]}, None)]),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_drawn_as_it_is(name):
    for chart in _charts(name):
        svg = as_svg(chart)
        assert "<script" not in svg
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", svg)
        assert as_png(chart).startswith(b"\x89PNG")


def test_a_dollar_begins_no_formula():
    [axes] = loss_curves({"$x$": [(1, 2.0), (2, 1.0)]}, {}).axes
    title = axes._left_title
    assert title._preprocess_math(title.get_text()) == ("$x$", False)
