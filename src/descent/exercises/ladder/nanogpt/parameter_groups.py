"""How `parameter_groups` is judged."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

parameter_groups = Exercise(
    "parameter_groups", minutes=12, difficulty=2, changes=("model",), returns=list[dict]
)


class _Kinds(nn.Module):
    """One parameter of every kind, each of another size, so that a size names it."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(5, 3)  # 15
        self.inner = nn.Linear(3, 7)  # 21, bias 7
        self.norm = nn.LayerNorm(4, bias=False)  # 4
        self.kernel = nn.Conv1d(2, 3, 5)  # 30, bias 3
        self.bias = nn.Parameter(torch.ones(2, 4))  # 8: a matrix, whatever it is called
        self.scale = nn.Parameter(torch.ones(()))  # 1, no axis at all
        self.frozen = nn.Parameter(torch.ones(9, 1), requires_grad=False)
        self.frozen_gain = nn.Parameter(torch.ones(11), requires_grad=False)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.tokens.weight

    def __repr__(self) -> str:
        return "a model with a tied table, a linear layer, a norm, a kernel and a frozen matrix"


_DECAYED, _SPARED, _FROZEN = [8, 15, 21, 30], [1, 3, 4, 7], [9, 11]  # sizes


def _groups(answer, model: nn.Module, decay: float = 0.1) -> list[list[Any]]:
    """The parameters of the two groups; nothing where there are not two."""
    groups = [list(group["params"]) for group in answer(model, decay)]
    expect(len(groups), "the number of groups").equals(2)
    return groups if len(groups) == 2 else []


def _sizes(group: list[Any], known: list[int]) -> list[int]:
    """The sizes of the known parameters that a group holds, each once."""
    return sorted({parameter.numel() for parameter in group} & set(known))


@parameter_groups.property("puts two axes or more into the first group, all else into the second")
def _(answer, draw: Draw) -> None:
    if groups := _groups(answer, _Kinds()):
        known = [*_DECAYED, *_SPARED]
        first, second = (_sizes(group, known) for group in groups)
        expect(first, "the sizes of the parameters in the first group").equals(_DECAYED)
        expect(second, "the sizes of the parameters in the second group").equals(_SPARED)


@parameter_groups.property("has every trained parameter exactly once, a shared one too")
def _(answer, draw: Draw) -> None:
    held = [parameter.numel() for group in _groups(answer, _Kinds()) for parameter in group]
    for size in sorted([*_DECAYED, *_SPARED]):
        words = f"how many times the parameter of {size} numbers is there"
        expect(held.count(size), words).equals(1)


@parameter_groups.property("leaves out what is frozen")
def _(answer, draw: Draw) -> None:
    model = _Kinds()
    held = [parameter for group in _groups(answer, model) for parameter in group]
    expect(_sizes(held, _FROZEN), "the sizes of the frozen parameters in a group").equals([])
    frozen = [p.numel() for p in model.parameters() if not p.requires_grad]
    expect(frozen, "the sizes of the frozen parameters of the model afterwards").equals(_FROZEN)


@parameter_groups.property("holds the parameters themselves")
def _(answer, draw: Draw) -> None:
    model = _Kinds()
    own = {id(parameter) for parameter in model.parameters()}
    held = [parameter for group in _groups(answer, model) for parameter in group]
    strange = sum(id(parameter) not in own for parameter in held)
    expect(strange, "how many of what the groups hold are no parameters of the model").equals(0)


@parameter_groups.property("gives the first group the decay, and the second none", trials=4)
def _(answer, draw: Draw) -> None:
    decay = 0.0 if draw.size == 3 else draw.uniform(0.05, 0.5)
    groups = answer(_Kinds(), decay)
    rates = [float(group.get("weight_decay", math.nan)) for group in groups]
    expect(rates, "the weight decay of each group").close_to([decay, 0.0], atol=1e-8)


@parameter_groups.property("keeps a group that is empty")
def _(answer, draw: Draw) -> None:
    for model, wanted in ((nn.Linear(2, 3, bias=False), [1, 0]), (nn.LayerNorm(3), [0, 2])):
        sizes = [len(group["params"]) for group in answer(model, 0.1)]
        expect(sizes, "how many parameters each group holds").equals(wanted)


