"""How `train_epoch` is judged."""

from __future__ import annotations

from torch import nn

from descent.exercises.doubles import PlainDescent, normals
from descent.grading import Draw, Exercise, expect

from .shared import (
    Batches,
    Weights,
    descent_step,
    drawn_batches,
    drawn_weights,
    epoch_with,
    expect_parameters,
    leaves,
    logits_of,
    loss_of_each,
    sequential,
    witness_of,
)

train_epoch = Exercise(
    "train_epoch",
    minutes=12,
    difficulty=2,
    changes=("network", "loader", "optimiser"),
    returns=list[float],
)


def _epoch_by_hand(weights: Weights, batches: Batches, rate: float) -> tuple[Weights, list[float]]:
    weights, losses = leaves(weights), []
    for x, y in batches:
        loss = loss_of_each(logits_of(weights, x), y).mean()
        losses.append(loss.item())
        weights = descent_step(weights, loss, rate)
    return weights, losses


def _judge_epoch(answer, draw: Draw, batches: Batches, stale: bool = False) -> None:
    weights, rate = drawn_weights(draw, [2, 5, 3]), draw.uniform(0.05, 0.2)
    network = sequential(weights)
    if stale:
        for parameter in network.parameters():
            parameter.grad = normals(draw, *parameter.shape)
    moved, expected = _epoch_by_hand(weights, batches, rate)
    optimiser = PlainDescent(network, rate)
    losses = answer(network, batches, optimiser)
    expect(losses, "the losses").close_to(expected, atol=1e-4)
    expect_parameters(network, moved)
    expect(optimiser.steps, "how many steps the optimiser took").equals(len(batches))


@train_epoch.property("takes one right step on one batch", trials=3)
def _(answer, draw: Draw) -> None:
    _judge_epoch(answer, draw, drawn_batches(draw, draw.size))


@train_epoch.property("takes a step for each batch, short ones included", trials=2)
def _(answer, draw: Draw) -> None:
    _judge_epoch(answer, draw, drawn_batches(draw, 4, 4, 1))


@train_epoch.property("is not misled by gradients from before", trials=2)
def _(answer, draw: Draw) -> None:
    _judge_epoch(answer, draw, drawn_batches(draw, 3, 3), stale=True)


@train_epoch.property("runs the network in training mode", trials=1)
def _(answer, draw: Draw) -> None:
    network = sequential(drawn_weights(draw, [2, 4, 3]))
    answer(network.eval(), drawn_batches(draw, 3, 3), PlainDescent(network, 0.1))
    expect(sum(witness_of(network).modes), "how many of two batches ran in training mode").equals(2)


def _epoch_habit(name, **habits):
    """A mistake made of `_epoch_with`, its parameters named as the exercise names them."""

    def answer(network, loader, optimiser):
        return epoch_with(network, loader, optimiser, **habits)

    answer.__name__ = name
    return answer


train_epoch.mistake(
    "You never clear the gradients: backward() adds to what is there, so each step carries all "
    "earlier ones along. Call `optimiser.zero_grad()` before `backward()`."
)(_epoch_habit("never_cleared", accumulates=True))


train_epoch.mistake(
    "Nothing moves: `step()` finds no gradients. Either `zero_grad()` stands between `backward()` "
    "and `step()`, or `step()` before `backward()`. The order is zero_grad, backward, step."
)(_epoch_habit("cleared_too_late", cleared_too_late=True))


train_epoch.mistake(
    "You clear the gradients after the step, which is too late for the first batch: what the "
    "parameters held before the epoch counts in it. Clear before `backward()`."
)(_epoch_habit("cleared_after_step", accumulates=True, cleared_after_step=True))


train_epoch.mistake(
    "You call `step()` before `backward()`: the gradients of this batch do not exist yet. The "
    "order is zero_grad, backward, step."
)(_epoch_habit("step_before_backward", step_first=True, accumulates=True))


train_epoch.mistake(
    "You applied softmax before F.cross_entropy, which contains it already. Hand it the logits."
)(_epoch_habit("softmax_twice", softmax=True))


train_epoch.mistake(
    "You handed probabilities to nll_loss, which wants their logarithms. F.cross_entropy takes "
    "the logits and does both."
)(_epoch_habit("nll_of_probabilities", probabilities=True))


train_epoch.mistake(
    "Your loss is the sum over the batch. It is a mean, so that the step does not depend on the "
    "batch size."
)(_epoch_habit("summed", summed=True))


train_epoch.mistake(
    "There is no step: backward() finds the gradients, and `optimiser.step()` uses them."
)(_epoch_habit("no_step", no_step=True))


train_epoch.mistake(
    "The network ran in the mode it came in, evaluation mode. Whoever trains calls "
    "`network.train()` first."
)(_epoch_habit("mode_untouched", mode_untouched=True))


train_epoch.mistake(
    "You recorded tensors. Each of them keeps its whole graph alive, so memory grows with every "
    "step: record `loss.item()`."
)(_epoch_habit("recorded_tensors", tensors=True))


train_epoch.mistake(
    "You recorded each loss after its step. Record the one the gradient was computed from."
)(_epoch_habit("loss_after_step", loss_after=True))


train_epoch.mistake(
    "You stop after the first batch: a `return` stands inside the loop. An epoch goes through "
    "all of them."
)(_epoch_habit("first_batch_only", first_batch=True))


@train_epoch.mistake(
    "You returned one number, the mean loss. Return one loss for each batch, in a list."
)
def mean_of_losses(network, loader, optimiser):
    losses = epoch_with(network, loader, optimiser)
    return sum(losses) / len(losses)


@train_epoch.mistake(
    "You step once, after the last batch: zero_grad and step have slipped out of the loop. Each "
    "batch takes a step of its own."
)
def one_step_at_the_end(network, loader, optimiser):
    network.train()
    losses = []
    optimiser.zero_grad()
    for x, y in loader:
        loss = nn.functional.cross_entropy(network(x), y)
        losses.append(loss.item())
        loss.backward()
    optimiser.step()
    return losses


train_epoch.hint(
    "One loop over the loader; inside it the four lines of the page, and the loss recorded."
)
train_epoch.hint("Before the loop: which mode should the network be in?")
train_epoch.hint("The order: loss, zero_grad, backward, step. All inside the loop.", when="value")
train_epoch.hint("A sum over n examples is n times their mean.", when="factor")
train_epoch.hint("One loss for each batch.", when="length")
train_epoch.hint("`loss.item()` is a Python number.", when="type")
train_epoch.hint("`network.train()`.", when="runs the network in training mode")
train_epoch.hint(
    "Gradients may be there before the first batch: when do you clear them?",
    when="is not misled by gradients from before",
)
