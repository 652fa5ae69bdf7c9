"""How `train` is judged."""

from __future__ import annotations

import copy
import inspect
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import Table, drawn_ids, log_softmax_of

train = Exercise(
    "train",
    minutes=35,
    difficulty=3,
    changes=("model", "optimiser", "generator"),
    returns=dict[str, list[float]],
)


class _Descent:
    """Plain gradient descent with the interface that the page asks of an optimiser."""

    def __init__(self, model: nn.Module, rate: float) -> None:
        self.parameters, self.rate, self.steps = list(model.parameters()), rate, 0

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        self.steps += 1
        with torch.no_grad():
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.sub_(self.rate * parameter.grad)

    def __repr__(self) -> str:
        return f"gradient descent at rate {self.rate}"


class _Script(_Descent):
    """An optimiser that sets prescribed weights at each step, whatever the gradients are."""

    def __init__(self, model: nn.Module, path: list[list[list[float]]]) -> None:
        super().__init__(model, 0.0)
        self.path = path

    def step(self) -> None:
        with torch.no_grad():
            self.parameters[0].copy_(torch.tensor(self.path[self.steps]))
        self.steps += 1

    def __repr__(self) -> str:
        return "an optimiser with a path of its own"


def _likelihood(logits: np.ndarray, data: tuple[Tensor, Tensor]) -> float:
    table = log_softmax_of(logits)
    return float(-np.mean(table[data[0][:, -1].numpy(), data[1].numpy()]))


def _descended(
    logits: np.ndarray, data: tuple[Tensor, Tensor], rate: float, steps: int
) -> list[np.ndarray]:
    """Gradient descent on all of the data: each window pulls by one-hot minus probability."""
    path = [logits]
    for _ in range(steps):
        now, gradient = path[-1], np.zeros_like(logits)
        share = np.exp(log_softmax_of(now))
        for a, b in zip(data[0][:, -1].tolist(), data[1].tolist(), strict=True):
            gradient[a] += (share[a] - np.eye(len(now))[b]) / len(data[1])
        path.append(now - rate * gradient)
    return path


def _data(draw: Draw, examples: int, size: int = 4) -> tuple[Tensor, Tensor]:
    return drawn_ids(draw, examples, size)[:, None], drawn_ids(draw, examples, size)


def _start(logits: np.ndarray, rate: float, **options: bool) -> tuple[Table, _Descent]:
    model = Table(logits, **options)
    return model, _Descent(model, rate)


@train.property("takes the right steps when one batch holds everything", trials=4)
def _(answer, draw: Draw) -> None:
    logits, data, valid = draw.normal(4, 4), _data(draw, draw.size), _data(draw, 6)
    rate, epochs = draw.uniform(0.5, 2.0), draw.integers(2, 6)
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, valid, epochs, draw.size, torch_generator(draw.seed()))
    path = _descended(logits, data, rate, epochs)
    before = [math.exp(_likelihood(step, data)) for step in path[:-1]]
    after = [math.exp(_likelihood(step, valid)) for step in path[1:]]
    expect(history["train"], "the training perplexities").close_to(before)
    expect(history["valid"], "the validation perplexities").close_to(after)
    best = path[1 + int(np.argmin(after))]
    expect(model.logits, "the weights at the end").close_to(best, atol=1e-5)


@train.property("ends with the weights of the best epoch, not the last", trials=2)
def _(answer, draw: Draw) -> None:
    # A negative rate climbs: away from 0 after 0, towards 1, which follows 7 times in 10 in the
    # validation set. Its second epoch is the best, the third still better than the first, and
    # training only ever gets worse.
    logits, rate = np.tile(draw.normal(2, 1), 2), -0.35
    data = torch.tensor([[0]]), torch.tensor([0])
    valid = torch.zeros(10, 1, dtype=torch.int64), torch.tensor([1] * 7 + [0] * 3)
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, valid, 4, 1, torch_generator(draw.seed()))
    path = _descended(logits, data, rate, 4)
    after = [math.exp(_likelihood(step, valid)) for step in path[1:]]
    expect(history["valid"], "the validation perplexities").close_to(after)
    expect(model.logits, "the weights at the end").close_to(path[2], atol=1e-5)


