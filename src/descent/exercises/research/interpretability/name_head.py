"""How `name_head` is judged: on heads whose rule is known, some of which only seem to induce."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise, expect

name_head = Exercise(
    "name_head", minutes=35, difficulty=3, changes=("generator",), returns=str, seconds=10.0
)

CONCLUSIONS = ("position", "induction", "duplicate token", "something else")
Rule = Callable[[Tensor], Tensor]


class Head:
    """A head that attends by a rule: rows (n, T) → truth values (n, T, T), where it looks.

    It looks at all such places equally, and at the first one where there is none.
    """

    def __init__(self, does: str, rule: Rule, sharpness: float = 0.9) -> None:
        self.does, self.rule, self.sharpness = does, rule, sharpness
        self.vocabulary = 0
        self.asked: list[Tensor] = []

    def __call__(self, tokens: Tensor) -> Tensor:
        """Rows (n, T) → attention (n, T, T)."""
        n, length = tokens.shape
        if n > 64:
            raise ValueError("at most 64 rows at once")
        if int(tokens.max()) >= self.vocabulary:
            raise ValueError(f"a token that is not below {self.vocabulary}")
        self.asked.append(tokens.detach().clone())
        shared = torch.ones(length, length).tril()
        shared = shared / shared.sum(dim=1, keepdim=True)
        places = self.rule(tokens).expand(n, length, length).clone()
        places[:, :, 0] |= ~places.any(dim=2)
        looked = places / places.sum(dim=2, keepdim=True)
        return (1 - self.sharpness) * shared + self.sharpness * looked

    def __repr__(self) -> str:
        return f"a head that {self.does}"


def _copies(tokens: Tensor) -> Tensor:
    return (tokens[:, :, None] == tokens[:, None, :]).tril(-1)


def _followers(tokens: Tensor) -> Tensor:
    return F.pad(_copies(tokens)[:, :, :-1], (1, 0))


def _back(offset: int) -> Rule:
    return lambda tokens: (
        torch.ones(tokens.shape[1], tokens.shape[1]).tril(-offset).triu(-offset) > 0
    )


def _nearest(tokens: Tensor) -> Tensor:
    followers = _followers(tokens)
    return followers & (followers.flip(2).cumsum(dim=2).flip(2) == 1)


def _if_at(offset: int) -> Rule:
    """The place after a copy, where it stands exactly so far back; the first place otherwise."""
    return lambda tokens: F.pad(_copies(tokens).tril(-offset).triu(-offset)[:, :, :-1], (1, 0))


def _before(tokens: Tensor) -> Tensor:
    copies = _copies(tokens)
    before = F.pad(copies[:, :, 1:], (0, 1))
    before[:, :, 0] |= copies[:, :, 0]
    return before


def _two_after(tokens: Tensor) -> Tensor:
    return F.pad(_copies(tokens)[:, :, :-2], (2, 0)).tril()


def _smallest(tokens: Tensor) -> Tensor:
    """The smallest token so far, the first of several."""
    length = tokens.shape[1]
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    sizes = tokens[:, None, :].expand(-1, length, -1) * length + torch.arange(length)
    sizes = sizes.masked_fill(future, torch.iinfo(torch.int64).max)
    return sizes == sizes.amin(dim=2, keepdim=True)


def _first(tokens: Tensor) -> Tensor:
    return torch.zeros(tokens.shape[1], tokens.shape[1], dtype=torch.bool)


def _everywhere(tokens: Tensor) -> Tensor:
    return torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).tril()


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
    _try(
        answer,
        draw,
        Head("looks after all earlier copies", _followers, draw.choice([0.8, 1.0])),
        "induction",
    )


@name_head.property("knows one that looks after the nearest copy alone", trials=2)
def _(answer, draw: Draw) -> None:
    for sharpness in (0.9, 0.62):
        _try(answer, draw, Head("looks after the nearest copy", _nearest, sharpness), "induction")


@name_head.property("asks about places that have an earlier copy, and no others", trials=2)
def _(answer, draw: Draw) -> None:
    _try(
        answer,
        draw,
        Head("looks after all earlier copies, with 0.62", _followers, 0.62),
        "induction",
    )


@name_head.property("is not deceived by a head that looks a fixed distance back", trials=6)
def _(answer, draw: Draw) -> None:
    offset = draw.choice([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    _try(answer, draw, Head(f"looks {offset} places back", _back(offset)), "position")


@name_head.property("knows the place before, the first place, and no place in particular", trials=1)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("looks at the place before", _back(1)), "position")
    _try(answer, draw, Head("looks at the first place", _first), "position")
    _try(answer, draw, Head("looks everywhere alike", _everywhere), "position")


@name_head.property("tells the copies from the places after them", trials=2)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("looks at the earlier copies", _copies), "duplicate token")


@name_head.property("is not deceived by copies at one distance alone", trials=2)
def _(answer, draw: Draw) -> None:
    length = draw.integers(24, 33)
    for offset in (length // 2, length // 3):  # what a fixed period is most often
        head = Head(
            f"looks after a copy {offset} places back, else at the first place", _if_at(offset), 1.0
        )
        _try(answer, draw, head, "something else", length)


@name_head.property("calls nothing by a name that it does not have", trials=1)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, Head("looks before the earlier copies", _before), "something else")
    _try(
        answer,
        draw,
        Head("looks two places after the earlier copies", _two_after),
        "something else",
    )
    _try(answer, draw, Head("looks at the smallest token", _smallest, 1.0), "something else", 24)
    _try(
        answer,
        draw,
        Head("looks after earlier copies, with 0.15", _followers, 0.15),
        "something else",
    )


@name_head.property("draws its rows from the generator it is given, and from no other", trials=1)
def _(answer, draw: Draw) -> None:
    seed, shown = draw.seed(), []
    for other in (1, 2):
        torch.manual_seed(other)
        head = Head("looks after all earlier copies", _followers)
        head.vocabulary = 20
        answer(head, 20, 24, torch_generator(seed))
        shown.append(torch.cat(head.asked))
    same = shown[0].shape == shown[1].shape and bool((shown[0] == shown[1]).all())
    expect(same, "whether the head is asked the same when the generator is").equals(True)


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

name_head.slip(
    "other_randomness",
    "You draw rows from torch's own randomness. Draw from the generator that is given, so that "
    "the same test can be made again.",
    {
        "(32,), generator=generator)": "(32,))",
        "(32, length), generator=generator)": "(32, length))",
    },
)
name_head.slip(
    "differences_averaged",
    "You averaged how much the attention changes. Most numbers of a pattern are near 0 whatever "
    "the head does, so every head seems positional: take the largest change.",
    {".abs().amax() < 0.05": ".abs().mean() < 0.05"},
)
name_head.slip(
    "all_places_counted",
    "You averaged over all places. Those without an earlier copy have nothing to look at, and pull "
    "the share down: leave them out.",
    {
        "(attention * follows).sum(dim=2)[counted].mean()": (
            "(attention * follows).sum(dim=2).mean()"
        ),
        "(attention * earlier).sum(dim=2)[counted].mean()": (
            "(attention * earlier).sum(dim=2).mean()"
        ),
    },
)
name_head.slip(
    "position_is_the_place_before",
    "You call position only what looks at the place before. Any head whose attention does not "
    "change with the tokens is one, whichever places it looks at.",
    {
        "(attention - head(others)).abs().amax() < 0.05": (
            "attention.diagonal(offset=-1, dim1=1, dim2=2).mean() >= 0.5"
        )
    },
)
name_head.slip(
    "two_after_for_copies",
    "For a duplicate-token head you shifted the wrong way: that is two places after the copy. The "
    "copies themselves are one place *before* the places that follow them.",
    {
        "copies = (attention * earlier).sum(dim=2)[counted].mean()": (
            "follows = torch.nn.functional.pad(earlier[:, :, :-2], (2, 0))\n"
            "    copies = (attention * follows).sum(dim=2)[counted].mean()"
        )
    },
)
name_head.slip(
    "half_a_name",
    'Your names are not those of the table. It is "duplicate token", with both words.',
    {'"duplicate token" if': '"duplicate" if'},
)
name_head.slip(
    "too_many_rows",
    "You ask for more than 64 rows at once. The head takes 64 at most.",
    {
        "torch.randint(length // 4, length // 2 + 1, (32,)": (
            "torch.randint(length // 4, length // 2 + 1, (128,)"
        ),
        "torch.randint(vocabulary, (32, length)": "torch.randint(vocabulary, (128, length)",
    },
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
