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

from .shared import (
    RightAttention,
    Tensor,
    attention_of,
    count_by_shapes,
    has,
    spoil_class,
    spreads,
    start,
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


@GPT.property("has two tables, its blocks and a last norm, and no other parameters")
def _(answer, draw: Draw) -> None:
    _gpt_parts(answer(11, 6, 8, 2, 3), 11, 6, 8, 3)


@GPT.property("maps tokens to the logits of the formula, at every place", trials=4)
def _(answer, draw: Draw) -> None:
    layers, time = min(draw.size, 3), 1 + draw.size % 6
    model, tokens = answer(7, 6, 8, 2, layers), token_tensor(draw, 7, 3, time)
    if _gpt_parts(model, 7, 6, 8, layers):
        fill_with_normals(model, draw)
        expect(model(tokens), "the logits").close_to(
            _explicit_logits(model, tokens, 2), rtol=1e-3, atol=1e-3
        )


@GPT.property("does not let the future change the past")
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 2), token_tensor(draw, 7, 2, 6)
    fill_with_normals(model, draw)
    other = tokens.clone()
    other[:, 3:] = (other[:, 3:] + 1 + token_tensor(draw, 5, 2, 3)) % 7
    change = (model(other) - model(tokens))[:, :3].abs().max()
    expect(change, "the change at places 0 to 2 when tokens 3 to 5 change").close_to(0, atol=1e-4)


@GPT.property("refuses a window longer than the context, by ValueError")
def _(answer, draw: Draw) -> None:
    model, came_back, raised = answer(7, 6, 8, 2, 1), (), "nothing"
    model(token_tensor(draw, 7, 2, 6))
    try:
        came_back = tuple(model(token_tensor(draw, 7, 2, 7)).shape)
    except Exception as error:
        raised = type(error).__name__
    expect(came_back, "the shape of what came back all the same").close_to([])
    expect(raised, "what it raises for 7 places and a context of 6").equals("ValueError")


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


@GPT.property("learns its table from both sides, and every other parameter too")
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
        without = [n for n, p in model.named_parameters() if p.grad is None]
        expect(len(without), "how many parameters got no gradient").equals(0)


@GPT.property("makes the numbers of the places where the tokens are")
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 1), token_tensor(draw, 7, 2, 5)
    with _Elsewhere() as elsewhere:
        model(tokens)
    expect(elsewhere.met, "how often a tensor of the default device met those of the model").equals(
        0
    )


@GPT.property("drops in training mode, at the start and in the blocks, and not in evaluation")
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 16, 2, 1, 0.5), token_tensor(draw, 7, 4, 6)
    if not _gpt_parts(model, 7, 6, 16, 1):
        return
    fill_with_normals(model, draw)
    x = normals(draw, 4, 6, 16)
    model.eval()
    expect(torch.equal(model(tokens), model(tokens)), "whether evaluation repeats").equals(True)
    model.train()
    block = model.blocks[0]
    in_the_blocks = "The share never reaches the blocks: Block(width, heads, dropout)."
    expect(not torch.equal(block(x), block(x)), "whether a block drops in training").is_true(
        in_the_blocks
    )
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()  # a silent block: what is dropped now was dropped before it
    before_them = (
        "The sum of token and place is not dropped: put dropout on it before the first block."
    )
    once, again = model(tokens), model(tokens)
    expect(not torch.equal(once, again), "whether the sum of the tables is dropped").is_true(
        before_them
    )


@GPT.property("drops nothing unless told to")
def _(answer, draw: Draw) -> None:
    model, tokens = answer(7, 6, 8, 2, 1).train(), token_tensor(draw, 7, 2, 5)
    expect(torch.equal(model(tokens), model(tokens)), "whether training repeats").equals(True)


class _Block(nn.Module):
    def __init__(self, width, heads, dropout=0.0, leaks=False):
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, bias=False)
        self.attention = RightAttention(width, heads, dropout)
        if leaks:
            self.attention.habits = frozenset({"leaks"})
        self.norm_2 = nn.LayerNorm(width, bias=False)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.projection = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.attention(self.norm_1(x))
        hidden = F.gelu(self.expand(self.norm_2(x)))
        return x + self.dropout(self.projection(hidden))


