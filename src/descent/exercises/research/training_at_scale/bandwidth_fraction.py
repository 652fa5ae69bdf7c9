"""How `bandwidth_fraction` is judged: on timings made from an overhead and a bandwidth."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

bandwidth_fraction = Exercise("bandwidth_fraction", minutes=25, difficulty=3, returns=float | None)


def _timings(draw: Draw, share: float, copy: float, ratio: float, sizes: int = 7,
             noise: float = 0.01) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Parameter counts over three decades, and seconds.

    `share` of the copy's bandwidth is reached; the overhead is `ratio` of the largest one's time.
    """
    largest = 10.0 ** draw.rng.uniform(6.5, 9)
    counts = np.round(largest * 10.0 ** np.linspace(-3, 0, sizes))
    moving = 28 * counts / (share * copy)
    overhead = ratio / (1 - ratio) * moving[-1]
    seconds = (overhead + moving) * (1 + noise * draw.rng.uniform(-1, 1, size=sizes))
    order = draw.rng.permutation(sizes)
    return counts[order], seconds[order]


def _copy(draw: Draw) -> float:
    return float(draw.choice((1.5e12, 3.2e11, 4.0e12)))


@bandwidth_fraction.property("finds the share in timings without overhead", trials=5)
def _(answer, draw: Draw) -> None:
    share, copy = draw.uniform(0.3, 0.98), _copy(draw)
    counts, seconds = _timings(draw, share, copy, 0.0, noise=0.0)
    expect(answer(counts, seconds, copy), "the share of the copy's bandwidth").close_to(
        share, rtol=1e-3
    )


@bandwidth_fraction.property("takes the time that does not grow for overhead", trials=5)
def _(answer, draw: Draw) -> None:
    share, copy = draw.uniform(0.4, 0.98), _copy(draw)
    counts, seconds = _timings(draw, share, copy, draw.uniform(0.15, 0.35), noise=0.0)
    expect(answer(counts, seconds, copy), "the share of the copy's bandwidth").close_to(
        share, rtol=0.02
    )


@bandwidth_fraction.property("recovers the share within 6 % from noisy timings", trials=6)
def _(answer, draw: Draw) -> None:
    share, copy = draw.uniform(0.4, 0.95), _copy(draw)
    counts, seconds = _timings(draw, share, copy, draw.uniform(0.02, 0.3), sizes=12)
    expect(answer(counts, seconds, copy), "the share of the copy's bandwidth").close_to(
        share, rtol=0.06
    )


@bandwidth_fraction.property("refuses where overhead is most of the largest time", trials=5)
def _(answer, draw: Draw) -> None:
    counts, seconds = _timings(draw, draw.uniform(0.4, 0.9), _copy(draw), draw.uniform(0.6, 0.97))
    expect(answer(counts, seconds, 1e12), "the answer to two launch overheads").equals(None)


@bandwidth_fraction.property("does not refuse for small sizes among them", trials=4)
def _(answer, draw: Draw) -> None:
    share, copy = draw.uniform(0.5, 0.9), _copy(draw)
    counts, seconds = _timings(draw, share, copy, 0.4, noise=0.0)
    expect(answer(counts, seconds, copy), "the share of the copy's bandwidth").close_to(
        share, rtol=0.03
    )


@bandwidth_fraction.property("refuses times that do not grow with the size", trials=2)
def _(answer, draw: Draw) -> None:
    counts = np.array([1e3, 1e4, 1e5, 1e6])
    for seconds in ([2e-5, 2e-5, 2e-5, 2e-5], [4e-5, 3e-5, 2.5e-5, 2e-5]):
        expect(answer(counts, np.array(seconds), 1e12), "the answer to flat timings").equals(None)
    # A line through these is below 0 at the largest size.
    larger, falling = np.array([1e6, 2e6, 3e6]), np.array([1e-4, 1e-5, 5e-6])
    expect(answer(larger, falling, 1e12), "the answer to falling timings").equals(None)


@bandwidth_fraction.property("uses all timings of a size, not one of them", trials=2)
def _(answer, draw: Draw) -> None:
    share, copy = draw.uniform(0.5, 0.9), _copy(draw)
    counts, seconds = _timings(draw, share, copy, 0.1, noise=0.0)
    counts = np.repeat(counts, 6)
    # Five per cent too long or too short, or not at all: nothing on the average.
    seconds = np.outer(seconds, [1.05, 1.0, 0.95, 0.95, 1.0, 1.05]).ravel()
    expect(answer(counts, seconds, copy), "the share of the copy's bandwidth").close_to(
        share, rtol=0.03
    )


