"""How `fewest_gpus` is judged."""

from __future__ import annotations

import itertools
from fractions import Fraction

from descent.grading import Draw, Exercise, expect

fewest_gpus = Exercise("fewest_gpus", minutes=15, difficulty=2, seconds=2.0, returns=int | None)


def _held(parameters: int, gpus: int, stage: int, mixed: bool) -> Fraction:
    """What one process holds, tensor by tensor, exactly."""
    tensors = [(4, 3), (4, 2), (4, 1), (4, 1)]  # bytes a number, and the stage that divides it
    if mixed:
        tensors = [(2, 3), (2, 2), (4, 1), (4, 1), (4, 1)]
    return sum(
        (
            Fraction(size * parameters, gpus if stage >= divided_from else 1)
            for size, divided_from in tensors
        ),
        Fraction(0),
    )


def _expect_fewest(answer, parameters: int, stage: int, mixed: bool, memory: int) -> None:
    """By trying 1, 2, 3 …; only where some number is enough."""
    fits = (n for n in itertools.count(1) if _held(parameters, n, stage, mixed) <= memory)
    called = f"GPUs at stage {stage}, {'mixed' if mixed else 'float32'}"
    expect(answer(parameters, stage, mixed, memory), called).equals(next(fits))


def _expect_none(answer, parameters: int, stage: int, mixed: bool, memory: int) -> None:
    found = answer(parameters, stage, mixed, memory)
    expect(found is None, f"whether None comes back at stage {stage}").is_true(
        otherwise=f"What is whole in every process leaves no room, so no number of GPUs is enough: "
        f"None, not {found}."
    )
    expect(-1 if found is None else found, "the answer, −1 for None").equals(-1)


def _cases(draw: Draw, gpus: int) -> list[tuple[int, int, bool, int]]:
    """All stages that divide something, with a GPU that is filled exactly by a share of so many."""
    parameters = 840 * gpus * draw.integers(1, 9)
    return [
        (parameters, stage, mixed, int(_held(parameters, gpus, stage, mixed)))
        for stage in (1, 2, 3)
        for mixed in (False, True)
    ]


