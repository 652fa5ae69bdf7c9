"""How `clipped_gradient` is judged: by central differences of the objective."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

clipped_gradient = Exercise("clipped_gradient", minutes=20, difficulty=2, returns=np.ndarray)


def _objective(log_ratio: float, advantage: float, epsilon: float) -> float:
    """One row's clipped objective, in single numbers."""
    ratio = math.exp(log_ratio)
    limited = max(1 - epsilon, min(1 + epsilon, ratio))
    return min(ratio * advantage, limited * advantage)


def _slopes(ratios, advantages, epsilon: float) -> list[float]:
    """Central differences with respect to each log-probability."""
    h, n, found = 1e-6, len(ratios), []
    for ratio, advantage in zip(ratios, advantages, strict=True):
        at = math.log(ratio)
        up, down = (_objective(at + step, advantage, epsilon) for step in (h, -h))
        found.append((up - down) / (2 * h) / n)
    return found


def _judge(answer, ratios, advantages, epsilon: float) -> None:
    found = answer(np.array(ratios), np.array(advantages), epsilon)
    wanted = _slopes(ratios, advantages, epsilon)
    expect(found, "the gradient").has_shape(len(ratios)).close_to(wanted, 1e-4, 1e-6)


@clipped_gradient.property("flows for a good action that is not yet too likely", trials=3)
def _(answer, draw: Draw) -> None:
    ratios = [0.31 + 0.01 * draw.integers(0, 30), 0.9, 1.19]
    _judge(answer, ratios, draw.uniform(0.5, 3.0, 3), 0.2)


@clipped_gradient.property("is 0 for a good action that is too likely already", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, [1.21, 2.0 + draw.size, 1.31], draw.uniform(0.5, 3.0, 3), 0.2)


@clipped_gradient.property("is 0 for a bad action that is rare enough", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, [0.1, 0.79, 0.51], -draw.uniform(0.5, 3.0, 3), 0.2)


@clipped_gradient.property("flows for a bad action that has become likelier", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, [1.5 + draw.size, 0.81, 1.22], -draw.uniform(0.5, 3.0, 3), 0.2)


@clipped_gradient.property("takes all cases in one batch, and any ε", trials=6)
def _(answer, draw: Draw) -> None:
    n, epsilon = draw.size + 3, draw.choice([0.1, 0.3, 0.5])
    ratios = np.exp(draw.normal(n, scale=0.6)) + 0.003
    _judge(answer, ratios, draw.normal(n, scale=2.0), epsilon)


@clipped_gradient.property("of a single row, and of an advantage of 0", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, [1.1], [draw.uniform(1.0, 2.0)], 0.2)
    _judge(answer, [0.5, 1.5, 1.0], [0.0, 0.0, 2.0], 0.2)


@clipped_gradient.right
def right_clipped_gradient(ratios, advantages, epsilon):
    below, above = ratios < 1 + epsilon, ratios > 1 - epsilon
    flows = np.where(advantages > 0, below, above)
    slopes = ratios * advantages
    return np.where(flows, slopes, 0.0) / len(ratios)


