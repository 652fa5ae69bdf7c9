"""How `saliency` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from descent.exercises.doubles import normals, token_tensor
from descent.grading import Draw, Exercise, expect

from .shared import expect_no_gradients

saliency = Exercise(
    "saliency", minutes=15, difficulty=1, changes=("model", "x"), returns=torch.Tensor
)


class _Classifier(nn.Module):
    """Pictures → tanh of a linear layer → logits; its slopes are easy to write down."""

    def __init__(self, draw: Draw, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        pixels = int(np.prod(shape))
        self.hidden = nn.Parameter(normals(draw, pixels, 4, scale=0.6) + 0.05)
        self.out = nn.Parameter(normals(draw, 4, classes) + 0.05)

    def forward(self, x):
        return (x.flatten(1) @ self.hidden).tanh() @ self.out


def _slopes(model: _Classifier, x, classes) -> np.ndarray:
    """The gradient of each row's logit, from the chain rule."""
    hidden, out = (p.detach().double().numpy() for p in model.parameters())
    rows = x.detach().double().numpy().reshape(len(x), -1)
    slope = 1 - np.tanh(rows @ hidden) ** 2
    back = (slope * out[:, classes.numpy()].T) @ hidden.T
    return back.reshape(x.shape)


def _case(draw: Draw, channels: int):
    shape = (channels, 2 + draw.size % 3, 3 + draw.size % 2)
    model = _Classifier(draw, shape, 5)
    n = 1 + draw.size % 6
    return model, normals(draw, n, *shape), token_tensor(draw, 5, n)


def _expect_map(answer, model, x, classes) -> None:
    expected = np.abs(_slopes(model, x, classes)).max(axis=1)
    expect(answer(model, x, classes), "the map").close_to(expected, atol=1e-5)


