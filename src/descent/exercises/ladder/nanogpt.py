"""What ladder/16_nanogpt is judged by.

The oracles are explicit formulas in double precision: attention with its table of scores, AdamW
step by step, singular values by numpy; and closed forms for counts, spreads and schedules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from descent.exercises.doubles import fill_with_normals, normals, token_tensor
from descent.grading import Draw, Exercise, expect

Tensor = torch.Tensor


def _has(module: Any, what: str, *names: str) -> bool:
    """Whether the parts that the page names are there; says which are not."""
    expect(module, what).is_a(nn.Module)
    missing = [name for name in names if not hasattr(module, name)]
    what_is_missing = f"It has no {' and no '.join(missing)}."
    expect(not missing, f"whether {what} has the parts it names").is_true(what_is_missing)
    return not missing


def _shapes(module: Any, *names: str) -> list[tuple[int, ...]]:
    return [tuple(getattr(module, name).weight.shape) for name in names]


# ------------------------------------------------------------------- bits_per_character

bits_per_character = Exercise("bits_per_character", minutes=4, difficulty=1)


@bits_per_character.property("turns nats into bits", trials=5)
def _(answer, draw: Draw) -> None:
    loss = draw.uniform(0.5, 4.0)
    expect(answer(loss), "the bits").close_to(np.log2(np.exp(loss)))


@bits_per_character.property("shares a token's surprise among its characters", trials=5)
def _(answer, draw: Draw) -> None:
    loss, characters = draw.uniform(0.5, 4.0), draw.uniform(1.5, 5.0)
    expected = np.log2(np.exp(loss)) / characters
    expect(answer(loss, characters), "the bits").close_to(expected)


@bits_per_character.property("gives log₂ V for a guess among V characters")
def _(answer, draw: Draw) -> None:
    bits = answer(math.log(64))
    expect(bits, "the bits for the loss log 64").close_to(6.0)
    expect(bits, "the bits").is_a(float)


@bits_per_character.mistake("You multiplied by ln 2. A nat is more than a bit: divide by ln 2.")
def multiplied_by_log(loss, characters=1.0):
    return loss * math.log(2) / characters


@bits_per_character.mistake(
    "You divided by log₁₀ 2. The loss is in nats, so its logarithm is the natural one: math.log(2)."
)
def by_common_logarithm(loss, characters=1.0):
    return loss / math.log10(2) / characters


@bits_per_character.mistake("You returned nats. Divide by ln 2 to make them bits.")
def left_in_nats(loss, characters=1.0):
    return loss / characters


@bits_per_character.mistake(
    "That is a perplexity. Bits are the loss in another unit, without exponentials."
)
def as_perplexity(loss, characters=1.0):
    return math.exp(loss) / characters


@bits_per_character.mistake(
    "You took the logarithm of the loss. The loss is a logarithm already; it only changes its base."
)
def logarithm_of_loss(loss, characters=1.0):
    return math.log2(loss) / characters


@bits_per_character.mistake(
    "You multiplied by the characters of a token. Its surprise is shared among them: divide."
)
def multiplied_by_characters(loss, characters=1.0):
    return loss / math.log(2) * characters


@bits_per_character.mistake(
    "You left `characters` out: a token of four characters may be four times as surprising."
)
def ignored_characters(loss, characters=1.0):
    return loss / math.log(2)


bits_per_character.hint("How many nats is the surprise at a fair coin? How many bits?")
bits_per_character.hint("A bit is ln 2 = 0.693 nats, so there are more bits than nats.")
bits_per_character.hint("`math.log(2)` is the natural logarithm.", when="factor")

# ------------------------------------------------------------------------------- encode

encode = Exercise("encode", minutes=6, difficulty=1)

_ALPHABET = "\n !,.ABCXYZabcdefghij"


def _alphabet(draw: Draw) -> list[str]:
    """Some characters with gaps, so that no code point fits by luck, and in no sorted order."""
    kept = [_ALPHABET[i] for i in draw.rng.permutation(len(_ALPHABET))[:8]]
    return kept[1:] + kept[:1] if kept == sorted(kept) else kept


@encode.property("gives every character its place in the alphabet", trials=5)
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    numbers = draw.integers(0, 7, draw.size)  # the last one never occurs: an alphabet is given
    text = "".join(characters[i] for i in numbers)
    tokens = answer(text, characters)
    expect(isinstance(tokens, torch.Tensor), "whether it is a torch tensor").equals(True)
    expect(tokens, "the tokens").close_to(numbers)


@encode.property("keeps int64 and one dimension, for an empty text too")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    for text in (characters[2], ""):
        tokens = answer(text, characters)
        expect(tokens, f"the tokens of {text!r}").has_dtype("int64")
        floats = "float" in str(getattr(tokens, "dtype", ""))
        expect(floats, f"whether the tokens of {text!r} are floats").equals(False)
        expect(tokens, f"the tokens of {text!r}").has_shape(len(text))


@encode.property("refuses a character that is not in the alphabet, by ValueError")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    came_back, raised = [], "nothing"
    try:
        came_back = torch.as_tensor(answer(characters[0] + "§", characters)).tolist()
    except Exception as error:
        raised = type(error).__name__
    expect(came_back, "the tokens that came back all the same").close_to([])
    expect(raised, "what it raises for '§'").equals("ValueError")


@encode.property("reads a long text in little time")
def _(answer, draw: Draw) -> None:
    characters = _alphabet(draw)
    numbers = draw.integers(0, 8, 20_000)
    tokens = answer("".join(characters[i] for i in numbers), characters)
    expect(tokens, "the tokens").close_to(numbers)


def _numbered(text: str, characters: Iterable[str], first: int = 0) -> Tensor:
    number = {character: i for i, character in enumerate(characters, first)}
    if unknown := set(text) - set(number):
        raise ValueError(f"not in the alphabet: {unknown}")
    return torch.tensor([number[character] for character in text], dtype=torch.int64)


@encode.mistake(
    "You used the characters' code points. A token is the place of a character in `characters`."
)
def code_points(text, characters):
    _numbered(text, characters)
    return torch.tensor([ord(character) for character in text], dtype=torch.int64)


@encode.mistake(
    "You made the alphabet anew from this text. A text without a 'j' would number everything "
    "after it differently: use the `characters` that are given."
)
def own_alphabet(text, characters):
    _numbered(text, characters)
    return _numbered(text, sorted(set(text)))


@encode.mistake(
    "You sort the alphabet, or search it as if it were sorted. Token i stands for characters[i], "
    "in whatever order they are given."
)
def sorts_alphabet(text, characters):
    return _numbered(text, sorted(characters))


@encode.mistake("Your numbers begin at 1. The first character is token 0.")
def begins_at_one(text, characters):
    return _numbered(text, characters, first=1)


@encode.mistake(
    "You skip characters that are not in the alphabet. The text gets shorter and nobody hears of "
    "it: raise ValueError."
)
def drops_unknown(text, characters):
    return _numbered("".join(c for c in text if c in characters), characters)


@encode.mistake(
    "An unknown character becomes −1, which later picks the last row of a table. Raise ValueError."
)
def unknown_as_minus_one(text, characters):
    number = {character: i for i, character in enumerate(characters)}
    return torch.tensor([number.get(c, -1) for c in text], dtype=torch.int64)


@encode.mistake(
    "A KeyError of the dictionary reaches whoever calls. The page asks for ValueError: look before "
    "you encode, and name the character."
)
def lets_key_error_out(text, characters):
    number = {character: i for i, character in enumerate(characters)}
    return torch.tensor([number[character] for character in text], dtype=torch.int64)


@encode.mistake(
    "An empty list becomes a float tensor. Pass dtype=torch.int64, so that an empty text has "
    "tokens of the same kind as any other."
)
def float_when_empty(text, characters):
    return torch.tensor(_numbered(text, characters).tolist())


@encode.mistake(
    "Your tokens are integers of another size, such as int32. The page asks for int64: "
    "dtype=torch.int64."
)
def as_int32(text, characters):
    return _numbered(text, characters).to(torch.int32)


@encode.mistake("You return a list. A model takes a tensor: torch.tensor(…, dtype=torch.int64).")
def plain_list(text, characters):
    return _numbered(text, characters).tolist()


encode.hint("A dictionary from character to number, then one look-up for every character.")
encode.hint("`enumerate(characters)` gives each character with its place.")
encode.hint("`set(text) - set(characters)` holds what is unknown.", when="error")
encode.hint("`torch.tensor([])` is of floats. Say the dtype.", when="dtype")

# ---------------------------------------------------------------------------- Attention

Attention = Exercise("Attention", minutes=20, difficulty=2)


class _Watch(TorchFunctionMode):
    """Counts the calls of fused attention."""

    def __init__(self) -> None:
        super().__init__()
        self.fused = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.fused += getattr(function, "__name__", "") == "scaled_dot_product_attention"
        return function(*args, **(kwargs or {}))


def _explicit_attention(x: Tensor, packed: Tensor, projection: Tensor, heads: int) -> Tensor:
    """Causal attention from its two matrices, head by head, with the table of scores."""
    x, packed, projection = (part.detach().double() for part in (x, packed, projection))
    width = x.shape[-1]
    size, parts = width // heads, []
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    for h in range(heads):
        q, k, v = (
            torch.einsum(
                "btc,oc->bto", x, packed[n * width + h * size : n * width + (h + 1) * size]
            )
            for n in range(3)
        )
        scores = torch.einsum("btd,bsd->bts", q, k) / size**0.5
        parts.append(scores.masked_fill(future, -math.inf).softmax(-1) @ v)
    return torch.einsum("btc,oc->bto", torch.cat(parts, -1), projection)


def _attention_parts(module: Any, width: int) -> bool:
    if not _has(module, "the layer", "queries_keys_values", "projection"):
        return False
    wanted = [(3 * width, width), (width, width)]
    found = _shapes(module, "queries_keys_values", "projection")
    expect(found, "the shapes of the two weights").equals(wanted)
    count = sum(p.numel() for p in module.parameters())
    expect(count, "its number of parameters").equals(4 * width * width)
    return found == wanted


def _attention_of(module: Any, x: Tensor, heads: int) -> Tensor:
    weights = module.queries_keys_values.weight, module.projection.weight
    return _explicit_attention(x, *weights, heads)


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
        expect(module(x), "the output").close_to(_attention_of(module, x, heads), atol=1e-4)


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
        expect(module(x), "the output").close_to(_attention_of(module, x, 2), atol=1e-4)


@Attention.property("drops outputs and attention weights in training mode")
def _(answer, draw: Draw) -> None:
    module, x = answer(8, 2, 0.5).train(), normals(draw, 4, 16, 8)
    if _attention_parts(module, 8):
        fill_with_normals(module, draw)
        output, whole = module(x).detach(), _attention_of(module, x, 2)
        zeros = float((output == 0).float().mean())
        expect(0.3 < zeros < 0.7, "whether about half of the outputs are 0").equals(True)
        kept = (output != 0) & ((output - 2 * whole).abs() < 1e-4)
        expect(float(kept.float().mean()) < 0.4, "whether weights were dropped too").equals(True)


class _Attention(nn.Module):
    """A right layer, which the mistakes below spoil in one place each."""

    habits: frozenset[str] = frozenset()

    def __init__(self, width, heads, dropout=0.0):
        super().__init__()
        self.heads, self.share = heads, dropout
        bias = "bias" in self.habits
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=bias)
        self.projection = nn.Linear(width, width, bias=bias)
        self.dropout = nn.Dropout(dropout)

    def _split(self, packed):
        batch, time, wide = packed.shape
        size = wide // 3 // self.heads
        if "interleaves" in self.habits:
            parts = packed.view(batch, time, size * self.heads, 3).unbind(-1)
        elif "heads_outside" in self.habits:
            parts = packed.view(batch, time, self.heads, 3 * size).split(size, -1)
            return [part.transpose(1, 2) for part in parts]
        else:
            parts = packed.chunk(3, -1)
        if "reshapes" in self.habits:
            return [part.reshape(batch, self.heads, time, size) for part in parts]
        split = [part.reshape(batch, time, self.heads, size) for part in parts]
        if "attends_heads" in self.habits:
            return split
        return [part.transpose(1, 2) for part in split]

    def forward(self, x):
        q, k, v = self._split(self.queries_keys_values(x))
        if "key_first" in self.habits:
            q, k = k, q
        share = 0.0 if "keeps_weights" in self.habits else self.share
        if not self.training and not self.habits & {"always_drops", "forgets_the_mode"}:
            share = 0.0
        if "by_hand" in self.habits:
            scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            weights = F.dropout(scores.masked_fill(future, -math.inf).softmax(-1), share)
            mixed = weights @ v
        else:
            scale = x.shape[-1] ** -0.5 if "full_width" in self.habits else None
            if "scales_twice" in self.habits:
                q = q / math.sqrt(q.shape[-1])
            mixed = F.scaled_dot_product_attention(
                q, k, v, dropout_p=share, is_causal="leaks" not in self.habits, scale=scale
            )
        if "joins_badly" not in self.habits and "attends_heads" not in self.habits:
            mixed = mixed.transpose(1, 2)
        mixed = mixed.reshape(x.shape)
        mixed = mixed if "no_projection" in self.habits else self.projection(mixed)
        if self.habits & {"drops_outputs_always", "forgets_the_mode"}:
            return F.dropout(mixed, self.share)
        return mixed if "keeps_outputs" in self.habits else self.dropout(mixed)


def _spoil_class(exercise: Exercise, base: type, rows: Iterable[tuple[str, str, str]]) -> None:
    """Declare one mistake for each habit of a class: its name, the habit, the message."""
    for name, habit, message in rows:
        exercise.mistake(message)(type(name, (base,), {"habits": frozenset({habit})}))


_spoil_class(Attention, _Attention, (
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

# --------------------------------------------------------------------------- initialise

initialise = Exercise("initialise", minutes=15, difficulty=2, changes=("model",))

_OUT_OF_PLACE = 7.0  # what every parameter holds before: what nobody touched shows


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = nn.ModuleDict(
            {
                "queries_keys_values": nn.Linear(width, 3 * width),
                "projection": nn.Linear(width, width),
            }
        )
        self.norm_2 = nn.LayerNorm(width, bias=False)
        self.expand = nn.Linear(width, 4 * width)
        self.projection = nn.Linear(4 * width, width, bias=False)
        self.projection_in = nn.Linear(width, width, bias=False)  # writes into no stream


class Started(nn.Module):
    """A model of GPT-2's parts, some of them with a bias and some without."""

    def __init__(self, layers: int, width: int = 64) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(96, width), nn.Embedding(64, width)
        self.blocks = nn.ModuleList(_Layer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.read_out = nn.Linear(width, 96, bias=False)
        self.read_out.weight = self.tokens.weight
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(_OUT_OF_PLACE)

    def __repr__(self) -> str:
        return f"a model of {len(self.blocks)} blocks, whose parameters are all {_OUT_OF_PLACE:g}"


def _snapped(ratio: float) -> float:
    """The nearest power of 2^(1/4): chance moves a spread by 1 %, a mistake by 19 % or more."""
    if not (math.isfinite(ratio) and ratio > 0):
        return ratio
    return round(2 ** (round(4 * math.log2(ratio)) / 4), 3)


def _spreads(model: nn.Module, layers: int, projections: bool) -> list[float]:
    """Root mean squares of the matrices, in units of what they should be."""
    unit = 0.02 / math.sqrt(2 * layers) if projections else 0.02
    return [
        _snapped(float(weight.detach().double().square().mean().sqrt()) / unit)
        for name, weight in model.named_parameters()
        if weight.dim() > 1 and name.endswith("projection.weight") == projections
    ]


def _drawn(model: nn.Module) -> np.ndarray:
    """The numbers of all matrices, each divided by its root mean square."""
    weights = [w.detach().double() for w in model.parameters() if w.dim() > 1]
    return torch.cat([(w / w.square().mean().sqrt()).flatten() for w in weights]).numpy()


@initialise.property("gives matrices a spread of 0.02, and projections one of 0.02/√(2·layers)", 3)
def _(answer, draw: Draw) -> None:
    layers = {1: 1, 2: 3}.get(draw.size, 8)
    model = Started(layers)
    answer(model, layers)
    ordinary = _spreads(model, layers, projections=False)
    scaled = _spreads(model, layers, projections=True)
    expect(ordinary, "the spreads of tables and ordinary matrices, divided by 0.02").equals(
        [1.0] * (2 + 3 * layers)
    )
    expect(scaled, "the spreads of the projections, divided by 0.02/√(2·layers)").equals(
        [1.0] * (2 * layers)
    )


@initialise.property("draws from a normal distribution around 0", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(4)
    answer(model, 4)
    numbers = _drawn(model)
    near = round(float((np.abs(numbers) < 1).mean()), 1)
    expect(near, "the share within one spread of 0, to one decimal").equals(0.7)
    mean = round(float(numbers.mean()), 1)
    expect(mean, "the mean in units of the spread, to one decimal").equals(0.0)


@initialise.property("sets biases to 0 and gains to 1", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(2)
    answer(model, 2)
    for kind, wanted in (("bias", 0.0), ("weight", 1.0)):
        found = torch.cat(
            [w.detach() for n, w in model.named_parameters() if w.dim() < 2 and n.endswith(kind)]
        )
        name = "the gains of the norms" if kind == "weight" else "the biases"
        lowest, highest = round(float(found.min()), 2), round(float(found.max()), 2)
        expect([lowest, highest], f"smallest and largest of {name}").equals([wanted, wanted])


@initialise.property("takes its numbers from torch's generator, new ones each time", trials=1)
def _(answer, draw: Draw) -> None:
    seed, seen = draw.seed(), []
    for number in (seed, seed, seed + 1):
        torch.manual_seed(number)
        model = Started(1)
        answer(model, 1)
        seen.append(model.tokens.weight.detach().clone())
    expect(torch.equal(seen[0], seen[1]), "whether the same seed gives the same start").equals(True)
    expect(torch.equal(seen[0], seen[2]), "whether another seed gives the same start").equals(False)


def _start(model, layers, spread=0.02, shrink=None, **habits):
    """The start of GPT-2 with one bad habit, named by keyword: what the mistakes below share."""
    shrink = math.sqrt(2 * layers) if shrink is None else shrink
    if habits.get("seeds"):
        torch.manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            inner = name.endswith("projection.weight")
            if habits.get("anywhere"):
                inner = "projection" in name
            if habits.get("misses_attention"):
                inner = inner and "attention" not in name
            if weight.dim() > 1:
                if habits.get("uniform"):
                    weight.uniform_(-spread * math.sqrt(3), spread * math.sqrt(3))
                elif habits.get("fan_in"):
                    weight.normal_(std=1 / math.sqrt(weight.shape[1]))
                elif not (habits.get("no_tables") and name.startswith(("tokens", "positions"))):
                    weight.normal_(std=spread)
                weight.div_(shrink if inner or habits.get("all_small") else 1.0)
            elif name.endswith("bias"):
                if not habits.get("no_biases"):
                    weight.fill_(0.0)
            elif habits.get("draws_gains"):
                weight.normal_(std=spread)
            elif not habits.get("no_gains"):
                weight.fill_(0.0 if habits.get("zero_gains") else 1.0)


def _starting(name, **habits):
    def answer(model, layers):
        changed = {
            key: value(layers) if callable(value) else value for key, value in habits.items()
        }
        _start(model, layers, **changed)

    answer.__name__ = name
    return answer


for _name, _habits, _message in (
    (
        "unscaled_projections", {"shrink": 1.0},
        "The projections start as large as the rest. 2·layers of them add to the stream: divide "
        "their spread by √(2·layers).",
    ),
    (
        "root_of_layers", {"shrink": lambda layers: math.sqrt(layers)},
        "You divided by √layers. Each block adds to the stream twice, after attention and after "
        "the MLP: √(2·layers).",
    ),
    (
        "without_root", {"shrink": lambda layers: 2.0 * layers},
        "You divided by 2·layers. Independent terms add by their variances, so it takes the root.",
    ),
    (
        "variance_for_spread", {"spread": 0.02**0.5},
        "0.02 is the standard deviation, and you used it as the variance.",
    ),
    (
        "square_for_spread", {"spread": 0.02**2},
        "You squared 0.02. `normal_(std=…)` takes the standard deviation itself.",
    ),
    (
        "all_scaled", {"all_small": True},
        "You made every matrix smaller by √(2·layers). That is for the matrices that write into "
        "the stream, named projection.weight.",
    ),
    (
        "attention_projection_missed", {"misses_attention": True},
        "One of the two projections of each block is not scaled. Attention writes into the "
        "stream too: look for every name that ends in projection.weight.",
    ),
    (
        "projection_anywhere", {"anywhere": True},
        "You scale whatever has \"projection\" in its name, projection_in.weight too. Only names "
        "that end in \"projection.weight\" belong to what writes into the stream.",
    ),
    (
        "tables_missed", {"no_tables": True},
        "The two tables keep what they had. nn.Embedding starts at 0.02, like nn.Linear.",
    ),
    (
        "uniform_numbers", {"uniform": True},
        "Your numbers are uniform. GPT-2 starts from normal ones: nn.init.normal_.",
    ),
    (
        "by_fan_in", {"fan_in": True},
        "You scaled each matrix by the width of its input, as on rung 5. Here it is 0.02 for all.",
    ),
    (
        "biases_kept", {"no_biases": True},
        "The biases keep what they had. Set them to 0.",
    ),
    (
        "gains_kept", {"no_gains": True},
        "The gains of the norms keep what they had. A norm starts with weight 1 and bias 0.",
    ),
    (
        "gains_drawn", {"draws_gains": True},
        "You drew the gains of the norms as if they were matrices. A gain near 0 silences its "
        "branch: they start at 1.",
    ),
    ("gains_zero", {"zero_gains": True}, "The gains are 0. They start at 1; the biases at 0."),
    (
        "own_seed", {"seeds": True},
        "You seed the generator yourself, so that every model starts alike. Leave the seed to the "
        "caller.",
    ),
):  # fmt: skip
    initialise.mistake(_message)(_starting(_name, **_habits))

initialise.hint("Walk through `model.named_parameters()`: the name and the number of axes decide.")
initialise.hint(
    "`nn.init.normal_(weight, std=…)`, `nn.init.zeros_`, `nn.init.ones_`. Matrices and tables "
    "have two axes; gains and biases have one."
)
initialise.hint(
    "`name.endswith('projection.weight')` tells who writes to the stream.", when="value"
)
initialise.hint("Is the root taken? Is it of 2·layers?", when="factor")
initialise.hint("Change a parameter in place, under torch.no_grad().", when="error")

# ---------------------------------------------------------------------- parameter_count

parameter_count = Exercise("parameter_count", minutes=8, difficulty=1)


def _sizes(draw: Draw) -> tuple[int, int, int, int]:
    return (
        draw.integers(20, 90),
        draw.integers(100, 200),
        2 * draw.integers(2, 9),
        1 + draw.size % 6,
    )


def _count_by_shapes(V: int, context: int, C: int, layers: int, tied: bool) -> int:
    """Every matrix written down, and its entries counted."""
    block = [(C,), (C, 3 * C), (C, C), (C,), (C, 4 * C), (4 * C, C)]
    shapes = [(V, C), (context, C), *(layers * block), (C,), *([] if tied else [(C, V)])]
    return sum(math.prod(shape) for shape in shapes)


@parameter_count.property("is a whole number")
def _(answer, draw: Draw) -> None:
    expect(type(answer(*_sizes(draw))).__name__, "the type of the count").equals("int")


@parameter_count.property("counts every matrix, table and gain of a tied model", trials=5)
def _(answer, draw: Draw) -> None:
    sizes = _sizes(draw)
    expect(answer(*sizes), "the count").equals(_count_by_shapes(*sizes, tied=True))


@parameter_count.property("adds a second table when the head is not tied", trials=5)
def _(answer, draw: Draw) -> None:
    sizes = _sizes(draw)
    expect(answer(*sizes, False), "the count").equals(_count_by_shapes(*sizes, tied=False))


def _count(V, context, C, layers, tied, **habits):
    block = 4 * C * C * (not habits.get("no_attention")) + 8 * C * C
    block += 2 * C * (not habits.get("no_norms"))
    block += 9 * C * bool(habits.get("biases"))
    head = V * C * ((not tied) ^ bool(habits.get("wrong_tie")))
    head *= not habits.get("never_untied")
    total = V * C + context * C * (not habits.get("no_positions")) + head
    total += block * (1 if habits.get("one_block") else layers)
    total += C * (not habits.get("no_last_norm"))
    return float(total) if habits.get("as_float") else total


def _counting(name, habit):
    def answer(vocabulary, context, width, layers, tied=True):
        return _count(vocabulary, context, width, layers, tied, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "tie_backwards", "wrong_tie",
        "You count a second table when the head is tied, and none when it is not. A tied head is "
        "the token table itself and costs nothing.",
    ),
    (
        "never_untied", "never_untied",
        "`tied` makes no difference to your count. An untied head has width × vocabulary weights "
        "of its own.",
    ),
    (
        "positions_missed", "no_positions",
        "The table of positions is missing: context × width. (Published counts often leave it "
        "out; here it is in.)",
    ),
    (
        "norms_missed", "no_norms",
        "The gains of the norms are missing: two norms in each block, `width` gains each.",
    ),
    (
        "last_norm_missed", "no_last_norm",
        "The last norm, before the head, is missing.",
    ),
    (
        "biases_counted", "biases",
        "You count biases. This model has none: matrices, tables and gains.",
    ),
    (
        "attention_missed", "no_attention",
        "Attention's matrices are missing: 3·width² for queries, keys and values, width² for "
        "the projection.",
    ),
    (
        "single_block", "one_block",
        "You counted one block. There are `layers` of them.",
    ),
    ("count_as_float", "as_float", "A count is a whole number: use int."),
):  # fmt: skip
    parameter_count.mistake(_message)(_counting(_name, _habit))

parameter_count.hint("Write down the shape of every matrix of a block. There are four.")
parameter_count.hint("A block has 12·width² + 2·width parameters.")
parameter_count.hint("Tables, blocks, last norm, head: which one is missing?", when="value")
parameter_count.hint("How many blocks?", when="factor")

# ---------------------------------------------------------------------------------- GPT

GPT = Exercise("GPT", minutes=30, difficulty=3)

_GPT_PARTS = ("tokens", "positions", "blocks", "norm")
_BLOCK_PARTS = ("norm_1", "attention", "norm_2", "expand", "projection")


def _gpt_parts(model: Any, V: int, context: int, C: int, layers: int) -> bool:
    if not _has(model, "the model", *_GPT_PARTS):
        return False
    tables = [(V, C), (context, C)]
    expect(_shapes(model, "tokens", "positions"), "the shapes of the two tables").equals(tables)
    expect(len(list(model.blocks)), "the number of blocks").equals(layers)
    count = sum(p.numel() for p in model.parameters())
    expect(count, "its number of parameters").equals(_count_by_shapes(V, context, C, layers, True))
    whole = all(hasattr(block, name) for block in model.blocks for name in _BLOCK_PARTS)
    return whole and _shapes(model, "tokens", "positions") == tables


def _rooted(x: Tensor, gain: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * gain.double()


def _explicit_logits(model: Any, tokens: Tensor, heads: int) -> Tensor:
    """The logits from the model's weights in double precision, block by block."""
    with torch.no_grad():
        table = model.tokens.weight.double()
        x = table[tokens] + model.positions.weight.double()[: tokens.shape[1]]
        for block in model.blocks:
            x = x + _attention_of(block.attention, _rooted(x, block.norm_1.weight), heads)
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
        ordinary, scaled = (_spreads(model, layers, projections=p) for p in (False, True))
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
        self.attention = _Attention(width, heads, dropout)
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
            _start(self, layers, shrink=1.0 if "plain_start" in self.habits else None)
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


_spoil_class(GPT, _GPT, (
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

# --------------------------------------------------------------------- parameter_groups

parameter_groups = Exercise("parameter_groups", minutes=12, difficulty=2, changes=("model",))


class _Kinds(nn.Module):
    """One parameter of every kind, each of another size, so that a size names it."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5, 3)  # 15
        self.inner = nn.Linear(3, 7)  # 21, bias 7
        self.norm = nn.LayerNorm(4)  # 4, 4
        self.kernel = nn.Conv1d(2, 3, 5)  # 30, bias 3
        self.bias = nn.Parameter(torch.ones(2, 4))  # 8: a matrix, whatever it is called
        self.scale = nn.Parameter(torch.ones(()))  # 1, no axis at all
        self.frozen = nn.Parameter(torch.ones(9, 1), requires_grad=False)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.tokens.weight

    def __repr__(self) -> str:
        return "a model with a tied table, a linear layer, a norm, a kernel and a frozen matrix"


def _places_of(model: nn.Module, group: dict[str, Any]) -> list[int]:
    """Which of the model's parameters a group holds, by their place in model.parameters()."""
    ids = [id(parameter) for parameter in model.parameters()]
    return sorted(
        ids.index(id(parameter)) if id(parameter) in ids else -1 for parameter in group["params"]
    )


def _groups(answer, model: nn.Module, decay: float) -> list[dict[str, Any]]:
    groups = [{**group, "params": list(group["params"])} for group in answer(model, decay)]
    expect(len(groups), "the number of groups").equals(2)
    return groups


def _wanted(model: nn.Module) -> tuple[list[int], list[int]]:
    kinds = [(i, p.dim()) for i, p in enumerate(model.parameters()) if p.requires_grad]
    return [i for i, axes in kinds if axes >= 2], [i for i, axes in kinds if axes < 2]


@parameter_groups.property("puts matrices, tables and kernels first, and all else second")
def _(answer, draw: Draw) -> None:
    model = _Kinds()
    groups = _groups(answer, model, 0.1)
    if len(groups) == 2:
        decayed, spared = (_places_of(model, group) for group in groups)
        matrices, vectors = _wanted(model)
        words = "as places in list(model.parameters())"
        expect(decayed, f"the parameters of the first group, {words}").equals(matrices)
        expect(spared, f"the parameters of the second group, {words}").equals(vectors)


@parameter_groups.property("gives the first group the decay, and the second none", trials=3)
def _(answer, draw: Draw) -> None:
    decay = draw.uniform(0.05, 0.5)
    groups = _groups(answer, _Kinds(), decay)
    rates = [float(group.get("weight_decay", math.nan)) for group in groups]
    expect(rates, "the weight decay of each group").close_to([decay, 0.0], atol=1e-8)


@parameter_groups.property("has every trained parameter exactly once")
def _(answer, draw: Draw) -> None:
    model = _Kinds()
    groups = _groups(answer, model, 0.1)
    places = sorted(place for group in groups for place in _places_of(model, group))
    expect(places, "all parameters held, as places in list(model.parameters())").equals(
        sorted(sum(_wanted(model), []))
    )


@parameter_groups.property("keeps an empty group, and holds the parameters themselves")
def _(answer, draw: Draw) -> None:
    for model in (nn.Linear(2, 3, bias=False), nn.LayerNorm(3)):
        groups = _groups(answer, model, 0.1)
        sizes = [len(group["params"]) for group in groups]
        matrix = isinstance(model, nn.Linear)
        expect(sizes, "how many parameters each group holds").equals([1, 0] if matrix else [0, 2])


def _grouped(model, decay, **habits):
    named = list(model.named_parameters(remove_duplicate=not habits.get("twice")))
    if not habits.get("frozen"):
        named = [(name, weight) for name, weight in named if weight.requires_grad]

    def decays(name: str, weight: Tensor) -> bool:
        if habits.get("everything"):
            return True
        if habits.get("by_name"):
            return not name.endswith("bias")
        if habits.get("by_weight"):
            return name.endswith("weight")
        if habits.get("linear_only"):
            return weight.dim() == 2
        if habits.get("without_tables"):
            return weight.dim() >= 2 and "tokens" not in name
        return weight.dim() >= 2

    chosen = [weight for name, weight in named if decays(name, weight)]
    rest = [weight for name, weight in named if not decays(name, weight)]
    if habits.get("swapped"):
        chosen, rest = rest, chosen
    if habits.get("copies"):
        chosen = [nn.Parameter(weight.detach().clone()) for weight in chosen]
    spared = decay if habits.get("same_decay") else 0.0
    groups = [{"params": chosen, "weight_decay": decay}, {"params": rest, "weight_decay": spared}]
    if habits.get("no_zero"):
        del groups[1]["weight_decay"]
    if habits.get("dropped"):
        groups = [group for group in groups if group["params"]]
    return groups


def _grouping(name, habit):
    def answer(model, decay):
        return _grouped(model, decay, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "everything_decays", "everything",
        "Everything decays, gains and biases too. A gain that decays pulls its norm towards "
        "silence: put what has fewer than two axes in the second group.",
    ),
    (
        "chosen_by_name", "by_name",
        "You chose by the name 'bias'. The gain of a norm is called weight, and a matrix may be "
        "called anything: count the axes.",
    ),
    (
        "chosen_by_weight", "by_weight",
        "You chose by the name 'weight'. The gain of a norm is called that too, and a matrix may "
        "be called anything: count the axes.",
    ),
    (
        "two_axes_exactly", "linear_only",
        "You take exactly two axes. The kernel of a convolution has three or four and decays "
        "too: dim() >= 2.",
    ),
    (
        "tables_spared", "without_tables",
        "The table is spared. In nanoGPT every matrix decays, tables included.",
    ),
    (
        "tied_twice", "twice",
        "The tied table is there twice, and would be moved twice a step. model.parameters() "
        "gives each Parameter once; walking through modules or with remove_duplicate=False does "
        "not.",
    ),
    (
        "frozen_included", "frozen",
        "A frozen parameter is in a group. Leave out what has requires_grad False.",
    ),
    (
        "groups_swapped", "swapped",
        "The groups have changed contents: gains and biases decay, and matrices do not.",
    ),
    (
        "same_decay_for_both", "same_decay",
        "Both groups have the same decay. The second has 0.",
    ),
    (
        "zero_left_out", "no_zero",
        "The second group does not say its decay, and AdamW then uses its own default, 0.01. "
        "Write weight_decay=0.0.",
    ),
    (
        "copied_parameters", "copies",
        "The group holds copies. An optimiser moves what it holds: hand it the parameters "
        "themselves.",
    ),
    (
        "empty_group_dropped", "dropped",
        "An empty group is missing. The page asks for two groups always, in this order.",
    ),
):  # fmt: skip
    parameter_groups.mistake(_message)(_grouping(_name, _habit))

parameter_groups.hint("One list for two axes and more, one for the rest. Which to leave out?")
parameter_groups.hint("`[p for p in model.parameters() if p.requires_grad and p.dim() >= 2]`.")
parameter_groups.hint("A group is a dictionary with the keys 'params' and 'weight_decay'.", "error")
parameter_groups.hint("Print the shapes in each group.", when="value")

# ------------------------------------------------------------------------ learning_rate

learning_rate = Exercise("learning_rate", minutes=10, difficulty=2)


def _schedule(draw: Draw) -> dict[str, Any]:
    warm_up = 1 + draw.size
    steps = warm_up + 3 + draw.size
    peak = draw.uniform(0.5, 2.0)
    return {"steps": steps, "peak": peak, "least": round(peak / 8, 4), "warm_up": warm_up}


@learning_rate.property("rises in a straight line, from above 0 to just below the peak", trials=5)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    rises = [answer(step, **s) for step in range(s["warm_up"])]
    line = np.linspace(0, s["peak"], s["warm_up"] + 2)[1:-1]
    expect(rises, "the rates of the warm-up").close_to(line)


@learning_rate.property("falls along half a cosine, from the peak to the least rate", trials=5)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    falls = [answer(step, **s) for step in range(s["warm_up"], s["steps"])]
    angle = np.linspace(0, np.pi / 2, s["steps"] - s["warm_up"] + 1)[:-1]
    wanted = s["least"] + (s["peak"] - s["least"]) * np.cos(angle) ** 2
    expect(falls, "the rates after the warm-up").close_to(wanted)


@learning_rate.property("stays at the least rate from the last step on", trials=3)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    late = [answer(s["steps"] + more, **s) for more in (0, 1, 5, 50)]
    expect(late, "the rates from step `steps` on").close_to([s["least"]] * 4)


@learning_rate.property("works without a warm-up, and with nothing after it")
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    first = answer(0, 4, peak, 0.1, 0)
    expect(first, "the first rate without a warm-up").close_to(peak)
    last = [answer(step, 4, peak, 0.1, 4) for step in (3, 4, 5)]
    expect(last, "the rates at steps 3, 4 and 5 of 4, all warm-up").close_to([0.8 * peak, 0.1, 0.1])
    expect(first, "the rate").is_a(float)


def _rate(step, steps, peak, least, warm_up, **habits):
    if step < warm_up:
        if habits.get("from_zero"):
            return peak * step / warm_up
        if habits.get("reaches_early"):
            return peak * (step + 1) / warm_up
        if habits.get("from_least"):
            return least + (peak - least) * (step + 1) / (warm_up + 1)
        return peak * (step + 1) / (warm_up + 1)
    if habits.get("clamped") and step >= warm_up:
        done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
        return least + (peak - least) * 0.5 * (1 + math.cos(math.pi * done))
    if step >= steps and not habits.get("comes_back"):
        return 0.0 if habits.get("to_zero") else least
    whole = steps if habits.get("from_start") else max(1, steps - warm_up)
    done = (step if habits.get("from_start") else step - warm_up) / whole
    half = 0.5 * (1 + math.cos(math.pi * done))
    if habits.get("whole_wave"):
        half = 0.5 * (1 + math.cos(2 * math.pi * done))
    if habits.get("quarter"):
        half = math.cos(0.5 * math.pi * done)
    if habits.get("straight"):
        half = 1 - done
    if habits.get("rises"):
        half = 1 - half
    low = 0.0 if habits.get("to_zero") else least
    return low + (peak if habits.get("adds_least") else peak - low) * half


def _rating(name, habit):
    def answer(step, steps, peak, least, warm_up):
        return _rate(step, steps, peak, least, warm_up, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "starts_at_zero", "from_zero",
        "Your first step has rate 0 and moves nothing. Step 0 has peak/(warm_up + 1).",
    ),
    (
        "peaks_early", "reaches_early",
        "Your warm-up reaches the peak one step early, and the peak comes twice. Divide by "
        "warm_up + 1: step `warm_up` is the first at the peak.",
    ),
    (
        "warms_from_least", "from_least",
        "Your warm-up starts from the least rate. It starts from 0: peak·(step + 1)/(warm_up + 1).",
    ),
    (
        "ends_at_zero", "to_zero",
        "Your cosine ends at 0. It ends at `least`.",
    ),
    (
        "cosine_from_start", "from_start",
        "Your cosine counts from step 0, so that it has fallen before it begins. Count from the "
        "end of the warm-up: (step − warm_up)/(steps − warm_up).",
    ),
    (
        "full_wave", "whole_wave",
        "Your cosine goes through a whole wave and comes up again. Half a wave: its angle goes "
        "from 0 to π.",
    ),
    (
        "quarter_wave", "quarter",
        "You use a quarter of a wave, which ends on a slope. Half a wave, (1 + cos πr)/2, starts "
        "and ends flat.",
    ),
    (
        "straight_fall", "straight",
        "Your rate falls in a straight line. Here it falls along a cosine.",
    ),
    (
        "wave_upside_down", "rises",
        "Your cosine rises from `least` to `peak`. At the end of the warm-up it must be 1.",
    ),
    (
        "least_added", "adds_least",
        "You add `least` to the whole of the peak's wave, which starts above the peak. The wave "
        "is peak − least high.",
    ),
    (
        "comes_up_again", "comes_back",
        "After the last step your cosine comes up again. From step `steps` on return `least`.",
    ),
    (
        "peaks_after_all_warm_up", "clamped",
        "With `steps` equal to `warm_up` your rate goes to the peak when the training is over. All "
        "warm-up: from step `steps` on the rate is `least`.",
    ),
):  # fmt: skip
    learning_rate.mistake(_message)(_rating(_name, _habit))

learning_rate.hint("Three cases: step < warm_up, step >= steps, and between.")
learning_rate.hint("`share = (step - warm_up) / (steps - warm_up)`, then (1 + cos(π·share))/2.")
learning_rate.hint("Work out steps 0, warm_up and `steps` by hand.", when="value")
learning_rate.hint("Is the case step >= steps asked first?", when="error")
learning_rate.hint("Is your rate off by one step?", when="shift")

# ----------------------------------------------------------------------- clip_gradients

clip_gradients = Exercise("clip_gradients", minutes=10, difficulty=2, changes=("parameters",))


def _with_gradients(draw: Draw, scale: float = 1.0, dtype=torch.float32) -> list[nn.Parameter]:
    """Parameters with a drawn gradient each, and one without."""
    shapes = [(3, 2), (), (2, 1, 2), (draw.size,)]
    parameters = [nn.Parameter(torch.full(shape, 2.0, dtype=dtype)) for shape in shapes]
    for number, parameter in enumerate(parameters):
        gradient = draw.normal(*parameter.shape, scale=scale)
        parameter.grad = torch.tensor(gradient, dtype=dtype) + 0.1 * scale * (number + 1)
    parameters.insert(1, nn.Parameter(torch.ones(4)))
    return parameters


def _gradients(parameters: list[nn.Parameter]) -> np.ndarray:
    found = [p.grad.double().numpy().ravel() for p in parameters if p.grad is not None]
    return np.concatenate(found)


@clip_gradients.property("returns the norm of all gradients together, before clipping", trials=5)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw)
    norm = float(np.sqrt((_gradients(parameters) ** 2).sum()))
    for largest in (0.5 * norm, 2 * norm):
        found = answer(iter(parameters), largest)
        expect(found, "the norm").close_to(min(norm, 2 * largest))
        norm = min(norm, largest)
    expect(found, "the norm").is_a(float)


@clip_gradients.property("shortens a long gradient to the largest norm, direction kept", trials=5)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=3.0)
    before = _gradients(parameters)
    largest = round(float(np.linalg.norm(before)) * 0.3, 3)
    answer(iter(parameters), largest)
    expect(_gradients(parameters), "all gradients, one after another").close_to(
        before / np.linalg.norm(before) * largest
    )
    values = [float(p.detach().flatten()[0]) for p in parameters]
    expect(values, "the parameters themselves").equals([2.0, 1.0, 2.0, 2.0, 2.0])


@clip_gradients.property("takes a list of parameters as well")
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=3.0)
    before = _gradients(parameters)
    largest = round(float(np.linalg.norm(before)) * 0.3, 3)
    answer(parameters, largest)
    expect(_gradients(parameters), "all gradients, one after another").close_to(
        before / np.linalg.norm(before) * largest
    )


