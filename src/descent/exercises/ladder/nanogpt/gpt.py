"""How `GPT` is judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from descent.exercises.doubles import fill_with_normals, normals, token_tensor
from descent.grading import Draw, Exercise, expect

from .attention import Attention, RightAttention
from .initialise import right_start
from .shared import (
    Tensor,
    attention_of,
    count_by_shapes,
    has,
    refusal,
    spreads,
    weight_shapes,
)

GPT = Exercise("GPT", minutes=30, difficulty=3)


_GPT_PARTS = ("tokens", "positions", "blocks", "norm")


_BLOCK_PARTS = ("norm_1", "attention", "norm_2", "expand", "projection")


def _gpt_parts(model: Any, V: int, context: int, C: int, layers: int) -> bool:
    if not has(model, "the model", *_GPT_PARTS):
        return False
    tables = [(V, C), (context, C)]
    expect(weight_shapes(model, "tokens", "positions"), "the shapes of the two tables").equals(
        tables
    )
    expect(len(list(model.blocks)), "the number of blocks").equals(layers)
    count = sum(p.numel() for p in model.parameters())
    expect(count, "its number of parameters").equals(count_by_shapes(V, context, C, layers, True))
    whole = all(hasattr(block, name) for block in model.blocks for name in _BLOCK_PARTS)
    return whole and weight_shapes(model, "tokens", "positions") == tables


def _rooted(x: Tensor, gain: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * gain.double()


def _explicit_logits(model: Any, tokens: Tensor, heads: int) -> Tensor:
    """The logits from the model's weights in double precision, block by block."""
    with torch.no_grad():
        table = model.tokens.weight.double()
        x = table[tokens] + model.positions.weight.double()[: tokens.shape[1]]
        for block in model.blocks:
            x = x + attention_of(block.attention, _rooted(x, block.norm_1.weight), heads)
            hidden = F.gelu(_rooted(x, block.norm_2.weight) @ block.expand.weight.double().T)
            x = x + hidden @ block.projection.weight.double().T
        return _rooted(x, model.norm.weight) @ table.T


class _Elsewhere(TorchFunctionMode):
    """Pretends that the model is on a GPU: what is made without saying where is on the CPU."""

    MAKERS = ("arange", "tensor", "zeros", "ones", "full", "empty", "linspace", "eye")

    def __init__(self) -> None:
        super().__init__()
        self.on_cpu: dict[int, Tensor] = {}  # kept, so that no other tensor gets its id
        self.met = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result, name = function(*args, **kwargs), getattr(function, "__name__", "")
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        strays = [tensor for tensor in tensors if id(tensor) in self.on_cpu]
        if name == "to":
            return result.clone() if strays else result
        made = name in self.MAKERS and kwargs.get("device") is None
        if isinstance(result, Tensor) and (made or (strays and len(strays) == len(tensors))):
            self.on_cpu[id(result)] = result
        elif strays and not (name == "__getitem__" and strays[0] is not args[0]):
            self.met += len(strays) < len(tensors)  # a GPU takes an index from the CPU
        return result


@GPT.property("has two tables, its blocks and a last norm, and no other parameters", trials=1)
def _(answer, draw: Draw) -> None:
    _gpt_parts(answer(11, 6, 8, 2, 3), 11, 6, 8, 3)


@GPT.property("maps tokens to the logits of the formula, at every place", trials=4)
def _(answer, draw: Draw) -> None:
    V, context, heads, size, layers = {
        1: (7, 5, 2, 4, 1),
        2: (4, 9, 3, 2, 2),
        3: (11, 6, 1, 6, 3),
        5: (5, 4, 2, 3, 2),
    }[draw.size]
    width, rows, time = heads * size, 1 + draw.size % 3, 1 + draw.size % context
    model, tokens = answer(V, context, width, heads, layers), token_tensor(draw, V, rows, time)
    if _gpt_parts(model, V, context, width, layers):
        fill_with_normals(model, draw)
        expect(model(tokens), "the logits").close_to(
            _explicit_logits(model, tokens, heads), rtol=1e-3, atol=1e-3
        )


@GPT.property("does not let the future change the past", trials=2)
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 2), token_tensor(draw, 7, 2, 6)
    fill_with_normals(model, draw)
    other = tokens.clone()
    other[:, 3:] = (other[:, 3:] + 1 + token_tensor(draw, 5, 2, 3)) % 7
    change = (model(other) - model(tokens))[:, :3].abs().max()
    expect(change, "the change at places 0 to 2 when tokens 3 to 5 change").close_to(0, atol=1e-4)


