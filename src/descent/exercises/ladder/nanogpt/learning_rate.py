"""How `learning_rate` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

learning_rate = Exercise("learning_rate", minutes=10, difficulty=2, returns=float)


def _schedule(draw: Draw) -> dict[str, Any]:
    """A least rate that is 0 at times, and a fall that is longer or shorter than the rise."""
    warm_up = 1 + draw.size
    least = 0.0 if draw.size == 2 else draw.uniform(0.01, 0.3)
    steps = warm_up + draw.integers(2, 9)
    return {"steps": steps, "peak": draw.uniform(0.5, 2.0), "least": least, "warm_up": warm_up}


@learning_rate.property("gives the rates that were worked out by hand")
def _(answer, draw: Draw) -> None:
    rates = [answer(step, 7, 8, 0, 3) for step in (0, 1, 2, 3, 5, 7)]
    expect(rates, "the rates of steps 0, 1, 2, 3, 5 and 7").close_to([2, 4, 6, 8, 4, 0], atol=1e-6)


@learning_rate.property("rises in a straight line, from above 0 to just below the peak", trials=5)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    rises = [answer(step, **s) for step in range(s["warm_up"])]
    line = np.linspace(0, s["peak"], s["warm_up"] + 2)[1:-1]
    expect(rises, "the rates of the warm-up").close_to(line)


@learning_rate.property("falls along half a cosine, from the peak to the least rate", trials=5)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    falls = [answer(step, **s) for step in range(s["warm_up"], s["steps"])]
    angle = np.linspace(0, np.pi / 2, s["steps"] - s["warm_up"] + 1)[:-1]
    wanted = s["least"] + (s["peak"] - s["least"]) * np.cos(angle) ** 2
    expect(falls, "the rates after the warm-up").close_to(wanted)


@learning_rate.property("stays at the least rate from step `steps` on", trials=3)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    late = [answer(s["steps"] + more, **s) for more in (0, 1, 5, 50)]
    expect(late, "the rates from step `steps` on").close_to([s["least"]] * 4)


@learning_rate.property("starts at the peak without a warm-up")
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    rates = [answer(step, 4, peak, 0.1, 0) for step in (0, 2, 4)]
    middle = 0.5 * (peak + 0.1)
    expect(rates, "the rates at steps 0, 2 and 4 of 4").close_to([peak, middle, 0.1])
    expect(answer(0, 1, peak, 0.1, 0), "the rate of the only step").close_to(peak)


@learning_rate.property("goes to the least rate when all was warm-up")
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    last = [answer(step, 4, peak, 0.1, 4) for step in (3, 4, 5)]
    expect(last, "the rates at steps 3, 4 and 5 of 4, all warm-up").close_to([0.8 * peak, 0.1, 0.1])


@learning_rate.right
def right_rate(step, steps, peak, least, warm_up):
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    if step >= steps:
        return least
    share = (step - warm_up) / (steps - warm_up)
    return least + (peak - least) * 0.5 * (1 + math.cos(math.pi * share))


_RISE = "peak * (step + 1) / (warm_up + 1)"
_WAVE = "0.5 * (1 + math.cos(math.pi * share))"
_AFTER_THE_LAST = """    if step >= steps:
        return least
