"""How `expected_loss` is judged."""

from __future__ import annotations

import numpy as np

from descent.exercises.research.optimization.shared import Problem, drawn_problem, stepped
from descent.grading import Draw, Exercise, expect

expected_loss = Exercise("expected_loss", minutes=20, difficulty=2, seconds=2.0, returns=np.ndarray)


def _expect_losses(answer, problem: Problem, rates, batch, steps: int) -> None:
    """The answer for all rates, against the recursion for each."""
    losses = answer(*problem, np.array(rates), batch, steps)
    wanted = [stepped(problem, [rate] * steps, batch)[-1] for rate in rates]
    expect(losses, "the expected losses").has_shape(len(rates))
    expect(losses, "the expected losses").close_to(wanted, rtol=1e-5, atol=1e-10)


@expected_loss.property("equals the recursion, step by step")
def _(answer, draw: Draw) -> None:
    problem = drawn_problem(draw, min(draw.size, 6))
    _expect_losses(answer, problem, [draw.uniform(0.05, 0.9)], draw.integers(1, 9), draw.size)


@expected_loss.property("takes several rates at once, in any order")
def _(answer, draw: Draw) -> None:
    problem = drawn_problem(draw, min(draw.size, 6) + 1)
    rates = draw.uniform(0.05, 0.9, min(draw.size, 4) + 1).tolist()
    _expect_losses(answer, problem, rates, draw.uniform(0.2, 5), 2 * draw.size + 1)


@expected_loss.property("of no steps is the loss at the start, at every rate")
def _(answer, draw: Draw) -> None:
    problem = drawn_problem(draw, min(draw.size, 6))
    _expect_losses(answer, problem, [0.1, 0.7, 3.0], 2, 0)


@expected_loss.property("at rate 0, and where ηh is exactly 1 or 2", trials=3)
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, 3)
    h[0] = 0.5
    problem = Problem(np.minimum(h, 0.6), c, start)
    _expect_losses(answer, problem, [0.0, 2.0, 4.0], 3, draw.size + 2)


@expected_loss.property("after a thousand million steps is the noise floor", trials=3)
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, min(draw.size, 4) + 1)
    rates, batch = np.array([0.3, draw.uniform(0.4, 0.9)]), draw.uniform(1, 6)
    losses = answer(h, c, start, rates, batch, 10**9)
    wanted = [
        sum(r * cc / batch / (2 - r * hh) / 2 for hh, cc in zip(h, c, strict=True)) for r in rates
    ]
    expect(losses, "the floor").close_to(wanted, rtol=1e-6)


@expected_loss.property("past stability is more than 1e100 after long, and never NaN", trials=3)
def _(answer, draw: Draw) -> None:
    h, c, start = drawn_problem(draw, 3)
    start[0], c[1] = 0.0, 0.0
    rates = np.array([2.3 / h.max(), 0.2])
    losses = answer(h, c, start, rates, 2, 10**6)
    expect(np.nan_to_num(losses[0], nan=-1.0, posinf=1e300), "the loss past stability").is_above(
        1e100
    )
    still = answer(np.array([3.0, 0.5]), np.array([0.0, 1.0]), np.array([0.0, 1.0]),
                   np.array([1.0]), 2, 10**6)  # fmt: skip
    expect(still, "the loss, with a still direction past stability").close_to([1 / 6], rtol=1e-6)


@expected_loss.right
def right_loss(h, c, start, rates, batch, steps):
    rates = rates[:, None]
    squared = (1 - rates * h) ** 2
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        power = np.minimum(squared**steps, 1e300)
        total = np.where(squared == 1, steps, (1 - power) / (1 - squared))
    second = power * start**2 + rates**2 * c / batch * total
    return 0.5 * (h * second).sum(axis=1)


