"""How `ResidualBlock` is judged."""

from __future__ import annotations

from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Block, block_output, block_shapes, fill

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


@ResidualBlock.property("projects where the stride is not 1", trials=2)
def _(answer, draw: Draw) -> None:
    _check_block(answer, draw, 3, 3, 2)
    _check_block(answer, draw, 2, 4, 2)


@ResidualBlock.property("has stride 1 unless told, and leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(2, 2).eval(), normals(draw, 2, 2, 4, 4)
    kept = x.clone()
    expect(tuple(block(x).shape), "the shape of the output").equals((2, 2, 4, 4))
    expect(x, "x afterwards").close_to(kept)
    expect(isinstance(block.shortcut, nn.Identity), "the shortcut is nn.Identity()").is_true(
        otherwise="Where nothing changes shape, the shortcut should be nn.Identity()."
    )


@ResidualBlock.property("lets the gradient reach every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    block = answer(2, 3, 2)
    if fill(block, block_shapes(2, 3, 2), draw.seed()) is None:
        return
    slope = normals(draw, 4, 3, 3, 3)
    (block.train()(normals(draw, 4, 2, 5, 5)) * slope).sum().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in block.parameters()]
    expect(sum(reached), "how many of 9 parameters got a gradient").equals(9)


def _name_block(message: str, name: str, habit: str) -> None:
    """Declare a spoiled block as a named mistake."""
    ResidualBlock.mistake(message)(type(name, (Block,), {"habits": (habit,)}))


for _message, _name, _habit in (
    (
        "Your last ReLU stands before the addition, so that a block can only add. Add first, then "
        "ReLU: relu(shortcut(x) + branch).",
        "ReluBeforeAddition",
        "early",
    ),
    (
        "The branch has a ReLU of its own before the addition, so that it can only add. Leave it "
        "out; the ReLU after the addition is enough.",
        "TwoLastRelus",
        "both_relus",
    ),
    ("The ReLU after the addition is missing.", "NoLastRelu", "no_last_relu"),
    (
        "The ReLU between the two convolutions is missing: without it they are one linear map.",
        "NoInnerRelu",
        "no_inner_relu",
    ),
    (
        "Your first ReLU stands before norm1. The order is convolution, norm, ReLU.",
        "ReluBeforeNorm",
        "relu_first",
    ),
    (
        "Your shortcut is cut off from the graph (`.detach()` or `no_grad`). The gradient has to "
        "pass through it: that is what it is for.",
        "DetachedShortcut",
        "detached",
    ),
    (
        "Your shortcut starts after the first convolution. It passes by the *whole* branch: add x "
        "itself.",
        "ShortcutFromInside",
        "from_inside",
    ),
    ("Nothing is added: this is a plain block. Add shortcut(x).", "NoSkip", "no_skip"),
    ("You subtracted the branch. Add it.", "Subtracts", "minus"),
    (
        "Your shortcut does not project where the shape changes, so that x and the "
        "branch cannot be added: use the 1 × 1 convolution there.",
        "NeverProjects",
        "never",
    ),
    (
        "Your shortcut projects only where the *channels* change. A stride of 2 changes the shape "
        "as well.",
        "ProjectsForChannelsOnly",
        "channels_only",
    ),
    (
        "Your shortcut projects only where the *stride* is not 1. Other channels cannot be added "
        "either.",
        "ProjectsForStrideOnly",
        "stride_only",
    ),
    (
        "Your shortcut projects always. Where the shape stays it is nn.Identity(): a "
        "free way past.",
        "AlwaysProjects",
        "always",
    ),
    ("The projecting shortcut has no batch norm after its convolution.", "BareProjection", "bare"),
    (
        "Your projecting shortcut is a convolution alone. It is an `nn.Sequential` of the "
        "convolution and a batch norm.",
        "LoneProjection",
        "lone",
    ),
    (
        "You added x itself where the shape changes. Add shortcut(x), which has the shape of the "
        "branch.",
        "AddsTheInput",
        "adds_x",
    ),
    (
        "`+=` on what the shortcut returned changed the input: the identity returns x itself, not "
        "a copy. Write `self.shortcut(x) + branch`.",
        "AddsIntoTheInput",
        "adds_into",
    ),
    (
        "Your convolutions have a bias. The norm behind them subtracts it again: bias=False.",
        "WithBias",
        "bias",
    ),
    (
        "Your stride is in conv2. It belongs to conv1, so that both convolutions save by it.",
        "StrideInSecond",
        "second_strides",
    ),
    (
        "Both convolutions have the stride, so that the picture shrinks twice. Only conv1 has it.",
        "StrideInBoth",
        "both_stride",
    ),
    (
        "Both norms are one and the same layer, so that they share scales and running statistics. "
        "Make two.",
        "OneNorm",
        "one_norm",
    ),
    (
        "norm2 is never used: it follows conv2, before the addition.",
        "NoSecondNorm",
        "no_second_norm",
    ),
    (
        "Your shortcut carries relu(x). It is to carry x as it came; a ReLU in place "
        "(`inplace=True`) would change it too.",
        "InPlaceRelu",
        "in_place",
    ),
):
    _name_block(_message, _name, _habit)


ResidualBlock.hint("Four layers and a shortcut in `__init__`; three lines in `forward`.")


ResidualBlock.hint("`if stride != 1 or in_channels != out_channels:` the shortcut projects.")


ResidualBlock.hint("`nn.Conv2d(a, b, 3, stride, padding=1, bias=False)`.")


ResidualBlock.hint("Where is the last ReLU: before or after the addition?", when="value")


ResidualBlock.hint("Print the shapes of branch and shortcut(x) before you add them.", when="error")


ResidualBlock.hint("Which convolution has the stride, and which has not?", when="shape")
