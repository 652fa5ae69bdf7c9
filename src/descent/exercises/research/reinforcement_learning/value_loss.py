"""How `value_loss` is judged: in single numbers, and by its gradient at every leaf."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise

from .shared import judge_loss

value_loss = Exercise(
    "value_loss",
    minutes=12,
    difficulty=2,
    changes=("values", "old_values", "returns"),  # handed over, to look at gradients
    returns=Tensor,
)


def _terms(values, old, returns, epsilon) -> tuple[float, list[float]]:
    """Half the mean of the larger squared errors, and its slope by each value."""
    total, slopes, n = 0.0, [], len(values)
    for value, before, target in zip(values, old, returns, strict=True):
        error, slope = value - target, value - target
        if epsilon is not None:
            near = min(max(value, before - epsilon), before + epsilon)
            if (near - target) ** 2 > error**2:
                error, slope = near - target, 0.0
        total += error**2 / (2 * n)
        slopes.append(slope / n)
    return total, slopes


def _judge(answer, values, old, returns, epsilon) -> None:
    arrays = {"the values": values, "the old values": old, "the returns": returns}
    judge_loss(answer, arrays, epsilon, _terms)


@value_loss.property("without clipping is half the mean squared error", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size
    _judge(answer, draw.normal(n), draw.normal(n), draw.normal(n) + 1.0, None)


@value_loss.property("with clipping counts the larger of both errors, row by row", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    old = draw.normal(n)
    values = old + draw.normal(n) + 0.003
    _judge(answer, values, old, old + 2 * draw.normal(n) + 0.004, draw.choice([0.2, 0.5]))


@value_loss.property("clips in each of the cases: up or down, towards the return or past it")
def _(answer, draw: Draw) -> None:
    old = np.zeros(6)
    values = np.array([1.0, 1.0, -1.0, -1.0, 0.1, 3.0])
    returns = np.array([2.0, -2.0, -2.0, 2.0, 1.0, 1.4]) * draw.uniform(1.0, 1.2)
    _judge(answer, values, old, returns, 0.2)


@value_loss.property("takes ε = 0 for a band of no width, not for no clipping", trials=3)
def _(answer, draw: Draw) -> None:
    old = draw.normal(4)
    values = old + draw.normal(4) + 0.003
    _judge(answer, values, old, values + 0.5 * (values - old) + 0.004, 0.0)


@value_loss.property("takes a single row, and one that is right")
def _(answer, draw: Draw) -> None:
    _judge(answer, [1.5], [1.0], [draw.uniform(2.0, 3.0)], 0.2)
    _judge(answer, [1.5], [1.4], [1.5], None)


@value_loss.right
def right_value_loss(values, old_values, returns, epsilon):
    targets, old = returns.detach(), old_values.detach()
    errors = (values - targets) ** 2
    if epsilon is not None:
        near = old + (values - old).clamp(-epsilon, epsilon)
        clipped = (near - targets) ** 2
        errors = torch.maximum(errors, clipped)
    return errors.mean() / 2


value_loss.slip("not_halved", "You forgot the half.", {"errors.mean() / 2": "errors.mean()"})
value_loss.slip(
    "summed",
    "You summed over the rows. Take the mean.",
    {"errors.mean() / 2": "errors.sum() / 2"},
)
value_loss.slip(
    "smaller_error",
    "You took the smaller of both errors. Clipping is pessimistic: the larger counts.",
    {"torch.maximum(errors, clipped)": "torch.minimum(errors, clipped)"},
)
value_loss.slip(
    "clipped_alone",
    "You took the clipped error alone. Where a value has moved too far away from its return, no "
    "gradient brings it back.",
    {"torch.maximum(errors, clipped)": "clipped"},
)
value_loss.slip(
    "larger_of_the_means",
    "You compared the two means. The larger error is chosen for each row.",
    {"torch.maximum(errors, clipped)": "torch.maximum(errors.mean(), clipped.mean())"},
)
value_loss.slip(
    "zero_is_none",
    "You do not clip where ε is 0. 0 is a band of no width; None is no clipping.",
    {"if epsilon is not None:": "if epsilon:"},
)
value_loss.slip(
    "always_clipped",
    "You clip by 0.2 where ε is None. None asks for no clipping.",
    {"if epsilon is not None:": "epsilon = 0.2 if epsilon is None else epsilon\n    if True:"},
)
value_loss.slip(
    "never_clipped",
    "You never clip, or you keep the value near the *return*, which comes to the same. It is "
    "kept near the old value.",
    {"if epsilon is not None:": "if False:"},
)
value_loss.slip(
    "clipped_as_a_ratio",
    "You limited the ratio of the values. They may be negative or 0: the band is old ± ε.",
    {"old + (values - old).clamp(-epsilon, epsilon)":
     "old * (values / old).clamp(1 - epsilon, 1 + epsilon)"},
)  # fmt: skip
value_loss.slip(
    "around_zero",
    "You limited the value itself to ±ε. It is the *change* from the old value that is limited.",
    {"old + (values - old).clamp(-epsilon, epsilon)": "values.clamp(-epsilon, epsilon)"},
)
value_loss.slip(
    "change_for_the_value",
    "You took the limited change for the value. It is added to the old value.",
    {"old + (values - old).clamp": "(values - old).clamp"},
)
value_loss.slip(
    "returns_attached",
    "A gradient flows into the returns. They are the target, and stay where they are.",
    {"returns.detach()": "returns"},
)
value_loss.slip(
    "old_attached",
    "A gradient flows into the old values. They are what was.",
    {"old_values.detach()": "old_values"},
)
value_loss.slip(
    "values_detached",
    "No gradient flows into the values.",
    {"errors = (values - targets) ** 2": "values = values.detach() + 0 * values\n    "
     "errors = (values - targets) ** 2"},
)  # fmt: skip
value_loss.slip(
    "absolute_error",
    "You took absolute errors. They are squared.",
    {"errors = (values - targets) ** 2": "errors = (values - targets).abs()",
     "clipped = (near - targets) ** 2": "clipped = (near - targets).abs()"},
)  # fmt: skip
value_loss.slip(
    "old_for_new",
    "You measured the error of the *old* values. They cannot be improved any more.",
    {"errors = (values - targets) ** 2": "errors = (old - targets) ** 2 + 0 * values"},
)

value_loss.slip(
    "values_cut_off",
    "You cut the values off from the graph, so the value function cannot learn.",
    {"errors = (values - targets)": "values = values.detach()\n    errors = (values - targets)"},
)
value_loss.slip(
    "band_as_a_share",
    "You took ε for a share of the old value. The band is old ± ε, whatever the size of the value.",
    {
        "old + (values - old).clamp(-epsilon, epsilon)": (
            "torch.maximum(torch.minimum(values, old * (1 + epsilon)), old * (1 - epsilon))"
        )
    },
)
value_loss.slip(
    "band_around_one",
    "You limited the values to 1 ± ε. That is the band of the *ratio*; a value is kept "
    "within old ± ε.",
    {"old + (values - old).clamp(-epsilon, epsilon)": "values.clamp(1 - epsilon, 1 + epsilon)"},
)
value_loss.slip(
    "halved_without_clipping_only",
    "You forgot the half where the errors are clipped.",
    {"return errors.mean() / 2": "return errors.mean() / (2 if epsilon is None else 1)"},
)
value_loss.slip(
    "change_taken_off",
    "You took the limited change off the old value. It is added to it.",
    {"old + (values": "old - (values"},
)

value_loss.hint("Without clipping it is one line. Then: where may the value go, at most?")
value_loss.hint("`torch.maximum` compares row by row; `.clamp(-ε, ε)` limits the change.")
value_loss.hint("ε = 0.0 is false in Python. Is that what you ask?", when="zero_is_none")

value_loss.equivalent(
    "`errors = torch.maximum(errors, (near - targets).square())` → `errors = "
    "torch.maximum((near - targets).square(), errors)`",
    because="the smaller or larger of two does not depend on their order",
)
