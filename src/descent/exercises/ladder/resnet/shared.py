"""What several exercises of ladder/resnet draw from and compare with."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, expect


def positive(draw: Draw, *shape: int) -> Tensor:
    return torch.tensor(draw.uniform(0.3, 2.0, *shape), dtype=torch.float32)


def drawn_batch(draw: Draw, n: int, channels: int = 3, side: tuple[int, ...] = (2, 3)) -> Tensor:
    """Numbers whose channels differ in mean and spread."""
    ramp = torch.arange(1.0, channels + 1).reshape(1, channels, *[1] * len(side))
    return normals(draw, n, channels, *side) * ramp + 2 * ramp


def examples(draw: Draw, n: int, inputs: int = 3, classes: int = 3) -> tuple[Tensor, Tensor]:
    return normals(draw, n, inputs), torch.tensor(draw.integers(0, classes, n))


def affine(draw: Draw, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean, variance, weight and bias of each channel."""
    mean, bias = normals(draw, channels), normals(draw, channels)
    weight = positive(draw, channels) + 0.5
    weight[0] = -weight[0]
    return mean, positive(draw, channels), weight, bias


STATE = ("weight", "bias", "running_mean", "running_var")


def block_shapes(before: int, after: int, stride: int) -> dict[str, tuple[int, ...]]:
    """Parameters and running statistics of a block, by name."""
    shapes: dict[str, tuple[int, ...]] = {
        "conv1.weight": (after, before, 3, 3),
        "conv2.weight": (after, after, 3, 3),
    }
    norms = ["norm1", "norm2"]
    if stride != 1 or before != after:
        shapes["shortcut.0.weight"] = (after, before, 1, 1)
        norms.append("shortcut.1")
    for norm in norms:
        shapes |= {f"{norm}.{name}": (after,) for name in STATE}
    return shapes


def fill(model: nn.Module, shapes: dict[str, tuple[int, ...]], seed: int) -> dict | None:
    """Give the model random numbers, and return them; None where its tensors are others."""
    state = {n: t for n, t in model.state_dict().items() if not n.endswith("batches_tracked")}
    missing = sorted(set(shapes) - set(state))
    extra = sorted(set(state) - set(shapes))
    expect(len(missing), f"missing tensors ({', '.join(missing) or 'none'})").equals(0)
    expect(len(extra), f"tensors too many ({', '.join(extra) or 'none'})").equals(0)
    if missing or extra:
        return None
    generator, weights = torch_generator(seed), {}
    for name, shape in shapes.items():
        expect(tuple(state[name].shape), f"the shape of {name}").equals(shape)
        if tuple(state[name].shape) != shape:
            return None
        spread = 0.4 if len(shape) == 1 else 1.4 * math.prod(shape[1:]) ** -0.5
        weights[name] = torch.randn(shape, generator=generator) * spread
        if name.endswith(("running_var", "weight")) and len(shape) == 1:
            weights[name] = 1 + 0.5 * torch.rand(shape, generator=generator)
    model.load_state_dict({**model.state_dict(), **weights})
    return weights


def block_output(w: dict, x: Tensor, stride: int, training: bool, prefix: str = "") -> Tensor:
    """The block of the page, from its tensors."""

    def norm(name: str, z: Tensor) -> Tensor:
        weight, bias, mean, var = (w[f"{prefix}{name}.{part}"] for part in STATE)
        mean, var = (None, None) if training else (mean, var)
        return F.batch_norm(z, mean, var, weight, bias, training=training)

    branch = F.relu(norm("norm1", F.conv2d(x, w[f"{prefix}conv1.weight"], None, stride, 1)))
    branch = norm("norm2", F.conv2d(branch, w[f"{prefix}conv2.weight"], None, 1, 1))
    if f"{prefix}shortcut.0.weight" in w:
        x = norm("shortcut.1", F.conv2d(x, w[f"{prefix}shortcut.0.weight"], None, stride))
    return F.relu(x + branch)


def cycle(step: int, steps: int, peak: float, warm_up: float) -> float:
    """The schedule by interpolation: sin² of half the angle that is left."""
    t = (2 * step + 1) / (2 * steps)
    if t <= warm_up:
        return float(np.interp(t, [0, warm_up], [0, peak]))
    left = np.interp(t, [warm_up, 1], [1, 0])
    return float(peak * np.sin(np.pi / 2 * left) ** 2)
