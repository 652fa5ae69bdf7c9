"""How `one_cycle` is judged."""

from __future__ import annotations

import math

from descent.grading import Draw, Exercise, expect

from .shared import cycle

one_cycle = Exercise("one_cycle", minutes=8, difficulty=2, returns=float)


@one_cycle.property("rises in a line and falls along a cosine", trials=6)
def _(answer, draw: Draw) -> None:
    steps, peak = draw.size + 3, draw.uniform(0.1, 2.0)
    warm_up = draw.choice([0.2, 0.35, 0.6])
    rates = [answer(step, steps, peak, warm_up) for step in range(steps)]
    expect(rates, "the rates").close_to([cycle(s, steps, peak, warm_up) for s in range(steps)])


@one_cycle.property("warms up over the first quarter unless told", trials=2)
def _(answer, draw: Draw) -> None:
    for steps, peak in ((8, 1.0), (11, draw.uniform(0.2, 3.0))):
        rates = [answer(step, steps, peak) for step in range(steps)]
        expect(rates, f"the rates of {steps} steps").close_to(
            [cycle(s, steps, peak, 0.25) for s in range(steps)]
        )


@one_cycle.property("has no warm-up where warm_up is 0", trials=2)
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    rates = [answer(step, 5, peak, 0.0) for step in range(5)]
    expect(rates, "the rates without warm-up").close_to([cycle(s, 5, peak, 0.0) for s in range(5)])


@one_cycle.property("works for a single step, and for a warm-up of nearly all", trials=1)
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    for warm_up in (0.25, 0.8):
        expect(answer(0, 1, peak, warm_up), f"the rate of the only step, warm-up {warm_up}"
               ).close_to(cycle(0, 1, peak, warm_up))  # fmt: skip
    rates = [answer(step, 10, peak, 0.93) for step in range(10)]
    expect(rates, "the rates, warm-up 0.93").close_to([cycle(s, 10, peak, 0.93) for s in range(10)])


@one_cycle.property("is at the peak where the warm-up ends in the middle of a step", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(1, 6, 3.0, 0.25), "the rate").close_to(3.0)


@one_cycle.property("is 0 at every step where the peak is 0", trials=1)
def _(answer, draw: Draw) -> None:
    expect([answer(step, 4, 0.0) for step in range(4)], "the rates").close_to([0.0] * 4)


@one_cycle.right
def right_rate(step, steps, peak, warm_up=0.25):
    t = (step + 0.5) / steps
    if t < warm_up:
        return peak * t / warm_up
    u = (t - warm_up) / (1 - warm_up)
    return peak * (1 + math.cos(math.pi * u)) / 2


FALL = "peak * (1 + math.cos(math.pi * u)) / 2"
RISE = "peak * t / warm_up"


