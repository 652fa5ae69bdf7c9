"""How `unmask` is judged: by what it breaks, beside what can be broken at all.

The grader's models are straight lines behind a mask, so the best attack within the ball is known.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import SHAPE

unmask = Exercise("unmask", minutes=40, difficulty=3, changes=("model",), returns=Tensor)

N = 40


class Masked(nn.Module):
    """Two classes: `prepare` may round the pixels, and `net` may multiply its scores by a lot."""

    def __init__(self, weights: Tensor, bias: float, scale: float, levels: int | None) -> None:
        super().__init__()
        line = nn.Linear(weights.numel(), 2)
        self.net = nn.Sequential(nn.Flatten(), line)
        self.levels, self.weights, self.bias = levels, weights, bias
        with torch.no_grad():
            line.weight.copy_(torch.stack([-weights, weights]) * scale / 2)
            line.bias.copy_(torch.tensor([-bias, bias]) * scale / 2)
        self.calls = 0

    def prepare(self, x: Tensor) -> Tensor:
        """What the network gets to see: the picture, or its pixels rounded to `levels`."""
        return x if self.levels is None else torch.round(x * self.levels) / self.levels

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self.prepare(x))

    def lead(self, x: Tensor) -> Tensor:
        """How far class 1 is in front, before the scale."""
        return self.prepare(x).flatten(1) @ self.weights + self.bias

    def best(self, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
        """The lowest lead of the label within the ball and the range of pixels, by its corner."""
        side = torch.where(y == 1, -1.0, 1.0)[:, None] * self.weights.sign()
        corner = (x.flatten(1) + epsilon * side).clamp(0.0, 1.0).reshape(x.shape)
        return torch.where(y == 1, 1.0, -1.0) * self.lead(corner)


def _model(draw: Draw, scale: float, levels: int | None) -> Masked:
    size = int(torch.tensor(SHAPE).prod())
    weights = normals(draw, size)
    weights = weights + 0.3 * torch.where(weights >= 0, 1.0, -1.0)
    return Masked(weights, -float(weights.sum()) / 2, scale, levels).eval()


def _judge(answer, draw: Draw, scale: float, levels: int | None) -> None:
    model = _model(draw, scale, levels)
    x = torch.tensor(draw.uniform(0.05, 0.95, N, *SHAPE), dtype=torch.float32)
    y = (model.lead(x) > 0).long()
    epsilon = 0.2
    moved = answer(model, x, y, epsilon)
    expect(moved, "the attacked pictures").has_shape(*x.shape)
    if tuple(moved.shape) != tuple(x.shape):
        return
    expect(moved, "the pixels").is_between(0.0, 1.0)
    most = float((moved - x).detach().abs().max())
    expect(most <= epsilon + 1e-5, "whether the pictures lie in the ball").is_true(
        f"A pixel moved by {most:.3g}: further than epsilon, {epsilon:g}."
    )
    expect(most, "the largest change of a pixel").is_below(epsilon + 1e-5)
    can = model.best(x, y, epsilon) < -0.02
    with torch.no_grad():
        broken = model(moved.detach().float()).argmax(dim=1) != y
    left = int((can & ~broken).sum())
    expect(left, f"how many of {int(can.sum())} that can be broken are still right").equals(0)


@unmask.property("breaks what can be broken of a model without a mask", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1.0, None)


@unmask.property("gets round scores so large that the softmax is flat", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1e5, None)


@unmask.property("gets round pixels that are rounded", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1.0, 7)
    _judge(answer, draw, 1.0, 2)


@unmask.property("gets round both at once", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1e5, 5)


@unmask.property("leaves the model's weights and their gradients alone", trials=2)
def _(answer, draw: Draw) -> None:
    model = _model(draw, 1e5, 5)
    before = [p.detach().clone() for p in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = normals(draw, *parameter.shape)
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    x = torch.tensor(draw.uniform(0.05, 0.95, 3, *SHAPE), dtype=torch.float32)
    moved = answer(model, x, torch.tensor([0, 1, 1]), 0.2)
    expect(moved.requires_grad, "whether the result still asks for a gradient").equals(False)
    same = all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    expect(same, "whether the weights are what they were").equals(True)
    kept = all(
        p.grad is not None and torch.equal(p.grad, g)
        for p, g in zip(model.parameters(), gradients, strict=True)
    )
    expect(kept, "whether the weights' .grad are what they were").equals(True)
    learn = all(p.requires_grad for p in model.parameters())
    expect(learn, "whether the weights still ask for a gradient").equals(True)


@unmask.right
def right_unmask(model, x, y, epsilon):
    rows = torch.arange(len(x))
    at = x.clone()
    for _ in range(20):
        at = at.clone().requires_grad_(True)
        seen = model.prepare(at).detach() + at - at.detach()
        scores = model.net(seen)
        others = scores.clone()
        others[rows, y] = -torch.inf
        margin = others.max(dim=1).values - scores[rows, y]
        (gradient,) = torch.autograd.grad(margin.sum(), at)
        at = at.detach() + epsilon / 4 * gradient.sign()
        at = (x + (at - x).clamp(-epsilon, epsilon)).clamp(0.0, 1.0)
    return at


_SEEN = "model.prepare(at).detach() + at - at.detach()"
_MARGIN = "margin = others.max(dim=1).values - scores[rows, y]"

unmask.slip(
    "through_the_rounding",
    "You sent the gradient through the rounding. It is a staircase: flat nearly everywhere, so the "
    "gradient is exactly 0. Let it pass by, as if rounding changed nothing.",
    {_SEEN: "model.prepare(at)"},
)
unmask.slip(
    "flat_softmax",
    "You climbed the cross-entropy. With scores this large every share is exactly 0 or 1, and the "
    "gradient exactly 0: climb a difference of scores.",
    {_MARGIN: "margin = torch.nn.functional.cross_entropy(scores, y, reduction='none')"},
)
unmask.slip(
    "nothing_got_round",
    "This is the plain attack: it climbs the cross-entropy through the rounding. Neither mask is "
    "got round.",
    {
        _SEEN: "model.prepare(at)",
        _MARGIN: "margin = torch.nn.functional.cross_entropy(scores, y, reduction='none')",
    },
)
unmask.slip(
    "fixed_temperature",
    "You divided the scores by a fixed number before the softmax. It was not large enough for "
    "these; a difference of scores needs none.",
    {_MARGIN: "margin = torch.nn.functional.cross_entropy(scores / 100, y, reduction='none')"},
)
unmask.slip(
    "wrong_direction",
    "You make the label more certain: the sign of the margin, or of the step, is turned round, "
    "the part that is detached is the wrong one of the two, or the class that you attack is the "
    "one "
    "with the lowest score.",
    {"at.detach() + epsilon / 4": "at.detach() - epsilon / 4"},
)
unmask.slip(
    "one_small_step",
    "You stop after one short step: the ball allows more.",
    {"range(20)": "range(1)"},
)
unmask.slip(
    "ball_left",
    "You left the ball: no mask is needed to be got round by someone who may change everything. "
    "The "
    "ball lies round x at every step, not round the place reached before.",
    {"(x + (at - x).clamp(-epsilon, epsilon)).clamp(0.0, 1.0)": "at.clamp(0.0, 1.0)"},
)
unmask.slip(
    "pixels_left",
    "Some of your pixels lie outside of 0 … 1.",
    {
        (
            "(x + (at - x).clamp(-epsilon, epsilon)).clamp(0.0, 1.0)"
        ): "(x + (at - x).clamp(-epsilon, epsilon))"
    },
)
unmask.slip(
    "backward_into_weights",
    "The gradients of the weights are not what they were: `backward()` adds to them, and "
    "`zero_grad` takes away what was there. Ask for those of the pictures alone.",
    {
        (
            "(gradient,) = torch.autograd.grad(margin.sum(), at)"
        ): "margin.sum().backward()\n        gradient = at.grad"
    },
)
unmask.slip(
    "gives_up",
    "The pictures come back as they were. Was no step made, or is what you climb flat until the "
    "attack has succeeded, as a margin is that is cut off at 0?",
    {"    return at": "    return x.clone()"},
)
unmask.slip(
    "noise_only",
    "You added noise and looked for no direction. In many dimensions a random direction hardly "
    "ever "
    "is a bad one for the model.",
    {"gradient.sign()": "torch.randn_like(gradient).sign()"},
)
unmask.slip(
    "rounded_result",
    "You returned what the network sees instead of the picture: after rounding it may lie "
    "outside of "
    "the ball.",
    {"    return at": "    return model.prepare(at)"},
)
unmask.slip(
    "gradient_not_signed",
    "You stepped along the gradient itself. With large scores it is enormous for one pixel and "
    "small for another; in l∞ take its sign.",
    {
        "gradient.sign()": "gradient / gradient.abs().sum(dim=(1, 2, 3), keepdim=True)",
        "range(20)": "range(6)",
    },
)

unmask.slip(
    "weights_left_frozen",
    "You stopped the weights from asking for a gradient, and left them so.",
    {"    at = x.clone()\n": "    at = x.clone()\n    model.requires_grad_(False)\n"},
)
unmask.slip(
    "still_attached",
    "Your result still asks for a gradient.",
    {"    return at": "    return at.requires_grad_(True)"},
)
unmask.slip(
    "steps_too_short",
    "Your steps do not reach the edge of the ball: their length times their number is less than "
    "epsilon.",
    {"range(20)": "range(3)", "epsilon / 4": "epsilon / 30"},
)
unmask.hint("Print the gradient that the plain attack gets from each model. Which are exactly 0?")
unmask.hint("`margin_loss` does not go flat. That is one of the two masks.")
unmask.hint(
    "Forwards rounded, backwards as if it were not: `prepare(x).detach() + x − x.detach()`. Why "
    "does that work?"
)
unmask.hint(
    "Is the gradient through `torch.round` anything but 0?",
    when="gets round pixels that are rounded",
)

_SENT = "seen = model.prepare(at).detach() + at {} at.detach()"
_TAKEN = "gradient, = torch.autograd.grad(margin_loss(model.net(seen), y).{}(), at)"
_STEP = (
    "at = project(at.detach() + steepest_step(gradient, epsilon {}, 'linf'), x, epsilon, 'linf')"
)
for _line, _other in (
    ("for _ in range(20):", "for _ in range(21):"),
    ("for _ in range(20):", "for _ in range(19):"),
    (_TAKEN.format("sum"), _TAKEN.format("mean")),
    (_STEP.format("/ 4"), _STEP.format("* 4")),
    (_STEP.format("/ 4"), _STEP.format("/ 5")),
    (_STEP.format("/ 4"), _STEP.format("/ 3")),
):
    unmask.equivalent(
        f"`{_line}` → `{_other}`", because="the steps still lead to the same corner of the ball"
    )
unmask.equivalent(
    f"`{_SENT.format('-')}` → `{_SENT.format('+')}`",
    because="of one linear layer the gradient is the same everywhere",
)
