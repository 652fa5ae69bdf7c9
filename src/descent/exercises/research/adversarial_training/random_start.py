"""How `random_start` is judged: by where many starts lie."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import pictures

random_start = Exercise(
    "random_start", minutes=20, difficulty=3, changes=("generator",), returns=torch.Tensor
)

N = 3000


def _changes(answer, draw: Draw, norm: str, epsilon: float, shape=(1, 1, 3)) -> np.ndarray:
    """Changes of many grey pictures, far from the ends of the range of pixels: (N, d)."""
    x = torch.full((N, *shape), 0.5)
    start = answer(x, epsilon, norm, torch_generator(draw.seed()))
    expect(start, "the starts").has_shape(N, *shape)
    if tuple(start.shape) != tuple(x.shape):
        return np.zeros((N, int(np.prod(shape))))
    return (start.double() - 0.5).flatten(1).numpy() / epsilon


def _is_uniform(values: np.ndarray, name: str) -> None:
    """Expect numbers spread evenly over 0 to 1: the largest gap of their distribution is small."""
    ordered = np.sort(values.ravel())
    even = (np.arange(len(ordered)) + 0.5) / len(ordered)
    gap = float(np.abs(ordered - even).max())
    expect(gap, f"how far {name} are from evenly spread").is_below(2.6 / len(ordered) ** 0.5)


@random_start.property("in l∞ spreads every pixel evenly over its interval", trials=2)
def _(answer, draw: Draw) -> None:
    changes = _changes(answer, draw, "linf", draw.uniform(0.1, 0.4))
    for k in range(3):
        _is_uniform((changes[:, k] + 1) / 2, f"the changes of pixel {k}")
    both = np.corrcoef(changes.T)[np.triu_indices(3, 1)]
    expect(np.abs(both).max(), "how far pixels go along with each other").is_below(0.1)


@random_start.property("in l2 fills the ball: a radius r has its share r^d inside", trials=2)
def _(answer, draw: Draw) -> None:
    for shape, d in (((2, 1, 1), 2), ((2, 1, 3), 6)):
        changes = _changes(answer, draw, "l2", draw.uniform(0.1, 0.4), shape)
        radii = np.sqrt((changes**2).sum(1))
        expect(radii, "the distances, in epsilons").is_between(0.0, 1.001)
        _is_uniform(radii.clip(0, 1) ** d, f"the distances to the power {d}")


@random_start.property("in l2 prefers no direction", trials=2)
def _(answer, draw: Draw) -> None:
    changes = _changes(answer, draw, "l2", 0.3, (2, 1, 1))
    angles = np.arctan2(changes[:, 1], changes[:, 0])
    _is_uniform((angles + np.pi) / (2 * np.pi), "the angles")
    folded = np.abs((angles + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    _is_uniform(folded / (np.pi / 4), "the angles to the nearest axis")


@random_start.property("stays within the range of pixels and the ball", trials=3)
def _(answer, draw: Draw) -> None:
    x = pictures(draw, 30)
    for norm in ("linf", "l2"):
        start = answer(x, 0.6, norm, torch_generator(draw.seed()))
        expect(start, "the pixels").is_between(0.0, 1.0)
        change = (start - x).flatten(1)
        length = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
        expect(length, f"the {norm} distance").is_below(0.6001)


@random_start.property("draws from the generator alone, and anew each time", trials=2)
def _(answer, draw: Draw) -> None:
    x, seed = torch.full((3, 1, 2, 2), 0.5), draw.seed()
    for norm in ("linf", "l2"):
        generator = torch_generator(seed)
        first, second = answer(x, 0.2, norm, generator), answer(x, 0.2, norm, generator)
        again = answer(x, 0.2, norm, torch_generator(seed))
        expect(torch.equal(first, again), "whether the same seed gives the same starts").equals(
            True
        )
        expect(torch.equal(first, second), "whether a second draw is the same").equals(False)


@random_start.right
def right_start(x, epsilon, norm, generator):
    if norm == "linf":
        change = 2 * torch.rand(x.shape, generator=generator) - 1
    else:
        flat = torch.randn(x.shape, generator=generator).flatten(1)
        radius = torch.rand(len(x), 1, generator=generator) ** (1 / flat.shape[1])
        change = (radius * flat / flat.norm(dim=1, keepdim=True)).reshape(x.shape)
    return (x + epsilon * change).clamp(0.0, 1.0)


_CHANGE = "(radius * flat / flat.norm(dim=1, keepdim=True))"

random_start.slip(
    "only_added",
    "Your l∞ starts only add ink: the numbers are drawn from 0 to 1. The interval goes from −ε "
    "to ε.",
    {
        (
            "2 * torch.rand(x.shape, generator=generator) - 1"
        ): "torch.rand(x.shape, generator=generator)"
    },
)
random_start.slip(
    "radius_even",
    "Your radii are evenly spread, so most starts crowd near the middle. In d dimensions the outer "
    "shells hold nearly all of the ball: take the d-th root.",
    {" ** (1 / flat.shape[1])": ""},
)
random_start.slip(
    "on_the_sphere",
    "All your l2 starts lie on the sphere. Draw the radius as well.",
    {"radius * flat": "flat"},
)
random_start.slip(
    "normal_not_limited",
    "Your l2 change is normal and not brought to a radius within the ball.",
    {_CHANGE: "flat"},
)
random_start.slip(
    "projected_cube",
    "You drew from a cube and brought the outside in. Corners are preferred, and the sphere is "
    "crowded.",
    {
        _CHANGE: "((2 * torch.rand(flat.shape, generator=generator) - 1) / (0 * radius + 1))",
        "return (x + epsilon * change)": (
            "if norm == 'l2':\n"
            "        long = change.flatten(1).norm(dim=1).clamp(min=1).reshape(-1, 1, 1, 1)\n"
            "        change = change / long\n"
            "    return (x + epsilon * change)"
        ),
    },
)
random_start.slip(
    "directions_of_a_cube",
    "You took the directions of points in a cube: they point to its corners more often. Normal "
    "numbers prefer no direction.",
    {
        "torch.randn(x.shape, generator=generator)": (
            "(torch.rand(x.shape, generator=generator) * 2 - 1)"
        )
    },
)
random_start.slip(
    "one_for_the_batch",
    "You drew one change for the whole batch. Each picture gets its own.",
    {
        "return (x + epsilon * change)": "return (x + epsilon * change[:1])",
    },
)
random_start.slip(
    "one_radius_for_the_batch",
    "You drew one radius for the whole batch.",
    {"torch.rand(len(x), 1, generator=generator)": "torch.rand(1, 1, generator=generator)"},
)
random_start.slip(
    "one_number_a_picture",
    "You drew one number for a whole picture: all its pixels move together.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": (
            "(2 * torch.rand(len(x), generator=generator) - 1)"
            ".reshape(-1, *[1] * (x.ndim - 1)).expand(x.shape)"
        )
    },
)
random_start.slip(
    "square_root_for_all_sizes",
    "You took the square root of the radius's number. That fills a disc; in d dimensions it is the "
    "d-th root.",
    {"(1 / flat.shape[1])": "0.5"},
)
random_start.slip(
    "root_of_one_channel",
    "You took the root for the pixels of one channel. d counts all numbers of a picture, those of "
    "every channel.",
    {"(1 / flat.shape[1])": "(1 / (x.shape[2] * x.shape[3]))"},
)
random_start.slip(
    "root_of_the_batch",
    "You took the root for the numbers of the whole batch. d counts those of one picture.",
    {"(1 / flat.shape[1])": "(1 / flat.numel())"},
)
random_start.slip(
    "root_of_the_number_of_pictures",
    "You took the root for the number of pictures. d counts the numbers of one picture.",
    {"(1 / flat.shape[1])": "(1 / len(x))"},
)
random_start.slip(
    "root_of_the_width",
    "You took the root for the width. d counts all numbers of a picture.",
    {"(1 / flat.shape[1])": "(1 / x.shape[-1])"},
)
random_start.slip(
    "power_for_root",
    "You took the d-th power of the radius's number where its d-th root belongs: nearly all of "
    "your starts lie at the middle.",
    {"(1 / flat.shape[1])": "flat.shape[1]"},
)
random_start.slip(
    "directions_of_one_sign",
    "All your directions add ink: `rand` is never negative. Draw them from normal numbers.",
    {"torch.randn(x.shape, generator=generator)": "torch.rand(x.shape, generator=generator)"},
)
random_start.slip(
    "radius_of_each_channel",
    "You drew a radius for each channel. A picture is one point, and has one.",
    {
        "torch.rand(len(x), 1, generator=generator)": (
            "torch.rand(len(x), x.shape[1], generator=generator)"
            ".repeat_interleave(x.shape[2] * x.shape[3], dim=1)"
        )
    },
)
random_start.slip(
    "radius_of_each_pixel",
    "You drew a radius for each pixel. A picture is one point, and has one.",
    {"torch.rand(len(x), 1, generator=generator)": "torch.rand(flat.shape, generator=generator)"},
)
random_start.slip(
    "length_of_each_channel",
    "You divided each channel by its own length. A picture is one vector, with all its channels.",
    {
        "flat.norm(dim=1, keepdim=True)": (
            "flat.reshape(x.shape).flatten(2).norm(dim=2)"
            ".repeat_interleave(x.shape[2] * x.shape[3], dim=1)"
        )
    },
)
random_start.slip(
    "length_of_the_batch",
    "You divided the whole batch by one length. Each picture has a ball of its own.",
    {"flat.norm(dim=1, keepdim=True)": "flat.norm()"},
)
random_start.slip(
    "projected_normal",
    "You drew normal numbers and brought them into the ball. In many dimensions nearly all of them "
    "lie outside, and end on the sphere: draw the radius.",
    {
        _CHANGE: "(flat / flat.norm(dim=1, keepdim=True).clamp(min=1.0))",
    },
)
random_start.slip(
    "half_the_interval",
    "Your l∞ starts fill half of the interval: it goes from −ε to ε, and is 2ε wide.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": (
            "torch.rand(x.shape, generator=generator) - 0.5"
        )
    },
)
random_start.slip(
    "normal_numbers_in_linf",
    "In l∞ you drew normal numbers: some lie outside of ±ε, and most crowd in the middle.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": (
            "torch.randn(x.shape, generator=generator)"
        )
    },
)
random_start.slip(
    "one_draw_for_all",
    "You drew the numbers of a single picture and gave them to all. Each picture gets its own.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": (
            "(2 * torch.rand(x.shape[1:], generator=generator) - 1).expand(x.shape)"
        ),
    },
)
random_start.slip(
    "one_direction_for_all",
    "You drew one direction for all pictures. Each gets its own.",
    {
        "torch.randn(x.shape, generator=generator)": (
            "torch.randn(x.shape[1:], generator=generator).expand(x.shape)"
        )
    },
)
random_start.slip(
    "generator_ignored_in_linf",
    "In l∞ you drew from torch's own numbers instead of the generator: the attack cannot be "
    "repeated.",
    {"2 * torch.rand(x.shape, generator=generator) - 1": "2 * torch.rand(x.shape) - 1"},
)
random_start.slip(
    "generator_ignored_for_radius",
    "You drew the radius from torch's own numbers instead of the generator: the attack cannot be "
    "repeated.",
    {"torch.rand(len(x), 1, generator=generator)": "torch.rand(len(x), 1)"},
)
random_start.slip(
    "generator_ignored_for_direction",
    "You drew the direction from torch's own numbers instead of the generator: the attack cannot "
    "be repeated.",
    {"torch.randn(x.shape, generator=generator)": "torch.randn(x.shape)"},
)
random_start.slip(
    "seeded_anew",
    "You gave the generator a seed. Every call then draws the same starts, so restarts are none: "
    "draw on from where it is.",
    {'    if norm == "linf":': '    generator.manual_seed(0)\n    if norm == "linf":'},
)
random_start.slip(
    "epsilon_forgotten",
    "You forgot epsilon: your ball has the radius 1.",
    {"epsilon * change": "change"},
)
random_start.slip(
    "start_is_change",
    "You returned the change. Asked for is the changed picture.",
    {"(x + epsilon * change)": "(epsilon * change)"},
)

random_start.slip(
    "not_clipped",
    "Some of your starts are no pictures: clip to 0 … 1.",
    {".clamp(0.0, 1.0)": ""},
)
random_start.slip(
    "generator_ignored",
    "You drew from torch's own numbers instead of the generator: the attack cannot be repeated.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": "2 * torch.rand(x.shape) - 1",
        "torch.randn(x.shape, generator=generator)": "torch.randn(x.shape)",
    },
)
random_start.slip(
    "norms_exchanged",
    "You exchanged the two norms.",
    {'norm == "linf"': 'norm == "l2"'},
)
random_start.slip(
    "cube_for_both",
    "You draw from the cube in l2 as well: its corners lie √d times too far away.",
    {'norm == "linf"': 'norm in ("linf", "l2")'},
)
random_start.slip(
    "normal_in_linf",
    "In l∞ you drew normal numbers and cut them: a third of the pixels stand at the very edge.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": (
            "torch.randn(x.shape, generator=generator).clamp(-1, 1)"
        )
    },
)
random_start.slip(
    "corners_only",
    "In l∞ all your starts are corners of the cube. Uniform means every number between −ε and ε.",
    {
        "2 * torch.rand(x.shape, generator=generator) - 1": (
            "torch.randn(x.shape, generator=generator).sign()"
        )
    },
)

random_start.hint(
    "In l∞ the pixels are independent of each other. In l2 draw a direction and a radius."
)
random_start.hint("Normal numbers divided by their length prefer no direction.")
random_start.hint(
    "A ball of radius r holds r^d of the volume. Which u ↦ radius gives that?", when="value"
)

_RETURN = "return (x {} epsilon * change).clamp(0.0, 1.0)"
random_start.equivalent(
    f"`{_RETURN.format('+')}` → `{_RETURN.format('-')}`",
    because="the ball is the same on both sides",
)