@train.property("keeps the best of all epochs, wherever it stands", trials=3)
def _(answer, draw: Draw) -> None:
    # One window, "0 after 0", and a logit that goes up and down: the higher, the better.
    heights = draw.choice([(0.0, 1.0, -1.0, 0.5), (1.0, -1.0, 0.5, 0.0), (-1.0, 0.5, 0.0, 1.0)])
    data = torch.tensor([[0]]), torch.tensor([0])
    model = Table(np.zeros((2, 2)))
    optimiser = _Script(model, [[[height, 0.0], [0.0, 0.0]] for height in heights])
    history = answer(model, optimiser, data, data, 4, 1, torch_generator(draw.seed()))
    expect(history["valid"], "the validation perplexities").close_to(
        [1 + math.exp(-height) for height in heights]
    )
    expect(float(model.logits[0, 0].detach()), "the logit at the end").close_to(max(heights))


@train.property("takes one step per minibatch, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    # All windows alike: any order gives the same batches, so that the whole path is known.
    logits, rate, epochs = draw.normal(3, 3), draw.uniform(0.2, 1.0), draw.integers(1, 4)
    data = torch.full((5, 1), 2), torch.full((5,), draw.integers(0, 3))
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, data, epochs, 2, torch_generator(draw.seed()))
    expect(optimiser.steps, "the number of steps").equals(3 * epochs)
    one = data[0][:1], data[1][:1]
    losses = [_likelihood(step, one) for step in _descended(logits, one, rate, 3 * epochs)]
    weighted = [np.dot(losses[3 * e : 3 * e + 3], [2, 2, 1]) / 5 for e in range(epochs)]
    expect(history["train"], "the training perplexities").close_to(np.exp(weighted))
    expect(history["valid"], "the validation perplexities").close_to(np.exp(losses[3::3]))


@train.property("averages over windows, whatever their batches", trials=2)
def _(answer, draw: Draw) -> None:
    logits, data, valid = draw.normal(4, 4), _data(draw, 7), _data(draw, 5)
    model, optimiser = _start(logits, 0.0)
    history = answer(model, optimiser, data, valid, 2, 3, torch_generator(draw.seed()))
    expect(history["train"], "the training perplexities").close_to(
        [math.exp(_likelihood(logits, data))] * 2
    )
    expect(history["valid"], "the validation perplexities").close_to(
        [math.exp(_likelihood(logits, valid))] * 2
    )


@train.property("learns in training mode and measures in evaluation mode", trials=2)
def _(answer, draw: Draw) -> None:
    logits, data, valid = draw.normal(4, 4), _data(draw, 6), _data(draw, 6)
    model, optimiser = _start(logits, 0.0, drops=True)
    model.eval()
    history = answer(model, optimiser, data, valid, 2, 3, torch_generator(draw.seed()))
    expect(history["train"], "the training perplexities").close_to(
        [math.exp(_likelihood(logits / 2, data))] * 2
    )
    expect(history["valid"], "the validation perplexities").close_to(
        [math.exp(_likelihood(logits, valid))] * 2
    )


@train.property("takes one step where the batch size exceeds the number of windows")
def _(answer, draw: Draw) -> None:
    logits, rate, data = draw.normal(3, 3), draw.uniform(0.2, 1.0), _data(draw, 3, 3)
    model, optimiser = _start(logits, rate)
    history = answer(model, optimiser, data, data, 2, 100, torch_generator(draw.seed()))
    expect(optimiser.steps, "the number of steps").equals(2)
    losses = [_likelihood(step, data) for step in _descended(logits, data, rate, 2)]
    expect(history["train"], "the training perplexities").close_to(np.exp(losses[:2]))
    expect(history["valid"], "the validation perplexities").close_to(np.exp(losses[1:]))


def _orders(answer, seed: int, epochs: int) -> list[list[int]]:
    """Which windows each epoch learned from, in order."""
    data = torch.arange(12)[:, None], torch.arange(12)
    model, optimiser = _start(np.zeros((12, 12)), 0.0)
    answer(model, optimiser, data, (data[0][:1], data[1][:1]), epochs, 4, torch_generator(seed))
    return [model.shown[start : start + 12] for start in range(0, len(model.shown), 12)]


