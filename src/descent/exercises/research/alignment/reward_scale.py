"""How `RewardScale` is judged: mean and deviation by Python's statistics, and what stays frozen."""

from __future__ import annotations

import statistics

import torch

from descent.exercises.doubles import normals
from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

RewardScale = Exercise("RewardScale", minutes=15, difficulty=2, changes=("rewards",))


def _scaled(rewards, basis) -> list[float]:
    values = basis.double().tolist()
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    return [(reward - mean) / deviation for reward in rewards.double().tolist()]


def _basis(draw: Draw, n: int):
    return normals(draw, n, scale=draw.choice([0.3, 2.0])) + draw.choice([-4.0, 1.5, 30.0])


@RewardScale.property("gives the samples it was measured on mean 0 and deviation 1", trials=5)
def _(answer, draw: Draw) -> None:
    basis = _basis(draw, draw.size + 3)
    found = answer(basis)(basis)
    expect(found, "the scaled rewards").has_shape(len(basis)).close_to(
        _scaled(basis, basis), atol=1e-4
    )


@RewardScale.property("scales later batches by the first one's numbers", trials=5)
def _(answer, draw: Draw) -> None:
    basis = _basis(draw, draw.size + 4)
    scale = answer(basis)
    for shift in (3.0, -5.0):
        later = normals(draw, 6, scale=0.7) + shift
        expect(scale(later), "the scaled rewards of a later batch").close_to(
            _scaled(later, basis), atol=1e-4
        )
    expect(scale(basis), "the first batch, scaled once more").close_to(
        _scaled(basis, basis), atol=1e-4
    )


@RewardScale.property("does not follow its samples when they are changed afterwards", trials=2)
def _(answer, draw: Draw) -> None:
    basis = _basis(draw, 7)
    scale, right = answer(basis), _scaled(basis[:3], basis)
    first = basis[:3].clone()
    basis.mul_(3.0).add_(1.0)
    expect(scale(first), "the scaled rewards").close_to(right, atol=1e-4)


@RewardScale.property("scales a batch of one, and batches of any shape", trials=3)
def _(answer, draw: Draw) -> None:
    basis = _basis(draw, 9)
    scale = answer(basis)
    one = normals(draw, 1)
    expect(scale(one), "one scaled reward").has_shape(1).close_to(_scaled(one, basis), atol=1e-4)
    grid = normals(draw, 3, 4)
    right = torch.tensor(_scaled(grid.flatten(), basis)).reshape(3, 4)
    expect(scale(grid), "a grid of scaled rewards").has_shape(3, 4).close_to(right, atol=1e-4)


@RewardScale.property("leaves the rewards that it scales as they are", trials=2)
def _(answer, draw: Draw) -> None:
    basis, later = _basis(draw, 6), normals(draw, 5)
    first, second = basis.clone(), later.clone()
    answer(basis)(later)
    expect(basis, "the rewards it was measured on").equals(first)
    expect(later, "the rewards it scaled").equals(second)


@RewardScale.property("keeps rewards of tiny spread apart", trials=2)
def _(answer, draw: Draw) -> None:
    basis = (_basis(draw, 8).double() - 1) * 1e-6
    found = answer(basis)(basis)
    expect(found, "the scaled rewards").close_to(_scaled(basis, basis), rtol=1e-3)


@RewardScale.property("can be measured on two rewards that differ", trials=2)
def _(answer, draw: Draw) -> None:
    basis = torch.tensor([1.5, 4.0]) + draw.normal()
    expect(answer(basis)(basis), "the scaled rewards").close_to(_scaled(basis, basis))


@RewardScale.property("refuses samples without spread, and a single one", trials=2)
def _(answer, draw: Draw) -> None:
    value = draw.choice([0.0, 2.5, -1.0])
    refuses(answer, torch.full((6,), value), because="six equal rewards")
    refuses(answer, torch.tensor([value]), because="a single reward")
    refuses(answer, torch.tensor([]), because="no reward at all")


@RewardScale.property("is not taken in by rounding where all rewards are equal", trials=2)
def _(answer, draw: Draw) -> None:
    # The mean of equal numbers, rounded, is often not that number, and the deviation not 0.
    for _ in range(20):
        value, count = draw.uniform(-3.0, 3.0), draw.choice([5, 6, 7, 9])
        refuses(answer, torch.full((count,), value), because="equal rewards")


