"""How `selectivity` is judged: with probes that note what they were shown."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

selectivity = Exercise(
    "selectivity",
    minutes=30,
    difficulty=3,
    changes=("generator", "fit"),
    returns=tuple[float, float],
)


class _Probe:
    """Remembers every row that it was fitted on; says the label of the nearest."""

    def __init__(self) -> None:
        self.fitted: list[tuple[Tensor, Tensor]] = []
        self.asked: list[Tensor] = []

    def __call__(self, acts: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
        acts, labels = acts.detach().clone(), labels.detach().clone()
        self.fitted.append((acts, labels))

        def predict(rows: Tensor) -> Tensor:
            self.asked.append(rows.detach().clone())
            return labels[torch.cdist(rows.float(), acts.float()).argmin(dim=1)]

        return predict

    def __repr__(self) -> str:
        return "a fit that remembers"


def _case(draw: Draw, kinds: int = 12, classes: int = 3, noise: float = 0.01, each: int = 8):
    """Activations that say the type and nothing else; labels that follow from the type."""
    types = torch.arange(kinds).repeat(each)
    places = normals(draw, kinds, 6) + 3 * torch.eye(kinds)[:, :6]
    places = torch.cat([places, 3 * torch.eye(kinds)], dim=1)
    acts = places[types] + noise * normals(draw, len(types), 6 + kinds)
    of_type = torch.tensor(draw.rng.permutation(kinds)) % classes
    labels = of_type[types]
    order = torch.tensor(draw.rng.permutation(len(types)))
    held = torch.zeros(len(types), dtype=torch.bool)
    held[torch.tensor(draw.rng.permutation(len(types)))[: len(types) // 3]] = True
    types = types[order]
    for kind in range(kinds):  # every type occurs among the others
        rows = (types == kind).nonzero()[:, 0]
        held[rows[0]] &= not bool(held[rows].all())
    return acts[order], labels[order], _named(types), held


def _named(types: Tensor) -> Tensor:
    """Any numbers for types 0, 1, …"""
    return 1000 + 7 * types


@selectivity.property("is the accuracy on held-out rows of a probe fitted on the others", trials=4)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw, noise=1.5)
    probe = _Probe()
    found = answer(acts, labels, types, held, probe, torch_generator(draw.seed()))
    by_hand = _Probe()(acts[~held], labels[~held])(acts[held])
    wanted = float((by_hand == labels[held]).float().mean())
    expect(found[0], "the accuracy").close_to(wanted, atol=1e-6)


@selectivity.property("shows no probe a held-out row", trials=3)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw)
    probe = _Probe()
    answer(acts, labels, types, held, probe, torch_generator(draw.seed()))
    expect(len(probe.fitted), "how many probes were fitted").equals(2)
    for shown, _ in probe.fitted:
        expect(len(shown), "rows that a probe was fitted on").equals(int((~held).sum()))
        seen = sum(bool((shown == row).all(dim=1).any()) for row in acts[held])
        expect(seen, "held-out rows among them").equals(0)


@selectivity.property("gives each type one control label, the same in both parts", trials=3)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw)
    alone = torch.tensor([[90.0] * acts.shape[1]])  # a type of one row
    acts, labels = torch.cat([acts, alone]), torch.cat([labels, labels[:1]])
    types, held = torch.cat([types, types.new_tensor([5])]), torch.cat([held, held[:1] & False])
    found = answer(acts, labels, types, held, _Probe(), torch_generator(draw.seed()))
    # These activations say the type, so a probe that remembers learns any label of types.
    expect(found[1], "the accuracy on the control").close_to(1.0, atol=1e-6)


@selectivity.property("fits the real task first, then the control", trials=2)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw, kinds=120, classes=4, each=4)
    probe = _Probe()
    answer(acts, labels, types, held, probe, torch_generator(draw.seed()))
    expect(len(probe.fitted), "how many probes were fitted").equals(2)
    if len(probe.fitted) == 2:
        real = labels[~held]
        is_real = [
            len(given) == len(real) and bool((given == real).all()) for _, given in probe.fitted
        ]
        expect(is_real, "whether each probe was fitted on the real labels").equals([True, False])


@selectivity.property("draws control labels that do not follow the real ones", trials=2)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw, kinds=120, classes=4, each=4)
    probe = _Probe()
    answer(acts, labels, types, held, probe, torch_generator(draw.seed()))
    if len(probe.fitted) == 2 and len(probe.fitted[1][1]) == int((~held).sum()):
        control, real = probe.fitted[1][1], labels[~held]
        kept = sum(len(control[real == label].unique()) == 1 for label in range(4))
        expect(kept, "classes of 4 whose types all have one control label").equals(0)
        same = float((control == real).float().mean()) <= 0.5
        expect(same, "whether at most half of the control labels are the real ones").equals(True)


@selectivity.property("draws each class in the control as often as types have it", trials=2)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw, kinds=120, classes=2, each=4)
    rare = types < _named(torch.tensor(24))  # a fifth of the types has class 1
    labels = torch.where(rare, 1, 0)
    probe = _Probe()
    answer(acts, labels, types, held, probe, torch_generator(draw.seed()))
    if len(probe.fitted) == 2 and len(probe.fitted[1][1]) == int((~held).sum()):
        control = dict(zip(types[~held].tolist(), probe.fitted[1][1].tolist(), strict=True))
        count = sum(label == 1 for label in control.values())
        often = "too seldom" if count < 14 else "too often" if count > 38 else "about as often"
        name = "how often class 1 comes among the types in the control"
        expect(often, name).equals("about as often")
        expect(count == 24, "whether exactly as many types have class 1 as before").equals(True)


@selectivity.property("is not perfect where activations say nothing", trials=2)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw, each=20)
    empty = normals(draw, *acts.shape)
    found = answer(empty, labels, types, held, _Probe(), torch_generator(draw.seed()))
    expect(found[0], "the accuracy").is_between(0.0, 0.65)
    if not 0.0 <= found[1] <= 0.85:  # which number it is nothing but the draws decides
        expect(found[1], "the accuracy on the control").is_between(0.0, 0.85)


@selectivity.property("draws from the generator it is given, and from no other", trials=1)
def _(answer, draw: Draw) -> None:
    acts, labels, types, held = _case(draw, kinds=40, each=3)
    seed, controls = draw.seed(), []
    for other in (1, 2):
        torch.manual_seed(other)
        probe = _Probe()
        answer(acts, labels, types, held, probe, torch_generator(seed))
        controls.append(probe.fitted[-1][1])
    same = controls[0].shape == controls[1].shape and bool((controls[0] == controls[1]).all())
    expect(same, "whether the same seed gives the same control").equals(True)
    probe = _Probe()
    answer(acts, labels, types, held, probe, torch_generator(seed + 1))
    third = probe.fitted[-1][1]
    same = controls[0].shape == third.shape and bool((controls[0] == third).all())
    expect(same, "whether another seed gives the same control").equals(False)


@selectivity.right
def right_selectivity(acts, labels, types, held, fit, generator):
    kinds, which = types.unique(return_inverse=True)
    own = torch.stack([labels[which == k][0] for k in range(len(kinds))])
    control = own[torch.randperm(len(kinds), generator=generator)][which]

    def accuracy(goal):
        predict = fit(acts[~held], goal[~held])
        return float((predict(acts[held]) == goal[held]).float().mean())

    return accuracy(labels), accuracy(control)


_CONTROL = "own[torch.randperm(len(kinds), generator=generator)][which]"

selectivity.slip(
    "judged_on_what_it_saw",
    "You judged the probe on the rows it was fitted on. One that remembers everything is then "
    "perfect: use the held-out rows.",
    {"(predict(acts[held]) == goal[held])": "(predict(acts[~held]) == goal[~held])"},
)
selectivity.slip(
    "fitted_on_everything",
    "You fitted on all rows, held-out ones among them.",
    {"fit(acts[~held], goal[~held])": "fit(acts, goal)"},
)
selectivity.slip(
    "parts_exchanged",
    "You fitted on the held-out rows, and judged on the others.",
    {"    def accuracy": "    held = ~held\n\n    def accuracy"},
)
selectivity.slip(
    "shuffled_by_row",
    "You shuffled the labels over *rows*. Nobody can learn that, however much a probe remembers, "
    "so the control says nothing: give each *type* one label.",
    {_CONTROL: "labels[torch.randperm(len(labels), generator=generator)]"},
)
selectivity.slip(
    "drawn_for_each_part",
    "You drew the control anew for the held-out rows. A type must keep its label in both parts.",
    {
        "    return accuracy": (
            "    again = own[torch.randperm(len(kinds), generator=generator)][which]\n"
            "    control = torch.where(held, again, control)\n    return accuracy"
        )
    },
)
selectivity.slip(
    "every_class_as_often",
    "You drew every class as often as any other. The control must be as lopsided as the real task, "
    "or the two accuracies cannot be compared: hand out the types' own labels in another order.",
    {
        _CONTROL: (
            "labels.unique()[torch.randint(len(labels.unique()), (len(kinds),), "
            "generator=generator)][which]"
        )
    },
)
selectivity.slip(
    "control_is_the_task",
    "Your control labels are the real ones. Hand them out to the types in another order.",
    {
        _CONTROL: "own[torch.randperm(len(kinds), generator=generator) * 0 + "
        "torch.arange(len(kinds))][which]"
    },
)
selectivity.slip(
    "classes_renamed",
    "You exchanged the names of the classes. Types that belonged together still do: hand the "
    "labels out to the types in another order.",
    {
        _CONTROL: "(labels + 1 + 0 * torch.randint(2, (1,), generator=generator)) % "
        "(labels.max() + 1)"
    },
)
selectivity.slip(
    "difference_returned",
    "You returned the difference in place of the control's accuracy. Both accuracies "
    "are asked for: "
    "a difference of 0.1 means one thing at 0.95 and another at 0.4.",
    {
        "return accuracy(labels), accuracy(control)": (
            "real = accuracy(labels)\n    return real, real - accuracy(control)"
        )
    },
)
selectivity.slip(
    "exchanged",
    "The control comes first in your answer. The real task does.",
    {
        "return accuracy(labels), accuracy(control)": (
            "real, other = accuracy(labels), accuracy(control)\n    return other, real"
        )
    },
)
selectivity.slip(
    "probe_of_the_task_for_both",
    "You judged the real task's probe on the control labels. The control has a probe of its own, "
    "fitted on them.",
    {
        "accuracy(labels), accuracy(control)": (
            "accuracy(labels), float((fit(acts[~held], labels[~held])(acts[held]) == "
            "control[held]).float().mean())"
        )
    },
)
selectivity.slip(
    "share_of_errors",
    "You returned shares of errors. Accuracies are asked for.",
    {"== goal[held]": "!= goal[held]"},
)
selectivity.slip(
    "other_randomness",
    "You drew from torch's own randomness. The generator is given, so that a seed gives the same "
    "control again.",
    {", generator=generator": ""},
)
selectivity.slip(
    "control_by_order",
    "Your control hands the labels out in an order that is the same for every seed. Such an order "
    "may follow the real labels by accident: draw it from the generator.",
    {"torch.randperm(len(kinds), generator=generator)": ("torch.arange(len(kinds) - 1, -1, -1)")},
)

selectivity.slip(
    "classes_renamed_at_random",
    "You handed the names of the classes out to the classes in another order. Types that belonged "
    "together still do: hand the labels out to the types.",
    {
        _CONTROL: (
            "labels.unique()[torch.randperm(len(labels.unique()), generator=generator)]"
            "[labels.unique(return_inverse=True)[1]]"
        )
    },
)
selectivity.slip(
    "control_judged_by_the_task",
    "You judged the control's probe by the real labels. It is to be judged by those that it was "
    "fitted on: the control's.",
    {
        "accuracy(labels), accuracy(control)": (
            "accuracy(labels), float((fit(acts[~held], control[~held])(acts[held]) == "
            "labels[held]).float().mean())"
        )
    },
)
selectivity.slip(
    "fitted_once",
    "You fitted one probe, on the real labels, and judged it on the control's as well. The control "
    "has a probe of its own, fitted on them.",
    {
        "    return accuracy(labels), accuracy(control)": (
            "    given = fit(acts[~held], labels[~held])(acts[held])\n"
            "    return tuple(float((given == goal[held]).float().mean()) "
            "for goal in (labels, control))"
        )
    },
)
selectivity.slip(
    "control_fitted_first",
    "You fitted the control first. The real task comes first.",
    {
        "return accuracy(labels), accuracy(control)": (
            "other = accuracy(control)\n    return accuracy(labels), other"
        )
    },
)
selectivity.slip(
    "types_for_places",
    "You took the types for places in a list from 0 on. They may be any numbers: between them lie "
    "some that no row has, and you handed out labels to those as well. Number the types first.",
    {
        "own = torch.stack([labels[which == k][0] for k in range(len(kinds))])": (
            "own = torch.zeros(int(kinds.max()) + 1, dtype=torch.int64)\n    own[types] = labels"
        ),
        _CONTROL: "own[torch.randperm(len(own), generator=generator)][types]",
    },
)
selectivity.slip(
    "drawn_with_replacement",
    "You drew a label for each type from those that there are. Each label then goes to about as "
    "many types as before, and not to as many: hand out the types' own labels in another order.",
    {
        _CONTROL: "own[torch.randint(len(kinds), (len(kinds),), generator=generator)][which]",
    },
)

_OWN = "own = torch.stack([labels[which == k][{}] for k in range(len(kinds))])"
selectivity.equivalent(
    f"`{_OWN.format('0')}` → `{_OWN.format('-1')}`",
    because="all rows of a type have one label",
)

selectivity.hint("One function: fit on the rows that are not held out, judge on those that are.")
selectivity.hint("The control: each type's label, handed out to the types in another order.")
selectivity.hint("`types.unique(return_inverse=True)` numbers the types from 0.")
selectivity.hint("Could a probe that remembers everything learn your control?", when="value")
