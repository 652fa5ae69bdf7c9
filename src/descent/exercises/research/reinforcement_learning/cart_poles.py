"""How `CartPoles` is judged: beside Gymnasium's own CartPole, step for step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

CartPoles = Exercise("CartPoles", minutes=45, difficulty=3)

LIMIT = math.radians(12)
NAMES = ("the observations", "the rewards", "terminated", "truncated", "final")


def _gymnasium(state: Any, age: int, action: int) -> tuple[Any, float, bool, bool]:
    """What Gymnasium's CartPole-v1 makes of one step from this state, at this age."""
    import gymnasium

    if not _kept:
        _kept.append(gymnasium.make("CartPole-v1").unwrapped)
    cart = _kept[0]
    cart.reset(seed=0)
    cart.state = np.array(state, dtype=np.float64)
    observation, reward, terminated, _, _ = cart.step(int(action))
    limit = gymnasium.spec("CartPole-v1").max_episode_steps
    return observation, float(reward), bool(terminated), age + 1 >= int(limit or 0)


def _exactly(state: Any, action: int) -> np.ndarray:
    """Where Gymnasium's CartPole-v1 goes from this state, in float64."""
    _gymnasium(state, 0, action)
    return np.array(_kept[0].state, dtype=np.float64)


_kept: list[Any] = []
"""Gymnasium's cart, made once."""


def _placed(answer, states, ages=None, seed: int = 3) -> Any:
    """The answer's carts, put where they are wanted."""
    carts = answer(len(states), seed)
    carts.reset()
    carts.states = np.array(states, dtype=np.float64)
    if ages is not None:
        carts.ages = np.array(ages)
    return carts


def _expect_step(carts, states, ages, actions) -> None:
    """One step, compared with Gymnasium's of every cart; the new starts are looked at besides."""
    wanted = [_gymnasium(*one) for one in zip(states, ages, actions, strict=True)]
    final, rewards, terminated, truncated = (np.array(part) for part in zip(*wanted, strict=True))
    given = carts.step(np.array(actions))
    if not isinstance(given, tuple):
        expect(given, "what a step returns").is_a(tuple)
        return
    expect(len(given), "how many things a step returns").equals(5)
    if len(given) != 5:
        return
    on = ~(terminated | truncated)
    if np.shape(given[4]) != final.shape:
        expect(given[4], "final").has_shape(*final.shape)
        return
    expect(given[4][on], "final, of carts that go on").close_to(final[on], 1e-5, 1e-6)
    gaps = np.abs(np.asarray(given[4], dtype=float) - final)[~on].max(axis=1)
    _expect_all(gaps < 1e-4, "carts that end, whose final is where the step led, 1 for yes")
    expect(given[1], "the rewards").close_to(rewards)
    for place, wanted_ends in ((2, terminated), (3, truncated)):
        told = np.asarray(given[place], dtype=float)
        expect(told, f"{NAMES[place]}, 1 for true").equals(wanted_ends.astype(float))
    for place, name in ((2, "terminated"), (3, "truncated")):
        expect(given[place], name).has_dtype("bool")
    for place in (0, 4):
        expect(given[place][:0], NAMES[place]).has_dtype("float32")
    if np.shape(given[0]) != final.shape:
        expect(given[0], "the observations").has_shape(*final.shape)
        return
    both_say = on & ~(np.asarray(given[2], dtype=bool) | np.asarray(given[3], dtype=bool))
    expect(given[0][both_say], "the observations of carts that go on").close_to(
        final[both_say], 1e-5, 1e-6
    )
    _expect_all(_near_rest(given[0][~on]), "carts that begin anew within ±0.05, 1 for yes")
    expect(carts.ages, "the ages").equals(np.where(on, np.array(ages) + 1, 0))
    if np.shape(carts.states) != final.shape:
        expect(carts.states, "the states").has_shape(*final.shape)
        return
    apart = np.abs(np.asarray(given[0], dtype=float) - np.asarray(carts.states, dtype=float))
    _expect_all(apart.max(axis=1) <= 1e-6, "carts whose observation is their state, 1 for yes")


def _near_rest(states) -> np.ndarray:
    """Which carts are where an episode may begin."""
    return np.abs(np.asarray(states, dtype=float)).max(axis=1) <= 0.05001


def _expect_all(holds: np.ndarray, name: str) -> None:
    """True of every cart. What is observed holds no drawn number: starts are anybody's."""
    expect(holds.astype(float), name).equals(np.ones(len(holds)))


