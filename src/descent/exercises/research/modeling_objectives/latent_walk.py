"""How `latent_walk` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.exercises.studies import does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

latent_walk = Exercise("latent_walk", minutes=20, difficulty=2, returns=torch.Tensor)


def _expected(start, end, steps: int) -> np.ndarray:
    """Turn the start towards the end in their plane, and let the length grow evenly."""
    a, b = start.double().numpy(), end.double().numpy()
    u = a / np.linalg.norm(a)
    across = b - (b @ u) * u
    width = np.linalg.norm(across)
    across = across / width if width > 1e-9 else 0 * across
    angle = math.atan2(width, b @ u)
    lengths = np.linspace(np.linalg.norm(a), np.linalg.norm(b), steps)
    turns = np.linspace(0.0, angle, steps)
    return lengths[:, None] * (np.cos(turns)[:, None] * u + np.sin(turns)[:, None] * across)


def _expect_walk(answer, start, end, steps: int) -> None:
    expected = _expected(start, end, steps)
    expect(answer(start, end, steps), "the walk").close_to(expected, rtol=1e-4, atol=1e-4)


@latent_walk.property("turns evenly, and lets the length grow evenly", trials=6)
def _(answer, draw: Draw) -> None:
    start, end = normals(draw, 3 + draw.size) + 0.01, 2.5 * normals(draw, 3 + draw.size)
    _expect_walk(answer, start, end, 2 + draw.size)


@latent_walk.property("passes the page's points on its way from the first to the third")
def _(answer, draw: Draw) -> None:
    _expect_walk(answer, torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 7)


@latent_walk.property("of two steps is the two ends")
def _(answer, draw: Draw) -> None:
    start, end = normals(draw, 4) + 0.01, normals(draw, 4)
    found = answer(start, end, 2)
    expect(found, "the walk").close_to(torch.stack([start, end]), atol=1e-4)


@latent_walk.property("goes straight where both point the same way", trials=4)
def _(answer, draw: Draw) -> None:
    start = normals(draw, 5) + 0.01
    _expect_walk(answer, start, start * draw.choice([1.0, 3.0, 0.2]), 5)


@latent_walk.property("turns nearly all the way where they are nearly opposite", trials=3)
def _(answer, draw: Draw) -> None:
    start = torch.tensor([1.0, 0.0, 0.0])
    _expect_walk(answer, start, torch.tensor([-2.0, 0.1, 0.0]), 6)


@latent_walk.property("does not refuse an angle 0.0015 short of half a turn")
def _(answer, draw: Draw) -> None:
    end = torch.tensor([-math.cos(0.0015), math.sin(0.0015)])
    found = does_not_refuse(
        answer, torch.tensor([1.0, 0.0]), end, 3, although="the ends are nearly opposite"
    )
    if found is not None:
        expect(found, "the walk").has_shape(3, 2)


@latent_walk.property("refuses an angle 0.0005 short of half a turn")
def _(answer, draw: Draw) -> None:
    end = torch.tensor([-math.cos(0.0005), math.sin(0.0005)])
    refuses(answer, torch.tensor([1.0, 0.0]), end, 3, because="an angle within 0.001 of π")


@latent_walk.property("refuses exactly opposite ends, between which no way is the shortest")
def _(answer, draw: Draw) -> None:
    for _ in range(16):  # rounding puts the cosine of some of them below −1
        start = normals(draw, 4) + 0.01
        refuses(answer, start, -draw.choice([1.0, 2.0]) * start, 5, because="opposite ends")


@latent_walk.right
def right_walk(start, end, steps):
    share = torch.linspace(0, 1, steps)[:, None]
    first, last = start.norm(), end.norm()
    u, v = start / first, end / last
    cosine = (u @ v).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if angle > math.pi - 1e-3:
        raise ValueError("the ends are opposite: every great circle through one goes to the other")
    if angle < 1e-3:
        way = (1 - share) * u + share * v
    else:
        way = (((1 - share) * angle).sin() * u + (share * angle).sin() * v) / angle.sin()
    return ((1 - share) * first + share * last) * way


_WAY = "(((1 - share) * angle).sin() * u + (share * angle).sin() * v) / angle.sin()"
_RETURN = "((1 - share) * first + share * last) * way"

latent_walk.slip(
    "straight_line",
    "You went along the straight line. Its middle is shorter than either end, where the prior has "
    "almost no mass in many dimensions: turn along the great circle.",
    {_RETURN: "(1 - share) * start + share * end"},
)
latent_walk.slip(
    "line_then_lengthened",
    "You went along the straight line and corrected the lengths. The points then lie on the "
    "circle, but not evenly: they bunch at the ends. Let the *angle* grow evenly.",
    {_WAY: "torch.nn.functional.normalize((1 - share) * u + share * v, dim=1)"},
)
latent_walk.slip(
    "unit_lengths",
    "Your points all have length 1. The length goes evenly from that of the start to that of the "
    "end.",
    {_RETURN: "way"},
)
latent_walk.slip(
    "length_of_start",
    "Your points keep the length of the start. It goes evenly to that of the end.",
    {_RETURN: "first * way"},
)
latent_walk.slip(
    "angle_of_unequal_lengths",
    "You turned vectors of different lengths as they are. The formula is for length 1: divide "
    "first, and give the points their lengths afterwards.",
    {
        "u, v = start / first, end / last": "u, v = start, end",
        "(u @ v)": "(u @ v / (first * last))",
        _RETURN: "way",
    },
)
latent_walk.slip(
    "ends_left_out",
    "Your walk leaves out its ends. The first row is the start and the last the end.",
    {"torch.linspace(0, 1, steps)": "torch.linspace(0, 1, steps + 2)[1:-1]"},
)
latent_walk.slip(
    "end_never_reached",
    "Your walk stops one step before the end.",
    {"torch.linspace(0, 1, steps)": "(torch.arange(steps) / steps)"},
)
latent_walk.slip(
    "backwards",
    "Your walk goes backwards: the first row is the start.",
    {"torch.linspace(0, 1, steps)": "torch.linspace(1, 0, steps)"},
)
latent_walk.slip(
    "same_direction_gives_nan",
    "Where both point the same way the angle is 0, and you divide 0 by 0. Go straight there.",
    {"if angle < 1e-3:": "if False:"},
)
latent_walk.slip(
    "opposite_not_refused",
    "Between opposite ends every great circle is as short as any other, and the straight line goes "
    "through 0: there is no right walk. Refuse with a ValueError.",
    {"if angle > math.pi - 1e-3:": "if False:"},
)
latent_walk.slip(
    "lengths_multiplied",
    "You let the length grow by a constant *factor*. It grows evenly, by a constant amount.",
    {_RETURN: "first ** (1 - share) * last ** share * way"},
)
latent_walk.slip(
    "exactly_opposite_alone",
    "You refuse exactly opposite ends alone. Within 0.001 of half a turn rounding decides which "
    "way is the shortest: refuse there too.",
    {"math.pi - 1e-3": "math.pi - 1e-5"},
)
latent_walk.slip(
    "angle_of_whole_vectors",
    "You took the arccosine of the dot product of vectors of any length. Divide both by their "
    "lengths first.",
    {"(u @ v)": "(start @ end)"},
)
latent_walk.slip(
    "length_of_the_end",
    "Your points have the length of the end. It goes evenly there from that of the start.",
    {_RETURN: "last * way"},
)
latent_walk.slip(
    "mean_length_throughout",
    "Your points all have the mean length. It goes evenly from that of the start to that of the "
    "end.",
    {_RETURN: "(first + last) / 2 * way"},
)
latent_walk.slip(
    "cosines",
    "You took cosines for the sines of the two parts of the angle.",
    {_WAY: "(((1 - share) * angle).cos() * u + (share * angle).cos() * v) / angle.sin()"},
)
latent_walk.slip(
    "directions_exchanged",
    "Your directions go from the end to the start, though the lengths go the right way. At s = 0 "
    "all the weight is on u.",
    {_WAY: "((share * angle).sin() * u + ((1 - share) * angle).sin() * v) / angle.sin()"},
)
latent_walk.slip(
    "not_divided_by_sine",
    "You did not divide by sin ω, so your ends are not the ends.",
    {" / angle.sin()": ""},
)
latent_walk.slip(
    "same_direction_stands_still",
    "Where both point the same way you stay at the start. The length still goes evenly to that "
    "of the end.",
    {"way = (1 - share) * u + share * v": "return start.expand(steps, -1)"},
)
latent_walk.slip(
    "same_direction_refused",
    "You refuse ends that point the same way. There the walk is a straight line.",
    {"way = (1 - share) * u + share * v": 'raise ValueError("no angle")'},
)

latent_walk.slip(
    "straight_everywhere",
    "You went along the straight line, and refuse nothing. Turn along the great circle, and "
    "raise a ValueError where the ends are opposite.",
    {_RETURN: "(1 - share) * start + share * end", "if angle > math.pi - 1e-3:": "if False:"},
)
latent_walk.slip(
    "lengths_multiplied_on_the_way",
    "You let the length grow by a constant *factor* where the walk turns. It grows evenly, by a "
    "constant amount.",
    {_RETURN: (f"{_RETURN} if angle < 1e-3 else first ** (1 - share) * last**share * way")},
)
latent_walk.slip(
    "refused_too_early",
    "You refuse ends that are only nearly opposite. The page refuses an angle within 0.001 of π.",
    {"math.pi - 1e-3": "math.pi - 0.1"},
)


@latent_walk.mistake(
    "You refuse ends that are only nearly opposite. The page refuses an angle within 0.001 of π: "
    "a cosine of −0.99 is 0.14 short of it."
)
def refused_by_cosine(start, end, steps):
    if start @ end < -0.99 * start.norm() * end.norm():
        raise ValueError
    return right_walk(start, end, steps)


@latent_walk.mistake(
    "Where both point the same way your points have length 1. The length goes evenly from that of "
    "the start to that of the end."
)
def same_direction_of_length_one(start, end, steps):
    walk = right_walk(start, end, steps)
    cosine = start @ end / (start.norm() * end.norm())
    return walk / walk.norm(dim=1, keepdim=True) if cosine > 1 - 1e-6 else walk


for _line, _other in (
    ("if angle > math.pi - 0.001:", "if angle >= math.pi - 0.001:"),
    ("if angle < 0.001:", "if angle <= 0.001:"),
    ("if angle < 0.001:", "if angle < 0.002:"),
):
    latent_walk.equivalent(
        f"`{_line}` → `{_other}`",
        because="on so short an arc, or exactly on the limit, both ways agree to rounding",
    )


latent_walk.hint("Two things change evenly along the way: the angle and the length.")
latent_walk.hint(
    "With unit vectors u, v and the angle ω between them: (sin((1−s)ω) u + sin(sω) v) / sin ω."
)
latent_walk.hint("What happens to sin ω where both point the same way?", when="nan")
latent_walk.hint("How long is the middle of your walk from (1, 0) to (0, 1)?", when="value")
latent_walk.hint("`torch.linspace(0, 1, steps)` has both ends.", when="shape")
