"""How `ResNet` is judged."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import STATE, Block, block_output, block_shapes, fill

ResNet = Exercise("ResNet", minutes=25, difficulty=3)


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


@ResNet.property("has the tensors of the specification", trials=1)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in ((1, (16, 32, 64)), (3, (2, 3, 4)), (1, (2, 2, 3))):
        model = answer() if widths[0] == 16 else answer(per_stage, widths)
        shapes = _resnet_shapes(per_stage, widths)
        firsts = [module.conv1 for module in model.modules() if hasattr(module, "conv1")]
        expect(len(firsts), "how many different residual blocks there are").equals(3 * per_stage)
        expect(sum(p.numel() for p in model.parameters()), "how many parameters there are").equals(
            sum(math.prod(s) for name, s in shapes.items() if "running" not in name)
        )
        fill(model, shapes, 0)
        strides = [getattr(first, "stride", (0,))[0] for first in firsts]
        wanted = [1] * per_stage + ([2] + [1] * (per_stage - 1)) * 2
        expect(strides, "the stride of conv1, block by block").equals(wanted)


@ResNet.property("computes the network of the specification", trials=2)
def _(answer, draw: Draw) -> None:
    for per_stage, widths in ((1, (2, 3, 4)), (2, (3, 3, 4))):
        model = answer(per_stage, widths)
        weights = fill(model, _resnet_shapes(per_stage, widths), draw.seed())
        if weights is None:
            return
        x = torch.rand(draw.size + 1, 1, 28, 28, generator=torch_generator(draw.seed()))
        for training in (False, True):
            mode = "training" if training else "evaluation"
            expect(model.train(training)(x), f"the logits in {mode}").close_to(
                _resnet_output(weights, x, per_stage, training), rtol=1e-2, atol=2e-3
            )


@ResNet.property("starts with silent branches, and with nothing else silent", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(2, (2, 3, 4))
    scales = {n: p for n, p in model.named_parameters() if p.ndim == 1 and n.endswith("weight")}
    last = [float(p.detach().abs().max()) for n, p in scales.items() if n.endswith("norm2.weight")]
    rest = [float(p.detach().abs().min()) for n, p in scales.items() if "norm2" not in n]
    expect(last, "the scales of norm2 at the start").close_to([0.0] * 6)
    expect(rest, "the other scales at the start").close_to([1.0] * 9)
    frozen = sum(not parameter.requires_grad for parameter in model.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@ResNet.property("turns n pictures into n rows of 10 logits", trials=2)
def _(answer, draw: Draw) -> None:
    x = torch.rand(draw.size, 1, 28, 28, generator=torch_generator(1))
    expect(tuple(answer().eval()(x).shape), "the shape of the logits").equals((draw.size, 10))


class _Net(nn.Module):
    """A right network, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, per_stage=1, widths=(16, 32, 64)):
        super().__init__()
        habits = self.habits
        per_stage = 1 if "one_per_stage" in habits else per_stage
        widths = (16, 32, 64) if "fixed_widths" in habits else widths
        stem_stride = 1 if "wide_stem" in habits else 2
        self.stem = nn.Conv2d(1, widths[0], 5, stem_stride, 2, bias="stem_bias" in habits)
        self.norm = nn.BatchNorm2d(widths[0])
        blocks, before = [], widths[0]
        for stage, width in enumerate(widths):
            for place in range(per_stage):
                if "shares" in habits and place > (1 if stage else 0):
                    blocks.append(blocks[-1])
                    continue
                stride = 2 if stage > 0 and place == 0 else 1
                stride = 2 if "first_stage_strides" in habits and place == 0 else stride
                stride = 1 if "never_strides" in habits else stride
                stride = 2 if "all_stride" in habits and stage > 0 else stride
                if "last_strides" in habits:
                    stride = 2 if stage > 0 and place == per_stage - 1 else 1
                blocks.append(Block(before, width, stride))
                before = width
        for block in blocks[: 0 if "loud" in habits else None]:
            nn.init.zeros_(block.norm2.weight)
            block.norm2.weight.requires_grad_("frozen" not in habits)
            for norm in block.modules():
                if "all_silent" in habits and isinstance(norm, nn.BatchNorm2d):
                    nn.init.zeros_(norm.weight)
        self.blocks = blocks if "listed" in habits else nn.Sequential(*blocks)
        if "nested" in habits:
            starts = range(0, len(blocks), per_stage)
            self.blocks = nn.Sequential(*[nn.Sequential(*blocks[i:][:per_stage]) for i in starts])
        self.linear = nn.Linear(before * (16 if "flattened" in habits else 1), 10)

    def forward(self, x):
        habits = self.habits
        x = self.norm(self.stem(x))
        x = x if "no_stem_relu" in habits else F.relu(x)
        for block in self.blocks:
            x = block(x)
        if "averages" in habits:
            x = x.mean((2, 3))
        elif "corner" in habits:
            x = x[:, :, 0, 0]
        elif "flattened" in habits:
            x = x.flatten(1)
        else:
            x = x.amax((2, 3))
        logits = self.linear(x)
        logits = logits.softmax(dim=1) if "softmax" in habits else logits
        return F.relu(logits) if "relu" in habits else logits


