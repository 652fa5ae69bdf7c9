"""How `fast_step` is judged: beside one step made slowly, in float64."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

from descent.exercises.doubles import PlainDescent, normals
from descent.grading import Draw, Exercise, expect

from .shared import SHAPE, SmallNet, labels_for, pictures

fast_step = Exercise(
    "fast_step", minutes=25, difficulty=2, changes=("model", "optimiser"), returns=float
)


def _without_dropout(draw: Draw) -> SmallNet:
    """In training mode the same at every call, so that its steps can be foreseen."""
    model = SmallNet(draw)
    model.drop = nn.Identity()
    return model.train()


def _expected(model, x, y, epsilon, alpha, noise, rate):
    """The loss before the step, and the weights after it."""
    twin = copy.deepcopy(model).double()
    origin = x.double()
    start = origin + noise.double()
    moved = start + alpha * torch.tensor(model.gradient(start, y)).sign()
    moved = torch.minimum(torch.maximum(moved, origin - epsilon), origin + epsilon).clamp(0.0, 1.0)
    loss = F.cross_entropy(twin(moved), y)
    gradients = torch.autograd.grad(loss, list(twin.parameters()))
    after = [p.detach() - rate * g for p, g in zip(twin.parameters(), gradients, strict=True)]
    return loss.item(), after


def _case(draw: Draw, n: int, epsilon: float):
    model = _without_dropout(draw)
    noise = torch.tensor(draw.uniform(-epsilon, epsilon, n, *SHAPE), dtype=torch.float32)
    return model, pictures(draw, n), labels_for(draw, n), noise


def _judge(
    answer, draw: Draw, epsilon: float, alpha: float, n: int, unseen: int | None = None
) -> None:
    model, x, y, noise = _case(draw, n, epsilon)
    if unseen is not None:  # a pixel that the model does not look at, yet
        with torch.no_grad():
            model.first.weight[:, unseen] = 0.0
    loss, weights = _expected(model, x, y, epsilon, alpha, noise, 0.1)
    optimiser = PlainDescent(model)
    for parameter in model.parameters():  # left over from the step before
        parameter.grad = normals(draw, *parameter.shape)
    found = answer(model, optimiser, x, y, epsilon, alpha, noise)
    expect(found, "the loss").close_to(loss, rtol=1e-3)
    expect(optimiser.steps, "steps of the optimiser").equals(1)
    for (name, parameter), expected in zip(model.named_parameters(), weights, strict=True):
        expect(parameter.detach(), f"{name} after the step").close_to(
            expected, rtol=1e-3, atol=1e-5
        )


@fast_step.property("trains on the attacked pictures, one step", trials=5)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 0.3, 0.375, draw.size)


@fast_step.property("brings a step that is too long back into the ball", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 0.2, 0.7, draw.size + 2)


@fast_step.property("begins at the noise", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 0.4, 0.05, draw.size + 1)


@fast_step.property("leaves a pixel at its noise where the gradient is exactly 0", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 0.3, 0.2, draw.size + 1, unseen=draw.integers(0, 12))


@fast_step.property("of epsilon 0 is a plain training step")
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 0.0, 0.1, draw.size + 1)


@fast_step.property("trains in training mode, and leaves the model in it", trials=2)
def _(answer, draw: Draw) -> None:
    model, x, y, noise = _case(draw, 4, 0.3)
    seen: list[bool] = []
    model.drop = _Noting(seen)
    model.train()
    answer(model, PlainDescent(model), x, y, 0.3, 0.375, noise)
    expect(bool(seen) and seen[-1], "whether the step was in training mode").equals(True)
    expect(all(seen), "whether the attack was in training mode too").equals(True)
    expect(model.training, "the model's `training`, after").equals(True)


class _Noting(nn.Module):
    """Changes nothing, and notes the mode of each call."""

    def __init__(self, seen: list[bool]) -> None:
        super().__init__()
        self.seen = seen

    def forward(self, x):
        self.seen.append(self.training)
        return x


@fast_step.right
def right_step(model, optimiser, x, y, epsilon, alpha, noise):
    at = (x + noise).requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)
    moved = at.detach() + alpha * gradient.sign()
    moved = (x + (moved - x).clamp(-epsilon, epsilon)).clamp(0.0, 1.0)
    loss = F.cross_entropy(model(moved), y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


_AT = "(x + noise)"
_MOVED = "moved = (x + (moved - x).clamp(-epsilon, epsilon)).clamp(0.0, 1.0)"

fast_step.slip(
    "no_random_start",
    "You attack from the picture itself. A model trained so learns to be flat at exactly one "
    "distance, and falls to any attack of several steps.",
    {_AT: "x.clone()"},
)
fast_step.slip(
    "trains_on_clean",
    "You trained on the pictures as they were: the attack was for nothing.",
    {"loss = F.cross_entropy(model(moved), y)": "loss = F.cross_entropy(model(x), y)"},
)
fast_step.slip(
    "trains_on_the_start",
    "You trained on the random start. Noise is no attack: take the step first.",
    {"loss = F.cross_entropy(model(moved), y)": "loss = F.cross_entropy(model(at.detach()), y)"},
)
fast_step.slip(
    "not_brought_back",
    "You did not bring the step back into the ball: from the edge it went further than epsilon.",
    {_MOVED: "moved = moved.clamp(0.0, 1.0)"},
)
fast_step.slip(
    "ball_of_alpha",
    "You brought the change back to ±alpha. The ball has the radius epsilon, however long the step "
    "is.",
    {_MOVED: _MOVED.replace("epsilon", "alpha")},
)
fast_step.slip(
    "half_on_clean",
    "You trained on the unattacked pictures as well. Here only the attacked ones count.",
    {
        "loss = F.cross_entropy(model(moved), y)": (
            "loss = (F.cross_entropy(model(moved), y) + F.cross_entropy(model(x), y)) / 2"
        )
    },
)
fast_step.slip(
    "pixels_left",
    "Some of the pictures that you train on have pixels outside of 0 … 1.",
    {_MOVED: "moved = x + (moved - x).clamp(-epsilon, epsilon)"},
)
fast_step.slip(
    "start_clipped",
    "You clipped the start to 0 … 1. On paper half of the pixels then begin at 0 and end at "
    "exactly epsilon, as without noise: the way to catastrophic overfitting. Clip only where the "
    "step ends.",
    {_AT: "(x + noise).clamp(0.0, 1.0)"},
)
fast_step.slip(
    "ball_round_the_start",
    "You brought the step back into a ball round the *start*. From its edge the pictures go "
    "twice as far as allowed.",
    {
        _MOVED: "moved = (at.detach() + (moved - at.detach()).clamp(-epsilon, "
        "epsilon)).clamp(0.0, 1.0)"
    },
)
fast_step.slip(
    "step_to_easier",
    "The attack went down: you trained on pictures that are easier than the real ones.",
    {"at.detach() + alpha": "at.detach() - alpha"},
)
fast_step.slip(
    "epsilon_for_alpha",
    "You stepped by epsilon. The step has a length of its own, alpha.",
    {"alpha * gradient.sign()": "epsilon * gradient.sign()"},
)
fast_step.slip(
    "gradients_kept",
    "You never cleared the gradients: those of the step before are added to yours.",
    {"    optimiser.zero_grad()\n": ""},
)
fast_step.slip(
    "attack_in_the_gradients",
    "The attack's own gradients went into the weights' and stayed there. Clear them before the "
    "training loss, not before the attack.",
    {
        "    (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)\n": (
            "    optimiser.zero_grad()\n    F.cross_entropy(model(at), y).backward()\n"
            "    gradient = at.grad\n"
        ),
        "    optimiser.zero_grad()\n    loss.backward()": "    loss.backward()",
    },
)
fast_step.slip("no_step", "The optimiser never stepped.", {"    optimiser.step()\n": ""})
fast_step.slip(
    "two_steps",
    "You also stepped with the attack's gradients: two steps for one batch.",
    {
        "    (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)\n": (
            "    optimiser.zero_grad()\n    F.cross_entropy(model(at), y).backward()\n"
            "    gradient = at.grad\n    optimiser.step()\n"
        )
    },
)
fast_step.slip(
    "loss_after",
    "You return the loss after the step. Asked for is the one that the step was made with.",
    {"return loss.item()": "return F.cross_entropy(model(moved), y).item()"},
)
fast_step.slip(
    "clean_loss_returned",
    "You return the loss of the unattacked pictures.",
    {
        "loss = F.cross_entropy(model(moved), y)": (
            "plain = F.cross_entropy(model(x), y).item()\n"
            "    loss = F.cross_entropy(model(moved), y)"
        ),
        "return loss.item()": "return plain",
    },
)
fast_step.slip(
    "trains_in_eval",
    "You trained in evaluation mode.",
    {"    at = ": "    model.eval()\n    at = "},
)
fast_step.slip(
    "summed_loss",
    "You summed the loss over the batch. The mean keeps the learning rate's meaning.",
    {
        "loss = F.cross_entropy(model(moved), y)": (
            "loss = F.cross_entropy(model(moved), y, reduction='sum')"
        )
    },
)
fast_step.slip(
    "noise_added_later",
    "You took the gradient at the picture and added the noise afterwards. The gradient belongs "
    "to where the step begins.",
    {
        "(gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)": (
            "here = x.clone().requires_grad_(True)\n"
            "    (gradient,) = torch.autograd.grad(F.cross_entropy(model(here), y), "
            "here)"
        )
    },
)

fast_step.slip(
    "attack_in_eval",
    "You attacked in evaluation mode and trained in training mode. The page asks for training mode "
    "in both.",
    {
        "    at = ": "    model.eval()\n    at = ",
        "    moved = at": "    model.train()\n    moved = at",
    },
)
fast_step.slip(
    "eval_for_both",
    "You attacked and trained in evaluation mode, and put the model back into training mode at the "
    "end. The page asks for training mode in both.",
    {
        "    at = ": "    model.eval()\n    at = ",
        "    return loss.item()": "    model.train()\n    return loss.item()",
    },
)
fast_step.slip(
    "cleared_after_backward",
    "You cleared the gradients between `backward` and the step: the optimiser has nothing to go "
    "by. "
    "Clear them before.",
    {
        "    optimiser.zero_grad()\n    loss.backward()\n": (
            "    loss.backward()\n    optimiser.zero_grad()\n"
        )
    },
)
fast_step.slip(
    "attack_in_old_gradients",
    "You clear the gradients at the very end. What was left over before, and the attack's own "
    "gradients, are in yours.",
    {
        "    (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)\n": (
            "    F.cross_entropy(model(at), y).backward()\n    gradient = at.grad\n"
        ),
        "    optimiser.zero_grad()\n    loss.backward()": "    loss.backward()",
    },
)
fast_step.slip(
    "step_from_the_picture",
    "You took the gradient at the random start and the step from the picture. The step begins "
    "where "
    "its gradient was taken.",
    {"moved = at.detach() + alpha": "moved = x + alpha"},
)
fast_step.slip(
    "no_ball_no_range",
    "You brought the step back neither into the ball nor into 0 … 1.",
    {_MOVED: "moved = moved.detach()"},
)
fast_step.slip(
    "start_in_the_ball_and_range",
    "You brought the start into the range of pixels before you attacked from it, and left the step "
    "where it ended. Clip only where the step ends.",
    {_AT: "(x + noise).clamp(0.0, 1.0)", _MOVED: "moved = moved.clamp(0.0, 1.0)"},
)
fast_step.slip(
    "gradient_itself",
    "You stepped along the gradient itself. In l∞ take its sign.",
    {"gradient.sign()": "gradient"},
)
fast_step.slip(
    "alpha_limited",
    "You cut alpha to epsilon. The step may be longer: from the far edge it is to reach beyond the "
    "middle.",
    {"alpha * gradient.sign()": "min(alpha, epsilon) * gradient.sign()"},
)
fast_step.slip(
    "noise_of_its_own",
    "You drew noise of your own. The noise is handed in.",
    {_AT: "(x + epsilon * (2 * torch.rand(x.shape) - 1))"},
)
fast_step.slip(
    "corners_for_noise",
    "You took only the sign of the noise: every start is a corner of the ball.",
    {_AT: "(x + epsilon * noise.sign())"},
)
fast_step.slip(
    "noise_times_epsilon",
    "You multiplied the noise by epsilon. It is from −epsilon to epsilon already.",
    {_AT: "(x + epsilon * noise)"},
)
fast_step.slip(
    "steps_twice",
    "Your optimiser steps twice with the same gradients. One step is asked for.",
    {"    optimiser.step()\n": "    optimiser.step()\n    optimiser.step()\n"},
)
fast_step.slip(
    "loss_at_the_start_returned",
    "You return the loss that the attack climbed, at the random start. Asked for is that of the "
    "attacked pictures, before the weights moved.",
    {
        "(gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)": (
            "first = F.cross_entropy(model(at), y)\n"
            "    (gradient,) = torch.autograd.grad(first, at)"
        ),
        "return loss.item()": "return first.item()",
    },
)
fast_step.slip(
    "zero_gradient_moves",
    "You move a pixel whose gradient is exactly 0. Nothing is known about it: it stays at its "
    "noise.",
    {"gradient.sign()": "torch.where(gradient >= 0, 1.0, -1.0)"},
)
fast_step.slip(
    "tensor_returned",
    "You return a tensor, which keeps the graph. A plain number is asked for: `.item()`.",
    {"return loss.item()": "return loss"},
)

fast_step.hint(
    "Two losses: one for the gradient of the pictures, one for the gradient of the weights."
)
fast_step.hint("The noise is given; where does the step begin, and where may it end?")
fast_step.hint(
    "What is in the weights' .grad when `backward` is called for the training loss?", when="value"
)