@clip_gradients.property("leaves a short gradient as it is", trials=3)
def _(answer, draw: Draw) -> None:
    parameters = _with_gradients(draw, scale=0.1)
    before = _gradients(parameters)
    answer(iter(parameters), 50.0)
    expect(_gradients(parameters), "all gradients, one after another").close_to(before)


@clip_gradients.property("survives gradients of 0, and none at all")
def _(answer, draw: Draw) -> None:
    silent = [nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3))]
    expect(answer(iter(silent), 1.0), "the norm without any gradient").close_to(0.0)
    for parameter in silent:
        parameter.grad = torch.zeros_like(parameter)
    expect(answer(iter(silent), 1.0), "the norm of gradients of 0").close_to(0.0)
    expect(_gradients(silent), "gradients of 0 after clipping").close_to(np.zeros(7))


def _clip(parameters, largest, **habits):
    parameters = list(parameters)
    if habits.get("needs_all") or habits.get("counts_weights"):
        gradients = [p.detach() if habits.get("counts_weights") else p.grad for p in parameters]
        gradients = [gradient.clone() for gradient in gradients]
        parameters = [p for p in parameters if p.grad is not None]
    else:
        parameters = [p for p in parameters if p.grad is not None]
        gradients = [p.grad.detach().clone() for p in parameters]
    squares = [float(gradient.double().square().sum()) for gradient in gradients]
    norm = math.sqrt(sum(squares))
    if habits.get("sums_norms"):
        norm = sum(math.sqrt(square) for square in squares)
    if habits.get("largest_norm"):
        norm = math.sqrt(max(squares, default=0.0))
    if habits.get("squared"):
        norm = sum(squares)
    if habits.get("averages"):
        norm = math.sqrt(sum(squares) / max(1, sum(g.numel() for g in gradients)))
    factor = largest / norm if norm > largest or (habits.get("stretches") and norm) else 1.0
    for parameter, square in zip(parameters, squares, strict=False):
        if habits.get("by_value"):
            parameter.grad.clamp_(-largest, largest)
        elif habits.get("each"):
            own = math.sqrt(square)
            parameter.grad.mul_(largest / own if own > largest else 1.0)
        elif habits.get("weights"):
            parameter.data.mul_(factor)
        elif habits.get("not_in_place"):
            _ = parameter.grad * factor
        elif habits.get("cuts_to_one"):
            parameter.grad.mul_(1 / norm if norm > largest else 1.0)
        else:
            parameter.grad.mul_(factor)
    if habits.get("norm_after"):
        return min(norm, largest)
    return torch.tensor(norm) if habits.get("tensor") else norm


