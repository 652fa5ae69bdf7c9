"""How `ResNet50` is judged."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .bottleneck import RightBlock
from .shared import (
    Shape,
    bottleneck,
    bottleneck_shapes,
    conv,
    expect_shapes,
    fill_alike,
    fixed,
    fixed_norm,
    is_norm,
)

ResNet50 = Exercise("ResNet50", minutes=30, difficulty=3, seconds=8.0)


def _plan(blocks: tuple[int, ...], width: int) -> list[tuple[int, int, int]]:
    """(channels before, width, stride) of every block."""
    plan, channels = [], width
    for stage, count in enumerate(blocks):
        for place in range(count):
            stride = 2 if stage and not place else 1
            plan.append((channels, width * 2**stage, stride))
            channels = 4 * width * 2**stage
    return plan


def _resnet_shapes(classes: int, blocks: tuple[int, ...], width: int) -> list[Shape]:
    plan = _plan(blocks, width)
    last = 4 * plan[-1][1]
    inner = [shape for block in plan for shape in bottleneck_shapes(*block)]
    return [(width, 3, 7, 7), (width,), (width,), *inner, (classes, last), (classes,)]


def _resnet(x: Tensor, seed: int, classes: int, blocks, width: int, training: bool) -> Tensor:
    """The network of the table, with the numbers of `fixed`."""
    x = F.relu(fixed_norm(conv(x, seed, width, 7, 2), seed, training))
    padded = F.pad(x, (1, 1, 1, 1))  # a ReLU is never below 0
    x = padded.unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2))
    for _, inner, stride in _plan(blocks, width):
        x = bottleneck(x, seed, inner, stride, training)
    table = fixed((classes, x.shape[1]), seed)
    return torch.einsum("ncij,kc->nk", x, table) / x[0, 0].numel() + fixed((classes,), seed)


@ResNet50.property("computes the network of the table", trials=1)
def _(answer, draw: Draw) -> None:
    blocks, seed = (2, 1, 2, 1), draw.seed()
    model = answer(5, blocks, 3)
    if not expect_shapes(model, _resnet_shapes(5, blocks, 3)):
        return
    fill_alike(model, seed)
    x = normals(draw, 2, 3, 64, 90)
    for training in (False, True):
        mode = "training" if training else "evaluation"
        expected = _resnet(x, seed, 5, blocks, 3, training)
        found = model.train(training)(x)
        expect(found, f"the logits in {mode}").close_to(expected, rtol=1e-2, atol=3e-3)


@ResNet50.property("answers pictures of any size from 64 up, in any batch", trials=2)
def _(answer, draw: Draw) -> None:
    model = answer(6, (1, 1, 1, 1), 2).eval()
    for sides in ((64, 64), (65, 97), (160, 128)):
        out = model(normals(draw, draw.size, 3, *sides))
        expect(tuple(out.shape), f"the shape of the logits at {sides}").equals((draw.size, 6))


@ResNet50.property("takes any number of stages", trials=1)
def _(answer, draw: Draw) -> None:
    for blocks in ((2,), (1, 2), (1, 1, 1, 1, 1)):
        model = answer(3, blocks, 2)
        expect_shapes(model, _resnet_shapes(3, blocks, 2))


@ResNet50.property("starts with the last gain of every block at 0, the others at 1", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, (2, 1, 1, 2), 2)
    gains = [norm.weight.detach() for norm in model.modules() if is_norm(norm)]
    silent = sorted(len(gain) for gain in gains if not gain.any())
    expect(silent, "the channels of the norms with gain 0").equals([8, 8, 16, 32, 64, 64])
    loud = [float(value) for gain in gains if gain.any() for value in gain]
    expect(loud, "the gains of the others").close_to([1.0] * len(loud))


def _spread(tensor: Tensor, wanted: float) -> float:
    """The deviation of a start over the one that it should have, to one decimal."""
    return round(float(tensor.detach().std()) / wanted, 1)


@ResNet50.property("initialises its kernels as He does, by their outputs", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, (1, 1, 1, 1), 8)
    for outputs, inputs, side in ((8, 3, 7), (64, 64, 3), (256, 64, 1), (64, 128, 1)):
        shape = (outputs, inputs, side, side)
        for kernel in model.parameters():
            if tuple(kernel.shape) == shape:
                spread = _spread(kernel, (2 / (outputs * side * side)) ** 0.5)
                expect(spread, f"spread over √(2/fan_out) of shape {shape}").is_between(0.9, 1.1)
                largest = float(kernel.detach().abs().max() / kernel.detach().std())
                # Even numbers reach 1.7. Among 1 176 normal ones none beyond 2.2: one time in 10¹⁴.
                expect(
                    largest > 2.2, f"bell-shaped, with numbers far out, of shape {shape}"
                ).equals(True)


@ResNet50.property("leaves the linear layer as torch makes it", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(30, (1, 1, 1, 1), 2)
    bound = 64**-0.5  # torch draws evenly between ∓ 1/√inputs
    for shape in ((30, 64), (30,)):
        for part in model.parameters():
            if tuple(part.shape) == shape:
                largest = round(float(part.detach().abs().max()) / bound, 1)
                what = "the largest of its " + ("weights" if len(shape) == 2 else "biases")
                expect(largest, f"{what}, over 1/√inputs").is_between(0.7, 1.0)
                if len(shape) == 2:
                    spread = _spread(part, bound / 3**0.5)
                    expect(spread, "the spread of its weights, over 1/√(3·inputs)").is_between(
                        0.9, 1.1
                    )


@ResNet50.property("lets the gradient reach every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(3, (1, 1, 1, 1), 2).train()
    fill_alike(model, draw.seed())
    out = model(normals(draw, 2, 3, 64, 64))
    (out * normals(draw, *out.shape)).sum().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]
    expect(len(reached) - sum(reached), "how many parameters got no gradient").equals(0)


@ResNet50.property("has the 25 557 032 parameters of ResNet-50", trials=1)
def _(answer, draw: Draw) -> None:
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        model = answer()
    count = sum(parameter.numel() for parameter in model.parameters())
    expect(count, "how many parameters there are").equals(25_557_032)
    expect_shapes(model, _resnet_shapes(1000, (3, 4, 6, 3), 64))


@ResNet50.right
class RightNetwork(nn.Module):
    def __init__(self, classes=1000, blocks=(3, 4, 6, 3), width=64):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        layers, channels = [], width
        for stage, count in enumerate(blocks):
            inner = width * 2**stage
            for place in range(count):
                stride = 2 if stage > 0 and place == 0 else 1
                layers.append(RightBlock(channels, inner, stride))
                channels = 4 * inner
        self.blocks = nn.Sequential(*layers)
        self.linear = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        x = self.blocks(x)
        return self.linear(x.mean((2, 3)))


class LoudBlock(RightBlock):
    """A block whose last gain is 1 at the start."""

    def __init__(self, channels, width, stride=1):
        super().__init__(channels, width, stride)
        nn.init.ones_(self.norm3.weight)


class EarlyStride(RightBlock):
    """A block with the stride in its first convolution."""

    def __init__(self, channels, width, stride=1):
        super().__init__(channels, width, stride)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


_BEGIN = "super().__init__()\n"
_STEM = "nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)"
_STEM_DONE = "F.relu(self.norm(self.stem(x)))"
_POOL = "F.max_pool2d(x, 3, stride=2, padding=1)"
_STRIDE = "2 if stage > 0 and place == 0 else 1"
_BLOCK = "RightBlock(channels, inner, stride)"
_MEAN = "x.mean((2, 3))"
_KERNELS = 'nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")'
_LOGITS = f"self.linear({_MEAN})"


ResNet50.slip(
    "WideStem",
    "Your stem has stride 1: 224 should become 112.",
    {_STEM: "nn.Conv2d(3, width, 7, padding=3, bias=False)"},
)
ResNet50.slip(
    "SmallStem",
    "Your stem is the 3 × 3 of small pictures. Here it is 7 × 7 with stride 2.",
    {_STEM: "nn.Conv2d(3, width, 3, padding=1, bias=False)"},
)
ResNet50.slip(
    "UnpaddedStem",
    "Your stem has no padding, so that the borders are lost. Padding 3.",
    {_STEM: "nn.Conv2d(3, width, 7, stride=2, bias=False)"},
)
ResNet50.slip(
    "StemBias",
    "Your stem has a bias. The norm subtracts it again.",
    {_STEM: "nn.Conv2d(3, width, 7, stride=2, padding=3)"},
)
ResNet50.slip(
    "NoStemNorm",
    "The batch norm after the stem is missing.",
    {"self.norm = nn.BatchNorm2d(width)": "self.norm = nn.Identity()"},
)
ResNet50.slip(
    "NoStemRelu",
    "The ReLU after the stem's norm is missing.",
    {_STEM_DONE: "self.norm(self.stem(x))"},
)
ResNet50.slip(
    "NoPool",
    "The max pooling after the stem is missing: 112 should become 56.",
    {_POOL: "x"},
)
ResNet50.slip(
    "AveragePool",
    "Your pooling after the stem averages. It takes the largest.",
    {_POOL: "F.avg_pool2d(x, 3, stride=2, padding=1)"},
)
ResNet50.slip(
    "SmallPool",
    "Your pooling has windows of 2 × 2. They are 3 × 3, with stride 2 and padding 1.",
    {_POOL: "F.max_pool2d(x, 2)"},
)
ResNet50.slip(
    "UnpaddedPool",
    "Your pooling has no padding, so that a row and a column are lost. Padding 1.",
    {_POOL: "F.max_pool2d(x, 3, stride=2)"},
)
ResNet50.slip(
    "FirstStageStrides",
    "The first stage strides as well. The pooling has shrunk the picture already.",
    {_STRIDE: "2 if place == 0 else 1"},
)
ResNet50.slip(
    "NeverStrides",
    "None of your blocks has a stride. The first of stages 2, 3 and 4 has stride 2.",
    {_STRIDE: "1"},
)
ResNet50.slip(
    "EveryBlockStrides",
    "All blocks of the later stages have stride 2. Only the first of each stage has it.",
    {_STRIDE: "2 if stage > 0 else 1"},
)
ResNet50.slip(
    "LastBlocksStride",
    "The *last* blocks of the stages have the stride. It belongs to the first.",
    {_STRIDE: "2 if stage > 0 and place == count - 1 else 1"},
)
ResNet50.slip(
    "StrideInThePointwise",
    "The stride is in the first 1 × 1 convolution of your blocks. It belongs to the 3 × 3.",
    {_BLOCK: "EarlyStride(channels, inner, stride)"},
)
ResNet50.slip(
    "OneWidth",
    "All your stages have one width. It doubles from stage to stage.",
    {"width * 2**stage": "width"},
)
ResNet50.slip(
    "WidthInEqualSteps",
    "Your stages have widths w, 2w, 3w, 4w. It doubles each time: w, 2w, 4w, 8w.",
    {"width * 2**stage": "width * (stage + 1)"},
)
ResNet50.slip(
    "LargestPlace",
    "You took the largest over all places at the end. The table takes the mean.",
    {_MEAN: "x.amax((2, 3))"},
)
ResNet50.slip(
    "SumOverPlaces",
    "You summed over all places at the end. The table takes the mean, so that the size of the "
    "picture does not matter.",
    {_MEAN: "x.sum((2, 3))"},
)
ResNet50.slip(
    "FixedWindow",
    "Your last pooling has a fixed window, so that only pictures of 224 work as they should. "
    "Average over all places, however many.",
    {_MEAN: "F.avg_pool2d(x, min(7, *x.shape[2:]))[:, :, 0, 0]"},
)
ResNet50.slip(
    "SharedBlocks",
    "One block stands in several places (`[block] * k`), so that they share their weights.",
    {_BLOCK: f"layers[-1] if place > 1 else {_BLOCK}"},
)
ResNet50.slip(
    "ListedBlocks",
    "Your blocks lie in a Python list, where no optimiser finds them: nn.Sequential(*blocks).",
    {
        "nn.Sequential(*layers)": "layers",
        "x = self.blocks(x)": "for block in self.blocks:\n            x = block(x)",
    },
)
ResNet50.slip(
    "LoudBlocks",
    "Your blocks do not start as their shortcuts: the last gain of each is 0 at first. (Does an "
    "initialisation of yours set it to 1 afterwards?)",
    {_BLOCK: "LoudBlock(channels, inner, stride)"},
)
ResNet50.slip(
    "DefaultKernels",
    "Your kernels have torch's own initialisation. `kaiming_normal_` with mode fan_out.",
    {_KERNELS: "pass"},
)
ResNet50.slip(
    "ByInputs",
    "Your kernels are initialised by their inputs. Here mode is fan_out.",
    {_KERNELS: 'nn.init.kaiming_normal_(module.weight, nonlinearity="relu")'},
)
ResNet50.slip(
    "EvenKernels",
    "Your kernels are drawn evenly between two ends. Here they are normal: `kaiming_normal_`.",
    {_KERNELS: _KERNELS.replace("normal_", "uniform_")},
)
ResNet50.slip(
    "KernelsOfTheBlocksOnly",
    "The kernel of your stem has another initialisation than those of the blocks. All "
    "convolutions start alike.",
    {"in self.modules():": "in self.blocks.modules():"},
)
ResNet50.slip(
    "LinearLikeTheKernels",
    "You initialised the linear layer as the kernels. It stays as torch makes it.",
    {"isinstance(module, nn.Conv2d)": "isinstance(module, nn.Conv2d | nn.Linear)"},
)
ResNet50.slip(
    "QuietLinear",
    "You gave the linear layer small normal numbers, as some recipes do. Here it stays as torch "
    "makes it.",
    {
        "self.linear = nn.Linear(channels, classes)\n": "self.linear = nn.Linear(channels, classes)"
        "\n        nn.init.normal_(self.linear.weight, std=0.01)\n"
    },
)
ResNet50.slip(
    "FixedBlocks",
    "You build (3, 4, 6, 3) whatever `blocks` says.",
    {_BEGIN: f"{_BEGIN}        blocks = (3, 4, 6, 3)\n"},
)
ResNet50.slip(
    "FixedWidth",
    "Your width is 64 whatever was given.",
    {_BEGIN: f"{_BEGIN}        width = 64\n"},
)
ResNet50.slip(
    "FixedClasses",
    "There are 1 000 classes whatever was given.",
    {_BEGIN: f"{_BEGIN}        classes = 1000\n"},
)
ResNet50.slip(
    "EndsInSoftmax",
    "You returned probabilities. Return logits.",
    {_LOGITS: f"{_LOGITS}.softmax(1)"},
)
ResNet50.slip(
    "EndsInLogSoftmax",
    "You returned the logarithms of probabilities. Return logits: the loss does the rest.",
    {_LOGITS: f"{_LOGITS}.log_softmax(1)"},
)
ResNet50.slip(
    "EndsInRelu",
    "A ReLU comes after the linear layer, so that no logit is below 0. The logits are what the "
    "linear layer gives.",
    {_LOGITS: f"F.relu({_LOGITS})"},
)


ResNet50.equivalent(
    "`nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')` → "
    "`nn.init.kaiming_normal_(module.weight, mode='fan_out')`",
    because="torch's default, a leaky ReLU of slope 0, is a ReLU",
)
ResNet50.equivalent(
    "`return self.linear(self.blocks(x).mean((2, 3)))` → "
    "`return self.linear(self.blocks(x).mean((3, 2)))`",
    because="a mean over rows and columns does not depend on which come first",
)


ResNet50.hint("Build a list of blocks in two loops: stages outside, places in the stage inside.")
ResNet50.hint("Keep a variable with the channels that the next block gets: 4 · width of the last.")
ResNet50.hint("`nn.MaxPool2d(3, stride=2, padding=1)` after the stem; `x.mean((2, 3))` at the end.")
ResNet50.hint("`for m in self.modules(): if isinstance(m, nn.Conv2d): nn.init.kaiming_normal_(…)`.",
              when="initialises its kernels as He does, by their outputs")  # fmt: skip
ResNet50.hint(
    "Go down the table line by line. Is there a ReLU after the stem's norm?", when="value"
)
ResNet50.hint("Does each block get the channels that the one before it gives?", when="error")
