from __future__ import annotations

import pytest
import torch

from noisette.diffusion.condition import Condition
from noisette.networks.conditioning import ConditionSpec, Features
from noisette.networks.report_unet import ReportUNet
from noisette.networks.simple_unet import SimpleUNet
from noisette.networks.unet import UNet

VALUED = (range(3), range(1, 2), range(1, 2))  # a choice of three, and two flags


def test_what_is_known_and_what_is_not_have_features_of_their_own():
    features = Features(ConditionSpec(VALUED))
    codes = torch.tensor([[2, 1, 0], [-1, 0, -1]])
    known, unknown, absent = features(Condition(codes)).split([5, 3, 2], dim=1)
    assert known.tolist() == [[0, 0, 1, 1, 0], [0, 0, 0, 0, 0]]
    assert (unknown * 3**0.5).round().tolist() == [[0, 0, 0], [1, 0, 1]]
    assert absent.tolist() == [[0, 1], [1, 0]]


def test_a_group_is_absent_when_all_of_it_is_known_to_be():
    """Two hats, and an earring of its own."""
    features = Features(ConditionSpec((range(1, 2), range(1, 2), range(1, 2)), units=(0, 0, 2)))
    codes = torch.tensor([[0, 0, 0], [0, -1, 0], [1, 0, -1], [-1, -1, -1]])
    assert features(Condition(codes))[:, -2:].tolist() == [[1, 1], [0, 1], [0, 0], [0, 0]]


def test_absent_is_not_unknown():
    features = Features(ConditionSpec(VALUED))
    absent, unknown = features(Condition(torch.tensor([[0, 0, 0], [0, -1, 0]])))
    assert not torch.equal(absent, unknown)


def test_a_single_null_tells_only_that_nothing_is_known():
    features = Features(ConditionSpec(VALUED, null="single"))
    nothing, one_unknown, one_absent = features(Condition(torch.tensor([[-1, -1, -1], [0, -1, 1], [0, 0, 1]])))
    assert nothing.tolist() == [0, 0, 0, 0, 0, 1]
    assert torch.equal(one_unknown, one_absent)  # its weakness, and why it is not the usual


def awakened(network):
    """With weights as after some training: many start at zero."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def unet(*mechanisms, null="each"):
    spec = ConditionSpec(VALUED, null=null)
    return UNet(
        (3, 8, 8), 3, spec, widths=(8, 16), blocks=1, attention=(False, True), condition=mechanisms, map_channels=4
    )


NETWORKS = {
    "concat": lambda: unet("concat"),
    "add": lambda: unet("add"),
    "modulate": lambda: unet("modulate"),
    "spatial": lambda: unet("spatial"),
    "all at once": lambda: unet("concat", "add", "modulate", "spatial"),
    "single null": lambda: unet("modulate", null="single"),
    "simple_unet": lambda: SimpleUNet((3, 8, 8), 3, ConditionSpec(VALUED), condition=["concat"]),
    "report_unet": lambda: ReportUNet((3, 8, 8), 3, ConditionSpec(VALUED), condition=["add"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_conditioning_mechanism_reaches_the_image_and_learns(name):
    network = awakened(NETWORKS[name]())
    xt, times = torch.randn(1, 3, 8, 8), torch.tensor([0.5])

    def says(*codes):
        return network(xt, times, Condition(torch.tensor([codes])))

    plain = says(0, 0, 0)
    assert plain.shape == xt.shape
    for other in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, -1, -1)):
        assert not torch.allclose(plain, says(*other)), other
    says(0, 1, -1).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())


def test_each_image_of_a_batch_has_its_own_request():
    network = awakened(unet("modulate", "spatial"))
    xt, times = torch.randn(2, 3, 8, 8), torch.tensor([0.5, 0.9])
    codes = torch.tensor([[0, 1, -1], [2, 0, 1]])
    together = network(xt, times, Condition(codes))
    alone = torch.cat([network(xt[k : k + 1], times[k : k + 1], Condition(codes[k : k + 1])) for k in range(2)])
    assert torch.allclose(together, alone, atol=1e-4)


def test_the_baselines_network_has_its_size():
    accessories = (range(5), *[range(1, 2)] * 87)
    network = ReportUNet((3, 32, 32), 3, ConditionSpec(accessories, null="single"), condition=["add"])
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(23.5e6, rel=0.02)


def test_spatial_conditioning_says_where():
    """Two values whose maps differ in one corner change the image there first: one 3x3 convolution away."""
    network = unet("spatial")
    with torch.no_grad():
        network.maps.maps.weight.zero_()
        network.maps.maps.weight.view(4, 8, 8, -1)[:, 0, 0, 1] = 1.0  # value 1 of the choice, upper left
    asked = [network.maps(network.features(Condition(torch.tensor([[code, 0, 0]])))) for code in (0, 1)]
    changed = (asked[0] != asked[1])[0].any(dim=0)
    assert changed.nonzero().tolist() == [[0, 0]]


def test_a_condition_may_say_where_in_an_image_that_is_not_square():
    network = awakened(UNet((3, 24, 16), 3, ConditionSpec(VALUED), widths=(8, 16), blocks=1, condition=["spatial"]))
    xt, times = torch.randn(1, 3, 24, 16), torch.tensor([0.5])
    one, other = (network(xt, times, Condition(torch.tensor([[code, 0, 0]]))) for code in (0, 1))
    assert one.shape == xt.shape
    assert not torch.allclose(one, other)


def test_the_guidance_scale_is_an_input_of_a_network_with_guidance_embed():
    spec = ConditionSpec(VALUED, guidance_embed=True)
    network = awakened(UNet((3, 8, 8), 3, spec, widths=(8, 16), blocks=1, condition=["modulate"]))
    xt, times, condition = torch.randn(1, 3, 8, 8), torch.tensor([0.5]), Condition(torch.tensor([[0, 1, 0]]))
    one, other, same = (network(xt, times, condition.with_scale(scale)) for scale in (1.0, 2.5, 2.501))
    assert not torch.allclose(one, other)
    assert torch.equal(other, same)  # in whole hundredths
