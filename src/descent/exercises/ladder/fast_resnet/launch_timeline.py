"""How `launch_timeline` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import SAME_MAX

launch_timeline = Exercise("launch_timeline", minutes=15, difficulty=2)


def _steps(draw: Draw, steps: int, short: bool | None = None) -> list[list[float]]:
    """Steps of two to four kernels, a quarter to four times as long as a launch of 2."""
    low, high = {None: (0.5, 6.0), True: (0.2, 1.5), False: (3.0, 8.0)}[short]
    return [draw.uniform(low, high, draw.integers(2, 5)).tolist() for _ in range(steps)]


def _ends_of(launched: list[float], kernels: list[float], free: float) -> list[float]:
    """When each kernel ends: the longest of all chains that lead to it."""
    ends = []
    for k in range(len(kernels)):
        chains = [launched[j] + sum(kernels[j : k + 1]) for j in range(k + 1)]
        ends.append(max(*chains, free + sum(kernels[: k + 1])))
    return ends


def _planned(steps, launch, sync=False, graph=False) -> tuple[np.ndarray, np.ndarray]:
    """Launches and kernels as arrays of begin and end, step by step."""
    launches: list[tuple[float, float]] = []
    kernels: list[tuple[float, float]] = []
    now = free = 0.0
    for step in steps:
        number = 1 if graph else len(step)
        these = [(now + launch * k, now + launch * (k + 1)) for k in range(number)]
        now = these[-1][1]
        launched = [end for _, end in these] * (len(step) if graph else 1)
        ends = _ends_of(launched, step, free)
        kernels += [(end - seconds, end) for end, seconds in zip(ends, step, strict=True)]
        launches += these
        free = ends[-1]
        now = max(now, free) if sync else now
    return np.array(launches), np.array(kernels)


def _expect_timeline(answer, *arguments, **switches) -> None:
    launches, kernels = answer(*arguments, **switches)
    right = _planned(*arguments, **switches)
    expect(launches, "the launches").close_to(right[0], rtol=1e-6)
    expect(kernels, "the kernels").close_to(right[1], rtol=1e-6)


@launch_timeline.property("queues the kernels of one step", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_timeline(answer, _steps(draw, 1), 2.0)


@launch_timeline.property("goes on over several steps without waiting", trials=5)
def _(answer, draw: Draw) -> None:
    short = draw.choice([True, False, None])
    _expect_timeline(answer, _steps(draw, min(draw.size + 1, 6), short), 2.0)


@launch_timeline.property("waits at the end of each step with sync", trials=5)
def _(answer, draw: Draw) -> None:
    short = draw.choice([True, False])
    _expect_timeline(answer, _steps(draw, min(draw.size + 1, 6), short), 2.0, sync=True)


@launch_timeline.property("launches each step once with graph", trials=5)
def _(answer, draw: Draw) -> None:
    short = draw.choice([True, False])
    _expect_timeline(answer, _steps(draw, min(draw.size + 1, 6), short), 2.0, graph=True)


@launch_timeline.property("does both", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_timeline(
        answer, _steps(draw, 3, draw.choice([True, False])), 2.0, sync=True, graph=True
    )


@launch_timeline.property("returns lists of pairs, one for each launch and each kernel", trials=1)
def _(answer, draw: Draw) -> None:
    steps = [[1.0, 2.0], [3.0]]
    launches, kernels = answer(steps, 2.0)
    expect(len(launches), "how many launches there are").equals(3)
    expect(len(kernels), "how many kernels there are").equals(3)
    for found in (launches, kernels):
        pairs = isinstance(found, list) and all(isinstance(pair, tuple) for pair in found)
        expect(pairs, "a list of tuples").is_true("Return two lists of tuples (begin, end).")


def _timeline(steps, launch, sync=False, graph=False, **habits) -> tuple[list, list]:
    """The answer with one bad habit, named by keyword."""
    launches: list[tuple[float, float]] = []
    kernels: list[tuple[float, float]] = []
    now = free = 0.0
    sync = False if habits.get("no_sync") else sync or habits.get("always_sync", False)
    graph = False if habits.get("no_graph") else graph
    if graph and habits.get("one_launch"):
        steps = [sum(steps, [])]
    for step in steps:
        for place, seconds in enumerate(step):
            if place == 0 or not graph:
                launches.append((now, now + launch))
                now += launch
            ready = launches[-1][0] if habits.get("from_begin") else launches[-1][1]
            begin = ready if habits.get("no_queue") else max(ready, free)
            if habits.get("no_launch"):
                begin = free
            kernels.append((begin, begin + seconds))
            free = begin + seconds
            if habits.get("sync_each") and sync:
                now = max(now, free)
            if habits.get("blocks"):
                now = max(now, free)
        if sync:
            now = now + free if habits.get("adds") else max(now, free)
    if habits.get("durations"):
        pairs = (launches, kernels)
        return tuple([(b, e - b) for b, e in found] for found in pairs)  # type: ignore[return-value]
    return (kernels, launches) if habits.get("swapped") else (launches, kernels)


for _message, _name, _habits in (
    ("Your CPU waits for each kernel before it launches the next. A launch only puts the kernel "
     "into the queue: the CPU goes on at once.", "waits_for_each_kernel", {"blocks": True}),
    ("`sync` is not used. With it, the CPU launches nothing of the next step before the GPU has "
     "finished this one.", "sync_unused", {"no_sync": True}),
    ("You wait at the end of each step even without `sync`.", "always_in_sync",
     {"always_sync": True}),
    ("With `sync` you wait after each *launch*. The reading stands at the end of the step.",
     "sync_after_each_launch", {"sync_each": True}),
    ("Your kernels begin when their launch *begins*. A kernel is in the queue when its launch has "
     "ended.", "from_the_beginning_of_a_launch", {"from_begin": True}),
    ("Your kernels overlap each other. The queue has one kernel at work at a time: it begins when "
     "the one before it has ended.", "kernels_overlap", {"no_queue": True}),
    ("Your kernels do not wait for their launch: the GPU cannot begin what has not been launched.",
     "launches_ignored", {"no_launch": True}),
    ("`graph` is not used. With it, each step has one launch, and all its kernels follow from "
     "that.", "graph_unused", {"no_graph": True}),
    ("You launched everything once. A graph holds one step: it is launched once for each step.",
     "one_graph_for_all", {"one_launch": True}),
    ("Your pairs are (begin, duration). Return (begin, end).", "durations_for_ends",
     {"durations": True}),
    ("Launches first, then kernels.", "kernels_first", {"swapped": True}),
):  # fmt: skip

    def _bad_timeline(steps, launch, sync=False, graph=False, habits=_habits):
        return _timeline(steps, launch, sync, graph, **habits)

    _bad_timeline.__name__ = _name
    launch_timeline.mistake(_message)(_bad_timeline)


launch_timeline.equivalent("`begin = max(cpu, gpu)` → `begin = max(gpu, cpu)`", because=SAME_MAX)


launch_timeline.equivalent("`cpu = max(cpu, gpu)` → `cpu = max(gpu, cpu)`", because=SAME_MAX)


launch_timeline.hint("Keep two clocks: when the CPU is free, and when the GPU is free.")


launch_timeline.hint("A launch begins when the CPU is free. A kernel begins at the later of: its "
                     "launch ended, the GPU is free.")  # fmt: skip


launch_timeline.hint("With sync, after a step, the CPU's clock goes to the GPU's if that is later.")


launch_timeline.hint("With graph only the first kernel of a step has a launch; the others are "
                     "ready when that one is.")  # fmt: skip


launch_timeline.hint("Draw the first three kernels on paper.", when="value")


launch_timeline.hint("How many launches has a step with graph?", when="shape")
