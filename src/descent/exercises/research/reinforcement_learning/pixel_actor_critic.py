"""How `PixelActorCritic` is judged: by its parameters, how they begin, and a second network."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import fill_with_normals
from descent.exercises.inspecting import has, parameter_total
from descent.grading import Draw, Exercise, expect

PixelActorCritic = Exercise("PixelActorCritic", minutes=40, difficulty=3, seconds=8.0)

SMALL = ((16, 3, 1, 1), (32, 3, 2, 1)), 128
LARGE = ((32, 8, 4, 0), (64, 4, 2, 0), (64, 3, 1, 0)), 512


def _plan(height: int, width: int) -> tuple[tuple[tuple[int, int, int, int], ...], int]:
    return SMALL if height < 36 or width < 36 else LARGE


def _shapes(channels: int, height: int, width: int, actions: int) -> list[tuple[int, ...]]:
    """The shapes of all weights, in the order of the table."""
    convolutions, hidden = _plan(height, width)
    shapes: list[tuple[int, ...]] = []
    picture = torch.zeros(1, 1, height, width)
    for out, kernel, stride, padding in convolutions:
        shapes.append((out, channels, kernel, kernel))
        picture = F.conv2d(picture, torch.zeros(1, 1, kernel, kernel), None, stride, padding)
        channels = out
    inputs = channels * picture.shape[2] * picture.shape[3]
    return [*shapes, (hidden, inputs), (actions, hidden), (1, hidden)]


def _weights(model: Any) -> list[Any]:
    """The layers with weights: the body's, then the two heads."""
    layers = [layer for layer in model.body.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [*layers, model.policy, model.value]


def _is_whole(model: Any, channels: int, height: int, width: int, actions: int) -> bool:
    if not has(model, "the network", "body", "policy", "value"):
        return False
    shapes = _shapes(channels, height, width, actions)
    found = [tuple(layer.weight.shape) for layer in _weights(model)]
    expect(found, "the shapes of the weights").equals(shapes)
    biases = [layer.bias is not None for layer in _weights(model)]
    expect(all(biases), "whether every layer has a bias").equals(True)
    total = sum(math.prod(shape) + shape[0] for shape in shapes)
    expect(parameter_total(model), "how many numbers it learns").equals(total)
    return found == shapes and all(biases) and parameter_total(model) == total


def _expected(model: Any, pictures: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The network of the table, from the model's own weights."""
    convolutions, _ = _plan(height, width)
    layers = _weights(model)
    x = pictures.double() / 255
    for layer, (_, _, stride, padding) in zip(layers, convolutions, strict=False):
        x = F.conv2d(x, layer.weight.double(), layer.bias.double(), stride, padding).clamp(min=0)
    linear, policy, value = layers[len(convolutions) :]
    x = (x.reshape(len(x), -1) @ linear.weight.double().T + linear.bias.double()).clamp(min=0)
    logits = x @ policy.weight.double().T + policy.bias.double()
    return logits, x @ value.weight.double()[0] + value.bias.double()[0]


def _pictures(draw: Draw, *shape: int) -> Tensor:
    return torch.tensor(draw.integers(0, 256, *shape), dtype=torch.uint8)


def _judge(answer, draw: Draw, n: int, channels: int, height: int, width: int, actions: int):
    model = answer(channels, height, width, actions)
    if not _is_whole(model, channels, height, width, actions):
        return
    for layer in _weights(model):  # by their order, whatever a body calls them
        fill_with_normals(layer, draw, scale=0.1)
    pictures = _pictures(draw, n, channels, height, width)
    with torch.no_grad():
        found = model(pictures)
        wanted = _expected(model, pictures, height, width)
    if not isinstance(found, tuple):
        expect(found, "what it gives").is_a(tuple)
        return
    expect(found[0], "the logits").has_shape(n, actions).close_to(wanted[0], 1e-3)
    expect(found[1], "the values").has_shape(n).close_to(wanted[1], 1e-3)


@PixelActorCritic.property(
    "computes the table's network of small pictures, odd sides too", trials=3
)
def _(answer, draw: Draw) -> None:
    sides = draw.integers(4, 12), draw.integers(12, 20)
    _judge(answer, draw, draw.size, draw.integers(1, 4), *sides, draw.integers(2, 7))


@PixelActorCritic.property("computes the larger network of large ones", trials=1)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 2, 2, 36, 45, 3)
    _judge(answer, draw, 1, 1, 44, 40, 2)


@PixelActorCritic.property("takes the small one where one side is below 36", trials=1)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1, 1, 36, 35, 2)
    _judge(answer, draw, 2, 1, 4, 40, 2)


