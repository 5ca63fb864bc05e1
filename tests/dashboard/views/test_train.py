"""Starting trainings."""

from __future__ import annotations

import pytest

from noisette.dashboard.services.jobs import Jobs

from ...data.collections.avatars import images, token, write_json
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


def test_a_folder_of_images_is_looked_at_and_trained(tmp_path, monkeypatch):
    folder = images(tmp_path / "my avatars", 40)
    for number in range(40):
        write_json(folder / f"{number}.json", token(number))
    (folder / "broken.png").write_text("no image")
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, name, arguments, log: started.append((name, arguments)))
    page = opened(train_page, tmp_path / "runs")
    page.text_input(key="own/path").set_value(str(folder)).run()
    assert not page.exception
    assert "40 of 41 images, 12x12" in [text.value for text in page.text]
    assert "cannot be read as an image" in page.warning[0].value
    assert any("broken.png" in text.value for text in page.text)
    next(button for button in page.button if button.label == "Start").click().run()
    assert not page.exception
    [(name, arguments)] = started
    assert (name, arguments[:2]) == ("my-avatars", ["train", str(folder)])
    assert "--budget" in arguments
    page.text_input(key="own/path").set_value(str(tmp_path / "nowhere")).run()
    assert "no folder" in page.warning[0].value
    few = images(tmp_path / "few", 3)
    page.text_input(key="own/path").set_value(str(few)).run()
    assert any("at least 20 are needed" in warning.value for warning in page.warning)
    assert not any(button.label == "Start" for button in page.button)
