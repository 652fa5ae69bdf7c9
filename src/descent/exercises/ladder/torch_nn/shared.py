"""What several exercises of ladder/torch_nn draw from and compare with."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from descent.exercises.doubles import normals
from descent.grading import Draw, expect

Weights = list[tuple[torch.Tensor, torch.Tensor]]


def drawn_weights(draw: Draw, widths: list[int]) -> Weights:
    # The small shift keeps every unit off its corner, where the ways to write ReLU differ in slope.
    return [(normals(draw, a, c), normals(draw, c) + 33e-5) for a, c in pairwise(widths)]


def logits_of(weights: Weights, x: torch.Tensor) -> torch.Tensor:
    for W, b in weights[:-1]:
        x = torch.addmm(b, x, W)
        x = torch.where(x > 0, x, torch.zeros_like(x))
    return torch.addmm(weights[-1][1], x, weights[-1][0])


def loss_of_each(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each example, from its definition."""
    probabilities = torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True))
    return -torch.log((probabilities * torch.eye(logits.shape[1])[labels]).sum(dim=1))


def descent_step(weights: Weights, loss: torch.Tensor, rate: float) -> Weights:
    slopes = torch.autograd.grad(loss, [tensor for layer in weights for tensor in layer])
    moved = [(tensor - rate * slope).detach().requires_grad_() for tensor, slope in zip(
        (tensor for layer in weights for tensor in layer), slopes, strict=True)]  # fmt: skip
    return list(zip(moved[::2], moved[1::2], strict=True))


def leaves(weights: Weights) -> Weights:
    return [(W.clone().requires_grad_(), b.clone().requires_grad_()) for W, b in weights]


class Witness(nn.Module):
    """Hands its input on, and remembers the mode and whether gradients were recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        return x


def witness_of(network: nn.Sequential) -> Witness:
    first = network[0]
    assert isinstance(first, Witness)
    return first


def sequential(weights: Weights) -> nn.Sequential:
    """The weights as a module, a witness in front."""
    parts: list[nn.Module] = [Witness()]
    for W, b in weights:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(W.T)
            linear.bias.copy_(b)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def expect_parameters(network: nn.Module, weights: Weights) -> None:
    pairs = zip(linear_layers(network), weights, strict=True)
    for number, (linear, (W, b)) in enumerate(pairs, start=1):
        expect(linear.weight, f"the weight of layer {number}").close_to(W.T, atol=1e-4)
        expect(linear.bias, f"the bias of layer {number}").close_to(b, atol=1e-4)


def linear_layers(network: nn.Module) -> list[nn.Linear]:
    return [part for part in network.modules() if isinstance(part, nn.Linear)]


class RightPoints(Dataset):
    """A right data set, which the mistakes below spoil in one place each."""

    def __init__(self, x, y):
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor(y, dtype=torch.int64)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Numbers(Dataset):
    """A data set whose i-th example is the number i, so that a batch tells what is in it."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        if not 0 <= i < self.n:
            raise IndexError(i)
        return int(i)

    def __repr__(self) -> str:
        return f"the numbers 0 … {self.n - 1}"


Batches = list[tuple[torch.Tensor, torch.Tensor]]


def drawn_batches(draw: Draw, *sizes: int) -> Batches:
    return [(normals(draw, n, 2), torch.tensor(draw.integers(0, 3, n))) for n in sizes]


def epoch_with(network, loader, optimiser, **habits):
    """One epoch with one bad habit, named by keyword: what the mistakes below share."""
    network.train(not habits.get("evaluation_mode"))
    if habits.get("mode_untouched"):
        network.eval()
    losses = []
    for x, y in loader:
        logits = network(x)
        logits = torch.softmax(logits, dim=1) if habits.get("softmax") else logits
        if habits.get("probabilities"):
            logits = torch.log_softmax(logits, dim=1).exp()
            loss = nn.functional.nll_loss(logits, y)
        else:
            loss = nn.functional.cross_entropy(
                logits, y, reduction="sum" if habits.get("summed") else "mean"
            )
        losses.append(loss if habits.get("tensors") else loss.item())
        if not habits.get("accumulates"):
            optimiser.zero_grad()
        if habits.get("step_first"):
            optimiser.step()
        loss.backward()
        if habits.get("cleared_too_late"):
            optimiser.zero_grad()
        if not (habits.get("no_step") or habits.get("step_first")):
            optimiser.step()
        if habits.get("cleared_after_step"):
            optimiser.zero_grad()
        if habits.get("loss_after"):
            losses[-1] = nn.functional.cross_entropy(network(x), y).item()
        if habits.get("first_batch"):
            break
    return losses


def measured(weights: Weights, batches: Batches) -> tuple[float, float]:
    """Loss and accuracy over all examples at once."""
    x = torch.cat([x for x, _ in batches])
    y = torch.cat([y for _, y in batches])
    logits = logits_of(weights, x)
    return float(loss_of_each(logits, y).mean()), float(
        np.mean(logits.numpy().argmax(1) == y.numpy())
    )


def evaluated(network, loader, **habits):
    """An evaluation with one bad habit, named by keyword: what the mistakes below share."""
    was_training = network.training
    if not habits.get("mode_untouched"):
        network.eval()
    loss, right, n, batches = 0.0, 0.0, 0, 0
    with torch.set_grad_enabled(bool(habits.get("recorded"))):
        for x, y in loader:
            if habits.get("last_batch"):
                loss, right, n, batches = 0.0, 0.0, 0, 0
            logits = network(x)
            shown = torch.softmax(logits, dim=1) if habits.get("softmax") else logits
            losses = nn.functional.cross_entropy(shown, y, reduction="none")
            hits = (logits.argmax(dim=1) == y).float()
            by_batch = bool(habits.get("by_batch"))
            means = by_batch or habits.get("loss_by_batch") or habits.get("means_over_examples")
            loss += losses.mean().item() if means else losses.sum().item()
            right += hits.mean().item() if by_batch else hits.sum().item()
            n, batches = n + len(y), batches + 1
            if habits.get("first_batch"):
                break
    if habits.get("back_to_training"):
        network.train()
    elif not habits.get("left_in_evaluation"):
        network.train(was_training)
    count = batches if habits.get("by_batch") else n
    count = len(y) if habits.get("last_count") else count
    accuracy = right if habits.get("counted") else right / count
    count = batches if habits.get("loss_by_batch") else count
    loss = loss if habits.get("summed") else loss / count
    if habits.get("tensors"):
        return torch.tensor(loss), torch.tensor(accuracy)
    accuracy = 100 * accuracy if habits.get("percent") else accuracy
    accuracy = 1 - accuracy if habits.get("error_rate") else accuracy
    return (accuracy, loss) if habits.get("swapped") else (loss, accuracy)
