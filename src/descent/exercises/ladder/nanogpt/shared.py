"""What several exercises of ladder/nanogpt draw from and compare with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from descent.exercises.doubles import token_tensor
from descent.grading import Draw, expect

Tensor = torch.Tensor


def has(module: Any, what: str, *names: str) -> bool:
    """Whether the parts that the page names are there; says which are not."""
    expect(module, what).is_a(nn.Module)
    missing = [name for name in names if not hasattr(module, name)]
    what_is_missing = f"It has no {' and no '.join(missing)}."
    expect(not missing, f"whether {what} has the parts it names").is_true(what_is_missing)
    return not missing


def refusal(answer: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What a call gave, None where it raised; and the exception's name, "nothing" where none.

    Every kind of ValueError goes by that name.
    """
    try:
        return answer(*arguments), "nothing"
    except ValueError:
        return None, "ValueError"
    except Exception as error:
        return None, type(error).__name__


def weight_shapes(module: Any, *names: str) -> list[tuple[int, ...]]:
    return [tuple(getattr(module, name).weight.shape) for name in names]


def explicit_attention(x: Tensor, packed: Tensor, projection: Tensor, heads: int) -> Tensor:
    """Causal attention from its two matrices, head by head, with the table of scores."""
    x, packed, projection = (part.detach().double() for part in (x, packed, projection))
    width = x.shape[-1]
    size, parts = width // heads, []
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    for h in range(heads):
        q, k, v = (
            torch.einsum(
                "btc,oc->bto", x, packed[n * width + h * size : n * width + (h + 1) * size]
            )
            for n in range(3)
        )
        scores = torch.einsum("btd,bsd->bts", q, k) / size**0.5
        parts.append(scores.masked_fill(future, -math.inf).softmax(-1) @ v)
    return torch.einsum("btc,oc->bto", torch.cat(parts, -1), projection)


def attention_of(module: Any, x: Tensor, heads: int) -> Tensor:
    weights = module.queries_keys_values.weight, module.projection.weight
    return explicit_attention(x, *weights, heads)


def snapped(ratio: float) -> float:
    """The nearest power of 2^(1/4): chance moves a spread by 1 %, a mistake by 19 % or more."""
    if not (math.isfinite(ratio) and ratio > 0):
        return ratio
    return round(2 ** (round(4 * math.log2(ratio)) / 4), 3)


def spreads(model: nn.Module, layers: int, projections: bool) -> list[float]:
    """Root mean squares of the matrices, in units of what they should be."""
    unit = 0.02 / math.sqrt(2 * layers) if projections else 0.02
    return [
        snapped(float(weight.detach().double().square().mean().sqrt()) / unit)
        for name, weight in model.named_parameters()
        if weight.dim() > 1 and name.endswith("projection.weight") == projections
    ]


def count_by_shapes(V: int, context: int, C: int, layers: int, tied: bool) -> int:
    """Every matrix written down, and its entries counted."""
    block = [(C,), (C, 3 * C), (C, C), (C,), (C, 4 * C), (4 * C, C)]
    shapes = [(V, C), (context, C), *(layers * block), (C,), *([] if tied else [(C, V)])]
    return sum(math.prod(shape) for shape in shapes)


class Table(nn.Module):
    """Logits are a row for the token plus one for its place, times a gain. It notes what it saw.

    It has a part of its own, so that a mode that is set on the top alone shows.
    """

    def __init__(self, tokens: Tensor, places: Tensor) -> None:
        super().__init__()
        self.tokens, self.places = nn.Parameter(tokens.clone()), nn.Parameter(places.clone())
        self.gain = nn.Parameter(torch.ones(tokens.shape[1], dtype=tokens.dtype))
        self.part = nn.Identity()
        self.rows: list[int] = []
        self.modes: list[str] = []  # of each call, as `mode_of` says it
        self.recorded: list[bool] = []
        self.slopes_found: list[float] = []  # the size of the gradient when each part was read

    def forward(self, tokens: Tensor) -> Tensor:
        self.rows.append(len(tokens))
        self.modes.append(mode_of(self))
        self.recorded.append(torch.is_grad_enabled())
        slope = self.tokens.grad
        self.slopes_found.append(0.0 if slope is None else float(slope.abs().sum()))
        return self.part(self.tokens[tokens] + self.places[: tokens.shape[1]]) * self.gain

    def __repr__(self) -> str:
        return f"a small model of {len(self.tokens)} tokens"


def mode_of(model: nn.Module) -> str:
    """``training`` or ``evaluation``, or ``mixed`` where its parts are not all in one mode."""
    modes = {module.training for module in model.modules()}
    return "mixed" if len(modes) > 1 else "training" if model.training else "evaluation"


def drawn_table(draw: Draw, vocabulary: int = 5, context: int = 4) -> Table:
    tokens = torch.tensor(draw.normal(vocabulary, vocabulary))
    return Table(tokens, torch.tensor(draw.normal(context, vocabulary)))


def drawn_batch(
    draw: Draw, rows: int, vocabulary: int = 5, context: int = 4
) -> tuple[Tensor, Tensor]:
    windows = token_tensor(draw, vocabulary, rows, context + 1)
    return windows[:, :-1], windows[:, 1:]


def weights_of(model: Table) -> list[Tensor]:
    return [p.detach().clone() for p in (model.tokens, model.places, model.gain)]


def loss_and_slopes(
    weights: list[Tensor], inputs: Tensor, targets: Tensor
) -> tuple[float, list[Tensor]]:
    """Mean surprise of a whole batch, written out, and its gradient."""
    tokens, places, gain = (w.detach().clone().requires_grad_() for w in weights)
    scores = (tokens[inputs] + places[: inputs.shape[1]]) * gain
    chosen = torch.gather(scores, -1, targets[..., None])[..., 0]
    loss = (scores.logsumexp(-1) - chosen).mean()
    return loss.item(), list(torch.autograd.grad(loss, (tokens, places, gain)))
