"""How `diagnose_agent` is judged: by what it says of agents with planted faults, and how soon."""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise, expect

diagnose_agent = Exercise("diagnose_agent", minutes=25, difficulty=3, returns=str)

CHOICES = (
    "bootstraps past the end", "value does not learn", "value does not see the observation",
    "discount forgotten", "next value ignored", "sign of the advantage", "policy does not learn",
    "policy does not see the observation", "sound",
)  # fmt: skip

FAILS = dict(zip(CHOICES, (1, 1, 2, 3, 3, 4, 4, 5, 6), strict=True))
"""The first probe that each fault shows in; 6 for none."""


class Agent:
    """Has a fault, or several: trained on a probe it gives values and chances, a little off."""

    def __init__(self, draw: Draw, gamma: float, *faults: str) -> None:
        self.gamma, self.faults = gamma, faults
        self.draw = draw
        self.calls: list[int] = []
        self.sign = draw.choice([1.0, -1.0])
        self.flat = draw.uniform(0.15, 0.85)
        self.unlearned = draw.uniform(-0.5, 0.5)

    def _off(self, values: Any) -> np.ndarray:
        """Near these, as after a training that went well: within 0.07."""
        return np.asarray(values, dtype=float) + self.draw.rng.uniform(-0.07, 0.07, len(values))

    def _values(self, probe: int) -> Any:
        g, has = self.gamma, self.faults.__contains__
        right = {1: [1.0], 2: [-1.0, 1.0], 3: [g, 1.0], 4: [0.7], 5: [0.6, 0.6]}[probe]
        if has("value does not learn"):
            return self.unlearned + 0 * np.array(right)
        if has("bootstraps past the end"):
            return np.array(right) / (1 - g)
        if has("value does not see the observation"):
            return np.full(len(right), np.mean(right))
        if probe == 3 and has("discount forgotten"):
            return [1.0, 1.0]
        if probe == 3 and has("next value ignored"):
            return [0.0, 1.0]
        return right

    def _chances(self, probe: int) -> Any:
        has, count = self.faults.__contains__, (1, 2, 2, 1, 2)[probe - 1]
        if probe < 4:
            return self.draw.rng.uniform(0.05, 0.95, count)
        good = self.draw.rng.uniform(0.92, 0.99, count)
        if has("sign of the advantage"):
            good = 1 - good
        if has("policy does not learn"):
            good = np.full(count, self.flat)
        if probe == 5 and has("policy does not see the observation"):
            return np.full(2, self.draw.choice([0.5, 0.02, 0.98]))
        return good if probe == 4 else np.array([1 - good[0], good[1]])

    def __call__(self, probe: int) -> tuple[np.ndarray, np.ndarray]:
        if probe not in (1, 2, 3, 4, 5):
            raise ValueError(f"there is no probe {probe}")
        self.calls.append(probe)
        return self._off(self._values(probe)), np.asarray(self._chances(probe))

    def __repr__(self) -> str:
        return "an agent whose fault is not told"


def _judge(answer, draw: Draw, *faults: str) -> None:
    gamma = draw.choice([draw.uniform(0.35, 0.44), draw.uniform(0.56, 0.65)])
    agent = Agent(draw, gamma, *faults)
    first = min(faults, key=FAILS.__getitem__)
    concludes(answer, agent, gamma, right=first, choices=CHOICES)
    expect(len(agent.calls), "how many probes were run").equals(min(FAILS[first], 5))
    expect(len(set(agent.calls)), "how many different ones").equals(len(agent.calls))


for _fault in CHOICES:

    @diagnose_agent.property(f'names "{_fault}", with no probe too many', trials=3)
    def _(answer, draw: Draw, fault: str = _fault) -> None:
        _judge(answer, draw, fault)


@diagnose_agent.property(
    "names the fault of the first probe that fails, if there are two", trials=4
)
def _(answer, draw: Draw) -> None:
    value = draw.choice(["value does not see the observation", "discount forgotten"])
    _judge(answer, draw, value, draw.choice(["policy does not learn", "sign of the advantage"]))
    _judge(answer, draw, "value does not learn", "policy does not learn")


class Fixed(Agent):
    """An agent whose answer to one probe is given."""

    def __init__(self, draw: Draw, gamma: float, probe: int, values: Any, chances: Any) -> None:
        super().__init__(draw, gamma, "sound")
        self.fixed = probe, np.array(values), np.array(chances)

    def __call__(self, probe: int) -> tuple[np.ndarray, np.ndarray]:
        given = super().__call__(probe)
        return self.fixed[1:] if probe == self.fixed[0] else given


