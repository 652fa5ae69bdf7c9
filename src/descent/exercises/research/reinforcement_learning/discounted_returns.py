"""How `discounted_returns` is judged: by a walk forward from every single step."""

from __future__ import annotations

import numpy as np

from descent.exercises.research.reinforcement_learning.shared import (
    THREAD,
    Seen,
    seen,
    table,
    whole_return,
)
from descent.grading import Draw, Exercise, expect

discounted_returns = Exercise("discounted_returns", minutes=15, difficulty=2, returns=np.ndarray)


def _judge(answer, rollout: Seen, gamma: float) -> None:
    wanted = table(rollout, lambda t, column: whole_return(rollout, t, column, gamma))
    ends = rollout.terminated, rollout.truncated
    found = answer(rollout.rewards, rollout.next_values, *ends, gamma)
    expect(found, "the returns").has_shape(*wanted.shape).close_to(wanted)


@discounted_returns.property("of the page's thread are 4.42, 3.8, 3.686 and 3.54")
def _(answer, draw: Draw) -> None:
    _judge(answer, THREAD, 0.9)


@discounted_returns.property("stop at every end, of several episodes in one rollout", trials=6)
def _(answer, draw: Draw) -> None:
    _judge(answer, seen(draw, draw.size + 2, 1 + draw.size % 4), draw.uniform(0.5, 0.99))


@discounted_returns.property("go on to the last row, and beyond it by its next value", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, seen(draw, draw.size + 1, 3, ends=0.0), draw.uniform(0.5, 0.99))


@discounted_returns.property("count nothing after a termination, in the last row too", trials=3)
def _(answer, draw: Draw) -> None:
    rollout = seen(draw, draw.size + 1, 2, ends=0.0)
    rollout.terminated[-1, 0] = rollout.truncated[-1, 1] = True
    _judge(answer, rollout, 0.9)


@discounted_returns.property("take a step that is both for a termination", trials=3)
def _(answer, draw: Draw) -> None:
    rollout = seen(draw, 4, 3, ends=0.0)
    rollout.terminated[draw.integers(0, 4)] = True
    _judge(answer, rollout._replace(truncated=rollout.terminated.copy()), 0.8)


@discounted_returns.property("are the rewards for γ = 0, and plain sums for γ = 1", trials=2)
def _(answer, draw: Draw) -> None:
    for gamma in (0.0, 1.0):
        _judge(answer, seen(draw, 5, 2), gamma)


@discounted_returns.property("are not rounded when the rewards are whole numbers")
def _(answer, draw: Draw) -> None:
    rollout = seen(draw, 4, 2)
    _judge(answer, rollout._replace(rewards=draw.integers(-3, 4, 4, 2)), 0.7)


@discounted_returns.right
def right_returns(rewards, next_values, terminated, truncated, gamma):
    returns = np.zeros(rewards.shape)
    later = next_values[-1]
    for t in range(len(rewards) - 1, -1, -1):
        later = np.where(truncated[t], next_values[t], later)
        later = np.where(terminated[t], 0.0, later)
        later = rewards[t] + gamma * later
        returns[t] = later
    return returns


_CUT = "later = np.where(truncated[t], next_values[t], later)"
_FALL = "later = np.where(terminated[t], 0.0, later)"