def _gains(count: int) -> list[float]:
    return [math.sqrt(2)] * (count - 2) + [0.01, 1.0]


@PixelActorCritic.property("begins orthogonal, with the table's gains and biases of 0", trials=1)
def _(answer, draw: Draw) -> None:
    for sides in ((6, 9), (36, 36)):
        model = answer(3, *sides, 4)
        if not _is_whole(model, 3, *sides, 4):
            return
        layers = _weights(model)
        for place, (layer, gain) in enumerate(zip(layers, _gains(len(layers)), strict=True), 1):
            matrix = layer.weight.detach().double().flatten(1).numpy()
            lengths = np.linalg.svd(matrix, compute_uv=False)
            name = f"how much layer {place} of {len(layers)} stretches"
            even = bool(np.ptp(lengths) < 1e-3 * lengths.max())
            expect(even, f"whether layer {place} is orthogonal").equals(True)
            if even:
                expect(float(lengths.mean()), name).close_to(gain, 1e-3)
            begun = bool(layer.bias.abs().max() == 0)
            expect(begun, f"whether the biases of layer {place} begin at 0").equals(True)


@PixelActorCritic.property(
    "begins with actions nearly as likely, and learns in every part", trials=1
)
def _(answer, draw: Draw) -> None:
    model = answer(2, 8, 8, 5)
    if not has(model, "the network", "body", "policy", "value"):
        return
    logits, values = model(_pictures(draw, 4, 2, 8, 8))
    alike = bool((logits.softmax(1) - 0.2).abs().max() < 0.03)
    expect(alike, "whether the first chances are alike").equals(True)
    (logits.square().sum() + (values - 1).square().sum()).backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]
    expect(all(reached), "whether a gradient reaches every parameter").equals(True)


@PixelActorCritic.property("leaves the pictures as they are")
def _(answer, draw: Draw) -> None:
    model = answer(1, 8, 8, 2)
    pictures = _pictures(draw, 2, 1, 8, 8)
    before = pictures.clone()
    model(pictures)
    expect(pictures, "the pictures afterwards").equals(before)


@PixelActorCritic.property("draws other weights for each network")
def _(answer, draw: Draw) -> None:
    model, other = answer(1, 8, 8, 2), answer(1, 8, 8, 2)
    pairs = zip(model.parameters(), other.parameters(), strict=False)
    apart = max(float((a - b).abs().max()) for a, b in pairs if a.shape == b.shape)
    expect(apart > 1e-3, "whether two networks begin differently").equals(True)