_FLOWS = "np.where(advantages > 0, below, above)"
clipped_gradient.slip(
    "nothing_outside",
    "You let no gradient flow outside of the band, on either side. A bad action that has become "
    "likelier must be pulled back, and a good one that has become rarer too.",
    {_FLOWS: "below & above"},
)
clipped_gradient.slip(
    "never_clipped",
    "Your gradient always flows: nothing is clipped.",
    {_FLOWS: "ratios > 0"},
)
clipped_gradient.slip(
    "sides_exchanged",
    "You stop the gradient on the wrong side: a good action is held at 1 + ε, a bad one at 1 − ε.",
    {_FLOWS: "np.where(advantages > 0, above, below)"},
)
clipped_gradient.slip(
    "upper_only",
    "You look at the upper limit alone, whatever the sign of the advantage.",
    {_FLOWS: "below"},
)
clipped_gradient.slip(
    "lower_only",
    "You look at the lower limit alone, whatever the sign of the advantage.",
    {_FLOWS: "above"},
)
clipped_gradient.slip(
    "ratio_forgotten",
    "You forgot the ratio: the derivative of ρA by log π is ρA, since ∂ρ/∂log π = ρ.",
    {"slopes = ratios * advantages": "slopes = 1.0 * advantages"},
)
clipped_gradient.slip(
    "ratio_limited",
    "You used the limited ratio in the gradient. Where it flows it is that of ρA itself.",
    {"slopes = ratios * advantages": "slopes = ratios.clip(1 - epsilon, 1 + epsilon) * advantages"},
)
clipped_gradient.slip(
    "summed",
    "You forgot the mean: each row has 1/n of the say.",
    {" / len(ratios)": ""},
)
clipped_gradient.slip(
    "mean_of_the_flowing",
    "You divided by the number of rows whose gradient flows. The mean is over all rows.",
    {" / len(ratios)": " / max(flows.sum(), 1)"},
)
clipped_gradient.slip(
    "of_the_loss",
    "The sign is that of a loss. Asked for is the objective, which is to be made large.",
    {"np.where(flows, slopes, 0.0)": "-np.where(flows, slopes, 0.0)"},
)
clipped_gradient.slip(
    "divided_by_the_ratio",
    "You divided by the ratio. ∂ρ/∂log π is ρ itself.",
    {"slopes = ratios * advantages": "slopes = advantages / ratios"},
)
clipped_gradient.slip(
    "clipped_rows_keep_their_advantage",
    "Where the objective is cut you return the limit times the advantage. There it is flat, so the "
    "gradient is 0.",
    {"np.where(flows, slopes, 0.0)": "np.where(flows, slopes, ratios.clip(1 - epsilon, 1 + "
     "epsilon) * advantages)"},
)  # fmt: skip
clipped_gradient.slip(
    "band_in_logarithms",
    "You compared the logarithm of the ratio with ±ε. The band is 1 ± ε for the ratio itself.",
    {"below, above = ratios < 1 + epsilon, ratios > 1 - epsilon": "below, above = np.log(ratios) "
     "< epsilon, np.log(ratios) > -epsilon"},
)  # fmt: skip
clipped_gradient.slip(
    "good_actions_only",
    "You clip good actions alone. A bad one that is rare enough is let go as well.",
    {_FLOWS: "np.where(advantages > 0, below, True)"},
)
clipped_gradient.slip(
    "fixed_epsilon",
    "You use 0.2 whatever ε is.",
    {"ratios < 1 + epsilon, ratios > 1 - epsilon": "ratios < 1.2, ratios > 0.8"},
)

clipped_gradient.slip(
    "bad_actions_cut_on_both_sides",
    "You stop a bad action on both sides of the band. One that has become *likelier* must "
    "be pulled back: for A < 0 the smaller term there is ρA, which is not flat.",
    {_FLOWS: "np.where(advantages > 0, below, below & above)"},
)
clipped_gradient.slip(
    "good_actions_cut_on_both_sides",
    "You stop a good action on both sides of the band. One that has become *rarer* must be "
    "pulled back: for A > 0 the smaller term there is ρA, which is not flat.",
    {_FLOWS: "np.where(advantages > 0, below & above, above)"},
)
clipped_gradient.slip(
    "bad_actions_only",
    "You clip bad actions alone. A good one that is likely enough is let go as well.",
    {_FLOWS: "np.where(advantages > 0, True, above)"},
)
clipped_gradient.slip(
    "logarithm_for_the_ratio",
    "You multiplied by the logarithm of the ratio. The derivative of ρ by log π is ρ itself.",
    {"slopes = ratios * advantages": "slopes = np.log(ratios) * advantages"},
)
clipped_gradient.slip(
    "one_over_one_plus",
    "Your lower limit is 1/(1 + ε). It is 1 − ε.",
    {"ratios > 1 - epsilon": "ratios > 1 / (1 + epsilon)"},
)

clipped_gradient.slip(
    "mean_of_those_not_zero",
    "You divided by the number of gradients that are not 0. The mean is over all rows.",
    {" / len(ratios)": " / max((flows & (slopes != 0)).sum(), 1)"},
)

clipped_gradient.hint("For A > 0 draw both terms over ρ. Which is lower, left and right of 1 + ε?")
clipped_gradient.hint("Now for A < 0: multiplying by a negative number turns the order round.")
clipped_gradient.hint("Ratio 1.5, advantage −1: the terms are −1.5 and −1.2. Which does min take?",
                      when="flows for a bad action that has become likelier")  # fmt: skip
clipped_gradient.equivalent(
    "`flows = np.where(advantages > 0, ratios < 1 + epsilon, ratios > 1 - epsilon)` → "
    "`flows = np.where(advantages >= 0, ratios < 1 + epsilon, ratios > 1 - epsilon)`",
    because="at an advantage of 0 the gradient is 0 either way",
)

clipped_gradient.equivalent(
    "`flows = np.where(advantages > 0, ratios < 1 + epsilon, ratios > 1 - epsilon)` "
    "→ `flows = np.where(advantages > 0, ratios <= 1 + epsilon, ratios > 1 - "
    "epsilon)`",
    because="a ratio does not lie exactly on a limit",
)

clipped_gradient.equivalent(
    "`flows = np.where(advantages > 0, ratios < 1 + epsilon, ratios > 1 - epsilon)` "
    "→ `flows = np.where(advantages > 0, ratios < 1 + epsilon, ratios >= 1 - "
    "epsilon)`",
    because="a ratio does not lie exactly on a limit",
)
