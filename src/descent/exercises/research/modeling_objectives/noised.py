"""How `noised` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

noised = Exercise("noised", minutes=20, difficulty=2, returns=torch.Tensor)


def _levels(draw: Draw, steps: int) -> torch.Tensor:
    """Levels that fall from 1, each step by its own share."""
    left = torch.tensor(draw.uniform(0.4, 0.95, steps), dtype=torch.float32)
    return torch.cat([torch.ones(1), left.cumprod(0)])


def _expected(x, kept, start, end, noise) -> np.ndarray:
    """Number by number: the variances of all steps between, one after another."""
    out = np.empty(x.shape)
    for n in range(len(x)):
        scale, variance = 1.0, 0.0
        for t in range(int(start[n]) + 1, int(end[n]) + 1):
            left = float(kept[t]) / float(kept[t - 1])
            scale, variance = scale * left**0.5, variance * left + 1 - left
        out[n] = scale * x[n].numpy() + max(variance, 0.0) ** 0.5 * noise[n].numpy()
    return out


def _times(draw: Draw, batch: int, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    times = torch.tensor(draw.integers(0, steps + 1, batch, 2)).sort(dim=1).values
    return times[:, 0], times[:, 1]


@noised.property("goes from any step to any later one in a single jump", trials=5)
def _(answer, draw: Draw) -> None:
    kept, batch = _levels(draw, 8), draw.size + 1
    x, noise = normals(draw, batch, 3), normals(draw, batch, 3)
    start, end = _times(draw, batch, 8)
    expected = _expected(x, kept, start, end, noise)
    expect(answer(x, kept, start, end, noise), "the noisy points").close_to(expected, atol=1e-5)


@noised.property("takes the page's point to 0.8 of itself and 0.6 of noise")
def _(answer, draw: Draw) -> None:
    kept, x, noise = torch.tensor([1.0, 0.64]), torch.tensor([[0.6, 0.8]]), normals(draw, 1, 2)
    found = answer(x, kept, torch.tensor([0]), torch.tensor([1]), noise)
    expect(found, "the noisy point").close_to(0.8 * x + 0.6 * noise, atol=1e-6)


@noised.property("keeps each picture's level its own: pictures of shape (1, h, w)", trials=4)
def _(answer, draw: Draw) -> None:
    kept, shape = _levels(draw, 5), draw.choice([(4, 1, 4, 4), (2, 1, 3, 5), (3, 3, 3, 3)])
    x, noise = normals(draw, *shape), normals(draw, *shape)
    start, end = _times(draw, shape[0], 5)
    expected = _expected(x, kept, start, end, noise)
    expect(answer(x, kept, start, end, noise), "the noisy pictures").close_to(expected, atol=1e-5)


@noised.property("is a jump from 0 and the rest of the way, like both jumps in one", trials=3)
def _(answer, draw: Draw) -> None:
    kept, n = _levels(draw, 6), 3
    x, zeros = normals(draw, n, 2), torch.zeros(n, 2)
    none, middle, end = torch.zeros(n).long(), torch.full((n,), 2), torch.full((n,), 6)
    half_way = answer(x, kept, none, middle, zeros)
    whole = answer(x, kept, none, end, zeros)
    expect(answer(half_way, kept, middle, end, zeros), "the means").close_to(whole, atol=1e-5)


@noised.property("stays where it is when both steps are the same")
def _(answer, draw: Draw) -> None:
    kept, x = _levels(draw, 4), normals(draw, 3, 2)
    same = torch.tensor(draw.integers(0, 5, 3))
    expect(answer(x, kept, same, same, normals(draw, 3, 2)), "the points").close_to(x, atol=1e-6)


@noised.right
def right_noised(x, kept, start, end, noise):
    left = (kept[end] / kept[start]).reshape(-1, *[1] * (x.ndim - 1))
    return left.sqrt() * x + (1 - left).sqrt() * noise


_LEFT = "(kept[end] / kept[start])"

noised.slip(
    "from_the_picture",
    "You jump as if x were the clean picture. At step `start` some of the noise is there already: "
    "what is left is ᾱ_end / ᾱ_start.",
    {_LEFT: "kept[end]"},
)
noised.slip(
    "difference_of_levels",
    "You took the noise's variance to be ᾱ_start − ᾱ_end. What was noisy at `start` has been "
    "shrunk since: the variance added is 1 − ᾱ_end / ᾱ_start.",
    {"(1 - left).sqrt()": "((kept[start] - kept[end]).reshape(left.shape)).sqrt()"},
)
noised.slip(
    "without_roots",
    "Shares of the variance are square-rooted before they multiply: √left · x + √(1 − left) · ε.",
    {"left.sqrt() * x + (1 - left).sqrt() * noise": "left * x + (1 - left) * noise"},
)
noised.slip(
    "noise_not_rooted",
    "You multiplied the noise by its variance. Multiply it by the standard deviation, the root.",
    {"(1 - left).sqrt()": "(1 - left)"},
)
noised.slip(
    "picture_not_rooted",
    "You multiplied x by left. It is the *variance* that keeps that share: multiply by its root.",
    {"left.sqrt() * x": "left * x"},
)
noised.slip(
    "picture_not_shrunk",
    "You added noise and did not shrink x. Then the variance grows with every step, and no step is "
    "standard normal noise.",
    {"left.sqrt() * x": "x"},
)
noised.slip(
    "complementary_deviation",
    "You took 1 − √left for the noise. Variances add up to 1, not deviations: √(1 − left).",
    {"(1 - left).sqrt()": "(1 - left.sqrt())"},
)
noised.slip(
    "turned_round_jump",
    "You divided ᾱ_start by ᾱ_end. Noise only takes away: the share left is at most 1.",
    {_LEFT: "(kept[start] / kept[end])"},
)
noised.slip(
    "levels_along_the_last",
    "Your levels run along the last dimension of the pictures: the shapes may agree, and the wrong "
    "pixels are noised. Give them shape (batch, 1, …, 1).",
    {
        ".reshape(-1, *[1] * (x.ndim - 1))": (
            ".reshape(-1, *[1] * (x.ndim - 1)).expand(x.shape).transpose(0, -1).reshape(x.shape)"
        )
    },
)
noised.slip(
    "level_of_the_first",
    "You gave the whole batch the level of its first picture.",
    {"left.sqrt() * x": "left[:1].sqrt() * x"},
)
noised.slip(
    "one_step",
    "You took the levels of the step before `end`, as if a jump were one step long.",
    {"kept[start]": "kept[(end - 1).clamp(min=0)]"},
)
noised.slip(
    "level_of_the_difference",
    "You took the level after end − start steps. Steps differ: what is left between two of them "
    "is ᾱ_end / ᾱ_start.",
    {_LEFT: "kept[end - start]"},
)
noised.slip(
    "noise_of_the_whole_way",
    "You added the noise of the whole way, of variance 1 − ᾱ_end. Some of it is in x already: "
    "the variance added is 1 − ᾱ_end / ᾱ_start.",
    {"(1 - left).sqrt()": "(1 - kept[end].reshape(left.shape)).sqrt()"},
)
noised.slip(
    "deviations_subtracted",
    "You subtracted standard deviations of the noise. Variances add up, not deviations: it is "
    "√(1 − ᾱ_end / ᾱ_start).",
    {
        "(1 - left).sqrt()": (
            "((1 - kept[end]).sqrt() - (1 - kept[start]).sqrt()).reshape(left.shape)"
        )
    },
)
noised.slip(
    "share_by_subtraction",
    "You took 1 − (ᾱ_start − ᾱ_end) for what is left. Shares multiply: ᾱ_end / ᾱ_start.",
    {_LEFT: "(1 - kept[start] + kept[end])"},
)
noised.slip(
    "column_alone",
    "You gave the levels shape (batch, 1). For pictures they then run along the rows of pixels: "
    "shape (batch, 1, …, 1) is needed.",
    {".reshape(-1, *[1] * (x.ndim - 1))": ".reshape(-1, 1)"},
)
noised.slip(
    "times_of_the_first",
    "You took the steps of the first row for the whole batch. Each row has its own.",
    {_LEFT: "(kept[end[:1]] / kept[start[:1]])"},
)


@noised.mistake(
    "You draw noise of your own. Use the `noise` that you are given: a model is asked for it."
)
def own_noise(x, kept, start, end, noise):
    return right_noised(x, kept, start, end, torch.randn_like(x))


noised.slip(
    "levels_not_shaped",
    "Your levels have shape (batch,), so they run along the last dimension of x. Give them shape "
    "(batch, 1, …, 1).",
    {".reshape(-1, *[1] * (x.ndim - 1))": ""},
)
noised.slip(
    "shaped_for_pictures_alone",
    "You gave the levels shape (batch, 1, 1, 1). x may have any number of dimensions: count them "
    "with x.ndim.",
    {".reshape(-1, *[1] * (x.ndim - 1))": ".reshape(-1, 1, 1, 1)"},
)
noised.slip(
    "noise_not_added",
    "You shrank x and added no noise.",
    {"left.sqrt() * x + (1 - left).sqrt() * noise": "left.sqrt() * x"},
)
noised.slip(
    "roots_exchanged",
    "You exchanged the two factors. x is multiplied by √left, the noise by √(1 − left).",
    {"left.sqrt() * x + (1 - left).sqrt()": "(1 - left).sqrt() * x + left.sqrt()"},
)
noised.slip(
    "noise_subtracted",
    "You subtracted the noise. It is added: a network is asked for what was added.",
    {"* x + (1": "* x - (1"},
)


noised.hint("Of the variance that x has at `start`, which share is left at `end`?")
noised.hint("ᾱ_end = ᾱ_start · left. Two jumps in a row multiply what is left.")
noised.hint("Index the levels by both times, then shape them (batch, 1, …, 1).", when="error")
noised.hint(
    "By hand: ᾱ = 1, 0.64, 0.32; from step 1 to step 2 half is left, not 0.32.", when="value"
)
