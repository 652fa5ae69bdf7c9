"""How `Bottleneck` is judged."""

from __future__ import annotations

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Narrow, bottleneck, bottleneck_shapes, expect_shapes, fill_alike, is_norm

Bottleneck = Exercise("Bottleneck", minutes=20, difficulty=2)


def _check_bottleneck(answer, draw: Draw, channels: int, width: int, stride: int) -> None:
    block, seed = answer(channels, width, stride), draw.seed()
    if not expect_shapes(block, bottleneck_shapes(channels, width, stride)):
        return
    fill_alike(block, seed)
    x = normals(draw, draw.size + 1, channels, 5, 6)
    for training in (False, True):
        mode = "training" if training else "evaluation"
        expected = bottleneck(x, seed, width, stride, training)
        found = block.train(training)(x.clone())
        expect(found, f"the output in {mode}").close_to(expected, rtol=1e-3, atol=1e-3)


@Bottleneck.property("with an identity shortcut, is relu(x + branch)", trials=3)
def _(answer, draw: Draw) -> None:
    _check_bottleneck(answer, draw, 8, 2, 1)


@Bottleneck.property("projects where the channels or the size change", trials=2)
def _(answer, draw: Draw) -> None:
    for channels, width, stride in ((3, 2, 1), (8, 2, 2), (6, 3, 2)):
        _check_bottleneck(answer, draw, channels, width, stride)


@Bottleneck.property("starts as its shortcut, and can leave it", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(8, 2).train(), normals(draw, 4, 8, 4, 4)
    expect(block(x.clone()), "the output at the start").close_to(x.clamp(min=0), atol=1e-6)
    gains = [float(norm.weight.detach().abs().max()) for norm in block.modules() if is_norm(norm)]
    expect(sorted(gains), "the largest gain of each norm, sorted").close_to([0.0, 1.0, 1.0])
    other = answer(3, 2)
    gains = [float(norm.weight.detach().abs().max()) for norm in other.modules() if is_norm(norm)]
    expect(sorted(gains), "the same where it projects").close_to([0.0, 1.0, 1.0, 1.0])
    (block(x.clone()) * normals(draw, 4, 8, 4, 4)).sum().backward()
    moved = sum(p.grad is not None and bool(p.grad.any()) for p in block.parameters())
    expect(moved, "how many parameters move at the first step").equals(2)
    frozen = sum(not parameter.requires_grad for parameter in block.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@Bottleneck.property("has stride 1 unless told, and leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(3, 2).eval(), normals(draw, 2, 3, 4, 5)
    kept = x.clone()
    expect(tuple(block(x).shape), "the shape of the output").equals((2, 8, 4, 5))
    expect(x, "x afterwards").close_to(kept)
    same, x = answer(8, 2).eval(), normals(draw, 2, 8, 3, 3)
    kept = x.clone()
    same(x)
    expect(x, "x afterwards, with an identity shortcut").close_to(kept)


@Bottleneck.property("lets the gradient reach every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    block = answer(3, 2, 2).train()
    fill_alike(block, draw.seed())
    out = block(normals(draw, 4, 3, 5, 5))
    (out * normals(draw, *out.shape)).sum().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in block.parameters()]
    expect(sum(reached), "how many of 12 parameters got a gradient").equals(12)


for _message, _name, _habit in (
    ("Your stride is in the first 1 × 1 convolution, which then never looks at three pixels of "
     "four. This page has it in the 3 × 3.", "StrideInTheFirst", "first_strides"),
    ("Your stride is in the last convolution, after the dear 3 × 3. It belongs to the 3 × 3.",
     "StrideInTheLast", "last_strides"),
    ("Two convolutions have the stride, so that the picture shrinks twice.",
     "StrideTwice", "both_stride"),
    ("Your middle convolution is 1 × 1. It is 3 × 3 with padding 1: the only one that sees "
     "neighbours.", "MiddleIsPointwise", "pointwise"),
    ("Your block ends with 2 · width channels. It is 4 · width.", "WidensByTwo", "doubles"),
    ("The last norm's gain is not 0 at the start: the block does not begin as its shortcut.",
     "LoudAtTheStart", "loud"),
    ("All gains start at 0. Then nothing in the branch ever gets a gradient that counts: only the "
     "last norm's.", "AllSilent", "all_silent"),
    ("You silenced norm 2. The branch ends with norm 3.", "WrongNormSilent", "wrong_silent"),
    ("The gain at 0 is frozen (`requires_grad` is False): the branch could never wake.",
     "FrozenGain", "frozen"),
    ("The shortcut's norm is at 0 too, so that nothing passes at all.",
     "ShortcutSilent", "shortcut_silent"),
    ("The ReLU after the first norm is missing.", "NoFirstRelu", "no_first_relu"),
    ("The ReLU after the second norm is missing.", "NoSecondRelu", "no_second_relu"),
    ("The ReLU after the addition is missing.", "NoLastRelu", "no_last_relu"),
    ("The branch has a ReLU of its own before the addition, so that it can only add.",
     "ReluOnTheBranch", "relu_on_branch"),
    ("Your last ReLU stands before the addition. Add first.", "ReluBeforeAddition", "relu_before"),
    ("Nothing is added: there is no shortcut.", "NoSkip", "no_skip"),
    ("`+=` on what the shortcut returned changed the input: the identity returns x itself.",
     "AddsIntoTheInput", "adds_into"),
    ("Your shortcut projects only where the *channels* change. A stride of 2 changes the shape "
     "too.",
     "ProjectsForChannelsOnly", "channels_only"),
    ("Your shortcut projects only where the *stride* is not 1. Other channels cannot be added "
     "either.", "ProjectsForStrideOnly", "stride_only"),
    ("Your shortcut projects always. Where nothing changes shape x passes as it is.",
     "AlwaysProjects", "always"),
    ("The projecting shortcut has no norm.", "BareProjection", "bare"),
    ("The convolution of your shortcut is 3 × 3. It is 1 × 1: it only has to change the shape.",
     "WideShortcut", "wide_shortcut"),
    ("Your shortcut averages before it projects, as some newer networks do. Here its 1 × 1 "
     "convolution has the stride.", "PooledShortcut", "pooled_shortcut"),
    ("You set the last *convolution* to 0. It is the gain of the last norm that starts at 0.",
     "ZeroKernel", "zero_kernel"),
    ("Two norms are one and the same layer. Make three.", "OneNormTwice", "one_norm"),
    ("Your convolutions have a bias. The norm behind them subtracts it again.", "WithBias", "bias"),
):  # fmt: skip
    Bottleneck.mistake(_message)(type(_name, (Narrow,), {"habits": (_habit,)}))


Bottleneck.hint("It is rung 10's block with one convolution more: narrow, look around, widen.")


Bottleneck.hint("`nn.Conv2d(width, width, 3, stride, padding=1, bias=False)` is the middle one.")


Bottleneck.hint("The block projects when `stride != 1 or channels != 4 * width`.")


Bottleneck.hint("`nn.init.zeros_(self.norm3.weight)`, and only that one.",
                when="starts as its shortcut, and can leave it")  # fmt: skip


Bottleneck.hint("Print the shapes of branch and shortcut before you add them.", when="error")


Bottleneck.hint("Is there a ReLU after norms 1 and 2 and after the addition, and nowhere else?",
                when="value")  # fmt: skip
