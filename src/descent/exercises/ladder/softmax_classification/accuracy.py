"""How `accuracy` is judged."""

from __future__ import annotations

import torch
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import label_binarize
from torch import Tensor

from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels, normals_of

accuracy = Exercise("accuracy", minutes=5, difficulty=1, returns=float | Tensor)


@accuracy.property("is the share of rows whose largest logit is at the label", trials=5)
def _(answer, draw: Draw) -> None:
    k = draw.integers(2, 5)
    logits, labels = normals_of(draw, draw.size, k), drawn_labels(draw, draw.size, k)
    logits += 0.001 * torch.arange(k)  # no ties here
    said = [max(range(k), key=row.__getitem__) for row in logits.tolist()]
    expect(answer(logits, labels), "the accuracy").close_to(accuracy_score(labels, said))


@accuracy.property("compares along a row when there are as many rows as classes", trials=3)
def _(answer, draw: Draw) -> None:
    order = torch.tensor(draw.rng.permutation(4))
    logits = normals_of(draw, 4, 4).clamp(-2, 2)
    logits[torch.arange(4), order] += 5.0
    labels = order.clone()
    wrong = draw.integers(0, 4)
    labels[:wrong] = (labels[:wrong] + 1) % 4
    expect(answer(logits, labels), "the accuracy").close_to(1 - wrong / 4)


@accuracy.property("looks at differences only: all logits may be negative, or large")
def _(answer, draw: Draw) -> None:
    labels = drawn_labels(draw, 5, 3)
    labels[1] = 2
    logits = torch.tensor(label_binarize(labels.numpy(), classes=[0, 1, 2]), dtype=torch.float32)
    logits[0] = logits[0].roll(1)  # the first is wrong
    for shift in (-1000.0, 1000.0):
        result = answer(logits + shift, labels)
        expect(result, f"the accuracy with all logits moved by {shift:g}").close_to(0.8)


@accuracy.property("gives a tie to the lowest class number", trials=2)
def _(answer, draw: Draw) -> None:
    logits = torch.tensor([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [3.0, 3.0, 3.0], [2.0, 0.0, 2.0]])
    lowest = [0, 1, 0, 0]
    labels = torch.tensor([draw.choice([0, 1]), draw.choice([1, 2]), draw.choice([0, 1, 2]), 2])
    expected = accuracy_score(labels, lowest)
    expect(answer(logits, labels), "the accuracy with ties").close_to(expected)
    everybody = answer(torch.zeros(3, 3), torch.tensor([0, 1, 2]))
    expect(everybody, "the accuracy when all logits are equal").close_to(1 / 3)


@accuracy.property("is 0 or 1 for a batch of one")
def _(answer, draw: Draw) -> None:
    logits = torch.tensor([[0.5, 2.0, -1.0]])
    expect(answer(logits, torch.tensor([1])), "the accuracy when right").close_to(1.0)
    expect(answer(logits, torch.tensor([2])), "the accuracy when wrong").close_to(0.0)


@accuracy.mistake("You counted. Accuracy is a share: divide the right answers by all the examples.")
def counted(logits, labels):
    return (logits.argmax(dim=1) == labels).sum().item()


@accuracy.mistake(
    "You divided with `//`, which rounds down: every share below 1 becomes 0. A share is divided "
    "with `/`."
)
def rounded_down(logits, labels):
    return (logits.argmax(dim=1) == labels).sum().item() // len(labels)


@accuracy.mistake("You returned the share of wrong answers. Accuracy is the share of right ones.")
def error_rate(logits, labels):
    return (logits.argmax(dim=1) != labels).float().mean().item()


@accuracy.mistake("You returned per cent. Return a share from 0 to 1.")
def per_cent(logits, labels):
    return 100 * (logits.argmax(dim=1) == labels).float().mean().item()


@accuracy.mistake(
    "You took the argmax down the columns: that names an example for each class. Classes run along "
    "axis 1."
)
def argmax_over_the_batch(logits, labels):
    return (logits.argmax(dim=0) == labels).float().mean().item()


@accuracy.mistake(
    "You called a class right when its logit is above 0. A logit has no meaning by itself: compare "
    "it with the others of its row."
)
def above_zero(logits, labels):
    return (logits[torch.arange(len(labels)), labels] > 0).float().mean().item()


@accuracy.mistake(
    "You called a class right when its probability is above one half. With three classes the "
    "largest may be 0.4, and it is still the prediction."
)
def above_one_half(logits, labels):
    p = torch.softmax(logits, dim=1)[torch.arange(len(labels)), labels]
    return (p > 0.5).float().mean().item()


@accuracy.mistake("You took the smallest logit of each row. The prediction is the largest.")
def smallest(logits, labels):
    return (logits.argmin(dim=1) == labels).float().mean().item()


@accuracy.mistake(
    "You averaged the probability of the right class. Accuracy asks only which class is first, not "
    "by how much."
)
def mean_right_probability(logits, labels):
    return torch.softmax(logits, dim=1)[torch.arange(len(labels)), labels].mean().item()


@accuracy.mistake(
    "You count a tie as right whenever the right class is among the largest. Then a classifier "
    "with all logits 0 would be perfect: a tie goes to the lowest class number."
)
def every_tie_is_right(logits, labels):
    largest = logits.max(dim=1).values
    return (logits[torch.arange(len(labels)), labels] == largest).float().mean().item()


@accuracy.mistake("Your ties go to the highest class number. The page gives them to the lowest.")
def last_of_a_tie(logits, labels):
    said = logits.shape[1] - 1 - logits.flip(1).argmax(dim=1)
    return (said == labels).float().mean().item()


@accuracy.mistake(
    "You returned a yes or no for each example. Return the share of yeses: `.float().mean()`."
)
def one_for_each(logits, labels):
    return (logits.argmax(dim=1) == labels).float()


@accuracy.mistake(
    "You made probabilities first, and the exponential overflowed or underflowed. No softmax is "
    "needed: it keeps the order of the logits, and the largest of them is the prediction."
)
def through_naive_softmax(logits, labels):
    powers = logits.exp()
    p = powers / powers.sum(dim=1, keepdim=True)
    return (p.argmax(dim=1) == labels).float().mean().item()


@accuracy.mistake(
    "You took one argmax of the whole table. Each row has a prediction of its own: `argmax(dim=1)`."
)
def argmax_of_everything(logits, labels):
    return (logits.argmax() == labels).float().mean().item()


@accuracy.mistake(
    "You compared the largest logit itself with the label. You want its *place*: argmax, not max."
)
def largest_itself(logits, labels):
    return (logits.max(dim=1).values == labels).float().mean().item()


accuracy.hint("Two steps: the predicted class of each row, then how often it equals the label.")
accuracy.hint("`logits.argmax(dim=1)` gives a class number for each row, lowest first in a tie.")
accuracy.hint("torch will not average booleans: `.float()` first.", when="error")
accuracy.hint("A share lies between 0 and 1. Did you divide by n?", when="factor")
accuracy.hint("Along which axis do the classes run?", when="value")
accuracy.hint("One number for the whole batch.", when="shape")
