"""How `learning_rate` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import scheduled_rate

learning_rate = Exercise("learning_rate", minutes=10, difficulty=2)


def _schedule(draw: Draw) -> dict[str, Any]:
    warm_up = 1 + draw.size
    steps = warm_up + 3 + draw.size
    peak = draw.uniform(0.5, 2.0)
    return {"steps": steps, "peak": peak, "least": round(peak / 8, 4), "warm_up": warm_up}


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


@learning_rate.property("stays at the least rate from the last step on", trials=3)
def _(answer, draw: Draw) -> None:
    s = _schedule(draw)
    late = [answer(s["steps"] + more, **s) for more in (0, 1, 5, 50)]
    expect(late, "the rates from step `steps` on").close_to([s["least"]] * 4)


@learning_rate.property("works without a warm-up, and with nothing after it")
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    first = answer(0, 4, peak, 0.1, 0)
    expect(first, "the first rate without a warm-up").close_to(peak)
    last = [answer(step, 4, peak, 0.1, 4) for step in (3, 4, 5)]
    expect(last, "the rates at steps 3, 4 and 5 of 4, all warm-up").close_to([0.8 * peak, 0.1, 0.1])
    expect(first, "the rate").is_a(float)


def _rating(name, habit):
    def answer(step, steps, peak, least, warm_up):
        return scheduled_rate(step, steps, peak, least, warm_up, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "starts_at_zero", "from_zero",
        "Your first step has rate 0 and moves nothing. Step 0 has peak/(warm_up + 1).",
    ),
    (
        "peaks_early", "reaches_early",
        "Your warm-up reaches the peak one step early, and the peak comes twice. Divide by "
        "warm_up + 1: step `warm_up` is the first at the peak.",
    ),
    (
        "warms_from_least", "from_least",
        "Your warm-up starts from the least rate. It starts from 0: peak·(step + 1)/(warm_up + 1).",
    ),
    (
        "ends_at_zero", "to_zero",
        "Your cosine ends at 0. It ends at `least`.",
    ),
    (
        "cosine_from_start", "from_start",
        "Your cosine counts from step 0, so that it has fallen before it begins. Count from the "
        "end of the warm-up: (step − warm_up)/(steps − warm_up).",
    ),
    (
        "full_wave", "whole_wave",
        "Your cosine goes through a whole wave and comes up again. Half a wave: its angle goes "
        "from 0 to π.",
    ),
    (
        "quarter_wave", "quarter",
        "You use a quarter of a wave, which ends on a slope. Half a wave, (1 + cos πr)/2, starts "
        "and ends flat.",
    ),
    (
        "straight_fall", "straight",
        "Your rate falls in a straight line. Here it falls along a cosine.",
    ),
    (
        "wave_upside_down", "rises",
        "Your cosine rises from `least` to `peak`. At the end of the warm-up it must be 1.",
    ),
    (
        "least_added", "adds_least",
        "You add `least` to the whole of the peak's wave, which starts above the peak. The wave "
        "is peak − least high.",
    ),
    (
        "comes_up_again", "comes_back",
        "After the last step your cosine comes up again. From step `steps` on return `least`.",
    ),
    (
        "peaks_after_all_warm_up", "clamped",
        "With `steps` equal to `warm_up` your rate goes to the peak when the training is over. All "
        "warm-up: from step `steps` on the rate is `least`.",
    ),
):  # fmt: skip
    learning_rate.mistake(_message)(_rating(_name, _habit))


learning_rate.hint("Three cases: step < warm_up, step >= steps, and between.")


learning_rate.hint("`share = (step - warm_up) / (steps - warm_up)`, then (1 + cos(π·share))/2.")


learning_rate.hint("Work out steps 0, warm_up and `steps` by hand.", when="value")


learning_rate.hint("Is the case step >= steps asked first?", when="error")


learning_rate.hint("Is your rate off by one step?", when="shift")
