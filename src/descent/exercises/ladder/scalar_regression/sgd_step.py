"""How `sgd_step` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

sgd_step = Exercise("sgd_step", minutes=5, difficulty=1, returns=tuple[float, float])


@sgd_step.property("moves both numbers against their slopes", trials=6)
def _(answer, draw: Draw) -> None:
    w, b, dw, db = draw.normal(), draw.normal(), draw.normal(scale=5), draw.normal(scale=5)
    rate = draw.uniform(0.05, 0.5)
    new_w, new_b = answer(w, b, dw, db, rate)
    moved = np.array([[1.0, -rate]]) @ np.array([[w, b], [dw, db]])
    expect(new_w, "the new w").close_to(moved[0, 0])
    expect(new_b, "the new b").close_to(moved[0, 1])


@sgd_step.property("stays where it is when the slopes are zero")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    new_w, new_b = answer(w, b, 0.0, 0.0, 0.1)
    expect(new_w, "the new w").close_to(w)
    expect(new_b, "the new b").close_to(b)


@sgd_step.property("stays where it is when the learning rate is zero")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(), draw.normal()
    dw, db = draw.uniform(0.5, 2.0), draw.uniform(-2.0, -0.5)
    new = answer(w, b, dw, db, 0.0)
    for name, before, after in zip("wb", (w, b), new, strict=True):
        expect(abs(after - before) < 1e-6, f"whether {name} stays").is_true(
            otherwise=f"With a learning rate of 0 nothing may move, but {name} went from {before} "
            f"to {after:.4g}. Is another rate put in place of 0? `if learning_rate` and "
            "`learning_rate or …` take 0 for no rate at all."
        )


@sgd_step.mistake(
    "You added the slope. The gradient points uphill, where the loss grows; to go down, subtract."
)
def climbed(w, b, dw, db, learning_rate):
    return w + learning_rate * dw, b + learning_rate * db


@sgd_step.mistake(
    "You ignored the learning rate. A whole gradient is usually far too long a step: scale it."
)
def without_rate(w, b, dw, db, learning_rate):
    return w - dw, b - db


@sgd_step.mistake("You moved b by dw. Each number moves by its own slope: b by db.")
def same_slope(w, b, dw, db, learning_rate):
    return w - learning_rate * dw, b - learning_rate * dw


@sgd_step.mistake("The slopes have changed places: w moves by dw, b by db.")
def crossed(w, b, dw, db, learning_rate):
    return w - learning_rate * db, b - learning_rate * dw


@sgd_step.mistake("You moved w and left b where it was. Both numbers take the step.")
def only_w(w, b, dw, db, learning_rate):
    return w - learning_rate * dw, b


@sgd_step.mistake(
    "You returned the step itself. Return where the step arrives: the old number minus the step."
)
def step_only(w, b, dw, db, learning_rate):
    return learning_rate * dw, learning_rate * db


@sgd_step.mistake(
    "You returned minus the step. Return where the step arrives: the old number minus the step."
)
def negative_step_only(w, b, dw, db, learning_rate):
    return -learning_rate * dw, -learning_rate * db


@sgd_step.mistake("You divided by the learning rate. A smaller rate should make a smaller step.")
def divided_by_rate(w, b, dw, db, learning_rate):
    scale = 1 / learning_rate if learning_rate else 0.0
    return w - dw * scale, b - db * scale


@sgd_step.mistake("You returned (b, w). The order is w first, then b.")
def returned_swapped(w, b, dw, db, learning_rate):
    return b - learning_rate * db, w - learning_rate * dw


@sgd_step.mistake(
    "You multiplied the slope by the number itself. The length of a step depends on the slope and "
    "the learning rate, not on where you stand."
)
def scaled_by_parameter(w, b, dw, db, learning_rate):
    return w * (1 - learning_rate * dw), b * (1 - learning_rate * db)


@sgd_step.mistake(
    "You subtracted the learning rate times the number itself: the slopes play no part, and the "
    "line shrinks towards 0. Multiply the rate by the slope."
)
def shrunk(w, b, dw, db, learning_rate):
    return w - learning_rate * w, b - learning_rate * b


@sgd_step.mistake(
    "You used the sign of the slope alone, so that every step is equally long. The size counts "
    "too: a step is long where the slope is steep."
)
def sign_only(w, b, dw, db, learning_rate):
    return w - learning_rate * np.sign(dw), b - learning_rate * np.sign(db)


sgd_step.hint("One number at a time: new w = old w − (something). What is the something for w?")
sgd_step.hint("The something is learning_rate · dw for w, and learning_rate · db for b.")
sgd_step.hint("A positive slope means the loss grows to the right. Which way is down?", when="sign")
sgd_step.hint("Is every slope multiplied by the learning rate?", when="ignores argument")
sgd_step.hint(
    "Which slope belongs to which number, and in which order are they returned?", when="order"
)