def _clipping(name, habit):
    def answer(parameters, largest):
        return _clip(parameters, largest, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "clipped_each", "each",
        "You clip every gradient by its own norm, which turns the direction of the whole. One "
        "norm of all of them together, one factor for all.",
    ),
    (
        "clipped_by_value", "by_value",
        "You cut off single numbers, which turns the direction. Multiply all gradients by one "
        "factor.",
    ),
    (
        "stretched_short_ones", "stretches",
        "You make short gradients longer. Clip only when the norm is above `largest`.",
    ),
    (
        "returned_norm_after", "norm_after",
        "You return the norm after clipping, which says nothing. Return the one before.",
    ),
    (
        "root_forgotten", "squared",
        "The root is missing: the norm is the root of the sum of squares.",
    ),
    (
        "norms_added", "sums_norms",
        "You added the norms of the single gradients. Add their squares, then take one root.",
    ),
    (
        "largest_single_norm", "largest_norm",
        "You took the largest of the single norms. Add their squares, then take one root.",
    ),
    (
        "mean_square", "averages",
        "You averaged the squares. A norm is the root of their sum.",
    ),
    (
        "clipped_the_weights", "weights",
        "You changed the parameters. Clip their gradients: parameter.grad.",
    ),
    (
        "factor_lost", "not_in_place",
        "The clipped gradients are not stored. Change parameter.grad in place, as with mul_.",
    ),
    (
        "shortened_to_one", "cuts_to_one",
        "You shorten to norm 1, whatever `largest` says. The factor is largest/norm.",
    ),
    (
        "without_skipping", "needs_all",
        "A parameter that took no part has `.grad` None. Skip it.",
    ),
    (
        "norm_of_weights", "counts_weights",
        "You took the norm of the parameters. It is that of their gradients.",
    ),
    ("norm_as_tensor", "tensor", "The norm is a tensor. Return a plain float: `.item()`."),
):  # fmt: skip
    clip_gradients.mistake(_message)(_clipping(_name, _habit))