@fewest_gpus.property("finds the fewest GPUs at stages 1, 2 and 3", trials=4)
def _(answer, draw: Draw) -> None:
    gpus = 2 + draw.size
    for parameters, stage, mixed, memory in _cases(draw, gpus):
        # Not full on so many, and too much on one less.
        _expect_fewest(answer, parameters, stage, mixed, memory + parameters // (gpus * gpus))


@fewest_gpus.property("may fill a GPU to the last byte, and not beyond", trials=3)
def _(answer, draw: Draw) -> None:
    for parameters, stage, mixed, memory in _cases(draw, 1 + draw.size):
        _expect_fewest(answer, parameters, stage, mixed, memory)
        _expect_fewest(answer, parameters, stage, mixed, memory - 1)


@fewest_gpus.property("needs one GPU where all of it fits, at every stage")
def _(answer, draw: Draw) -> None:
    parameters = 100 * draw.integers(1, 90)
    for stage in range(4):
        for mixed in (False, True):
            for spare in (draw.integers(1, 2000), 0):
                found = answer(parameters, stage, mixed, 16 * parameters + spare)
                expect(found, f"GPUs at stage {stage}").equals(1)


@fewest_gpus.property("finds no number enough at stage 0 where one GPU is not")
def _(answer, draw: Draw) -> None:
    parameters = 100 * draw.integers(1, 90)
    for mixed in (False, True):
        for missing in (draw.integers(2, 999), 1):
            _expect_none(answer, parameters, 0, mixed, 16 * parameters - missing)


@fewest_gpus.property("finds no number enough where what is whole leaves no room")
def _(answer, draw: Draw) -> None:
    parameters = 100 * draw.integers(20, 90)
    for stage, mixed, whole in ((1, False, 8), (1, True, 4), (2, False, 4), (2, True, 2)):
        _expect_none(answer, parameters, stage, mixed, whole * parameters - draw.integers(1, 999))


@fewest_gpus.property("finds no number enough where what is whole fills a GPU exactly", trials=1)
def _(answer, draw: Draw) -> None:
    parameters = 100 * draw.integers(20, 90)
    for stage, mixed, whole in ((1, False, 8), (1, True, 4), (2, False, 4), (2, True, 2)):
        _expect_none(answer, parameters, stage, mixed, whole * parameters)


@fewest_gpus.property("finds numbers of several thousands as well", trials=1)
def _(answer, draw: Draw) -> None:
    gpus = draw.integers(2500, 4000)
    parameters = gpus * draw.integers(3, 9)
    for stage, mixed, whole, divided in ((1, True, 4, 12), (2, False, 4, 12), (3, False, 0, 16)):
        found = answer(parameters, stage, mixed, whole * parameters + divided * parameters // gpus)
        expect(found, f"GPUs at stage {stage}").equals(gpus)
    # One byte is left beside what is whole.
    expect(answer(250, 1, True, 1001), "GPUs at stage 1").equals(3000)


@fewest_gpus.right
def right_fewest(parameters, stage, mixed, memory):
    each, adam = (2, 12) if mixed else (4, 8)
    divided = parameters * sum((adam, each, each)[:stage])
    whole = parameters * (2 * each + adam) - divided
    if whole + divided <= memory:
        return 1
    if stage == 0 or memory <= whole:
        return None
    return -(-divided // (memory - whole))


fewest_gpus.slip(
    "rounded_down",
    "You rounded down: with so few GPUs each share is still too large. Round the quotient up.",
    {"-(-divided // (memory - whole))": "divided // (memory - whole)"},
)
fewest_gpus.slip(
    "rounded",
    "You rounded to the nearest whole number. Where that is down, each share is too large: round "
    "the quotient up.",
    {"-(-divided // (memory - whole))": "round(divided / (memory - whole))"},
)
fewest_gpus.slip(
    "one_more",
    "You ask for one GPU more where they are filled to the last byte. That is enough: at most "
    "`memory`, and not less than it.",
    {
        "-(-divided // (memory - whole))": "divided // (memory - whole) + 1",
        "whole + divided <= memory": "whole + divided < memory",
        "if stage == 0 or memory <= whole:": "if memory <= whole or not divided:",
    },
)
fewest_gpus.slip(
    "one_more_but_for_one",
    "Dividing, rounding down and adding 1 asks for one GPU too many where the quotient comes out "
    "even. Round it up: math.ceil, or -(-a // b).",
    {"-(-divided // (memory - whole))": "divided // (memory - whole) + 1"},
)
fewest_gpus.slip(
    "power_of_two",
    "You try powers of two only. Any whole number of GPUs will do, and the fewest is asked for.",
    {
        "return -(-divided // (memory - whole))": (
            "return 1 << (-(-divided // (memory - whole)) - 1).bit_length()"
        )
    },
)
fewest_gpus.slip(
    "all_divided",
    "You divide all 16 bytes a parameter among the GPUs, at every stage. What the stage does not "
    "divide is whole in each of them.",
    {
        "parameters * (2 * each + adam) - divided": "0",
        "parameters * sum((adam, each, each)[:stage])": "16 * parameters",
        "if stage == 0 or memory <= whole": "if memory <= 0",
    },
)
fewest_gpus.slip(
    "whole_counted_twice",
    "You divide what is whole in every process as well, though you have taken it off the memory "
    "already. Only the rest is divided among the GPUs.",
    {"-(-divided //": "-(-(divided + whole) //"},
)
fewest_gpus.slip(
    "zero_for_none",
    "Where no number is enough you return 0. That is a number of GPUs; return None.",
    {"return None": "return 0"},
)
fewest_gpus.slip(
    "stages_turned_round",
    "Your stages come in the wrong order: stage 1 divides the optimiser's state, stage 2 the "
    "gradients too, stage 3 the weights too.",
    {"(adam, each, each)[:stage]": "(each, each, adam)[:stage]"},
)
fewest_gpus.slip(
    "one_thing_a_stage",
    "Each stage goes on dividing what the ones before it divide: stage 2 divides two things.",
    {"(adam, each, each)[:stage]": "(0, adam, each, each)[stage : stage + 1]"},
)
fewest_gpus.slip(
    "one_stage_off",
    "Your stages are one off: stage 1 divides the optimiser's state alone, and stage 0 nothing.",
    {"[:stage]": "[: stage + 1]", "stage == 0 or ": ""},
)
fewest_gpus.slip(
    "no_master_weights",
    "In mixed precision the optimiser also keeps the weights in float32: 4 + 4 + 4 = 12 bytes a "
    "parameter, not 8.",
    {"(2, 12)": "(2, 8)"},
)
fewest_gpus.slip(
    "always_float32",
    "`mixed` makes no difference to your answer. With it weights and gradients take 2 bytes each, "
    "and the optimiser 12: less is whole, and more divided.",
    {"(2, 12) if mixed else (4, 8)": "(4, 8)"},
)
fewest_gpus.slip(
    "mixed_turned_round",
    "You count mixed precision where `mixed` is False, and the other way round.",
    {"if mixed": "if not mixed"},
)
fewest_gpus.slip(
    "stage_0_like_the_others",
    "At stage 0 nothing is divided. More GPUs do not make any of them hold less: one is enough, "
    "or no number is.",
    {
        "if stage == 0 or memory <= whole:": "if stage and memory <= whole:",
        "return -(-divided // (memory - whole))": (
            "return -(-divided // (memory - whole)) if stage else -(-whole // memory)"
        ),
    },
)
fewest_gpus.slip(
    "zero_division",
    "Where what is whole fills a GPU exactly there is no room for even the smallest share, and "
    "your answer divides by it. No number is enough then: None.",
    {"memory <= whole": "memory < whole"},
)
fewest_gpus.slip(
    "never_none",
    "Where what is whole in every process is more than `memory`, no number of GPUs is enough. You "
    "go on all the same, and a negative room gives a number that means nothing: return None.",
    {"if stage == 0 or memory <= whole:": "if stage == 0:"},
)


@fewest_gpus.mistake(
    "You say that no number is enough where a large one is. Does your search end at a limit of "
    "your own? No number is enough only where what is whole leaves no room."
)
def gives_up(parameters, stage, mixed, memory):
    found = right_fewest(parameters, stage, mixed, memory)
    return found if found is not None and found <= 1024 else None


fewest_gpus.hint("Which part of the 16 bytes a parameter is divided at this stage, and which not?")
fewest_gpus.hint(
    "Let `room` be what is left of `memory` beside that which is whole in every process. The rest, "
    "divided by the number of GPUs, has to fit into it."
)
fewest_gpus.hint(
    "How large a number is enough, if `room` is 0? And how many does stage 0 need, if one is not "
    "enough?",
    when="finds no number enough where what is whole leaves no room",
)
fewest_gpus.hint(
    "A search 1, 2, 3 … needs to know beforehand whether it can end: is there any room at all?",
    when="slow",
)
fewest_gpus.hint(
    "By hand: 100 parameters in float32 at stage 1, and 1 000 bytes, then 999 in each GPU.",
    when="value",
)
