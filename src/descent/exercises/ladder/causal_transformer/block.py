"""How `Block` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from descent.exercises.doubles import (
    fill_with_normals,
    normals,
)
from descent.grading import Draw, Exercise, expect

from .shared import RightBlock, expected_block, has, parameter_total

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
        given = x.clone()
        expect(block(x), "the output").close_to(expected_block(block, given, heads), atol=1e-4)
        expect(x, "the input after the call").close_to(given)


@Block.property("hands x on untouched when both branches are silent")
def _(answer, draw: Draw) -> None:
    block, x = answer(4, 2), normals(draw, 2, 3, 4)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
    expect(block(x), "the output with all parameters 0").close_to(x)


@Block.mistake(
    "You normalise after adding: that is post-norm, the block of 2017. Here the norm stands inside "
    "the branch, before attention and before the MLP, so that x itself passes untouched."
)
class PostNorm(RightBlock):
    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


@Block.mistake("Both skips are missing: add x to what attention and MLP return.")
class NoSkips(RightBlock):
    def forward(self, x):
        return self.mlp(self.norm2(self.attention(self.norm1(x))))


@Block.mistake("The skip around the attention is missing: x + attention(norm1(x)).")
class NoFirstSkip(RightBlock):
    def forward(self, x):
        x = self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


@Block.mistake("The skip around the MLP is missing: x + mlp(norm2(x)).")
class NoSecondSkip(RightBlock):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return self.mlp(self.norm2(x))


@Block.mistake(
    "The normalised x travels along the skip. Add the branch to x as it came: the skip is there to "
    "carry it unchanged."
)
class NormOnTheSkip(RightBlock):
    def forward(self, x):
        x = self.norm1(x)
        x = x + self.attention(x)
        x = self.norm2(x)
        return x + self.mlp(x)


@Block.mistake("There is no norm before attention and MLP. Use norm1 and norm2.")
class NoNorm(RightBlock):
    def forward(self, x):
        x = x + self.attention(x)
        return x + self.mlp(x)


@Block.mistake("You used norm1 twice. The MLP has a norm of its own, norm2.")
class OneNorm(RightBlock):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm1(x))


@Block.mistake(
    "Attention and MLP run side by side on the same x. Here the MLP reads what the attention added."
)
class Parallel(RightBlock):
    def forward(self, x):
        return x + self.attention(self.norm1(x)) + self.mlp(self.norm2(x))


@Block.mistake(
    "`x += …` writes into the tensor that was handed in, and the norm needs the old numbers for "
    "its gradient. Make a new tensor: x = x + …"
)
class InPlace(RightBlock):
    def forward(self, x):
        x += self.attention(self.norm1(x))
        x += self.mlp(self.norm2(x))
        return x


@Block.mistake("The MLP comes first in your block. First gather (attention), then think (MLP).")
class MlpFirst(RightBlock):
    def forward(self, x):
        x = x + self.mlp(self.norm2(x))
        return x + self.attention(self.norm1(x))


@Block.mistake("Your MLP bends with ReLU. This page uses nn.GELU().")
class WithRelu(RightBlock):
    def __init__(self, width, heads):
        super().__init__(width, heads, bend=nn.ReLU)


@Block.mistake("There is no bend between the two layers of your MLP: put nn.GELU() there.")
class WithoutBend(RightBlock):
    def __init__(self, width, heads):
        super().__init__(width, heads, bend=nn.Identity)


@Block.mistake("Your MLP is as narrow inside as outside. Here it is four times as wide inside.")
class NarrowMlp(RightBlock):
    def __init__(self, width, heads):
        super().__init__(width, heads, inside=1)


Block.hint("Two lines in forward, of the same form: x = x + branch(norm(x)).")


Block.hint("`nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))`.")


Block.hint("Set all parameters to 0 in thought. What must come out?", when="value")


Block.hint("How wide is the MLP inside? Which layers have a bias?", when="factor")


Block.hint("A LayerNorm over `width` numbers: nn.LayerNorm(width).", when="error")
