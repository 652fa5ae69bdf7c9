"""How `learning_rate` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import name_habits

learning_rate = Exercise("learning_rate", minutes=10, difficulty=2)


def _rate_by_sine(step: int, steps: int, warm_up: int, batch: int, base: float = 0.1) -> float:
    """The schedule from the square of a sine: cos² of half the way."""
    peak = base * batch / 256
    if step < warm_up:
        return float(np.interp(step, [-1, warm_up], [0, peak]))
    way = np.interp(step, [warm_up, steps], [0, 1])
    return float(peak * np.sin(math.pi / 2 * (1 - way)) ** 2)


@learning_rate.property("rises in a line and falls along half a cosine", trials=5)
def _(answer, draw: Draw) -> None:
    warm_up = draw.integers(1, 5)
    steps, batch = warm_up + draw.size + 2, draw.choice([64, 256, 1024])
    found = [answer(step, steps, warm_up, batch) for step in range(steps)]
    expected = [_rate_by_sine(step, steps, warm_up, batch) for step in range(steps)]
    expect(found, "the rates").close_to(expected, rtol=1e-4)


@learning_rate.property("grows with the batch, and with the rate of 256", trials=3)
def _(answer, draw: Draw) -> None:
    batch, base = draw.choice([32, 128, 512, 4096]), draw.uniform(0.05, 0.6)
    found = [answer(step, 9, 3, batch, base) for step in range(9)]
    expect(found, "the rates").close_to([_rate_by_sine(s, 9, 3, batch, base) for s in range(9)])


@learning_rate.property("starts at the peak without warm-up", trials=1)
def _(answer, draw: Draw) -> None:
    batch = draw.choice([64, 512])
    found = [answer(step, 6, 0, batch) for step in range(6)]
    expect(found, "the rates").close_to([_rate_by_sine(s, 6, 0, batch) for s in range(6)])


def _scheduled(step, steps, warm_up, batch, base=0.1, **habits):
    peak = base * habits.get("scale", lambda n: n / 256)(batch)
    if habits.get("default_base"):
        peak = 0.1 * batch / 256
    if step < warm_up and not habits.get("no_warm_up"):
        if habits.get("from_nothing"):
            return peak * step / warm_up
        if habits.get("reaches_early"):
            return peak * (step + 1) / warm_up
        if habits.get("from_base"):
            return base + (peak - base) * (step + 1) / (warm_up + 1)
        return peak * (step + 1) / (warm_up + 1)
    if habits.get("no_warm_up"):
        warm_up = 0
    way = (step - warm_up) / (steps - warm_up)
    way = step / steps if habits.get("whole") else way
    way = (step - warm_up) / steps if habits.get("unscaled") else way
    if habits.get("late"):
        way = (step - warm_up + 1) / (steps - warm_up)
    if habits.get("to_zero"):
        way = (step - warm_up) / max(1, steps - 1 - warm_up)
    way = (step + 0.5 - warm_up) / (steps - warm_up) if habits.get("middle") else way
    if habits.get("line"):
        return peak * (1 - way)
    if habits.get("steps"):
        return peak * 0.1 ** int(3 * way)
    if habits.get("turn"):
        return peak * (1 + math.cos(2 * math.pi * way)) / 2
    if habits.get("quarter"):
        return peak * math.cos(math.pi * way / 2)
    if habits.get("unhalved"):
        return peak * (1 + math.cos(math.pi * way))
    if habits.get("rises"):
        return peak * (1 - math.cos(math.pi * way)) / 2
    return peak * (1 + math.cos(math.pi * way)) / 2


name_habits(learning_rate, _scheduled, (
    ("Your rate does not depend on the batch. The linear rule: base · batch / 256.",
     "batch_ignored", {"scale": lambda n: 1}),
    ("You scaled by the root of the batch. That is a rule for Adam; for SGD the rule is linear.",
     "root_of_the_batch", {"scale": lambda n: math.sqrt(n / 256)}),
    ("Your rate falls with the batch: multiply by batch / 256.",
     "upside_down", {"scale": lambda n: 256 / n}),
    ("`base` is the rate for 256 pictures: divide the batch by 256.",
     "undivided_batch", {"scale": lambda n: n}),
    ("`//` cuts the fraction off: a batch of 64 is a quarter of 256, not 0 times.",
     "fraction_cut_off", {"scale": lambda n: n // 256}),
    ("`base` is not used.", "base_unused", {"default_base": True}),
    ("Your first step has a rate of 0 and is wasted: count from 1, (step + 1) / (warm_up + 1).",
     "first_step_wasted", {"from_nothing": True}),
    ("Your warm-up reaches the peak one step early. Its last step stands one equal stride below: "
     "(step + 1) / (warm_up + 1).", "peak_early", {"reaches_early": True}),
    ("Your warm-up starts from `base`. Here it starts from 0, one stride up.",
     "from_the_base", {"from_base": True}),
    ("There is no warm-up.", "no_warm_up", {"no_warm_up": True}),
    ("Your cosine starts with the training, not where the warm-up ends.",
     "cosine_from_the_start", {"whole": True}),
    ("Your cosine does not come down: divide by the steps that are left, steps − warm_up.",
     "cosine_too_slow", {"unscaled": True}),
    ("Your last step has a rate of exactly 0 and is wasted. Divide by steps − warm_up, not one "
     "less.", "last_step_wasted", {"to_zero": True}),
    ("Your fall is one step ahead: at step warm_up the rate is the peak itself.",
     "one_step_ahead", {"late": True}),
    ("You measured in the middle of the step, as on rung 10. Here it is the step's number.",
     "middle_of_the_step", {"middle": True}),
    ("Your rate falls in a line. Half a cosine.", "linear_fall", {"line": True}),
    ("Your rate falls in stairs, as in the older recipe. Half a cosine.",
     "stairs", {"steps": True}),
    ("Your cosine makes a whole turn, back up to the peak.", "whole_turn", {"turn": True}),
    ("You used a quarter of the cosine. It falls from 1 to −1: half a turn, shifted and halved.",
     "quarter_turn", {"quarter": True}),
    ("1 + cos runs from 2 to 0. Halve it.", "not_halved_cosine", {"unhalved": True}),
    ("Your rate rises after the warm-up: plus the cosine.", "rises_on", {"rises": True}),
))  # fmt: skip


learning_rate.equivalent(
    "`if step < warm_up:` → `if step <= warm_up:`",
    because="both formulas give the peak at step warm_up",
)


learning_rate.hint("The peak first. Then two cases: before warm_up, and from it on.")


learning_rate.hint("`(step + 1) / (warm_up + 1)` climbs in equal strides and is 1 at step warm_up.")


learning_rate.hint("How far the fall has come: (step − warm_up) / (steps − warm_up).", when="value")


learning_rate.hint("By hand: base 0.1, batch 512: the peak is 0.2.", when="factor")
