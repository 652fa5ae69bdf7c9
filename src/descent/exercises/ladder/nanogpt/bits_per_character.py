"""How `bits_per_character` is judged."""

from __future__ import annotations

import math

import numpy as np

from descent.grading import Draw, Exercise, expect

bits_per_character = Exercise("bits_per_character", minutes=4, difficulty=1, returns=float)


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


@bits_per_character.property("gives 0 for a loss of 0")
def _(answer, draw: Draw) -> None:
    expect(answer(0.0), "the bits for the loss 0").close_to(0.0)
    expect(answer(0.0, 4), "the bits for the loss 0 and four characters").close_to(0.0)


@bits_per_character.right
def right_bits(loss, characters=1.0):
    return loss / math.log(2) / characters


bits_per_character.slip(
    "multiplied_by_log",
    "You multiplied by ln 2. A nat is more than a bit: divide by ln 2.",
    {"loss / math": "loss * math"},
)
bits_per_character.slip(
    "by_common_logarithm",
    "You divided by log₁₀ 2. The loss is in nats, so its logarithm is the natural one: "
    "math.log(2).",
    {"math.log(2)": "math.log10(2)"},
)
bits_per_character.slip(
    "left_in_nats",
    "You returned nats. Divide by ln 2 to make them bits.",
    {" / math.log(2)": ""},
)
bits_per_character.slip(
    "as_perplexity",
    "That is a perplexity. Bits are the loss in another unit, without exponentials.",
    {"loss / math.log(2)": "math.exp(loss)"},
)
bits_per_character.slip(
    "power_of_two",
    "You raised 2 to the loss. Bits are the loss in another unit, without powers: divide by ln 2.",
    {"loss / math.log(2)": "2**loss"},
)
bits_per_character.slip(
    "logarithm_of_loss",
    "You took the logarithm of the loss. The loss is a logarithm already; it only changes "
    "its base.",
    {"loss / math.log(2)": "math.log2(loss)"},
)
bits_per_character.slip(
    "multiplied_by_characters",
    "You multiplied by the characters of a token. Its surprise is shared among them: divide.",
    {" / characters": " * characters"},
)
bits_per_character.slip(
    "ignored_characters",
    "You left `characters` out: a token of four characters may be four times as surprising.",
    {" / characters": ""},
)
bits_per_character.slip(
    "characters_in_the_logarithm",
    "You divided by ln(2 · characters). The characters share the surprise outside the logarithm: "
    "loss / ln 2 / characters.",
    {"math.log(2) / characters": "math.log(2 * characters)"},
)
bits_per_character.slip(
    "rounded",
    "Your number is rounded to two decimals. Return it as it is; whoever prints it may round.",
    {"loss / math.log(2) / characters": "round(loss / math.log(2) / characters, 2)"},
)


bits_per_character.hint("How many nats is the surprise at a fair coin? How many bits?")
bits_per_character.hint("A bit is ln 2 = 0.693 nats, so there are more bits than nats.")
bits_per_character.hint("`math.log(2)` is the natural logarithm.", when="factor")