def _somewhere(draw: Draw, n: int) -> np.ndarray:
    """States of carts that have not fallen, moving fast and leaning either way."""
    return np.stack(
        [
            draw.uniform(-2.2, 2.2, n),
            draw.uniform(-2.5, 2.5, n),
            draw.uniform(-0.19, 0.19, n),
            draw.uniform(-2.5, 2.5, n),
        ],
        axis=1,
    )


@CartPoles.property("moves every cart as Gymnasium's CartPole does", trials=5)
def _(answer, draw: Draw) -> None:
    states, ages = _somewhere(draw, draw.size), draw.integers(0, 400, draw.size)
    actions = draw.integers(0, 2, draw.size)
    _expect_step(_placed(answer, states, ages), states, ages, actions)


@CartPoles.property("stays beside Gymnasium's over many steps, in float64", trials=2)
def _(answer, draw: Draw) -> None:
    carts = answer(2, draw.seed())
    carts.reset()
    carts.states = np.array([[0.0, 0.1, 0.01, -0.2], [0.1, -0.1, -0.02, 0.1]])
    expect(carts.states, "the states").has_dtype("float64")
    states = np.array(carts.states)
    for age in range(12):
        actions = (states[:, 2] + 0.3 * states[:, 3] > 0).astype(int)
        wanted = [_gymnasium(s, age, a) for s, a in zip(states, actions, strict=True)]
        observations, _, fell, stopped, _ = carts.step(actions)
        if np.any(fell) or np.any(stopped):  # what follows begins at a drawn place
            expect(age + 1, "how many steps until a cart of these ends").equals(13)
            return
        expect(observations, f"the observations of step {age}").close_to(
            np.array([one[0] for one in wanted]), 1e-5, 1e-6
        )
        exact = [_exactly(s, a) for s, a in zip(states, actions, strict=True)]
        expect(carts.states, f"the states of step {age}, in float64").close_to(exact, 1e-9, 1e-12)
        states = np.array(carts.states, dtype=np.float64)
    expect(carts.states, "the states after many steps").has_dtype("float64")


@CartPoles.property("falls past 12° and 2.4 on either side, and not before", trials=2)
def _(answer, draw: Draw) -> None:
    near = []
    for sign in (1.0, -1.0):
        near += [[sign * 2.39, sign * 1.0, 0, 0], [sign * 2.39, sign * 0.4, 0, 0]]
        near += [[0, 0, sign * 0.999 * LIMIT, sign * speed] for speed in (20.0, 0.3)]
        near += [[0, 0, sign * (LIMIT - 0.00197), sign * 0.1]]  # beyond by a thousandth of it
        near += [[0, 0, sign * 0.999 * LIMIT, sign * 1.0], [0, 0, sign * 0.99 * LIMIT, sign * 0.01]]
    states = np.array(near)
    actions = draw.integers(0, 2, len(states))
    ages = np.zeros(len(states), dtype=int)
    _expect_step(_placed(answer, states, ages), states, ages, actions)


@CartPoles.property("is truncated by the 500th step, and no sooner; it may also fall there")
def _(answer, draw: Draw) -> None:
    states = np.zeros((4, 4))
    states[3, 2:] = 0.999 * LIMIT, 2.0
    ages, actions = np.array([498, 499, 0, 499]), draw.integers(0, 2, 4)
    carts = _placed(answer, states, ages)
    _expect_step(carts, states, ages, actions)
    carts.step(actions)
    expect(carts.ages, "the ages one step later").equals([0, 1, 2, 1])


@CartPoles.property("counts the steps of each cart by itself", trials=1)
def _(answer, draw: Draw) -> None:
    carts = _placed(answer, [[0, 0, 0.999 * LIMIT, 2.0], [0, 0, 0, 0]], [5, 7])
    for ages in ([0, 8], [1, 9]):
        carts.step(np.array([1, 0]))
        expect(carts.ages, "the ages").equals(ages)


