"""How `critical_batch` is judged."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from descent.exercises.studies import does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

critical_batch = Exercise("critical_batch", minutes=25, difficulty=3, returns=tuple[float, float])


def _measured(draw: Draw, count: int, critical: float, noise: float):
    """Batches from 1 to 4 096 in any order, and steps with noise of their own."""
    fewest = draw.uniform(50, 900)
    batches = draw.rng.permutation(np.logspace(0, 12, count, base=2))
    steps = fewest * (1 + critical / batches) * np.exp(noise * draw.rng.normal(size=count))
    return fewest, batches, steps


def _profile(batches, steps) -> tuple[float, float]:
    """The least squares of the logarithms, by a fine grid and a search around its best."""

    def off(log_critical):
        rest = np.log(steps) - np.log1p(np.exp(log_critical) / batches)
        return float(((rest - rest.mean()) ** 2).sum())

    grid = np.linspace(np.log(batches.min()) - 3, np.log(batches.max()) + 3, 301)
    best = grid[int(np.argmin([off(at) for at in grid]))]
    found = minimize_scalar(off, bounds=(best - 0.1, best + 0.1), method="bounded",
                            options={"xatol": 1e-7}).x  # fmt: skip
    rest = np.log(steps) - np.log1p(np.exp(found) / batches)
    return float(np.exp(rest.mean())), float(np.exp(found))


def _expect_fit(answer, batches, steps, wanted, rtol: float) -> None:
    given = does_not_refuse(answer, batches, steps, although="batches on both sides of the knee")
    fewest, critical = given if given is not None else (0.0, 0.0)
    expect(fewest, "the fewest steps").close_to(wanted[0], rtol=rtol)
    expect(critical, "the critical batch").close_to(wanted[1], rtol=rtol)


@critical_batch.property("recovers both numbers from exact steps")
def _(answer, draw: Draw) -> None:
    critical = draw.uniform(20, 400)
    fewest, batches, steps = _measured(draw, draw.size + 5, critical, 0.0)
    _expect_fit(answer, batches, steps, (fewest, critical), 1e-2)


@critical_batch.property("from noisy steps is the least-squares fit of the logarithms")
def _(answer, draw: Draw) -> None:
    _, batches, steps = _measured(draw, draw.size + 6, draw.uniform(20, 400), 0.1)
    _expect_fit(answer, batches, steps, _profile(batches, steps), 1e-2)


@critical_batch.property("takes four batches, smaller than 1 too, as lists", trials=3)
def _(answer, draw: Draw) -> None:
    batches, critical = [8.0, 0.25, 1.0, 32.0], draw.uniform(1, 6)
    steps = [200 * (1 + critical / batch) for batch in batches]
    _expect_fit(answer, batches, steps, (200.0, critical), 1e-2)


@critical_batch.property("is refused where all batches lie on one side of the knee", trials=4)
def _(answer, draw: Draw) -> None:
    _, batches, steps = _measured(draw, 9, 4096 * draw.uniform(30, 90), 0.02)
    refuses(answer, batches, steps, because="batches that are all far below the critical one")
    _, batches, steps = _measured(draw, 9, draw.uniform(0.01, 0.03), 0.0)
    refuses(answer, batches, steps, because="batches that are all far above the critical one")


@critical_batch.property("a knee beyond the batches is refused, a little inside is not", trials=4)
def _(answer, draw: Draw) -> None:
    for factor, refused in ((1.5, True), (0.75, False)):
        critical = 4096 * factor
        fewest, batches, steps = _measured(draw, 9, critical, 0.0)
        if refused:
            refuses(answer, batches, steps, because="a knee above the largest batch")
        else:
            _expect_fit(answer, batches, steps, (fewest, critical), 1e-2)
        critical = 1 / factor
        fewest, batches, steps = _measured(draw, 9, critical, 0.0)
        if refused:
            refuses(answer, batches, steps, because="a knee below the smallest batch")
        else:
            _expect_fit(answer, batches, steps, (fewest, critical), 1e-2)


@critical_batch.property("is refused with fewer than four batches", trials=2)
def _(answer, draw: Draw) -> None:
    refuses(answer, [1.0, 10.0, 100.0], [1100.0, 200.0, 110.0], because="three batches")
    refuses(answer, [], [], because="no batches")


@critical_batch.right
def right_fit(batches, steps):
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    if len(batches) < 4:
        raise ValueError("fewer than four batches")
    tried = np.geomspace(batches.min() / 100, batches.max() * 100, 3001)
    rest = np.log(steps) - np.log(1 + tried[:, None] / batches)
    best = int(rest.var(axis=1).argmin())
    critical = tried[best]
    if not batches.min() <= critical <= batches.max():
        raise ValueError("all batches lie on one side of the knee")
    fewest = np.exp(rest[best].mean())
    return float(fewest), float(critical)


critical_batch.slip(
    "swapped",
    "You return the critical batch first. The order is: fewest steps, critical batch.",
    {"return float(fewest), float(critical)": "return float(critical), float(fewest)"},
)
critical_batch.slip(
    "extrapolates",
    "You return a knee although all batches lie on one side of it. Another law would fit them as "
    "well: raise a ValueError.",
    {"if not batches.min() <= critical <= batches.max():": "if False:"},
)
critical_batch.slip(
    "only_large_knees_refused",
    "You refuse knees above the largest batch, and not those below the smallest.",
    {"if not batches.min() <= critical <= batches.max():": "if critical > batches.max():"},
)
critical_batch.slip(
    "only_small_knees_refused",
    "You refuse knees below the smallest batch, and not those above the largest.",
    {"if not batches.min() <= critical <= batches.max():": "if critical < batches.min():"},
)
critical_batch.slip(
    "three_are_enough",
    "You fit two numbers to three batches or fewer. One point more than that is no evidence: ask "
    "for four.",
    {"if len(batches) < 4:": "if len(batches) < 4 and len(batches):\n        return 100.0, 10.0\n"
     "    if len(batches) < 4:"},
)  # fmt: skip
critical_batch.slip(
    "steps_at_the_knee",
    "You return the steps at the knee. Those are twice the fewest.",
    {"return float(fewest)": "return 2 * float(fewest)"},
)


@critical_batch.mistake(
    "You fitted the steps and not their logarithms. A few per cent of the many steps at the "
    "smallest "
    "batch then outweigh all of the knee."
)
def straight_line(batches, steps):
    right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    slope, fewest = np.polyfit(1 / batches, steps, 1)
    return float(fewest), float(slope / fewest)


@critical_batch.mistake(
    "You took the steps at the largest batch for the fewest. At a finite batch some of the noise "
    "is "
    "left: fit S_min (1 + B/batch) for both numbers."
)
def largest_is_fewest(batches, steps):
    right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    fewest = steps[int(np.argmax(batches))]
    ratio = steps / fewest - 1
    return float(fewest), float(np.median(batches * ratio))


@critical_batch.mistake(
    "You took the batch of your list whose steps come nearest to twice the fewest. The knee lies "
    "between the batches that were tried: fit the curve."
)
def nearest_batch(batches, steps):
    fewest, _ = right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    return fewest, float(batches[int(np.argmin(np.abs(steps - 2 * fewest)))])


@critical_batch.mistake(
    "You left the 1 out: steps ∝ 1/B is a straight line without a knee. The curve is "
    "S_min (1 + B_crit/B)."
)
def without_the_floor(batches, steps):
    fewest, critical = right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    product = float(np.exp(np.log(steps * batches).mean()))
    return fewest, product / fewest


@critical_batch.mistake(
    "You return examples in the second place. The critical batch is a number of examples in *one* "
    "step, not in all."
)
def examples_for_batch(batches, steps):
    fewest, critical = right_fit(batches, steps)
    return fewest, fewest * critical


@critical_batch.mistake(
    "You divided the fewest examples seen by the fewest steps seen. Both are reached at infinitely "
    "small and large batches only: fit the curve for them."
)
def corners(batches, steps):
    right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    return float(steps.min()), float((batches * steps).min() / steps.min())


@critical_batch.mistake(
    "You tried only the batches of the list as critical batch. It lies between them: search a fine "
    "grid."
)
def only_tried_batches(batches, steps):
    right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    rest = np.log(steps) - np.log(1 + batches[:, None] / batches)
    best = int(rest.var(axis=1).argmin())
    return float(np.exp(rest[best].mean())), float(batches[best])


@critical_batch.mistake(
    "Your curve has B/B_crit where B_crit/B belongs: the steps would grow with the batch."
)
def upside_down(batches, steps):
    right_fit(batches, steps)
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    tried = np.geomspace(batches.min() / 20, batches.max() * 20, 2001)
    rest = np.log(steps) - np.log(1 + batches / tried[:, None])
    best = int(rest.var(axis=1).argmin())
    return float(np.exp(rest[best].mean())), float(tried[best])


critical_batch.slip(
    "ends_by_place",
    "You compare with the first and the last of the list. The batches come in any order.",
    {"batches.min() <= critical <= batches.max()": "batches[0] <= critical <= batches[-1]"},
)
critical_batch.slip(
    "logarithm_returned",
    "You return the logarithm of the fewest steps. Take the exponential of the mean.",
    {"np.exp(rest[best].mean())": "rest[best].mean()"},
)
critical_batch.slip(
    "variance_of_steps",
    "You compared the steps and not their logarithms: the steps at the smallest batches then "
    "outweigh all others.",
    {"np.log(steps) - np.log(1 + tried[:, None] / batches)":
     "steps / (1 + tried[:, None] / batches)",
     "np.exp(rest[best].mean())": "rest[best].mean()"},
)  # fmt: skip


critical_batch.hint("For a given B_crit, which S_min fits the logarithms best? A mean.")
critical_batch.hint("So one number is left to search: try a fine grid of B_crit, evenly in log B.")
critical_batch.hint("Is the B_crit you found between batches that were tried?", when="value")

_TRIED = "tried = np.geomspace(min(batches) / {}, max(batches) * {}, {})"
for _other in ((100, 100, 4002), (100, 100, 4000), (101, 100, 4001), (99, 100, 4001),
               (100, 101, 4001), (100, 99, 4001)):  # fmt: skip
    critical_batch.equivalent(
        f"`{_TRIED.format(100, 100, 4001)}` → `{_TRIED.format(*_other)}`",
        because="a grid as fine and as wide finds the same within its 1 %",
    )
critical_batch.equivalent(
    f"`{_TRIED.format(100, 100, 4001)}` → "
    "`tried = np.geomspace(max(batches) * 100, min(batches) / 100, 4001)`",
    because="the same grid backwards",
)
critical_batch.equivalent(
    "`if not min(batches) <= tried[best] <= max(batches):` → "
    "`if not min(batches) < tried[best] <= max(batches):`",
    because="no number of the grid is exactly the smallest batch",
)
