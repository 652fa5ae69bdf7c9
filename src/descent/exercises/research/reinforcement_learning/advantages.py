"""How `advantages` is judged: by the λ-weighted sum of n-step advantages, one after another."""

from __future__ import annotations

import numpy as np

from descent.exercises.research.reinforcement_learning.shared import (
    THREAD,
    Seen,
    n_step_return,
    seen,
    table,
    whole_return,
)
from descent.grading import Draw, Exercise, expect

advantages = Exercise("advantages", minutes=30, difficulty=3, returns=np.ndarray)


def _mixed(rollout: Seen, t: int, column: int, gamma: float, lam: float) -> float:
    """(1 − λ) λⁿ⁻¹ of each n-step advantage; the last one gets the weight that is left."""
    total, left = 0.0, 1.0
    for n in range(1, len(rollout.rewards) - t + 1):
        value, last = n_step_return(rollout, t, column, n, gamma)
        weight = left if last else (1 - lam) * lam ** (n - 1)
        total += weight * (value - float(rollout.values[t, column]))
        left -= weight
        if last:
            break
    return total


def _judge(answer, rollout: Seen, gamma: float, lam: float) -> None:
    wanted = table(rollout, lambda t, column: _mixed(rollout, t, column, gamma, lam))
    found = answer(*rollout, gamma, lam)
    expect(found, "the advantages").has_shape(*wanted.shape).close_to(wanted)


@advantages.property("of the page's thread are 0.385, 2.3, −1.547 and 2.74")
def _(answer, draw: Draw) -> None:
    _judge(answer, THREAD, 0.9, 0.5)


@advantages.property("are the λ-weighted sum of all n-step advantages", trials=6)
def _(answer, draw: Draw) -> None:
    rollout = seen(draw, draw.size + 2, 1 + draw.size % 4, ends=0.15)
    _judge(answer, rollout, draw.uniform(0.6, 0.99), draw.uniform(0.3, 0.97))


@advantages.property("do not cross from one episode into another", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, seen(draw, 6, 3, ends=0.5), draw.uniform(0.6, 0.99), draw.uniform(0.5, 0.97))


@advantages.property("keep the next value at a truncation, and drop it at a termination", trials=3)
def _(answer, draw: Draw) -> None:
    rollout = seen(draw, 3, 3, ends=0.0)
    rollout.terminated[1, 0] = rollout.truncated[1, 1] = True
    rollout.next_values[1, :2] = 20.0
    _judge(answer, rollout, 0.9, 0.8)


@advantages.property("take a step that is both for a termination", trials=2)
def _(answer, draw: Draw) -> None:
    rollout = seen(draw, 4, 2, ends=0.0)
    rollout.terminated[draw.integers(0, 4)] = True
    _judge(answer, rollout._replace(truncated=rollout.terminated.copy()), 0.8, 0.7)


@advantages.property("are one-step surprises for λ = 0", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, seen(draw, 5, 2), 0.9, 0.0)


@advantages.property("are the return minus the value for λ = 1, whatever γ", trials=3)
def _(answer, draw: Draw) -> None:
    rollout, gamma = seen(draw, 5, 2), draw.choice([0.0, 0.9, 1.0])
    wanted = table(
        rollout,
        lambda t, column: (
            whole_return(rollout, t, column, gamma) - float(rollout.values[t, column])
        ),
    )
    expect(answer(*rollout, gamma, 1.0), "the advantages").close_to(wanted)


@advantages.property("of a rollout of one step bootstrap once", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, seen(draw, 1, 3, ends=0.3), 0.9, 0.95)


@advantages.right
def right_advantages(rewards, values, next_values, terminated, truncated, gamma, lam):
    counted = np.where(terminated, 0.0, next_values)
    surprises = rewards + gamma * counted - values
    goes_on = ~(terminated | truncated)
    result = np.zeros(surprises.shape)
    later = np.zeros(surprises.shape[1])
    for t in range(len(surprises) - 1, -1, -1):
        later = surprises[t] + gamma * lam * goes_on[t] * later
        result[t] = later
    return result


_COUNTED = "np.where(terminated, 0.0, next_values)"
_ON = "~(terminated | truncated)"

