"""What several exercises of research/06_reinforcement_learning draw from and compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from descent.grading import Draw, expect


class Seen(NamedTuple):
    """What a rollout of n environments knows of each step; every array is (steps, n)."""

    rewards: Any
    values: Any
    next_values: Any
    terminated: Any
    truncated: Any


def seen(draw: Draw, steps: int, n: int, ends: float = 0.35) -> Seen:
    """A rollout with several episodes; a next value after a termination is a large odd number."""
    terminated = draw.rng.random((steps, n)) < ends
    truncated = draw.rng.random((steps, n)) < ends
    values, next_values = draw.normal(steps, n, scale=2.0), draw.normal(steps, n, scale=2.0)
    for t in range(steps - 1):
        within = ~(terminated[t] | truncated[t])
        next_values[t, within] = values[t + 1, within]
    next_values[terminated] = 7.5
    return Seen(draw.normal(steps, n, scale=2.0), values, next_values, terminated, truncated)


THREAD = Seen(
    np.array([[1.0], [2.0], [0.5], [3.0]]),
    np.array([[3.0], [1.5], [4.0], [0.8]]),
    np.array([[1.5], [2.0], [0.8], [0.6]]),
    np.zeros((4, 1), dtype=bool),
    np.array([[False], [True], [False], [False]]),
)
"""The page's four steps: the second is cut off by the clock."""


def n_step_return(
    rollout: Seen, t: int, column: int, steps: int, gamma: float
) -> tuple[float, bool]:
    """The sum of `steps` discounted rewards from step t, and V beyond them, in single numbers.

    It ends sooner where the episode or the rollout does. Also whether it could go on no further.
    """
    total, weight = 0.0, 1.0
    for k in range(steps):
        total += weight * float(rollout.rewards[t + k, column])
        weight *= gamma
        if rollout.terminated[t + k, column]:
            return total, True
        last = t + k == len(rollout.rewards) - 1 or bool(rollout.truncated[t + k, column])
        if last or k == steps - 1:
            return total + weight * float(rollout.next_values[t + k, column]), last
    raise ValueError("steps is at least 1")


def whole_return(rollout: Seen, t: int, column: int, gamma: float) -> float:
    """The return of a step, as far as its episode was seen."""
    return n_step_return(rollout, t, column, len(rollout.rewards), gamma)[0]


def table(rollout: Seen, entry: Any) -> np.ndarray:
    """An array (steps, n) of `entry(t, column)`."""
    steps, n = np.shape(rollout.rewards)
    return np.array([[entry(t, column) for column in range(n)] for t in range(steps)])


def judge_loss(
    answer: Any, arrays: dict[str, Any], epsilon: float | None, terms: Callable[..., Any]
) -> None:
    """Expect a loss of three arrays, and its gradient: at the first of them, and at no other.

    `arrays` has what each is called in a report. `terms` works out, from three lists and epsilon,
    the loss and its derivative by each number of the first.
    """
    leaves = [torch.tensor(np.asarray(x, dtype=float)).requires_grad_() for x in arrays.values()]
    loss = answer(*leaves, epsilon)
    total, slopes = terms(*(leaf.tolist() for leaf in leaves), epsilon)
    expect(loss, "the loss").has_shape().close_to(total, 1e-5)
    expect(loss.requires_grad, "whether a gradient can flow").is_true(
        "The loss hangs on no graph here, so `backward()` cannot run. The right one hangs on "
        f"{next(iter(arrays))} always, also where its gradient is 0."
    )
    if not loss.requires_grad or loss.ndim:
        return
    loss.backward()
    none = torch.zeros(len(slopes))
    first, *others = (none if leaf.grad is None else leaf.grad for leaf in leaves)
    of_first, *of_others = arrays
    expect(first, f"the gradient at {of_first}").close_to(slopes, 1e-4, 1e-7)
    for found, name in zip(others, of_others, strict=True):
        expect(found, f"the gradient at {name}").close_to(none)
