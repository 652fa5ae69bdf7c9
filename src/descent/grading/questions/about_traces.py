"""Random numbers from elsewhere, and what an answer leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from descent.grading.questions.asking import Asking, quietly
from descent.grading.questions.cases import ASKS, FEWEST, MODE, Case, Key, Said
from descent.grading.questions.changes import other_mode, other_seed
from descent.grading.questions.snapshots import alike, is_module, is_random


def is_repeatable(asking: Asking, who: str = "answer") -> bool:
    """Whether the answer, or the right one, asked the same twice, gives the same."""
    one, two = asking.run(who, asking.first), asking.run(who, asking.first)
    return one.error is None and two.error is None and _as_good_as(asking, one, two)


def _as_good_as(asking: Asking, one: Any, two: Any) -> bool:
    return alike(one.value, two.value) and alike(one.effects, two.effects)


def unrepeatable(asking: Asking) -> Iterator[Said]:
    """Of an answer that gives something else each time, though a right one does not."""
    if not asking.knows:
        return
    rights = [asking.run("right", asking.first) for _ in range(FEWEST + 1)]
    mine = [asking.run("answer", asking.first) for _ in range(FEWEST + 1)]
    if any(result.error is not None for result in (*rights, *mine)):
        return
    steady = all(_as_good_as(asking, rights[0], other) for other in rights[1:])
    if steady and not any(_as_good_as(asking, mine[0], other) for other in mine[1:]):
        yield "random", "Called twice in the same way, it gives two different results."


def randomness(asking: Asking) -> Iterator[Said]:
    """Numbers of the global generators; more or fewer numbers of the one that was given."""
    generators = [key for key, value in asking.first.arguments.items() if is_random(value)]
    seeds = range(1, FEWEST + 1)
    mine = [asking.answer(asking.first, seed) for seed in seeds]
    first = asking.answer(asking.first)
    usable = first.error is None and all(result.error is None for result in mine)
    if usable and not any(asking.same(first, result) for result in mine):
        rights = [asking.right(asking.first, seed) for seed in seeds] if asking.knows else []
        right = asking.right(asking.first) if asking.knows else None
        if generators and all(right and asking.same(right, other) for other in rights):
            name = asking.name(generators[0])
            yield (
                "random",
                f"Its random numbers come from the global generator: draw them from `{name}`.",
            )
            return
    if not asking.knows:
        return
    for key in generators:
        yield from _drawn(asking, key)


def _drawn(asking: Asking, key: Key) -> Iterator[Said]:
    """Whether as many numbers are drawn as is right, seen by where the generator stands."""
    apart = moved = rested = 0
    for _ in range(FEWEST):
        generator = quietly(other_seed, asking.first.arguments[key], asking.rng)
        if generator is None:
            return
        case = asking.first.but({key: generator})
        mine, right = asking.answer(case), asking.right(case)
        if mine.error is not None or right.error is not None:
            return
        before = case.before[key]
        apart += not alike(mine.left[key], right.left[key], 0.0)
        moved += not alike(right.left[key], before, 0.0)
        rested += alike(mine.left[key], before, 0.0)
    if apart < FEWEST or moved not in (0, FEWEST):
        return
    if moved and rested == FEWEST:
        yield "random", f"It draws no numbers from `{asking.name(key)}`."
    elif not moved:
        yield (
            "random",
            f"It draws numbers from `{asking.name(key)}`, and none are needed in this case.",
        )
    elif not rested:
        yield (
            "random",
            f"A right answer draws other numbers from `{asking.name(key)}`: more, or fewer, or by "
            "another function.",
        )


def left_behind(asking: Asking) -> Iterator[Said]:
    """Modes of networks, what asks for gradients, and whether they are recorded, afterwards."""
    if not asking.knows:
        return
    for key, value in asking.first.arguments.items():
        if is_module(value):
            yield from _of_module(asking, key)
    mine = [asking.answer(case) for case in asking.cases]
    rights = [asking.right(case) for case in asking.cases]
    if len(mine) >= FEWEST and all(
        one.left.get("recording") is False and two.left.get("recording") is True
        for one, two in zip(mine, rights, strict=True)
    ):
        yield "recording", "After the call, gradients are recorded no more."


def _of_module(asking: Asking, key: Key) -> Iterator[Said]:
    other = quietly(other_mode, asking.first.arguments[key])
    turned = [] if other is None else [_turned(case, key) for case in asking.cases]
    for group in (asking.cases, [case for case in turned if case is not None]):
        usable = [
            case
            for case in group
            if asking.answer(case).error is None and asking.right(case).error is None
        ]
        if len(usable) < FEWEST:
            continue
        for part, words in ((MODE, _mode), (ASKS, _asks)):
            place = key, part
            states = [
                (asking.answer(case).left[place], asking.right(case).left[place]) for case in usable
            ]
            if all(mine != right for mine, right in states):
                yield key.name, words(f"`{asking.name(key)}`", usable[0], key, *states[0])
                return


def _turned(case: Case, key: Key) -> Case | None:
    other = quietly(other_mode, case.arguments[key])
    return None if other is None else case.but({key: other})


def _mode(name: str, case: Case, key: Key, mine: tuple[bool, ...], right: tuple[bool, ...]) -> str:
    came = case.before[key][MODE]
    if right == came:
        if mine[0] != came[0]:
            now, then = ("training", "evaluation") if mine[0] else ("evaluation", "training")
            return f"It leaves {name} in {now} mode; it came in {then} mode."
        return f"It leaves parts of {name} in another mode than they came in."
    return f"It leaves {name} in another mode than it should."


def _asks(name: str, case: Case, key: Key, mine: tuple[bool, ...], right: tuple[bool, ...]) -> str:
    if right == case.before[key][ASKS]:
        return f"It changes which parameters of {name} ask for gradients."
    return f"Afterwards, other parameters of {name} ask for gradients than should."
