"""What several exercises of ladder/imagenet draw from and compare with."""

from __future__ import annotations

import math
from collections import Counter

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.grading import Draw, expect


def drawn_labels(draw: Draw, classes: int, n: int) -> Tensor:
    return torch.tensor(draw.integers(0, classes, n))


Shape = tuple[int, ...]


KINDS = ("weight", "bias", "running_mean", "running_var")


def is_norm(module: nn.Module) -> bool:
    return all(isinstance(getattr(module, kind, None), Tensor) for kind in KINDS)


def fixed(shape: Shape, seed: int, kind: str = "") -> Tensor:
    """Numbers that follow from shape and kind: tensors that are alike get the same."""
    generator = torch.Generator().manual_seed(seed + sum(shape) * 31 + len(kind) * 7 + len(shape))
    drawn = torch.randn(shape, generator=generator)
    if kind in ("weight", "running_var"):  # of a norm
        return 0.75 + 0.25 * drawn.abs()
    return 0.3 * drawn if len(shape) == 1 else drawn * 1.4 * math.prod(shape[1:]) ** -0.5


def fill_alike(model: nn.Module, seed: int) -> None:
    """Give every tensor of a model the numbers of its kind and shape."""
    norms = [module for module in model.modules() if is_norm(module)]
    in_norms = {id(getattr(norm, kind)) for norm in norms for kind in KINDS}
    with torch.no_grad():
        for norm in norms:
            for kind in KINDS:
                part = getattr(norm, kind)
                part.copy_(fixed(tuple(part.shape), seed, kind))
        for parameter in model.parameters():
            if id(parameter) not in in_norms:
                parameter.copy_(fixed(tuple(parameter.shape), seed))


def conv(x: Tensor, seed: int, out: int, side: int, stride: int = 1) -> Tensor:
    kernel = fixed((out, x.shape[1], side, side), seed)
    return F.conv2d(x, kernel, None, stride, side // 2)


def fixed_norm(x: Tensor, seed: int, training: bool) -> Tensor:
    weight, bias, mean, var = (fixed((x.shape[1],), seed, kind) for kind in KINDS)
    return F.batch_norm(x, None if training else mean, None if training else var, weight, bias,
                        training=training)  # fmt: skip


def bottleneck(x: Tensor, seed: int, width: int, stride: int, training: bool) -> Tensor:
    """The block of the page, with the numbers of `fixed`."""
    y = F.relu(fixed_norm(conv(x, seed, width, 1), seed, training))
    y = F.relu(fixed_norm(conv(y, seed, width, 3, stride), seed, training))
    y = fixed_norm(conv(y, seed, 4 * width, 1), seed, training)
    if stride != 1 or x.shape[1] != 4 * width:
        x = fixed_norm(conv(x, seed, 4 * width, 1, stride), seed, training)
    return F.relu(x + y)


def bottleneck_shapes(channels: int, width: int, stride: int) -> list[Shape]:
    kernels = [(width, channels, 1, 1), (width, width, 3, 3), (4 * width, width, 1, 1)]
    if stride != 1 or channels != 4 * width:
        kernels.append((4 * width, channels, 1, 1))
    return [shape for kernel in kernels for shape in (kernel, kernel[:1], kernel[:1])]


def expect_shapes(model: nn.Module, shapes: list[Shape]) -> bool:
    """Whether the parameters are those of the specification, in any order."""
    expect(model, "the module").is_a(nn.Module)
    found = Counter(tuple(parameter.shape) for parameter in model.parameters())
    wanted = Counter(shapes)
    missing, extra = wanted - found, found - wanted
    words = ", ".join(map(str, sorted(missing, key=str))) or "none"
    expect(sum(missing.values()), f"parameters missing (shapes: {words})").equals(0)
    words = ", ".join(map(str, sorted(extra, key=str))) or "none"
    expect(sum(extra.values()), f"parameters too many (shapes: {words})").equals(0)
    amount = sum(map(math.prod, found.elements())) - sum(map(math.prod, wanted.elements()))
    expect(amount, "how many numbers the parameters hold more than they should").equals(0)
    return not missing and not extra
