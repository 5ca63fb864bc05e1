"""X/Y grids over any two settings."""

from __future__ import annotations

import numpy as np
import pytest

from noisette.dashboard.services.grid import Axis, draw_grid, parse_axis, plan_grid
from noisette.errors import RequestError

from ..harness import plan

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("seed", "1, 2"), ("variation", "0, 0.5")),
        (("sampler", "ddim, ddpm"), ("guidance", "1, 3")),
        (("Body", "Zombie, Tan"), ("steps", "1, 2")),
    ],
)
def test_a_grid_turned_on_its_side_is_the_same_grid(avatars, one, other):
    first, second = parse_axis(*one), parse_axis(*other)
    table = plan_grid(plan(avatars), {}, avatars, first, second)
    turned = plan_grid(plan(avatars), {}, avatars, second, first)
    assert [list(row) for row in zip(*turned, strict=True)] == table


@pytest.mark.slow
def test_a_cell_is_what_would_be_drawn_alone(avatars):
    across, down = Axis("guidance", ("1", "3")), Axis("Body", ("Zombie", "Tan"))
    images = draw_grid(
        avatars, plan_grid(plan(avatars), {"Earring": "Earring"}, avatars, across, down), lambda images, share: None
    )
    assert images.shape[:2] == (2, 2)
    alone = avatars.generate("Earring, Body=Tan", seeds=[5], steps=3, guidance=3)
    assert np.array_equal(images[1, 1], alone[0])


@pytest.mark.parametrize(
    ("name", "values"),
    [("guidance", "strong"), ("steps", "0"), ("Body", "Dragon"), ("seed", "-1"), ("guidance", " , "), ("eta", "7")],
)
def test_a_grid_that_cannot_be(avatars, name, values):
    def drawn():
        table = plan_grid(plan(avatars), {}, avatars, parse_axis(name, values), Axis("sampler", ("ddim",)))
        return draw_grid(avatars, table, lambda images, share: None)

    with pytest.raises(RequestError):
        drawn()


@pytest.mark.slow
def test_strengths_of_an_exclusion_are_compared_only_where_they_count(avatars):
    axes = Axis("exclusion", ("0", "2")), Axis("seed", ("1",))
    for impute in (False, True):
        common = plan(avatars, negative={"Earring": 0.3}, impute=impute)
        if impute:
            with pytest.raises(RequestError, match="imputed without the negative ones, however strong"):
                plan_grid(common, {}, avatars, *axes)
        else:
            images = draw_grid(avatars, plan_grid(common, {}, avatars, *axes), lambda images, share: None)
            assert len({image.tobytes() for image in images.reshape(2, -1)}) == 2


def test_a_cell_that_cannot_be_is_left_out_and_the_rest_is_drawn(avatars):
    table = plan_grid(plan(avatars), {}, avatars, Axis("Body", ("Zombie", "Dragon")), Axis("seed", ("1", "2")))
    assert [[cell is None for cell in row] for row in table] == [[False, True]] * 2
    images = draw_grid(avatars, table, lambda images, share: None)
    assert (images[:, 1] == 255).all()
    assert not (images[:, 0] == 255).all()


@pytest.mark.parametrize(("name", "sampler"), [("eta", "unipc"), ("churn", "ddim")])
def test_what_a_sampler_does_not_take_is_no_axis_of_it_even_where_it_is_without_effect(avatars, name, sampler):
    with pytest.raises(RequestError, match=f"{name} is a setting of .*; {sampler} has none"):
        plan_grid(plan(avatars), {}, avatars, Axis(name, ("0",)), Axis("sampler", (sampler,)))
    assert plan_grid(plan(avatars), {}, avatars, Axis(name, ("0",)), Axis("sampler", ("ddim", "euler")))
