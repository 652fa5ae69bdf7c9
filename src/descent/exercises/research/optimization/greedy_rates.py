"""How `greedy_rates` is judged."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from descent.exercises.research.optimization.shared import Problem, drawn_problem, stepped
from descent.grading import Draw, Exercise, expect

greedy_rates = Exercise("greedy_rates", minutes=20, difficulty=2, returns=np.ndarray)


def _by_search(problem: Problem, batch: float, steps: int) -> list[float]:
    """Rate after rate, the one that a numerical search finds best for the next loss."""
    rates: list[float] = []
    for _ in range(steps):
        found = minimize_scalar(
            lambda rate: stepped(problem, [*rates, rate], batch)[-1],
            bounds=(0.0, 3.0 / problem.h.min()), method="bounded", options={"xatol": 1e-9},
        )  # fmt: skip
        rates.append(float(found.x))
    return rates


def _expect_rates(answer, problem: Problem, batch: float, steps: int) -> None:
    given, wanted = answer(*problem, batch, steps), _by_search(problem, batch, steps)
    expect(given, "the rates").has_shape(steps)
    expect(given, "the rates").close_to(wanted, rtol=1e-3, atol=1e-5)


def _problem(draw: Draw, d: int) -> Problem:
    h, c, start = drawn_problem(draw, d)
    return Problem(h + 0.2, c, np.abs(start) + 0.5)


@greedy_rates.property("makes the next loss as low as one step can")
def _(answer, draw: Draw) -> None:
    _expect_rates(answer, _problem(draw, min(draw.size, 5)), draw.uniform(0.5, 9), 1)


@greedy_rates.property("does so again from where each step leads", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_rates(answer, _problem(draw, min(draw.size, 4) + 1), draw.uniform(0.5, 9), 4)


@greedy_rates.property("of one direction without noise is 1/h", trials=3)
def _(answer, draw: Draw) -> None:
    h = draw.uniform(0.3, 3)
    problem = Problem(np.array([h]), np.array([1e-12]), np.array([draw.uniform(1, 3)]))
    expect(answer(*problem, 1, 1), "the rate").close_to([1 / h], rtol=1e-6)


@greedy_rates.property("at a start of 0 stays there", trials=2)
def _(answer, draw: Draw) -> None:
    h, c, _ = _problem(draw, 3)
    expect(answer(h, c, np.zeros(3), 2, 3), "the rates").close_to([0.0, 0.0, 0.0], atol=1e-9)


@greedy_rates.property("on the page's two directions begins with 0.49", trials=1)
def _(answer, draw: Draw) -> None:
    h, c, start = np.array([2.0, 0.5]), np.array([3.0, 1.0]), np.array([1.0, -2.0])
    expect(answer(h, c, start, 4, 1), "the first rate").close_to([5 / 10.125], rtol=1e-6)


@greedy_rates.property("of no steps is empty", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(*_problem(draw, 2), 2, 0), "the rates").has_shape(0)


@greedy_rates.right
def right_rates(h, c, start, batch, steps):
    second, rates = np.asarray(start, dtype=float) ** 2, []
    for _ in range(steps):
        squares = h**2 * second
        rate = squares.sum() / (h * (squares + c / batch)).sum()
        second = (1 - rate * h) ** 2 * second + rate**2 * c / batch
        rates.append(rate)
    return np.array(rates)


greedy_rates.slip(
    "noise_not_in_the_rate",
    "Your rate leaves the noise out. It is the best for gradient descent; with noise a shorter "
    "step "
    "is better.",
    {"(squares + c / batch)": "(squares + 0 * c)"},
)
greedy_rates.slip(
    "distances_not_updated",
    "You chose every rate from the start. After a step the expected squares are others.",
    {"second = (1 - rate * h) ** 2 * second + rate**2 * c / batch": "second = second + 0"},
)
greedy_rates.slip(
    "noise_not_in_the_state",
    "Your state forgets the noise that the step brought in.",
    {"second + rate**2 * c / batch": "second"},
)
greedy_rates.slip(
    "gradient_not_squared",
    "You used hE[θ²] where the squared gradient h²E[θ²] belongs.",
    {"squares = h**2 * second": "squares = h * second"},
)
greedy_rates.slip(
    "denominator_without_curvature",
    "You divided by the squared gradients and their noise. What a step costs grows with the "
    "curvature: each term is multiplied by h once more.",
    {"(h * (squares + c / batch)).sum()": "(squares + c / batch).sum()"},
)
greedy_rates.slip(
    "twice_too_long",
    "Your rates are twice the best ones: a parabola falls until half of where it is back again.",
    {"rate = squares.sum()": "rate = 2 * squares.sum()"},
)
greedy_rates.slip(
    "batch_ignored",
    "The batch makes no difference to your rates. The noise is c/B.",
    {"(squares + c / batch)": "(squares + c)", "rate**2 * c / batch": "rate**2 * c"},
)
greedy_rates.slip(
    "distance_not_loss",
    "You made the next distance Σθ² as small as possible. Asked for is the next *loss*, which "
    "weighs each direction by its curvature.",
    {"squares.sum() / (h * (squares + c / batch)).sum()":
     "(h * second).sum() / (squares + c / batch).sum()"},
)  # fmt: skip


greedy_rates.slip(
    "curvature_squared_once",
    "You divided by Σ h²s + noise. What a step costs has one h more: Σ h (h²s + c/B).",
    {"(h * (squares + c / batch)).sum()": "(squares + h * c / batch).sum()"},
)
greedy_rates.slip(
    "root_of_batch",
    "You divided the noise variance by √B. It falls with B.",
    {"(squares + c / batch)": "(squares + c / np.sqrt(batch))"},
)
greedy_rates.slip(
    "state_shrinks_once",
    "You shrank E[θ²] by 1 − ηh. It is a square: by (1 − ηh)².",
    {"(1 - rate * h) ** 2 * second": "(1 - rate * h) * second"},
)
greedy_rates.slip(
    "cut_at_one_over_h",
    "You cut your rates at 1/h.max(). The best next step may be longer: it overshoots in the steep "
    "direction for the sake of the others.",
    {     "rate = squares.sum() / (h * (squares + c / batch)).sum()":
     "rate = min(squares.sum() / (h * (squares + c / batch)).sum(), 1 / h.max())"},
)  # fmt: skip
greedy_rates.slip(
    "mean_of_best_rates",
    "You averaged the rates that would suit each direction alone. There is one rate for all: the "
    "bottom of the sum of their parabolas.",
    {"squares.sum() / (h * (squares + c / batch)).sum()":
     "(squares / (h * (squares + c / batch))).mean()"},
)  # fmt: skip
greedy_rates.slip(
    "losses_returned",
    "You return losses. Asked for are the rates that lead to them.",
    {"rates.append(rate)": "rates.append(0.5 * (h * second).sum())"},
)
greedy_rates.slip(
    "steepest_only",
    "Your rate is 1/h.max(), which suits the steepest direction without noise. Look at all "
    "directions, and at c/B.",
    {"squares.sum() / (h * (squares + c / batch)).sum()": "1 / h.max() + 0 * squares.sum()"},
)


@greedy_rates.mistake(
    "You tried a grid of rates. The next loss is a parabola: its bottom has a formula, and a grid "
    "comes near it only."
)
def coarse_grid(h, c, start, batch, steps):
    second, rates = np.asarray(start, dtype=float) ** 2, []
    grid = np.linspace(0, 2, 50)
    for _ in range(steps):
        tried = grid[:, None]
        after = (1 - tried * h) ** 2 * second + tried**2 * c / batch
        best = int((h * after).sum(axis=1).argmin())
        second = after[best]
        rates.append(grid[best])
    return np.array(rates)


greedy_rates.hint(
    "Write the next expected loss as a function of η alone: a parabola. Where is its bottom?"
)
greedy_rates.hint("½ Σ h [(1 − ηh)² s + η² c/B]. Its derivative in η is 0 at …")
greedy_rates.hint("Go on from the squares after the step, noise included.",
                  when="does so again from where each step leads")  # fmt: skip
