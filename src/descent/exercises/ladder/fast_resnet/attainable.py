"""How `attainable` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

attainable = Exercise("attainable", minutes=5, difficulty=1)


@attainable.property("is the lower of the two roofs", trials=5)
def _(answer, draw: Draw) -> None:
    peak, bandwidth = draw.uniform(20, 90), draw.uniform(2, 9)
    ridge = peak / bandwidth
    for share in (draw.uniform(0.05, 0.9), draw.uniform(1.2, 5.0)):
        right = peak * share if share < 1 else peak
        expect(answer(share * ridge, peak, bandwidth), "FLOP/s").close_to(right)


@attainable.property("is the FLOPs over the longer of the two times", trials=3)
def _(answer, draw: Draw) -> None:
    flops, moved = draw.uniform(1, 100), draw.uniform(1, 100)
    peak, bandwidth = draw.uniform(1, 30), draw.uniform(1, 30)
    seconds = max(flops / peak, moved / bandwidth)
    expect(answer(flops / moved, peak, bandwidth), "FLOP/s").close_to(flops / seconds)


@attainable.property("takes an array of intensities", trials=2)
def _(answer, draw: Draw) -> None:
    peak, bandwidth = draw.uniform(20, 90), draw.uniform(2, 9)
    shares = np.array([0.1, 0.5, 1.0, 2.0, 40.0])
    found = answer(shares * peak / bandwidth, peak, bandwidth)
    expect(found, "FLOP/s").close_to([peak * min(share, 1) for share in shares])


def _least(a, b):
    return np.minimum(a, b)


@attainable.mistake("You took the higher of the two roofs. The lower one is what stops you.")
def the_higher_roof(intensity, peak, bandwidth):
    return np.maximum(peak, bandwidth * intensity)


@attainable.mistake(
    "You divided the bandwidth by the intensity. FLOPs for each byte, times bytes for each second, "
    "are FLOPs for each second: multiply."
)
def divided_bandwidth(intensity, peak, bandwidth):
    return _least(peak, bandwidth / intensity)


@attainable.mistake("You divided the intensity by the bandwidth. Check the units: FLOP/byte · "
                    "byte/s = FLOP/s.")  # fmt: skip
def divided_intensity(intensity, peak, bandwidth):
    return _least(peak, intensity / bandwidth)


@attainable.mistake("You left out the peak: there is no slope without end.")
def without_peak(intensity, peak, bandwidth):
    return bandwidth * intensity


@attainable.mistake("You multiplied the peak by the intensity. The bandwidth makes the slope.")
def peak_by_intensity(intensity, peak, bandwidth):
    return _least(bandwidth, peak * intensity)


@attainable.mistake(
    "You let moving and computing take turns: your seconds are a sum. The roofline lets them "
    "overlap, so that the longer of the two decides."
)
def takes_turns(intensity, peak, bandwidth):
    return 1 / (1 / peak + 1 / (bandwidth * intensity))


@attainable.mistake(
    "You returned the share of the peak. Return FLOP/s: the lower of the two roofs itself."
)
def share_of_peak(intensity, peak, bandwidth):
    return _least(1.0, bandwidth * intensity / peak)


attainable.equivalent(
    "`return np.minimum(peak, bandwidth * intensity)` → `return np.minimum(bandwidth * intensity, "
    "peak)`",
    because="the smaller of two numbers does not depend on their order",
)


attainable.hint("Two numbers in FLOP/s; the lower one is the answer.")


attainable.hint("`np.minimum` takes numbers and arrays alike; Python's `min` does not.")


attainable.hint("`np.minimum` compares element by element.", when="error")


attainable.hint("Write the units beside each number.", when="value")
