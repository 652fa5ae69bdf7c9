"""How `evaluate` is judged."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import nn

from descent.grading import Draw, Exercise, expect

from .shared import DoublesWhileTraining, evaluation, examples, linear

evaluate = Exercise(
    "evaluate", minutes=15, difficulty=2, changes=("model",), returns=tuple[float, float]
)


class WatchesGradients(nn.Module):
    """Counts the calls during which torch was recording for `backward`."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.recorded += torch.is_grad_enabled()
        return x


def _measured(layer: nn.Linear, pairs: list) -> tuple[float, float]:
    """Mean loss and accuracy by numpy and scikit-learn, all examples in one heap."""
    x = np.concatenate([np.asarray(x, dtype=np.float64) for x, _ in pairs])
    y = np.concatenate([np.asarray(y) for _, y in pairs])
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    logits = x @ weight.T.astype(np.float64) + bias
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    predicted = np.argmax(logits, axis=1)
    return float(log_loss(y, probabilities, labels=[0, 1, 2])), float(accuracy_score(y, predicted))


def _expect_measured(result: tuple, layer: nn.Linear, pairs: list) -> None:
    loss, accuracy = result
    expected_loss, expected_accuracy = _measured(layer, pairs)
    expect(loss, "the loss").close_to(expected_loss)
    expect(accuracy, "the accuracy").close_to(expected_accuracy)


@evaluate.property("gives mean loss and accuracy of one batch", trials=5)
def _(answer, draw: Draw) -> None:
    layer, pairs = linear(draw), [examples(draw, draw.size)]
    _expect_measured(answer(layer, pairs), layer, pairs)


@evaluate.property("lets every example count the same when batches differ in size", trials=5)
def _(answer, draw: Draw) -> None:
    layer = linear(draw)
    pairs = [examples(draw, n) for n in (4, draw.size, 1)]
    _expect_measured(answer(layer, pairs), layer, pairs)


@evaluate.property("measures in evaluation mode", trials=3)
def _(answer, draw: Draw) -> None:
    layer, pairs = linear(draw), [examples(draw, 3), examples(draw, 2)]
    model = nn.Sequential(layer, DoublesWhileTraining()).train()
    _expect_measured(answer(model, pairs), layer, pairs)


@evaluate.property("leaves the model in the mode it found it in")
def _(answer, draw: Draw) -> None:
    model, pairs = nn.Sequential(linear(draw), DoublesWhileTraining()), [examples(draw, 3)]
    for mode, name in ((True, "training"), (False, "evaluation")):
        answer(model.train(mode), pairs)
        expect(model.training, f"training mode afterwards, in {name} mode before").equals(mode)
        inside = [part.training for part in model]
        expect(inside, f"that of its 2 layers, in {name} mode before").equals([mode, mode])


@evaluate.property("leaves recording as it was, on or off", trials=1)
def _(answer, draw: Draw) -> None:
    layer, pairs = linear(draw), [examples(draw, 3)]
    for on in (True, False):
        with torch.set_grad_enabled(on):
            answer(layer, pairs)
            after = torch.is_grad_enabled()
        expect(after, f"recording afterwards, {'on' if on else 'off'} before").equals(on)


@evaluate.property("records nothing for backward, and changes nothing in the model")
def _(answer, draw: Draw) -> None:
    watch = WatchesGradients()
    layer = linear(draw)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.ones_like(layer.weight)
    answer(nn.Sequential(layer, watch), [examples(draw, 3), examples(draw, 2)])
    expect(watch.recorded, "batches recorded for backward").equals(0)
    learning = sum(p.requires_grad for p in layer.parameters())
    expect(learning, "parameters that can still learn afterwards").equals(2)
    expect(layer.weight, "the weight afterwards").close_to(before)
    gradient = layer.weight.grad
    kept = gradient is not None and bool((gradient == 1).all()) and layer.bias.grad is None
    expect(kept, "the gradients are as they were").is_true(
        otherwise="The parameters' `.grad` is not as it was: measuring has no use for it."
    )


@evaluate.property("walks through the batches once")
def _(answer, draw: Draw) -> None:
    layer = linear(draw)
    pairs = [examples(draw, n) for n in (3, 2)]
    _expect_measured(answer(layer, (pair for pair in pairs)), layer, pairs)


@evaluate.mistake(
    "You averaged the batches' means. The short last batch then counts as much as a full one: "
    "multiply each mean by the number of its examples, add up, divide by all examples."
)
def batch_means(model, batches):
    return evaluation(model, batches, batch_means=True)


@evaluate.mistake(
    "You measured in training mode. Layers such as dropout then go on disturbing the network: "
    "call `model.eval()` before the first batch."
)
def in_training_mode(model, batches):
    return evaluation(model, batches, in_training_mode=True)


@evaluate.mistake(
    "The model stays in evaluation mode when you are done. The next epoch would train without its "
    "dropout: put the mode back, `model.train(was_training)`."
)
def stays_in_evaluation(model, batches):
    return evaluation(model, batches, stays_in_evaluation=True)


@evaluate.mistake(
    "You always switch training mode on at the end. Put back the mode you found: a model that was "
    "in evaluation mode stays there. `was_training = model.training` remembers it."
)
def always_training(model, batches):
    return evaluation(model, batches, always_training=True)


@evaluate.mistake(
    "torch recorded every step for a backward pass that never comes: memory and time for nothing. "
    "Put the loop inside `with torch.no_grad():`."
)
def records_gradients(model, batches):
    return evaluation(model, batches, records=True)


