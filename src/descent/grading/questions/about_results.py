"""Which part of a result is wrong, and for which inputs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from descent.grading.questions.asking import Asking
from descent.grading.questions.cases import ASKS, FEWEST, MODE, ORDINALS, Said
from descent.grading.questions.rows import listed
from descent.grading.questions.snapshots import alike
from descent.grading.values import to_array


def parts_of_it(asking: Asking) -> Iterator[Said]:
    """Of several results, the one that is wrong; all of them in another order."""
    pairs = compared_pairs(asking)
    if len(pairs) < FEWEST:
        return
    tuples = [(mine, right) for mine, right in pairs if _are_tuples(mine, right)]
    if len(tuples) == len(pairs):
        yield from _of_tuples(asking, tuples)
    named = [(mine, right) for mine, right in pairs if _are_dicts(mine, right)]
    if len(named) == len(pairs) and not asking.by_effects:
        yield from _of_dicts(named)


def compared_pairs(asking: Asking) -> list[tuple[Any, Any]]:
    """What the answer gave and what is right, case by case."""
    return [
        (asking.compared(asking.answer(case)), asking.compared(asking.right(case)))
        for case in asking.cases
    ]


def _are_tuples(mine: Any, right: Any) -> bool:
    # A list of plain numbers is a tuple here too: its order and places are told elsewhere.
    both = isinstance(mine, tuple) and isinstance(right, tuple)
    return both and 2 <= len(right) <= len(ORDINALS) and len(mine) == len(right)


def _of_tuples(asking: Asking, pairs: list[tuple[Any, Any]]) -> Iterator[Said]:
    count = len(pairs[0][1])
    if any(len(right) != count for _, right in pairs):
        return
    wrong = {i for mine, right in pairs for i in range(count) if not alike(mine[i], right[i])}
    always = {i for i in range(count) if all(not alike(mine[i], right[i]) for mine, right in pairs)}
    if len(wrong) == 1 and wrong == always:
        place = wrong.pop()
        asking.part = place
        which = "last" if place == count - 1 and count > 2 else ORDINALS[place]
        other = "the other is right" if count == 2 else "the others are right"
        yield "parts", f"Of the {count} results only the {which} is wrong; {other}."
        return
    if count <= 4:
        for order in permutations(range(count)):
            if order != tuple(range(count)) and all(
                all(alike(mine[place], right[i]) for i, place in enumerate(order))
                for mine, right in pairs
            ):
                words = (
                    "The two results have changed places."
                    if count == 2
                    else "The results are right, in another order."
                )
                yield "parts", words
                return


def _are_dicts(mine: Any, right: Any) -> bool:
    both = isinstance(mine, dict) and isinstance(right, dict)
    return both and mine.keys() == right.keys() and len(right) > 1


def _of_dicts(pairs: list[tuple[Any, Any]]) -> Iterator[Said]:
    wrong = {key for mine, right in pairs for key in right if not alike(mine[key], right.get(key))}
    if len(wrong) == 1:
        (key,) = wrong
        if isinstance(key, str) and key not in (MODE, ASKS, ""):
            yield "parts", f"Only `{key}` is wrong in it."


def changed_at_all(asking: Asking) -> Iterator[Said]:
    """Arguments that are to be changed and are not, or the reverse; which half of them is wrong."""
    pairs = [(asking.answer(case).effects, asking.right(case).effects) for case in asking.cases]
    if len(pairs) < FEWEST:
        return
    yield from _of_object(pairs)
    for key in asking.first.arguments:
        mine, right = ([key in effects for effects in side] for side in zip(*pairs, strict=True))
        name = f"`{asking.name(key)}`"
        if asking.by_effects and all(right) and not any(mine):
            yield key.name, f"It changes nothing in {name}; a right answer does."
        elif all(mine) and not any(right):
            only_gradients = all(
                _numbers_and_gradients(effects[key])[0]
                == _numbers_and_gradients(case.before[key])[0]
                for (effects, _), case in zip(pairs, asking.cases, strict=True)
            )
            what = "leaves gradients in" if only_gradients else "changes"
            yield key.name, f"It {what} {name}, which a right answer need not."
        elif asking.by_effects and all(mine) and all(right):
            had = any(_numbers_and_gradients(case.before[key])[1] for case in asking.cases)
            yield from _which_half(name, [(m[key], r[key]) for m, r in pairs], had)


def _of_object(pairs: list[tuple[dict[Any, Any], dict[Any, Any]]]) -> Iterator[Said]:
    sides = [
        (mine.get("object", {}).keys(), right.get("object", {}).keys()) for mine, right in pairs
    ]
    more = set.intersection(*(set(mine - right) for mine, right in sides))
    less = set.intersection(*(set(right - mine) for mine, right in sides))
    for names, words in (
        (more, "The call changes {} of the object, which a right answer need not."),
        (less, "The call leaves {} of the object as before; a right answer changes that."),
    ):
        shown = listed([f"`{name}`" for name in sorted(names - {MODE, ASKS}, key=str)][:3])
        if shown:
            yield "object", words.format(shown)


def _which_half(name: str, pairs: list[tuple[Any, Any]], had: bool) -> Iterator[Said]:
    halves = [
        (_numbers_and_gradients(mine), _numbers_and_gradients(right)) for mine, right in pairs
    ]
    numbers = [mine[0] == right[0] or _near_rows(mine[0], right[0]) for mine, right in halves]
    gradients = [mine[1] == right[1] or _near_rows(mine[1], right[1]) for mine, right in halves]
    if all(numbers) and not any(gradients):
        yield "halves", f"In {name} the numbers are right and the gradients are not."
    elif had and all(gradients) and not any(numbers):
        yield "halves", f"In {name} the gradients are right and the numbers are not."


def _near_rows(one: list[float], two: list[float]) -> bool:
    return len(one) == len(two) and bool(near(np.array(one), np.array(two)).all())


def _numbers_and_gradients(value: Any) -> tuple[list[float], list[float]]:
    """All numbers of an argument's snapshot, and all its gradients (with a mark for none)."""
    if isinstance(value, dict) and ".grad" in value:
        return _numbers_and_gradients(value[""])[0], np.ravel(value[".grad"]).tolist()
    if isinstance(value, dict | tuple):
        parts = [
            _numbers_and_gradients(part)
            for name, part in (value.items() if isinstance(value, dict) else enumerate(value))
            if name not in (MODE, ASKS)
        ]
        return [n for part in parts for n in part[0]], [g for part in parts for g in part[1]]
    array = to_array(value)
    return ([] if array is None else np.ravel(array).tolist()), []


