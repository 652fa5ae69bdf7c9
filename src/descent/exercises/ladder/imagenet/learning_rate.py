"""How `learning_rate` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

learning_rate = Exercise("learning_rate", minutes=10, difficulty=2, returns=float)


def _rate_by_sine(step: int, steps: int, warm_up: int, batch: int, base: float = 0.1) -> float:
    """The schedule from the square of a sine: cos² of half the way."""
    peak = base * batch / 256
    if step < warm_up:
        return float(np.interp(step, [-1, warm_up], [0, peak]))
    way = np.interp(step, [warm_up, steps], [0, 1])
    return float(peak * np.sin(math.pi / 2 * (1 - way)) ** 2)


def _rates(answer, *given: float) -> list[float]:
    """The rates of all steps; `given` begins with how many they are."""
    return [answer(step, *given) for step in range(int(given[0]))]


@learning_rate.property("rises in a line during the warm-up", trials=4)
def _(answer, draw: Draw) -> None:
    warm_up = draw.size + draw.integers(0, 2)
    steps = warm_up + draw.integers(4, 9)
    found = _rates(answer, steps, warm_up, 256)[:warm_up]
    expected = [0.1 * (step + 1) / (warm_up + 1) for step in range(warm_up)]
    expect(found, "the rates").close_to(expected)


@learning_rate.property("falls along half a cosine, from the peak at step warm_up", trials=4)
def _(answer, draw: Draw) -> None:
    warm_up = draw.integers(1, 5)
    steps = warm_up + draw.size + 2
    found = _rates(answer, steps, warm_up, 256)[warm_up:]
    expected = [_rate_by_sine(step, steps, warm_up, 256) for step in range(warm_up, steps)]
    expect(found, "the rates").close_to(expected)


@learning_rate.property("grows in proportion to the batch", trials=3)
def _(answer, draw: Draw) -> None:
    usual = np.array(_rates(answer, 6, 2, 256))
    for batch in (draw.choice([32, 64, 100]), draw.choice([384, 512, 4096])):
        found = _rates(answer, 6, 2, batch)
        expect(found, f"the rates for a batch of {batch}").close_to(usual * batch / 256)


@learning_rate.property("grows in proportion to `base`", trials=3)
def _(answer, draw: Draw) -> None:
    batch, base = draw.choice([128, 1024]), draw.uniform(0.15, 0.6)
    usual = np.array(_rates(answer, 6, 2, batch))
    expect(_rates(answer, 6, 2, batch, base), "the rates").close_to(usual * base / 0.1)
    expect(_rates(answer, 6, 2, batch, 0.0), "the rates with base 0").close_to(0 * usual)


@learning_rate.property("falls from the first step on without warm-up", trials=1)
def _(answer, draw: Draw) -> None:
    expected = [_rate_by_sine(step, 6, 0, 256) for step in range(6)]
    expect(_rates(answer, 6, 0, 256), "the rates").close_to(expected)


@learning_rate.property("takes a warm-up of all steps but the last", trials=1)
def _(answer, draw: Draw) -> None:
    expected = [_rate_by_sine(step, 5, 4, 256) for step in range(5)]
    expect(_rates(answer, 5, 4, 256), "the rates").close_to(expected)
    expect(_rates(answer, 1, 0, 256), "the rate of a single step").close_to([0.1])


@learning_rate.right
def right_rate(step, steps, warm_up, batch, base=0.1):
    peak = base * batch / 256
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    way = (step - warm_up) / (steps - warm_up)
    return peak * (1 + math.cos(math.pi * way)) / 2


_PEAK = "base * batch / 256"
_RISE = "peak * (step + 1) / (warm_up + 1)"
_WAY = "(step - warm_up) / (steps - warm_up)"
_FALL = "peak * (1 + math.cos(math.pi * way)) / 2"


learning_rate.slip(
    "batch_ignored",
    "Your rate does not depend on the batch. The linear rule: base · batch / 256.",
    {_PEAK: "base"},
)
learning_rate.slip(
    "root_of_the_batch",
    "You scaled by the root of the batch. That is a rule for Adam; for SGD the rule is linear.",
    {_PEAK: "base * math.sqrt(batch / 256)"},
)
learning_rate.slip(
    "upside_down",
    "Your rate falls with the batch: multiply by batch / 256.",
    {_PEAK: "base * 256 / batch"},
)
learning_rate.slip(
    "undivided_batch",
    "`base` is the rate for 256 pictures: divide the batch by 256.",
    {_PEAK: "base * batch"},
)
learning_rate.slip(
    "fraction_cut_off",
    "`//` cuts the fraction off: a batch of 64 is a quarter of 256, not 0 times.",
    {_PEAK: "base * (batch // 256)"},
)
learning_rate.slip(
    "base_unused",
    "`base` is not used.",
    {_PEAK: "0.1 * batch / 256"},
)
learning_rate.slip(
    "base_for_nothing",
    "A `base` of 0 is taken for none given: `base or 0.1`. 0 is a rate like any other.",
    {_PEAK: "(base or 0.1) * batch / 256"},
)
learning_rate.slip(
    "first_step_wasted",
    "Your first step has a rate of 0 and is wasted: count from 1, (step + 1) / (warm_up + 1).",
    {_RISE: "peak * step / warm_up"},
)
learning_rate.slip(
    "one_stride_behind",
    "Your warm-up is one stride behind, and its first rate is 0: above the line stands step + 1.",
    {_RISE: "peak * step / (warm_up + 1)"},
)
learning_rate.slip(
    "peak_early",
    "Your warm-up reaches the peak one step early. Its last step stands one equal stride below: "
    "(step + 1) / (warm_up + 1).",
    {_RISE: "peak * (step + 1) / warm_up"},
)
learning_rate.slip(
    "rise_without_upper_brackets",
    "The brackets around step + 1 are missing: without them the peak multiplies `step` alone.",
    {_RISE: "peak * step + 1 / (warm_up + 1)"},
)
learning_rate.slip(
    "rise_without_lower_brackets",
    "The brackets around warm_up + 1 are missing: without them `warm_up` alone divides, and 1 is "
    "added.",
    {_RISE: "peak * (step + 1) / warm_up + 1"},
)
learning_rate.slip(
    "from_the_base",
    "Your warm-up starts from `base`. Here it starts from 0, one stride up.",
    {_RISE: "base + (peak - base) * (step + 1) / (warm_up + 1)"},
)
learning_rate.slip(
    "no_warm_up",
    "There is no warm-up.",
    {f"peak = {_PEAK}": f"warm_up = 0\n    peak = {_PEAK}"},
)
learning_rate.slip(
    "cosine_from_the_start",
    "Your cosine starts with the training, not where the warm-up ends.",
    {_WAY: "step / steps"},
)
learning_rate.slip(
    "cosine_too_slow",
    "Your cosine does not come down: divide by the steps that are left, steps − warm_up.",
    {_WAY: "(step - warm_up) / steps"},
)
learning_rate.slip(
    "fall_without_brackets",
    "Brackets are missing in how far the fall has come: a division goes before a subtraction. "
    "(step − warm_up) / (steps − warm_up).",
    {_WAY: "(step - warm_up) / steps - warm_up"},
)
learning_rate.slip(
    "angle_without_brackets",
    "All brackets are missing in your angle, where a division and a product go before a "
    "subtraction. π · (step − warm_up) / (steps − warm_up).",
    {"math.pi * way": "math.pi * step - warm_up / steps - warm_up"},
)
learning_rate.slip(
    "last_step_wasted",
    "Your last step has a rate of exactly 0 and is wasted. Divide by steps − warm_up, not one "
    "less.",
    {_WAY: "(step - warm_up) / (steps - 1 - warm_up)"},
)
learning_rate.slip(
    "one_step_ahead",
    "Your fall is one step ahead: at step warm_up the rate is the peak itself.",
    {_WAY: "(step + 1 - warm_up) / (steps - warm_up)"},
)
learning_rate.slip(
    "middle_of_the_step",
    "You measured in the middle of the step, as on rung 10. Here it is the step's number.",
    {_WAY: "(step + 0.5 - warm_up) / (steps - warm_up)"},
)
learning_rate.slip(
    "linear_fall",
    "Your rate falls in a line. Half a cosine.",
    {_FALL: "peak * (1 - way)"},
)
learning_rate.slip(
    "stairs",
    "Your rate falls in stairs, as in the older recipe. Half a cosine.",
    {_FALL: "peak * 0.1 ** int(3 * way)"},
)
learning_rate.slip(
    "whole_turn",
    "Your cosine makes a whole turn, back up to the peak.",
    {"math.pi * way": "2 * math.pi * way"},
)
learning_rate.slip(
    "quarter_turn",
    "You used a quarter of the cosine. It falls from 1 to −1: half a turn, shifted and halved.",
    {_FALL: "peak * math.cos(math.pi * way / 2)"},
)
learning_rate.slip(
    "without_pi",
    "The π is missing: the angle goes from 0 to π, half a turn.",
    {"math.pi * way": "way"},
)
learning_rate.slip(
    "not_halved_cosine",
    "1 + cos runs from 2 to 0. Halve it.",
    {_FALL: "peak * (1 + math.cos(math.pi * way))"},
)
learning_rate.slip(
    "half_of_one",
    "Only the 1 is halved, not the cosine. The half goes over both: ½ (1 + cos …).",
    {_FALL: "peak * (0.5 + math.cos(math.pi * way))"},
)
learning_rate.slip(
    "half_of_the_cosine",
    "Only the cosine is halved, not the 1. The half goes over both: ½ (1 + cos …).",
    {_FALL: "peak * (1 + math.cos(math.pi * way) / 2)"},
)
learning_rate.slip(
    "rises_on",
    "Your rate rises after the warm-up: plus the cosine.",
    {_FALL: "peak * (1 - math.cos(math.pi * way)) / 2"},
)


learning_rate.equivalent(
    "`if step < warm_up:` → `if step <= warm_up:`",
    because="both formulas give the peak at step warm_up",
)


learning_rate.hint("The peak first. Then two cases: before warm_up, and from it on.")
learning_rate.hint("`(step + 1) / (warm_up + 1)` climbs in equal strides and is 1 at step warm_up.")
learning_rate.hint("How far the fall has come: (step − warm_up) / (steps − warm_up).", when="value")
learning_rate.hint("By hand: base 0.1, batch 512: the peak is 0.2.", when="factor")