@evaluate.mistake(
    "You switched recording off for good: after your function no `backward()` works any more. Use "
    "`with torch.no_grad():`, which switches it on again at its end."
)
def recording_stays_off(model, batches):
    result = evaluation(model, batches)
    torch.set_grad_enabled(False)
    return result


@evaluate.mistake(
    "You switch recording on at the end, although it may have been off before: whoever calls you "
    "inside a `torch.no_grad()` of their own would record from then on. `with torch.no_grad():` "
    "puts back what was there."
)
def recording_switched_on(model, batches):
    result = evaluation(model, batches)
    torch.set_grad_enabled(True)
    return result


@evaluate.mistake(
    "You set `model.training`, which is the flag of the outermost module alone: its layers stay in "
    "evaluation mode. `model.train(was_training)` reaches them all."
)
def outermost_flag_only(model, batches):
    was_training = model.training
    result = evaluation(model.eval(), batches)
    model.training = was_training
    return result


@evaluate.mistake(
    "You switched `requires_grad` off and left it off: the model can never learn again. Use `with "
    "torch.no_grad():`, which changes nothing in the model."
)
def freezes_the_model(model, batches):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return evaluation(model, batches)


@evaluate.mistake(
    "You took the largest logit along axis 0, over the examples. Each example has its own largest "
    "logit: `argmax(dim=1)`."
)
def largest_over_examples(model, batches):
    pairs, right, count = list(batches), 0, 0
    loss, _ = evaluation(model, pairs)
    with torch.no_grad():
        for x, y in pairs:
            right += int((model(x).argmax(0) == y).sum())
            count += len(y)
    return loss, right / count


@evaluate.mistake(
    "`F.cross_entropy` takes logits: it applies log-softmax itself. You gave it probabilities, so "
    "the softmax was taken twice and the loss can never get near 0."
)
def softmax_twice(model, batches):
    return evaluation(model, batches, softmax_twice=True)


@evaluate.mistake(
    "Your accuracy is in per cent. Return a share between 0 and 1; print it as per cent if you "
    "like."
)
def percent(model, batches):
    return evaluation(model, batches, percent=True)


@evaluate.mistake(
    "Your accuracy counts the right answers. Divide by the number of examples to get a share."
)
def counts_right_answers(model, batches):
    return evaluation(model, batches, counts=True)


@evaluate.mistake("Your loss is a sum over all examples. Divide by how many there were.")
def summed_loss(model, batches):
    return evaluation(model, batches, loss_sum=True)


@evaluate.mistake(
    "You multiplied each batch's loss by its size, and then divided by the number of batches. "
    "Divide by the number of examples."
)
def divided_by_batches(model, batches):
    return evaluation(model, batches, loss_by_batches=True)


@evaluate.mistake(
    "You added up batch means and divided by the number of examples. `F.cross_entropy` gives a "
    "mean over its batch: multiply it by the batch's size before you add it."
)
def means_over_examples(model, batches):
    return evaluation(model, batches, loss_unweighted=True)


@evaluate.mistake("You returned the numbers of the last batch. Add up over all of them.")
def last_batch_only(model, batches):
    return evaluation(model, batches, last_batch=True)


@evaluate.mistake(
    "You divided by the number of batches times the size of the first. The last one may be "
    "shorter: count the examples as they come, `n += len(y)`."
)
def first_batch_size(model, batches):
    return evaluation(model, batches, first_size=True)


@evaluate.mistake(
    "You walk through `batches` twice. An iterator is empty the second time: one loop that keeps "
    "all sums."
)
def walks_twice(model, batches):
    loss, _ = evaluation(model, batches)
    n, hits = 0, 0
    model.eval()
    with torch.no_grad():
        for x, y in batches:
            hits += (model(x).argmax(1) == y).sum().item()
            n += len(y)
    return loss, hits / n


@evaluate.mistake(
    "You asked `batches` for its length. It may be an iterator, which has none: count as you go."
)
def asks_for_length(model, batches):
    steps = len(batches)
    return evaluation(model, [pair for pair, _ in zip(batches, range(steps), strict=False)])


@evaluate.mistake("You returned (accuracy, loss). The loss comes first.")
def turned_round(model, batches):
    return evaluation(model, batches)[::-1]


@evaluate.mistake(
    "You returned tensors. `.item()` or `float(…)` makes plain numbers that can be printed, saved "
    "and compared, and lets go of what the tensor holds on to."
)
def returns_tensors(model, batches):
    loss, accuracy = evaluation(model, batches)
    return torch.tensor(loss), torch.tensor(accuracy)


evaluate.hint(
    "Before the loop: remember the mode, switch it. In the loop: add up. After: divide, put the "
    "mode back."
)
evaluate.hint("Keep three sums: losses times batch sizes, right answers, examples.")
evaluate.hint(
    "Whose mean is it? A batch of 1 and a batch of 1 000 must not weigh the same.",
    when="lets every example count the same when batches differ in size",
)
evaluate.hint("What did you divide by: examples, batches, nothing?", when="factor")
evaluate.hint(
    "`model.eval()` switches; `model.training` says which mode it is in.",
    when="measures in evaluation mode",
)
evaluate.hint(
    "`was_training = model.training` first, `model.train(was_training)` last.",
    when="leaves the model in the mode it found it in",
)
evaluate.hint(
    "`with torch.no_grad():` around the loop.",
    when="records nothing for backward, and changes nothing in the model",
)
evaluate.hint(
    "`with torch.no_grad():` puts back what was there; `set_grad_enabled` stays.",
    when="leaves recording as it was, on or off",
)
evaluate.hint("`batches` may be a generator: one `for` loop, no `len`.", when="error")
evaluate.hint(
    "Return two plain numbers: `return loss, accuracy`. `.item()` makes one of a tensor.",
    when="type",
)
