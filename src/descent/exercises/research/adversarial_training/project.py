"""How `project` is judged: the nearest point, found number by number."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import SHAPE, pictures

project = Exercise("project", minutes=15, difficulty=2, returns=torch.Tensor)


def _expected(moved, x, epsilon: float, norm: str) -> np.ndarray:
    out = np.empty(moved.shape)
    for n in range(len(x)):
        change = moved[n].double().numpy() - x[n].double().numpy()
        if norm == "linf":
            change = np.minimum(np.maximum(change, -epsilon), epsilon)
        else:
            length = np.sqrt((change**2).sum())
            change = change * (epsilon / length if length > epsilon else 1.0)
        out[n] = np.minimum(np.maximum(x[n].double().numpy() + change, 0.0), 1.0)
    return out


def _judge(answer, moved, x, epsilon: float, norm: str) -> None:
    expected = _expected(moved, x, epsilon, norm)
    found = answer(moved, x, epsilon, norm)
    expect(found, "the projected pictures").close_to(expected, atol=2e-6)
    expect(found, "the projected pictures").has_dtype("float32")


@project.property("in l∞ brings every pixel back into its interval", trials=4)
def _(answer, draw: Draw) -> None:
    x = pictures(draw, draw.size)
    _judge(answer, x + normals(draw, *x.shape), x, draw.uniform(0.05, 0.5), "linf")


@project.property("in l2 brings each picture back along the straight line", trials=4)
def _(answer, draw: Draw) -> None:
    x = pictures(draw, draw.size)
    _judge(answer, x + normals(draw, *x.shape), x, draw.uniform(0.2, 0.9), "l2")


@project.property("leaves alone what lies inside already, also in a batch with others", trials=3)
def _(answer, draw: Draw) -> None:
    x = 0.3 + 0.4 * pictures(draw, 4)
    sizes = torch.tensor([0.0, 0.01, 0.5, 3.0]).reshape(4, 1, 1, 1)
    for norm in ("linf", "l2"):
        moved = x + sizes * normals(draw, *x.shape)
        moved[0] = x[0]
        result = answer(moved, x, 0.3, norm)
        expect(result, "the projected pictures").is_finite()
        expect(result[:2], "what was inside").close_to(moved[:2], atol=1e-6)
        _judge(answer, moved, x, 0.3, norm)


@project.property("keeps pixels in 0 to 1, and the ball too", trials=3)
def _(answer, draw: Draw) -> None:
    x = pictures(draw, 3)
    for norm in ("linf", "l2"):
        moved = x + 2.0 * normals(draw, *x.shape)
        result = answer(moved, x, 0.8, norm)
        expect(result, "the pixels").is_between(0.0, 1.0)
        change = (result - x).flatten(1)
        length = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
        expect(length, f"the {norm} distance from the picture").is_below(0.8001)
        _judge(answer, moved, x, 0.8, norm)


@project.property("with epsilon 0 gives the picture back")
def _(answer, draw: Draw) -> None:
    x = pictures(draw, 2)
    for norm in ("linf", "l2"):
        back = answer(x + normals(draw, 2, *SHAPE), x, 0.0, norm)
        expect(back, "the pictures").close_to(x, atol=1e-6)
        expect(answer(x.clone(), x, 0.0, norm), "the unmoved pictures").close_to(x, atol=1e-6)


@project.right
def right_project(moved, x, epsilon, norm):
    change = moved - x
    if norm == "linf":
        change = change.clamp(-epsilon, epsilon)
    else:
        lengths = change.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1))
        change = change * (epsilon / lengths.clamp(min=1e-12)).clamp(max=1.0)
    return (x + change).clamp(0.0, 1.0)


_LENGTHS = "change.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1))"

project.slip(
    "always_on_the_sphere",
    "You put every change on the sphere. What lies inside the ball stays where it is.",
    {".clamp(max=1.0)": ""},
)
project.slip(
    "norms_exchanged",
    "You exchanged the two: pixel by pixel is for l∞, one factor for the picture for l2.",
    {'norm == "linf"': 'norm == "l2"'},
)
project.slip(
    "clipped_in_both",
    "You clip pixel by pixel in l2 as well. That box reaches √d times as far as the ball.",
    {'norm == "linf"': 'norm in ("linf", "l2")'},
)
project.slip(
    "one_length_for_all",
    "You measured the whole batch at once. Each picture has a ball of its own.",
    {_LENGTHS: "change.norm()"},
)
project.slip(
    "ball_round_zero",
    "You projected the moved picture itself. The ball lies round x: project the change.",
    {"change = moved - x": "change = moved", "(x + change)": "change"},
)
project.slip(
    "pixels_not_clipped",
    "You did not clip to 0 … 1: what comes out is no picture.",
    {"(x + change).clamp(0.0, 1.0)": "x + change"},
)
project.slip(
    "pixels_before_ball",
    "You clipped the pixels first and projected then. In l2 that shortens the change twice where a "
    "pixel was outside: the ball first, then the pixels.",
    {"change = moved - x": "change = moved.clamp(0.0, 1.0) - x"},
)
project.slip(
    "ball_forgotten_in_l2",
    "In l2 you left the ball out.",
    {"change * (epsilon / lengths.clamp(min=1e-12)).clamp(max=1.0)": "change"},
)
project.slip(
    "ball_forgotten_in_linf",
    "In l∞ you left the ball out.",
    {"change.clamp(-epsilon, epsilon)": "change"},
)
project.slip(
    "change_returned",
    "You returned the change. Asked for is the changed picture.",
    {"(x + change).clamp(0.0, 1.0)": "change"},
)
project.slip(
    "factor_turned_round",
    "Your factor is the length divided by epsilon: what is far away goes further still.",
    {"(epsilon / lengths.clamp(min=1e-12))": "(lengths / max(epsilon, 1e-12))"},
)
project.slip(
    "upper_side_only",
    "You limited what was added and not what was taken away.",
    {"change.clamp(-epsilon, epsilon)": "change.clamp(max=epsilon)"},
)
project.slip(
    "nan_at_zero",
    "Where nothing has changed and epsilon is 0 you divide 0 by 0: NaN, and it spreads.",
    {"lengths.clamp(min=1e-12)": "lengths"},
)
project.slip(
    "squared_length",
    "You compared with the squared length. The l2 length is its root.",
    {".norm(dim=1).reshape": ".square().sum(dim=1).reshape"},
)
project.slip(
    "half_ball",
    "You took epsilon for the diameter. It is the radius.",
    {"change = moved - x": "epsilon = epsilon / 2\n    change = moved - x"},
)
project.slip(
    "lengths_by_columns",
    "You took lengths along one dimension of the picture. The whole picture is one vector.",
    {_LENGTHS: "change.norm(dim=-1, keepdim=True)"},
)

project.slip(
    "float64_returned",
    "Your pictures are float64 now. The model has float32 weights, and takes no others: give back "
    "x's dtype.",
    {"change = moved - x": "change = moved.double() - x"},
)
project.slip(
    "lengths_by_channels",
    "You took a length for each channel. The whole picture is one vector, with all its channels.",
    {_LENGTHS: "change.flatten(2).norm(dim=2)[:, :, None, None]"},
)
project.slip(
    "sphere_and_nan",
    "You put every change on the sphere, and divide 0 by 0 where nothing has changed. What lies "
    "inside the ball stays where it is: the factor is at most 1.",
    {"(epsilon / lengths.clamp(min=1e-12)).clamp(max=1.0)": "(epsilon / lengths)"},
)
project.slip(
    "inside_only",
    "You moved what lies inside of the ball, and left alone what lies outside: the comparison, or "
    "the minimum, is turned round.",
    {".clamp(max=1.0)": ".clamp(min=1.0)"},
)
project.slip(
    "edge_always",
    "In l∞ you put every pixel at the edge of its interval. What has changed by less stays.",
    {"change.clamp(-epsilon, epsilon)": "epsilon * change.sign()"},
)
project.slip(
    "clipped_around_zero",
    "You clipped to −1 … 1. These pixels lie between 0 and 1.",
    {"(x + change).clamp(0.0, 1.0)": "(x + change).clamp(-1.0, 1.0)"},
)
project.slip(
    "clipped_below_only",
    "You clipped below and not above: some pixels are larger than 1.",
    {"(x + change).clamp(0.0, 1.0)": "(x + change).clamp(min=0.0)"},
)
project.slip(
    "mean_of_squares",
    "You took the root of the *mean* square. The l2 length is the root of their sum: your ball is "
    "√d times too large.",
    {".norm(dim=1).reshape": ".square().mean(dim=1).sqrt().reshape"},
)
project.slip(
    "sum_of_sizes",
    "You took the sum of the sizes, the l1 length. The l2 length is the root of the sum of "
    "squares.",
    {".norm(dim=1).reshape": ".abs().sum(dim=1).reshape"},
)
project.slip(
    "factor_of_the_longest",
    "You shrank all changes by the factor that the longest one needs. Each picture has a ball of "
    "its own.",
    {_LENGTHS: "change.flatten(1).norm(dim=1).max()"},
)
project.slip(
    "lower_side_only",
    "You limited what was taken away and not what was added.",
    {"change.clamp(-epsilon, epsilon)": "change.clamp(min=-epsilon)"},
)
project.slip(
    "overshoot_from_each_pixel",
    "You took the overshoot of the length off each pixel. The whole change is shortened by one "
    "factor, epsilon / length, so that it keeps its direction.",
    {
        "change * (epsilon / lengths.clamp(min=1e-12)).clamp(max=1.0)": (
            "change - (lengths - epsilon).clamp(min=0.0)"
        )
    },
)

project.hint("Look at the change, moved − x. When is it too long, and by which factor?")
project.hint("In l2 one factor for each picture, at most 1: epsilon / length.")
project.hint(
    "Do the ball first, then clamp to 0 … 1.", when="keeps pixels in 0 to 1, and the ball too"
)

_CHANGE = "change = change * (epsilon / lengths.clamp(min={})).clamp(max=1.0)"
project.equivalent(
    f"`{_CHANGE.format('1e-12')}` → `{_CHANGE.format('2e-12')}`",
    because="either only keeps a length of 0 from being divided by",
)
