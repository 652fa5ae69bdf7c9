"""How `linear_logits` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import normals_of, slopes_through

linear_logits = Exercise("linear_logits", minutes=3, difficulty=1, returns=Tensor)


def _expected_logits(W: Tensor, b: Tensor, x: Tensor) -> np.ndarray:
    return np.einsum("nd,dk->nk", x.double(), W.double()) + b.double().numpy()[None, :]


@linear_logits.property("gives every example a score for every class", trials=5)
def _(answer, draw: Draw) -> None:
    d, k = draw.integers(1, 4), draw.integers(2, 5)
    W, b, x = normals_of(draw, d, k), normals_of(draw, k), normals_of(draw, draw.size, d)
    expect(answer(W, b, x), "the logits").close_to(_expected_logits(W, b, x), atol=1e-4)


@linear_logits.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    W, b, x = normals_of(draw, 2, 3), normals_of(draw, 3), normals_of(draw, 1, 2)
    logits = answer(W, b, x)
    expect(logits, "the logits").has_shape(1, 3)
    expect(logits, "the logits").close_to(_expected_logits(W, b, x), atol=1e-4)


@linear_logits.property("keeps rows and columns apart when all sizes are equal", trials=2)
def _(answer, draw: Draw) -> None:
    W, b, x = normals_of(draw, 3, 3), normals_of(draw, 3), normals_of(draw, 3, 3)
    expect(answer(W, b, x), "the logits").close_to(_expected_logits(W, b, x), atol=1e-4)


@linear_logits.property("lets gradients through to W and b")
def _(answer, draw: Draw) -> None:
    W, b, x = normals_of(draw, 2, 3), normals_of(draw, 3), normals_of(draw, 4, 2)
    slopes = slopes_through(lambda *given: answer(*given, x), [W, b], "the logits")
    if slopes is None:
        return
    expect(slopes[0], "the gradient of their sum by W").close_to(x.sum(0)[:, None].expand(2, 3))
    expect(slopes[1], "the gradient of their sum by b").close_to([4.0, 4.0, 4.0])


@linear_logits.mistake("You left out b. Each class has a bias of its own, added to its column.")
def without_bias(W, b, x):
    return x @ W


@linear_logits.mistake(
    "W is the wrong way round: its rows belong to inputs and its columns to classes, so x @ W has "
    "one column for each class. No transpose is needed."
)
def transposed_weights(W, b, x):
    return x @ W.T + b


@linear_logits.mistake(
    "You added the bias down the rows. Entry j of b belongs to class j, which is a column: leave "
    "b of shape (k,), and broadcasting adds it to every row."
)
def bias_down_the_rows(W, b, x):
    return x @ W + b[:, None]


@linear_logits.mistake("You subtracted the bias. The logits of this chapter are x @ W + b.")
def subtracted_bias(W, b, x):
    return x @ W - b


@linear_logits.mistake(
    "You applied softmax already. Logits are the plain scores, of either sign; probabilities come "
    "in the next step."
)
def probabilities_already(W, b, x):
    return torch.softmax(x @ W + b, dim=1)


@linear_logits.mistake(
    "Your result has one row for each class: it is the transpose. Examples go down the rows and "
    "classes across the columns, shape (n, k)."
)
def classes_down_the_rows(W, b, x):
    return (x @ W + b).T


@linear_logits.mistake(
    "You cut the negative scores off at 0. A logit may be negative: only differences count."
)
def cut_at_zero(W, b, x):
    return torch.relu(x @ W + b)


@linear_logits.mistake(
    "The numbers are right, but their gradient history is cut off: leave out `.detach()`, "
    "`no_grad`, `.numpy()` and `torch.tensor(…)`, so that backward() can reach W and b."
)
def cut_off_logits(W, b, x):
    return (x @ W + b).detach()


linear_logits.hint("Rung 3 predicted with x @ w + b. Now W has a column for each class.")
linear_logits.hint("(n, d) @ (d, k) gives (n, k). Then add b, which broadcasts over the rows.")
linear_logits.hint("Write the shapes side by side: the inner two must be equal.", when="error")
linear_logits.hint("Examples go down, classes across: shape (n, k).", when="shape")
linear_logits.hint("Which axis of W counts the classes?", when="transposed")
linear_logits.hint("With x = 0 the logits are b, in every row. Are yours?", when="value")