@CartPoles.property(
    "starts uniformly from −0.05 to 0.05, each cart and number for itself", trials=1
)
def _(answer, draw: Draw) -> None:
    n = 1600
    carts = answer(n, draw.seed())
    first = carts.reset()
    expect(first[:0], "the first observations").has_dtype("float32")
    expect(np.shape(first), "the shape of the first observations").equals((n, 4))
    if np.shape(first) != (n, 4):
        return
    carts.states = np.full((n, 4), 9.0)
    carts.ages = np.full(n, 3)
    later = carts.step(np.zeros(n, dtype=int))[0]
    expect(np.shape(later), "the shape of the new observations").equals((n, 4))
    if np.shape(later) != (n, 4):
        return
    for starts, name in ((first, "the first starts"), (later, "the starts after a fall")):
        _expect_uniform(np.asarray(starts, dtype=float), name)
    differ = bool(np.abs(first - later).max() > 0.01)
    expect(differ, "whether the starts after a fall are others than the first").equals(True)


def _expect_uniform(starts: np.ndarray, name: str) -> None:
    """Drawn uniformly within ±0.05. What is observed is rounded until chance does not show."""
    expect(bool(_near_rest(starts).all()), f"whether {name} lie within ±0.05").equals(True)
    still = bool((starts == 0).all())
    expect(still, f"whether {name} are all zeros").equals(False)
    differ = bool((np.ptp(starts, axis=0) > 0).all())
    expect(differ, f"whether {name} differ from cart to cart").equals(True)
    if not differ:
        return
    means, spreads = np.mean(starts, axis=0), np.std(starts, axis=0)
    expect(0.02 * np.round(means / 0.02) + 0.0, f"the mean of {name}, to 0.02").close_to(
        np.zeros(4), atol=1e-6
    )
    expect(0.01 * np.round(spreads / 0.01), f"the spread of {name}, to 0.01").close_to([0.03] * 4)
    alike = bool(np.abs(np.corrcoef(starts.T) - np.eye(4)).max() > 0.3)
    expect(alike, f"whether the four numbers of a cart go together in {name}").equals(False)


