"""The dashboard in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

import noisette
from noisette.cli import main

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no chromium on this machine: apt-get install chromium"
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def served(runs):
    """The address of a dashboard that ends with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "noisette", "dashboard", "--no-browser", "--port", str(port), "--runs", str(runs)]
    own = {**os.environ, "NOISETTE_CACHE": str(runs / ".cache")}  # a queue of its own
    server = subprocess.Popen(
        command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/_stcore/health", server)
        yield address
    finally:
        for entry in (runs / ".cache" / "queue").glob("*.json"):  # a training outlives its dashboard
            os.kill(json.loads(entry.read_text())["pid"], signal.SIGTERM)
        # Its server is a process of its own: both are told, as a terminal does at Ctrl-C.
        os.killpg(server.pid, signal.SIGINT)
        server.wait(timeout=30)


def _wait_for(address, server):
    for _ in range(300):
        assert server.poll() is None, "the dashboard ended before it began"
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the dashboard did not begin")


@pytest.fixture
def browser():
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(served, browser):
    opened = browser.new_page(viewport={"width": 1300, "height": 1200})
    opened.set_default_timeout(120_000)  # a busy machine is not a bug
    opened.goto(f"{served}/generate")
    opened.wait_for_selector("figure img")
    return opened


def choose(page, model):
    page.get_by_label("Model", exact=True).first.click()
    page.get_by_role("option", name=model, exact=True).click()


def unfold(page, group):
    page.get_by_text(group).click()
    at_rest(page)


def at_rest(page):
    """What slides away from under the pointer is not what a person would press."""
    page.wait_for_function("document.getAnimations().every(each => each.playState === 'finished')")


def put(page, setting, value):
    field = page.get_by_role("spinbutton", name=setting, exact=True)
    field.fill(value)
    field.press("Enter")


def drop(page, file):
    page.get_by_text("Go on from a picture").click()
    page.locator("input[type=file]").set_input_files(file)


def test_ticks_draw_what_the_command_line_draws(page, tmp_path, monkeypatch, capsys):
    choose(page, "punks")
    page.get_by_text("Female (").click()
    unfold(page, "eyes (17)")
    page.get_by_text("3D Glasses (").click()
    page.get_by_alt_text("type=Female, 3D Glasses, seed 0").wait_for()
    expect(page.locator("code").first).to_contain_text(
        "'type=Female, 3D Glasses'"
    )  # below the button: it is of this picture too
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    command = page.locator("code").first.inner_text()
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command)[1:], "--out", "same.png"]) == 0, capsys.readouterr().err
    assert download.value.path().read_bytes() == (tmp_path / "same.png").read_bytes()


def test_a_search_opens_what_it_finds_and_folds_it_again(page):
    choose(page, "punks")
    found, search = page.get_by_text("3D Glasses ("), page.get_by_label("Search", exact=True)
    page.get_by_text("eyes (17)").wait_for()
    expect(found).to_be_hidden()
    search.fill("3d")
    search.press("Enter")
    found.click()
    expect(page.get_by_text("eyes (17) · 3D Glasses")).to_be_visible()
    search.fill("")
    search.press("Enter")
    expect(found).to_be_hidden()
    expect(page.get_by_text("eyes (17) · 3D Glasses")).to_be_visible()


def test_what_cannot_be_is_told_and_taken_back(page):
    choose(page, "punks")
    unfold(page, "beard (12)")
    page.get_by_text("Big Beard (").click()
    page.get_by_text("never with what is ticked: Female").wait_for()  # before it is asked for
    page.get_by_text("Female (").click()
    page.get_by_role("alert").wait_for()
    assert "Big Beard" in page.get_by_role("alert").first.inner_text()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("alert").wait_for(state="detached")
    page.get_by_alt_text("drawn without a request, seed 0").wait_for()


def test_cancel_cancels(page):
    choose(page, "punks")
    page.get_by_alt_text("drawn without a request, seed 0").wait_for()
    page.get_by_text("generate punks").first.wait_for()  # drawn: what is still changing loses what is typed
    put(page, "Steps", "1000")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled.").wait_for()
    put(page, "Steps", "3")  # the draw queue is free again
    page.get_by_text("--steps 3").wait_for()


def test_a_tick_ends_the_drawing_before(page):
    choose(page, "punks")
    page.get_by_text("generate punks").first.wait_for()  # drawn: what is still changing loses what is typed
    put(page, "Steps", "1000")
    page.get_by_role("button", name="Cancel").wait_for()
    page.get_by_text("fast", exact=True).click()
    page.get_by_text(f"--steps {noisette.load('punks').presets.fast.settings.steps}").wait_for()


