"""How `repeated_batch` is judged: by counting, and with the generator that it is given."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

repeated_batch = Exercise(
    "repeated_batch",
    minutes=15,
    difficulty=2,
    changes=("generator",),
    returns=tuple[Tensor, Tensor],
)
MANY = 3000


def _expect_shape(tensor: Tensor, name: str, *shape: int) -> None:
    """Expect it, and take no note of numbers that nothing but the draws decides."""
    if tensor.shape != shape or tensor.dtype != torch.int64:
        expect(tensor, name).has_shape(*shape).has_dtype("int64")
    else:
        expect(tensor.shape == shape, f"whether {name} have the shape {shape}").equals(True)


def _expect_between(value: float, name: str, low: float, high: float) -> None:
    """Expect it, and take no note of a number that nothing but the draws decides."""
    if low <= value <= high:
        expect(low <= value <= high, f"whether {name} is from {low} to {high}").equals(True)
    else:
        expect(value, name).is_between(low, high)


def _call(answer, draw: Draw, n: int, vocabulary: int, length: int, shortest: int, longest: int):
    return answer(n, vocabulary, length, shortest, longest, torch_generator(draw.seed()))


@repeated_batch.property("repeats a row after its period, again and again", trials=3)
def _(answer, draw: Draw) -> None:
    period = 2 + draw.size
    length = 3 * period + 1
    tokens, _ = _call(answer, draw, 2, 1_000_000, length, period, period)
    _expect_shape(tokens, "the tokens", 2, length)
    if tokens.shape != (2, length):
        return
    row = tokens[0].tolist()
    back = [
        next((k for k in range(1, i + 1) if row[i - k] == row[i]), 0) for i in range(period, length)
    ]
    name = f"how far back the same token stood last, from place {period} on (0: nowhere)"
    expect(back, name).equals([period] * (length - period))


@repeated_batch.property("repeats every row after its own period", trials=6)
def _(answer, draw: Draw) -> None:
    n, length = 1 + draw.size, 8 + draw.size
    tokens, periods = _call(answer, draw, n, 50, length, 2, 7)
    _expect_shape(tokens, "the tokens", n, length)
    _expect_shape(periods, "the periods", n)
    if tokens.shape != (n, length) or periods.shape != (n,):
        return
    wrong = 0
    for row, period in zip(tokens.tolist(), periods.tolist(), strict=True):
        wrong += sum(row[i] != row[i - period] for i in range(period, length))
    name = "whether every token from place `period` on is the one a period before"
    expect(wrong == 0, name).equals(True)


@repeated_batch.property("has new tokens within a period", trials=2)
def _(answer, draw: Draw) -> None:
    tokens, periods = _call(answer, draw, 60, 100_000, 12, 4, 9)
    short = [
        len(set(row[:period])) < period
        for row, period in zip(tokens.tolist(), periods.tolist(), strict=True)
    ]
    _expect_between(sum(short), "how many rows of 60 repeat before their period", 0, 1)


@repeated_batch.property("lets a token come twice in a period, by chance", trials=1)
def _(answer, draw: Draw) -> None:
    tokens, _ = _call(answer, draw, 300, 20, 8, 8, 8)
    share = float(np.mean([len(set(row)) < 8 for row in tokens.tolist()]))
    name = "the share of rows with a token twice in a period, 20 tokens and period 8"
    _expect_between(share, name, 0.7, 0.9)


@repeated_batch.property("draws every period from the shortest to the longest as often", trials=2)
def _(answer, draw: Draw) -> None:
    shortest, longest = (3, 11) if draw.size == 1 else (5, 13)
    _, periods = _call(answer, draw, MANY, 9, 18, shortest, longest)
    expect(bool((periods >= shortest).all()), f"whether all are at least {shortest}").equals(True)
    expect(bool((periods <= longest).all()), f"whether all are at most {longest}").equals(True)
    shares = {
        period: float((periods == period).float().mean()) * 9
        for period in range(shortest, longest + 1)
    }
    never = [period for period, share in shares.items() if share == 0]
    seldom = [period for period, share in shares.items() if 0 < share < 0.72]
    often = [period for period, share in shares.items() if share > 1.32]
    expect(never, "the periods that never come").equals([])
    expect(seldom, "the periods that come too seldom").equals([])
    expect(often, "the periods that come too often").equals([])


@repeated_batch.property("draws a period for every row, in no order", trials=2)
def _(answer, draw: Draw) -> None:
    _, periods = _call(answer, draw, 400, 9, 20, 2, 9)
    equal = float((periods[1:] == periods[:-1]).float().mean())
    name = "how often two neighbouring rows have the same period"
    _expect_between(equal, name, 0.04, 0.25)


@repeated_batch.property("draws every token as often, from 0 on", trials=2)
def _(answer, draw: Draw) -> None:
    vocabulary = 7
    tokens, _ = _call(answer, draw, MANY, vocabulary, 6, 3, 6)
    expect(bool((tokens >= 0).all()), "whether all tokens are at least 0").equals(True)
    name = f"whether all tokens are below {vocabulary}"
    expect(bool((tokens < vocabulary).all()), name).equals(True)
    for place in (0, 2):
        counts = torch.bincount(tokens[:, place].clamp(0, 6), minlength=vocabulary)
        shares = (counts / MANY * vocabulary).tolist()
        never = [token for token, share in enumerate(shares) if share == 0]
        seldom = [token for token, share in enumerate(shares) if 0 < share < 0.75]
        often = [token for token, share in enumerate(shares) if share > 1.25]
        expect(never, f"the tokens that never come at place {place}").equals([])
        expect(seldom, f"the tokens that come too seldom at place {place}").equals([])
        expect(often, f"the tokens that come too often at place {place}").equals([])


@repeated_batch.property("gives every row tokens of its own", trials=1)
def _(answer, draw: Draw) -> None:
    tokens, _ = _call(answer, draw, 100, 1000, 6, 3, 6)
    kinds = len({tuple(row) for row in tokens.tolist()})
    _expect_between(kinds, "how many rows among 100 differ", 95, 100)


@repeated_batch.property("works with one period alone, and one longer than the row", trials=2)
def _(answer, draw: Draw) -> None:
    tokens, periods = _call(answer, draw, 5, 1000, 7, 3, 3)
    expect(periods, "the periods").equals(torch.full((5,), 3))
    same = (tokens[:, 3:] == tokens[:, :-3]).float().mean()
    expect(float(same), "the share of tokens that repeat").equals(1.0)
    tokens, periods = _call(answer, draw, 5, 1000, 4, 9, 9)
    _expect_shape(tokens, "rows shorter than their period", 5, 4)


@repeated_batch.property("draws from the generator it is given, and from no other", trials=1)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    torch.manual_seed(1)
    first, _ = answer(8, 30, 9, 2, 6, torch_generator(seed))
    torch.manual_seed(2)
    second, _ = answer(8, 30, 9, 2, 6, torch_generator(seed))
    expect(bool((first == second).all()), "whether the same seed gives the same").equals(True)
    third, _ = answer(8, 30, 9, 2, 6, torch_generator(seed + 1))
    expect(bool((first == third).all()), "whether another seed gives the same").equals(False)


@repeated_batch.right
def right_batch(n, vocabulary, length, shortest, longest, generator):
    periods = torch.randint(shortest, longest + 1, (n,), generator=generator)
    block = torch.randint(vocabulary, (n, longest), generator=generator)
    places = torch.arange(length) % periods[:, None]
    return block.gather(1, places), periods


_PERIODS = "torch.randint(shortest, longest + 1, (n,), generator=generator)"
_BLOCK = "torch.randint(vocabulary, (n, longest), generator=generator)"

repeated_batch.slip(
    "longest_never_drawn",
    "The longest period never comes. The upper end of `randint` is left out: add 1.",
    {"longest + 1": "max(longest, shortest + 1)"},
)
repeated_batch.slip(
    "one_period_for_the_batch",
    "All rows of your batch have the same period. Each row draws its own.",
    {_PERIODS: "torch.randint(shortest, longest + 1, (1,), generator=generator).expand(n)"},
)
repeated_batch.slip(
    "always_the_longest",
    "Your period is fixed. A model can then learn “so many places back” and needs no induction at "
    "all: one layer is enough.",
    {_PERIODS: "torch.full((n,), longest)"},
)
repeated_batch.slip(
    "always_the_mean",
    "Your period is fixed, halfway between the ends. A model can then learn “so many places back” "
    "and needs no induction at all: one layer is enough.",
    {_PERIODS: "torch.full((n,), (shortest + longest) // 2)"},
)
repeated_batch.slip(
    "periods_in_turn",
    "Your periods come in turn. Draw them.",
    {_PERIODS: "shortest + torch.arange(n) % (longest + 1 - shortest)"},
)
repeated_batch.slip(
    "same_block_for_all",
    "All rows repeat the same tokens: the model can learn them by heart. Each row draws its own.",
    {_BLOCK: "torch.randint(vocabulary, (1, longest), generator=generator).expand(n, longest)"},
)
repeated_batch.slip(
    "last_token_never_drawn",
    "The last token of the vocabulary never comes. The upper end of `randint` is left out already.",
    {"torch.randint(vocabulary, ": "torch.randint(vocabulary - 1, "},
)
repeated_batch.slip(
    "token_zero_never_drawn",
    "Token 0 never comes. Tokens go from 0 to vocabulary − 1.",
    {"torch.randint(vocabulary, ": "torch.randint(1, vocabulary, "},
)
repeated_batch.slip(
    "longest_block_repeated",
    "Your rows repeat after the longest period, whatever they have drawn.",
    {"% periods[:, None]": "% (0 * periods[:, None] + longest)"},
)
repeated_batch.slip(
    "periods_sorted",
    "You sorted the periods. Rows come in no order.",
    {
        "% periods[:, None]": "% periods.sort().values[:, None]",
        ", periods\n": (", periods.sort().values\n"),
    },
)
repeated_batch.slip(
    "other_randomness",
    "You draw from torch's own randomness as well. All draws take the generator, so that a seed "
    "gives the same batch again.",
    {_BLOCK: "torch.randint(vocabulary, (n, longest))"},
)
repeated_batch.slip(
    "never_twice",
    "No token comes twice in a period of yours: you shuffled the vocabulary. Each place draws its "
    "token for itself.",
    {
        _BLOCK: (
            "torch.stack([torch.randperm(max(vocabulary, longest), generator=generator)[:longest] "
            "% vocabulary for _ in range(n)])"
        )
    },
)
repeated_batch.slip(
    "ends_alone",
    "You draw the shortest or the longest period and none between.",
    {_PERIODS: ("torch.where(torch.rand(n, generator=generator) < 0.5, shortest, longest)")},
)
repeated_batch.slip(
    "not_repeated",
    "Your tokens are all new: nothing repeats. Read them from a block, at place mod period.",
    {
        "block.gather(1, places), periods": (
            "torch.randint(vocabulary, (n, length), generator=generator), periods"
        )
    },
)
repeated_batch.slip(
    "back_and_forth",
    "Your rows run forwards, then backwards. They begin again from the first token.",
    {
        "torch.arange(length) % periods[:, None]": (
            "(lambda i, p: torch.where((i // p) % 2 == 0, i % p, p - 1 - i % p))"
            "(torch.arange(length), periods[:, None])"
        )
    },
)
repeated_batch.slip(
    "each_token_stretched",
    "You wrote each token several times in a row. The whole block repeats: place mod period, and "
    "not place divided by it.",
    {"% periods[:, None]": "// periods[:, None] % longest"},
)
repeated_batch.slip(
    "twice_at_most",
    "Your rows repeat once, and then go on with token 0.",
    {
        "block.gather(1, places), periods": (
            "block.gather(1, places) * (torch.arange(length) < 2 * periods[:, None]), periods"
        )
    },
)

repeated_batch.slip(
    "goes_on_with_new_tokens",
    "Your rows repeat once, and then go on with new tokens. They repeat to the end.",
    {
        "block.gather(1, places), periods": (
            "torch.where(torch.arange(length) < 2 * periods[:, None], block.gather(1, places), "
            "torch.randint(vocabulary, (n, length), generator=generator)), periods"
        )
    },
)
repeated_batch.slip(
    "one_place_too_late",
    "Your rows repeat one place too late: a block has `period` tokens, and not one more.",
    {
        "% periods[:, None]": "% (periods[:, None] + 1)",
        "(n, longest), ": "(n, longest + 1), ",
    },
)
repeated_batch.slip(
    "each_token_stretched_to_the_end",
    "You wrote each token as often as the period says, and went on with others. The whole block "
    "repeats: place mod period, and not place divided by it.",
    {"% periods[:, None]": "// periods[:, None]", "(n, longest), ": "(n, longest + length), "},
)
repeated_batch.slip(
    "ends_half_as_likely",
    "The shortest and the longest period come half as often as the others: you rounded a number "
    "between them. Draw a whole number, with `randint`.",
    {
        _PERIODS: (
            "(shortest + torch.rand(n, generator=generator) * (longest - shortest)).round().long()"
        )
    },
)
repeated_batch.slip(
    "reseeded",
    "You seed the generator yourself: every batch is then the same. Draw from it as it is.",
    {"    periods = ": "    generator.manual_seed(0)\n    periods = "},
)
repeated_batch.slip(
    "shorter_than_the_row_alone",
    "A row shorter than its period comes out of you with another length. It ends within the block.",
    {
        "return block.gather(1, places)": (
            "places = places if length >= longest else torch.arange(longest) % periods[:, None]\n"
            "    return block.gather(1, places)"
        )
    },
)

repeated_batch.hint("A block of `longest` tokens for each row; which place of it is read where?")
repeated_batch.hint("`torch.arange(length) % periods[:, None]` has shape (n, length).")
repeated_batch.hint("`block.gather(1, places)` reads for every row at its own places.")
