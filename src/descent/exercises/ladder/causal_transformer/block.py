"""How `Block` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from descent.exercises.doubles import (
    fill_with_normals,
    normals,
)
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .multi_head_attention import RightAttention
from .shared import expected_block

Block = Exercise("Block", minutes=12, difficulty=2)


def _block_parts(block: Any, width: int) -> bool:
    if not has(block, "the block", "norm1", "attention", "norm2", "mlp"):
        return False
    linears = [part for part in block.mlp.modules() if isinstance(part, nn.Linear)]
    shapes = [tuple(part.weight.shape) for part in linears]
    expect(shapes, "the shapes of the weights in mlp").equals(
        [(4 * width, width), (width, 4 * width)]
    )
    expect(parameter_total(block), "its number of parameters").equals(12 * width**2 + 9 * width)
    return shapes == [(4 * width, width), (width, 4 * width)]


@Block.property("has the parts it names, and no others")
def _(answer, draw: Draw) -> None:
    _block_parts(answer(6, 2), 6)


@Block.property("adds attention, then the MLP, each after a norm of its own", trials=4)
def _(answer, draw: Draw) -> None:
    heads = 1 + draw.size % 2
    width, time = 4 * heads, min(draw.size, 6)
    block, x = answer(width, heads), normals(draw, 2, time, width)
    if _block_parts(block, width):
        fill_with_normals(block, draw)
        expect(block(x.clone()), "the output").close_to(expected_block(block, x, heads), atol=1e-4)


@Block.property("hands x on untouched when both branches are silent")
def _(answer, draw: Draw) -> None:
    block, x = answer(4, 2), normals(draw, 2, 3, 4)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
    expect(block(x), "the output with all parameters 0").close_to(x)


@Block.property("leaves the x that it was handed as it was")
def _(answer, draw: Draw) -> None:
    block, x = answer(4, 2), normals(draw, 2, 3, 4)
    fill_with_normals(block, draw)
    given = x.clone()
    block(given)
    expect(given, "the input after the call").close_to(x)


@Block.right
class RightBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        inside = 4 * width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = RightAttention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, inside), nn.GELU(), nn.Linear(inside, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


_FIRST = "x = x + self.attention(self.norm1(x))"
_SECOND = "return x + self.mlp(self.norm2(x))"


Block.slip(
    "PostNorm",
    "You normalise after adding: that is post-norm, the block of 2017. Here the norm stands inside "
    "the branch, before attention and before the MLP, so that x itself passes untouched.",
    {
        _FIRST: "x = self.norm1(x + self.attention(x))",
        _SECOND: "return self.norm2(x + self.mlp(x))",
    },
)
Block.slip(
    "NormOfTheBranch",
    "You normalise what attention and MLP return. The norm comes first: they read norm(x), and "
    "what they return is added as it is.",
    {
        _FIRST: "x = x + self.norm1(self.attention(x))",
        _SECOND: "return x + self.norm2(self.mlp(x))",
    },
)
Block.slip(
    "NoSkips",
    "Both skips are missing: add x to what attention and MLP return.",
    {_FIRST: "x = self.attention(self.norm1(x))", _SECOND: "return self.mlp(self.norm2(x))"},
)
Block.slip(
    "NoFirstSkip",
    "The skip around the attention is missing: x + attention(norm1(x)).",
    {_FIRST: "x = self.attention(self.norm1(x))"},
)
Block.slip(
    "NoSecondSkip",
    "The skip around the MLP is missing: x + mlp(norm2(x)).",
    {_SECOND: "return self.mlp(self.norm2(x))"},
)
Block.slip(
    "SkipFromTheStart",
    "The second skip carries the x that came in, and what attention added is lost to it. It "
    "carries x after the first branch.",
    {
        _FIRST: "y = x + self.attention(self.norm1(x))",
        _SECOND: "return x + self.mlp(self.norm2(y))",
    },
)
Block.slip(
    "NormOnTheSkip",
    "The normalised x travels along the skip. Add the branch to x as it came: the skip is there to "
    "carry it unchanged.",
    {
        _FIRST: "x = self.norm1(x)\n        x = x + self.attention(x)",
        _SECOND: "x = self.norm2(x)\n        return x + self.mlp(x)",
    },
)
Block.slip(
    "NoNorm",
    "There is no norm before attention and MLP. Use norm1 and norm2.",
    {"self.norm1(x)": "x", "self.norm2(x)": "x"},
)
Block.slip(
    "OneNorm",
    "You used norm1 twice. The MLP has a norm of its own, norm2.",
    {"self.norm2(x)": "self.norm1(x)"},
)
Block.slip(
    "NormsExchanged",
    "norm1 and norm2 have changed places: norm1 comes before attention, norm2 before the MLP.",
    {"self.norm1(x)": "self.norm2(x)", "self.mlp(self.norm2(x))": "self.mlp(self.norm1(x))"},
)
Block.slip(
    "Parallel",
    "Attention and MLP run side by side on the same x. Here the MLP reads what the attention "
    "added.",
    {
        _FIRST: "y = x + self.attention(self.norm1(x))",
        _SECOND: "return y + self.mlp(self.norm2(x))",
    },
)
Block.slip(
    "InPlace",
    "`x += …` writes into the tensor that was handed in, and the norm needs the old numbers for "
    "its gradient. Make a new tensor: x = x + …",
    {"x = x + self": "x += self", _SECOND: "x += self.mlp(self.norm2(x))\n        return x"},
)
Block.slip(
    "MlpFirst",
    "The MLP comes first in your block. First gather (attention), then think (MLP).",
    {
        _FIRST: "x = x + self.mlp(self.norm2(x))",
        _SECOND: "return x + self.attention(self.norm1(x))",
    },
)
Block.slip(
    "WithRelu", "Your MLP bends with ReLU. This page uses nn.GELU().", {"nn.GELU": "nn.ReLU"}
)
Block.slip(
    "WithoutBend",
    "There is no bend between the two layers of your MLP: put nn.GELU() there.",
    {"nn.GELU": "nn.Identity"},
)
Block.slip(
    "BendAtTheEnd",
    "Your MLP bends a second time, after its last layer. What it returns is added as it is.",
    {"nn.Linear(inside, width))": "nn.Linear(inside, width), nn.GELU())"},
)
Block.slip(
    "NarrowMlp",
    "Your MLP is as narrow inside as outside. Here it is four times as wide inside.",
    {"4 * width": "width"},
)
Block.slip(
    "MlpWithoutBias",
    "The two layers of your MLP have no bias. Here they have one: only attention's four "
    "projections have none.",
    {
        "nn.Linear(width, inside)": "nn.Linear(width, inside, bias=False)",
        "nn.Linear(inside, width)": "nn.Linear(inside, width, bias=False)",
    },
)


Block.hint("Two lines in forward, of the same form: x = x + branch(norm(x)).")
Block.hint("`nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))`.")
Block.hint("Set all parameters to 0 in thought. What must come out?", when="value")
Block.hint("How wide is the MLP inside? Which layers have a bias?", when="factor")
Block.hint("A LayerNorm over `width` numbers: nn.LayerNorm(width).", when="error")