@train.property(
    "shows every window once an epoch, in a new order taken from the generator", trials=2
)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    epochs = _orders(answer, seed, 2)
    expect(len(epochs), "epochs of 12 windows, learned from in training mode").equals(2)
    whole = all(sorted(epoch) == list(range(12)) for epoch in epochs)
    expect(whole, "each window once").is_true(
        otherwise="In one epoch a window was shown twice, or never."
    )
    expect(epochs[0] == list(range(12)), "the first epoch is unshuffled").equals(False)
    expect(epochs[0] == epochs[-1], "the second epoch repeats the first").equals(False)
    batches = [sorted(epoch[start : start + 4]) for epoch in epochs for start in (0, 4, 8)]
    cut_first = all(batch == list(range(batch[0], batch[0] + 4)) for batch in batches if batch)
    expect(not cut_first, "windows are shuffled, not minibatches").is_true(
        otherwise="Every minibatch holds neighbours: shuffle the windows, then cut."
    )
    expect(epochs == _orders(answer, seed, 2), "same seed, same order").is_true(
        otherwise="Two generators with the same seed gave different orders: give `generator` to "
        "whatever shuffles."
    )


def _run(model, optimiser, train_set, valid_set, epochs, batch_size, generator, **habits):
    """The training loop with one bad habit, named by keyword: what the mistakes below share."""
    contexts, targets = train_set
    history: dict[str, list[float]] = {"train": [], "valid": []}
    best, lowest = None, math.inf
    order = torch.arange(len(targets))
    losses: list[float] = []
    sizes: list[int] = []
    for epoch in range(epochs):
        if habits.get("with_replacement"):
            order = torch.randint(len(targets), (len(targets),), generator=generator)
        elif not (
            habits.get("unshuffled")
            or habits.get("shuffles_batches")
            or (epoch and habits.get("shuffles_once"))
        ):
            order = torch.randperm(len(targets), generator=generator)
        if not habits.get("stays_in_eval") and not (epoch and habits.get("trains_once")):
            model.train()
        if habits.get("valid_first"):
            history["valid"].append(_measured(model, valid_set))
        if not habits.get("carries_total"):
            losses, sizes = [], []
        batches = order.split(batch_size)
        if habits.get("shuffles_batches"):
            batches = torch.arange(len(targets)).split(batch_size)
            places = torch.randperm(len(batches), generator=generator)
            batches = [batches[place] for place in places]
        for start, batch in enumerate(batches):
            if habits.get("drops_rest") and len(batch) < batch_size:
                continue
            answers = targets[batch]
            if habits.get("targets_unshuffled"):
                answers = targets[start * batch_size :][: len(batch)]
            loss = F.cross_entropy(model(contexts[batch]), answers)
            if not habits.get("accumulates"):
                optimiser.zero_grad()
            if habits.get("steps_first"):
                optimiser.step()
            (loss * (len(batch) if habits.get("summed") else 1)).backward()
            if not habits.get("steps_first"):
                optimiser.step()
            losses.append(loss.item())
            sizes.append(len(batch))
        if habits.get("learns_validation"):
            optimiser.zero_grad()
            F.cross_entropy(model(valid_set[0]), valid_set[1]).backward()
            optimiser.step()
        if habits.get("divides_by_all"):
            mean = float(np.dot(losses, sizes)) / len(order)
            losses, sizes = [mean] * len(losses), [1] * len(sizes)
        habits["epochs_so_far"] = epoch + 1
        history["train"].append(_epoch_number(losses, sizes, habits))
        if habits.get("after"):
            history["train"][-1] = _measured(model, train_set)
        if not habits.get("valid_first"):
            history["valid"].append(_measured(model, valid_set, habits.get("measures_training")))
        judged = -history["valid"][-1] if habits.get("keeps_worst") else history["valid"][-1]
        judged = history["train"][-1] if habits.get("by_training") else judged
        if habits.get("trains_once"):
            model.eval()
        if judged < lowest:
            best, lowest = copy.deepcopy(model.state_dict()), judged
            lowest = -math.inf if habits.get("keeps_first") else lowest
        elif habits.get("stops_early"):
            break
        if habits.get("forgets_lowest"):
            lowest = judged
        if habits.get("puts_back_each_epoch"):
            model.load_state_dict(best)
    if best is not None and not habits.get("keeps_last"):
        model.load_state_dict(best)
    return history


