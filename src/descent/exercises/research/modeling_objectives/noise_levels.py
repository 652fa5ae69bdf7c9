"""How `noise_levels` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

noise_levels = Exercise("noise_levels", minutes=15, difficulty=2, returns=torch.Tensor)


def _expected(steps: int, schedule: str) -> np.ndarray:
    """Step by step: what is left of the variance after each."""
    kept = [1.0]
    for t in range(1, steps + 1):
        if schedule == "linear":
            share = (t - 1) / (steps - 1) if steps > 1 else 0.0
            added = (1e-4 + share * (0.02 - 1e-4)) * 1000 / steps
        else:
            left = [math.cos((s / steps + 0.008) / 1.008 * math.pi / 2) ** 2 for s in (t - 1, t)]
            added = 1 - left[1] / left[0]
        kept.append(kept[-1] * (1 - min(added, 0.999)))
    return np.array(kept)


def _expect_levels(answer, steps: int, schedule: str) -> None:
    found, expected = answer(steps, schedule), _expected(steps, schedule)
    what = f"ᾱ, {schedule}"
    expect(found, what).has_shape(steps + 1).has_dtype("float32").close_to(
        expected, rtol=1e-3, atol=1e-3
    )
    if found.shape != expected.shape:
        return
    # Single numbers, which are small beside the others. What rounding rules is left out.
    if steps < 200:
        first = round(1 - found[1].item(), 5)
        expect(first, f"1 − {what}, after one step").close_to(1 - expected[1], atol=1.2e-5)
    last = round(found[-1].item(), 12)
    expect(last, f"{what}, after the last step").close_to(expected[-1], atol=1e-9)
    exact = np.allclose(found.detach().double().numpy(), expected, rtol=1e-4, atol=1e-9)
    expect(exact, f"{what} is right to single precision").is_true(
        otherwise=f"of {steps} {schedule} steps, a level is off by more than rounding explains"
    )


@noise_levels.property("multiply what each step leaves", trials=4)
def _(answer, draw: Draw) -> None:
    for schedule in ("linear", "cosine"):
        _expect_levels(answer, 40 + 7 * draw.size, schedule)


@noise_levels.property("of 1000 steps are those of the papers", trials=1)
def _(answer, draw: Draw) -> None:
    for schedule in ("linear", "cosine"):
        _expect_levels(answer, 1000, schedule)


@noise_levels.property("begin with all of the picture and end with something above 0", trials=3)
def _(answer, draw: Draw) -> None:
    for schedule in ("linear", "cosine"):
        found = answer(draw.choice([30, 100, 300]), schedule)
        expect(found[0], "ᾱ before the first step").equals(1.0)
        last = found[-1].item()
        expect(1e-12 < last < 0.01, "ᾱ after the last step is small and above 0").is_true(
            otherwise=f"after the last step of the {schedule} schedule ᾱ is {last:.3g}; it should "
            "be below 0.01 and above 0"
        )


@noise_levels.property("add at most 0.999 of the variance at once: with few steps too", trials=3)
def _(answer, draw: Draw) -> None:
    for steps in (2 + draw.size, 15, 6):
        for schedule in ("linear", "cosine"):
            _expect_levels(answer, steps, schedule)


@noise_levels.property("refuse a schedule that they do not know")
def _(answer, draw: Draw) -> None:
    refuses(answer, 10, draw.choice(["quadratic", "Linear", ""]), because="an unknown schedule")


@noise_levels.right
def right_levels(steps, schedule):
    if schedule == "linear":
        added = torch.linspace(1e-4, 0.02, steps, dtype=torch.float64) * 1000 / steps
    elif schedule == "cosine":
        done = torch.arange(steps + 1, dtype=torch.float64) / steps
        left = torch.cos((done + 0.008) / 1.008 * math.pi / 2) ** 2
        added = 1 - left[1:] / left[:-1]
    else:
        raise ValueError(f"schedule is 'linear' or 'cosine', not {schedule!r}")
    kept = (1 - added.clamp(max=0.999)).cumprod(0)
    return torch.cat([torch.ones(1), kept.float()])


_LEFT, _KEPT = "** 2\n", "(1 - added.clamp(max=0.999)).cumprod(0)"
_RETURN = "torch.cat([torch.ones(1), kept.float()])"

noise_levels.slip(
    "not_scaled_to_steps",
    "Your linear variances are those of 1000 steps, whatever `steps` is. With a hundred of them "
    "much of the picture is left at the end: multiply by 1000 / steps.",
    {" * 1000 / steps": ""},
)
noise_levels.slip(
    "variances_returned",
    "You returned the variance that each step adds. ᾱ is what is *left* after all steps so far: "
    "the running product of 1 − β.",
    {_KEPT: "added.clamp(max=0.999)"},
)
noise_levels.slip(
    "each_step_alone",
    "You returned what each step leaves of the step before. Multiply them up: cumprod.",
    {".cumprod(0)": ""},
)
noise_levels.slip(
    "added_up",
    "You added the variances up. Each step shrinks what is there before it adds: multiply.",
    {_KEPT: "1 - added.clamp(max=0.999).cumsum(0)"},
)
noise_levels.slip(
    "not_limited",
    "You did not limit a step's variance to 0.999. The cosine reaches 0 at the last step, and the "
    "way back divides by it; with few linear steps 1 − β is negative.",
    {".clamp(max=0.999)": ""},
)
noise_levels.slip(
    "cosine_not_squared",
    "The cosine is to be squared.",
    {"math.pi / 2) ** 2": "math.pi / 2)"},
)
noise_levels.slip(
    "cosine_without_offset",
    "The offset 0.008 is missing: without it the first steps are too small.",
    {"(done + 0.008) / 1.008": "done"},
)
noise_levels.slip(
    "first_left_out",
    "ᾱ₀ = 1, before any noise, is missing: steps + 1 numbers come back, so that entry t is the "
    "level after t steps.",
    {_RETURN: "kept.float()"},
)
noise_levels.slip(
    "square_root",
    "You returned √ᾱ, by which the picture is multiplied. Return ᾱ, its share of the variance.",
    {_RETURN: "torch.cat([torch.ones(1), kept.float()]).sqrt()"},
)
noise_levels.slip(
    "turned_round",
    "Your levels go from noise to picture. Entry 0 is the picture.",
    {_RETURN: "torch.cat([torch.ones(1), kept.float()]).flip(0)"},
)
noise_levels.slip(
    "unknown_is_cosine",
    'You take whatever is not "linear" for the cosine. A word that nobody knows is a slip of '
    "the pen: raise a ValueError.",
    {'elif schedule == "cosine":': "elif True:"},
)
noise_levels.slip(
    "schedules_exchanged",
    "You exchanged the two schedules.",
    {'if schedule == "linear":\n        added': 'if schedule == "cosine":\n        added',
     'elif schedule == "cosine":': 'elif schedule == "linear":'},
)  # fmt: skip
noise_levels.slip(
    "double_precision",
    "Your levels are float64. Work in it if you like, but return float32, or every picture that "
    "they touch becomes float64 too.",
    {_RETURN: "torch.cat([torch.ones(1), kept])"},
)
noise_levels.slip(
    "share_of_noise",
    "You returned 1 − ᾱ, the share of the noise. Return what is left of the picture.",
    {_RETURN: "torch.cat([torch.ones(1), 1 - kept.float()])"},
)
noise_levels.slip(
    "line_from_step_0",
    "Your line begins one step too early: the smallest variance belongs to t = 1, the largest to "
    "t = T.",
    {
        "torch.linspace(1e-4, 0.02, steps, dtype=torch.float64)": (
            "torch.linspace(1e-4, 0.02, steps + 1, dtype=torch.float64)[1:]"
        )
    },
)
noise_levels.slip(
    "levels_limited",
    "You limited the level of the cosine from below. What is limited is each step: β is at most "
    "0.999.",
    {
        _KEPT: (
            "((left[1:] / left[0]).clamp(min=0.001) if schedule == 'cosine' else (1 - "
            "added.clamp(max=0.999)).cumprod(0))"
        )
    },
)
noise_levels.slip(
    "line_not_limited",
    "You limited the steps of the cosine alone. With few steps the line exceeds 0.999 too.",
    {_KEPT: "(1 - (added.clamp(max=0.999) if schedule == 'cosine' else added)).cumprod(0)"},
)

noise_levels.slip(
    "cosine_not_limited",
    "You limited the steps of the line alone. The cosine reaches 0 at the last step, and the way "
    "back divides by it: limit its β to 0.999 too.",
    {_KEPT: "(1 - (added.clamp(max=0.999) if schedule == 'linear' else added)).cumprod(0)"},
)
noise_levels.slip(
    "limited_too_early",
    "You limited each step's variance to 0.99. The limit is 0.999.",
    {"max=0.999": "max=0.99"},
)
noise_levels.slip(
    "limited_too_late",
    "You limited each step's variance to 0.9999. The limit is 0.999.",
    {"max=0.999": "max=0.9999"},
)
noise_levels.slip(
    "limited_to_one",
    "You limited each step's variance to 1. Then the last step of the cosine leaves nothing: the "
    "limit is 0.999.",
    {"max=0.999": "max=1.0"},
)
noise_levels.slip(
    "all_levels_limited",
    "You limited the levels ᾱ from below, in both schedules. What is limited is each step: β is "
    "at most 0.999.",
    {_KEPT: "(1 - added).cumprod(0).clamp(min=0.001)"},
)
noise_levels.slip(
    "level_not_divided",
    "You took f(t) itself for ᾱ. It is a little less than 1 at t = 0: the product of all f(t) / "
    "f(t − 1) is f(t) / f(0).",
    {_KEPT: "((1 - added.clamp(max=0.999)).cumprod(0) if schedule == 'linear' else left[1:])"},
)
noise_levels.slip(
    "line_misses_its_end",
    "Your line does not reach its end: it has steps + 1 points, and the last is left out. The "
    "largest variance belongs to t = T.",
    {
        "torch.linspace(1e-4, 0.02, steps, dtype=torch.float64)": (
            "torch.linspace(1e-4, 0.02, steps + 1, dtype=torch.float64)[:-1]"
        )
    },
)
noise_levels.slip(
    "variances_after_zero",
    "You returned β, the variance that each step adds, with a 0 before it. ᾱ is what is *left*: "
    "the running product of 1 − β, and 1 before it.",
    {_RETURN: "torch.cat([torch.zeros(1), added.clamp(max=0.999).float()])"},
)
noise_levels.slip(
    "line_of_levels",
    "Your linear schedule is a line in ᾱ. It is β that grows evenly; ᾱ is the product of 1 − β.",
    {
        _KEPT: (
            "((1 - added.clamp(max=0.999)).cumprod(0) if schedule == 'cosine' else "
            "torch.linspace(1, 0.001, steps + 1)[1:])"
        )
    },
)
noise_levels.slip(
    "line_turned_round",
    "Your line falls. The first step adds least, 10⁻⁴ · 1000/T, and the last one most.",
    {"torch.linspace(1e-4, 0.02, steps": "torch.linspace(0.02, 1e-4, steps"},
)
noise_levels.slip(
    "cosine_of_the_step_before",
    "Your cosine begins one step too late: t runs from 0 to T, and t / T from 0 to 1.",
    {"torch.arange(steps + 1, dtype": "torch.arange(1, steps + 2, dtype"},
)
noise_levels.slip(
    "cosine_not_shared",
    "You added 0.008 and did not divide by 1.008. The angle then goes beyond π/2 at t = T.",
    {" / 1.008": ""},
)
noise_levels.slip(
    "whole_pi",
    "Your angle goes to π. It goes to π/2, where the cosine is 0.",
    {" / 1.008 * math.pi / 2": " / 1.008 * math.pi"},
)

_CUMULATED = "return torch.cat([torch.ones(1), (1 - added.clamp(max=0.999)).cumprod(dim={})])"
noise_levels.equivalent(
    f"`{_CUMULATED.format(0)}` → `{_CUMULATED.format(-1)}`",
    because="there is one dimension",
)


noise_levels.hint(
    "First β₁ … β_T, what each step adds; then limit them; then the product of 1 − β."
)
noise_levels.hint("For the cosine, βₜ = 1 − f(t) / f(t − 1): the ratio of neighbours.")
noise_levels.hint("How many numbers come back, and what is the first?", when="shape")
noise_levels.hint("Work out three linear steps by hand: β is 0.0333, then limited …", when="value")
