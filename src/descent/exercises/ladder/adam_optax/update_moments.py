"""How `update_moments` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_tensor, weighted_mean

update_moments = Exercise("update_moments", minutes=6, difficulty=1, returns=tuple[Tensor, Tensor])


@update_moments.property("mixes the old averages with the gradient and its square", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    m, v, g = drawn_tensor(draw, n), drawn_tensor(draw, n).abs(), drawn_tensor(draw, n)
    beta1, beta2 = draw.uniform(0.3, 0.6), draw.uniform(0.7, 0.95)
    new_m, new_v = answer(m, v, g, beta1, beta2)
    expect(new_m, "m").close_to(np.average([m, g], axis=0, weights=[beta1, 1 - beta1]))
    squares = np.square(g.numpy())
    expect(new_v, "v").close_to(np.average([v, squares], axis=0, weights=[beta2, 1 - beta2]))


@update_moments.property("gives weighted means of all gradients after several updates", trials=3)
def _(answer, draw: Draw) -> None:
    gradients = draw.normal(4, 3)
    m = v = torch.zeros(3, dtype=torch.float64)
    for g in gradients:
        m, v = answer(m, v, torch.tensor(g), 0.8, 0.95)
    expect(m, "m after 4 updates").close_to((1 - 0.8**4) * weighted_mean(gradients, 0.8))
    expect(v, "v after 4 updates").close_to((1 - 0.95**4) * weighted_mean(gradients**2, 0.95))


@update_moments.property("forgets: without gradient, each shrinks by its own beta")
def _(answer, draw: Draw) -> None:
    m, v = drawn_tensor(draw, 2, 2), drawn_tensor(draw, 2, 2).abs()
    new_m, new_v = answer(m, v, torch.zeros_like(m), 0.5, 0.75)
    expect(new_m, "m").close_to(m / 2)
    expect(new_v, "v").close_to(v * 3 / 4)


@update_moments.mistake("The betas have changed places: β₁ belongs to m and β₂ to v.")
def swapped_betas(m, v, gradient, beta1, beta2):
    return beta2 * m + (1 - beta2) * gradient, beta1 * v + (1 - beta1) * gradient**2


@update_moments.mistake("You used β₁ for v as well. v has a memory of its own, β₂.")
def first_beta_twice(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta1 * v + (1 - beta1) * gradient**2


@update_moments.mistake(
    "The weights are the wrong way round: β is the share of the old average that is kept, "
    "1 − β the share of the new."
)
def swapped_weights(m, v, gradient, beta1, beta2):
    return (1 - beta1) * m + beta1 * gradient, (1 - beta2) * v + beta2 * gradient**2


@update_moments.mistake(
    "The factor 1 − β is missing: these are sums that grow tenfold and a thousandfold, "
    "not averages."
)
def sums(m, v, gradient, beta1, beta2):
    return beta1 * m + gradient, beta2 * v + gradient**2


@update_moments.mistake("Your v averages the gradient, not its square. Square each entry first.")
def without_square(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient


@update_moments.mistake(
    "Your v averages the gradient's absolute value. The second moment is of the square."
)
def absolute(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * abs(gradient)


@update_moments.mistake(
    "Your v takes the square of the mean, m², where it should take the mean of the "
    "square: use the gradient itself. "
    "In m opposite gradients cancel, and v must not."
)
def square_of_mean(m, v, gradient, beta1, beta2):
    m = beta1 * m + (1 - beta1) * gradient
    return m, beta2 * v + (1 - beta2) * m**2


@update_moments.mistake(
    "You subtracted the mean before squaring. That would be the variance; Adam's second "
    "moment is of the gradient itself."
)
def variance(m, v, gradient, beta1, beta2):
    m = beta1 * m + (1 - beta1) * gradient
    return m, beta2 * v + (1 - beta2) * (gradient - m) ** 2


@update_moments.mistake(
    "Your v is of the summed gradient: one number for all entries. Square entry by entry, "
    "so that each parameter has "
    "a scale of its own."
)
def summed_gradient(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient.sum() ** 2


@update_moments.mistake(
    "Your v averages the squares over all entries: every parameter gets the same scale. "
    "Square entry by entry."
)
def one_scale(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * (gradient**2).mean()


@update_moments.mistake(
    "Your v adds up the squares of all entries: one number for all of them, and a larger one the "
    "more parameters there are. Square entry by entry, and sum nothing."
)
def summed_squares(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * (gradient**2).sum()


@update_moments.mistake("You squared 1 − β as well: only the gradient is squared.")
def squared_weight(m, v, gradient, beta1, beta2):
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + ((1 - beta2) * gradient) ** 2


@update_moments.mistake("The results have changed places: return m, then v.")
def swapped_moments(m, v, gradient, beta1, beta2):
    return beta2 * v + (1 - beta2) * gradient**2, beta1 * m + (1 - beta1) * gradient


update_moments.hint(
    "Two lines of the same form. What goes in differs: the gradient, and its square."
)
update_moments.hint("new average = β · old average + (1 − β) · new value, entry by entry.")
update_moments.hint("Which beta goes with which average?", when="value")
update_moments.hint("What are the weights of old and new? Together they are 1.", when="factor")
update_moments.hint("A square is never negative. Where was it taken?", when="sign")
update_moments.hint(
    "Make new tensors: `m.mul_(…)` and `m *= …` change the one you were given.",
    when="changes input",
)
