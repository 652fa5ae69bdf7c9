"""How `evaluate` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, name_habits

evaluate = Exercise("evaluate", minutes=15, difficulty=2, changes=("model",))


class Readout(nn.Module):
    """A model whose logits are its input, and which remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training or self.norm.training)
        self.recorded.append(torch.is_grad_enabled())
        return x

    def __repr__(self) -> str:
        return "a model"


def _right_by_loop(batches: list, k: int) -> float:
    right = count = 0
    for logits, labels in batches:
        for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
            if label < 0:
                continue
            count += 1
            rivals = [z for place, z in enumerate(row) if place != label and z >= row[label]]
            right += len(rivals) < k and not any(map(math.isnan, row))
    return right / count


def _expect_shares(answer, batches: list, what: str) -> None:
    found = answer(Readout(), batches)
    expected = [_right_by_loop(batches, 1), _right_by_loop(batches, 5)]
    expect(found, what).close_to(expected, atol=1e-6)


def _shuffled_logits(draw: Draw, n: int, classes: int) -> Tensor:
    """Different logits in every row, so that there are no ties."""
    return torch.tensor(np.argsort(draw.rng.random((n, classes)), axis=1), dtype=torch.float32)


@evaluate.property("counts the rank of the right class, for 1 and for 5", trials=5)
def _(answer, draw: Draw) -> None:
    n = 4 * draw.size
    _expect_shares(
        answer, [(_shuffled_logits(draw, n, 9), drawn_labels(draw, 9, n))], "top-1 and top-5"
    )


@evaluate.property("weighs every picture alike, the short last batch included", trials=3)
def _(answer, draw: Draw) -> None:
    batches = []
    for n, rank in ((6, 0), (6, 3), (2, 7)):
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


@evaluate.property("leaves out the rows that fill up a batch", trials=2)
def _(answer, draw: Draw) -> None:
    batches = [(_shuffled_logits(draw, 5, 7), drawn_labels(draw, 7, 5)) for _ in range(3)]
    batches[-1][1][2:] = -1
    batches[-2][1][1] = -1
    _expect_shares(answer, batches, "with labels of −1")


