"""What ladder/13_causal_transformer is judged by.

The oracles are torch's own fused attention and layer norm, loops over single positions, and
models small enough for their loss to be worked out entry by entry.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import (
    PlainDescent,
    fill_with_normals,
    normals,
    token_tensor,
    torch_generator,
)
from descent.grading import Draw, Exercise, expect

Tensor = torch.Tensor


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _has(module: nn.Module, what: str, *names: str) -> bool:
    """Whether the parts that the page names are there; says which are not."""
    expect(module, what).is_a(nn.Module)
    missing = [name for name in names if not hasattr(module, name)]
    expect(len(missing), "how many of the parts it names are missing").equals(0)
    return not missing


# -------------------------------------------------------------------------- windows_at

windows_at = Exercise("windows_at", minutes=6, difficulty=1)


@windows_at.property("gives each window and the words that follow its words", trials=5)
def _(answer, draw: Draw) -> None:
    length = draw.size
    tokens = token_tensor(draw, 50, length + 9)
    starts = token_tensor(draw, 9, 4)
    inputs, targets = answer(tokens, starts, length)
    rows = [[int(tokens[s + t]) for t in range(length + 1)] for s in starts.tolist()]
    expect(inputs, "the inputs").close_to([row[:-1] for row in rows])
    expect(targets, "the targets").close_to([row[1:] for row in rows])


@windows_at.property("keeps two dimensions for one start, and for windows of one word")
def _(answer, draw: Draw) -> None:
    tokens = token_tensor(draw, 50, 8)
    for count, length in ((1, 4), (3, 1)):
        inputs, targets = answer(tokens, token_tensor(draw, 3, count), length)
        expect(inputs, "the inputs").has_shape(count, length)
        expect(targets, "the targets").has_shape(count, length)


@windows_at.property("reaches the last word of the text, and stays int64")
def _(answer, draw: Draw) -> None:
    tokens = token_tensor(draw, 50, 6)
    inputs, targets = answer(tokens, torch.tensor([0]), 5)
    expect(targets, "the targets of the only window that fits").close_to(tokens[None, 1:])
    expect(inputs, "the inputs").has_dtype("int64")
    expect(targets, "the targets").has_dtype("int64")


def _cut(tokens, starts, places):
    return torch.stack([tokens[int(s) + places] for s in starts])


@windows_at.mistake(
    "Inputs and targets are the same words: the model is asked for the word it has just read. "
    "The targets begin one place later."
)
def not_offset(tokens, starts, length):
    inputs = _cut(tokens, starts, torch.arange(length))
    return inputs, inputs.clone()


@windows_at.mistake(
    "Your offset goes the wrong way: these targets are the words before. The target of a word is "
    "the one after it, tokens[start + t + 1]."
)
def offset_backwards(tokens, starts, length):
    targets = _cut(tokens, starts, torch.arange(length))
    return _cut(tokens, starts, torch.arange(1, length + 1)), targets


@windows_at.mistake(
    "You return one target for each window, as on rung 11. Here every position has its own: N "
    "inputs, N targets."
)
def last_target_only(tokens, starts, length):
    return _cut(tokens, starts, torch.arange(length)), tokens[starts + length]


@windows_at.mistake(
    "Your targets are the words after the whole window, offset by `length`. The offset is one."
)
def offset_by_length(tokens, starts, length):
    inputs = _cut(tokens, starts, torch.arange(length))
    last = len(tokens) - 1
    return inputs, tokens[(starts[:, None] + torch.arange(length) + length).clamp(max=last)]


@windows_at.mistake(
    "The targets wrap round: the last one is the window's own first word. torch.roll is not a "
    "shift along the text; take the next word from `tokens`."
)
def rolled(tokens, starts, length):
    inputs = _cut(tokens, starts, torch.arange(length))
    return inputs, inputs.roll(-1, dims=1)


@windows_at.mistake(
    "You cut a window of `length` words and shortened it to make the offset. Cut length + 1 words, "
    "so that inputs and targets have `length` each."
)
def one_short(tokens, starts, length):
    window = _cut(tokens, starts, torch.arange(length))
    return window[:, :-1], window[:, 1:]


@windows_at.mistake("Your result is transposed: one row for each start, one column for each place.")
def transposed_windows(tokens, starts, length):
    window = _cut(tokens, starts, torch.arange(length + 1)).T
    return window[:-1], window[1:]


@windows_at.mistake("The start counts from 0: the first input of a window is tokens[start].")
def starts_at_one(tokens, starts, length):
    last = len(tokens) - 1
    places = (starts[:, None] + torch.arange(1, length + 2)).clamp(max=last)
    return tokens[places][:, :-1], tokens[places][:, 1:]


windows_at.hint("Cut length + 1 words from each start. Which of them are inputs, which targets?")
windows_at.hint(
    "`starts[:, None] + torch.arange(length + 1)` has one row of places for each start."
)
windows_at.hint("A window of 3 inputs needs 4 words. How many did you cut?", when="shape")
windows_at.hint("By hand: tokens 10, 11, 12, 13, start 0, length 3. Targets?", when="value")
windows_at.hint("Is the first target the second word of the window?", when="shift")

# ------------------------------------------------------------------------- causal_mask

causal_mask = Exercise("causal_mask", minutes=4, difficulty=1)


@causal_mask.property("lets every position look at itself and at what came before", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    allowed = [[s <= t for s in range(n)] for t in range(n)]
    mask = torch.as_tensor(answer(n))
    expect(mask, "the mask").has_shape(n, n)
    expect(mask.float(), "the mask, True as 1").close_to(np.array(allowed, dtype=float))


@causal_mask.property("is of True and False")
def _(answer, draw: Draw) -> None:
    mask = answer(3)
    expect(isinstance(mask, torch.Tensor), "whether it is a torch tensor").equals(True)
    expect(mask, "the mask").has_dtype("bool")


@causal_mask.property("lets a single word look at itself")
def _(answer, draw: Draw) -> None:
    expect(torch.as_tensor(answer(1)).float(), "the mask of one word").close_to([[1.0]])


@causal_mask.mistake(
    "Your mask is transposed: row t must be True up to column t. Yours lets each word look at the "
    "future and hides the past."
)
def looks_ahead(length):
    return torch.ones(length, length, dtype=torch.bool).triu()


@causal_mask.mistake(
    "The diagonal is missing: a word may look at itself. Without it the first word has nowhere to "
    "look, and its softmax is 0/0."
)
def without_diagonal(length):
    return torch.ones(length, length, dtype=torch.bool).tril(-1)


@causal_mask.mistake(
    "True and False are exchanged: here True means 'may look'. (Some libraries mean the opposite, "
    "which is why a mask needs its convention written beside it.)"
)
def inverted_mask(length):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


@causal_mask.mistake("Your diagonal lies one too high: each word may look one word ahead.")
def one_ahead(length):
    return torch.ones(length, length, dtype=torch.bool).tril(1)


@causal_mask.mistake("Everything is allowed. Where s > t the mask must be False.")
def all_allowed(length):
    return torch.ones(length, length, dtype=torch.bool)


@causal_mask.mistake(
    "These are numbers, 0 and −inf, to be added to the scores. This page's mask is of True and "
    "False; the infinity comes in `attention`."
)
def additive_mask(length):
    return torch.full((length, length), -math.inf).triu(1)


@causal_mask.mistake("Your mask is of floats. `dtype=torch.bool` makes it True and False.")
def float_mask(length):
    return torch.ones(length, length).tril()


@causal_mask.mistake(
    "Your mask is an array of numpy's. Attention puts it on torch tensors: build it with torch, or "
    "hand it to torch.from_numpy."
)
def numpy_mask(length):
    return np.tril(np.ones((length, length), dtype=bool))


@causal_mask.mistake("You allow only the diagonal: each word sees itself and no context.")
def only_itself(length):
    return torch.eye(length, dtype=torch.bool)


causal_mask.hint(
    "Row t is who looks, column s is what is looked at. Which s are not in the future?"
)
causal_mask.hint("`torch.tril` keeps the lower triangle of a matrix, diagonal included.")
causal_mask.hint("Write the mask of 3 words by hand and print yours beside it.", when="value")
causal_mask.hint("Row 0 is the first word: it sees itself alone.", when="transposed")
causal_mask.hint("Which dtype does a comparison such as `s <= t` give?", when="dtype")

# --------------------------------------------------------------------------- attention

attention = Exercise("attention", minutes=15, difficulty=2)


def _some_mask(draw: Draw, rows: int, columns: int) -> Tensor:
    """Random, with something to look at in every row and, where it can be, something hidden."""
    mask = torch.tensor(draw.integers(0, 2, rows, columns)).bool()
    mask[:, int(draw.integers(0, columns))] = True
    return mask


def _weights_by_hand(queries: Tensor, keys: Tensor, mask: Tensor) -> np.ndarray:
    """The weights of unbatched attention, one exponential after another."""
    q, k = queries.double().numpy(), keys.double().numpy()
    weights = np.zeros((len(q), len(k)))
    for t in range(len(q)):
        open_places = [s for s in range(len(k)) if mask[t, s]]
        scores = [float(np.dot(q[t], k[s])) / q.shape[1] ** 0.5 for s in open_places]
        for s, score in zip(open_places, scores, strict=True):
            weights[t, s] = math.exp(score - max(scores))
        weights[t] /= weights[t].sum()
    return weights


@attention.property("weighs as the formula says, one row for each query", trials=5)
def _(answer, draw: Draw) -> None:
    rows, columns = draw.size, draw.size + 1
    queries, keys = normals(draw, rows, 3), normals(draw, columns, 3)
    mask = _some_mask(draw, rows, columns)
    _, weights = answer(queries, keys, normals(draw, columns, 2), mask)
    expect(weights, "the weights").close_to(_weights_by_hand(queries, keys, mask), atol=1e-5)


@attention.property("agrees with F.scaled_dot_product_attention", trials=5)
def _(answer, draw: Draw) -> None:
    rows, columns = draw.size, draw.size + 2
    queries, keys = normals(draw, rows, 4), normals(draw, columns, 4)
    values, mask = normals(draw, columns, 3), _some_mask(draw, rows, columns)
    output, _ = answer(queries, keys, values, mask)
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    expect(output, "the output").close_to(expected, atol=1e-5)


@attention.property("is causal attention when the mask is causal, in every batch and head")
def _(answer, draw: Draw) -> None:
    queries, keys, values = (normals(draw, 2, 3, 5, 4) for _ in range(3))
    mask = torch.tensor([[s <= t for s in range(5)] for t in range(5)])
    output, weights = answer(queries, keys, values, mask)
    expected = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
    expect(weights, "the weights").has_shape(2, 3, 5, 5)
    expect(output, "the output").close_to(expected, atol=1e-5)


@attention.property("survives scores in the hundreds")
def _(answer, draw: Draw) -> None:
    queries, keys = 30 * normals(draw, 4, 4), 30 * normals(draw, 4, 4)
    values, mask = normals(draw, 4, 2), torch.ones(4, 4).tril().bool()
    output, weights = answer(queries, keys, values, mask)
    expect(weights, "the weights").is_finite()
    expected = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    expect(output, "the output").close_to(expected, atol=1e-3)


@attention.property("spreads its weight evenly when no key matches better than another")
def _(answer, draw: Draw) -> None:
    mask = _some_mask(draw, 3, 5)
    queries, keys, values = torch.zeros(3, 4), normals(draw, 5, 4), normals(draw, 5, 2)
    _, weights = answer(queries, keys, values, mask)
    expected = mask / mask.sum(-1, keepdim=True)
    expect(weights, "the weights when all scores are 0").close_to(expected, atol=1e-6)


def _attend(queries, keys, values, mask, **habits):
    """Attention with one bad habit, named by keyword: what the mistakes below share."""
    scores = queries @ keys.transpose(-1, -2)
    scale = habits.get("scale", lambda width: 1 / math.sqrt(width))
    scores = scores * scale(queries.shape[-1])
    hidden = mask if habits.get("inverted") else ~mask
    if habits.get("multiplies"):
        scores = scores * mask
    elif habits.get("adds_product"):
        scores = scores + ~mask * -math.inf
    elif habits.get("hides_with") is not None:
        scores = scores.masked_fill(hidden, habits["hides_with"])
    if habits.get("overflows"):
        powers = scores.exp() * (mask if habits.get("hides_with") is None else 1)
        weights = powers / powers.sum(-1, keepdim=True)
    elif habits.get("over_all"):
        weights = scores.flatten(-2).softmax(-1).view(scores.shape)
    else:
        weights = scores.softmax(habits.get("dim", -1))
    if habits.get("masks_late"):
        weights = weights * mask
    return weights @ values, weights


@attention.mistake(
    "You did not divide by √d. A dot product of d terms grows like √d, so with wide vectors the "
    "softmax puts all its weight on one word, and its gradient dies."
)
def unscaled(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, scale=lambda d: 1.0, hides_with=-math.inf)


@attention.mistake(
    "You divided by d. It is the square root: a sum of d random terms grows like √d."
)
def divided_by_width(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, scale=lambda d: 1 / d, hides_with=-math.inf)


@attention.mistake("You multiplied by √d where you should divide.")
def multiplied_by_root(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, scale=math.sqrt, hides_with=-math.inf)


@attention.mistake(
    "You masked after the softmax. The weights left over no longer add up to 1, and hidden words "
    "still had their say in the sum below the fraction. Set hidden scores to −inf before it."
)
def masked_after_softmax(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, masks_late=True)


@attention.mistake(
    "You multiplied hidden scores by 0. A score of 0 is not 'hidden': the softmax gives it e⁰ = 1. "
    "Hidden is −inf, because e^(−inf) = 0."
)
def multiplied_by_zero(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, multiplies=True)


@attention.mistake(
    "Your mask works the wrong way round: you hide where it is True. Here True means 'may look'."
)
def hid_the_allowed(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, inverted=True, hides_with=-math.inf)


@attention.mistake("You ignored the mask: every query looks everywhere.")
def ignored_mask(queries, keys, values, mask):
    return _attend(queries, keys, values, mask)


@attention.mistake(
    "Your softmax runs over the queries. Each query shares out its attention over the keys: the "
    "rows must add up to 1, so the softmax goes over the last dimension."
)
def softmax_over_queries(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, dim=-2, hides_with=-math.inf)


@attention.mistake("Your softmax runs over the whole table at once. Each row adds up to 1 alone.")
def softmax_over_everything(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, over_all=True, hides_with=-math.inf)


@attention.mistake(
    "You hid scores with −1. That only makes them less likely; large scores elsewhere in the row "
    "may be lower still. Use −inf."
)
def hid_with_minus_one(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, hides_with=-1.0)


@attention.mistake(
    "You hid scores with −100. Scores may be in the hundreds themselves, and then a hidden word "
    "can win. Nothing is lower than −inf."
)
def hid_with_minus_hundred(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, hides_with=-100.0)


@attention.mistake(
    "You multiplied −inf by the mask, and −inf · 0 is NaN. Choose instead of multiplying: "
    "masked_fill or torch.where."
)
def multiplied_infinity(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, adds_product=True)


@attention.mistake(
    "Your exponentials overflow: e to a power in the hundreds is infinite, and ∞/∞ is NaN. "
    "Subtract the largest score of each row first, or use torch's softmax, which does."
)
def exponentials_overflow(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, overflows=True, hides_with=-math.inf)


@attention.mistake(
    "Your exponentials overflow: e to a power in the hundreds is infinite, and ∞ · 0 and ∞/∞ are "
    "NaN. Hide with −inf and use torch's softmax, which subtracts the largest score first."
)
def masked_exponentials_overflow(queries, keys, values, mask):
    return _attend(queries, keys, values, mask, overflows=True)


@attention.mistake(
    "You divided by the square root of the number of queries. It is √d, d the numbers in a query: "
    "queries.shape[-1]."
)
def divided_by_root_of_time(queries, keys, values, mask):
    return _attend(
        queries,
        keys,
        values,
        mask,
        scale=lambda d: 1 / math.sqrt(queries.shape[-2]),
        hides_with=-math.inf,
    )


@attention.mistake("Output and weights have changed places: return (output, weights).")
def swapped_results(queries, keys, values, mask):
    output, weights = _attend(queries, keys, values, mask, hides_with=-math.inf)
    return weights, output


@attention.mistake(
    "You returned the weights before the softmax. Scores are compared; weights add up to 1."
)
def returned_scores(queries, keys, values, mask):
    output, _ = _attend(queries, keys, values, mask, hides_with=-math.inf)
    scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])
    return output, scores.masked_fill(~mask, -math.inf)


attention.equivalent(
    "`scores = queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])` → "
    "`scores = queries @ keys.transpose(-2, -1) / math.sqrt(queries.shape[-1])`",
    because="exchanging two dimensions has no order",
)
attention.hint("Four lines: scores, hide, softmax, mix. Write the shape beside each.")
attention.hint(
    "`keys.transpose(-1, -2)` turns the last two dimensions and leaves batch and heads alone; "
    "`scores.masked_fill(~mask, -math.inf)` hides."
)
attention.hint("By which power of d do you divide?", when="factor")
attention.hint("Do the rows of your weights add up to 1? Are they 0 where hidden?", when="value")
attention.hint("A row in which everything is −inf gives 0/0. Is the mask inverted?", when="nan")
attention.hint("With a batch, `.T` turns every dimension. Use transpose(-1, -2).", when="error")
attention.hint("Return the output first, then the weights.", when="shape")

# ------------------------------------------------------------------------- split_heads

split_heads = Exercise("split_heads", minutes=6, difficulty=2)


@split_heads.property("gives head h its own slice of every word", trials=5)
def _(answer, draw: Draw) -> None:
    heads, time = 1 + draw.size % 4, min(draw.size, 5)
    x = normals(draw, 2, time, 3 * heads)
    slices = [x[:, :, 3 * h : 3 * h + 3] for h in range(heads)]
    expect(answer(x, heads), "the heads").close_to(np.stack(slices, axis=1))


@split_heads.property("works for one word, and for heads one number wide")
def _(answer, draw: Draw) -> None:
    expect(answer(normals(draw, 1, 1, 6), 2), "the heads").has_shape(1, 2, 1, 3)
    expect(answer(normals(draw, 3, 4, 2), 2), "the heads").has_shape(3, 2, 4, 1)


@split_heads.property("gives one head everything")
def _(answer, draw: Draw) -> None:
    x = normals(draw, 2, 3, 4)
    expect(answer(x, 1), "the only head").close_to(x[:, None])


@split_heads.mistake(
    "You reshaped straight to (batch, heads, time, width). The shape is right and the numbers are "
    "not: each head gets whole words of some times instead of a slice of every word. Split the "
    "last dimension first, then transpose heads and time."
)
def reshaped_only(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, heads, time, width // heads)


@split_heads.mistake("The heads are still behind the time. Transpose dimensions 1 and 2.")
def without_transpose(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads)


@split_heads.mistake(
    "You split the width as (width/heads, heads), so that head h gets every heads-th number. Head "
    "h gets a block: reshape to (…, heads, width/heads)."
)
def interleaved(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, width // heads, heads).permute(0, 3, 1, 2)


@split_heads.mistake("Heads come first in your result. The order is batch, heads, time, width.")
def heads_first(x, heads):
    return torch.stack(x.chunk(heads, dim=-1), dim=0)


@split_heads.mistake("Every head got the full width. Each gets width/heads of it.")
def repeated(x, heads):
    return x[:, None].expand(-1, heads, -1, -1)


@split_heads.mistake("Time and width of each head are exchanged: (batch, heads, time, width).")
def time_last(x, heads):
    batch, time, width = x.shape
    return x.reshape(batch, time, heads, width // heads).permute(0, 2, 3, 1)


split_heads.equivalent(
    "`return x.reshape(batch, time, heads, width // heads).transpose(1, 2)` → "
    "`return x.reshape(batch, time, heads, width // heads).transpose(2, 1)`",
    because="exchanging two dimensions has no order",
)
split_heads.hint("First give the last dimension two parts, then move one of them forward.")
split_heads.hint("`x.reshape(batch, time, heads, width // heads)`, then `.transpose(1, 2)`.")
split_heads.hint("Print one word of `x` and follow where its numbers go.", when="value")
split_heads.hint("A reshape never changes the order of the numbers in memory.", when="order")
split_heads.hint("Which four sizes, and in which order?", when="shape")

# ------------------------------------------------------------------ MultiHeadAttention

MultiHeadAttention = Exercise("MultiHeadAttention", minutes=20, difficulty=3)

_PROJECTIONS = ("query", "key", "value", "out")


def _expected_attention(module: nn.Module, x: Tensor, heads: int) -> Tensor:
    """Causal attention from the module's four matrices, head by head, by torch's own kernel."""
    query, key, value, out = (getattr(module, name).weight.detach() for name in _PROJECTIONS)
    size, parts = x.shape[-1] // heads, []
    for h in range(heads):
        rows = slice(h * size, (h + 1) * size)
        q, k, v = (torch.einsum("btc,oc->bto", x, w[rows]) for w in (query, key, value))
        parts.append(F.scaled_dot_product_attention(q, k, v, is_causal=True))
    return torch.einsum("btc,oc->bto", torch.cat(parts, dim=-1), out)


def _attention_parts(module: nn.Module, width: int) -> bool:
    if not _has(module, "the layer", *_PROJECTIONS):
        return False
    shapes = [tuple(getattr(module, name).weight.shape) for name in _PROJECTIONS]
    expect(shapes, "the shapes of the four weights").equals([(width, width)] * 4)
    expect(_size(module), "its number of parameters").equals(4 * width**2)
    return shapes == [(width, width)] * 4


@MultiHeadAttention.property("has four square matrices and nothing else")
def _(answer, draw: Draw) -> None:
    _attention_parts(answer(6, 2), 6)


@MultiHeadAttention.property("agrees with torch's causal attention, head by head", trials=5)
def _(answer, draw: Draw) -> None:
    heads = 1 + draw.size % 3
    width, time = 4 * heads, min(draw.size, 6)
    module, x = answer(width, heads), normals(draw, 2, time, width)
    if _attention_parts(module, width):
        fill_with_normals(module, draw)
        expect(module(x), "the output").close_to(_expected_attention(module, x, heads), atol=1e-4)


@MultiHeadAttention.property("does not let the future change the past")
def _(answer, draw: Draw) -> None:
    module, x = answer(8, 2), normals(draw, 1, 6, 8)
    if _attention_parts(module, 8):
        fill_with_normals(module, draw)
        other = x.clone()
        other[:, 3:] += 1 + normals(draw, 1, 3, 8).abs()
        change = (module(other) - module(x))[:, :3].abs().max()
        expect(change, "the change at words 0 to 2 when words 3 to 5 change").close_to(0, atol=1e-5)


@MultiHeadAttention.property("keeps its last weights in `weights`")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2), normals(draw, 3, 5, 4)
    module(x)
    weights: Any = getattr(module, "weights", None)
    expect(weights, "module.weights").is_a(torch.Tensor)
    expect(weights, "module.weights").has_shape(3, 2, 5, 5)
    expect(torch.as_tensor(weights).sum(-1), "their sums along the last dimension").close_to(
        np.ones((3, 2, 5)), atol=1e-5
    )
    expect(weights.requires_grad, "whether they are tied to the gradient").equals(False)
    if _attention_parts(module, 4):
        causal, rows = torch.ones(5, 5).tril().bool(), []
        for h in (slice(0, 2), slice(2, 4)):
            q, k = (x[1] @ part.weight.detach()[h].T for part in (module.query, module.key))
            rows.append(_weights_by_hand(q, k, causal))
        expect(weights[1], "module.weights of one window").close_to(np.stack(rows), atol=1e-5)


@MultiHeadAttention.property("lets the gradient reach all four matrices")
def _(answer, draw: Draw) -> None:
    module, x = answer(4, 2), normals(draw, 2, 5, 4)
    fill_with_normals(module, draw)
    module(x).square().sum().backward()
    reached = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters()]
    expect(sum(reached), "how many of 4 matrices got a gradient").equals(4)


class _Attention(nn.Module):
    """A right layer, which the mistakes below spoil in one place each."""

    habits: dict[str, bool] = {}

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        bias = "bias" in self.habits
        self.query, self.key, self.value, self.out = (
            nn.Linear(width, width, bias=bias) for _ in range(4)
        )

    def _split(self, x):
        batch, time, width = x.shape
        if "reshapes" in self.habits:
            return x.reshape(batch, self.heads, time, width // self.heads)
        return x.reshape(batch, time, self.heads, width // self.heads).transpose(1, 2)

    def _attend_once(self, x):
        scores = self.query(x) @ self.key(x).transpose(-1, -2) / math.sqrt(x.shape[-1])
        future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        self.weights = scores.masked_fill(future, -math.inf).softmax(-1).detach()
        return self.out(self.weights @ self.value(x))

    def forward(self, x):
        batch, time, width = x.shape
        if "one_head" in self.habits:
            return self._attend_once(x)
        q, k, v = (self._split(part(x)) for part in (self.query, self.key, self.value))
        if "swaps" in self.habits:
            q, k = k, q
        root = math.sqrt(width if "full_width" in self.habits else width // self.heads)
        root = 1.0 if "unscaled" in self.habits else root
        scores = q @ k.transpose(-1, -2) / root
        mask = torch.ones(time, time, dtype=torch.bool).tril()
        mask = mask.T if "transposed" in self.habits else mask
        if "leaks" not in self.habits:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(-1)
        self.weights = weights if "attached" in self.habits else weights.detach()
        mixed = weights @ v
        if "joins_badly" not in self.habits:
            mixed = mixed.transpose(1, 2)
        mixed = mixed.reshape(batch, time, width)
        return mixed if "no_out" in self.habits else self.out(mixed)


@MultiHeadAttention.mistake(
    "There is no causal mask: every word looks at the words after it, and the loss will be "
    "wonderful for the wrong reason."
)
class Leaks(_Attention):
    habits = {"leaks": True}


@MultiHeadAttention.mistake("Your mask is transposed: each word sees the future and not the past.")
class LooksForward(_Attention):
    habits = {"transposed": True}


@MultiHeadAttention.mistake(
    "You divided by the square root of the whole width. A head's dot product has width/heads "
    "terms, so it is √(width/heads)."
)
class ScaledByFullWidth(_Attention):
    habits = {"full_width": True}


@MultiHeadAttention.mistake("The scores are not divided by √(width/heads).")
class Unscaled(_Attention):
    habits = {"unscaled": True}


@MultiHeadAttention.mistake(
    "The output projection is missing: the heads lie side by side and are never mixed. Send the "
    "joined result through `out`."
)
class WithoutOut(_Attention):
    habits = {"no_out": True}


@MultiHeadAttention.mistake(
    "You joined the heads with a reshape alone. Transpose heads and time back first, or the words "
    "are mixed up."
)
class JoinsBadly(_Attention):
    habits = {"joins_badly": True}


@MultiHeadAttention.mistake(
    "You split into heads with a reshape alone, which mixes times and heads. Use your split_heads."
)
class SplitsBadly(_Attention):
    habits = {"reshapes": True}


@MultiHeadAttention.mistake(
    "Queries and keys have changed places: `query` belongs to the word that looks, `key` to the "
    "word that is looked at."
)
class SwapsQueryAndKey(_Attention):
    habits = {"swaps": True}


@MultiHeadAttention.mistake(
    "There is one head as wide as the whole layer. Send queries, keys and values through "
    "split_heads before they meet."
)
class OneWideHead(_Attention):
    habits = {"one_head": True}


@MultiHeadAttention.mistake("Your four projections have a bias. Here they have none: bias=False.")
class WithBias(_Attention):
    habits = {"bias": True}


@MultiHeadAttention.mistake(
    "The weights you keep are still part of the graph, and hold the memory of the whole pass. "
    "Keep weights.detach()."
)
class AttachedWeights(_Attention):
    habits = {"attached": True}


MultiHeadAttention.equivalent(
    "`return self.out(mixed.transpose(1, 2).reshape(x.shape))` → "
    "`return self.out(mixed.transpose(2, 1).reshape(x.shape))`",
    because="exchanging two dimensions has no order",
)
MultiHeadAttention.hint("Project three times, split, attend, join, project once more.")
MultiHeadAttention.hint("Joining undoes splitting: `.transpose(1, 2).reshape(batch, time, width)`.")
MultiHeadAttention.hint(
    "With heads split off, your `attention` divides by the right √d.", when="value"
)
MultiHeadAttention.hint("`nn.Linear(width, width, bias=False)`, four times.", when="type")
MultiHeadAttention.hint(
    "What is the shape after attention, and what was it before the split?", when="shape"
)

# ------------------------------------------------------------------------------- Block

Block = Exercise("Block", minutes=12, difficulty=2)


def _normed(norm: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], norm.weight, norm.bias)


def _expected_block(block: Any, x: Tensor, heads: int) -> Tensor:
    first, second = (part for part in block.mlp.modules() if isinstance(part, nn.Linear))
    x = x + _expected_attention(block.attention, _normed(block.norm1, x), heads)
    hidden = F.gelu(_normed(block.norm2, x) @ first.weight.T + first.bias)
    return (x + hidden @ second.weight.T + second.bias).detach()


def _block_parts(block: Any, width: int) -> bool:
    if not _has(block, "the block", "norm1", "attention", "norm2", "mlp"):
        return False
    linears = [part for part in block.mlp.modules() if isinstance(part, nn.Linear)]
    shapes = [tuple(part.weight.shape) for part in linears]
    expect(shapes, "the shapes of the weights in mlp").equals(
        [(4 * width, width), (width, 4 * width)]
    )
    expect(_size(block), "its number of parameters").equals(12 * width**2 + 9 * width)
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
        expect(block(x), "the output").close_to(_expected_block(block, given, heads), atol=1e-4)
        expect(x, "the input after the call").close_to(given)


@Block.property("hands x on untouched when both branches are silent")
def _(answer, draw: Draw) -> None:
    block, x = answer(4, 2), normals(draw, 2, 3, 4)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.zero_()
    expect(block(x), "the output with all parameters 0").close_to(x)


class _Block(nn.Module):
    """A right block, which the mistakes below spoil in one place each."""

    def __init__(self, width, heads, inside=4, bend: type[nn.Module] = nn.GELU):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = _Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, inside * width), bend(), nn.Linear(inside * width, width)
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


@Block.mistake(
    "You normalise after adding: that is post-norm, the block of 2017. Here the norm stands inside "
    "the branch, before attention and before the MLP, so that x itself passes untouched."
)
class PostNorm(_Block):
    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


@Block.mistake("Both skips are missing: add x to what attention and MLP return.")
class NoSkips(_Block):
    def forward(self, x):
        return self.mlp(self.norm2(self.attention(self.norm1(x))))


@Block.mistake("The skip around the attention is missing: x + attention(norm1(x)).")
class NoFirstSkip(_Block):
    def forward(self, x):
        x = self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


@Block.mistake("The skip around the MLP is missing: x + mlp(norm2(x)).")
class NoSecondSkip(_Block):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return self.mlp(self.norm2(x))


@Block.mistake(
    "The normalised x travels along the skip. Add the branch to x as it came: the skip is there to "
    "carry it unchanged."
)
class NormOnTheSkip(_Block):
    def forward(self, x):
        x = self.norm1(x)
        x = x + self.attention(x)
        x = self.norm2(x)
        return x + self.mlp(x)


@Block.mistake("There is no norm before attention and MLP. Use norm1 and norm2.")
class NoNorm(_Block):
    def forward(self, x):
        x = x + self.attention(x)
        return x + self.mlp(x)


@Block.mistake("You used norm1 twice. The MLP has a norm of its own, norm2.")
class OneNorm(_Block):
    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm1(x))


@Block.mistake(
    "Attention and MLP run side by side on the same x. Here the MLP reads what the attention added."
)
class Parallel(_Block):
    def forward(self, x):
        return x + self.attention(self.norm1(x)) + self.mlp(self.norm2(x))


@Block.mistake(
    "`x += …` writes into the tensor that was handed in, and the norm needs the old numbers for "
    "its gradient. Make a new tensor: x = x + …"
)
class InPlace(_Block):
    def forward(self, x):
        x += self.attention(self.norm1(x))
        x += self.mlp(self.norm2(x))
        return x


@Block.mistake("The MLP comes first in your block. First gather (attention), then think (MLP).")
class MlpFirst(_Block):
    def forward(self, x):
        x = x + self.mlp(self.norm2(x))
        return x + self.attention(self.norm1(x))


@Block.mistake("Your MLP bends with ReLU. This page uses nn.GELU().")
class WithRelu(_Block):
    def __init__(self, width, heads):
        super().__init__(width, heads, bend=nn.ReLU)


@Block.mistake("There is no bend between the two layers of your MLP: put nn.GELU() there.")
class WithoutBend(_Block):
    def __init__(self, width, heads):
        super().__init__(width, heads, bend=nn.Identity)


@Block.mistake("Your MLP is as narrow inside as outside. Here it is four times as wide inside.")
class NarrowMlp(_Block):
    def __init__(self, width, heads):
        super().__init__(width, heads, inside=1)


Block.hint("Two lines in forward, of the same form: x = x + branch(norm(x)).")
Block.hint("`nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))`.")
Block.hint("Set all parameters to 0 in thought. What must come out?", when="value")
Block.hint("How wide is the MLP inside? Which layers have a bias?", when="factor")
Block.hint("A LayerNorm over `width` numbers: nn.LayerNorm(width).", when="error")

# ------------------------------------------------------------------- CausalTransformer

CausalTransformer = Exercise("CausalTransformer", minutes=25, difficulty=3)

_PARTS = ("token", "position", "blocks", "norm")


def _expected_logits(model: Any, x: Tensor, heads: int) -> Tensor:
    for block in model.blocks:
        x = _expected_block(block, x, heads)
    return _normed(model.norm, x).detach() @ model.token.weight.detach().T


def _model_parts(model: Any, V: int, C: int, width: int, layers: int) -> bool:
    if not _has(model, "the model", *_PARTS):
        return False
    tables = [tuple(model.token.weight.shape), tuple(model.position.weight.shape)]
    expect(tables, "the shapes of the two tables").equals([(V, width), (C, width)])
    expect(len(list(model.blocks)), "the number of blocks").equals(layers)
    count = (V + C + 2) * width + layers * (12 * width**2 + 9 * width)
    expect(_size(model), "its number of parameters").equals(count)
    return tables == [(V, width), (C, width)] and _size(model) == count


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
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))
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

# ---------------------------------------------------------------------- next_word_loss

next_word_loss = Exercise("next_word_loss", minutes=5, difficulty=1)


def _surprises(logits: Tensor, targets: Tensor) -> np.ndarray:
    """The negative log-probability of every target, place by place."""
    rows = logits.double().numpy().reshape(-1, logits.shape[-1])
    chosen = targets.numpy().reshape(-1)
    return np.array(
        [math.log(np.exp(row - row.max()).sum()) + row.max() - row[w]
         for row, w in zip(rows, chosen, strict=True)]
    )  # fmt: skip


@next_word_loss.property("is the mean surprise over all places of all windows", trials=5)
def _(answer, draw: Draw) -> None:
    time = 1 + draw.size
    logits, targets = normals(draw, 3, time, 4), token_tensor(draw, 4, 3, time)
    expect(answer(logits, targets), "the loss").close_to(_surprises(logits, targets).mean())


@next_word_loss.property("is log(vocabulary) when nothing is preferred")
def _(answer, draw: Draw) -> None:
    loss = answer(torch.zeros(2, 3, 8), token_tensor(draw, 8, 2, 3))
    expect(loss, "the loss").close_to(math.log(8))
    expect(loss, "the loss").has_shape()


@next_word_loss.property("survives logits in the hundreds")
def _(answer, draw: Draw) -> None:
    logits, targets = 200 * normals(draw, 2, 3, 5), token_tensor(draw, 5, 2, 3)
    expect(answer(logits, targets), "the loss").is_finite().close_to(
        _surprises(logits, targets).mean()
    )


@next_word_loss.property("is a tensor through which the gradient flows")
def _(answer, draw: Draw) -> None:
    logits, targets = normals(draw, 2, 3, 5).requires_grad_(), token_tensor(draw, 5, 2, 3)
    loss = answer(logits, targets)
    expect(loss, "the loss").is_a(torch.Tensor)
    expect(getattr(loss, "requires_grad", False), "whether a gradient can flow").equals(True)


@next_word_loss.mistake(
    "Your loss is a plain number, or cut off from its gradient: `backward` has nowhere to go. "
    "Return the tensor; `.item()` comes in the training loop."
)
def plain_number(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()


@next_word_loss.mistake(
    "You brought the vocabulary to dimension 1 with a reshape, which mixes places and words. "
    "Flatten batch and time into one dimension, or transpose."
)
def reshaped_axes(logits, targets):
    batch, time, words = logits.shape
    return F.cross_entropy(logits.reshape(batch, words, time), targets)


@next_word_loss.mistake("You judge the last place alone. All places count: that is the bargain.")
def last_place(logits, targets):
    return F.cross_entropy(logits[:, -1], targets[:, -1])


@next_word_loss.mistake(
    "You shifted the targets once more. `windows_at` has done it: logits[:, t] belong to "
    "targets[:, t]."
)
def shifted_twice(logits, targets):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())


@next_word_loss.mistake("You summed. A mean keeps long and short windows comparable.")
def summed_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


@next_word_loss.mistake("You summed over the places of a window. Average over them too.")
def summed_over_time(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) * logits.shape[1]


@next_word_loss.mistake(
    "You applied softmax before cross_entropy, which contains it: the probabilities are then "
    "treated as logits."
)
def softmax_first(logits, targets):
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten())


@next_word_loss.mistake("That is the perplexity, exp of the loss. Return the loss itself.")
def perplexity_instead(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).exp()


@next_word_loss.mistake("The sign is flipped: a loss is minus the log-probability.")
def log_probability(logits, targets):
    return -F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@next_word_loss.mistake("You returned one loss for each place. The loss is their mean.")
def one_for_each_place(logits, targets):
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


next_word_loss.hint("Every place of every window is one classification. Make a list of them.")
next_word_loss.hint("`logits.flatten(0, 1)` has shape (batch · time, vocabulary).")
next_word_loss.hint("Did a reshape change which numbers lie together?", when="value")
next_word_loss.hint("By how many places do you divide?", when="factor")
next_word_loss.hint("One number for the whole batch.", when="shape")

# --------------------------------------------------------------------------- influence

influence = Exercise("influence", minutes=10, difficulty=3)


class Mixer:
    """A function whose slopes are known: f(x)[t, v] = Σ A[t, s] · x[s, j] · W[j, v] (+ squares)."""

    def __init__(self, places: Tensor, words: Tensor) -> None:
        self.places, self.words = places, words

    def __call__(self, x: Tensor) -> Tensor:
        return self.places @ x @ self.words

    def __repr__(self) -> str:
        return "a function with f(x) = A · x · W"


@influence.property("is the largest slope between every two places", trials=5)
def _(answer, draw: Draw) -> None:
    time = min(draw.size, 6)
    places, words = normals(draw, time, time), normals(draw, 3, 4)
    expected = places.abs() * words.abs().max()
    found = answer(Mixer(places, words), normals(draw, time, 3))
    expect(found, "the influence").has_shape(time, time)
    expect(found, "the influence").close_to(expected, atol=1e-5)


@influence.property("is exactly 0 above the diagonal for a causal function")
def _(answer, draw: Draw) -> None:
    places = (normals(draw, 5, 5).abs() + 0.1).tril()
    words = normals(draw, 3, 4)
    found = torch.as_tensor(answer(Mixer(places, words), normals(draw, 5, 3)))
    expect(found, "the influence").close_to(places * words.abs().max(), atol=1e-5)
    expect(found.triu(1).abs().max(), "the largest influence of the future").equals(0.0)


@influence.property("is a slope at x, not a difference")
def _(answer, draw: Draw) -> None:
    x = normals(draw, 3, 1)
    found = answer(torch.square, x)
    expect(found, "the influence when f squares").close_to(torch.diag(2 * x[:, 0].abs()), atol=1e-4)


def _jacobian(f, x):
    return torch.autograd.functional.jacobian(f, x)


@influence.mistake(
    "Your table is transposed: row t is the place that is predicted, column s the place that is "
    "nudged."
)
def transposed_influence(f, x):
    return _jacobian(f, x).abs().amax((1, 3)).T


@influence.mistake(
    "You added the slopes with their signs, so that they cancel, and a leak can hide. Take the "
    "largest absolute one."
)
def signed_sum(f, x):
    return _jacobian(f, x).sum((1, 3))


@influence.mistake("You took the largest slope with its sign. A slope of −3 is an influence of 3.")
def signed_maximum(f, x):
    return _jacobian(f, x).amax((1, 3))


@influence.mistake("You added up the absolute slopes. The page asks for the largest of them.")
def absolute_sum(f, x):
    return _jacobian(f, x).abs().sum((1, 3))


@influence.mistake(
    "You took the gradient of the sum over v. Slopes of different words cancel in it; look at each "
    "logit alone."
)
def summed_over_words(f, x):
    return _jacobian(f, x).sum(1).abs().amax(2)


@influence.mistake("You averaged the absolute slopes. The page asks for the largest of them.")
def absolute_mean(f, x):
    return _jacobian(f, x).abs().mean((1, 3))


@influence.mistake("You looked at the first logit alone. A leak may show in any of them.")
def first_word_only(f, x):
    return _jacobian(f, x)[:, 0].abs().amax(2)


@influence.mistake("You returned the whole table of slopes. Take the largest over v and j.")
def whole_jacobian(f, x):
    return _jacobian(f, x)


influence.hint(
    "There are time · vocabulary outputs; each has a slope to each of time · width inputs."
)
influence.hint(
    "`torch.autograd.functional.jacobian(f, x)` has shape (time, vocabulary, time, width)."
)
influence.hint("`.abs()` first, then `.amax(dim=(1, 3))`.", when="value")
influence.hint("Which dimension is the output's place, which the input's?", when="transposed")
influence.hint("Two of the four dimensions must go.", when="shape")
influence.equivalent(
    "`return jacobian.abs().amax(dim=(1, 3))` → `return jacobian.abs().amax(dim=(3, 1))`",
    because="a maximum over two dimensions has no order",
)

# ---------------------------------------------------------------------------- evaluate

evaluate = Exercise("evaluate", minutes=12, difficulty=2, changes=("model",))


class Table(nn.Module):
    """Logits are a row for the word plus one for its place; it notes what it saw."""

    def __init__(self, words: Tensor, places: Tensor) -> None:
        super().__init__()
        self.words, self.places = nn.Parameter(words.clone()), nn.Parameter(places.clone())
        self.modes: list[bool] = []
        self.recorded: list[bool] = []
        self.inputs: list[Tensor] = []

    def forward(self, tokens: Tensor) -> Tensor:
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        self.inputs.append(tokens.detach().clone())
        if tokens.shape[1] > len(self.places):
            raise ValueError(f"{tokens.shape[1]} words are more than the context takes")
        return self.words[tokens] + self.places[: tokens.shape[1]]

    def __repr__(self) -> str:
        return f"a small model of {len(self.words)} words with a context of {len(self.places)}"


def _table(draw: Draw, vocabulary: int, context: int) -> Table:
    return Table(normals(draw, vocabulary, vocabulary), normals(draw, context, vocabulary))


def _table_surprises(model: Table, tokens: Tensor, context: int) -> np.ndarray:
    """The surprise at each word but the first, when every window begins where the last ended."""
    words, places = model.words.detach(), model.places.detach()
    rows = [words[int(w)] + places[t % context] for t, w in enumerate(tokens[:-1])]
    return _surprises(torch.stack(rows), tokens[1:])


@evaluate.property("averages over every word but the first, each predicted once", trials=5)
def _(answer, draw: Draw) -> None:
    context = min(1 + draw.size, 5)
    model, tokens = _table(draw, 4, context), token_tensor(draw, 4, 3 * context + 1)
    expected = _table_surprises(model, tokens, context).mean()
    expect(answer(model, tokens, context), "the loss").close_to(expected)


@evaluate.property("counts the short window at the end, word by word", trials=3)
def _(answer, draw: Draw) -> None:
    model, tokens = _table(draw, 4, 4), token_tensor(draw, 4, 4 * draw.size + 3)
    expected = _table_surprises(model, tokens, 4).mean()
    expect(answer(model, tokens, 4), "the loss").close_to(expected)


@evaluate.property("works when the text is shorter than the context")
def _(answer, draw: Draw) -> None:
    model, tokens = _table(draw, 4, 6), token_tensor(draw, 4, 3)
    expect(answer(model, tokens, 6), "the loss").close_to(_table_surprises(model, tokens, 6).mean())


@evaluate.property("evaluates in evaluation mode, without recording gradients")
def _(answer, draw: Draw) -> None:
    model = _table(draw, 4, 3).train()
    loss = answer(model, token_tensor(draw, 4, 8), 3)
    expect(any(model.modes), "whether the model was in training mode").equals(False)
    expect(any(model.recorded), "whether gradients were recorded").equals(False)
    expect(loss, "the loss").is_a(float)


def _judge(model, tokens, context, **habits):
    """An evaluation with one bad habit, named by keyword: what the mistakes below share."""
    if not habits.get("trains"):
        model.eval()
    total, count, means = 0.0, 0, []
    offset = 0 if habits.get("not_offset") else 1
    step = 1 if habits.get("overlaps") else context
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for start in range(0, len(tokens) - 1, step):
            x = tokens[start : start + context]
            y = tokens[start + offset : start + context + offset]
            x = x[: len(y)] if offset else x[: min(context, len(tokens) - 1 - start)]
            y = y[: len(x)]
            if habits.get("drops_rest") and len(x) < context and count:
                break
            surprises = F.cross_entropy(model(x[None])[0], y, reduction="none")
            surprises = surprises[-1:] if habits.get("last_only") else surprises
            total, count = total + surprises.sum().item(), count + len(surprises)
            means.append(surprises.mean().item())
    if habits.get("summed"):
        return total
    return float(np.mean(means)) if habits.get("mean_of_means") else total / count


def _judging(name, habit):
    def answer(model, tokens, context):
        return _judge(model, tokens, context, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "mean_of_means", "mean_of_means",
        "You averaged the means of the windows, so each word of the short last window counts "
        "for more. Add the surprises and divide by the number of words predicted.",
    ),
    (
        "dropped_rest", "drops_rest",
        "You dropped the short window at the end. Its words count too.",
    ),
    (
        "in_training_mode", "trains",
        "You evaluated in whichever mode the model came: call model.eval() first. Layers such "
        "as dropout behave differently in the two.",
    ),
    (
        "with_gradients", "records",
        "You recorded gradients for a number that is never differentiated. Evaluate under "
        "torch.no_grad().",
    ),
    (
        "summed_surprise", "summed",
        "You returned the sum of the surprises. Divide by the number of words predicted.",
    ),
    (
        "evaluated_without_offset", "not_offset",
        "Your targets are the inputs themselves. They are offset by one.",
    ),
    (
        "judged_last_place", "last_only",
        "You judged the last place of each window alone. Every place predicts.",
    ),
    (
        "overlapping_windows", "overlaps",
        "Your windows overlap, so that most words are predicted many times. A new window begins"
        " where the last one ended.",
    ),
):  # fmt: skip
    evaluate.mistake(_message)(_judging(_name, _habit))


@evaluate.mistake(
    "You cut the text into pieces and predict inside each, so that the first word of a piece is "
    "never predicted. A window of N inputs needs N + 1 words of the text."
)
def predicted_inside_pieces(model, tokens, context):
    model.eval()
    surprises = []
    with torch.no_grad():
        for piece in tokens.split(context):
            if len(piece) > 1:
                logits = model(piece[None, :-1])[0]
                surprises += F.cross_entropy(logits, piece[1:], reduction="none").tolist()
    return sum(surprises) / len(surprises)


@evaluate.mistake("You returned the perplexity. Return the mean surprise; exp comes later.")
def perplexity_of_text(model, tokens, context):
    return math.exp(_judge(model, tokens, context))


@evaluate.mistake("You divided by the number of words. The first one is never predicted: n − 1.")
def divided_by_all(model, tokens, context):
    return _judge(model, tokens, context) * (len(tokens) - 1) / len(tokens)


for _size_of_batch in (63, 65):
    evaluate.equivalent(
        "`pieces = [(batch * context, context) for batch in torch.arange(whole).split(64)]` → "
        "`pieces = [(batch * context, context) for batch in "
        f"torch.arange(whole).split({_size_of_batch})]`",
        because="how many windows go through the model at once does not change the sum",
    )
evaluate.hint("Walk through the text in steps of `context`; the last step may be short.")
evaluate.hint("Add up loss · words in each window, then divide by the words predicted, n − 1.")
evaluate.hint("`min(context, len(tokens) - 1 - start)` is the length of a window.", when="value")
evaluate.hint("Is the last window longer than what is left of the text?", when="error")
evaluate.hint("`.item()` makes a Python float.", when="type")

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=20, difficulty=3, changes=("model", "optimiser", "generator"))


def _run(answer, model: Table, tokens: Tensor, context: int, batch: int, rates, seed: int):
    return answer(model, tokens, context, batch, rates, PlainDescent(model), torch_generator(seed))


def _only_window(draw: Draw, context: int = 4) -> tuple[Table, Tensor]:
    """A text into which one window fits, so that chance has no say."""
    return _table(draw, 5, context), token_tensor(draw, 5, context + 1)


@train.property("predicts the next word at every place, and records the loss before the step")
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    expected = _table_surprises(model, tokens, 4).mean()
    losses = _run(answer, model, tokens, 4, 2, [0.0, 0.0], draw.seed())
    expect(losses, "the losses at a learning rate of 0").close_to([expected, expected])


@train.property("takes one step at each rate, along that step's gradient alone", trials=3)
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    twin = [model.words.detach().clone(), model.places.detach().clone()]
    rates, expected = [0.5, 2.0, 1.0], []
    for rate in rates:
        twin = [part.requires_grad_() for part in twin]
        logits = twin[0][tokens[:-1]] + twin[1]
        picked = logits.log_softmax(-1)[torch.arange(4), tokens[1:]]
        expected.append(-picked.mean().item())
        slopes = torch.autograd.grad(-picked.mean(), twin)
        twin = [(part - rate * s).detach() for part, s in zip(twin, slopes, strict=True)]
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)  # left over from before
    losses = _run(answer, model, tokens, 4, 3, rates, draw.seed())
    expect(losses, "the losses").close_to(expected, atol=1e-5)
    expect(model.words, "the parameters afterwards").close_to(twin[0], atol=1e-5)


@train.property("draws every window that has room for its targets, and no other")
def _(answer, draw: Draw) -> None:
    tokens = torch.arange(7)
    model = _table(draw, 7, 4)
    _run(answer, model, tokens, 4, 40, [0.0] * 12, draw.seed())
    shapes = sorted({tuple(x.shape) for x in model.inputs})
    expect(shapes, "the shapes of the batches").equals([(40, 4)])
    starts = torch.cat([x[:, 0] for x in model.inputs])
    expect(sorted(set(starts.tolist())), "the starts that were drawn").equals([0, 1, 2])
    expect(
        len({tuple(x[:, 0].tolist()) for x in model.inputs}) > 6, "whether the batches differ"
    ).equals(True)


@train.property("takes its windows from the generator it was given")
def _(answer, draw: Draw) -> None:
    seen = []
    seed = draw.seed()
    for number in (seed, seed, seed + 1):
        model = _table(draw, 40, 3)
        _run(answer, model, torch.arange(40), 3, 6, [0.0] * 3, number)
        seen.append([x.tolist() for x in model.inputs])
    expect(seen[0] == seen[1], "whether the same seed gives the same windows").equals(True)
    expect(seen[0] == seen[2], "whether another seed gives the same windows").equals(False)


@train.property("trains in training mode")
def _(answer, draw: Draw) -> None:
    model, tokens = _only_window(draw)
    model.eval()
    losses = _run(answer, model, tokens, 4, 1, [0.0, 0.0, 0.0], draw.seed())
    expect(sum(model.modes), "how many of 3 steps were in training mode").equals(3)
    expect(len(losses), "how many losses there are").equals(3)
    expect(all(isinstance(loss, float) for loss in losses), "plain floats").equals(True)


def _learn(model, tokens, context, batch_size, rates, optimiser, generator, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    if habits.get("evaluates"):
        model.eval()
    else:
        model.train()
    losses = []
    high = max(1, len(tokens) - context - habits.get("short", 0))
    source = None if habits.get("ignores_generator") else generator
    for step, rate in enumerate(rates):
        if habits.get("without_repeats"):
            starts = torch.randperm(high, generator=source)[:batch_size]
        elif step == 0 or not habits.get("one_batch"):
            starts = torch.randint(high, (batch_size,), generator=source)
        starts = torch.zeros_like(starts) if habits.get("first_window") else starts
        places = starts[:, None] + torch.arange(context)
        x, y = tokens[places], tokens[places + (0 if habits.get("not_offset") else 1)]
        if not habits.get("fixed_rate") and not habits.get("late_rate"):
            for group in optimiser.param_groups[: 1 if habits.get("first_group") else None]:
                group["lr"] = rates[0] if habits.get("first_rate") else rate
        logits = model(x)
        if habits.get("last_only"):
            logits, y = logits[:, -1:], y[:, -1:]
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        if not habits.get("accumulates") and not habits.get("clears_after"):
            optimiser.zero_grad()
        loss.backward()
        if habits.get("clears_late"):
            optimiser.zero_grad()
        optimiser.step()
        if habits.get("clears_after"):
            optimiser.zero_grad()
        if habits.get("late_rate"):
            for group in optimiser.param_groups:
                group["lr"] = rate
        if habits.get("loss_after"):
            with torch.no_grad():
                loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        losses.append(loss.detach() if habits.get("tensors") else loss.item())
    return losses


def _learning(name, habit):
    # Its parameters have names, so that the engine knows which arguments may be changed.
    def answer(model, tokens, context, batch_size, rates, optimiser, generator):
        return _learn(
            model, tokens, context, batch_size, rates, optimiser, generator, **{habit: True}
        )

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "trained_without_offset", "not_offset",
        "Your targets are the inputs themselves: the model learns to repeat the word it sees. "
        "Take them from windows_at, offset by one.",
    ),
    (
        "trained_on_last_place", "last_only",
        "You train on the last place of each window alone. All N places predict at once: that "
        "is what makes the transformer cheap to train.",
    ),
    (
        "gradients_pile_up", "accumulates",
        "Gradients pile up from step to step, and from before: call optimiser.zero_grad() "
        "before loss.backward().",
    ),
    (
        "cleared_too_late", "clears_late",
        "You cleared the gradient between backward and step, so that nothing moves. Clear it "
        "before backward.",
    ),
    (
        "rate_not_set", "fixed_rate",
        "The learning rates never reach the optimiser. Before each step set group['lr'] = rate "
        "in every group of optimiser.param_groups.",
    ),
    (
        "first_rate_only", "first_rate",
        "Every step used the first rate. Set the rate anew before each step.",
    ),
    (
        "rate_set_late", "late_rate",
        "You set the rate after the step, so that each step uses the one before. Set it first.",
    ),
    (
        "first_group_only", "first_group",
        "Only the first group of optimiser.param_groups gets the rate. There may be several: set "
        "it in each.",
    ),
    (
        "cleared_after_step", "clears_after",
        "You clear the gradient after the step, so that what was left over before the first one "
        "still counts. Clear it before backward.",
    ),
    (
        "one_batch_for_all", "one_batch",
        "Every step trains on the same windows: the starts are drawn once. Draw them inside the "
        "loop.",
    ),
    (
        "starts_without_repeats", "without_repeats",
        "You shuffle the starts, so that none comes twice and a batch has no more windows than "
        "there are starts. Draw each on its own: torch.randint.",
    ),
    (
        "never_the_last_window", "short",
        "The last window of the text is never drawn: the starts run from 0 to n − context − 1, "
        "which is torch.randint(n − context, …), since its upper end is left out.",
    ),
    (
        "global_randomness", "ignores_generator",
        "Your windows do not come from the generator that was handed in. Pass "
        "generator=generator to torch.randint.",
    ),
    (
        "always_the_first_window", "first_window",
        "You always train on the first window. Draw new starts at every step.",
    ),
    (
        "trained_in_evaluation_mode", "evaluates",
        "The model was left in evaluation mode. Call model.train() before the loop.",
    ),
    (
        "recorded_after_step", "loss_after",
        "You recorded each loss after its step. Record the one the gradient came from.",
    ),
    (
        "recorded_tensors", "tensors",
        "Your losses are tensors. `loss.item()` keeps a plain number and lets go of the rest.",
    ),
):  # fmt: skip
    train.mistake(_message)(_learning(_name, _habit))

train.hint(
    "One pass through the loop for each rate: draw, cut, loss, clear, backward, set rate, step."
)
train.hint("`torch.randint(high, (batch_size,), generator=generator)` draws from 0 to high − 1.")
train.hint("How many starts are there when one window fits exactly?", when="error")
train.hint("Try a rate of 0: all losses must then be those of the start.", when="value")
train.hint("As many losses as rates.", when="length")
