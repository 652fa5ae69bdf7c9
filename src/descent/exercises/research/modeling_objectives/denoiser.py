"""How `Denoiser` is judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import fill_with_normals, normals
from descent.grading import Draw, Exercise, expect

Denoiser = Exercise("Denoiser", minutes=35, difficulty=3)


def _shapes(width: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every parameter of the table."""
    layers = {
        "stem": (1, 1), "down": (1, 2), "bottom": (2, 4), "middle": (4, 4),
        "up": (6, 2), "merge": (3, 1),
    }  # fmt: skip
    shapes: dict[str, tuple[int, ...]] = {
        "step.weight": (7 * width, 12), "step.bias": (7 * width,)
    }  # fmt: skip
    for name, (before, after) in layers.items():
        channels = 1 if name == "stem" else before * width
        shapes[f"{name}.weight"] = (after * width, channels, 3, 3)
        shapes[f"{name}.bias"] = (after * width,)
    shapes["noise.weight"], shapes["noise.bias"] = (1, width, 3, 3), (1,)
    return shapes


def _conv(x: Tensor, w: dict[str, Tensor], name: str, stride: int = 1) -> Tensor:
    """A convolution as a matrix product over patches."""
    weight, bias = w[f"{name}.weight"], w[f"{name}.bias"]
    patches = F.unfold(x, 3, padding=1, stride=stride)
    sides = [(side - 1) // stride + 1 for side in x.shape[2:]]
    return (weight.flatten(1) @ patches + bias[:, None]).reshape(len(x), -1, *sides)


def _doubled(x: Tensor, like: Tensor) -> Tensor:
    """Each place of the finer grid takes the value of the place above it."""
    rows, columns = (
        torch.arange(fine) * coarse // fine
        for fine, coarse in zip(like.shape[2:], x.shape[2:], strict=True)
    )
    return x[:, :, rows][:, :, :, columns]


def _told(share: float) -> list[float]:
    """Six cosines, then six sines, each twice as fast as the one before."""
    angles = [share * math.pi * 2**k for k in range(6)]
    return [math.cos(a) for a in angles] + [math.sin(a) for a in angles]


def _expected(model: nn.Module, width: int, steps: int, x: Tensor, t: Tensor) -> Tensor:
    """The network of the table from the model's own parameters."""
    w = {name: parameter.detach() for name, parameter in model.named_parameters()}
    seen = torch.tensor([_told(step / steps) for step in t.tolist()])
    told = (seen @ w["step.weight"].T + w["step.bias"])[:, :, None, None]
    one, two, four = told[:, :width], told[:, width : 3 * width], told[:, 3 * width :]
    fine = F.silu(_conv(x, w, "stem") + one)
    half = F.silu(_conv(fine, w, "down", 2) + two)
    y = F.silu(_conv(half, w, "bottom", 2) + four)
    y = y + F.silu(_conv(y, w, "middle"))
    y = F.silu(_conv(torch.cat([_doubled(y, half), half], 1), w, "up"))
    y = F.silu(_conv(torch.cat([_doubled(y, fine), fine], 1), w, "merge"))
    return _conv(y, w, "noise")


def _has_its_parts(model: Any, width: int) -> bool:
    own = {name: tuple(p.shape) for name, p in model.named_parameters()}
    return own == _shapes(width)


def _expect_noise(answer, draw: Draw, batch: int, side: tuple[int, int], width: int = 4) -> None:
    noise_steps = draw.integers(5, 9)
    model = answer(width, noise_steps)
    if not _has_its_parts(model, width):
        expect(False, "whether its parameters are those of the table").equals(True)
        return
    fill_with_normals(model, draw, scale=0.2)
    x, t = normals(draw, batch, 1, *side), torch.tensor(draw.integers(0, noise_steps + 1, batch))
    expected = _expected(model, width, noise_steps, x, t)
    expect(model(x, t), "the noise").close_to(expected, rtol=1e-3, atol=1e-4)


@Denoiser.property("has the parameters of the table", trials=2)
def _(answer, draw: Draw) -> None:
    width, noise_steps = 4 * draw.size, 3 + draw.size
    own = {name: tuple(p.shape) for name, p in answer(width, noise_steps).named_parameters()}
    wanted = _shapes(width)
    missing = [name for name in wanted if name not in own]
    expect(not missing, "the parameters have the names of the table").is_true(
        otherwise=f"no parameter is called {', '.join(missing[:1])}; the model's own are: "
        f"{', '.join(own) or 'none'}"
    )
    for name, shape in wanted.items():
        expect(own.get(name, ()), f"the shape of {name}").equals(shape)
    expect(len(own), "how many parameters there are").equals(len(wanted))


@Denoiser.property("computes the network of the table", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_noise(answer, draw, draw.size + 1, (8, 8))


@Denoiser.property("takes pictures of 14 × 14, where the coarsest grid is 4 × 4", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_noise(answer, draw, 2, (14, 14))


@Denoiser.property("takes odd and unequal sides, and a batch of one", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_noise(answer, draw, 1, (draw.integers(5, 10), draw.integers(10, 14)), width=8)


@Denoiser.property("learns: a gradient reaches every parameter", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer(4, 3)
    x, t = normals(draw, 4, 1, 8, 8), torch.arange(4)
    (model(x, t) - normals(draw, 4, 1, 8, 8)).square().mean().backward()
    reached = [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]
    expect(all(reached), "whether a gradient reaches every parameter").equals(True)


def _waves(share):
    angles = share[:, None] * math.pi * 2.0 ** torch.arange(6)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


@Denoiser.right
class RightDenoiser(nn.Module):
    def __init__(self, width, noise_steps):
        super().__init__()
        self.noise_steps = noise_steps
        self.cut = [width, 2 * width, 4 * width]
        self.step = nn.Linear(12, 7 * width)
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.bottom = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(4 * width, 4 * width, 3, padding=1)
        self.up = nn.Conv2d(6 * width, 2 * width, 3, padding=1)
        self.merge = nn.Conv2d(3 * width, width, 3, padding=1)
        self.noise = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x, t):
        told = self.step(_waves(t / self.noise_steps))[:, :, None, None]
        one, two, four = told.split(self.cut, dim=1)
        fine = F.silu(self.stem(x) + one)
        half = F.silu(self.down(fine) + two)
        y = F.silu(self.bottom(half) + four)
        y = y + F.silu(self.middle(y))
        y = F.interpolate(y, size=half.shape[2:])
        y = F.silu(self.up(torch.cat([y, half], dim=1)))
        y = F.interpolate(y, size=fine.shape[2:])
        y = F.silu(self.merge(torch.cat([y, fine], dim=1)))
        return self.noise(y)


Denoiser.slip(
    "step_ignored",
    "Your network is not told the step, so it cannot know how much noise to look for. Add the "
    "step's numbers on the way down.",
    {"self.stem(x) + one": "self.stem(x)", "self.down(fine) + two": "self.down(fine)",
     "self.bottom(half) + four": "self.bottom(half)"},
)  # fmt: skip
Denoiser.slip(
    "step_after_silu",
    "You added the step's numbers after the SiLU. They are added before it, so that they can open "
    "and close channels.",
    {"F.silu(self.stem(x) + one)": "F.silu(self.stem(x)) + one",
     "F.silu(self.down(fine) + two)": "F.silu(self.down(fine)) + two",
     "F.silu(self.bottom(half) + four)": "F.silu(self.bottom(half)) + four"},
)  # fmt: skip
Denoiser.slip(
    "own_first",
    "You joined the channels in the other order. What comes up from the coarser grid stands "
    "first, then what was kept from the way down.",
    {"torch.cat([y, half], dim=1)": "torch.cat([half, y], dim=1)",
     "torch.cat([y, fine], dim=1)": "torch.cat([fine, y], dim=1)"},
)  # fmt: skip
Denoiser.slip(
    "without_residual",
    "`middle` replaces what `bottom` found. It is added to it.",
    {"y = y + F.silu(self.middle(y))": "y = F.silu(self.middle(y))"},
)
Denoiser.slip(
    "fixed_factor",
    "You enlarge by a factor of 2. A grid of 7 has 4 places after a stride of 2, and twice 4 is "
    "not 7: enlarge to the size of what you join it with.",
    {"F.interpolate(y, size=half.shape[2:])": "F.interpolate(y, scale_factor=2.0)",
     "F.interpolate(y, size=fine.shape[2:])": "F.interpolate(y, scale_factor=2.0)"},
)  # fmt: skip
Denoiser.slip(
    "smooth_enlargement",
    "You enlarged bilinearly. Here each place takes the value of the coarse place above it: mode "
    "\"nearest\", which is interpolate's default.",
    {"F.interpolate(y, size=half.shape[2:])": (
        'F.interpolate(y, size=half.shape[2:], mode="bilinear")'),
     "F.interpolate(y, size=fine.shape[2:])": (
        'F.interpolate(y, size=fine.shape[2:], mode="bilinear")')},
)  # fmt: skip
Denoiser.slip(
    "silu_at_the_end",
    "You applied SiLU to the output. Noise is negative half of the time; SiLU is hardly ever.",
    {"return self.noise(y)": "return F.silu(self.noise(y))"},
)
Denoiser.slip(
    "relu_instead",
    "You used ReLU on the way down. The table says SiLU.",
    {"F.silu(self.stem(x) + one)": "F.relu(self.stem(x) + one)",
     "F.silu(self.down(fine) + two)": "F.relu(self.down(fine) + two)"},
)  # fmt: skip
Denoiser.slip(
    "row_cut_backwards",
    "You cut the step's row from the other end: the first `width` numbers belong to the finest "
    "grid.",
    {
        "one, two, four = told.split(self.cut, dim=1)": (
            "four, two, one = told.split(self.cut[::-1], dim=1)"
        )
    },
)
Denoiser.slip(
    "step_of_the_first",
    "The whole batch is told the step of its first picture. Each picture has its own.",
    {"_waves(t / self.noise_steps)": "_waves(t[:1] / self.noise_steps)"},
)
Denoiser.slip(
    "step_not_divided",
    "You told the network the step itself. `waves` takes the share of the way, t / noise_steps; of "
    "whole numbers nearly all its waves are the same.",
    {"t / self.noise_steps": "t"},
)
Denoiser.slip(
    "without_skips",
    "Nothing is handed across: the channels kept from the way down are replaced by zeros, and the "
    "fine detail is lost.",
    {"torch.cat([y, half], dim=1)": "torch.cat([y, 0 * half], dim=1)",
     "torch.cat([y, fine], dim=1)": "torch.cat([y, 0 * fine], dim=1)"},
)  # fmt: skip
Denoiser.slip(
    "relu_everywhere",
    "You used ReLU. The table says SiLU.",
    {
        "F.silu(self.stem(x) + one)": "F.relu(self.stem(x) + one)",
        "F.silu(self.down(fine) + two)": "F.relu(self.down(fine) + two)",
        "F.silu(self.bottom(half) + four)": "F.relu(self.bottom(half) + four)",
        "F.silu(self.middle(y))": "F.relu(self.middle(y))",
        "F.silu(self.up(": "F.relu(self.up(",
        "F.silu(self.merge(": "F.relu(self.merge(",
    },
)
Denoiser.slip(
    "gelu_everywhere",
    "You used GELU. The table says SiLU.",
    {
        "F.silu(self.stem(x) + one)": "F.gelu(self.stem(x) + one)",
        "F.silu(self.down(fine) + two)": "F.gelu(self.down(fine) + two)",
        "F.silu(self.bottom(half) + four)": "F.gelu(self.bottom(half) + four)",
        "F.silu(self.middle(y))": "F.gelu(self.middle(y))",
        "F.silu(self.up(": "F.gelu(self.up(",
        "F.silu(self.merge(": "F.gelu(self.merge(",
    },
)
Denoiser.slip(
    "one_step_fewer",
    "You divided the step by one less than noise_steps. Step T is the whole way: t / noise_steps.",
    {"t / self.noise_steps": "t / (self.noise_steps - 1)"},
)
Denoiser.slip(
    "picture_returned",
    "You subtracted what `noise` gives from x. The network finds the noise; the sampler "
    "subtracts it.",
    {"return self.noise(y)": "return x - self.noise(y)"},
)
Denoiser.slip(
    "silu_round_the_sum",
    "In `middle` the SiLU goes round the convolution alone. You put it round the sum.",
    {"y + F.silu(self.middle(y))": "F.silu(y + self.middle(y))"},
)
Denoiser.slip(
    "silu_on_the_step",
    "You put a SiLU on the step's numbers. They are added as they come out of `step`.",
    {"self.step(_waves(t / self.noise_steps))": "F.silu(self.step(_waves(t / self.noise_steps)))"},
)
Denoiser.slip(
    "merge_without_silu",
    "The SiLU after `merge` is missing.",
    {"F.silu(self.merge(torch.cat([y, fine], dim=1)))": "self.merge(torch.cat([y, fine], dim=1))"},
)
Denoiser.slip(
    "nothing_from_below",
    "Nothing comes up from the coarser grids: `merge` reads `fine` alone.",
    {"torch.cat([y, fine], dim=1)": "torch.cat([0 * y, fine], dim=1)"},
)
Denoiser.slip(
    "bounded_noise",
    "You bounded the output with tanh. Noise is unbounded: the last convolution comes out as it "
    "is.",
    {"return self.noise(y)": "return self.noise(y).tanh()"},
)

Denoiser.slip(
    "step_at_the_finest_alone",
    "You added the step's numbers at the finest grid alone. `down` and `bottom` are told the step "
    "too.",
    {"self.down(fine) + two": "self.down(fine)", "self.bottom(half) + four": "self.bottom(half)"},
)
Denoiser.slip(
    "step_at_the_coarsest_alone",
    "You added the step's numbers at the coarsest grid alone. `stem` and `down` are told the step "
    "too.",
    {"self.stem(x) + one": "self.stem(x)", "self.down(fine) + two": "self.down(fine)"},
)
Denoiser.slip(
    "square_pictures_alone",
    "You enlarge to a square, by one side of the grid. Height and width may differ: enlarge to "
    "`half.shape[2:]` and `fine.shape[2:]`.",
    {
        "size=half.shape[2:]": "size=(half.shape[2], half.shape[2])",
        "size=fine.shape[2:]": "size=(fine.shape[2], fine.shape[2])",
    },
)
Denoiser.slip(
    "up_without_silu",
    "The SiLU after `up` is missing.",
    {"F.silu(self.up(torch.cat([y, half], dim=1)))": "self.up(torch.cat([y, half], dim=1))"},
)
Denoiser.slip(
    "middle_without_silu",
    "The SiLU in `middle` is missing.",
    {"F.silu(self.middle(y))": "self.middle(y)"},
)


Denoiser.hint("Go down the table row by row; keep `fine` and `half` for the way up.")
Denoiser.hint(
    "`self.step(waves(…))[:, :, None, None].split([C, 2 * C, 4 * C], dim=1)` gives the three parts."
)
Denoiser.hint(
    "F.interpolate(y, size=half.shape[2:]) enlarges to the size that is needed.", when="error"
)
Denoiser.hint("Compare your parameters' names and shapes with the table first.",
              when="has the parameters of the table")  # fmt: skip
Denoiser.hint("Print y.shape after each row for 14 × 14: 14, 7, 4, 4, 7, 14.", when="shape")