@saliency.property("is the size of the slope of each picture's own logit", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_map(answer, *_case(draw, 1))


@saliency.property("takes the largest size over the channels", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_map(answer, *_case(draw, 3))


@saliency.property("works for a batch of one", trials=2)
def _(answer, draw: Draw) -> None:
    model, x, classes = _case(draw, 2)
    _expect_map(answer, model, x[:1], classes[:1])


@saliency.property("does not shrink where the network is sure", trials=2)
def _(answer, draw: Draw) -> None:
    model, x, classes = _case(draw, 1)
    with torch.no_grad():
        model.out.mul_(40)
    _expect_map(answer, model, x, classes)


@saliency.property("asks the class it is given, whichever the network prefers", trials=3)
def _(answer, draw: Draw) -> None:
    model, x, _ = _case(draw, 1)
    _expect_map(answer, model, x, model(x).argmin(dim=1))


@saliency.property("adds to no parameter's gradient, and returns no graph", trials=2)
def _(answer, draw: Draw) -> None:
    model, x, classes = _case(draw, 1)
    found = answer(model, x, classes)
    expect_no_gradients(model)
    expect(found.requires_grad, "whether a graph hangs on the map").equals(False)


@saliency.property("leaves what was in a parameter's gradient before", trials=1)
def _(answer, draw: Draw) -> None:
    model, x, classes = _case(draw, 1)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    answer(model, x, classes)
    kept = [
        parameter.grad is not None and bool((parameter.grad == 1).all())
        for parameter in model.parameters()
    ]
    expect(kept, "whether the gradient that was in each parameter is as it was").equals(
        [True] * len(kept)
    )


@saliency.property("leaves the pictures as they were", trials=1)
def _(answer, draw: Draw) -> None:
    model, x, classes = _case(draw, 2)
    before = x.clone()
    answer(model, x, classes)
    expect(x.requires_grad, "whether the pictures ask for gradients afterwards").equals(False)
    expect(x.detach(), "the pictures afterwards").close_to(before, rtol=0, atol=0)


@saliency.property("works for a model whose parameters are frozen", trials=1)
def _(answer, draw: Draw) -> None:
    model, x, classes = _case(draw, 2)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    _expect_map(answer, model, x, classes)


@saliency.right
def right_saliency(model, x, classes):
    x = x.detach().clone().requires_grad_()
    logits = model(x)
    chosen = logits.gather(1, classes[:, None])
    slopes = torch.autograd.grad(chosen.sum(), x)[0]
    return slopes.abs().amax(dim=1)


saliency.slip(
    "of_the_probability",
    "You differentiated the probability. Where the network is sure, it hardly moves, and it falls "
    "also when *another* logit rises: take the logit.",
    {"logits.gather": "logits.softmax(dim=1).gather"},
)
saliency.slip(
    "of_the_log_probability",
    "You differentiated the log-probability, or the loss. It depends on all the other logits, and "
    "is flat where the network is sure: take the logit.",
    {"logits.gather": "logits.log_softmax(dim=1).gather"},
)
saliency.slip(
    "mean_over_the_batch",
    "You differentiated a mean over the batch, so every map is divided by the number of pictures. "
    "Take the sum: rows do not touch each other.",
    {"chosen.sum()": "chosen.mean()"},
)
saliency.slip(
    "predicted_class",
    "You asked the class that the network prefers. The class to ask is given.",
    {"classes[:, None]": "logits.argmax(dim=1)[:, None]"},
)
saliency.slip(
    "all_logits",
    "You differentiated the sum of all logits. Each picture has one class to ask.",
    {"chosen.sum()": "logits.sum()"},
)
saliency.slip(
    "first_class_for_all",
    "You asked the first picture's class of all pictures.",
    {"classes[:, None]": "classes[:1, None].expand(len(x), 1)"},
)
saliency.slip(
    "signed",
    "You left the signs. The map says how much a pixel counts, in either direction: take the size.",
    {"slopes.abs().amax": "slopes.amax"},
)
saliency.slip(
    "size_after_the_largest",
    "You took the largest slope over the channels, then its size. A large negative slope is lost: "
    "the size comes first.",
    {"slopes.abs().amax(dim=1)": "slopes.amax(dim=1).abs()"},
)
saliency.slip(
    "summed_over_channels",
    "You added the channels up. Take the largest of them.",
    {".amax(dim=1)": ".sum(dim=1)"},
)
saliency.slip(
    "mean_over_channels",
    "You averaged the channels. Take the largest of them.",
    {".amax(dim=1)": ".mean(dim=1)"},
)
saliency.slip(
    "times_the_input",
    "You multiplied the slope by the picture. That is another map, which is 0 wherever the paper "
    "is: saliency is the slope alone.",
    {"slopes.abs()": "(slopes * x).detach().abs()"},
)
saliency.slip(
    "scaled_together",
    "You divided by the largest value of all the maps. Maps of different pictures could then not "
    "be compared: leave the units.",
    {"slopes.abs().amax(dim=1)": "(slopes.abs().amax(dim=1) / slopes.abs().max())"},
)
saliency.slip(
    "squared",
    "You squared the slopes. Take their size.",
    {".abs()": ".square()"},
)
saliency.slip(
    "length_over_channels",
    "You took the length over the channels, the root of the sum of squares. Take the largest size.",
    {"slopes.abs().amax(dim=1)": "slopes.norm(dim=1)"},
)
saliency.slip(
    "positive_slopes_alone",
    "You left out slopes below 0. A pixel that lowers the logit counts as well: take the size.",
    {"slopes.abs().amax": "slopes.relu().amax"},
)
saliency.slip(
    "every_map_scaled_to_one",
    "You divided every map by its own largest value. Maps of different pictures could then not be "
    "compared: leave the units.",
    {
        "slopes.abs().amax(dim=1)": (
            "(slopes.abs().amax(dim=1) / slopes.abs().amax(dim=(1, 2, 3))[:, None, None])"
        )
    },
)
saliency.slip(
    "classes_of_all_pictures",
    "You asked every picture for the classes of all pictures: `logits[:, classes]` has a row and a "
    "column for each. Take one logit from each row.",
    {"logits.gather(1, classes[:, None])": "logits[:, classes]"},
)
saliency.slip(
    "first_channel_alone",
    "You looked at the first channel alone. Take the largest size over all of them.",
    {".amax(dim=1)": "[:, 0]"},
)
saliency.slip(
    "largest_logit_of_the_batch",
    "You differentiated one number, the largest logit of the whole batch. Each picture has its own "
    "class to ask.",
    {"chosen.sum()": "logits.amax()"},
)
saliency.slip(
    "wrong_axis",
    "You took the largest over the rows of pixels. The channels are axis 1.",
    {"amax(dim=1)": "amax(dim=2)"},
)
saliency.slip(
    "filled_the_parameters",
    "You called `backward`, which also adds to the gradient of every parameter. The next training "
    "step would use it: ask `torch.autograd.grad` for x alone.",
    {"torch.autograd.grad(chosen.sum(), x)[0]": "(chosen.sum().backward(), x.grad)[1]"},
)

saliency.slip(
    "gradients_wiped",
    "You called `backward` and then emptied the gradients of all parameters: what a training step "
    "had gathered there is gone. Ask `torch.autograd.grad` for x alone.",
    {
        "torch.autograd.grad(chosen.sum(), x)[0]": (
            "(chosen.sum().backward(), model.zero_grad(), x.grad)[2]"
        )
    },
)
saliency.slip(
    "the_pictures_themselves",
    "You asked for gradients on the caller's own pictures, and they go on asking for them: "
    "drawing them then fails, and whatever is computed with them builds a graph. Work on a copy.",
    {"x = x.detach().clone().requires_grad_()": "x = x.requires_grad_()"},
)
saliency.slip(
    "of_the_mean_loss",
    "You differentiated the loss, a mean over the batch. It depends on all the logits, and is flat "
    "where the network is sure: take each picture's own logit, and the sum of them.",
    {"chosen.sum()": "torch.nn.functional.cross_entropy(logits, classes)"},
)

saliency.hint("A copy of x that asks for gradients; the logits; one of them a picture.")
saliency.hint("`logits.gather(1, classes[:, None])` takes each picture's own.")
saliency.hint("`torch.autograd.grad(chosen.sum(), x)` touches no parameter's .grad.")
saliency.hint("Is a mean or a sum differentiated?", when="value")
