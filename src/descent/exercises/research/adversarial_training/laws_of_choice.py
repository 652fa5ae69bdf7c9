"""The laws that the choices of a right or wrong `choose_examples` follow, and which of them fits.

A share of choices says which random numbers were used, and how. A law's name does not: whoever
draws by the same law is told the same, with `torch.multinomial` as with a loop or with noise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

_STEPS = np.arange(32, dtype=np.float64)
SCORES: Numbers = np.round(0.1 + 2.1 * (_STEPS / 31) ** 2 + 0.007 * _STEPS, 2)
SCORES[-1] = 3.0
TEMPERATURES = (0.2, 1.5)
COUNT, CALLS = 28, 30
"""What is drawn from, in one order after another; how hot, how many of the 32, and how often.

A long choice tells much: 60 tell these laws apart, where seven hundred short ones did not."""

RIGHT = "exp(score / T)"
UNKNOWN = "none that is known"

CLEAR = 18.0
"""The right law is refused where another is e^18 times as likely.

Drawn by the right law, a choice is c times likelier under another one with a chance of at most
1/c. With twenty others that makes one right answer in three million."""

DOUBTFUL = 7.0
"""A wrong law keeps its name unless `UNKNOWN` is e^7 times as likely: one time in a thousand."""

STEP, BEYOND = 0.03, 9.0
"""Integrals go in such steps, from so far below all utilities to so far above. Twice the step would
lose choices by uniform noise, whose density has edges."""

Distribution = Callable[[Numbers], Numbers]


@dataclass(frozen=True)
class Law:
    """A way to choose: the largest of utility + noise come, one after another.

    Attributes
    ----------
    name : str
    utility : callable
        Scores and temperature to what the noise is added to, up to a constant.
    noise : callable, optional
        The chance that the noise is below a number. None is Gumbel noise, with which each draw is
        in proportion to exp(utility).
    from_end : bool
        The choice is handed back from its end.
    """

    name: str
    utility: Callable[[Numbers, float], Numbers]
    noise: Distribution | None = None
    from_end: bool = False


def _softmax(scores: Numbers, temperature: float) -> Numbers:
    weights = np.exp(scores / temperature)
    return weights / weights.sum()


def _heated(scores: Numbers, temperature: float) -> Numbers:
    return scores / temperature


def _turned(scores: Numbers, temperature: float) -> Numbers:
    return -scores / temperature


def _normal(x: Numbers) -> Numbers:
    return torch.special.ndtr(torch.from_numpy(x)).numpy()


def _uniform(x: Numbers) -> Numbers:
    return np.clip(x, 0, 1)


def _one_logarithm(x: Numbers) -> Numbers:
    return 1 - np.exp(-np.maximum(x, 0))


def _log_u(x: Numbers) -> Numbers:
    return np.exp(np.minimum(x, 0))


def _gumbel_turned(x: Numbers) -> Numbers:
    return 1 - np.exp(-np.exp(np.minimum(x, 5)))


LAWS = (
    Law(RIGHT, _heated),
    Law("all are as likely", lambda s, t: 0 * s),
    Law("exp(score · T)", lambda s, t: s * t),
    Law("exp(score), whatever T is", lambda s, t: s),
    Law("exp(score / T²)", lambda s, t: s / t**2),
    Law("exp(−score / T)", _turned),
    Law("the score itself", lambda s, t: np.log(s)),
    Law("score − lowest score", lambda s, t: np.log(s - s.min() + 1e-9)),
    Law("score to the power 1 / T", lambda s, t: np.log(s) / t),
    Law("exp(share), share being a softmax", _softmax),
    Law("exp(score / T), from the last drawn to the first", _heated, from_end=True),
    Law("the smallest of score / T + Gumbel noise", _turned, _gumbel_turned),
    Law("the largest of score / T + normal noise", _heated, _normal),
    Law("the largest of score / T + u", _heated, _uniform),
    Law("the largest of score / T − log u", _heated, _one_logarithm),
    Law("the largest of score / T + log u", _heated, _log_u),
    Law("the largest of score / T + log(−log u)", _heated, _gumbel_turned),
)


def fitting_law(orders: list[Places], ranks: list[Places]) -> str:
    """Name the law by which choices were made, the likeliest that is known.

    Parameters
    ----------
    orders : of each temperature, shape (m, n)
        Where the scores of each call stood: ``SCORES[orders[k]]`` was handed over.
    ranks : of each temperature, shape (m, COUNT)
        What was chosen, as places in `SCORES`, in the order drawn.

    Returns
    -------
    a name from `LAWS`, or `UNKNOWN`
    """
    likely = {law.name: _log_likelihood(law, ranks) for law in LAWS}
    unknown = _of_any_law(orders, ranks)
    right = likely.pop(RIGHT)
    best = max(likely, key=lambda name: likely[name])
    if right > max(likely[best], unknown) - CLEAR:
        return RIGHT
    return best if likely[best] > unknown - DOUBTFUL else UNKNOWN


def mean_first(ranks: Places, temperature: float) -> tuple[float, float]:
    """The mean score of the first drawn, and what it is by the right law."""
    usual = _softmax(SCORES, temperature) @ SCORES
    return float(SCORES[ranks[:, 0]].mean()), float(usual)


def _log_likelihood(law: Law, ranks: list[Places]) -> float:
    total = 0.0
    for temperature, chosen in zip(TEMPERATURES, ranks, strict=True):
        drawn = chosen[:, ::-1] if law.from_end else chosen
        if law.noise is None:
            total += _in_turn(law.utility(SCORES, temperature)[_completed(drawn)]).sum()
        else:
            total += np.log(_with_noise(law, temperature, drawn) + 1e-200).sum()
    return float(total)


def _completed(drawn: Places) -> Places:
    """Each choice with what was left, in any order, behind it: shape (m, n)."""
    left = np.ones((len(drawn), len(SCORES)), dtype=bool)
    np.put_along_axis(left, drawn, False, axis=1)
    return np.concatenate([drawn, np.nonzero(left)[1].reshape(len(drawn), -1)], axis=1)


def _in_turn(utilities: Numbers) -> Numbers:
    """The log-probability of each draw, in proportion to exp(utility) among those left.

    Utilities have the shape (..., n), in the order of `_completed`.
    """
    left = np.cumsum(np.exp(utilities)[..., ::-1], axis=-1)[..., ::-1]
    return (utilities - np.log(left))[..., :COUNT]


@functools.cache
def _cells(law: Law, temperature: float) -> Numbers:
    """The chance that each item's utility + noise is in a cell of the grid, shape (n, cells)."""
    assert law.noise is not None
    utilities = law.utility(SCORES, temperature)
    grid = np.arange(utilities.min() - BEYOND, utilities.max() + BEYOND, STEP)
    return np.diff(law.noise(grid - utilities[:, None]), axis=1)


