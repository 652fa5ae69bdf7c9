"""What several exercises of research/transformers draw from and compare with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from descent.grading import Draw

Tensor = torch.Tensor

PROJECTIONS = ("query", "key", "value", "out")


def code_by_hand(place: float, width: int) -> list[float]:
    """A sinusoidal code, one number after another."""
    code = []
    for i in range(0, width, 2):
        angle = place / 10000 ** (i / width)
        code += [math.sin(angle), math.cos(angle)]
    return code


def codes_by_hand(places: Any, width: int) -> np.ndarray:
    return np.array([code_by_hand(float(place), width) for place in places])


def some_mask(draw: Draw, rows: int, columns: int) -> Tensor:
    """Random, with something to see in every row and in every column."""
    mask = torch.tensor(draw.integers(0, 2, rows, columns)).bool()
    order = draw.rng.permutation(columns)
    for place in range(max(rows, columns)):
        mask[place % rows, order[place % columns]] = True
    return mask


def causal(time: int) -> Tensor:
    return torch.tensor([[s <= t for s in range(time)] for t in range(time)])


def expected_attention(module: Any, x: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Attention from a module's four matrices, head by head, by torch's own kernel."""
    query, key, value, out = (getattr(module, name).weight.detach() for name in PROJECTIONS)
    parts = []
    for q_rows, k_rows, v_rows in zip(
        query.chunk(heads), key.chunk(heads), value.chunk(heads), strict=True
    ):
        q, k, v = (torch.einsum("btc,oc->bto", x, w) for w in (q_rows, k_rows, v_rows))
        parts.append(F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    return torch.einsum("btc,oc->bto", torch.cat(parts, dim=-1), out)


def normed(norm: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)


def expected_mlp(block: Any, x: Tensor) -> Tensor:
    first, second = (part for part in block.mlp.modules() if isinstance(part, nn.Linear))
    hidden = F.gelu(normed(block.norm2, x) @ first.weight.T + first.bias)
    return hidden @ second.weight.T + second.bias
