"""How `utilisation` is judged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from descent.grading import Draw, Exercise, expect

utilisation = Exercise("utilisation", minutes=8, difficulty=1, returns=tuple[float, float])


class _Setting(NamedTuple):
    """What an answer is called with, in order."""

    parameters: int
    layers: int
    heads: int
    head_width: int
    context: int
    tokens_per_second: float
    gpus: int
    peak: float


def _setting(draw: Draw) -> _Setting:
    return _Setting(
        parameters=1000 * draw.integers(1, 200),
        layers=draw.integers(1, 13),
        heads=draw.integers(2, 13),
        head_width=8 * draw.integers(1, 9),
        context=64 * draw.integers(1, 17),
        tokens_per_second=float(draw.integers(100, 10_000)),
        gpus=1 + draw.size % 8,
        peak=1e9 * draw.integers(2, 1000),
    )


def _attention(given: _Setting) -> float:
    """For a token in each head: its products with T others, and the mean of T others' values."""
    forward = 0
    for _layer in range(given.layers):
        for _head in range(given.heads):
            forward += 2 * given.head_width * given.context  # scores
            forward += 2 * given.head_width * given.context  # weighted values
    return 3.0 * forward  # backward twice as many


@utilisation.property("counts six operations a parameter", trials=3)
def _(answer, draw: Draw) -> None:
    # So many that the attention of one layer is lost beside them.
    given = _setting(draw)._replace(layers=1, heads=1, head_width=1, context=1)
    given = given._replace(parameters=10**9 * draw.integers(1, 99))
    operations, _ = answer(*given)
    expect(operations, "operations for a token").close_to(6.0 * given.parameters, rtol=1e-6)


@utilisation.property("counts the attention of every layer and head", trials=5)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)._replace(parameters=1)
    operations, _ = answer(*given)
    expect(operations, "operations for a token").close_to(6 + _attention(given), rtol=1e-6)


@utilisation.property("adds the two", trials=4)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)
    operations, _ = answer(*given)
    wanted = 6 * given.parameters + _attention(given)
    expect(operations, "operations for a token").close_to(wanted, rtol=1e-6)


@utilisation.property("divides what is done in a second by what the GPUs could do", trials=5)
def _(answer, draw: Draw) -> None:
    given = _setting(draw)
    operations, share = answer(*given)
    could = np.full(given.gpus, given.peak).sum()
    expect(share, "the utilisation").close_to(operations * given.tokens_per_second / could)


@utilisation.property("is 1 at the peak, and falls with more GPUs at the same speed")
def _(answer, draw: Draw) -> None:
    given = _setting(draw)._replace(peak=1.0, gpus=1, tokens_per_second=1.0)
    operations, _ = answer(*given)
    _, full = answer(*given._replace(peak=float(operations)))
    _, half = answer(*given._replace(peak=float(operations), gpus=2))
    expect([full, half], "the utilisation of one GPU and of two").close_to([1.0, 0.5])


@utilisation.right
def right_utilisation(
    parameters, layers, heads, head_width, context, tokens_per_second, gpus, peak
):
    dense = 6 * parameters
    attention = 12 * layers * heads * head_width * context
    operations = dense + attention
    return operations, operations * tokens_per_second / (gpus * peak)


utilisation.slip(
    "forward_only",
    "You counted the forward pass alone, 2 for each parameter. The backward pass costs twice as "
    "much again: 6 in all.",
    {"6 * parameters": "2 * parameters", "12 * layers": "4 * layers"},
)
utilisation.slip(
    "multiplications_only",
    "A multiplication and an addition are two operations. You counted one: 3 for each parameter.",
    {"6 * parameters": "3 * parameters", "12 * layers": "6 * layers"},
)
utilisation.slip(
    "without_attention",
    "The attention is missing. Its scores have no parameters and still cost 12 · L · H · Q · T "
    "for each token.",
    {"dense + attention": "dense"},
)
utilisation.slip(
    "of_a_window",
    "T enters once: this is the cost of one token, which is compared with T others. T² is that of "
    "a window.",
    {"head_width * context": "head_width * context**2"},
)
utilisation.slip(
    "scores_only",
    "The attention counts 12 · L · H · Q · T, not 6: scores and weighted values both.",
    {"12 * layers": "6 * layers"},
)
utilisation.slip(
    "of_one_head",
    "The attention is that of one head. There are H of them in a layer: 12 · L · H · Q · T.",
    {"heads * head_width": "head_width"},
)
utilisation.slip(
    "six_times_both",
    "6 multiplies N alone. With 6 · (N + 12 · L · H · Q · T) the attention counts six times: it "
    "has the backward pass in its 12 already.",
    {"12 * layers": "72 * layers"},
)
utilisation.slip(
    "of_one_gpu",
    "You divided by the peak of one GPU. All of them read the tokens: divide by gpus · peak.",
    {"(gpus * peak)": "peak"},
)
utilisation.slip(
    "times_gpus",
    "a / gpus · peak multiplies by the peak: both stand below the line, so put gpus · peak in "
    "brackets.",
    {"(gpus * peak)": "gpus * peak"},
)
utilisation.slip(
    "gpus_above_the_line",
    "You multiplied by the number of GPUs. The tokens a second are those of all GPUs already, and "
    "the peak is that of one: divide by gpus · peak.",
    {"/ (gpus * peak)": "* gpus / peak"},
)
utilisation.slip(
    "in_percent",
    "You returned percent. The utilisation is a share: 0.4 and not 40.",
    {"operations * tokens_per_second": "100 * operations * tokens_per_second"},
)
utilisation.slip(
    "upside_down",
    "Your fraction is upside down: what is done, over what could be done.",
    {
        "operations * tokens_per_second / (gpus * peak)": (
            "gpus * peak / (operations * tokens_per_second)"
        )
    },
)
utilisation.slip(
    "swapped",
    "You returned the share first. The operations for a token come first, then the share.",
    {
        "return operations, operations * tokens_per_second / (gpus * peak)": (
            "return operations * tokens_per_second / (gpus * peak), operations"
        )
    },
)
utilisation.slip(
    "operations_a_second",
    "You returned the operations in a second. First comes what one token costs, whatever the "
    "speed.",
    {"return operations,": "return operations * tokens_per_second,"},
)


utilisation.hint("Operations for a token; times tokens a second; over what all GPUs could do.")
utilisation.hint("6 · N + 12 · L · H · Q · T, with the page's letters.")
utilisation.hint("How many GPUs share the work?", when="factor")
utilisation.hint("Two numbers come back, the operations for a token first.", when="type")
