"""How `scaled_rates` is judged: each parameter's rate, found by its content, against its fan-in."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from descent.grading import Draw, Exercise, expect

scaled_rates = Exercise("scaled_rates", minutes=15, difficulty=2, returns=list[dict])


def _fan_in(layer: nn.Module) -> int:
    """By the sizes that the layer itself was made with."""
    if isinstance(layer, nn.Linear):
        return layer.in_features
    assert isinstance(layer, nn.Conv2d)
    return layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]


def _content(parameter: Any) -> bytes:
    """What a parameter is known by: the answer is handed a copy of the network."""
    return parameter.detach().numpy().tobytes()


def _rates(groups: list[dict[str, Any]]) -> dict[bytes, float]:
    return {_content(p): group["lr"] for group in groups for p in group["params"]}


def _judge(answer, network: nn.Module, gain: float) -> None:
    groups = answer(network, gain)
    if not all(isinstance(group, dict) and {"params", "lr"} <= set(group) for group in groups):
        expect(False, "whether each group has `params` and `lr`").equals(True)
        return
    groups = [{**group, "params": list(group["params"])} for group in groups]
    count = sum(len(group["params"]) for group in groups)
    expect(count, "the number of parameter tensors in all groups").equals(
        len(list(network.parameters()))
    )
    found = _rates(groups)
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            rate = gain / math.sqrt(_fan_in(layer))
            expect(
                found.get(_content(layer.weight), math.nan), f"the rate of {name}.weight"
            ).close_to(rate)
            if layer.bias is not None:
                expect(
                    found.get(_content(layer.bias), math.nan), f"the rate of {name}.bias"
                ).close_to(rate)


@scaled_rates.property("gives a linear layer gain / √inputs")
def _(answer, draw: Draw) -> None:
    network = nn.Sequential(nn.Linear(draw.size + 2, draw.size + 9))
    _judge(answer, network, draw.uniform(0.05, 0.5))


@scaled_rates.property("counts a convolution's channels and its kernel, which need not be square")
def _(answer, draw: Draw) -> None:
    kernel = draw.integers(1, 4), draw.integers(4, 6)
    network = nn.Sequential(nn.Conv2d(draw.integers(2, 5), draw.integers(6, 9), kernel))
    _judge(answer, network, draw.uniform(0.05, 0.5))


@scaled_rates.property("gives every layer its own rate, and skips what has no parameters", trials=3)
def _(answer, draw: Draw) -> None:
    width = draw.integers(2, 6)
    network = nn.Sequential(
        nn.Conv2d(1, width, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(width, 2 * width, 3),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(18 * width, 10),
    )  # fmt: skip
    _judge(answer, network, draw.uniform(0.05, 0.5))


@scaled_rates.property("finds layers inside blocks, and layers without a bias", trials=3)
def _(answer, draw: Draw) -> None:
    block = nn.Sequential(nn.Linear(6, 11, bias=False), nn.ReLU())
    network = nn.Sequential(
        nn.Conv2d(2, 3, 2, bias=False), nn.ModuleList([block]), nn.Linear(11, 4)
    )
    _judge(answer, network, draw.uniform(0.05, 0.5))


@scaled_rates.property("takes a layer with one output as any other")
def _(answer, draw: Draw) -> None:
    network = nn.Sequential(nn.Conv2d(2, 1, draw.integers(2, 4)), nn.Linear(draw.size + 2, 1))
    _judge(answer, network, draw.uniform(0.05, 0.5))


@scaled_rates.right
def right_rates(network, gain):
    groups = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            parameters = list(layer.parameters())
            groups.append({"params": parameters, "lr": gain / math.sqrt(fan_in)})
    return groups


scaled_rates.slip(
    "fan_out",
    "You divided by the root of the fan-*out*. The scale of the start, and the "
    "rate with it, goes by "
    "how many numbers a unit reads.",
    {"layer.weight[0].numel()": "layer.weight[:, 0].numel()"},
)
scaled_rates.slip(
    "without_root",
    "You divided by the fan-in. A sum of n random terms grows with √n: divide by the root.",
    {"math.sqrt(fan_in)": "fan_in"},
)
scaled_rates.slip(
    "channels_only",
    "Of a convolution you counted the input channels alone. One output reads a whole box of them: "
    "channels × kernel rows × kernel columns.",
    {"layer.weight[0].numel()": "layer.weight.shape[1]"},
)
scaled_rates.slip(
    "multiplied",
    "You multiplied by the root. The more a unit reads, the *smaller* its rate.",
    {"gain / math.sqrt": "gain * math.sqrt"},
)
scaled_rates.slip(
    "bias_left_out",
    "The biases are in no group, so the optimiser would never move them. They go with their layer.",
    {"list(layer.parameters())": "[layer.weight]"},
)
scaled_rates.slip(
    "top_level_only",
    "You looked at the network's own children alone. Layers may lie inside blocks: go through "
    "`modules()`.",
    {"network.modules()": "network.children()"},
)
scaled_rates.slip(
    "linear_only",
    "You gave rates to linear layers and forgot the convolutions.",
    {"nn.Conv2d | nn.Linear": "nn.Linear"},
)
scaled_rates.slip(
    "gain_forgotten",
    "The gain is not used. It is the rate of a layer with a fan-in of 1.",
    {"gain / math": "1 / math"},
)
scaled_rates.equivalent(
    "`fan_in = layer.weight[0].numel()` → `fan_in = layer.weight[-1].numel()`",
    because="the weights of every output have the same shape",
)
scaled_rates.slip(
    "square_kernel_assumed",
    "You squared one side of the kernel. Kernels need not be square: multiply its two sides.",
    {
        "layer.weight[0].numel()": (
            "layer.weight.shape[1] * (layer.kernel_size[0] ** 2 if layer.weight.dim() == 4 else 1)"
        ),
    },
)
scaled_rates.slip(
    "one_side_of_kernel",
    "You counted one side of the kernel. One output reads kernel rows × kernel columns of "
    "each channel.",
    {
        "layer.weight[0].numel()": (
            "layer.weight.shape[1] * (layer.kernel_size[0] if layer.weight.dim() == 4 else 1)"
        ),
    },
)
scaled_rates.slip(
    "bias_at_gain",
    "Your biases have a rate of their own, the gain. A bias has the rate of its layer.",
    {
        'groups.append({"params": parameters, "lr": gain / math.sqrt(fan_in)})': (
            'groups.append({"params": [layer.weight], "lr": gain / '
            "math.sqrt(fan_in)})\n"
            "            if layer.bias is not None:\n"
            '                groups.append({"params": [layer.bias], '
            '"lr": gain})'
        ),
    },
)
scaled_rates.slip(
    "missing_bias_listed",
    "A layer without a bias has None there, and you put the None into a group.",
    {
        "list(layer.parameters())": "[layer.weight, layer.bias]",
    },
)
scaled_rates.slip(
    "blocks_as_layers",
    "You made a group for every module that holds parameters, blocks and the network too. "
    "Then a parameter stands in several: take the layers themselves.",
    {
        "isinstance(layer, nn.Conv2d | nn.Linear)": "any(True for _ in layer.parameters())",
        "layer.weight[0].numel()": "next(layer.parameters())[0].numel()",
    },
)
scaled_rates.slip(
    "names_for_parameters",
    "You listed the names of the parameters. An optimiser needs the tensors.",
    {
        "list(layer.parameters())": "[name for name, _ in layer.named_parameters()]",
    },
)
scaled_rates.slip(
    "gain_under_the_root",
    "You took the root of the gain too. The rate is gain / √fan-in.",
    {
        "gain / math.sqrt(fan_in)": "math.sqrt(gain / fan_in)",
    },
)
scaled_rates.slip(
    "mean_of_both_fans",
    "You took the mean of fan-in and fan-out. The rule of the page has the fan-in alone.",
    {
        "layer.weight[0].numel()": "(layer.weight[0].numel() + len(layer.weight)) / 2",
    },
)
scaled_rates.slip(
    "bias_as_input",
    "You counted the bias as one more input. The fan-in is how many numbers one output reads.",
    {
        "layer.weight[0].numel()": "layer.weight[0].numel() + (layer.bias is not None)",
    },
)
scaled_rates.slip(
    "key_other_than_lr",
    'The rate of a group stands under "lr"; any other key the optimiser does not know.',
    {
        '"lr": gain': '"rate": gain',
    },
)
scaled_rates.slip(
    "one_rate_for_all",
    "You gave all layers one rate. Each layer has its own, by its own fan-in.",
    {
        "    return groups": (
            '    return [{"params": sum((g["params"] for g in groups), '
            '[]), "lr": min(g["lr"] for g in groups)}]'
        ),
    },
)
scaled_rates.slip(
    "convolutions_only",
    "You gave rates to convolutions and forgot the linear layers.",
    {
        "nn.Conv2d | nn.Linear": "nn.Conv2d",
    },
)
scaled_rates.slip(
    "whole_weight_counted",
    "You counted all the weights of the layer. The fan-in is what *one* output reads.",
    {
        "layer.weight[0].numel()": "layer.weight.numel()",
    },
)
scaled_rates.hint("`network.modules()` goes through all layers, however deep they lie.")
scaled_rates.hint("A layer's weight has the shape (outputs, …). What is left of it for one output?")
scaled_rates.hint("A 3 × 3 convolution that reads 4 channels has a fan-in of 36.", when="factor")
