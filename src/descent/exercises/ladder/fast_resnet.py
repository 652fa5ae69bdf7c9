"""What ladder/14_fast_resnet is judged by.

The oracles are simulations that go tick by tick, torch's own counters, conversions and meta
device, exact fractions, and loops over single numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

# ------------------------------------------------------------------------ after_speedup

after_speedup = Exercise("after_speedup", minutes=5, difficulty=1)

PARTS = ("loading", "augmenting", "network", "optimiser", "reporting", "waiting")


def _profile(draw: Draw, parts: int) -> dict[str, float]:
    return {name: draw.uniform(0.5, 9.0) for name in PARTS[:parts]}


def _overall(seconds: dict[str, float], factors: dict[str, float]) -> float:
    """Amdahl's law by shares."""
    total = sum(seconds.values())
    return 1 / sum(part / total / factors.get(name, 1.0) for name, part in seconds.items())


@after_speedup.property("is the old total over the new", trials=5)
def _(answer, draw: Draw) -> None:
    seconds = _profile(draw, min(draw.size + 1, 6))
    factors = {name: draw.uniform(1.5, 8.0) for name in seconds}
    expect(answer(seconds, factors), "the speed-up").close_to(_overall(seconds, factors))


@after_speedup.property("leaves the parts alone that no factor names", trials=4)
def _(answer, draw: Draw) -> None:
    seconds = _profile(draw, 4)
    factors = {draw.choice(PARTS[:4]): draw.uniform(1.5, 8.0)}
    expect(answer(seconds, factors), "the speed-up").close_to(_overall(seconds, factors))
    expect(answer(seconds, {}), "the speed-up where nothing changes").close_to(1.0)


@after_speedup.property("takes a factor of infinity, and one below 1", trials=3)
def _(answer, draw: Draw) -> None:
    seconds = _profile(draw, 3)
    gone = {"loading": math.inf}
    expect(answer(seconds, gone), "with no loading left").close_to(_overall(seconds, gone))
    slower = {"network": 0.5, "loading": 2.0}
    expect(answer(seconds, slower), "with a slower network").close_to(_overall(seconds, slower))


@after_speedup.property("leaves its inputs alone", trials=1)
def _(answer, draw: Draw) -> None:
    seconds, factors = _profile(draw, 3), {"network": 4.0, "loading": 2.0}
    kept = dict(seconds), dict(factors)
    answer.answer(seconds, factors)  # not watched: what is watched is handed a copy
    for name, now, before in zip(("seconds", "factors"), (seconds, factors), kept, strict=True):
        expect(now == before, f"whether `{name}` is as it was").is_true(
            f"Your code changed `{name}` in place: whoever calls it goes on with other numbers."
        )


@after_speedup.mistake(
    "You averaged the factors, each with its share of the time. Factors do not add: seconds do. "
    "Divide each part's seconds by its factor, and compare the totals."
)
def weighted_average(seconds, factors):
    total = sum(seconds.values())
    return sum(part * factors.get(name, 1.0) for name, part in seconds.items()) / total


@after_speedup.mistake(
    "You took the plain average of the factors. A part that takes little time matters little."
)
def plain_average(seconds, factors):
    return sum(factors.get(name, 1.0) for name in seconds) / len(seconds)


@after_speedup.mistake("You multiplied the factors. That would need each of them to hold of "
                       "the whole time.")  # fmt: skip
def product_of_factors(seconds, factors):
    return math.prod(factors.values())


@after_speedup.mistake(
    "Your ratio is upside down: a speed-up is the time before over the time after."
)
def upside_down(seconds, factors):
    return 1 / _overall(seconds, factors)


@after_speedup.mistake("You returned the seconds that are left. Return how many times faster "
                       "the whole is: before over after.")  # fmt: skip
def seconds_left(seconds, factors):
    return sum(part / factors.get(name, 1.0) for name, part in seconds.items())


@after_speedup.mistake(
    "Parts without a factor are missing from your new total. They take as long as before."
)
def others_left_out(seconds, factors):
    after = sum(part / factors[name] for name, part in seconds.items() if name in factors)
    return sum(seconds.values()) / after if after else 1.0


@after_speedup.mistake("Parts that no factor names still take their time.")
def others_dropped(seconds, factors):
    return sum(seconds.values()) / sum(seconds[name] / f for name, f in factors.items())


@after_speedup.mistake(
    "You changed `seconds` itself. The next call then starts from the faster parts: make new "
    "numbers instead."
)
def changes_seconds(seconds, factors):
    before = sum(seconds.values())
    for name, factor in factors.items():
        seconds[name] = seconds[name] / factor
    return before / sum(seconds.values())


@after_speedup.mistake(
    "You looked at the sped-up parts alone, before and after. The whole includes the parts "
    "that did not change."
)
def sped_up_parts_alone(seconds, factors):
    before = sum(part for name, part in seconds.items() if name in factors)
    after = sum(part / factors[name] for name, part in seconds.items() if name in factors)
    return before / after if after else 1.0


after_speedup.hint("Two totals: the seconds before, and the seconds after. Then one division.")
after_speedup.hint("A part that is 4 times faster takes a quarter of its seconds.")
after_speedup.hint("`factors.get(name, 1.0)` is 1 where nothing is named.", when="error")
after_speedup.hint("Do you divide seconds, or average factors?", when="value")
after_speedup.hint("Which total is on top?", when="factor")

# ------------------------------------------------------------------------ epoch_seconds

epoch_seconds = Exercise("epoch_seconds", minutes=12, difficulty=2)


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


def _pipeline(loading, computing, ahead, **habits) -> float:
    """The answer with one bad habit, named by keyword."""
    begins: list[float] = []
    ends: list[float] = []
    loaded = 0.0
    for place, (load, compute) in enumerate(zip(loading, computing, strict=True)):
        done = ends[-1] if ends else 0.0
        free = 0.0
        if ahead == 0:
            free = done
        elif place >= ahead and not habits.get("endless"):
            free = ends[place - ahead] if habits.get("until_computed") else begins[place - ahead]
        loaded = max(loaded, free) + load
        if habits.get("many_workers"):
            loaded = free + load
        begins.append(max(loaded, done))
        ends.append(begins[-1] + compute)
    return ends[-1]


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
    for ahead in (2, 3):
        right = _simulated(loading, computing, ahead)
        expect(answer(loading, computing, ahead), f"the seconds, {ahead} ahead").close_to(right)


@epoch_seconds.property("is close to the slower of the two for many equal batches", trials=2)
def _(answer, draw: Draw) -> None:
    load, compute = draw.uniform(0.1, 0.9), draw.uniform(0.1, 0.9)
    found = answer([load] * 50, [compute] * 50, 4)
    expect(found, "the seconds of 50 batches").close_to(load + 49 * max(load, compute) + compute)


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


@epoch_seconds.mistake(
    "Your worker runs ahead without end. It begins batch i only when batch i − ahead has "
    "been taken."
)
def endless_places(loading, computing, ahead):
    return _pipeline(loading, computing, ahead, endless=True)


@epoch_seconds.mistake(
    "Your worker waits until batch i − ahead has been computed. Its place is free earlier: when "
    "the batch is taken, which is when its computing *begins*."
)
def waits_until_computed(loading, computing, ahead):
    return _pipeline(loading, computing, ahead, until_computed=True)


@epoch_seconds.mistake(
    "Your worker loads several batches at the same time. It is one worker: it loads one "
    "batch after another."
)
def many_workers(loading, computing, ahead):
    return _pipeline(loading, computing, ahead, many_workers=True)


@epoch_seconds.mistake(
    "You treat 0 batches ahead like 1. With 0 there is no worker: the loop itself loads, and "
    "nothing overlaps."
)
def zero_like_one(loading, computing, ahead):
    return _pipeline(loading, computing, max(ahead, 1))


@epoch_seconds.mistake(
    "Your worker is one batch further ahead than it may be: it begins batch i when batch "
    "i − ahead has been taken, not batch i − ahead − 1."
)
def one_too_far(loading, computing, ahead):
    return _pipeline(loading, computing, ahead + 1 if ahead else 0)