def _specified(mistake: Any) -> Any:
    """Give a mistake the exercise's signature: the engine reads there what it may change."""
    mistake.__signature__ = inspect.signature(_run)
    return mistake


def _epoch_number(losses, sizes, habits) -> float:
    if habits.get("mean_of_batches"):
        return float(np.exp(np.mean(losses)))
    if habits.get("mean_of_perplexities"):
        return float(np.dot(np.exp(losses), sizes) / sum(sizes))
    if not sizes:
        return math.nan
    if habits.get("carries_total"):
        newest = len(sizes) // habits["epochs_so_far"]
        return math.exp(float(np.dot(losses, sizes)) / sum(sizes[-newest:]))
    mean = float(np.dot(losses, sizes) / sum(sizes))
    return mean if habits.get("nats") else math.exp(mean)


def _measured(model, data, training=False) -> float:
    before = model.training
    model.train(bool(training))
    with torch.no_grad():
        loss = F.cross_entropy(model(data[0]), data[1]).item()
    model.train(before)
    return math.exp(loss)


@train.mistake(
    "The model ends with the weights of the last epoch. Keep those of the epoch with the lowest "
    "validation perplexity. If you did keep `model.state_dict()`: it holds the living tensors, "
    "which go on changing; keep a `copy.deepcopy` of it."
)
@_specified
def keeps_last(*specification):
    return _run(*specification, keeps_last=True)


@train.mistake(
    "Gradients pile up from step to step: call `optimiser.zero_grad()` before each `backward`."
)
@_specified
def accumulates(*specification):
    return _run(*specification, accumulates=True)


@train.mistake("You dropped the short minibatch at the end of the epoch. Its windows count too.")
@_specified
def drops_rest(*specification):
    return _run(*specification, drops_rest=True)


@train.mistake(
    "You dropped the short minibatch at the end of the epoch, and divided by all windows all the "
    "same. Its windows count too."
)
@_specified
def drops_rest_and_divides_by_all(*specification):
    return _run(*specification, drops_rest=True, divides_by_all=True)


@train.mistake(
    "You shuffled the contexts and not the targets, so that each context learns the next word of "
    "another. One order for both."
)
@_specified
def targets_unshuffled(*specification):
    return _run(*specification, targets_unshuffled=True)


@train.mistake(
    "The optimiser's step comes before `backward`, so that it uses no gradient, or an old one. "
    "zero_grad, backward, step."
)
@_specified
def steps_first(*specification):
    return _run(*specification, steps_first=True)


@train.mistake(
    "You kept the weights of the last epoch that was better than the one *before it*. Compare with "
    "the lowest perplexity of all epochs so far."
)
@_specified
def forgets_lowest(*specification):
    return _run(*specification, forgets_lowest=True)


@train.mistake(
    "You kept the weights of the first epoch and never newer ones. Keep a copy whenever the "
    "validation perplexity is lower than any before."
)
@_specified
def keeps_first(*specification):
    return _run(*specification, keeps_first=True)


@train.mistake(
    "You put the best weights back after every epoch, so that learning never gets past a worse "
    "one. Go on from the current weights and put the best back once, at the end."
)
@_specified
def puts_back_each_epoch(*specification):
    return _run(*specification, puts_back_each_epoch=True)


@train.mistake(
    "The sum of the losses goes on from epoch to epoch. Set it to 0 at the start of each epoch."
)
@_specified
def carries_total(*specification):
    return _run(*specification, carries_total=True)


@train.mistake(
    "From the second epoch on the model learns in evaluation mode, where your measurement left it. "
    "`model.train()` belongs at the start of *each* epoch."
)
@_specified
def trains_once(*specification):
    return _run(*specification, trains_once=True)


@train.mistake(
    "You shuffled the minibatches and not the windows, so that the same windows always learn "
    "together. Shuffle the windows, then cut."
)
@_specified
def shuffles_batches(*specification):
    return _run(*specification, shuffles_batches=True)


@train.mistake(
    "You stopped at the first epoch that was worse. This page runs all its epochs, since a later "
    "one may be better again, and gives back the best weights at the end."
)
@_specified
def stops_early(*specification):
    return _run(*specification, stops_early=True)