def _limit(answer, draw: Draw, right: str, probe: int, values: Any, chances: Any) -> None:
    agent = Fixed(draw, 0.5, probe, values, chances)
    concludes(answer, agent, 0.5, right=right, choices=CHOICES)


@diagnose_agent.property("takes the page's limits: 0.1 for values, 0.9 for chances", trials=2)
def _(answer, draw: Draw) -> None:
    blind, policy = "value does not see the observation", "policy does not see the observation"
    ignored, past, unlearned = (
        "next value ignored", "bootstraps past the end", "value does not learn",
    )  # fmt: skip
    half, two = [0.5], [0.5, 0.5]
    for right, probe, values, chances in (
        ("sound", 1, [1.08], half),
        (unlearned, 1, [0.87], half), (unlearned, 1, [1.14], half), (unlearned, 1, [1.5], half),
        (unlearned, 1, [1.8], half), (unlearned, 1, [2.2], half),
        (past, 1, [1.92], half), (past, 1, [2.08], half),
        (blind, 2, [-0.85, 1.0], two), (blind, 2, [-1.0, 0.85], two), (blind, 2, [-1.2, 1.0], two),
        (ignored, 3, [0.8, 1.0], two), (ignored, 3, [0.5, 0.8], two),
        ("discount forgotten", 3, [0.94, 1.3], two),
        ("policy does not learn", 4, [0.7], [0.12]), ("policy does not learn", 4, [0.7], [0.88]),
        ("sound", 4, [0.2], [0.91]),
        (policy, 5, [0.6, 0.6], [0.12, 0.95]), (policy, 5, [0.6, 0.6], [0.05, 0.88]),
        (policy, 5, [0.6, 0.6], [0.95, 0.95]), (policy, 5, [0.6, 0.6], [0.95, 0.05]),
    ):  # fmt: skip
        _limit(answer, draw, right, probe, values, chances)


@diagnose_agent.right
def right_agent(agent, gamma):
    value = agent(1)[0][0]
    if abs(value - 1) > 0.1:
        past = abs(value - 1 / (1 - gamma)) <= 0.1
        return "bootstraps past the end" if past else "value does not learn"
    low, high = agent(2)[0]
    if abs(low + 1) > 0.1 or abs(high - 1) > 0.1:
        return "value does not see the observation"
    first, second = agent(3)[0]
    if abs(first - gamma) > 0.1 or abs(second - 1) > 0.1:
        return "discount forgotten" if abs(first - 1) <= 0.1 else "next value ignored"
    better = agent(4)[1][0]
    if better < 0.9:
        return "sign of the advantage" if better < 0.1 else "policy does not learn"
    minus, plus = agent(5)[1]
    if minus > 0.1 or plus < 0.9:
        return "policy does not see the observation"
    return "sound"


