"""How `group_advantages` is judged: each group by itself, with Python's statistics."""

from __future__ import annotations

import statistics

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

group_advantages = Exercise("group_advantages", minutes=15, difficulty=2, returns=Tensor)


def _one_by_one(rewards: Tensor, prompts: Tensor) -> list[float]:
    values, ids = rewards.double().tolist(), prompts.tolist()
    found = []
    for value, prompt in zip(values, ids, strict=True):
        group = [v for v, p in zip(values, ids, strict=True) if p == prompt]
        equal = max(group) == min(group)
        found.append(0.0 if equal else (value - statistics.fmean(group)) / statistics.pstdev(group))
    return found


def _expect_advantages(answer, rewards: Tensor, prompts: Tensor) -> None:
    found = answer(rewards, prompts)
    expect(found, "the advantages").has_shape(len(rewards)).is_finite().close_to(
        _one_by_one(rewards, prompts), rtol=1e-3, atol=1e-4
    )


def _groups(draw: Draw, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """Groups of these sizes in any order, under numbers of prompts that have gaps."""
    numbers = draw.rng.permutation(40)[: len(sizes)]
    prompts = [int(number) for number, size in zip(numbers, sizes, strict=True)
               for _ in range(size)]  # fmt: skip
    order = draw.rng.permutation(len(prompts))
    level = dict(zip(numbers.tolist(), draw.normal(len(sizes), scale=4.0), strict=True))
    rewards = [level[p] + draw.normal() for p in prompts]
    pick = torch.tensor(order)
    return torch.tensor(rewards).float()[pick], torch.tensor(prompts)[pick]


@group_advantages.property("compare a completion with others of its prompt", trials=6)
def _(answer, draw: Draw) -> None:
    sizes = [draw.integers(2, 6) for _ in range(1 + min(draw.size, 5))]
    _expect_advantages(answer, *_groups(draw, sizes))


@group_advantages.property("of a group that all got the same are 0", trials=3)
def _(answer, draw: Draw) -> None:
    rewards, prompts = _groups(draw, [3, 4, 2])
    rewards[prompts == prompts[0]] = draw.choice([0.0, 0.1, -0.7, 2.0])
    _expect_advantages(answer, rewards, prompts)


@group_advantages.property("are 0 for equal rewards, however their mean is rounded", trials=2)
def _(answer, draw: Draw) -> None:
    # In float32 the mean of seven equal numbers is often another number than they are.
    values = [draw.uniform(-3.0, 3.0) for _ in range(24)]
    sizes = [draw.choice([5, 6, 7, 9]) for _ in values]
    prompts = torch.tensor([k for k, size in enumerate(sizes) for _ in range(size)])
    rewards = torch.tensor(values, dtype=torch.float32)[prompts]
    expect(answer(rewards, prompts), "the advantages").has_shape(len(prompts)).close_to(
        torch.zeros(len(prompts)), atol=1e-4
    )


@group_advantages.property("of a prompt with one completion are 0", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_advantages(answer, *_groups(draw, [1, 3, 1]))
    _expect_advantages(answer, torch.tensor([draw.normal()]), torch.tensor([7]))


@group_advantages.property("do not depend on the reward's scale", trials=3)
def _(answer, draw: Draw) -> None:
    rewards, prompts = _groups(draw, [4, 3])
    for scale in (1e-3, 50.0):
        _expect_advantages(answer, rewards * scale, prompts)


@group_advantages.property("go with prompts in any order", trials=2)
def _(answer, draw: Draw) -> None:
    rewards = torch.tensor([1.0, 5.0, 2.0, 9.0, 4.0, 5.0])
    _expect_advantages(answer, rewards, torch.tensor([3, 11, 3, 11, 3, 11]))


@group_advantages.right
def right_advantages(rewards, prompts):
    found = torch.zeros_like(rewards)
    for prompt in prompts.unique():
        group = prompts == prompt
        values = rewards[group]
        if values.max() > values.min():
            spread = values.std(correction=0)
            found[group] = (values - values.mean()) / spread
    return found


_SLIPS = {
    "whole_batch": (
        "You compared with the whole batch. A completion is compared with others of the same "
        "prompt: some prompts are easier than others.",
        {"group = prompts == prompt": "group = torch.ones_like(prompts, dtype=torch.bool)"},
    ),
    "batch_deviation": (
        "You divided by the deviation of the whole batch. Each group has its own.",
        {"spread = values.std(correction=0)": "spread = rewards.std(correction=0)"},
    ),
    "batch_mean": (
        "You took the mean of the whole batch off. Each group has its own.",
        {"values - values.mean()": "values - rewards.mean()"},
    ),
    "mean_alone": (
        "You took the mean off and did not divide by the deviation.",
        {"(values - values.mean()) / spread": "values - values.mean()"},
    ),
    "divided_alone": (
        "You divided by the deviation and did not take the mean off.",
        {"(values - values.mean()) / spread": "values / spread"},
    ),
    "sample_deviation": (
        "The variance under your deviation is divided by the group's size less one. Divide by "
        "the "
        "size, as the page asks.",
        {"values.std(correction=0)": "values.std()"},
    ),
    "variance": (
        "You divided by the variance. Take its root.",
        {"values.std(correction=0)": "values.var(correction=0)"},
    ),
    "equal_group_nan": (
        "A group that all got the same divided 0 by 0. Nothing can be learned from it: its "
        "advantages are 0.",
        {"if values.max() > values.min():": "if True:"},
    ),
    "single_completion_kept": (
        "A prompt with one completion got an advantage. There is nothing to compare it with: 0.",
        {"    return found":
         "    for prompt in prompts.unique():\n"
         "        if (prompts == prompt).sum() == 1:\n"
         "            found[prompts == prompt] = rewards[prompts == prompt]\n"
         "    return found"},
    ),
    "small_number_added": (
        "You added a number to the deviation that is not small beside it. Groups whose rewards "
        "are close together then count less.",
        {"spread = values.std(correction=0)": "spread = values.std(correction=0) + 0.01"},
    ),
    "best_left_out": (
        "You compared each completion with the best of its group. The mean is the baseline.",
        {"values - values.mean()": "values - values.max()"},
    ),
    "median": (
        "You took the median off. The mean is the baseline.",
        {"values - values.mean()": "values - values.median()"},
    ),
    "leave_one_out": (
        "You compared each completion with the mean of the *others*. Here it is part of the "
        "mean.",
        {"values - values.mean()":
         "values - (values.sum() - values) / max(len(values) - 1, 1)"},
    ),
    "sorted_by_prompt": (
        "Your advantages come back sorted by prompt. They belong to the completions as given.",
        {"return found": "return found[prompts.argsort(stable=True)]"},
    ),
    "neighbours": (
        "You took neighbours for a group, as if the batch were sorted by prompt. Go by "
        "`prompts`.",
        {"group = prompts == prompt":
         "group = (prompts.sort().values == prompt)"},
    ),
    "sign": (
        "The sign is wrong: the better completion has the higher advantage.",
        {"(values - values.mean())": "(values.mean() - values)"},
    ),
    "ranks": (
        "You used ranks. How much better a completion is counts too.",
        {"values = rewards[group]": "values = rewards[group].argsort().argsort().float() "
         "if rewards[group].max() > rewards[group].min() else rewards[group]"},
    ),
    "thousandth_added": (
        "You added a thousandth to the deviation. Groups whose rewards are close together "
        "then count less.",
        {"values.std(correction=0)":
         "values.std(correction=0) + 1e-3"},
    ),
    "equal_group_keeps": (
        "A group that all got the same kept its rewards. Nothing can be learned from it: its "
        "advantages are 0.",
        {"torch.zeros_like(rewards)":
         "rewards.clone()"},
    ),
    "by_the_range": (
        "You divided by the range of the group. Its standard deviation is asked for.",
        {"values.std(correction=0)":
         "values.max() - values.min()"},
    ),
    "mean_distance": (
        "You divided by the mean distance from the mean. The standard deviation is asked for.",
        {"values.std(correction=0)":
         "(values - values.mean()).abs().mean()"},
    ),
    "normalised_twice": (
        "You normalised the whole batch once more at the end. Each group has mean 0 already.",
        {"return found":
         "return (found - found.mean()) / (found.std() + 1e-8) if len(found) > 1 else found"},
    ),
    "best_alone": (
        "You gave 1 to the best and 0 to the others. How far a completion lies from the mean "
        "counts.",
        {"(values - values.mean()) / spread":
         "(values == values.max()).float()"},
    ),
    "brought_between": (
        "You brought each group between 0 and 1. Take the mean off and divide by the "
        "deviation.",
        {"(values - values.mean()) / spread":
         "(values - values.min()) / (values.max() - values.min())"},
    ),
    "softmax": (
        "You took a softmax. Take the mean off and divide by the deviation.",
        {"(values - values.mean()) / spread":
         "values.softmax(0)"},
    ),
    "limited": (
        "You limited the distances from the mean to ±1. Nothing is cut off here.",
        {"(values - values.mean()) / spread":
         "(values - values.mean()).clamp(-1, 1) / spread"},
    ),
    "root_mean_square": (
        "You divided by the root of the mean square. The deviation is measured about the "
        "mean.",
        {"values.std(correction=0)":
         "values.square().mean().sqrt()"},
    ),
    "one_for_each_prompt": (
        "You gave one number for each prompt. One for each completion is asked for.",
        {"return found":
         "return torch.stack([found[prompts == prompt].mean() for prompt in prompts.unique()])"},
    ),
    "groups_in_a_row": (
        "Where the batch divides evenly you took neighbours for a group, all of one size. Go "
        "by `prompts`.",
        {"    found = torch":
         "    many = len(prompts.unique())\n    if len(rewards) % many == 0 and len(rewards) > "
         "many:\n        rows = rewards.view(many, -1)\n        return ((rows - rows.mean(1, "
         "keepdim=True)) / (rows.std(1, correction=0, keepdim=True) + 1e-9)).flatten()\n    "
         "found = torch"},
    ),
    "small_number_for_a_test": (
        "A group of equal rewards got advantages that are not 0. The mean of equal numbers "
        "is rounded, and often another number than they are; then the deviation is not 0 "
        "either. Compare the largest reward with the smallest.",
        {"if values.max() > values.min():":
         "if True:",
         "values.std(correction=0)":
         "values.std(correction=0) + 1e-8"},
    ),
    "deviation_of_zero": (
        "A group of equal rewards got advantages that are not 0. The mean of equal numbers "
        "is rounded, and often another number than they are; then the deviation is not 0 "
        "either. Compare the largest reward with the smallest."
        " Neither a test for a deviation of 0 nor clearing NaN away sees that.",
        {"if values.max() > values.min():":
         "if values.std(correction=0) > 0:"},
    ),
    "near_equals_are_equal": (
        "You took a group for equal because its deviation is small. Rewards may be small: "
        "only where all are equal the advantages are 0.",
        {"if values.max() > values.min():":
         "if values.std(correction=0) > 1e-3:"},
    ),
    "ten_thousandth_added": (
        "You added 1e-4 to the deviation. Where rewards are small that is not far below it, "
        "and the group counts less.",
        {"values.std(correction=0)":
         "values.std(correction=0) + 1e-4"},
    ),
    "millionth_added": (
        "You added 1e-6 to the deviation. Where rewards are small that is not far below it, "
        "and the group counts less.",
        {"values.std(correction=0)":
         "values.std(correction=0) + 1e-6"},
    ),
    "runs_of_a_prompt": (
        "You took completions that stand in a row for a group. Those of a prompt may stand "
        "anywhere: go by `prompts`.",
        {"    found = torch":
         "    many = torch.unique_consecutive(prompts, return_counts=True)[1].tolist()\n    "
         "prompts = torch.arange(len(many)).repeat_interleave(torch.tensor(many))\n    found "
         "= torch"},
    ),
    "prompts_from_zero": (
        "You took the prompts for 0, 1, 2, …. Their numbers may have gaps: go through those "
        "that there are.",
        {"for prompt in prompts.unique():":
         "for prompt in range(len(prompts.unique())):",
         "if values.max() > values.min():":
         "if len(values) and values.max() > values.min():"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    group_advantages.slip(_name, _message, _edits)

group_advantages.hint("`prompts == prompt` marks the places of one group, wherever they are.")
group_advantages.hint("What can be learned from a group that all got the same reward?")
group_advantages.hint("Equal rewards: compare largest and smallest: a mean is rounded.",
                      when="are 0 for equal rewards, however their mean is rounded")  # fmt: skip
group_advantages.hint("Rewards 1, 2, 4 of one prompt: mean 7/3, deviation 1.25.", when="value")