@PixelActorCritic.right
class RightPixelActorCritic(nn.Module):
    def __init__(self, channels, height, width, actions):
        super().__init__()
        small = min(height, width) < 36
        plan = SMALL[0] if small else LARGE[0]
        hidden = SMALL[1] if small else LARGE[1]
        layers = []
        for out, kernel, stride, padding in plan:
            layers.append(nn.Conv2d(channels, out, kernel, stride, padding))
            layers.append(nn.ReLU())
            channels = out
            height = (height + 2 * padding - kernel) // stride + 1
            width = (width + 2 * padding - kernel) // stride + 1
        layers += [nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.policy = nn.Linear(hidden, actions)
        self.value = nn.Linear(hidden, 1)
        weighted = [one for one in self.body if hasattr(one, "weight")]
        for layer in weighted:
            nn.init.orthogonal_(layer.weight, math.sqrt(2))
        nn.init.orthogonal_(self.policy.weight, 0.01)
        nn.init.orthogonal_(self.value.weight, 1.0)
        for layer in [*weighted, self.policy, self.value]:
            nn.init.zeros_(layer.bias)

    def forward(self, pictures):
        found = self.body(pictures.float() / 255)
        return self.policy(found), self.value(found)[:, 0]


PixelActorCritic.slip(
    "bytes_not_scaled",
    "You hand bytes from 0 to 255 to the network. Divide by 255: weights that begin orthogonal "
    "keep the size of what comes in.",
    {"pictures.float() / 255": "pictures.float()"},
)
PixelActorCritic.slip(
    "divided_by_256",
    "You divided by 256. The largest byte is 255, and it becomes 1.",
    {"pictures.float() / 255": "pictures.float() / 256"},
)
PixelActorCritic.slip(
    "around_zero",
    "You brought the pixels between −1 and 1. The body takes them from 0 to 1.",
    {"pictures.float() / 255": "pictures.float() / 127.5 - 1"},
)
PixelActorCritic.slip(
    "values_in_a_column",
    "The values come back as a column (n, 1). With returns (n,) that broadcasts to n × n, without "
    "an error, and the value learns the mean.",
    {"self.value(found)[:, 0]": "self.value(found)"},
)
PixelActorCritic.slip(
    "order_exchanged",
    "You return the values first. Logits come first.",
    {"return self.policy(found), self.value(found)[:, 0]": "return self.value(found)[:, 0], "
     "self.policy(found)"},
)  # fmt: skip
PixelActorCritic.slip(
    "chances_for_logits",
    "You return probabilities. Logits are asked for: a softmax of a softmax is nearly uniform.",
    {"return self.policy(found),": "return self.policy(found).softmax(dim=1),"},
)
PixelActorCritic.slip(
    "policy_begins_loud",
    "The policy's last layer begins with gain 1. With 0.01 all actions begin nearly as likely.",
    {"self.policy.weight, 0.01": "self.policy.weight, 1.0"},
)
PixelActorCritic.slip(
    "value_begins_quiet",
    "The value's last layer begins with gain 0.01. It is 1; 0.01 is the policy's.",
    {"self.value.weight, 1.0": "self.value.weight, 0.01"},
)
PixelActorCritic.slip(
    "gain_of_one",
    "The hidden layers begin with gain 1. A ReLU takes half away: √2 makes up for it.",
    {"layer.weight, math.sqrt(2)": "layer.weight, 1.0"},
)
PixelActorCritic.slip(
    "gain_of_two",
    "The hidden layers begin with gain 2. It is the root of it.",
    {"layer.weight, math.sqrt(2)": "layer.weight, 2.0"},
)
PixelActorCritic.slip(
    "default_start",
    "The body's layers keep torch's own start. They begin orthogonal.",
    {"nn.init.orthogonal_(layer.weight, math.sqrt(2))": "pass"},
)
PixelActorCritic.slip(
    "biases_left",
    "The biases keep torch's own start. They begin at 0.",
    {"nn.init.zeros_(layer.bias)": "pass"},
)
PixelActorCritic.slip(
    "no_last_relu",
    "The ReLU after the linear layer is missing. Then linear layer and heads are one linear map.",
    {"nn.Linear(channels * height * width, hidden), nn.ReLU()]":
     "nn.Linear(channels * height * width, hidden)]"},
)  # fmt: skip
PixelActorCritic.slip(
    "no_relus_between",
    "There is no ReLU after the convolutions, so together they are one linear map.",
    {"layers.append(nn.ReLU())": "layers.append(nn.Identity())"},
)
PixelActorCritic.slip(
    "tanh_for_relu",
    "You took tanh. The table has ReLU.",
    {
        "layers.append(nn.ReLU())": "layers.append(nn.Tanh())",
        "hidden), nn.ReLU()]": "hidden), nn.Tanh()]",
    },  # fmt: skip
)
PixelActorCritic.slip(
    "always_small",
    "You make the small network always. From 36 pixels on, on both sides, it is the larger one.",
    {"min(height, width) < 36": "True"},
)
PixelActorCritic.slip(
    "always_large",
    "You make the large network always. Small pictures do not survive a kernel of 8 and a stride "
    "of 4.",
    {"min(height, width) < 36": "False"},
)
PixelActorCritic.slip(
    "longer_side",
    "You looked at the longer side. The table asks whether *a* side is below 36: the shorter one.",
    {"min(height, width)": "max(height, width)"},
)
PixelActorCritic.slip(
    "thirty_six_is_small",
    "You count a side of 36 as small. Small is below 36.",
    {"< 36": "<= 36"},
)
PixelActorCritic.slip(
    "square_expected",
    "You took pictures for square: the width was forgotten in the linear layer's size.",
    {"channels * height * width": "channels * height * height"},
)
PixelActorCritic.slip(
    "heads_share_nothing",
    "The heads read other things than the body's numbers, or a part of them alone.",
    {"self.value(found)[:, 0]": "self.value(found.detach() * 0)[:, 0]"},
)

PixelActorCritic.slip(
    "seeded_inside",
    "Every network begins with the same weights: your generator is seeded with the same "
    "number each time. Draw from torch's global one, `torch.default_generator`.",
    {"        super().__init__()\n": "        super().__init__()\n        torch.manual_seed(0)\n"},
)
PixelActorCritic.slip(
    "value_gain_of_root_two",
    "The value's last layer begins with gain √2. It is 1; √2 is for what a ReLU follows.",
    {"self.value.weight, 1.0": "self.value.weight, math.sqrt(2)"},
)
PixelActorCritic.slip(
    "height_alone",
    "You looked at the height alone. The table asks whether *a* side is below 36, the width too.",
    {"min(height, width) < 36": "height < 36"},
)
PixelActorCritic.slip(
    "values_not_negative",
    "You put a ReLU on the value. Values may be negative.",
    {"self.value(found)[:, 0]": "self.value(found)[:, 0].relu()"},
)
PixelActorCritic.slip(
    "whole_division",
    "You divided bytes as whole numbers: everything but 255 becomes 0. Make floats first.",
    {"pictures.float() / 255": "(pictures // 255).float()"},
)
PixelActorCritic.slip(
    "centred",
    "You took ½ off the pixels. The body takes them from 0 to 1.",
    {"pictures.float() / 255": "pictures.float() / 255 - 0.5"},
)
PixelActorCritic.slip(
    "unused_layer",
    "Your network has a layer more than the table. There are no other parameters.",
    {"self.value = nn.Linear(hidden, 1)": ("self.value = nn.Linear(hidden, 1)\n        "
         "self.more = nn.Linear(2, 2)")},
)  # fmt: skip
PixelActorCritic.slip(
    "single_picture_flattened",
    "Of a single picture you return a value without an axis. `squeeze()` drops every axis "
    "of length 1: take column 0.",
    {"self.value(found)[:, 0]": "self.value(found).squeeze()"},
)

PixelActorCritic.hint("A convolution's side: (side + 2 · padding − kernel) // stride + 1.")
PixelActorCritic.hint("Or send a picture of zeros through the convolutions and look at its shape.")
PixelActorCritic.hint("`nn.init.orthogonal_(weight, gain)` flattens a convolution's weight itself.",
                      when="begins orthogonal, with the table's gains and biases of 0")  # fmt: skip
PixelActorCritic.hint("Whose random numbers are drawn? The constructor is handed no generator.",
                      when="draws other weights for each network")  # fmt: skip
PixelActorCritic.hint("uint8 goes in: `.float()` first, then divide.", when="error")

PixelActorCritic.equivalent(
    "`small = min(height, width) < 36` → `small = min(width, height) < 36`",
    because="the smaller of two does not depend on their order",
)

PixelActorCritic.equivalent(
    "`return (self.policy(found), self.value(found)[:, 0])` → `return "
    "(self.policy(found), self.value(found)[:, -1])`",
    because="there is one column",
)
