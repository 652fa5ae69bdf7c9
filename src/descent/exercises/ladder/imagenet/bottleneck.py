"""How `Bottleneck` is judged."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import bottleneck, bottleneck_shapes, expect_shapes, fill_alike, is_norm

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
    for channels, width, stride in ((3, 2, 1), (8, 2, 2), (6, 3, 2), (3, 3, 1), (8, 2, 3)):
        _check_bottleneck(answer, draw, channels, width, stride)


def _gains(block: Any) -> tuple[list[int], list[float]]:
    """How many channels the norms with gain 0 have, and what the gains of the others are."""
    gains = [norm.weight.detach() for norm in block.modules() if is_norm(norm)]
    silent = sorted(len(gain) for gain in gains if not gain.any())
    return silent, [float(value) for gain in gains if gain.any() for value in gain]


@Bottleneck.property("starts with gain 0 in the last norm of the branch, and 1 elsewhere", trials=1)
def _(answer, draw: Draw) -> None:
    for channels, norms in ((8, "2, 2 and 8"), (3, "2, 2, 8, and 8 in the shortcut")):
        silent, loud = _gains(answer(channels, 2))
        expect(silent, f"the channels of the norms with gain 0, of {norms}").equals([8])
        expect(loud, "the gains of the others").close_to([1.0] * len(loud))


@Bottleneck.property("starts as its shortcut", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(8, 2).train(), normals(draw, 4, 8, 4, 4)
    expect(block(x.clone()), "the output at the start").close_to(x.clamp(min=0), atol=1e-6)
    through = answer(3, 2).train()(normals(draw, 4, 3, 4, 4))
    expect(bool(through.any()), "whether anything comes through where it projects").equals(True)


@Bottleneck.property("can leave its shortcut at the first step", trials=1)
def _(answer, draw: Draw) -> None:
    block, x = answer(8, 2).train(), normals(draw, 4, 8, 4, 4)
    (block(x.clone()) * normals(draw, 4, 8, 4, 4)).sum().backward()
    moved = sum(p.grad is not None and bool(p.grad.any()) for p in block.parameters())
    expect(moved, "how many parameters move (the last norm's gain and shift)").equals(2)
    frozen = sum(not parameter.requires_grad for parameter in block.parameters())
    expect(frozen, "how many parameters are frozen").equals(0)


@Bottleneck.property("has stride 1 unless told", trials=1)
def _(answer, draw: Draw) -> None:
    out = answer(3, 2).eval()(normals(draw, 2, 3, 4, 5))
    expect(tuple(out.shape), "the shape of the output").equals((2, 8, 4, 5))


@Bottleneck.property("leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    for channels, what in ((3, "where it projects"), (8, "with an identity shortcut")):
        for training in (False, True):
            block, x = answer(channels, 2).train(training), normals(draw, 2, channels, 4, 5)
            fill_alike(block, draw.seed())
            kept = x.clone()
            block(x)
            expect(x, f"x afterwards, {what}").close_to(kept)


@Bottleneck.property("lets the gradient reach every parameter, and its input", trials=1)
def _(answer, draw: Draw) -> None:
    for channels, stride, count in ((3, 2, 12), (8, 1, 9)):
        block = answer(channels, 2, stride).train()
        fill_alike(block, draw.seed())
        x = normals(draw, 4, channels, 5, 5).requires_grad_()
        out = block(x)
        (out * normals(draw, *out.shape)).sum().backward()
        reached = [p.grad is not None and bool(p.grad.any()) for p in block.parameters()]
        expect(sum(reached), f"how many of {count} parameters got a gradient").equals(count)
        expect(x.grad is not None, "whether the input got one").equals(True)


@Bottleneck.right
class RightBlock(nn.Module):
    def __init__(self, channels, width, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(4 * width)
        nn.init.zeros_(self.norm3.weight)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != 4 * width:
            projection = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
            norm = nn.BatchNorm2d(4 * width)
            self.shortcut = nn.Sequential(projection, norm)

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        y = self.norm3(self.conv3(y))
        passed = self.shortcut(x)
        return F.relu(passed + y)


_NARROW = "nn.Conv2d(channels, width, 1, bias=False)"
_LOOK = "nn.Conv2d(width, width, 3, stride, padding=1, bias=False)"
_WIDEN = "nn.Conv2d(width, 4 * width, 1, bias=False)"
_SILENT = "nn.init.zeros_(self.norm3.weight)"
_CHANGES = "stride != 1 or channels != 4 * width"
_PROJECTION = "nn.Conv2d(channels, 4 * width, 1, stride, bias=False)"
_SUM = "F.relu(passed + y)"


Bottleneck.slip(
    "StrideInTheFirst",
    "Your stride is in the first 1 × 1 convolution, which then never looks at three pixels of "
    "four. This page has it in the 3 × 3.",
    {
        _NARROW: "nn.Conv2d(channels, width, 1, stride, bias=False)",
        _LOOK: "nn.Conv2d(width, width, 3, padding=1, bias=False)",
    },
)
Bottleneck.slip(
    "StrideInTheLast",
    "Your stride is in the last convolution, after the dear 3 × 3. It belongs to the 3 × 3.",
    {
        _LOOK: "nn.Conv2d(width, width, 3, padding=1, bias=False)",
        _WIDEN: "nn.Conv2d(width, 4 * width, 1, stride, bias=False)",
    },
)
Bottleneck.slip(
    "StrideTwice",
    "Two convolutions have the stride, so that the picture shrinks twice.",
    {_NARROW: "nn.Conv2d(channels, width, 1, stride, bias=False)"},
)
Bottleneck.slip(
    "MiddleIsPointwise",
    "Your middle convolution is 1 × 1. It is 3 × 3 with padding 1: the only one that sees "
    "neighbours.",
    {_LOOK: "nn.Conv2d(width, width, 1, stride, bias=False)"},
)
Bottleneck.slip(
    "WidensByTwo",
    "Your block ends with 2 · width channels. It is 4 · width.",
    {
        _WIDEN: "nn.Conv2d(width, 2 * width, 1, bias=False)",
        "self.norm3 = nn.BatchNorm2d(4 * width)": "self.norm3 = nn.BatchNorm2d(2 * width)",
        _CHANGES: "stride != 1 or channels != 2 * width",
        _PROJECTION: "nn.Conv2d(channels, 2 * width, 1, stride, bias=False)",
        " norm = nn.BatchNorm2d(4 * width)": " norm = nn.BatchNorm2d(2 * width)",
    },
)
Bottleneck.slip(
    "LoudAtTheStart",
    "The last norm's gain is not 0 at the start: the block does not begin as its shortcut.",
    {_SILENT: "pass"},
)
Bottleneck.slip(
    "AllSilent",
    "All gains start at 0. Then nothing in the branch ever gets a gradient that counts: only the "
    "last norm's.",
    {_SILENT: "[nn.init.zeros_(norm.weight) for norm in (self.norm1, self.norm2, self.norm3)]"},
)
Bottleneck.slip(
    "WrongNormSilent",
    "You silenced a norm inside the branch. The branch ends with norm 3, and its gain starts at 0.",
    {_SILENT: "nn.init.zeros_(self.norm2.weight)"},
)
Bottleneck.slip(
    "FrozenGain",
    "The gain at 0 is frozen (`requires_grad` is False): the branch could never wake.",
    {_SILENT: f"{_SILENT}.requires_grad_(False)"},
)
Bottleneck.slip(
    "ShortcutSilent",
    "The shortcut's norm is at 0 too, so that nothing passes at all.",
    {
        " norm = nn.BatchNorm2d(4 * width)\n": " norm = nn.BatchNorm2d(4 * width)\n"
        "            nn.init.zeros_(norm.weight)\n"
    },
)
Bottleneck.slip(
    "NoFirstRelu",
    "The ReLU after the first norm is missing.",
    {"F.relu(self.norm1(self.conv1(x)))": "self.norm1(self.conv1(x))"},
)
Bottleneck.slip(
    "NoSecondRelu",
    "The ReLU after the second norm is missing.",
    {"F.relu(self.norm2(self.conv2(y)))": "self.norm2(self.conv2(y))"},
)
Bottleneck.slip(
    "ReluBeforeTheNorms",
    "Your ReLUs come before the norms. First the norm, then the ReLU.",
    {
        "F.relu(self.norm1(self.conv1(x)))": "self.norm1(F.relu(self.conv1(x)))",
        "F.relu(self.norm2(self.conv2(y)))": "self.norm2(F.relu(self.conv2(y)))",
    },
)
Bottleneck.slip(
    "NoLastRelu",
    "The ReLU after the addition is missing.",
    {_SUM: "passed + y"},
)
Bottleneck.slip(
    "ReluOnTheBranch",
    "The branch has a ReLU of its own before the addition, so that it can only add.",
    {"self.norm3(self.conv3(y))": "F.relu(self.norm3(self.conv3(y)))"},
)
Bottleneck.slip(
    "ReluBeforeAddition",
    "Your last ReLU stands before the addition. Add first.",
    {_SUM: "passed + F.relu(y)"},
)
Bottleneck.slip(
    "NoSkip",
    "Nothing is added: there is no shortcut.",
    {_SUM: "F.relu(y)"},
)
Bottleneck.slip(
    "AddsIntoTheInput",
    "`+=` on what the shortcut returned changed the input: the identity returns x itself.",
    {"return F.relu(passed + y)": "passed += y\n        return F.relu(passed)"},
)
Bottleneck.slip(
    "RectifiesTheInput",
    "A ReLU in place (`relu_`, `inplace=True`) on what the shortcut returned changed the input: "
    "the identity returns x itself. The only ReLU there comes after the addition.",
    {_SUM: "F.relu(F.relu(passed, inplace=True) + y)"},
)
Bottleneck.slip(
    "ProjectsForChannelsOnly",
    "Your shortcut projects only where the *channels* change. A stride of 2 changes the shape too.",
    {_CHANGES: "channels != 4 * width"},
)
Bottleneck.slip(
    "ProjectsForStrideOnly",
    "Your shortcut projects only where the *stride* is not 1. Other channels cannot be added "
    "either.",
    {_CHANGES: "stride != 1"},
)
Bottleneck.slip(
    "ProjectsWhereBothChange",
    "Your shortcut projects only where the stride is not 1 *and* the channels change. One of them "
    "is enough: `or`.",
    {_CHANGES: "stride != 1 and channels != 4 * width"},
)
Bottleneck.slip(
    "ComparesWithTheWidth",
    "Your shortcut compares the channels with `width`, which the middle of the block has. The "
    "output has 4 · width, and that is what x is added to.",
    {_CHANGES: "stride != 1 or channels != width"},
)
Bottleneck.slip(
    "AlwaysProjects",
    "Your shortcut projects always. Where nothing changes shape x passes as it is.",
    {_CHANGES: "True"},
)
Bottleneck.slip(
    "BareProjection",
    "The projecting shortcut has no norm.",
    {"nn.Sequential(projection, norm)": "projection"},
)
Bottleneck.slip(
    "WideShortcut",
    "The convolution of your shortcut is 3 × 3. It is 1 × 1: it only has to change the shape.",
    {_PROJECTION: "nn.Conv2d(channels, 4 * width, 3, stride, 1, bias=False)"},
)
Bottleneck.slip(
    "PooledShortcut",
    "Your shortcut averages before it projects, as some newer networks do. Here its 1 × 1 "
    "convolution has the stride.",
    {
        _PROJECTION: "nn.Sequential(nn.AvgPool2d(stride, ceil_mode=True), "
        "nn.Conv2d(channels, 4 * width, 1, bias=False))"
    },
)
Bottleneck.slip(
    "ZeroKernel",
    "You set the last *convolution* to 0. It is the gain of the last norm that starts at 0.",
    {_SILENT: "nn.init.zeros_(self.conv3.weight)"},
)
Bottleneck.slip(
    "OneNormTwice",
    "Two norms are one and the same layer. Make three.",
    {"self.norm2 = nn.BatchNorm2d(width)": "self.norm2 = self.norm1"},
)
Bottleneck.slip(
    "WithBias",
    "Your convolutions have a bias. The norm behind them subtracts it again.",
    {part: part.replace("bias=False", "bias=True")
     for part in (_NARROW, _LOOK, _WIDEN, _PROJECTION)},
)  # fmt: skip


Bottleneck.hint("It is rung 10's block with one convolution more: narrow, look around, widen.")
Bottleneck.hint("`nn.Conv2d(width, width, 3, stride, padding=1, bias=False)` is the middle one.")
Bottleneck.hint("The block projects when `stride != 1 or channels != 4 * width`.")
Bottleneck.hint(
    "`nn.init.zeros_(self.norm3.weight)`, and only that one.",
    when="starts with gain 0 in the last norm of the branch, and 1 elsewhere",
)
Bottleneck.hint("Print the shapes of branch and shortcut before you add them.", when="error")
Bottleneck.hint("Is there a ReLU after norms 1 and 2 and after the addition, and nowhere else?",
                when="value")  # fmt: skip
