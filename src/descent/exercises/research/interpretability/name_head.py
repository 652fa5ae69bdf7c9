"""How `name_head` is judged: on heads whose rule is known, some of which only seem to induce."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise

name_head = Exercise(
    "name_head", minutes=35, difficulty=3, changes=("generator",), returns=str, seconds=10.0
)

CONCLUSIONS = ("position", "induction", "duplicate token", "something else")
Rule = Callable[[list[int], int], list[int]]


class Head:
    """A head that attends by a rule: (row, place) → the places it looks at, equally."""

    def __init__(self, name: str, rule: Rule, sharpness: float = 0.9) -> None:
        self.name, self.rule, self.sharpness = name, rule, sharpness
        self.vocabulary = 0

    def __call__(self, tokens: Tensor) -> Tensor:
        """Rows (n, T) → attention (n, T, T)."""
        n, length = tokens.shape
        if n > 64:
            raise ValueError("at most 64 rows at once")
        if int(tokens.max()) >= self.vocabulary:
            raise ValueError(f"a token that is not below {self.vocabulary}")
        shared = torch.ones(length, length).tril()
        attention = (1 - self.sharpness) * (shared / shared.sum(dim=1, keepdim=True))
        attention = attention.expand(n, length, length).clone()
        for b, row in enumerate(tokens.tolist()):
            for i in range(length):
                places = self.rule(row, i) or [0]
                for j in places:
                    attention[b, i, j] += self.sharpness / len(places)
        return attention

    def __repr__(self) -> str:
        return "a head"


def _back(offset: int) -> Rule:
    return lambda row, i: [max(i - offset, 0)]


def _followers(row: list[int], i: int) -> list[int]:
    return [j + 1 for j in range(i) if row[j] == row[i]]


def _copies(row: list[int], i: int) -> list[int]:
    return [j for j in range(i) if row[j] == row[i]]


def _nearest(row: list[int], i: int) -> list[int]:
    return _followers(row, i)[-1:]


def _if_at(offset: int) -> Rule:
    """The place after a copy, where it stands exactly so far back; the first place otherwise."""

    def rule(row: list[int], i: int) -> list[int]:
        return [i - offset + 1] if i >= offset and row[i - offset] == row[i] else [0]

    return rule


def _before(row: list[int], i: int) -> list[int]:
    return [max(j - 1, 0) for j in range(i) if row[j] == row[i]]


def _smallest(row: list[int], i: int) -> list[int]:
    return [min(range(i + 1), key=lambda j: row[j])]


def _try(answer, draw: Draw, head: Head, right: str, length: int | None = None) -> None:
    vocabulary, length = draw.integers(20, 31), length or draw.integers(24, 33)
    head.vocabulary = vocabulary
    concludes(
        lambda *given: answer(*given),
        head,
        vocabulary,
        length,
        torch_generator(draw.seed()),
        right=right,
        choices=CONCLUSIONS,
    )


@name_head.property("knows a head that looks after all earlier copies", trials=2)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("induction", _followers, draw.choice([0.8, 1.0])), "induction")


@name_head.property("knows one that looks after the nearest copy alone", trials=2)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("nearest", _nearest), "induction")


@name_head.property("asks about places that have an earlier copy, and no others", trials=2)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("weaker", _followers, 0.62), "induction")


@name_head.property("is not deceived by a head that looks a fixed distance back", trials=6)
def _(answer, draw: Draw) -> None:
    offset = draw.choice([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    _try(answer, draw, Head("fixed offset", _back(offset)), "position")


@name_head.property("knows the place before, the first place, and no place in particular", trials=1)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("previous", _back(1)), "position")
    _try(answer, draw, Head("first", lambda row, i: [0]), "position")
    _try(answer, draw, Head("everywhere", lambda row, i: list(range(i + 1))), "position")


@name_head.property("tells the copies from the places after them", trials=2)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("duplicate", _copies), "duplicate token")


@name_head.property("is not deceived by copies at one distance alone", trials=2)
def _(answer, draw: Draw) -> None:
    length = draw.integers(24, 33)
    for offset in (length // 2, length // 3):  # what a fixed period is most often
        head = Head("one distance", _if_at(offset), 1.0)
        _try(answer, draw, head, "something else", length)


@name_head.property("calls nothing by a name that it does not have", trials=1)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("before the copy", _before), "something else")
    _try(answer, draw, Head("smallest token", _smallest), "something else")
    _try(answer, draw, Head("weak", _followers, 0.15), "something else")


@name_head.right
def right_name(head, vocabulary, length, generator):
    def rows():
        periods = torch.randint(length // 4, length // 2 + 1, (32,), generator=generator)
        block = torch.randint(vocabulary, (32, length), generator=generator)
        return block.gather(1, torch.arange(length) % periods[:, None])

    tokens, others = rows(), rows()
    attention = head(tokens)
    if (attention - head(others)).abs().amax() < 0.05:
        return "position"
    earlier = (tokens[:, :, None] == tokens[:, None]).tril(-1)
    follows = torch.zeros_like(earlier)
    follows[:, :, 1:] = earlier[:, :, :-1]
    counted = earlier.any(dim=2)
    after = (attention * follows).sum(dim=2)[counted].mean()
    copies = (attention * earlier).sum(dim=2)[counted].mean()
    if after >= 0.5:
        return "induction"
    return "duplicate token" if copies >= 0.5 else "something else"


_PERIODS = "torch.randint(length // 4, length // 2 + 1, (32,), generator=generator)"
_POSITION = '    if (attention - head(others)).abs().amax() < 0.05:\n        return "position"\n'

for _count, _where in ((3, "a third"), (2, "half")):
    name_head.slip(
        f"fixed_period_of_{_where.replace(' ', '_')}",
        f"You tested with one fixed period, {_where} of the row. A head that looks so many places "
        "back, where a copy stands there, then looks like induction: draw a period for every row.",
        {_PERIODS: f"torch.full((32,), length // {_count})"},
    )
name_head.slip(
    "never_asks_about_position",
    "A head that looks at the same places whatever stands there gets another name from you. Before "
    "anything else, give it other tokens and ask whether its attention changes.",
    {_POSITION: ""},
)
name_head.slip(
    "nearest_copy_only",
    "You score a head that looks after earlier copies too low. Add up over *all* of the copies, "
    "not the nearest alone, and leave out places that have no copy.",
    {
        "    counted = ": (
            "    follows = follows & (follows.flip(2).cumsum(dim=2).flip(2) == 1)\n    counted = "
        )
    },
)
name_head.slip(
    "first_copy_only",
    "You counted the place after the first copy alone. A head that looks at the nearest is then "
    "missed.",
    {"    counted = ": ("    follows = follows & (follows.cumsum(dim=2) == 1)\n    counted = ")},
)
name_head.slip(
    "copies_for_followers",
    "You took attention to the copies themselves for induction, and to the places after them for "
    "a duplicate-token head. It is the other way round.",
    {"if after >= 0.5": "if copies >= 0.5", "copies >= 0.5 else": "after >= 0.5 else"},
)
name_head.slip(
    "before_for_after",
    "You looked at the places *before* the copies. What follows a copy is what will come again.",
    {"follows[:, :, 1:] = earlier[:, :, :-1]": "follows[:, :, :-1] = earlier[:, :, 1:]"},
)
name_head.slip(
    "duplicate_never_named",
    "You have no name for a head that looks at the earlier copies themselves.",
    {'"duplicate token" if copies >= 0.5 else "something else"': '"something else"'},
)
name_head.slip(
    "else_is_induction",
    "You call induction whatever is neither position nor duplicate token. Measure it: 0.5 of the "
    "attention has to lie after earlier copies.",
    {"if after >= 0.5:": "if copies < 0.5:"},
)
name_head.slip(
    "else_is_duplicate",
    "You call a duplicate-token head whatever is no induction head. Measure it as well.",
    {'"duplicate token" if copies >= 0.5 else "something else"': '"duplicate token"'},
)
name_head.slip(
    "same_rows_twice",
    "Every head is positional for you: you compared its attention with itself, or averaged the "
    "differences until little was left. Give it other tokens; take the largest size.",
    {"tokens, others = rows(), rows()": "tokens = rows()\n    others = tokens"},
)

_RANGE = "shortest, longest = (length // 4, length // 2)"
for _other in (
    "(length // 5, length // 2)",
    "(length // 3, length // 2)",
    "(length // 4, length // 3)",
    "(length // 4, length // 1)",
    "(length // 4, length * 2)",
):
    name_head.equivalent(
        f"`{_RANGE}` → `shortest, longest = {_other}`",
        because="periods drawn from another range tell as much",
    )
_ASKS = "if (attention - head(others)).abs().amax() {}:"
for _other in ("<= 0.05", "< 0.1"):
    name_head.equivalent(
        f"`{_ASKS.format('< 0.05')}` → `{_ASKS.format(_other)}`",
        because="clear cases alone are asked, and none lies so near",
    )
_INDUCES = "if induction_score(attention[:, None], tokens)[{}] {} 0.5:"
for _place, _sign in (("0", ">"), ("-1", ">=")):
    name_head.equivalent(
        f"`{_INDUCES.format('0', '>=')}` → `{_INDUCES.format(_place, _sign)}`",
        because="of one number the first is the last, and no share is exactly 0.5",
    )
_COPIES = "on_copies = induction_score(one_later, tokens)[{}]"
name_head.equivalent(
    f"`{_COPIES.format('0')}` → `{_COPIES.format('-1')}`",
    because="of one number the first is the last",
)
_LAST = "return 'duplicate token' if on_copies {} 0.5 else 'something else'"
name_head.equivalent(
    f"`{_LAST.format('>=')}` → `{_LAST.format('>')}`", because="no share is exactly 0.5"
)

name_head.hint("Which rows do you show it? What would a head that counts places back do on them?")
name_head.hint("First: does its attention change with the tokens at all?")
name_head.hint("Then your `induction_score`, with rows whose periods are drawn.")
name_head.hint("The same sum without the shift by one place finds duplicate-token heads.")
