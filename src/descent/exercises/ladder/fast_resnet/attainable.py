"""How `attainable` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

attainable = Exercise("attainable", minutes=5, difficulty=1, returns=float | np.ndarray)


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


@attainable.property("takes an array of any shape, of whole numbers too", trials=2)
def _(answer, draw: Draw) -> None:
    peak, bandwidth = draw.uniform(20, 90), draw.uniform(2, 9) + 0.003
    table = draw.integers(1, 60, 2, 3)
    right = [[min(peak, bandwidth * int(number)) for number in row] for row in table]
    expect(answer(table, peak, bandwidth), "FLOP/s").close_to(right)


@attainable.right
def right_roof(intensity, peak, bandwidth):
    return np.minimum(peak, bandwidth * intensity)


_ROOF = "np.minimum(peak, bandwidth * intensity)"


attainable.slip(
    "the_higher_roof",
    "You took the higher of the two roofs. The lower one is what stops you.",
    {"np.minimum": "np.maximum"},
)
attainable.slip(
    "divided_bandwidth",
    "You divided the bandwidth by the intensity. FLOPs for each byte, times bytes for each second, "
    "are FLOPs for each second: multiply.",
    {"bandwidth * intensity": "bandwidth / intensity"},
)
attainable.slip(
    "divided_intensity",
    "You divided the intensity by the bandwidth. Check the units: FLOP/byte · byte/s = FLOP/s.",
    {"bandwidth * intensity": "intensity / bandwidth"},
)
attainable.slip(
    "without_peak",
    "You left out the peak: there is no slope without end.",
    {_ROOF: "bandwidth * intensity"},
)
attainable.slip(
    "peak_by_intensity",
    "Peak and bandwidth have changed places: you multiplied the peak by the intensity. The "
    "bandwidth makes the slope.",
    {_ROOF: "np.minimum(bandwidth, peak * intensity)"},
)
attainable.slip(
    "compared_with_the_peak",
    "You compare the intensity with the peak. One is in FLOPs for each byte, the other in FLOP/s: "
    "the two lines meet at the ridge point, peak / bandwidth.",
    {_ROOF: "np.where(intensity < peak, bandwidth * intensity, peak)"},
)
attainable.slip(
    "compared_with_the_bandwidth",
    "You compare the intensity with the bandwidth. The two lines meet at the ridge point, "
    "peak / bandwidth.",
    {_ROOF: "np.where(intensity < bandwidth, bandwidth * intensity, peak)"},
)
attainable.slip(
    "one_truth_for_all",
    "With an array your code asks for one truth value of many: Python's `min`, and an `if`, do so. "
    "`np.minimum` and `np.where` decide element by element.",
    {_ROOF: "min(peak, bandwidth * intensity)"},
)
attainable.slip(
    "one_number_for_all",
    "You return one number for a whole array: the smallest of all. `np.minimum`, not `np.min`, "
    "takes the smaller of two for each element.",
    {_ROOF: "np.min([np.min(bandwidth * intensity), peak])"},
)
attainable.slip(
    "takes_turns",
    "You let moving and computing take turns: your seconds are a sum. The roofline lets them "
    "overlap, so that the longer of the two decides.",
    {_ROOF: "1 / (1 / peak + 1 / (bandwidth * intensity))"},
)
attainable.slip(
    "share_of_peak",
    "You returned the share of the peak. Return FLOP/s: the lower of the two roofs itself.",
    {_ROOF: "np.minimum(1.0, bandwidth * intensity / peak)"},
)


attainable.equivalent(
    "`return np.minimum(peak, bandwidth * intensity)` → `return np.minimum(bandwidth * intensity, "
    "peak)`",
    because="the smaller of two numbers does not depend on their order",
)


attainable.hint("Two numbers in FLOP/s; the lower one is the answer.")
attainable.hint("`np.minimum` takes numbers and arrays alike; Python's `min` does not.")
attainable.hint("`np.minimum` compares element by element.", when="error")
attainable.hint("Write the units beside each number.", when="value")