@clip_gradients.mistake(
    "The second loop found nothing: `parameters` can be walked through once. Make a list first."
)
def walks_twice(parameters, largest):
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in parameters if p.grad is not None))
    for parameter in parameters:
        if norm > largest and parameter.grad is not None:
            parameter.grad.mul_(largest / norm)
    return norm


clip_gradients.equivalent(
    "`if norm > largest:` → `if norm >= largest:`",
    because="at the largest norm itself the factor is 1",
)
clip_gradients.hint("Collect the gradients in a list first: `parameters` can be walked only once.")
clip_gradients.hint("Square, sum, add over all tensors, root. Then one factor for all.")
clip_gradients.hint("By hand: gradients [3] and [4] have norm 5 together.", when="value")
clip_gradients.hint("`parameter.grad` can be None.", when="error")
clip_gradients.hint("Is the root there, and the factor largest/norm?", when="factor")

# --------------------------------------------------------------------------- accumulate

accumulate = Exercise("accumulate", minutes=12, difficulty=2, changes=("model",))


class Table(nn.Module):
    """Logits are a row for the token plus one for its place, times a gain. It notes what it saw."""

    def __init__(self, tokens: Tensor, places: Tensor) -> None:
        super().__init__()
        self.tokens, self.places = nn.Parameter(tokens.clone()), nn.Parameter(places.clone())
        self.gain = nn.Parameter(torch.ones(tokens.shape[1], dtype=tokens.dtype))
        self.rows: list[int] = []
        self.modes: list[bool] = []
        self.recorded: list[bool] = []
        self.slopes_found: list[float] = []  # the size of the gradient when each part was read

    def forward(self, tokens: Tensor) -> Tensor:
        self.rows.append(len(tokens))
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        slope = self.tokens.grad
        self.slopes_found.append(0.0 if slope is None else float(slope.abs().sum()))
        return (self.tokens[tokens] + self.places[: tokens.shape[1]]) * self.gain

    def __repr__(self) -> str:
        return f"a small model of {len(self.tokens)} tokens"


