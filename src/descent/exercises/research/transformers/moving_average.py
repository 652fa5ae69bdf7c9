"""How `moving_average` is judged.

The oracle uses no formula of the chapter's solutions: ``numpy.convolve`` for the means.
"""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

moving_average = Exercise("moving_average", minutes=10, difficulty=2, returns=np.ndarray)


@moving_average.property("is the mean of every run of neighbours", trials=5)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    values, window = draw.normal(n), draw.integers(2, n)
    expected = np.convolve(values, np.full(window, 1 / window), mode="valid")
    expect(answer(values, window), "the means").close_to(expected)


@moving_average.property("gives [2, 2.5, 4] for the numbers of the page")
def _(answer, draw: Draw) -> None:
    expect(answer(np.array([1.0, 3.0, 2.0, 6.0]), 2), "the means").close_to([2.0, 2.5, 4.0])


@moving_average.property("leaves the numbers as they are for a window of 1")
def _(answer, draw: Draw) -> None:
    values = draw.normal(4)
    expect(answer(values, 1), "the means").close_to(values)


@moving_average.property("is one mean for a window as long as the list")
def _(answer, draw: Draw) -> None:
    values = draw.normal(5)
    means = answer(values, 5)
    expect(means, "the means").has_shape(1)
    expect(means, "the means").close_to(np.convolve(values, np.full(5, 0.2), mode="valid"))


@moving_average.right
def right_means(values, window):
    runs = [values[start : start + window] for start in range(len(values) - window + 1)]
    return np.array([np.mean(run) for run in runs])


moving_average.slip(
    "summed",
    "You added the neighbours up. A mean divides by their number, which is `window`.",
    {"np.mean(run)": "np.sum(run)"},
)
moving_average.slip(
    "divided_by_all",
    "You divided by the length of the list. Each mean takes in `window` numbers: divide by that.",
    {"np.mean(run)": "np.sum(run) / len(values)"},
)
moving_average.slip(
    "without_the_last",
    "The last run is missing. The first begins at place 0 and the last at place n − window, so "
    "there are n − window + 1 of them.",
    {"window + 1)": "window)"},
)
moving_average.slip(
    "filled_up",
    "Your means go on after the last whole run, with fewer numbers. Only runs that lie within the "
    "list count.",
    {"len(values) - window + 1": "len(values)"},
)
moving_average.slip(
    "side_by_side",
    "Your runs do not overlap: each begins where the one before ends. The next run begins one "
    "place further on.",
    {"range(len(values) - window + 1)": "range(0, len(values) - window + 1, window)"},
)
moving_average.slip(
    "medians",
    "You took the median of each run. Here it is the mean.",
    {"np.mean(run)": "np.median(run)"},
)


@moving_average.mistake(
    "Your runs all begin at place 0 and grow. A run of a moving average keeps its length and moves."
)
def growing(values, window):
    means = np.cumsum(values) / np.arange(1, len(values) + 1)
    return means[window - 1 :]


moving_average.hint("Do a smaller case by hand: three numbers, a window of two. How many means?")
moving_average.hint("A slice `values[i : i + k]` is a run of k. Where does the last one begin?")
moving_average.hint(
    "Make room for n − window + 1 means, go through the places where a run begins, and fill in one "
    "mean after the other."
)
moving_average.hint("By which number did you divide: window, n, nothing?", when="factor")
moving_average.hint("Write down where the first run begins, and where the last.", when="length")
moving_average.hint("[1, 3, 2, 6] with a window of 2 gives [2, 2.5, 4].", when="value")
