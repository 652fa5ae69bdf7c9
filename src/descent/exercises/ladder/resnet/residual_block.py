"""How `ResidualBlock` is judged."""

from __future__ import annotations

from typing import Any

import torch  # noqa: F401  (for the text of a slip)
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import block_output, block_shapes, fill

ResidualBlock = Exercise("ResidualBlock", minutes=20, difficulty=2)


def _check_block(answer, draw: Draw, before: int, after: int, stride: int) -> None:
    block = answer(before, after, stride)
    weights = fill(block, block_shapes(before, after, stride), draw.seed())
    if weights is None:
        return
    x = normals(draw, draw.size, before, 5, 6)
    for training in (False, True):
        mode = "training" if training else "evaluation"
        expected = block_output(weights, x, stride, training)
        found = block.train(training)(x.clone())
        expect(found, f"the output in {mode}").close_to(expected, rtol=1e-3, atol=1e-3)


@ResidualBlock.property("with an identity shortcut, is relu(x + branch)", trials=3)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 3, 3, 1)


@ResidualBlock.property("projects where the channels change", trials=2)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 2, 3, 1)
    _check_block(answer, draw, 4, 2, 1)


def _strides(layer: Any) -> list[int]:
    """The stride of every convolution in a part of a block."""
    parts = layer.modules() if isinstance(layer, nn.Module) else ()
    return [int(part.stride[0]) for part in parts if isinstance(part, nn.Conv2d)]


@ResidualBlock.property("has the stride in conv1 and in the shortcut, not in conv2", trials=1)
def _(answer, draw: Draw) -> None:
    for before, after, stride in ((2, 3, 1), (2, 2, 2), (2, 3, 3)):
        block = answer(before, after, stride)
        for name, wanted in (("conv1", stride), ("conv2", 1), ("shortcut", stride)):
            found = _strides(getattr(block, name, None))
            expect(found, f"the stride of {name}, of a block with {stride}").equals([wanted])


@ResidualBlock.property("projects where the stride is not 1", trials=2)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 3, 3, 2)
    _check_block(answer, draw, 2, 4, 2)
    _check_block(answer, draw, 2, 2, 3)


@ResidualBlock.property("has nn.Identity() as its shortcut where nothing changes", trials=1)
def _(answer, draw: Draw) -> None:
    for channels in (2, 3):
        shortcut = getattr(answer(channels, channels), "shortcut", None)
        expect(isinstance(shortcut, nn.Identity), "the shortcut is nn.Identity()").is_true(
            otherwise="Where nothing changes shape, the shortcut should be nn.Identity()."
        )


@ResidualBlock.property("has stride 1 unless told", trials=1)
def _(answer, draw: Draw) -> None:
    for before, after in ((2, 2), (2, 3)):
        x = normals(draw, 2, before, 4, 4)
        found = answer(before, after).eval()(x)
        expect(tuple(found.shape), "the shape of the output").equals((2, after, 4, 4))


