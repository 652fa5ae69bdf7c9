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
from descent.grading import Draw, expect

Tensor = torch.Tensor


def parameter_total(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def has(module: nn.Module, what: str, *names: str) -> bool:
    """Whether the parts that the page names are there; says which are not."""
    expect(module, what).is_a(nn.Module)
    missing = [name for name in names if not hasattr(module, name)]
    expect(len(missing), "how many of the parts it names are missing").equals(0)
    return not missing


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


class Attention(nn.Module):
    """A right layer, which the mistakes below spoil in one place each."""

    habits: dict[str, bool] = {}

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        bias = "bias" in self.habits
        self.query, self.key, self.value, self.out = (
            nn.Linear(width, width, bias=bias) for _ in range(4)
        )

    def _split(self, x):
        batch, time, width = x.shape
        if "reshapes" in self.habits:
            return x.reshape(batch, self.heads, time, width // self.heads)
        return x.reshape(batch, time, self.heads, width // self.heads).transpose(1, 2)

    def _attend_once(self, x):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / math.sqrt(x.shape[-1])
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        self.weights = scores.masked_fill(future, -math.inf).softmax(-1).detach()
        return self.out(self.weights @ self.value(x))

    def forward(self, x):
        batch, time, width = x.shape
        if "one_head" in self.habits:
            return self._attend_once(x)
        q, k, v = (self._split(part(x)) for part in (self.query, self.key, self.value))
        if "swaps" in self.habits:
            q, k = k, q
        root = math.sqrt(width if "full_width" in self.habits else width // self.heads)
        root = 1.0 if "unscaled" in self.habits else root
        scores = q @ k.transpose(-1, -2) / root
        mask = torch.ones(time, time, dtype=torch.bool).tril()
        mask = mask.T if "transposed" in self.habits else mask
        if "leaks" not in self.habits:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(-1)
        self.weights = weights if "attached" in self.habits else weights.detach()
        mixed = weights @ v
        if "joins_badly" not in self.habits:
            mixed = mixed.transpose(1, 2)
        mixed = mixed.reshape(batch, time, width)
        return mixed if "no_out" in self.habits else self.out(mixed)


def normed(norm: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)


def expected_block(block: Any, x: Tensor, heads: int) -> Tensor:
    first, second = (part for part in block.mlp.modules() if isinstance(part, nn.Linear))
    x = x + expected_attention(block.attention, normed(block.norm1, x), heads)
    hidden = F.gelu(normed(block.norm2, x) @ first.weight.T + first.bias)
    return (x + hidden @ second.weight.T + second.bias).detach()


class RightBlock(nn.Module):
    """A right block, which the mistakes below spoil in one place each."""

    def __init__(self, width, heads, inside=4, bend: type[nn.Module] = nn.GELU):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, inside * width), bend(), nn.Linear(inside * width, width)
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def surprise_of_each(logits: Tensor, targets: Tensor) -> np.ndarray:
    """The negative log-probability of every target, place by place."""
    rows = logits.double().numpy().reshape(-1, logits.shape[-1])
    chosen = targets.numpy().reshape(-1)
    return np.array(
        [math.log(np.exp(row - row.max()).sum()) + row.max() - row[w]
         for row, w in zip(rows, chosen, strict=True)]
    )  # fmt: skip


class Table(nn.Module):
    """Logits are a row for the word plus one for its place; it notes what it saw."""

    def __init__(self, words: Tensor, places: Tensor) -> None:
        super().__init__()
        self.words, self.places = nn.Parameter(words.clone()), nn.Parameter(places.clone())
        self.modes: list[bool] = []
        self.recorded: list[bool] = []
        self.inputs: list[Tensor] = []

    def forward(self, tokens: Tensor) -> Tensor:
        self.modes.append(self.training)
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
