"""How `Attention` is judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from descent.exercises.doubles import fill_with_normals, normals
from descent.grading import Draw, Exercise, expect

from .shared import attention_of, has, weight_shapes

Attention = Exercise("Attention", minutes=20, difficulty=2)


class _Watch(TorchFunctionMode):
    """Counts the calls of fused attention."""

    def __init__(self) -> None:
        super().__init__()
        self.fused = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.fused += getattr(function, "__name__", "") == "scaled_dot_product_attention"
        return function(*args, **(kwargs or {}))


def _attention_parts(module: Any, width: int) -> bool:
    if not has(module, "the layer", "queries_keys_values", "projection"):
        return False
    wanted = [(3 * width, width), (width, width)]
    found = weight_shapes(module, "queries_keys_values", "projection")
    expect(found, "the shapes of the two weights").equals(wanted)
    count = sum(p.numel() for p in module.parameters())
    expect(count, "its number of parameters").equals(4 * width * width)
    return found == wanted


@Attention.property("has two matrices and no other parameters")
def _(answer, draw: Draw) -> None:
    _attention_parts(answer(6, 2), 6)


@Attention.property("agrees with the explicit formula, head by head", trials=6)
def _(answer, draw: Draw) -> None:
    size, heads, time = [(3, 1, 4), (2, 3, 1), (5, 2, 3), (2, 4, 2), (4, 3, 7), (3, 2, 5)][
        draw.integers(0, 6) if draw.size > 8 else (1, 2, 3, 5, 8).index(draw.size)
    ]
    width, rows = size * heads, 1 + draw.size % 3
    module, x = answer(width, heads), normals(draw, rows, time, width)
    if _attention_parts(module, width):
        fill_with_normals(module, draw)
        expect(module(x), "the output").close_to(attention_of(module, x, heads), atol=1e-4)


@Attention.property("does not let the future change the past, however large its scores")
def _(answer, draw: Draw) -> None:
    for scale in (1.0, 30.0):
        module, x = answer(8, 2), scale * normals(draw, 1, 6, 8)
        fill_with_normals(module, draw)
        other = x.clone()
        other[:, 3:] += scale * (1 + normals(draw, 1, 3, 8).abs())
        before = module(x)
        change = (module(other) - before)[:, :3].abs().max() / before.abs().max()
        words = f"the change at places 0 to 2 when places 3 to 5 change, inputs of about {scale:g}"
        expect(change, words).close_to(0, atol=1e-5)


@Attention.property("computes it by F.scaled_dot_product_attention, once a call")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2), normals(draw, 2, 5, 4)
    with _Watch() as watch:
        module(x)
    expect(watch.fused, "how many times fused attention was called").equals(1)


@Attention.property("drops nothing in evaluation mode")
def _(answer, draw: Draw) -> None:
    module, x = answer(8, 2, 0.5).eval(), normals(draw, 2, 6, 8)
    if _attention_parts(module, 8):
        fill_with_normals(module, draw)
        expect(module(x), "the output").close_to(attention_of(module, x, 2), atol=1e-4)


_SHARE = 0.25
_HEADS, _SIZE = 2, 16


def _dropped(answer) -> Any:
    """What is left of ones in training mode, (windows, heads, numbers of a head).

    Windows have one place, which looks at itself with weight 1. The values are ones, and
    `projection` gives every output the mean of its own head: a weight that was dropped leaves a
    whole head at 0, an output that was dropped leaves one number at 0.
    """
    width = _HEADS * _SIZE
    module = answer(width, _HEADS, _SHARE).train()
    if not _attention_parts(module, width):
        return None
    with torch.no_grad():
        module.queries_keys_values.weight.zero_()[2 * width :] = torch.eye(width)
        means = torch.full((_SIZE, _SIZE), 1 / _SIZE)
        module.projection.weight.copy_(torch.block_diag(*[means] * _HEADS))
    return module(torch.ones(600, 1, width)).detach().reshape(600, _HEADS, _SIZE)


def _rounded(number: Any, parts: int) -> float:
    """A number to the nearest half, quarter, …: chance moves it by far less."""
    number = float(number)
    return round(parts * number) / parts if math.isfinite(number) else number


@Attention.property("drops the share of the attention weights in training mode", trials=1)
def _(answer, draw: Draw) -> None:
    if (output := _dropped(answer)) is not None:
        silent = (output.abs() < 1e-6).all(-1).float().mean()
        words = f"the share of the weights that are 0, to the nearest quarter, of {_SHARE}"
        expect(_rounded(silent, 4), words).equals(_SHARE)


@Attention.property("drops the share of the outputs in training mode", trials=1)
def _(answer, draw: Draw) -> None:
    if (output := _dropped(answer)) is not None:
        alive = output[(output.abs() > 1e-6).any(-1)]
        words = f"the share of the outputs that are 0, to the nearest quarter, of {_SHARE}"
        expect(_rounded((alive.abs() < 1e-6).float().mean(), 4), words).equals(_SHARE)
        kept = alive[alive.abs() > 1e-6]
        alike = bool(((kept - kept.mean()).abs() < 1e-4).all())
        expect(alike, "whether the outputs that are not 0 are all alike").equals(True)


@Attention.property("divides what is not dropped by what is left, so that the mean stays", trials=1)
def _(answer, draw: Draw) -> None:
    if (output := _dropped(answer)) is not None:
        mean = _rounded(output.mean(), 2)
        expect(mean, "the mean of the outputs, to the nearest half").equals(1.0)


@Attention.right
class RightAttention(nn.Module):
    """A right layer, also inside the blocks of the right GPT."""

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.heads, self.share = heads, dropout
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width, bias=False)

    def forward(self, x):
        batch, time, width = x.shape
        split = (batch, time, self.heads, width // self.heads)
        parts = self.queries_keys_values(x).chunk(3, -1)
        q, k, v = (part.reshape(split).transpose(1, 2) for part in parts)
        share = self.share if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=share, is_causal=True)
        joined = mixed.transpose(1, 2).reshape(x.shape)
        return F.dropout(self.projection(joined), share)


_FUSED = "mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=share, is_causal=True)"


Attention.slip(
    "Leaks",
    "Nothing hides the future: pass is_causal=True to fused attention.",
    {", is_causal=True": ""},
)
Attention.slip(
    "MaskBackwards",
    "Each place sees the future and not the past: your mask is the wrong way round. In attn_mask, "
    "True means that a place may be looked at. is_causal=True does it for you.",
    {"is_causal=True": "attn_mask=torch.ones(time, time, dtype=torch.bool).triu()"},
)
Attention.slip(
    "HidesItself",
    "No place sees itself, and the first one sees nothing at all. Causal is what comes before and "
    "the place itself: is_causal=True.",
    {"is_causal=True": "attn_mask=torch.ones(time, time, dtype=torch.bool).tril(-1)"},
)
Attention.slip(
    "ByHand",
    "You build the table of scores yourself. The numbers are right, and the table is what this "
    "exercise is to be rid of: call F.scaled_dot_product_attention.",
    {
        _FUSED: """scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        future = torch.ones(time, time, dtype=torch.bool).triu(1)
        mixed = F.dropout(scores.masked_fill(future, -torch.inf).softmax(-1), share) @ v"""
    },
)
Attention.slip(
    "AlwaysDrops",
    "Attention weights are dropped in evaluation mode too. A function does not know the mode: "
    "hand it dropout_p = 0 unless self.training.",
    {"dropout_p=share": "dropout_p=self.share"},
)
Attention.slip(
    "DropsOutputsAlways",
    "The outputs are dropped in evaluation mode too. F.dropout drops unless you hand it "
    "training=self.training; nn.Dropout knows by itself.",
    {"(joined), share": "(joined), self.share"},
)
Attention.slip(
    "ForgetsTheMode",
    "Weights and outputs are dropped in evaluation mode too. A function does not know the "
    "mode: share 0 unless self.training.",
    {"self.share if self.training else 0.0": "self.share"},
)
Attention.slip(
    "ModeTurnedRound",
    "You drop in evaluation mode and not in training mode. It is the other way round: the share "
    "counts if self.training.",
    {"self.share if self.training else 0.0": "0.0 if self.training else self.share"},
)
Attention.slip(
    "KeepsWeights",
    "No attention weights are dropped in training: pass the share as dropout_p.",
    {"dropout_p=share, ": ""},
)
Attention.slip(
    "KeepsOutputs",
    "The layer's output is not dropped in training: end with dropout of the projected result.",
    {"F.dropout(self.projection(joined), share)": "self.projection(joined)"},
)
Attention.slip(
    "DropsBeforeProjection",
    "You drop the joined heads, before `projection`. What the layer puts out is to be dropped, so "
    "dropout comes last.",
    {"F.dropout(self.projection(joined), share)": "self.projection(F.dropout(joined, share))"},
)
Attention.slip(
    "KeepsTheShare",
    "You keep the share `dropout` and drop the rest. `dropout` is what is dropped, and "
    "F.dropout and dropout_p mean that too.",
    {"self.share if": "1 - self.share if"},
)
Attention.slip(
    "ReshapesIntoHeads",
    "You reshaped straight to (batch, heads, time, …), which mixes times and heads. Split the "
    "last dimension, then transpose heads and time.",
    {
        "(batch, time, self.heads, ": "(batch, self.heads, time, ",
        "(split).transpose(1, 2)": "(split)",
    },
)
Attention.slip(
    "AttendsBetweenHeads",
    "Heads are still behind time, so that attention runs between heads and not between places. "
    "Fused attention looks along the second last dimension: transpose to "
    "(batch, heads, time, …).",
    {"(split).transpose(1, 2)": "(split)", "mixed.transpose(1, 2)": "mixed"},
)
Attention.slip(
    "JoinsBadly",
    "You joined the heads with a reshape alone. Transpose heads and time back first.",
    {"mixed.transpose(1, 2)": "mixed"},
)
Attention.slip(
    "Interleaves",
    "You took every third number as a query. The first `width` outputs are the queries, then "
    "come the keys, then the values: split(width, dim=-1).",
    {".chunk(3, -1)": ".unflatten(-1, (width, 3)).unbind(-1)"},
)
Attention.slip(
    "HeadsOutside",
    "You cut into heads first and into queries, keys and values inside each. Cut into three "
    "first: queries of all heads, keys of all heads, values of all heads.",
    {".chunk(3, -1)": ".unflatten(-1, (self.heads, -1)).chunk(3, -1)"},
)
Attention.slip(
    "KeyFirst",
    "Queries and keys have changed places. The order in the packed matrix is queries, keys, "
    "values.",
    {"q, k, v = (": "k, q, v = ("},
)
Attention.slip(
    "ValuesBeforeKeys",
    "Keys and values have changed places. The order in the packed matrix is queries, keys, values.",
    {"q, k, v = (": "q, v, k = ("},
)
Attention.slip(
    "ScalesTwice",
    "You divided by √d, and so does F.scaled_dot_product_attention. Once is enough.",
    {"attention(q, ": "attention(q / q.shape[-1] ** 0.5, "},
)
Attention.slip(
    "ScalesByFullWidth",
    "Your scale is that of the whole width. Leave it out: fused attention takes the root of a "
    "head's width.",
    {"is_causal=True": "is_causal=True, scale=width**-0.5"},
)
Attention.slip(
    "WithoutScale",
    "The scores are not divided by √d. Leave `scale` out: fused attention does it by itself.",
    {"is_causal=True": "is_causal=True, scale=1.0"},
)
Attention.slip(
    "WithoutProjection",
    "The joined heads never pass through `projection`.",
    {"self.projection(joined)": "joined"},
)
Attention.slip(
    "WithBias",
    "Your matrices have a bias. Here they have none: bias=False.",
    {"3 * width, bias=False": "3 * width", "(width, width, bias=False)": "(width, width)"},
)


Attention.equivalent(
    "`q, k, v = (part.reshape(split).transpose(1, 2) for part in parts)` → "
    "`q, k, v = (part.reshape(split).transpose(2, 1) for part in parts)`",
    because="exchanging two dimensions has no order",
)
Attention.equivalent(
    "`return F.dropout(self.projection(mixed.transpose(1, 2).reshape(x.shape)), share)` → "
    "`return F.dropout(self.projection(mixed.transpose(2, 1).reshape(x.shape)), share)`",
    because="exchanging two dimensions has no order",
)


Attention.hint("Project once, cut in three, split into heads, attend, join, project, drop.")
Attention.hint(
    "`q, k, v = self.queries_keys_values(x).split(width, dim=-1)`; rung 13's split and join "
    "do the rest."
)
Attention.hint(
    "`dropout_p=self.share if self.training else 0.0`.", when="drops nothing in evaluation mode"
)
Attention.hint("Which of the three parts comes first? Who divides by √d?", when="value")
Attention.hint("Fused attention wants (batch, heads, time, width of a head).", when="shape")
Attention.hint("`nn.Linear(width, 3 * width, bias=False)`.", when="error")
