"""How `influence` is judged."""

from __future__ import annotations

import torch

from descent.exercises.doubles import (
    normals,
)
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

influence = Exercise("influence", minutes=10, difficulty=3, returns=Tensor)


class Mixer:
    """A function whose slopes are known: A · (x + b/2 · x²) · W.

    They are A[t, s] · (1 + b · x[s, j]) · W[j, v]; with b = 0 they do not depend on x.
    """

    def __init__(self, places: Tensor, words: Tensor, bend: float = 0.0) -> None:
        self.places, self.words, self.bend = places, words, bend

    def __call__(self, x: Tensor) -> Tensor:
        return self.places @ (x + self.bend / 2 * x.square()) @ self.words

    def __repr__(self) -> str:
        bent = " + x²/2" if self.bend else ""
        return f"a function with f(x) = A · (x{bent}) · W"


@influence.property("is the largest slope between every two places", trials=5)
def _(answer, draw: Draw) -> None:
    time = min(draw.size, 6)
    places, words, x = normals(draw, time, time), normals(draw, 3, 4), normals(draw, time, 3)
    slopes = ((1 + x)[:, :, None] * words).abs().amax((1, 2))
    found = answer(Mixer(places, words, bend=1.0), x)
    expect(found, "the influence").has_shape(time, time)
    expect(found, "the influence").close_to(places.abs() * slopes, atol=1e-5)


@influence.property("is exactly 0 above the diagonal for a causal function")
def _(answer, draw: Draw) -> None:
    places = (normals(draw, 5, 5).abs() + 0.1).tril()
    words = normals(draw, 3, 4)
    found = answer(Mixer(places, words), normals(draw, 5, 3))
    expect(found, "the influence").close_to(places * words.abs().max(), atol=1e-5)
    expect(found.triu(1).abs().max(), "the largest influence of the future").equals(0.0)


@influence.property("is a slope at x, not a difference")
def _(answer, draw: Draw) -> None:
    x = normals(draw, 3, 1)
    found = answer(torch.square, x)
    expect(found, "the influence when f squares").close_to(torch.diag(2 * x[:, 0].abs()), atol=1e-4)


@influence.right
def right_influence(f, x):
    slopes = torch.autograd.functional.jacobian(f, x)
    return slopes.abs().amax((1, 3))


_LARGEST = "slopes.abs().amax((1, 3))"


influence.slip(
    "transposed_influence",
    "Your table is transposed: row t is the place that is predicted, column s the place that is "
    "nudged.",
    {_LARGEST: f"{_LARGEST}.T"},
)
influence.slip(
    "signed_sum",
    "You added the slopes with their signs, so that they cancel, and a leak can hide. Take the "
    "largest absolute one.",
    {_LARGEST: "slopes.sum((1, 3))"},
)
influence.slip(
    "sum_before_absolute",
    "You took the absolute value of a sum, in which slopes of opposite signs have cancelled "
    "already. Take the absolute values first, and the largest of them.",
    {_LARGEST: "slopes.sum((1, 3)).abs()"},
)
influence.slip(
    "signed_maximum",
    "You took the largest slope with its sign. A slope of −3 is an influence of 3.",
    {".abs()": ""},
)
influence.slip(
    "maximum_before_absolute",
    "You took the absolute value of the largest slope with its sign. Of −3 and 1 that is 1: take "
    "the absolute values first.",
    {_LARGEST: "slopes.amax((1, 3)).abs()"},
)
influence.slip(
    "absolute_sum",
    "You added up the absolute slopes. The page asks for the largest of them.",
    {".amax": ".sum"},
)
influence.slip(
    "summed_over_words",
    "You took the gradient of the sum over v. Slopes of different words cancel in it; look at each "
    "logit alone.",
    {_LARGEST: "slopes.sum(1).abs().amax(2)"},
)
influence.slip(
    "absolute_mean",
    "You averaged the absolute slopes. The page asks for the largest of them.",
    {".amax": ".mean"},
)
influence.slip(
    "first_word_only",
    "You looked at the first logit alone. A leak may show in any of them.",
    {_LARGEST: "slopes[:, 0].abs().amax(2)"},
)
influence.slip(
    "first_number_only",
    "You nudge the first number of each embedding alone. A leak may show in any of them.",
    {_LARGEST: "slopes[..., 0].abs().amax(1)"},
)
influence.slip(
    "length_of_the_slopes",
    "You took the root of the sum of the squared slopes. The page asks for the largest absolute "
    "one.",
    {_LARGEST: "slopes.square().sum((1, 3)).sqrt()"},
)
influence.slip(
    "other_places_compared",
    "You took the largest over v and over the places nudged. The places stay: the largest is over "
    "v and over j, the numbers of an embedding.",
    {"(1, 3)": "(1, 2)"},
)
influence.slip(
    "whole_jacobian",
    "You returned the whole table of slopes. Take the largest over v and j.",
    {_LARGEST: "slopes"},
)


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
