"""How `orthogonalise` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

orthogonalise = Exercise("orthogonalise", minutes=15, difficulty=3)


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


@orthogonalise.property("sends every singular value through the polynomial, once a step", trials=4)
def _(answer, draw: Draw) -> None:
    rows, columns = 2 + draw.size % 4, 3
    for steps in (1, 2):
        matrix = _tame(draw, rows, columns)
        found = answer(matrix, steps)
        expected = _by_singular_values(matrix, steps, _MUON)
        expect(found, f"the matrix after {steps} step{'s' * (steps > 1)}").close_to(
            expected, rtol=1e-3, atol=1e-4
        )


@orthogonalise.property("ends, after five steps, with all singular values near 1", trials=3)
def _(answer, draw: Draw) -> None:
    matrix = 100 * normals(draw, 12, 5) if draw.size % 2 else 0.01 * normals(draw, 5, 12)
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


def _orthogonalise(matrix, steps, coefficients, **habits):
    a, b, c = _MUON if habits.get("fixed_coefficients") else coefficients
    norm = float(torch.linalg.norm(matrix, 2 if habits.get("largest_value") else "fro"))
    scale = norm if norm > 0 else 1.0
    if habits.get("unscaled"):
        scale = 1.0
    if habits.get("largest_entry"):
        scale = float(matrix.abs().max()) or 1.0
    if habits.get("by_rows"):
        scale = matrix.norm(dim=1, keepdim=True).clamp(min=1e-7)
    if habits.get("nan"):
        scale = torch.tensor(norm)
    x = matrix / scale
    for _ in range(1 if habits.get("one_step") else steps):
        if habits.get("elementwise"):
            x = a * x + b * x**3 + c * x**5
            continue
        square = x @ x.T
        if habits.get("rescales"):
            x = x / torch.linalg.norm(x).clamp(min=1e-7)
            square = x @ x.T
        fourth = square * square if habits.get("squares_entries") else square @ square
        if habits.get("skips_linear"):
            x = b * square @ x + c * fourth @ x
        elif habits.get("cubic_only"):
            x = a * x + b * square @ x
        elif habits.get("swapped"):
            x = a * x + c * square @ x + b * fourth @ x
        elif habits.get("even"):
            x = a * x + b * square @ x + c * square @ square @ square @ x
        else:
            x = a * x + b * square @ x + c * fourth @ x
    if habits.get("restores"):
        x = x * norm
    return x.T if habits.get("turned") else x


def _orthogonalising(name, habit):
    def answer(matrix, steps=5, coefficients=_MUON):
        return _orthogonalise(matrix, steps, coefficients, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "never_scaled", "unscaled",
        "You never divide by the norm. The polynomial tames singular values up to about 1; a "
        "larger one is raised to the fifth power, step after step.",
    ),
    (
        "scaled_by_largest_entry", "largest_entry",
        "You divided by the largest entry. A matrix of small entries can have a large singular "
        "value; the Frobenius norm, the root of the sum of all squares, is never below it.",
    ),
    (
        "scaled_by_rows", "by_rows",
        "You divided each row by its own norm, which changes the singular vectors. One norm for "
        "the whole matrix.",
    ),
    (
        "zero_by_zero", "nan",
        "A matrix of zeros gives 0/0. Add something tiny to the norm, or clamp it.",
    ),
    (
        "powers_of_entries", "elementwise",
        "You took powers of the entries. It is the singular values that go through the polynomial: "
        "X Xᵀ X and X Xᵀ X Xᵀ X are matrix products.",
    ),
    (
        "entries_squared", "squares_entries",
        "`A * A` squares entries. The fifth power needs the matrix product A @ A.",
    ),
    (
        "scaled_by_largest_value", "largest_value",
        "You divided by the largest singular value. Finding that is as dear as what is to be "
        "saved; the page takes the Frobenius norm, the root of the sum of all squares.",
    ),
    (
        "fixed_coefficients", "fixed_coefficients",
        "You use Muon's coefficients whatever was given. They are only the default.",
    ),
    ("only_one_step", "one_step", "You take one step, whatever `steps` says."),
    (
        "scaled_every_step", "rescales",
        "You divide by the norm in every step. Once, before the first: afterwards the polynomial "
        "does the work.",
    ),
    ("linear_term_missing", "skips_linear", "The term a·X is missing."),
    ("fifth_power_missing", "cubic_only", "The term of the fifth power, c·A²X, is missing."),
    (
        "coefficients_swapped", "swapped",
        "b and c have changed places: b belongs to the third power, c to the fifth.",
    ),
    (
        "seventh_power", "even",
        "Your last term is the seventh power. A·A·X is the fifth: A holds two of them.",
    ),
    (
        "length_restored", "restores",
        "You multiply by the old norm at the end. All singular values are to be near 1, however "
        "long the matrix was.",
    ),
    ("turned_round", "turned", "Your result is transposed."),
):  # fmt: skip
    orthogonalise.mistake(_message)(_orthogonalising(_name, _habit))


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
