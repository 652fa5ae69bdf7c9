"""How `ResNet50` is judged."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import (
    Narrow,
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
    """The network of the table, with the numbers of `_fixed`."""
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


@ResNet50.property("starts with the last gain of every block at 0, the others at 1", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, (2, 1, 1, 2), 2)
    gains = [norm.weight.detach() for norm in model.modules() if is_norm(norm)]
    silent = sorted(len(gain) for gain in gains if not gain.any())
    expect(silent, "the channels of the norms with gain 0").equals([8, 8, 16, 32, 64, 64])
    loud = [float(value) for gain in gains if gain.any() for value in gain]
    expect(loud, "the gains of the others").close_to([1.0] * len(loud))
    frozen = sum(not parameter.requires_grad for parameter in model.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@ResNet50.property("initialises its kernels as He does, by their outputs", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, (1, 1, 1, 1), 8)
    for outputs, inputs, side in ((64, 64, 3), (256, 64, 1), (64, 128, 1)):
        shape = (outputs, inputs, side, side)
        for kernel in model.parameters():
            if tuple(kernel.shape) == shape:
                found = float(kernel.detach().std()) / (2 / (outputs * side * side)) ** 0.5
                expect(round(found, 1), f"spread over √(2/fan_out) of shape {shape}").is_between(
                    0.9, 1.1
                )
                largest = float(kernel.detach().abs().max() / kernel.detach().std())
                # Among 8 192 normal numbers none beyond 2.5: one time in 10⁴⁴.
                expect(
                    largest > 2.5, f"bell-shaped, with numbers far out, of shape {shape}"
                ).equals(True)


@ResNet50.property("has the 25 557 032 parameters of ResNet-50", trials=1)
def _(answer, draw: Draw) -> None:
    with torch.device("meta"):  # shapes without numbers: nothing is computed
        model = answer()
    count = sum(parameter.numel() for parameter in model.parameters())
    expect(count, "how many parameters there are").equals(25_557_032)
    expect_shapes(model, _resnet_shapes(1000, (3, 4, 6, 3), 64))


class _Deep(nn.Module):
    """A right network, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, classes=1000, blocks=(3, 4, 6, 3), width=64):
        super().__init__()
        habits = self.habits
        blocks = (3, 4, 6, 3) if "fixed_blocks" in habits else blocks
        width = 64 if "fixed_width" in habits else width
        classes = 1000 if "fixed_classes" in habits else classes
        side, stride = (3, 1) if "small_stem" in habits else (7, 1 if "wide_stem" in habits else 2)
        self.stem = nn.Conv2d(3, width, side, stride, side // 2, bias="stem_bias" in habits)
        self.norm = nn.BatchNorm2d(width)
        layers, channels = [], width
        for stage, count in enumerate(blocks):
            inner = width * (1 if "one_width" in habits else 2**stage)
            for place in range(count):
                if "shares" in habits and place > 1:
                    layers.append(layers[-1])
                    continue
                stride = 2 if stage > 0 and place == 0 else 1
                stride = 2 if "first_stage_strides" in habits and place == 0 else stride
                stride = 1 if "never_strides" in habits else stride
                if "last_strides" in habits:
                    stride = 2 if stage > 0 and place == count - 1 else 1
                layers.append(self.block()(channels, inner, stride))
                channels = 4 * inner
        self.blocks = layers if "listed" in habits else nn.Sequential(*layers)
        self.linear = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and "default_kernels" not in habits:
                mode = "fan_in" if "fan_in" in habits else "fan_out"
                if "even" in habits:
                    nn.init.kaiming_uniform_(module.weight, mode=mode, nonlinearity="relu")
                    continue
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")

    def block(self):
        kinds = tuple(set(self.habits) & {"loud", "first_strides"})
        return type("_Inner", (Narrow,), {"habits": kinds}) if kinds else Narrow

    def forward(self, x):
        habits = self.habits
        x = self.norm(self.stem(x))
        x = x if "no_stem_relu" in habits else F.relu(x)
        if "no_pool" not in habits:
            pad = 0 if "unpadded_pool" in habits else 1
            pool = F.avg_pool2d if "average_pool" in habits else F.max_pool2d
            x = pool(x, 2 if "small_pool" in habits else 3, 2, 0 if "small_pool" in habits else pad)
        for block in self.blocks:
            x = block(x)
        if "fixed_pool" in habits:
            x = F.avg_pool2d(x, min(7, *x.shape[2:]))[:, :, 0, 0]
        else:
            x = x.amax((2, 3)) if "largest" in habits else x.mean((2, 3))
        x = self.linear(x)
        return x.softmax(1) if "softmax" in habits else x


for _message, _name, _habit in (
    ("Your stem has stride 1: 224 should become 112.", "WideStem", "wide_stem"),
    ("Your stem is the 3 × 3 of small pictures. Here it is 7 × 7 with stride 2.",
     "SmallStem", "small_stem"),
    ("Your stem has a bias. The norm subtracts it again.", "StemBias", "stem_bias"),
    ("The ReLU after the stem's norm is missing.", "NoStemRelu", "no_stem_relu"),
    ("The max pooling after the stem is missing: 112 should become 56.", "NoPool", "no_pool"),
    ("Your pooling after the stem averages. It takes the largest.", "AveragePool", "average_pool"),
    ("Your pooling has windows of 2 × 2. They are 3 × 3, with stride 2 and padding 1.",
     "SmallPool", "small_pool"),
    ("Your pooling has no padding, so that a row and a column are lost. Padding 1.",
     "UnpaddedPool", "unpadded_pool"),
    ("The first stage strides as well. The pooling has shrunk the picture already.",
     "FirstStageStrides", "first_stage_strides"),
    ("None of your blocks has a stride. The first of stages 2, 3 and 4 has stride 2.",
     "NeverStrides", "never_strides"),
    ("The *last* blocks of the stages have the stride. It belongs to the first.",
     "LastBlocksStride", "last_strides"),
    ("The stride is in the first 1 × 1 convolution of your blocks. It belongs to the 3 × 3.",
     "StrideInThePointwise", "first_strides"),
    ("All your stages have one width. It doubles from stage to stage.", "OneWidth", "one_width"),
    ("You took the largest over all places at the end. The table takes the mean.",
     "LargestPlace", "largest"),
    ("Your last pooling has a fixed window, so that only pictures of 224 work as they should. "
     "Average over all places, however many.", "FixedWindow", "fixed_pool"),
    ("One block stands in several places (`[block] * k`), so that they share their weights.",
     "SharedBlocks", "shares"),
    ("Your blocks lie in a Python list, where no optimiser finds them: nn.Sequential(*blocks).",
     "ListedBlocks", "listed"),
    ("Your blocks do not start as their shortcuts: the last gain of each is 0 at first. (Does an "
     "initialisation of yours set it to 1 afterwards?)", "LoudBlocks", "loud"),
    ("Your kernels have torch's own initialisation. `kaiming_normal_` with mode fan_out.",
     "DefaultKernels", "default_kernels"),
    ("Your kernels are initialised by their inputs. Here mode is fan_out.", "ByInputs", "fan_in"),
    ("Your kernels are drawn evenly between two ends. Here they are normal: `kaiming_normal_`.",
     "EvenKernels", "even"),
    ("You build (3, 4, 6, 3) whatever `blocks` says.", "FixedBlocks", "fixed_blocks"),
    ("Your width is 64 whatever was given.", "FixedWidth", "fixed_width"),
    ("There are 1 000 classes whatever was given.", "FixedClasses", "fixed_classes"),
    ("You returned probabilities. Return logits.", "EndsInSoftmax", "softmax"),
):  # fmt: skip
    ResNet50.mistake(_message)(type(_name, (_Deep,), {"habits": (_habit,)}))


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
