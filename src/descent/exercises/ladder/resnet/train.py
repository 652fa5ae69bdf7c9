"""How `train` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import cycle, examples, scheduled_rate

train = Exercise("train", minutes=30, difficulty=3, changes=("model", "generator"), seconds=8.0)


class Watched(nn.Module):
    """Softmax regression that notes what it sees, and in which mode."""

    def __init__(self, draw: Draw | None = None, inputs: int = 2, classes: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, classes)
        self.seen: list[list[int]] = []
        self.modes: list[bool] = []
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.bias.zero_()
            if draw is not None:
                self.linear.weight.copy_(normals(draw, classes, inputs))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append([int(value) for value in x[:, 0]])
        self.modes.append(self.training)
        return self.linear(x)


def _descend(
    theta: np.ndarray, pairs: list, peak: float, smoothing: float = 0.0
) -> tuple[np.ndarray, list[float]]:
    """Nesterov's descent with weight decay on softmax regression, in numpy, one pair a step."""
    velocity, losses = np.zeros_like(theta), []
    for step, (x, y) in enumerate(pairs):
        inputs = np.c_[np.asarray(x, dtype=float), np.ones(len(x))]
        logits = inputs @ theta.T
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        classes = theta.shape[0]
        wanted = (1 - smoothing) * np.eye(classes)[y] + smoothing / classes
        losses.append(float(-np.sum(wanted * np.log(chances), axis=1).mean()))
        slope = (chances - wanted).T @ inputs / len(y) + 5e-4 * theta
        velocity = 0.9 * velocity + slope
        theta = theta - cycle(step, len(pairs), peak, 0.25) * (slope + 0.9 * velocity)
    return theta, losses


def _theta(model: Watched) -> np.ndarray:
    layer = model.linear
    return np.c_[layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()]


@train.property("takes the right steps where one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    n, peak, epochs = draw.size, draw.uniform(0.2, 0.6), draw.integers(3, 6)
    model = Watched(draw)
    x, y = examples(draw, n, 2)
    theta, losses = _descend(_theta(model), [(x.numpy(), y.numpy())] * epochs, peak)
    found = answer(model, x, y, epochs, n, peak, torch_generator(0))
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("smooths the targets by as much as it is told", trials=2)
def _(answer, draw: Draw) -> None:
    model, smoothing = Watched(draw), draw.choice([0.1, 0.3])
    x, y = examples(draw, 5, 2)
    pairs = [(x.numpy(), y.numpy())] * 4
    theta, losses = _descend(_theta(model), pairs, 0.4, smoothing)
    found = answer(model, x, y, 4, 5, 0.4, torch_generator(0), smoothing=smoothing)
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("counts the steps of all epochs, the short batch included", trials=2)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    x, y = normals(draw, 1, 2).expand(5, 2).contiguous(), torch.full((5,), 1)
    model, peak = Watched(draw), draw.uniform(0.2, 0.6)
    sizes = [2, 2, 1] * 3
    theta, losses = _descend(_theta(model), [(x[:s].numpy(), y[:s].numpy()) for s in sizes], peak)
    found = answer(model, x, y, 3, 2, peak, torch_generator(0))
    expect(len(found), "how many losses there are").equals(9)
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)
    expect([len(seen) for seen in model.seen], "the sizes of the batches").equals(sizes)


@train.property("visits the examples in the order of the generator", trials=2)
def _(answer, draw: Draw) -> None:
    seed, x = draw.seed(), torch.arange(7.0)[:, None].expand(7, 2).contiguous()
    generator, model = torch_generator(seed), Watched()
    answer(model, x, torch.zeros(7, dtype=torch.int64), 2, 3, 1e-3, generator)
    same = torch_generator(seed)
    orders = [torch.randperm(7, generator=same).tolist() for _ in range(2)]
    expect(sum(model.seen, []), "the examples in the order of their visits").equals(sum(orders, []))


@train.property("learns in training mode, also after an evaluation", trials=1)
def _(answer, draw: Draw) -> None:
    model, called = Watched().eval(), []

    def after_epoch(epoch: int) -> None:
        called.append((epoch, len(model.seen)))
        model.eval()

    x, y = examples(draw, 4, 2)
    answer(model, x, y, 3, 2, 0.1, torch_generator(1), None, after_epoch)
    expect(sum(model.modes), "how many of 6 batches were seen in training mode").equals(6)
    epochs = [epoch for epoch, _ in called]
    expect(epochs, "what after_epoch was called with").equals([1, 2, 3])
    batches = [count for _, count in called]
    expect(batches, "batches seen before each call").equals([2, 4, 6])


