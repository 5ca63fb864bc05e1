"""What a training is made of at a step: all that a checkpoint holds, and going on from one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from noisette.errors import NoisetteError
from noisette.files.tensors import unlike
from noisette.model import Model
from noisette.store.checkpoint import Checkpoint
from noisette.store.run import Run
from noisette.training.ema import AveragedNetwork
from noisette.training.optimizers import STATES

Optimizers = Sequence[torch.optim.Optimizer]

_NEVER_NEGATIVE = ("step", "exp_avg_sq")


@dataclass
class State:
    """What a training knows besides its tensors; all of it is in each checkpoint.

    Attributes:
        step: Steps taken.
        elapsed: Seconds of training, over all processes that went on with it in turn.
        skipped: Steps without a finite loss.
        updates: Of the averaged weights.
        schema: Fingerprint of the attributes that are learned.
        palette: Fingerprint of the colours that are learned by their indices; empty for any other target.
    """

    step: int = 0
    elapsed: float = 0.0
    skipped: int = 0
    updates: int = 0
    schema: str = ""
    palette: str = ""

    def count_step(self, *, finite: bool, averaged: bool) -> None:
        """Count a step.

        Args:
            finite: Whether the weights moved.
            averaged: Whether there is an average of them.
        """
        self.step += 1
        self.updates += finite and averaged
        self.skipped += not finite


def checkpoint_tensors(
    network: nn.Module, average: AveragedNetwork | None, optimizers: Optimizers
) -> dict[str, Mapping[str, Tensor]]:
    """The tensors of a checkpoint by part: network, average (where there is one) and optimizer."""
    parts: dict[str, Mapping[str, Tensor]] = {
        "network": network.state_dict(),
        "optimizer": optimizer_tensors(network, optimizers),
    }
    if average is not None:
        parts["average"] = average.network.state_dict()
    return parts


def restore(
    checkpoint: Checkpoint, run: Run, network: nn.Module, average: AveragedNetwork | None, optimizers: Optimizers
) -> State:
    """Go on from a checkpoint: fill the network, its average and the optimisers.

    Args:
        checkpoint: Of the run.
        run: Named in the error.
        network: Of the run's recipe.
        average: Of its weights, where the recipe has one.
        optimizers: Of its parameters.

    Returns:
        The state at the checkpoint.

    Raises:
        NoisetteError: The checkpoint is of another network or another optimiser.
    """
    state = state_of(checkpoint, run)
    try:
        network.load_state_dict(_fitting(checkpoint.tensors("network"), network))
        if average is not None:
            average.network.load_state_dict(_fitting(checkpoint.tensors("average"), average.network))
            average.updates = state.updates
        load_optimizer_tensors(checkpoint.tensors("optimizer"), network, optimizers)
    except (RuntimeError, KeyError) as error:
        raise _stranger(checkpoint, run) from error
    return state


def check_fits(checkpoint: Checkpoint, run: Run, model: Model) -> None:
    """Refuse a checkpoint of another network or of other data, by what its head says: nothing is read, and there is no
    network yet.

    Args:
        checkpoint: Of the run.
        run: Named in the error.
        model: Of its recipe.

    Raises:
        NoisetteError: It is of another network, other attributes or colours, or counts its averages otherwise.
    """
    state = state_of(checkpoint, run)
    averaged = state.step - state.skipped if model.recipe.training.ema > 0 else 0
    if (state.schema, state.palette, state.updates) != (model.schema.fingerprint, model.colours_learned, averaged):
        raise _stranger(checkpoint, run)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.outline().items()}
    if checkpoint.shapes("network") != shapes:
        raise _stranger(checkpoint, run)


def _fitting(tensors: Mapping[str, Tensor], network: nn.Module) -> Mapping[str, Tensor]:
    """The tensors, if they are of this network. Raises KeyError otherwise."""
    if why := unlike(tensors, network.state_dict()):
        raise KeyError(why)
    return tensors


def state_of(checkpoint: Checkpoint, run: Run) -> State:
    """What a checkpoint of a run holds besides tensors. Raises NoisetteError if it is of another version."""
    try:
        return State(**checkpoint.state)
    except TypeError as error:
        raise _stranger(checkpoint, run) from error


def _stranger(checkpoint: Checkpoint, run: Run) -> NoisetteError:
    return NoisetteError(
        f"{checkpoint.path} does not fit the recipe of {run.folder}: one of them was changed, or is of another version"
    )


def optimizer_tensors(network: nn.Module, optimizers: Optimizers) -> dict[str, Tensor]:
    """What the optimisers keep of each parameter, named `PARAMETER/KEY`, such as `enter.weight/exp_avg`."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    states = [(names[parameter], kept) for optimizer in optimizers for parameter, kept in optimizer.state.items()]
    return {f"{name}/{key}": tensor for name, kept in states for key, tensor in kept.items()}


def load_optimizer_tensors(tensors: Mapping[str, Tensor], network: nn.Module, optimizers: Optimizers) -> None:
    """Give the optimisers what `optimizer_tensors` took from them.

    Args:
        tensors: By `PARAMETER/KEY`.
        network: Whose parameters are optimised.
        optimizers: Of the same kinds, each for the same parameters.

    Raises:
        KeyError: The tensors are of another network or another optimiser.
    """
    parameters = dict(network.named_parameters())
    if strange := next((name for name in tensors if name.rpartition("/")[0] not in parameters), None):
        raise KeyError(f"the network has no {strange}")
    for name, tensor in tensors.items():
        owner, _, key = name.rpartition("/")
        counts = key == "step" and tensor.dim() == 0
        if not tensor.dtype.is_floating_point or not (counts or tensor.shape == parameters[owner].shape):
            raise KeyError(f"{name} is not what an optimiser keeps")
        if key in _NEVER_NEGATIVE and bool((tensor < 0).any()):
            raise KeyError(f"{name} is below 0")
    states: dict[nn.Parameter, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        owner, _, key = name.rpartition("/")
        parameter = parameters[owner]
        # The fused optimiser walks memory: a moment must lie in it as its parameter does, or they pair up wrongly.
        laid_out = torch.empty_like(parameter).copy_(tensor) if tensor.shape == parameter.shape else tensor
        states.setdefault(parameter, {})[key] = laid_out
    for optimizer in optimizers:
        optimized = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        known = {index: states[parameter] for index, parameter in enumerate(optimized) if parameter in states}
        if any(state.keys() != STATES[type(optimizer)] for state in known.values()):
            raise KeyError("the state of another optimiser")
        optimizer.load_state_dict({"state": known, "param_groups": optimizer.state_dict()["param_groups"]})