@CartPoles.property("starts alike for equal seeds, and otherwise for others", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    a, b, c = answer(3, seed), answer(3, seed), answer(3, seed + 1)
    first = np.array(a.reset())
    for again, name, wanted in (
        (b, "whether the same seed gives the same starts", True),
        (c, "whether another seed gives the same starts", False),
        (a, "whether the next starts are the same", False),
    ):
        alike = bool(np.abs(again.reset() - first).max() <= 1e-4)
        expect(alike, name).equals(wanted)


@CartPoles.property("begins with age 0 after a reset")
def _(answer, draw: Draw) -> None:
    carts = answer(3, draw.seed())
    carts.reset()
    carts.ages = np.array([4, 499, 7])
    carts.reset()
    expect(carts.ages, "the ages").equals(np.zeros(3, dtype=int))


@CartPoles.property("does not change what it handed back earlier")
def _(answer, draw: Draw) -> None:
    carts = _placed(answer, _somewhere(draw, 3) / 2)  # nobody falls within two steps
    given = carts.step(np.array([0, 1, 1]))
    kept = [np.array(part) for part in given]
    carts.step(np.array([1, 1, 0]))
    for name, part, before in zip(NAMES, given, kept, strict=True):
        expect(part, f"{name} of the step before").equals(before)


@CartPoles.right
class RightCartPoles:
    def __init__(self, n, seed):
        self.rng = np.random.default_rng(seed)
        self.states = np.zeros((n, 4))
        self.ages = np.zeros(n, dtype=int)

    def reset(self):
        self.states = self.rng.uniform(-0.05, 0.05, size=self.states.shape)
        self.ages = 0 * self.ages
        return self.states.astype(np.float32)

    def step(self, actions):
        x, v, angle, spin = self.states.T
        force = np.where(actions == 1, 10.0, -10.0)
        sine, cosine = np.sin(angle), np.cos(angle)
        push = (force + 0.05 * spin**2 * sine) / 1.1
        turn = (9.8 * sine - push * cosine) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
        gain = push - 0.05 * turn * cosine / 1.1
        final = self.states + 0.02 * np.stack([v, gain, spin, turn], axis=1)
        terminated = (np.abs(final[:, 0]) > 2.4) | (np.abs(final[:, 2]) > LIMIT)
        self.ages = self.ages + 1
        truncated = self.ages >= 500
        ended = terminated | truncated
        starts = self.rng.uniform(-0.05, 0.05, size=final.shape)
        self.states = np.where(ended[:, None], starts, final)
        self.ages = np.where(ended, 0, self.ages)
        rewards = np.ones(len(final))
        seen, led = self.states.astype(np.float32), final.astype(np.float32)
        return seen, rewards, terminated, truncated, led


_EULER = "self.states + 0.02 * np.stack([v, gain, spin, turn], axis=1)"
_OUT = "return seen, rewards, terminated, truncated, led"

CartPoles.slip(
    "new_speed_first",
    "You moved the position by the *new* speed (semi-implicit Euler). Gymnasium's CartPole takes "
    "the old one: all four move at once.",
    {_EULER: "self.states + 0.02 * np.stack([v + 0.02 * gain, gain, spin + 0.02 * turn, turn], "
     "axis=1)"},
)  # fmt: skip
CartPoles.slip(
    "final_is_the_start",
    "`final` holds the new start where an episode ended. It is for what the step led to *before*: "
    "without it a truncation cannot be bootstrapped.",
    {"led = self.states.astype(np.float32), final.astype(np.float32)":
     "led = self.states.astype(np.float32), self.states.astype(np.float32)"},
)  # fmt: skip
CartPoles.slip(
    "observation_is_the_end",
    "Where an episode ended you return its last observation. The policy acts next in the new "
    "episode: return its first one, and the old one in `final`.",
    {"seen, led = self.states.astype(np.float32), final": "seen, led = final.astype(np.float32), "
     "final"},
)  # fmt: skip
CartPoles.slip(
    "no_new_start",
    "A cart that has fallen stays where it is. It begins anew within the same step.",
    {"np.where(ended[:, None], starts, final)": "final"},
)
CartPoles.slip(
    "new_start_after_falls_only",
    "A cart whose clock was stopped goes on from where it was. A truncation ends the episode too.",
    {"self.states = np.where(ended": "self.states = np.where(terminated"},
)
CartPoles.slip(
    "truncated_one_late",
    "You stop the clock after 501 steps. The 500th truncates.",
    {"self.ages >= 500": "self.ages > 500"},
)
CartPoles.slip(
    "truncated_one_early",
    "You stop the clock after 499 steps. The 500th truncates.",
    {"self.ages >= 500": "self.ages >= 499"},
)
CartPoles.slip(
    "never_truncated",
    "Your episodes have no time limit: the 500th step truncates.",
    {"self.ages >= 500": "self.ages < 0"},
)
CartPoles.slip(
    "truncation_as_termination",
    "You report the clock's end as a termination. They are told apart, since after a truncation "
    "the game would have gone on.",
    {_OUT: "return seen, rewards, ended, truncated, led"},
)
CartPoles.slip(
    "age_kept",
    "The age goes on after an episode has ended. The next episode counts from 0.",
    {"np.where(ended, 0, self.ages)": "self.ages"},
)
CartPoles.slip(
    "all_begin_anew",
    "As soon as one cart ends, all begin anew. Each has episodes of its own.",
    {"np.where(ended[:, None], starts, final)": "starts if ended.any() else final",
     "np.where(ended, 0, self.ages)": "np.where(ended.any(), 0, self.ages)"},
)  # fmt: skip
CartPoles.slip(
    "last_reward_missing",
    "The step in which the pole falls pays 0 with you. It pays 1, like every other.",
    {"rewards = np.ones(len(final))": "rewards = 1.0 - terminated"},
)
CartPoles.slip(
    "degrees_for_radians",
    "You compared the angle, in radians, with 12. The limit is 12° = 0.209.",
    {"> LIMIT": "> 12"},
)
CartPoles.slip(
    "twice_the_angle",
    "Your pole falls at 24°. That is the bound of Gymnasium's observation space; the episode ends "
    "at 12°.",
    {"> LIMIT": "> 2 * LIMIT"},
)
CartPoles.slip(
    "twice_the_rail",
    "Your rail ends at 4.8. That is the bound of Gymnasium's observation space; the episode ends "
    "at 2.4.",
    {"> 2.4": "> 4.8"},
)
CartPoles.slip(
    "one_side",
    "Your cart may leave the rail, or the pole fall, to the left. Take the size of both.",
    {"np.abs(final[:, 0]) > 2.4": "final[:, 0] > 2.4", "np.abs(final[:, 2]) >": "final[:, 2] >"},
)
CartPoles.slip(
    "judged_before_moving",
    "You asked whether the pole had fallen before this step. It is asked of what the step led to.",
    {"np.abs(final[:, 0]) > 2.4": "np.abs(x) > 2.4", "np.abs(final[:, 2]) >": "np.abs(angle) >"},
)
CartPoles.slip(
    "pushed_the_other_way",
    "Action 1 pushes to the right, +10.",
    {"np.where(actions == 1, 10.0, -10.0)": "np.where(actions == 1, -10.0, 10.0)"},
)
CartPoles.slip(
    "coasting",
    "Action 0 does not push in your world. It pushes to the left, −10.",
    {"np.where(actions == 1, 10.0, -10.0)": "np.where(actions == 1, 10.0, 0.0)"},
)
CartPoles.slip(
    "whole_length",
    "You took the whole length of the pole for the half. The formula has 0.5.",
    {"(0.5 * (4 / 3": "(1.0 * (4 / 3"},
)
CartPoles.slip(
    "spin_not_squared",
    "The angular speed enters the push squared.",
    {"0.05 * spin**2 * sine": "0.05 * spin * sine"},
)
CartPoles.slip(
    "cosine_not_squared",
    "The cosine in the denominator is squared.",
    {"0.1 * cosine**2": "0.1 * cosine"},
)
CartPoles.slip(
    "equal_starts",
    "All carts start in the same place. Draw four numbers for each.",
    {"starts = self.rng.uniform(-0.05, 0.05, size=final.shape)":
     "starts = np.tile(self.rng.uniform(-0.05, 0.05, size=(1, 4)), (len(final), 1))",
     "self.states = self.rng.uniform(-0.05, 0.05, size=self.states.shape)":
     "self.states = np.tile(self.rng.uniform(-0.05, 0.05, size=(1, 4)), (len(self.ages), 1))"},
)  # fmt: skip
CartPoles.slip(
    "starts_at_rest",
    "Your carts begin upright and at rest, all zeros. Each number is drawn.",
    {"starts = self.rng.uniform(-0.05, 0.05, size=final.shape)": "starts = 0 * final",
     "self.states = self.rng.uniform(-0.05, 0.05, size=self.states.shape)":
     "self.states = 0 * self.states"},
)  # fmt: skip
CartPoles.slip(
    "same_start_every_time",
    "Every episode begins at the same place: you seed the generator anew each time. Seed it once.",
    {"self.states = self.rng.uniform(-0.05": "self.rng = np.random.default_rng(7)\n"
     "        self.states = self.rng.uniform(-0.05"},
)  # fmt: skip
CartPoles.slip(
    "positive_starts",
    "Your starts are between 0 and 0.05. They go from −0.05 to 0.05.",
    {"starts = self.rng.uniform(-0.05, 0.05": "starts = self.rng.uniform(0, 0.05",
     "self.states = self.rng.uniform(-0.05, 0.05": "self.states = self.rng.uniform(0, 0.05"},
)  # fmt: skip
CartPoles.slip(
    "states_in_float32",
    "You keep the states in float32, or take the step in it, so rounding adds up. States are "
    "float64; only what is handed back is rounded.",
    {"np.where(ended[:, None], starts, final)": "np.where(ended[:, None], starts, final)."
     "astype(np.float32)",
     "self.states = self.rng.uniform(-0.05, 0.05, size=self.states.shape)":
     "self.states = self.rng.uniform(-0.05, 0.05, size=self.states.shape).astype(np.float32)"},
)  # fmt: skip
CartPoles.slip(
    "observations_in_float64",
    "You hand back float64. Networks take float32.",
    {"seen, led = self.states.astype(np.float32), final.astype(np.float32)": "seen, led = "
     "self.states.copy(), final.copy()"},
)  # fmt: skip
CartPoles.slip(
    "ends_in_one",
    "You exchanged terminated and truncated in what a step returns.",
    {_OUT: "return seen, rewards, truncated, terminated, led"},
)
CartPoles.slip(
    "fallen_is_not_truncated",
    "A 500th step that also terminates is reported as not truncated. The page asks for both.",
    {_OUT: "return seen, rewards, terminated, truncated & ~terminated, led"},
)
CartPoles.slip(
    "reset_keeps_ages",
    "After `reset` the old ages go on. Every episode begins at age 0.",
    {"self.ages = 0 * self.ages": "pass"},
)

CartPoles.slip(
    "clock_ends_nothing",
    "You report the clock's end, and the cart goes on from where it was, with its age. A "
    "truncation ends the episode too: begin anew.",
    {
        "self.states = np.where(ended": "self.states = np.where(terminated",
        "np.where(ended, 0, self.ages)": "np.where(terminated, 0, self.ages)",
    },
)
CartPoles.slip(
    "equal_first_starts",
    "After `reset` all carts stand in the same place. Draw four numbers for each.",
    {
        "self.states = self.rng.uniform(-0.05, 0.05, size=self.states.shape)": (
            "self.states = np.tile(self.rng.uniform(-0.05, 0.05, size=(1, 4)), (len(self.ages), 1))"
        )
    },
)
CartPoles.slip(
    "equal_new_starts",
    "All carts that begin anew in the same step stand in the same place. Draw four numbers "
    "for each.",
    {
        "starts = self.rng.uniform(-0.05, 0.05, size=final.shape)": (
            "starts = np.tile(self.rng.uniform(-0.05, 0.05, size=(1, 4)), (len(final), 1))"
        )
    },
)
CartPoles.slip(
    "new_starts_at_rest",
    "A cart that begins anew stands upright and at rest, all zeros. Each number is drawn, "
    "as in `reset`.",
    {"starts = self.rng.uniform(-0.05, 0.05, size=final.shape)": "starts = 0 * final"},
)
CartPoles.slip(
    "new_starts_positive",
    "A cart that begins anew gets numbers between 0 and 0.05. They go from −0.05 to 0.05, "
    "as in `reset`.",
    {"starts = self.rng.uniform(-0.05, 0.05": "starts = self.rng.uniform(0, 0.05"},
)
CartPoles.slip(
    "both_limits_needed",
    "You ask for a cart that has left the rail *and* whose pole has fallen. Either ends the "
    "episode.",
    {"> 2.4) | (": "> 2.4) & ("},
)
CartPoles.slip(
    "gain_added",
    "You added the last term of the acceleration ẍ. It is taken off.",
    {"gain = push - 0.05": "gain = push + 0.05"},
)
CartPoles.slip(
    "numbers_in_another_order",
    "Your four numbers stand in another order. It is: position, its speed, angle, its speed.",
    {
        "np.stack([v, gain, spin, turn], axis=1)": (
            "np.stack([v, gain, spin, turn], axis=1)\n        final = final[:, [0, 2, 1, 3]]"
        )
    },
)

CartPoles.slip(
    "rounded_limit",
    "Your limit of the angle is rounded. 12° is 12π/180 = 0.20944.",
    {"> LIMIT": "> 0.2095"},
)

CartPoles.hint("`self.states.T` gives the four columns. Work with arrays (n,), no loop.")
CartPoles.hint("Keep three things apart: where the step led (`final`), who ended, who begins anew.")
CartPoles.hint("A cart of age 499 takes its 500th step now.", when="truncated_one_late")
CartPoles.hint(
    "Let one cart at 0.05 everywhere take one step by hand: x becomes 0.051.",
    when="moves every cart as Gymnasium's CartPole does",
)

CartPoles.equivalent(
    "`self.states = np.zeros((n, 4))` → `self.states = np.ones((n, 4))`",
    because="reset() writes it anew before anything reads it",
)

CartPoles.equivalent(
    "`self.ages = np.zeros(n, dtype=int)` → `self.ages = np.zeros(n)`",
    because="reset() writes it anew before anything reads it",
)

CartPoles.equivalent(
    "`self.ages = np.zeros(n, dtype=int)` → `self.ages = np.ones(n, dtype=int)`",
    because="reset() writes it anew before anything reads it",
)

CartPoles.equivalent(
    "`self.ages = np.zeros(n, dtype=int)` deleted",
    because="reset() writes it anew before anything reads it",
)

CartPoles.equivalent(
    "`self.ages = np.zeros(len(self.states), dtype=int)` → `self.ages = "
    "np.zeros(len(self.states))`",
    because="ages are compared with a number, and whole floats are equal to it",
)

CartPoles.equivalent(
    "`terminated = (abs(final[:, 0]) > 2.4) | (abs(final[:, 2]) > math.radians(12))` "
    "→ `terminated = (abs(final[:, 0]) >= 2.4) | (abs(final[:, 2]) > "
    "math.radians(12))`",
    because="a cart does not lie exactly on a limit",
)

CartPoles.equivalent(
    "`terminated = (abs(final[:, 0]) > 2.4) | (abs(final[:, 2]) > math.radians(12))` "
    "→ `terminated = (abs(final[:, 0]) > 2.4) | (abs(final[:, 2]) >= "
    "math.radians(12))`",
    because="a cart does not lie exactly on a limit",
)
