"""How `launch_timeline` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import SAME_MAX

launch_timeline = Exercise(
    "launch_timeline",
    minutes=15,
    difficulty=2,
    returns=tuple[list[tuple[float, float]], list[tuple[float, float]]],
)


def _steps(draw: Draw, steps: int, short: bool | None = None) -> list[list[float]]:
    """Steps of one to four kernels, shorter or longer than a launch of about 2, or of both."""
    low, high = {None: (0.5, 6.0), True: (0.2, 1.5), False: (3.0, 8.0)}[short]
    return [draw.uniform(low, high, draw.integers(1, 5)).tolist() for _ in range(steps)]


def _launch(draw: Draw) -> float:
    return draw.choice([1.75, 2.0, 2.25])


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
    _expect_timeline(answer, _steps(draw, 1), _launch(draw))


@launch_timeline.property("goes on over several steps without waiting", trials=5)
def _(answer, draw: Draw) -> None:
    short = draw.choice([True, False, None])
    _expect_timeline(answer, _steps(draw, min(draw.size + 1, 6), short), _launch(draw))


@launch_timeline.property("waits at the end of each step with sync", trials=5)
def _(answer, draw: Draw) -> None:
    short = draw.choice([True, False])
    _expect_timeline(answer, _steps(draw, min(draw.size + 1, 6), short), _launch(draw), sync=True)


@launch_timeline.property("launches each step once with graph", trials=5)
def _(answer, draw: Draw) -> None:
    short = draw.choice([True, False])
    _expect_timeline(answer, _steps(draw, min(draw.size + 1, 6), short), _launch(draw), graph=True)


@launch_timeline.property("does both", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_timeline(
        answer, _steps(draw, 3, draw.choice([True, False])), _launch(draw), sync=True, graph=True
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


@launch_timeline.right
def right_timeline(steps, launch, sync=False, graph=False):
    launches, kernels = [], []
    cpu = gpu = 0.0
    for step in steps:
        for place, seconds in enumerate(step):
            if place == 0 or not graph:
                launches.append((cpu, cpu + launch))
                cpu += launch
            begin = max(cpu, gpu)
            gpu = begin + seconds
            kernels.append((begin, gpu))
        if sync:
            cpu = max(cpu, gpu)
    return launches, kernels


_AFTER, _ENDED = "kernels.append((begin, gpu))", "if sync:"


launch_timeline.slip(
    "waits_for_each_kernel",
    "Your CPU waits for each kernel before it launches the next. A launch only puts the kernel "
    "into the queue: the CPU goes on at once.",
    {_AFTER: f"{_AFTER}\n            cpu = max(cpu, gpu)"},
)
launch_timeline.slip(
    "sync_unused",
    "`sync` is not used. With it, the CPU launches nothing of the next step before the GPU has "
    "finished this one.",
    {_ENDED: "if False:"},
)
launch_timeline.slip(
    "no_sync_with_graph",
    "With `graph` your CPU does not wait at the end of a step, `sync` or not. The two are "
    "independent: with both, the one launch of the next step comes after the end of this one.",
    {_ENDED: "if sync and not graph:"},
)
launch_timeline.slip(
    "always_in_sync",
    "You wait at the end of each step even without `sync`.",
    {_ENDED: "if True:"},
)
launch_timeline.slip(
    "sync_backwards",
    "You wait at the end of each step where `sync` is not set, and do not where it is.",
    {_ENDED: "if not sync:"},
)
launch_timeline.slip(
    "sync_after_each_launch",
    "With `sync` you wait after each *launch*. The reading stands at the end of the step.",
    {_AFTER: f"{_AFTER}\n            cpu = max(cpu, gpu) if sync else cpu"},
)
launch_timeline.slip(
    "clocks_begin_again",
    "Your clocks begin again at 0 with each step. They run on over all steps.",
    {"    cpu = gpu = 0.0\n": "", "    for step in steps:": "    for step in steps:\n"
     "        cpu = gpu = 0.0"},
)  # fmt: skip
launch_timeline.slip(
    "gpu_begins_again",
    "Your GPU is free again at 0 with each step, so that kernels of two steps overlap. The queue "
    "goes on: a step's first kernel waits for the last one of the step before.",
    {"    for step in steps:": "    for step in steps:\n        gpu = 0.0"},
)
launch_timeline.slip(
    "from_the_beginning_of_a_launch",
    "Your kernels begin when their launch *begins*. A kernel is in the queue when its launch has "
    "ended.",
    {"max(cpu, gpu)\n            gpu": "max(launches[-1][0], gpu)\n            gpu"},
)
launch_timeline.slip(
    "kernels_overlap",
    "Your kernels overlap each other. The queue has one kernel at work at a time: it begins when "
    "the one before it has ended.",
    {"max(cpu, gpu)\n            gpu": "cpu\n            gpu"},
)
launch_timeline.slip(
    "kernels_overlap_without_graph",
    "A kernel begins in your code when it is launched, even if the one before it is at work still. "
    "It begins at the later of: its launch has ended, the kernel before it has ended.",
    {
        "begin = max(cpu, gpu)": "begin = cpu if place == 0 or not graph else end",
        "gpu = begin + seconds": "end = begin + seconds\n            gpu = max(gpu, end)",
        "(begin, gpu)": "(begin, end)",
    },
)
launch_timeline.slip(
    "launches_ignored",
    "Your kernels do not wait for their launch: the GPU cannot begin what has not been launched.",
    {"max(cpu, gpu)\n            gpu": "gpu\n            gpu"},
)
launch_timeline.slip(
    "graph_unused",
    "`graph` is not used. With it, each step has one launch, and all its kernels follow from that.",
    {"if place == 0 or not graph": "if True"},
)
launch_timeline.slip(
    "always_a_graph",
    "You launch once a step even without `graph`. There each kernel has its own launch.",
    {"if place == 0 or not graph": "if place == 0"},
)
launch_timeline.slip(
    "one_graph_for_all",
    "You launched everything once. A graph holds one step: it is launched once for each step.",
    {"place == 0 or not graph": "not launches or not graph"},
)
launch_timeline.slip(
    "durations_for_ends",
    "Your pairs are (begin, duration). Return (begin, end).",
    {"(cpu, cpu + launch)": "(cpu, launch)", "(begin, gpu)": "(begin, seconds)"},
)
launch_timeline.slip(
    "kernels_first",
    "Launches first, then kernels.",
    {"return launches, kernels": "return kernels, launches"},
)


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