@bandwidth_fraction.property("refuses fewer than three different sizes", trials=1)
def _(answer, draw: Draw) -> None:
    for sizes in ([], [1e8], [1e7, 1e8], [1e7, 1e8, 1e8, 1e7]):
        counts = np.array(sizes)
        seconds = 1e-5 + 28 * counts / 1e12
        called = f"the answer to {len(sizes)} timings of {len(set(sizes))} sizes"
        expect(answer(counts, seconds, 1.2e12), called).equals(None)
    counts = np.array([1e7, 1e8, 5e7])
    expect(answer(counts, 1e-6 + 28 * counts / 1e12, 1.25e12), "three sizes").close_to(
        0.8, rtol=0.02
    )


@bandwidth_fraction.right
def right_fraction(counts, seconds, copy_bandwidth):
    if len(np.unique(counts)) < 3:
        return None
    slope, overhead = np.polyfit(counts, seconds, 1)
    largest = overhead + slope * counts.max()
    if slope <= 0 or overhead > 0.5 * largest:
        return None
    return float(28 / slope / copy_bandwidth)


bandwidth_fraction.slip(
    "wrong_bytes",
    "You count 16 bytes for each parameter. Reading weight, gradient and two moments is 16; "
    "writing three of them back makes 28.",
    {"28 / slope": "16 / slope"},
)
bandwidth_fraction.slip(
    "read_and_written_all",
    "You count 32 bytes for each parameter. The gradient is read, and not written: 16 + 12 = 28.",
    {"28 / slope": "32 / slope"},
)
bandwidth_fraction.slip(
    "upside_down",
    "That is the copy's bandwidth over the kernel's. The other way round: a slow kernel has a "
    "small share.",
    {"28 / slope / copy_bandwidth": "copy_bandwidth * slope / 28"},
)
bandwidth_fraction.slip(
    "never_refuses",
    "You answer even where the launch is most of the time. Two overheads compared say nothing of "
    "bandwidth: return None.",
    {"slope <= 0 or overhead > 0.5 * largest": "slope <= 0"},
)
bandwidth_fraction.slip(
    "half_of_the_rest",
    "You compare the launch with half of what the bytes take. It is half of the whole time, launch "
    "included.",
    {"0.5 * largest": "0.5 * (largest - overhead)"},
)
bandwidth_fraction.slip(
    "through_the_origin",
    "Your line goes through 0, so the launch is taken for bytes. Fit a constant too.",
    {
        "slope, overhead = np.polyfit(counts, seconds, 1)": (
            "slope, overhead = np.dot(counts, seconds) / np.dot(counts, counts), 0.0"
        )
    },
)
bandwidth_fraction.slip(
    "zero_for_none",
    "Where the timings cannot tell, say None. A number would be taken for a measurement.",
    {
        "or overhead > 0.5 * largest:\n        return None": (
            "or overhead > 0.5 * largest:\n        return 0.0"
        )
    },
)
bandwidth_fraction.slip(
    "refuses_for_the_smallest",
    "You refuse because the *smallest* size is mostly overhead. That is so on every GPU; what "
    "counts is the largest.",
    {"counts.max()": "counts.min()"},
)
bandwidth_fraction.slip(
    "two_sizes_are_enough",
    "Through two sizes a line always goes, and nothing tells whether it fits. Refuse fewer than "
    "three different ones.",
    {"len(np.unique(counts)) < 3": "len(np.unique(counts)) < 2"},
)
bandwidth_fraction.slip(
    "timings_counted",
    "You counted the timings. Ten of the same size are still one size: count different ones.",
    {"len(np.unique(counts)) < 3": "len(counts) < 3 or len(np.unique(counts)) < 2"},
)

