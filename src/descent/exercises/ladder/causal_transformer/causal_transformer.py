"""How `CausalTransformer` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import (
    fill_with_normals,
    normals,
    token_tensor,
)
from descent.grading import Draw, Exercise, expect

from .shared import RightBlock, Tensor, expected_block, has, normed, parameter_total

CausalTransformer = Exercise("CausalTransformer", minutes=25, difficulty=3)


_PARTS = ("token", "position", "blocks", "norm")


def _expected_logits(model: Any, x: Tensor, heads: int) -> Tensor:
    for block in model.blocks:
        x = expected_block(block, x, heads)
    return normed(model.norm, x).detach() @ model.token.weight.detach().T


def _model_parts(model: Any, V: int, C: int, width: int, layers: int) -> bool:
    if not has(model, "the model", *_PARTS):
        return False
    tables = [tuple(model.token.weight.shape), tuple(model.position.weight.shape)]
    expect(tables, "the shapes of the two tables").equals([(V, width), (C, width)])
    expect(len(list(model.blocks)), "the number of blocks").equals(layers)
    count = (V + C + 2) * width + layers * (12 * width**2 + 9 * width)
    expect(parameter_total(model), "its number of parameters").equals(count)
    return tables == [(V, width), (C, width)] and parameter_total(model) == count


@CausalTransformer.property("has two tables, its blocks and a last norm, and no other parameters")
def _(answer, draw: Draw) -> None:
    _model_parts(answer(11, 5, 8, 2, 3), 11, 5, 8, 3)


@CausalTransformer.property("embeds a word as its row plus the row of its place", trials=4)
def _(answer, draw: Draw) -> None:
    model, time = answer(7, 8, 4, 2, 1), min(draw.size, 8)
    if _model_parts(model, 7, 8, 4, 1):
        tokens = token_tensor(draw, 7, 2, time)
        fill_with_normals(model, draw)
        words, places = model.token.weight.detach(), model.position.weight.detach()
        rows = [[words[w] + places[t] for t, w in enumerate(row)] for row in tokens.tolist()]
        expect(model.embed(tokens), "embed(tokens)").close_to(
            torch.stack([torch.stack(r) for r in rows])
        )


@CausalTransformer.property("turns embeddings into logits, block after block", trials=3)
def _(answer, draw: Draw) -> None:
    layers = draw.size
    model, x = answer(7, 6, 8, 2, layers), normals(draw, 2, 4, 8)
    if _model_parts(model, 7, 6, 8, layers):
        fill_with_normals(model, draw, 0.3)
        expect(model.read_out(x), "read_out(x)").close_to(_expected_logits(model, x, 2), atol=1e-3)


@CausalTransformer.property("maps tokens to one row of logits for every place")
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 2), token_tensor(draw, 7, 3, 5)
    logits = model(tokens)
    expect(logits, "the logits").has_shape(3, 5, 7)
    expect(model(tokens[:1, :1]), "the logits of one word").has_shape(1, 1, 7)
    if _model_parts(model, 7, 6, 8, 2):
        x = F.embedding(tokens, model.token.weight) + model.position.weight[:5]
        expect(logits, "the logits").close_to(_expected_logits(model, x, 2), atol=1e-4)


@CausalTransformer.property("does not let a gradient pass from a place to a later word")
def _(answer, draw: Draw) -> None:
    model = answer(7, 6, 8, 2, 2)
    x = normals(draw, 1, 6, 8).requires_grad_()
    t = int(draw.integers(0, 5))
    (slope,) = torch.autograd.grad(model.read_out(x)[0, t].square().sum(), x)
    expect(slope[0, t + 1 :].abs().max(), "the slope with respect to later words").close_to(
        0, atol=1e-7
    )
    expect(slope[0, : t + 1].abs().amax(1).min() > 0, "whether every earlier word counts").equals(
        True
    )


@CausalTransformer.property("lets the gradient reach both tables, and one of them by two ways")
def _(answer, draw: Draw) -> None:
    model = answer(7, 6, 8, 2, 1)
    if _model_parts(model, 7, 6, 8, 1):
        model(token_tensor(draw, 3, 2, 4)).square().sum().backward()
        for name, table, rows in (("token", model.token, 7), ("position", model.position, 4)):
            slope = table.weight.grad
            reached = 0 if slope is None else int((slope.abs().sum(-1) > 0).sum())
            words = f"how many rows of {name}.weight got a gradient (4 places, words 0 to 2)"
            expect(reached, words).equals(rows)


@CausalTransformer.property("starts with small tables, so that no word is preferred")
def _(answer, draw: Draw) -> None:
    model = answer(100, 100, 32, 2, 1)
    for name in ("token", "position"):
        spread = float(getattr(model, name).weight.detach().std())
        expect(round(spread, 1), f"the spread of {name}.weight, to one decimal").equals(0.1)


class _Model(nn.Module):
    """A right model, which the mistakes below spoil in one place each."""

    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(RightBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for table in (self.token, self.position):
            nn.init.normal_(table.weight, std=0.1)

    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.arange(tokens.shape[1]))

    def read_out(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.token.weight.T

    def forward(self, tokens):
        return self.read_out(self.embed(tokens))


@CausalTransformer.mistake(
    "Positions never enter: `embed` returns the words alone, and the blocks cannot tell their "
    "order but for the mask. Add position(0 … time − 1)."
)
class WithoutPositions(_Model):
    def embed(self, tokens):
        return self.token(tokens)


@CausalTransformer.mistake(
    "Your positions begin at 1. They begin at 0; from 1 a full context runs off the table's end."
)
class PositionsFromOne(_Model):
    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.arange(1, tokens.shape[1] + 1))


@CausalTransformer.mistake(
    "You looked up the positions by the tokens' numbers. The position of a word is its place in "
    "the window: torch.arange(time)."
)
class PositionsOfTokens(_Model):
    def embed(self, tokens):
        return self.token(tokens) + self.position(tokens % self.position.num_embeddings)


@CausalTransformer.mistake(
    "You add the whole table of positions. A window may be shorter than `context`: it needs the "
    "first tokens.shape[1] rows."
)
class AllPositions(_Model):
    def embed(self, tokens):
        return self.token(tokens) + self.position.weight


@CausalTransformer.mistake(
    "You counted the places along the batch. `tokens` is (batch, time): the places are "
    "torch.arange(tokens.shape[1])."
)
class PositionsAlongBatch(_Model):
    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.arange(tokens.shape[0]))


@CausalTransformer.mistake("Every place gets the same position row. Use torch.arange(time).")
class SamePosition(_Model):
    def embed(self, tokens):
        return self.token(tokens) + self.position(torch.zeros_like(tokens))


@CausalTransformer.mistake(
    "You have a separate output layer. Here the head is tied: the logits are norm(x) times the "
    "transpose of token.weight, which saves vocabulary × width parameters."
)
class UntiedHead(_Model):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__(vocabulary, context, width, heads, layers)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def read_out(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@CausalTransformer.mistake("The last norm is missing: the logits are norm(x) @ token.weight.T.")
class WithoutLastNorm(_Model):
    def read_out(self, x):
        for block in self.blocks:
            x = block(x)
        return x @ self.token.weight.T


@CausalTransformer.mistake(
    "Your layers are one and the same block, used several times. Make a new Block for each."
)
class SharedBlock(_Model):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__(vocabulary, context, width, heads, layers)
        self.blocks = nn.ModuleList([self.blocks[0]] * layers)


@CausalTransformer.mistake(
    "Your blocks are in a plain list, where Module does not look, and would never be trained. Use "
    "nn.ModuleList."
)
class PlainListOfBlocks(_Model):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__(vocabulary, context, width, heads, layers)
        blocks = list(self.blocks)
        del self.blocks
        self.blocks = blocks


@CausalTransformer.mistake(
    "You return the logits of the last place alone. Every place predicts its next word: the result "
    "has shape (batch, time, vocabulary)."
)
class LastPlaceOnly(_Model):
    def read_out(self, x):
        return super().read_out(x)[:, -1]


@CausalTransformer.mistake(
    "You applied softmax at the end. Logits go out as they are; the loss contains the softmax."
)
class SoftmaxAtEnd(_Model):
    def read_out(self, x):
        return super().read_out(x).softmax(-1)


@CausalTransformer.mistake(
    "The two tables keep torch's start, a spread of 1. With tied logits the first loss is then far "
    "above log(vocabulary): use nn.init.normal_(table.weight, std=0.1)."
)
class DefaultStart(_Model):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__(vocabulary, context, width, heads, layers)
        for table in (self.token, self.position):
            nn.init.normal_(table.weight)


@CausalTransformer.mistake(
    "The table of positions keeps torch's start, a spread of 1. It starts like the words' table, "
    "from a spread of 0.1."
)
class DefaultPositions(_Model):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__(vocabulary, context, width, heads, layers)
        nn.init.normal_(self.position.weight)


@CausalTransformer.mistake(
    "Your head reads the table's numbers without its gradient (`.data`, `.detach()` or a copy), so "
    "that the table learns from the input side alone. Use token.weight itself."
)
class HeadWithoutGradient(_Model):
    def read_out(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.token.weight.data.T


CausalTransformer.hint("`embed` adds two look-ups, `read_out` is a loop and two more operations.")


CausalTransformer.hint("`nn.ModuleList(Block(width, heads) for _ in range(layers))`.")


CausalTransformer.hint("The tied head: `self.norm(x) @ self.token.weight.T`.", when="value")


CausalTransformer.hint(
    "`self.position(torch.arange(tokens.shape[1]))` has shape (time, width).", when="error"
)


CausalTransformer.hint("Count the parameters part by part and compare.", when="factor")