class _GPT(nn.Module):
    """A right model, which the mistakes below spoil in one place each."""

    habits: frozenset[str] = frozenset()

    def __init__(self, vocabulary, context, width, heads, layers, dropout=0.0):
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(0.0 if "keeps_start" in self.habits else dropout)
        inner = 0.0 if "keeps_blocks" in self.habits else dropout
        leaks = "leaks" in self.habits
        self.blocks = nn.ModuleList(_Block(width, heads, inner, leaks) for _ in range(layers))
        if "shares_blocks" in self.habits:
            self.blocks = nn.ModuleList([self.blocks[0]] * layers)
        self.norm = nn.LayerNorm(width, bias="norm_bias" in self.habits)
        if "unties" in self.habits:
            self.read_out = nn.Linear(width, vocabulary, bias=False)
        if "early_start" in self.habits:
            for table in (self.tokens, self.positions):
                nn.init.normal_(table.weight, std=0.02)
        elif "default_start" not in self.habits:
            start(self, layers, shrink=1.0 if "plain_start" in self.habits else None)
        if "plain_list" in self.habits:
            kept = list(self.blocks)
            del self.blocks
            self.blocks = kept

    def _places(self, tokens):
        batch, time = tokens.shape
        if "elsewhere" in self.habits:
            return torch.arange(time)
        if "from_one" in self.habits:
            return torch.arange(1, time + 1, device=tokens.device)
        if "along_batch" in self.habits:
            return torch.arange(batch, device=tokens.device)[:, None]
        return torch.arange(time, device=tokens.device)

    def forward(self, tokens):
        if "any_length" not in self.habits and tokens.shape[1] > self.context:
            raise ValueError("too long")
        x = self.tokens(tokens)
        if "no_places" not in self.habits:
            x = x + self.positions(self._places(tokens))
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        if "no_norm" not in self.habits:
            x = self.norm(x)
        if "last_only" in self.habits:
            x = x[:, -1]
        if hasattr(self, "read_out"):
            return self.read_out(x)
        table = self.tokens.weight
        logits = x @ (table.detach() if "detaches" in self.habits else table).T
        return logits.softmax(-1) if "softmax" in self.habits else logits


@GPT.mistake(
    "You cut a window that is too long, so that the logits no longer belong to the tokens that "
    "were handed in. Raise ValueError: whoever calls has to decide."
)
class CutsTheWindow(_GPT):
    def forward(self, tokens):
        return super().forward(tokens[:, -self.context :])


spoil_class(GPT, _GPT, (
    (
        "UntiedHead", "unties",
        "The head has weights of its own, be they drawn or copied. Tied, it is the token table "
        "itself: read_out.weight = tokens.weight, or x @ tokens.weight.T.",
    ),
    (
        "DetachedHead", "detaches",
        "The head reads the table without its gradient, so that the table learns from the input "
        "side alone.",
    ),
    (
        "DefaultStart", "default_start",
        "The model keeps torch's own start. Call your initialise(self, layers) at the end of "
        "__init__.",
    ),
    (
        "EarlyStart", "early_start",
        "The tables start as GPT-2's and the blocks do not. Were they made after initialise(self, "
        "layers) had run? Call it last.",
    ),
    (
        "PlainStart", "plain_start",
        "The projections do not start smaller. Is `layers` passed on, and does initialise run "
        "last?",
    ),
    (
        "AnyLength", "any_length",
        "A window longer than the context is not refused by your own ValueError. On a GPU a "
        "look-up outside the table kills the process with a message about an assertion; say it "
        "yourself before.",
    ),
    (
        "WithoutPlaces", "no_places",
        "Positions never enter. Add positions(0 … time − 1) to the tokens.",
    ),
    (
        "PlacesFromOne", "from_one",
        "Your places begin at 1 and run off the table's end. They begin at 0.",
    ),
    (
        "PlacesAlongBatch", "along_batch",
        "You counted the places along the batch. `tokens` is (batch, time).",
    ),
    (
        "PlacesElsewhere", "elsewhere",
        "torch.arange(time) is made on the default device. With the tokens on a GPU it must be "
        "there too: device=tokens.device.",
    ),
    ("WithoutLastNorm", "no_norm", "The last norm, before the head, is missing."),
    (
        "NormWithBias", "norm_bias",
        "The last norm has a bias. No layer of this model has one: LayerNorm(width, bias=False).",
    ),
    (
        "SharedBlocks", "shares_blocks",
        "Your layers are one and the same block, used again and again. Make a new Block each time.",
    ),
    (
        "PlainList", "plain_list",
        "The blocks are in a plain list, where Module does not look: nn.ModuleList.",
    ),
    (
        "LastPlaceOnly", "last_only",
        "You return the logits of the last place alone. Every place predicts.",
    ),
    (
        "SoftmaxAtEnd", "softmax",
        "You applied softmax at the end. The loss contains it; logits go out as they are.",
    ),
    (
        "KeepsTheStart", "keeps_start",
        "Dropout is missing on the sum of the two tables.",
    ),
    (
        "KeepsInBlocks", "keeps_blocks",
        "The share `dropout` is not handed on to the blocks.",
    ),
    (
        "LeakyBlocks", "leaks",
        "The future reaches the past. Is the attention in your blocks still causal?",
    ),
))  # fmt: skip


GPT.hint("Tables, dropout, blocks, norm, head, start: six parts, in this order.")


GPT.hint("`self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))`.")


GPT.hint("The head: `self.norm(x) @ self.tokens.weight.T`.", when="value")


GPT.hint("Does anything come after `initialise(self, layers)` in __init__?", when="PlainStart")


GPT.hint("`torch.arange(time, device=tokens.device)`.", when="error")


GPT.hint("Count the parameters with your own parameter_count and compare.", when="factor")
