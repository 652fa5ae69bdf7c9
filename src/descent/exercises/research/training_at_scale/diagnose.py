"""How `diagnose` is judged: on real trainings of small linear models, each with one thing wrong."""

from __future__ import annotations

from typing import NamedTuple

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

diagnose = Exercise("diagnose", minutes=30, difficulty=3, returns=str)

FAULTS = ("right", "own starts", "not exchanged", "summed", "same share", "gradients kept")


class _Evidence(NamedTuple):
    """What `diagnose` is given, in order."""

    starts: Tensor
    gradients: Tensor
    one: Tensor


def _slope(weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return 2 * x.T @ (x @ weights - y) / len(x)


def _training(draw: Draw, fault: str, p: int, steps: int, rate: float = 0.05) -> _Evidence:
    """Train a linear model in one process, and in p processes of which something is wrong."""
    d, share = 3 + draw.size % 3, 4
    generator = torch.Generator().manual_seed(draw.seed())

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, y, start = drawn(p * share, d), drawn(p * share), drawn(d)
    weights, one = start.clone(), []
    for _ in range(steps):
        one.append(_slope(weights, x, y))
        weights = weights - rate * one[-1]
    starts = drawn(p, d) if fault == "own starts" else start.repeat(p, 1)
    if fault == "own starts":
        starts[0] = start
    models, kept, gradients = starts.clone(), torch.zeros(p, d).double(), []
    for _ in range(steps):
        shares = [0 if fault == "same share" else rank for rank in range(p)]
        own = torch.stack([
            _slope(models[rank], x[k * share : (k + 1) * share], y[k * share : (k + 1) * share])
            for rank, k in enumerate(shares)
        ])  # fmt: skip
        if fault == "gradients kept":
            kept = own = kept + own
        mean = own.sum(0) if fault == "summed" else own.mean(0)
        step = own if fault == "not exchanged" else mean.repeat(p, 1)
        gradients.append(step)
        models = models - rate * step
    # Each process rounds in its own way.
    noise = 1 + 1e-6 * drawn(p, steps, d)
    return _Evidence(starts, torch.stack(gradients, 1) * noise, torch.stack(one))


def _far(a: Tensor, b: Tensor) -> bool:
    return float((a - b).abs().max()) > 0.02 * float(b.abs().max())


def _telling(seen: _Evidence, fault: str) -> bool:
    """Whether the numbers keep the promise of the docstring: a difference is not small."""
    first, one, p = seen.gradients[0, 0], seen.one[0], len(seen.starts)
    if fault == "same share":
        return _far(first, one) and _far(first, p * one)
    if fault == "not exchanged":
        return all(_far(seen.gradients[r, 0], first) for r in range(1, p))
    if fault == "own starts":
        return all(_far(seen.starts[r], seen.starts[0]) for r in range(1, p))
    return fault != "gradients kept" or _far(seen.gradients[0, 1], seen.one[1])


def _evidence(draw: Draw, fault: str, p: int | None = None, steps: int | None = None) -> _Evidence:
    p = p or 2 + draw.size % 4
    steps = steps or 2 + draw.size % 4
    seen = _training(draw, fault, p, steps)
    while not _telling(seen, fault):
        seen = _training(draw, fault, p, steps)
    return seen


def _finds(fault: str, name: str) -> None:
    @diagnose.property(name, trials=6)
    def _(answer, draw: Draw) -> None:
        expect(answer(*_evidence(draw, fault)), "the diagnosis").equals(fault)


_finds("right", "finds nothing wrong with a program that is right, but for rounding")
_finds("own starts", "finds processes that began with different weights")
_finds("not exchanged", "finds gradients that were never exchanged")
_finds("summed", "finds a sum in the place of a mean")
_finds("same share", "finds processes that all took the same share")
_finds("gradients kept", "finds gradients that are not cleared between steps")


@diagnose.property("finds a fault that shows in one process only", trials=2)
def _(answer, draw: Draw) -> None:
    right = _evidence(draw, "right", 4)
    other = right.starts.clone()
    other[2] += 1.0
    gradients = right.gradients.clone()
    gradients[3] = _evidence(draw, "not exchanged", 4, gradients.shape[1]).gradients[3][
        :, : gradients.shape[2]
    ]
    expect(answer(right.starts, gradients, right.one), "the diagnosis").equals("not exchanged")
    # Where weights differ, gradients do for that reason alone.
    expect(answer(other, gradients, right.one), "the diagnosis").equals("own starts")


@diagnose.property("finds a sum though the training flies apart", trials=2)
def _(answer, draw: Draw) -> None:
    seen = _training(draw, "summed", 5, 8, rate=0.5)
    expect(answer(*seen), "the diagnosis").equals("summed")
    seen = _training(draw, "right", 3, 8, rate=1.5)
    expect(answer(*seen), "the diagnosis").equals("right")


@diagnose.property("works for processes that begin at 0", trials=2)
def _(answer, draw: Draw) -> None:
    for fault in ("right", "summed", "same share"):
        seen = _evidence(draw, fault)
        expect(
            answer(torch.zeros_like(seen.starts), seen.gradients, seen.one), "the diagnosis"
        ).equals(fault)


@diagnose.property("measures against the size of the numbers", trials=2)
def _(answer, draw: Draw) -> None:
    for fault in FAULTS:
        seen = _evidence(draw, fault)
        scaled = _Evidence(*(1e-6 * part for part in seen))
        expect(answer(*scaled), "the diagnosis, all numbers a million times smaller").equals(fault)
        scaled = _Evidence(*(1e6 * part for part in seen))
        expect(answer(*scaled), "the diagnosis, all numbers a million times larger").equals(fault)


def _rounded(draw: Draw) -> _Evidence:
    """A right program of four steps, each larger than the last, rounded as coarsely as may be.

    The first numbers of every gradient are tiny beside its largest, and rounded like it.
    """
    p, steps, d = 3, 4, 300
    one = torch.tensor(draw.normal(steps, d))
    one[:, -1] = 4.0
    one[:, 0] = 1e-5 * one[:, 1]
    one *= 100.0 ** torch.arange(steps)[:, None]
    start = torch.tensor(draw.normal(d))
    start[0] = 1e-5
    noise = (
        4e-5 * one.abs().amax(1)[:, None] * (2 * torch.tensor(draw.uniform(0, 1, p, steps, d)) - 1)
    )
    far = 4e-5 * start.abs().max() * (2 * torch.tensor(draw.uniform(0, 1, p, d)) - 1)
    return _Evidence(start + far, one + noise, one)


@diagnose.property("allows every number the rounding of the largest", trials=3)
def _(answer, draw: Draw) -> None:
    seen = _rounded(draw)
    expect(answer(*seen), "the diagnosis").equals("right")
    summed = seen.gradients.clone()
    summed[:, 0] *= 3
    expect(answer(seen.starts, summed, seen.one), "the diagnosis").equals("summed")


def _expect_sees_one_number(answer, draw: Draw, off: float) -> None:
    """One number is off by a share of the largest: a gradient's, or a start's."""
    for fault, step in (("not exchanged", 0), ("same share", 0), ("gradients kept", 1)):
        seen = _rounded(draw)
        one_process = slice(1, 2) if fault == "not exchanged" else slice(None)
        seen.gradients[one_process, step, 2] += off * seen.one[step].abs().max()
        expect(answer(*seen), "the diagnosis").equals(fault)
    seen = _rounded(draw)
    seen.starts[2, 3] += off * seen.starts.abs().max()
    expect(answer(*seen), "the diagnosis").equals("own starts")


@diagnose.property("sees a single number that is off by a fifth", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_sees_one_number(answer, draw, 0.2)


@diagnose.property("sees a single number that is off by a thirtieth", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_sees_one_number(answer, draw, 1 / 30)


@diagnose.property("looks at all numbers, not at their length, sum or order", trials=2)
def _(answer, draw: Draw) -> None:
    for change in (torch.neg, lambda slope: slope.roll(1, -1)):
        for fault, step in (("same share", 0), ("gradients kept", 1)):
            seen = _rounded(draw)
            seen.gradients[:, step] = change(seen.gradients[:, step])
            expect(answer(*seen), "the diagnosis").equals(fault)
    seen = _rounded(draw)
    seen.gradients[:, 0] *= 3
    seen.gradients[:, 0, 1:3] += torch.tensor([1.0, -1.0])
    expect(answer(*seen), "the diagnosis").equals("same share")


@diagnose.property("asks for no more than the second step", trials=2)
def _(answer, draw: Draw) -> None:
    seen = _rounded(draw)
    seen.gradients[:, 2:] *= 1.5
    expect(answer(*seen), "the diagnosis, where the third step differs").equals("right")


@diagnose.right
def right_diagnosis(starts, gradients, one):
    def same(a, b):
        return bool((a - b).abs().max() <= 1e-3 * b.abs().max())

    p, first = len(starts), gradients[:, 0]
    if not all(same(start, starts[0]) for start in starts):
        return "own starts"
    if not all(same(slope, first[0]) for slope in first):
        return "not exchanged"
    if same(first[0], p * one[0]):
        return "summed"
    if not same(first[0], one[0]):
        return "same share"
    if same(gradients[0, 1], one[1]):
        return "right"
    return "gradients kept"


diagnose.slip(
    "to_the_last_bit",
    "You compare to the last bit. Right programs differ by rounding; allow a thousandth of the "
    "largest number.",
    {"<= 1e-3 * b.abs().max()": "== 0"},
)
diagnose.slip(
    "absolute_tolerance",
    "Your tolerance is a fixed number. Gradients may be of any size: compare the difference with "
    "the largest of them.",
    {"<= 1e-3 * b.abs().max()": "<= 1e-3"},
)
diagnose.slip(
    "starts_not_looked_at",
    "Processes with different starts have different gradients for that reason alone. Look at the "
    "starts first.",
    {"if not all(same(start, starts[0]) for start in starts):": "if False:"},
)
diagnose.slip(
    "process_1_only",
    "You compare process 0 with process 1 only. The fault may show in any of them.",
    {
        "for slope in first)": "for slope in first[:2])",
        "for start in starts)": "for start in starts[:2])",
    },
)
diagnose.slip(
    "first_step_only",
    "You looked at the first step only. There a gradient that is never cleared is still right; "
    "compare the second one too.",
    {"same(gradients[0, 1], one[1])": "True"},
)
diagnose.slip(
    "sum_taken_for_share",
    "A gradient p times too large is not seen as a sum. Ask for the factor p at the first "
    "step, where the weights are still the same, and before you ask whether it is the right one.",
    {"if same(first[0], p * one[0]):": "if False:"},
)
diagnose.slip(
    "share_not_told",
    "A gradient that is the same in all processes and yet not the batch's comes from the same "
    "share everywhere. You did not ask for that.",
    {"if not same(first[0], one[0]):": "if False:"},
)
diagnose.slip(
    "every_number_by_itself",
    "You compare each number with itself alone. A tiny number is rounded like the largest one; "
    "compare the differences with the largest of all numbers.",
    {
        "bool((a - b).abs().max() <= 1e-3 * b.abs().max())": (
            "bool(torch.allclose(a, b, rtol=1e-3, atol=0))"
        )
    },
)
diagnose.slip(
    "mean_difference",
    "You look at the mean difference. One wrong number among many disappears in it: take the "
    "largest difference.",
    {"(a - b).abs().max()": "(a - b).abs().mean()"},
)
diagnose.slip(
    "lengths_compared",
    "You compare how long two gradients are. One that points elsewhere can be as long: look at the "
    "largest of the differences.",
    {"(a - b).abs().max()": "(a.norm() - b.norm()).abs()"},
)
diagnose.slip(
    "too_lenient",
    "You let differences of several hundredths pass. Rounding is below 10⁻⁴ of the largest number, "
    "and a hundredth is a fault.",
    {"1e-3": "5e-2"},
)
diagnose.slip(
    "later_steps_too",
    "You look at steps behind the second. They may be much larger and hide it, or differ for other "
    "reasons: compare the second step alone, by its own size.",
    {"same(gradients[0, 1], one[1])": "same(gradients[0], one)"},
)
diagnose.slip(
    "exchange_asked_of_all_steps",
    "You compare the processes at all steps. Whether they exchange is asked of the first step, "
    "where nothing else can make them differ.",
    {
        "if not all(same(slope, first[0]) for slope in first):": (
            "if not all(same(slopes, gradients[0]) for slopes in gradients):"
        )
    },
)
diagnose.slip(
    "kept_only_as_a_sum",
    "You ask whether the second gradient is the sum of the first two. The weights have moved "
    "otherwise by then, and any wrong second gradient counts: compare it with the right one.",
    {"if same(gradients[0, 1], one[1]):": ("if not same(gradients[0, 1], one[0] + one[1]):")},
)
diagnose.slip(
    "relative_lengths",
    "You compare lengths only, by their own size. A gradient that points elsewhere can be as long: "
    "look at the largest of the differences.",
    {
        "(a - b).abs().max() <= 1e-3 * b.abs().max()": (
            "(a.norm() - b.norm()).abs() <= 1e-3 * b.norm()"
        )
    },
)
diagnose.slip(
    "mean_of_ratios",
    "You average the ratios of single numbers to find the factor p. Where a number is tiny, its "
    "ratio is all rounding: compare with p times the right gradient.",
    {"if same(first[0], p * one[0]):": "if abs((first[0] / one[0]).mean() - p) < 0.01:"},
)
diagnose.slip(
    "exchange_before_starts",
    "You look at the gradients before the starts. Processes with different starts have different "
    "gradients for that reason alone: ask for the starts first.",
    {
        "    if not all(same(start, starts[0]) for start in starts):\n"
        '        return "own starts"\n'
        "    if not all(same(slope, first[0]) for slope in first):\n"
        '        return "not exchanged"\n': (
            "    if not all(same(slope, first[0]) for slope in first):\n"
            '        return "not exchanged"\n'
            "    if not all(same(start, starts[0]) for start in starts):\n"
            '        return "own starts"\n'
        )
    },
)
diagnose.slip(
    "one_size_for_all_steps",
    "You compare with the largest number of all steps. Where the training flies apart it is far "
    "larger than the first gradient: take the largest number of that step.",
    {
        "bool((a - b).abs().max() <= 1e-3 * b.abs().max())": (
            "bool((a - b).abs().max() <= 1e-3 * (one if b is not starts[0] and b.shape == "
            "one[0].shape and not torch.equal(b, starts[0]) else b).abs().max())"
        )
    },
)
diagnose.slip(
    "summed_of_any_factor",
    "You take a first gradient that is too large, by any factor, for a sum. A sum is p times the "
    "right one, number by number.",
    {"if same(first[0], p * one[0]):": "if first[0].norm() > 1.5 * one[0].norm():"},
)
diagnose.slip(
    "not_one_of_the_words",
    "You return another word than the page's six. They are compared letter by letter.",
    {'return "right"': 'return "Right"'},
)
diagnose.hint(
    "Which faults can be seen before any step is taken, which at the first, which at the second?"
)
diagnose.hint(
    "Rule out in this order: different starts, gradients that differ between processes, a factor "
    "p, a wrong gradient at the first step, a wrong one at the second."
)
diagnose.hint(
    "Write a helper that says whether two vectors are the same but for rounding: the largest "
    "difference against the largest number. The rest is one question after another.",
)
diagnose.hint("How large is rounding, beside the numbers themselves?", when="value")

_SAME_FOR_ALL = "it asks whether all processes have the same, whichever they are compared with"
for _old, _new, _why in (
    ("if far(starts, starts[0]):", "if far(starts[0], starts):", _SAME_FOR_ALL),
    ("if far(starts, starts[0]):", "if far(starts, starts[1]):", _SAME_FOR_ALL),
    ("if far(starts, starts[0]):", "if far(starts, starts[-1]):", _SAME_FOR_ALL),
    ("if far(first, first[0]):", "if far(first[0], first):", _SAME_FOR_ALL),
    ("if far(first, first[0]):", "if far(first, first[1]):", _SAME_FOR_ALL),
    ("if far(first, first[0]):", "if far(first, first[-1]):", _SAME_FOR_ALL),
    (
        "if not far(first, len(starts) * one[0]):",
        "if not far(len(starts) * one[0], first):",
        "equal numbers are equally large",
    ),
    ("if far(first, one[0]):", "if far(one[0], first):", "equal numbers are equally large"),
    (
        "return 'gradients kept' if far(second, one[1]) else 'right'",
        "return 'gradients kept' if far(one[1], second) else 'right'",
        "equal numbers are equally large",
    ),
    (
        "return bool((found - right).abs().max() > 0.001 * right.abs().max())",
        "return bool((found - right).abs().max() > 0.002 * right.abs().max())",
        "any tolerance between rounding and a hundredth does",
    ),
):
    diagnose.equivalent(f"`{_old}` → `{_new}`", because=_why)
