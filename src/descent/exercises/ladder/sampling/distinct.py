"""How `distinct` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

from .shared import int64_tensor

distinct = Exercise("distinct", minutes=6, difficulty=1, returns=float)


def _distinct(ids: list[int], n: int) -> float:
    """Count a run as new unless an earlier one is equal, by comparing all pairs."""
    runs = [ids[i : i + n] for i in range(len(ids) - n + 1)]
    new = [run for i, run in enumerate(runs) if run not in runs[:i]]
    return len(new) / len(runs) if runs else 1.0


@distinct.property("is the part of the runs that are different", trials=6)
def _(answer, draw: Draw) -> None:
    words = draw.rng.choice(5_000, 3, replace=False)
    ids = words[draw.integers(0, 3, 2 * draw.size + 3)].tolist()
    for n in (2, 1, 3):
        expect(answer(int64_tensor(ids), n), f"distinct-{n}").close_to(_distinct(ids, n))


@distinct.property("is right for the text of the page")
def _(answer, draw: Draw) -> None:
    a, b = draw.rng.choice(50, 2, replace=False).tolist()
    ids = [a, b, a, b, a]
    expect(answer(int64_tensor(ids), 2), "distinct-2 of a b a b a").close_to(0.5)
    expect(answer(int64_tensor(ids), 1), "distinct-1 of a b a b a").close_to(0.4)


@distinct.property("tells a b from b a")
def _(answer, draw: Draw) -> None:
    ids = [1, 2, 1, 1, 2 + draw.integers(0, 2)]
    expect(answer(int64_tensor(ids), 2), "distinct-2").close_to(_distinct(ids, 2))


@distinct.property("tells apart runs whose digits are the same, one after the other", trials=1)
def _(answer, draw: Draw) -> None:
    for ids in ([1, 11, 1], [12, 3, 7, 1, 23], [11, 2, 9, 1, 12]):
        expect(answer(int64_tensor(ids), 2), f"distinct-2 of {ids}").close_to(1.0)


@distinct.property("tells apart runs whose sums, or sums of multiples, are the same", trials=1)
def _(answer, draw: Draw) -> None:
    for ids in ([0, 4, 1, 3], [0, 10, 1, 0], [0, 100, 1, 0], [0, 1000, 1, 0], [0, 2000, 1, 0]):
        expect(answer(int64_tensor(ids), 2), f"distinct-2 of {ids}").close_to(1.0)


@distinct.property("is 1 where there is no run", trials=3)
def _(answer, draw: Draw) -> None:
    ids = [1] * (draw.size - 1)
    expect(answer(int64_tensor(ids), draw.size), "distinct-n of a shorter text").close_to(1.0)
    expect(answer(int64_tensor([1] * draw.size), draw.size), "of a text of one run").close_to(1.0)


def _part(ids, n, runs=None, count=None, divide=None, empty=1.0):
    values = ids.tolist()
    runs = runs or [tuple(values[i : i + n]) for i in range(len(values) - n + 1)]
    if len(values) < n:
        return empty
    different = (count or (lambda found: len(set(found))))(runs)
    return different / (divide or len(runs))


@distinct.mistake("You divided by the number of words. Divide by the number of runs, L − n + 1.")
def by_words(ids, n):
    return _part(ids, n, divide=len(ids))


@distinct.mistake("Runs overlap: one begins at every word, not at every n-th.")
def side_by_side(ids, n):
    values = ids.tolist()
    return _part(ids, n, [tuple(values[i : i + n]) for i in range(0, len(values) - n + 1, n)])


@distinct.mistake("You lost the last run: there are L − n + 1 of them.")
def without_the_last_run(ids, n):
    values = ids.tolist()
    return _part(ids, n, [tuple(values[i : i + n]) for i in range(max(len(values) - n, 1))])


@distinct.mistake("This is the part that repeats. Distinct-n is the other one: 1 minus it.")
def repeated(ids, n):
    return 1 - _part(ids, n)


@distinct.mistake(
    "You counted the runs that occur exactly once. A run that comes twice is still one "
    "*different* run."
)
def occurring_once(ids, n):
    return _part(ids, n, count=lambda runs: sum(runs.count(run) == 1 for run in runs))


@distinct.mistake("You forgot the order inside a run: `a b` and `b a` are two different runs.")
def unordered(ids, n):
    return _part(ids, n, count=lambda runs: len({tuple(sorted(run)) for run in runs}))


@distinct.mistake(
    "You joined the numbers of a run to one text without anything between them: 1 11 and 11 1 are "
    "both 111. Use a tuple, or a separator."
)
def joined_digits(ids, n):
    return _part(ids, n, count=lambda runs: len({"".join(map(str, run)) for run in runs}))


@distinct.mistake(
    "You added up the numbers of a run, and two different runs may have one sum. Use a tuple."
)
def sums_of_runs(ids, n):
    return _part(ids, n, count=lambda runs: len({sum(run) for run in runs}))


@distinct.mistake(
    "You compared each run with the one before it alone. A run that comes again later is not a "
    "different one either."
)
def unlike_the_one_before(ids, n):
    return _part(
        ids, n, count=lambda runs: 1 + sum(a != b for a, b in zip(runs[1:], runs[:-1], strict=True))
    )


@distinct.mistake(
    "A text without any run makes you divide by zero. Its distinct-n is 1: take that case first."
)
def divides_by_zero(ids, n):
    values = ids.tolist()
    runs = [tuple(values[i : i + n]) for i in range(len(values) - n + 1)]
    return len(set(runs)) / len(runs)


@distinct.mistake(
    "Your set holds tensors, and two tensors are never the same member of a set, even when their "
    "numbers are equal. Make plain numbers of them first: `.tolist()`."
)
def set_of_tensors(ids, n):
    return 1.0


@distinct.mistake(
    "You made a set of each run, which forgets the order and how often a word comes. Use a tuple."
)
def runs_as_sets(ids, n):
    return _part(ids, n, count=lambda runs: len({frozenset(run) for run in runs}))


@distinct.mistake("You counted different words, whatever n is.")
def single_words(ids, n):
    return len(set(ids.tolist())) / len(ids) if len(ids) >= n else 1.0


@distinct.mistake("A text without any run has distinct-n 1 on this page: nothing repeats.")
def zero_when_short(ids, n):
    return _part(ids, n, empty=0.0)


@distinct.mistake("You turned the ratio upside down: different runs over all runs.")
def upside_down(ids, n):
    return 1 / _part(ids, n)


distinct.hint("A list of tuples, one for each place where a run begins; `set` drops equal ones.")
distinct.hint("`range(len(ids) - n + 1)` are the places where a run of n begins.")
distinct.hint("Tensors do not compare as sets want: `.tolist()` first.", when="value")
distinct.hint("What is your answer for a text shorter than n?", when="error")