def _table(draw: Draw, vocabulary: int = 5, context: int = 4) -> Table:
    tokens = torch.tensor(draw.normal(vocabulary, vocabulary))
    return Table(tokens, torch.tensor(draw.normal(context, vocabulary)))


def _batch(draw: Draw, rows: int, vocabulary: int = 5, context: int = 4) -> tuple[Tensor, Tensor]:
    windows = token_tensor(draw, vocabulary, rows, context + 1)
    return windows[:, :-1], windows[:, 1:]


def _weights_of(model: Table) -> list[Tensor]:
    return [p.detach().clone() for p in (model.tokens, model.places, model.gain)]


def _loss_and_slopes(
    weights: list[Tensor], inputs: Tensor, targets: Tensor
) -> tuple[float, list[Tensor]]:
    """Mean surprise of a whole batch, written out, and its gradient."""
    tokens, places, gain = (w.detach().clone().requires_grad_() for w in weights)
    scores = (tokens[inputs] + places[: inputs.shape[1]]) * gain
    chosen = torch.gather(scores, -1, targets[..., None])[..., 0]
    loss = (scores.logsumexp(-1) - chosen).mean()
    return loss.item(), list(torch.autograd.grad(loss, (tokens, places, gain)))


def _slopes_of(model: Table) -> list[Any]:
    return [p.grad for p in (model.tokens, model.places, model.gain)]


def _same_as_whole(answer, draw: Draw, rows: int, parts: int) -> None:
    model, (inputs, targets) = _table(draw), _batch(draw, rows)
    loss, slopes = _loss_and_slopes(_weights_of(model), inputs, targets)
    found = answer(model, inputs, targets, parts)
    for name, slope, expected in zip(
        ("tokens", "places", "gain"), _slopes_of(model), slopes, strict=True
    ):
        expect(slope, f"the gradient of {name}").close_to(expected, atol=1e-7)
    expect(found, "the loss").close_to(loss)


@accumulate.property("leaves the gradient of the whole batch, in equal parts", trials=4)
def _(answer, draw: Draw) -> None:
    parts = 1 + min(draw.size, 3)
    _same_as_whole(answer, draw, 2 * parts, parts)


@accumulate.property("weighs unequal parts by their rows", trials=4)
def _(answer, draw: Draw) -> None:
    _same_as_whole(answer, draw, 4 + draw.size % 2 * 3, 3)


@accumulate.property("is one ordinary step for one part")
def _(answer, draw: Draw) -> None:
    _same_as_whole(answer, draw, 3, 1)


