"""How `bits_per_character` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

bits_per_character = Exercise("bits_per_character", minutes=4, difficulty=1)


@bits_per_character.property("turns nats into bits", trials=5)
def _(answer, draw: Draw) -> None:
    loss = draw.uniform(0.5, 4.0)
    expect(answer(loss), "the bits").close_to(np.log2(np.exp(loss)))


@bits_per_character.property("shares a token's surprise among its characters", trials=5)
def _(answer, draw: Draw) -> None:
    loss, characters = draw.uniform(0.5, 4.0), draw.uniform(1.5, 5.0)
    expected = np.log2(np.exp(loss)) / characters
    expect(answer(loss, characters), "the bits").close_to(expected)


@bits_per_character.property("gives log₂ V for a guess among V characters")
def _(answer, draw: Draw) -> None:
    bits = answer(math.log(64))
    expect(bits, "the bits for the loss log 64").close_to(6.0)
    expect(bits, "the bits").is_a(float)


@bits_per_character.mistake("You multiplied by ln 2. A nat is more than a bit: divide by ln 2.")
def multiplied_by_log(loss, characters=1.0):
    return loss * math.log(2) / characters


@bits_per_character.mistake(
    "You divided by log₁₀ 2. The loss is in nats, so its logarithm is the natural one: math.log(2)."
)
def by_common_logarithm(loss, characters=1.0):
    return loss / math.log10(2) / characters


@bits_per_character.mistake("You returned nats. Divide by ln 2 to make them bits.")
def left_in_nats(loss, characters=1.0):
    return loss / characters


@bits_per_character.mistake(
    "That is a perplexity. Bits are the loss in another unit, without exponentials."
)
def as_perplexity(loss, characters=1.0):
    return math.exp(loss) / characters


@bits_per_character.mistake(
    "You took the logarithm of the loss. The loss is a logarithm already; it only changes its base."
)
def logarithm_of_loss(loss, characters=1.0):
    return math.log2(loss) / characters


@bits_per_character.mistake(
    "You multiplied by the characters of a token. Its surprise is shared among them: divide."
)
def multiplied_by_characters(loss, characters=1.0):
    return loss / math.log(2) * characters


@bits_per_character.mistake(
    "You left `characters` out: a token of four characters may be four times as surprising."
)
def ignored_characters(loss, characters=1.0):
    return loss / math.log(2)


bits_per_character.hint("How many nats is the surprise at a fair coin? How many bits?")


bits_per_character.hint("A bit is ln 2 = 0.693 nats, so there are more bits than nats.")


bits_per_character.hint("`math.log(2)` is the natural logarithm.", when="factor")