@GPT.property("refuses a window longer than the context, by ValueError", trials=2)
def _(answer, draw: Draw) -> None:
    model = answer(7, 6, 8, 2, 1)
    model(token_tensor(draw, 7, 2, 6))  # as long as the context is not too long
    for time in (7, 15):
        came_back, raised = refusal(model, token_tensor(draw, 7, 2, time))
        shape = () if came_back is None else tuple(came_back.shape)
        expect(shape, "the shape of what came back all the same").close_to([])
        words = f"what it raises for {time} places and a context of 6"
        expect(raised, words).equals("ValueError")


@GPT.property("starts as GPT-2 does, near log(vocabulary)", trials=1)
def _(answer, draw: Draw) -> None:
    layers = 4
    model = answer(96, 64, 64, 2, layers)
    if _gpt_parts(model, 96, 64, 64, layers):
        ordinary, scaled = (spreads(model, layers, projections=p) for p in (False, True))
        expect(ordinary, "the spreads of tables and ordinary matrices, divided by 0.02").equals(
            [1.0] * (2 + 2 * layers)
        )
        expect(scaled, "the spreads of the projections, divided by 0.02/√(2·layers)").equals(
            [1.0] * (2 * layers)
        )
        tokens = token_tensor(draw, 96, 8, 64)
        loss = F.cross_entropy(model(tokens).flatten(0, 1), token_tensor(draw, 96, 8, 64).flatten())
        expect(abs(loss.item() - math.log(96)) < 0.2, "whether the first loss is log V").equals(
            True
        )


@GPT.property("learns its table from both sides", trials=2)
def _(answer, draw: Draw) -> None:
    model = answer(7, 4, 8, 2, 2)
    if _gpt_parts(model, 7, 4, 8, 2):
        fill_with_normals(model, draw)
        model(token_tensor(draw, 3, 2, 4)).square().sum().backward()
        slope = model.tokens.weight.grad
        rows = 0 if slope is None else int((slope.abs().sum(-1) > 0).sum())
        expect(rows, "how many of 7 rows of the table got a gradient (tokens 0 to 2 read)").equals(
            7
        )
        # One row of zeros everywhere but there, so that the head tells nothing of it.
        with torch.no_grad():
            model.tokens.weight[1:] = 0
            model.tokens.weight.grad = None
        model(torch.ones(1, 4, dtype=torch.int64))[..., 0].sum().backward()
        slope = model.tokens.weight.grad
        read = 0.0 if slope is None else float(slope[1].abs().sum())
        expect(read > 0, "whether the row of a token gets a gradient for being read").equals(True)


@GPT.property("hands a gradient to every parameter", trials=2)
def _(answer, draw: Draw) -> None:
    model = answer(7, 4, 8, 2, 2)
    if _gpt_parts(model, 7, 4, 8, 2):
        fill_with_normals(model, draw)
        model(token_tensor(draw, 7, 2, 4)).square().sum().backward()
        without = [n for n, p in model.named_parameters() if p.grad is None]
        expect(len(without), "how many parameters got no gradient").equals(0)


@GPT.property("makes the numbers of the places where the tokens are", trials=2)
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 1), token_tensor(draw, 7, 2, 5)
    with _Elsewhere() as elsewhere:
        model(tokens)
    expect(elsewhere.met, "how often a tensor of the default device met those of the model").equals(
        0
    )


@GPT.property("drops nothing in evaluation mode", trials=2)
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 16, 2, 1, 0.5).eval(), token_tensor(draw, 7, 4, 6)
    expect(torch.equal(model(tokens), model(tokens)), "whether evaluation repeats").equals(True)


@GPT.property("hands dropout on to every block", trials=1)
def _(answer, draw: Draw) -> None:
    model, x = answer(7, 6, 16, 2, 2, 0.5).train(), normals(draw, 4, 6, 16)
    words = "The share never reaches the blocks: Block(width, heads, dropout)."
    for place, block in enumerate(model.blocks):
        fill_with_normals(block, draw)
        drops = not torch.equal(block(x), block(x))
        expect(drops, f"whether block {place} drops in training mode").is_true(words)


@GPT.property("drops the sum of token and place in training mode, before the blocks", trials=1)
def _(answer, draw: Draw) -> None:
    for left_out in ("places", "tokens"):
        model = answer(7, 6, 16, 2, 1, 0.5).train()
        if not _gpt_parts(model, 7, 6, 16, 1):
            return
        fill_with_normals(model, draw)
        tokens = torch.zeros(4, 6, dtype=torch.int64)
        with torch.no_grad():
            for parameter in model.blocks.parameters():
                parameter.zero_()  # a silent block: what is dropped now was dropped before it
            if left_out == "places":
                model.positions.weight.zero_()
            else:
                model.tokens.weight[0] = 0  # the only token that is read
        there = "the token" if left_out == "places" else "the place"
        drops = not torch.equal(model(tokens), model(tokens))
        expect(drops, f"whether {there}'s part of the sum is dropped").is_true(
            f"What {there} adds is not dropped: put dropout on the sum, before the first block."
        )


