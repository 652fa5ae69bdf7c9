"""How `noise_scale` is judged."""

from __future__ import annotations

import numpy as np

from descent.exercises.studies import does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

noise_scale = Exercise("noise_scale", minutes=25, difficulty=3, returns=float)


def _solved(small, large, batch_small, batch_large) -> float:
    """Two equations, E|g_B|² = |G|² + tr Σ / B at either batch, for two unknowns."""
    rows = np.array([[1.0, 1.0 / batch_small], [1.0, 1.0 / batch_large]])
    seen = np.array([np.mean([g @ g for g in small]), np.mean([g @ g for g in large])])
    squared, trace = np.linalg.solve(rows, seen)
    return float(max(trace, 0.0) / squared)


def _gradients(draw: Draw, d: int, count: int, batch: float, noise: float, signal):
    return signal + noise * draw.rng.normal(size=(count, d)) / np.sqrt(batch)


def _case(draw: Draw, d: int):
    """Few gradients, with so much signal that their squares leave no doubt about it."""
    signal = draw.normal(d) + np.where(draw.normal(d) > 0, 3.0, -3.0)
    sizes = (draw.integers(1, 5), draw.integers(12, 40))
    counts = (draw.integers(2, 7), draw.integers(1, 5))
    small, large = (
        _gradients(draw, d, count, size, 1.5, signal)
        for count, size in zip(counts, sizes, strict=True)
    )
    return small, large, *sizes


@noise_scale.property("solves for the two unknowns")
def _(answer, draw: Draw) -> None:
    case = _case(draw, min(draw.size, 6) + 3)
    expect(answer(*case), "the noise scale").close_to(_solved(*case), rtol=1e-6, atol=1e-9)


@noise_scale.property("of the page's example is 4", trials=1)
def _(answer, draw: Draw) -> None:
    small, large = np.array([[3.0, 1.0], [1.0, 3.0]]), np.array([[2.0, 2.0], [np.sqrt(7), 0.0]])
    case = small, large, 1, 4
    expect(answer(*case), "the noise scale").close_to(_solved(*case), rtol=1e-6)
    quiet = np.array([[2.0, 1.0]])
    expect(answer(np.array([[3.0, 0.0]]), quiet, 1, 4), "the noise scale").close_to(
        (9 - 5) / (1 - 0.25) / ((4 * 5 - 9) / 3), rtol=1e-6
    )


@noise_scale.property("recovers a noise scale that is known", trials=3)
def _(answer, draw: Draw) -> None:
    d, noise = 40, draw.uniform(1, 3)
    signal = draw.normal(d)
    truth = noise**2 * d / float(signal @ signal)
    small = _gradients(draw, d, 3000, 4, noise, signal)
    large = _gradients(draw, d, 3000, 64, noise, signal)
    given = answer(small, large, 4, 64)
    expect(given, "the noise scale").close_to(truth, rtol=0.12)


@noise_scale.property("takes the two batches either way round", trials=3)
def _(answer, draw: Draw) -> None:
    small, large, few, many = _case(draw, 5)
    case = large, small, many, few
    expect(answer(*case), "the noise scale").close_to(_solved(*case), rtol=1e-6)


@noise_scale.property("is 0 where the small batches are no noisier", trials=2)
def _(answer, draw: Draw) -> None:
    signal = draw.normal(4) + 2.0
    case = signal[None] * 0.99, np.stack([signal, signal]), 2, 16
    expect(answer(*case), "the noise scale").close_to(0.0, atol=1e-12)


@noise_scale.property("is refused where the gradient drowns in the noise", trials=3)
def _(answer, draw: Draw) -> None:
    # The large batch halves nothing it should have halved: |G|² comes out below 0.
    small = np.full((3, 4), 2.0)
    for size in (0.5, 1.0):
        refuses(answer, small, np.full((2, 4), size), 1, 4,
                because="an estimate of |G|² that is not above 0")  # fmt: skip
    given = does_not_refuse(answer, small, np.full((2, 4), 1.01), 1, 4,
                            although="an estimate of |G|² just above 0")  # fmt: skip
    wanted = _solved(small, np.full((2, 4), 1.01), 1, 4)
    expect(-1.0 if given is None else given, "the noise scale").close_to(wanted, rtol=1e-4)


@noise_scale.property("is refused where the two batches are equal", trials=1)
def _(answer, draw: Draw) -> None:
    refuses(answer, np.ones((2, 3)), 2 * np.ones((2, 3)), 8, 8, because="two equal batches")


@noise_scale.right
def right_scale(small, large, batch_small, batch_large):
    if batch_small == batch_large:
        raise ValueError("two different batches are needed")
    low, high = (small**2).sum(axis=1).mean(), (large**2).sum(axis=1).mean()
    squared = (batch_large * high - batch_small * low) / (batch_large - batch_small)
    trace = (low - high) / (1 / batch_small - 1 / batch_large)
    if squared <= 0:
        raise ValueError("the gradient drowns in the noise: average over more measurements")
    return float(max(trace, 0.0) / squared)


