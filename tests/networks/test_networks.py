from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noisette.diffusion.condition import Condition
from noisette.networks.conditioning import ConditionSpec
from noisette.networks.registry import check_size
from noisette.networks.simple_unet import SimpleUNet
from noisette.networks.unet import UNet

NOTHING = ConditionSpec()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 8),
    columns=st.integers(1, 8),
    patch=st.integers(1, 3),
    levels=st.integers(1, 4),
    channels=st.integers(1, 9),
)
def test_any_size_that_the_levels_divide_and_any_channels_come_back_in_the_same_shape(
    rows, columns, patch, levels, channels
):
    unit = patch * 2 ** (levels - 1)
    height, width = rows * unit, columns * unit
    network = UNet(
        (channels, height, width),
        channels,
        NOTHING,
        widths=[4] * levels,
        blocks=1,
        attention=[False] * (levels - 1) + [True],
        patch=patch,
        head_width=4,
    )
    xt = torch.randn(2, channels, height, width)
    assert network(xt, torch.tensor([0.1, 1.0])).shape == xt.shape


@given(size=st.integers(8, 64), patch=st.integers(1, 8), levels=st.integers(1, 6))
def test_the_size_check_says_no_exactly_where_too_much_would_be_margin(size, patch, levels):
    multiple = patch * 2 ** (levels - 1)
    seen = min(side for side in range(size, 8 * size + multiple) if side % multiple == 0)
    assert (check_size(size, levels=levels, patch=patch) is None) == (seen <= 1.25 * size)


@pytest.mark.parametrize("width", [0, 8])
def test_a_side_that_cannot_be_halved_gets_a_margin_that_nobody_sees(width):
    """Columns: 17 in patches of 2, on two levels, are seen as 20. Without the margin nothing else changes."""
    xt, times = torch.randn(2, 3, 12, 17), torch.rand(2)
    network = UNet((3, 12, 17), 5, NOTHING, widths=[8, 16], blocks=1, patch=2, pixel_width=width)
    whole = UNet((3, 12, 20), 5, NOTHING, widths=[8, 16], blocks=1, patch=2, pixel_width=width)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    whole.load_state_dict(network.state_dict())
    answer = network(xt, times)
    assert answer.shape == (2, 5, 12, 17)
    assert torch.equal(answer, whole(torch.nn.functional.pad(xt, (0, 3)), times)[..., :17])


def test_a_fresh_network_predicts_zero_so_that_training_starts_calmly():
    assert (
        UNet((3, 8, 8), 3, NOTHING, widths=[8, 16], blocks=1)(torch.randn(2, 3, 8, 8), torch.rand(2)).abs().max() == 0
    )


def test_a_network_may_answer_with_more_than_it_sees():
    xt, times = torch.randn(2, 3, 8, 8), torch.rand(2)
    for width in (0, 8):
        answer = UNet((3, 8, 8), 11, NOTHING, widths=[8, 16], blocks=1, patch=2, pixel_width=width)(xt, times)
        assert answer.shape == (2, 11, 8, 8)
        assert answer.abs().max() == 0


@pytest.mark.slow
def test_patches_make_the_same_network_four_times_cheaper():
    from torch.utils.flop_counter import FlopCounterMode

    def flops(patch):
        with FlopCounterMode(display=False) as counter:
            UNet((3, 24, 24), 3, NOTHING, widths=[32, 64], attention=[False, False], patch=patch)(
                torch.randn(1, 3, 24, 24), torch.rand(1)
            )
        return counter.get_total_flops()

    assert 3.5 < flops(1) / flops(2) < 4.5


PIXELS = UNet((1, 16, 16), 5, NOTHING, widths=[8], attention=[False], patch=2, pixel_width=8)


def disturbed(network):
    """The network with no weight left at its zero start."""
    torch.manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


@pytest.mark.parametrize(
    "network",
    [
        SimpleUNet((1, 16, 16), 1, NOTHING),
        UNet((1, 16, 16), 1, NOTHING, widths=[8, 16]),
        UNet((1, 16, 16), 1, NOTHING, widths=[8], attention=[True], patch=2),
        PIXELS,
    ],
    ids=["simple", "unet", "patches", "pixels"],
)
def test_every_pixel_and_the_time_matter_and_images_do_not_mix(network):
    network = disturbed(network)
    xt, times = torch.randn(4, 1, 16, 16), torch.full((4,), 0.5)
    plain = network(xt, times)
    assert not torch.allclose(network(xt, times * 0.2), plain)
    changed = xt.clone()
    changed[2, 0, 7, 7] += 1
    moved = (network(changed, times) - plain).abs().amax(dim=(1, 2, 3))
    assert moved[2] > 1e-4
    assert moved[[0, 1, 3]].max() == 0


@pytest.mark.parametrize("settings", [{}, {"pixel_width": 8, "pixel_map_channels": 4}], ids=["patches", "pixels"])
def test_every_parameter_learns(settings):
    spec = ConditionSpec((range(3), range(1, 2)))
    network = UNet((2, 8, 8), 7, spec, widths=[8, 16], blocks=1, condition=["modulate", "spatial"], **settings)
    disturbed(network)
    codes = torch.tensor([[0, 1], [1, -1], [2, 0], [-1, 1]])
    network(torch.randn(4, 2, 8, 8), torch.rand(4), Condition(codes)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_the_baselines_network_has_its_layers():
    shapes = {name: tuple(layer.weight.shape) for name, layer in SimpleUNet((1, 16, 16), 1, NOTHING).named_children()}
    assert shapes["enter"][:2] == (32, 1)
    assert shapes["down1"][0] == 64
    assert shapes["down2"][:2] == (128, 64)
    assert shapes["middle"][:2] == (128, 128)
    assert shapes["time"] == (32, 1)