@parameter_groups.right
def right_groups(model, decay):
    trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    matrices = [weight for name, weight in trained if weight.dim() >= 2]
    vectors = [weight for name, weight in trained if weight.dim() < 2]
    groups = [
        {"params": matrices, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return groups


parameter_groups.slip(
    "everything_decays",
    "Everything decays, gains and biases too. A gain that decays pulls its norm towards "
    "silence: put what has fewer than two axes in the second group.",
    {"weight.dim() >= 2": "True", "weight.dim() < 2": "False"},
)
parameter_groups.slip(
    "chosen_by_name",
    "You chose by the name 'bias'. The gain of a norm is called weight, and a matrix may be "
    "called anything: count the axes.",
    {"weight.dim() >= 2": "not name.endswith('bias')", "weight.dim() < 2": "name.endswith('bias')"},
)
parameter_groups.slip(
    "chosen_by_weight",
    "You chose by the name 'weight'. The gain of a norm is called that too, and a matrix may "
    "be called anything: count the axes.",
    {
        "weight.dim() >= 2": "name.endswith('weight')",
        "weight.dim() < 2": "not name.endswith('weight')",
    },
)
parameter_groups.slip(
    "two_axes_exactly",
    "You take exactly two axes. The kernel of a convolution has three or four and decays "
    "too: dim() >= 2.",
    {"weight.dim() >= 2": "weight.dim() == 2", "weight.dim() < 2": "weight.dim() != 2"},
)
parameter_groups.slip(
    "more_than_two_axes",
    "Matrices have two axes, and you take more than two: dim() >= 2.",
    {"weight.dim() >= 2": "weight.dim() > 2", "weight.dim() < 2": "weight.dim() <= 2"},
)
parameter_groups.slip(
    "from_one_axis_on",
    "Gains and biases have one axis and decay. The first group begins with two axes: dim() >= 2.",
    {"weight.dim() >= 2": "weight.dim() >= 1", "weight.dim() < 2": "weight.dim() < 1"},
)
parameter_groups.slip(
    "one_axis_exactly",
    "A parameter without any axis, a single number, is in no group. The second holds all others: "
    "dim() < 2.",
    {"weight.dim() < 2": "weight.dim() == 1"},
)
parameter_groups.slip(
    "kernels_lost",
    "The kernel of a convolution, with three axes, is in no group. The first holds two axes and "
    "more: dim() >= 2.",
    {"weight.dim() >= 2": "weight.dim() == 2"},
)
parameter_groups.slip(
    "tables_spared",
    "The table is spared. In nanoGPT every matrix decays, tables included.",
    {
        "weight.dim() >= 2": "weight.dim() >= 2 and 'tokens' not in name",
        "weight.dim() < 2": "weight.dim() < 2 or 'tokens' in name",
    },
)
parameter_groups.slip(
    "tied_twice",
    "The tied table is there twice, and would be moved twice a step. model.parameters() "
    "gives each Parameter once; walking through modules or with remove_duplicate=False does "
    "not.",
    {"named_parameters()": "named_parameters(remove_duplicate=False)"},
)
parameter_groups.slip(
    "frozen_included",
    "A frozen parameter is in a group. Leave out what has requires_grad False.",
    {" if weight.requires_grad]": "]"},
)
parameter_groups.slip(
    "groups_swapped",
    "The groups have changed contents: gains and biases decay, and matrices do not.",
    {
        'matrices, "weight_decay": decay': 'vectors, "weight_decay": decay',
        'vectors, "weight_decay": 0.0': 'matrices, "weight_decay": 0.0',
    },
)
parameter_groups.slip(
    "spared_group_first",
    "The groups come in the other order. First the one that decays, then the one that does not.",
    {"return groups": "return groups[::-1]"},
)
parameter_groups.slip(
    "same_decay_for_both",
    "Both groups have the same decay. The second has 0.",
    {'"weight_decay": 0.0': '"weight_decay": decay'},
)
parameter_groups.slip(
    "usual_decay",
    "The first group decays by 0.1 whatever was given. Pass `decay` on.",
    {'"weight_decay": decay': '"weight_decay": 0.1'},
)
parameter_groups.slip(
    "zero_replaced",
    "A decay of 0 becomes another number. `decay or …` takes 0 for nothing: pass `decay` on as it "
    "is.",
    {'"weight_decay": decay': '"weight_decay": decay or 0.1'},
)
parameter_groups.slip(
    "zero_left_out",
    "The second group does not say its decay, and AdamW then uses its own default, 0.01. "
    "Write weight_decay=0.0.",
    {', "weight_decay": 0.0': ""},
)
parameter_groups.slip(
    "copied_parameters",
    "The group holds copies. An optimiser moves what it holds: hand it the parameters themselves.",
    {"matrices = [weight for": "matrices = [nn.Parameter(weight.detach().clone()) for"},
)
parameter_groups.slip(
    "empty_group_dropped",
    "An empty group is missing. The page asks for two groups always, in this order.",
    {"return groups": 'return [group for group in groups if group["params"]]'},
)


parameter_groups.hint("One list for two axes and more, one for the rest. Which to leave out?")
parameter_groups.hint("`[p for p in model.parameters() if p.requires_grad and p.dim() >= 2]`.")
parameter_groups.hint("A group is a dictionary with the keys 'params' and 'weight_decay'.", "error")
parameter_groups.hint("Print the shapes in each group.", when="value")