for _message, _name, _habit in (
    (
        "You averaged over the places. The table takes the largest number of each channel.",
        "AveragesPlaces",
        "averages",
    ),
    ("You read the top left corner alone. Take the largest over all places.", "Corner", "corner"),
    (
        "You laid all places flat, so that the linear layer has 16 inputs for each channel. Step 5 "
        "of the table keeps one number of each channel, the largest.",
        "LaysFlat",
        "flattened",
    ),
    ("The ReLU after the stem's norm is missing.", "NoStemRelu", "no_stem_relu"),
    ("Your stem has a bias. The norm subtracts it again: bias=False.", "StemBias", "stem_bias"),
    ("Your stem has stride 1: it should make 28 × 28 into 14 × 14.", "WideStem", "wide_stem"),
    (
        "The first stage strides as well. Only the first blocks of stages 2 and 3 do.",
        "FirstStageStrides",
        "first_stage_strides",
    ),
    (
        "None of your blocks has a stride. The first of stages 2 and 3 has stride 2.",
        "NeverStrides",
        "never_strides",
    ),
    (
        "Every block of stages 2 and 3 has stride 2. Only the first of each has.",
        "AllStride",
        "all_stride",
    ),
    (
        "The *last* blocks of stages 2 and 3 have the stride. It belongs to the first of each.",
        "LastStrides",
        "last_strides",
    ),
    (
        "One block stands in several places (`[block] * k` repeats the same object), so that these "
        "places share their weights. Make a new block for each.",
        "SharedBlocks",
        "shares",
    ),
    (
        "Your blocks are nested, one `nn.Sequential` for each stage. `blocks` is a single "
        "`nn.Sequential` of all 3k blocks.",
        "NestedStages",
        "nested",
    ),
    (
        "The scales of norm2 are frozen (`requires_grad` is False): no branch could ever wake. "
        "They only *start* at 0.",
        "FrozenScales",
        "frozen",
    ),
    (
        "Every norm of your blocks starts with scale 0. Only norm2 does: `start_as_identity`.",
        "AllSilent",
        "all_silent",
    ),
    (
        "There is one block a stage, whatever `per_stage` says.",
        "OneBlockPerStage",
        "one_per_stage",
    ),
    ("Your widths are always (16, 32, 64). Use those given.", "FixedWidths", "fixed_widths"),
    (
        "Your blocks do not start as the identity: call `start_as_identity` on them.",
        "LoudBranches",
        "loud",
    ),
    (
        "Your blocks lie in a Python list, where no optimiser finds them: nn.Sequential(*blocks).",
        "ListedBlocks",
        "listed",
    ),
    ("You returned probabilities. Return logits.", "EndsInSoftmax", "softmax"),
    ("There is a ReLU on the logits. Logits may be negative.", "ReluOnLogits", "relu"),
):
    ResNet.mistake(_message)(type(_name, (_Net,), {"habits": (_habit,)}))


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
