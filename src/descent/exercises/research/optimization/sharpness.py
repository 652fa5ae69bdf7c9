"""How `sharpness` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

sharpness = Exercise("sharpness", minutes=20, difficulty=3, returns=float)

MOST_PRODUCTS = 200


class Products:
    """v ↦ Hv of a matrix that is not shown, and how often it was asked for."""

    def __init__(self, draw: Draw, eigenvalues: Any) -> None:
        values = np.asarray(eigenvalues, dtype=float)
        basis, _ = np.linalg.qr(draw.rng.normal(size=(len(values), len(values))))
        self.matrix = (basis * values) @ basis.T
        self.calls = 0

    def __call__(self, v: Any) -> Any:
        """Hv, and one more on the count."""
        self.calls += 1
        return self.matrix @ v

    def __repr__(self) -> str:
        return f"the products of a {len(self.matrix)} × {len(self.matrix)} Hessian"


def _expect_largest(answer, draw: Draw, eigenvalues) -> None:
    product = Products(draw, eigenvalues)
    found = answer(product, len(product.matrix), np.random.default_rng(draw.seed()))
    wanted = float(np.linalg.eigvalsh(product.matrix).max())
    expect(found, "the largest eigenvalue").close_to(wanted, rtol=1e-2, atol=1e-6)
    expect(product.calls, "the number of products").is_between(1, MOST_PRODUCTS)


def _bulk(draw: Draw, count: int, size: float) -> np.ndarray:
    return draw.rng.uniform(-0.5, 0.5, size=count) * size


@sharpness.property("is the largest eigenvalue")
def _(answer, draw: Draw) -> None:
    top = draw.uniform(1, 40)
    _expect_largest(answer, draw, [top, *_bulk(draw, draw.size + 1, top)])
    _expect_largest(answer, draw, [0.3, *_bulk(draw, draw.size + 3, 0.3)])


@sharpness.property("is not the one that is largest in size but negative", trials=5)
def _(answer, draw: Draw) -> None:
    top = draw.uniform(1, 9)
    _expect_largest(
        answer, draw, [top, -draw.uniform(1.5, 2.5) * top, *_bulk(draw, draw.size, top)]
    )


@sharpness.property("of a large Hessian needs few products", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_largest(answer, draw, [7.0, *_bulk(draw, 399, 7.0)])
    _expect_largest(answer, draw, [7.0, -12.0, *_bulk(draw, 399, 7.0)])


@sharpness.property("may be negative, or that of a single parameter", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_largest(answer, draw, [-1.0, -draw.uniform(3, 4), -5.0])
    _expect_largest(answer, draw, [draw.uniform(0.5, 3)])
    _expect_largest(answer, draw, [-draw.uniform(0.5, 3)])


@sharpness.property("of a flat loss is 0", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_largest(answer, draw, np.zeros(4))


@sharpness.property("is found in spite of its size", trials=2)
def _(answer, draw: Draw) -> None:
    for unit in (1e-4, 1e5):
        top = unit * draw.uniform(1, 3)
        product = Products(draw, [top, -2 * top, *_bulk(draw, 6, top)])
        found = answer(product, 8, np.random.default_rng(draw.seed()))
        expect(found / unit, "the largest eigenvalue, in its unit").close_to(top / unit, rtol=1e-2)


@sharpness.right
def right_sharpness(product, size, rng):
    def largest(shift):
        v = rng.normal(size=size)
        value = 0.0
        for _ in range(90):
            v = v / np.linalg.norm(v)
            w = product(v) - shift * v
            value = v @ w
            if not np.any(w):
                break
            v = w
        return value + shift

    first = largest(0.0)
    return float(first if first >= 0 else largest(first))


sharpness.slip(
    "largest_in_size",
    "You return the eigenvalue that is largest in size, and it is negative. Power iteration finds "
    "that one; take it off the whole spectrum and iterate again.",
    {"first if first >= 0 else largest(first)": "first"},
)
sharpness.slip(
    "size_without_sign",
    "You return the size of an eigenvalue, without its sign: the length of Hv. vᵀHv has the sign.",
    {"first if first >= 0 else largest(first)": "abs(first)"},
)
sharpness.slip(
    "shift_not_undone",
    "You took a number off the spectrum and did not add it again at the end.",
    {"return value + shift": "return value"},
)
sharpness.slip(
    "shift_the_wrong_way",
    "You moved the spectrum the wrong way: it is now further on the negative side. Take the "
    "negative "
    "eigenvalue off, so that all the others become positive.",
    {
        "product(v) - shift * v": "product(v) + shift * v",
        "return value + shift": "return value - shift",
    },
)
sharpness.slip(
    "too_few_iterations",
    "You stop after a few products, before the largest eigenvalue has won over the others.",
    {"range(90)": "range(3)"},
)
sharpness.slip(
    "not_normalised",
    "Your vᵀHv is not divided by vᵀv. Make v of length 1 at every step: otherwise it grows out "
    "of all "
    "numbers, and the value with it.",
    {"v = v / np.linalg.norm(v)": "v = v / np.abs(v).max()"},
)
sharpness.slip(
    "value_of_one_step",
    "You keep the first value and not the last.",
    {"value = v @ w": "value = value or v @ w"},
)


@sharpness.mistake(
    "You built the whole matrix, column by column. A network has millions of parameters: a few "
    "dozen "
    "products have to do."
)
def whole_matrix(product, size, rng):
    columns = [product(row) for row in np.eye(max(size, 201))[:, :size]]
    return float(np.linalg.eigvalsh(np.array(columns)[:size]).max())


@sharpness.mistake(
    "You divide by the length of Hv where it may be 0. On a flat loss the answer is 0, not NaN."
)
def divides_by_zero(product, size, rng):
    def largest(shift):
        v, value = rng.normal(size=size), 0.0
        v = v / np.linalg.norm(v)
        for _ in range(90):
            w = product(v) - shift * v
            value = v @ w
            with np.errstate(invalid="ignore", divide="ignore"):
                v = w / np.linalg.norm(w)
        return value + shift

    first = largest(0.0)
    return float(largest(first) if first < 0 else first)


@sharpness.mistake(
    "You return vᵀHv of a random vector. That is about the mean of the eigenvalues: power "
    "iteration turns v towards one of them first."
)
def random_vector(product, size, rng):
    v = rng.normal(size=size)
    return float(v @ product(v) / (v @ v))


@sharpness.mistake(
    "You return 0 where power iteration found a negative eigenvalue. The largest may still be "
    "positive: shift the spectrum and iterate again."
)
def zero_for_negative(product, size, rng):
    v, value = rng.normal(size=size), 0.0
    for _ in range(190):
        v = v / np.linalg.norm(v)
        w = product(v)
        value = v @ w
        if not np.any(w):
            break
        v = w
    return float(max(value, 0.0))


@sharpness.mistake(
    "You took the one negative eigenvector out and iterated again. There may be more of them that "
    "are larger in size than the largest: move the whole spectrum instead."
)
def one_taken_out(product, size, rng):
    def iterate(times):
        v, value = rng.normal(size=size), 0.0
        for _ in range(90):
            v = v / np.linalg.norm(v)
            w = times(v)
            value = v @ w
            if not np.any(w):
                break
            v = w
        return float(value), v / np.linalg.norm(v)

    first, away = iterate(product)
    if first >= 0:
        return first
    return iterate(lambda v: product(v) - first * away * (away @ v))[0]


@sharpness.mistake(
    "You moved the spectrum by a fixed number. Eigenvalues have units: one that is large enough "
    "here is too small, or far too large, elsewhere. Measure the shift."
)
def fixed_shift(product, size, rng):
    v, value = rng.normal(size=size), 0.0
    for _ in range(190):
        v = v / np.linalg.norm(v)
        w = product(v) + 10 * v
        value = v @ w
        v = w
    return float(value - 10)


sharpness.slip(
    "far_too_many_products",
    "You ask for more than 200 products. On a network each costs two backward passes.",
    {"range(90)": "range(500)"},
)


sharpness.hint("Power iteration: v ← Hv / |Hv|, again and again; then vᵀHv is an eigenvalue.")
sharpness.hint("Which eigenvalue is it, if the spectrum is −9, 1, 5?")
sharpness.hint(
    "All of H − λI is at or above 0 if λ is the most negative eigenvalue. Which is its largest?"
)

_LAST = "return first if first {} else largest_in_size(first)"
sharpness.equivalent(
    f"`{_LAST.format('>= 0')}` → `{_LAST.format('> 0')}`",
    because="at exactly 0 the matrix is 0, and the second search finds 0 again",
)
for _times in (89, 91):
    sharpness.equivalent(
        f"`for _ in range(90):` → `for _ in range({_times}):`",
        because="one product more or less changes nothing within 1 %",
    )
