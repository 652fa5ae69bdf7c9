"""How `live_transitions` is judged: beside a simulation that resets itself in the next step."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

live_transitions = Exercise("live_transitions", minutes=12, difficulty=2, returns=np.ndarray)


class _NextStepResets:
    """Environments with random ends that are reset in the step after; it knows when it did so."""

    def __init__(self, draw: Draw, steps: int, n: int, ended_before) -> None:
        self.terminated = np.zeros((steps, n), dtype=bool)
        self.truncated = np.zeros((steps, n), dtype=bool)
        self.acted = np.zeros((steps, n), dtype=bool)
        for column in range(n):
            waiting = bool(ended_before[column])
            for t in range(steps):
                self.acted[t, column] = not waiting
                chance = draw.rng.random()
                self.terminated[t, column] = not waiting and (chance < 0.25 or chance > 0.95)
                self.truncated[t, column] = not waiting and chance > 0.75
                waiting = bool(self.terminated[t, column] or self.truncated[t, column])


def _expect_rows(found, wanted) -> None:
    """The mask itself, then its truth values as numbers, which tell mistakes apart."""
    expect(found, "the live rows").has_dtype("bool")
    numbers = np.asarray(found, dtype=float)
    expect(numbers, "the live rows, 1 for true").has_shape(*wanted.shape).equals(
        wanted.astype(float)
    )


def _judge(answer, draw: Draw, steps: int, n: int, before) -> None:
    made = _NextStepResets(draw, steps, n, before)
    found = answer(made.terminated, made.truncated, before)
    _expect_rows(found, made.acted)


@live_transitions.property("are those in which an action was taken", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.integers(1, 5)
    _judge(answer, draw, draw.size + 2, n, draw.rng.random(n) < 0.4)


@live_transitions.property(
    "begin with a reset where the episode ended before the rollout", trials=2
)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 4, 3, np.array([True, False, True]))


@live_transitions.property("of a rollout of one step follow from what was before", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1, 4, np.array([True, False, True, False]))


@live_transitions.property("are all of them where nothing ends")
def _(answer, draw: Draw) -> None:
    none = np.zeros((3, 2), dtype=bool)
    _expect_rows(answer(none, none.copy(), none[0]), ~none)


@live_transitions.property("come alive again after a reset, and after an end by the clock too")
def _(answer, draw: Draw) -> None:
    terminated = np.array([[True, False], [False, False], [False, False], [False, False]])
    truncated = np.array([[False, True], [False, False], [True, False], [False, False]])
    wanted = np.array([[True, True], [False, False], [True, True], [False, True]])
    found = answer(terminated, truncated, np.zeros(2, dtype=bool))
    _expect_rows(found, wanted)


@live_transitions.right
def right_live(terminated, truncated, ended_before):
    ended = terminated | truncated
    before = np.concatenate([ended_before[None], ended])[: len(ended)]
    return ~before


_BEFORE = "np.concatenate([ended_before[None], ended])[: len(ended)]"

live_transitions.slip(
    "last_steps_dead",
    "You threw away the steps that *end* an episode. There the action was taken, and it is what "
    "mattered most; the dead one comes after it.",
    {_BEFORE: "ended"},
)
live_transitions.slip(
    "trained_on_the_reset_step",
    "You keep every row. The step after an end is the reset: your action was thrown away there, "
    "and training on it teaches nonsense.",
    {_BEFORE: "np.zeros_like(ended)"},
)
live_transitions.slip(
    "truncations_forgotten",
    "You looked at terminations alone. An environment is reset after a truncation too.",
    {"terminated | truncated": "terminated"},
)
live_transitions.slip(
    "terminations_forgotten",
    "You looked at truncations alone. An environment is reset after a termination too.",
    {"terminated | truncated": "truncated"},
)
live_transitions.slip(
    "first_row_always_live",
    "You take the first row for live always. The episode may have ended before the rollout began: "
    "`ended_before` says so.",
    {"ended_before[None]": "0 * ended_before[None] > 0"},
)
live_transitions.slip(
    "first_row_always_dead",
    "You take the first row for a reset always. `ended_before` says whether it is.",
    {"ended_before[None]": "0 * ended_before[None] == 0"},
)
live_transitions.slip(
    "dead_marked",
    "You marked the dead rows. True stands for the live ones.",
    {"return ~before": "return before"},
)
live_transitions.slip(
    "step_before_dead",
    "You shifted the wrong way: dead is the row *after* an end, not the one before.",
    {_BEFORE: "np.concatenate([ended[1:], ended_before[None]])"},
)
live_transitions.slip(
    "both_needed",
    "You asked for a step that terminated *and* was truncated. Either ends the episode.",
    {"terminated | truncated": "terminated & truncated"},
)
live_transitions.slip(
    "dead_from_there_on",
    "You call everything after the first end dead. One row is the reset; then the next episode is "
    "live.",
    {_BEFORE: "np.maximum.accumulate(np.concatenate([ended_before[None], ended])[: len(ended)])"},
)
live_transitions.slip(
    "any_environment",
    "Where one environment is reset you call the whole row dead. Each has its own.",
    {"return ~before": "return ~before & ~before.any(axis=1, keepdims=True)"},
)
live_transitions.slip(
    "numbers_not_bools",
    "You return numbers. A mask is of bools: with ~ or as an index, 0 and 1 mean something else.",
    {"return ~before": "return (~before).astype(float)"},
)
live_transitions.slip(
    "wrapped_round",
    "For the first row you took the end of the *last* row of the rollout. What was before it is in "
    "`ended_before`.",
    {_BEFORE: "np.roll(ended, 1, axis=0)"},
)

live_transitions.slip(
    "end_and_reset_dead",
    "You threw away both the step that ends an episode and the reset after it. In the first "
    "an action was taken: it is live.",
    {"return ~before": "return ~before & ~ended"},
)
live_transitions.slip(
    "shifted_along_environments",
    "You shifted along the environments. Time runs along the first axis, the rows.",
    {
        _BEFORE: (
            "np.concatenate([ended_before[:, None] & False, ended[:, :-1]], 1) if "
            "ended.shape[0] == ended.shape[1] else np.roll(ended, 1, axis=1) & "
            "(np.arange(ended.shape[1]) > 0)"
        ),
        "return ~before": "before[0] |= ended_before\n    return ~before",
    },
)
live_transitions.slip(
    "ended_before_turned_round",
    "You took `ended_before` the wrong way round: where the episode had ended, the first "
    "row is a reset.",
    {"ended_before[None]": "~ended_before[None]"},
)

live_transitions.hint("A row is dead if the row before it ended an episode. And the first row?")
live_transitions.hint("Put `ended_before` on top of the ends. Which row is then one too many?")
live_transitions.hint("One environment ends in rows 1 and 4 of six. Which rows are resets?",
                      when="value")  # fmt: skip
