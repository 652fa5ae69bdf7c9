"""How `Block` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import fill_with_normals, normals
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .shared import Tensor, causal, expected_mlp, normed, some_mask

Block = Exercise("Block", minutes=15, difficulty=2)


class Gathering(nn.Module):
    """Stands in for attention: a matrix times the sum over what the mask shows."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix.clone())
        self.calls = self.copies = 0

    def __deepcopy__(self, memo: dict[int, Any]) -> Gathering:
        twin = Gathering(self.matrix.detach())
        twin.copies = self.copies + 1
        return twin

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        self.calls += 1
        return mask.float() @ x @ self.matrix

    def __repr__(self) -> str:
        return "a layer that sums up what the mask shows"


def _built(answer, draw: Draw, width: int) -> tuple[Any, bool]:
    layer = Gathering(normals(draw, width, width, scale=0.5))
    block = answer(width, layer)
    good = has(block, "the block", "norm1", "attention", "norm2", "mlp")
    if good:
        expect(block.attention, "block.attention, the layer handed over").is_a(Gathering)
        count = parameter_total(block)
        wanted = width**2 + 8 * width**2 + 5 * width + 4 * width
        expect(count, "its number of parameters, the layer's included").equals(wanted)
        good = count == wanted and isinstance(block.attention, Gathering)
    if good:
        fill_with_normals(block, draw)
    return block, good


def _expected(block: Any, x: Tensor, mask: Tensor) -> Tensor:
    gathered = mask.float() @ normed(block.norm1, x) @ block.attention.matrix
    x = x + gathered
    return (x + expected_mlp(block, x)).detach()


@Block.property("has two norms, the layer it was handed and an MLP, and nothing else")
def _(answer, draw: Draw) -> None:
    block, good = _built(answer, draw, 5)
    if good:
        kinds = [type(part).__name__ for part in block.mlp]
        expect(kinds, "the parts of the MLP").equals(["Linear", "GELU", "Linear"])
        if kinds == ["Linear", "GELU", "Linear"]:
            way = block.mlp[1].approximate
            expect(way, "mlp[1].approximate, which nn.GELU() sets").equals("none")
        # One copy is the check's own: what is handed over is never the layer that was drawn.
        kept = block.attention.copies <= 1
        expect(kept, "whether block.attention is the layer that was handed over").equals(True)
        expect(isinstance(block.norm1, nn.LayerNorm), "whether norm1 is a LayerNorm").equals(True)


@Block.property("adds both branches, each after its norm", trials=5)
def _(answer, draw: Draw) -> None:
    width = draw.integers(2, 7)
    block, good = _built(answer, draw, width)
    if good:
        x, mask = normals(draw, 2, min(draw.size, 5), width), causal(min(draw.size, 5))
        expect(block(x, mask), "the output").close_to(_expected(block, x, mask), atol=1e-3)


@Block.property("hands the mask on", trials=3)
def _(answer, draw: Draw) -> None:
    block, good = _built(answer, draw, 4)
    if good:
        x, mask = normals(draw, 2, 5, 4), some_mask(draw, 5, 5)
        expect(block(x, mask), "the output").close_to(_expected(block, x, mask), atol=1e-3)
        expect(block.attention.calls, "how often attention was called").equals(1)


@Block.property("returns x itself when every matrix is 0")
def _(answer, draw: Draw) -> None:
    block, good = _built(answer, draw, 4)
    if good:
        with torch.no_grad():
            for parameter in block.parameters():
                parameter.zero_()
        x = normals(draw, 2, 3, 4)
        expect(block(x, causal(3)), "the output").close_to(x, atol=1e-6)


@Block.property("leaves the x that was handed over as it is")
def _(answer, draw: Draw) -> None:
    block, good = _built(answer, draw, 4)
    if good:
        x = normals(draw, 2, 3, 4)
        before = x.clone()
        with torch.no_grad():
            block(x, causal(3))
        expect(x, "x after the call").close_to(before, atol=0.0)


@Block.right
class RightBlock(nn.Module):
    def __init__(self, width, attention):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = attention
        inside = 4 * width
        self.mlp = nn.Sequential(nn.Linear(width, inside), nn.GELU(), nn.Linear(inside, width))

    def forward(self, x, mask):
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


