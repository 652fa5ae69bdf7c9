"""What several exercises of ladder/causal_transformer draw from and compare with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import (
    normals,
)
from descent.grading import Draw

Tensor = torch.Tensor


def weights_by_hand(queries: Tensor, keys: Tensor, mask: Tensor) -> np.ndarray:
    """The weights of unbatched attention, one exponential after another."""
    q, k = queries.double().numpy(), keys.double().numpy()
    weights = np.zeros((len(q), len(k)))
    for t in range(len(q)):
        open_places = [s for s in range(len(k)) if mask[t, s]]
        scores = [float(np.dot(q[t], k[s])) / q.shape[1] ** 0.5 for s in open_places]
        for s, score in zip(open_places, scores, strict=True):
            weights[t, s] = math.exp(score - max(scores))
        weights[t] /= weights[t].sum()
    return weights


PROJECTIONS = ("query", "key", "value", "out")


def expected_attention(module: nn.Module, x: Tensor, heads: int) -> Tensor:
    """Causal attention from the module's four matrices, head by head, by torch's own kernel."""
    query, key, value, out = (getattr(module, name).weight.detach() for name in PROJECTIONS)
    size, parts = x.shape[-1] // heads, []
    for h in range(heads):
        rows = slice(h * size, (h + 1) * size)
        q, k, v = (torch.einsum("btc,oc->bto", x, w[rows]) for w in (query, key, value))
        parts.append(F.scaled_dot_product_attention(q, k, v, is_causal=True))
    return torch.einsum("btc,oc->bto", torch.cat(parts, dim=-1), out)


def normed(norm: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)


def expected_block(block: Any, x: Tensor, heads: int) -> Tensor:
    first, second = (part for part in block.mlp.modules() if isinstance(part, nn.Linear))
    x = x + expected_attention(block.attention, normed(block.norm1, x), heads)
    hidden = F.gelu(normed(block.norm2, x) @ first.weight.T + first.bias)
    return (x + hidden @ second.weight.T + second.bias).detach()


def surprise_of_each(logits: Tensor, targets: Tensor) -> np.ndarray:
    """The negative log-probability of every target, place by place."""
    rows = logits.double().numpy().reshape(-1, logits.shape[-1])
    chosen = targets.numpy().reshape(-1)
    return np.array(
        [math.log(np.exp(row - row.max()).sum()) + row.max() - row[w]
         for row, w in zip(rows, chosen, strict=True)]
    )  # fmt: skip


class Table(nn.Module):
    """Logits are a row for the word plus one for its place; it notes what it saw.

    `modes` holds, for each call, how many of its two parts were in training mode.
    """

    def __init__(self, words: Tensor, places: Tensor) -> None:
        super().__init__()
        self.words, self.places = nn.Parameter(words.clone()), nn.Parameter(places.clone())
        self.part = nn.Identity()
        self.modes: list[int] = []
        self.recorded: list[bool] = []
        self.inputs: list[Tensor] = []

    def forward(self, tokens: Tensor) -> Tensor:
        self.modes.append(sum(part.training for part in self.modules()))
        self.recorded.append(torch.is_grad_enabled())
        self.inputs.append(tokens.detach().clone())
        if tokens.shape[1] > len(self.places):
            raise ValueError(f"{tokens.shape[1]} words are more than the context takes")
        return self.words[tokens] + self.places[: tokens.shape[1]]

    def __repr__(self) -> str:
        return f"a small model of {len(self.words)} words with a context of {len(self.places)}"


def drawn_table(draw: Draw, vocabulary: int, context: int) -> Table:
    return Table(normals(draw, vocabulary, vocabulary), normals(draw, context, vocabulary))


def table_surprises(model: Table, tokens: Tensor, context: int) -> np.ndarray:
    """The surprise at each word but the first, when every window begins where the last ended."""
    words, places = model.words.detach(), model.places.detach()
    rows = [words[int(w)] + places[t % context] for t, w in enumerate(tokens[:-1])]
    return surprise_of_each(torch.stack(rows), tokens[1:])