def test_a_dropped_picture_brings_its_request_back(page, tmp_path):
    choose(page, "punks")
    page.get_by_text("Zombie (").click()
    page.get_by_text("Earring (").first.click()
    put(page, "Seed", "77")
    page.get_by_alt_text("type=Zombie, Earring, seed 77").wait_for()
    page.get_by_text("best", exact=True).click()
    page.get_by_text(f"--steps {noisette.load('punks').presets.best.settings.steps}").wait_for()
    command = page.locator("code").first.inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all").click()
    picture = tmp_path / "mine.png"
    picture.write_bytes(download.value.path().read_bytes())
    page.reload()
    page.get_by_alt_text("drawn without a request, seed 0").wait_for()
    drop(page, picture)
    page.get_by_text("The settings of the picture are back.").wait_for()
    page.get_by_alt_text("type=Zombie, Earring, seed 77").wait_for()
    expect(page.locator("code").first).to_have_text(command)


@pytest.mark.parametrize("bad", ["text", "foreign", "bomb", "cut"])
def test_what_is_dropped_is_not_trusted(page, tmp_path, bad):
    choose(page, "digits")
    page.get_by_text("generate digits").first.wait_for()  # drawn: what is still changing loses clicks
    file = tmp_path / "bad.png"
    if bad == "text":
        file.write_text("I am no picture")
    elif bad == "foreign":
        Image.new("RGB", (64, 64)).save(file)
    elif bad == "bomb":
        Image.new("1", (20_000, 20_000)).save(file)
    else:
        Image.effect_noise((256, 256), 50).save(file)
        file.write_bytes(file.read_bytes()[:2000])
    drop(page, file)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "bad.png" in alert.inner_text()
    page.get_by_role("button", name="Random").click()  # the rest keeps working
    page.get_by_alt_text("digit=").first.wait_for()


def test_a_training_is_started_watched_stopped_and_resumed(served, runs, page):
    page.goto(f"{served}/train")
    page.get_by_label("Recipe", exact=True).first.click()
    page.get_by_role("option", name="sprites").first.click()
    name = page.get_by_role("textbox", name="Name of the run")
    expect(name).to_have_attribute("placeholder", re.compile("sprites"))  # the page has changed over to the recipe
    name.fill("mine")
    name.press("Enter")
    page.get_by_text("mine --").first.wait_for()
    length = page.get_by_role("textbox", name="that is")
    expect(length).to_have_value("30m")
    length.fill("4m")  # longer than the test, and too short for compiling, a minute on a busy machine, to be tried
    length.press("Enter")
    change(page, "dataset", "count", "1500")
    change(page, "network", "widths", "[8, 16]")
    change(page, "sampling", "steps", "5")
    page.get_by_text("--budget 4m").first.wait_for()
    page.get_by_role("button", name="Start").click()
    page.get_by_text("mine begins").first.wait_for()
    page.get_by_text(re.compile(r"step [\d,]+ ·")).first.wait_for()
    page.goto(f"{served}/watch")
    chart = page.locator("[data-testid=stVegaLiteChart]").first
    chart.wait_for()
    page.get_by_role("slider", name="Samples").wait_for()  # at least two epochs
    before = chart.screenshot()
    for _ in range(60):
        page.wait_for_timeout(500)
        if chart.screenshot() != before:
            break
    else:
        pytest.fail("the curve did not move")
    page.goto(f"{served}/train")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()
    stopped = json.loads((runs / "mine" / "status.json").read_text())
    assert stopped["state"] == "stopped"
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Stop").wait_for()
    for _ in range(120):
        page.wait_for_timeout(500)
        if json.loads((runs / "mine" / "status.json").read_text())["step"] > stopped["step"]:
            break
    else:
        pytest.fail("it did not go on")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()


def change(page, section, setting, value):
    part = page.get_by_test_id("stExpander").filter(has_text=f"{section} ·")
    part.get_by_text(section, exact=True).click()
    at_rest(page)
    field = part.get_by_label(setting, exact=True)
    field.fill(value)
    field.press("Enter")
    page.get_by_text(f"{section}.{setting}=").first.wait_for()
    part.get_by_text(section, exact=True).click()
    at_rest(page)


def test_nothing_comes_from_elsewhere(page, served):
    """No font, script or count of visitors from another machine."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("figure img")
    assert asked
    at_home = (served, served.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(at_home)] == []