@accumulate.property("never reads more than a part at once, and lets go of each before the next")
def _(answer, draw: Draw) -> None:
    model, (inputs, targets) = _table(draw), _batch(draw, 7)
    answer(model, inputs, targets, 3)
    expect(sum(model.rows), "how many rows were read in all").equals(7)
    expect(model.rows, "the rows of each part, of 7 in 3 parts").equals([3, 2, 2])
    late = sum(size > 0 for size in model.slopes_found[1:])
    expect(late, "how many of the parts after the first found a gradient already there").equals(
        len(model.rows) - 1
    )
    model, (inputs, targets) = _table(draw), _batch(draw, 5)
    answer(model, inputs, targets, 4)
    expect(model.rows, "the rows of each part, of 5 in 4 parts").equals([2, 1, 1, 1])


@accumulate.property("clears what was left over, and returns a plain number")
def _(answer, draw: Draw) -> None:
    model, (inputs, targets) = _table(draw), _batch(draw, 4)
    _, slopes = _loss_and_slopes(_weights_of(model), inputs, targets)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    loss = answer(model, inputs, targets, 2)
    expect(model.tokens.grad, "the gradient of tokens").close_to(slopes[0], atol=1e-7)
    expect(loss, "the loss").is_a(float)


def _accumulate(model, inputs, targets, parts, **habits):
    if not habits.get("keeps_old"):
        model.zero_grad()
    pieces = list(zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True))
    if habits.get("at_once"):
        pieces = [(inputs, targets)]
    if habits.get("split"):
        pieces = list(zip(inputs.split(parts), targets.split(parts), strict=True))
    if habits.get("chunk"):
        pieces = list(zip(inputs.chunk(parts), targets.chunk(parts), strict=True))
    if habits.get("drops_rest"):
        size = max(1, len(inputs) // parts)
        pieces = [(x, y) for x, y in zip(inputs.split(size), targets.split(size), strict=True)
                  if len(x) == size][:parts]  # fmt: skip
    total, graph, losses = 0.0, None, []
    for x, y in pieces:
        share = len(x) / len(inputs)
        if habits.get("mean_of_means"):
            share = 1 / parts
        if habits.get("unweighted"):
            share = 1.0
        if habits.get("cleared_between"):
            model.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        if habits.get("sums_tokens"):
            loss, share = loss * y.numel(), 1.0
        losses.append(loss.item())
        total += losses[-1] * share
        if habits.get("one_graph"):
            graph = loss * share if graph is None else graph + loss * share
        else:
            (loss * share).backward()
    if graph is not None:
        graph.backward()
    if habits.get("cleared_last"):
        model.zero_grad()
    if habits.get("last_loss"):
        return losses[-1]
    if habits.get("sum_of_losses"):
        return sum(losses)
    if habits.get("mean_of_losses"):
        return sum(losses) / len(losses)
    return torch.tensor(total) if habits.get("tensor") else total


def _accumulating(name, habit):
    def answer(model, inputs, targets, parts):
        return _accumulate(model, inputs, targets, parts, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "unweighted_parts", "unweighted",
        "The gradients of the parts are added in full, so that more parts give a longer gradient. "
        "Weigh each part's mean loss by its share of the rows.",
    ),
    (
        "mean_of_unequal_means", "mean_of_means",
        "You divide by the number of parts. That is right while they are equal; here a short part "
        "would count as much as a long one. Weigh by rows.",
    ),
    (
        "cleared_between_parts", "cleared_between",
        "You clear the gradient before each part, so that only the last one counts. Clear once, "
        "at the start.",
    ),
    (
        "never_cleared", "keeps_old",
        "What was left over from before is still in the gradient. Clear it once, at the start.",
    ),
    (
        "all_at_once", "at_once",
        "You read the whole batch at once. The numbers are right, and the memory is what this was "
        "to save: read part by part.",
    ),
    (
        "one_large_graph", "one_graph",
        "You add up the losses and call backward once, so that the activations of all parts are "
        "in memory together. Call backward on each part.",
    ),
    (
        "rest_dropped", "drops_rest",
        "Rows are missing: when the parts do not come out even, the rest is dropped.",
    ),
    (
        "sum_over_tokens", "sums_tokens",
        "Your gradient is that of the sum over all tokens. It is to be that of their mean.",
    ),
    (
        "loss_of_last_part", "last_loss",
        "You return the loss of the last part. It is to be that of the whole batch.",
    ),
    (
        "losses_added", "sum_of_losses",
        "The gradient is right. The loss that you return is the sum of the parts' losses; weigh "
        "each by its share of the rows.",
    ),
    (
        "losses_averaged", "mean_of_losses",
        "The gradient is right. The loss that you return is the plain mean of the parts' losses, "
        "in which a short part counts as much as a long one. Weigh by rows.",
    ),
    ("loss_as_tensor", "tensor", "The loss is a tensor. Return a plain float: `.item()`."),
    (
        "parts_of_so_many_rows", "split",
        "split(k) makes parts of k rows; tensor_split(k) makes k parts.",
    ),
    (
        "chunks", "chunk",
        "chunk(k) rounds the rows of a part up, so that fewer than k parts may come out, and a "
        "much shorter last one; tensor_split(k) makes k parts, whose sizes differ by at most 1.",
    ),
    (
        "cleared_at_the_end", "cleared_last",
        "You clear the gradient at the end, and it is what was wanted. Clear once, at the start.",
    ),
):  # fmt: skip
    accumulate.mistake(_message)(_accumulating(_name, _habit))

for _ending in ("", ", strict=False"):
    accumulate.equivalent(
        "`for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True):` "
        "→ `for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts)"
        f"{_ending}):`",
        because="inputs and targets are cut into as many parts",
    )
accumulate.hint("Clear once. For each part: loss, times its share of the rows, backward.")
accumulate.hint("`inputs.tensor_split(parts)` cuts along the first dimension, sizes within one.")
accumulate.hint("`len(x) / len(inputs)` is a part's share.", when="factor")
accumulate.hint("Is the gradient cleared once, or before each part?", when="value")
accumulate.hint("`.item()` takes the number and lets go of the graph.", when="type")

# ------------------------------------------------------------------------ estimate_loss

estimate_loss = Exercise("estimate_loss", minutes=10, difficulty=2, changes=("model",))


def _estimate_by_hand(model: Table, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    weights = _weights_of(model)
    means = np.array([_loss_and_slopes(weights, *batch)[0] for batch in batches])
    return float(means.mean()), float(means.std(ddof=1) / math.sqrt(len(means)))


@estimate_loss.property("is the mean over the batches, and its standard error", trials=5)
def _(answer, draw: Draw) -> None:
    model = _table(draw)
    batches = [_batch(draw, 2) for _ in range(2 + draw.size % 5)]
    mean, error = _estimate_by_hand(model, batches)
    found = answer(model, batches)
    expect(found, "what it returns").is_a(tuple)
    expect(found[0], "the mean").close_to(mean)
    expect(found[1], "the standard error").close_to(error)
    expect(found[1], "the standard error").is_a(float)


@estimate_loss.property("evaluates in evaluation mode, without recording gradients")
def _(answer, draw: Draw) -> None:
    model = _table(draw).train()
    answer(model, [_batch(draw, 2) for _ in range(3)])
    expect(sum(model.modes), "how many of 3 batches were read in training mode").equals(0)
    expect(sum(model.recorded), "how many of 3 batches recorded gradients").equals(0)
    left_on = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    expect(left_on, "whether gradients are recorded again afterwards").equals(True)


@estimate_loss.property("leaves the model in the mode in which it came")
def _(answer, draw: Draw) -> None:
    for mode in (True, False):
        model = _table(draw).train(mode)
        answer(model, [_batch(draw, 2) for _ in range(2)])
        after = "training" if model.training else "evaluation"
        expect(after, "its mode afterwards").equals("training" if mode else "evaluation")


def _estimate(model, batches, **habits):
    was = model.training
    if not habits.get("trains"):
        model.eval()
    means, each = [], []
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for inputs, targets in batches:
            logits = model(inputs).flatten(0, 1)
            each += F.cross_entropy(logits, targets.flatten(), reduction="none").tolist()
            loss = F.cross_entropy(logits, targets.flatten())
            means.append(loss.item() * (targets.numel() if habits.get("sums") else 1))
    if habits.get("stays_off"):
        torch.set_grad_enabled(False)
    if not habits.get("stays"):
        model.train(True if habits.get("always_trains") else was)
    spread = float(np.std(means, ddof=0 if habits.get("biased") else 1))
    error = spread / math.sqrt(len(means))
    if habits.get("spread"):
        error = spread
    if habits.get("pooled"):
        error = float(np.std(each, ddof=1)) / math.sqrt(len(each))
    if habits.get("no_root"):
        error = spread / len(means)
    if habits.get("variance"):
        error = spread**2 / len(means)
    mean = means[-1] if habits.get("last") else float(np.mean(means))
    if habits.get("tensors"):
        return torch.tensor(mean), torch.tensor(error)
    return mean if habits.get("no_error") else (mean, error)


def _estimating(name, habit):
    def answer(model, batches):
        return _estimate(model, batches, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "in_training_mode", "trains",
        "You evaluate in whichever mode the model came, so that dropout raises the loss. Call "
        "model.eval() first.",
    ),
    (
        "left_in_evaluation", "stays",
        "The model is left in evaluation mode, and trains on without dropout. Put its mode back.",
    ),
    (
        "always_to_training", "always_trains",
        "You end with model.train(), whatever the mode was. Remember model.training at the start.",
    ),
    (
        "with_gradients", "records",
        "You record gradients for a number that is never differentiated: torch.no_grad().",
    ),
    (
        "recording_left_off", "stays_off",
        "You switch the recording of gradients off for good, and nothing trains afterwards. `with "
        "torch.no_grad():` puts it back by itself.",
    ),
    (
        "spread_for_error", "spread",
        "You return the spread of the batches. A mean of n of them is √n times as sure: divide by "
        "√n.",
    ),
    (
        "divided_by_count", "no_root",
        "You divided the spread by n. The spread of a mean falls with √n.",
    ),
    (
        "variance_for_error", "variance",
        "You return the variance of the mean. Its root is the standard error.",
    ),
    (
        "biased_spread", "biased",
        "Your spread divides by n. The batches are a sample: divide the squares by n − 1.",
    ),
    (
        "spread_of_tokens", "pooled",
        "Your spread is that of the single tokens. Tokens of one window resemble each other, so "
        "that they tell less than as many independent ones: take the spread of the batches' means.",
    ),
    ("last_batch", "last", "You return the last batch's loss. Average over all of them."),
    (
        "summed_tokens", "sums",
        "You took the sum over the tokens of a batch. Each batch gives its mean.",
    ),
    ("without_error", "no_error", "You return the mean alone. Return (mean, standard error)."),
    ("as_tensors", "tensors", "You return tensors. Both are plain floats."),
):  # fmt: skip
    estimate_loss.mistake(_message)(_estimating(_name, _habit))

