"""What ladder/04_softmax_classification is judged by.

The oracles use no formula of the chapter's solutions: Python's decimals, whose exponents have room
for e to the thousand, for log-softmax; scikit-learn for one-hot rows and accuracy; plain loops;
and torch's own cross-entropy, differentiated by autograd in float64, for slopes and training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import torch
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import label_binarize
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect


def _normal(draw: Draw, *shape: int, scale: float = 1.0) -> Tensor:
    return torch.tensor(draw.normal(*shape, scale=scale), dtype=torch.float32)


def _labels(draw: Draw, n: int, classes: int) -> Tensor:
    return torch.tensor(draw.integers(0, classes, n), dtype=torch.int64)


# ----------------------------------------------------------------------- linear_logits

linear_logits = Exercise("linear_logits", minutes=3, difficulty=1)


def _expected_logits(W: Tensor, b: Tensor, x: Tensor) -> np.ndarray:
    return np.einsum("nd,dk->nk", x.double(), W.double()) + b.double().numpy()[None, :]


@linear_logits.property("gives every example a score for every class", trials=5)
def _(answer, draw: Draw) -> None:
    d, k = draw.integers(1, 4), draw.integers(2, 5)
    W, b, x = _normal(draw, d, k), _normal(draw, k), _normal(draw, draw.size, d)
    expect(answer(W, b, x), "the logits").close_to(_expected_logits(W, b, x), atol=1e-4)


@linear_logits.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    W, b, x = _normal(draw, 2, 3), _normal(draw, 3), _normal(draw, 1, 2)
    logits = answer(W, b, x)
    expect(logits, "the logits").has_shape(1, 3)
    expect(logits, "the logits").close_to(_expected_logits(W, b, x), atol=1e-4)


@linear_logits.property("keeps rows and columns apart when all sizes are equal", trials=2)
def _(answer, draw: Draw) -> None:
    W, b, x = _normal(draw, 3, 3), _normal(draw, 3), _normal(draw, 3, 3)
    expect(answer(W, b, x), "the logits").close_to(_expected_logits(W, b, x), atol=1e-4)


@linear_logits.property("lets gradients through to W and b")
def _(answer, draw: Draw) -> None:
    W, b, x = _normal(draw, 2, 3), _normal(draw, 3), _normal(draw, 4, 2)
    slopes = _slopes_through(lambda *given: answer(*given, x), [W, b], "the logits")
    if slopes is None:
        return
    expect(slopes[0], "the gradient of their sum by W").close_to(x.sum(0)[:, None].expand(2, 3))
    expect(slopes[1], "the gradient of their sum by b").close_to([4.0, 4.0, 4.0])


def _slopes_through(
    function: Callable[..., Tensor], given: list[Tensor], name: str, weights: Tensor | None = None
) -> list[np.ndarray] | None:
    """Autograd's slopes of the (weighted) sum of what a function of tensors returns.

    None, with a failure noted, where the result has no gradient history.
    """
    result = function(*[tensor.clone().requires_grad_() for tensor in given])
    through = isinstance(result, Tensor) and result.requires_grad
    expect(through, f"{name} can be differentiated").is_true(
        otherwise="backward() cannot go through the result: somewhere on the way a tensor was "
        "turned into plain numbers (`.item()`, `.detach()`, `.numpy()`, `torch.tensor(…)`)"
    )
    if not through:
        return None
    # The answer was given copies. They are found again where the graph of its result ends.
    ends = _ends_of_graph(result)
    total = (result * (1.0 if weights is None else weights)).sum()
    slopes = dict(zip(ends, torch.autograd.grad(total, ends), strict=True))
    return [
        next(
            (slope.numpy() for end, slope in slopes.items() if torch.equal(end, tensor)),
            np.zeros(tensor.shape),
        )  # fmt: skip
        for tensor in given
    ]


def _ends_of_graph(result: Tensor) -> list[Tensor]:
    """The tensors a result was computed from, as far as they require a gradient."""
    waiting, seen, ends = [result.grad_fn], set(), []
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        waiting += [parent for parent, _ in node.next_functions]
        if hasattr(node, "variable"):
            ends.append(node.variable)
    return ends


@linear_logits.mistake("You left out b. Each class has a bias of its own, added to its column.")
def without_bias(W, b, x):
    return x @ W


@linear_logits.mistake(
    "W is the wrong way round: its rows belong to inputs and its columns to classes, so x @ W has "
    "one column for each class. No transpose is needed."
)
def transposed_weights(W, b, x):
    return x @ W.T + b


@linear_logits.mistake(
    "You added the bias down the rows. Entry j of b belongs to class j, which is a column: leave "
    "b of shape (k,), and broadcasting adds it to every row."
)
def bias_down_the_rows(W, b, x):
    return x @ W + b[:, None]


@linear_logits.mistake("You subtracted the bias. The logits of this chapter are x @ W + b.")
def subtracted_bias(W, b, x):
    return x @ W - b


@linear_logits.mistake(
    "You applied softmax already. Logits are the plain scores, of either sign; probabilities come "
    "in the next step."
)
def probabilities_already(W, b, x):
    return torch.softmax(x @ W + b, dim=1)


@linear_logits.mistake(
    "Your result has one row for each class: it is the transpose. Examples go down the rows and "
    "classes across the columns, shape (n, k)."
)
def classes_down_the_rows(W, b, x):
    return (x @ W + b).T


@linear_logits.mistake(
    "You cut the negative scores off at 0. A logit may be negative: only differences count."
)
def cut_at_zero(W, b, x):
    return torch.relu(x @ W + b)


@linear_logits.mistake(
    "The numbers are right, but their gradient history is cut off: leave out `.detach()`, "
    "`.numpy()` and `torch.tensor(…)`, so that backward() can reach W and b."
)
def cut_off_logits(W, b, x):
    return (x @ W + b).detach()


linear_logits.hint("Rung 3 predicted with x @ w + b. Now W has a column for each class.")
linear_logits.hint("(n, d) @ (d, k) gives (n, k). Then add b, which broadcasts over the rows.")
linear_logits.hint("Write the shapes side by side: the inner two must be equal.", when="error")
linear_logits.hint("Examples go down, classes across: shape (n, k).", when="shape")
linear_logits.hint("Which axis of W counts the classes?", when="transposed")
linear_logits.hint("With x = 0 the logits are b, in every row. Are yours?", when="value")

# ------------------------------------------------------------------------- log_softmax

log_softmax = Exercise("log_softmax", minutes=15, difficulty=2)


def _exact_log_softmax(logits: Tensor) -> np.ndarray:
    """The formula as it stands, in decimals of 50 digits, which neither overflow nor underflow."""
    rows = []
    with localcontext() as context:
        context.prec = 50
        for row in logits.tolist():
            powers = [Decimal(logit).exp() for logit in row]
            total = sum(powers, Decimal(0))
            rows.append([float((power / total).ln()) for power in powers])
    return np.array(rows)


@log_softmax.property("gives the logarithms of the softmax of each row", trials=5)
def _(answer, draw: Draw) -> None:
    logits = _normal(draw, draw.size, draw.integers(2, 5))
    result = answer(logits)
    expect(result, "log p").close_to(_exact_log_softmax(logits), atol=1e-5)


@log_softmax.property("keeps rows and columns apart when there are as many of each", trials=2)
def _(answer, draw: Draw) -> None:
    logits = _normal(draw, 3, 3)
    expect(answer(logits), "log p").close_to(_exact_log_softmax(logits), atol=1e-5)


@log_softmax.property("works for a batch of one, and gives 0 where there is one class")
def _(answer, draw: Draw) -> None:
    logits = _normal(draw, 1, 3)
    expect(answer(logits), "log p").close_to(_exact_log_softmax(logits), atol=1e-5)
    only = answer(_normal(draw, 2, 1))
    expect(only, "log p of the only class").close_to(np.zeros((2, 1)), atol=1e-5)


@log_softmax.property("survives large logits, positive and negative", trials=2)
def _(answer, draw: Draw) -> None:
    size = draw.choice([200.0, 1000.0])
    logits = _normal(draw, 2, 3) + torch.tensor([[size], [-size]])
    expect(answer(logits), "log p").close_to(_exact_log_softmax(logits), atol=1e-3)
    apart = torch.tensor([[0.0, size, -size]])
    expect(answer(apart), "log p of one row").close_to(_exact_log_softmax(apart), atol=1e-3)
    low = torch.tensor([[-size, -size - 2.0]])
    expect(answer(low), "log p of a low row").close_to(_exact_log_softmax(low), atol=1e-3)


@log_softmax.property("does not lose small probabilities", trials=2)
def _(answer, draw: Draw) -> None:
    gap = draw.choice([120.0, 200.0])
    logits = torch.tensor([[0.0, -gap], [-gap, 0.0]])
    expect(answer(logits), "log p").close_to([[0.0, -gap], [-gap, 0.0]], atol=1e-4)


@log_softmax.property("lets the right gradient through", trials=2)
def _(answer, draw: Draw) -> None:
    logits, weights = _normal(draw, 3, 4), _normal(draw, 3, 4)
    slopes = _slopes_through(answer, [logits], "log p", weights)
    if slopes is None:
        return
    p = np.exp(_exact_log_softmax(logits))
    expected = weights.numpy() - p * weights.numpy().sum(axis=1, keepdims=True)
    expect(slopes[0], "the gradient by the logits").close_to(expected, atol=1e-5)


@log_softmax.mistake(
    "You did not subtract the maximum. The formula is right on paper, but exp overflows above 88.7 "
    "in float32, and log(0) is −∞. Subtract each row's largest logit before you exponentiate."
)
def no_maximum(logits):
    return logits - logits.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You took the logarithm of a naive softmax. Above 88.7 exp overflows and infinity over "
    "infinity is NaN. Subtract each row's largest logit first, and keep logit and logarithm apart: "
    "log p = shifted − log Σ exp(shifted)."
)
def logarithm_of_naive_softmax(logits):
    powers = logits.exp()
    return (powers / powers.sum(dim=1, keepdim=True)).log()


@log_softmax.mistake(
    "You subtracted the maximum, then took the logarithm of the finished probabilities. A "
    "probability below 1e-45 has already become 0, and log 0 is −∞. Do the logarithm of the "
    "fraction on paper: shifted − log Σ exp(shifted)."
)
def logarithm_of_stable_softmax(logits):
    powers = (logits - logits.max(dim=1, keepdim=True).values).exp()
    return (powers / powers.sum(dim=1, keepdim=True)).log()


@log_softmax.mistake(
    "You added a small number inside the logarithm. It hides the infinity and falsifies the loss: "
    "a log-probability of −60 comes out near −18. With shifted − log Σ exp(shifted) no such crutch "
    "is needed."
)
def with_epsilon(logits):
    powers = (logits - logits.max(dim=1, keepdim=True).values).exp()
    return (powers / powers.sum(dim=1, keepdim=True) + 1e-8).log()


@log_softmax.mistake(
    "You subtracted the maximum of the whole array. A row far below it then has exponentials that "
    "are all 0. Each row needs its own maximum: `max(dim=1, keepdim=True)`."
)
def maximum_of_everything(logits):
    shifted = logits - logits.max()
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You subtracted the largest *size*, without the sign. In a row of large negative logits that "
    "pushes every exponential further down, to 0. Take `max` of the logits as they are."
)
def maximum_of_sizes(logits):
    shifted = logits - logits.abs().max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You added the maximum in front. Subtract it in both places: the same shift, the same sign."
)
def maximum_added(logits):
    largest = logits.max(dim=1, keepdim=True).values
    return logits + largest - (logits - largest).exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You subtracted the mean of each row. The mean does not stop an overflow: one entry may stand "
    "hundreds above it. Subtract the largest."
)
def mean_of_rows(logits):
    shifted = logits - logits.mean(dim=1, keepdim=True)
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You subtracted each column's maximum, which changes the differences within a row, the only "
    "thing softmax sees. Classes run along axis 1: `max(dim=1, keepdim=True)`."
)
def maximum_of_columns(logits):
    shifted = logits - logits.max(dim=0, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "You normalised over the batch: your columns add up to 1. Each example has its own "
    "probabilities over the classes, so sum along axis 1."
)
def softmax_over_the_batch(logits):
    return torch.log_softmax(logits, dim=0)


@log_softmax.mistake(
    "You summed over the whole array. Each row is normalised by its own sum: "
    "`sum(dim=1, keepdim=True)`."
)
def softmax_over_everything(logits):
    return torch.log_softmax(logits.flatten(), dim=0).reshape(logits.shape)


@log_softmax.mistake(
    "You returned probabilities. Return their logarithms: the loss needs those, and they keep what "
    "is too small for a probability."
)
def probabilities(logits):
    return torch.softmax(logits, dim=1)


@log_softmax.mistake(
    "The maximum is subtracted inside the sum but not from the logits in front. Subtract it from "
    "both, or from neither: the two must be the same shift."
)
def shifted_in_one_place(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return logits - shifted.exp().sum(dim=1, keepdim=True).log()


@log_softmax.mistake(
    "The logarithm of the sum is missing: you subtracted the sum itself. log(a/s) is log a − log s."
)
def sum_without_logarithm(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True)


@log_softmax.mistake(
    "Your sign is flipped: these are −log p. The minus belongs to the loss, later. Logarithms of "
    "probabilities are never positive."
)
def flipped(logits):
    return -torch.log_softmax(logits, dim=1)


@log_softmax.mistake(
    "You took logarithms to base 2. This page uses natural logarithms throughout, and counts in "
    "nats."
)
def base_two(logits):
    return torch.log_softmax(logits, dim=1) / math.log(2)


@log_softmax.mistake(
    "Without keepdim=True the row maxima and sums have shape (n,), and broadcasting lines them up "
    "with the columns: an error, or, when n = k, wrong numbers in silence. Keep them as (n, 1)."
)
def without_keepdim(logits):
    shifted = logits - logits.max(dim=1).values
    return shifted - shifted.exp().sum(dim=1).log()


@log_softmax.mistake(
    "The sum has lost its axis: without keepdim=True it has shape (n,), and broadcasting lines it "
    "up with the columns. Keep it as (n, 1)."
)
def sum_without_keepdim(logits):
    shifted = logits - logits.max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1).log()


@log_softmax.mistake(
    "The numbers are right, but their gradient history is cut off. Use torch operations from end "
    "to end, without `.detach()`, `.item()` or numpy."
)
def cut_off_log_softmax(logits):
    return torch.log_softmax(logits.detach(), dim=1)


log_softmax.hint("First shift every row so that its largest entry is 0. Softmax does not notice.")
log_softmax.hint("`logits.max(dim=1, keepdim=True).values` has shape (n, 1).")
log_softmax.hint("Then shifted − log Σ exp(shifted), the sum along axis 1, kept as (n, 1).")
log_softmax.hint("`-=` writes into the tensor you were given.", when="changes input")
log_softmax.hint("Which exponential overflowed? After the shift none can exceed 1.", when="nan")
log_softmax.hint("Is there a logarithm of something that can be 0?", when="infinite")
log_softmax.hint("Check one row by hand: [1, 2, 0] gives [−1.408, −0.408, −2.408].", when="value")
log_softmax.hint("A row is off by one number: did both places get the shift?", when="offset")
log_softmax.hint("A logarithm of a probability is at most 0.", when="sign")
log_softmax.hint("Maximum and sum go along axis 1 and keep it: `keepdim=True`.", when="shape")
log_softmax.hint(
    "`max(dim=1, keepdim=True)` returns values and places: take `.values`. And (n, k) − (n,) lines "
    "n up with k: you need (n, 1).",
    when="error",
)

# ------------------------------------------------------------- negative_log_likelihood

negative_log_likelihood = Exercise("negative_log_likelihood", minutes=8, difficulty=2)


def _log_probabilities(draw: Draw, n: int, classes: int) -> Tensor:
    """Rows of log-probabilities, from probabilities that are whole hundredths."""
    rows = []
    for _ in range(n):
        cuts = np.sort(draw.rng.choice(np.arange(1, 100), classes - 1, replace=False))
        rows.append(np.diff(np.concatenate([[0], cuts, [100]])) / 100)
    return torch.tensor(np.log(rows), dtype=torch.float32)


def _expected_loss(log_p: Tensor, labels: Tensor) -> float:
    rows, names = log_p.tolist(), labels.tolist()
    return -sum(row[name] for row, name in zip(rows, names, strict=True)) / len(names)


@negative_log_likelihood.property("is the mean surprise at the right classes", trials=5)
def _(answer, draw: Draw) -> None:
    k = draw.integers(2, 5)
    log_p, labels = _log_probabilities(draw, draw.size, k), _labels(draw, draw.size, k)
    expect(answer(log_p, labels), "the loss").close_to(_expected_loss(log_p, labels), atol=1e-5)


@negative_log_likelihood.property(
    "takes row i at label i, when there are as many classes", trials=2
)
def _(answer, draw: Draw) -> None:
    log_p, labels = _log_probabilities(draw, 3, 3), _labels(draw, 3, 3)
    expect(answer(log_p, labels), "the loss").close_to(_expected_loss(log_p, labels), atol=1e-5)


@negative_log_likelihood.property("is ln k for even odds and 0 for certainty")
def _(answer, draw: Draw) -> None:
    n, k = draw.integers(2, 6), draw.integers(2, 5)
    even = torch.full((n, k), -math.log(k))
    expect(answer(even, _labels(draw, n, k)), "the loss of even odds").close_to(math.log(k))
    labels = _labels(draw, n, k)
    certain = torch.full((n, k), -1000.0)
    for row, label in enumerate(labels.tolist()):
        certain[row, label] = 0.0
    expect(answer(certain, labels), "the loss of certainty").close_to(0.0)


@negative_log_likelihood.property("is finite for truths that were thought all but impossible")
def _(answer, draw: Draw) -> None:
    gaps = torch.tensor([60.0, 200.0, 60.0]) + draw.integers(0, 20)
    log_p = torch.stack([torch.zeros(3), -gaps], dim=1)
    expected = float(gaps.double().mean())
    expect(answer(log_p, torch.tensor([1, 1, 1])), "the loss").close_to(expected, atol=1e-3)


@negative_log_likelihood.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    log_p, labels = _log_probabilities(draw, 1, 3), _labels(draw, 1, 3)
    expect(answer(log_p, labels), "the loss").close_to(_expected_loss(log_p, labels), atol=1e-5)


@negative_log_likelihood.property("lets the gradient through")
def _(answer, draw: Draw) -> None:
    log_p, labels = _log_probabilities(draw, 4, 3), _labels(draw, 4, 3)
    slopes = _slopes_through(lambda given: answer(given, labels), [log_p], "the loss")
    if slopes is None:
        return
    # Seen from the logits: there every right way of writing the loss has the same gradient.
    p, truth = log_p.double().exp().numpy(), _rows(labels, 3)
    by_logits = slopes[0] - p * slopes[0].sum(axis=1, keepdims=True)
    expect(by_logits, "the gradient by the logits").close_to((p - truth) / 4, atol=1e-5)


@negative_log_likelihood.mistake(
    "The minus is missing. Logarithms of probabilities are negative; the loss is minus their mean, "
    "so that going down means becoming less surprised."
)
def without_minus(log_probabilities, labels):
    return log_probabilities[torch.arange(len(labels)), labels].mean()


@negative_log_likelihood.mistake(
    "You summed over the batch. The loss is a mean: divide by n, so that batches of different "
    "sizes can be compared."
)
def summed_loss(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].sum()


@negative_log_likelihood.mistake(
    "You averaged over all n·k entries. Only one entry of each row counts: the one at its label."
)
def mean_of_everything(log_probabilities, labels):
    return -log_probabilities.mean()


@negative_log_likelihood.mistake(
    "You picked the right entries and divided by n·k. There are n examples and one entry for each: "
    "divide by n. (Multiplying by one-hot rows and taking `.mean()` does this.)"
)
def divided_by_all(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].sum() / log_probabilities.numel()


@negative_log_likelihood.mistake(
    "`log_probabilities[:, labels]` takes, for every row, the columns of all the labels: an (n, n) "
    "table. Pair each row with its own label: `[torch.arange(n), labels]`."
)
def all_pairs(log_probabilities, labels):
    return -log_probabilities[:, labels].mean()


@negative_log_likelihood.mistake(
    "You took the largest log-probability of each row: what the classifier believed. The loss asks "
    "what it gave to the class that was right."
)
def most_likely(log_probabilities, labels):
    return -log_probabilities.max(dim=1).values.mean()


@negative_log_likelihood.mistake(
    "You averaged probabilities, not their logarithms: the input is log p, and the loss is the "
    "mean of −log p. Do not exponentiate."
)
def mean_probability(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].exp().mean()


@negative_log_likelihood.mistake(
    "You took the logarithm after the mean. The logarithm belongs to each example: the input is "
    "log p already, and only needs picking and averaging."
)
def logarithm_of_the_mean(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].exp().mean().log()


@negative_log_likelihood.mistake(
    "You took 1 − p. That is a loss too, but a timid one: being sure and wrong costs at most 1. "
    "The likelihood's price is −log p."
)
def one_minus_probability(log_probabilities, labels):
    return (1 - log_probabilities[torch.arange(len(labels)), labels].exp()).mean()


@negative_log_likelihood.mistake(
    "You went back to probabilities and took a logarithm again. e⁻²⁰⁰ is 0 in float32, and so is "
    "the product of a long batch. The input is log p already: pick, and average."
)
def through_probabilities(log_probabilities, labels):
    return -log_probabilities.exp()[torch.arange(len(labels)), labels].log().mean()


@negative_log_likelihood.mistake(
    "You multiplied log-probabilities. The product was of probabilities; the logarithm has turned "
    "it into a sum."
)
def multiplied_logarithms(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].prod() / len(labels)


@negative_log_likelihood.mistake(
    "Row and label have changed places: the label is the column. `[torch.arange(n), labels]`."
)
def rows_by_label(log_probabilities, labels):
    return -log_probabilities[labels, torch.arange(len(labels))].mean()


@negative_log_likelihood.mistake(
    "Your labels are one too low: they count from 0, as Python's indices do, so no −1 is needed. "
    "(Index −1 is the last column, and gives no error.)"
)
def counts_from_one(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels - 1].mean()


@negative_log_likelihood.mistake(
    "`log_probabilities[labels]` picks whole rows. The label names a *column*, and the row is the "
    "example: `[torch.arange(n), labels]`."
)
def whole_rows(log_probabilities, labels):
    return -log_probabilities[labels].mean()


@negative_log_likelihood.mistake(
    "You took the logarithm once more. The input holds log p already, which is negative, and the "
    "logarithm of a negative number is NaN."
)
def logarithm_twice(log_probabilities, labels):
    return -log_probabilities.log()[torch.arange(len(labels)), labels].mean()


@negative_log_likelihood.mistake(
    "You made logarithms of softmax a second time, from the probabilities. `F.cross_entropy` has a "
    "log-softmax inside: given probabilities, it flattens them. Pick from the input as it is."
)
def softmax_twice(log_probabilities, labels):
    return F.cross_entropy(log_probabilities.exp(), labels)


@negative_log_likelihood.mistake(
    "You returned one loss for each example. Return their mean, one number."
)
def per_example_loss(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels]


@negative_log_likelihood.mistake(
    "You returned a plain number. `.item()` cuts the gradient off: return the tensor, so that "
    "backward() can start from it."
)
def plain_number(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].mean().item()


negative_log_likelihood.hint("Pick one entry of each row, the one at its label. Then the mean.")
negative_log_likelihood.hint("`a[torch.arange(n), labels]` pairs row i with column labels[i].")
negative_log_likelihood.hint("A loss here is never negative. Where is the minus?", when="sign")
negative_log_likelihood.hint("Is there an `exp` in it? None is needed.", when="infinite")
negative_log_likelihood.hint("By what did you divide: n, n·k, nothing?", when="factor")
negative_log_likelihood.hint("How many numbers were averaged? There should be n.", when="shape")
negative_log_likelihood.hint(
    "By hand: log p = [[−1.408, −0.408, −2.408]] with label 1 has the loss 0.408.", when="value"
)

# ---------------------------------------------------------------------------- accuracy

accuracy = Exercise("accuracy", minutes=5, difficulty=1)


@accuracy.property("is the share of rows whose largest logit is at the label", trials=5)
def _(answer, draw: Draw) -> None:
    k = draw.integers(2, 5)
    logits, labels = _normal(draw, draw.size, k), _labels(draw, draw.size, k)
    logits += 0.001 * torch.arange(k)  # no ties here
    said = [max(range(k), key=row.__getitem__) for row in logits.tolist()]
    expect(answer(logits, labels), "the accuracy").close_to(accuracy_score(labels, said))


@accuracy.property("compares along a row when there are as many rows as classes", trials=3)
def _(answer, draw: Draw) -> None:
    order = torch.tensor(draw.rng.permutation(4))
    logits = _normal(draw, 4, 4).clamp(-2, 2)
    logits[torch.arange(4), order] += 5.0
    labels = order.clone()
    wrong = draw.integers(0, 4)
    labels[:wrong] = (labels[:wrong] + 1) % 4
    expect(answer(logits, labels), "the accuracy").close_to(1 - wrong / 4)


@accuracy.property("looks at differences only: all logits may be negative, or large")
def _(answer, draw: Draw) -> None:
    labels = _labels(draw, 5, 3)
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

# ----------------------------------------------------------------------------- one_hot

one_hot = Exercise("one_hot", minutes=5, difficulty=1)


def _rows(labels: Tensor, classes: int) -> np.ndarray:
    return np.array([[float(label == k) for k in range(classes)] for label in labels.tolist()])


@one_hot.property("has a 1 at the label and zeros elsewhere", trials=5)
def _(answer, draw: Draw) -> None:
    k = draw.integers(2, 5)
    labels = _labels(draw, draw.size, k)
    expect(answer(labels, k), "the rows").close_to(_rows(labels, k))


@one_hot.property("has a column for classes that are missing, too")
def _(answer, draw: Draw) -> None:
    labels = _labels(draw, 3, 2)
    expect(answer(labels, 5), "the rows").close_to(_rows(labels, 5))


@one_hot.property("keeps rows and columns apart, and works for a batch of one")
def _(answer, draw: Draw) -> None:
    labels = torch.tensor(draw.choice([[1, 2, 2], [2, 0, 0], [1, 1, 0]]))
    expect(answer(labels, 3), "the rows").close_to(_rows(labels, 3))
    expect(answer(labels[:1], 3), "the row of a batch of one").close_to(_rows(labels[:1], 3))


@one_hot.property("is float32")
def _(answer, draw: Draw) -> None:
    rows = answer(_labels(draw, 3, 3), 3)
    # A truth value and a name, not the numbers: those are right for every type.
    expect(isinstance(rows, Tensor), "the rows are a tensor").is_true(
        otherwise=f"It is of type `{type(rows).__name__}`; it should be a torch tensor."
    )
    dtype = str(getattr(rows, "dtype", type(rows).__name__)).removeprefix("torch.")
    expect(dtype, "the dtype of the rows").equals("float32")


@one_hot.mistake(
    "Your result has a row for each class: it is the transpose. Examples go down, classes across, "
    "as in the table of probabilities you will subtract it from."
)
def transposed_rows(labels, classes):
    return torch.eye(classes)[:, labels]


@one_hot.mistake(
    "`rows[:, labels] = 1` sets the columns of *all* the labels in *every* row. Pair each row with "
    "its own label: `rows[torch.arange(n), labels] = 1`."
)
def every_label_in_every_row(labels, classes):
    rows = torch.zeros(len(labels), classes)
    rows[:, labels] = 1.0
    return rows


@one_hot.mistake(
    "You counted the classes from the labels. A batch may miss the last class: use the `classes` "
    "you were given."
)
def classes_from_the_labels(labels, classes):
    return torch.eye(int(labels.max()) + 1)[labels]


@one_hot.mistake("Your ones are one place too far left. Labels count from 0: no −1 is needed.")
def one_too_far_left(labels, classes):
    return torch.eye(classes)[labels - 1]


@one_hot.mistake(
    "The numbers are right and their type is not: `F.one_hot` gives whole numbers, a comparison "
    "gives booleans (which torch refuses to subtract), numpy gives float64. Ask for float32 with "
    "`.float()`."
)
def another_type(labels, classes):
    return torch.eye(classes)[labels].to(torch.int64)


@one_hot.mistake(
    "You wrote the label itself into its place. A 1 goes there; the place says which class."
)
def label_in_its_place(labels, classes):
    return torch.eye(classes)[labels] * labels[:, None]


@one_hot.mistake("Ones and zeros have changed places: a single 1 at the label, zeros elsewhere.")
def one_cold(labels, classes):
    return 1 - torch.eye(classes)[labels]


@one_hot.mistake("You returned a numpy array. Make it a torch tensor.")
def numpy_rows(labels, classes):
    return np.eye(classes, dtype=np.float32)[np.asarray(labels)]


one_hot.hint("Start from `torch.zeros(n, classes)`, then write n ones.")
one_hot.hint("`rows[torch.arange(n), labels]` names one place in each row, and can be assigned to.")
one_hot.hint("How many rows? One for each label. How many columns? `classes`.", when="shape")
one_hot.hint("`.float()` turns any tensor into float32.", when="dtype")
one_hot.hint("Each row should add up to 1. Do yours?", when="value")
one_hot.hint("Is an index one too large or too small? Classes count from 0.", when="error")

# ---------------------------------------------------------------------------- gradient

gradient = Exercise("gradient", minutes=20, difficulty=3)


def _problem(draw: Draw, n: int, d: int, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _normal(draw, d, k), _normal(draw, k), _normal(draw, n, d), _labels(draw, n, k)


def _slopes(W: Tensor, b: Tensor, x: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """torch's own cross-entropy, differentiated by autograd in float64."""
    W, b = W.double().requires_grad_(), b.double().requires_grad_()
    loss = F.cross_entropy(F.linear(x.double(), W.T, b), labels)
    dW, db = torch.autograd.grad(loss, (W, b))
    return dW.numpy(), db.numpy()