one_cycle.slip(
    "at_the_start",
    "You measured at the start of the step: t = step / steps. The page takes its middle, (step "
    "+ ½) / steps, so that the first step is not wasted on a rate of 0.",
    {"(step + 0.5) / steps": "step / steps"},
)
one_cycle.slip(
    "at_the_end",
    "You measured at the end of the step, (step + 1) / steps. The page takes its middle.",
    {"(step + 0.5) / steps": "(step + 1) / steps"},
)
one_cycle.slip(
    "half_before",
    "You subtracted the half step: t = (step − ½) / steps, which starts below 0. The first step "
    "has number 0, and its middle is ½.",
    {"(step + 0.5) / steps": "(step - 0.5) / steps"},
)
one_cycle.slip(
    "without_brackets",
    "Only the ½ was divided by steps: put step + ½ into brackets.",
    {"(step + 0.5) / steps": "step + 0.5 / steps"},
)
one_cycle.slip(
    "one_step_less",
    "You divided by steps − 1. The middle of the step is (step + ½) / steps.",
    {"(step + 0.5) / steps": "step / max(steps - 1, 1)"},
)
one_cycle.slip(
    "middle_of_one_less",
    "You divided by steps − 1. There are `steps` steps: t = (step + ½) / steps.",
    {"(step + 0.5) / steps": "(step + 0.5) / max(steps - 1, 1)"},
)
one_cycle.slip(
    "linear",
    "Your rate falls in a line. After the warm-up it follows a cosine.",
    {FALL: "peak * (1 - u)"},
)
one_cycle.slip(
    "cosine_from_zero",
    "Your cosine starts with the training and not with the end of the warm-up: its argument is "
    "π (t − u) / (1 − u).",
    {"(t - warm_up) / (1 - warm_up)": "t"},
)
one_cycle.slip(
    "cosine_unscaled",
    "Your cosine does not reach 0: divide t − u by what is left, 1 − u.",
    {"(t - warm_up) / (1 - warm_up)": "t - warm_up"},
)
one_cycle.slip(
    "cosine_unshifted",
    "Your cosine begins below the peak: subtract u from t before you divide by 1 − u.",
    {"(t - warm_up) / (1 - warm_up)": "t / (1 - warm_up)"},
)
one_cycle.slip(
    "divided_by_warm_up",
    "You divided t − u by the warm-up. Divide by what is left after it, 1 − u.",
    {"(t - warm_up) / (1 - warm_up)": "(t - warm_up) / (warm_up or 1)"},
)
one_cycle.slip(
    "whole_turn",
    "Your cosine makes a whole turn, back to the peak. It is half a turn: cos(π …).",
    {FALL: "peak * (1 + math.cos(2 * math.pi * u)) / 2"},
)
one_cycle.slip(
    "quarter_turn",
    "You took a quarter of a turn, cos(π/2 …). It is ½ (1 + cos(π …)), flat at both ends.",
    {FALL: "peak * math.cos(math.pi * u / 2)"},
)
one_cycle.slip(
    "bare_cosine",
    "Your cosine falls to −peak. It is ½ (1 + cos …), which falls to 0.",
    {FALL: "peak * math.cos(math.pi * u)"},
)
one_cycle.slip(
    "one_minus_cosine",
    "Your rate rises after the warm-up: 1 − cos goes up. It is ½ (1 + cos …).",
    {FALL: "peak * (1 - math.cos(math.pi * u)) / 2"},
)
one_cycle.slip(
    "sine",
    "You took the sine. ½ (1 + cos …) starts at the peak.",
    {FALL: "peak * (1 + math.sin(math.pi * u)) / 2"},
)
one_cycle.slip(
    "unhalved",
    "The ½ is missing: 1 + cos goes up to 2.",
    {FALL: "peak * (1 + math.cos(math.pi * u))"},
)
one_cycle.slip(
    "half_of_the_cosine",
    "You halved the cosine alone. The ½ belongs to the whole bracket: ½ (1 + cos …).",
    {FALL: "peak * (1 + math.cos(math.pi * u) / 2)"},
)
one_cycle.slip(
    "in_degrees",
    "`math.cos` takes radians: half a turn is π, not 180.",
    {"math.pi * u": "180 * u"},
)
one_cycle.slip(
    "without_pi",
    "π is missing in the cosine, so that it stops half-way: cos(π …).",
    {"math.pi * u": "u"},
)
one_cycle.slip(
    "without_warm_up",
    "There is no warm-up: the rate starts at the peak.",
    {RISE: "peak"},
)
one_cycle.slip(
    "warm_up_as_cosine",
    "Your warm-up follows a cosine. It rises in a straight line, peak · t / u.",
    {RISE: "peak * (1 - math.cos(math.pi * t / warm_up)) / 2"},
)
one_cycle.slip(
    "warm_up_too_slow",
    "The warm-up does not reach the peak: it is peak · t / u.",
    {RISE: "peak * t"},
)
one_cycle.slip(
    "warm_up_multiplied",
    "You multiplied by the warm-up. Divide by it: at t = u the rate is the peak.",
    {RISE: "peak * t * warm_up"},
)
one_cycle.slip(
    "warm_up_in_steps",
    "Your warm-up compares the number of the step with its share. Compare t.",
    {"if t < warm_up": "if step < warm_up"},
)
one_cycle.slip(
    "warm_up_fixed",
    "Your warm-up is always a quarter. Use the share that was given.",
    {"    t = (step": "    warm_up = 0.25\n    t = (step"},
)
one_cycle.slip(
    "warm_up_zero_replaced",
    "Your warm-up of 0 became a quarter: `warm_up or …` and `if warm_up` take 0 for nothing. "
    "With 0 there is no warm-up.",
    {"    t = (step": "    warm_up = warm_up or 0.25\n    t = (step"},
)
one_cycle.slip(
    "warm_up_to_one",
    "Your warm-up rises to 1, whatever the peak is: multiply t / u by it.",
    {RISE: "t / warm_up"},
)
one_cycle.slip(
    "falls_from_one",
    "Your rate falls from 1, whatever the peak is: multiply by it.",
    {FALL: "(1 + math.cos(math.pi * u)) / 2"},
)
one_cycle.slip(
    "share_of_the_peak",
    "You returned the share of the peak. Multiply by the peak, rising and falling.",
    {FALL: "(1 + math.cos(math.pi * u)) / 2", RISE: "t / warm_up"},
)


one_cycle.equivalent(
    "`if t < warm_up:` → `if t <= warm_up:`",
    because="at t = u both formulas give the peak",
)


one_cycle.hint("Compute t first, then an `if` for its two parts.")
one_cycle.hint("`math.cos` and `math.pi`; half a cosine goes from 1 to −1.")
one_cycle.hint("Compare with the worked numbers: ¼, ¾, 0.983 for 8 steps.", when="value")
one_cycle.hint(
    "With warm_up = 0, t < 0 never holds: is the division inside the `if`?", when="error"
)
one_cycle.hint("½ (1 + cos …) lies between 0 and 1.", when="factor")