@epoch_seconds.mistake(
    "With several batches ahead you still let the worker be one ahead only: `ahead` is not used."
)
def always_one_ahead(loading, computing, ahead):
    return _pipeline(loading, computing, min(ahead, 1))


_SAME_MAX = "the larger of two numbers does not depend on their order"
_SAME_LENGTH = "the two lists are as long as each other"
_LOOP = "`for i, (load, compute) in enumerate(zip(loading, computing{})):`"
for _mutant, _because in (
    (f"{_LOOP.format(', strict=True')} → {_LOOP.format('')}", _SAME_LENGTH),
    (f"{_LOOP.format(', strict=True')} → {_LOOP.format(', strict=False')}", _SAME_LENGTH),
    ("`if i >= ahead:` → `if i > ahead:`",
     "batch 0 begins when it is loaded, and by then the worker has gone on anyway"),
    ("`loaded = max(loaded, free) + load` → `loaded = max(free, loaded) + load`", _SAME_MAX),
    ("`begins.append(max(loaded, computed))` → `begins.append(max(computed, loaded))`", _SAME_MAX),
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

# --------------------------------------------------------------------------------- shift

shift = Exercise("shift", minutes=15, difficulty=2)


class _Counting(TorchDispatchMode):
    """Counts the operations that torch carries out."""

    def __init__(self) -> None:
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        return function(*args, **(kwargs or {}))


class _Places(TorchFunctionMode):
    """Counts tensors that were made without naming a device, and what left the device.

    `unnamed` are index and random tensors, `filled` others, which may still be moved.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unnamed = self.filled = self.arrays = self.reads = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.arange, torch.randperm, torch.randint):
            self.unnamed += kwargs.get("device") is None
        if function in (torch.zeros, torch.ones, torch.empty, torch.full, torch.linspace):
            self.filled += kwargs.get("device") is None
        name = getattr(function, "__name__", "")
        self.arrays += name in ("numpy", "__array__")
        self.reads += name in ("item", "tolist", "__int__", "__float__", "__bool__", "__index__")
        return function(*args, **kwargs)


def _pictures(draw: Draw, n: int, channels: int, height: int, width: int) -> Tensor:
    """Bytes without a 0, so that a pixel that came from outside is seen."""
    return torch.tensor(draw.integers(1, 256, n, channels, height, width), dtype=torch.uint8)


def _shifted(images: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """One pixel after the other."""
    result = np.zeros_like(images)
    n, _, height, width = images.shape
    for i, y, x in itertools.product(range(n), range(height), range(width)):
        row, column = y - offsets[i, 0], x - offsets[i, 1]
        if 0 <= row < height and 0 <= column < width:
            result[i, :, y, x] = images[i, :, row, column]
    return result


@shift.property("moves each picture by its own offset, and fills with 0", trials=5)
def _(answer, draw: Draw) -> None:
    images = _pictures(draw, draw.size, 1, 4, 4)
    offsets = draw.integers(-2, 3, draw.size, 2)
    right = _shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right)


@shift.property("moves by (down, right), and each channel alike", trials=3)
def _(answer, draw: Draw) -> None:
    images, offsets = _pictures(draw, 3, 2, 3, 5), draw.integers(-2, 3, 3, 2)
    offsets[0] = (1, -2)
    right = _shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right)


@shift.property("leaves nothing of a picture that is moved out altogether", trials=1)
def _(answer, draw: Draw) -> None:
    images = _pictures(draw, 4, 1, 3, 3)
    offsets = np.array([[3, 0], [0, -3], [-5, 1], [0, 0]])
    right = _shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right)


@shift.property("keeps the dtype", trials=1)
def _(answer, draw: Draw) -> None:
    images, offsets = _pictures(draw, 2, 1, 3, 3), torch.tensor([[1, 0], [0, -1]])
    for dtype in (torch.uint8, torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        expect(answer(images.to(dtype), offsets), f"pictures of {name}").has_dtype(name)


@shift.property("moves fractions as they are", trials=1)
def _(answer, draw: Draw) -> None:
    images = _pictures(draw, 3, 1, 3, 4).float() / 255
    offsets = draw.integers(-1, 2, 3, 2)
    right = _shifted(images.numpy(), offsets)
    expect(answer(images, torch.tensor(offsets)), "the pictures").close_to(right, rtol=1e-6)


@shift.property("has no loop over the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    counts = []
    for n in (3, 40):
        images, offsets = _pictures(draw, n, 1, 4, 4), torch.tensor(draw.integers(-1, 2, n, 2))
        with _Counting() as counting:
            answer(images, offsets)
        counts.append(counting.operations)
    grows = "It takes more operations for 40 pictures than for 3: there is a loop over them."
    expect(counts[1] <= counts[0], "as many operations for 40 pictures as for 3").is_true(grows)


@shift.property("stays on the device of the pictures, and never reads a number", trials=1)
def _(answer, draw: Draw) -> None:
    # A meta tensor has a shape and no numbers: whatever has to look at one fails on it.
    images = torch.empty(3, 1, 4, 5, device="meta")
    offsets = torch.zeros(3, 2, dtype=torch.int64, device="meta")
    places = _Places()
    try:
        with places:
            found = answer.answer(images, offsets)  # not watched: meta tensors cannot be compared
    except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
        if type(error) is NotImplementedError and not str(error):
            raise  # an unwritten stub
        found = None
    there = isinstance(found, Tensor) and found.device.type == "meta"
    expect(places.arrays == 0, "whether it stays with tensors").is_true(
        "It goes through numpy. On a GPU the pictures would travel to the CPU and back."
    )
    expect(places.reads == 0, "whether no number is read").is_true(
        "A number of a tensor is read in Python (`.item()`, `.tolist()`, `int(…)`, an `if` on a "
        "tensor): on a GPU the CPU then waits."
    )
    made_here = places.unnamed > 0 or (not there and places.filled > 0)
    expect(not made_here, "whether all tensors are made on the device").is_true(
        "A tensor is made without `device=images.device`, such as by `torch.arange`: on a GPU it "
        "would lie elsewhere."
    )
    words = (
        "On a device whose numbers nobody may read, it did not get through: something is read "
        "(a mask as an index) or brought to another device (`.cpu()`, `.to(…)`)."
    )
    expect(there, "whether it stays on the device").is_true(words)


def _moved(images: Tensor, offsets: Tensor, **habits) -> Tensor:
    """The answer with one bad habit, named by keyword."""
    n, channels, height, width = images.shape
    device = None if habits.get("at_home") else images.device
    sign = -1 if habits.get("backwards") else 1
    down, right = (offsets.flip(1) if habits.get("turned") else offsets).unbind(1)
    if habits.get("one_for_all"):
        down, right = down[:1].expand(n), right[:1].expand(n)
    if habits.get("half"):
        right = torch.zeros_like(right)
    rows = torch.arange(height, device=device) - sign * down[:, None]
    columns = torch.arange(width, device=device) - sign * right[:, None]
    inside = ((rows >= 0) & (rows < height))[:, None, :, None]
    inside = inside & ((columns >= 0) & (columns < width))[:, None, None, :]
    if habits.get("wraps"):
        rows, columns = rows % height, columns % width
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    pictures = torch.arange(n, device=device)[:, None, None, None]
    planes = torch.arange(channels, device=device)[:, None, None]
    found = images[pictures, planes, rows[:, None, :, None], columns[:, None, None, :]]
    if habits.get("wraps") or habits.get("smears"):
        return found
    return found * inside


@shift.mistake(
    "What leaves the picture at one side comes in at the other (as with `torch.roll`). Uncovered "
    "pixels are 0."
)
def wraps_around(images, offsets):
    return _moved(images, offsets, wraps=True)


@shift.mistake("You fill with the pixels of the edge. Uncovered pixels are 0.")
def smears_the_edge(images, offsets):
    return _moved(images, offsets, smears=True)


@shift.mistake(
    "Your pictures move the other way. Down by 1 means that row y of the result is row y − 1 of "
    "the picture."
)
def the_other_way(images, offsets):
    return _moved(images, offsets, backwards=True)


@shift.mistake("Down and right have changed places: column 0 of `offsets` is down, column 1 right.")
def down_for_right(images, offsets):
    return _moved(images, offsets, turned=True)


@shift.mistake("All pictures move by the first offset. Each has its own row of `offsets`.")
def one_offset_for_all(images, offsets):
    return _moved(images, offsets, one_for_all=True)


@shift.mistake("You move down and up only. Column 1 of `offsets` says how far to the right.")
def down_alone(images, offsets):
    return _moved(images, offsets, half=True)


@shift.mistake("Your result is always float32. Keep the dtype of the pictures.")
def always_float(images, offsets):
    return _moved(images, offsets).float()


@shift.mistake(
    "You go from picture to picture in Python and read its offset as a number. On a GPU each of "
    "these readings waits for the device. Compute the rows and columns of all pictures at once "
    "and index with them."
)
def loops_and_reads(images, offsets):
    result = torch.zeros_like(images)
    height, width = images.shape[2:]
    for i, (down, right) in enumerate(offsets.tolist()):
        to_rows = slice(max(down, 0), max(height + min(down, 0), 0))
        to_columns = slice(max(right, 0), max(width + min(right, 0), 0))
        from_rows = slice(max(-down, 0), max(height - max(down, 0), 0))
        from_columns = slice(max(-right, 0), max(width - max(right, 0), 0))
        if abs(down) < height and abs(right) < width:
            result[i, :, to_rows, to_columns] = images[i, :, from_rows, from_columns]
    return result


@shift.mistake(
    "You go from picture to picture in Python: the operations grow with the batch, and each of "
    "them is a launch. Compute the rows and columns of all pictures at once and index with them."
)
def loops_without_reading(images, offsets):
    return torch.cat([_moved(images[i : i + 1], offsets[i : i + 1]) for i in range(len(images))])


@shift.mistake(
    "You go through numpy. On a GPU the pictures would travel to the CPU and back at every step: "
    "stay with tensors, on the device of the pictures."
)
def through_numpy(images, offsets):
    moved = _moved(torch.from_numpy(images.float().numpy()), torch.from_numpy(offsets.numpy()))
    return moved.to(images.dtype)


@shift.mistake("A tensor that you make lacks `device=images.device`.")
def made_at_home(images, offsets):
    return _moved(images, offsets, at_home=True)


@shift.mistake("You read a number of `offsets` in Python; the CPU then waits.")
def reads_offsets(images, offsets):
    return _moved(images, torch.tensor(offsets.tolist(), device=images.device))


_GATHER = (
    "`found = images[torch.arange(n, device=device)[:, None, None, None], torch.arange(channels, "
    "device=device)[:, None, None], rows.clamp({}, height - 1)[:, None, :, None], "
    "columns.clamp({}, width - 1)[:, None, None, :]]`"
)
for _first, _second in ((-1, 0), (0, -1)):
    shift.equivalent(
        f"{_GATHER.format(0, 0)} → {_GATHER.format(_first, _second)}",
        because="an index of -1 is allowed too, and what it fetches is set to 0 in any case",
    )

shift.hint("Pixel (y, x) of the result comes from (y − down, x − right). Compute these indices "
           "for all pictures: rows of shape (n, h), columns of shape (n, w).")  # fmt: skip
shift.hint(
    "`images[i, c, rows, columns]` with four index tensors whose shapes broadcast to "
    "(n, c, h, w): (n, 1, 1, 1), (c, 1, 1), (n, 1, h, 1) and (n, 1, 1, w)."
)
shift.hint("Indices outside: `clamp` them so that the gather is allowed, and multiply what was "
           "outside by 0.")  # fmt: skip
shift.hint("`torch.arange(h, device=images.device)`: made where the pictures are.",
           when="stays on the device of the pictures, and never reads a number")  # fmt: skip
shift.hint("A bool mask times bytes stays bytes; times a float mask it does not.", when="dtype")
shift.hint("An offset may be larger than the picture: clamp the index.", when="error")
shift.hint("Write the four index shapes beside each other, aligned at the right.", when="shape")

# ------------------------------------------------------------------------------- strides

strides = Exercise("strides", minutes=8, difficulty=1)


def _walked(shape: tuple[int, ...], channels_last: bool) -> tuple[int, ...]:
    """Number the elements in the order of memory, and look at the distance to each neighbour."""
    n, c, h, w = shape
    if channels_last:
        places = np.arange(n * c * h * w).reshape(n, h, w, c).transpose(0, 3, 1, 2)
    else:
        places = np.arange(n * c * h * w).reshape(n, c, h, w)
    steps = []
    for axis in range(4):
        step = [0, 0, 0, 0]
        step[axis] = 1
        steps.append(int(places[tuple(step)] - places[0, 0, 0, 0]))
    return tuple(steps)


def _shape(draw: Draw) -> tuple[int, int, int, int]:
    return tuple(draw.integers(2, 7, 4).tolist())


@strides.property("is how far apart neighbours lie, channel after channel", trials=5)
def _(answer, draw: Draw) -> None:
    shape = _shape(draw)
    expect(answer(shape), "the strides").close_to(_walked(shape, False))


@strides.property("is how far apart neighbours lie with the channels last", trials=5)
def _(answer, draw: Draw) -> None:
    shape = _shape(draw)
    expect(answer(shape, channels_last=True), "the strides").close_to(_walked(shape, True))


@strides.property("is what torch has", trials=2)
def _(answer, draw: Draw) -> None:
    shape = _shape(draw)
    x = torch.empty(shape, device="meta")
    last = x.to(memory_format=torch.channels_last)
    expect(answer(shape, False), "the strides").close_to(x.stride())
    expect(answer(shape, True), "the strides, channels last").close_to(last.stride())


@strides.property("keeps to the formula where an axis has size 1, and returns a tuple", trials=2)
def _(answer, draw: Draw) -> None:
    c, h, w = draw.integers(2, 7, 3).tolist()
    first, last = answer((1, c, h, w), False), answer((1, c, h, w), True)
    expect(first, "the strides").close_to((c * h * w, h * w, w, 1))
    expect(last, "the strides, channels last").close_to((c * h * w, 1, w * c, c))
    expect(isinstance(first, tuple) and isinstance(last, tuple), "tuples").is_true(
        "Return a tuple of four whole numbers."
    )


@strides.mistake("You ignore `channels_last`.")
def never_last(shape, channels_last=False):
    return _walked(shape, False)


@strides.mistake("Your strides are those of the channels-last layout whatever is asked for.")
def always_last(shape, channels_last=False):
    return _walked(shape, True)


@strides.mistake(
    "With channels last you listed the strides in the order of memory, n, h, w, c. The axes keep "
    "their names and places, n, c, h, w; only the memory is ordered otherwise."
)
def order_of_memory(shape, channels_last=False):
    n, c, h, w = shape
    return (h * w * c, w * c, c, 1) if channels_last else _walked(shape, False)


@strides.mistake("You counted bytes. A stride counts elements.")
def in_bytes(shape, channels_last=False):
    return tuple(4 * step for step in _walked(shape, channels_last))


@strides.mistake(
    "Your last axis has the largest stride. Without channels last the *last* axis is the one whose "
    "neighbours are adjacent: stride 1 belongs to w."
)
def first_axis_adjacent(shape, channels_last=False):
    n, c, h, w = shape
    return _walked(shape, True) if channels_last else (1, n, n * c, n * c * h)


@strides.mistake(
    "With channels last, height and width have changed places: within a picture the memory goes "
    "row by row, so one step down is a whole row, w · c."
)
def columns_first(shape, channels_last=False):
    n, c, h, w = shape
    return (h * w * c, 1, c, h * c) if channels_last else _walked(shape, False)


@strides.mistake("You returned the sizes of the axes, not the distances between neighbours.")
def sizes_of_axes(shape, channels_last=False):
    n, c, h, w = shape
    return (n, h, w, c) if channels_last else tuple(shape)


strides.hint("Write the elements of a tensor of shape (1, 2, 2, 2) in a row, in the order of "
             "memory, and count how far apart neighbours are.")  # fmt: skip
strides.hint("The innermost axis has stride 1; each axis further out steps over everything "
             "inside it.")  # fmt: skip
strides.hint("Channels last, from the inside: c, then w, then h, then n.")
strides.hint("The result is always in the order n, c, h, w.", when="value")

# ----------------------------------------------------------------------------- conv_cost

conv_cost = Exercise("conv_cost", minutes=12, difficulty=2)


def _convolution(draw: Draw, n: int) -> tuple[int, ...]:
    """Batch, channels in and out, side, kernel."""
    return n, *draw.integers(2, 6, 2).tolist(), draw.integers(7, 13), draw.choice([1, 3, 5])


def _counted(numbers: Any, stride: int, padding: int, dtype: Any) -> tuple[int, int]:
    """FLOPs by torch's counter, and the bytes of the three tensors."""
    batch, c, o, side, kernel = numbers
    x = torch.empty(batch, c, side, side, device="meta", dtype=dtype)
    weight = torch.empty(o, c, kernel, kernel, device="meta", dtype=dtype)
    with FlopCounterMode(display=False) as counter:
        y = F.conv2d(x, weight, None, stride, padding)
    return counter.get_total_flops(), x.nbytes + weight.nbytes + y.nbytes


def _expect_cost(answer, numbers: Any, stride: int, padding: int, dtype) -> None:
    flops, moved = answer(*numbers, stride, padding, dtype.itemsize)
    right_flops, right_bytes = _counted(numbers, stride, padding, dtype)
    expect(flops, "the FLOPs").close_to(right_flops, rtol=1e-9)
    expect(moved, "the bytes").close_to(right_bytes, rtol=1e-9)


@conv_cost.property("counts FLOPs and bytes", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, draw.size), 1, 0, torch.float32)


