"""How `linear_probe` is judged: by the condition that holds at the lowest loss, and an oracle."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals, token_tensor
from descent.grading import Draw, Exercise, expect

linear_probe = Exercise("linear_probe", minutes=20, difficulty=2, returns=tuple[Tensor, Tensor])


def _by_hand(acts, labels, classes: int, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Append rows that stand for the penalty, and solve by least squares."""
    x = acts.double().numpy()
    n, d = x.shape
    goals = np.eye(classes)[labels.numpy()]
    rows = np.vstack(
        [
            np.hstack([x, np.ones((n, 1))]) / np.sqrt(n),
            np.hstack([np.sqrt(penalty) * np.eye(d), np.zeros((d, 1))]),
        ]
    )
    wanted = np.vstack([goals / np.sqrt(n), np.zeros((d, classes))])
    solved = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return solved[:-1], solved[-1]


def _expect_probe(answer, acts, labels, classes: int, penalty: float) -> None:
    weight, bias = answer(acts, labels, classes, penalty)
    wanted, wanted_bias = _by_hand(acts, labels, classes, penalty)
    expect(weight, "the weight").has_dtype("float32").close_to(wanted, rtol=1e-3, atol=1e-3)
    expect(bias, "the bias").close_to(wanted_bias, rtol=1e-3, atol=1e-3)


def _case(draw: Draw):
    d, classes = 2 + draw.size % 4, 2 + draw.size % 3
    n = 3 * d + draw.size
    return normals(draw, n, d) + 0.6, token_tensor(draw, classes, n), classes


@linear_probe.property("has the lowest penalised squared error", trials=7)
def _(answer, draw: Draw) -> None:
    acts, labels, classes = _case(draw)
    _expect_probe(answer, acts, labels, classes, draw.choice([0.02, 0.3, 2.0]))


