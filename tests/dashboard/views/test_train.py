"""Starting trainings."""

from __future__ import annotations

import pytest

from noisette.dashboard.services.jobs import Jobs

from ..harness import opened, train_page

pytestmark = pytest.mark.usefixtures("own_cache")


def test_how_long_is_kept_and_a_start_leaves_the_next_name_free(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        Jobs, "start", lambda self, name, arguments, log: (started.append(arguments), (tmp_path / name).mkdir())
    )
    page = opened(train_page, tmp_path)
    page.selectbox(key="recipe").select("sprites").run()
    next(button for button in page.button if button.label == "Start").click().run()
    assert not page.exception
    assert started[0][:4] == ["train", "sprites", "--out", str(tmp_path / "sprites")]
    assert "begins" in page.success[0].value
    assert not page.warning
    assert "sprites-2" in page.code[-1].value
