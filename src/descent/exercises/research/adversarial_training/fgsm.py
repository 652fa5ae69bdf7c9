"""How `fgsm` is judged: beside a gradient worked out by hand."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from descent.grading import Draw, Exercise, expect

from .shared import SmallNet, Untouched, labels_for, pictures

fgsm = Exercise("fgsm", minutes=15, difficulty=1, changes=("model",), returns=torch.Tensor)


def _expected(model: SmallNet, x, y, epsilon: float) -> np.ndarray:
    moved = x.double().numpy() + epsilon * np.sign(model.gradient(x, y))
    return np.minimum(np.maximum(moved, 0.0), 1.0)


def _case(draw: Draw, n: int):
    model = SmallNet(draw).eval()
    return model, pictures(draw, n), labels_for(draw, n)


@fgsm.property("moves every pixel by epsilon to where the loss rises", trials=5)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size)
    epsilon = draw.uniform(0.05, 0.5)
    moved = answer(model, x, y, epsilon)
    expect(moved, "the moved pictures").close_to(_expected(model, x, y, epsilon), atol=1e-5)
    expect(moved, "the moved pictures").has_dtype("float32")


@fgsm.property("leaves no pixel outside of 0 to 1", trials=3)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size + 1)
    moved = answer(model, x, y, 0.9)
    expect(moved, "the pixels").is_between(0.0, 1.0)
    expect(moved, "the moved pictures").close_to(_expected(model, x, y, 0.9), atol=1e-5)


@fgsm.property("with epsilon 0 moves nothing")
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, 2)
    expect(answer(model, x, y, 0.0), "the pictures").close_to(x, atol=1e-6)


@fgsm.property("leaves a pixel alone whose gradient is exactly 0", trials=2)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size + 1)
    with torch.no_grad():
        model.first.weight[:, draw.integers(0, 12)] = 0.0
    expect(answer(model, x, y, 0.2), "the moved pictures").close_to(
        _expected(model, x, y, 0.2), atol=1e-5
    )


@fgsm.property("attacks the model as it is used: in evaluation mode", trials=4)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size + 2)
    model.train()
    expect(answer(model, x, y, 0.2), "the moved pictures").close_to(
        _expected(model, x, y, 0.2), atol=1e-5
    )


@fgsm.property("leaves mode, weights and their gradients as they were", trials=4)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size)
    watch = Untouched(model, draw)
    moved = answer(model, x, y, 0.3)
    watch.look()
    expect(moved.requires_grad, "whether the result still asks for a gradient").equals(False)


@fgsm.right
def right_fgsm(model, x, y, epsilon):
    training = model.training
    model.eval()
    at = x.clone().requires_grad_(True)
    loss = F.cross_entropy(model(at), y, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, at)
    model.train(training)
    return (x + epsilon * gradient.sign()).clamp(0.0, 1.0)


fgsm.slip(
    "gradient_itself",
    "You added the gradient times epsilon. In the l∞ ball every pixel may move by the whole of "
    "epsilon: add its sign.",
    {"gradient.sign()": "gradient"},
)
fgsm.slip(
    "descends",
    "You went down: the loss of the true label gets smaller, and the model more certain. An "
    "untargeted attack goes up.",
    {"x + epsilon": "x - epsilon"},
)
fgsm.slip(
    "not_clipped",
    "You did not clip to 0 … 1. What lies outside is no picture, and nobody could show it to the "
    "model.",
    {".clamp(0.0, 1.0)": ""},
)
fgsm.slip(
    "clipped_below_only",
    "You clipped below and not above: some pixels are larger than 1.",
    {".clamp(0.0, 1.0)": ".clamp(min=0.0)"},
)
fgsm.slip(
    "clipped_around_zero",
    "You clipped to −1 … 1. These pixels lie between 0 and 1.",
    {".clamp(0.0, 1.0)": ".clamp(-1.0, 1.0)"},
)
fgsm.slip(
    "training_mode",
    "You attacked the model in training mode. There dropout draws anew at each call, and the "
    "gradient is that of another network than the one in use.",
    {"    model.eval()\n": ""},
)
fgsm.slip(
    "left_in_eval",
    "You left the model in evaluation mode. Whoever trains on after the attack trains without "
    "dropout, and does not know it.",
    {"    model.train(training)\n": ""},
)
fgsm.slip(
    "always_back_to_training",
    "You put the model into training mode at the end, whichever it was in. Put back the mode that "
    "you found.",
    {"model.train(training)": "model.train()"},
)
fgsm.slip(
    "backward_into_weights",
    "The gradients of the weights are not what they were: `loss.backward()` adds to them, and "
    "`zero_grad` takes away what was there. Ask `torch.autograd.grad` for the pictures alone.",
    {
        "(gradient,) = torch.autograd.grad(loss, at)": "loss.backward()\n    gradient = at.grad",
    },
)
fgsm.slip(
    "half_the_step",
    "You moved by half of epsilon: the ball has radius epsilon to either side.",
    {"epsilon * gradient": "0.5 * epsilon * gradient"},
)
fgsm.slip(
    "normalised_gradient",
    "You divided the gradient by its largest entry. In the l∞ ball every pixel may use the whole "
    "of epsilon, however small its gradient: take the sign.",
    {"gradient.sign()": "(gradient / gradient.abs().max())"},
)
fgsm.slip(
    "sign_of_the_score",
    "You followed the gradient of the true label's score, turned round. The loss also knows "
    "which other label is near: take the cross-entropy.",
    {
        'F.cross_entropy(model(at), y, reduction="sum")': (
            "-model(at).gather(1, y[:, None]).sum()"
        ),
    },
)
fgsm.slip(
    "own_prediction",
    "You took the model's own answer for the label. The loss of the *true* label has to rise.",
    {"model(at), y, reduction": "model(at), model(at).argmax(1), reduction"},
)
fgsm.slip(
    "still_attached",
    "Your result still asks for a gradient. Whoever trains on it would send one back through the "
    "attack.",
    {"(x + epsilon * gradient.sign())": "(at + epsilon * gradient.sign())"},
)
fgsm.slip(
    "only_the_noise",
    "You returned the change instead of the changed picture.",
    {"(x + epsilon * gradient.sign()).clamp(0.0, 1.0)": "epsilon * gradient.sign()"},
)
fgsm.slip(
    "float64_returned",
    "Your pictures are float64 now. The model has float32 weights, and takes no others: give back "
    "x's dtype.",
    {"(x + epsilon * gradient.sign())": "(x.double() + epsilon * gradient.sign())"},
)
fgsm.slip(
    "change_clipped",
    "You returned the change instead of the changed picture, and clipped it: what takes ink away "
    "became 0.",
    {"(x + epsilon * gradient.sign())": "(epsilon * gradient.sign())"},
)
fgsm.slip(
    "change_without_picture",
    "You clipped the picture and returned only by how much it changed.",
    {
        "return (x + epsilon * gradient.sign()).clamp(0.0, 1.0)": (
            "return (x + epsilon * gradient.sign()).clamp(0.0, 1.0) - x"
        )
    },
)
fgsm.slip(
    "zero_goes_up",
    "You move a pixel up where its gradient is exactly 0. Nothing is known about it: `sign` gives "
    "0 there.",
    {"gradient.sign()": "torch.where(gradient >= 0, 1.0, -1.0)"},
)
fgsm.slip(
    "zero_goes_down",
    "You move a pixel down where its gradient is exactly 0. Nothing is known about it: `sign` "
    "gives "
    "0 there.",
    {"gradient.sign()": "torch.where(gradient > 0, 1.0, -1.0)"},
)
fgsm.slip(
    "unit_length",
    "You divided the gradient by its l2 length. In the l∞ ball the pixels do not share one length: "
    "each moves by the whole of epsilon, so take the sign.",
    {
        "gradient.sign()": (
            "gradient / gradient.flatten(1).norm(dim=1).clamp(min=1e-12)"
            ".reshape(-1, *[1] * (x.ndim - 1))"
        )
    },
)
fgsm.slip(
    "unit_length_of_the_batch",
    "You divided the gradient of the whole batch by one length. In the l∞ ball every pixel of "
    "every "
    "picture moves by the whole of epsilon: take the sign.",
    {"gradient.sign()": "gradient / gradient.norm()"},
)
fgsm.slip(
    "mean_gradient_itself",
    "You added the gradient of the mean loss times epsilon. In the l∞ ball every pixel may move by "
    "the whole of epsilon: add its sign.",
    {', reduction="sum"': "", "gradient.sign()": "gradient"},
)
fgsm.slip(
    "softmax_twice",
    "You gave shares to `F.cross_entropy`. It takes the softmax itself, so there are two now, and "
    "the gradient is that of another loss.",
    {"model(at), y, reduction": "model(at).softmax(dim=1), y, reduction"},
)
fgsm.slip(
    "largest_score",
    "You pulled at the largest score, whichever label it has. The loss is the cross-entropy of the "
    "*true* label.",
    {'F.cross_entropy(model(at), y, reduction="sum")': "model(at).amax(dim=1).sum()"},
)
fgsm.slip(
    "first_example_only",
    "Only the first picture was attacked: your loss is that of one example. Take the sum, or the "
    "mean, over the batch.",
    {"F.cross_entropy(model(at), y, reduction": "F.cross_entropy(model(at)[:1], y[:1], reduction"},
)
fgsm.slip(
    "weights_left_frozen",
    "You stopped the weights from asking for a gradient, and left them so. Whoever trains on after "
    "the attack trains nothing. Ask `torch.autograd.grad` for the pictures alone; then no weight "
    "has to be stopped.",
    {"    model.eval()\n": "    model.eval()\n    model.requires_grad_(False)\n"},
)
fgsm.slip(
    "weights_all_set_free",
    "You let every weight ask for a gradient at the end, also those that its owner keeps fixed. "
    "Put "
    "back what you found, or leave `requires_grad` alone.",
    {
        "    model.train(training)\n": (
            "    model.train(training)\n    model.requires_grad_(True)\n"
        )
    },
)

fgsm.hint("Make a copy of x that asks for a gradient, and look only at that gradient.")
fgsm.hint("`torch.autograd.grad(loss, copy)` gives it and touches no weight.")
fgsm.hint("Is the model in the mode in which it will be used?", when="value")

_LOSS = "F.cross_entropy(model(at), y{})"
_GRADIENT = "gradient, = torch.autograd.grad({}, at)"
_SUM, _MEAN = _LOSS.format(", reduction='sum'"), _LOSS.format("")
fgsm.equivalent(
    f"`{_GRADIENT.format(_SUM)}` → `{_GRADIENT.format(_MEAN)}`",
    because="a mean has the signs of the sum",
)