diagnose_agent.slip(
    "all_probes_run",
    "You ran probes after the first that failed. They tell nothing new, and each is a training.",
    {"    value = agent(1)[0][0]": "    for probe in (2, 3, 4, 5):\n        agent(probe)\n"
     "    value = agent(1)[0][0]"},
)  # fmt: skip
diagnose_agent.slip(
    "probe_run_twice",
    "You ran a probe more than once. Keep what it returned.",
    {"low, high = agent(2)[0]": "low, high = agent(2)[0][0], agent(2)[0][1]"},
)
diagnose_agent.slip(
    "past_the_end_missed",
    "A value of 1/(1 − γ) in probe 1 is a value that learns, and goes on beyond the end.",
    {"past = abs(value - 1 / (1 - gamma)) <= 0.1": "past = False"},
)
diagnose_agent.slip(
    "past_the_end_at_two",
    "You expect 2 where values count past the end. It is 1/(1 − γ), which is 2 for γ = 0.5 alone.",
    {"1 / (1 - gamma)": "2"},
)
diagnose_agent.slip(
    "any_value_above",
    "You call every value above 1 in probe 1 a bootstrap past the end. It has to be near "
    "1/(1 − γ).",
    {"abs(value - 1 / (1 - gamma)) <= 0.1": "value > 1"},
)
diagnose_agent.slip(
    "mean_of_both",
    "You averaged over the observations in probe 2. A value that does not see them has the right "
    "mean.",
    {"abs(low + 1) > 0.1 or abs(high - 1) > 0.1": "abs(low + high) > 0.2"},
)
diagnose_agent.slip(
    "one_observation_of_two",
    "You looked at one of the two observations in probe 2.",
    {"abs(low + 1) > 0.1 or abs(high - 1) > 0.1": "abs(high - 1) > 0.1"},
)
diagnose_agent.slip(
    "discount_of_one_half",
    "You expect ½ in probe 3. It is the γ that is handed over.",
    {"abs(first - gamma) > 0.1": "abs(first - 0.5) > 0.1"},
)
diagnose_agent.slip(
    "second_step_ignored",
    "In probe 3 you looked at the first observation alone. The second has to be worth 1.",
    {" or abs(second - 1) > 0.1": ""},
)
diagnose_agent.slip(
    "threes_exchanged",
    "You exchanged the two faults of probe 3. Near 1 the discount is missing; near 0 the next "
    "value is.",
    {"return \"discount forgotten\" if abs(first - 1) <= 0.1 else \"next value ignored\"":
     "return \"next value ignored\" if abs(first - 1) <= 0.1 else \"discount forgotten\""},
)  # fmt: skip
diagnose_agent.slip(
    "above_gamma_is_undiscounted",
    "You call every first value above γ a forgotten discount. It has to be near 1.",
    {"abs(first - 1) <= 0.1": "first > gamma"},
)
diagnose_agent.slip(
    "sign_missed",
    "A chance near 0 for the action that pays is no policy that does not learn. It learns, the "
    "wrong way round.",
    {"\"sign of the advantage\" if better < 0.1 else \"policy does not learn\"":
     "\"policy does not learn\""},
)  # fmt: skip
diagnose_agent.slip(
    "half_is_enough",
    "You are content with a chance above a half. The page asks for 0.9.",
    {"better < 0.9": "better < 0.5", "minus > 0.1 or plus < 0.9": "minus > 0.5 or plus < 0.5"},
)
diagnose_agent.slip(
    "one_observation_of_probe_5",
    "You looked at one of the observations in probe 5. A policy that does not see is right for one "
    "of them by luck.",
    {"minus > 0.1 or plus < 0.9": "plus < 0.9"},
)
diagnose_agent.slip(
    "action_1_always",
    "At −1 action 0 fits. You ask for action 1 at both observations of probe 5.",
    {"minus > 0.1 or": "minus < 0.9 or"},
)
diagnose_agent.slip(
    "below_a_half_is_the_sign",
    "You call every chance below a half in probe 4 a wrong sign. A policy that does not learn may "
    "stand anywhere: below 0.1.",
    {"better < 0.1": "better < 0.5"},
)
diagnose_agent.slip(
    "policy_first",
    "You looked at the policy before the value. A policy learns from advantages, and those from "
    "values: go down the table.",
    {"    value = agent(1)[0][0]": "    if agent(4)[1][0] < 0.9:\n        return 'policy does not "
     "learn'\n    value = agent(1)[0][0]"},
)  # fmt: skip
diagnose_agent.slip(
    "tolerance_of_a_fifth",
    "Your values may be off by 0.2. The page says 0.1.",
    {
        "abs(value - 1) > 0.1": "abs(value - 1) > 0.2",
        "abs(low + 1) > 0.1": "abs(low + 1) > 0.2",
        "abs(high - 1) > 0.1": "abs(high - 1) > 0.2",
        "abs(second - 1) > 0.1": "abs(second - 1) > 0.21",
    },  # fmt: skip
)

diagnose_agent.slip(
    "probe_2_turned_round",
    "In probe 2 you ask for 1 at the observation −1, and for −1 at 1. The reward is the "
    "observation itself: −1 first, then 1.",
    {"abs(low + 1) > 0.1 or abs(high - 1) > 0.1": "abs(low - 1) > 0.1 or abs(high + 1) > 0.1"},
)
diagnose_agent.slip(
    "both_needed_in_probe_2",
    "You ask for both values of probe 2 to be wrong. One that is wrong is enough.",
    {"abs(low + 1) > 0.1 or abs(high": "abs(low + 1) > 0.1 and abs(high"},
)
diagnose_agent.slip(
    "mean_chance_of_probe_5",
    "You averaged over the observations in probe 5. The better action's chance has to be "
    "0.9 at *each* of them.",
    {"minus > 0.1 or plus < 0.9": "(1 - minus + plus) / 2 < 0.9"},
)
diagnose_agent.slip(
    "below_one_counts_as_right",
    "You call every value below 1 in probe 1 right. It may be off by 0.1 either way.",
    {"if abs(value - 1) > 0.1:": "if value - 1 > 0.1:"},
)
diagnose_agent.slip(
    "tolerance_of_a_twentieth",
    "Your value may be off by 0.05 in probe 1. The page says 0.1.",
    {"if abs(value - 1) > 0.1:": "if abs(value - 1) > 0.05:"},
)
diagnose_agent.slip(
    "probe_2_left_out",
    "You did not run probe 2. A value that does not see its observation shows there first.",
    {("    low, high = agent(2)[0]\n    if abs(low + "
         "1) > 0.1 or abs(high - 1) > 0.1:\n        "
         'return "value does not see the observation"\n'): ""},
)  # fmt: skip
diagnose_agent.slip(
    "probe_4_by_the_values",
    "In probe 4 you looked at the value. What is asked there is the chance of action 1, the "
    "second thing that `agent` returns.",
    {"better = agent(4)[1][0]": "better = agent(4)[0][0]"},
)
diagnose_agent.slip(
    "one_plus_gamma",
    "You expect 1 + γ where values count past the end. They count for ever: 1 + γ + γ² + … "
    "is 1/(1 − γ).",
    {"1 / (1 - gamma)": "(1 + gamma)"},
)

