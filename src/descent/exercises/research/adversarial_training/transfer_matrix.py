"""How `transfer_matrix` is judged: beside a count, model by model and example by example."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import token_tensor
from descent.grading import Draw, Exercise, expect

transfer_matrix = Exercise(
    "transfer_matrix", minutes=20, difficulty=2, changes=("models",), returns=Tensor
)

CLASSES = 3


class Shifted(nn.Module):
    """Answers with the number in its column, shifted where the first column says so.

    A picture is a row: what model k answers when it is left alone stands in column k + 1.
    """

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.one_hot(x[:, self.column + 1].long() % CLASSES, CLASSES).float()

    def __repr__(self) -> str:
        return f"model {self.column}"


class _Attack:
    """Adds to each column what the table says for the model that it is made against."""

    def __init__(self, table: np.ndarray) -> None:
        self.table, self.calls = torch.tensor(table, dtype=torch.float32), [0]
        self.handed: list[int] = []
        self.may_differentiate: list[bool] = []

    def __deepcopy__(self, memo: dict) -> _Attack:
        return self

    def __call__(self, model: Shifted, x: Tensor, y: Tensor) -> Tensor:
        self.calls[0] += 1
        self.handed.append(len(x))
        self.may_differentiate.append(torch.is_grad_enabled())
        return x + self.table[model.column][x[:, 0].long()]

    def __repr__(self) -> str:
        return "an attack"


def _case(draw: Draw, models: int, n: int, right: float):
    """Pictures that each model gets right with this chance; the attack moves some answers."""
    y = token_tensor(draw, CLASSES, n)
    wrong = torch.tensor(draw.rng.uniform(size=(n, models)) > right).long()
    answers = (y[:, None] + wrong * (1 + token_tensor(draw, 2, n, models))) % CLASSES
    x = torch.cat([torch.arange(n)[:, None], answers], dim=1).float()
    table = np.zeros((models, n, models + 1))
    table[:, :, 1:] = draw.rng.integers(0, CLASSES, (models, n, models))
    table[:, :, 1:] *= draw.rng.uniform(size=(models, 1, models)) > 0.2
    return [Shifted(k) for k in range(models)], _Attack(table), x, y


def _expected(models, attack, x, y) -> np.ndarray:
    m = len(models)
    kept = [i for i in range(len(x)) if all(int(x[i, k + 1]) == int(y[i]) for k in range(m))]
    out = np.full((m, m), np.nan)
    for a in range(m):
        for b in range(m):
            wrong = [
                (int(x[i, b + 1]) + int(attack.table[a, i, b + 1])) % CLASSES != int(y[i])
                for i in kept
            ]
            if kept:
                out[a, b] = sum(wrong) / len(wrong)
    return out


def _judge(answer, models, attack, x, y) -> None:
    expected = _expected(models, attack, x, y)
    found = answer(models, attack, x, y)
    expect(found, "the matrix").has_shape(len(models), len(models))
    if tuple(found.shape) == expected.shape:
        expect(found, "the matrix").close_to(expected)
    calls, m = attack.calls[0], len(models)
    expect(calls == m, "whether the attack is called once for each model").is_true(
        f"You called the attack {calls} times, for {m} models. One call for each is enough."
    )
    expect(calls, f"calls of the attack, for {m} models,").equals(m)
    kept = int((x[:, 1 : m + 1].long() == y[:, None]).all(dim=1).sum())
    most = max(attack.handed, default=kept)
    expect(most == kept, "whether the attack gets what every model reads rightly").is_true(
        f"Your attack was handed {most} pictures; {kept} are read rightly by every model."
    )
    expect(all(attack.may_differentiate), "whether the attack can take gradients").is_true(
        "You called the attack where no gradients are kept (`no_grad`, or inference mode). An "
        "attack needs them."
    )


@transfer_matrix.property(
    "has a row for each model attacked and a column for each model tested", trials=5
)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_case(draw, draw.integers(2, 5), 10 + 5 * draw.size, 0.95))


@transfer_matrix.property("counts only what every model had right before", trials=5)
def _(answer, draw: Draw) -> None:
    models, attack, x, y = _case(draw, 3, 20 + 5 * draw.size, 0.6)
    x[0, 1:] = y[0].float()  # at least one that all of them have right
    _judge(answer, models, attack, x, y)


@transfer_matrix.property("of one model is its own attack's success", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, *_case(draw, 1, 12 + draw.size, 0.9))


@transfer_matrix.property("is 0 where the attack changes nothing", trials=2)
def _(answer, draw: Draw) -> None:
    models, attack, x, y = _case(draw, 3, 15, 1.0)
    attack.table = torch.zeros_like(attack.table)
    _judge(answer, models, attack, x, y)


@transfer_matrix.right
def right_matrix(models, attack, x, y):
    right = torch.stack([model(x).argmax(dim=1) == y for model in models]).all(dim=0)
    x, y = x[right], y[right]
    rows = []
    for made_for in models:
        moved = attack(made_for, x, y)
        rows.append(torch.stack([(m(moved).argmax(dim=1) != y).float().mean() for m in models]))
    return torch.stack(rows)


_RIGHT = "right = torch.stack([model(x).argmax(dim=1) == y for model in models]).all(dim=0)"

transfer_matrix.slip(
    "transposed",
    "Your rows are the models tested. A row is to be the model that the examples were made "
    "against.",
    {"return torch.stack(rows)": "return torch.stack(rows).T"},
)
transfer_matrix.slip(
    "all_examples",
    "You counted examples that a model had wrong without any attack. Then an attack that does "
    "nothing seems to transfer.",
    {_RIGHT: "right = torch.ones(len(x), dtype=torch.bool)"},
)
transfer_matrix.slip(
    "right_by_one",
    "You kept the examples that *some* model had right. All of them must have: else the columns "
    "count different pictures.",
    {".all(dim=0)": ".any(dim=0)"},
)
transfer_matrix.slip(
    "right_by_the_first",
    "You kept what the first model had right. The others may be wrong on it without any attack.",
    {_RIGHT: "right = models[0](x).argmax(dim=1) == y"},
)
transfer_matrix.slip(
    "still_right",
    "You return the share that is still right. Asked for is the share that became wrong.",
    {"!= y)": "== y)"},
)
transfer_matrix.slip(
    "counts",
    "You return numbers of examples. Divide by how many were kept.",
    {".float().mean()": ".float().sum()"},
)
transfer_matrix.slip(
    "of_all_examples",
    "You divided by all examples, those included that were left out.",
    {"right = torch": "n = len(x)\n    right = torch", ".float().mean()": ".float().sum() / n"},
)
transfer_matrix.slip(
    "attacked_again",
    "You made the examples anew for each model that is tested. Made against another model is "
    "what transfer means.",
    {"moved = attack(made_for, x, y)": "moved = None", "(m(moved)": "(m(attack(m, x, y))"},
)
transfer_matrix.slip(
    "one_attack_a_cell",
    "You made the examples again for every cell. One attack for each model is enough, and the "
    "dearest part of it all.",
    {"moved = attack(made_for, x, y)": "moved = None", "(m(moved)": "(m(attack(made_for, x, y))"},
)
transfer_matrix.slip(
    "clean_diagonal",
    "Your diagonal is 0. A model's own examples belong there: the white box to compare with.",
    {"return torch.stack(rows)": "return torch.stack(rows) * (1 - torch.eye(len(models)))"},
)
transfer_matrix.slip(
    "unattacked", "You tested the models on the pictures as they were.", {"(m(moved)": "(m(x)"}
)
transfer_matrix.slip(
    "disagreement",
    "You compared with what the attacked model says of its example. The label is what counts.",
    {"(m(moved).argmax(dim=1) != y)": "(m(moved).argmax(dim=1) != made_for(moved).argmax(dim=1))"},
)
transfer_matrix.slip(
    "only_what_succeeded",
    "You counted among the examples that had broken the model they were made against. Asked for "
    "is the share of all that were kept.",
    {
        "(m(moved).argmax(dim=1) != y).float().mean()": (
            "((m(moved).argmax(dim=1) != y) & (made_for(moved).argmax(dim=1) != y)).float().mean()"
        )
    },
)

transfer_matrix.slip(
    "attack_without_gradients",
    "You called the attack under `no_grad`. An attack takes gradients: put only the counting under "
    "it.",
    {
        "        moved = attack(made_for, x, y)\n": (
            "        with torch.no_grad():\n            moved = attack(made_for, x, y)\n"
        )
    },
)
transfer_matrix.slip(
    "attacked_before_leaving_out",
    "You attacked all pictures and left some out afterwards. Only pictures that every model reads "
    "rightly are attacked: the attack is the dear part.",
    {
        "    x, y = x[right], y[right]\n": "    kept = y[right]\n",
        "moved = attack(made_for, x, y)": "moved = attack(made_for, x, y)[right]",
        "(m(moved).argmax(dim=1) != y)": "(m(moved).argmax(dim=1) != kept)",
    },
)
transfer_matrix.slip(
    "right_by_the_attacked",
    "In each row you kept what the attacked model had right. Every model must have: the others may "
    "be wrong on it without any attack.",
    {
        "    x, y = x[right], y[right]\n": "    everything = x, y\n",
        "        moved = attack": (
            "        x, y = everything\n"
            "        right = made_for(x).argmax(dim=1) == y\n"
            "        x, y = x[right], y[right]\n"
            "        moved = attack"
        ),
    },
)
transfer_matrix.slip(
    "right_by_the_pair",
    "In each cell you counted what its two models had right. *Every* model must have: else the "
    "cells count different pictures.",
    {
        "    x, y = x[right], y[right]\n": "",
        "(m(moved).argmax(dim=1) != y).float().mean()": (
            "(m(moved).argmax(dim=1) != y)"
            "[(m(x).argmax(dim=1) == y) & (made_for(x).argmax(dim=1) == y)].float().mean()"
        ),
    },
)
transfer_matrix.slip(
    "right_by_the_tested",
    "In each cell you counted what the tested model had right. *Every* model must have: else the "
    "columns count different pictures.",
    {
        "    x, y = x[right], y[right]\n": "",
        "(m(moved).argmax(dim=1) != y).float().mean()": (
            "(m(moved).argmax(dim=1) != y)[m(x).argmax(dim=1) == y].float().mean()"
        ),
    },
)
transfer_matrix.slip(
    "per_cent",
    "You return per cent. A share lies between 0 and 1.",
    {".float().mean()": ".float().mean() * 100"},
)
transfer_matrix.slip(
    "among_those_that_fooled",
    "You counted among the examples that had fooled the model they were made against, and divided "
    "by their number. Asked for is the share of all that were kept.",
    {
        "(m(moved).argmax(dim=1) != y).float().mean()": (
            "(m(moved).argmax(dim=1) != y)[made_for(moved).argmax(dim=1) != y].float().mean()"
        )
    },
)
transfer_matrix.slip(
    "always_one_model",
    "You made all examples against the same model. Row i is for model i.",
    {"attack(made_for, x, y)": "attack(models[-1], x, y)"},
)
transfer_matrix.slip(
    "always_the_first",
    "You made all examples against the first model. Row i is for model i.",
    {"attack(made_for, x, y)": "attack(models[0], x, y)"},
)
transfer_matrix.slip(
    "agreement",
    "You counted where the two models say the same of an example. The label is what counts.",
    {"(m(moved).argmax(dim=1) != y)": "(m(moved).argmax(dim=1) == made_for(moved).argmax(dim=1))"},
)
transfer_matrix.slip(
    "attack_on_attack",
    "You attacked what the attack before had made. Each model's examples begin at the pictures.",
    {"moved = attack(made_for, x, y)": "moved = x = attack(made_for, x, y)"},
)
transfer_matrix.slip(
    "changed_answers",
    "You left nothing out and counted where the attack changes a model's answer. A picture counts "
    "where *every* model was right before.",
    {
        "    x, y = x[right], y[right]\n": "",
        "(m(moved).argmax(dim=1) != y)": "(m(moved).argmax(dim=1) != m(x).argmax(dim=1))",
    },
)
transfer_matrix.slip(
    "list_returned",
    "You return a list of lists. A tensor of shape (m, m) is asked for.",
    {"return torch.stack(rows)": "return torch.stack(rows).tolist()"},
)
transfer_matrix.slip(
    "dropped_where_wrong",
    "You kept what some model had *wrong*. Kept is what all of them have right.",
    {"x, y = x[right], y[right]": "x, y = x[~right], y[~right]"},
)

transfer_matrix.hint(
    "First leave out what any of the models has wrong. Then one attack for each row."
)
transfer_matrix.hint("Row: made against. Column: tested on.")
transfer_matrix.hint(
    "An attack that changes nothing should give 0 everywhere. Does yours?", when="value"
)