def _expect_slopes(found, problem: tuple[Tensor, ...], of: str = "") -> None:
    dW, db = map(_without_dust, found)
    expected_dW, expected_db = _slopes(*problem)
    expect(dW, f"dW{of}").close_to(expected_dW, atol=1e-5)
    expect(db, f"db{of}").close_to(expected_db, atol=1e-5)


def _without_dust(slopes):
    """Rounding errors made 0: a sum that should vanish then looks the same in whoever's code."""
    if not isinstance(slopes, Tensor):
        return slopes
    return torch.where(slopes.abs() < 2e-6, torch.zeros_like(slopes), slopes)


@gradient.property("matches the slopes of the loss", trials=5)
def _(answer, draw: Draw) -> None:
    problem = _problem(draw, draw.size, draw.integers(1, 4), draw.integers(2, 5))
    _expect_slopes(answer(*problem), problem)


@gradient.property("keeps the axes apart when all sizes are equal", trials=2)
def _(answer, draw: Draw) -> None:
    problem = _problem(draw, 3, 3, 3)
    _expect_slopes(answer(*problem), problem)


@gradient.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    problem = _problem(draw, 1, 2, 3)
    _expect_slopes(answer(*problem), problem)


@gradient.property("stays the same when every example is written twice")
def _(answer, draw: Draw) -> None:
    W, b, x, labels = _problem(draw, 3, 2, 3)
    found = answer(W, b, x.repeat(2, 1), labels.repeat(2))
    _expect_slopes(found, (W, b, x, labels), " of the doubled batch")


