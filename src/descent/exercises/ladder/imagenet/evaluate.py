"""How `evaluate` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels

evaluate = Exercise(
    "evaluate", minutes=15, difficulty=2, changes=("model",), returns=tuple[float, float]
)

Batches = list[tuple[Tensor, Tensor]]


class Readout(nn.Module):
    """A model that reads its logits off the picture, and remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.modes: list[tuple[bool, bool]] = []
        self.recorded: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append((self.training, self.norm.training))
        self.recorded.append(torch.is_grad_enabled())
        return x.flip(1)

    def __repr__(self) -> str:
        return "a model"


def _right_by_loop(batches: Batches, k: int) -> float:
    right = count = 0
    for logits, labels in batches:
        for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
            if label < 0:
                continue
            count += 1
            rivals = [z for place, z in enumerate(row) if place != label and z >= row[label]]
            right += len(rivals) < k and not any(map(math.isnan, row))
    return right / count


def _shown(batches: Batches) -> Batches:
    """Pictures of which `Readout` reads these logits."""
    return [(logits.flip(1), labels) for logits, labels in batches]


def _expect_shares(answer, batches: Batches, what: str) -> None:
    found = answer(Readout(), _shown(batches))
    expected = [_right_by_loop(batches, 1), _right_by_loop(batches, 5)]
    expect(found, what).close_to(expected, atol=1e-6)


def _shuffled_logits(draw: Draw, n: int, classes: int) -> Tensor:
    """Different logits in every row, so that there are no ties."""
    return torch.tensor(np.argsort(draw.rng.random((n, classes)), axis=1), dtype=torch.float32)


def _some_batches(draw: Draw) -> Batches:
    return _shown(
        [(_shuffled_logits(draw, n, 6), drawn_labels(draw, 6, n)) for n in (2, 1)]
    )  # fmt: skip


@evaluate.property("counts the rank of the right class, for 1 and for 5", trials=5)
def _(answer, draw: Draw) -> None:
    n = 4 * draw.size
    logits, labels = _shuffled_logits(draw, n, 9), drawn_labels(draw, 9, n)
    ranks = torch.tensor([0, 4, 5, 1])  # both sides of both borders, whatever is drawn
    labels[:4] = logits[:4].argsort(dim=1, descending=True).gather(1, ranks[:, None])[:, 0]
    _expect_shares(answer, [(logits, labels)], "top-1 and top-5")


@evaluate.property("weighs every picture alike, the short last batch included", trials=3)
def _(answer, draw: Draw) -> None:
    batches = []
    for n, rank in ((6, 0), (3, 5), (6, 3), (2, 7)):
        logits = _shuffled_logits(draw, n, 9)
        labels = logits.argsort(dim=1, descending=True)[:, rank].clone()
        labels[0] = logits[0].argsort(descending=True)[draw.integers(0, 9)]
        batches.append((logits, labels))
    _expect_shares(answer, batches, "top-1 and top-5")


@evaluate.property("decides ties against the model", trials=2)
def _(answer, draw: Draw) -> None:
    logits = torch.tensor(draw.integers(0, 3, 12, 8), dtype=torch.float32)
    _expect_shares(answer, [(logits, drawn_labels(draw, 8, 12))], "with ties")
    _expect_shares(answer, [(torch.zeros(4, 8), torch.tensor([0, 1, 4, 7]))], "all logits equal")
    last = torch.tensor([[2.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]])
    _expect_shares(answer, [(last, torch.tensor([6]))], "a tie for the last place of five")