@linear_probe.property("does not penalise the bias", trials=3)
def _(answer, draw: Draw) -> None:
    acts, labels, classes = _case(draw)
    labels[: len(labels) * 2 // 3] = 0
    _expect_probe(answer, acts + 5.0, labels, classes, 5.0)


@linear_probe.property("works where fewer rows than numbers are given", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_probe(answer, normals(draw, 3, 8), torch.tensor([0, 1, 1]), 2, 0.1)


@linear_probe.property("works for one row, and a class that never occurs", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_probe(answer, normals(draw, 1, 3) + 0.1, torch.tensor([1]), 3, 0.5)
    acts, labels, classes = _case(draw)
    _expect_probe(answer, acts, labels.clamp(max=classes - 2), classes + 1, 0.2)


@linear_probe.property("weighs the penalty the same, however many rows there are", trials=2)
def _(answer, draw: Draw) -> None:
    acts, labels, classes = _case(draw)
    weight, _ = answer(acts, labels, classes, 0.5)
    again, _ = answer(acts.repeat(4, 1), labels.repeat(4), classes, 0.5)
    expect(again, "the weight when every row comes four times").close_to(
        weight, rtol=1e-3, atol=1e-3
    )


@linear_probe.right
def right_probe(acts, labels, classes, penalty):
    goals = torch.nn.functional.one_hot(labels, classes).to(acts.dtype)
    middle, goal = acts.mean(dim=0), goals.mean(dim=0)
    x, y = acts - middle, goals - goal
    n, d = x.shape
    weight = torch.linalg.solve(x.T @ x / n + penalty * torch.eye(d), x.T @ y / n)
    return weight, goal - middle @ weight


linear_probe.slip(
    "bias_penalised",
    "You penalise the bias as well. It is only there to meet the mean, and costs nothing.",
    {
        "x, y = acts - middle, goals - goal": (
            "x, y = torch.cat([acts, torch.ones(len(acts), 1)], dim=1), goals"
        ),
        "return weight, goal - middle @ weight": "return weight[:-1], weight[-1]",
    },
)
linear_probe.slip(
    "without_bias",
    "Your probe has no bias: it has to pass through 0, wherever the activations lie.",
    {
        "x, y = acts - middle, goals - goal": "x, y = acts, goals",
        "goal - middle @ weight": "0 * goal",
    },
)
linear_probe.slip(
    "bias_is_the_mean",
    "Your bias is the share of each class. Take off what the weight gives at the mean of the "
    "activations.",
    {"goal - middle @ weight": "goal"},
)
linear_probe.slip(
    "bias_sign",
    "What the weight gives at the mean is *taken off* the share of each class.",
    {"goal - middle @ weight": "goal + middle @ weight"},
)
linear_probe.slip(
    "sum_for_mean",
    "Your penalty fades as rows are added: the errors are summed, or the penalty is divided by the "
    "number of rows. The *mean* error and the whole penalty are asked for.",
    {"x.T @ x / n": "x.T @ x", "x.T @ y / n": "x.T @ y"},
)
linear_probe.slip(
    "penalty_halved",
    "Half of the penalty is missing. Both terms are squares: their slopes have the same factor 2.",
    {"penalty * torch.eye(d)": "penalty / 2 * torch.eye(d)"},
)
linear_probe.slip(
    "penalty_doubled",
    "The penalty counts twice.",
    {"penalty * torch.eye(d)": "2 * penalty * torch.eye(d)"},
)
linear_probe.slip(
    "mean_over_classes_too",
    "You averaged the error over the classes as well. It is added up over them, and the mean is "
    "over rows.",
    {"x.T @ x / n": "x.T @ x / (n * classes)", "x.T @ y / n": "x.T @ y / (n * classes)"},
)
linear_probe.slip(
    "divided_by_n_less_one",
    "You divided by n − 1. The mean error is over n rows.",
    {"x.T @ x / n": "x.T @ x / max(n - 1, 1)", "x.T @ y / n": "x.T @ y / max(n - 1, 1)"},
)
linear_probe.slip(
    "weight_not_centred",
    "You fitted the weight as if there were no bias, and added one afterwards. The two are best "
    "together: centre the activations first.",
    {"x, y = acts - middle, goals - goal": "x, y = acts, goals"},
)
linear_probe.slip(
    "no_penalty",
    "You left out the penalty. With fewer rows than numbers there is then no single best probe.",
    {
        "torch.linalg.solve(x.T @ x / n + penalty * torch.eye(d), x.T @ y / n)": (
            "torch.linalg.pinv(x) @ y"
        )
    },
)
linear_probe.slip(
    "penalty_squared",
    "You squared the penalty.",
    {"penalty * torch.eye(d)": "penalty**2 * torch.eye(d)"},
)
linear_probe.slip(
    "weight_transposed",
    "Your weight has a row for each class. It maps activations (n, d) by `acts @ weight`: d rows.",
    {"return weight,": "return weight.T,"},
)
linear_probe.slip(
    "labels_as_numbers",
    "You fitted the label as a number. Class 2 is not twice class 1: each class gets a column of 0 "
    "and 1.",
    {
        "torch.nn.functional.one_hot(labels, classes).to(acts.dtype)": (
            "labels[:, None].to(acts.dtype).expand(-1, classes)"
        )
    },
)
linear_probe.slip(
    "minus_one_and_one",
    "Your goals are −1 and 1. They are 0 and 1.",
    {".to(acts.dtype)": ".to(acts.dtype) * 2 - 1"},
)
linear_probe.slip(
    "classes_counted",
    "You counted the classes that occur. One that does not occur still has its column.",
    {"one_hot(labels, classes)": "one_hot(labels)"},
)
linear_probe.slip(
    "scaled_to_deviation",
    "You divided the activations by their standard deviations first. The probe is then in other "
    "units, and the penalty is another one.",
    {
        "x, y = acts - middle,": (
            "x, y = (acts - middle) / acts.std(dim=0, correction=0).clamp(min=1e-6),"
        )
    },
)

linear_probe.slip(
    "double_returned",
    "Your weight and bias are float64. Activations are float32, and `acts @ weight` takes no "
    "mixture: compute as you like, and return float32.",
    {
        "goals = torch.nn": "acts = acts.double()\n    goals = torch.nn",
        "penalty * torch.eye(d)": "penalty * torch.eye(d).double()",
    },
)
linear_probe.slip(
    "labels_as_one_column",
    "You fitted the label as one number. Class 2 is not twice class 1: each class gets a column of "
    "its own, of 0 and 1.",
    {
        "torch.nn.functional.one_hot(labels, classes).to(acts.dtype)": (
            "labels[:, None].to(acts.dtype)"
        )
    },
)
for _name, _std in (("population", "correction=0"), ("sample", "correction=1")):
    linear_probe.slip(
        f"scaled_by_the_{_name}_and_back",
        "You divided the activations by their standard deviations, "
        + ("n − 1 in them, " if _name == "sample" else "")
        + "and scaled the weight back afterwards. In between, the penalty was another one.",
        {
            "x, y = acts - middle,": (
                f"scale = acts.std(dim=0, {_std}).clamp(min=1e-6)\n"
                "    x, y = (acts - middle) / scale,"
            ),
            "return weight,": "weight = weight / scale[:, None]\n    return weight,",
        },
    )
linear_probe.slip(
    "penalty_everywhere",
    "You added the penalty to every entry of XᵀX/n. It belongs on the diagonal: λ times the "
    "identity.",
    {"penalty * torch.eye(d)": "penalty"},
)
linear_probe.slip(
    "bias_is_zero",
    "Your weight is right, and your bias 0. What you took off to centre has to come back: the "
    "share of each class, less what the weight gives at the mean.",
    {"goal - middle @ weight": "torch.zeros_like(goal)"},
)

linear_probe.equivalent(
    "`x, y = (acts - middle, goals - goal)` → `x, y = (acts - middle, goals + goal)`",
    because="x adds up to 0, so whatever is added to all rows of y falls out",
)

linear_probe.hint("Centre both sides: the best bias takes care of the means.")
linear_probe.hint("(XᵀX/n + λI) W = XᵀY/n, with X and Y centred; `torch.linalg.solve`.")
linear_probe.hint("Then bias = mean of Y − mean of X · W.")
linear_probe.hint("Is the error a mean over rows, and the bias free?", when="value")