def _below(cells: Numbers) -> Numbers:
    """The integral up to the middle of each cell, by the trapezoidal rule.

    It is corrected by the slope: without that, items that share a cell come e^10-fold too often.
    """
    sums = np.cumsum(cells, axis=-1) - cells / 2
    sums[..., 1:-1] -= (cells[..., 2:] - cells[..., :-2]) / 24
    return np.maximum(sums, 0, out=sums)


def _with_noise(law: Law, temperature: float, drawn: Places) -> Numbers:
    """The chance of each choice: one integral in another, from the last drawn to the first."""
    cells, completed = _cells(law, temperature), _completed(drawn)
    chance = _below(cells[completed[:, COUNT:]]).prod(axis=1)
    for place in reversed(range(COUNT)):
        inside = cells[completed[:, place]] * chance
        chance = _below(inside)
    return inside.sum(axis=1)


def _of_any_law(orders: list[Places], ranks: list[Places]) -> float:
    """The log-likelihood of a mixture of many laws about the right one, for what has no name.

    A third each: the first draw and the later ones sharper or more even than they should be, at
    each temperature; some items liked or disliked; some places liked or disliked.
    """
    sharper, liked, placed = 0.0, np.zeros(80), np.zeros(80)
    # Any fixed list of such likings will do: a mixture has to be chosen before the draws.
    likings = np.random.default_rng(0).normal(0, 1, (80, len(SCORES)))
    likings[::2] *= np.eye(len(SCORES))[np.arange(40) % len(SCORES)] * 2
    powers = np.array([0.0, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 16.0])
    for temperature, order, drawn in zip(TEMPERATURES, orders, ranks, strict=True):
        completed = _completed(drawn)
        utilities = SCORES[completed] / temperature
        each = _in_turn(powers[:, None, None] * utilities)
        for part in (each[..., 0], each[..., 1:].reshape(len(powers), -1)):
            sharper += _log_mean(part.sum(axis=1))
        liked += _in_turn(utilities + likings[:, completed]).sum(axis=(1, 2))
        where = np.take_along_axis(order.argsort(axis=1), completed, axis=1)
        placed += _in_turn(utilities + likings[:, where]).sum(axis=(1, 2))
    return _log_mean(np.array([sharper, _log_mean(liked), _log_mean(placed)]))


def _log_mean(logs: Numbers) -> float:
    most = logs.max()
    return float(most + np.log(np.exp(logs - most).mean()))