@evaluate.property("counts a row with NaN in it as wrong", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = _shuffled_logits(draw, 6, 8), torch.arange(6)
    logits[labels, labels] = 10.0
    logits[0], logits[1, 7], logits[2, 2] = math.nan, math.nan, math.nan
    _expect_shares(answer, [(logits, labels)], "with NaN in 3 rows of 6")


@evaluate.property("takes an infinite logit for a number", trials=1)
def _(answer, draw: Draw) -> None:
    logits, labels = _shuffled_logits(draw, 6, 8), torch.arange(6)
    logits[labels, labels] = 10.0
    logits[:2, 6:], logits[2, 2] = -math.inf, math.inf  # two classes are ruled out; one is certain
    logits[3, 7] = math.inf
    _expect_shares(answer, [(logits, labels)], "with infinite logits in 4 rows of 6")
    logits[4, 1:7], logits[5, 4:] = -math.inf, math.inf  # equal ones are ties, of any size
    _expect_shares(answer, [(logits, labels)], "with equal infinite logits in two rows more")


@evaluate.property("leaves out the rows that fill up a batch", trials=2)
def _(answer, draw: Draw) -> None:
    batches = [(_shuffled_logits(draw, 5, 7), drawn_labels(draw, 7, 5)) for _ in range(4)]
    batches[0][1][1] = batches[1][1][0] = -1
    batches[2][1][2:] = batches[3][1][:] = -1
    batches[2][0][3] = math.nan
    last = batches[2][0][4].argmax()  # what lies at place −1 is no label either
    batches[2][0][4, [int(last), -1]] = batches[2][0][4, [-1, int(last)]]
    _expect_shares(answer, batches, "with labels of −1")


@evaluate.property("has everything right in the top 5 of fewer than six classes", trials=1)
def _(answer, draw: Draw) -> None:
    for classes in (3, 5, 1):
        batch = _shuffled_logits(draw, 7, classes), drawn_labels(draw, classes, 7)
        _expect_shares(answer, [batch], f"of {classes} classes")


@evaluate.property("asks the model in evaluation mode, every layer of it", trials=1)
def _(answer, draw: Draw) -> None:
    model = Readout().train()
    answer(model, _some_batches(draw))
    expect(len(model.modes) > 0, "whether the model was asked").equals(True)
    inside = [training for _, training in model.modes]
    expect(any(training for training, _ in model.modes), "training mode at any batch").equals(False)
    expect(any(inside), "training mode of a layer inside, at any batch").equals(False)


@evaluate.property("puts the mode back, training or evaluation", trials=1)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model = Readout().train(training)
        answer(model, _some_batches(draw))
        expect(model.training, "training mode afterwards").equals(training)
        expect(model.norm.training, "training mode of its layers afterwards").equals(training)


@evaluate.property("records no gradients, and leaves that setting as it was", trials=1)
def _(answer, draw: Draw) -> None:
    for recording in (True, False):
        model = Readout()
        with torch.set_grad_enabled(recording):
            answer(model, _some_batches(draw))
            after = torch.is_grad_enabled()
        expect(any(model.recorded), "gradients recorded at any batch").equals(False)
        expect(after, "whether gradients are recorded afterwards").equals(recording)


@evaluate.property("leaves the model's parameters alone", trials=1)
def _(answer, draw: Draw) -> None:
    model = Readout()
    answer(model, _some_batches(draw))
    frozen = sum(not parameter.requires_grad for parameter in model.parameters())
    expect(frozen, "how many of its parameters are frozen afterwards").equals(0)
    values = [parameter.item() for parameter in model.parameters()]
    expect(values, "its gain and shift afterwards").close_to([1.0, 0.0])


@evaluate.right
def right_shares(model, batches):
    was_training = model.training
    model.eval()
    first = five = count = 0
    with torch.no_grad():
        for images, labels in batches:
            logits = model(images)
            real = labels >= 0
            logits, labels = logits[real], labels[real]
            own = logits.gather(1, labels[:, None])
            rivals = (logits >= own).sum(1) - 1
            sound = ~logits.isnan().any(1)
            first += int(((rivals < 1) & sound).sum())
            five += int(((rivals < 5) & sound).sum())
            count += len(labels)
    model.train(was_training)
    return first / count, five / count


_RETURN = "return first / count, five / count"
_FIVE = "(rivals < 5) & sound"
_COUNT = "count += len(labels)"
_SOUND = "~logits.isnan().any(1)"
_RIVALS = "(logits >= own).sum(1) - 1"
_SORTED = "(logits.argsort(dim=1, descending=True)[:, :5] == labels[:, None])"
_BEST = "(logits.topk(min(5, logits.shape[1])).indices == labels[:, None])"


evaluate.slip(
    "mean_of_means",
    "You averaged the accuracies of the batches, so that a picture in the short last batch weighs "
    "more. Add up, divide once.",
    {
        "int(((rivals < 1) & sound).sum())": "((rivals < 1) & sound).double().mean().item()",
        f"int(({_FIVE}).sum())": f"({_FIVE}).double().mean().item()",
        _COUNT: "count += 1",
    },
)
evaluate.slip(
    "last_batch_dropped",
    "The last batch is missing. It counts.",
    {"in batches:": "in batches[:-1] or batches:"},
)
evaluate.slip(
    "short_batches_skipped",
    "You left out the batches that are shorter than the first. Their pictures count as well.",
    {"logits = model(images)": "logits = model(images)\n            "
     "if len(labels) < len(batches[0][1]):\n                continue"},
)  # fmt: skip
evaluate.slip(
    "first_batch_only",
    "Only the first batch counts in yours. Is the `return` inside the loop?",
    {"in batches:": "in batches[:1]:"},
)
evaluate.slip(
    "counts_start_again",
    "Only the last batch counts in yours. Do your counts start again at 0 for each batch, or does "
    "`=` stand for `+=`?",
    {"first += int": "first = int", "five += int": "five = int", _COUNT: "count = len(labels)"},
)
evaluate.slip(
    "all_batches_as_long",
    "You divided by the number of batches times the length of the first. Not all are as long: "
    "count the rows.",
    {_COUNT: "count += int((batches[0][1] >= 0).sum())"},
)
evaluate.slip(
    "ties_by_place",
    "`topk` and `argmax` decide ties by the place of the class, often for the model: one whose "
    "logits are all equal is then right about class 0. Count the rivals whose logit is at least "
    "as large. (NaN would win the first place too.)",
    {
        "int(((rivals < 1) & sound).sum())": f"int({_BEST}[:, 0].sum())",
        f"int(({_FIVE}).sum())": f"int({_BEST}.any(1).sum())",
    },
)
evaluate.slip(
    "ties_by_sorting",
    "A sorted list of classes decides ties somehow, often for the model: one whose logits are all "
    "equal is then right about some classes. Count the rivals whose logit is at least as large. "
    "(NaN counts as the largest there.)",
    {
        "int(((rivals < 1) & sound).sum())": f"int({_SORTED}[:, 0].sum())",
        f"int(({_FIVE}).sum())": f"int({_SORTED}.any(1).sum())",
    },
)
evaluate.slip(
    "ties_for_the_model",
    "You count only rivals with a *larger* logit, so that all ties go to the model: with equal "
    "logits everywhere it would be always right.",
    {_RIVALS: "(logits > own).sum(1)"},
)
evaluate.slip(
    "itself_a_rival",
    "The class itself is among your rivals: its logit is at least as large as its own. Only "
    "*other* classes are rivals.",
    {_RIVALS: "(logits >= own).sum(1)"},
)
evaluate.slip(
    "nan_is_right",
    "A row of NaN counts as right: every comparison with NaN is False, so that it has no rivals. "
    "A network that has blown up would score 100 %.",
    {_SOUND: "torch.ones_like(rivals, dtype=torch.bool)"},
)
evaluate.slip(
    "nan_of_another_class",
    "You ask only whether the label's own logit is NaN. NaN anywhere in the row makes it wrong.",
    {_SOUND: "~own.isnan()[:, 0]"},
)
evaluate.slip(
    "finite_only",
    "You count a row with an infinite logit as wrong. Only NaN makes it wrong: −∞ is what a class "
    "has that is ruled out. `isnan`, not `isfinite`.",
    {_SOUND: "logits.isfinite().all(1)"},
)
evaluate.slip(
    "padding_counted",
    "Rows with label −1 are in your count. They only fill up the batch.",
    {_COUNT: "count += len(real)"},
)
evaluate.slip(
    "padding_is_the_last_class",
    "Rows with label −1 are judged as if they were of the last class: that is what −1 picks. They "
    "only fill up the batch, and do not count at all.",
    {"labels >= 0": "labels == labels", "labels[:, None])": "labels[:, None] % logits.shape[1])"},
)
evaluate.slip(
    "six_places",
    "You allow five rivals in the top 5. The right class is one of the five: four at most.",
    {"rivals < 5": "rivals < 6"},
)
evaluate.slip(
    "top_five_without_first",
    "Your top-5 leaves out those that are right at once. They are among the five as well.",
    {"(rivals < 5)": "(rivals >= 1) & (rivals < 5)"},
)
evaluate.slip(
    "mode_as_it_came",
    "The model is in whichever mode it came. Call model.eval() first: with batch norm a picture's "
    "answer must not depend on its batch.",
    {"model.eval()\n    ": ""},
)
evaluate.slip(
    "mode_of_the_top_alone",
    "You set `model.training`, which does not reach the layers inside. `model.eval()` does.",
    {"model.eval()\n": "model.training = False\n"},
)
evaluate.slip(
    "records_gradients",
    "Gradients are recorded, which costs memory for nothing: torch.no_grad().",
    {"with torch.no_grad():": "if True:"},
)
evaluate.slip(
    "gradients_off_for_good",
    "Gradients are recorded by nobody afterwards: you switched them off and not on again. "
    "`with torch.no_grad():` ends where its block ends.",
    {"with torch.no_grad():": "torch.set_grad_enabled(False)\n    if True:"},
)
evaluate.slip(
    "gradients_on_afterwards",
    "Gradients are recorded after your function, whether they were before or not. "
    "`with torch.no_grad():` puts back what it found.",
    {
        "with torch.no_grad():": "torch.set_grad_enabled(False)\n    if True:",
        _RETURN: f"torch.set_grad_enabled(True)\n    {_RETURN}",
    },
)
evaluate.slip(
    "freezes_the_model",
    "The model's parameters are frozen afterwards (`requires_grad_(False)`), and nothing trains it "
    "any more. `torch.no_grad()` is enough.",
    {"model.eval()\n": "model.eval().requires_grad_(False)\n"},
)
evaluate.slip(
    "left_in_evaluation",
    "The model is left in evaluation mode. Put it back into the mode it came in.",
    {"model.train(was_training)": "model.eval() if was_training else None"},
)
evaluate.slip(
    "left_in_training",
    "The model is always left in training mode. Put it back into the mode it came in.",
    {"model.train(was_training)": "model.train()"},
)
evaluate.slip(
    "per_cent",
    "You returned per cent. Shares, from 0 to 1.",
    {_RETURN: "return 100 * first / count, 100 * five / count"},
)
evaluate.slip(
    "errors_instead",
    "You returned the share that is wrong.",
    {_RETURN: "return 1 - first / count, 1 - five / count"},
)
evaluate.slip(
    "counts",
    "You returned how many are right. Divide by how many there are.",
    {_RETURN: "return first, five"},
)
evaluate.slip(
    "tensors",
    "You returned tensors. `float(…)` makes plain numbers.",
    {_RETURN: "return torch.tensor(first / count), torch.tensor(five / count)"},
)
evaluate.slip(
    "five_first",
    "Top-5 stands before top-1.",
    {_RETURN: "return five / count, first / count"},
)


evaluate.hint("Three numbers to add up over the batches: right at once, right among five, all.")
evaluate.hint("`logits.gather(1, labels[:, None])` is the logit of each right class.")
evaluate.hint("Rivals: how many of a row's logits are at least as large, less the class itself.")
evaluate.hint("Take the rows with `labels >= 0` before anything else.", when="error")
evaluate.hint("Divide at the end, once, by the number of pictures.", when="value")
evaluate.hint("What does NaN >= NaN give?", when="counts a row with NaN in it as wrong")
