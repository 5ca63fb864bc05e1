from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from noisette.config.sections import TrainingConfig
from noisette.networks.conditioning import ConditionSpec
from noisette.networks.report_unet import ReportUNet
from noisette.networks.simple_unet import SimpleUNet
from noisette.networks.unet import UNet
from noisette.training.optimizers import MUON_RATE, Muon, make_optimizers, orthogonal

ASKED = ConditionSpec((range(3), range(1, 2)))


@given(rows=st.integers(1, 20), columns=st.integers(1, 20), seed=st.integers(0, 99))
def test_all_singular_values_become_about_1_and_the_directions_stay(rows, columns, seed):
    matrix = torch.randn(1, rows, columns, generator=torch.Generator().manual_seed(seed))
    before, after = torch.linalg.svd(matrix[0], full_matrices=False), torch.linalg.svdvals(orthogonal(matrix)[0])
    large = 0.05 * before.S[0] < before.S  # the smallest need more rounds
    assert (after[: large.sum()] > 0.6).all()
    assert (after < 1.3).all()
    turned = before.U.T @ orthogonal(matrix)[0] @ before.Vh.T
    assert_close(turned - turned.diag().diag(), torch.zeros_like(turned), atol=1e-3, rtol=0)


@pytest.mark.parametrize("rank", [2, 8, 24])
@pytest.mark.parametrize("shape", [(24, 200), (24, 24), (100, 24)])
def test_it_is_the_quintic_iteration_of_the_reference(shape, rank):
    """Written out as Jordan has it, in float64. Directions that a gradient does not have must not come from rounding."""
    x = torch.randn(shape[0], rank, dtype=torch.float64) @ torch.randn(rank, shape[1], dtype=torch.float64)
    expected = x / x.norm()
    for _ in range(5):
        square = expected @ expected.T
        expected = 3.4445 * expected + (-4.7750 * square + 2.0315 * square @ square) @ expected
    assert_close(orthogonal(x.float()[None])[0].double(), expected, atol=2e-4, rtol=0)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this PyTorch has no Muon to compare with")
@pytest.mark.parametrize("shape", [(4, 16), (5, 30), (30, 5)])
def test_it_steps_as_pytorchs_own_does(shape):
    """PyTorch's momentum is that of the reference too, but takes matrices only."""
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(shape)) for _ in range(2))
    mine, yours = Muon([ours], lr=0.02), torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=0.0)
    for _ in range(10):
        gradient = torch.randn(shape)
        for weight, optimizer in ((ours, mine), (theirs, yours)):
            weight.grad = gradient.clone()
            optimizer.step()
    assert (ours - theirs).norm() < 0.02 * (theirs - 1).norm()  # theirs in bfloat16, which keeps eight bits


def test_the_map_of_each_value_and_the_naming_of_colours_are_left_to_adamw():
    network = UNet((3, 8, 8), 7, ASKED, widths=[8, 16], condition=["modulate", "spatial"], pixel_width=8)
    muon, adamw = make_optimizers(network, TrainingConfig(steps=1, optimizer="muon"))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    of = [
        {names[id(each)] for group in optimizer.param_groups for each in group["params"]} for optimizer in (muon, adamw)
    ]
    assert of[0] >= {
        "middle.0.conv1.weight",
        "modulate.layers.2.weight",
        "pixels.mix.2.weight",
        "pixels.features.2.weight",
    }
    assert of[1] >= {
        "enter.weight",
        "maps.maps.weight",
        "pixels.maps.maps.weight",
        "pixels.around.weight",
        "pixels.answer.weight",
    }


def test_a_convolution_is_a_matrix_with_a_row_for_each_output():
    torch.manual_seed(0)
    kernel, gradient = nn.Parameter(torch.zeros(4, 3, 3, 3)), torch.randn(4, 3, 3, 3)
    matrix = nn.Parameter(torch.zeros(4, 27))
    kernel.grad, matrix.grad = gradient, gradient.flatten(1)
    Muon([kernel, matrix], lr=0.1).step()
    assert_close(kernel.flatten(1), matrix)


@pytest.mark.parametrize(
    "network",
    [
        SimpleUNet((1, 8, 8), 1, ASKED),
        ReportUNet((3, 8, 8), 3, ASKED),
        UNet((3, 8, 8), 3, ASKED, widths=[8, 16], condition=["modulate", "spatial"]),
        UNet((3, 8, 8), 7, ASKED, widths=[8, 16], condition=["modulate", "spatial"], pixel_width=8),
    ],
    ids=["simple", "report", "patches", "pixels"],
)
def test_each_parameter_has_one_optimiser_and_the_ends_have_adamw(network):
    muon, adamw = make_optimizers(network, TrainingConfig(steps=1, optimizer="muon"))
    both = [
        id(parameter)
        for optimizer in (muon, adamw)
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
    assert sorted(both) == sorted(map(id, network.parameters()))
    of_adamw = {id(parameter) for group in adamw.param_groups for parameter in group["params"]}
    assert all(id(weight) in of_adamw for name in network.ends for weight in network.get_submodule(name).parameters())
    assert all(weight.ndim >= 2 for group in muon.param_groups for weight in group["params"])
    assert [group["scale"] for group in (*muon.param_groups, *adamw.param_groups)] == [MUON_RATE, 1.0]
