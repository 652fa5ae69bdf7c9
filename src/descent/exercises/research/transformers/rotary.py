"""How `rotary` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor
from .sinusoidal_positions import right_codes

rotary = Exercise("rotary", minutes=20, difficulty=2, returns=Tensor)


def _turned(x: Tensor, places: Tensor) -> np.ndarray:
    """Pairs as complex numbers, multiplied by a number of length 1."""
    numbers = x.double().numpy()
    pairs = numbers[..., 0::2] + 1j * numbers[..., 1::2]
    d = numbers.shape[-1]
    angles = places.double().numpy()[:, None] / 10000.0 ** (np.arange(0, d, 2) / d)
    turned = pairs * np.exp(1j * angles)
    return np.stack([turned.real, turned.imag], -1).reshape(numbers.shape)


@rotary.property("turns [1, 0] at place 3 into [cos 3, sin 3]")
def _(answer, draw: Draw) -> None:
    found = answer(torch.tensor([[1.0, 0.0]]), torch.tensor([3]))
    expect(found, "the result").close_to([[-0.98999, 0.14112]], atol=2e-5)


@rotary.property("turns each pair by the angle of its place and rate", trials=6)
def _(answer, draw: Draw) -> None:
    x, places = normals(draw, draw.size, 2 * draw.integers(1, 6)), torch.arange(draw.size)
    expect(answer(x, places), "the result").close_to(_turned(x, places), atol=1e-4)


@rotary.property("takes places in any order, for every batch and head")
def _(answer, draw: Draw) -> None:
    x, places = normals(draw, 2, 3, 4, 6), torch.tensor(draw.integers(0, 50, 4))
    expect(answer(x, places), "the result").close_to(_turned(x, places), atol=1e-4)
    one, far = normals(draw, 2, 3, 1, 4), torch.tensor([draw.integers(100, 300)])
    expect(answer(one, far), "the result at one place far on").close_to(
        _turned(one, far), atol=2e-4
    )


@rotary.property("makes a dot product depend on the distance alone")
def _(answer, draw: Draw) -> None:
    query, key = normals(draw, 1, 8), normals(draw, 1, 8)
    gap, first = draw.integers(1, 9), draw.integers(0, 5)
    dots = []
    for start in (first, first + draw.integers(3, 40)):
        q, k = answer(query, torch.tensor([start + gap])), answer(key, torch.tensor([start]))
        dots.append((q * k).sum())
    expect(dots[0], "the dot product at one place, against that further on").close_to(
        dots[1], rtol=1e-3, atol=1e-3
    )


@rotary.property("keeps lengths, and leaves x as it was")
def _(answer, draw: Draw) -> None:
    x, places = normals(draw, 5, 6), torch.arange(3, 8)
    before = x.clone()
    found = answer(x, places)
    expect(found.square().sum(-1), "the squared lengths").close_to(
        before.square().sum(-1), rtol=1e-3
    )
    expect(x, "x after the call").equals(before)


@rotary.right
def right_rotary(x, places):
    codes = right_codes(places, x.shape[-1])
    sine, cosine = codes[:, 0::2], codes[:, 1::2]
    a, b = x[..., 0::2], x[..., 1::2]
    turned = torch.stack([a * cosine - b * sine, a * sine + b * cosine], dim=-1)
    return turned.flatten(-2)


rotary.slip(
    "turned_backwards",
    "You turn the other way: the minus belongs to the first number of a pair, a cos − b sin.",
    {
        "a * cosine - b * sine": "a * cosine + b * sine",
        "a * sine + b * cosine": "b * cosine - a * sine",
    },
)
rotary.slip(
    "no_minus",
    "Both of your terms are added. A turn has one minus, or it is no turn: lengths change.",
    {"a * cosine - b * sine": "a * cosine + b * sine"},
)
rotary.slip(
    "halves_instead_of_pairs",
    "You paired the first half with the second half. Some libraries do; here a pair is two "
    "neighbours, 0 and 1, 2 and 3.",
    {
        "a, b = x[..., 0::2], x[..., 1::2]": "a, b = x.chunk(2, dim=-1)",
        "turned = torch.stack([a * cosine - b * sine, "
        "a * sine + b * cosine], dim=-1)": "turned = torch.cat("
        "[a * cosine - b * sine, a * sine + b * cosine], dim=-1)[..., None]",
    },
)
rotary.slip(
    "halves_on_return",
    "You put all first numbers in front and all second ones behind. Each pair "
    "goes back to where it "
    "was.",
    {"return turned.flatten(-2)": "return turned.transpose(-1, -2).flatten(-2)"},
)
rotary.slip(
    "code_added",
    "You added the code of the place. Rotary positions multiply: each pair is turned.",
    {"return turned.flatten(-2)": "return x + codes"},
)
rotary.slip(
    "places_ignored",
    "You count the rows from 0 by yourself. `places` says where each stands, which is what a cache "
    "needs.",
    {"right_codes(places, x.shape[-1])": "right_codes(torch.arange(x.shape[-2]), x.shape[-1])"},
)
rotary.slip(
    "places_from_one",
    "Your places are one too high: at place 0 nothing is turned.",
    {"right_codes(places,": "right_codes(places + 1,"},
)
rotary.slip(
    "one_rate",
    "All your pairs turn at the same rate. Pair i turns by p · 10000^(−2i/d).",
    {"codes[:, 0::2], codes[:, 1::2]": "codes[:, 0:1], codes[:, 1:2]"},
)
rotary.slip(
    "sine_and_cosine_exchanged",
    "Sines and cosines have changed places: at place 0 nothing should be turned, and cos 0 = 1.",
    {"codes[:, 0::2], codes[:, 1::2]": "codes[:, 1::2], codes[:, 0::2]"},
)
rotary.slip(
    "batch_ignored",
    "You take the places along the first dimension. Rows are the last dimension but one.",
    {"return turned.flatten(-2)": "return turned.flatten(-2) if x.ndim == 2 else x"},
)
rotary.slip(
    "halves_read_pairs_written",
    "You read the first and the second half, and write pairs. Read the numbers 0 and 1, 2 "
    "and 3, … as well.",
    {"a, b = x[..., 0::2], x[..., 1::2]": "a, b = x.chunk(2, dim=-1)"},
)
rotary.slip(
    "rates_fall_too_slowly",
    "Your rates fall too slowly: with i the number of the pair the power is −2i/d.",
    {"right_codes(places, x.shape[-1])": "right_codes(places, 2 * x.shape[-1])[:, : x.shape[-1]]"},
)
rotary.slip(
    "relative_to_the_first",
    "You count from the first of the places. Rows that come with a cache stand far on: the "
    "angle is that of the place itself.",
    {"right_codes(places,": "right_codes(places - places[0],"},
)
rotary.slip(
    "first_number_overwritten",
    "Your second number is made with the first one as it is *after* the turn. Both need "
    "the old pair.",
    {
        "turned = torch.stack([a * cosine - b * sine, a": "a = a * cosine - b * sine\n    "
        "turned = torch.stack([a, a"
    },
)
rotary.slip(
    "cosines_alone",
    "You multiplied by the cosines alone. A turn mixes the two numbers of a pair.",
    {"[a * cosine - b * sine, a * sine + b * cosine]": "[a * cosine, b * cosine]"},
)
rotary.slip(
    "times_the_code",
    "You multiplied each number by the code's. A turn mixes the two numbers of a pair: a "
    "cos − b sin, a sin + b cos.",
    {"[a * cosine - b * sine, a * sine + b * cosine]": "[a * sine, b * cosine]"},
)
rotary.slip(
    "sorted_places",
    "You sorted the places. Each row stays with its own.",
    {"right_codes(places,": "right_codes(places.sort().values,"},
)


rotary.hint("Take the even numbers and the odd ones apart: a = x[..., 0::2], b = x[..., 1::2].")
rotary.hint("Your sinusoidal_positions has the sines and cosines needed, alternately.")
rotary.hint(
    "Stack the new a and b in a last dimension of two, and flatten: that interleaves.", when="shape"
)
rotary.hint("What must come out at place 0?", when="value")