diagnose_agent.slip(
    "all_run_before_looking",
    "You ran all five probes before you looked at one. Those after the first that fails "
    "tell nothing new, and each is a training.",
    {"    value = agent(1)[0][0]": ("    given = {probe: agent(probe) for probe in "
         "range(1, 6)}\n    agent = "
         "given.__getitem__\n    value = agent(1)[0][0]")},
)  # fmt: skip
diagnose_agent.slip(
    "failed_probe_4_run_again",
    "You ran probe 4 again to see how it failed. Each call is a training: keep what it returned.",
    {"if better < 0.1": "if agent(4)[1][0] < 0.1"},
)
diagnose_agent.slip(
    "failed_probe_1_run_again",
    "You ran probe 1 again to see how it failed. Each call is a training: keep what it returned.",
    {"past = abs(value - 1": "past = abs(agent(1)[0][0] - 1"},
)
diagnose_agent.slip(
    "failed_probe_3_run_again",
    "You ran probe 3 again to see how it failed. Each call is a training: keep what it returned.",
    {"if abs(first - 1) <= 0.1": "if abs(agent(3)[0][0] - 1) <= 0.1"},
)
diagnose_agent.slip(
    "half_is_enough_in_probe_4",
    "In probe 4 you are content with a chance above a half. The page asks for 0.9.",
    {"better < 0.9": "better < 0.5"},
)
diagnose_agent.slip(
    "half_for_gamma",
    "You took γ for ½, in probe 1 and in probe 3. It is the γ that is handed over.",
    {"1 / (1 - gamma)": "2", "abs(first - gamma)": "abs(first - 0.5)"},
)
diagnose_agent.slip(
    "name_not_in_the_table",
    "Where no probe fails you return a name that is not in the table. It is 'sound'.",
    {'return "sound"': 'return "healthy"'},
)

diagnose_agent.hint("One probe after another, and `return` at the first that fails.")
diagnose_agent.hint("γ = 0.4: what is probe 1 worth if the value after the end counts for ever?")
diagnose_agent.hint("Is a probe called in two places of your program?", when="probe_run_twice")

diagnose_agent.equivalent(
    "`value = agent(1)[0][0]` → `value = agent(1)[0][-1]`",
    because="that probe shows one observation",
)

diagnose_agent.equivalent(
    "`better = agent(4)[1][0]` → `better = agent(4)[1][-1]`",
    because="that probe shows one observation",
)

diagnose_agent.equivalent(
    "`if abs(value - 1) > 0.1:` → `if abs(value - 1) >= 0.1:`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`return 'bootstraps past the end' if abs(value - 1 / (1 - gamma)) <= 0.1 else "
    "'value does not learn'` → `return 'bootstraps past the end' if abs(value - 1 / "
    "(1 - gamma)) < 0.1 else 'value does not learn'`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`if np.abs(agent(2)[0] - [-1, 1]).max() > 0.1:` → `if np.abs(agent(2)[0] - [-1, "
    "1]).max() >= 0.1:`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`if np.abs(values - [gamma, 1]).max() > 0.1:` → `if np.abs(values - [gamma, "
    "1]).max() >= 0.1:`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`return 'discount forgotten' if abs(values[0] - 1) <= 0.1 else 'next value "
    "ignored'` → `return 'discount forgotten' if abs(values[0] - 1) < 0.1 else 'next "
    "value ignored'`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`if better < 0.9:` → `if better <= 0.9:`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`return 'sign of the advantage' if better < 0.1 else 'policy does not learn'` → "
    "`return 'sign of the advantage' if better <= 0.1 else 'policy does not learn'`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`return 'sound' if min(1 - low, high) >= 0.9 else 'policy does not see the "
    "observation'` → `return 'sound' if min(1 - low, high) > 0.9 else 'policy does "
    "not see the observation'`",
    because="measured numbers do not lie exactly on a limit",
)

diagnose_agent.equivalent(
    "`return 'sound' if min(1 - low, high) >= 0.9 else 'policy does not see the "
    "observation'` → `return 'sound' if min(high, 1 - low) >= 0.9 else 'policy does "
    "not see the observation'`",
    because="the smaller of two does not depend on their order",
)
