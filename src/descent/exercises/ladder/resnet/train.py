"""How `train` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals, torch_generator
from descent.grading import Draw, Exercise, expect

from .one_cycle import right_rate
from .shared import cycle, examples

train = Exercise(
    "train",
    minutes=30,
    difficulty=3,
    changes=("model", "generator"),
    seconds=8.0,
    returns=list[float],
)


class Watched(nn.Module):
    """Softmax regression that notes what it sees, and in which mode."""

    def __init__(self, draw: Draw | None = None, inputs: int = 2, classes: int = 3) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, classes)
        self.seen: list[list[int]] = []
        self.modes: list[tuple[bool, bool]] = []  # of the model, and of the layer in it
        with torch.no_grad():
            self.linear.weight.zero_()
            self.linear.bias.zero_()
            if draw is not None:
                self.linear.weight.copy_(normals(draw, classes, inputs))

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append([int(value) for value in x[:, 0]])
        self.modes.append((self.training, self.linear.training))
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


@train.property("has a weight decay of 5e-4", trials=1)
def _(answer, draw: Draw) -> None:
    # Inputs of 0 give the weights a gradient of 0: all that moves them is the decay.
    model, x, y = Watched(draw), torch.zeros(2, 2), torch.tensor([0, 2])
    theta, _ = _descend(_theta(model), [(x.numpy(), y.numpy())] * 10, 3.0)
    answer(model, x, y, 10, 2, 3.0, torch_generator(0))
    expect(_theta(model)[:, :2], "the weights afterwards").close_to(theta[:, :2], rtol=5e-4)


@train.property("smooths the targets by as much as it is told", trials=2)
def _(answer, draw: Draw) -> None:
    model, smoothing = Watched(draw), draw.choice([0.05, 0.3])
    x, y = examples(draw, 5, 2)
    pairs = [(x.numpy(), y.numpy())] * 4
    theta, losses = _descend(_theta(model), pairs, 0.4, smoothing)
    found = answer(model, x, y, 4, 5, 0.4, torch_generator(0), smoothing=smoothing)
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("counts the steps of all epochs, the short batch included", trials=2)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    for n, batch_size, sizes in ((5, 2, [2, 2, 1]), (4, 2, [2, 2]), (3, 5, [3])):
        x, y = normals(draw, 1, 2).expand(n, 2).contiguous(), torch.full((n,), 1)
        model, peak = Watched(draw), draw.uniform(0.2, 0.6)
        pairs = [(x[:s].numpy(), y[:s].numpy()) for s in sizes * 3]
        theta, losses = _descend(_theta(model), pairs, peak)
        found = answer(model, x, y, 3, batch_size, peak, torch_generator(0))
        expect([len(seen) for seen in model.seen], "the sizes of the batches").equals(sizes * 3)
        expect(len(found), "how many losses there are").equals(3 * len(sizes))
        expect(found, "the losses").close_to(losses, rtol=1e-3)
        expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("visits the examples in the order of the generator", trials=2)
def _(answer, draw: Draw) -> None:
    seed, x = draw.seed(), torch.arange(7.0)[:, None].expand(7, 2).contiguous()
    generator, model = torch_generator(seed), Watched()
    answer(model, x, torch.zeros(7, dtype=torch.int64), 2, 3, 1e-3, generator)
    same = torch_generator(seed)
    orders = [torch.randperm(7, generator=same).tolist() for _ in range(2)]
    expect(sum(model.seen, []), "the examples in the order of their visits").equals(sum(orders, []))
    after = [int(torch.randint(10**6, (), generator=each)) for each in (generator, same)]
    expect(after[0], "a number drawn from the generator afterwards").equals(after[1])


@train.property("keeps each picture with its label", trials=2)
def _(answer, draw: Draw) -> None:
    seed, model = draw.seed(), Watched(draw)
    x, y = normals(draw, 7, 2), torch.tensor([0, 1, 2, 2, 1, 0, 0])
    same, pairs = torch_generator(seed), []
    for _ in range(2):
        for piece in torch.randperm(7, generator=same).split(3):
            pairs.append((x[piece].numpy(), y[piece].numpy()))
    theta, losses = _descend(_theta(model), pairs, 0.5)
    found = answer(model, x, y, 2, 3, 0.5, torch_generator(seed))
    expect(found, "the losses").close_to(losses, rtol=1e-3)
    expect(_theta(model), "weights and biases afterwards").close_to(theta, rtol=1e-3, atol=1e-4)


@train.property("has every part in training mode, also after an evaluation", trials=1)
def _(answer, draw: Draw) -> None:
    x, y = examples(draw, 4, 2)
    for evaluated in (True, False):
        model = Watched().train(not evaluated)
        after = (lambda epoch, model=model: model.eval()) if evaluated else None
        answer(model, x, y, 3, 2, 0.1, torch_generator(1), None, after)
        for part, what in enumerate(("model", "layer")):
            modes = [int(mode[part]) for mode in model.modes]
            expect(modes, f"the {what} in training mode, by batch (1 is yes)").equals([1] * 6)


@train.property("calls after_epoch with 1, 2, … when the epoch is over", trials=1)
def _(answer, draw: Draw) -> None:
    model, called = Watched(draw), []

    def after_epoch(epoch: int) -> None:
        called.append((epoch, len(model.seen), _theta(model)))

    x, y = examples(draw, 4, 2)
    answer(model, x, y, 3, 2, 0.1, torch_generator(1), None, after_epoch)
    expect([epoch for epoch, _, _ in called], "what after_epoch was called with").equals([1, 2, 3])
    batches = [count for _, count, _ in called]
    expect(batches, "batches seen before each call").equals([2, 4, 6])
    last = called[-1][2] if called else np.zeros((3, 3))
    expect(last, "weights and biases at the last call").close_to(_theta(model))


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


@train.property("moves nothing at a peak of 0", trials=1)
def _(answer, draw: Draw) -> None:
    model = Watched(draw)
    before = _theta(model)
    x, y = examples(draw, 3, 2)
    found = answer(model, x, y, 1, 2, 0.0, torch_generator(3))
    expect(_theta(model), "weights and biases afterwards").close_to(before)
    expect(len(found), "how many losses there are").equals(2)


@train.right
def right_loop(
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
):
    optimiser = torch.optim.SGD(
        model.parameters(), lr=peak, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    per_epoch = math.ceil(len(x) / batch_size)
    steps, losses = epochs * per_epoch, []
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x), generator=generator)
        for batch in order.split(batch_size):
            shown = x[batch]
            if augment is not None:
                shown = augment(shown, generator)
            loss = F.cross_entropy(model(shown), y[batch], label_smoothing=smoothing)
            optimiser.zero_grad()
            loss.backward()
            rate = right_rate(len(losses), steps, peak)
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
            losses.append(loss.item())
        if after_epoch is not None:
            after_epoch(epoch + 1)
    return losses


RATE = "right_rate(len(losses), steps, peak)"
ORDER = "        order = torch.randperm(len(x), generator=generator)\n"
STEP = "            optimiser.step()\n"
CLEAR = "            optimiser.zero_grad()\n"
CALL = "        if after_epoch is not None:\n            after_epoch(epoch + 1)\n"


train.slip(
    "constant_rate",
    "The learning rate never changes: `one_cycle` is not used, or its result never reaches the "
    'optimiser. Set `group["lr"]` before each step.',
    {RATE: "peak"},
)
train.slip(
    "cycle_in_every_epoch",
    "Your schedule starts anew in every epoch. It spans the whole training: count the steps of "
    "all epochs.",
    {RATE: "right_rate(len(losses) % per_epoch, per_epoch, peak)"},
)
train.slip(
    "steps_of_one_epoch",
    "You handed `one_cycle` the steps of one epoch as the whole. The training has epochs times "
    "as many.",
    {"epochs * per_epoch": "per_epoch"},
)
train.slip(
    "rate_by_epoch",
    "Your rate changes once an epoch. Set it at every step.",
    {RATE: "right_rate(epoch * per_epoch, steps, peak)"},
)
train.slip(
    "one_step_ahead",
    "Your schedule runs one step ahead: the first step has number 0.",
    {RATE: "right_rate(len(losses) + 1, steps, peak)"},
)
train.slip(
    "rate_after_the_step",
    "You set the rate after the step. Then each step takes the rate of the one before it, and "
    "the first takes the peak: set it before `step`.",
    {
        "            rate = ": STEP + "            rate = ",
        STEP + "            losses": "            losses",
    },
)
train.slip(
    "full_batches_counted",
    "You counted full batches alone, so that the schedule ends too early. An epoch has n / "
    "batch_size steps, rounded *up*.",
    {"math.ceil(len(x) / batch_size)": "len(x) // batch_size"},
)
train.slip(
    "one_batch_too_many",
    "You counted one batch too many where batch_size divides n: n // batch_size + 1. Round n / "
    "batch_size up.",
    {"math.ceil(len(x) / batch_size)": "len(x) // batch_size + 1"},
)
train.slip(
    "examples_counted",
    "You counted examples as steps, so that the rate hardly gets anywhere. A step is a batch.",
    {"epochs * per_epoch": "epochs * len(x)"},
)
train.slip(
    "optimiser_in_every_epoch",
    "Your optimiser is made anew in every epoch and forgets its velocity. Make it once, before "
    "the epochs.",
    {"        model.train()\n": "        model.train()\n        optimiser.state.clear()\n"},
)
train.slip(
    "optimiser_in_every_step",
    "Your optimiser is made anew for every step and forgets its velocity. Make it once, before "
    "the epochs.",
    {CLEAR: "            optimiser.state.clear()\n" + CLEAR},
)
train.slip(
    "never_clears",
    "Your gradients add up: clear them before `backward`.",
    {CLEAR: ""},
)
train.slip(
    "clears_once_an_epoch",
    "Your gradients add up within an epoch: clear them at every step, before `backward`.",
    {CLEAR: "", ORDER: ORDER + "        optimiser.zero_grad()\n"},
)
train.slip(
    "never_steps",
    "The parameters never move: the optimiser does not step, or when it does the gradients have "
    "been cleared away or are not there yet. The order is `zero_grad`, `backward`, `step`.",
    {STEP: ""},
)
train.slip(
    "only_the_decay_moves",
    "The gradients are 0 when the optimiser steps, so that nothing but weight decay moves the "
    "parameters: clear them before `backward`, not after it.",
    {CLEAR: "", STEP: "            optimiser.zero_grad(set_to_none=False)\n" + STEP},
)
train.slip(
    "without_momentum",
    "Your optimiser has no momentum. Momentum 0.9, Nesterov's variant.",
    {"momentum=0.9, nesterov=True, ": ""},
)
train.slip(
    "plain_momentum",
    "Your momentum is the plain one: nesterov=True.",
    {"nesterov=True, ": ""},
)
train.slip(
    "without_decay",
    "The weight decay of 5e-4 is missing.",
    {", weight_decay=5e-4": ""},
)
train.slip(
    "decay_tenfold",
    "Your weight decay is 5e-3. It is 5e-4.",
    {"5e-4": "5e-3"},
)
train.slip(
    "never_in_training_mode",
    "You never put the model into training mode. A model that was evaluated before would learn "
    "with the running statistics of batch norm.",
    {"        model.train()\n": ""},
)
train.slip(
    "training_mode_once",
    "You put the model into training mode once. `after_epoch` may leave it in evaluation mode: "
    "say `model.train()` at the start of every epoch.",
    {"        model.train()\n": "", "    for epoch in": "    model.train()\n    for epoch in"},
)
train.slip(
    "mode_of_the_top_alone",
    "`model.training = True` reaches the model alone, not the layers in it. Say `model.train()`.",
    {"model.train()": "model.training = True"},
)
train.slip(
    "in_evaluation_mode",
    "You put the model into evaluation mode. It learns in training mode: `model.train()`.",
    {"model.train()": "model.eval()"},
)
train.slip(
    "drops_short_batch",
    "The short batch at the end of an epoch is dropped. It counts.",
    {
        "math.ceil(len(x) / batch_size)": "len(x) // batch_size",
        "in order.split(batch_size)": "in order.split(batch_size)[:per_epoch]",
    },
)
train.slip(
    "skips_short_batch",
    "The short batch at the end of an epoch is skipped. It counts, as in your number of steps.",
    {"in order.split(batch_size)": "in order.split(batch_size)[: len(x) // batch_size]"},
)
train.slip(
    "order_from_elsewhere",
    "Your order does not come from the generator.",
    {"len(x), generator=generator)": "len(x))"},
)
train.slip(
    "unshuffled_examples",
    "The examples are never shuffled.",
    {"torch.randperm(len(x), generator=generator)": "torch.arange(len(x))"},
)
train.slip(
    "with_replacement",
    "You drew the examples with replacement, so that some come twice and others not at all. An "
    "epoch visits each once: `torch.randperm`.",
    {"torch.randperm(len(x), generator": "torch.randint(len(x), (len(x),), generator"},
)
train.slip(
    "one_order_for_all",
    "You drew one order for all epochs. Each epoch draws its own from the generator.",
    {ORDER: "", "    for epoch in": ORDER.removeprefix("    ") + "    for epoch in"},
)
train.slip(
    "labels_left_in_place",
    "You shuffled the pictures and left the labels where they were. Both take the same piece of "
    "the order: `x[piece]`, `y[piece]`.",
    {"y[batch]": "y[batch_size * (len(losses) % per_epoch) :][: len(batch)]"},
)
train.slip(
    "augment_unused",
    "`augment` is not used.",
    {"augment(shown, generator)": "shown"},
)
train.slip(
    "augments_everything",
    "You changed all pictures at once, at the start of the epoch. Change each piece when its "
    "turn comes: `augment(x[piece], generator)`.",
    {
        ORDER: ORDER + "        everything = augment(x, generator) if augment else x\n",
        "x[batch]": "everything[batch]",
        "augment(shown, generator)": "shown",
    },
)
train.slip(
    "augments_again",
    "What augment made was kept and changed again in the next epoch. Each time it gets the "
    "pictures as they were given.",
    {
        "shown = x[batch]": "x = x if losses else x.clone()\n            shown = x[batch]",
        "augment(shown, generator)": "x[batch] = augment(shown, generator)",
    },
)
train.slip(
    "smoothing_unused",
    "`smoothing` is not used. Hand it to `F.cross_entropy` as `label_smoothing`.",
    {", label_smoothing=smoothing": ""},
)
train.slip(
    "smoothing_fixed",
    "You smooth by 0.1 always. Use the number that was given.",
    {"label_smoothing=smoothing": "label_smoothing=0.1"},
)
train.slip(
    "after_epoch_unused",
    "`after_epoch` is never called.",
    {"            after_epoch(epoch + 1)": "            pass"},
)
train.slip(
    "epochs_from_zero",
    "Epochs count from 1 for `after_epoch`.",
    {"after_epoch(epoch + 1)": "after_epoch(epoch)"},
)
train.slip(
    "after_every_step",
    "You called `after_epoch` after every step. It belongs behind the loop over the pieces.",
    {CALL: "            if after_epoch is not None:\n                after_epoch(epoch + 1)\n"},
)
train.slip(
    "after_the_training",
    "You called `after_epoch` once, after the training. Call it after each epoch, inside the loop.",
    {CALL: "    if after_epoch is not None:\n        after_epoch(epoch + 1)\n"},
)
train.slip(
    "loss_after_the_step",
    "You recorded the loss after the step. Record that of the batch before it.",
    {"loss.item()": "F.cross_entropy(model(shown), y[batch], label_smoothing=smoothing).item()"},
)
train.slip(
    "summed_loss",
    "Your loss is a sum over the batch. It is the mean.",
    {"label_smoothing=smoothing": 'label_smoothing=smoothing, reduction="sum"'},
)
train.slip(
    "softmax_first",
    "You handed probabilities to `F.cross_entropy`. It takes logits, and does the softmax itself.",
    {"model(shown)": "model(shown).softmax(1)"},
)
train.slip(
    "one_loss_an_epoch",
    "You returned one loss an epoch. Return one for each step.",
    {
        "    return losses": "    parts = np.array_split(losses, epochs)\n"
        "    return [float(np.mean(part)) for part in parts]"
    },
)


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
           when="has every part in training mode, also after an evaluation")  # fmt: skip
train.hint("`loss.item()` makes a Python float.", when="type")
