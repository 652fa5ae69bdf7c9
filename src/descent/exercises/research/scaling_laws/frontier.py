"""How `frontier` is judged: each run against each other, by the definition."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

frontier = Exercise("frontier", minutes=15, difficulty=2, returns=list[int])


def _undominated(flops, losses) -> list[int]:
    """All pairs: no other run has both at most its compute and at most its loss."""
    kept = []
    for i in range(len(flops)):
        better = [
            j for j in range(len(flops))
            if flops[j] <= flops[i] and losses[j] <= losses[i]
            and (flops[j] < flops[i] or losses[j] < losses[i] or j < i)
        ]  # fmt: skip
        if not better:
            kept.append(i)
    return sorted(kept, key=lambda i: flops[i])


def _runs(draw: Draw, count: int):
    flops = draw.rng.permutation(np.arange(1, count + 1)) * 10.0
    return flops, np.round(9 * flops**-0.3 * np.exp(draw.rng.normal(0, 0.4, count)), 2)


@frontier.property("is [0, 2, 4] for the six runs of the page", trials=1)
def _(answer, draw: Draw) -> None:
    flops = np.array([1.0, 5.0, 4.0, 9.0, 16.0, 25.0])
    losses = np.array([8.0, 4.6, 4.0, 4.1, 2.0, 2.1])
    expect(answer(flops, losses), "the frontier").equals([0, 2, 4])


@frontier.property("is every run that no other beats, in any order of the input", trials=7)
def _(answer, draw: Draw) -> None:
    flops, losses = _runs(draw, draw.size + 2)
    expect(answer(flops, losses), "the frontier").equals(_undominated(flops, losses))


@frontier.property("takes the better of two runs with the same compute", trials=6)
def _(answer, draw: Draw) -> None:
    flops, losses = _runs(draw, draw.size + 2)
    flops = np.round(flops, -2) + 100
    losses = losses + np.arange(len(losses)) * 1e-3
    expect(answer(flops, losses), "the frontier").equals(_undominated(flops, losses))


@frontier.property(
    "takes the cheaper of two runs with the same loss, and the first of two equal runs"
)
def _(answer, draw: Draw) -> None:
    flops = np.array([30.0, 10.0, 20.0, 10.0, 40.0])
    losses = np.array([2.0, 3.0, 2.0, 3.0, 2.0])
    order = draw.rng.permutation(5)
    expect(answer(flops[order], losses[order]), "the frontier").equals(
        _undominated(flops[order], losses[order])
    )


@frontier.property("does not depend on the unit of the losses", trials=1)
def _(answer, draw: Draw) -> None:
    flops, losses = _runs(draw, 6)
    expect(answer(flops, 1e4 * losses), "the frontier").equals(_undominated(flops, losses))


@frontier.property("of one run is that run, and of none is empty")
def _(answer, draw: Draw) -> None:
    expect(answer(np.array([3.0]), np.array([2.0])), "the frontier of one run").equals([0])
    expect(answer(np.array([]), np.array([])), "the frontier of no run").equals([])


@frontier.right
def right_frontier(flops, losses):
    kept, best = [], float("inf")
    for i in np.lexsort((losses, flops)):
        if losses[i] < best:
            kept.append(int(i))
            best = losses[i]
    return kept


frontier.slip(
    "input_order",
    "You went through the runs in the order of the input. Begin with the cheapest.",
    {"np.lexsort((losses, flops))": "range(len(flops))"},
)
frontier.slip(
    "ties_kept",
    "You kept a run that costs more and is no better than a cheaper one.",
    {"losses[i] < best": "losses[i] <= best"},
)
frontier.slip(
    "compute_alone",
    "Of runs with the same compute you took the first. The best of them is on the "
    "frontier, and it alone.",
    {"np.lexsort((losses, flops))": "np.argsort(flops, kind='stable')"},
)
frontier.slip(
    "sorted_by_loss",
    "You sorted by loss first. Go by rising compute, and keep what is better than all before.",
    {"np.lexsort((losses, flops))": "np.lexsort((flops, losses))"},
)
frontier.slip(
    "previous_only",
    "You compared with the run before. The best of *all* cheaper runs is what has to be beaten.",
    {
        "            kept.append(int(i))\n            best = losses[i]\n": (
            "            kept.append(int(i))\n        best = losses[i]\n"
        )
    },
)


@frontier.mistake(
    "You returned places in the sorted list. They must be the runs' places in the input."
)
def sorted_places(flops, losses):
    kept, best = [], float("inf")
    for place, i in enumerate(np.lexsort((losses, flops))):
        if losses[i] < best:
            kept.append(place)
            best = losses[i]
    return kept


@frontier.mistake("You returned the losses. Return which runs they are: their places in the input.")
def running_minimum(flops, losses):
    order = np.lexsort((losses, flops))
    return [float(loss) for loss in np.minimum.accumulate(losses[order])]


@frontier.mistake("The frontier is in the order of the input. Order it by rising compute.")
def in_input_order(flops, losses):
    return sorted(right_frontier(flops, losses))


frontier.slip(
    "dearest_first",
    "Your frontier begins with the dearest run. It goes by rising compute.",
    {
        "return kept": "return kept[::-1]",
    },
)
frontier.slip(
    "last_of_equal_runs",
    "Of two runs that are equal in both you kept the later. The first in the input stays.",
    {
        "np.lexsort((losses, flops))": "np.lexsort((-np.arange(len(flops)), losses, flops))",
    },
)
frontier.slip(
    "equal_runs_kept",
    "You kept both of two runs that are equal in compute and loss. The first of them stays.",
    {
        "    return kept": (
            "    return [i for k in kept for i in range(len(flops)) if "
            "(flops[i], losses[i]) == (flops[k], losses[k])]"
        ),
    },
)
frontier.slip(
    "equal_runs_dropped",
    "Two runs that are equal in both beat each other in your list, and both are gone. The "
    "first of them stays.",
    {
        "    return kept": (
            "    return [k for k in kept if np.sum((flops == flops[k]) & "
            "(losses == losses[k])) == 1]"
        ),
    },
)
frontier.slip(
    "worst_kept",
    "You kept runs that are worse than all cheaper ones. A run of the frontier has a "
    "*lower* loss than these.",
    {
        'float("inf")': '-float("inf")',
        "losses[i] < best": "losses[i] > best",
    },
)
frontier.slip(
    "fixed_start",
    "Your lowest loss so far begins with a number that losses may exceed. Begin with infinity.",
    {
        'float("inf")': "10.0",
    },
)
frontier.slip(
    "convex_hull",
    "You kept the corners of a convex curve. A run above the line between two others may "
    "still be beaten by none.",
    {
        "    return kept": (
            "    corners = []\n"
            "    for i in kept:\n"
            "        while len(corners) > 1 and (losses[corners[-1]] - "
            "losses[corners[-2]]) * (flops[i] - flops[corners[-2]]) >= "
            "(losses[i] - losses[corners[-2]]) * (flops[corners[-1]] - "
            "flops[corners[-2]]):\n"
            "            corners.pop()\n"
            "        corners.append(i)\n"
            "    return corners"
        ),
    },
)
frontier.slip(
    "best_of_each_compute",
    "You took the best run of each compute. Compare it with the cheaper ones as well.",
    {
        "    return kept": (
            "    best_of = {}\n"
            "    for i in np.lexsort((losses, flops)):\n"
            "        best_of.setdefault(flops[i], int(i))\n"
            "    return list(best_of.values())"
        ),
    },
)
frontier.slip(
    "best_never_lowered",
    "You compared each run with the first alone. What has to be beaten is the lowest loss so far.",
    {
        "            best = losses[i]": "            best = min(best, losses[kept[0]])",
    },
)
frontier.slip(
    "strictly_beaten_only",
    "A run is beaten by one with *at most* its compute and at most its loss; you asked for "
    "less of both.",
    {
        "    return kept": (
            "    return sorted((i for i in range(len(flops)) if not "
            "any((flops < flops[i]) & (losses < losses[i]))), key=lambda "
            "i: flops[i])"
        ),
    },
)
frontier.slip(
    "one_best_run",
    "You picked one best run. The frontier has one for each level of compute that nobody beats.",
    {
        "    return kept": (
            "    return [int(np.argmin(np.asarray(flops) * losses))] if len(flops) else []"
        ),
    },
)
frontier.slip(
    "fails_without_runs",
    "With no runs there is no first one to look at. Return an empty list then.",
    {
        "    kept, best = []": "    flops[0]\n    kept, best = []",
    },
)
frontier.hint(
    "Do the six runs of the page by hand, from the cheapest. What do you have to remember?"
)
frontier.hint("`np.lexsort((second, first))` sorts by its *last* key first.")
frontier.hint("Two runs cost the same. In which order must you meet them?", when="length")
