"""How `log_huber` is judged: term by term, in plain Python with exact logarithms of sums."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

log_huber = Exercise("log_huber", minutes=20, difficulty=2, returns=float)


def _by_hand(theta, sizes, tokens, losses, delta) -> float:
    total, (a, b, e, alpha, beta) = [], theta
    for n, d, loss in zip(sizes, tokens, losses, strict=True):
        terms = [a - alpha * math.log(n), b - beta * math.log(d), e]
        top = max(terms)
        predicted = top + math.log(sum(math.exp(term - top) for term in terms))
        r = abs(predicted - math.log(loss))
        total.append(r * r / 2 if r <= delta else delta * (r - delta / 2))
    return math.fsum(total)


def _case(draw: Draw, scatter: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    theta = np.array(
        [
            draw.uniform(1, 3),
            draw.uniform(1, 3),
            draw.uniform(-1, 1),
            draw.uniform(0.1, 0.6),
            draw.uniform(0.1, 0.6),
        ]
    )
    n = draw.size + 1
    sizes, tokens = 10.0 ** draw.uniform(1, 4, n), 10.0 ** draw.uniform(2, 5, n)
    exact = (
        np.exp(theta[0]) * sizes ** -theta[3]
        + np.exp(theta[1]) * tokens ** -theta[4]
        + np.exp(theta[2])
    )
    return theta, sizes, tokens, exact * np.exp(scatter * draw.rng.uniform(-1, 1, n))


@log_huber.property("is 0 where the law is exact")
def _(answer, draw: Draw) -> None:
    expect(answer(*_case(draw, 0.0), 1e-3), "the objective").close_to(0.0, atol=1e-12)


@log_huber.property("is half the square for small residuals, summed")
def _(answer, draw: Draw) -> None:
    case = _case(draw, 0.05)
    expect(answer(*case, 0.2), "the objective").close_to(_by_hand(*case, 0.2), rtol=1e-6)


@log_huber.property(
    "is a straight line for large ones, and joins the parabola without a step", trials=6
)
def _(answer, draw: Draw) -> None:
    case = _case(draw, 0.4)
    delta = draw.choice([0.001, 0.05, 0.2])
    expect(answer(*case, delta), "the objective").close_to(_by_hand(*case, delta), rtol=1e-6)


@log_huber.property("has δ = 0.001 unless told otherwise")
def _(answer, draw: Draw) -> None:
    case = _case(draw, 0.3)
    expect(answer(*case), "the objective").close_to(_by_hand(*case, 1e-3), rtol=1e-6)


@log_huber.property("does not overflow on the way of a search")
def _(answer, draw: Draw) -> None:
    theta, sizes, tokens, losses = _case(draw, 0.1)
    far = np.array([900.0, 2.0, -800.0, 0.3, 0.4])
    for wild in (far, far[[1, 0, 2, 3, 4]], np.array([-900.0, -900.0, -900.0, 0.3, 0.4])):
        expect(answer(wild, sizes, tokens, losses, 1e-3), "the objective").close_to(
            _by_hand(wild, sizes, tokens, losses, 1e-3), rtol=1e-6)  # fmt: skip


@log_huber.right
def right_objective(theta, sizes, tokens, losses, delta=1e-3):
    a, b, e, alpha, beta = theta
    terms = np.logaddexp(a - alpha * np.log(sizes), b - beta * np.log(tokens))
    miss = np.abs(np.logaddexp(terms, e) - np.log(losses))
    each = np.where(miss <= delta, miss**2 / 2, delta * (miss - delta / 2))
    return float(each.sum())


log_huber.slip(
    "averaged",
    "You took the mean. It is the same law at its best, but its values are so small that a "
    "search takes any start for the end. This is what went wrong in the published fit. Sum.",
    {"each.sum()": "each.mean()"},
)
log_huber.slip(
    "residual_of_losses",
    "You compared losses. Compare their logarithms: a miss of 1 % counts the same anywhere.",
    {"np.logaddexp(terms, e) - np.log(losses)": "np.exp(np.logaddexp(terms, e)) - losses"},
)
log_huber.slip(
    "squares_everywhere",
    "You squared every residual. Beyond δ it grows in a straight line, so that an "
    "outlier does not take over.",
    {"np.where(miss <= delta, miss**2 / 2, delta * (miss - delta / 2))": "miss**2 / 2"},
)
log_huber.slip(
    "step_at_delta",
    "Your line does not join the parabola: at |r| = δ it is δ² and the parabola "
    "δ²/2. Subtract δ/2.",
    {"delta * (miss - delta / 2)": "delta * miss"},
)
log_huber.slip(
    "without_half",
    "The parabola is half the square. Otherwise its slope at δ is not that of the line.",
    {"miss**2 / 2": "miss**2"},
)
log_huber.slip(
    "floor_not_logarithm",
    "`e` is the logarithm of the floor E, as `a` and `b` are those of A and B.",
    {"np.logaddexp(terms, e)": "np.logaddexp(terms, np.log(np.maximum(np.abs(e), 1e-300)))"},
)
log_huber.slip(
    "overflowing",
    "Your sum of exponentials overflows where the search makes a wide step. "
    "`np.logaddexp` does not.",
    {
        "np.logaddexp(a - alpha * np.log(sizes), b - beta * np.log(tokens))": (
            "np.log(np.exp(a - alpha * np.log(sizes)) + np.exp(b - beta * np.log(tokens)))"
        )
    },
)
log_huber.slip(
    "sizes_and_tokens_exchanged",
    "You exchanged the two: α belongs to the parameters, β to the tokens.",
    {"np.log(sizes), b": "np.log(tokens), b", "np.log(tokens))": "np.log(sizes))"},
)
log_huber.slip(
    "overflowing_in_one_sum",
    "You took the logarithm of a plain sum of exponentials. exp(900) is infinite and exp(−900) is "
    "0, so the search breaks: use `np.logaddexp` twice.",
    {
        "np.logaddexp(a - alpha * np.log(sizes), b - beta * np.log(tokens))": (
            "np.exp(a - alpha * np.log(sizes)) + np.exp(b - beta * np.log(tokens))"
        ),
        "np.logaddexp(terms, e)": "np.log(terms + np.exp(e))",
    },
)
log_huber.slip(
    "floor_last_in_theta",
    "You unpacked theta as (a, b, alpha, beta, e). Its third number is e, and the exponents "
    "come last.",
    {"a, b, e, alpha, beta = theta": "a, b, alpha, beta, e = theta"},
)
log_huber.slip(
    "floor_first_in_theta",
    "You unpacked theta as (e, a, b, alpha, beta). The floor e is its third number.",
    {"a, b, e, alpha, beta = theta": "e, a, b, alpha, beta = theta"},
)
log_huber.slip(
    "exponents_beside_their_constants",
    "You unpacked theta as (a, alpha, b, beta, e). The order is a, b, e, alpha, beta.",
    {"a, b, e, alpha, beta = theta": "a, alpha, b, beta, e = theta"},
)
log_huber.slip(
    "floor_added_to_logarithm",
    "You added e to the logarithm of the other two terms, which multiplies them by E. The three "
    "terms are added before the logarithm is taken.",
    {"np.logaddexp(terms, e)": "terms + e"},
)
log_huber.slip(
    "without_floor",
    "You left the floor out. The law has three terms, and e is the logarithm of the third.",
    {"np.logaddexp(terms, e)": "terms"},
)
log_huber.slip(
    "sign_kept",
    "You compared the residual itself with δ, not its size. Every negative one then counts as "
    "small, however large it is.",
    {"np.abs(np.logaddexp(terms, e) - np.log(losses))": "np.logaddexp(terms, e) - np.log(losses)"},
)
log_huber.slip(
    "divided_by_delta",
    "You divided by δ: r²/(2δ), then |r| − δ/2. That is the smooth L1 loss; the page's is δ "
    "times it.",
    {
        "miss**2 / 2, delta * (miss - delta / 2)": "miss**2 / (2 * delta), miss - delta / 2",
    },
)
log_huber.slip(
    "whole_delta_taken_off",
    "Your line is δ · (|r| − δ). At |r| = δ it is 0 and the parabola is δ²/2: take off δ/2.",
    {"(miss - delta / 2)": "(miss - delta)"},
)
for _before, _after in (
    (
        "a - alpha * np.log(sizes), b - beta * np.log(tokens)",
        "b - beta * np.log(tokens), a - alpha * np.log(sizes)",
    ),
):
    log_huber.equivalent(
        f"`terms = np.logaddexp({_before})` → `terms = np.logaddexp({_after})`",
        because="a sum does not depend on the order",
    )
log_huber.equivalent(
    "`miss = np.abs(np.logaddexp(terms, e) - np.log(losses))` → "
    "`miss = np.abs(np.logaddexp(e, terms) - np.log(losses))`",
    because="a sum does not depend on the order",
)
log_huber.equivalent(
    "`return float(np.where(miss <= delta, miss ** 2 / 2, delta * (miss - delta / 2)).sum())` → "
    "`return float(np.where(miss < delta, miss ** 2 / 2, delta * (miss - delta / 2)).sum())`",
    because="both branches have the same value at delta",
)

log_huber.hint("`np.logaddexp(u, v)` is log(eᵘ + eᵛ). There are three terms: use it twice.")
log_huber.hint("What is the value of each branch at |r| = δ? And the slope?")
log_huber.hint("One run, r = 0.3, δ = 0.1: 0.1 · (0.3 − 0.05) = 0.025.", when="value")