expected_loss.slip(
    "mean_only",
    "You followed the mean alone. The expectation of θ² is the mean squared *plus the variance*, "
    "and the noise feeds the variance.",
    {" + rates**2 * c / batch * total": ""},
)
expected_loss.slip(
    "noise_of_one_step",
    "You added the noise of one step only. Every step adds its own, and later steps shrink it: a "
    "geometric series.",
    {" * total": " * (steps > 0)"},
)
expected_loss.slip(
    "noise_never_shrinks",
    "You added up the noise of all steps in full. What came in early has been shrunk by every "
    "step since.",
    {" * total": " * steps"},
)
expected_loss.slip(
    "power_not_squared",
    "You raised 1 − ηh to the number of steps, where the expectation of θ² shrinks by (1 − ηh)² a "
    "step.",
    {"squared = (1 - rates * h) ** 2": "squared = np.abs(1 - rates * h)"},
)
expected_loss.slip(
    "one_term_more",
    "Your geometric series has a term too many. After T steps it has T terms: (1 − q^T)/(1 − q).",
    {"(1 - power)": "(1 - power * squared)"},
)
expected_loss.slip(
    "settled_already",
    "You used the variance after infinitely many steps. After T steps the series is not complete.",
    {"(1 - power)": "1"},
)
expected_loss.slip(
    "rate_not_squared",
    "The noise enters θ multiplied by the rate, hence θ² by the rate squared.",
    {"rates**2 * c": "rates * c"},
)
expected_loss.slip(
    "half_forgotten",
    "Your loss is twice too large: the loss is ½ Σ hθ².",
    {"0.5 * (h": "(h"},
)
expected_loss.slip(
    "start_not_squared",
    "You took the start for its square. Starts of 1 hide it; the loss needs θ².",
    {"start**2": "np.abs(start)"},
)
expected_loss.slip(
    "division_by_zero",
    "At rate 0, or where ηh is exactly 2, the ratio q is 1 and (1 − q^T)/(1 − q) is 0/0. The "
    "series "
    "is then T terms of 1: T.",
    {"np.where(squared == 1, steps, (1 - power) / (1 - squared))": "(1 - power) / (1 - squared)"},
)
expected_loss.slip(
    "nan_past_stability",
    "Past stability your power overflows to infinity, and infinity times a start or a noise of 0 "
    "is "
    "NaN. Bound the power before you multiply.",
    {"np.minimum(squared**steps, 1e300)": "squared**steps"},
)


expected_loss.slip(
    "start_shrinks_once",
    "You shrank the squared start by 1 − ηh a step. The start is squared, so what shrinks it is "
    "squared too.",
    {"power * start**2": "np.minimum(np.abs(1 - rates * h) ** steps, 1e300) * start**2"},
)
expected_loss.slip(
    "no_noise_where_q_is_1",
    "Where q is 1 your series is 0. Something like a tiny number under the fraction, or NaN made "
    "0, hides the hole. T terms of 1 are T.",
    {"np.where(squared == 1, steps,": "np.where(squared == 1, 0,"},
)
expected_loss.slip(
    "first_rate_only",
    "You used the first rate only. One loss for each rate: give `rates` an axis of its own.",
    {"rates = rates[:, None]": "rates = rates[:1, None]"},
)


@expected_loss.mistake(
    "Your geometric series has a term too few. After T steps it has T terms: (1 − q^T)/(1 − q)."
)
def one_term_less(h, c, start, rates, batch, steps):
    whole = right_loss(h, c, start, rates, batch, steps)
    column = rates[:, None]
    earliest = (1 - column * h) ** 2
    with np.errstate(over="ignore"):
        earliest = np.minimum(earliest ** max(steps - 1, 0), 1e300) * column**2 * c / batch
    return whole - 0.5 * (h * earliest).sum(axis=1) * (steps > 0)


@expected_loss.mistake(
    "Past stability your loss is 0, or another small number: infinity times 0 became NaN, and the "
    "NaN a number. Such a run has exploded."
)
def zero_past_stability(h, c, start, rates, batch, steps):
    squared = (1 - rates[:, None] * h) ** 2
    with np.errstate(all="ignore"):
        power = squared**steps
        total = np.where(squared == 1, steps, (1 - power) / (1 - squared))
        second = power * start**2 + rates[:, None] ** 2 * c / batch * total
        return np.nan_to_num(0.5 * (h * second).sum(axis=1), nan=0.0)


expected_loss.hint(
    "Let s be the expectation of θ². Then s ← q s + a, with q = (1 − ηh)². After T steps?"
)
expected_loss.hint("q^T s₀ + a (1 + q + … + q^(T−1)). For T = 2: q² s₀ + a (1 + q).")
expected_loss.hint("A loop over steps takes minutes for 10⁹ of them. Sum the series.", when="slow")
expected_loss.hint(
    "What is the sum of T terms that are all 1?",
    when="at rate 0, and where ηh is exactly 1 or 2",
)

expected_loss.equivalent(
    "`with np.errstate(all='ignore'):` → `with np.errstate():`",
    because="it only keeps numpy from warning",
)
expected_loss.equivalent(
    "`power = np.minimum(q ** steps, 1e+300)` → `power = np.minimum(1e+300, q ** steps)`",
    because="the smaller of two does not depend on which comes first",
)
expected_loss.equivalent(
    "`power = np.minimum(q ** steps, 1e+300)` → `power = np.minimum(q ** steps, 2e+300)`",
    because="any bound that is far beyond all losses, and still a number, will do",
)
