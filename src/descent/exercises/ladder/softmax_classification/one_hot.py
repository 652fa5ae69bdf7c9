"""How `one_hot` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, one_hot_rows

one_hot = Exercise("one_hot", minutes=5, difficulty=1, returns=Tensor)


@one_hot.property("has a 1 at the label and zeros elsewhere", trials=5)
def _(answer, draw: Draw) -> None:
    k = draw.integers(2, 5)
    labels = drawn_labels(draw, draw.size, k)
    expect(answer(labels, k), "the rows").close_to(one_hot_rows(labels, k))


@one_hot.property("has a column for classes that are missing, too")
def _(answer, draw: Draw) -> None:
    labels = drawn_labels(draw, 3, 2)
    expect(answer(labels, 5), "the rows").close_to(one_hot_rows(labels, 5))


@one_hot.property("keeps rows and columns apart, and works for a batch of one")
def _(answer, draw: Draw) -> None:
    labels = torch.tensor(draw.choice([[1, 2, 2], [2, 0, 0], [1, 1, 0]]))
    expect(answer(labels, 3), "the rows").close_to(one_hot_rows(labels, 3))
    expect(answer(labels[:1], 3), "the row of a batch of one").close_to(one_hot_rows(labels[:1], 3))


@one_hot.property("is float32")
def _(answer, draw: Draw) -> None:
    rows = answer(drawn_labels(draw, 3, 3), 3)
    # A truth value and a name, not the numbers: those are right for every type.
    expect(isinstance(rows, Tensor), "the rows are a tensor").is_true(
        otherwise=f"It is of type `{type(rows).__name__}`; it should be a torch tensor."
    )
    dtype = str(getattr(rows, "dtype", type(rows).__name__)).removeprefix("torch.")
    expect(dtype, "the dtype of the rows").equals("float32")


@one_hot.mistake(
    "Your result has a row for each class: it is the transpose. Examples go down, classes across, "
    "as in the table of probabilities you will subtract it from."
)
def transposed_rows(labels, classes):
    return torch.eye(classes)[:, labels]


@one_hot.mistake(
    "`rows[:, labels] = 1` sets the columns of *all* the labels in *every* row. Pair each row with "
    "its own label: `rows[torch.arange(n), labels] = 1`."
)
def every_label_in_every_row(labels, classes):
    rows = torch.zeros(len(labels), classes)
    rows[:, labels] = 1.0
    return rows


@one_hot.mistake(
    "You counted the classes from the labels. A batch may miss the last class: use the `classes` "
    "you were given."
)
def classes_from_the_labels(labels, classes):
    return torch.eye(int(labels.max()) + 1)[labels]


@one_hot.mistake(
    "You made a column only for the classes that occur in this batch. Every class from 0 to "
    "classes − 1 has one, and its place is the class number."
)
def only_classes_that_occur(labels, classes):
    return (labels[:, None] == labels.unique()[None, :]).float()


@one_hot.mistake("Your ones are one place too far left. Labels count from 0: no −1 is needed.")
def one_too_far_left(labels, classes):
    return torch.eye(classes)[labels - 1]


@one_hot.mistake(
    "The numbers are right and their type is not: `F.one_hot` gives whole numbers, a comparison "
    "gives booleans (which torch refuses to subtract), numpy gives float64. Ask for float32 with "
    "`.float()`."
)
def another_type(labels, classes):
    return torch.eye(classes)[labels].to(torch.int64)


@one_hot.mistake(
    "You wrote the label itself into its place. A 1 goes there; the place says which class."
)
def label_in_its_place(labels, classes):
    return torch.eye(classes)[labels] * labels[:, None]


@one_hot.mistake("Ones and zeros have changed places: a single 1 at the label, zeros elsewhere.")
def one_cold(labels, classes):
    return 1 - torch.eye(classes)[labels]


@one_hot.mistake("You returned a numpy array. Make it a torch tensor.")
def numpy_rows(labels, classes):
    return np.eye(classes, dtype=np.float32)[np.asarray(labels)]


one_hot.hint("Start from `torch.zeros(n, classes)`, then write n ones.")
one_hot.hint("`rows[torch.arange(n), labels]` names one place in each row, and can be assigned to.")
one_hot.hint("How many rows? One for each label. How many columns? `classes`.", when="shape")
one_hot.hint("`.float()` turns any tensor into float32.", when="dtype")
one_hot.hint("Each row should add up to 1. Do yours?", when="value")
one_hot.hint("Is an index one too large or too small? Classes count from 0.", when="error")
