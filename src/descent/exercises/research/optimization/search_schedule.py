"""How `search_schedule` is judged: by what its rates are worth, not by how they were found."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from descent.exercises.research.optimization.shared import Problem
from descent.grading import Draw, Exercise, expect

search_schedule = Exercise(
    "search_schedule", minutes=30, difficulty=3, seconds=8.0, returns=np.ndarray
)


def _problem(draw: Draw, d: int) -> Problem:
    """Directions of quite different curvature, so that the order of the rates matters."""
    h = draw.uniform(0.6, 1.4) * np.logspace(0, -1.3, d)
    return Problem(h, draw.uniform(0.5, 3) * h, np.abs(draw.normal(d)) + 1.0)


def _final(problem: Problem, batch: float, steps: int, rates) -> float:
    """The expected loss at the end, by squaring the affine map of a step."""
    second = problem.start**2
    for rate in rates:
        left, factor, added = (
            steps // len(rates),
            (1 - rate * problem.h) ** 2,
            rate**2 * problem.c / batch,
        )
        while left:
            if left % 2:
                second = factor * second + added
            added, factor, left = factor * added + added, factor * factor, left // 2
    return float(0.5 * (problem.h * second).sum())


def _constant(problem: Problem, batch: float, steps: int) -> tuple[float, float]:
    """The best constant rate, and the loss it ends at."""
    tried = np.geomspace(1e-3, 1.97, 60) / problem.h.max()
    losses = [_final(problem, batch, steps, [rate]) for rate in tried]
    best = int(np.argmin(losses))
    return float(tried[best]), losses[best]


def _optimum(problem: Problem, batch: float, steps: int, pieces: int) -> float:
    """The lowest loss that a search without gradients finds from a constant rate and a decay."""
    rate, _ = _constant(problem, batch, steps)
    lowest = np.inf
    for start in (np.zeros(pieces), np.linspace(0.5, -1.5, pieces)):
        found = minimize(
            lambda logs: np.log(_final(problem, batch, steps, np.exp(logs))),
            np.log(rate) + start,
            method="Powell",
            bounds=[tuple(np.log(np.array([1e-4, 1.99]) / problem.h.max()))] * pieces,
            options={"maxiter": 20, "xtol": 1e-2, "ftol": 1e-4},
        )  # fmt: skip
        lowest = min(lowest, float(np.exp(found.fun)))
    return lowest


def _search(answer, draw: Draw, d: int, steps: int, pieces: int, slack: float) -> None:
    problem, batch = _problem(draw, d), draw.uniform(0.3, 2)
    given = answer(*problem, batch, steps, pieces)
    expect(given, "the rates").has_shape(pieces)
    expect(given, "the rates").is_finite()
    expect(given, "the rates").is_above(0.0)
    expect(given, "the rates").is_below(2 / problem.h.max())
    if np.shape(given) != (pieces,):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        worth = _final(problem, batch, steps, given)
    bar = _optimum(problem, batch, steps, pieces) * slack
    worth = min(worth, 1e6) if np.isfinite(worth) else 1e6
    expect(worth, "the loss at the end").is_below(bar)
    _, constant = _constant(problem, batch, steps)
    gap = constant - worth
    if pieces > 1:
        expect(gap, "how far below the best constant rate").is_above(0.0)


@search_schedule.property("of three pieces ends within 3 % of the best there is", trials=2)
def _(answer, draw: Draw) -> None:
    _search(answer, draw, 3, 30, 3, 1.03)


@search_schedule.property("of four pieces too, where the noise is large", trials=1)
def _(answer, draw: Draw) -> None:
    _search(answer, draw, 5, 40, 4, 1.03)


@search_schedule.property("of one piece is the best constant rate", trials=2)
def _(answer, draw: Draw) -> None:
    _search(answer, draw, 3, 24, 1, 1.01)


@search_schedule.property("of one step in one direction is the best first step", trials=2)
def _(answer, draw: Draw) -> None:
    h, c, at = draw.uniform(0.5, 1.5), draw.uniform(1, 3), draw.uniform(1, 2)
    problem = Problem(np.array([h]), np.array([c]), np.array([at]))
    given = answer(*problem, 2, 1, 1)
    expect(given, "the rate").close_to([h * at**2 / (h**2 * at**2 + c / 2)], rtol=0.1)


@search_schedule.right
def right_search(h, c, start, batch, steps, pieces):
    def loss(logs):
        second = start**2
        for rate in np.exp(logs):
            for _ in range(steps // pieces):
                second = (1 - rate * h) ** 2 * second + rate**2 * c / batch
        return np.log(0.5 * (h * second).sum())

    def climbed(logs):
        size, lowest = 1.0, loss(logs)
        while size > 0.02:
            better = False
            for k in range(pieces):
                for move in (size, -size):
                    trial = logs.copy()
                    trial[k] = min(trial[k] + move, np.log(1.98 / h.max()))
                    if (value := loss(trial)) < lowest - 1e-9:
                        logs, lowest, better = trial, value, True
            if not better:
                size /= 2
        return logs

    starts = np.zeros(pieces), np.linspace(0, -3, pieces)
    logs = min((climbed(at - np.log(h.max())) for at in starts), key=loss)
    return np.exp(logs)


search_schedule.slip(
    "constant_rate",
    "You return the best constant rate in every piece. A schedule may do better: large rates while "
    "the start is far, small ones for the noise at the end.",
    {
        "starts = np.zeros(pieces), np.linspace(0, -3, pieces)":
        "grid = np.linspace(-5, 0.67, 60)",
        "min((climbed(at - np.log(h.max())) for at in starts), key=loss)":
        "min((np.full(pieces, at - np.log(h.max())) for at in grid), key=loss)",
    },
)  # fmt: skip
search_schedule.slip(
    "stops_too_early",
    "You stop while a move by half the rate still helps. Make the moves smaller until none does.",
    {"while size > 0.02:": "while size > 0.9:"},
)
search_schedule.slip(
    "ignores_noise",
    "You searched without the noise. The best rates for gradient descent leave the loss on its "
    "floor "
    "at the end.",
    {" + rate**2 * c / batch": ""},
)
search_schedule.slip(
    "one_step_a_piece",
    "You searched as if each piece were one step long. It holds its rate for steps/pieces of them.",
    {"for _ in range(steps // pieces):": "for _ in range(1):"},
)
search_schedule.slip(
    "all_steps_in_each_piece",
    "You searched as if each piece had all the steps. They share them: steps/pieces each.",
    {"for _ in range(steps // pieces):": "for _ in range(steps):"},
)
search_schedule.slip(
    "past_stability",
    "Some of your rates are past 2/h. On paper a direction may explode for a while and be caught "
    "again, but no real loss lets it: keep every rate below 2 / h.max().",
    {"min(trial[k] + move, np.log(1.98 / h.max()))": "max(trial[k] + move, np.log(2.1 / h.max()))"},
)
search_schedule.slip(
    "returns_logarithms",
    "You return logarithms of rates. Search in them, and return the rates.",
    {"return np.exp(logs)": "return logs"},
)
search_schedule.slip(
    "backwards",
    "Your rates come from the last piece to the first.",
    {"return np.exp(logs)": "return np.exp(logs[::-1])"},
)
search_schedule.slip(
    "rate_for_every_step",
    "You return a rate for every step. Asked for is one for each piece.",
    {"return np.exp(logs)": "return np.repeat(np.exp(logs), steps // pieces)"},
)


@search_schedule.mistake(
    "You chose each piece's rate for the loss at the end of that piece. That is greedy: steep "
    "directions pay at once, so the rate falls too soon and flat ones are left where they were."
)
def greedy_pieces(h, c, start, batch, steps, pieces):
    second, rates = start**2, []
    for _ in range(pieces):
        problem = Problem(h, c, np.sqrt(second))
        rate, _ = _constant(problem, batch, steps // pieces)
        rates.append(rate)
        for _ in range(steps // pieces):
            second = (1 - rate * h) ** 2 * second + rate**2 * c / batch
    return np.array(rates)


search_schedule.hint("Write the loss at the end as a function of the logarithms of the rates.")
search_schedule.hint(
    "Begin at the best constant rate. Then change one piece at a time, by a factor, and keep what "
    "helps; halve the factor when nothing does."
)
search_schedule.hint("scipy.optimize.minimize will do, if you begin well.", when="slow")

_STARTS = "starts = (np.zeros(pieces), np.linspace(0, -3, pieces))"
for _other in (
    "starts = (np.linspace(0, -3, pieces), np.zeros(pieces))",
    "starts = (np.zeros(pieces), np.linspace(-3, 0, pieces))",
    "starts = (np.ones(pieces), np.linspace(0, -3, pieces))",
    *(
        f"starts = (np.zeros(pieces), np.linspace({ends}, pieces))"
        for ends in ("1, -3", "-1, -3", "0, +3", "0, -4", "0, -2")
    ),
):
    search_schedule.equivalent(
        f"`{_STARTS}` → `{_other}`", because="the search gets there from these starts too"
    )
for _other in ("(-9.0, 1.36)", "(-18.0, 0.68)"):
    search_schedule.equivalent(
        f"`bounds = [(-9.0, 0.68)] * pieces` → `bounds = [{_other}] * pieces`",
        because="the best rates of these problems lie inside of either",
    )
_FOUND = "found = [optimize.minimize(final_loss, at{}) for at in starts]"
for _other in (", bounds=bounds", ", method='Powell'"):
    search_schedule.equivalent(
        f"`{_FOUND.format(', method=' + repr('Powell') + ', bounds=bounds')}` → "
        f"`{_FOUND.format(_other)}`",
        because="another method of scipy's gets there as well",
    )
_MIN = "return np.exp({}(found, key=lambda one: one.fun).x) / h.max()"
search_schedule.equivalent(
    f"`{_MIN.format('min')}` → `{_MIN.format('max')}`",
    because="on problems so small both starts lead to within 3 % of the best",
)
search_schedule.equivalent(
    "`return float((h * second).sum())` → `return float((h * second).mean())`",
    because="what makes the mean lowest makes the sum lowest",
)
