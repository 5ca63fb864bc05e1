"""From a picture back to what was set."""

from __future__ import annotations

from dataclasses import replace

import pytest

from noisette.dashboard.services.restoring import differences, read_picture, restored
from noisette.errors import RequestError
from noisette.files.images import as_png, sheet

from ..harness import request

pytestmark = pytest.mark.usefixtures("own_cache")


def test_what_a_picture_says_comes_back(avatars):
    values = avatars.understand("Body=Zombie, Earring").values
    sampling = avatars.choices.sampling("euler", 3, churn=5, guidance=3, interval=(0.2, 0.8), excluded={"Blush": 0.7})
    asked = request(avatars, attributes=values, sampling=sampling, seeds=(7, 8))
    found, axes = read_picture(as_png(sheet(avatars.generate(seeds=[0])), asked.as_dict()), "mine.png")
    assert (found, axes) == (asked, {})
    back = restored(found, avatars)
    assert back.lost == []
    assert back.attributes == {"Body": "Zombie", "Earring": True}
    assert back.excluded == ["Blush"]
    kept = {"sampler": "euler", "steps": 3, "churn": 5, "guidance": 3, "interval": (0.2, 0.8), "strength": 0.7}
    assert {name: back.settings[name] for name in kept} == kept
    assert (back.settings["seed"], back.settings["count"]) == (7, 2)
    assert differences(found, "Body=Zombie, Earring", avatars) == []


def test_what_cannot_come_back_is_told(avatars):
    sampling = replace(avatars.choices.sampling(steps=3), steps=5000)
    asked = request(avatars, sampling=sampling, seeds=(1, 5), weights="other")
    told = [message.text for message in restored(asked, avatars).lost]
    assert any("its seeds do not follow each other" in text for text in told)
    assert any("and can be {most} here" in text for text in told)
    [weights] = differences(asked, "", avatars)
    assert "other weights drew it" in weights.text


def test_a_grid_says_what_it_is_over(avatars):
    axes = {"across": ["guidance", "1", "3"], "down": ["seed", "0"]}
    metadata = {"request": request(avatars).as_dict(), **axes}
    found, there = read_picture(as_png(sheet(avatars.generate(seeds=[0])), metadata), "grid.png")
    assert (found.seeds, there) == ((5,), axes)


def test_a_foreign_picture_is_refused(avatars):
    with pytest.raises(RequestError, match=r"foreign\.png"):
        read_picture(as_png(sheet(avatars.generate(seeds=[0])), {}), "foreign.png")
