"""How `bytes_per_gpu` is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from descent.grading import Draw, Exercise, expect

from .shared import named

bytes_per_gpu = Exercise("bytes_per_gpu", minutes=12, difficulty=2)


_WHAT = ("weights", "gradients", "optimiser")


def _held(parameters: int, processes: int, stage: int, mixed: bool) -> list[float]:
    """Every tensor that one process holds, one after another."""
    sizes = dict.fromkeys(_WHAT, 0.0)
    tensors = [("weights", 4, 3), ("gradients", 4, 2), ("optimiser", 4, 1), ("optimiser", 4, 1)]
    if mixed:
        tensors = [("weights", 2, 3), ("gradients", 2, 2), *[("optimiser", 4, 1)] * 3]
    for name, size, shared_from in tensors:
        here = parameters / processes if stage >= shared_from else parameters
        sizes[name] += size * here
    return [sizes[name] for name in _WHAT]


def _expect_bytes(answer, *arguments: Any) -> None:
    found = answer(*arguments)
    for name, here, wanted in zip(_WHAT, found, _held(*arguments), strict=True):
        expect(here, f"bytes of the {name}, stage {arguments[2]}").close_to(wanted, rtol=1e-6)


@bytes_per_gpu.property("counts what every process holds where nothing is shared", trials=4)
def _(answer, draw: Draw) -> None:
    for mixed in (False, True):
        _expect_bytes(answer, 1000 * draw.integers(1, 90), 1 + draw.size, 0, mixed)


@bytes_per_gpu.property("shares the optimiser, then the gradients, then the weights", trials=4)
def _(answer, draw: Draw) -> None:
    for stage in (1, 2, 3):
        for mixed in (False, True):
            _expect_bytes(answer, 840 * draw.integers(1, 90), 1 + draw.size, stage, mixed)


@bytes_per_gpu.property("needs 16 bytes a parameter on one GPU, at every stage")
def _(answer, draw: Draw) -> None:
    n = 100 * draw.integers(1, 90)
    sums = [sum(answer(n, 1, stage, mixed)) for stage in range(4) for mixed in (False, True)]
    expect(sums, "bytes at the stages 0 to 3, in float32 and mixed").close_to([16.0 * n] * 8)


@bytes_per_gpu.property("does not round where the parts do not come out even", trials=1)
def _(answer, draw: Draw) -> None:
    for stage in (1, 2, 3):
        for mixed in (False, True):
            _expect_bytes(answer, 10, 3, stage, mixed)


def _wrong_bytes(**habits: Any) -> Callable[..., Any]:
    def answer(parameters, processes, stage, mixed) -> tuple[float, ...]:
        weights = gradients = 2.0 if mixed else 4.0
        optimiser = habits.get("mixed", 12.0) if mixed else habits.get("full", 8.0)
        if habits.get("always_four"):
            weights = gradients = 4.0
        stages = habits.get("stages", (3, 2, 1))
        sizes = (weights, gradients, optimiser)
        return tuple(
            parameters * size / (processes if stage >= first else 1)
            for size, first in zip(sizes, stages, strict=True)
        )

    return answer


bytes_per_gpu.mistake(
    "In mixed precision the optimiser also keeps the weights in float32: 4 + 4 + 4 = 12 bytes a "
    "parameter, not 8."
)(named("no_master_weights", _wrong_bytes(mixed=8.0)))


bytes_per_gpu.mistake("Adam keeps two numbers a parameter, m and v: 8 bytes, not 4.")(
    named("one_moment", _wrong_bytes(full=4.0, mixed=8.0))
)


bytes_per_gpu.mistake("In mixed precision weights and gradients take 2 bytes each; you counted 4.")(
    named("always_float32", _wrong_bytes(always_four=True))
)


bytes_per_gpu.mistake(
    "Your stages come in the wrong order: stage 1 shares the optimiser's state, stage 2 the "
    "gradients too, stage 3 the weights too."
)(named("stages_turned_round", _wrong_bytes(stages=(1, 2, 3))))


bytes_per_gpu.mistake(
    "Everything is shared from stage 1 on. Stage 1 shares the optimiser's state alone."
)(named("all_at_once", _wrong_bytes(stages=(1, 1, 1))))


bytes_per_gpu.mistake(
    "Nothing is ever shared. From stage 1 on the optimiser's state is divided by the processes."
)(named("never_shared", _wrong_bytes(stages=(9, 9, 9))))


bytes_per_gpu.mistake("Each stage keeps what the ones before it share: stage 2 shares two things.")(
    named(
        "one_thing_a_stage",
        lambda parameters, processes, stage, mixed: tuple(
            parameters * size / (processes if stage == first else 1)
            for size, first in zip(
                (2.0, 2.0, 12.0) if mixed else (4.0, 4.0, 8.0), (3, 2, 1), strict=True
            )
        ),
    )
)


bytes_per_gpu.mistake(
    "In mixed precision the optimiser's numbers stay in float32, 4 bytes each; you halved them too."
)(named("everything_halved", _wrong_bytes(mixed=6.0)))


bytes_per_gpu.mistake(
    "You rounded the bytes down. Nothing is rounded here: divide with /, not with //."
)(
    named(
        "rounded_bytes",
        lambda *given: tuple(float(math.floor(x + 1e-9)) for x in _wrong_bytes()(*given)),
    )
)


bytes_per_gpu.mistake(
    "You rounded the number of parameters that a process keeps. Nothing is rounded here: divide "
    "with /, not with //."
)(
    named(
        "rounded_parameters",
        lambda parameters, processes, stage, mixed: tuple(
            size * (parameters // processes if stage >= first else parameters)
            for size, first in zip(
                (2.0, 2.0, 12.0) if mixed else (4.0, 4.0, 8.0), (3, 2, 1), strict=True
            )
        ),
    )
)


bytes_per_gpu.hint("Three numbers in bytes: weights, gradients, optimiser. First for one process.")


bytes_per_gpu.hint("float32: 4, 4, 4 + 4. Mixed: 2, 2, 4 + 4 + 4.")


bytes_per_gpu.hint(
    "Which of the three is divided by `processes` from which stage on?", when="value"
)


bytes_per_gpu.hint("What does Adam keep, and in which precision?", when="factor")
