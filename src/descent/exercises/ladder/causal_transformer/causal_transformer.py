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
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .block import RightBlock
from .shared import Tensor, expected_block, normed

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
    fill_with_normals(model, draw, 0.3)
    logits = model(tokens)
    expect(tuple(logits.shape), "the shape of the logits").equals((3, 5, 7))
    one = tuple(model(tokens[:1, :1]).shape)
    expect(one, "the shape of the logits of one word").equals((1, 1, 7))
    if _model_parts(model, 7, 6, 8, 2):
        x = F.embedding(tokens, model.token.weight) + model.position.weight[:5]
        expect(logits, "the logits").close_to(_expected_logits(model, x, 2), atol=1e-3)


@CausalTransformer.property("does not let a gradient pass from a place to a later word")
def _(answer, draw: Draw) -> None:
    model = answer(7, 6, 8, 2, 2)
    fill_with_normals(model, draw, 0.3)
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
        fill_with_normals(model, draw, 0.3)
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


@CausalTransformer.right
class RightModel(nn.Module):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__()
        self.token, self.position = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(RightBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.token.weight, std=0.1)
        nn.init.normal_(self.position.weight, std=0.1)

    def embed(self, tokens):
        words, time = self.token(tokens), tokens.shape[1]
        return words + self.position(torch.arange(time))

    def read_out(self, x):
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        return x @ self.token.weight.T

    def forward(self, tokens):
        return self.read_out(self.embed(tokens))


_BLOCKS = "nn.ModuleList(RightBlock(width, heads) for _ in range(layers))"
_PLACES, _NORMED = "self.position(torch.arange(time))", "        x = self.norm(x)\n"
_HEAD = "return x @ self.token.weight.T"
_TOKEN_START = "        nn.init.normal_(self.token.weight, std=0.1)\n"
_POSITION_START = "        nn.init.normal_(self.position.weight, std=0.1)\n"


CausalTransformer.slip(
    "WithoutPositions",
    "Positions never enter: `embed` returns the words alone, and the blocks cannot tell their "
    "order but for the mask. Add position(0 … time − 1).",
    {f" + {_PLACES}": ""},
)
CausalTransformer.slip(
    "PositionsFromOne",
    "Your positions begin at 1. They begin at 0; from 1 a full context runs off the table's end.",
    {"torch.arange(time)": "torch.arange(1, time + 1)"},
)
CausalTransformer.slip(
    "PositionsOfTokens",
    "You looked up the positions by the tokens' numbers. The position of a word is its place in "
    "the window: torch.arange(time).",
    {"torch.arange(time)": "tokens % self.position.num_embeddings"},
)
CausalTransformer.slip(
    "AllPositions",
    "You add the whole table of positions. A window may be shorter than `context`: it needs the "
    "first tokens.shape[1] rows.",
    {_PLACES: "self.position.weight"},
)
CausalTransformer.slip(
    "PositionsAlongBatch",
    "You counted the places along the batch. `tokens` is (batch, time): the places are "
    "torch.arange(tokens.shape[1]).",
    {"tokens.shape[1]": "tokens.shape[0]"},
)
CausalTransformer.slip(
    "SamePosition",
    "Every place gets the same position row. Use torch.arange(time).",
    {"torch.arange(time)": "torch.zeros_like(tokens)"},
)
CausalTransformer.slip(
    "UntiedHead",
    "You have a separate output layer. Here the head is tied: the logits are norm(x) times the "
    "transpose of token.weight, which saves vocabulary × width parameters.",
    {
        "        self.norm =": "        self.head = nn.Linear(width, vocabulary, bias=False)\n"
        "        self.norm =",
        _HEAD: "return self.head(x)",
    },
)
CausalTransformer.slip(
    "WithoutLastNorm",
    "The last norm is missing: the logits are norm(x) @ token.weight.T.",
    {_NORMED: ""},
)
CausalTransformer.slip(
    "LastBlockLeftOut",
    "The last block is never used. `read_out` sends x through all of them.",
    {"in self.blocks:": "in self.blocks[:-1]:"},
)
CausalTransformer.slip(
    "FirstBlockAlone",
    "One block alone is used. `read_out` sends x through all of them, one after the other.",
    {"in self.blocks:": "in self.blocks[:1]:"},
)
CausalTransformer.slip(
    "BlocksSideBySide",
    "Each block reads the same x in your code, and the last one's result is what is left. A block "
    "reads what the one before it returned.",
    {"        for block": "        given = x\n        for block", "block(x)": "block(given)"},
)
CausalTransformer.slip(
    "BlocksBackwards",
    "The blocks come in the opposite order. The first of them reads the embeddings.",
    {"in self.blocks:": "in reversed(self.blocks):"},
)
CausalTransformer.slip(
    "SharedBlock",
    "Your layers are one and the same block, used several times. Make a new Block for each.",
    {_BLOCKS: "nn.ModuleList([RightBlock(width, heads)] * layers)"},
)
CausalTransformer.slip(
    "PlainListOfBlocks",
    "Your blocks are in a plain list, where Module does not look, and would never be trained. Use "
    "nn.ModuleList.",
    {_BLOCKS: "[RightBlock(width, heads) for _ in range(layers)]"},
)
CausalTransformer.slip(
    "LastPlaceOnly",
    "You return the logits of the last place alone. Every place predicts its next word: the result "
    "has shape (batch, time, vocabulary).",
    {_HEAD: "return x[:, -1] @ self.token.weight.T"},
)
CausalTransformer.slip(
    "SoftmaxAtEnd",
    "You applied softmax at the end. Logits go out as they are; the loss contains the softmax.",
    {_HEAD: "return (x @ self.token.weight.T).softmax(-1)"},
)
CausalTransformer.slip(
    "DefaultStart",
    "The two tables keep torch's start, a spread of 1. With tied logits the first loss is then far "
    "above log(vocabulary): use nn.init.normal_(table.weight, std=0.1).",
    {_TOKEN_START: "", _POSITION_START: ""},
)
CausalTransformer.slip(
    "DefaultPositions",
    "The table of positions keeps torch's start, a spread of 1. It starts like the words' table, "
    "from a spread of 0.1.",
    {_POSITION_START: ""},
)
CausalTransformer.slip(
    "DefaultWords",
    "The table of words keeps torch's start, a spread of 1. It starts from a spread of 0.1, or the "
    "tied logits are far too large.",
    {_TOKEN_START: ""},
)
CausalTransformer.slip(
    "HeadWithoutGradient",
    "Your head reads the table's numbers without its gradient (`.data`, `.detach()` or a copy), so "
    "that the table learns from the input side alone. Use token.weight itself.",
    {_HEAD: "return x @ self.token.weight.data.T"},
)


CausalTransformer.hint("`embed` adds two look-ups, `read_out` is a loop and two more operations.")
CausalTransformer.hint("`nn.ModuleList(Block(width, heads) for _ in range(layers))`.")
CausalTransformer.hint("The tied head: `self.norm(x) @ self.token.weight.T`.", when="value")
CausalTransformer.hint(
    "`self.position(torch.arange(tokens.shape[1]))` has shape (time, width).", when="error"
)
CausalTransformer.hint("Count the parameters part by part and compare.", when="factor")