@GPT.property("drops nothing unless told to", trials=2)
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 1).train(), token_tensor(draw, 7, 2, 5)
    expect(torch.equal(model(tokens), model(tokens)), "whether training repeats").equals(True)


class RightBlock(nn.Module):
    """The page's block, around the right attention."""

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, bias=False)
        self.attention = RightAttention(width, heads, dropout)
        self.norm_2 = nn.LayerNorm(width, bias=False)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.projection = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        hidden = F.gelu(self.expand(self.norm_2(x)))
        return x + self.dropout(self.projection(hidden))


class _LeakyBlock(RightBlock):
    """A block whose attention hides nothing."""

    def __init__(self, width, heads, dropout=0.0):
        super().__init__(width, heads, dropout)
        leaks = next(mistake for mistake in Attention.mistakes if mistake.name == "Leaks")
        self.attention = leaks.answer(width, heads, dropout)


@GPT.right
class RightGPT(nn.Module):
    def __init__(self, vocabulary, context, width, heads, layers, dropout=0.0):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(RightBlock(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        right_start(self, layers)

    def forward(self, tokens):
        if tokens.shape[1] > self.positions.num_embeddings:
            raise ValueError("more tokens than the context")
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(places))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.T


_BLOCKS = "nn.ModuleList(RightBlock(width, heads, dropout) for _ in range(layers))"
_START = "        right_start(self, layers)\n"
_REFUSES = """        if tokens.shape[1] > self.positions.num_embeddings:
            raise ValueError("more tokens than the context")
"""
_SUM = "self.dropout(self.tokens(tokens) + self.positions(places))"
_PLACES = "torch.arange(tokens.shape[1], device=tokens.device)"
_HEAD = "self.norm(x) @ self.tokens.weight.T"


GPT.slip(
    "CutsTheWindow",
    "You cut a window that is too long, so that the logits no longer belong to the tokens that "
    "were handed in. Raise ValueError: whoever calls has to decide.",
    {
        'raise ValueError("more tokens than the context")': (
            "tokens = tokens[:, -self.positions.num_embeddings :]"
        )
    },
)
GPT.slip(
    "UntiedHead",
    "The head has weights of its own, be they drawn or copied. Tied, it is the token table "
    "itself: read_out.weight = tokens.weight, or x @ tokens.weight.T.",
    {
        _START: f"        self.read_out = nn.Linear(width, vocabulary, bias=False)\n{_START}",
        _HEAD: "self.read_out(self.norm(x))",
    },
)
GPT.slip(
    "DetachedHead",
    "The head reads the table without its gradient, so that the table learns from the input "
    "side alone.",
    {"self.tokens.weight.T": "self.tokens.weight.detach().T"},
)
GPT.slip(
    "DetachedTokens",
    "What the tokens read in the table is detached, so that the table learns from the head alone.",
    {"self.tokens(tokens)": "self.tokens(tokens).detach()"},
)
GPT.slip(
    "DefaultStart",
    "The model keeps torch's own start. Call your initialise(self, layers) at the end of __init__.",
    {_START: ""},
)
GPT.slip(
    "EarlyStart",
    "The tables start as GPT-2's and the blocks do not. Were they made after initialise(self, "
    "layers) had run? Call it last.",
    {_START: "", "        self.blocks": f"{_START}        self.blocks"},
)
GPT.slip(
    "PlainStart",
    "The projections do not start smaller. Is `layers` passed on, and does initialise run last?",
    {"right_start(self, layers)": "right_start(self, 1 / 2)"},
)
GPT.slip(
    "StartOfOneLayer",
    "The projections start as those of a model with one block do. Pass `layers` on: "
    "initialise(self, layers).",
    {"right_start(self, layers)": "right_start(self, 1)"},
)
GPT.slip(
    "AnyLength",
    "A window longer than the context is not refused by your own ValueError. On a GPU a "
    "look-up outside the table kills the process with a message about an assertion; say it "
    "yourself before.",
    {_REFUSES: ""},
)
GPT.slip(
    "AnotherException",
    "A window that is too long raises another exception than the page asks for. Raise ValueError.",
    {"raise ValueError": "raise AssertionError"},
)
GPT.slip(
    "RefusesWholeContext",
    "You refuse a window as long as the context, which fits. Too long is what is longer: "
    "time > context.",
    {"tokens.shape[1] > self": "tokens.shape[1] >= self"},
)
GPT.slip(
    "WithoutPlaces",
    "Positions never enter. Add positions(0 … time − 1) to the tokens.",
    {" + self.positions(places)": ""},
)
GPT.slip(
    "PlacesFromOne",
    "Your places begin at 1 and run off the table's end. They begin at 0.",
    {_PLACES: "torch.arange(1, tokens.shape[1] + 1, device=tokens.device)"},
)
GPT.slip(
    "PlacesFromTheEnd",
    "Your places are the last ones of the table. A window's first token has place 0, however "
    "short the window is.",
    {_PLACES: f"{_PLACES} + self.positions.num_embeddings - tokens.shape[1]"},
)
GPT.slip(
    "PlacesAlongBatch",
    "You counted the places along the batch. `tokens` is (batch, time).",
    {_PLACES: "torch.arange(tokens.shape[0], device=tokens.device)[:, None]"},
)
GPT.slip(
    "WholeTableOfPlaces",
    "You add the whole table of positions, which fits a window as long as the context alone. Read "
    "the rows 0 … time − 1.",
    {"self.positions(places)": "self.positions.weight"},
)
GPT.slip(
    "PlacesElsewhere",
    "torch.arange(time) is made on the default device. With the tokens on a GPU it must be "
    "there too: device=tokens.device.",
    {", device=tokens.device": ""},
)
GPT.slip(
    "WithoutLastNorm",
    "The last norm, before the head, is missing.",
    {"self.norm(x) @": "x @"},
)
GPT.slip(
    "NormBeforeTheBlocks",
    "The norm stands before the blocks. It comes after the last of them, before the head.",
    {_SUM: f"self.norm({_SUM})", "self.norm(x) @": "x @"},
)
GPT.slip(
    "NormWithBias",
    "The last norm has a bias. No layer of this model has one: LayerNorm(width, bias=False).",
    {"nn.LayerNorm(width, bias=False)": "nn.LayerNorm(width)"},
)
GPT.slip(
    "SharedBlocks",
    "Your layers are one and the same block, used again and again. Make a new Block each time.",
    {_BLOCKS: "nn.ModuleList([RightBlock(width, heads, dropout)] * layers)"},
)
GPT.slip(
    "PlainList",
    "The blocks are in a plain list, where Module does not look: nn.ModuleList.",
    {_BLOCKS: "[RightBlock(width, heads, dropout) for _ in range(layers)]"},
)
GPT.slip(
    "FirstBlockAlone",
    "Not every block gets what the one before it gave. x = block(x), for each of them in turn.",
    {"            x = block(x)": "            y = block(x)\n        x = y"},
)
GPT.slip(
    "SkipAroundBlocks",
    "You add the input of each block to its output. A block has its skips inside: x = block(x).",
    {"x = block(x)": "x = x + block(x)"},
)
GPT.slip(
    "LastPlaceOnly",
    "You return the logits of the last place alone. Every place predicts.",
    {"self.norm(x) @": "self.norm(x)[:, -1] @"},
)
GPT.slip(
    "SoftmaxAtEnd",
    "You applied softmax at the end. The loss contains it; logits go out as they are.",
    {_HEAD: f"({_HEAD}).softmax(-1)"},
)
GPT.slip(
    "KeepsTheStart",
    "Dropout is missing on the sum of the two tables.",
    {_SUM: "self.tokens(tokens) + self.positions(places)"},
)
GPT.slip(
    "DropsTokensAlone",
    "Dropout is on the token alone, and the place is added after it. It belongs on the sum.",
    {_SUM: "self.dropout(self.tokens(tokens)) + self.positions(places)"},
)
GPT.slip(
    "KeepsInBlocks",
    "The share `dropout` is not handed on to the blocks.",
    {"heads, dropout) for": "heads) for"},
)
GPT.slip(
    "DropsInEvaluation",
    "The sum of the two tables is dropped in evaluation mode too. nn.Dropout knows the mode; "
    "F.dropout drops unless you hand it training=self.training.",
    {_SUM: "F.dropout(self.tokens(tokens) + self.positions(places), self.dropout.p)"},
)
GPT.slip(
    "LeakyBlocks",
    "The future reaches the past. Is the attention in your blocks still causal?",
    {"RightBlock(width": "_LeakyBlock(width"},
)


GPT.hint("Tables, dropout, blocks, norm, head, start: six parts, in this order.")
GPT.hint("`self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))`.")
GPT.hint("The head: `self.norm(x) @ self.tokens.weight.T`.", when="value")
GPT.hint("Does anything come after `initialise(self, layers)` in __init__?", when="PlainStart")
GPT.hint("`torch.arange(time, device=tokens.device)`.", when="error")
GPT.hint("Count the parameters with your own parameter_count and compare.", when="factor")
