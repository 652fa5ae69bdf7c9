"""How `orthogonalise` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

orthogonalise = Exercise("orthogonalise", minutes=15, difficulty=3, returns=Tensor)


_MUON = (3.4445, -4.775, 2.0315)


def _through(values: np.ndarray, steps: int, coefficients: tuple[float, float, float]):
    a, b, c = coefficients
    for _ in range(steps):
        values = a * values + b * values**3 + c * values**5
    return values


def _by_singular_values(matrix: Tensor, steps: int, coefficients) -> np.ndarray:
    """The polynomial applied to every singular value, the directions kept."""
    left, values, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    values = _through(values / np.sqrt((values**2).sum()), steps, coefficients)
    return left @ np.diag(values) @ right


def _tame(draw: Draw, rows: int, columns: int) -> Tensor:
    """A matrix whose singular values lie between 1 and 3."""
    short = min(rows, columns)
    left, _ = np.linalg.qr(draw.rng.normal(size=(rows, short)))
    right, _ = np.linalg.qr(draw.rng.normal(size=(columns, short)))
    values = draw.rng.uniform(1, 3, size=short)
    return torch.tensor(left @ np.diag(values) @ right.T, dtype=torch.float32)


@orthogonalise.property("divides by the Frobenius norm, and with 0 steps does nothing else")
def _(answer, draw: Draw) -> None:
    for scale in (1.0, 0.003):
        matrix = scale * normals(draw, 3, 2)
        wanted = matrix.double().numpy() / np.sqrt((matrix.double().numpy() ** 2).sum())
        found = answer(matrix, 0)
        expect(found, "the matrix after 0 steps").close_to(wanted, rtol=1e-3)


@orthogonalise.property("sends every singular value through the polynomial, once a step", trials=4)
def _(answer, draw: Draw) -> None:
    rows, columns = [(2, 3), (4, 2), (3, 3), (5, 4)][(1, 2, 3, 5).index(draw.size)]
    for steps in (1, 2):
        matrix = _tame(draw, rows, columns)
        found = answer(matrix, steps)
        expected = _by_singular_values(matrix, steps, _MUON)
        expect(found, f"the matrix after {steps} step{'s' * (steps > 1)}").close_to(
            expected, rtol=1e-3, atol=1e-4
        )


@orthogonalise.property("uses the coefficients that it is given", trials=3)
def _(answer, draw: Draw) -> None:
    coefficients = draw.uniform(1, 3), draw.uniform(-3, -1), draw.uniform(0.2, 0.9)
    matrix = _tame(draw, 3, 1 + draw.size)
    found = answer(matrix, 2, coefficients)
    expected = _by_singular_values(matrix, 2, coefficients)
    expect(found, "the matrix after 2 steps").close_to(expected, rtol=1e-3, atol=1e-4)


@orthogonalise.property("ends, after five steps, with all singular values near 1", trials=3)
def _(answer, draw: Draw) -> None:
    matrix = 100 * normals(draw, 12, 5) if draw.size % 2 else 0.01 * normals(draw, 12, 5).T
    found = torch.as_tensor(answer(matrix))
    expect(found, "the matrix").has_shape(*matrix.shape)
    sound = found.dim() == 2 and bool(torch.isfinite(found).all())
    values = torch.linalg.svdvals(found.double()) if sound else found
    expect(values, "its singular values").is_between(0.6, 1.3)
    expect(found, "the matrix").close_to(_by_singular_values(matrix, 5, _MUON), atol=2e-2)


@orthogonalise.property("is the polar factor U Vᵀ, with the coefficients 1.5, −0.5 and 0", trials=4)
def _(answer, draw: Draw) -> None:
    rows, columns = [(4, 4), (6, 3), (2, 5), (1, 3)][draw.size % 4]
    matrix = _tame(draw, rows, columns)
    left, _, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    found = answer(matrix, 30, (1.5, -0.5, 0.0))
    expect(found, "the matrix").close_to(left @ right, atol=1e-4)


@orthogonalise.property("makes 0 of a matrix of zeros, and no NaN")
def _(answer, draw: Draw) -> None:
    expect(answer(torch.zeros(3, 2)), "the matrix").close_to(np.zeros((3, 2)))


@orthogonalise.right
def right_orthogonal(matrix, steps=5, coefficients=(3.4445, -4.775, 2.0315)):
    a, b, c = coefficients
    x = matrix / (torch.linalg.norm(matrix) + 1e-12)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + b * square @ x + c * square @ square @ x
    return x


_NORM = "torch.linalg.norm(matrix)"
_STEP = "a * x + b * square @ x + c * square @ square @ x"


orthogonalise.slip(
    "never_scaled",
    "You never divide by the norm. The polynomial tames singular values up to about 1; a "
    "larger one is raised to the fifth power, step after step.",
    {f"matrix / ({_NORM} + 1e-12)": "matrix"},
)
orthogonalise.slip(
    "scaled_by_largest_entry",
    "You divided by the largest entry. A matrix of small entries can have a large singular "
    "value; the Frobenius norm, the root of the sum of all squares, is never below it.",
    {_NORM: "matrix.abs().max()"},
)
orthogonalise.slip(
    "scaled_by_rows",
    "You divided each row by its own norm, which changes the singular vectors. One norm for "
    "the whole matrix.",
    {_NORM: "torch.linalg.norm(matrix, dim=1, keepdim=True)"},
)
orthogonalise.slip(
    "scaled_by_the_square",
    "You divided by the sum of all squares. The Frobenius norm is its root.",
    {_NORM: "matrix.square().sum()"},
)
orthogonalise.slip(
    "scaled_by_the_mean",
    "You divided by the root of the mean of all squares. The Frobenius norm is the root of their "
    "sum, and never below the largest singular value.",
    {_NORM: "matrix.square().mean().sqrt()"},
)
orthogonalise.slip(
    "scaled_by_largest_value",
    "You divided by the largest singular value. Finding that is as dear as what is to be "
    "saved; the page takes the Frobenius norm, the root of the sum of all squares.",
    {_NORM: "torch.linalg.norm(matrix, 2)"},
)
orthogonalise.slip(
    "zero_by_zero",
    "A matrix of zeros gives 0/0. Add something tiny to the norm, or clamp it.",
    {" + 1e-12": ""},
)
orthogonalise.slip(
    "much_added_to_the_norm",
    "What you add to the norm, so that nothing is divided by 0, is too much: a matrix with a small "
    "norm comes out too short. 1e-12 is enough.",
    {"1e-12": "1e-2"},
)
orthogonalise.slip(
    "powers_of_entries",
    "You took powers of the entries. It is the singular values that go through the polynomial: "
    "X Xᵀ X and X Xᵀ X Xᵀ X are matrix products.",
    {_STEP: "a * x + b * x**3 + c * x**5"},
)
orthogonalise.slip(
    "entries_squared",
    "`A * A` squares entries. The fifth power needs the matrix product A @ A.",
    {"c * square @ square @ x": "c * (square * square) @ x"},
)
orthogonalise.slip(
    "fixed_coefficients",
    "You use Muon's coefficients whatever was given. They are only the default.",
    {"= coefficients\n": "= 3.4445, -4.775, 2.0315\n"},
)
orthogonalise.slip(
    "only_one_step",
    "You take one step, whatever `steps` says.",
    {"range(steps)": "range(1)"},
)
orthogonalise.slip(
    "always_five_steps",
    "You take five steps, whatever `steps` says. That is only the default.",
    {"range(steps)": "range(5)"},
)
orthogonalise.slip(
    "no_steps_replaced",
    "0 steps become five. `steps or …` takes 0 for nothing: use `steps` as it is.",
    {"range(steps)": "range(steps or 5)"},
)
orthogonalise.slip(
    "one_step_more",
    "You take one step too many: `steps` of them, and none before or after the loop.",
    {"range(steps)": "range(steps + 1)"},
)
orthogonalise.slip(
    "scaled_every_step",
    "You divide by the norm in every step. Once, before the first: afterwards the polynomial "
    "does the work.",
    {"square = x @ x.T": "x = x / (torch.linalg.norm(x) + 1e-12)\n        square = x @ x.T"},
)
orthogonalise.slip("linear_term_missing", "The term a·X is missing.", {"a * x + b": "b"})
orthogonalise.slip(
    "third_power_missing",
    "The term of the third power, b·AX, is missing.",
    {" + b * square @ x": ""},
)
orthogonalise.slip(
    "fifth_power_missing",
    "The term of the fifth power, c·A²X, is missing.",
    {" + c * square @ square @ x": ""},
)
orthogonalise.slip(
    "coefficients_swapped",
    "b and c have changed places: b belongs to the third power, c to the fifth.",
    {"a, b, c =": "a, c, b ="},
)
orthogonalise.slip(
    "seventh_power",
    "Your last term is the seventh power. A·A·X is the fifth: A holds two of them.",
    {"c * square @ square": "c * square @ square @ square"},
)
orthogonalise.slip(
    "sum_added_up",
    "You add to X what should replace it: the term a·X has the old X in it already.",
    {"x = a * x": "x = x + a * x"},
)
orthogonalise.slip(
    "length_restored",
    "You multiply by the old norm at the end. All singular values are to be near 1, however "
    "long the matrix was.",
    {"return x": f"return x * {_NORM}"},
)
orthogonalise.slip("turned_round", "Your result is transposed.", {"return x": "return x.T"})


@orthogonalise.mistake(
    "That is the exact polar factor, by a singular value decomposition, for which a GPU has no "
    "patience. The page asks for `steps` steps of the polynomial, and they end near 1, not at it."
)
def exact_polar_factor(matrix, steps=5, coefficients=_MUON):
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    return left @ right


for _tiny in ("- 1e-12", "+ 2e-12"):
    orthogonalise.equivalent(
        "`x = matrix / (torch.linalg.norm(matrix) + 1e-12)` → "
        f"`x = matrix / (torch.linalg.norm(matrix) {_tiny})`",
        because="it keeps 0 from being divided by 0, and is far too small to show elsewhere",
    )


orthogonalise.hint("Divide by the norm once. Then `steps` times: A = X Xᵀ, X = aX + bAX + cA²X.")
orthogonalise.hint("`torch.linalg.norm(matrix)` of a matrix is the Frobenius norm.")
orthogonalise.hint("Print `torch.linalg.svdvals` after every step.", when="value")
orthogonalise.hint("Did a singular value begin above 1?", when="infinite")
orthogonalise.hint("What is 0/0?", when="nan")
orthogonalise.hint("A is (rows, rows); A @ X has the shape of X.", when="error")
