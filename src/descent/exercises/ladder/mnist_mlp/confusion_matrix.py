"""How `confusion_matrix` is judged."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from torch import Tensor

from descent.grading import Draw, Exercise, expect

confusion_matrix = Exercise("confusion_matrix", minutes=8, difficulty=2, returns=Tensor)


@confusion_matrix.property("counts how often each class was taken for each", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size * 2
    true = torch.tensor(draw.integers(0, 3, n))
    predicted = torch.tensor(draw.integers(0, 3, n))
    expected = sklearn_confusion_matrix(true.numpy(), predicted.numpy(), labels=range(3))
    expect(answer(true, predicted, 3), "the matrix").close_to(expected)


@confusion_matrix.property("has a row and a column for classes that never occur")
def _(answer, draw: Draw) -> None:
    true, predicted = torch.tensor([1, 1, 0]), torch.tensor([1, 0, 1])
    matrix = answer(true, predicted, 4)
    expected = sklearn_confusion_matrix(true.numpy(), predicted.numpy(), labels=range(4))
    expect(matrix, "the matrix").has_shape(4, 4).close_to(expected)


@confusion_matrix.property("takes one example, and none")
def _(answer, draw: Draw) -> None:
    one = answer(torch.tensor([2]), torch.tensor([0]), 3)
    expect(one, "the matrix of one example").close_to([[0, 0, 0], [0, 0, 0], [1, 0, 0]])
    none = torch.zeros(0, dtype=torch.int64)
    expect(answer(none, none, 3), "the matrix of no examples").close_to(np.zeros((3, 3)))


@confusion_matrix.property("holds whole numbers (int64)")
def _(answer, draw: Draw) -> None:
    matrix = answer(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), 2)
    expect(matrix, "the matrix").has_dtype("int64")


def _counted(rows, columns, classes):
    return torch.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


@confusion_matrix.mistake(
    "Your matrix is transposed. Rows are the true classes, columns the predicted ones: row 4, "
    "column 9 counts fours that were taken for nines."
)
def transposed(labels, predictions, classes):
    return _counted(predictions, labels, classes)


@confusion_matrix.mistake(
    "`matrix[labels, predictions] += 1` adds 1 once to each cell, however often the pair occurs: "
    "torch reads all cells, adds, and writes back. Loop over the pairs, or use `torch.bincount`."
)
def counted_once(labels, predictions, classes):
    matrix = torch.zeros(classes, classes, dtype=torch.int64)
    matrix[labels, predictions] += 1
    return matrix


@confusion_matrix.mistake(
    "Your matrix is as large as the largest class that occurs. It has `classes` rows and columns, "
    "whichever occur."
)
def size_of_the_largest(labels, predictions, classes):
    return _counted(labels, predictions, int(max(labels.max(), predictions.max())) + 1)


@confusion_matrix.mistake(
    "Your `bincount` ends at the largest pair that occurs, and its length is not classes². Tell it "
    "`minlength=classes**2`."
)
def without_minlength(labels, predictions, classes):
    return torch.bincount(labels * classes + predictions).reshape(classes, classes)


@confusion_matrix.mistake("You divided each row by its sum. Return the counts themselves.")
def shares_of_rows(labels, predictions, classes):
    matrix = _counted(labels, predictions, classes).float()
    return matrix / matrix.sum(1, keepdim=True).clamp_min(1)


@confusion_matrix.mistake("You divided by the number of examples. Return the counts themselves.")
def shares_of_all(labels, predictions, classes):
    return _counted(labels, predictions, classes) / max(len(labels), 1)


@confusion_matrix.mistake(
    "Your matrix is only as large as the classes that occur. It always has `classes` rows and "
    "columns, so that row 7 is class 7."
)
def only_seen_classes(labels, predictions, classes):
    seen = int(torch.cat([labels, predictions]).max()) + 1 if len(labels) else 0
    return _counted(labels, predictions, seen)


@confusion_matrix.mistake(
    "You counted the mistakes and left out the right answers. They belong on the diagonal."
)
def only_errors(labels, predictions, classes):
    matrix = _counted(labels, predictions, classes)
    return matrix - torch.diag(matrix.diagonal())


@confusion_matrix.mistake(
    "You counted the right answers and left out the mistakes. They are the cells off the "
    "diagonal, and the reason for the matrix."
)
def only_diagonal(labels, predictions, classes):
    return torch.diag(_counted(labels, predictions, classes).diagonal())


@confusion_matrix.mistake(
    "The counts are right and are floating-point numbers. Start from `torch.zeros(classes, "
    "classes, dtype=torch.int64)`."
)
def float_counts(labels, predictions, classes):
    return _counted(labels, predictions, classes).float()


@confusion_matrix.mistake(
    "You counted each pair in both directions. A four taken for a nine is one thing, a nine taken "
    "for a four another."
)
def both_ways(labels, predictions, classes):
    matrix = _counted(labels, predictions, classes)
    return matrix + matrix.T - torch.diag(matrix.diagonal())


confusion_matrix.hint("A table of zeros; each example adds 1 to one cell. Which row, which column?")
confusion_matrix.hint(
    "A `for true, predicted in zip(…)` loop is fine. Faster: `torch.bincount` of true · classes + "
    "predicted."
)
confusion_matrix.hint(
    "Which class says the row: the true one or the predicted one?", when="transposed"
)
confusion_matrix.hint("What happens when the same pair comes twice?", when="value")
confusion_matrix.hint("The size is given by `classes`, not by what occurs.", when="shape")
confusion_matrix.hint(
    "`torch.zeros` makes floats unless you say `dtype=torch.int64`.", when="dtype"
)
