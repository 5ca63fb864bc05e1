from __future__ import annotations

import torch

from noisette.training.ema import AveragedNetwork


def test_the_average_forgets_the_first_weights_quickly():
    """A constant 0.9999 would still hold 90 % of them after 1,000 updates."""
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(network.weight)
    average = AveragedNetwork(network, decay=0.9999)
    torch.nn.init.zeros_(network.weight)
    for _ in range(1000):
        average.update(network)
    assert average.network.weight.item() < 1e-6


def test_the_decay_is_reached_and_follows_its_formula():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    average = AveragedNetwork(network, decay=0.9)
    expected = 0.0
    for count in range(1, 300):
        torch.nn.init.constant_(network.weight, float(count))
        average.update(network)
        decay = min(0.9, (1 + count) / (10 + count))
        expected = decay * expected + (1 - decay) * count
    assert abs(average.network.weight.item() - expected) < 1e-3


def test_the_average_is_its_own_and_needs_no_gradient():
    network = torch.nn.Linear(2, 2)
    average = AveragedNetwork(network, decay=0.5)
    before = average.network.weight.clone()
    with torch.no_grad():
        network.weight.add_(1)
    assert torch.equal(average.network.weight, before)
    assert not any(parameter.requires_grad for parameter in average.network.parameters())
