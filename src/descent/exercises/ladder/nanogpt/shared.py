"""What several exercises of ladder/nanogpt draw from and compare with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import token_tensor
from descent.grading import Draw, Exercise, expect

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


class RightAttention(nn.Module):
    """A right layer, which the mistakes below spoil in one place each."""

    habits: frozenset[str] = frozenset()

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.heads, self.share = heads, dropout
        bias = "bias" in self.habits
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=bias)
        self.projection = nn.Linear(width, width, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def _split(self, packed):
        batch, time, wide = packed.shape
        size = wide // 3 // self.heads
        if "interleaves" in self.habits:
            parts = packed.view(batch, time, size * self.heads, 3).unbind(-1)
        elif "heads_outside" in self.habits:
            parts = packed.view(batch, time, self.heads, 3 * size).split(size, -1)
            return [part.transpose(1, 2) for part in parts]
        else:
            parts = packed.chunk(3, -1)
        if "reshapes" in self.habits:
            return [part.reshape(batch, self.heads, time, size) for part in parts]
        split = [part.reshape(batch, time, self.heads, size) for part in parts]
        if "attends_heads" in self.habits:
            return split
        return [part.transpose(1, 2) for part in split]

    def forward(self, x):
        q, k, v = self._split(self.queries_keys_values(x))
        if "key_first" in self.habits:
            q, k = k, q
        share = 0.0 if "keeps_weights" in self.habits else self.share
        if not self.training and not self.habits & {"always_drops", "forgets_the_mode"}:
            share = 0.0
        if "by_hand" in self.habits:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            weights = F.dropout(scores.masked_fill(future, -math.inf).softmax(-1), share)
            mixed = weights @ v
        else:
            scale = x.shape[-1] ** -0.5 if "full_width" in self.habits else None
            if "scales_twice" in self.habits:
                q = q / math.sqrt(q.shape[-1])
            mixed = F.scaled_dot_product_attention(
                q, k, v, dropout_p=share, is_causal="leaks" not in self.habits, scale=scale
            )
        if "joins_badly" not in self.habits and "attends_heads" not in self.habits:
            mixed = mixed.transpose(1, 2)
        mixed = mixed.reshape(x.shape)
        mixed = mixed if "no_projection" in self.habits else self.projection(mixed)
        if self.habits & {"drops_outputs_always", "forgets_the_mode"}:
            return F.dropout(mixed, self.share)
        return mixed if "keeps_outputs" in self.habits else self.dropout(mixed)


def spoil_class(exercise: Exercise, base: type, rows: Iterable[tuple[str, str, str]]) -> None:
    """Declare one mistake for each habit of a class: its name, the habit, the message."""
    for name, habit, message in rows:
        exercise.mistake(message)(type(name, (base,), {"habits": frozenset({habit})}))


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


def start(model, layers, spread=0.02, shrink=None, **habits):
    """The start of GPT-2 with one bad habit, named by keyword: what the mistakes below share."""
    shrink = math.sqrt(2 * layers) if shrink is None else shrink
    if habits.get("seeds"):
        torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            inner = name.endswith("projection.weight")
            if habits.get("anywhere"):
                inner = "projection" in name
            if habits.get("misses_attention"):
                inner = inner and "attention" not in name
            if weight.dim() > 1:
                if habits.get("uniform"):
                    weight.uniform_(-spread * math.sqrt(3), spread * math.sqrt(3))
                elif habits.get("fan_in"):
                    weight.normal_(std=1 / math.sqrt(weight.shape[1]))
                elif not (habits.get("no_tables") and name.startswith(("tokens", "positions"))):
                    weight.normal_(std=spread)
                weight.div_(shrink if inner or habits.get("all_small") else 1.0)
            elif name.endswith("bias"):
                if not habits.get("no_biases"):
                    weight.fill_(0.0)
            elif habits.get("draws_gains"):
                weight.normal_(std=spread)
            elif not habits.get("no_gains"):
                weight.fill_(0.0 if habits.get("zero_gains") else 1.0)


def count_by_shapes(V: int, context: int, C: int, layers: int, tied: bool) -> int:
    """Every matrix written down, and its entries counted."""
    block = [(C,), (C, 3 * C), (C, C), (C,), (C, 4 * C), (4 * C, C)]
    shapes = [(V, C), (context, C), *(layers * block), (C,), *([] if tied else [(C, V)])]
    return sum(math.prod(shape) for shape in shapes)


def scheduled_rate(step, steps, peak, least, warm_up, **habits):
    if step < warm_up:
        if habits.get("from_zero"):
            return peak * step / warm_up
        if habits.get("reaches_early"):
            return peak * (step + 1) / warm_up
        if habits.get("from_least"):
            return least + (peak - least) * (step + 1) / (warm_up + 1)
        return peak * (step + 1) / (warm_up + 1)
    if habits.get("clamped") and step >= warm_up:
        done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
        return least + (peak - least) * 0.5 * (1 + math.cos(math.pi * done))
    if step >= steps and not habits.get("comes_back"):
        return 0.0 if habits.get("to_zero") else least
    whole = steps if habits.get("from_start") else max(1, steps - warm_up)
    done = (step if habits.get("from_start") else step - warm_up) / whole
    half = 0.5 * (1 + math.cos(math.pi * done))
    if habits.get("whole_wave"):
        half = 0.5 * (1 + math.cos(2 * math.pi * done))
    if habits.get("quarter"):
        half = math.cos(0.5 * math.pi * done)
    if habits.get("straight"):
        half = 1 - done
    if habits.get("rises"):
        half = 1 - half
    low = 0.0 if habits.get("to_zero") else least
    return low + (peak if habits.get("adds_least") else peak - low) * half


def clip(parameters, largest, **habits):
    parameters = list(parameters)
    if habits.get("needs_all") or habits.get("counts_weights"):
        gradients = [p.detach() if habits.get("counts_weights") else p.grad for p in parameters]
        gradients = [gradient.clone() for gradient in gradients]
        parameters = [p for p in parameters if p.grad is not None]
    else:
        parameters = [p for p in parameters if p.grad is not None]
        gradients = [p.grad.detach().clone() for p in parameters]
    squares = [float(gradient.double().square().sum()) for gradient in gradients]
    norm = math.sqrt(sum(squares))
    if habits.get("sums_norms"):
        norm = sum(math.sqrt(square) for square in squares)
    if habits.get("largest_norm"):
        norm = math.sqrt(max(squares, default=0.0))
    if habits.get("squared"):
        norm = sum(squares)
    if habits.get("averages"):
        norm = math.sqrt(sum(squares) / max(1, sum(g.numel() for g in gradients)))
    factor = largest / norm if norm > largest or (habits.get("stretches") and norm) else 1.0
    for parameter, square in zip(parameters, squares, strict=False):
        if habits.get("by_value"):
            parameter.grad.clamp_(-largest, largest)
        elif habits.get("each"):
            own = math.sqrt(square)
            parameter.grad.mul_(largest / own if own > largest else 1.0)
        elif habits.get("weights"):
            parameter.data.mul_(factor)
        elif habits.get("not_in_place"):
            _ = parameter.grad * factor
        elif habits.get("cuts_to_one"):
            parameter.grad.mul_(1 / norm if norm > largest else 1.0)
        else:
            parameter.grad.mul_(factor)
    if habits.get("norm_after"):
        return min(norm, largest)
    return torch.tensor(norm) if habits.get("tensor") else norm


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


def accumulated(model, inputs, targets, parts, **habits):
    if not habits.get("keeps_old"):
        model.zero_grad()
    pieces = list(zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True))
    if habits.get("at_once"):
        pieces = [(inputs, targets)]
    if habits.get("split"):
        pieces = list(zip(inputs.split(parts), targets.split(parts), strict=True))
    if habits.get("chunk"):
        pieces = list(zip(inputs.chunk(parts), targets.chunk(parts), strict=True))
    if habits.get("drops_rest"):
        size = max(1, len(inputs) // parts)
        pieces = [(x, y) for x, y in zip(inputs.split(size), targets.split(size), strict=True)
                  if len(x) == size][:parts]  # fmt: skip
    total, graph, losses = 0.0, None, []
    for x, y in pieces:
        share = len(x) / len(inputs)
        if habits.get("mean_of_means"):
            share = 1 / parts
        if habits.get("unweighted"):
            share = 1.0
        if habits.get("cleared_between"):
            model.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        if habits.get("sums_tokens"):
            loss, share = loss * y.numel(), 1.0
        losses.append(loss.item())
        total += losses[-1] * share
        if habits.get("one_graph"):
            graph = loss * share if graph is None else graph + loss * share
        else:
            (loss * share).backward()
    if graph is not None:
        graph.backward()
    if habits.get("cleared_last"):
        model.zero_grad()
    if habits.get("last_loss"):
        return losses[-1]
    if habits.get("sum_of_losses"):
        return sum(losses)
    if habits.get("mean_of_losses"):
        return sum(losses) / len(losses)
    return torch.tensor(total) if habits.get("tensor") else total
