"""What ladder/03_vector_regression is judged by.

The oracles use no formula of the chapter's solutions: explicit sums and `einsum` for predictions,
numpy's own adding for shapes, central differences for slopes, the `statistics` module for means
and spreads, a QR factorisation for least squares, a matrix power for gradient descent.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from descent.grading import Draw, Exercise, expect
from descent.grading.draws import SIZES
from descent.grading.values import to_array

Pair = tuple[tuple[int, ...], tuple[int, ...]]


def _values(w: np.ndarray, b: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """The plane's height at every row of x, shape (n,)."""
    return np.einsum("ij,j->i", x, w) + b


def _floats(answered: object) -> np.ndarray:
    """What an answer returned as a float array, tensors inside an autograd graph included."""
    array = to_array(answered)
    return np.full((), np.nan) if array is None else array.astype(float)


def _several(answered, asked: str):
    """What an answer returned, if it is more than a single array."""
    expect(not hasattr(answered, "shape"), asked).is_true(
        otherwise=f"You returned a single array. The page asks for {asked}."
    )
    return answered


# ----------------------------------------------------------------------------- predict

predict = Exercise("predict", minutes=3, difficulty=1)


@predict.property("gives x·w + b for every example", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.size, draw.size % 3 + 2
    w, b, x = draw.normal(d), draw.normal(), draw.normal(n, d)
    expect(answer(w, b, x), "the predictions").close_to(_values(w, b, x), atol=1e-5)


@predict.property("takes each example's own features, also when n equals d")
def _(answer, draw: Draw) -> None:
    w, b, x = draw.normal(3), draw.normal(), draw.normal(3, 3)
    expect(answer(w, b, x), "the predictions").close_to(_values(w, b, x), atol=1e-5)


@predict.property("returns shape (n,), for one example, none, and a single feature")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(2), draw.normal()
    expect(answer(w, b, draw.normal(1, 2)), "the prediction").has_shape(1)
    expect(answer(w, b, np.zeros((0, 2))), "the predictions for no example").has_shape(0)
    x = draw.normal(4, 1)
    expected = np.polyval([w[0], b], x[:, 0])
    expect(answer(w[:1], b, x), "the predictions from one feature").close_to(expected, atol=1e-5)


@predict.mistake(
    "You multiplied from the wrong side: `w @ x` and `x.T @ w` sum over the examples. Each "
    "prediction sums over the features of one row: `x @ w`, (n, d) by (d,), gives (n,)."
)
def from_the_left(w, b, x):
    return w @ x + b


@predict.mistake("You left out b. Every such plane goes through the origin.")
def without_bias(w, b, x):
    return x @ w


@predict.mistake(
    "You multiplied and did not add up: `x * w` is a table of shape (n, d). A prediction is the "
    "sum of its row; `x @ w` does both."
)
def not_summed(w, b, x):
    return x * w + b


@predict.mistake(
    "You summed the whole table to one number. Sum along each row, `axis=1`, so that every "
    "example keeps its own prediction."
)
def summed_everything(w, b, x):
    return np.sum(x * w) + b


@predict.mistake(
    "You summed down the columns: axis 0 runs over the examples, axis 1 over the features."
)
def summed_columns(w, b, x):
    return np.sum(x * w, axis=0) + b


@predict.mistake(
    "You added b inside the sum, once for every feature. It is added once for every example."
)
def bias_in_every_term(w, b, x):
    return np.sum(x * w + b, axis=1)


@predict.mistake(
    "You averaged over the features. A prediction is the sum of weight times feature, not the mean."
)
def averaged_features(w, b, x):
    return np.mean(x * w, axis=1) + b


@predict.mistake(
    "Your predictions have shape (n, 1): a column. Make them (n,), like the targets; the next "
    "section shows what a column does to a loss."
)
def column(w, b, x):
    return (x @ w + b)[:, None]


predict.hint("One prediction is the sum over j of x[i, j]·w[j], plus b. Which product is that?")
predict.hint("`x @ w` pairs the last axis of x with w: (n, d) by (d,) gives (n,).")
predict.hint("Write the shapes under your line. Which axis is summed, and is it d?", when="shape")
predict.hint("The inner sizes of a product must agree: (n, d) @ (d,).", when="error")
predict.hint("Does b enter once for each example?", when="offset")
predict.hint("Try the worked example of the page: [5, 7, 2] should come out.", when="value")

# --------------------------------------------------------------------- broadcast_shape

broadcast_shape = Exercise("broadcast_shape", minutes=12, difficulty=2)


def _added(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape numpy itself gives to the sum of two such arrays."""
    return (np.empty(a) + np.empty(b)).shape


def _fitting(draw: Draw, axes: int) -> Pair:
    """Two shapes that broadcast, of `axes` axes or fewer, with sizes that tell axes apart."""
    sizes = [int(size) for size in draw.rng.permutation([2, 3, 4, 5])[:axes]]
    shapes = []
    for _shape in range(2):
        ones = draw.rng.random(axes) < 0.4
        start = draw.integers(0, axes + 1)
        shape = [1 if one else size for one, size in zip(ones, sizes, strict=True)]
        shapes.append(tuple(shape[start:]))
    return shapes[0], shapes[1]


def _verdict(answer, a: tuple[int, ...], b: tuple[int, ...]) -> object:
    """What comes back, or the word "ValueError" where that was raised."""
    try:
        return answer(a, b)
    except ValueError:
        return "ValueError"


def _expect_shape(answer, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    expect(_verdict(answer, a, b), "the shape").equals(_added(a, b))


def _case(draw: Draw, cases: Sequence[Pair]) -> Pair:
    """Case number one in the first trial, and so on: the failing case shown is then the call."""
    return cases[min(SIZES.index(draw.size), len(cases) - 1)]


@broadcast_shape.property("keeps equal shapes, and stretches a size of 1", trials=5)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    row, column = (1, d), (n, 1)
    cases = [((n,), (n,)), ((n, d), (n, d)), ((n, d), row), (column, (n, d)), (row, column)]
    _expect_shape(answer, *_case(draw, cases))


@broadcast_shape.property("lines shapes up at the right, and fills with ones at the left", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    cases = [
        ((n, d), (d,)),
        ((n,), (n, 1)),
        ((d,), (2, n, 1)),
        ((), (n, d)),
        ((n, d), ()),
        ((), ()),
    ]
    _expect_shape(answer, *_case(draw, cases))


@broadcast_shape.property("raises ValueError for sizes that differ, neither of them 1", trials=5)
def _(answer, draw: Draw) -> None:
    n, d = draw.integers(6, 10), draw.integers(2, 6)
    cases = [((n,), (d,)), ((n, d), (n,)), ((n, d), (d, n)), ((d, 1), (n, d)), ((0,), (2,))]
    expect(_verdict(answer, *_case(draw, cases)), "what happens").equals("ValueError")


@broadcast_shape.property("stretches a 1 to 0 beside a size of 0", trials=3)
def _(answer, draw: Draw) -> None:
    d = draw.integers(2, 6)
    _expect_shape(answer, *_case(draw, [((0,), (1,)), ((1, d), (0, d)), ((0, d), (d,))]))


@broadcast_shape.property("agrees with numpy on shapes with up to four axes", trials=7)
def _(answer, draw: Draw) -> None:
    _expect_shape(answer, *_fitting(draw, axes=min(draw.size, 4)))


def _by_rules(a, b, **habits):
    """The rules of broadcasting with one bad habit, named by keyword."""
    flip = (lambda shape: shape) if habits.get("from_the_left") else (lambda shape: shape[::-1])
    if habits.get("same_length") and len(a) != len(b):
        raise ValueError("different numbers of axes")
    pairs = zip_longest(flip(a), flip(b), fillvalue=1)
    if habits.get("drops_axes"):
        pairs = zip(flip(a), flip(b), strict=False)
    shape = []
    for m, n in pairs:
        refused = m != n and (habits.get("no_stretch") or 1 not in (m, n))
        refused = refused and not habits.get("never_refuses")
        assert not (refused and habits.get("asserts")), f"{m} and {n}"
        if refused and habits.get("returns_none"):
            return None
        if refused and not habits.get("takes_larger"):
            raise ValueError(f"{m} and {n}")
        larger = habits.get("takes_larger") or habits.get("max_size")
        shape.append(max(m, n) if larger else n if m == 1 else m)
    return tuple(shape) if habits.get("backwards") else tuple(flip(shape))


@broadcast_shape.mistake(
    "You lined the shapes up at the left. The rule starts at the last axis: (5, 3) fits (3,), and "
    "(5, 3) does not fit (5,)."
)
def from_the_left_end(a, b):
    return _by_rules(a, b, from_the_left=True)


@broadcast_shape.mistake(
    "You took the larger size wherever two differ. Only a size of 1 stretches; 3 beside 5 is an "
    "error."
)
def takes_larger(a, b):
    return _by_rules(a, b, takes_larger=True)


@broadcast_shape.mistake(
    "You asked for equal sizes everywhere. A size of 1 stretches to whatever stands opposite it."
)
def no_stretch(a, b):
    return _by_rules(a, b, no_stretch=True)


@broadcast_shape.mistake(
    "You refused shapes with different numbers of axes. The shorter one is filled with ones at "
    "its left end first."
)
def same_length(a, b):
    return _by_rules(a, b, same_length=True)


@broadcast_shape.mistake(
    "You stopped at the end of the shorter shape, so the leading axes of the longer one are lost. "
    "Opposite them stands a 1."
)
def drops_axes(a, b):
    return _by_rules(a, b, drops_axes=True)


@broadcast_shape.mistake(
    "`zip` begins at the left and stops at the end of the shorter shape. Fill the shorter one with "
    "ones at its left end first; then the pairs are right and none is lost."
)
def only_zipped(a, b):
    return _by_rules(a, b, from_the_left=True, drops_axes=True)


@broadcast_shape.mistake(
    "`zip` begins at the left and stops at the end of the shorter shape, so axes are lost; and "
    "sizes that do not fit, such as 3 beside 5, are no error in your code. Fill the shorter shape "
    "with ones at its left end first, and refuse what does not fit."
)
def only_zipped_larger(a, b):
    return _by_rules(a, b, from_the_left=True, drops_axes=True, takes_larger=True)


@broadcast_shape.mistake(
    "You never refuse. Sizes that differ fit only if one of them is 1; otherwise raise ValueError."
)
def never_refuses(a, b):
    return _by_rules(a, b, never_refuses=True)


@broadcast_shape.mistake(
    "You refused with an assertion. The page asks for `raise ValueError(…)`, which callers expect "
    "and can catch."
)
def asserts(a, b):
    return _by_rules(a, b, asserts=True)


@broadcast_shape.mistake(
    "Your shape is back to front: you went from the last axis to the first, so turn the result "
    "round at the end."
)
def backwards(a, b):
    return _by_rules(a, b, backwards=True)


@broadcast_shape.mistake(
    "You returned None for shapes that do not fit. Raise a ValueError, as numpy does: a quiet None "
    "is found much later."
)
def returns_none(a, b):
    return _by_rules(a, b, returns_none=True)


@broadcast_shape.mistake(
    "A 1 stretches to whatever stands opposite it, and that may be 0: then the result is 0, not "
    "the larger of the two."
)
def max_size(a, b):
    return _by_rules(a, b, max_size=True)


broadcast_shape.hint("Make both shapes equally long first: ones at the left of the shorter one.")
broadcast_shape.hint(
    "Then go through the pairs of sizes. Three cases: equal; one of them 1; neither."
)
broadcast_shape.hint(
    "`(1,) * k + shape` puts k ones in front; `raise ValueError(…)` refuses.", when="error"
)
broadcast_shape.hint("What is opposite the axis that the shorter shape lacks?", when="length")
broadcast_shape.hint("At which end did you line the two shapes up?", when="order")
broadcast_shape.hint(
    "Write the two shapes under each other, aligned at the right, as the page does.", when="value"
)

broadcast_shape.equivalent(
    "`for m, n in zip_longest(reversed(a), reversed(b), fillvalue=1):` → "
    "`for m, n in zip_longest(reversed(b), reversed(a), fillvalue=1):`",
    because="broadcasting is symmetric: a with b gives the shape of b with a",
)

# ---------------------------------------------------------------------------- gradient

gradient = Exercise("gradient", minutes=15, difficulty=2)


def _loss(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.linalg.norm(_values(w, b, x) - y) ** 2 / len(y))


def _slopes(w: np.ndarray, b: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Slopes by central differences: exact on a quadratic for any step, so take a long one."""
    half = 0.5 * np.eye(len(w))
    dw = np.array([_loss(w + h, b, x, y) - _loss(w - h, b, x, y) for h in half])
    return dw, _loss(w, b + 0.5, x, y) - _loss(w, b - 0.5, x, y)


def _expect_slopes(answer, w, b, x, y, of: str = "") -> None:
    dw, db = _several(answer(w, b, x, y), "two things: dw, db")
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, f"dw{of}").close_to(expected_dw, atol=1e-4)
    expect(db, f"db{of}").close_to(expected_db, atol=1e-4)


@gradient.property("matches the slopes of the loss", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.size + 1, draw.size % 2 + 2
    n += n == d  # never square: a missing transpose must not fit by chance
    w, b, x, y = draw.normal(d), draw.normal(), draw.normal(n, d), draw.normal(n)
    _expect_slopes(answer, w, b, x, y)


@gradient.property("sums over examples, not features, also when n equals d")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(3), draw.normal(), draw.normal(3, 3), draw.normal(3)
    _expect_slopes(answer, w, b, x, y)


@gradient.property("works for a batch of one, and for a single feature")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(2), draw.normal()
    _expect_slopes(answer, w, b, draw.normal(1, 2), draw.normal(1), " of one example")
    _expect_slopes(answer, w[:1], b, draw.normal(4, 1), draw.normal(4), " for one feature")


@gradient.property("is zero when the plane goes through every point")
def _(answer, draw: Draw) -> None:
    w, b, x = draw.normal(2), draw.normal(), draw.normal(5, 2)
    dw, db = _several(answer(w, b, x, _values(w, b, x)), "two things: dw, db")
    expect(dw, "dw").close_to(np.zeros(2), atol=1e-5)
    expect(db, "db").close_to(0.0, atol=1e-5)


@gradient.property("stays the same when every example is written twice")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(2), draw.normal(), draw.normal(3, 2), draw.normal(3)
    dw, db = _several(answer(w, b, np.tile(x, (2, 1)), np.tile(y, 2)), "two things: dw, db")
    expected_dw, expected_db = _slopes(w, b, x, y)
    expect(dw, "dw of the doubled batch").close_to(expected_dw, atol=1e-4)
    expect(db, "db of the doubled batch").close_to(expected_db, atol=1e-4)


@gradient.mistake(
    "The transpose is missing: `x @ error` pairs features with errors. dw[j] sums over the "
    "examples, so it is `x.T @ error`, (d, n) by (n,), which gives (d,)."
)
def without_transpose(w, b, x, y):
    error = x @ w + b - y
    return 2 * x @ error / len(y), 2 * np.mean(error)


@gradient.mistake(
    "`error * x` lines (n,) up with the last axis of x, the features. To multiply each row by its "
    "own error, make it a column, `error[:, None] * x`; or let `x.T @ error` do it all."
)
def error_along_features(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error * x, axis=0), 2 * np.mean(error)


@gradient.mistake("You divided dw by d, the number of features. The mean runs over n examples.")
def divided_by_features(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error / x.shape[1], 2 * np.mean(error)


@gradient.mistake(
    "You summed over the batch. The loss is a mean over n examples, so its gradient is divided by "
    "n too."
)
def summed(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error, 2 * np.sum(error)


@gradient.mistake(
    "dw is a sum and db a mean: `x.T @ error` adds over the examples and does not divide. Divide "
    "it by n."
)
def summed_weights_only(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error, 2 * np.mean(error)


@gradient.mistake(
    "Your signs are flipped: the error is prediction − target, and a step along your gradient "
    "climbs."
)
def flipped(w, b, x, y):
    error = y - x @ w - b
    return 2 * x.T @ error / len(y), 2 * np.mean(error)


@gradient.mistake("The 2 from the square is missing: the derivative of error² is 2·error.")
def without_two(w, b, x, y):
    error = x @ w + b - y
    return x.T @ error / len(y), np.mean(error)


@gradient.mistake(
    "You divided dw by n·d, the number of entries of x. The mean of the loss runs over the n "
    "examples only; `len(x)` is n."
)
def divided_by_size(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error / x.size, 2 * np.mean(error)


@gradient.mistake(
    "dw is one number. Averaging over the whole table mixes the features; each weight has a slope "
    "of its own, so average over the examples alone, axis 0."
)
def mixed_features(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error[:, None] * x), 2 * np.mean(error)


@gradient.mistake(
    "You returned a slope for every example. The loss is one mean: average over axis 0, and dw "
    "has shape (d,), db none."
)
def per_example(w, b, x, y):
    error = x @ w + b - y
    return 2 * error[:, None] * x, 2 * error


@gradient.mistake(
    "dw has shape (d, 1). The weights have shape (d,); a column subtracted from them would "
    "broadcast to (d, d)."
)
def column_of_slopes(w, b, x, y):
    error = x @ w + b - y
    return 2 * x.T @ error[:, None] / len(y), 2 * np.mean(error)


@gradient.mistake("Your error leaves out b. The prediction inside the gradient is x @ w + b too.")
def error_without_bias(w, b, x, y):
    error = x @ w - y
    return 2 * x.T @ error / len(y), 2 * np.mean(error)


@gradient.mistake(
    "You multiplied the mean error by the mean of each feature. Multiply each error by its own "
    "row first, then average."
)
def product_of_means(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error) * np.mean(x, axis=0), 2 * np.mean(error)


@gradient.mistake("dw and db have changed places: return (dw, db).")
def swapped(w, b, x, y):
    error = x @ w + b - y
    return 2 * np.mean(error), 2 * x.T @ error / len(y)


gradient.hint("First the error, shape (n,). dw[j] is 2/n times the sum of error[i]·x[i, j].")
gradient.hint("A sum over the examples for every feature: which product of x and error is that?")
gradient.hint("Count the factors: a 2 from the square, a 1/n from the mean.", when="factor")
gradient.hint("Is it prediction − target, or target − prediction?", when="sign")
gradient.hint("dw must look like w: shape (d,). db is one number.", when="shape")
gradient.hint("x is (n, d) and the error (n,). What must be transposed to meet?", when="error")
gradient.hint("On the page's example, dw = [14/3, 2/3] and db = 4/3. What are yours?", when="value")

# ----------------------------------------------------------------------- least_squares

least_squares = Exercise("least_squares", minutes=15, difficulty=2)


def _with_ones(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _best_plane(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares by QR: X̃ = QR with orthonormal Q, so the minimum solves R·θ = Qᵀy."""
    q, r = np.linalg.qr(_with_ones(x))
    theta = np.linalg.solve(r, q.T @ y)
    return theta[:-1], float(theta[-1])


def _spread_out(draw: Draw, n: int, d: int) -> np.ndarray:
    """Features (n, d) that are no near copies of one another, so that rounding does no harm."""
    x = draw.normal(n, d)
    while np.linalg.cond(_with_ones(x)) > 10:
        x = draw.normal(n, d)
    return x


@least_squares.property("finds the plane of least squares", trials=6)
def _(answer, draw: Draw) -> None:
    d = draw.size % 3 + 1
    x, y = _spread_out(draw, 3 * d + draw.size + 2, d), draw.normal(3 * d + draw.size + 2)
    w, b = answer(x, y)
    expected_w, expected_b = _best_plane(x, y)
    expect(w, "w").close_to(expected_w, atol=1e-4)
    expect(b, "b").close_to(expected_b, atol=1e-4)


@least_squares.property("recovers a plane without noise")
def _(answer, draw: Draw) -> None:
    true_w, true_b, x = draw.normal(3), draw.uniform(1, 3), _spread_out(draw, 12, 3)
    w, b = answer(x, _values(true_w, true_b, x))
    expect(w, "w").close_to(true_w, atol=1e-4)
    expect(b, "b").close_to(true_b, atol=1e-4)


@least_squares.property("leaves errors that are perpendicular to every feature, and sum to 0")
def _(answer, draw: Draw) -> None:
    x, y = _spread_out(draw, 9, 2), draw.normal(9)
    w, b = answer(x, y)
    error = _values(_floats(w), _floats(b), x) - y
    expect(x.T @ error, "xᵀ · error").close_to(np.zeros(2), atol=1e-3)
    expect(np.sum(error), "the sum of the errors").close_to(0.0, atol=1e-3)


@least_squares.property("moves b alone when every target rises, and when features are shifted")
def _(answer, draw: Draw) -> None:
    x, y, rise = _spread_out(draw, 10, 2), draw.normal(10), draw.uniform(1, 5)
    expected_w, expected_b = _best_plane(x, y)
    w, b = answer(x, y + rise)
    expect(w, "w for risen targets").close_to(expected_w, atol=1e-4)
    expect(b, "b for risen targets").close_to(expected_b + rise, atol=1e-4)
    w, b = answer(x + 10, y)
    expect(w, "w for shifted features").close_to(expected_w, atol=1e-3)
    expect(b, "b for shifted features").close_to(expected_b - 10 * sum(expected_w), atol=2e-2)


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
    square = _with_ones(x)[: x.shape[1] + 1]
    theta = np.linalg.solve(square, y[: x.shape[1] + 1])
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "A matrix that is not square has no inverse, and `solve` refuses it too. Multiply both sides "
    "by X̃ᵀ first, or use `np.linalg.lstsq`."
)
def inverse_of_x(x, y):
    theta = np.linalg.inv(_with_ones(x)) @ y
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "numpy refuses, as two shapes do not fit. If it is a product: the normal equation has X̃ᵀX̃, "
    "(d+1, d+1), and X̃ᵀy; X̃X̃ᵀ is (n, n). If it is the joining of x and the ones: "
    "`np.column_stack([x, np.ones(len(x))])` makes a column of the ones first."
)
def transposes_on_the_right(x, y):
    columns = _with_ones(x)
    theta = np.linalg.solve(columns @ columns.T, columns @ y)
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "You returned θ, all the numbers in one vector. Split it: w is all of it but the last entry, b "
    "the last."
)
def theta_alone(x, y):
    return _by_normal_equation(_with_ones(x), y)


@least_squares.mistake(
    "`np.linalg.lstsq` returns four things; the solution is the first. Split it into w and b."
)
def everything_lstsq_returns(x, y):
    return np.linalg.lstsq(_with_ones(x), y, rcond=None)


@least_squares.mistake(
    "You added something to the diagonal of X̃ᵀX̃. That is ridge regression: it pulls w and b "
    "towards 0 and away from the least squares solution."
)
def ridge(x, y):
    columns = _with_ones(x)
    gram = columns.T @ columns + np.eye(columns.shape[1])
    theta = np.linalg.solve(gram, columns.T @ y)
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "Your weights are those of standardised features. Divide them by the spreads again, or solve "
    "with x as it is."
)
def not_mapped_back(x, y):
    theta = _by_normal_equation(_with_ones((x - x.mean(axis=0)) / x.std(axis=0)), y)
    return theta[:-1], theta[-1]


@least_squares.mistake(
    "You returned all the numbers in one vector. Return two things: w of shape (d,), and b."
)
def in_one_vector(x, y):
    theta = _by_normal_equation(_with_ones(x), y)
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

# ------------------------------------------------------------------------- standardise

standardise = Exercise("standardise", minutes=10, difficulty=2)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population spread of every column, from the standard library; 1 for spread 0."""
    columns = x.T.tolist()
    spreads = [statistics.pstdev(column) for column in columns]
    return np.array([statistics.fmean(c) for c in columns]), np.array([s or 1.0 for s in spreads])


def _expect_standardised(answer, x: np.ndarray) -> None:
    scaled, mean, std = _several(answer(x), "three things: scaled, mean, std")
    expected_mean, expected_std = _moments(x)
    expected = np.divide(np.subtract(x, expected_mean), expected_std)
    expect(mean, "mean").close_to(expected_mean, atol=1e-4)
    expect(std, "std").close_to(expected_std, atol=1e-4)
    expect(scaled, "the standardised x").close_to(expected, atol=1e-3)


@standardise.property("gives every feature mean 0 and standard deviation 1", trials=6)
def _(answer, draw: Draw) -> None:
    n, d = draw.size + 3, 2
    # Three entries apart in every column, so that no drawn column is constant.
    x = draw.normal(n, d) * np.array([0.5, 4.0]) + np.array([3.0, -20.0])
    x[:3] += np.array([[0.0, 20.0], [3.0, 0.0], [6.0, -20.0]])
    _expect_standardised(answer, x)


@standardise.property("treats features one by one, also when n equals d")
def _(answer, draw: Draw) -> None:
    x = draw.uniform(-0.5, 0.5, 3, 3) + np.array(
        [[1.0, 2.0, 9.0], [3.0, 0.0, 7.0], [0.0, 5.0, 8.0]]
    )
    _expect_standardised(answer, x)


@standardise.property("turns a constant feature into zeros, with std 1")
def _(answer, draw: Draw) -> None:
    n, constant = 5, draw.integers(2, 9) / 2
    x = np.stack([np.full(n, constant), np.arange(n) * draw.uniform(1, 3)], axis=1)
    _expect_standardised(answer, x)


@standardise.property("does so for a batch of one, where every feature is constant")
def _(answer, draw: Draw) -> None:
    _expect_standardised(answer, draw.integers(1, 9, 1, 3) / 2.0)


def _scaled(x, axis=0, ddof=0):
    mean, std = np.mean(x, axis=axis), np.std(x, axis=axis, ddof=ddof)
    return mean, np.where(std > 0, std, 1.0)


@standardise.mistake(
    "You took mean and spread along axis 1, across the features of one example: volts averaged "
    "with degrees. Axis 0 runs over the examples."
)
def along_rows(x):
    mean, std = _scaled(x, axis=1)
    return (x - mean[:, None]) / std[:, None], mean, std


@standardise.mistake(
    "You took one mean and one spread of the whole table. Each feature has its own: axis=0."
)
def whole_table(x):
    mean, std = _scaled(x, axis=None)
    return (x - mean) / std, mean, std


@standardise.mistake(
    "Your spread divides by n − 1. Here it divides by n, as `np.std` does; torch's `std` does not "
    "unless told `correction=0`. (For a batch of one, n − 1 is 0.)"
)
def divides_by_n_minus_one(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0, ddof=1)
    return (x - mean) / np.where(std > 0, std, 1.0), mean, std


@standardise.mistake(
    "You divided before you subtracted: x / std − mean. Subtract the mean first, then divide what "
    "is left; the brackets decide."
)
def divided_first(x):
    mean, std = _scaled(x)
    return x / std - mean, mean, std


@standardise.mistake(
    "You divided by the variance. Its square root, the standard deviation, has the feature's unit."
)
def by_variance(x):
    mean, std = _scaled(x)
    return (x - mean) / std**2, mean, std**2


@standardise.mistake("You centred the features and did not divide them by their spread.")
def only_centred(x):
    mean, std = _scaled(x)
    return x - mean, mean, std


@standardise.mistake("You divided by the spread and did not subtract the mean.")
def only_divided(x):
    mean, std = _scaled(x)
    return x / std, mean, std


@standardise.mistake(
    "A constant feature has spread 0, and 0 / 0 is nan. Divide it by 1, and return 1 as its std."
)
def divides_by_zero(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0)
    return (x - mean) / std, mean, std


@standardise.mistake(
    "You divided a constant feature by 1 and returned a std of 0. Return the 1: whoever maps "
    "weights back divides by it again."
)
def returns_zero_spread(x):
    mean, std = _scaled(x)
    return (x - mean) / std, mean, np.std(x, axis=0)


@standardise.mistake(
    "You added a small number to std. That avoids 0 / 0, but a constant feature then has a std of "
    "about 0 where the page asks for 1."
)
def small_number_added(x):
    mean, std = np.mean(x, axis=0), np.std(x, axis=0) + 1e-8
    return (x - mean) / std, mean, std


@standardise.mistake(
    "You scaled by smallest and largest value. Standardising uses mean and standard deviation."
)
def between_extremes(x):
    low, width = np.min(x, axis=0), np.ptp(x, axis=0)
    width = np.where(width > 0, width, 1.0)
    return (x - low) / width, low, width


@standardise.mistake(
    "You took mean and spread along axis 1, and numpy cannot line n of them up with d features. "
    "Axis 0 runs over the examples."
)
def along_rows_and_flat(x):
    mean, std = _scaled(x, axis=1)
    return (x - mean) / std, mean, std


@standardise.mistake("Return three things in this order: the standardised x, mean, std.")
def wrong_order(x):
    mean, std = _scaled(x)
    return mean, std, (x - mean) / std


standardise.hint("Mean and spread of each column: shapes (d,). Broadcasting does the rest.")
standardise.hint("`x.mean(axis=0)` averages over the examples. `np.where` can replace the zeros.")
standardise.hint("Which axis disappears when you average over the examples?", when="shape")
standardise.hint("What is 0 / 0? Replace a std of 0 by 1 before dividing.", when="nan")
standardise.hint("Is your spread divided by n or by n − 1?", when="factor")
standardise.hint("Bracket the difference before you divide it.", when="offset")
standardise.hint("`x -= mean` writes into the array you were given.", when="changes input")
standardise.hint("[[0, 10], [4, 30]] should give [[−1, −1], [1, 1]].", when="value")

# ----------------------------------------------------------------------- unstandardise

unstandardise = Exercise("unstandardise", minutes=10, difficulty=2)


@unstandardise.property("gives the same predictions from the original x", trials=6)
def _(answer, draw: Draw) -> None:
    d = min(draw.size, 5)
    w, b, mean = draw.normal(d), draw.normal(), draw.normal(d, scale=5.0)
    std = draw.choice([0.5, 2.0, 4.0]) + draw.uniform(0.1, 0.9, d)
    new_w, new_b = answer(w, b, mean, std)
    # The plane's heights at the origin and at the unit vectors of the original space name it.
    heights = _values(w, b, (np.vstack([np.eye(d), np.zeros(d)]) - mean) / std)
    expect(new_w, "w").close_to(heights[:-1] - heights[-1], atol=1e-4)
    expect(new_b, "b").close_to(heights[-1], atol=1e-4)


@unstandardise.property("leaves features alone that were standard already")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(3), draw.normal()
    new_w, new_b = answer(w, b, np.zeros(3), np.ones(3))
    expect(new_w, "w").close_to(w)
    expect(new_b, "b").close_to(b)


@unstandardise.property("moves b by what the mean was worth")
def _(answer, draw: Draw) -> None:
    w, b, mean = draw.uniform(1, 3, 2), draw.normal(), draw.uniform(5, 9, 2)
    new_w, new_b = answer(w, b, mean, np.array([2.0, 2.0]))
    expect(new_w, "w").close_to(w / 2)
    expect(new_b, "b").close_to(b - sum(w * mean) / 2, atol=1e-4)


@unstandardise.mistake(
    "You left b as it was. Subtracting the means moved the origin: w·mean/std has to come off b."
)
def bias_forgotten(w, b, mean, std):
    return w / std, b


@unstandardise.mistake(
    "You multiplied the weights by std. The features were divided by it, so the weights are too: "
    "bar per standard deviation becomes bar per volt."
)
def multiplied(w, b, mean, std):
    return w * std, b - (w * std) @ mean


@unstandardise.mistake(
    "b has to use the weights of the original units: subtract the sum of mean·w/std, not of mean·w."
)
def bias_from_scaled_weights(w, b, mean, std):
    return w / std, b - w @ mean


@unstandardise.mistake(
    "You added the shift to b. Standardising subtracts the mean, so its part, w·mean/std, is "
    "subtracted too."
)
def shift_added(w, b, mean, std):
    return w / std, b + (w / std) @ mean


@unstandardise.mistake(
    "You standardised the weights as if they were features. Put (x − mean)/std into w·x + b and "
    "sort the terms."
)
def standardised_again(w, b, mean, std):
    return (w - mean) / std, b


@unstandardise.mistake(
    "You left the weights as they were. They are in bar per standard deviation; divide by std."
)
def weights_forgotten(w, b, mean, std):
    return w, b - (w / std) @ mean


@unstandardise.mistake(
    "b became a vector: the shift is one number, the sum of mean·w/std over the features."
)
def bias_not_summed(w, b, mean, std):
    return w / std, b - w * mean / std


@unstandardise.mistake(
    "You averaged the shifts of the features. b moves by their sum."
)  # fmt: skip
def shift_averaged(w, b, mean, std):
    return w / std, b - np.mean(w * mean / std)


@unstandardise.mistake("You divided b by a spread. b is in bar already; only its shift uses std.")
def bias_scaled(w, b, mean, std):
    return w / std, (b - w @ mean) / np.prod(std)


unstandardise.hint("Write out w′·(x − mean)/std + b′ and collect what multiplies x, and the rest.")
unstandardise.hint("The rest does not depend on x: it is the new b.")
unstandardise.hint("w is (d,), b is one number. What adds up the shifts?", when="shape")
unstandardise.hint("Which sign does mean have inside (x − mean)/std?", when="sign")
unstandardise.hint(
    "The weights in b's shift: those before or after the division?", when="value"
)  # fmt: skip
unstandardise.hint(
    "`w /= std` writes into the array you were given; `w = w / std` does not.",
    when="changes input",
)

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=35, difficulty=3, changes=("rng",))


def _back(theta: np.ndarray, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane θ over standardised features, as w and b over the original ones."""
    d = len(mean)
    points = _with_ones((np.vstack([np.eye(d), np.zeros(d)]) - mean) / std)
    heights = points @ theta
    return heights[:-1] - heights[-1], float(heights[-1])


def _descend(
    features: np.ndarray, y: np.ndarray, rate: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient descent on a fixed batch as powers of one matrix.

    On a quadratic a step is affine, θ ← (I − ηH)θ + ηc, so k steps from 0 are the last column of
    the k-th power of [[I − ηH, ηc], [0, 1]]. `features` is (n, d + 1), ones last.

    Returns
    -------
    theta : (d + 1,) array, the parameters after ``steps`` steps
    losses : (steps,) array, the loss before each of them
    """
    size = features.shape[1]
    step = np.eye(size + 1)
    step[:size, :size] -= rate * 2 * features.T @ features / len(y)
    step[:size, size] = rate * 2 * features.T @ y / len(y)
    path = [np.linalg.matrix_power(step, k)[:size, size] for k in range(steps + 1)]
    losses = [np.linalg.norm(features @ theta - y) ** 2 / len(y) for theta in path[:-1]]
    return path[-1], np.array(losses)


def _visits(answer, n: int, epochs: int, seed: int) -> list[list[int]]:
    """Which example each step saw, epoch by epoch.

    With a learning rate of 0 and batches of one, the plane stays at 0 and a step's loss is its
    example's y²; with y = 1 … n its root is the example's name.
    """
    x, y = np.arange(2.0 * n).reshape(n, 2), np.arange(1.0, n + 1)
    _, _, losses = answer(x, y, 0.0, 1, epochs, np.random.default_rng(seed))
    names = np.rint(np.sqrt(_floats(losses))).astype(int).tolist()
    return [names[i : i + n] for i in range(0, len(names), n)]


@train.property("takes the right steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size
    x, y = draw.normal(n, 2) * np.array([1.0, 3.0]) + np.array([2.0, -5.0]), draw.normal(n)
    rate, epochs = draw.uniform(0.02, 0.1), draw.integers(1, 5)
    w, b, losses = answer(x, y, rate, n, epochs, np.random.default_rng(draw.seed()))
    mean, std = _moments(x)
    theta, expected_losses = _descend(_with_ones((x - mean) / std), y, rate, epochs)
    expected_w, expected_b = _back(theta, mean, std)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-4)
    expect(w, "w").close_to(expected_w, atol=1e-4)
    expect(b, "b").close_to(expected_b, atol=1e-4)


@train.property("takes loss and gradient from the minibatch alone", trials=2)
def _(answer, draw: Draw) -> None:
    # Standardised, the four rows (x, 1) are at right angles to one another. A step on one leaves
    # the errors of the others alone, so neither their order nor their pairing changes the result.
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    mean, std = draw.integers(2, 9, 3) / 2.0, np.array([0.5, 2.0, 1.0])
    y, rate = draw.uniform(1, 4, 4), draw.uniform(0.05, 0.1)
    for size in (1, 2):
        generator = np.random.default_rng(draw.seed())
        w, b, losses = answer(mean + std * signs, y, rate, size, 1, generator)
        theta = rate * 2 / size * _with_ones(signs).T @ y
        expected_w, expected_b = _back(theta, mean, std)
        total = float(np.sum(_floats(losses))) * size
        expect(len(losses), f"how many losses in batches of {size}").equals(4 // size)
        expect(total, "the sum of the squared errors met").close_to(float(np.dot(y, y)))
        expect(w, "w").close_to(expected_w, atol=1e-4)
        expect(b, "b").close_to(expected_b, atol=1e-4)


@train.property("takes one step per minibatch, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches. Every feature is constant, so w stays 0.
    x, target = np.full((5, 2), 1.5), draw.uniform(1.0, 3.0)
    rate, epochs = draw.uniform(0.02, 0.1), draw.integers(2, 4)
    generator = np.random.default_rng(draw.seed())
    w, b, losses = answer(x, np.full(5, target), rate, 2, epochs, generator)
    theta, expected_losses = _descend(np.ones((1, 1)), np.array([target]), rate, 3 * epochs)
    expect(len(losses), "how many losses were recorded").equals(3 * epochs)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-4)
    expect(w, "w").close_to(np.zeros(2), atol=1e-5)
    expect(b, "b").close_to(theta[0], atol=1e-4)


@train.property("shows every example once an epoch, in a new order each time")
def _(answer, draw: Draw) -> None:
    epochs = _visits(answer, 12, 2, draw.seed())
    expect(len(epochs), "how many epochs of 12 steps").equals(2)
    expect(all(sorted(e) == list(range(1, 13)) for e in epochs), "each example once").is_true(
        otherwise="in one epoch some example was seen twice, or never"
    )
    expect(epochs[0] == list(range(1, 13)), "the first epoch is unshuffled").equals(False)
    expect(epochs[0] == epochs[-1], "the second epoch repeats the first").equals(False)


@train.property("takes its order from the generator it was given")
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first = _visits(answer, 12, 1, seed)
    expect(first == _visits(answer, 12, 1, seed), "same seed, same order").is_true(
        otherwise="two generators with the same seed gave different orders"
    )
    expect(first == _visits(answer, 12, 1, seed + 1), "another seed, same order").equals(False)


@train.property("comes near least squares on features of very different size")
def _(answer, draw: Draw) -> None:
    scale, shift = np.array([1.0, 10.0, 40.0]), np.array([1.0, 15.0, 5000.0])
    x = draw.rng.normal(size=(200, 3)) * scale + shift
    y = x @ np.array([1.5, -0.03, 0.01]) - 47.5 + 0.1 * draw.rng.normal(size=200)
    w, b, losses = answer(x, y, 0.1, 20, 10, np.random.default_rng(draw.seed()))
    best_w, best_b = _best_plane(x, y)
    gap = _values(_floats(w), _floats(b), x) - _values(best_w, best_b, x)
    # Truth values, not numbers: the last digits depend on how the answer shuffles.
    far = float(np.sqrt(np.mean(gap**2)))
    expect(far < 0.1, "the predictions").is_true(
        otherwise=f"the predictions are {far:.3g} away from those of least squares, typically"
    )
    last = float(np.mean(_floats(losses)[-10:]))
    expect(0.005 < last < 0.03, "the last epoch's loss").is_true(
        otherwise=f"the last epoch's mean loss is {last:.4g}; the noise floor is 0.01"
    )


def _loop(x, y, learning_rate, batch_size, epochs, rng, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, order = len(x), np.arange(len(x))
    mean, std = _scaled(x, ddof=1 if habits.get("ddof") and n > 1 else 0)
    if habits.get("raw"):
        mean, std = np.zeros_like(mean), np.ones_like(std)
    scaled = (x - mean) / std
    w, b, losses = np.zeros(x.shape[1]), 0.0, []
    for epoch in range(epochs):
        if habits.get("restarts"):
            w, b = np.zeros(x.shape[1]), 0.0
        if not (habits.get("unshuffled") or (epoch and habits.get("shuffles_once"))):
            source = np.random.default_rng(0) if habits.get("own_generator") else rng
            order = source.permutation(n)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = np.arange(n) if habits.get("full_batch") else order[start : start + batch_size]
            rows = scaled[batch]
            if habits.get("batch_moments"):
                batch_mean, batch_std = _scaled(x[batch])
                rows = (x[batch] - batch_mean) / batch_std
            before = scaled @ w + b - y
            error = rows @ w + b - y[batch]
            count = 1 if habits.get("summed") else len(batch)
            rate = -learning_rate if habits.get("climbs") else learning_rate
            dw, db = 2 * rows.T @ error / count, 2 * np.sum(error) / count
            if habits.get("full_gradient"):
                dw, db = 2 * scaled.T @ before / n, 2 * np.mean(before)
            w = w - rate * dw
            b = b if habits.get("no_bias") else b - rate * db
            error = rows @ w + b - y[batch] if habits.get("loss_after") else error
            whole = habits.get("loss_of_all")
            losses.append(float(np.mean((before if whole else error) ** 2)))
        if habits.get("maps_in_loop"):
            w = w / std
            b = b - w @ mean
    if habits.get("not_mapped") or habits.get("maps_in_loop"):
        return w, b, losses
    w = w / std
    return w, b if habits.get("bias_not_mapped") else b - w @ mean, losses


@train.mistake(
    "Your w and b belong to the standardised features. Map them back with `unstandardise` before "
    "you return them."
)
def not_mapped(*specification):
    return _loop(*specification, not_mapped=True)


@train.mistake(
    "You mapped w back and not b: the means that were subtracted have to come off b as well."
)
def bias_not_mapped(*specification):
    return _loop(*specification, bias_not_mapped=True)


@train.mistake(
    "You trained on x as it is. The specification begins with `standardise`; without it features "
    "of very different size blow the loop up, or starve it."
)
def trained_raw(*specification):
    return _loop(*specification, raw=True)


@train.mistake(
    "You standardised each minibatch by its own mean and spread, so the features mean something "
    "else in every step. Standardise once, with all of x, before the loop."
)
def batch_moments(*specification):
    return _loop(*specification, batch_moments=True)


@train.mistake("Your spread divides by n − 1. Use `standardise`, which divides by n.")
def other_spread(*specification):
    return _loop(*specification, ddof=True)


@train.mistake(
    "You trained on x as it is, and then mapped w and b back as if x had been standardised. Train "
    "on what `standardise` returned first."
)
def raw_but_mapped(x, y, *specification):
    w, b, losses = _loop(x, y, *specification, raw=True)
    mean, std = _scaled(x)
    return w / std, b - (w / std) @ mean, losses


@train.mistake(
    "You mapped w and b back in every epoch, and went on training with them on the standardised "
    "features. Map back once, at the end."
)
def mapped_every_epoch(*specification):
    return _loop(*specification, maps_in_loop=True)


@train.mistake("You standardised the targets too. They stay in bar.")
def scaled_targets(x, y, *specification):
    return _loop(x, (y - np.mean(y)) / (np.std(y) or np.nan), *specification)


@train.mistake("b never moves. It takes a step of its own, −η·db, with every step of w.")
def no_bias(*specification):
    return _loop(*specification, no_bias=True)


@train.mistake(
    "You recorded each loss after its step. Record it before: the loss of the plane that the "
    "gradient was computed for."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake("You never shuffled. Ask `minibatches` for new batches in every epoch.")
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake("You shuffled once, before the first epoch. Every epoch needs an order of its own.")
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake("Your steps use all the data, not the minibatch: pick out its rows and targets.")
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake(
    "Your steps are right, but you recorded the loss on all the data. Record that of the minibatch."
)
def loss_of_all(*specification):
    return _loop(*specification, loss_of_all=True)


@train.mistake("You made a generator of your own. Take the order from the `rng` you were given.")
def own_generator(*specification):
    return _loop(*specification, own_generator=True)


@train.mistake(
    "The loss is that of the minibatch, but the gradient is taken over all the data: give "
    "`gradient` the batch's rows and targets too."
)
def full_gradient(*specification):
    return _loop(*specification, full_gradient=True)


@train.mistake(
    "w and b go back to 0 at the start of every epoch. Set them once, before the epoch loop."
)
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake("You summed the gradient over the batch. It is a mean, like the loss.")
def summed_gradient(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(*specification):
    return _loop(*specification, climbs=True)


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(x, y, learning_rate, batch_size, epochs, rng):
    return _loop(x, y, learning_rate, batch_size, 1, rng)


train.hint("Three parts: `standardise` once; rung 1's two loops, on the result; `unstandardise`.")
train.hint("Inside: rows = scaled[batch]; loss; gradient; step. Every function exists already.")
train.hint("How many steps does an epoch of 5 examples take with batch_size 2?", when="length")
train.hint("The first loss is that of w = 0 and b = 0: the mean of y².", when="shift")
train.hint("w starts as `np.zeros(x.shape[1])`, a vector of shape (d,).", when="shape")
train.hint("In which units are the w and b that you return?", when="value")
train.hint("Does every argument take part?", when="ignores argument")
train.equivalent(
    "`losses.append(mean_squared_error(predict(w, b, batch_x), batch_y))` → "
    "`losses.append(mean_squared_error(batch_y, predict(w, b, batch_x)))`",
    because="the square of an error does not depend on its sign",
)
