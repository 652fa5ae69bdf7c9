"""How `softmax_with_temperature` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import first_best, float64_tensor, heated, softmax_of

softmax_with_temperature = Exercise(
    "softmax_with_temperature", minutes=8, difficulty=1, returns=torch.Tensor
)


@softmax_with_temperature.property("is the softmax of the logits over the temperature", trials=6)
def _(answer, draw: Draw) -> None:
    logits, temperature = draw.normal(draw.size + 1), draw.choice([0.5, 0.7, 1.0, 2.0, 4.0])
    expected = heated(logits.tolist(), temperature)
    expect(answer(float64_tensor(logits), temperature), "the probabilities").close_to(expected)


@softmax_with_temperature.property("follows the formula down to a temperature of 0.01", trials=3)
def _(answer, draw: Draw) -> None:
    # So close together that none of them gets everything.
    logits = draw.rng.permutation(0.01 * np.arange(draw.size + 2))
    for temperature in (0.01, 0.02, 0.1):
        got = answer(float64_tensor(logits), temperature)
        expect(got, f"the probabilities at temperature {temperature}").close_to(
            heated(logits.tolist(), temperature)
        )


@softmax_with_temperature.property("gives everything to the first of the largest at 0", trials=4)
def _(answer, draw: Draw) -> None:
    logits = draw.integers(-2, 3, draw.size + 2).astype(float)
    logits[draw.rng.permutation(len(logits))[:2]] = 3.0
    expected = heated(logits.tolist(), 0)
    got = answer(float64_tensor(logits), 0.0)
    expect(got, "the probabilities at temperature 0").close_to(expected)


@softmax_with_temperature.property("gives floating point, at 0 as well", trials=1)
def _(answer, draw: Draw) -> None:
    for temperature in (0.0, 0.5):
        got = answer(float64_tensor(draw.normal(4)), temperature)
        expect(
            got.is_floating_point(), f"the probabilities at temperature {temperature} are floats"
        ).is_true(otherwise=f"Their dtype is {str(got.dtype).removeprefix('torch.')}; "
                  "probabilities are floating point.")  # fmt: skip


@softmax_with_temperature.property("stays finite for logits in the thousands")
def _(answer, draw: Draw) -> None:
    logits, sign = np.array([2000.0, 1999.0, -2000.0]) + draw.integers(0, 9), draw.choice([1, -1])
    got = answer(float64_tensor(sign * logits), 0.5)
    expected = heated((sign * logits).tolist(), 0.5)
    expect(got, "the probabilities").is_finite().close_to(expected, atol=1e-6)


@softmax_with_temperature.property("gives a logit of −infinity the probability 0", trials=3)
def _(answer, draw: Draw) -> None:
    logits = [-math.inf, draw.normal(), -math.inf, draw.normal()]
    for temperature in (0.5, 2.0, 0.0):
        expected = heated(logits, temperature)
        expect(answer(float64_tensor(logits), temperature), "the probabilities").close_to(expected)


@softmax_with_temperature.mistake(
    "You divided the probabilities by T and normalised: the T cancels. It divides the *logits*, "
    "before the exponential."
)
def divided_probabilities(logits, temperature):
    return first_best(logits) if temperature == 0 else softmax_of(logits)


@softmax_with_temperature.mistake(
    "You divided the probabilities by T, so that they no longer add up to 1. The temperature "
    "divides the logits, before the softmax."
)
def divided_after(logits, temperature):
    return first_best(logits) if temperature == 0 else softmax_of(logits) / temperature


@softmax_with_temperature.mistake(
    "You multiplied by T. A low temperature must make differences larger: divide."
)
def multiplied(logits, temperature):
    return first_best(logits) if temperature == 0 else softmax_of(logits * temperature)


@softmax_with_temperature.mistake(
    "Temperature 0 divides by zero. It has a meaning of its own here: the largest logit gets "
    "probability 1."
)
def zero_divides(logits, temperature):
    return softmax_of(logits / temperature)


@softmax_with_temperature.mistake(
    "At temperature 0 you share the probability among equally large logits. The first of them "
    "gets all of it."
)
def shared_among_equals(logits, temperature):
    if temperature:
        return softmax_of(logits / temperature)
    best = (logits == logits.max()).to(logits.dtype)
    return best / best.sum()


@softmax_with_temperature.mistake(
    "At temperature 0 the *last* of equally large logits got everything. It is the first."
)
def last_of_equals(logits, temperature):
    if temperature:
        return softmax_of(logits / temperature)
    return first_best(logits.flip(0)).flip(0)


@softmax_with_temperature.mistake(
    "e to the power of a large number overflows. Use `torch.softmax`, or subtract the largest "
    "logit first: nothing else changes."
)
def overflows(logits, temperature):
    if temperature == 0:
        return first_best(logits)
    raised = torch.exp(logits / temperature)
    return raised / raised.sum()


@softmax_with_temperature.mistake(
    "At temperature 0 you return whole numbers (`F.one_hot` gives int64). Probabilities are "
    "floating point: `.to(logits.dtype)`."
)
def whole_numbers(logits, temperature):
    if temperature == 0:
        return F.one_hot(logits.argmax(), len(logits))
    return softmax_of(logits / temperature)


@softmax_with_temperature.mistake(
    "You did not normalise: divide by the sum, so that the probabilities add up to 1."
)
def not_normalised(logits, temperature):
    if temperature == 0:
        return first_best(logits)
    return torch.exp((logits - logits.max()) / temperature)


@softmax_with_temperature.mistake(
    "You raised the probabilities to the power 1/T, which is right up to a factor: divide by "
    "their sum afterwards."
)
def powers_not_normalised(logits, temperature):
    if temperature == 0:
        return first_best(logits)
    return softmax_of(logits) ** (1 / temperature)


@softmax_with_temperature.mistake("You returned logarithms. Return probabilities: softmax.")
def logarithms(logits, temperature):
    if temperature == 0:
        return first_best(logits)
    return torch.log_softmax(logits / temperature, dim=0)


@softmax_with_temperature.mistake(
    "At temperature 0 you return the number of a word. Return probabilities there as well: 1 for "
    "that word, 0 for all others."
)
def number_of_the_word(logits, temperature):
    return logits.argmax() if temperature == 0 else softmax_of(logits / temperature)


@softmax_with_temperature.mistake(
    "You treat small temperatures as if they were 0. Only 0 itself is a case of its own; at 0.01 "
    "words with nearly equal logits share the probability."
)
def small_is_greedy(logits, temperature):
    return first_best(logits) if temperature < 0.1 else softmax_of(logits / temperature)


@softmax_with_temperature.mistake(
    "You divided by T plus a little, so that 0 does no harm. At 0.01 the little is not little, and "
    "at 0 equally large logits share: treat 0 as a case of its own."
)
def divides_by_a_little_more(logits, temperature):
    return softmax_of(logits / (temperature + 1e-3))


softmax_with_temperature.hint("`torch.softmax(…, dim=0)` of what?")
softmax_with_temperature.hint("0 is a case of its own: `logits.argmax()` finds the first largest.")
softmax_with_temperature.hint("Try [log 4, log 2, log 2] with T = ½ by hand.", when="value")
softmax_with_temperature.hint("What is 0 / 0? Which temperature does it come from?", when="nan")
softmax_with_temperature.hint("Do they add up to 1?", when="factor")


softmax_with_temperature.equivalent(
    "`return torch.softmax(logits / temperature, dim=0)` → "
    "`return torch.softmax(logits / temperature, dim=-1)`",
    because="of one dimension, the last is the first",
)
