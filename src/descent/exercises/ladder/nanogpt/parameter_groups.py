"""How `parameter_groups` is judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

parameter_groups = Exercise("parameter_groups", minutes=12, difficulty=2, changes=("model",))


class _Kinds(nn.Module):
    """One parameter of every kind, each of another size, so that a size names it."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5, 3)  # 15
        self.inner = nn.Linear(3, 7)  # 21, bias 7
        self.norm = nn.LayerNorm(4)  # 4, 4
        self.kernel = nn.Conv1d(2, 3, 5)  # 30, bias 3
        self.bias = nn.Parameter(torch.ones(2, 4))  # 8: a matrix, whatever it is called
        self.scale = nn.Parameter(torch.ones(()))  # 1, no axis at all
        self.frozen = nn.Parameter(torch.ones(9, 1), requires_grad=False)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.tokens.weight

    def __repr__(self) -> str:
        return "a model with a tied table, a linear layer, a norm, a kernel and a frozen matrix"


def _places_of(model: nn.Module, group: dict[str, Any]) -> list[int]:
    """Which of the model's parameters a group holds, by their place in model.parameters()."""
    ids = [id(parameter) for parameter in model.parameters()]
    return sorted(
        ids.index(id(parameter)) if id(parameter) in ids else -1 for parameter in group["params"]
    )


def _groups(answer, model: nn.Module, decay: float) -> list[dict[str, Any]]:
    groups = [{**group, "params": list(group["params"])} for group in answer(model, decay)]
    expect(len(groups), "the number of groups").equals(2)
    return groups


def _wanted(model: nn.Module) -> tuple[list[int], list[int]]:
    kinds = [(i, p.dim()) for i, p in enumerate(model.parameters()) if p.requires_grad]
    return [i for i, axes in kinds if axes >= 2], [i for i, axes in kinds if axes < 2]


@parameter_groups.property("puts matrices, tables and kernels first, and all else second")
def _(answer, draw: Draw) -> None:
    model = _Kinds()
    groups = _groups(answer, model, 0.1)
    if len(groups) == 2:
        decayed, spared = (_places_of(model, group) for group in groups)
        matrices, vectors = _wanted(model)
        words = "as places in list(model.parameters())"
        expect(decayed, f"the parameters of the first group, {words}").equals(matrices)
        expect(spared, f"the parameters of the second group, {words}").equals(vectors)


@parameter_groups.property("gives the first group the decay, and the second none", trials=3)
def _(answer, draw: Draw) -> None:
    decay = draw.uniform(0.05, 0.5)
    groups = _groups(answer, _Kinds(), decay)
    rates = [float(group.get("weight_decay", math.nan)) for group in groups]
    expect(rates, "the weight decay of each group").close_to([decay, 0.0], atol=1e-8)


@parameter_groups.property("has every trained parameter exactly once")
def _(answer, draw: Draw) -> None:
    model = _Kinds()
    groups = _groups(answer, model, 0.1)
    places = sorted(place for group in groups for place in _places_of(model, group))
    expect(places, "all parameters held, as places in list(model.parameters())").equals(
        sorted(sum(_wanted(model), []))
    )


@parameter_groups.property("keeps an empty group, and holds the parameters themselves")
def _(answer, draw: Draw) -> None:
    for model in (nn.Linear(2, 3, bias=False), nn.LayerNorm(3)):
        groups = _groups(answer, model, 0.1)
        sizes = [len(group["params"]) for group in groups]
        matrix = isinstance(model, nn.Linear)
        expect(sizes, "how many parameters each group holds").equals([1, 0] if matrix else [0, 2])


def _grouped(model, decay, **habits):
    named = list(model.named_parameters(remove_duplicate=not habits.get("twice")))
    if not habits.get("frozen"):
        named = [(name, weight) for name, weight in named if weight.requires_grad]

    def decays(name: str, weight: Tensor) -> bool:
        if habits.get("everything"):
            return True
        if habits.get("by_name"):
            return not name.endswith("bias")
        if habits.get("by_weight"):
            return name.endswith("weight")
        if habits.get("linear_only"):
            return weight.dim() == 2
        if habits.get("without_tables"):
            return weight.dim() >= 2 and "tokens" not in name
        return weight.dim() >= 2

    chosen = [weight for name, weight in named if decays(name, weight)]
    rest = [weight for name, weight in named if not decays(name, weight)]
    if habits.get("swapped"):
        chosen, rest = rest, chosen
    if habits.get("copies"):
        chosen = [nn.Parameter(weight.detach().clone()) for weight in chosen]
    spared = decay if habits.get("same_decay") else 0.0
    groups = [{"params": chosen, "weight_decay": decay}, {"params": rest, "weight_decay": spared}]
    if habits.get("no_zero"):
        del groups[1]["weight_decay"]
    if habits.get("dropped"):
        groups = [group for group in groups if group["params"]]
    return groups


def _grouping(name, habit):
    def answer(model, decay):
        return _grouped(model, decay, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "everything_decays", "everything",
        "Everything decays, gains and biases too. A gain that decays pulls its norm towards "
        "silence: put what has fewer than two axes in the second group.",
    ),
    (
        "chosen_by_name", "by_name",
        "You chose by the name 'bias'. The gain of a norm is called weight, and a matrix may be "
        "called anything: count the axes.",
    ),
    (
        "chosen_by_weight", "by_weight",
        "You chose by the name 'weight'. The gain of a norm is called that too, and a matrix may "
        "be called anything: count the axes.",
    ),
    (
        "two_axes_exactly", "linear_only",
        "You take exactly two axes. The kernel of a convolution has three or four and decays "
        "too: dim() >= 2.",
    ),
    (
        "tables_spared", "without_tables",
        "The table is spared. In nanoGPT every matrix decays, tables included.",
    ),
    (
        "tied_twice", "twice",
        "The tied table is there twice, and would be moved twice a step. model.parameters() "
        "gives each Parameter once; walking through modules or with remove_duplicate=False does "
        "not.",
    ),
    (
        "frozen_included", "frozen",
        "A frozen parameter is in a group. Leave out what has requires_grad False.",
    ),
    (
        "groups_swapped", "swapped",
        "The groups have changed contents: gains and biases decay, and matrices do not.",
    ),
    (
        "same_decay_for_both", "same_decay",
        "Both groups have the same decay. The second has 0.",
    ),
    (
        "zero_left_out", "no_zero",
        "The second group does not say its decay, and AdamW then uses its own default, 0.01. "
        "Write weight_decay=0.0.",
    ),
    (
        "copied_parameters", "copies",
        "The group holds copies. An optimiser moves what it holds: hand it the parameters "
        "themselves.",
    ),
    (
        "empty_group_dropped", "dropped",
        "An empty group is missing. The page asks for two groups always, in this order.",
    ),
):  # fmt: skip
    parameter_groups.mistake(_message)(_grouping(_name, _habit))


parameter_groups.hint("One list for two axes and more, one for the rest. Which to leave out?")


parameter_groups.hint("`[p for p in model.parameters() if p.requires_grad and p.dim() >= 2]`.")


parameter_groups.hint("A group is a dictionary with the keys 'params' and 'weight_decay'.", "error")


parameter_groups.hint("Print the shapes in each group.", when="value")