noise_scale.slip(
    "large_taken_as_true",
    "You took the squared gradient of the large batch for |G|². It holds noise too, a B-th of tr "
    "Σ: "
    "solve for both.",
    {"squared = (batch_large * high - batch_small * low) / (batch_large - batch_small)":
     "squared = high"},
)  # fmt: skip
noise_scale.slip(
    "trace_of_difference",
    "You took the difference of the two means for tr Σ. It is tr Σ (1/B_small − 1/B_large).",
    {"(low - high) / (1 / batch_small - 1 / batch_large)": "low - high"},
)
noise_scale.slip(
    "trace_of_small_only",
    "You multiplied the difference by the small batch only, as if the large one had no noise at "
    "all.",
    {"(low - high) / (1 / batch_small - 1 / batch_large)": "(low - high) * batch_small"},
)
noise_scale.slip(
    "batches_swapped",
    "You weighted the means by each other's batch.",
    {"batch_large * high - batch_small * low": "batch_large * low - batch_small * high"},
)
noise_scale.slip(
    "square_of_the_mean",
    "You averaged the gradients before you squared. That takes out the noise you want to measure: "
    "square first, then average.",
    {
        "(small**2).sum(axis=1).mean()": "(small.mean(axis=0) ** 2).sum()",
        "(large**2).sum(axis=1).mean()": "(large.mean(axis=0) ** 2).sum()",
    },
)
noise_scale.slip(
    "mean_over_parameters",
    "You averaged over all numbers of a kind and lost the square's length where the two differ. "
    "Sum the squares of a gradient, then average over gradients.",
    {"(small**2).sum(axis=1).mean()": "(small**2).mean()"},
)
noise_scale.slip(
    "sum_over_gradients",
    "You added the squares of all gradients up. Average over them: there may be more of one kind "
    "than of the other.",
    {
        "(small**2).sum(axis=1).mean()": "(small**2).sum()",
        "(large**2).sum(axis=1).mean()": "(large**2).sum()",
    },
)
noise_scale.slip(
    "upside_down",
    "You divided |G|² by tr Σ. The noise scale is noise over signal, a number of examples.",
    {"max(trace, 0.0) / squared)": "squared / max(trace, 1e-9))"},
)
noise_scale.slip(
    "never_refuses",
    "Where |G|² comes out at or below 0 you return a ratio all the same. A negative batch is no "
    "advice: raise a ValueError.",
    {"if squared <= 0:": "if False:"},
)
noise_scale.slip(
    "negative_allowed",
    "You return a negative noise scale where the small batches happen to be no noisier. No noise "
    "was "
    "seen: 0.",
    {"max(trace, 0.0)": "trace"},
)
noise_scale.slip(
    "lengths_not_squared",
    "You averaged the gradients' lengths. It is their squares that add up: |G|² + tr Σ / B.",
    {
        "(small**2).sum(axis=1).mean()": "np.sqrt((small**2).sum(axis=1)).mean() ** 2",
        "(large**2).sum(axis=1).mean()": "np.sqrt((large**2).sum(axis=1)).mean() ** 2",
    },
)


@noise_scale.mistake(
    "You made a ratio for each pair of gradients and averaged the ratios. Some of the denominators "
    "are near 0, and the mean of ratios is no ratio of means. Average first, divide once."
)
def mean_of_ratios(small, large, batch_small, batch_large):
    right_scale(small, large, batch_small, batch_large)
    ratios = []
    for a, b in zip(small, large, strict=False):
        low, high = a @ a, b @ b
        squared = (batch_large * high - batch_small * low) / (batch_large - batch_small)
        trace = (low - high) / (1 / batch_small - 1 / batch_large)
        ratios.append(max(trace, 0.0) / squared)
    return float(np.mean(ratios))


noise_scale.slip(
    "batches_squared",
    "You let the noise fall with B². The variance of a mean falls with B.",
    {"(batch_large * high - batch_small * low) / (batch_large - batch_small)":
     "(batch_large**2 * high - batch_small**2 * low) / (batch_large**2 - batch_small**2)",
     "(1 / batch_small - 1 / batch_large)": "(1 / batch_small**2 - 1 / batch_large**2)"},
)  # fmt: skip
noise_scale.slip(
    "roots_of_batches",
    "You let the noise fall with √B. Its spread does; its variance, which is measured here, falls "
    "with B.",
    {"(batch_large * high - batch_small * low) / (batch_large - batch_small)":
     "(batch_large**0.5 * high - batch_small**0.5 * low) / (batch_large**0.5 - batch_small**0.5)",
     "(1 / batch_small - 1 / batch_large)": "(1 / batch_small**0.5 - 1 / batch_large**0.5)"},
)  # fmt: skip
noise_scale.slip(
    "only_one_order",
    "You refuse where the first batch is the larger. Either may be: the two equations do not mind.",
    {"if batch_small == batch_large:": "if batch_small >= batch_large:"},
)
noise_scale.slip(
    "no_noise_refused",
    "You refuse where the estimate of tr Σ is negative. No noise was seen: the answer is 0.",
    {"if squared <= 0:": "if squared <= 0 or trace < 0:"},
)
noise_scale.slip(
    "equal_batches_nan",
    "With two equal batches you return NaN. There is only one equation then: raise a ValueError.",
    {'raise ValueError("two different batches are needed")': "return np.nan"},
)


@noise_scale.mistake(
    "You took the spread among the gradients of one batch, and the mean of the others for the true "
    "one. That mean has noise of its own in its square: use the two squared lengths."
)
def spread_among_gradients(small, large, batch_small, batch_large):
    right_scale(small, large, batch_small, batch_large)
    mean = large.mean(axis=0)
    return float(small.var(axis=0, ddof=min(1, len(small) - 1)).sum() * batch_small / (mean @ mean))


noise_scale.hint("E|g_B|² = |G|² + tr Σ / B. Two batches give two equations.")
noise_scale.hint("Subtract one from the other: |G|² drops out. Then the other unknown.")
noise_scale.hint("Average over all gradients of a batch before anything is divided.", when="value")

noise_scale.equivalent(
    "`return float(max(trace, 0.0) / squared)` → `return float(max(0.0, trace) / squared)`",
    because="the larger of two does not depend on which comes first",
)
