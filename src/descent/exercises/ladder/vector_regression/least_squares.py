"""How `least_squares` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import best_plane, floats, plane_heights, with_ones

least_squares = Exercise(
    "least_squares", minutes=15, difficulty=2, returns=tuple[np.ndarray, float]
)


def _spread_out(draw: Draw, n: int, d: int) -> np.ndarray:
    """Features (n, d) that are no near copies of one another, so that rounding does no harm."""
    x = draw.normal(n, d)
    while np.linalg.cond(with_ones(x)) > 10:
        x = draw.normal(n, d)
    return x


@least_squares.property("finds the plane of least squares", trials=6)
def _(answer, draw: Draw) -> None:
    d = draw.size % 3 + 1
    x, y = _spread_out(draw, 3 * d + draw.size + 2, d), draw.normal(3 * d + draw.size + 2)
    w, b = answer(x, y)
    expected_w, expected_b = best_plane(x, y)
    expect(w, "w").close_to(expected_w, atol=1e-4)
    expect(b, "b").close_to(expected_b, atol=1e-4)


@least_squares.property("recovers a plane without noise")
def _(answer, draw: Draw) -> None:
    true_w, true_b, x = draw.normal(3), draw.uniform(1, 3), _spread_out(draw, 12, 3)
    w, b = answer(x, plane_heights(true_w, true_b, x))
    expect(w, "w").close_to(true_w, atol=1e-4)
    expect(b, "b").close_to(true_b, atol=1e-4)


@least_squares.property("leaves errors that are perpendicular to every feature, and sum to 0")
def _(answer, draw: Draw) -> None:
    x, y = _spread_out(draw, 9, 2), draw.normal(9)
    w, b = answer(x, y)
    error = plane_heights(floats(w), floats(b), x) - y
    expect(x.T @ error, "xᵀ · error").close_to(np.zeros(2), atol=1e-3)
    expect(np.sum(error), "the sum of the errors").close_to(0.0, atol=1e-3)


@least_squares.property("moves b alone when every target rises, and when features are shifted")
def _(answer, draw: Draw) -> None:
    x, y, rise = _spread_out(draw, 10, 2), draw.normal(10), draw.uniform(1, 5)
    expected_w, expected_b = best_plane(x, y)
    w, b = answer(x, y + rise)
    expect(w, "w for risen targets").close_to(expected_w, atol=1e-4)
    expect(b, "b for risen targets").close_to(expected_b + rise, atol=1e-4)
    w, b = answer(x + 10, y)
    expect(w, "w for shifted features").close_to(expected_w, atol=1e-3)
    expect(b, "b for shifted features").close_to(expected_b - 10 * sum(expected_w), atol=2e-2)


@least_squares.property("penalises nothing, however small the features are", trials=2)
def _(answer, draw: Draw) -> None:
    x, y = 0.002 * _spread_out(draw, 10, 2), draw.normal(10)
    expected_w, expected_b = best_plane(x, y)
    w, b = answer(x, y)
    expect(w, "w for small features").close_to(expected_w)
    expect(b, "b for small features").close_to(expected_b)


def _by_normal_equation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.solve(x.T @ x, x.T @ y)


@least_squares.mistake(
    "The bias is missing: your plane goes through the origin. Put a column of ones beside x; its "
    "weight is b."
)
def without_ones(x, y):
    return _by_normal_equation(x, y), 0.0


@least_squares.mistake(
    "You fitted the weights without a bias and set b afterwards. w and b depend on each other: "
    "solve for both at once, with a column of ones."
)
def bias_afterwards(x, y):
    w = _by_normal_equation(x, y)
    return w, np.mean(y - x @ w)


@least_squares.mistake(
    "b is not the mean of y unless every feature has mean 0. It is the weight of the column of "
    "ones."
)
def bias_is_mean_target(x, y):
    return _by_normal_equation(x - x.mean(axis=0), y - y.mean()), np.mean(y)


@least_squares.mistake(
    "Your b has the wrong place: it is the weight of the column of ones. Ones put first give b "
    "first."
)
def ones_first(x, y):
    theta = _by_normal_equation(np.column_stack([np.ones(len(x)), x]), y)
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "You fitted each feature alone. The weights share the work: solve for all of them together."
)
def one_at_a_time(x, y):
    centred = x - x.mean(axis=0)
    w = centred.T @ y / np.sum(centred**2, axis=0)
    return w, np.mean(y) - w @ x.mean(axis=0)


@least_squares.mistake(
    "You solved the first d + 1 equations and ignored the other examples. Multiply by the "
    "transpose first: X̃ᵀX̃ is square, and every example is in it."
)
def first_rows_only(x, y):
    square = with_ones(x)[: x.shape[1] + 1]
    theta = np.linalg.solve(square, y[: x.shape[1] + 1])
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "A matrix that is not square has no inverse, and `solve` refuses it too. Multiply both sides "
    "by X̃ᵀ first, or use `np.linalg.lstsq`."
)
def inverse_of_x(x, y):
    theta = np.linalg.inv(with_ones(x)) @ y
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "numpy refuses, as two shapes do not fit. If it is a product: the normal equation has X̃ᵀX̃, "
    "(d+1, d+1), and X̃ᵀy; X̃X̃ᵀ is (n, n). If it is the joining of x and the ones: "
    "`np.column_stack([x, np.ones(len(x))])` makes a column of the ones first."
)
def transposes_on_the_right(x, y):
    columns = with_ones(x)
    theta = np.linalg.solve(columns @ columns.T, columns @ y)
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "You returned θ, all the numbers in one vector. Split it: w is all of it but the last entry, b "
    "the last."
)
def theta_alone(x, y):
    return _by_normal_equation(with_ones(x), y)


@least_squares.mistake(
    "`np.linalg.lstsq` returns four things; the solution is the first. Split it into w and b."
)
def everything_lstsq_returns(x, y):
    return np.linalg.lstsq(with_ones(x), y, rcond=None)


def _declare_ridge(strength: float) -> None:
    """Declare the mistake of a penalty of this strength."""

    def ridge(x, y):
        columns = with_ones(x)
        gram = columns.T @ columns + strength * np.eye(columns.shape[1])
        theta = np.linalg.solve(gram, columns.T @ y)
        return theta[:-1], theta[-1]

    ridge.__name__ = f"ridge_{strength:g}"
    least_squares.mistake(
        f"You added {strength:g} to the diagonal of X̃ᵀX̃. That is ridge regression: it pulls w "
        "and b towards 0 and away from the least squares solution."
    )(ridge)


for _strength in (1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8):
    _declare_ridge(_strength)


@least_squares.mistake(
    "Your weights are those of standardised features. Divide them by the spreads again, or solve "
    "with x as it is."
)
def not_mapped_back(x, y):
    theta = _by_normal_equation(with_ones((x - x.mean(axis=0)) / x.std(axis=0)), y)
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "You returned all the numbers in one vector. Return two things: w of shape (d,), and b."
)
def in_one_vector(x, y):
    theta = _by_normal_equation(with_ones(x), y)
    return theta, theta[-1]


least_squares.hint("Give b a feature of its own that is always 1; then only one vector is unknown.")
least_squares.hint(
    "`np.column_stack([x, np.ones(len(x))])`, then `np.linalg.solve(A, c)` with A = X̃ᵀX̃."
)
least_squares.hint("X̃ᵀX̃ is (d+1, d+1), X̃ᵀy is (d+1,). What are the shapes of yours?", when="error")
least_squares.hint("w has d entries; the last unknown is b.", when="length")
least_squares.hint("w is a vector (d,) and b one number.", when="shape")
least_squares.hint("Where did you put the ones: first or last?", when="order")
least_squares.hint("Try the page's example: w = [1.5], b = 0.5.", when="value")