@gradient.property("stays finite and right for large logits")
def _(answer, draw: Draw) -> None:
    W, b, x, labels = _problem(draw, 4, 2, 3)
    problem = (400 * W, b, x + 1, labels)
    _expect_slopes(answer(*problem), problem)


@gradient.mistake(
    "You summed over the batch. The loss is a mean over n examples, so its gradient is divided by "
    "n too: E = (P − Y)/n."
)
def summed(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You left out the labels: p alone is the derivative of log-sum-exp. The other half of the "
    "loss, minus the right logit, gives − one-hot: E = (P − Y)/n."
)
def without_labels(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "Your signs are flipped: it is what the model said minus what was true, P − Y. With Y − P a "
    "step makes the right class less likely."
)
def flipped_gradient(W, b, x, labels):
    error = (F.one_hot(labels, W.shape[1]) - torch.softmax(x @ W + b, dim=1)) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You subtracted the one-hot rows from the logits. It is the probabilities they are compared "
    "with: softmax first."
)
def logits_minus_labels(W, b, x, labels):
    error = (x @ W + b - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You subtracted the one-hot rows from log p. Take the exponential first: the derivative of "
    "log-sum-exp is p, not log p."
)
def log_probabilities_minus_labels(W, b, x, labels):
    error = (torch.log_softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You subtracted the class numbers themselves. A label is a name: 2 is not twice 1. Turn labels "
    "into one-hot rows first."
)
def class_numbers(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - labels[:, None]) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "db is divided by n and dW is not. xᵀ @ E is a sum over the examples: divide E by n first, and "
    "both come out right."
)
def weights_not_divided(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error, error.mean(dim=0)


@gradient.mistake(
    "You did not sum db over the batch: it has a row for each example. b is in every example's "
    "logits, so its slope adds them up: `sum(dim=0)`, of shape (k,)."
)
def bias_not_summed(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error


@gradient.mistake(
    "You divided db by n twice: E is divided by n already, and then you averaged it over the "
    "batch. Sum it."
)
def bias_divided_twice(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.mean(dim=0)


@gradient.mistake(
    "dW is divided by n and db is not. Both are slopes of the same mean: sum db over the batch and "
    "divide it by n too."
)
def bias_not_divided(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error / len(x), error.sum(dim=0)


@gradient.mistake(
    "You summed db over the classes: one number for each example, and all of them 0. The batch is "
    "axis 0: `sum(dim=0)`."
)
def bias_over_classes(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=1)


@gradient.mistake(
    "db is one number, and it is 0: you summed over the classes too. Sum over the batch only, "
    "`sum(dim=0)`: one slope for each class."
)
def bias_over_everything(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum()


@gradient.mistake(
    "Your one-hot rows have as many columns as this batch has labels. A class may be missing from "
    "a batch: count the classes by b, or by the columns of W."
)
def classes_from_the_batch(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels)) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "dW is transposed: a gradient has the shape of its parameter, (d, k). That is xᵀ @ E, and not "
    "Eᵀ @ x."
)
def transposed_gradient(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return error.T @ x, error.sum(dim=0)


@gradient.mistake(
    "You forgot to transpose x. The sum runs over the examples, which must be the inner axis of "
    "the product: xᵀ of shape (d, n) times E of shape (n, k)."
)
def x_not_transposed(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x @ error, error.sum(dim=0)


@gradient.mistake(
    "You averaged over all n·k entries. The loss is a mean over the n examples: divide by n only."
)
def divided_by_classes_too(W, b, x, labels):
    error = torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])
    return x.T @ error / error.numel(), error.sum(dim=0) / error.numel()


@gradient.mistake(
    "You divided by the number of classes. The loss is a mean over the n examples: divide by n."
)
def divided_by_classes(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / W.shape[1]
    return x.T @ error, error.sum(dim=0)


@gradient.mistake("Your softmax leaves out b. The probabilities come from all of x @ W + b.")
def probabilities_without_bias(W, b, x, labels):
    error = (torch.softmax(x @ W, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You normalised over the batch. Each example's probabilities add up to 1 over the classes, "
    "axis 1."
)
def softmax_down_the_batch(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=0) - F.one_hot(labels, W.shape[1])) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You kept only the column of the right class. The other logits are in the sum of exponentials "
    "too: each is pushed down by its own p."
)
def right_class_only(W, b, x, labels):
    truth = F.one_hot(labels, W.shape[1])
    error = (torch.softmax(x @ W + b, dim=1) - 1) * truth / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake(
    "You multiplied by p·(1 − p). That is the slope of a sigmoid or a softmax by itself; here the "
    "logarithm in the loss cancels it, and P − Y is all that is left."
)
def extra_softmax_slope(W, b, x, labels):
    p = torch.softmax(x @ W + b, dim=1)
    error = (p - F.one_hot(labels, W.shape[1])) * p * (1 - p) / len(x)
    return x.T @ error, error.sum(dim=0)


@gradient.mistake("dW and db have changed places. Return (dW, db).")
def swapped(W, b, x, labels):
    error = (torch.softmax(x @ W + b, dim=1) - F.one_hot(labels, W.shape[1])) / len(x)
    return error.sum(dim=0), x.T @ error


@gradient.mistake(
    "Your softmax overflows: for logits above 88.7 it is NaN. Take the exponential of your "
    "log_softmax, which is safe."
)
def overflowing(W, b, x, labels):
    powers = (x @ W + b).exp()
    error = powers / powers.sum(dim=1, keepdim=True) - F.one_hot(labels, W.shape[1])
    return x.T @ error / len(x), error.sum(dim=0) / len(x)


gradient.hint("Three lines: the probabilities, E = (P − Y)/n, then what E does to W and to b.")
gradient.hint("P is `log_softmax(linear_logits(W, b, x)).exp()`; Y is `one_hot(labels, k)`.")
gradient.hint("dW = xᵀ @ E has the shape of W. db adds up the rows of E.")
gradient.hint("Is it P − Y, or Y − P?", when="sign")
gradient.hint("Count the factors of n in dW and in db: one each.", when="factor")
gradient.hint("A gradient has the shape of its parameter: (d, k) and (k,).", when="shape")
gradient.hint("Which of x and E is transposed, and which comes first?", when="transposed")
gradient.hint("(d, n) @ (n, k): write the shapes beside each factor.", when="error")
gradient.hint("Did a naive exponential overflow? Use log_softmax, then exp.", when="nan")
gradient.hint("Try W = 0 and b = 0, worked out on the page: there every p is 1/k.", when="value")

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=30, difficulty=3, changes=("generator",))


def _descend(x, labels, classes, learning_rate, batch_size, epochs, seed):
    """The specified run in float64, with torch's own cross-entropy and autograd.

    Returns
    -------
    W, b, losses : arrays of shape (d, k), (k,) and (steps,)
    """
    generator = torch_generator(seed)
    W = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
    b = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss = F.cross_entropy(F.linear(x[batch].double(), W.T, b), labels[batch])
            dW, db = torch.autograd.grad(loss, (W, b))
            with torch.no_grad():
                W -= learning_rate * dW
                b -= learning_rate * db
            losses.append(loss.item())
    return W.detach().numpy(), b.detach().numpy(), np.array(losses)


def _expect_run(answer, x, labels, classes, rate, batch_size, epochs, seed) -> None:
    W, b, losses = answer(x, labels, classes, rate, batch_size, epochs, torch_generator(seed))
    W0, b0, losses0 = _descend(x, labels, classes, rate, batch_size, epochs, seed)
    _expect_even_odds_first(losses, classes)
    expect(losses, "the losses").close_to(losses0, atol=1e-4)
    expect(W, "W").close_to(W0, atol=1e-4)
    expect(b, "b").close_to(b0, atol=1e-4)


def _expect_even_odds_first(losses, classes: int) -> None:
    """Said in words, since no two random starts give the same numbers."""
    try:
        first = float(_numbers(losses)[0])
    except (TypeError, ValueError, IndexError, RuntimeError):
        return
    expect(abs(first - math.log(classes)) < 1e-4, "the first loss is ln k").is_true(
        otherwise=f"The first loss is {first:.4g}, and ln {classes} = {math.log(classes):.4g} is "
        "right: before any step W and b are 0, and all classes equally probable."
    )


@train.property("takes the right steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    n, d, k = draw.size, draw.integers(1, 4), draw.integers(2, 5)
    x, labels = _normal(draw, n, d), _labels(draw, n, k)
    rate, epochs = draw.uniform(0.1, 0.5), draw.integers(1, 5)
    _expect_run(answer, x, labels, k, rate, n, epochs, draw.seed())


@train.property("takes one step per minibatch, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    x, labels = _normal(draw, 7, 2), _labels(draw, 7, 3)
    rate, epochs = draw.uniform(0.1, 0.5), draw.integers(2, 4)
    _expect_run(answer, x, labels, 3, rate, 3, epochs, draw.seed())


@train.property("has a column for a class that no label names, and allows a large batch size")
def _(answer, draw: Draw) -> None:
    x, labels = _normal(draw, 4, 2), _labels(draw, 4, 2)
    _expect_run(answer, x, labels, 4, draw.uniform(0.1, 0.5), 10, 2, draw.seed())


@train.property("starts at ln k, and stays there with a learning rate of 0")
def _(answer, draw: Draw) -> None:
    x, labels = _normal(draw, 5, 2), _labels(draw, 5, 3)
    W, b, losses = answer(x, labels, 3, 0.0, 2, 2, torch_generator(draw.seed()))
    expect(losses, "the losses").close_to(np.full(6, math.log(3)), atol=1e-4)
    expect(W, "W").close_to(np.zeros((2, 3)))
    expect(b, "b").close_to(np.zeros(3))


@train.property("takes its order from the generator it was given")
def _(answer, draw: Draw) -> None:
    x, labels = _normal(draw, 6, 2), _labels(draw, 6, 3)
    _expect_run(answer, x, labels, 3, 0.5, 1, 2, draw.seed())


@train.property("survives inputs that are not scaled")
def _(answer, draw: Draw) -> None:
    # Every point comes twice, with two labels: one of them must be found very improbable.
    x = _normal(draw, 3, 2, scale=100.0).round().repeat(2, 1)
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    W, b, losses = answer(x, labels, 3, 0.5, 6, 3, torch_generator(draw.seed()))
    for name, value in (("W", W), ("b", b), ("losses", losses)):
        finite = bool(np.isfinite(np.asarray(_numbers(value))).all())
        expect(finite, f"{name} finite").is_true(
            otherwise=f"{name} has NaN or infinity in it when the inputs are in the hundreds"
        )


@train.property("records numbers, without a history")
def _(answer, draw: Draw) -> None:
    x, labels = _normal(draw, 4, 2), _labels(draw, 4, 3)
    losses = answer(x, labels, 3, 0.1, 2, 1, torch_generator(draw.seed()))[2]
    parts = losses if isinstance(losses, list | tuple) else [losses]
    heavy = any(isinstance(part, Tensor) and part.requires_grad for part in parts)
    expect(not heavy, "the losses are plain").is_true(
        otherwise="the losses are tensors that still hold all the operations they came from"
    )


def _numbers(value) -> np.ndarray:
    parts = value if isinstance(value, list | tuple) else [value]
    return np.concatenate([np.ravel(torch.as_tensor(part).detach().numpy()) for part in parts])


def _loop(x, labels, classes, learning_rate, batch_size, epochs, generator, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, (W, b), losses = len(x), _start(x, classes, habits), []
    order, last = torch.arange(n), (torch.zeros(()), torch.zeros(()))
    if habits.get("own_generator"):
        generator = torch_generator(0)
    for epoch in range(epochs):
        if habits.get("restarts"):
            W, b = _start(x, classes, habits)
        if not (habits.get("unshuffled") or (epoch and habits.get("shuffles_once"))):
            order = _order(n, generator, habits)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = order[start : start + batch_size]
            batch = torch.arange(n) if habits.get("full_batch") else batch
            named = torch.arange(n)[start : start + batch_size]
            named = labels[named if habits.get("labels_stay") else batch]
            dW, db = _habitual_slopes(W, b, x[batch], named, batch_size, habits)
            if habits.get("accumulates"):
                last = dW + last[0], db + last[1]
                dW, db = last
            rate = 0.1 if habits.get("fixed_rate") else learning_rate
            rate = -rate if habits.get("climbs") else rate
            measured = (x, labels) if habits.get("full_loss") else (x[batch], named)
            loss = _habitual_loss(W, b, *measured, habits)
            W = W - rate * dW
            if habits.get("bias_late"):
                db = _habitual_slopes(W, b, x[batch], named, batch_size, habits)[1]
            b = b if habits.get("bias_stays") else b - rate * db
            if habits.get("loss_after"):
                loss = _habitual_loss(W, b, x[batch], labels[batch], habits)
            losses.append(loss.item())
    return W, b, losses


def _start(x, classes, habits) -> tuple[Tensor, Tensor]:
    if habits.get("random_start"):
        draws = torch_generator(1)
        return (torch.randn(x.shape[1], classes, generator=draws),
                torch.randn(classes, generator=draws))  # fmt: skip
    return torch.zeros(x.shape[1], classes), torch.zeros(classes)


def _order(n: int, generator: torch.Generator, habits) -> Tensor:
    if habits.get("with_replacement"):
        return torch.randint(n, (n,), generator=generator)
    if habits.get("global_generator"):
        return torch.randperm(n)
    return torch.randperm(n, generator=generator)


def _habitual_loss(W, b, x, labels, habits) -> Tensor:
    if habits.get("naive_loss"):
        return F.nll_loss(torch.softmax(x @ W + b, dim=1).log(), labels)
    if habits.get("overflows"):
        powers = (x @ W + b).exp()
        return F.nll_loss((powers / powers.sum(dim=1, keepdim=True)).log(), labels)
    return F.cross_entropy(
        x @ W + b, labels, reduction="sum" if habits.get("summed_loss") else "mean"
    )


def _habitual_slopes(W, b, x, labels, batch_size, habits) -> tuple[Tensor, Tensor]:
    probabilities = torch.softmax(x @ W + b, dim=1)
    if habits.get("overflows"):
        powers = (x @ W + b).exp()
        probabilities = powers / powers.sum(dim=1, keepdim=True)
    error = probabilities - F.one_hot(labels, W.shape[1])
    count = batch_size if habits.get("fixed_divisor") else len(x)
    error = error / (1 if habits.get("summed") else count)
    return x.T @ error, error.sum(dim=0)


@train.mistake(
    "You recorded each loss after its step. Record it before: the first entry is then ln k, the "
    "loss of a classifier without an opinion."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake(
    "You shuffled the points and not their labels, so that each point is taught the label of "
    "another. Take both in the same order: x[batch] and labels[batch]."
)
def labels_stay(*specification):
    return _loop(*specification, labels_stay=True)


@train.mistake(
    "W has moved already when you work out db. Work out both slopes at the old W and b, then take "
    "both steps."
)
def bias_late(*specification):
    return _loop(*specification, bias_late=True)


@train.mistake(
    "You never shuffled: every epoch takes the examples in their original order. Draw "
    "`torch.randperm(n, generator=generator)` at the start of each epoch."
)
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake("You shuffled once, before the first epoch. Draw a new order inside the epoch loop.")
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake(
    "Your steps use all the data, not the minibatch: pick out x[batch] and labels[batch] first."
)
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake(
    "The loss you record is that of all the data. Record that of the minibatch the step was "
    "computed from."
)
def full_loss(*specification):
    return _loop(*specification, full_loss=True)


@train.mistake(
    "The losses you record are sums over the minibatch. They are means: the first is ln k, however "
    "large the batch."
)
def summed_losses(*specification):
    return _loop(*specification, summed_loss=True)


@train.mistake(
    "W and b go back to 0 at the start of every epoch. Set them once, before the epoch loop."
)
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake(
    "In the short last batch you divided by batch_size. A mean divides by the number of examples "
    "that are there."
)
def fixed_divisor(*specification):
    return _loop(*specification, fixed_divisor=True)


@train.mistake("You summed the gradient over the batch. It is a mean, like the loss.")
def summed_gradient(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(*specification):
    return _loop(*specification, climbs=True)


@train.mistake(
    "Your steps do not depend on the learning rate you were given; 0.1 seems to be written into "
    "the loop."
)
def fixed_rate(*specification):
    return _loop(*specification, fixed_rate=True)


@train.mistake(
    "You start from random numbers. For this linear model the page starts from W = 0 and b = 0, "
    "so that the first loss is ln k."
)
def random_start(*specification):
    return _loop(*specification, random_start=True)


@train.mistake(
    "Your loss is the logarithm of finished probabilities, some of which are 0 when logits are "
    "large. Use your log_softmax: it never takes the logarithm of 0."
)
def logarithm_of_zero(*specification):
    return _loop(*specification, naive_loss=True)


@train.mistake(
    "Your softmax overflows when the inputs are not scaled, and one NaN spoils every weight. Use "
    "your log_softmax, in the loss and (with `.exp()`) in the gradient."
)
def overflowing_softmax(*specification):
    return _loop(*specification, overflows=True)


@train.mistake(
    "Your losses are tensors that drag all the operations they came from along, and cannot be "
    "plotted. Record `loss.item()`."
)
def losses_with_history(*specification):
    W, b, losses = _loop(*specification)
    return W, b, [torch.tensor(loss, requires_grad=True) for loss in losses]


@train.mistake("b never moves. It takes a step too, with its own gradient db.")
def bias_stays(*specification):
    return _loop(*specification, bias_stays=True)


@train.mistake(
    "Gradients pile up from step to step: backward() adds to what is in `.grad`. Clear it (set it "
    "to None, or zero it) after each step."
)
def accumulated_gradients(*specification):
    return _loop(*specification, accumulates=True)


@train.mistake(
    "You drew the order from torch's global generator. Hand yours over: "
    "`torch.randperm(n, generator=generator)`."
)
def global_generator(*specification):
    return _loop(*specification, global_generator=True)


@train.mistake(
    "You made your own generator with a fixed seed. Use the one you were given, so that the caller "
    "decides."
)
def own_generator(*specification):
    return _loop(*specification, own_generator=True)


@train.mistake(
    "You drew examples with replacement, so that in one epoch some come twice and others never. "
    "`torch.randperm` shuffles."
)
def drawn_with_replacement(*specification):
    return _loop(*specification, with_replacement=True)


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(x, labels, classes, learning_rate, batch_size, epochs, generator):
    return _loop(x, labels, classes, learning_rate, batch_size, 1, generator)


@train.mistake(
    "You counted the classes from the labels. A class may be missing from them: use `classes`."
)
def classes_counted(x, labels, classes, learning_rate, batch_size, epochs, generator):
    k = int(labels.max()) + 1
    return _loop(x, labels, k, learning_rate, batch_size, epochs, generator)


@train.mistake(
    "You recorded one loss an epoch. Record one for every step: as many as there were minibatches."
)
def one_loss_an_epoch(x, labels, classes, learning_rate, batch_size, epochs, generator):
    W, b, losses = _loop(x, labels, classes, learning_rate, batch_size, epochs, generator)
    per_epoch = -(-len(x) // batch_size)
    return W, b, losses[per_epoch - 1 :: per_epoch]


@train.mistake("You returned the losses first. The order is W, b, losses.")
def losses_first(*specification):
    W, b, losses = _loop(*specification)
    return losses, W, b


train.hint("Write the two loops first, empty: over epochs, and inside it over pieces of an order.")
train.hint("`torch.randperm(n, generator=generator).split(batch_size)` gives the pieces.")
train.hint("Inside: logits, log-softmax, loss; record it; gradient; step. Every part exists.")
train.hint("How many steps does an epoch of 7 examples take with batch_size 3?", when="length")
train.hint("What is the very first loss? At W = 0 it is ln k for every batch.", when="shift")
train.hint("W is (d, classes), b is (classes,). Set them before the first loop.", when="shape")
train.hint("Follow one step by hand from the page's E, with W = 0 and b = 0.", when="value")
train.hint(
    "Does every argument take part: the rate, the batch size, the epochs, the generator?",
    when="ignores argument",
)
train.hint("`loss.item()` is a plain number; a list of those is what is returned.", when="type")