@train.property("shows the model what augment makes of each piece", trials=1)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    model, generator, given = Watched(), torch_generator(seed), []

    def augment(pictures: Tensor, source: torch.Generator) -> Tensor:
        given.append((len(pictures), source is generator))
        torch.rand(5, generator=source)
        return pictures + 100

    x, y = torch.arange(7.0)[:, None].expand(7, 2).contiguous(), torch.arange(7) % 3
    answer(model, x, y, 2, 3, 0.0, generator, augment)
    same, shown = torch_generator(seed), []
    for _ in range(2):
        shown += [100 + number for number in torch.randperm(7, generator=same).tolist()]
        for _ in range(3):
            torch.rand(5, generator=same)
    sizes = [count for count, _ in given]
    expect(sizes, "how many pictures augment was given").equals([3, 3, 1, 3, 3, 1])
    expect(sum(model.seen, []), "what the model saw").equals(shown)
    expect(sum(own for _, own in given), "how often augment got the generator").equals(6)


@train.property("moves nothing at a peak of 0, and returns plain floats", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    before = _theta(model)
    x, y = examples(draw, 3, 2)
    found = answer(model, x, y, 1, 2, 0.0, torch_generator(3))
    expect(_theta(model), "weights and biases afterwards").close_to(before)
    expect(isinstance(found, list), "a list").equals(True)
    expect(sum(isinstance(loss, float) for loss in found), "Python floats in it").equals(2)


def _loop(
    model,
    x,
    y,
    epochs,
    batch_size,
    peak,
    generator,
    augment=None,
    after_epoch=None,
    smoothing=0.0,
    **habits,
):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    optimiser = torch.optim.SGD(
        model.parameters(),
        lr=peak,
        momentum=habits.get("momentum", 0.9),
        nesterov=habits.get("nesterov", True),
        weight_decay=habits.get("decay", 5e-4),
    )
    per_epoch = math.ceil(len(x) / batch_size)
    if habits.get("drops_rest"):
        per_epoch = max(len(x) // batch_size, 1)
    steps = per_epoch if habits.get("per_epoch") else epochs * per_epoch
    steps = epochs * (len(x) // batch_size) if habits.get("floor") else steps
    source = None if habits.get("global") else generator
    order = torch.randperm(len(x), generator=source) if habits.get("one_order") else None
    losses: list[Any] = []
    smoothing = 0.0 if habits.get("no_smoothing") else smoothing
    smoothing = 0.1 if habits.get("fixed_smoothing") else smoothing
    if not habits.get("no_mode"):
        model.train()
    for epoch in range(epochs):
        if not (habits.get("mode_once") or habits.get("no_mode")):
            model.train()
        if not habits.get("one_order"):
            order = torch.randperm(len(x), generator=source)
        order = torch.arange(len(x)) if habits.get("unshuffled") else order
        if habits.get("forgets_velocity"):
            optimiser.state.clear()
        everything = augment(x, generator) if augment and habits.get("augments_all") else x
        for place, batch in enumerate(order.split(batch_size)):
            short = len(batch) < batch_size < len(x)
            if short and (habits.get("drops_rest") or habits.get("skips_rest")):
                continue
            shown = everything[batch]
            if augment and not (habits.get("no_augment") or habits.get("augments_all")):
                shown = augment(shown, generator)
            loss = F.cross_entropy(model(shown), y[batch], label_smoothing=smoothing)
            if not habits.get("accumulates"):
                optimiser.zero_grad()
            loss.backward()
            step = place if habits.get("per_epoch") else epoch * per_epoch + place
            step = epoch * per_epoch if habits.get("by_epoch") else step
            step = step + 1 if habits.get("late") else step
            step = len(losses) if habits.get("skips_rest") else step
            rate = peak if habits.get("constant") else scheduled_rate(step, steps, peak)
            if habits.get("rate_after"):
                optimiser.step()
            for group in optimiser.param_groups:
                group["lr"] = rate
            if not (habits.get("no_step") or habits.get("rate_after")):
                optimiser.step()
            if habits.get("after"):
                loss = F.cross_entropy(model.linear(shown), y[batch], label_smoothing=smoothing)
            losses.append(loss.detach() if habits.get("tensors") else float(loss.detach()))
        if after_epoch and not habits.get("silent"):
            after_epoch(epoch if habits.get("from_zero") else epoch + 1)
    if habits.get("by_mean"):
        return [float(np.mean(part)) for part in np.array_split(losses, epochs)]
    return losses


for _message, _name, _habits in (
    (
        "The learning rate never changes: `one_cycle` is not used, or its result never reaches the "
        'optimiser. Set `group["lr"]` before each step.',
        "constant_rate",
        {"constant": True},
    ),
    (
        "Your schedule starts anew in every epoch. It spans the whole training: count the steps of "
        "all epochs.",
        "cycle_in_every_epoch",
        {"per_epoch": True},
    ),
    (
        "Your rate changes once an epoch. Set it at every step.",
        "rate_by_epoch",
        {"by_epoch": True},
    ),
    (
        "Your schedule runs one step ahead: the first step has number 0.",
        "one_step_ahead",
        {"late": True},
    ),
    (
        "You set the rate after the step. Then each step takes the rate of the one before it, and "
        "the first takes the peak: set it before `step`.",
        "rate_after_the_step",
        {"rate_after": True},
    ),
    (
        "You counted full batches alone, so that the schedule ends too early. An epoch has "
        "n / batch_size steps, rounded *up*.",
        "full_batches_counted",
        {"floor": True},
    ),
    (
        "Your optimiser is made anew in every epoch and forgets its velocity. Make it once, before "
        "the epochs.",
        "optimiser_in_every_epoch",
        {"forgets_velocity": True},
    ),
    (
        "Your gradients add up: clear them before `backward`.",
        "never_clears",
        {"accumulates": True},
    ),
    ("The optimiser never steps.", "never_steps", {"no_step": True}),
    (
        "Your optimiser has no momentum. Momentum 0.9, Nesterov's variant.",
        "without_momentum",
        {"momentum": 0.0, "nesterov": False},
    ),
    ("Your momentum is the plain one: nesterov=True.", "plain_momentum", {"nesterov": False}),
    ("The weight decay of 5e-4 is missing.", "without_decay", {"decay": 0.0}),
    (
        "You never put the model into training mode. A model that was evaluated before would learn "
        "with the running statistics of batch norm.",
        "never_in_training_mode",
        {"no_mode": True},
    ),
    (
        "You put the model into training mode once. `after_epoch` may leave it in evaluation mode: "
        "say `model.train()` at the start of every epoch.",
        "training_mode_once",
        {"mode_once": True},
    ),
    (
        "The short batch at the end of an epoch is dropped. It counts.",
        "drops_short_batch",
        {"drops_rest": True},
    ),
    (
        "The short batch at the end of an epoch is skipped. It counts, as in your number of steps.",
        "skips_short_batch",
        {"skips_rest": True},
    ),
    ("Your order does not come from the generator.", "order_from_elsewhere", {"global": True}),
    ("The examples are never shuffled.", "unshuffled_examples", {"unshuffled": True}),
    (
        "You drew one order for all epochs. Each epoch draws its own from the generator.",
        "one_order_for_all",
        {"one_order": True},
    ),
    ("`augment` is not used.", "augment_unused", {"no_augment": True}),
    (
        "You changed all pictures at once, at the start of the epoch. Change each piece when its "
        "turn comes: `augment(x[piece], generator)`.",
        "augments_everything",
        {"augments_all": True},
    ),
    (
        "`smoothing` is not used. Hand it to `F.cross_entropy` as `label_smoothing`.",
        "smoothing_unused",
        {"no_smoothing": True},
    ),
    (
        "You smooth by 0.1 always. Use the number that was given.",
        "smoothing_fixed",
        {"fixed_smoothing": True},
    ),
    ("`after_epoch` is never called.", "after_epoch_unused", {"silent": True}),
    ("Epochs count from 1 for `after_epoch`.", "epochs_from_zero", {"from_zero": True}),
    (
        "You recorded the loss after the step. Record that of the batch before it.",
        "loss_after_the_step",
        {"after": True},
    ),
    (
        "Your losses are tensors. Record plain numbers: `loss.item()`.",
        "losses_are_tensors",
        {"tensors": True},
    ),
    (
        "You returned one loss an epoch. Return one for each step.",
        "one_loss_an_epoch",
        {"by_mean": True},
    ),
):

    def _bad_loop(
        model,
        x,
        y,
        epochs,
        batch_size,
        peak,
        generator,
        augment=None,
        after_epoch=None,
        smoothing=0.0,
        habits=_habits,  # each with its own
    ):
        data = (model, x, y, epochs, batch_size, peak, generator, augment, after_epoch, smoothing)
        return _loop(*data, **habits)

    _bad_loop.__name__ = _name
    train.mistake(_message)(_bad_loop)


train.equivalent(
    "`optimiser = torch.optim.SGD(model.parameters(), lr=peak, momentum=0.9, nesterov=True, "
    "weight_decay=0.0005)` → `optimiser = torch.optim.SGD(model.parameters(), momentum=0.9, "
    "nesterov=True, weight_decay=0.0005)`",
    because="the rate is set from the schedule before every step, the first included",
)


train.hint("Optimiser and the number of all steps first, then two loops.")


train.hint("The number of the step is `len(losses)` before you append.")


train.hint("Inside: pictures, loss, zero_grad, backward, the rate for each group, step, append.")


train.hint("How many steps has an epoch of 5 examples with batches of 2?", when="length")


train.hint("Is the rate set before each step, and counted over all epochs?", when="value")


train.hint("`model.train()` belongs inside the loop over epochs.",
           when="learns in training mode, also after an evaluation")  # fmt: skip


train.hint("`loss.item()` makes a Python float.", when="type")
