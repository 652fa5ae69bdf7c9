"""How `Attention` is judged."""

from __future__ import annotations

from typing import Any

from torch.overrides import TorchFunctionMode

from descent.exercises.doubles import fill_with_normals, normals
from descent.grading import Draw, Exercise, expect

from .shared import RightAttention, attention_of, has, spoil_class, weight_shapes

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


@Attention.property("agrees with the explicit formula, head by head", trials=5)
def _(answer, draw: Draw) -> None:
    heads = 1 + draw.size % 3
    width, time = 4 * heads, min(draw.size, 6)
    module, x = answer(width, heads), normals(draw, 2, time, width)
    if _attention_parts(module, width):
        fill_with_normals(module, draw)
        expect(module(x), "the output").close_to(attention_of(module, x, heads), atol=1e-4)


@Attention.property("does not let the future change the past")
def _(answer, draw: Draw) -> None:
    module, x = answer(8, 2), normals(draw, 1, 6, 8)
    fill_with_normals(module, draw)
    other = x.clone()
    other[:, 3:] += 1 + normals(draw, 1, 3, 8).abs()
    change = (module(other) - module(x))[:, :3].abs().max()
    expect(change, "the change at places 0 to 2 when places 3 to 5 change").close_to(0, atol=1e-5)


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


@Attention.property("drops outputs and attention weights in training mode")
def _(answer, draw: Draw) -> None:
    module, x = answer(8, 2, 0.5).train(), normals(draw, 4, 16, 8)
    if _attention_parts(module, 8):
        fill_with_normals(module, draw)
        output, whole = module(x).detach(), attention_of(module, x, 2)
        zeros = float((output == 0).float().mean())
        expect(0.3 < zeros < 0.7, "whether about half of the outputs are 0").equals(True)
        kept = (output != 0) & ((output - 2 * whole).abs() < 1e-4)
        expect(float(kept.float().mean()) < 0.4, "whether weights were dropped too").equals(True)


spoil_class(Attention, RightAttention, (
    ("Leaks", "leaks", "Nothing hides the future: pass is_causal=True to fused attention."),
    (
        "ByHand", "by_hand",
        "You build the table of scores yourself. The numbers are right, and the table is what this "
        "exercise is to be rid of: call F.scaled_dot_product_attention.",
    ),
    (
        "AlwaysDrops", "always_drops",
        "Attention weights are dropped in evaluation mode too. A function does not know the mode: "
        "hand it dropout_p = 0 unless self.training.",
    ),
    (
        "DropsOutputsAlways", "drops_outputs_always",
        "The outputs are dropped in evaluation mode too. F.dropout drops unless you hand it "
        "training=self.training; nn.Dropout knows by itself.",
    ),
    (
        "ForgetsTheMode", "forgets_the_mode",
        "Weights and outputs are dropped in evaluation mode too. A function does not know the "
        "mode: share 0 unless self.training.",
    ),
    (
        "KeepsWeights", "keeps_weights",
        "No attention weights are dropped in training: pass the share as dropout_p.",
    ),
    (
        "KeepsOutputs", "keeps_outputs",
        "The layer's output is not dropped in training: end with dropout of the projected result.",
    ),
    (
        "ReshapesIntoHeads", "reshapes",
        "You reshaped straight to (batch, heads, time, …), which mixes times and heads. Split the "
        "last dimension, then transpose heads and time.",
    ),
    (
        "AttendsBetweenHeads", "attends_heads",
        "Heads are still behind time, so that attention runs between heads and not between places. "
        "Fused attention looks along the second last dimension: transpose to "
        "(batch, heads, time, …).",
    ),
    (
        "JoinsBadly", "joins_badly",
        "You joined the heads with a reshape alone. Transpose heads and time back first.",
    ),
    (
        "Interleaves", "interleaves",
        "You took every third number as a query. The first `width` outputs are the queries, then "
        "come the keys, then the values: split(width, dim=-1).",
    ),
    (
        "HeadsOutside", "heads_outside",
        "You cut into heads first and into queries, keys and values inside each. Cut into three "
        "first: queries of all heads, keys of all heads, values of all heads.",
    ),
    (
        "KeyFirst", "key_first",
        "Queries and keys have changed places. The order in the packed matrix is queries, keys, "
        "values.",
    ),
    (
        "ScalesTwice", "scales_twice",
        "You divided by √d, and so does F.scaled_dot_product_attention. Once is enough.",
    ),
    (
        "ScalesByFullWidth", "full_width",
        "Your scale is that of the whole width. Leave it out: fused attention takes the root of a "
        "head's width.",
    ),
    (
        "WithoutProjection", "no_projection",
        "The joined heads never pass through `projection`.",
    ),
    ("WithBias", "bias", "Your matrices have a bias. Here they have none: bias=False."),
))  # fmt: skip


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