@RewardScale.right
class RightScale:
    def __init__(self, rewards):
        values = rewards.detach().double()
        if len(values) < 2 or values.min() == values.max():
            raise ValueError("no spread")
        self.mean = values.mean().item()
        self.deviation = values.std().item()

    def __call__(self, rewards):
        return (rewards - self.mean) / self.deviation


_CALL = "return (rewards - self.mean) / self.deviation"
_SLIPS = {
    "measured_anew": (
        "You measured mean and deviation anew on every batch. Then the reward can never rise: "
        "each "
        "batch has mean 0, and the weight of the KL means something else every time.",
        {_CALL: "values = rewards.double()\n        if values.numel() < 2:\n"
         "            return 0.0 * rewards\n"
         "        return (rewards - values.mean()) / values.std()"},
    ),
    "running": (
        "You let mean and deviation follow the batches. They are measured once and then frozen.",
        {_CALL: "found = (rewards - self.mean) / self.deviation\n"
         "        self.mean = 0.5 * self.mean + 0.5 * rewards.mean().item()\n"
         "        return found"},
    ),
    "mean_alone": (
        "You took the mean off and did not divide by the standard deviation.",
        {_CALL: "return rewards - self.mean"},
    ),
    "deviation_alone": (
        "You divided and did not take the mean off.",
        {_CALL: "return rewards / self.deviation"},
    ),
    "divided_by_variance": (
        "You divided by the variance. The standard deviation is its root.",
        {"values.std()": "values.var()"},
    ),
    "divided_by_n": (
        "The variance under your deviation is divided by n. Divide by n − 1, as the page asks.",
        {"values.std()": "values.std(correction=0)"},
    ),
    "small_number_added": (
        "You added a small number to the deviation. Rewards of tiny spread are then not scaled, "
        "and rewards without spread are not refused.",
        {"self.deviation = values.std().item()": "self.deviation = values.std().item() + 1e-5"},
    ),
    "small_number_instead_of_refusal": (
        "You accept rewards without spread. No scale can be measured on them: raise ValueError.",
        {"len(values) < 2 or values.min() == values.max()": "False",
         "self.deviation = values.std().item()":
         "self.deviation = max(values.std(correction=min(1, len(values) - 1)).item(), 1e-8)"},
    ),
    "single_reward_accepted": (
        "You accept a single reward. Its deviation is not known: raise ValueError.",
        {"len(values) < 2 or values.min() == values.max()":
         "len(values) > 1 and values.min() == values.max()"},
    ),
    "squeezed": (
        "You brought the rewards between 0 and 1. Take the mean off and divide by the deviation.",
        {"values.mean().item()": "values.min().item()",
         "values.std().item()": "(values.max() - values.min()).item()"},
    ),
    "clipped": (
        "You limited the scaled rewards to ±1. Nothing is cut off here.",
        {_CALL: "return ((rewards - self.mean) / self.deviation).clamp(-1, 1)"},
    ),
    "median": (
        "You took the median off. Take the mean.",
        {"values.mean()": "values.median()"},
    ),
    "samples_kept": (
        "You kept the samples themselves and measure them at each call. Where somebody changes "
        "that tensor later, your scale changes as well: keep two numbers.",
        {"values = rewards.detach().double()": "values = self.kept = rewards",
         _CALL: "return (rewards - self.kept.mean()) / self.kept.std()"},
    ),
    "sign": (
        "You subtracted the reward from the mean: better texts get a lower reward.",
        {"(rewards - self.mean)": "(self.mean - rewards)"},
    ),
    "changes_rewards": (
        "You changed the rewards in place. Return new ones.",
        {_CALL: "return rewards.sub_(self.mean).div_(self.deviation)"},
    ),
    "mean_distance": (
        "You divided by the mean distance from the mean. The standard deviation is asked for.",
        {"values.std().item()":
         "(values - values.mean()).abs().mean().item()"},
    ),
    "root_mean_square": (
        "You divided by the root of the mean square. The deviation is measured about the "
        "mean.",
        {"values.std().item()":
         "values.square().mean().sqrt().item()"},
    ),
    "largest_size": (
        "You divided by the largest size of a reward. The standard deviation is asked for.",
        {"values.std().item()":
         "values.abs().max().item()"},
    ),
    "mean_anew": (
        "You took each batch's own mean off. Then the mean reward is 0 for ever: use the "
        "first one's mean.",
        {"(rewards - self.mean)":
         "(rewards - rewards.mean())"},
    ),
    "deviation_anew": (
        "You divided by each batch's own deviation. It is measured once and then frozen.",
        {"/ self.deviation":
         "/ (rewards.std() if rewards.numel() > 1 else self.deviation)"},
    ),
    "millionth_added": (
        "You added a millionth to the deviation. Rewards whose spread is as tiny are then "
        "scaled to another size.",
        {"/ self.deviation":
         "/ (self.deviation + 1e-6)"},
    ),
    "near_equals_refused": (
        "You refuse rewards that differ by little. Only equal ones have no scale.",
        {"values.min() == values.max()":
         "values.std() < 1e-4"},
    ),
    "two_refused": (
        "You refuse two rewards that differ. They have a deviation.",
        {"len(values) < 2":
         "len(values) < 3"},
    ),
    "multiplied": (
        "You multiplied by the deviation. Divide.",
        {"/ self.deviation":
         "* self.deviation"},
    ),
    "mean_after_division": (
        "You divided the rewards before you took the mean off, which is in the old unit.",
        {"(rewards - self.mean) / self.deviation":
         "rewards / self.deviation - self.mean"},
    ),
    "list_returned": (
        "You returned a list. A tensor of the rewards' shape is asked for.",
        {"return (rewards - self.mean) / self.deviation":
         "return [(float(r) - self.mean) / self.deviation for r in rewards.flatten()]"},
    ),
    "deviation_of_zero": (
        "You looked for a deviation of 0. The mean of equal rewards is rounded, and their "
        "deviation then a hair above 0: compare the largest reward with the smallest.",
        {"values = rewards.detach().double()":
         "values = rewards.detach()",
         "values.min() == values.max()":
         "values.std() == 0"},
    ),
    "measured_anew_of_one_too": (
        "You measured mean and deviation anew on every batch. Then the reward can never "
        "rise: each batch has mean 0, a batch of one no deviation, and the weight of the KL "
        "means something else every time.",
        {"return (rewards - self.mean) / self.deviation":
         "return (rewards - rewards.mean()) / rewards.std()"},
    ),
    "mean_follows": (
        "You let the mean follow the batches. It is measured once and then frozen.",
        {"return (rewards - self.mean) / self.deviation":
         "self.mean = 0.9 * self.mean + 0.1 * rewards.mean().item()\n        return (rewards "
         "- self.mean) / self.deviation"},
    ),
    "hundred_millionth_added": (
        "You added a small number to the deviation, 1e-8 perhaps. Rewards whose spread is "
        "tiny too are then scaled to another size; equal ones are refused, so that it is not "
        "needed.",
        {"/ self.deviation":
         "/ (self.deviation + 1e-8)"},
    ),
    "deviation_of_zero_alone": (
        "You looked for a deviation of 0 alone. A single reward has none, which is not 0; "
        "and where all are equal their mean is rounded, and the deviation often a hair above "
        "0. Ask for two rewards at least, and compare the smallest with the largest.",
        {"values = rewards.detach().double()":
         "values = rewards.detach()",
         "len(values) < 2 or values.min() == values.max()":
         "values.std() == 0"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    RewardScale.slip(_name, _message, _edits)

RewardScale.equivalent(
    "`if len(rewards) < 2 or rewards.min() == rewards.max():` → "
    "`if len(rewards) < 1 or rewards.min() == rewards.max():`",
    because="the smallest of a single reward is also its largest",
)

RewardScale.hint("What is measured where: in `__init__`, or in `__call__`?")
RewardScale.hint("Two plain numbers are all that is kept.")
RewardScale.hint("Are all equal? Compare the smallest with the largest: a deviation is rounded.",
                 when="is not taken in by rounding where all rewards are equal")  # fmt: skip
RewardScale.hint("When is a standard deviation not known, and when is it 0?",
                 when="refuses samples without spread, and a single one")  # fmt: skip