@ResidualBlock.property("leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    for before, after in ((2, 2), (2, 3)):
        block, x = answer(before, after), normals(draw, 2, before, 4, 4)
        for training in (False, True):
            kept = x.clone()
            block.train(training)(x)
            expect(x, "x afterwards").close_to(kept)


def _check_gradients(answer, draw: Draw, before: int, after: int, stride: int) -> None:
    block = answer(before, after, stride)
    weights = fill(block, block_shapes(before, after, stride), draw.seed())
    if weights is None:
        return
    x = normals(draw, 4, before, 5, 5)
    slope = normals(draw, 4, after, -(-5 // stride), -(-5 // stride))
    own = x.clone().requires_grad_()
    (block.train()(own) * slope).sum().backward()
    other, tracked = x.clone().requires_grad_(), {}
    for name, tensor in weights.items():
        tracked[name] = tensor.requires_grad_("running" not in name)
    (block_output(tracked, other, stride, True) * slope).sum().backward()
    expect(own.grad, "the gradient at x").close_to(other.grad, rtol=1e-2, atol=1e-3)
    for name, parameter in block.named_parameters():
        expect(parameter.grad, f"the gradient at {name}").close_to(
            tracked[name].grad, rtol=1e-2, atol=2e-3
        )


@ResidualBlock.property("lets the gradient reach its input and every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    _check_gradients(answer, draw, 3, 3, 1)
    _check_gradients(answer, draw, 2, 3, 2)


@ResidualBlock.right
class RightBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(out_channels))

    def forward(self, x):
        passed = self.shortcut(x)
        first = self.conv1(x)
        first = F.relu(self.norm1(first))
        branch = self.norm2(self.conv2(first))
        return F.relu(passed + branch)


LAST = "F.relu(passed + branch)"
FIRST = "F.relu(self.norm1(first))"


ResidualBlock.slip(
    "ReluBeforeAddition",
    "Your last ReLU stands before the addition, so that a block can only add. Add first, then "
    "ReLU: relu(shortcut(x) + branch).",
    {LAST: "passed + F.relu(branch)"},
)
ResidualBlock.slip(
    "TwoLastRelus",
    "The branch has a ReLU of its own before the addition, so that it can only add. Leave it "
    "out; the ReLU after the addition is enough.",
    {LAST: "F.relu(passed + F.relu(branch))"},
)
ResidualBlock.slip(
    "NoLastRelu",
    "The ReLU after the addition is missing.",
    {LAST: "passed + branch"},
)
ResidualBlock.slip(
    "NoInnerRelu",
    "The ReLU between the two convolutions is missing: without it they are one linear map.",
    {FIRST: "self.norm1(first)"},
)
ResidualBlock.slip(
    "ReluBeforeNorm",
    "Your first ReLU stands before norm1. The order is convolution, norm, ReLU.",
    {FIRST: "self.norm1(F.relu(first))"},
)
ResidualBlock.slip(
    "DetachedShortcut",
    "Your shortcut is cut off from the graph (`.detach()` or `no_grad`). The gradient has to "
    "pass through it: that is what it is for.",
    {"passed = self.shortcut(x)": "passed = self.shortcut(x).detach()"},
)
ResidualBlock.slip(
    "DetachedBranch",
    "Your branch is cut off from the graph (`.detach()` or `no_grad`), so that it cannot learn.",
    {LAST: "F.relu(passed + branch.detach())"},
)
ResidualBlock.slip(
    "ShortcutFromInside",
    "Your shortcut starts after the first convolution. It passes by the *whole* branch: add x "
    "itself.",
    {LAST: "F.relu(first + branch)"},
)
ResidualBlock.slip(
    "NoSkip",
    "Nothing is added: this is a plain block. Add shortcut(x).",
    {LAST: "F.relu(branch)"},
)
ResidualBlock.slip(
    "NoBranch",
    "The branch is never added: your block is its shortcut alone. Add the branch.",
    {LAST: "F.relu(passed)"},
)
ResidualBlock.slip(
    "Subtracts",
    "You subtracted the branch. Add it.",
    {LAST: "F.relu(passed - branch)"},
)
ResidualBlock.slip(
    "Multiplies",
    "You multiplied shortcut and branch. Add them.",
    {LAST: "F.relu(passed * branch)"},
)
ResidualBlock.slip(
    "Concatenates",
    "You put shortcut and branch side by side, so that there are twice the channels. Add them.",
    {LAST: "F.relu(torch.cat([passed, branch], 1))"},
)
ResidualBlock.slip(
    "NeverProjects",
    "Your shortcut does not project where the shape changes, so that x and the branch cannot be "
    "added: use the 1 × 1 convolution there.",
    {"stride != 1 or in_channels != out_channels": "False"},
)
ResidualBlock.slip(
    "ProjectsForChannelsOnly",
    "Your shortcut projects only where the *channels* change. A stride of 2 changes the shape "
    "as well.",
    {"stride != 1 or ": ""},
)
ResidualBlock.slip(
    "ProjectsForStrideOnly",
    "Your shortcut projects only where the *stride* is not 1. Other channels cannot be added "
    "either.",
    {" or in_channels != out_channels": ""},
)
ResidualBlock.slip(
    "ProjectsForBothOnly",
    "Your shortcut projects only where stride *and* channels change. Either is enough: `or`.",
    {"stride != 1 or in": "stride != 1 and in"},
)
ResidualBlock.slip(
    "ProjectsForStrideTwo",
    "Your shortcut projects for a stride of 2 and for no other. Ask whether the stride is not 1.",
    {"stride != 1": "stride == 2"},
)
ResidualBlock.slip(
    "ProjectsForMoreChannels",
    "Your shortcut projects only where the channels become *more*. Fewer cannot be added either.",
    {"in_channels != out_channels": "in_channels < out_channels"},
)
ResidualBlock.slip(
    "AlwaysProjects",
    "Your shortcut projects always. Where the shape stays it is nn.Identity(): a free way past.",
    {"stride != 1 or in_channels != out_channels": "True"},
)
ResidualBlock.slip(
    "BareProjection",
    "The projecting shortcut has no batch norm after its convolution.",
    {"projection, nn.BatchNorm2d(out_channels)": "projection"},
)
ResidualBlock.slip(
    "LoneProjection",
    "Your projecting shortcut is a convolution alone. It is an `nn.Sequential` of the "
    "convolution and a batch norm.",
    {"nn.Sequential(projection, nn.BatchNorm2d(out_channels))": "projection"},
)
ResidualBlock.slip(
    "NormBeforeProjection",
    "In your projecting shortcut the norm comes before the convolution. The convolution comes "
    "first.",
    {"projection, nn.BatchNorm2d(out_channels)": "nn.BatchNorm2d(in_channels), projection"},
)
ResidualBlock.slip(
    "ReluInTheProjection",
    "Your projecting shortcut has a ReLU. It carries x without one: convolution and norm.",
    {"nn.BatchNorm2d(out_channels))": "nn.BatchNorm2d(out_channels), nn.ReLU())"},
)
ResidualBlock.slip(
    "WideProjection",
    "The projecting shortcut has a kernel of 3 × 3. It has one of 1 × 1.",
    {"out_channels, 1, stride, bias=False)": "out_channels, 3, stride, padding=1, bias=False)"},
)
ResidualBlock.slip(
    "ProjectionWithoutStride",
    "The convolution of your projecting shortcut lacks the stride, so that it is larger than "
    "the branch: give it the stride of the block.",
    {"out_channels, 1, stride, bias=False)": "out_channels, 1, bias=False)"},
)
ResidualBlock.slip(
    "ProjectionWithBias",
    "The convolution of your projecting shortcut has a bias. The norm behind it subtracts it "
    "again: bias=False.",
    {"out_channels, 1, stride, bias=False)": "out_channels, 1, stride)"},
)
ResidualBlock.slip(
    "AddsTheInput",
    "You added x itself where the shape changes. Add shortcut(x), which has the shape of the "
    "branch.",
    {"passed = self.shortcut(x)": "passed = x"},
)
ResidualBlock.slip(
    "AddsIntoTheInput",
    "`+=` on what the shortcut returned changed the input: the identity returns x itself, not a "
    "copy. Write `self.shortcut(x) + branch`.",
    {"return F.relu(passed + branch)": "passed += branch\n        return F.relu(passed)"},
)
ResidualBlock.slip(
    "WithBias",
    "Your convolutions have a bias. The norm behind them subtracts it again: bias=False.",
    {
        "3, stride, padding=1, bias=False": "3, stride, padding=1",
        "3, 1, padding=1, bias=False": "3, 1, padding=1",
        "1, stride, bias=False": "1, stride",
    },
)
ResidualBlock.slip(
    "NoPadding",
    "Your 3 × 3 convolutions have no padding, so that the picture shrinks by two pixels each "
    "time: padding=1.",
    {"3, stride, padding=1": "3, stride", "3, 1, padding=1": "3, 1"},
)
ResidualBlock.slip(
    "StrideInSecond",
    "Your stride is in conv2. It belongs to conv1, so that both convolutions save by it.",
    {"3, stride, padding=1": "3, 1 * 1, padding=1", "3, 1, padding=1": "3, stride, padding=1"},
)
ResidualBlock.slip(
    "StrideInBoth",
    "Both convolutions have the stride, so that the picture shrinks twice. Only conv1 has it.",
    {"3, 1, padding=1": "3, stride, padding=1"},
)
ResidualBlock.slip(
    "StrideForgotten",
    "Neither convolution has the stride, so that the branch keeps the size of x. conv1 has it.",
    {"3, stride, padding=1": "3, padding=1"},
)
ResidualBlock.slip(
    "OneNorm",
    "Both norms are one and the same layer, so that they share scales and running statistics. "
    "Make two.",
    {"self.norm2 = nn.BatchNorm2d(out_channels)": "self.norm2 = self.norm1"},
)
ResidualBlock.slip(
    "Norm1Twice",
    "You used norm1 after both convolutions. norm2 follows conv2.",
    {"self.norm2(self.conv2(first))": "self.norm1(self.conv2(first))"},
)
ResidualBlock.slip(
    "NoSecondNorm",
    "norm2 is never used: it follows conv2, before the addition.",
    {"self.norm2(self.conv2(first))": "self.conv2(first)"},
)
ResidualBlock.slip(
    "NormAfterAddition",
    "norm2 stands after the addition, where it changes what was passed too. It belongs to the "
    "branch.",
    {
        "self.norm2(self.conv2(first))": "self.conv2(first)",
        LAST: "F.relu(self.norm2(passed + branch))",
    },
)
ResidualBlock.slip(
    "NoConv2",
    "conv2 is never used: the branch is convolution, norm, ReLU, convolution, norm.",
    {"self.norm2(self.conv2(first))": "self.norm2(first)"},
)
ResidualBlock.slip(
    "InPlaceRelu",
    "Your shortcut carries relu(x). It is to carry x as it came; a ReLU in place "
    "(`inplace=True`) would change it too.",
    {
        "        passed = self.shortcut(x)\n": "",
        LAST: "F.relu(branch + self.shortcut(x.relu_()))",
    },
)
ResidualBlock.slip(
    "ShortcutOfRelu",
    "Your shortcut carries relu(x). It is to carry x as it came.",
    {"passed = self.shortcut(x)": "passed = self.shortcut(F.relu(x))"},
)
ResidualBlock.slip(
    "ReluFirst",
    "Your block begins with a ReLU on x, for shortcut and branch. x enters as it came; the "
    "ReLUs are after norm1 and after the addition.",
    {"passed = self.shortcut(x)": "x = F.relu(x)\n        passed = self.shortcut(x)"},
)


ResidualBlock.hint("Four layers and a shortcut in `__init__`; three lines in `forward`.")
ResidualBlock.hint("`if stride != 1 or in_channels != out_channels:` the shortcut projects.")
ResidualBlock.hint("`nn.Conv2d(a, b, 3, stride, padding=1, bias=False)`.")
ResidualBlock.hint("Where is the last ReLU: before or after the addition?", when="value")
ResidualBlock.hint("Print the shapes of branch and shortcut(x) before you add them.", when="error")
ResidualBlock.hint("Which convolution has the stride, and which has not?", when="shape")
