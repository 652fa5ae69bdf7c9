"""How `ResNet` is judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

from .residual_block import RightBlock
from .shared import STATE, block_output, block_shapes, fill

ResNet = Exercise("ResNet", minutes=25, difficulty=3)

CASES = ((1, (16, 32, 64)), (3, (2, 3, 4)), (1, (4, 2, 3)), (2, (2, 2, 2)))


def _pictures(draw: Draw, n: int) -> Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch_generator(draw.seed()))


def _blocks(model: nn.Module) -> list[Any]:
    """Every different residual block in the model."""
    return [module for module in model.modules() if hasattr(module, "conv1")]


def _resnet_shapes(per_stage: int, widths: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"stem.weight": (widths[0], 1, 5, 5)}
    shapes |= {f"norm.{name}": (widths[0],) for name in STATE}
    before, number = widths[0], 0
    for stage, width in enumerate(widths):
        for place in range(per_stage):
            stride = 2 if stage and not place else 1
            for name, shape in block_shapes(before, width, stride).items():
                shapes[f"blocks.{number}.{name}"] = shape
            before, number = width, number + 1
    return {**shapes, "linear.weight": (10, before), "linear.bias": (10,)}


def _resnet_output(w: dict, x: Tensor, per_stage: int, training: bool) -> Tensor:
    """The network of the page, from its tensors."""
    weight, bias, mean, var = (w[f"norm.{name}"] for name in STATE)
    mean, var = (None, None) if training else (mean, var)
    x = F.conv2d(x, w["stem.weight"], None, 2, 2)
    x = F.relu(F.batch_norm(x, mean, var, weight, bias, training=training))
    for number in range(3 * per_stage):
        stride = 2 if number in (per_stage, 2 * per_stage) else 1
        x = block_output(w, x, stride, training, f"blocks.{number}.")
    return x.flatten(2).max(dim=2).values @ w["linear.weight"].T + w["linear.bias"]


@ResNet.property("has three stages of per_stage blocks, each an own one", trials=1)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in CASES:
        model = answer(per_stage, widths)
        expect(len(_blocks(model)), "how many different residual blocks there are").equals(
            3 * per_stage
        )


@ResNet.property("has stride 2 in the first blocks of stages 2 and 3 alone", trials=1)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in CASES[1:]:
        model = answer(per_stage, widths)
        strides = [getattr(block.conv1, "stride", (0,))[0] for block in _blocks(model)]
        wanted = [1] * per_stage + ([2] + [1] * (per_stage - 1)) * 2
        expect(strides, "the stride of conv1, block by block").equals(wanted)


@ResNet.property("has the tensors of the table, and no others", trials=1)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in CASES:
        model = answer() if widths[0] == 16 else answer(per_stage, widths)
        shapes = _resnet_shapes(per_stage, widths)
        expect(sum(p.numel() for p in model.parameters()), "how many parameters there are").equals(
            sum(math.prod(s) for name, s in shapes.items() if "running" not in name)
        )
        fill(model, shapes, 0)


@ResNet.property("computes the network of the table", trials=2)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in ((1, (4, 3, 2)), (2, (3, 3, 4))):
        model = answer(per_stage, widths)
        weights = fill(model, _resnet_shapes(per_stage, widths), draw.seed())
        if weights is None:
            return
        x = _pictures(draw, draw.size + 1)
        kept = x.clone()
        for training in (False, True):
            mode = "training" if training else "evaluation"
            expect(model.train(training)(x), f"the logits in {mode}").close_to(
                _resnet_output(weights, x, per_stage, training), rtol=1e-2, atol=2e-3
            )
        expect(x, "the pictures afterwards").close_to(kept)


@ResNet.property("starts with silent branches, and with nothing else silent", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(2, (2, 3, 4))
    scales = {n: p for n, p in model.named_parameters() if p.ndim == 1 and n.endswith("weight")}
    last = [float(p.detach().abs().max()) for n, p in scales.items() if n.endswith("norm2.weight")]
    rest = [float(p.detach().abs().min()) for n, p in scales.items() if "norm2" not in n]
    expect(last, "the scales of norm2 at the start").close_to([0.0] * 6)
    expect(rest, "the other scales at the start").close_to([1.0] * 9)


@ResNet.property("has no parameter that is frozen, or that no gradient reaches", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(1, (3, 4, 5))
    frozen = sum(not parameter.requires_grad for parameter in model.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)
    if fill(model, _resnet_shapes(1, (3, 4, 5)), draw.seed()) is not None:
        (model.train()(_pictures(draw, 6)) * normals(draw, 6, 10)).sum().backward()
        missed = sum(p.grad is None or not bool(p.grad.any()) for p in model.parameters())
        expect(missed, "how many parameters no gradient reaches").equals(0)


@ResNet.property("turns n pictures into n rows of 10 logits", trials=2)
def _(answer, draw: Draw) -> None:
    found = answer().eval()(_pictures(draw, draw.size))
    expect(tuple(found.shape), "the shape of the logits").equals((draw.size, 10))


@ResNet.right
class RightNet(nn.Module):
    def __init__(self, per_stage=1, widths=(16, 32, 64)):
        super().__init__()
        self.stem = nn.Conv2d(1, widths[0], 5, stride=2, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        blocks, before = [], widths[0]
        for stage, width in enumerate(widths):
            for place in range(per_stage):
                stride = 2 if stage > 0 and place == 0 else 1
                blocks.append(RightBlock(before, width, stride))
                before = width
        for block in blocks:
            nn.init.zeros_(block.norm2.weight)
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(before, 10)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        x = x.amax((2, 3))
        return self.linear(x)


STRIDE = "2 if stage > 0 and place == 0 else 1"
SILENT = "nn.init.zeros_(block.norm2.weight)"
STEM = "F.relu(self.norm(self.stem(x)))"
PLACES = "x.amax((2, 3))"


ResNet.slip(
    "AveragesPlaces",
    "You averaged over the places. The table takes the largest number of each channel.",
    {PLACES: "x.mean((2, 3))"},
)
ResNet.slip(
    "SumsPlaces",
    "You added up the places. The table takes the largest number of each channel.",
    {PLACES: "x.sum((2, 3))"},
)
ResNet.slip(
    "Corner",
    "You read the top left corner alone. Take the largest over all places.",
    {PLACES: "x[:, :, 0, 0]"},
)
ResNet.slip(
    "LaysFlat",
    "You laid all places flat, so that the linear layer has 16 inputs for each channel. Step 5 "
    "of the table keeps one number of each channel, the largest.",
    {PLACES: "x.flatten(1)", "nn.Linear(before, 10)": "nn.Linear(before * 16, 10)"},
)
ResNet.slip(
    "NoStemRelu",
    "The ReLU after the stem's norm is missing.",
    {STEM: "self.norm(self.stem(x))"},
)
ResNet.slip(
    "NoStemNorm",
    "The norm after the stem is never used. The order is convolution, norm, ReLU.",
    {STEM: "F.relu(self.stem(x))"},
)
ResNet.slip(
    "ReluBeforeStemNorm",
    "In the stem the ReLU stands before the norm. The order is convolution, norm, ReLU.",
    {STEM: "self.norm(F.relu(self.stem(x)))"},
)
ResNet.slip(
    "StemBias",
    "Your stem has a bias. The norm subtracts it again: bias=False.",
    {"padding=2, bias=False": "padding=2"},
)
ResNet.slip(
    "WideStem",
    "Your stem has stride 1: it should make 28 × 28 into 14 × 14.",
    {"5, stride=2, padding=2": "5, stride=1, padding=2"},
)
ResNet.slip(
    "UnpaddedStem",
    "Your stem has no padding: it should make 28 × 28 into 14 × 14, which takes a padding of 2.",
    {"stride=2, padding=2": "stride=2"},
)
ResNet.slip(
    "SmallStem",
    "Your stem has a kernel of 3 × 3. The table has 5 × 5, with padding 2.",
    {"5, stride=2, padding=2": "3, stride=2, padding=1"},
)
ResNet.slip(
    "FirstStageStrides",
    "The first stage strides as well. Only the first blocks of stages 2 and 3 do.",
    {STRIDE: "2 if place == 0 else 1"},
)
ResNet.slip(
    "NeverStrides",
    "None of your blocks has a stride. The first of stages 2 and 3 has stride 2.",
    {STRIDE: "1"},
)
ResNet.slip(
    "AllStride",
    "Every block of stages 2 and 3 has stride 2. Only the first of each has.",
    {STRIDE: "2 if stage > 0 else 1"},
)
ResNet.slip(
    "LastStrides",
    "The *last* blocks of stages 2 and 3 have the stride. It belongs to the first of each.",
    {STRIDE: "2 if stage > 0 and place == per_stage - 1 else 1"},
)
ResNet.slip(
    "StrideByWidth",
    "You gave a stride to the blocks whose channels change. A stage may keep its width, and the "
    "first block of stages 2 and 3 has stride 2 all the same.",
    {STRIDE: "2 if before != width else 1"},
)
ResNet.slip(
    "SharedBlocks",
    "One block stands in several places (`[block] * k` repeats the same object), so that these "
    "places share their weights. Make a new block for each.",
    {
        "blocks.append(RightBlock(before, width, stride))": "again = place > (stage > 0)\n"
        "                blocks.append(blocks[-1] if again else RightBlock(before, width, stride))"
    },
)
ResNet.slip(
    "NestedStages",
    "Your blocks are nested, one `nn.Sequential` for each stage. `blocks` is a single "
    "`nn.Sequential` of all 3k blocks.",
    {
        "nn.Sequential(*blocks)": "nn.Sequential(\n            *[nn.Sequential(*blocks["
        "i * per_stage :][:per_stage]) for i in range(3)]\n        )"
    },
)
ResNet.slip(
    "FrozenScales",
    "The scales of norm2 are frozen (`requires_grad` is False): no branch could ever wake. They "
    "only *start* at 0.",
    {SILENT: SILENT + ".requires_grad_(False)"},
)
ResNet.slip(
    "AllSilent",
    "Every norm of your blocks starts with scale 0. Only norm2 does: `start_as_identity`.",
    {
        SILENT: "for part in block.modules():\n                if isinstance(part, "
        "nn.BatchNorm2d):\n                    nn.init.zeros_(part.weight)"
    },
)
ResNet.slip(
    "SilentStem",
    "The norm of the stem starts with scale 0 too, so that nothing gets past it. Only each "
    "norm2 does.",
    {"        self.linear =": "        nn.init.zeros_(self.norm.weight)\n        self.linear ="},
)
ResNet.slip(
    "LoudBranches",
    "Your blocks do not start as the identity: call `start_as_identity` on them.",
    {SILENT: "pass"},
)
ResNet.slip(
    "LoudFirstBlock",
    "Your first block does not start as the identity. Call `start_as_identity` on all of them, "
    "once they are made.",
    {"for block in blocks:": "for block in blocks[1:]:"},
)
ResNet.slip(
    "OneBlockPerStage",
    "There is one block a stage, whatever `per_stage` says.",
    {"range(per_stage)": "range(1)"},
)
ResNet.slip(
    "OneBlockMore",
    "Each stage has one block too many: the first, with the stride, is one of the per_stage "
    "blocks.",
    {"range(per_stage)": "range(per_stage + 1)"},
)
ResNet.slip(
    "PerStageInAll",
    "You made per_stage blocks in all, or fewer than three stages of them. Each of the three "
    "stages has per_stage blocks.",
    {"enumerate(widths)": "enumerate(widths[:1])"},
)
ResNet.slip(
    "FixedWidths",
    "Your widths are always (16, 32, 64). Use those given.",
    {"        super().__init__()": "        super().__init__()\n        widths = (16, 32, 64)"},
)
ResNet.slip(
    "ListedBlocks",
    "Your blocks lie in a Python list, where no optimiser finds them: nn.Sequential(*blocks).",
    {"nn.Sequential(*blocks)": "blocks"},
)
ResNet.slip(
    "EndsInSoftmax",
    "You returned probabilities. Return logits.",
    {"self.linear(x)": "self.linear(x).softmax(dim=1)"},
)
ResNet.slip(
    "ReluOnLogits",
    "There is a ReLU on the logits. Logits may be negative.",
    {"self.linear(x)": "F.relu(self.linear(x))"},
)
ResNet.slip(
    "NoLogitBias",
    "The linear layer has no bias. Step 6 of the table is a whole linear layer: no norm follows "
    "it.",
    {"nn.Linear(before, 10)": "nn.Linear(before, 10, bias=False)"},
)


ResNet.equivalent(
    "`return self.linear(self.blocks(x).amax((2, 3)))` → "
    "`return self.linear(self.blocks(x).amax((3, 2)))`",
    because="the largest over rows and columns does not depend on which come first",
)


ResNet.hint("A list of blocks, built in two loops: stages outside, places in the stage inside.")
ResNet.hint("Keep a variable with the channels that the next block gets.")
ResNet.hint("Stride 2 only where the stage is not the first and the place is.")
ResNet.hint("`x.amax((2, 3))` takes the largest over rows and columns.", when="shape")
ResNet.hint("Go down the table: a ReLU after the stem's norm? The right strides?", when="value")
ResNet.hint("Does each block get the channels that the one before it gives?", when="error")
