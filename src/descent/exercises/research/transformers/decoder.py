"""How `Decoder` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import fill_with_normals, token_tensor
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

from .block import RightBlock, expected_block
from .multi_head_attention import RightHeads
from .shared import Tensor, causal, codes_by_hand, expected_attention, normed, some_mask
from .sinusoidal_positions import right_codes

Decoder = Exercise("Decoder", minutes=25, difficulty=3)


def _built(
    answer, draw: Draw, vocabulary: int, width: int, heads: int, layers: int
) -> tuple[Any, bool]:
    model = answer(vocabulary, width, heads, layers)
    good = has(model, "the model", "token", "blocks", "norm", "head")
    if good:
        count = parameter_total(model)
        wanted = (
            2 * vocabulary * width + vocabulary + 2 * width + layers * (12 * width**2 + 9 * width)
        )
        expect(count, "its number of parameters").equals(wanted)
        expect(len(list(model.blocks)), "the number of blocks").equals(layers)
        good = count == wanted and len(list(model.blocks)) == layers
    if good:
        fill_with_normals(model, draw, 0.4)
    return model, good


def _embedded(model: Any, tokens: Tensor) -> Tensor:
    width = model.token.weight.shape[1]
    codes = torch.tensor(codes_by_hand(range(tokens.shape[1]), width), dtype=torch.float32)
    return F.embedding(tokens, model.token.weight.detach()) + codes


def _logits(model: Any, tokens: Tensor, heads: int, mask: Tensor) -> Tensor:
    x = _embedded(model, tokens)
    for block in model.blocks:
        x = expected_block(block, x, heads, mask, expected_attention)
    return (normed(model.norm, x) @ model.head.weight.T + model.head.bias).detach()


@Decoder.property("has a table, its blocks, a last norm and a head, and nothing else")
def _(answer, draw: Draw) -> None:
    model, good = _built(answer, draw, 11, 8, 2, 3)
    if good:
        norms = {id(block.attention) for block in model.blocks}
        expect(len(norms), "how many different attention layers there are").equals(3)


@Decoder.property("has 13355 parameters in the page's example")
def _(answer, draw: Draw) -> None:
    expect(parameter_total(answer(11, 32, 2, 1)), "its number of parameters").equals(13355)


@Decoder.property("embeds a token as its row plus the code of its place", trials=4)
def _(answer, draw: Draw) -> None:
    width = 2 * draw.integers(1, 5)
    model, good = _built(answer, draw, 7, width, 1, 1)
    if good:
        tokens = token_tensor(draw, 7, 2, draw.size)
        expect(model.embed(tokens), "embed(tokens)").close_to(_embedded(model, tokens), atol=1e-4)


@Decoder.property("turns tokens into logits under the causal mask", trials=4)
def _(answer, draw: Draw) -> None:
    layers = draw.integers(1, 4)
    model, good = _built(answer, draw, 6, 8, 2, layers)
    if good:
        tokens = token_tensor(draw, 6, 2, min(draw.size, 6))
        wanted = _logits(model, tokens, 2, causal(tokens.shape[1]))
        expect(model(tokens), "the logits").close_to(wanted, atol=2e-3)


@Decoder.property("obeys a mask of the caller's in every block", trials=3)
def _(answer, draw: Draw) -> None:
    model, good = _built(answer, draw, 6, 8, 2, 2)
    if good:
        tokens, mask = token_tensor(draw, 6, 2, 5), some_mask(draw, 5, 5)
        expect(model(tokens, mask), "the logits").close_to(
            _logits(model, tokens, 2, mask), atol=2e-3
        )


@Decoder.property("reads texts longer than any table would hold")
def _(answer, draw: Draw) -> None:
    model, good = _built(answer, draw, 5, 4, 1, 1)
    if good:
        tokens = token_tensor(draw, 5, 1, 150)
        with torch.no_grad():
            expect(tuple(model(tokens).shape), "the shape of the logits").equals((1, 150, 5))


@Decoder.property("lets a gradient reach every parameter")
def _(answer, draw: Draw) -> None:
    model, good = _built(answer, draw, 5, 8, 2, 2)
    if good:
        model(torch.tensor([[0, 1, 2, 3, 4]])).square().sum().backward()
        parts = list(model.parameters())
        reached = sum(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in parts)
        expect(reached, f"how many of {len(parts)} parameters got a gradient").equals(len(parts))


@Decoder.right
class RightDecoder(nn.Module):
    def __init__(self, vocabulary, width, heads, layers):
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        size = width // heads
        self.blocks = nn.ModuleList(
            RightBlock(width, RightHeads(width, heads, size, size)) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)

    def embed(self, tokens):
        places = torch.arange(tokens.shape[1])
        return self.token(tokens) + right_codes(places, self.token.embedding_dim)

    def forward(self, tokens, mask=None):
        time = tokens.shape[1]
        if mask is None:
            mask = torch.ones(time, time, dtype=torch.bool).tril()
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        return self.head(x)


_BLOCKS = "RightBlock(width, RightHeads(width, heads, size, size)) for _ in range(layers)"
_MADE = "torch.ones(time, time, dtype=torch.bool)"
Decoder.slip(
    "no_positions",
    "No positions enter: `embed` returns the tokens alone, and only the mask tells places apart.",
    {" + right_codes(places, self.token.embedding_dim)": ""},
)
Decoder.slip(
    "positions_from_one",
    "Your places begin at 1. The first one is 0.",
    {"torch.arange(tokens.shape[1])": "torch.arange(1, tokens.shape[1] + 1)"},
)
Decoder.slip(
    "positions_along_the_batch",
    "You count places along the batch. Tokens are (batch, time).",
    {"torch.arange(tokens.shape[1])": "torch.arange(tokens.shape[0])"},
)
Decoder.slip(
    "positions_learned",
    "Your positions are learned parameters. Here they are computed, so that there "
    "is no longest text.",
    {
        "        size = width": "        self.place = nn.Embedding(512, "
        "width)\n        size = width",
        "right_codes(places, self.token.embedding_dim)": "self.place(places)",
    },
)
Decoder.slip(
    "positions_in_every_block",
    "You add the positions before every block. They enter once, with the tokens.",
    {
        "x = block(x, mask)": "x = block(x + right_codes(torch.arange(time), x.shape[-1]), mask)",
        " + right_codes(places, self.token.embedding_dim)": "",
    },
)
Decoder.slip(
    "mask_ignored",
    "The mask of the caller has no effect: you use the causal one throughout.",
    {"if mask is None:": "if True:"},
)
Decoder.slip(
    "no_mask_by_default",
    "Without a mask of the caller's your model sees the future. None stands for the causal mask.",
    {f"{_MADE}.tril()": _MADE},
)
Decoder.slip(
    "mask_the_wrong_way",
    "Your default mask shows the future and hides the past: it is the lower triangle, tril.",
    {".tril()": ".triu()"},
)
Decoder.slip(
    "hides_itself",
    "Your default mask hides a place from itself. The diagonal is True.",
    {".tril()": ".tril(-1)"},
)
Decoder.slip(
    "one_block_repeated",
    "Your layers are one and the same block. Make a new one for each.",
    {_BLOCKS: "[RightBlock(width, RightHeads(width, heads, size, size))] * layers"},
)
Decoder.slip(
    "shared_attention",
    "All your blocks share one attention layer. Each has its own.",
    {
        "        self.blocks": "        shared = RightHeads(width, heads, "
        "size, size)\n        self.blocks",
        _BLOCKS: "RightBlock(width, shared) for _ in range(layers)",
    },
)
Decoder.slip(
    "heads_too_wide",
    "Each of your heads is as wide as the whole model. A head has width / heads numbers.",
    {"size = width // heads": "size = width"},
)
Decoder.slip(
    "last_norm_missing",
    "The last norm is not used: head(norm(x)).",
    {"        x = self.norm(x)\n": ""},
)
Decoder.slip(
    "tied_head",
    "Your head is tied to the table. Here it is a layer of its own, `head`, with a bias.",
    {"self.head = nn.Linear(width, vocabulary)": "self.head = lambda x: x @ self.token.weight.T"},
)
Decoder.slip(
    "softmax_at_the_end",
    "You applied a softmax at the end. Logits go out as they are.",
    {"return self.head(x)": "return self.head(x).softmax(-1)"},
)
Decoder.slip(
    "last_place_only",
    "You return the logits of the last place alone. Every place predicts.",
    {"return self.head(x)": "return self.head(x[:, -1])"},
)
Decoder.slip(
    "embedding_scaled",
    "You multiply the tokens by √width, as the paper does. On this page `embed` is token "
    "plus code.",
    {"self.token(tokens) +": "self.token(tokens) * self.token.embedding_dim**0.5 +"},
)
Decoder.slip(
    "mask_in_the_first_block",
    "Only your first block gets the mask; the later ones see everything.",
    {
        "for block in self.blocks:\n            x ="
        " block(x, mask)": "for i, block in enumerate(self.blocks):\n            x = block"
        "(x, mask"
        " if i == 0 else torch.ones_like(mask))"
    },
)
Decoder.slip(
    "caller_in_the_first_block",
    "Only your first block gets the caller's mask; the later ones get the causal one.",
    {
        "for block in self.blocks:\n            x ="
        " block(x, mask)": "for i, block in enumerate(self.blocks):\n            x = block"
        "(x, mask"
        " if i == 0 else torch.ones_like(mask).tril())"
    },
)
Decoder.slip(
    "causal_as_well",
    "You put the causal mask on top of the caller's. It stands in only where None is handed over.",
    {
        "        x = self.embed(tokens)": "        mask = mask.tril()\n        x = self.em"
        "bed(tokens)"
    },
)
Decoder.slip(
    "one_block_used",
    "Only one of your blocks is used.",
    {"for block in self.blocks:": "for block in self.blocks[:1]:"},
)
Decoder.slip(
    "blocks_backwards",
    "Your blocks are used from the last to the first.",
    {"for block in self.blocks:": "for block in self.blocks[::-1]:"},
)
Decoder.slip(
    "plain_list",
    "Your blocks are in a plain list, so their parameters belong to nobody and would never "
    "be trained: nn.ModuleList.",
    {"self.blocks = nn.ModuleList(": "self.blocks = list("},
)
Decoder.slip(
    "embed_not_used",
    "Your forward takes the table's rows without the codes of the places. It has to begin "
    "with embed(tokens).",
    {"x = self.embed(tokens)": "x = self.token(tokens)"},
)
Decoder.slip(
    "log_softmax_at_the_end",
    "You applied a log_softmax at the end. Logits go out as they are.",
    {"return self.head(x)": "return self.head(x).log_softmax(-1)"},
)
Decoder.slip(
    "norm_at_both_ends",
    "You use the last norm on the embedding as well.",
    {"x = self.embed(tokens)": "x = self.norm(self.embed(tokens))"},
)
Decoder.slip(
    "head_without_bias",
    "Your head has no bias. It has one here: V numbers more.",
    {"nn.Linear(width, vocabulary)": "nn.Linear(width, vocabulary, bias=False)"},
)
Decoder.slip(
    "skip_around_all",
    "A skip goes round the whole model. Each branch has its own, and there is no other.",
    {"x = self.norm(x)": "x = self.norm(x + self.embed(tokens))"},
)
Decoder.slip(
    "codes_run_out",
    "You made a table of a fixed number of codes, and longer texts fall off its end. "
    "Compute the codes of the places there are.",
    {
        "torch.arange(tokens.shape[1])": "torch.arange(64)",
        "right_codes(places, self.token.embedding_dim)": "right_codes(places, self.token.e"
        "mbedding_dim)[: tokens.shape[1]]",
    },
)


Decoder.equivalent(
    "`places = torch.arange(tokens.shape[1], device=tokens.device)` → "
    "`places = torch.arange(tokens.shape[1])`",
    because="a machine that grades computes on one device",
)


Decoder.equivalent(
    "`mask = torch.ones(time, time, dtype=torch.bool, device=tokens.device).tril()` → "
    "`mask = torch.ones(time, time, dtype=torch.bool).tril()`",
    because="a machine that grades computes on one device",
)


Decoder.hint(
    "Four parts in __init__; `embed` is one sum; forward: mask, embed, blocks, norm, head."
)
Decoder.hint("`nn.ModuleList(Block(width, MultiHeadAttention(...)) for _ in range(layers))`.")
Decoder.hint(
    "What does None stand for? Try a model with the mask handed over explicitly.", when="value"
)
Decoder.hint("Count by hand, part by part: the page's example has 13 355.", when="factor")