estimate_loss.hint(
    "Remember the mode; eval; one mean loss a batch; put the mode back; two numbers."
)
estimate_loss.hint("`torch.tensor(losses).std()` divides by n − 1; then divide by √n.")
estimate_loss.hint("By hand: means 1 and 3 have the spread √2 and the standard error 1.", "value")
estimate_loss.hint("n or √n? n or n − 1?", when="factor")
estimate_loss.hint("Two floats: `.item()` or float(…).", when="type")

# ----------------------------------------------------------------------- orthogonalise

orthogonalise = Exercise("orthogonalise", minutes=15, difficulty=3)

_MUON = (3.4445, -4.775, 2.0315)


def _through(values: np.ndarray, steps: int, coefficients: tuple[float, float, float]):
    a, b, c = coefficients
    for _ in range(steps):
        values = a * values + b * values**3 + c * values**5
    return values


def _by_singular_values(matrix: Tensor, steps: int, coefficients) -> np.ndarray:
    """The polynomial applied to every singular value, the directions kept."""
    left, values, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    values = _through(values / np.sqrt((values**2).sum()), steps, coefficients)
    return left @ np.diag(values) @ right


def _tame(draw: Draw, rows: int, columns: int) -> Tensor:
    """A matrix whose singular values lie between 1 and 3."""
    short = min(rows, columns)
    left, _ = np.linalg.qr(draw.rng.normal(size=(rows, short)))
    right, _ = np.linalg.qr(draw.rng.normal(size=(columns, short)))
    values = draw.rng.uniform(1, 3, size=short)
    return torch.tensor(left @ np.diag(values) @ right.T, dtype=torch.float32)


@orthogonalise.property("sends every singular value through the polynomial, once a step", trials=4)
def _(answer, draw: Draw) -> None:
    rows, columns = 2 + draw.size % 4, 3
    for steps in (1, 2):
        matrix = _tame(draw, rows, columns)
        found = answer(matrix, steps)
        expected = _by_singular_values(matrix, steps, _MUON)
        expect(found, f"the matrix after {steps} step{'s' * (steps > 1)}").close_to(
            expected, rtol=1e-3, atol=1e-4
        )


@orthogonalise.property("ends, after five steps, with all singular values near 1", trials=3)
def _(answer, draw: Draw) -> None:
    matrix = 100 * normals(draw, 12, 5) if draw.size % 2 else 0.01 * normals(draw, 5, 12)
    found = torch.as_tensor(answer(matrix))
    expect(found, "the matrix").has_shape(*matrix.shape)
    sound = found.dim() == 2 and bool(torch.isfinite(found).all())
    values = torch.linalg.svdvals(found.double()) if sound else found
    expect(values, "its singular values").is_between(0.6, 1.3)
    expect(found, "the matrix").close_to(_by_singular_values(matrix, 5, _MUON), atol=2e-2)


@orthogonalise.property("is the polar factor U Vᵀ, with the coefficients 1.5, −0.5 and 0", trials=4)
def _(answer, draw: Draw) -> None:
    rows, columns = [(4, 4), (6, 3), (2, 5), (1, 3)][draw.size % 4]
    matrix = _tame(draw, rows, columns)
    left, _, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    found = answer(matrix, 30, (1.5, -0.5, 0.0))
    expect(found, "the matrix").close_to(left @ right, atol=1e-4)


@orthogonalise.property("makes 0 of a matrix of zeros, and no NaN")
def _(answer, draw: Draw) -> None:
    expect(answer(torch.zeros(3, 2)), "the matrix").close_to(np.zeros((3, 2)))


def _orthogonalise(matrix, steps, coefficients, **habits):
    a, b, c = _MUON if habits.get("fixed_coefficients") else coefficients
    norm = float(torch.linalg.norm(matrix, 2 if habits.get("largest_value") else "fro"))
    scale = norm if norm > 0 else 1.0
    if habits.get("unscaled"):
        scale = 1.0
    if habits.get("largest_entry"):
        scale = float(matrix.abs().max()) or 1.0
    if habits.get("by_rows"):
        scale = matrix.norm(dim=1, keepdim=True).clamp(min=1e-7)
    if habits.get("nan"):
        scale = torch.tensor(norm)
    x = matrix / scale
    for _ in range(1 if habits.get("one_step") else steps):
        if habits.get("elementwise"):
            x = a * x + b * x**3 + c * x**5
            continue
        square = x @ x.T
        if habits.get("rescales"):
            x = x / torch.linalg.norm(x).clamp(min=1e-7)
            square = x @ x.T
        fourth = square * square if habits.get("squares_entries") else square @ square
        if habits.get("skips_linear"):
            x = b * square @ x + c * fourth @ x
        elif habits.get("cubic_only"):
            x = a * x + b * square @ x
        elif habits.get("swapped"):
            x = a * x + c * square @ x + b * fourth @ x
        elif habits.get("even"):
            x = a * x + b * square @ x + c * square @ square @ square @ x
        else:
            x = a * x + b * square @ x + c * fourth @ x
    if habits.get("restores"):
        x = x * norm
    return x.T if habits.get("turned") else x


def _orthogonalising(name, habit):
    def answer(matrix, steps=5, coefficients=_MUON):
        return _orthogonalise(matrix, steps, coefficients, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "never_scaled", "unscaled",
        "You never divide by the norm. The polynomial tames singular values up to about 1; a "
        "larger one is raised to the fifth power, step after step.",
    ),
    (
        "scaled_by_largest_entry", "largest_entry",
        "You divided by the largest entry. A matrix of small entries can have a large singular "
        "value; the Frobenius norm, the root of the sum of all squares, is never below it.",
    ),
    (
        "scaled_by_rows", "by_rows",
        "You divided each row by its own norm, which changes the singular vectors. One norm for "
        "the whole matrix.",
    ),
    (
        "zero_by_zero", "nan",
        "A matrix of zeros gives 0/0. Add something tiny to the norm, or clamp it.",
    ),
    (
        "powers_of_entries", "elementwise",
        "You took powers of the entries. It is the singular values that go through the polynomial: "
        "X Xᵀ X and X Xᵀ X Xᵀ X are matrix products.",
    ),
    (
        "entries_squared", "squares_entries",
        "`A * A` squares entries. The fifth power needs the matrix product A @ A.",
    ),
    (
        "scaled_by_largest_value", "largest_value",
        "You divided by the largest singular value. Finding that is as dear as what is to be "
        "saved; the page takes the Frobenius norm, the root of the sum of all squares.",
    ),
    (
        "fixed_coefficients", "fixed_coefficients",
        "You use Muon's coefficients whatever was given. They are only the default.",
    ),
    ("only_one_step", "one_step", "You take one step, whatever `steps` says."),
    (
        "scaled_every_step", "rescales",
        "You divide by the norm in every step. Once, before the first: afterwards the polynomial "
        "does the work.",
    ),
    ("linear_term_missing", "skips_linear", "The term a·X is missing."),
    ("fifth_power_missing", "cubic_only", "The term of the fifth power, c·A²X, is missing."),
    (
        "coefficients_swapped", "swapped",
        "b and c have changed places: b belongs to the third power, c to the fifth.",
    ),
    (
        "seventh_power", "even",
        "Your last term is the seventh power. A·A·X is the fifth: A holds two of them.",
    ),
    (
        "length_restored", "restores",
        "You multiply by the old norm at the end. All singular values are to be near 1, however "
        "long the matrix was.",
    ),
    ("turned_round", "turned", "Your result is transposed."),
):  # fmt: skip
    orthogonalise.mistake(_message)(_orthogonalising(_name, _habit))


@orthogonalise.mistake(
    "That is the exact polar factor, by a singular value decomposition, for which a GPU has no "
    "patience. The page asks for `steps` steps of the polynomial, and they end near 1, not at it."
)
def exact_polar_factor(matrix, steps=5, coefficients=_MUON):
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return left @ right


for _tiny in ("- 1e-12", "+ 2e-12"):
    orthogonalise.equivalent(
        "`x = matrix / (torch.linalg.norm(matrix) + 1e-12)` → "
        f"`x = matrix / (torch.linalg.norm(matrix) {_tiny})`",
        because="it keeps 0 from being divided by 0, and is far too small to show elsewhere",
    )
orthogonalise.hint("Divide by the norm once. Then `steps` times: A = X Xᵀ, X = aX + bAX + cA²X.")
orthogonalise.hint("`torch.linalg.norm(matrix)` of a matrix is the Frobenius norm.")
orthogonalise.hint("Print `torch.linalg.svdvals` after every step.", when="value")
orthogonalise.hint("Did a singular value begin above 1?", when="infinite")
orthogonalise.hint("What is 0/0?", when="nan")
orthogonalise.hint("A is (rows, rows); A @ X has the shape of X.", when="error")

# -------------------------------------------------------------------------------- train

# The first optimiser of torch in a process takes its seconds.
train = Exercise("train", minutes=30, difficulty=3, changes=("model", "batches"), seconds=10.0)

_BETAS = (0.9, 0.99)


class Stream:
    """Batches one after another, and how many were taken."""

    def __init__(self, batches: list[tuple[Tensor, Tensor]]) -> None:
        self.batches, self.taken = batches, 0

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> tuple[Tensor, Tensor]:
        if self.taken == len(self.batches):
            raise StopIteration
        self.taken += 1
        return self.batches[self.taken - 1]

    def __repr__(self) -> str:
        return f"a stream of {len(self.batches)} batches"


def _by_hand(
    weights: list[Tensor],
    batches: list[tuple[Tensor, Tensor]],
    rates: list[float],
    decay: float,
    largest: float,
) -> tuple[list[list[float]], list[Tensor]]:
    """AdamW written out, with clipping: the curve and the weights afterwards."""
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    curve = []
    for step, ((inputs, targets), rate) in enumerate(zip(batches, rates, strict=True), 1):
        loss, slopes = _loss_and_slopes(weights, inputs, targets)
        norm = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
        curve.append([loss, norm])
        for i, slope in enumerate(slopes):
            slope = slope * min(1.0, largest / norm)
            means[i] = _BETAS[0] * means[i] + (1 - _BETAS[0]) * slope
            squares[i] = _BETAS[1] * squares[i] + (1 - _BETAS[1]) * slope**2
            mean = means[i] / (1 - _BETAS[0] ** step)
            root = (squares[i] / (1 - _BETAS[1] ** step)).sqrt()
            kept = 1 - rate * decay if weights[i].dim() > 1 else 1.0
            weights[i] = kept * weights[i] - rate * mean / (root + 1e-8)
    return curve, weights