bandwidth_fraction.slip(
    "last_for_the_largest",
    "You take the last count for the largest. The timings come in any order: ask for the maximum.",
    {"counts.max()": "counts[-1]"},
)
bandwidth_fraction.slip(
    "falling_times_pass",
    "You answer where the seconds fall with the size. Then the slope is below 0, and the timings "
    "tell nothing: None.",
    {"slope <= 0 or overhead > 0.5 * largest": "overhead > abs(slope) * counts.max()"},
)
bandwidth_fraction.slip(
    "axes_exchanged",
    "You fitted the parameters as a line in the seconds. It is the seconds that are measured, and "
    "that have noise: np.polyfit(counts, seconds, 1).",
    {
        "slope, overhead = np.polyfit(counts, seconds, 1)": (
            "each, begin = np.polyfit(seconds, counts, 1)\n"
            "    slope, overhead = 1 / each, -begin / each"
        )
    },
)
bandwidth_fraction.slip(
    "seven_numbers_for_bytes",
    "You count 7 for each parameter. Those are the numbers read and written; each has 4 bytes: 28.",
    {"28 / slope": "7 / slope"},
)
bandwidth_fraction.slip(
    "percent",
    "You return per cent. A share is a number from 0 to 1.",
    {"28 / slope": "2800 / slope"},
)
bandwidth_fraction.slip(
    "bandwidth_for_share",
    "You return the kernel's bytes a second. Divide by the copy's: a share is asked for.",
    {"28 / slope / copy_bandwidth": "28 / slope"},
)


@bandwidth_fraction.mistake(
    "You divided bytes by seconds at the largest size. The overhead is still in there, so the "
    "share comes out too small: take the slope of seconds against parameters."
)
def at_the_largest(counts, seconds, copy_bandwidth):
    if len(np.unique(counts)) < 3:
        return None
    slope, overhead = np.polyfit(counts, seconds, 1)
    if slope <= 0 or overhead > 0.5 * (overhead + slope * counts.max()):
        return None
    at = np.argmax(counts)
    return float(28 * counts[at] / seconds[at] / copy_bandwidth)


@bandwidth_fraction.mistake(
    "You averaged bytes over seconds over all sizes. Small sizes are nearly all overhead and pull "
    "it down: take the slope of seconds against parameters."
)
def mean_over_sizes(counts, seconds, copy_bandwidth):
    if len(np.unique(counts)) < 3:
        return None
    slope, overhead = np.polyfit(counts, seconds, 1)
    if slope <= 0 or overhead > 0.5 * (overhead + slope * counts.max()):
        return None
    return float(np.mean(28 * counts / seconds) / copy_bandwidth)


@bandwidth_fraction.mistake(
    "You drew a line through the smallest and the largest size. The noise of two timings is all in "
    "it: fit a line through all of them."
)
def through_two_of_them(counts, seconds, copy_bandwidth):
    if len(np.unique(counts)) < 3:
        return None
    small, large = counts.argmin(), counts.argmax()
    slope = (seconds[large] - seconds[small]) / (counts[large] - counts[small])
    overhead = seconds[small] - slope * counts[small]
    if slope <= 0 or overhead > 0.5 * (overhead + slope * counts[large]):
        return None
    return float(28 / slope / copy_bandwidth)


@bandwidth_fraction.mistake(
    "You took the shortest time for the launch. It moves bytes too; and with one timing more or "
    "less the launch is another: fit a constant."
)
def shortest_for_launch(counts, seconds, copy_bandwidth):
    if len(np.unique(counts)) < 3:
        return None
    overhead, at = seconds.min(), counts.argmax()
    if overhead > 0.5 * seconds[at]:
        return None
    return float(28 * counts[at] / (seconds[at] - overhead) / copy_bandwidth)


@bandwidth_fraction.mistake(
    "You took the launch away and averaged the shares of all timings. Of small ones little but "
    "noise is left then: the slope itself is the answer."
)
def mean_without_launch(counts, seconds, copy_bandwidth):
    if len(np.unique(counts)) < 3:
        return None
    slope, overhead = np.polyfit(counts, seconds, 1)
    if slope <= 0 or overhead > 0.5 * (overhead + slope * counts.max()):
        return None
    return float(np.mean(28 * counts / (seconds - overhead)) / copy_bandwidth)


bandwidth_fraction.hint("Seconds are a constant plus something for each parameter. Fit both.")
bandwidth_fraction.hint("Which of the two fitted numbers is the bandwidth in, and how?")
bandwidth_fraction.hint(
    "`np.polyfit(counts, seconds, 1)` gives slope and constant. 28 over the slope is bytes a "
    "second. Before you answer, ask when the fit means nothing: three cases.",
)
bandwidth_fraction.hint("Which size's time do you compare the overhead with?", when="none")

bandwidth_fraction.equivalent(
    "`if launch > at_largest / 2:` → `if launch >= at_largest / 2:`",
    because="fitted numbers are never exactly a half",
)
