"""How `most_wrong` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

most_wrong = Exercise("most_wrong", minutes=8, difficulty=2, returns=Tensor)


def _losses(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    scores = logits.numpy().astype(np.float64)
    true_scores = np.array([row[label] for row, label in zip(scores, labels.tolist(), strict=True)])
    return np.logaddexp.reduce(scores, axis=1) - true_scores


def _worst_first(logits: torch.Tensor, labels: torch.Tensor, k: int) -> list[int]:
    losses = _losses(logits, labels)
    return sorted(range(len(losses)), key=lambda i: -losses[i])[:k]


def _guesses(draw: Draw, n: int, scale: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits without ties, and labels, some of which the logits agree with."""
    logits = torch.tensor(draw.rng.normal(0, scale, (n, 3)).round(3), dtype=torch.float32)
    return logits, torch.tensor(draw.integers(0, 3, n))


@most_wrong.property("finds the examples with the highest losses, the highest first", trials=5)
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, draw.size + 4)
    k = draw.integers(2, draw.size + 4)
    expect(answer(logits, labels, k), "the indices").close_to(_worst_first(logits, labels, k))


@most_wrong.property("finds the single worst one", trials=4)
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, 6)
    expect(answer(logits, labels, 1), "the indices").close_to(_worst_first(logits, labels, 1))


@most_wrong.property("goes on with right answers when there are fewer than k wrong ones", trials=3)
def _(answer, draw: Draw) -> None:
    logits, _ = _guesses(draw, 6)
    labels = logits.argmax(1)
    labels[2] = logits[2].argmin()
    expect(answer(logits, labels, 4), "the indices").close_to(_worst_first(logits, labels, 4))


@most_wrong.property("still orders them when the network is wildly sure", trials=3)
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, 12, scale=300.0)
    labels[:8] = logits[:8].argmin(dim=1)
    expect(answer(logits, labels, 5), "the indices").close_to(_worst_first(logits, labels, 5))


@most_wrong.property("returns an int64 tensor")
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, 6)
    expect(answer(logits, labels, 3), "the indices").is_a(torch.Tensor).has_dtype("int64")


@most_wrong.mistake(
    "You sorted upwards: these are the examples the network gets most right. The highest loss "
    "comes first; `argsort(descending=True)` or `topk` does it."
)
def ascending(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").argsort()[:k]


@most_wrong.mistake(
    "These are the right k examples, the least wrong of them first. Put the highest loss first."
)
def right_ones_backwards(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").argsort()[-k:]


@most_wrong.mistake(
    "You ranked by how unsure the prediction is. Most wrong is another thing: how little the "
    "network gave to the TRUE class. A confident wrong answer is worse than a hesitant one."
)
def least_sure(logits, labels, k):
    return logits.softmax(1).max(1).values.argsort()[:k]


@most_wrong.mistake(
    "You ranked by how sure the prediction is, right or wrong. Rank by the loss, which asks about "
    "the true class."
)
def most_sure(logits, labels, k):
    return logits.softmax(1).max(1).values.argsort(descending=True)[:k]


@most_wrong.mistake(
    "You kept only misclassified examples and found fewer than k. The ranking is by loss alone; "
    "after the wrong answers come the barely right ones."
)
def only_misclassified(logits, labels, k):
    losses = F.cross_entropy(logits, labels, reduction="none")
    order = losses.argsort(descending=True)
    return order[(logits.argmax(1) != labels)[order]][:k]


@most_wrong.mistake(
    "You ranked by the logit of the true class. A logit means nothing alone: it counts against "
    "the other logits of its row, which is what the log-softmax in the loss does."
)
def by_true_logit(logits, labels, k):
    return logits.gather(1, labels[:, None])[:, 0].argsort()[:k]


@most_wrong.mistake(
    "You ranked by the distance between the largest logit and the true one. It is close to the "
    "loss, but the loss counts all classes: use `F.cross_entropy(…, reduction='none')`."
)
def by_margin(logits, labels, k):
    margin = logits.max(1).values - logits.gather(1, labels[:, None])[:, 0]
    return margin.argsort(descending=True)[:k]


@most_wrong.mistake(
    "You ranked by probabilities. In float32 a probability below about 1e-45 is 0, and among "
    "zeros there is no order: stay with log-probabilities, as `F.cross_entropy` does."
)
def by_probability(logits, labels, k):
    return logits.softmax(1).gather(1, labels[:, None])[:, 0].argsort(stable=True)[:k]


@most_wrong.mistake(
    "You took the softmax first and its logarithm after. In float32 a probability below about "
    "1e-45 is 0 and its loss infinite, and among infinities there is no order: `F.cross_entropy` "
    "or `log_softmax` on the logits keeps them apart."
)
def log_of_softmax(logits, labels, k):
    probabilities = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    return (-probabilities.log()).topk(k).indices


@most_wrong.mistake(
    "You gave `F.cross_entropy` probabilities. It takes logits and applies log-softmax itself, so "
    "the softmax was taken twice."
)
def softmax_before_loss(logits, labels, k):
    return F.cross_entropy(logits.softmax(1), labels, reduction="none").topk(k).indices


@most_wrong.mistake("You returned the losses. Return where they are: the indices.")
def the_losses(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").topk(k).values


@most_wrong.mistake("You returned all examples in order of loss. Only the first k are asked for.")
def all_of_them(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").argsort(descending=True)


@most_wrong.mistake(
    "You found the k worst and returned them in the order of the data. The highest loss comes "
    "first."
)
def unsorted(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").topk(k).indices.sort().values


most_wrong.hint("One loss per example first; then the k largest, with their places.")
most_wrong.hint("`F.cross_entropy(…, reduction='none')` does not average. `topk` knows places.")
most_wrong.hint("Which comes first, the highest loss or the lowest?", when="order")
most_wrong.hint(
    "Which probability makes an answer wrong: of the predicted class or of the true one?",
    when="value",
)
most_wrong.hint("`topk(k)` returns values and indices. Which did you return?", when="dtype")
most_wrong.hint("How many indices are asked for?", when="length")
most_wrong.hint(
    "`F.cross_entropy` averages unless you say `reduction='none'`: one number has no k largest.",
    when="error",
)
most_wrong.hint(
    "What becomes of exp(−300) in float32?",
    when="still orders them when the network is wildly sure",
)
