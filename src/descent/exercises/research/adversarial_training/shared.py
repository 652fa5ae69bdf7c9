"""What several exercises of research/09_adversarial_training draw from and compare with."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, expect

SHAPE = (2, 2, 3)
"""Channels, height and width of the small pictures. Two channels, so that a length, or a number of
pixels, of one channel alone is another than the picture's."""


class SmallNet(nn.Module):
    """Pictures of `SHAPE` → scores of `classes`; in training mode half of its inputs are dropped.

    Its gradient with respect to the pictures is also known by hand.
    """

    def __init__(self, draw: Draw, classes: int = 4) -> None:
        super().__init__()
        size = int(np.prod(SHAPE))
        self.drop: nn.Module = nn.Dropout(0.5)
        self.first, self.second = nn.Linear(size, 5), nn.Linear(5, classes)
        with torch.no_grad():
            for layer in (self.first, self.second):
                layer.weight.copy_(normals(draw, *layer.weight.shape) + 0.013)
                layer.bias.copy_(normals(draw, *layer.bias.shape, scale=0.3))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(self.drop(x.flatten(1)))))

    def gradient(self, x: Tensor, y: Tensor) -> np.ndarray:
        """Of each picture's cross-entropy with respect to the picture, in float64, of x's shape."""
        first, second = self.first, self.second
        w, b = first.weight.detach().double().numpy(), first.bias.detach().double().numpy()
        v, c = second.weight.detach().double().numpy(), second.bias.detach().double().numpy()
        hidden = np.tanh(x.detach().double().flatten(1).numpy() @ w.T + b)
        scores = hidden @ v.T + c
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        shares[np.arange(len(x)), y.numpy()] -= 1.0
        return ((shares @ v) * (1 - hidden**2) @ w).reshape(x.shape)


def pictures(draw: Draw, n: int) -> Tensor:
    """`n` pictures of `SHAPE` with pixels from 0 to 1; some are exactly 0 and some exactly 1."""
    return (0.5 + 0.5 * normals(draw, n, *SHAPE)).clamp(0.0, 1.0)


def labels_for(draw: Draw, n: int, classes: int = 4) -> Tensor:
    """`n` labels below `classes`, as int64."""
    return torch.tensor(draw.integers(0, classes, n))


class Untouched:
    """Notes what a model was like before an answer had it, and looks at it again after."""

    def __init__(self, model: nn.Module, draw: Draw) -> None:
        self.model = model
        for parameter in model.parameters():
            parameter.grad = normals(draw, *parameter.shape)
        if draw.size % 3 == 2:  # its owner keeps one fixed
            next(iter(model.parameters())).requires_grad_(False)
        self.learning = [p.requires_grad for p in model.parameters()]
        model.train(draw.size % 2 == 0)
        self.training = model.training
        self.gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        self.weights = [p.detach().clone() for p in model.parameters()]

    def look(self) -> None:
        """Expect mode, gradients and weights as they were."""
        expect(self.model.training, "the model's `training`, after").equals(self.training)
        parameters = list(self.model.parameters())
        kept = all(
            p.grad is not None and torch.equal(p.grad, before)
            for p, before in zip(parameters, self.gradients, strict=True)
        )
        expect(kept, "whether the parameters' .grad are what they were").equals(True)
        same = all(torch.equal(p, w) for p, w in zip(parameters, self.weights, strict=True))
        expect(same, "whether the weights are what they were").equals(True)
        learning = [p.requires_grad for p in parameters]
        expect(learning, "which parameters ask for a gradient, after").equals(self.learning)