discounted_returns.slip(
    "truncation_as_termination",
    "You took a truncation for a termination. The clock was stopped, and the game would have gone "
    "on: the next value stands for what was not seen.",
    {_CUT: "later = np.where(truncated[t], 0.0, later)"},
)
discounted_returns.slip(
    "termination_bootstrapped",
    "You counted a next value after a termination. The pole has fallen, and nothing more is paid.",
    {_FALL: "later = np.where(terminated[t], next_values[t], later)"},
)
discounted_returns.slip(
    "ends_ignored",
    "Your returns run on from one episode into the next. At an end, whatever comes later belongs "
    "to another game.",
    {_CUT: "pass", _FALL: "pass"},
)
discounted_returns.slip(
    "truncation_ignored",
    "After a truncation your return goes on with the rewards of the next episode. Use the next "
    "value there.",
    {_CUT: "pass"},
)
discounted_returns.slip(
    "rest_forgotten",
    "You end the rollout's last row at 0. The episode goes on there, and its next value stands for "
    "the rest.",
    {"later = next_values[-1]": "later = 0 * next_values[-1]"},
)
discounted_returns.slip(
    "truncation_wins",
    "Where a step both terminated and was truncated you bootstrap. It terminated: nothing is paid "
    "any more.",
    {_CUT: "pass", _FALL: "later = np.where(truncated[t], next_values[t], "
     "np.where(terminated[t], 0.0, later))"},
)  # fmt: skip
discounted_returns.slip(
    "value_not_discounted",
    "You count the next value as much as the reward beside it. It lies a step further away: once "
    "more γ.",
    {_CUT: "later = np.where(truncated[t], next_values[t] / max(gamma, 1e-12), later)",
     "later = next_values[-1]": "later = next_values[-1] / max(gamma, 1e-12)"},
)  # fmt: skip
discounted_returns.slip(
    "own_reward_discounted",
    "You discount a step's own reward. It counts in full; the one after it counts γ.",
    {"later = rewards[t] + gamma * later": "later = gamma * (rewards[t] + later)"},
)
discounted_returns.slip(
    "forward",
    "You went forward in time, so each step gets the rewards *before* it. An action is judged by "
    "what came after.",
    {"range(len(rewards) - 1, -1, -1)": "range(len(rewards))"},
)
discounted_returns.slip(
    "undiscounted",
    "You did not discount.",
    {"rewards[t] + gamma * later": "rewards[t] + later"},
)
discounted_returns.slip(
    "end_before_the_step",
    "You looked at whether the step *before* ended an episode. terminated[t] says it of step t "
    "itself: its own reward still counts, and nothing after it.",
    {_FALL: "later = np.where(terminated[t - 1], 0.0, later) if t else later"},
)
discounted_returns.slip(
    "end_loses_its_reward",
    "You put 0 for the whole return where a step terminated. The reward of the last step itself "
    "was paid.",
    {"later = rewards[t] + gamma * later": "later = np.where(terminated[t], 0.0, rewards[t] + "
     "gamma * later)"},
)  # fmt: skip
discounted_returns.slip(
    "one_step_only",
    "You use the next value after every step. That is the target of one step; the return takes the "
    "rewards as far as they were seen.",
    {_CUT: "later = next_values[t]"},
)
discounted_returns.slip(
    "whole_returns",
    "Your returns are whole numbers wherever the rewards are: make an array of floats.",
    {"np.zeros(rewards.shape)": "np.zeros_like(rewards)"},
)
discounted_returns.slip(
    "last_value_for_all",
    "At a truncation you used the next value of the rollout's last row. Each truncation has its "
    "own.",
    {_CUT: "later = np.where(truncated[t], next_values[-1], later)"},
)
discounted_returns.slip(
    "both_exchanged",
    "You exchanged the two kinds of end: after a termination nothing is paid, after a truncation "
    "the next value counts.",
    {_CUT: "later = np.where(terminated[t], next_values[t], later)",
     _FALL: "later = np.where(truncated[t], 0.0, later)"},
)  # fmt: skip
discounted_returns.slip(
    "minus_the_value",
    "You took a value off. That makes an advantage; here the return is asked for.",
    {"returns[t] = later": "returns[t] = later - next_values[t]"},
)

discounted_returns.slip(
    "last_row_never_terminates",
    "In the last row you count the next value though the step terminated. A termination "
    "there pays nothing more either.",
    {_FALL: "later = np.where(terminated[t] & (t < len(rewards) - 1), 0.0, later)"},
)
discounted_returns.slip(
    "own_reward_missing",
    "The step's own reward is missing. Its return begins with it.",
    {"returns[t] = later": "returns[t] = later - rewards[t]"},
)
discounted_returns.slip(
    "next_value_of_the_next_row",
    "At a cut you took the next value of the row *after*. next_values[t] belongs to step t "
    "already.",
    {_CUT: "later = np.where(truncated[t], next_values[min(t + 1, len(rewards) - 1)], later)"},
)
discounted_returns.slip(
    "value_for_the_reward",
    "Where an episode was cut off you put the next value in the place of the return. The "
    "reward of that step was paid, and comes first.",
    {
        "later = rewards[t] + gamma * later": (
            "cut = truncated[t] | (t == len(rewards) - 1)\n        later = np.where(cut "
            "& ~terminated[t], next_values[t], rewards[t] + gamma * later)"
        )
    },
)
discounted_returns.slip(
    "from_the_start_of_the_rollout",
    "You discounted by how far a step is from the start or the end of the rollout. Each "
    "step counts from itself: the reward beside it in full, the next one γ.",
    {"later = rewards[t] + gamma * later": ("later = rewards[t] + gamma ** (len(rewards) - 1 - "
         "t) * later")},
)  # fmt: skip

discounted_returns.hint("Go backwards. What is `later` before the last row?")
discounted_returns.hint(
    "Two questions at each row: was it cut off? Did it terminate? In which order?"
)
discounted_returns.hint(
    "Do the thread of the page by hand, then with step 1 terminated.", when="value"
)

discounted_returns.equivalent(
    "`returns = np.zeros(rewards.shape)` → `returns = np.ones(rewards.shape)`",
    because="every place is written before it is read",
)
