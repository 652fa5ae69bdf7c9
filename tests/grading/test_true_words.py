"""Whatever is said of the numbers is true of them, on thousands of random pairs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from descent.grading.differences import Compared, Difference, difference, over_all_cases

Array = np.ndarray
Truth = Callable[..., bool]

CLOSE = 3e-4


def close(one, two) -> bool:
    return bool(np.allclose(one, two, rtol=CLOSE, atol=CLOSE * np.max(np.abs(two), initial=0)))


def right(got: Array, want: Array) -> Array:
    """What the check itself takes for right, at the tolerance that the tests below use."""
    return np.isclose(got, want, rtol=1e-4, atol=1e-5 * max(np.max(np.abs(want)), 1e-3))


def said_at(text: str) -> tuple[int | slice, ...]:
    """``[:, 2]`` → an index."""
    inside = text.strip("`[]").split(", ")
    return tuple(slice(None) if part == ":" else int(part) for part in inside)


def near(text: str, number: float) -> bool:
    return float(text) == pytest.approx(float(number), rel=6e-5, abs=1e-12)


def all_but(got: Array, want: Array, mask: Array) -> bool:
    return bool((right(got, want) == ~mask).all())


def only_in(got: Array, want: Array, place: str) -> bool:
    mask = np.zeros(got.shape, bool)
    mask[said_at(place)] = True
    return bool((right(got, want) | mask).all())


def parts(got: Array, want: Array, listed: str) -> bool:
    mask = np.zeros(got.shape, bool)
    for place in re.findall(r"`\[[^`]*\]`", listed):
        mask[said_at(place)] = True
    return all_but(got, want, mask)


def example(got: Array, want: Array, is_: str, place: str, should: str) -> bool:
    index = said_at(place)
    first = tuple(int(i) for i in np.argwhere(~right(got, want))[0])
    return index == first and near(is_, got[index]) and near(should, want[index])


def sizes(got: Array) -> tuple[Array, Array]:
    return np.indices(got.shape)


NUMBER = r"(-?[\d.]+(?:e[+-]?\d+)?)"
PLACE = r"(`\[[^`]*\]`)"
EVERY = r"(?:Every number is|it is|It is) "

SENTENCES: dict[str, Truth] = {
    rf"It is {NUMBER} where {NUMBER} is right(?:: |\.)":
        lambda g, w, a, b: g.size == 1 and near(a, g.item()) and near(b, w.item()),
    rf"It is nearly right: off by {NUMBER}( at most)?\.":
        lambda g, w, a, _: near(a, np.max(np.abs(g - w))) and close(g / 4, w / 4 + (g - w) / 4),
    r"Every number is one that (\w+) can hold: was it used on the way\?":
        lambda g, w, kind: kind == "bfloat16" or (g.astype(kind) == g).all(),
    r"Every number is 0\.": lambda g, w: not g.any(),
    rf"Every number is the same, {NUMBER}\.": lambda g, w, a: (g == g.flat[0]).all(),
    EVERY + r"right in size and of the opposite sign\.": lambda g, w: close(g, -w),
    EVERY + r"the right one without its sign\.": lambda g, w: close(g, np.abs(w)),
    EVERY + r"(\d+) times too large\.": lambda g, w, k: close(g, int(k) * w),
    EVERY + r"(\d+) times too small\.": lambda g, w, k: close(int(k) * g, w),
    EVERY + r"(\d+) times too large and of the opposite sign\.":
        lambda g, w, k: close(g, -int(k) * w),
    EVERY + r"(\d+) times too small and of the opposite sign\.":
        lambda g, w, k: close(int(k) * g, -w),
    EVERY + rf"too (large|small) by {NUMBER} %( and of the opposite sign)?\.":
        lambda g, w, way, a, sign: close(
            g, w * (-1 if sign else 1) * (1 + float(a) / 100 * (1 if way == "large" else -1))),
    EVERY + rf"{NUMBER} times the right one\.": lambda g, w, k: close(g, float(k) * w),
    r"A logarithm to base 2 is so many times the natural one\.":
        lambda g, w: close(g, w / np.log(2)),
    r"That is 1 / ln 10: a logarithm to base 10 is so many times the natural one\.":
        lambda g, w: close(g, w / np.log(10)),
    r"That is ln (\d+): the natural logarithm is so many times the one to base \d+\.":
        lambda g, w, base: close(g, w * np.log(int(base))),
    rf"The right numbers add up to 1; these add up to {NUMBER}\.":
        lambda g, w, a: close(w.sum(), 1) and near(a, g.sum()),
    EVERY + rf"too (large|small) by the same amount, {NUMBER}\.":
        lambda g, w, way, a: np.allclose(g - w, float(a) * (1 if way == "large" else -1),
                                         rtol=CLOSE, atol=1e-4),
    EVERY + r"the square of the right one\.": lambda g, w: close(g, w**2),
    EVERY + r"the square of the right one with the opposite sign\.": lambda g, w: close(g, -(w**2)),
    EVERY + r"the square root of the right one\.": lambda g, w: close(g**2, w),
    EVERY + r"1 divided by the right one\.": lambda g, w: close(g * w, np.ones_like(w)),
    EVERY + r"1 minus the right one\.": lambda g, w: close(g + w, np.ones_like(w)),
    EVERY + r"the logarithm of the right one\.": lambda g, w: close(np.exp(g), w),
    EVERY + r"minus the logarithm of the right one\.": lambda g, w: close(np.exp(-g), w),
    EVERY + r"e to the power of the right one\.": lambda g, w: close(g, np.exp(w)),
    EVERY + r"the right one without what stands after the point\. Does `//` or `int` cut it off\?":
        lambda g, w: (g == np.trunc(w)).all() and (g == np.floor(w)).all(),
    EVERY + r"the right one rounded down \(`//`, `floor`\)\.":
        lambda g, w: (g == np.floor(w)).all(),
    EVERY + r"the right one cut off at the point \(`int`\)\.":
        lambda g, w: (g == np.trunc(w)).all(),
    EVERY + r"the right one rounded to a whole number\.": lambda g, w: (g == np.rint(w)).all(),
    EVERY + r"the right one rounded up to a whole number\.": lambda g, w: (g == np.ceil(w)).all(),
    EVERY + r"the right one rounded to (\d) decimals?\.":
        lambda g, w, d: np.allclose(g, np.round(w, int(d))),
    r"It is the transpose of the right answer\.": lambda g, w: right(g.T, w).all(),
    r"The (rows|columns) are right, and come in reverse order\.":
        lambda g, w, what: right(g[::-1] if what == "rows" else g[:, ::-1], w).all(),
    r"The rows are right and their order is not\.": lambda g, w: same_rows(g, w),
    r"The columns are right and their order is not\.": lambda g, w: same_rows(g.T, w.T),
    r"The two numbers are exchanged\.": lambda g, w: right(g[::-1], w).all(),
    r"The right numbers come (one|two) places? too late\.":
        lambda g, w, n: right(g[len(n) // 3 + (n == "two") :], w[: -(1 + (n == "two"))]).all(),
    r"The right numbers come (one|two) places? too early\.":
        lambda g, w, n: right(g[: -(1 + (n == "two"))], w[1 + (n == "two") :]).all(),
    r"The right numbers come in reverse order\.": lambda g, w: right(g[::-1], w).all(),
    r"The right numbers come in a circle, (\d+) places too late\.":
        lambda g, w, k: right(np.roll(w, int(k)), g).all(),
    r"The numbers are right, but sorted from the (smallest|largest) to the \w+\.":
        lambda g, w, way: permuted(g, w)
        and (np.diff(g) >= 0 if way == "smallest" else np.diff(g) <= 0).all(),
    r"The numbers are right; they should be sorted from the (smallest|largest) to the \w+\.":
        lambda g, w, way: permuted(g, w)
        and (np.diff(w) >= 0 if way == "smallest" else np.diff(w) <= 0).all(),
    r"The numbers are right and their order is not\.": lambda g, w: permuted(g, w),
    rf"The numbers at {PLACE} and {PLACE} are exchanged\.": lambda g, w, a, b: bool(
        right(g[said_at(a)], w[said_at(b)]) and right(g[said_at(b)], w[said_at(a)])
        and right(g, w).sum() == g.size - 2),
    r"Each number is the sum of the right ones up to there\.": lambda g, w: close(g, np.cumsum(w)),
    r"The right numbers are the sums of these up to there\.": lambda g, w: close(np.cumsum(g), w),
    r"Each (row|column) is the right one times a number of its own\.":
        lambda g, w, what: all(np.linalg.matrix_rank(np.stack(pair), tol=1e-2) < 2
                               for pair in rows_of(g, w, what)),
    r"Each right (row|column) adds up to 1\.":
        lambda g, w, what: all(close(b.sum(), 1) for _, b in rows_of(g, w, what)),
    r"Each (row|column) is the right one with the same number added to all of it\.":
        lambda g, w, what: all(np.ptp(a - b) < 1e-3 * np.ptp(b) for a, b in rows_of(g, w, what)),
    r"All are right but those that should be negative: they are 0\.":
        lambda g, w: all_but(g, w, w < 0) and not g[w < 0].any(),
    r"All are right but the first: ": lambda g, w: all_but(g, w, np.arange(g.size) == 0),
    r"All are right but the last: ": lambda g, w: all_but(g, w, np.arange(g.size) == g.size - 1),
    r"All are right but the first and the last: ":
        lambda g, w: all_but(g, w, np.arange(g.size) % (g.size - 1) == 0),
    rf"The first (\d+) are right, and all from {PLACE} on wrong: ": lambda g, w, n, place:
        said_at(place) == (int(n),) and all_but(g, w, np.arange(g.size) >= int(n)),
    rf"The last (\d+) are right, and all before {PLACE} wrong: ": lambda g, w, n, place:
        said_at(place) == (g.size - int(n),) and all_but(g, w, np.arange(g.size) < g.size - int(n)),
    r"All are right but (?:the )?(?:row|column|part)s? (`[^:]*(?::,[^:]*)*`): ": parts,
    r"Those that are wrong are all in (?:row|column|part) (`\[.*\]`): ": only_in,
    r"All are right but those at the border: ": lambda g, w: all_but(g, w, border(g)),
    r"All are right but those inside the border: ": lambda g, w: all_but(g, w, ~border(g)),
    r"All are right but the diagonal: ": lambda g, w: all_but(g, w, np.eye(len(g)) == 1),
    r"Only the diagonal is right: ": lambda g, w: all_but(g, w, np.eye(len(g)) == 0),
    r"All are right but those above the diagonal: ":
        lambda g, w: all_but(g, w, np.triu(np.ones(g.shape), 1) == 1),
    r"All are right but those below the diagonal: ":
        lambda g, w: all_but(g, w, np.tril(np.ones(g.shape), -1) == 1),
    r"All above the diagonal are right, and no others: ":
        lambda g, w: all_but(g, w, np.tril(np.ones(g.shape)) == 1),
    r"All below the diagonal are right, and no others: ":
        lambda g, w: all_but(g, w, np.triu(np.ones(g.shape)) == 1),
    r"It is right only where 0 is right: ": lambda g, w: all_but(g, w, w != 0),
    r"All are right but those that should be 0: ": lambda g, w: all_but(g, w, w == 0),
    r"All are right but those that should be negative: (?!they)":
        lambda g, w: all_but(g, w, w < 0),
    r"All are right but those that should be positive: ": lambda g, w: all_but(g, w, w > 0),
    r"All (\d+) numbers are wrong, the first: ":
        lambda g, w, n: int(n) == g.size and not right(g, w).any(),
    r"(\d+) of (\d+) numbers (?:is|are) wrong(?:, the first)?: ":
        lambda g, w, n, m: (int(n), int(m)) == ((~right(g, w)).sum(), g.size),
    r"Every number is (NaN|infinite)[^.]*\.": lambda g, w, what: UNFIT[what](g).all(),
    r"(\d+) of (\d+) numbers (?:is|are) (NaN|infinite)[^,]*": lambda g, w, n, m, what:
        (int(n), int(m)) == ((UNFIT[what](g) & ~UNFIT[what](w)).sum(), g.size),
    rf"It is (NaN|-?inf) where ({NUMBER[1:-1]}|-?inf) is right\.":
        lambda g, w, a, b: g.size == 1 and np.array_equal(g, np.full_like(g, float(a)), True)
        and float(b) == pytest.approx(w.item(), rel=6e-5),
    r", just where 0 is right\.": lambda g, w: ((w == 0) == ~np.isfinite(g)).all(),
    rf", the (first|one) at {PLACE}\.": lambda g, w, which, place: tuple(
        int(i) for i in np.argwhere(~np.isfinite(g))[0]) == said_at(place)
        and (which == "one") == ((~np.isfinite(g)).sum() == 1),
    r"It comes of 0/0, inf - inf, or the logarithm or root of a negative number\.":
        lambda g, w: np.isnan(g).any(),
    r"That comes of a division by 0, the logarithm of 0, or a number too large to hold\.":
        lambda g, w: np.isinf(g).any(),
    r"Every sign is right\.": lambda g, w: (np.sign(g) == np.sign(w)).all(),
    rf"{NUMBER} at {PLACE}, where {NUMBER} is right\.": example,
}  # fmt: skip
"""Every sentence there is, and when it is true."""

UNFIT = {"NaN": np.isnan, "infinite": np.isinf}


def same_rows(got: Array, want: Array) -> bool:
    return sorted(np.round(got, 6).tolist()) == sorted(np.round(want, 6).tolist())


def permuted(got: Array, want: Array) -> bool:
    return bool(right(np.sort(got.ravel()), np.sort(want.ravel())).all())


def rows_of(got: Array, want: Array, what: str) -> list[tuple[Array, Array]]:
    pairs = (got, want) if what == "row" else (got.T, want.T)
    return list(zip(*pairs, strict=True))


def border(array: Array) -> Array:
    inside = np.ones(array.shape, bool)
    inside[1:-1, 1:-1] = False
    return inside


def untrue(words: str, got: Array, want: Array) -> str | None:
    """What is not true in the words, or not known to the table; None where all is true."""
    left = words
    for pattern, truth in SENTENCES.items():
        found = re.search(pattern, left)
        if found is None:
            continue
        if not truth(got, want, *found.groups()):
            return found[0]
        left = left.replace(found[0], "", 1)
    return left.strip() or None


# ---------------------------------------------------------------------------------- random pairs

SHAPES = ((), (1,), (2,), (3,), (5,), (8,), (2, 2), (3, 3), (2, 4), (4, 3), (5, 5), (2, 3, 4))


def numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    kind = rng.integers(6)
    if kind == 0:
        return rng.integers(-3, 4, shape).astype(float)
    if kind == 1:
        return rng.integers(0, 30, shape).astype(float)
    if kind == 2:
        return np.round(rng.normal(size=shape), 2)
    if kind == 3:
        values = rng.uniform(0.01, 1, shape)
        return values / values.sum()
    if kind == 4:
        return rng.normal(size=shape) * 10.0 ** rng.integers(-6, 7)
    return rng.normal(size=shape)


def one_wrong(want: Array, rng: np.random.Generator) -> Array:
    got = want.copy()
    got[tuple(int(rng.integers(size)) for size in want.shape)] += 1.3
    return got


def part_wrong(want: Array, rng: np.random.Generator) -> Array:
    got = want.copy()
    if want.ndim:
        axis = int(rng.integers(want.ndim))
        place: list = [slice(None)] * want.ndim
        place[axis] = int(rng.integers(want.shape[axis]))
        got[tuple(place)] += rng.normal()
    return got


def masked(want: Array, rng: np.random.Generator) -> Array:
    masks = [want == 0, want > 0, want < 0, rng.random(want.shape) < 0.5]
    if want.ndim == 2:
        row, column = np.indices(want.shape)
        masks += [row == column, row < column, row >= column, row == 0, border(want)]
    return np.where(masks[int(rng.integers(len(masks)))], want + rng.normal(), want)


RELATIONS: list[Callable[[Array, np.random.Generator], Array]] = [
    lambda want, rng: numbers(rng, want.shape),
    lambda want, rng: want * rng.choice([2, 3, 0.5, 1 / 3, 1.37, 70.93, -1, -2, 1.05, 1 / np.log(2),
                                         np.log(10), 0, 1e-8]),
    lambda want, rng: want + rng.choice([1, -1, 0.29, 1e3]),
    lambda want, rng: want**2,
    lambda want, rng: np.abs(want),
    lambda want, rng: np.sqrt(np.abs(want)),
    lambda want, rng: np.log(np.abs(want) + 1e-12),
    lambda want, rng: np.exp(np.clip(want, -20, 20)),
    lambda want, rng: 1 / np.where(want == 0, 1, want),
    lambda want, rng: 1 - want,
    lambda want, rng: np.maximum(want, 0),
    lambda want, rng: np.floor(want),
    lambda want, rng: np.trunc(want),
    lambda want, rng: np.round(want, int(rng.integers(4))),
    lambda want, rng: want * (1 + 5e-4 * rng.normal(size=want.shape)),
    lambda want, rng: want.astype(np.float16).astype(float),
    lambda want, rng: np.full(want.shape, rng.normal()),
    lambda want, rng: np.full(want.shape, want.ravel()[0]),
    lambda want, rng: want.T.reshape(want.shape),
    lambda want, rng: np.flip(want, int(rng.integers(want.ndim))) if want.ndim else -want,
    lambda want, rng: np.roll(want, int(rng.integers(1, 5))),
    lambda want, rng: np.sort(want.ravel()).reshape(want.shape),
    lambda want, rng: np.sort(want.ravel())[::-1].reshape(want.shape),
    lambda want, rng: rng.permutation(want.ravel()).reshape(want.shape),
    lambda want, rng: rng.permutation(want) if want.ndim else want + 1,
    lambda want, rng: np.cumsum(want).reshape(want.shape),
    lambda want, rng: want * rng.uniform(0.5, 2, (want.shape[0], *[1] * (want.ndim - 1)))
    if want.ndim else want * 2,
    lambda want, rng: want + rng.normal(size=want.shape[-1:]) if want.ndim else want + 2,
    lambda want, rng: want / want,
    lambda want, rng: 1 / want,
    lambda want, rng: np.sqrt(want),
    one_wrong, part_wrong, masked,
    lambda want, rng: one_wrong(one_wrong(want, rng), rng),
]  # fmt: skip


@pytest.mark.parametrize("relation", range(len(RELATIONS)))
def test_what_is_said_is_true(relation: int) -> None:
    for seed in range(60):
        rng = np.random.default_rng([relation, seed])
        want = np.asarray(numbers(rng, SHAPES[seed % len(SHAPES)]))
        with np.errstate(all="ignore"):
            got = np.asarray(RELATIONS[relation](want, rng))
        found = difference(got, want, rtol=1e-4, atol=None)
        if found is None:
            continue
        false = untrue(found.words, got, want)
        assert false is None, f"seed {seed}: {false!r} of\n{found.words}\n{got!r}\n{want!r}"


def test_the_table_of_truths_notices_a_lie() -> None:
    one, two = np.array([1.0, 2.0, 5.0]), np.array([1.0, 2.0, 4.0])
    assert untrue("Every number is 2 times too large.", one, two)
    assert untrue("All are right but the first: 1 at `[0]`, where 1 is right.", one, two)
    assert untrue("Something new.", one, two)
    assert untrue("All are right but the last: 5 at `[2]`, where 4 is right.", one, two) is None


# ------------------------------------------------------------------------------ over all the cases


def cases_of(function, sizes=(1, 2, 3, 5, 8), seed: int = 0):
    """Lone numbers of several cases: what came back, how it differs, the sizes of the input."""
    rng = np.random.default_rng(seed)
    found = []
    for size in sizes:
        want = round(rng.normal(), 2) + 0.37
        dimensions = {size: "the length of `x`"} if size > 1 else {}
        got = function(want, size) if not isinstance(function, partial) else function(want)
        found.append((got, difference(got, want, 1e-4, None, dimensions), dimensions))
    return found


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda want, n: want / 2, "In each of the 5 cases tried it is 2 times too small."),
        (lambda want, n: -want, "opposite sign"),
        (lambda want, n: want + 0.5, "too large by the same amount, 0.5."),
        (lambda want, n: want**2, "the square of the right one"),
        (lambda want, n: want * n, "as many times too large as the length of `x` says: 2, 3, 5"),
        (lambda want, n: want / n, "as many times too small as the length of `x` says"),
    ],
)
def test_what_holds_in_every_case_is_said(function, words: str) -> None:
    cases = cases_of(function)
    shown = next(found for _, found, _ in cases if found)
    assert words in over_all_cases(shown, cases).words


def test_what_holds_in_some_cases_is_not_said_of_all() -> None:
    for seed in range(100):
        odd, factor = seed % 5, (2.0, 3.0, -1.0, 0.5)[seed % 4]
        cases = cases_of(partial(np.multiply, factor), seed=seed)
        got = cases[odd][0] + 0.7
        want = cases[odd][0] / factor
        cases[odd] = (got, difference(got, want, 1e-4, None), {})
        shown = next(found for _, found, _ in cases if found)
        assert "cases tried" not in over_all_cases(shown, cases).words


def test_a_case_that_is_right_refutes_a_factor() -> None:
    cases = cases_of(lambda want, n: want * 2 if n > 2 else want)
    shown = next(found for _, found, _ in cases if found)
    assert over_all_cases(shown, cases) == shown


def test_cases_that_cannot_be_compared_add_nothing() -> None:
    shown = Difference("shape", "Its shape is (3,).")
    assert over_all_cases(shown, [(np.zeros(3), shown, {})] * 3) is shown
    compared = Compared(np.array(6.0), np.array(3.0), {})
    shown = Difference("value", "It is 6 where 3 is right.", compared)
    broken = Difference("nan", "It is NaN.", Compared(np.array(np.nan), np.array(1.0), {}))
    assert over_all_cases(shown, [(6.0, shown, {}), (np.nan, broken, {})]) is shown