advantages.slip(
    "truncation_as_termination",
    "You took a truncation for a termination: its next value does not count with you. The clock "
    "was stopped and the game would have gone on, so it does.",
    {_COUNTED: "np.where(terminated | truncated, 0.0, next_values)"},
)
advantages.slip(
    "sum_crosses_truncations",
    "Your sum runs on over a truncation. What follows is another episode: the next value counts "
    "there, and the sum stops.",
    {_ON: "~terminated"},
)
advantages.slip(
    "sum_crosses_terminations",
    "Your sum runs on over a termination. What follows is another episode.",
    {_ON: "~truncated"},
)
advantages.slip(
    "ends_ignored",
    "You do not look at the ends at all: values and sums cross from one episode into the next.",
    {_ON: "~(terminated & ~terminated)", _COUNTED: "next_values"},
)
advantages.slip(
    "sum_never_stops",
    "Your sum crosses from one episode into another at every end. The two questions are separate: "
    "does the value count, and does the sum go on?",
    {_ON: "~(terminated & ~terminated)"},
)
advantages.slip(
    "bootstraps_past_the_end",
    "You count the next value after a termination. Nothing is paid any more once the pole has "
    "fallen.",
    {_COUNTED: "next_values"},
)
advantages.slip(
    "truncation_wins",
    "Where a step both terminated and was truncated, you count the next value. It terminated.",
    {_COUNTED: "np.where(terminated & ~truncated, 0.0, next_values)"},
)
advantages.slip(
    "value_of_the_next_row",
    "You took the value of the next *row* for the value of what the step led to. After an end the "
    "next row is another episode, and after the last row there is none.",
    {"gamma * counted": "gamma * np.where(terminated, 0.0, np.concatenate([values[1:], "
     "next_values[-1:]]))"},
)  # fmt: skip
advantages.slip(
    "without_gamma_in_the_sum",
    "Your sum decays with λ alone. Each step further away counts γλ times less.",
    {"gamma * lam * goes_on[t]": "lam * goes_on[t]"},
)
advantages.slip(
    "without_lambda",
    "Your sum decays with γ alone, which is λ = 1 always.",
    {"gamma * lam * goes_on[t]": "gamma * goes_on[t]"},
)
advantages.slip(
    "value_not_discounted",
    "The next value is not discounted. It lies one step further away than the reward.",
    {"gamma * counted": "counted"},
)
advantages.slip(
    "lambda_on_the_value",
    "You took λ for a second discount of the next value. In the surprise there is γ alone.",
    {"gamma * counted": "gamma * lam * counted"},
)
advantages.slip(
    "weights_not_normalised",
    "You gave the n-step advantages weights without the factor 1 − λ, or the sum a factor too "
    "many. By the recursion the surprise itself counts in full.",
    {"later = surprises[t] +": "later = (1 - lam) * surprises[t] +"},
)
advantages.slip(
    "returns_for_advantages",
    "You return advantage plus value. That is the target of the value function; here the advantage "
    "is asked for.",
    {"result[t] = later": "result[t] = later + values[t]"},
)
advantages.slip(
    "values_forgotten",
    "You did not take the value of the state itself off.",
    {"gamma * counted - values": "gamma * counted"},
)
advantages.slip(
    "forward",
    "You went forward in time. An advantage is made of the surprises that come *after*.",
    {"range(len(surprises) - 1, -1, -1)": "range(len(surprises))"},
)
advantages.slip(
    "end_of_the_next_step",
    "You looked at whether the *next* step ends an episode. terminated[t] says it of step t, whose "
    "own surprise counts and after which nothing does.",
    {"goes_on[t] * later": "goes_on[min(t + 1, len(surprises) - 1)] * later"},
)
advantages.slip(
    "end_of_the_step_before",
    "You looked at whether the step *before* ended an episode. terminated[t] says it of step t: "
    "after it the sum stops.",
    {"goes_on[t] * later": "(goes_on[t - 1] if t else True) * later"},
)
advantages.slip(
    "normalised_too_early",
    "You normalised the advantages. That comes later, in each minibatch.",
    {"return result": "return (result - result.mean()) / (result.std() + 1e-8)"},
)
advantages.slip(
    "starts_from_a_value",
    "Before the last row your sum begins with the next value. The value is in the surprise "
    "already; the sum begins with 0.",
    {"later = np.zeros(surprises.shape[1])": "later = next_values[-1]"},
)
advantages.slip(
    "sign",
    "The sign is wrong: how much *better* than expected.",
    {"result[t] = later": "result[t] = -later"},
)
advantages.slip(
    "surprises_alone",
    "You return the one-step surprises, whatever λ is.",
    {"result[t] = later": "result[t] = surprises[t]"},
)

advantages.slip(
    "last_row_not_bootstrapped",
    "In the last row you count no next value. The rollout was cut there, and the episode "
    "goes on: only a termination drops the value.",
    {"np.where(terminated, 0.0, next_values)": ("np.where(terminated | (np.arange(len(rewards)) "
         "== len(rewards) - 1)[:, None], 0.0, next_values)")},
)  # fmt: skip
advantages.slip(
    "ends_exchanged",
    "You exchanged the two kinds of end: the next value counts at a truncation, and not at "
    "a termination.",
    {_COUNTED: "np.where(truncated, 0.0, next_values)"},
)

advantages.hint("First all surprises at once, without a loop. Where does the next value not count?")
advantages.hint("Then backwards: A = δ + γλ · A of the next row, unless something ended.")
advantages.hint("Two ends, two questions: make the table of four answers first.", when="value")
advantages.hint("With λ = 1 and nothing ended, A is the return minus the value. Is yours?",
                when="are the return minus the value for λ = 1, whatever γ")  # fmt: skip

advantages.equivalent(
    "`result = np.zeros(surprises.shape)` → `result = np.ones(surprises.shape)`",
    because="every place is written before it is read",
)
