"""How `orthogonal` is judged: by what W does to lengths, and by how its draws are spread."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

orthogonal = Exercise("orthogonal", minutes=15, difficulty=2, returns=Tensor)


def _expect_turns(answer, draw: Draw, rows: int, columns: int, gain: float) -> None:
    matrix = answer(rows, columns, gain, torch_generator(draw.seed()))
    if tuple(matrix.shape) != (rows, columns):
        expect(matrix, "the matrix").has_shape(rows, columns)
        return
    # What is observed holds no drawn number: a right answer may draw its matrices otherwise.
    expect(matrix[:0], "the matrix").has_dtype("float32")
    numbers = np.asarray(matrix.detach(), dtype=np.float64)
    product = numbers @ numbers.T if rows <= columns else numbers.T @ numbers
    name = "rows" if rows <= columns else "columns"
    lengths = np.sqrt(np.diag(product))
    even = bool(np.ptp(lengths) <= 1e-4 * lengths.max())
    expect(even, f"whether all {name} have the same length").equals(True)
    if even:
        expect(float(lengths.mean()), f"the length of the {name}").close_to(gain)
    apart = np.abs(product / np.outer(lengths, lengths) - np.eye(len(lengths))).max()
    expect(bool(apart < 1e-4), f"whether the {name} are at right angles").equals(True)


@orthogonal.property("turns and stretches by the gain, wide, tall or square", trials=5)
def _(answer, draw: Draw) -> None:
    a, b = draw.size + 1, draw.size + 4
    for rows, columns in ((a, b), (b, a), (a, a)):
        _expect_turns(answer, draw, rows, columns, draw.choice([0.01, 1.0, 1.41, 3.0]))


@orthogonal.property("takes a single row or column", trials=2)
def _(answer, draw: Draw) -> None:
    for rows, columns in ((1, 5), (5, 1), (1, 1)):
        _expect_turns(answer, draw, rows, columns, 2.0)


@orthogonal.property("draws all rotations equally likely: every entry has mean 0", trials=1)
def _(answer, draw: Draw) -> None:
    for rows, columns in ((3, 2), (2, 3), (1, 1)):
        generator = torch_generator(draw.seed())
        drawn = [answer(rows, columns, 1.0, generator) for _ in range(120)]
        shapes = {tuple(one.shape) for one in drawn}
        if shapes != {(rows, columns)}:
            expect(drawn[0], "the matrix").has_shape(rows, columns)
            return
        alike = all(bool((one == drawn[0]).all()) for one in drawn)
        expect(alike, f"whether all draws of {rows} × {columns} are the same").equals(False)
        if alike:
            return
        mean = np.mean([np.asarray(one.detach()) for one in drawn], axis=0)
        # An entry's deviation is 1/√max(rows, columns), its mean's a root of 120 smaller: at five
        # and a half of these one right answer in ten million is refused.
        sides = (np.abs(mean) >= 0.5 / np.sqrt(max(rows, columns))).astype(float)
        name = f"the entries of {rows} × {columns} whose mean is not 0, 1 for such a one"
        expect(sides, name).equals(np.zeros((rows, columns)))


@orthogonal.property("draws from the generator alone: equal seeds, equal matrices", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    torch.manual_seed(1)
    first = answer(3, 4, 1.0, torch_generator(seed))
    torch.manual_seed(2)
    again = answer(3, 4, 1.0, torch_generator(seed))
    expect(tuple(again.shape), "the shape").equals((3, 4))
    if tuple(again.shape) != (3, 4) or tuple(first.shape) != (3, 4):
        return
    same = bool((again - first).abs().max() < 1e-4)
    expect(same, "whether the same seed gives the same matrix").equals(True)
    generator = torch_generator(seed)
    answer(3, 4, 1.0, generator)
    same = bool((answer(3, 4, 1.0, generator) - first).abs().max() < 1e-3)
    expect(same, "whether the next matrix is the same").equals(False)


@orthogonal.right
def right_orthogonal(rows, columns, gain, generator):
    tall = torch.randn(max(rows, columns), min(rows, columns), generator=generator)
    q, r = torch.linalg.qr(tall)
    q = q * torch.sign(torch.diagonal(r))
    matrix = q if rows >= columns else q.T
    return gain * matrix


orthogonal.slip(
    "signs_as_they_come",
    "You left the signs of Q as the algorithm chose them. Its first entries are then mostly of one "
    "sign, so not all rotations are equally likely: use the signs of R's diagonal.",
    {"q * torch.sign(torch.diagonal(r))": "q * 1.0"},
)
orthogonal.slip(
    "signs_on_the_rows",
    "You multiplied the *rows* of Q by the signs. They belong to its columns.",
    {"q * torch.sign(torch.diagonal(r))": "(torch.sign(torch.diagonal(torch.linalg.qr("
     "tall @ tall.T)[1]))[:, None] * q)"},
)  # fmt: skip
orthogonal.slip(
    "diagonal_itself",
    "You multiplied by the diagonal of R instead of its signs, so the columns have other lengths.",
    {"torch.sign(torch.diagonal(r))": "torch.diagonal(r)"},
)
orthogonal.slip(
    "gain_forgotten",
    "The gain is missing: your matrix stretches nothing.",
    {"gain * matrix": "matrix"},
)
orthogonal.slip(
    "gain_squared",
    "Your matrix stretches by the square of the gain.",
    {"gain * matrix": "gain**2 * matrix"},
)
orthogonal.slip(
    "gain_divided",
    "You divided by the gain.",
    {"gain * matrix": "matrix / gain"},
)
orthogonal.slip(
    "root_of_the_gain",
    "You took the root of the gain. W Wᵀ is gain² · 1.",
    {"gain * matrix": "gain**0.5 * matrix"},
)
orthogonal.slip(
    "normal_numbers",
    "You return normal numbers scaled to length: the rows are not at right angles.",
    {"matrix = q if rows >= columns else q.T": "matrix = torch.nn.functional.normalize(tall if "
     "rows >= columns else tall.T, dim=1)"},
)  # fmt: skip
orthogonal.slip(
    "transposed",
    "Your matrix is (columns, rows).",
    {"q if rows >= columns else q.T": "q.T if rows >= columns else q"},
)
orthogonal.slip(
    "own_randomness",
    "You drew from torch's global state and not from the generator that was handed over.",
    {", generator=generator)": ")"},
)
orthogonal.slip(
    "seeded_inside",
    "You seeded a generator with a fixed number, one of your own or the one handed over, so every "
    "matrix is the same. Draw from the one handed over, as it stands.",
    {"generator=generator": "generator=torch.Generator().manual_seed(0)"},
)
orthogonal.slip(
    "uniform_numbers",
    "You took uniform numbers between 0 and 1. Their QR decomposition favours one direction: the "
    "numbers are normal.",
    {"torch.randn(": "torch.rand("},
)
orthogonal.slip(
    "wide_matrix_cut",
    "You decomposed a square matrix and kept a part in which the short side is not orthonormal.",
    {"matrix = q if rows >= columns else q.T": "matrix = torch.cat([q, q])[:rows, :columns] if "
     "rows >= columns else torch.cat([q.T, q.T], 1)[:rows, :columns] / 2"},
)  # fmt: skip
orthogonal.slip(
    "double_precision",
    "Your matrix is float64.",
    {"gain * matrix": "gain * matrix.double()"},
)

orthogonal.slip(
    "columns_scaled_alone",
    "You scaled the columns to length 1. They are not at right angles: that takes a decomposition.",
    {"q = q * torch.sign(torch.diagonal(r))": "q = torch.nn.functional.normalize(tall, dim=0)"},
)
orthogonal.slip(
    "reshaped_for_transposed",
    "You reshaped the tall matrix to a wide one, which tears its columns apart. Transpose it.",
    {"q if rows >= columns else q.T": "q.reshape(rows, columns)"},
)
orthogonal.slip(
    "sizes_of_the_entries",
    "You took the sizes of Q's entries. Without their signs the columns are not at right "
    "angles: it is the sign of R's diagonal that multiplies each column.",
    {"q * torch.sign(torch.diagonal(r))": "q.abs()"},
)
orthogonal.slip(
    "wide_not_turned",
    "You decomposed a wide matrix as it is. Its Q is square: decompose a tall one, and transpose.",
    {
        "max(rows, columns), min(rows, columns)": "rows, columns",
        "q if rows >= columns else q.T": "q",
    },
)

orthogonal.hint("QR of a tall matrix gives orthonormal columns. What if rows < columns?")
orthogonal.hint("For 1 × 1, Q is always −1 or always 1 by itself. What makes it either?",
                when="draws all rotations equally likely: every entry has mean 0")  # fmt: skip
orthogonal.hint("`q * signs` multiplies the columns, since the last axis is that of the columns.")

orthogonal.equivalent(
    "sign flipped",
    because="minus an orthogonal matrix is as orthogonal, and as likely",
)

orthogonal.equivalent(
    "`tall = torch.randn(max(rows, columns), min(rows, columns), "
    "generator=generator)` → `tall = torch.randn(max(columns, rows), min(rows, "
    "columns), generator=generator)`",
    because="the smaller or larger of two does not depend on their order",
)

orthogonal.equivalent(
    "`tall = torch.randn(max(rows, columns), min(rows, columns), "
    "generator=generator)` → `tall = torch.randn(max(rows, columns), min(columns, "
    "rows), generator=generator)`",
    because="the smaller or larger of two does not depend on their order",
)

orthogonal.equivalent(
    "`q = q * r.diagonal().sign()` → `q = q / r.diagonal().sign()`",
    because="a sign is its own inverse",
)

orthogonal.equivalent(
    "`return gain * (q if rows >= columns else q.T)` → `return gain * (q if rows > "
    "columns else q.T)`",
    because="the transpose of a square one is as orthogonal, and as likely",
)
