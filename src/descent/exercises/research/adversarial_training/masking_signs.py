"""How `masking_signs` is judged: from evidence in which each sign is there or not."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

masking_signs = Exercise("masking_signs", minutes=30, difficulty=3, seconds=6.0, returns=list[str])

ROWS = ("unbounded", "one step", "transfer", "noise", "not converged")
NAMES = ("one step", "many steps", "twice the steps", "transfer", "noise", "unbounded")


def _evidence(draw: Draw, n: int, **broken: set[int]) -> dict[str, Tensor]:
    """What each attack broke → what was still right, with the examples and attacks in any order."""
    order = draw.rng.permutation(n)
    table = {}
    for name in draw.rng.permutation(list(NAMES)).tolist():
        right = np.ones(n, dtype=bool)
        right[list(broken[name.replace(" ", "_")])] = False
        table[name] = torch.from_numpy(right[order])
    return table


def _sound(n: int) -> dict[str, set[int]]:
    """An attack as it should be: more of it breaks more, and all of it breaks everything."""
    return {
        "one_step": set(range(n * 3 // 10)),
        "many_steps": set(range(n // 2)),
        "twice_the_steps": set(range(n // 2 + 1)),
        "transfer": set(range(n // 5)),
        "noise": set(range(n // 50)),
        "unbounded": set(range(n)),
    }


def _judge(answer, draw: Draw, n: int, expected: list[str], **changed: set[int]) -> None:
    found = answer(_evidence(draw, n, **(_sound(n) | changed)))
    expect(found, "the signs").equals(expected)


def _size(draw: Draw) -> int:
    return 200 + 100 * draw.integers(0, 3)  # of which 1 % is a whole number


@masking_signs.property("finds nothing where more attack breaks more", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, _size(draw), [])


@masking_signs.property("notices what an unbounded attack leaves standing", trials=3)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    _judge(answer, draw, n, ["unbounded"], unbounded=set(range(n - n // 100 - 1)))
    _judge(answer, draw, n, [], unbounded=set(range(n - n // 100)))
    _judge(answer, draw, n, [], unbounded=set(range(n - 1)))
    # What stands may well have been broken by many steps: it should have been by this attack.
    _judge(answer, draw, n, ["unbounded"], unbounded=set(range(n // 100 + 1, n)))


@masking_signs.property("notices that one step breaks more than many", trials=3)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    more = set(range(n // 2, n // 2 + 30))
    _judge(answer, draw, n, ["one step"], one_step=set(range(n // 2)) | more)
    _judge(
        answer,
        draw,
        n,
        ["one step"],
        one_step=set(range(25, n // 2)) | more | {n - 1, *range(n // 2 + 30, n // 2 + 60)},
    )


@masking_signs.property("notices that another model's examples break more", trials=3)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    _judge(answer, draw, n, ["transfer"], transfer=set(range(n // 2 + 12)))


@masking_signs.property(
    "goes by what only one of two attacks breaks, and asks for two deviations", trials=4
)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    half = n // 2
    for name, sign in (
        ("one_step", "one step"),
        ("transfer", "transfer"),
        ("twice_the_steps", "not converged"),
    ):
        # Of a + b examples that only one of the two breaks, a − b = 8 and 2√(a + b) is 7.5 or 8.5.
        few = set(range(3, half)) | set(range(half, half + 11))
        many = set(range(5, half)) | set(range(half, half + 13))
        _judge(answer, draw, n, [sign], **{name: few})
        _judge(answer, draw, n, [], **{name: many})
        _judge(answer, draw, n, [], **{name: set(range(half + 4))})
        _judge(answer, draw, n, [sign], **{name: set(range(half + 5))})
        for a, b in ((9, 6), (20, 14)):
            luck = set(range(b, half)) | set(range(half, half + a))
            _judge(answer, draw, n, [], **{name: luck})


@masking_signs.property(
    "notices what noise finds and gradients do not, however much gradients find", trials=3
)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    half, least = n // 2, n // 100 + 1
    _judge(answer, draw, n, ["noise"], noise=set(range(half, half + least)))
    _judge(answer, draw, n, [], noise=set(range(half, half + n // 100)))
    _judge(answer, draw, n, [], noise=set(range(half)))
    _judge(answer, draw, n, [], noise={half})
    _judge(answer, draw, 400, [], noise=set(range(200, 203)))  # of all, not of those that are left


@masking_signs.property("notices that more steps still help", trials=3)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    _judge(answer, draw, n, ["not converged"], twice_the_steps=set(range(n // 2 + 15)))
    _judge(answer, draw, n, [], twice_the_steps=set(range(n // 2 - 30)))


@masking_signs.property("lists several signs in the table's order", trials=4)
def _(answer, draw: Draw) -> None:
    n = _size(draw)
    half = n // 2
    changed = {
        "unbounded": set(range(n - 40)),
        "one_step": set(range(half + 20)),
        "transfer": set(range(half + 20)),
        "noise": set(range(half, half + 20)),
        "twice_the_steps": set(range(half + 20)),
    }
    _judge(answer, draw, n, list(ROWS), **changed)
    left = sorted(draw.rng.choice(5, 3, replace=False).tolist())
    some = {ROWS[k].replace(" ", "_"): None for k in left}
    kept = {
        name: broken
        for name, broken in changed.items()
        if name in some or (name == "twice_the_steps" and "not_converged" in some)
    }
    _judge(answer, draw, n, [ROWS[k] for k in left], **kept)


@masking_signs.right
def right_signs(right):
    many = right["many steps"]

    def stronger(name):
        only_it = (many & ~right[name]).sum().item()
        only_many = (right[name] & ~many).sum().item()
        return only_it - only_many > 2 * (only_it + only_many) ** 0.5

    signs = {
        "unbounded": right["unbounded"].double().mean() > 0.01,
        "one step": stronger("one step"),
        "transfer": stronger("transfer"),
        "noise": (many & ~right["noise"]).double().mean() > 0.01,
        "not converged": stronger("twice the steps"),
    }
    return [name for name, seen in signs.items() if seen]


_STRONGER = "only_it - only_many > 2 * (only_it + only_many) ** 0.5"

masking_signs.slip(
    "no_deviation",
    "You take any difference for a sign. Two attacks always differ by a few examples: ask for two "
    "deviations.",
    {_STRONGER: "only_it > only_many"},
)
masking_signs.slip(
    "unpaired",
    "You compared two shares as if they came from different examples. They are the same pictures: "
    "only those that one attack breaks and the other does not say anything.",
    {
        _STRONGER: (
            "only_it - only_many > 2 * ((many.double().var() + right[name].double().var()).item() "
            "* len(many)) ** 0.5"
        )
    },
)
masking_signs.slip(
    "one_deviation",
    "You ask for one deviation. One sound attack in six shows that much by chance.",
    {_STRONGER: "only_it - only_many > (only_it + only_many) ** 0.5"},
)
masking_signs.slip(
    "three_deviations",
    "You ask for three deviations; the table asks for two.",
    {_STRONGER: "only_it - only_many > 3 * (only_it + only_many) ** 0.5"},
)
masking_signs.slip(
    "turned_round",
    "You look for attacks that are *weaker* than many steps. That one step breaks less than many "
    "is "
    "as it should be.",
    {_STRONGER: "only_many - only_it > 2 * (only_it + only_many) ** 0.5"},
)
masking_signs.slip(
    "noise_by_total",
    "You compare how much noise breaks with how much gradients break, or ask for two deviations of "
    "that. Even weak noise that finds *other* examples shows what gradients miss: count those "
    "alone.",
    {
        '(many & ~right["noise"]).double().mean() > 0.01': (
            'right["noise"].double().mean() < many.double().mean()'
        )
    },
)
masking_signs.slip(
    "any_noise",
    "A single example that noise alone breaks is a sign to you. The table allows 1 %.",
    {'(many & ~right["noise"]).double().mean() > 0.01': '(many & ~right["noise"]).any()'},
)
masking_signs.slip(
    "noise_among_right",
    "You count what noise breaks among what is still right under it. Compare with what was still "
    "right after many steps.",
    {'(many & ~right["noise"])': '(~many & right["noise"])'},
)
masking_signs.slip(
    "broken_for_right",
    "You took True for broken. True means: still right.",
    {
        'many = right["many steps"]': (
            'right = {k: ~v for k, v in right.items()}\n    many = right["many steps"]'
        )
    },
)
masking_signs.slip(
    "unbounded_any",
    "You call it a sign when a single example survives the unbounded attack. The table allows 1 %.",
    {'right["unbounded"].double().mean() > 0.01': 'right["unbounded"].any()'},
)
masking_signs.slip(
    "unbounded_half",
    "You call it a sign only where half of the examples survive an unbounded attack. Such an "
    "attack may replace the picture by another: almost nothing may survive.",
    {'right["unbounded"].double().mean() > 0.01': 'right["unbounded"].double().mean() > 0.5'},
)
masking_signs.slip(
    "first_only",
    "You stop at the first sign. All of them are asked for.",
    {
        "    return [name for name, seen in signs.items() if seen]": (
            "    return [name for name, seen in signs.items() if seen][:1]"
        )
    },
)
masking_signs.slip(
    "alphabetical",
    "Your signs come in another order than the table's.",
    {
        "    return [name for name, seen in signs.items() if seen]": (
            "    return sorted(name for name, seen in signs.items() if seen)"
        )
    },
)
masking_signs.slip(
    "more_steps_against_one",
    "You compared twice the steps with one step. That more steps beat one is as it should be: "
    "compare them with many.",
    {
        '"not converged": stronger("twice the steps")': (
            '"not converged": (right["one step"] & ~right["twice the steps"]).sum()'
            ' > (right["twice the steps"] & ~right["one step"]).sum()'
        )
    },
)
masking_signs.slip(
    "convergence_forgotten",
    "You never ask whether twice the steps break more. An attack that has not converged "
    "measures itself, not the model.",
    {'stronger("twice the steps")': "False"},
)
masking_signs.slip(
    "either_way",
    "You took a difference of either sign. That fewer steps break fewer examples is as it should "
    "be.",
    {_STRONGER: "abs(only_it - only_many) > 2 * (only_it + only_many) ** 0.5"},
)
masking_signs.slip(
    "count_for_share",
    "You ask for more than one example instead of more than 1 %.",
    {
        'right["unbounded"].double().mean() > 0.01': 'right["unbounded"].sum() > 1',
        '(many & ~right["noise"]).double().mean() > 0.01': '(many & ~right["noise"]).sum() > 1',
    },
)

masking_signs.slip(
    "as_many_as",
    "You take exactly as much as the limit for more. 'More than' is never 'as many as': at a − b = "
    "2√(a + b), and at 1 %, nothing is seen yet.",
    {
        _STRONGER: "only_it - only_many >= 2 * (only_it + only_many) ** 0.5",
        'right["unbounded"].double().mean() > 0.01': 'right["unbounded"].double().mean() >= 0.01',
        '(many & ~right["noise"]).double().mean() > 0.01': (
            '(many & ~right["noise"]).double().mean() >= 0.01'
        ),
    },
)
masking_signs.slip(
    "as_many_as_in_pairs",
    "You take a − b = 2√(a + b) for more than two deviations. 'More than' is never 'as many as'.",
    {_STRONGER: "only_it - only_many >= 2 * (only_it + only_many) ** 0.5"},
)
masking_signs.slip(
    "as_many_as_unbounded",
    "You take exactly 1 % that stay right under the unbounded attack for a sign. 'More than' is "
    "never 'as many as'.",
    {'right["unbounded"].double().mean() > 0.01': 'right["unbounded"].double().mean() >= 0.01'},
)
masking_signs.slip(
    "as_many_as_noise",
    "You take exactly 1 % that only noise breaks for a sign. 'More than' is never 'as many as'.",
    {
        '(many & ~right["noise"]).double().mean() > 0.01': (
            '(many & ~right["noise"]).double().mean() >= 0.01'
        )
    },
)
masking_signs.slip(
    "many_alone_not_counted",
    "You counted what only the first attack breaks, and not what only many steps break. It is the "
    "difference of the two that must exceed two deviations.",
    {_STRONGER: "only_it > 2 * only_it**0.5"},
)
masking_signs.slip(
    "deviation_of_the_first_alone",
    "You took the deviation of a alone. Chance is in both numbers: it is 2√(a + b).",
    {_STRONGER: "only_it - only_many > 2 * only_it**0.5"},
)
masking_signs.slip(
    "deviation_of_the_difference",
    "You took the root of the difference. The deviation goes by the sum, √(a + b): two large "
    "numbers that are nearly equal differ by much through chance alone.",
    {_STRONGER: "only_it - only_many > 2 * abs(only_it - only_many) ** 0.5"},
)
masking_signs.slip(
    "one_per_cent_for_pairs",
    "You ask for a difference of more than 1 % where two attacks are compared. The table's 1 % is "
    "for noise and the unbounded attack; here ask for two deviations, 2√(a + b).",
    {_STRONGER: "(only_it - only_many) / len(many) > 0.01"},
)
masking_signs.slip(
    "two_outside_of_the_root",
    "You took 2√a + b. The root goes over both: 2√(a + b).",
    {_STRONGER: "only_it - only_many > 2 * only_it**0.5 + only_many"},
)
masking_signs.slip(
    "noise_alone",
    "You count all that noise breaks. It is a sign only where many steps do *not* break it.",
    {'(many & ~right["noise"]).double().mean()': '(~right["noise"]).double().mean()'},
)
masking_signs.slip(
    "noise_of_those_left",
    "You divided what noise alone breaks by what many steps leave right. The table means 1 % of "
    "all examples.",
    {
        '(many & ~right["noise"]).double().mean() > 0.01': (
            '(many & ~right["noise"]).sum() > 0.01 * many.sum()'
        )
    },
)
masking_signs.slip(
    "unbounded_broken",
    "You count what the unbounded attack breaks. It should break everything: what *stays right* is "
    "the sign.",
    {'right["unbounded"].double()': '(~right["unbounded"]).double()'},
)
masking_signs.slip(
    "unbounded_and_many",
    "You count only what both the unbounded attack and many steps leave right. Whatever stays "
    "right "
    "under an attack that may change anything is a sign.",
    {'right["unbounded"].double()': '(right["unbounded"] & many).double()'},
)
masking_signs.slip(
    "key_for_sign",
    "You return 'twice the steps'. The sign is called 'not converged'.",
    {'"not converged": stronger': '"twice the steps": stronger'},
)
masking_signs.slip(
    "order_of_the_evidence",
    "Your signs come in the order of the evidence. The table's order is asked for.",
    {
        "    return [name for name, seen in signs.items() if seen]": (
            "    signs['twice the steps'] = signs.pop('not converged')\n"
            "    named = {'twice the steps': 'not converged'}\n"
            "    return [named.get(name, name) for name in right if signs.get(name)]"
        )
    },
)
masking_signs.slip(
    "transfer_against_one",
    "You compared the other model's examples with one step. Compare them with many.",
    {
        '"transfer": stronger("transfer")': (
            '"transfer": (lambda a, b: a - b > 2 * (a + b) ** 0.5)('
            '(right["one step"] & ~right["transfer"]).sum().item(), '
            '(right["transfer"] & ~right["one step"]).sum().item())'
        )
    },
)
masking_signs.slip(
    "converged_where_masked",
    "You do not report 'not converged' beside other signs. All that are seen are asked for.",
    {
        "    return [name for name, seen in signs.items() if seen]": (
            "    names = [name for name, seen in signs.items() if seen]\n"
            "    return names if names == ['not converged'] else names[: -1 if names and "
            "names[-1] == 'not converged' else None]"
        )
    },
)
masking_signs.slip(
    "first_sign_only_in_pairs",
    "You stop at the first sign of the paired comparisons. Every row of the table is asked for.",
    {
        "    return [name for name, seen in signs.items() if seen]": (
            "    names = [name for name, seen in signs.items() if seen]\n"
            "    pairs = [n for n in names if n in ('one step', 'transfer', 'not converged')]\n"
            "    return [n for n in names if n not in pairs[1:]]"
        )
    },
)

masking_signs.hint("True means still right. Broken by A and not by B: `~right[A] & right[B]`.")
masking_signs.hint("One helper for the three rows that compare two attacks, pair by pair.")
masking_signs.hint("Is it 'more than' or 'at least'? And 1 % of what?", when="value")