@evaluate.property("has everything right in the top 5 of fewer than six classes", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_shares(
        answer, [(_shuffled_logits(draw, 7, 3), drawn_labels(draw, 3, 7))], "of 3 classes"
    )


@evaluate.property("uses evaluation mode and no graph, and puts the mode back", trials=1)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model = Readout().train(training)
        answer(model, [(_shuffled_logits(draw, 2, 6), drawn_labels(draw, 6, 2)) for _ in range(2)])
        expect(any(model.modes), "training mode at any batch").equals(False)
        expect(any(model.recorded), "gradients recorded at any batch").equals(False)
        expect(model.training, "training mode afterwards").equals(training)
        expect(model.norm.training, "training mode of its layers afterwards").equals(training)


@evaluate.property("returns two plain floats", trials=1)
def _(answer, draw: Draw) -> None:
    found = answer(Readout(), [(_shuffled_logits(draw, 2, 6), drawn_labels(draw, 6, 2))])
    expect(all(isinstance(share, float) for share in found), "whether both are floats").equals(True)


def _evaluate(model, batches, **habits):
    was = model.training
    if not habits.get("same_mode"):
        model.eval()
    right, count, means = np.zeros(2), 0, []
    batches = batches[:-1] or batches if habits.get("drops_last") else batches
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for images, labels in batches:
            logits = model(images)
            if habits.get("topk"):
                best = logits.topk(min(5, logits.shape[1]), dim=1).indices
                hit = best == labels[:, None]
                hits = torch.stack([hit[:, 0], hit.any(1)]).double()
            else:
                own = logits.gather(1, labels.clamp(min=0)[:, None])
                larger, equal = (logits > own).sum(1), (logits == own).sum(1)
                rivals = larger if habits.get("kind") else larger + equal - 1
                hits = torch.stack([rivals < 1, rivals < habits.get("five", 5)]).double()
                if habits.get("finite_only"):
                    hits *= logits.isfinite().all(1)
                elif not habits.get("nan_right"):
                    hits *= ~logits.isnan().any(1)
                if habits.get("apart"):
                    hits[1] -= hits[0]
            real = labels >= 0
            hits *= real
            n = len(labels) if habits.get("counts_padding") else int(real.sum())
            right, count = right + hits.sum(1).numpy(), count + n
            means.append(hits.sum(1).numpy() / n)
    model.train(True if habits.get("to_training") else was)
    if habits.get("stays"):
        model.eval()
    shares = np.mean(means, axis=0) if habits.get("means") else right / count
    shares = 100 * shares if habits.get("per_cent") else shares
    shares = 1 - shares if habits.get("errors") else shares
    shares = right if habits.get("counts") else shares
    shares = shares[::-1] if habits.get("five_first") else shares
    if habits.get("tensors"):
        return torch.tensor(shares[0]), torch.tensor(shares[1])
    return float(shares[0]), float(shares[1])


name_habits(evaluate, _evaluate, (
    ("You averaged the accuracies of the batches, so that a picture in the short last batch weighs "
     "more. Add up, divide once.", "mean_of_means", {"means": True}),
    ("The last batch is missing. It counts.", "last_batch_dropped", {"drops_last": True}),
    ("`topk` and `argmax` decide ties by the place of the class, often for the model: one whose "
     "logits are all equal is then right about class 0. Count the rivals whose logit is at least "
     "as large. (NaN would win the first place too.)", "ties_by_place", {"topk": True}),
    ("You count only rivals with a *larger* logit, so that all ties go to the model: with equal "
     "logits everywhere it would be always right.", "ties_for_the_model", {"kind": True}),
    ("A row of NaN counts as right: every comparison with NaN is False, so that it has no rivals. "
     "A network that has blown up would score 100 %.", "nan_is_right", {"nan_right": True}),
    ("You count a row with an infinite logit as wrong. Only NaN makes it wrong: −∞ is what a class "
     "has that is ruled out. `isnan`, not `isfinite`.", "finite_only", {"finite_only": True}),
    ("Rows with label −1 are in your count. They only fill up the batch.",
     "padding_counted", {"counts_padding": True}),
    ("You allow five rivals in the top 5. The right class is one of the five: four at most.",
     "six_places", {"five": 6}),
    ("Your top-5 leaves out those that are right at once. They are among the five as well.",
     "top_five_without_first", {"apart": True}),
    ("The model is in whichever mode it came. Call model.eval() first: with batch norm a picture's "
     "answer must not depend on its batch.", "mode_as_it_came", {"same_mode": True}),
    ("Gradients are recorded, which costs memory for nothing: torch.no_grad().",
     "records_gradients", {"records": True}),
    ("The model is left in evaluation mode. Put it back into the mode it came in.",
     "left_in_evaluation", {"stays": True}),
    ("The model is always left in training mode. Put it back into the mode it came in.",
     "left_in_training", {"to_training": True}),
    ("You returned per cent. Shares, from 0 to 1.", "per_cent", {"per_cent": True}),
    ("You returned the share that is wrong.", "errors_instead", {"errors": True}),
    ("You returned how many are right. Divide by how many there are.", "counts", {"counts": True}),
    ("Top-5 stands before top-1.", "five_first", {"five_first": True}),
    ("You returned tensors. `float(…)` makes plain numbers.", "tensors", {"tensors": True}),
))  # fmt: skip


evaluate.hint("Three numbers to add up over the batches: right at once, right among five, all.")


evaluate.hint("`logits.gather(1, labels[:, None])` is the logit of each right class.")


evaluate.hint("Rivals: how many of a row's logits are at least as large, less the class itself.")


evaluate.hint("Take the rows with `labels >= 0` before anything else.", when="error")


evaluate.hint("Divide at the end, once, by the number of pictures.", when="value")


evaluate.hint("What does NaN >= NaN give?", when="counts a row with NaN in it as wrong")