def traits(asking: Asking) -> Iterator[Said]:
    """The numbers are right; their dtype, their graph or their memory is not."""
    pairs = [(asking.answer(case).traits, asking.right(case).traits) for case in asking.cases]
    if len(pairs) < FEWEST or any(len(mine) != len(right) for mine, right in pairs):
        return
    count = len(pairs[0][1])
    for place in range(count):
        which = "" if count == 1 else f"{ORDINALS[place]} "
        sides = [(mine[place], right[place]) for mine, right in pairs if place < len(right)]
        if len(sides) < len(pairs):
            return
        dtypes = {(mine[0], right[0]) for mine, right in sides}
        if len(dtypes) == 1 and "" not in (found := dtypes.pop()) and found[0] != found[1]:
            yield "dtype", f"Your {which}result has the dtype {found[0]}; the right one {found[1]}."
        if all(right[1] and not mine[1] for mine, right in sides):
            yield (
                "graph",
                f"Your {which}result hangs on no graph: no gradient finds its way back through it.",
            )
        elif all(mine[1] and not right[1] for mine, right in sides):
            yield "graph", f"Your {which}result asks for gradients, or hangs on a graph still."
        for name in sides[0][0][2]:
            if all(name in mine[2] and name not in right[2] for mine, right in sides):
                yield (
                    "memory",
                    f"Your {which}result shares its memory with `{name}`: who changes one changes "
                    "the other.",
                )


def slopes(asking: Asking) -> Iterator[Said]:
    """The result is right; the gradients that flow back from it to the arguments are not."""
    pairs = []
    for case in asking.cases:
        mine, right = asking.slopes("answer", case), asking.slopes("right", case)
        if mine is None or right is None:
            return
        pairs.append((mine, right))
    if len(pairs) < FEWEST:
        return
    names = {key: f"`{asking.name(key)}`" for key in pairs[0][1]}
    gone = [k for k in names if all(m.get(k) is None and r[k] is not None for m, r in pairs)]
    if gone:
        where = listed([names[key] for key in gone], "or")
        yield "graph", f"The result is right, and no gradient flows back from it to {where}."
        return
    for key, name in names.items():
        sides = [(mine.get(key), right[key]) for mine, right in pairs]
        if all(r is not None and not alike(m, r, 1e-3) for m, r in sides):
            yield (
                "graph",
                f"The result is right, and the gradient that flows back from it to {name} is not.",
            )


def hidden(asking: Asking) -> Iterator[Said]:
    """Right here, and wrong where an argument comes with old gradients or in the other mode."""
    first = asking.first
    for aspect in asking.aspects():
        if aspect.kind not in ("gradients", "mode"):
            continue
        others = [other for _, other in asking.changed(aspect)]
        usable = [
            case
            for case in others
            if asking.right(case).error is None and asking.answer(case).error is None
        ]
        if len(usable) >= FEWEST and not any(map(asking.agree, usable)) and asking.agree(first):
            name = f"`{asking.name(aspect.key)}`"
            way = (
                "with gradients from before" if aspect.kind == "gradients" else "in the other mode"
            )
            yield aspect.key.name, f"It is wrong where {name} comes {way}."


def near(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Number by number, whether they agree but for rounding."""
    if one.dtype.kind == "b" or two.dtype.kind == "b":
        return np.asarray(one == two)
    size = np.abs(two[np.isfinite(two)])
    scale = float(size.max()) if size.size else 1.0
    return np.isclose(one, two, rtol=1e-4, atol=1e-5 * scale, equal_nan=True)
