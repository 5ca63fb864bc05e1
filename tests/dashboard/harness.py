"""Pages in Streamlit's own harness."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from noisette.config.sampling import SamplingSettings


def home_page(runs):
    from pathlib import Path

    from noisette.dashboard.views import home

    home.page(Path(runs))


def watch_page(runs):
    from pathlib import Path

    from noisette.dashboard.views import watch

    watch.page(Path(runs))


def train_page(runs):
    from pathlib import Path

    from noisette.dashboard.views import train

    train.page(Path(runs))


def generate_page(runs):
    from pathlib import Path

    from noisette.dashboard.views import generate

    generate.page(Path(runs))


def results_page(runs):
    from pathlib import Path

    from noisette.dashboard.views import results

    results.page(Path(runs))


def opened(page, runs):
    """A page that was run once."""
    return AppTest.from_function(page, args=(str(runs),), default_timeout=60).run()


def pills(page, label):
    return next(each for each in page.get("button_group") if each.label == label)


def button(page, label):
    return next(each for each in page.button if each.label == label)


def plan(generator, request=None, *, seeds=(5,), **settings):
    """A plan of three steps."""
    return generator.plan(request, seeds=seeds, settings=SamplingSettings.of(**{"steps": 3, **settings}))
