"""How `cyclic_rate` is judged: beside straight lines between three points."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

cyclic_rate = Exercise("cyclic_rate", minutes=8, difficulty=1, returns=float)


@cyclic_rate.property("rises in a straight line to the peak, and falls in one to 0", trials=6)
def _(answer, draw: Draw) -> None:
    steps, top = draw.integers(10, 400), draw.uniform(0.15, 0.85)
    peak = draw.choice([0.005, 0.2, 3.0])
    for step in {0, 1, int(top * steps), int(top * steps) + 1, steps // 2, steps - 1}:
        expected = float(np.interp(step, [0, top * steps, steps], [0, peak, 0]))
        expect(answer(step, steps, peak, top), f"the rate at step {step}").close_to(expected)


@cyclic_rate.property("peaks at two fifths where nothing else is said")
def _(answer, draw: Draw) -> None:
    expect(answer(40, 100, 0.005), "the rate at step 40 of 100").close_to(0.005)
    expect(answer(20, 100, 0.005), "the rate at step 20 of 100").close_to(0.0025)
    expect(answer(70, 100, 0.005), "the rate at step 70 of 100").close_to(0.0025)


@cyclic_rate.property("begins at 0")
def _(answer, draw: Draw) -> None:
    expect(answer(0, 10 + draw.size, 0.3), "the rate at step 0").close_to(0.0, atol=1e-9)


@cyclic_rate.property("works where the peak falls on no whole step, and of one step", trials=3)
def _(answer, draw: Draw) -> None:
    for steps in (1, 3, 7, 11):
        for step in range(steps):
            expected = float(np.interp(step, [0, 0.4 * steps, steps], [0, 1.0, 0]))
            expect(answer(step, steps, 1.0), f"the rate at step {step} of {steps}").close_to(
                expected
            )


@cyclic_rate.right
def right_rate(step, steps, peak, top=0.4):
    done = step / steps
    if done < top:
        return peak * done / top
    return peak * (1 - done) / (1 - top)


cyclic_rate.slip(
    "peak_in_the_middle",
    "Your peak is in the middle, whatever `top` says.",
    {"    done = step / steps\n": "    done, top = step / steps, 0.5\n"},
)
cyclic_rate.slip(
    "top_ignored",
    "You always take two fifths. `top` may be another share.",
    {"    done = step / steps\n": "    done, top = step / steps, 0.4\n"},
)
cyclic_rate.slip(
    "falls_too_early",
    "You divided the way down by all of the steps: it begins below the peak. Divide by the share "
    "that is left.",
    {"(1 - done) / (1 - top)": "(1 - done)"},
)
cyclic_rate.slip(
    "rises_too_slowly",
    "You did not divide the way up by its share: it ends below the peak.",
    {"peak * done / top": "peak * done"},
)
cyclic_rate.slip(
    "never_falls",
    "Your rate stays at its peak. It has to come down again.",
    {"peak * (1 - done) / (1 - top)": "peak"},
)
cyclic_rate.slip(
    "starts_at_peak",
    "Your rate begins at the peak and only falls.",
    {"peak * done / top": "peak * (1 - done)"},
)
cyclic_rate.slip(
    "off_by_one",
    "You count the steps from 1: step 0 has a rate already.",
    {"done = step / steps": "done = (step + 1) / steps"},
)
cyclic_rate.slip(
    "last_step_at_zero",
    "You divided by steps − 1. The rate is to reach 0 at `steps`, one after the last.",
    {"step / steps": "step / max(steps - 1, 1)"},
)
cyclic_rate.slip(
    "cosine",
    "You go along a cosine. Two straight lines are asked for.",
    {
        "peak * (1 - done) / (1 - top)": (
            "float(peak * (1 + np.cos(np.pi * (done - top) / (1 - top))) / 2)"
        )
    },
)
cyclic_rate.slip(
    "peak_forgotten",
    "Your rate goes up to 1. Multiply by the peak.",
    {"peak * done / top": "done / top", "peak * (1 - done) / (1 - top)": "(1 - done) / (1 - top)"},
)
cyclic_rate.slip(
    "shares_exchanged",
    "You exchanged the way up and the way down: the peak comes at 1 − top.",
    {"    done = step / steps\n": "    done, top = step / steps, 1 - top\n"},
)

cyclic_rate.slip(
    "last_step_at_zero_alone",
    "Your way down reaches 0 at the last step. It is to reach 0 at `steps`, the one after it, so "
    "that no step is made for nothing.",
    {
        "peak * (1 - done) / (1 - top)": (
            "peak * (steps - 1 - step) / (steps - 1 - top * steps or 1.0)"
        )
    },
)
cyclic_rate.slip(
    "turning_point_cut",
    "You cut the turning point to a whole step. It need not be one: top · steps stays as it is.",
    {
        "    done = step / steps\n": (
            "    done, top = step / steps, (int(top * steps) or 1) / steps\n"
            "    if top == 1:\n        return peak * done\n"
        )
    },
)
cyclic_rate.slip(
    "turning_point_rounded",
    "You rounded the turning point to a whole step. It need not be one: top · steps stays as it "
    "is.",
    {
        "    done = step / steps\n": (
            "    done, top = step / steps, (round(top * steps) or 1) / steps\n"
            "    if top == 1:\n        return peak * done\n"
        )
    },
)
cyclic_rate.slip(
    "turning_point_one_early",
    "You took top · (steps − 1) for the turning point. It is top · steps.",
    {
        "    done = step / steps\n": (
            "    done, top = step / steps, (top * (steps - 1) or 1) / steps\n"
            "    if top == 1:\n        return peak * done\n"
        )
    },
)
cyclic_rate.slip(
    "falls_as_steeply_as_it_rose",
    "You fall as steeply as you rose. The way down is to end at 0 at `steps`: it has 1 − top of "
    "the "
    "steps.",
    {"peak * (1 - done) / (1 - top)": "peak - peak * (done - top) / top"},
)
cyclic_rate.slip(
    "falls_as_steeply_to_zero",
    "You fall as steeply as you rose, and stop at 0. The way down has 1 − top of the steps.",
    {"peak * (1 - done) / (1 - top)": "max(0.0, peak - peak * (done - top) / top)"},
)
cyclic_rate.slip(
    "falls_in_a_curve",
    "Your way down is a parabola. A straight line is asked for.",
    {"peak * (1 - done) / (1 - top)": "peak * ((1 - done) / (1 - top)) ** 2"},
)
cyclic_rate.slip(
    "cosine_for_both",
    "You go up and down along a cosine. Two straight lines are asked for.",
    {
        "peak * done / top": "float(peak * (1 - np.cos(np.pi * done / top)) / 2)",
        "peak * (1 - done) / (1 - top)": (
            "float(peak * (1 + np.cos(np.pi * (done - top) / (1 - top))) / 2)"
        ),
    },
)
cyclic_rate.slip(
    "rises_from_a_tenth",
    "You rise from a tenth of the peak. Step 0 has the rate 0.",
    {"peak * done / top": "peak * (0.1 + 0.9 * done / top)"},
)
cyclic_rate.slip(
    "rises_one_step_ahead",
    "Your way up is one step ahead: step 0 has a rate already. The way down is not.",
    {"peak * done / top": "min(peak, peak * (done + 1 / steps) / top)"},
)
cyclic_rate.slip(
    "whole_division",
    "You used `//`. It cuts a share below 1 to 0.",
    {"peak * done / top": "peak * (done // top)"},
)
cyclic_rate.slip(
    "peak_of_the_rise_forgotten",
    "Your rise goes up to 1. Multiply it by the peak, too.",
    {"peak * done / top": "done / top"},
)
cyclic_rate.slip(
    "halves_exchanged",
    "You exchanged the two lines: the falling one stands before the peak.",
    {"if done < top:": "if done >= top:"},
)

cyclic_rate.hint("At which share of the steps are you? Before `top` it rises, after it falls.")
cyclic_rate.hint("Draw the triangle: (0, 0), (top, peak), (1, 0).", when="value")

_UP, _DOWN = "done / top", "(1 - done) / (1 - top)"
cyclic_rate.equivalent(
    f"`return peak * min({_UP}, {_DOWN})` → `return peak * min({_DOWN}, {_UP})`",
    because="the smaller of two numbers does not depend on their order",
)
