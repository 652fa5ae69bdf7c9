"""How `distinct_share` is judged: lines compared one with another."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import completions, drawn_lengths, mask_of

distinct_share = Exercise("distinct_share", minutes=10, difficulty=1, returns=float)


def _compared(tokens: Tensor, mask: Tensor) -> float:
    lines = [
        [token for token, real in zip(*pair, strict=True) if real]
        for pair in zip(tokens.tolist(), mask.tolist(), strict=True)
    ]
    first = [all(line != other for other in lines[:i]) for i, line in enumerate(lines)]
    return sum(first) / len(lines)


def _expect_share(answer, tokens: Tensor, mask: Tensor) -> None:
    expect(answer(tokens, mask), "the share").close_to(_compared(tokens, mask))


@distinct_share.property("counts each different line once", trials=5)
def _(answer, draw: Draw) -> None:
    places = 4
    lengths = drawn_lengths(draw, draw.size + 1, places)
    tokens, mask = completions(draw, lengths, places, words=30), mask_of(lengths, places)
    rows = torch.tensor(draw.integers(0, len(tokens), len(tokens) + 3))
    _expect_share(answer, tokens[rows], mask[rows])


@distinct_share.property("does not look at the padding", trials=4)
def _(answer, draw: Draw) -> None:
    lengths = [2, 2, 4, 3, 3]
    tokens, mask = completions(draw, lengths, 4), mask_of(lengths, 4)
    tokens[1, :2] = tokens[0, :2]
    tokens[4, :3] = tokens[3, :3]
    for row in range(5):
        tokens[row, lengths[row] :] = draw.integers(2, 12) + row
    _expect_share(answer, tokens, mask)


@distinct_share.property("tells lines apart that differ in length or order alone", trials=2)
def _(answer, draw: Draw) -> None:
    tokens = torch.tensor([[5, 7, 9, 1], [7, 5, 9, 1], [9, 7, 5, 1], [5, 9, 7, 1], [5, 7, 9, 1]])
    _expect_share(answer, tokens, mask_of([4, 4, 4, 4, 4], 4))
    tokens = torch.tensor([[5, 0, 0, 0], [5, 0, 0, 0], [5, 0, 0, 0]])
    _expect_share(answer, tokens, mask_of([1, 2, 3], 4))
    _expect_share(answer, torch.tensor([[5, 7, 8], [5, 7, 3]]), mask_of([3, 3], 3))
    _expect_share(answer, torch.tensor([[6, 7, 9], [5, 7, 9]]), mask_of([3, 3], 3))
    _expect_share(answer, torch.tensor([[5, 0, 7], [5, 7, 0]]), mask_of([3, 2], 3))
    _expect_share(answer, torch.tensor([[3, 14], [31, 4]]), mask_of([2, 2], 2))


@distinct_share.property("is 1 ⁄ n where all samples are the same", trials=3)
def _(answer, draw: Draw) -> None:
    tokens = completions(draw, [4], 5).expand(draw.size + 1, 5).contiguous()
    _expect_share(answer, tokens, mask_of([4], 5).expand(draw.size + 1, 5).contiguous())


@distinct_share.property("is 1 for a single sample", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_share(answer, completions(draw, [3], 4), mask_of([3], 4))


@distinct_share.right
def right_share(tokens, mask):
    lines = zip(tokens.tolist(), mask.tolist(), strict=True)
    seen = {tuple(token for token, real in zip(*line, strict=True) if real) for line in lines}
    return len(seen) / len(tokens)


_SET = "{tuple(token for token, real in zip(*line, strict=True) if real) for line in lines}"
_SLIPS = {
    "padding_compared": (
        "You compared the padding too. Two lines are the same where their real tokens are.",
        {_SET: "{tuple(line[0]) for line in lines}"},
    ),
    "zeros_left_out": (
        "You took every token 0 for padding. What is real is what the mask says.",
        {"if real)": "if real and token != 0)"},
    ),
    "masked_with_zeros": (
        "You wrote 0 over the padding and compared whole rows. A line that ends with a real 0 "
        "and "
        "one that is padded there then look the same.",
        {"if real)": "if True)", "tuple(token for": "tuple(token * real for"},
    ),
    "order_ignored": (
        "You compared lines as bags of words. The order makes another line.",
        {"tuple(token for token, real in zip(*line, strict=True) if real)":
         "tuple(sorted(token for token, real in zip(*line, strict=True) if real))"},
    ),
    "distinct_words": (
        "You counted different tokens. Different *lines* are asked for.",
        {"return len(seen) / len(tokens)":
         "words = [t for line in seen for t in line]\n    return len(set(words)) / len(words)"},
    ),
    "first_word": (
        "You compared the first tokens alone.",
        {"if real)": "if real)[:1]"},
    ),
    "lengths": (
        "You compared lengths. Lines of the same length may differ.",
        {_SET: "{sum(line[1]) for line in lines}"},
    ),
    "share_repeated": (
        "You gave the share that is repeated. Asked for is the share of different ones.",
        {"len(seen) / len(tokens)": "1 - len(seen) / len(tokens)"},
    ),
    "only_once": (
        "You counted only lines that come once. A line that comes three times counts once, not "
        "never.",
        {"seen = {tuple(token for token, real in zip(*line, strict=True) if real) "
         "for line in lines}\n    return len(seen) / len(tokens)":
         "found = [tuple(token for token, real in zip(*line, strict=True) if real) "
         "for line in lines]\n"
         "    return sum(found.count(line) == 1 for line in found) / len(tokens)"},
    ),
    "counted": (
        "You counted the different lines. Divide by the number of samples.",
        {"len(seen) / len(tokens)": "float(len(seen))"},
    ),
    "divided_by_tokens": (
        "You divided by the number of tokens. Divide by the number of samples.",
        {"len(seen) / len(tokens)": "len(seen) / tokens.numel()"},
    ),
    "last_token_dropped": (
        "You left the last real token out. Lines that differ there alone are different.",
        {"if real)": "if real)[:-1]"},
    ),
    "neighbours_compared": (
        "You compared each line with the one before it. The same line may come again later.",
        {"seen = {":
         "rows = [tuple(t for t, r in zip(*line, strict=True) if r) for line in "
         "zip(tokens.tolist(), mask.tolist(), strict=True)]\n    return (1 + sum(a != b for a, "
         "b in zip(rows, rows[1:]))) / len(rows)\n    seen = {"},
    ),
    "one_taken_off": (
        "You took 1 off above and below the fraction. Where all are the same the share is 1 ⁄ "
        "n.",
        {"len(seen) / len(tokens)":
         "(len(seen) - 1) / max(len(tokens) - 1, 1)"},
    ),
    "sums_compared": (
        "You compared sums of token numbers. Different lines may have the same.",
        {"seen = {tuple(token for token, real in zip(*line, strict=True) if real)":
         "seen = {sum(token for token, real in zip(*line, strict=True) if real)"},
    ),
    "percent": (
        "You gave per cent. A share is asked for.",
        {"len(seen) / len(tokens)":
         "100 * len(seen) / len(tokens)"},
    ),
    "digits_joined": (
        "You joined the token numbers without anything between them: 1, 12 and 11, 2 then "
        "look the same.",
        {"seen = {tuple(token for token, real in zip(*line, strict=True) if real)":
         "seen = {''.join(str(token) for token, real in zip(*line, strict=True) if real)"},
    ),
    "first_token_dropped": (
        "You left the first token out. Lines that differ there alone are different.",
        {"if real)":
         "if real)[1:]"},
    ),
    "divided_by_width": (
        "You divided by the width. Divide by the number of samples.",
        {"/ len(tokens)":
         "/ tokens.shape[1]"},
    ),
    "tensors_in_a_set": (
        "You put tensors into a set. Two tensors are never the same object: make tuples of "
        "numbers.",
        {"return len(seen) / len(tokens)":
         "seen = {tokens[i, mask[i]] for i in range(len(tokens))}\n    return len(seen) / "
         "len(tokens)"},
    ),
    "pairs_that_differ": (
        "You gave the share of pairs that differ. The number of different lines, divided by "
        "n, is asked for.",
        {"return len(seen) / len(tokens)":
         "rows = [tuple(tokens[i, mask[i]].tolist()) for i in range(len(tokens))]\n    n = "
         "len(rows)\n    return sum(rows[i] != rows[j] for i in range(n) for j in range(i)) / "
         "max(n * (n - 1) / 2, 1)"},
    ),
    "pairs_of_words": (
        "You counted different pairs of neighbouring words. Different *lines* are asked for.",
        {"return len(seen) / len(tokens)":
         "grams = [g for line in seen for g in zip(line, line[1:])]\n    return "
         "len(set(grams)) / max(len(grams), 1)"},
    ),
    "words_as_a_set": (
        "You compared lines as sets of words. Order, and how often a word comes, make another "
        "line.",
        {"tuple(token for token, real in zip(*line, strict=True) if real)":
         "frozenset(token for token, real in zip(*line, strict=True) if real)"},
    ),
    "share_of_the_commonest": (
        "You gave the share of all lines but the commonest. Count the different ones.",
        {"return len(seen) / len(tokens)":
         "rows = [tuple(tokens[i, mask[i]].tolist()) for i in range(len(tokens))]\n    return "
         "1 - max(rows.count(row) for row in rows) / len(rows)"},
    ),
    "padding_by_value": (
        "You took what is not 0 for a line. What is real is what the mask says: padding may "
        "hold anything, and a real token may be 0.",
        {"if real)":
         "if token != 0)"},
    ),
    "different_tokens": (
        "You counted different tokens. Different *lines* are asked for."
        " Nor does it matter how often a token comes.",
        {"return len(seen) / len(tokens)":
         "words = tokens[mask]\n    return len(words.unique()) / len(words)"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    distinct_share.slip(_name, _message, _edits)

distinct_share.hint("Tuples can be members of a set; lists and tensors cannot.")
distinct_share.hint("Which tokens of a row are its line?")
distinct_share.hint("Three samples, two of them alike: 2/3.", when="value")
