"""From attributes to pictures, and to the command that draws them again."""

from __future__ import annotations

import io
import json
import shlex

import numpy as np
import pytest
from PIL import Image

from noisette.cli import main

from ..harness import generate_page, opened, pills

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.slow
def test_a_tick_asks_and_the_command_line_draws_the_same(runs, capsys, tmp_path, monkeypatch):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    assert not page.exception
    pills(page, "Body").set_value("Zombie").run()
    pills(page, "with").set_value(["Earring"]).run()
    pills(page, "without").set_value(["Blush"]).run()
    assert not page.exception
    command = page.code[0].value
    assert "'Body=Zombie, Earring, no Blush'" in command
    shown = Image.open(io.BytesIO(page.session_state["picture"].png))
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(command)[1:]
    assert main([*arguments, "--out", "same.png"]) == 0, capsys.readouterr().err
    with Image.open("same.png") as same:
        assert np.array_equal(np.asarray(shown), np.asarray(same))
        assert json.loads(same.info["noisette"])["attributes"] == json.loads(shown.info["noisette"])["attributes"]


@pytest.mark.slow
def test_every_setting_is_in_the_command_that_draws_the_same(runs, capsys, tmp_path, monkeypatch):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    pills(page, "Body").set_value("Zombie").run()
    page.slider(key="eta").set_value(0.5).run()
    page.slider(key="interval").set_value((0.2, 0.8)).run()
    page.slider(key="rescale").set_value(0.4).run()
    page.multiselect(key=f"{runs / 'avatars'}/negative").set_value(["Blush"]).run()
    next(button for button in page.button if button.label == "More like this").click().run()
    assert not page.exception
    command = page.code[0].value
    for part in (
        "--eta 0.5",
        "--guidance-interval 0.2 0.8",
        "--guidance-rescale 0.4",
        "--exclude Blush=0.3",
        "--vary 0=0.2",
    ):
        assert part in command
    (tmp_path / "shown.png").write_bytes(page.session_state["picture"].png)
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command)[1:], "--out", "same.png"]) == 0, capsys.readouterr().err
    with Image.open("same.png") as same, Image.open("shown.png") as shown:
        assert same.tobytes() == shown.tobytes()
        assert json.loads(same.info["noisette"]) == json.loads(shown.info["noisette"])
    scope = {}
    exec(page.code[1].value, scope)
    assert np.array_equal(scope["images"], page.session_state["picture"].images)