@train.mistake(
    "The windows come in the order of the text at every epoch. Shuffle them anew with the "
    "generator."
)
@_specified
def unshuffled(*specification):
    return _run(*specification, unshuffled=True)


@train.mistake("You shuffled once. Every epoch takes a new order from the generator.")
@_specified
def shuffles_once(*specification):
    return _run(*specification, shuffles_once=True)


@train.mistake(
    "You drew windows with replacement, so that in one epoch some come twice and others never."
)
@_specified
def with_replacement(*specification):
    return _run(*specification, with_replacement=True)


@train.mistake(
    "Your training perplexity is exp of the mean over *batches*. The short batch counts too much "
    "then: weight each mean loss by the number of its windows."
)
@_specified
def mean_of_batches(*specification):
    return _run(*specification, mean_of_batches=True)


@train.mistake(
    "You averaged perplexities over the minibatches. Average the losses, and take exp once at the "
    "end of the epoch."
)
@_specified
def mean_of_batch_perplexities(*specification):
    return _run(*specification, mean_of_perplexities=True)


@train.mistake("You recorded the training loss in nats. The history holds perplexities: exp of it.")
@_specified
def nats(*specification):
    return _run(*specification, nats=True)


@train.mistake(
    "You measured the training windows once more, after the epoch or after each step. Use the "
    "losses that the steps computed anyway, each before its step: they cost nothing."
)
@_specified
def measured_after(*specification):
    return _run(*specification, after=True)


@train.mistake(
    "You measured the validation set before the epoch. Measure it after: its number belongs to the "
    "weights that the epoch ended with."
)
@_specified
def valid_first(*specification):
    return _run(*specification, valid_first=True)


@train.mistake(
    "You learned from the validation set. It chooses between epochs and must not take part in any "
    "step."
)
@_specified
def learns_validation(*specification):
    return _run(*specification, learns_validation=True)


@train.mistake(
    "You put the validation windows among the training windows. They choose between epochs and "
    "must not take part in any step: this is leakage."
)
@_specified
def joins_the_sets(model, optimiser, train_set, valid_set, *rest):
    both = tuple(torch.cat(pair) for pair in zip(train_set, valid_set, strict=True))
    return _run(model, optimiser, both, valid_set, *rest)


@train.mistake(
    "You chose the epoch by its *training* perplexity, which goes on falling while the model "
    "learns by heart. The validation set is there to choose."
)
@_specified
def by_training(*specification):
    return _run(*specification, by_training=True)


@train.mistake("You kept the worst epoch. Lower perplexity is better.")
@_specified
def keeps_worst(*specification):
    return _run(*specification, keeps_worst=True)


@train.mistake(
    "The model was never put into training mode. It may arrive in evaluation mode, where dropout "
    "rests: `model.train()` at the start of each epoch."
)
@_specified
def stays_in_eval(*specification):
    return _run(*specification, stays_in_eval=True)


@train.mistake(
    "You measured the validation set in training mode. Your `score` switches the mode; use it."
)
@_specified
def measures_training(*specification):
    return _run(*specification, measures_training=True)


@train.mistake(
    "You summed the loss over the minibatch. It is a mean: the default of cross_entropy."
)
@_specified
def summed_loss(*specification):
    return _run(*specification, summed=True)


train.hint("Write the two loops first, over epochs and over `torch.randperm(…).split(…)`.")
train.hint("One step: loss, `optimiser.zero_grad()`, `loss.backward()`, `optimiser.step()`.")
train.hint("`perplexity(score(model, *valid_set))` measures. Then: lower than any before? Keep.")
train.hint("`copy.deepcopy(model.state_dict())` keeps weights; `load_state_dict` puts them back.")
train.hint(
    "Does what you kept go on changing when the model learns?",
    when="ends with the weights of the best epoch, not the last",
)
train.hint(
    "Weight each minibatch's mean loss by its size before you divide.",
    when="averages over windows, whatever their batches",
)
train.hint("How many minibatches do 5 windows make with a batch size of 2?", when="length")
train.hint("Which layers' mode matters, and who sets it?", when="factor")


train.equivalent(
    "`if valid < lowest:` → `if valid <= lowest:`",
    because="the page leaves open which of two equally good epochs is kept",
)
