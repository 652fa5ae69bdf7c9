"""How `epoch_seconds` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

from .shared import SAME_MAX

epoch_seconds = Exercise("epoch_seconds", minutes=12, difficulty=2, returns=float)


def _durations(draw: Draw, n: int) -> tuple[list[int], list[int]]:
    return draw.integers(1, 9, n).tolist(), draw.integers(1, 9, n).tolist()


def _simulated(loading: list[int], computing: list[int], ahead: int) -> int:
    """The pipeline one tick after the other, for whole numbers of seconds."""
    started = taken = computed = ready = loading_left = computing_left = now = 0
    while computed < len(loading):
        if not computing_left and ready:
            ready, computing_left, taken = ready - 1, computing[taken], taken + 1
        waiting = started - taken
        free = waiting < ahead if ahead else started == computed
        if not loading_left and started < len(loading) and free:
            loading_left, started = loading[started], started + 1
        now += 1
        if loading_left:
            loading_left -= 1
            ready += not loading_left
        if computing_left:
            computing_left -= 1
            computed += not computing_left
    return now


@epoch_seconds.property("adds everything up without a worker (ahead = 0)", trials=4)
def _(answer, draw: Draw) -> None:
    loading, computing = _durations(draw, draw.size)
    total = sum(loading) + sum(computing)
    expect(answer(loading, computing, 0), "the seconds").close_to(total)


@epoch_seconds.property("overlaps loading and computing with one batch ahead", trials=5)
def _(answer, draw: Draw) -> None:
    loading, computing = _durations(draw, draw.size)
    right = _simulated(loading, computing, 1)
    expect(answer(loading, computing, 1), "the seconds").close_to(right)


@epoch_seconds.property("lets the worker run several batches ahead, and no further", trials=5)
def _(answer, draw: Draw) -> None:
    n = 3 + 2 * draw.size
    loading, computing = _durations(draw, n)
    computing[0] += 12  # long enough for the worker to fill its places
    loading[n // 2] += 12  # and for the places to be used up
    for ahead in (2, 3, n - 1):
        right = _simulated(loading, computing, ahead)
        expect(answer(loading, computing, ahead), f"the seconds, {ahead} ahead").close_to(right)


@epoch_seconds.property("takes more places than there are batches", trials=3)
def _(answer, draw: Draw) -> None:
    loading, computing = _durations(draw, draw.size)
    right = _simulated(loading, computing, draw.size + 3)
    expect(answer(loading, computing, draw.size + 3), "the seconds").close_to(right)


@epoch_seconds.property("is the first loading, the slower of the two, the last computing, for many "
                        "equal batches", trials=2)  # fmt: skip
def _(answer, draw: Draw) -> None:
    load, compute = draw.uniform(0.1, 0.9), draw.uniform(0.1, 0.9)
    found = answer([load] * 50, [compute] * 50, 4)
    expect(found, "the seconds of 50 batches").close_to(load + 49 * max(load, compute) + compute)


@epoch_seconds.right
def right_epoch(loading, computing, ahead):
    begins, loaded, done = [], 0.0, 0.0
    for i, (load, compute) in enumerate(zip(loading, computing, strict=True)):
        free = 0.0
        if ahead == 0:
            free = done
        elif i >= ahead:
            free = begins[i - ahead]
        loaded = max(loaded, free) + load
        begins.append(max(loaded, done))
        done = begins[i] + compute
    return done


epoch_seconds.slip(
    "zero_like_one",
    "You treat 0 batches ahead like 1. With 0 there is no worker: the loop itself loads, and "
    "nothing overlaps.",
    {"    begins, loaded": "    ahead = max(ahead, 1)\n    begins, loaded"},
)
epoch_seconds.slip(
    "endless_places",
    "Your worker runs ahead without end. It begins batch i only when batch i − ahead has "
    "been taken.",
    {"elif i >= ahead": "elif False"},
)
epoch_seconds.slip(
    "waits_until_computed",
    "Your worker waits until batch i − ahead has been computed. Its place is free earlier: when "
    "the batch is taken, which is when its computing *begins*.",
    {"free = begins[i - ahead]": "free = begins[i - ahead] + computing[i - ahead]"},
)
epoch_seconds.slip(
    "many_workers",
    "Your worker loads several batches at the same time. It is one worker: it loads one "
    "batch after another.",
    {"loaded = max(loaded, free) + load": "loaded = free + load"},
)
epoch_seconds.slip(
    "computing_overlaps",
    "The computing of one batch begins in your code before that of the batch before it has ended. "
    "It begins at the later of: the batch is loaded, the batch before it is computed.",
    {"max(loaded, done)": "loaded"},
)
epoch_seconds.slip(
    "loading_ignored",
    "The computing of a batch begins in your code before the batch is loaded. It begins at the "
    "later of: the batch is loaded, the batch before it is computed.",
    {"max(loaded, done)": "done"},
)
epoch_seconds.slip(
    "last_begin",
    "You return when the last batch is taken. Its computing has only begun then: return when it "
    "has ended.",
    {"return done": "return begins[-1]"},
)
epoch_seconds.slip(
    "last_loaded",
    "You return when the last batch is loaded. It has to be computed too.",
    {"return done": "return loaded"},
)
epoch_seconds.slip(
    "one_too_far",
    "Your worker is one batch further ahead than it may be: it begins batch i when batch "
    "i − ahead has been taken, not batch i − ahead − 1.",
    {"elif i >= ahead": "elif i > ahead", "begins[i - ahead]": "begins[i - ahead - 1]"},
)
epoch_seconds.slip(
    "always_one_ahead",
    "With several batches ahead you still let the worker be one ahead only: `ahead` is not used.",
    {"    begins, loaded": "    ahead = min(ahead, 1)\n    begins, loaded"},
)


@epoch_seconds.mistake(
    "You add loading and computing up whatever `ahead` is. With a worker they overlap."
)
def always_the_sum(loading, computing, ahead):
    return sum(loading) + sum(computing)


@epoch_seconds.mistake(
    "You took the larger of the two totals. The first batch has to be loaded before anything can "
    "be computed, and the last one computed when nothing is left to load."
)
def larger_total(loading, computing, ahead):
    if ahead == 0:
        return sum(loading) + sum(computing)
    return max(sum(loading), sum(computing))


@epoch_seconds.mistake(
    "You took the larger of the two for each batch by itself. What overlaps is the computing of "
    "one batch with the loading of the *next*, and the first loading overlaps with nothing."
)
def larger_of_each(loading, computing, ahead):
    if ahead == 0:
        return sum(loading) + sum(computing)
    return sum(map(max, loading, computing))


_SAME_LENGTH = "the two lists are as long as each other"


_LOOP = "`for i, (load, compute) in enumerate(zip(loading, computing{})):`"


for _mutant, _because in (
    (f"{_LOOP.format(', strict=True')} → {_LOOP.format('')}", _SAME_LENGTH),
    (f"{_LOOP.format(', strict=True')} → {_LOOP.format(', strict=False')}", _SAME_LENGTH),
    ("`if i >= ahead:` → `if i > ahead:`",
     "batch 0 begins when it is loaded, and by then the worker has gone on anyway"),
    ("`loaded = max(loaded, free) + load` → `loaded = max(free, loaded) + load`", SAME_MAX),
    ("`begins.append(max(loaded, computed))` → `begins.append(max(computed, loaded))`", SAME_MAX),
):  # fmt: skip
    epoch_seconds.equivalent(_mutant, because=_because)


epoch_seconds.hint("Go through the batches in order and keep three times for each: loaded, "
                   "begun, computed.")  # fmt: skip
epoch_seconds.hint("Computing of batch i begins at the later of: batch i loaded, batch i − 1 "
                   "computed.")  # fmt: skip
epoch_seconds.hint(
    "Loading of batch i begins at the later of: batch i − 1 loaded, batch i − ahead begun. "
    "For i < ahead there is no second condition."
)
epoch_seconds.hint("Follow three batches by hand, each line of time on paper.", when="value")
epoch_seconds.hint("For i < ahead there is no batch i − ahead.", when="error")
