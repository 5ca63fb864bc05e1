"""What the parts of the dashboard bring with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from noisette import dashboard
from noisette.dashboard.app import _PAGES

HOME = Path(dashboard.__file__).parent


def loaded_by(*modules, what):
    """Whether a fresh Python has a package after these modules were imported."""
    code = f"import sys, {', '.join(modules)}; sys.exit({what!r} in sys.modules)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode != 0


def test_the_two_copies_of_the_servers_settings_are_alike():
    ours, checkout = HOME / ".streamlit" / "config.toml", Path(__file__).parents[2] / ".streamlit" / "config.toml"
    assert ours.read_bytes() == checkout.read_bytes()


@pytest.mark.slow
def test_the_first_page_does_not_wait_for_pytorch():
    assert not loaded_by("noisette.dashboard.app", "noisette.dashboard.views.home", what="torch")


@pytest.mark.slow
def test_services_know_no_streamlit():
    services = [f"noisette.dashboard.services.{file.stem}" for file in (HOME / "services").glob("[a-z]*.py")]
    assert len(services) > 10
    assert not loaded_by(*services, what="streamlit")


@pytest.mark.parametrize("name", sorted(_PAGES))
def test_each_page_is_where_the_application_looks_for_it(name):
    assert not (HOME / "pages").exists()  # which Streamlit would serve by itself, each file a script
    assert (HOME / "views" / f"{name}.py").is_file()
