"""How `sinusoidal_positions` is judged."""

from __future__ import annotations

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor, codes_by_hand

sinusoidal_positions = Exercise("sinusoidal_positions", minutes=12, difficulty=1, returns=Tensor)


def _compare(answer, places: Tensor, width: int) -> None:
    codes = answer(places, width)
    expect(codes, "the codes").close_to(codes_by_hand(places.tolist(), width), atol=2e-5)
    expect(codes, "the codes").has_dtype("float32")


@sinusoidal_positions.property("gives the page's code of place 3 for a width of 4")
def _(answer, draw: Draw) -> None:
    expect(answer(torch.tensor([3]), 4), "the code").close_to(
        [[0.14112, -0.98999, 0.0299955, 0.99955]], atol=2e-5
    )


@sinusoidal_positions.property("has a pair of sine and cosine for each rate", trials=6)
def _(answer, draw: Draw) -> None:
    width = 2 * draw.integers(1, 9)
    _compare(answer, torch.arange(draw.size), width)


@sinusoidal_positions.property("takes places in any order, fractions and negative ones too")
def _(answer, draw: Draw) -> None:
    _compare(answer, torch.tensor(draw.integers(0, 200, 5)), 6)
    _compare(answer, torch.tensor(draw.normal(4, scale=5), dtype=torch.float32), 10)


@sinusoidal_positions.property("works for a width of two and a single place")
def _(answer, draw: Draw) -> None:
    _compare(answer, torch.tensor([draw.integers(1, 50)]), 2)


@sinusoidal_positions.right
def right_codes(places, width):
    rates = 10000.0 ** (-torch.arange(0, width, 2) / width)
    angles = places[:, None] * rates
    pairs = torch.stack([angles.sin(), angles.cos()], dim=-1)
    return pairs.flatten(1)


sinusoidal_positions.slip(
    "halves_instead_of_pairs",
    "Your code has all sines first and then all cosines. Here they alternate: sine at the even "
    "places of the code, cosine at the odd ones.",
    {"return pairs.flatten(1)": "return torch.cat([angles.sin(), angles.cos()], dim=-1)"},
)
sinusoidal_positions.slip(
    "cosines_first",
    "The cosine comes first in your pairs. Here the sine does.",
    {"[angles.sin(), angles.cos()]": "[angles.cos(), angles.sin()]"},
)
sinusoidal_positions.slip(
    "rate_of_each_number",
    "Every number of your code has a rate of its own. The sine and the cosine of a pair share one: "
    "10000 to the power −2i/C, with i the number of the *pair*.",
    {
        "torch.arange(0, width, 2)": "torch.arange(0, width)",
        "torch.stack([angles.sin(), angles.cos()], dim=-1)": "torch.stack("
        "[angles[:, 0::2].sin(), angles[:, 1::2].cos()], dim=-1)",
    },
)
sinusoidal_positions.slip(
    "pairs_counted_once",
    "The power is −i/C in your rates, with i the number of the pair. It is −2i/C: the rates run "
    "from 1 down to nearly 1/10000.",
    {"torch.arange(0, width, 2)": "torch.arange(width // 2)"},
)
sinusoidal_positions.slip(
    "rates_grow",
    "Your rates grow from pair to pair. The power of 10000 is negative: the first pair is the "
    "fastest.",
    {"(-torch.arange(0": "(torch.arange(0"},
)
sinusoidal_positions.slip(
    "places_from_one",
    "Your places are one too high: the code of place 0 is sin 0 = 0, cos 0 = 1.",
    {"places[:, None]": "(places[:, None] + 1)"},
)
sinusoidal_positions.slip(
    "order_ignored",
    "You number the rows 0, 1, 2, … by yourself. The numbers in `places` say where each is.",
    {"places[:, None]": "torch.arange(len(places))[:, None]"},
)
sinusoidal_positions.slip(
    "base_of_ten",
    "The base of your rates is another than 10000.",
    {"10000.0": "1000.0"},
)
sinusoidal_positions.slip(
    "sines_alone",
    "There are no cosines in your code. A sine alone does not say whether it rises or falls.",
    {"angles.cos()": "angles.sin()"},
)
sinusoidal_positions.slip(
    "transposed",
    "Your code lies on its side: one row for each place, `width` numbers in it.",
    {"return pairs.flatten(1)": "return pairs.flatten(1).T"},
)
sinusoidal_positions.slip(
    "rates_to_the_very_end",
    "Your last rate is exactly 1/10000. In the formula the power is −2i/C, so it stops one "
    "pair short of that: divide by the width, not by what is left of it.",
    {"2) / width)": "2) / max(width - 2, 1))"},
)
sinusoidal_positions.slip(
    "whole_places_only",
    "You rounded the places. A fraction has a code of its own.",
    {"places[:, None]": "places.long()[:, None]"},
)
sinusoidal_positions.slip(
    "whole_turns",
    "You multiplied by 2π. The angles are p · r as they stand, in radians.",
    {"places[:, None]": "(6.283185307179586 * places)[:, None]"},
)
sinusoidal_positions.slip(
    "relative_to_the_first",
    "You count from the first of the places you were given. The number in `places` is the "
    "place itself.",
    {"places[:, None]": "(places - places[0])[:, None]"},
)
sinusoidal_positions.slip(
    "share_of_the_length",
    "You divided the places by how many there are. A code must not depend on what else was asked.",
    {"places[:, None]": "(places / len(places))[:, None]"},
)
sinusoidal_positions.slip(
    "sorted_places",
    "You sorted the places. The codes come back in the order in which they were asked.",
    {"places[:, None]": "places.sort().values[:, None]"},
)
sinusoidal_positions.slip(
    "sign_of_places_lost",
    "Your code of place −p is that of p. The sine changes its sign there.",
    {"places[:, None]": "places.abs()[:, None]"},
)


sinusoidal_positions.equivalent(
    "`rates = 10000.0 ** (-torch.arange(0, width, 2, device=places.device) / width)` → "
    "`rates = 10000.0 ** (-torch.arange(0, width, 2) / width)`",
    because="a machine that grades computes on one device",
)


sinusoidal_positions.hint("Rates (width/2), then angles (T, width/2), then sines and cosines.")
sinusoidal_positions.hint(
    "`torch.stack([a, b], dim=-1)` makes pairs; flattening puts them in line."
)
sinusoidal_positions.hint(
    "By hand, width 4, place 3: [sin 3, cos 3, sin 0.03, cos 0.03].", when="value"
)
sinusoidal_positions.hint(
    "`torch.arange(0, width, 2)` has as many entries as there are pairs.", when="shape"
)
