"""The dashboard in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

from noisette.cli import main

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a dashboard that ends with the tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "noisette", "dashboard", "--no-browser", "--port", str(port), "--runs", str(tmp_path_factory.mktemp("runs"))]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/_stcore/health", server)
        yield address
    finally:
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
def page(served):
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1300, "height": 1200})
        opened.set_default_timeout(60_000)
        opened.goto(f"{served}/generate")
        opened.wait_for_selector("img")
        yield opened
        browser.close()


def choose(page, model):
    page.get_by_label("Model", exact=True).first.click()
    page.get_by_role("option", name=model, exact=True).click()


def test_ticks_draw_what_the_command_line_draws(page, tmp_path, monkeypatch, capsys):
    choose(page, "punks")
    page.get_by_text("Female (").click()
    page.get_by_text("eyes (17)").click()
    page.get_by_text("3D Glasses (").click()
    page.get_by_alt_text("type=Female, 3D Glasses").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    command = page.locator("code").first.inner_text()
    assert "'type=Female, 3D Glasses'" in command
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command)[1:], "--out", "same.png"]) == 0, capsys.readouterr().err
    assert download.value.path().read_bytes() == (tmp_path / "same.png").read_bytes()


def test_what_cannot_be_is_told_and_taken_back(page):
    choose(page, "punks")
    page.get_by_text("Female (").click()
    page.get_by_text("beard (12)").click()
    page.get_by_text("Big Beard (").click()
    page.get_by_role("alert").wait_for()
    assert "Big Beard" in page.get_by_role("alert").first.inner_text()
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("alert").wait_for(state="detached")
    page.get_by_alt_text("drawn without a request").wait_for()


def test_nothing_comes_from_elsewhere(page, served):
    """No font, script or count of visitors from another machine."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("img")
    assert asked
    at_home = (served, served.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(at_home)] == []