"""


learning_rate.slip(
    "starts_at_zero",
    "Your first step has rate 0 and moves nothing. Step 0 has peak/(warm_up + 1).",
    {_RISE: "peak * step / warm_up"},
)
learning_rate.slip(
    "starts_at_zero_and_lags",
    "Your warm-up counts `step` where it should count step + 1: the first step has rate 0, and "
    "each is one behind. Step 0 has peak/(warm_up + 1).",
    {_RISE: "peak * step / (warm_up + 1)"},
)
learning_rate.slip(
    "peaks_early",
    "Your warm-up reaches the peak one step early, and the peak comes twice. Divide by "
    "warm_up + 1: step `warm_up` is the first at the peak.",
    {_RISE: "peak * (step + 1) / warm_up"},
)
learning_rate.slip(
    "brackets_forgotten",
    "`step + 1 / warm_up + 1` divides 1 alone. Brackets: (step + 1)/(warm_up + 1).",
    {_RISE: "peak * (step + 1 / warm_up + 1)"},
)
learning_rate.slip(
    "warms_from_least",
    "Your warm-up starts from the least rate. It starts from 0: peak·(step + 1)/(warm_up + 1).",
    {_RISE: "least + (peak - least) * (step + 1) / (warm_up + 1)"},
)
learning_rate.slip(
    "ends_at_zero",
    "Your cosine ends at 0. It ends at `least`.",
    {"return least\n": "return 0.0\n", "least + (peak - least) * 0.5": "peak * 0.5"},
)
learning_rate.slip(
    "falls_below_least",
    "Your cosine goes down to 0, and after the last step the rate jumps up to `least`. The wave "
    "ends at `least`: least + (peak − least)·(1 + cos πr)/2.",
    {"least + (peak - least) * 0.5": "peak * 0.5"},
)
learning_rate.slip(
    "cosine_from_start",
    "Your cosine counts from step 0, so that it has fallen before it begins. Count from the "
    "end of the warm-up: (step − warm_up)/(steps − warm_up).",
    {"(step - warm_up) / (steps - warm_up)": "step / steps"},
)
learning_rate.slip(
    "cosine_over_all_steps",
    "Your cosine takes `steps` steps to fall, and is not down when they are over. What is left "
    "after the warm-up is steps − warm_up.",
    {"(step - warm_up) / (steps - warm_up)": "(step - warm_up) / steps"},
)
learning_rate.slip(
    "one_step_ahead",
    "Your cosine is one step ahead, so that no step has the peak. Step `warm_up` has r = 0.",
    {"(step - warm_up) /": "(step - warm_up + 1) /"},
)
learning_rate.slip(
    "full_wave",
    "Your cosine goes through a whole wave and comes up again. Half a wave: its angle goes "
    "from 0 to π.",
    {"math.pi *": "2 * math.pi *"},
)
learning_rate.slip(
    "quarter_wave",
    "You use a quarter of a wave, which ends on a slope. Half a wave, (1 + cos πr)/2, starts "
    "and ends flat.",
    {_WAVE: "math.cos(0.5 * math.pi * share)"},
)
learning_rate.slip(
    "in_degrees",
    "You gave the angle in degrees. `math.cos` takes it in radians: π·r.",
    {"math.pi *": "180 *"},
)
learning_rate.slip(
    "half_of_one_alone",
    "You halved the 1 and not the cosine. The brackets hold both: (1 + cos πr)/2.",
    {_WAVE: "(0.5 * 1 + math.cos(math.pi * share))"},
)
learning_rate.slip(
    "half_forgotten",
    "1 + cos πr goes from 2 to 0, so that your rate starts above the peak. Divide it by 2.",
    {"0.5 * (1 +": "(1 +"},
)
learning_rate.slip(
    "straight_fall",
    "Your rate falls in a straight line. Here it falls along a cosine.",
    {_WAVE: "(1 - share)"},
)
learning_rate.slip(
    "wave_upside_down",
    "Your cosine rises from `least` to `peak`. At the end of the warm-up it must be 1.",
    {"1 + math.cos": "1 - math.cos"},
)
learning_rate.slip(
    "least_added",
    "You add `least` to the whole of the peak's wave, which starts above the peak. The wave "
    "is peak − least high.",
    {"(peak - least) * 0.5": "peak * 0.5"},
)
learning_rate.slip(
    "comes_up_again",
    "After the last step your cosine comes up again. From step `steps` on return `least`.",
    {_AFTER_THE_LAST: ""},
)
learning_rate.slip(
    "down_one_step_early",
    "Your cosine is down at the last step, one too early. It takes steps − warm_up steps and is "
    "down at step `steps`.",
    {"/ (steps - warm_up)": "/ (steps - warm_up - 1)"},
)
learning_rate.slip(
    "zero_replaced",
    "A least rate of 0 becomes another number. `least or …` takes 0 for nothing: use `least` as it "
    "is.",
    {"    if step < warm_up": "    least = least or peak / 10\n    if step < warm_up"},
)
learning_rate.slip(
    "peaks_after_all_warm_up",
    "With `steps` equal to `warm_up` your rate goes to the peak when the training is over. All "
    "warm-up: from step `steps` on the rate is `least`.",
    {
        _AFTER_THE_LAST: "",
        "(step - warm_up) / (steps - warm_up)": (
            "min(1.0, (step - warm_up) / max(1, steps - warm_up))"
        ),
    },
)


learning_rate.hint("Three cases: step < warm_up, step >= steps, and between.")
learning_rate.hint("`share = (step - warm_up) / (steps - warm_up)`, then (1 + cos(π·share))/2.")
learning_rate.hint("Work out steps 0, warm_up and `steps` by hand.", when="value")
learning_rate.hint("Is the case step >= steps asked first?", when="error")
learning_rate.hint("Is your rate off by one step?", when="shift")
