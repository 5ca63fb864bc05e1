"""The optimisers: AdamW, or Muon for the matrices of a network and AdamW for all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from noisette.config.sections import TrainingConfig
from noisette.networks.conditioning import Maps

MUON_RATE = 5.0
"""Muon's learning rate beside AdamW's: its steps have the same size in every direction, and are small for a matrix."""


def make_optimizers(network: nn.Module, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """The optimisers of a network, each parameter in one of them.

    Args:
        network: Whose `ends` name the layers that Muon leaves alone.
        config: Says which optimiser, its learning rate and its weight decay.

    Returns:
        One optimiser, or Muon and AdamW. Each group runs at `scale` times the learning rate.
    """

    def adamw(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        fused = parameters[0].device.type in ("cpu", "cuda")
        groups = [{"params": parameters, "scale": 1.0}]
        return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=fused)

    parameters = list(network.parameters())
    if config.optimizer == "adamw":
        return [adamw(parameters)]
    matrices = {id(weight) for weight in _matrices(network)}
    muon = Muon(
        [{"params": [p for p in parameters if id(p) in matrices], "scale": MUON_RATE}],
        lr=MUON_RATE * config.learning_rate,
    )
    return [muon, adamw([p for p in parameters if id(p) not in matrices])]


def _matrices(network: nn.Module) -> list[Tensor]:
    """Weights that map features to features.

    Where a row is of one colour or channel, and in the spatial map of each value, many weights are rarely used, and
    steps of one size would be noise to them. The layer that embeds the condition is taken all the same: its columns are
    rarely used, but all rows mix them.
    """
    apart = [network.get_submodule(name) for name in network.ends]  # type: ignore[union-attr]
    apart += [module for module in network.modules() if isinstance(module, Maps)]
    left_out = {id(weight) for module in apart for weight in module.parameters()}
    layers = [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return [layer.weight for layer in layers if id(layer.weight) not in left_out]


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal (Jordan 2024): of each step's matrix all singular values are made about 1, so that no
    direction is left behind.

    For weights of two or more dimensions; those of a convolution count as a matrix with a row for each output. A step
    of a matrix with more rows than columns is sqrt(rows / columns) times as large.
    """

    def __init__(self, params: Iterable[Any], lr: float, *, momentum: float = 0.95) -> None:
        """Optimise matrices.

        Args:
            params: Parameters of two or more dimensions, or groups of them.
            lr: The learning rate: about the size of a step in each direction.
            momentum: Weight of the past gradients, 0 to 1.
        """
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move each weight that has a gradient; `closure` is not called."""
        for group in self.param_groups:
            # Matrices of one shape are made orthogonal together.
            same: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                average: Tensor = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                matrix = weight.grad.lerp(average, group["momentum"]).flatten(1)  # Nesterov's look ahead
                same.setdefault((matrix.shape[0], matrix.shape[1]), []).append((weight, matrix))
            for (rows, columns), members in same.items():
                steps = orthogonal(torch.stack([matrix for _, matrix in members]))
                rate = group["lr"] * max(1.0, rows / columns) ** 0.5
                for (weight, _), update in zip(members, steps, strict=True):
                    weight.add_(update.view(weight.shape), alpha=-rate)


STATES: dict[type[torch.optim.Optimizer], set[str]] = {
    Muon: {"momentum"},
    torch.optim.AdamW: {"step", "exp_avg", "exp_avg_sq"},
}
"""What each optimiser keeps of a parameter."""


def orthogonal(matrices: Tensor, *, iterations: int = 5) -> Tensor:
    """The nearest matrices with all singular values between about 0.7 and 1.2.

    A quintic Newton-Schulz iteration, x to (a + b x xT + c (x xT)²) x, whose coefficients rise fastest from 0 (Jordan
    2024). All its factors are polynomials of the first x xT, which is small where x is long: so they are multiplied
    among themselves, and meet x once, at the end. The rounding of x xT grows twelvefold each time, for which bfloat16
    has too few digits.

    Args:
        matrices: (N, R, C), float32 at least.
        iterations: Of Newton-Schulz.

    Returns:
        (N, R, C).
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.flatten(1).norm(dim=1).view(-1, 1, 1) + 1e-7)
    square = x @ x.transpose(1, 2)  # of x as it would be by now
    unit = torch.eye(square.shape[1], dtype=x.dtype, device=x.device)
    factors = unit.expand_as(square)
    for _ in range(iterations):
        factor = torch.baddbmm(torch.add(-4.7750 * square, unit, alpha=3.4445), square, square, alpha=2.0315)
        factors = factor @ factors
        square = factor @ square @ factor
    result: Tensor = (factors @ x).transpose(1, 2) if tall else factors @ x
    return result