@conv_cost.property("counts with stride and padding", trials=5)
def _(answer, draw: Draw) -> None:
    numbers = _convolution(draw, 2)
    _expect_cost(answer, numbers, draw.choice([2, 3]), draw.integers(1, 3), torch.float32)


@conv_cost.property("counts two bytes an element for bfloat16", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_cost(answer, _convolution(draw, 3), 2, 1, torch.bfloat16)


@conv_cost.property("counts a linear layer as a 1 × 1 kernel on one pixel", trials=3)
def _(answer, draw: Draw) -> None:
    n, i, o = draw.integers(2, 30, 3).tolist()
    flops, moved = answer(n, i, o, 1, 1)
    expect(flops, "the FLOPs").close_to(2 * n * i * o, rtol=1e-9)
    expect(moved, "the bytes").close_to(4 * (n * i + i * o + n * o), rtol=1e-9)


def _cost(batch, c, o, side, kernel, stride=1, padding=0, size=4, **habits) -> tuple[Any, Any]:
    """The answer with one bad habit, named by keyword."""
    padding = 0 if habits.get("unpadded") else padding
    out = (side + 2 * padding - kernel) // stride + 1
    if habits.get("up"):
        out = -(-(side + 2 * padding - kernel) // stride) + 1
    if habits.get("one_less"):
        out -= 1
    places = side**2 if habits.get("input_places") else out**2
    flops = 2 * batch * o * places * c * kernel**2
    if habits.get("depthwise"):
        flops //= c
    if habits.get("row"):
        flops //= kernel
    if habits.get("multiplications"):
        flops //= 2
    if habits.get("one_picture"):
        flops //= batch
    size = 4 if habits.get("always_four") else size
    size = 1 if habits.get("elements") else size
    read, kernels, written = batch * c * side**2, o * c * kernel**2, batch * o * out**2
    if habits.get("padded_read"):
        read = batch * c * (side + 2 * padding) ** 2
    kernels *= batch if habits.get("kernels_each") else 1
    if habits.get("no_writing"):
        written = 0
    if habits.get("no_kernels"):
        kernels = 0
    moved = size * (read + kernels + written)
    return (moved, flops) if habits.get("swapped") else (flops, moved)


for _message, _name, _habits in (
    ("You counted a multiplication and its addition as one. They are two FLOPs.",
     "multiplications_alone", {"multiplications": True}),
    ("You counted one output for each *input* pixel. Stride and kernel make the output smaller: "
     "side' = ⌊(side + 2 · padding − kernel) / stride⌋ + 1.",
     "input_pixels", {"input_places": True}),
    ("Your output has one row and one column too few: + 1 after the division.",
     "one_row_too_few", {"one_less": True}),
    ("You rounded the output's side up. A window that would hang over the edge is left out: "
     "round down.", "rounded_up", {"up": True}),
    ("`padding` is missing in the side of the output.", "without_padding", {"unpadded": True}),
    ("Your FLOPs lack the input channels: each output number sums over all of them.",
     "without_input_channels", {"depthwise": True}),
    ("Your kernels have one axis. A kernel has kernel × kernel places.",
     "one_axis_of_kernel", {"row": True}),
    ("Your FLOPs are those of one picture.", "flops_of_one_picture", {"one_picture": True}),
    ("You counted elements. Multiply by `size`, the bytes of one.",
     "elements_for_bytes", {"elements": True}),
    ("You took 4 bytes an element whatever `size` says.", "always_four_bytes",
     {"always_four": True}),
    ("You read the kernels anew for each picture. The whole batch shares them, and they are read "
     "once.", "kernels_for_each_picture", {"kernels_each": True}),
    ("The output is missing from your bytes: it is written.", "output_not_written",
     {"no_writing": True}),
    ("The kernels are missing from your bytes: they are read.", "kernels_not_read",
     {"no_kernels": True}),
    ("You read the padding. It is 0 and lies in no memory: the bytes read are those of the "
     "pictures.", "padding_is_read", {"padded_read": True}),
    ("FLOPs first, then bytes.", "bytes_first", {"swapped": True}),
):  # fmt: skip

    def _bad_cost(batch, in_channels, out_channels, side, kernel, stride=1, padding=0, size=4,
                  habits=_habits):  # fmt: skip
        return _cost(batch, in_channels, out_channels, side, kernel, stride, padding, size,
                     **habits)  # fmt: skip

    _bad_cost.__name__ = _name
    conv_cost.mistake(_message)(_bad_cost)

conv_cost.hint("The side of the output first. Everything else is a product.")
conv_cost.hint("How many output numbers are there, and how many multiplications makes each?")
conv_cost.hint("Three tensors move: pictures in, kernels in, pictures out.")
conv_cost.hint("⌊…⌋ is `//`.", when="type")
conv_cost.hint("Work the example of the page through your code.", when="value")
conv_cost.hint("Is there a 2 too many or too few? A channel count? A kernel side?", when="factor")

# ---------------------------------------------------------------------------- attainable

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

# ------------------------------------------------------------------------- smallest_batch

smallest_batch = Exercise("smallest_batch", minutes=12, difficulty=2)


def _reaches(n: int, inputs: int, outputs: int, ridge: Fraction, size: int) -> bool:
    flops = 2 * n * inputs * outputs
    moved = size * (n * inputs + inputs * outputs + n * outputs)
    return Fraction(flops, moved) >= ridge


def _searched(inputs: int, outputs: int, ridge: Fraction, size: int) -> int | None:
    """One batch size after the other; beyond the limit of the intensity there is none."""
    if Fraction(2 * inputs * outputs, size * (inputs + outputs)) <= ridge:
        return None
    return next(n for n in itertools.count(1) if _reaches(n, inputs, outputs, ridge, size))


def _layer(draw: Draw, part: float) -> tuple[int, int, int, int, int]:
    """Inputs, outputs, peak, bandwidth, size; the ridge is about `part` of what can be reached.

    No batch meets it exactly, so that rounding cannot decide.
    """
    while True:
        inputs, outputs = (8 * draw.integers(4, 40, 2)).tolist()
        size, bandwidth = draw.choice([2, 4]), draw.integers(2, 9)
        limit = 2 * inputs * outputs / (size * (inputs + outputs))
        peak = max(round(part * limit * bandwidth), 1)
        batch = 2 * inputs * outputs * bandwidth - peak * size * (inputs + outputs)
        if batch and (peak * size * inputs * outputs) % batch:
            return inputs, outputs, peak, bandwidth, size


@smallest_batch.property("is the first batch whose intensity reaches the ridge", trials=6)
def _(answer, draw: Draw) -> None:
    inputs, outputs, peak, bandwidth, size = _layer(draw, draw.uniform(0.2, 0.9))
    right = _searched(inputs, outputs, Fraction(peak, bandwidth), size)
    found = answer(inputs, outputs, float(peak), float(bandwidth), size)
    expect(found, "the smallest batch").close_to(right, rtol=1e-9)


@smallest_batch.property("counts a batch that meets the ridge exactly", trials=3)
def _(answer, draw: Draw) -> None:
    # With equal widths w, n = w/2 and 2 bytes: 2n·w / (2 (2n + w)) = w/4.
    width, bandwidth = 2 ** draw.integers(3, 9), draw.choice([1, 2, 4])
    found = answer(width, width, float(width // 4 * bandwidth), float(bandwidth), 2)
    expect(found, "the smallest batch").close_to(width // 2, rtol=1e-9)
    # The ridge is 1/128 below the limit of 8: 2·16·16·n ≥ (8 − 1/128) · 2 (32n + 256).
    found = answer(16, 16, 8 - 1 / 128, 1.0, 2)
    expect(found, "the smallest batch, near the limit").close_to(8184, rtol=1e-3)


@smallest_batch.property("is None where no batch is large enough", trials=4)
def _(answer, draw: Draw) -> None:
    part = draw.choice([1.2, 3.0])
    inputs, outputs, peak, bandwidth, size = _layer(draw, part)
    found = answer(inputs, outputs, float(peak), float(bandwidth), size)
    expect(found is None, "whether it is None").is_true(
        "However large this batch is, its intensity stays below the ridge: the answer is None."
    )
    # The limit itself is approached and never met: 2·w·w / (4 · 2w) = w/4.
    found = answer(16, 16, 8.0, 2.0, 4)
    expect(found is None, "whether it is None at the limit").is_true(
        "The intensity comes as near to the ridge as you like and never meets it: None."
    )


@smallest_batch.property("is a whole number, at least 1", trials=2)
def _(answer, draw: Draw) -> None:
    found = answer(64, 64, 0.01, 5.0, 4)
    expect(found, "the smallest batch").close_to(1, rtol=1e-9)
    found = answer(64, 48, 30.0, 5.0, 4)
    expect(isinstance(found, int | np.integer), "a whole number").is_true("Return an int.")


def _batch_size(inputs, outputs, peak, bandwidth, size=4, **habits):
    """The answer with one bad habit, named by keyword."""
    ridge = bandwidth / peak if habits.get("inverted") else peak / bandwidth
    gain = (1 if habits.get("half") else 2) * inputs * outputs
    size = 4 if habits.get("four") else size
    per_picture = size * (inputs + outputs)
    if habits.get("inputs_only"):
        per_picture = size * inputs
    if habits.get("weights_only"):
        per_picture = 0
    if habits.get("elements"):
        per_picture, size = per_picture / size, 1
    left = gain - ridge * per_picture
    fixed = 0 if habits.get("no_weights") else ridge * size * inputs * outputs
    if left < 0 or (left == 0 and not habits.get("divides")):
        return None if not habits.get("no_none") else abs(math.ceil(fixed / (left or 1)))
    exact = fixed / left
    if habits.get("floor"):
        return max(math.floor(exact), 1)
    if habits.get("above"):
        return math.floor(exact) + 1
    if habits.get("real"):
        return exact
    return max(math.ceil(exact), 1)


for _message, _name, _habits in (
    ("Your ridge is upside down: it is the peak over the bandwidth, in FLOP/byte.",
     "ridge_upside_down", {"inverted": True}),
    ("A multiplication and its addition are two FLOPs: 2 · n · inputs · outputs.",
     "one_flop_each", {"half": True}),
    ("You took 4 bytes an element whatever `size` says.", "four_bytes_each", {"four": True}),
    ("You counted elements, not bytes: multiply by `size`.", "elements_counted",
     {"elements": True}),
    ("The n · outputs numbers that are written are missing from your bytes.",
     "outputs_not_counted", {"inputs_only": True}),
    ("You counted the weights as the only bytes. Inputs and outputs move too, and they grow with "
     "the batch: that is why some layers never reach the ridge.",
     "weights_alone", {"weights_only": True}),
    ("The weights are missing from your bytes. Reading them once is what a large batch pays off.",
     "weights_not_counted", {"no_weights": True}),
    ("You rounded down. That batch is still a little too small.", "rounded_down",
     {"floor": True}),
    ("Meeting the ridge exactly is enough: round up, do not add 1 to what is whole already.",
     "above_the_ridge", {"above": True}),
    ("A batch is a whole number: round up.", "not_rounded", {"real": True}),
    ("Where no batch is large enough you still return a number. The intensity has a limit for "
     "n → ∞; where that does not exceed the ridge, return None.",
     "never_none", {"no_none": True}),
    ("Where a row gains exactly nothing you divide by 0. Then the ridge is never met either: "
     "return None for ≤ 0, not only for < 0.", "limit_divided_by", {"divides": True}),
):  # fmt: skip

    def _bad_batch(inputs, outputs, peak, bandwidth, size=4, habits=_habits):
        return _batch_size(inputs, outputs, peak, bandwidth, size, **habits)

    _bad_batch.__name__ = _name
    smallest_batch.mistake(_message)(_bad_batch)

smallest_batch.hint("Write FLOPs ≥ ridge · bytes, and collect what has an n in it on the left.")
smallest_batch.hint("n · (2io − ridge · size · (i + o)) ≥ ridge · size · i · o. What if the "
                    "bracket is 0 or negative?")  # fmt: skip
smallest_batch.hint("`math.ceil` rounds up and returns an int.", when="type")
smallest_batch.hint("Check your n, and n − 1, with FLOPs and bytes.", when="value")
smallest_batch.hint("A division by 0 means that no batch is large enough.", when="error")

# ------------------------------------------------------------------------------- rounded

rounded = Exercise("rounded", minutes=12, difficulty=2)


def _wide(draw: Draw, n: int) -> np.ndarray:
    """Numbers of both signs from a hundredth to a hundred."""
    return (draw.normal(n) + 0.003) * 10.0 ** draw.integers(-2, 3, n)


def _nearest(x: float, bits: int) -> float:
    """The nearest number with `bits` significant binary digits, by exact fractions."""
    exact, exponent = Fraction(x), 0
    if exact == 0:
        return 0.0
    while abs(exact) >= 2**bits:
        exact, exponent = exact / 2, exponent + 1
    while abs(exact) < 2 ** (bits - 1):
        exact, exponent = exact * 2, exponent - 1
    return float(round(exact) * Fraction(2) ** exponent)  # Python rounds ties to even


@rounded.property("is bfloat16 with 8 digits", trials=5)
def _(answer, draw: Draw) -> None:
    x = _wide(draw, draw.size).astype(np.float32).astype(np.float64)
    right = torch.tensor(x).bfloat16().double().numpy()
    expect(answer(x, 8), "the rounded numbers").close_to(right, rtol=1e-9, atol=1e-15)


@rounded.property("is float16 with 11 digits and float32 with 24", trials=3)
def _(answer, draw: Draw) -> None:
    x = _wide(draw, 6) + 1e-9
    half = torch.tensor(x).half().double().numpy()
    single = x.astype(np.float32).astype(np.float64)
    expect(answer(x, 11), "rounded to 11 digits").close_to(half, rtol=1e-9, atol=1e-15)
    expect(answer(x, 24), "rounded to 24 digits").close_to(single, rtol=1e-12, atol=1e-18)


@rounded.property("is the nearest number with any number of digits", trials=4)
def _(answer, draw: Draw) -> None:
    bits, x = draw.integers(1, 6), _wide(draw, 4)
    right = [_nearest(float(number), bits) for number in x]
    expect(answer(x, bits), "the rounded numbers").close_to(right, rtol=1e-9, atol=1e-15)


@rounded.property("takes the even one of two that are equally near", trials=3)
def _(answer, draw: Draw) -> None:
    bits = draw.integers(2, 9)
    whole = draw.integers(2 ** (bits - 1), 2**bits, 4)
    whole[:2] = 2 ** (bits - 1), 2 ** (bits - 1) + 1
    x = (whole + 0.5) * 2.0 ** draw.integers(-3, 4) * np.array([1, 1, -1, 1])
    right = [_nearest(float(number), bits) for number in x]
    expect(answer(x, bits), "the rounded numbers").close_to(right, rtol=1e-9, atol=1e-15)


@rounded.property("keeps 0 and powers of two, and the shape", trials=1)
def _(answer, draw: Draw) -> None:
    x = np.array([[0.0, 1.0, -0.25], [1024.0, -(2.0**-20), 2.0**40]])
    expect(answer(x, 3), "the rounded numbers").close_to(x, rtol=1e-12, atol=0.0)


def _to_digits(x, bits, to_whole: Callable[[np.ndarray], np.ndarray] = np.round) -> np.ndarray:
    """Scale so that `bits` binary digits stand before the point, make whole, scale back."""
    fraction, exponent = np.frexp(np.asarray(x, dtype=np.float64))
    return np.ldexp(to_whole(np.ldexp(fraction, bits)), exponent - bits)


@rounded.mistake("You cut the digits off (towards 0). Round to the nearest.")
def cut_off(x, bits):
    return _to_digits(x, bits, np.trunc)


@rounded.mistake("You round down always. Round to the nearest.")
def rounds_down(x, bits):
    return _to_digits(x, bits, np.floor)


@rounded.mistake(
    "Ties go away from zero (or up) in your code. They go to the number whose last digit is even, "
    "as `np.round` does it: otherwise sums would drift one way."
)
def ties_away(x, bits):
    return _to_digits(x, bits, lambda whole: np.sign(whole) * np.floor(np.abs(whole) + 0.5))


@rounded.mistake(
    "Ties go up in your code, for negative numbers too. They go to the number whose last digit "
    "is even."
)
def ties_up(x, bits):
    return _to_digits(x, bits, lambda whole: np.floor(whole + 0.5))


@rounded.mistake(
    "You keep one digit too many. The first digit, always 1, counts as one of `bits`. (bfloat16 "
    "stores 7, since the first need not be stored, and has 8.)"
)
def one_digit_more(x, bits):
    return _to_digits(x, bits + 1)


@rounded.mistake("You keep one digit too few: `bits` counts all of them, the first included.")
def one_digit_fewer(x, bits):
    return _to_digits(x, bits - 1)


@rounded.mistake("You rounded to decimal digits. These are binary.")
def decimal_digits(x, bits):
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore"):
        place = np.where(x == 0, 0, np.floor(np.log10(np.abs(x))))
    scale = 10.0 ** (bits - 1 - place)
    return np.round(x * scale) / scale


@rounded.mistake(
    "You rounded to a fixed number of digits behind the point, so that small numbers vanish. The "
    "digits are counted from the first one that is not 0: the point floats."
)
def fixed_point(x, bits):
    return np.round(np.asarray(x) * 2.0**bits) / 2.0**bits


@rounded.mistake("Zero comes back as NaN: its logarithm is −∞. Treat it apart, or use `np.frexp`.")
def zero_breaks(x, bits):
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.abs(x))) + 1
        scale = 2.0 ** (bits - exponent)
        return np.round(x * scale) / scale


@rounded.mistake(
    "You always round to bfloat16. `bits` says how many digits there are: 8 is only one case."
)
def always_bfloat16(x, bits):
    return _to_digits(x, 8)


@rounded.mistake("The sign is lost.")
def without_sign(x, bits):
    return _to_digits(np.abs(x), bits)


rounded.hint("Bring the number to where `bits` digits stand before the point, round to a whole "
             "number, and bring it back.")  # fmt: skip
rounded.hint("`fraction, exponent = np.frexp(x)` gives x = fraction · 2^exponent with "
             "½ ≤ |fraction| < 1, and 0 for 0.")  # fmt: skip
rounded.hint("`np.round` takes ties to the even number; `np.ldexp(a, k)` is a · 2^k.")
rounded.hint("What is the logarithm of 0?", when="nan")
rounded.hint("Compare with `torch.tensor(x).bfloat16()` for bits = 8.", when="value")

# ----------------------------------------------------------------------- launch_timeline

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

launch_timeline.equivalent("`begin = max(cpu, gpu)` → `begin = max(gpu, cpu)`", because=_SAME_MAX)
launch_timeline.equivalent("`cpu = max(cpu, gpu)` → `cpu = max(gpu, cpu)`", because=_SAME_MAX)
launch_timeline.hint("Keep two clocks: when the CPU is free, and when the GPU is free.")
launch_timeline.hint("A launch begins when the CPU is free. A kernel begins at the later of: its "
                     "launch ended, the GPU is free.")  # fmt: skip
launch_timeline.hint("With sync, after a step, the CPU's clock goes to the GPU's if that is later.")
launch_timeline.hint("With graph only the first kernel of a step has a launch; the others are "
                     "ready when that one is.")  # fmt: skip
launch_timeline.hint("Draw the first three kernels on paper.", when="value")
launch_timeline.hint("How many launches has a step with graph?", when="shape")

# ---------------------------------------------------------------------------- train_fast

train_fast = Exercise("train_fast", minutes=35, difficulty=3, changes=("model", "optimiser"))

READS = {"item", "tolist", "numpy", "cpu", "__float__", "__int__", "__bool__", "__index__",
         "__array__", "__format__", "__repr__"}  # fmt: skip


class _Reads(TorchFunctionMode):
    """Counts what makes the CPU wait for a number of the device, from the first step to the last.

    Before and after, the grader itself reads what it hands over.
    """

    def __init__(self, optimiser: _Stepping) -> None:
        super().__init__()
        self.steps = optimiser.rates
        self.since_step = self.count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in READS and self.steps:
            self.since_step += 1
        elif getattr(function, "__name__", "") == "backward":
            self.count += self.since_step
            self.since_step = 0
        return function(*args, **(kwargs or {}))


class Watched(nn.Module):
    """A convolution and a linear layer; it notes how it was used."""

    def __init__(self, draw: Draw | None = None) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.linear = nn.Linear(2, 3)
        with torch.no_grad():
            for parameter in self.parameters():
                numbers = draw.normal(*parameter.shape) if draw else np.zeros(parameter.shape)
                parameter.copy_(torch.tensor(numbers))
        self.shown: list[Tensor] = []
        self.pooled: list[Tensor] = []
        self.logits: list[Tensor] = []
        self.uses: list[tuple[Any, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():
            return self._noted(x)

    def _noted(self, x: Tensor) -> Tensor:
        last = torch.channels_last
        self.uses.append((
            self.training,
            torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16,
            x.is_contiguous(memory_format=last),
            self.conv.weight.is_contiguous(memory_format=last),
        ))  # fmt: skip
        self.shown.append(x.detach().clone().contiguous())
        pooled = self.conv(x).mean((2, 3))
        logits = self.linear(pooled)
        self.pooled.append(pooled.detach().clone())
        self.logits.append(logits.detach().clone())
        return logits

    def __deepcopy__(self, memo: dict) -> Watched:
        twin = Watched()  # the notes hold graphs, which cannot be copied
        twin.load_state_dict(self.state_dict())
        return twin.train(self.training)


class _Stepping(torch.optim.SGD):
    """SGD of two groups that notes the rates of each step; a copy is itself."""

    def __init__(self, model: Watched) -> None:
        layers = model.conv, model.linear
        super().__init__([{"params": list(layer.parameters())} for layer in layers], lr=123.0)
        self.rates: list[float] = []
        self.second_rates: list[float] = []

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        with torch._C.DisableTorchFunction():
            for group, rates in zip(
                self.param_groups, (self.rates, self.second_rates), strict=True
            ):
                rates.append(float(group["lr"]))
            super().step(closure)

    def __deepcopy__(self, memo: dict) -> _Stepping:
        return self


def _bytes(draw: Draw, n: int) -> tuple[Tensor, Tensor]:
    pictures = torch.tensor(draw.integers(1, 256, n, 2, 4, 4), dtype=torch.uint8)
    return pictures, torch.tensor(draw.integers(0, 3, n))


def _batches(seed: int, n: int, epochs: int, size: int, limit: int) -> Iterator[tuple]:
    """Orders and offsets as the specification draws them."""
    generator = torch_generator(seed)
    for _ in range(epochs):
        order = torch.randperm(n, generator=generator)
        for place in range(n // size):
            offsets = torch.randint(-limit, limit + 1, (size, 2), generator=generator)
            yield order[place * size : (place + 1) * size], offsets


def _rates(steps: int, peak: float) -> list[float]:
    """The schedule of rung 10, with a warm-up of a quarter."""
    found = []
    for step in range(steps):
        t = (step + 0.5) / steps
        rising, falling = t / 0.25, 0.5 * (1 + math.cos(math.pi * (t - 0.25) / 0.75))
        found.append(peak * (rising if t < 0.25 else falling))
    return found


@train_fast.property("returns a tensor of float32", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    found = answer(model, _Stepping(model), *_bytes(draw, 4), 2, 2, 0.1, torch_generator(5))
    expect(not isinstance(found, np.ndarray), "whether it is no numpy array").is_true(
        "Return a tensor, not a numpy array."
    )
    expect(isinstance(found, Tensor), "a tensor").is_true("Return a tensor, one loss a step.")
    expect(found, "the losses").has_dtype("float32")
    if isinstance(found, Tensor):
        expect(found.element_size(), "the bytes of each loss").equals(4)


@train_fast.property("shows the model the right pictures, shifted, from 0 to 1", trials=4)
def _(answer, draw: Draw) -> None:
    seed, model, limit = draw.seed(), Watched(draw), 2
    pictures, labels = _bytes(draw, 5)
    answer(model, _Stepping(model), pictures, labels, 2, 2, 0.1, torch_generator(seed), limit)
    right = []
    for batch, offsets in _batches(seed, 5, 2, 2, limit):
        right.append(_shifted(pictures[batch].numpy(), offsets.numpy()) / 255)
    expect([len(shown) for shown in model.shown], "the sizes of the batches").equals([2] * 4)
    expect(torch.stack(model.shown[:4]), "what the model saw").close_to(np.stack(right), rtol=1e-5)


@train_fast.property("takes one step a batch, at the rate of the schedule", trials=3)
def _(answer, draw: Draw) -> None:
    model, peak, epochs = Watched(draw), draw.uniform(0.2, 0.6), draw.integers(2, 4)
    optimiser = _Stepping(model)
    answer(model, optimiser, *_bytes(draw, 7), epochs, 3, peak, torch_generator(1))
    right = _rates(2 * epochs, peak)
    expect(optimiser.rates, "the rates").close_to(right, rtol=1e-5)
    expect(optimiser.second_rates, "the rates of the second group").close_to(right, rtol=1e-5)


@train_fast.property("returns the losses as one tensor, computed in float32", trials=3)
def _(answer, draw: Draw) -> None:
    seed, model = draw.seed(), Watched(draw)
    pictures, labels = _bytes(draw, 6)
    found = answer(model, _Stepping(model), pictures, labels, 2, 3, 0.2, torch_generator(seed))
    right = []
    for (batch, _), logits in zip(_batches(seed, 6, 2, 3, 1), model.logits, strict=False):
        scores = logits.double()
        right.append(float(F.cross_entropy(scores, labels[batch])))
    expect(found, "the losses").close_to(right, rtol=1e-5)
    expect(found.requires_grad, "whether the losses hold on to their graphs").equals(False)


@train_fast.property("descends along the gradient", trials=3)
def _(answer, draw: Draw) -> None:
    seed, model, peak = draw.seed(), Watched(draw), 0.5
    pictures, labels = _bytes(draw, 6)
    weights = model.linear.weight.detach().double().numpy().copy()
    answer(model, _Stepping(model), pictures, labels, 3, 3, peak, torch_generator(seed))
    steps = zip(
        _batches(seed, 6, 3, 3, 1), _rates(6, peak), model.logits, model.pooled, strict=False
    )
    for (batch, _), rate, logits, pooled in steps:
        chances = torch.softmax(logits.double(), 1) - F.one_hot(labels[batch], 3)
        weights -= rate * (chances.T @ pooled.double()).numpy() / len(batch)
    found = model.linear.weight
    expect(found, "weights afterwards").close_to(weights, rtol=0.02, atol=0.01)
    expect(found, "weights afterwards").has_dtype("float32")


@train_fast.property("reads nothing back inside the loop", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    optimiser, data, source = _Stepping(model), _bytes(draw, 8), torch_generator(2)
    with _Reads(optimiser) as reads:
        answer(model, optimiser, *data, 2, 2, 0.1, source)
    quiet = reads.count == 0
    expect(quiet, "how often a number was read").is_true(
        "A number of a tensor was read (`.item()`, `float(…)`, `.tolist()`, `.cpu()`, an `if` on a "
        f"tensor): {reads.count} times in 8 steps. On a GPU each of these waits."
    )


@train_fast.property("draws order and offsets on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    optimiser, data, source = _Stepping(model), _bytes(draw, 4), torch_generator(4)
    with _Places() as places:
        answer(model, optimiser, *data, 1, 2, 0.1, source)
    expect(places.unnamed == 0, "whether all draws name their device").is_true(
        "`torch.randperm` or `torch.randint` was called without `device=`. On a GPU it would "
        "draw on the CPU, and refuse the GPU's generator."
    )


@train_fast.property("autocasts on the device of the pictures", trials=1)
def _(answer, draw: Draw) -> None:
    # On the meta device, which has shapes and no numbers, and which autocast does not know.
    model, asked = Watched(draw).to("meta"), []
    data = [part.to("meta") for part in _bytes(draw, 4)]
    genuine = torch.autocast.__init__

    def noting(self: torch.autocast, device_type: str, *args: Any, **keywords: Any) -> None:
        asked.append(device_type)
        genuine(self, "cpu", *args, **keywords)

    with mock.patch.object(torch.autocast, "__init__", noting), suppress(RuntimeError, ValueError):
        answer.answer(model, _Stepping(model), *data, 1, 2, 0.1, torch_generator(6))
    named = set(asked) - {"meta"}
    expect(not named, "whether autocast names no device of its own").is_true(
        f"`torch.autocast` is told {', '.join(map(repr, sorted(named)))}, wherever the pictures "
        "lie. With them on a GPU the model would compute in float32: `pictures.device.type`."
    )


@train_fast.property("runs the model in training mode, in bfloat16, channels last", trials=1)
def _(answer, draw: Draw) -> None:
    model, usual = Watched(draw).eval(), torch.get_autocast_dtype("cpu")
    optimiser, data, source = _Stepping(model), _bytes(draw, 4), torch_generator(3)
    torch.set_autocast_dtype("cpu", torch.float16)  # what a GPU takes where no dtype is named
    try:
        answer(model, optimiser, *data, 2, 2, 0.1, source)
    finally:
        torch.set_autocast_dtype("cpu", usual)
    names = (
        "training mode",
        "autocast to bfloat16",
        "pictures channels last",
        "kernels channels last",
    )
    for name, column in zip(names, zip(*model.uses, strict=True), strict=True):
        expect(sum(column), f"how many of 4 batches had: {name}").equals(4)


def _fast(
    model, optimiser, pictures, labels, epochs, batch_size, peak, generator, limit=1, **habits
):
    """A fast training loop with one bad habit, named by keyword."""
    if not habits.get("no_mode"):
        model.train()
    if not habits.get("model_first"):
        model.to(memory_format=torch.channels_last)
    n, losses = len(pictures), []
    per_epoch = math.ceil(n / batch_size) if habits.get("short") else n // batch_size
    steps = per_epoch * (1 if habits.get("per_epoch") else epochs)
    source = None if habits.get("global") else generator
    order_source = None if habits.get("global_order") else source
    offset_source = None if habits.get("global_offsets") else source
    place = None if habits.get("at_home") else pictures.device
    order = None
    if habits.get("one_order"):
        order = torch.randperm(n, generator=order_source, device=pictures.device)
    kind = torch.float16 if habits.get("half") else torch.bfloat16
    kind = None if habits.get("usual_dtype") else kind
    for epoch in range(epochs):
        if not habits.get("one_order"):
            order = torch.randperm(n, generator=order_source, device=place)
        for piece in range(per_epoch):
            batch = order[piece * batch_size : (piece + 1) * batch_size]
            size = (1 if habits.get("same_offset") else len(batch), 2)
            span = limit if habits.get("narrow") else limit + 1
            offsets = torch.randint(-limit, span, size, generator=offset_source, device=place)
            if habits.get("limit_one"):
                offsets = offsets.clamp(-1, 1)
            x = pictures[batch]
            if not habits.get("unshifted"):
                x = _moved(x, offsets.expand(len(batch), 2))
            x = x.float() if habits.get("bytes") else x.float() / 255
            if not habits.get("channels_first"):
                x = x.contiguous(memory_format=torch.channels_last)
            where = "cpu" if habits.get("cpu_only") else pictures.device.type
            with torch.autocast(where, kind, enabled=not habits.get("float32")):
                logits = model(x)
            logits = logits if habits.get("low_loss") else logits.float()
            named = slice(piece * batch_size, (piece + 1) * batch_size)
            wanted = labels[named if habits.get("unpermuted") else batch]
            loss = F.cross_entropy(
                logits, wanted, label_smoothing=0.1 if habits.get("smooths") else 0.0
            )
            step = epoch * per_epoch + piece
            step = piece if habits.get("per_epoch") else step
            step = epoch * per_epoch if habits.get("by_epoch") else step
            rate = peak if habits.get("constant") else _rates(steps, peak)[step]
            if not habits.get("unset"):
                for group in optimiser.param_groups[: 1 if habits.get("first_group") else None]:
                    group["lr"] = rate
            if not habits.get("accumulates"):
                optimiser.zero_grad()
            loss.backward()
            if habits.get("clears_late"):
                optimiser.zero_grad()
            optimiser.step()
            kept = loss if habits.get("graphs") else loss.detach()
            losses.append(loss.item() if habits.get("reads") else kept)
    if habits.get("listed"):
        return losses
    if habits.get("mean"):
        return torch.stack(losses).mean()
    found = torch.tensor(losses) if habits.get("reads") else torch.stack(losses)
    if habits.get("array"):
        return found.numpy()
    return found.double() if habits.get("double") else found


for _message, _name, _habits in (
    ("You read the loss at every step (`.item()` or `float`). The CPU then waits for the GPU each "
     "time. Append `loss.detach()`, and `torch.stack` after the loop.", "reads_each_loss",
     {"reads": True}),
    ("Your losses are still part of their graphs. Append `loss.detach()`.", "losses_with_graphs",
     {"graphs": True}),
    ("Return float32, not float64.", "float64_returned", {"double": True}),
    ("Return a tensor, not a numpy array.", "numpy_returned", {"array": True}),
    ("You returned a list. `torch.stack(losses)` makes it one tensor.", "list_of_losses",
     {"listed": True}),
    ("You returned the mean. Return one loss for each step.", "mean_of_losses", {"mean": True}),
    ("The short batch at the end of the epoch is used. Here it is dropped, so that all batches "
     "have one shape and a compiled graph fits all of them.", "short_batch_used", {"short": True}),
    ("The model computes in float32: call it inside `torch.autocast(device_type, "
     "torch.bfloat16)`.", "without_autocast", {"float32": True}),
    ("You use float16. Its range is small, and gradients vanish without a scaler: bfloat16.",
     "float16_instead", {"half": True}),
    ("Your loss is computed in bfloat16. Make the logits float32 first: `logits.float()`.",
     "loss_in_bfloat16", {"low_loss": True}),
    ("The pictures are not channels last: "
     "`x.contiguous(memory_format=torch.channels_last)`.", "pictures_channels_first",
     {"channels_first": True}),
    ("The model's kernels are not channels last: `model.to(memory_format=torch.channels_last)`, "
     "once before the loop.", "kernels_channels_first", {"model_first": True}),
    ("You never put the model into training mode.", "no_training_mode", {"no_mode": True}),
    ("The pictures are not shifted.", "not_shifted", {"unshifted": True}),
    ("All pictures of a batch are shifted by one offset. Draw (batch size, 2) of them.",
     "one_offset_a_batch", {"same_offset": True}),
    ("Your offsets never reach + limit: `torch.randint` leaves its upper end out, so it is "
     "limit + 1.", "limit_left_out", {"narrow": True}),
    ("You shift by at most 1 whatever `limit` says.", "limit_of_one", {"limit_one": True}),
    ("The model sees numbers up to 255. Divide by 255.", "not_divided", {"bytes": True}),
    ("Your order and offsets do not come from the generator.", "numbers_from_elsewhere",
     {"global": True}),
    ("`torch.randperm` lacks `generator=generator`.", "order_from_elsewhere",
     {"global_order": True}),
    ("`torch.randint` lacks `generator=generator`.", "offsets_from_elsewhere",
     {"global_offsets": True}),
    ("Your labels are not taken in the order of the pictures: `labels[batch]`.",
     "labels_not_permuted", {"unpermuted": True}),
    ("`torch.autocast` is given no dtype: on a GPU that is float16. Name `torch.bfloat16`.",
     "dtype_not_named", {"usual_dtype": True}),
    ("`torch.autocast` is told \"cpu\", wherever the pictures lie. With them on a GPU the model "
     "would compute in float32: `pictures.device.type`.", "cpu_named", {"cpu_only": True}),
    ("Only the first group gets the schedule's rate. Set it in all of `optimiser.param_groups`.",
     "first_group_alone", {"first_group": True}),
    ("`torch.randperm` or `torch.randint` lacks `device=pictures.device`: it draws on the CPU.",
     "drawn_at_home", {"at_home": True}),
    ("You drew one order for all epochs. Each epoch draws its own.", "one_order_for_all",
     {"one_order": True}),
    ("The rate is always the peak. Set `group[\"lr\"]` from `one_cycle` before each step.",
     "rate_at_the_peak", {"constant": True}),
    ("You never set the rate: the optimiser keeps the one it came with.", "rate_never_set",
     {"unset": True}),
    ("Your schedule starts anew in every epoch. It spans the whole training.",
     "schedule_in_every_epoch", {"per_epoch": True}),
    ("Your rate changes once an epoch. Set it at every step.", "rate_once_an_epoch",
     {"by_epoch": True}),
    ("Your gradients add up: clear them before `backward`.", "gradients_add_up",
     {"accumulates": True}),
    ("You clear the gradients between `backward` and the step, so that nothing moves. Clear them "
     "before `backward`.", "cleared_too_late", {"clears_late": True}),
    ("Your loss smooths the labels. Here it is the plain cross-entropy.", "smoothed_labels",
     {"smooths": True}),
):  # fmt: skip

    def _bad_fast(model, optimiser, pictures, labels, epochs, batch_size, peak, generator,
                  limit=1, habits=_habits):  # fmt: skip
        data = (model, optimiser, pictures, labels, epochs, batch_size, peak, generator, limit)
        return _fast(*data, **habits)

    _bad_fast.__name__ = _name
    train_fast.mistake(_message)(_bad_fast)

train_fast.hint("Before the loop: training mode, channels last, the number of steps, an empty "
                "list.")  # fmt: skip
train_fast.hint("`order[i * batch_size : (i + 1) * batch_size]` for i in range(n // batch_size).")
train_fast.hint(
    "In the loop: gather, offsets, shift, float, / 255, channels last; the model under autocast; "
    "logits.float() and the loss outside it; the rate; zero_grad, backward, step; append."
)
train_fast.hint("`losses.append(loss.detach())`, and `torch.stack(losses)` at the end.",
                when="reads nothing back inside the loop")  # fmt: skip
train_fast.hint("The order of the draws: randperm once an epoch, then randint once a batch.",
                when="value")  # fmt: skip
train_fast.hint("Is the short batch dropped?", when="shape")
