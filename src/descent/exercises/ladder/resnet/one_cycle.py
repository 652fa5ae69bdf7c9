"""How `one_cycle` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

from .shared import cycle, scheduled_rate

one_cycle = Exercise("one_cycle", minutes=8, difficulty=2)


@one_cycle.property("rises in a line and falls along a cosine", trials=6)
def _(answer, draw: Draw) -> None:
    steps, peak = draw.size + 3, draw.uniform(0.1, 2.0)
    warm_up = draw.choice([0.2, 0.4, 0.6])
    rates = [answer(step, steps, peak, warm_up) for step in range(steps)]
    expect(rates, "the rates").close_to([cycle(s, steps, peak, warm_up) for s in range(steps)])


@one_cycle.property("warms up over the first quarter unless told", trials=2)
def _(answer, draw: Draw) -> None:
    rates = [answer(step, 8, 1.0) for step in range(8)]
    expect(rates, "the rates of 8 steps").close_to([cycle(s, 8, 1.0, 0.25) for s in range(8)])


@one_cycle.property("works without warm-up, and for a single step", trials=2)
def _(answer, draw: Draw) -> None:
    peak = draw.uniform(0.5, 2.0)
    rates = [answer(step, 4, peak, 0.0) for step in range(4)]
    expect(rates, "the rates without warm-up").close_to([cycle(s, 4, peak, 0.0) for s in range(4)])
    expect(answer(0, 1, peak), "the rate of the only step").close_to(cycle(0, 1, peak, 0.25))


@one_cycle.property("is at the peak where the warm-up ends in the middle of a step", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(1, 6, 3.0, 0.25), "the rate").close_to(3.0)


for _message, _name, _habits in (
    (
        "You measured at the start of the step: t = step / steps. The page takes its middle, "
        "(step + ½) / steps, so that the first step is not wasted on a rate of 0.",
        "at_the_start",
        {"offset": 0.0},
    ),
    (
        "You measured at the end of the step, (step + 1) / steps. The page takes its middle.",
        "at_the_end",
        {"offset": 1.0},
    ),
    (
        "You divided by steps − 1. The middle of the step is (step + ½) / steps.",
        "one_step_less",
        {"ends_at_one": True},
    ),
    ("Your rate falls in a line. After the warm-up it follows a cosine.", "linear", {"line": True}),
    (
        "Your cosine starts with the training and not with the end of the warm-up: its argument is "
        "π (t − u) / (1 − u).",
        "cosine_from_zero",
        {"whole_cosine": True},
    ),
    (
        "Your cosine does not reach 0: divide t − u by what is left, 1 − u.",
        "cosine_unscaled",
        {"unscaled": True},
    ),
    (
        "Your cosine makes a whole turn, back to the peak. It is half a turn: cos(π …).",
        "whole_turn",
        {"full_turn": True},
    ),
    (
        "You took a quarter of a turn, cos(π/2 …). It is ½ (1 + cos(π …)), flat at both ends.",
        "quarter_turn",
        {"quarter": True},
    ),
    ("The ½ is missing: 1 + cos goes up to 2.", "unhalved", {"unhalved": True}),
    ("`math.cos` takes radians: half a turn is π, not 180.", "in_degrees", {"degrees": True}),
    ("There is no warm-up: the rate starts at the peak.", "without_warm_up", {"no_warm_up": True}),
    (
        "The warm-up does not reach the peak: it is peak · t / u.",
        "warm_up_too_slow",
        {"slow_rise": True},
    ),
    (
        "Your warm-up rises to 1, whatever the peak is: multiply t / u by it.",
        "warm_up_to_one",
        {"rises_to_one": True},
    ),
):

    def _spoiled(step, steps, peak, warm_up=0.25, habits=_habits):  # each with its own habits
        return scheduled_rate(step, steps, peak, warm_up, **habits)

    _spoiled.__name__ = _name
    one_cycle.mistake(_message)(_spoiled)


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
