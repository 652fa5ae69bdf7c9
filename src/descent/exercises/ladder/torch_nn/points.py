"""How `Points` is judged."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader, Dataset

from descent.grading import Draw, Exercise, expect

from .shared import RightPoints

Points = Exercise("Points", minutes=8, difficulty=2)


def _expect_dtype(value: torch.Tensor, name: str, dtype: str) -> None:
    expect(isinstance(value, torch.Tensor), name).is_true(
        otherwise=f"It should be a tensor, and is of type `{type(value).__name__}`."
    )
    expect(value, name).has_dtype(dtype)
    # Once more as text: equal numbers of two dtypes count as the same answer.
    expect(str(getattr(value, "dtype", None)), f"the dtype of {name}").equals(f"torch.{dtype}")


@Points.property("is a Dataset with one item for each point", trials=4)
def _(answer, draw: Draw) -> None:
    n = draw.size
    dataset = answer(draw.normal(n, 4), draw.integers(0, 3, n))
    expect(dataset, "the data set").is_a(Dataset)
    expect(len(dataset), "its length").equals(n)


@Points.property("gives point i and its label", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size + 1
    x, y = draw.normal(n, 2), draw.integers(0, 3, n)
    dataset = answer(x, y)
    for i in (0, n - 1, draw.integers(0, n)):
        item = dataset[i]
        expect(len(item), "the length of an item").equals(2)
        expect(item[0], f"the point of item {i}").close_to(x[i])
        expect(item[-1], f"the label of item {i}").equals(int(y[i]))


@Points.property("gives float32 points and int64 labels, whatever the arrays are", trials=3)
def _(answer, draw: Draw) -> None:
    kind = "float64" if draw.size == 1 else draw.choice(["float32", "int64"])
    x, y = draw.integers(-5, 5, 4, 2).astype(kind), draw.integers(0, 3, 4).astype("int32")
    point, label = answer(x, y)[1]
    _expect_dtype(point, "the point", "float32")
    _expect_dtype(label, "the label", "int64")
    expect(label, "the label").has_shape()


@Points.property("stacks into the batches that a network takes")
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(5, 2), draw.integers(0, 3, 5)
    batch_x, batch_y = next(iter(DataLoader(answer(x, y), batch_size=5)))
    expect(batch_x, "a batch of points").close_to(x)
    expect(batch_y, "its labels").close_to(y)
    _expect_dtype(batch_x, "a batch of points", "float32")
    _expect_dtype(batch_y, "its labels", "int64")


@Points.mistake(
    "Your points keep the dtype of the array, which is float64 for most. The layers are float32, "
    "and a matrix product does not mix the two: `torch.tensor(x, dtype=torch.float32)`."
)
class DtypeOfTheArray(RightPoints):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.x = torch.tensor(x)


@Points.mistake(
    "Your labels are floats. They are used as indices and must be int64; F.cross_entropy takes "
    "floats for something else."
)
class FloatLabels(RightPoints):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.y = torch.tensor(y, dtype=torch.float32)


@Points.mistake("Your labels keep the dtype of the array. Make them int64 whatever they come as.")
class DtypeOfTheLabels(RightPoints):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.y = torch.tensor(y)


@Points.mistake(
    "Your points are integers: the digits after the point are lost. They should be float32."
)
class IntegerPoints(RightPoints):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.x = torch.tensor(x).to(torch.int64)


@Points.mistake("Point and label have changed places: an item is (x, y).")
class SwappedItem(RightPoints):
    def __getitem__(self, i):
        return self.y[i], self.x[i]


@Points.mistake("Your length is the number of coordinates. It should be the number of points.")
class CountsColumns(RightPoints):
    def __len__(self):
        return self.x.shape[1]


@Points.mistake("Your length is the number of entries of x. It should be the number of points.")
class CountsEntries(RightPoints):
    def __len__(self):
        return self.x.numel()


@Points.mistake("You return all points whatever i is. Item i is one point and one label.")
class WholeArrays(RightPoints):
    def __getitem__(self, i):
        return self.x, self.y


@Points.mistake(
    "You cut out a slice, x[i:i+1], which keeps a dimension of length 1. A point has shape (d,) "
    "and a label shape (): index with i alone; the loader makes the batch."
)
class SlicedItem(RightPoints):
    def __getitem__(self, i):
        return self.x[i : i + 1], self.y[i : i + 1]


@Points.mistake("You return the point without its label.")
class OnlyThePoint(RightPoints):
    def __getitem__(self, i):
        return self.x[i]


@Points.mistake("Your items are one place off: item 0 is the first point.")
class OnePlaceOff(RightPoints):
    def __getitem__(self, i):
        return self.x[i - 1], self.y[i - 1]


@Points.mistake(
    "You turned the labels into one-hot rows. F.cross_entropy takes the class numbers themselves."
)
class OneHot(RightPoints):
    def __getitem__(self, i):
        return self.x[i], torch.eye(3, dtype=torch.int64)[self.y[i]]


@Points.mistake("Your label is a Python number. It should stay a tensor: index, without `.item()`.")
class PythonLabels(RightPoints):
    def __getitem__(self, i):
        return self.x[i], self.y[i].item()


Points.hint("`__init__` makes two tensors, `__len__` counts, `__getitem__` indexes both.")
Points.hint("`torch.tensor(x, dtype=torch.float32)`, and int64 for the labels.")
Points.hint("float64 is numpy's habit. Say which dtype you want.", when="dtype")
Points.hint("A point has shape (d,), a label shape (): no batch dimension yet.", when="shape")
Points.hint("Which i gives the first point?", when="value")
Points.hint("How many points are there, and along which dimension are they counted?", when="length")
