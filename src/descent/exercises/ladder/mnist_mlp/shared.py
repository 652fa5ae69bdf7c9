"""What several exercises of ladder/mnist_mlp draw from and compare with."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from descent.grading import Draw


def numbered(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n pictures of two pixels that carry their own number: pixel 0 is i, the label is i."""
    numbers = torch.arange(n)
    return torch.stack([numbers, -numbers], dim=1).float(), numbers


class DoublesWhileTraining(nn.Module):
    """What dropout is, without the randomness: another output in training mode."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x if self.training else x


def linear(draw: Draw, inputs: int = 2, classes: int = 3) -> nn.Linear:
    """A linear layer with weights that a person can follow."""
    layer = nn.Linear(inputs, classes)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(draw.normal(classes, inputs)))
        layer.bias.copy_(torch.tensor(draw.normal(classes)))
    return layer


def examples(draw: Draw, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n examples with 2 features and a label out of 3."""
    x = torch.tensor(draw.normal(n, 2), dtype=torch.float32)
    return x, torch.tensor(draw.integers(0, 3, n), dtype=torch.int64)


def evaluation(model, pairs, **habits):
    """A measurement with one bad habit, named by keyword: what the mistakes below share."""
    was_training = model.training
    model.train(was_training and bool(habits.get("in_training_mode")))
    total, correct, count, seen, rows = 0.0, 0.0, 0, 0, 0
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for x, y in pairs:
            logits = model(x)
            if habits.get("softmax_twice"):
                loss = F.cross_entropy(logits.softmax(1), y).item()
            else:
                loss = F.cross_entropy(logits, y).item()
            weight = 1 if habits.get("batch_means") or habits.get("loss_unweighted") else len(y)
            total += loss * weight
            right = (logits.argmax(1) == y).float()
            correct += (right.mean() if habits.get("batch_means") else right.sum()).item()
            count, seen, rows = count + 1, seen + len(y), rows or len(y)
            last = loss, right.mean().item()
    if not habits.get("stays_in_evaluation"):
        model.train(was_training or bool(habits.get("always_training")))
    if habits.get("last_batch"):
        return last
    if habits.get("batch_means"):
        return total / count, correct / count
    if habits.get("first_size"):
        return total / (count * rows), correct / (count * rows)
    loss_divisor = {"loss_sum": 1, "loss_by_batches": count, "loss_unweighted": seen}
    divisor = next((value for name, value in loss_divisor.items() if habits.get(name)), seen)
    scale = 100 if habits.get("percent") else seen if habits.get("counts") else 1
    return total / divisor, correct / seen * scale
