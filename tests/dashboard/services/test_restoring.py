"""From a picture back to what was set."""

from __future__ import annotations

import pytest

from noisette.dashboard.services.restoring import differences, read_picture, restored
from noisette.errors import RequestError
from noisette.files.images import as_png, sheet

from ..harness import plan

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.slow
def test_what_a_picture_says_comes_back(avatars):
    drawn = plan(
        avatars,
        "Body=Zombie, Earring",
        seeds=(7, 8),
        sampler="euler",
        churn=5,
        guidance=3,
        interval=(0.2, 0.8),
        negative={"Blush": 0.7},
    )
    found, axes = read_picture(as_png(sheet(avatars.generate(seeds=[0])), drawn.metadata()), "mine.png")
    assert (found, axes) == (drawn.model_copy(update={"run": found.run, "notes": ()}), {})
    assert found.run == "avatars"  # the name alone travels
    back = restored(found, avatars)
    assert back.lost == []
    assert back.attributes == {"Body": "Zombie", "Earring": True}
    assert back.negative == ["Blush"]
    kept = {"sampler": "euler", "steps": 3, "churn": 5, "guidance": 3, "interval": (0.2, 0.8), "strength": 0.7}
    assert {name: back.settings[name] for name in kept} == kept
    assert (back.settings["seed"], back.settings["count"]) == (7, 2)
    assert differences(found, "Body=Zombie, Earring", avatars) == []


def test_what_cannot_come_back_is_told(avatars):
    drawn = plan(avatars, seeds=(1, 5), steps=2500).model_copy(update={"weights": "other"})
    told = [message.text for message in restored(drawn, avatars).lost]
    assert any("its seeds do not follow each other" in text for text in told)
    assert any("and can be {most} here" in text for text in told)
    [weights] = differences(drawn, "", avatars)
    assert "other weights drew it" in weights.text


def test_a_grid_says_what_it_is_over(avatars):
    axes = {"across": ["guidance", "1", "3"], "down": ["seed", "0"]}
    metadata = {"request": plan(avatars).metadata(), **axes}
    found, there = read_picture(as_png(sheet(avatars.generate(seeds=[0])), metadata), "grid.png")
    assert (found.seeds, there) == ((5,), axes)


def test_a_foreign_picture_is_refused(avatars):
    with pytest.raises(RequestError, match=r"foreign\.png"):
        read_picture(as_png(sheet(avatars.generate(seeds=[0])), {}), "foreign.png")