_FIRST, _SECOND = (
    "x = x + self.attention(self.norm1(x), mask)",
    "return x + self.mlp(self.norm2(x))",
)
Block.slip(
    "no_skip_around_attention",
    "The skip around the attention is missing: what a place held is overwritten by what it "
    "gathered. x + attention(norm1(x), mask).",
    {_FIRST: "x = self.attention(self.norm1(x), mask)"},
)
Block.slip(
    "no_skip_around_mlp",
    "The skip around the MLP is missing: x + mlp(norm2(x)).",
    {_SECOND: "return self.mlp(self.norm2(x))"},
)
Block.slip(
    "one_skip_around_both",
    "One skip goes around both branches at once. Each branch has its own, so that the MLP reads "
    "the stream with what attention has added.",
    {
        _FIRST: "y = self.attention(self.norm1(x), mask)",
        _SECOND: "return x + self.mlp(self.norm2(y))",
    },
)
Block.slip(
    "side_by_side",
    "Attention and MLP read the same x. Here the MLP reads what attention added.",
    {
        _FIRST: "y = x + self.attention(self.norm1(x), mask)",
        _SECOND: "return y + self.mlp(self.norm2(x))",
    },
)
Block.slip(
    "norm_after_the_sum",
    "Your norms come after the sums, as in the paper of 2017. On this page they are inside the "
    "branches, and the stream itself is never normalised.",
    {
        _FIRST: "x = self.norm1(x + self.attention(x, mask))",
        _SECOND: "return self.norm2(x + self.mlp(x))",
    },
)
Block.slip(
    "norm_on_the_skip",
    "The normalised x travels along the skip. The skip carries x as it came.",
    {
        _FIRST: "x = self.norm1(x)\n        x = x + self.attention(x, mask)",
        _SECOND: "x = self.norm2(x)\n        return x + self.mlp(x)",
    },
)
Block.slip(
    "norms_missing",
    "There is no norm before the branches: norm1 before attention, norm2 before the MLP.",
    {"self.norm1(x)": "x", "self.norm2(x)": "x"},
)
Block.slip(
    "one_norm_for_both",
    "norm1 serves both branches. The MLP has its own, norm2.",
    {"self.norm2(x)": "self.norm1(x)"},
)
Block.slip(
    "mask_not_handed_on",
    "You make a mask of your own. The one you are handed goes to the attention.",
    {"(self.norm1(x), mask)": "(self.norm1(x), torch.ones_like(mask).tril())"},
)
Block.slip(
    "writes_into_x",
    "`x += …` changes the tensor of whoever called you. Make a new one: x = x + ….",
    {_FIRST: "x += self.attention(self.norm1(x), mask)"},
)
Block.slip(
    "relu_inside",
    "Your MLP bends with ReLU. Here it is nn.GELU().",
    {"nn.GELU()": "nn.ReLU()"},
)
Block.slip(
    "narrow_mlp",
    "Your MLP is not four times as wide inside.",
    {"inside = 4 * width": "inside = 2 * width"},
)
Block.slip(
    "mlp_first",
    "The MLP comes first in your block. First gather, then work on what was gathered.",
    {
        _FIRST: "x = x + self.mlp(self.norm2(x))",
        _SECOND: "return x + self.attention(self.norm1(x), mask)",
    },
)
Block.slip(
    "attention_without_norm",
    "The attention reads x as it is. It reads norm1(x).",
    {"self.norm1(x)": "x"},
)
Block.slip(
    "mlp_without_norm",
    "The MLP reads the stream as it is. It reads norm2 of it.",
    {"self.norm2(x)": "x"},
)
Block.slip(
    "norm_at_the_end",
    "You normalise what comes out. The stream itself is never normalised: the norms are "
    "inside the branches.",
    {_SECOND: "return self.norm2(x + self.mlp(self.norm2(x)))"},
)
Block.slip(
    "mask_all_true",
    "The mask has no effect: the attention may look everywhere. Hand on the one you are handed.",
    {"(self.norm1(x), mask)": "(self.norm1(x), torch.ones_like(mask))"},
)
Block.slip(
    "first_norm_on_the_skip",
    "Your first skip carries norm1(x). It carries x as it came.",
    {_FIRST: "x = self.norm1(x)\n        x = x + self.attention(x, mask)"},
)
Block.slip(
    "approximate_gelu",
    "Your GELU is the approximation by tanh. Here it is nn.GELU() as it comes.",
    {"nn.GELU()": "nn.GELU(approximate='tanh')"},
)
Block.slip(
    "copies_the_layer",
    "Your block keeps a copy of the layer. It keeps the one it was handed, or nobody "
    "outside can look into it.",
    {"self.attention = attention": "self.attention = attention.__deepcopy__({})"},
)
Block.slip(
    "branch_halved",
    "Your second branch is weighed by a half. Branches are added as they are.",
    {"x + self.mlp(": "x + 0.5 * self.mlp("},
)


Block.hint("Two lines of one form: x = x + branch(norm(x)).")
Block.hint("If both branches returned 0, what would have to come out?")
Block.hint("Is the stream normalised anywhere? Only the branches' inputs are.", when="value")
Block.hint("`attention` is handed over ready made: keep it, do not build one.", when="error")


def expected_block(block: Any, x: Tensor, heads: int, mask: Tensor, attend: Any) -> Tensor:
    """A block of real attention, worked out by `attend`."""
    x = x + attend(block.attention, F.layer_norm(
        x, x.shape[-1:], block.norm1.weight, block.norm1.bias
    ), heads, mask)  # fmt: skip
    return (x + expected_mlp(block, x)).detach()