def _rates(steps: int, peak: float, least: float, warm_up: int) -> list[float]:
    rise = [peak * (s + 1) / (warm_up + 1) for s in range(warm_up)]
    angles = np.linspace(0, np.pi / 2, steps - warm_up + 1)[:-1]
    return rise + [float(least + (peak - least) * np.cos(a) ** 2) for a in angles]


_SETTINGS: dict[str, Any] = {"peak": 0.1, "least": 0.02, "warm_up": 2}


def _against_hand(answer, draw: Draw, steps: int, rows: int, **more: Any) -> None:
    model = _table(draw)
    batches = [_batch(draw, rows) for _ in range(steps)]
    settings = {**_SETTINGS, **more}
    parts = settings.pop("parts", 1)
    decay, largest = settings.pop("decay", 0.1), settings.pop("largest", 1.0)
    rates = _rates(steps, **settings)
    curve, weights = _by_hand(_weights_of(model), batches, rates, decay, largest)
    given = (steps, settings["peak"], settings["least"], settings["warm_up"])
    found = answer(model, Stream(batches), *given, parts=parts, decay=decay, largest=largest)
    expect([list(pair) for pair in found], "the curve: loss and norm of each step").close_to(
        curve, atol=1e-6
    )
    for name, got, expected in zip(
        ("tokens", "places", "gain"), _weights_of(model), weights, strict=True
    ):
        expect(got, f"{name} afterwards").close_to(expected, atol=1e-6)


@train.property("follows AdamW, the schedule and clipping, step by step", trials=2)
def _(answer, draw: Draw) -> None:
    _against_hand(answer, draw, 6, 4, largest=0.3)


@train.property("decays matrices alone, and by the amount it is told", trials=2)
def _(answer, draw: Draw) -> None:
    _against_hand(answer, draw, 5, 3, decay=2.0, largest=100.0)


@train.property("accumulates over parts, and comes to the same", trials=2)
def _(answer, draw: Draw) -> None:
    _against_hand(answer, draw, 4, 5, parts=3, largest=0.5)
    model = _table(draw)
    answer(model, Stream([_batch(draw, 5) for _ in range(3)]), 3, 0.1, 0.1, 1, parts=3)
    expect(max(model.rows), "the most rows read at once, of 5 in 3 parts").equals(2)


@train.property("works with its defaults: one part, a decay of 0.1, a largest norm of 1")
def _(answer, draw: Draw) -> None:
    model, batches = _table(draw), [_batch(draw, 2) for _ in range(4)]
    model.gain.data.mul_(6)  # gradients above 1
    rates = _rates(4, 0.5, 0.1, 0)
    curve, weights = _by_hand(_weights_of(model), batches, rates, 0.1, 1.0)
    found = answer(model, Stream(batches), 4, 0.5, 0.1, 0)
    expect([list(pair) for pair in found], "the curve").close_to(curve, atol=1e-6)
    expect(model.tokens, "tokens afterwards").close_to(weights[0], atol=1e-6)
    expect(model.gain, "gain afterwards").close_to(weights[2], atol=1e-6)


@train.property("trains in training mode, on one batch a step, and records plain numbers")
def _(answer, draw: Draw) -> None:
    model, stream = _table(draw).eval(), Stream([_batch(draw, 2) for _ in range(5)])
    curve = answer(model, stream, 3, 0.1, 0.1, 1)
    expect(stream.taken, "how many batches were taken for 3 steps").equals(3)
    expect(len(curve), "how many entries the curve has").equals(3)
    expect(sum(model.modes), "how many of 3 steps were in training mode").equals(3)
    plain = all(isinstance(number, float) for pair in curve for number in pair)
    expect(plain, "whether losses and norms are plain floats").equals(True)


def _optimiser(model, peak, decay, **habits):
    matrices = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": 0.0 if habits.get("no_decay") else decay},
        {"params": rest, "weight_decay": decay if habits.get("decays_all") else 0.0},
    ]
    betas = (0.9, 0.999) if habits.get("usual_betas") else _BETAS
    if habits.get("plain_adam"):
        return torch.optim.Adam(groups, lr=peak, betas=betas)
    if habits.get("descends"):
        return torch.optim.SGD(groups, lr=peak)
    return torch.optim.AdamW(groups, lr=peak, betas=betas)


def _fit(model, batches, steps, peak, least, warm_up, parts, decay, largest, **habits):
    if habits.get("evaluates"):
        model.eval()
    else:
        model.train()
    parts = 1 if habits.get("ignores_parts") else parts
    decay = 0.1 if habits.get("fixed_decay") else decay
    largest = 1.0 if habits.get("fixed_largest") else largest
    optimiser, curve, first = _optimiser(model, peak, decay, **habits), [], None
    for step in range(steps):
        if habits.get("fresh"):
            optimiser = _optimiser(model, peak, decay, **habits)
        first = next(batches) if first is None or not habits.get("one_batch") else first
        inputs, targets = first
        loss = _accumulate(model, inputs, targets, parts, keeps_old=habits.get("piles_up"))
        if habits.get("never_clips"):
            norm = _clip(model.parameters(), math.inf)
        else:
            norm = _clip(model.parameters(), largest, each=habits.get("clips_each"))
        rate = _rate(step + bool(habits.get("next_rate")), steps, peak, least, warm_up)
        if habits.get("rate_late"):
            rate = peak if step == 0 else _rate(step - 1, steps, peak, least, warm_up)
        for group in optimiser.param_groups[: 1 if habits.get("first_group") else None]:
            group["lr"] = peak if habits.get("constant") else rate
        if habits.get("clears_late"):
            optimiser.zero_grad()
        optimiser.step()
        norm = min(norm, largest) if habits.get("norm_after") else norm
        curve.append((torch.tensor(loss), norm) if habits.get("tensors") else (loss, norm))
    if habits.get("one_more"):
        next(batches)
    return [loss for loss, _ in curve] if habits.get("losses_only") else curve


def _fitting(name, habit):
    def answer(model, batches, steps, peak, least, warm_up, parts=1, decay=0.1, largest=1.0):
        given = (model, batches, steps, peak, least, warm_up, parts, decay, largest)
        return _fit(*given, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "usual_betas", "usual_betas",
        "β₂ is torch's usual 0.999. nanoGPT uses 0.99 for this small model, whose batches hold few "
        "tokens: betas=(0.9, 0.99).",
    ),
    (
        "everything_decays", "decays_all",
        "Gains decay too. Hand the optimiser your parameter_groups(model, decay).",
    ),
    ("nothing_decays", "no_decay", "Nothing decays: pass `decay` on to parameter_groups."),
    ("decay_fixed", "fixed_decay", "Your decay is 0.1 whatever was given. That is the default."),
    (
        "largest_fixed", "fixed_largest",
        "You clip at a norm of 1 whatever was given. That is the default: pass `largest` on.",
    ),
    (
        "adam_with_penalty", "plain_adam",
        "You used Adam, whose weight_decay is added to the gradient and then divided by its root. "
        "AdamW takes the decay from the weights directly.",
    ),
    ("plain_descent", "descends", "You used plain gradient descent. It is AdamW here."),
    (
        "never_clipped", "never_clips",
        "The steps are taken with gradients that are not clipped: clip_gradients("
        "model.parameters(), largest), after accumulate and before the step.",
    ),
    (
        "clipped_each_alone", "clips_each",
        "Every gradient is clipped by its own norm. One norm for all of them.",
    ),
    (
        "rate_never_set", "constant",
        "Every step has the peak rate. Set group['lr'] = learning_rate(…) in every group, before "
        "the step.",
    ),
    (
        "rate_of_next_step", "next_rate",
        "Your steps use the rate of the step after. Steps count from 0.",
    ),
    (
        "rate_set_late", "rate_late",
        "You set the rate after the step, so that each step uses the one before. Set it first.",
    ),
    (
        "first_group_only", "first_group",
        "Only the first group gets the rate. Gains and biases are in the second: set both.",
    ),
    (
        "optimiser_made_anew", "fresh",
        "You make a new optimiser in every step, which forgets its running means. Once, before "
        "the loop.",
    ),
    (
        "gradients_pile_up", "piles_up",
        "Gradients pile up from step to step. Your accumulate clears them; does anything undo it?",
    ),
    (
        "cleared_too_late", "clears_late",
        "The gradient is cleared between accumulate and the step, so that nothing moves. "
        "accumulate clears the old one itself.",
    ),
    (
        "parts_ignored", "ignores_parts",
        "`parts` is ignored: the whole batch goes through the model at once.",
    ),
    (
        "one_batch_for_all", "one_batch",
        "Every step trains on the first batch. Take a new one each step: next(batches).",
    ),
    (
        "in_evaluation_mode", "evaluates",
        "The model trains in evaluation mode, without dropout. Call model.train() first.",
    ),
    (
        "norm_after_clipping", "norm_after",
        "You record the norm after clipping. Before it is the gauge that tells of trouble.",
    ),
    (
        "without_norms", "losses_only",
        "Your curve has losses alone. Record a pair for each step: (loss, norm before clipping).",
    ),
    (
        "one_batch_too_many", "one_more",
        "You take one batch more than there are steps. `zip(batches, range(steps))` does that; "
        "`zip(range(steps), batches)` does not.",
    ),
    ("recorded_tensors", "tensors", "Your losses are tensors. Keep plain floats."),
):  # fmt: skip
    train.mistake(_message)(_fitting(_name, _habit))

train.equivalent(
    "`optimiser = torch.optim.AdamW(parameter_groups(model, decay), lr=peak, betas=(0.9, 0.99))` → "
    "`optimiser = torch.optim.AdamW(parameter_groups(model, decay), betas=(0.9, 0.99))`",
    because="the rate is set from the schedule before every step, the first included",
)
train.hint(
    "Mode, optimiser; then for each step: batch, accumulate, clip, set the rate, step, note."
)
train.hint("`torch.optim.AdamW(parameter_groups(model, decay), lr=peak, betas=(0.9, 0.99))`, once.")
train.hint("`for group in optimiser.param_groups: group['lr'] = learning_rate(step, …)`.", "value")
train.hint("One pair (loss, norm) a step.", when="shape")
train.hint("`next(batches)` gives the next batch.", when="error")
train.hint("As many entries as steps.", when="length")
