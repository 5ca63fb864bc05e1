"""Figures side by side."""

from __future__ import annotations

import shutil

import pytest

from noisette.evaluation.records import Record, measured

from ..harness import opened, results_page

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_report_that_cannot_be_read_is_told_and_a_large_one_is_shown(runs, tmp_path):
    (runs / ".reports").mkdir()
    (tmp_path / "letter").write_text("dear")
    (runs / ".reports" / "b.html").symlink_to(tmp_path / "letter")
    (runs / ".reports" / "a.html").write_bytes(b" " * (2**24 + 1))
    try:
        page = opened(results_page, runs)
        assert not page.exception
        assert any("is a link that leads out of" in each.value for each in page.error)
        page.selectbox(key="report").set_value("a.html").run()
        assert not page.exception
        assert not page.error
    finally:
        shutil.rmtree(runs / ".reports")


def test_what_was_measured_stands_side_by_side(runs):
    sampling = {
        "sampler": "ddim",
        "steps": 5,
        "eta": 0.0,
        "guidance": {"scale": 1.5, "interval": [0, 1], "rescale": 0, "weights": {}, "excluded": {"Earring": 0.3}},
    }
    facts = {"weights": "abcdef", "requests": "r", "split": "validation", "images": 10, "sampling": sampling}
    for seed, exact in ((0, 0.8), (10, 0.9)):
        record = Record.of(runs / "avatars" / "evaluations", "v", {**facts, "first_seed": seed})
        record.figures(
            "by-1", ["attribute_accuracy"], lambda missing, exact=exact: {"attribute_accuracy": {"exact": exact}}
        )
    (runs / "avatars" / "evaluations" / "damaged").mkdir(exist_ok=True)
    (runs / "avatars" / "evaluations" / "damaged" / "figures-by-1.json").write_text("[]")
    [found] = measured(str(runs / "avatars"))
    assert found.draws == 2
    assert found.mean["attribute_accuracy"]["exact"] == pytest.approx(0.85)
    assert found.title.endswith("attribute accuracy alone")
    assert "Earring" in found.title  # all in which two evaluations can differ
    page = opened(results_page, runs)
    page.multiselect(key="compared").set_value([str(runs / "avatars"), str(runs / "plain")]).run()
    assert not page.exception
    [table] = page.dataframe
    assert table.value.iloc[:, 1].tolist() == ["0.850 ± 0.071"]
    assert any("noisette evaluate" in each.value for each in page.info)
