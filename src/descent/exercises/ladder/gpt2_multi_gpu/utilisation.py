"""How `utilisation` is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import named

utilisation = Exercise("utilisation", minutes=8, difficulty=1)


_MODEL = ("parameters", "layers", "heads", "head_width", "context")


def _setting(draw: Draw) -> dict[str, Any]:
    return {
        "parameters": 1000 * draw.integers(1, 200),
        "layers": draw.integers(1, 13),
        "heads": draw.integers(1, 13),
        "head_width": 8 * draw.integers(1, 9),
        "context": 64 * draw.integers(1, 17),
        "tokens_per_second": float(draw.integers(100, 10_000)),
        "gpus": 1 + draw.size % 8,
        "peak": 1e9 * draw.integers(1, 1000),
    }


@utilisation.property("counts six operations a parameter, and the attention", trials=5)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)
    dense = sum(6 for _ in range(1000)) * given["parameters"] / 1000
    # Scores and weighted values: two products of T × Q for a token in each head, forward once
    # and backward twice, a multiplication and an addition each.
    scores = 2 * 2 * 3 * given["head_width"] * given["context"]
    wanted = dense + scores * given["heads"] * given["layers"]
    operations, _ = answer(**given)
    expect(operations, "operations for a token").close_to(wanted, rtol=1e-6)


@utilisation.property("divides what is done in a second by what the GPUs could do", trials=5)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)
    operations, share = answer(**given)
    expect(operations, "operations for a token").close_to(
        6 * given["parameters"] + 12 * math.prod(given[name] for name in _MODEL[1:]), rtol=1e-6
    )
    could = np.full(given["gpus"], given["peak"]).sum()
    expect(share, "the utilisation").close_to(operations * given["tokens_per_second"] / could)


@utilisation.property("is 1 at the peak, and falls with more GPUs at the same speed")
def _(answer, draw: Draw) -> None:
    given = {**_setting(draw), "peak": 1.0, "gpus": 1, "tokens_per_second": 1.0}
    operations, _ = answer(**given)
    _, full = answer(**{**given, "peak": float(operations)})
    _, half = answer(**{**given, "peak": float(operations), "gpus": 2})
    expect([full, half], "the utilisation of one GPU and of two").close_to([1.0, 0.5])


def _utilised(six=6.0, twelve=12.0, power=1, **given):
    model = {name: given[name] for name in _MODEL}
    attention = twelve * model["layers"] * model["heads"] * model["head_width"]
    operations = six * model["parameters"] + attention * model["context"] ** power
    return operations, operations * given["tokens_per_second"] / (given["gpus"] * given["peak"])


def _wrong_utilisation(**habits: Any) -> Callable[..., Any]:
    """An answer with the exercise's own parameters, given by place or by name."""

    def answer(
        parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak
    ) -> tuple[float, float]:
        given = dict(locals())
        given.pop("habits")
        return _utilised(**habits, **given)

    return answer


utilisation.mistake(
    "You counted the forward pass alone, 2 for each parameter. The backward pass costs twice as "
    "much again: 6 in all."
)(named("forward_only", _wrong_utilisation(six=2.0, twelve=4.0)))


utilisation.mistake(
    "A multiplication and an addition are two operations. You counted one: 3 for each parameter."
)(named("multiplications_only", _wrong_utilisation(six=3.0, twelve=6.0)))


utilisation.mistake(
    "The attention is missing. Its scores have no parameters and still cost 12 · L · H · Q · T "
    "for each token."
)(named("without_attention", _wrong_utilisation(twelve=0.0)))


utilisation.mistake(
    "T enters once: this is the cost of one token, which is compared with T others. T² is that of "
    "a window."
)(named("of_a_window", _wrong_utilisation(power=2)))


utilisation.mistake(
    "The attention counts 12 · L · H · Q · T, not 6: scores and weighted values both."
)(named("scores_only", _wrong_utilisation(twelve=6.0)))


@utilisation.mistake(
    "You divided by the peak of one GPU. All of them read the tokens: divide by gpus · peak."
)
def of_one_gpu(parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak):
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, operations * tokens_per_second / peak


@utilisation.mistake("You returned percent. The utilisation is a share: 0.4 and not 40.")
def in_percent(parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak):
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, 100 * operations * tokens_per_second / (gpus * peak)


@utilisation.mistake("Your fraction is upside down: what is done, over what could be done.")
def upside_down(parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak):
    operations = 6 * parameters + 12 * layers * heads * head_width * context
    return operations, gpus * peak / (operations * tokens_per_second)


utilisation.hint("Operations for a token; times tokens a second; over what all GPUs could do.")


utilisation.hint("6 · N + 12 · L · H · Q · T, with the page's letters.")


utilisation.hint("How many GPUs share the work?", when="factor")


utilisation.hint("Two numbers come back, the operations for a token first.", when="type")
