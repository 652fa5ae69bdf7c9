"""How `evaluate` is judged."""

from __future__ import annotations

import torch

from descent.grading import Draw, Exercise, expect

from .shared import (
    drawn_batches,
    drawn_weights,
    evaluated,
    expect_parameters,
    measured,
    sequential,
    witness_of,
)

evaluate = Exercise(
    "evaluate", minutes=12, difficulty=2, changes=("network", "loader"), returns=tuple[float, float]
)


def _judge_evaluation(answer, draw: Draw, *sizes: int) -> None:
    weights, batches = drawn_weights(draw, [2, 5, 3]), drawn_batches(draw, *sizes)
    loss, accuracy = answer(sequential(weights), batches)
    expected_loss, expected_accuracy = measured(weights, batches)
    expect(loss, "the loss").close_to(expected_loss, atol=1e-4)
    expect(accuracy, "the accuracy").close_to(expected_accuracy, atol=1e-4)


@evaluate.property("gives loss and accuracy of one batch", trials=3)
def _(answer, draw: Draw) -> None:
    _judge_evaluation(answer, draw, draw.size + 1)


@evaluate.property("averages over examples, not over batches", trials=3)
def _(answer, draw: Draw) -> None:
    _judge_evaluation(answer, draw, 4, 4, 1)


@evaluate.property("runs in evaluation mode, without recording gradients", trials=1)
def _(answer, draw: Draw) -> None:
    network = sequential(drawn_weights(draw, [2, 4, 3])).train()
    answer(network, drawn_batches(draw, 3, 3))
    witness = witness_of(network)
    expect(sum(witness.modes), "how many of two batches ran in training mode").equals(0)
    expect(sum(witness.recorded), "how many of two batches recorded gradients").equals(0)


@evaluate.property("puts the mode back, and recording as it was", trials=1)
def _(answer, draw: Draw) -> None:
    weights, batches = drawn_weights(draw, [2, 4, 3]), drawn_batches(draw, 3)
    for mode, name in ((True, "training"), (False, "evaluation")):
        network = sequential(weights).train(mode)
        answer(network, batches)
        expect(network.training, f"training mode afterwards, {name} before").equals(mode)
        inside = sum(part.training for part in network)
        expect(inside, f"how many of 4 layers are in it, {name} before").equals(4 * mode)
    for on in (True, False):
        with torch.set_grad_enabled(on):
            answer(sequential(weights), batches)
            after = torch.is_grad_enabled()
        expect(after, f"recording afterwards, {'on' if on else 'off'} before").equals(on)


@evaluate.property("changes nothing in the network", trials=2)
def _(answer, draw: Draw) -> None:
    weights = drawn_weights(draw, [2, 4, 3])
    network = sequential(weights)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    answer(network, drawn_batches(draw, 3))
    expect_parameters(network, weights)
    trainable = [parameter.requires_grad for parameter in network.parameters()]
    expect(sum(trainable), "how many of 4 parameters still require a gradient").equals(4)
    kept = [p.grad is not None and bool((p.grad == 1).all()) for p in network.parameters()]
    expect(sum(kept), "how many of 4 gradients are as they were").equals(4)


def _evaluation_habit(name, **habits):
    """A mistake made of `_evaluated`, its parameters named as the exercise names them."""

    def answer(network, loader):
        return evaluated(network, loader, **habits)

    answer.__name__ = name
    return answer


evaluate.mistake(
    "You averaged the means of the batches. The last batch is shorter, and its examples count "
    "for too much: weight each batch by its size, or add up sums."
)(_evaluation_habit("mean_of_means", by_batch=True))


evaluate.mistake(
    "The network ran in the mode it came in. Layers such as dropout would go on dropping: call "
    "`network.eval()` first."
)(_evaluation_habit("mode_untouched", mode_untouched=True))


evaluate.mistake(
    "You leave the network in evaluation mode. In the middle of training that would change the "
    "training: remember `network.training` and put it back."
)(_evaluation_habit("left_in_evaluation", left_in_evaluation=True))


evaluate.mistake(
    "You always end in training mode. A network that came in evaluation mode should leave in it: "
    "remember `network.training` and put it back."
)(_evaluation_habit("back_to_training", back_to_training=True))


evaluate.mistake(
    "Autograd recorded your evaluation. The numbers are the same; memory and time are wasted: go "
    "through the batches under `with torch.no_grad():`."
)(_evaluation_habit("gradients_recorded", recorded=True))


evaluate.mistake("Your accuracy is in per cent. It should be a share, from 0 to 1.")(
    _evaluation_habit("percent", percent=True)
)


evaluate.mistake("You counted the right answers and did not divide by the number of examples.")(
    _evaluation_habit("counted", counted=True)
)


evaluate.mistake("You added up the losses and did not divide by the number of examples.")(
    _evaluation_habit("summed_loss", summed=True)
)


evaluate.mistake(
    "You returned the share of wrong answers. The accuracy is the share of right ones."
)(_evaluation_habit("error_rate", error_rate=True))


evaluate.mistake("Only the last batch counts: the sums start again inside the loop.")(
    _evaluation_habit("last_batch_only", last_batch=True)
)


evaluate.mistake("Only the first batch counts: a `return` stands inside the loop.")(
    _evaluation_habit("first_batch_only", first_batch=True)
)


evaluate.mistake("Loss and accuracy have changed places: return (loss, accuracy).")(
    _evaluation_habit("swapped_results", swapped=True)
)


evaluate.mistake(
    "You applied softmax before F.cross_entropy, which contains it already. The accuracy does "
    "not notice, the loss does."
)(_evaluation_habit("softmax_twice", softmax=True))


evaluate.mistake(
    "Your accuracy is right, and your loss is the mean of the batches' means: examples of a short "
    "batch count for too much. Weight each mean by the size of its batch."
)(_evaluation_habit("loss_mean_of_means", loss_by_batch=True))


evaluate.mistake(
    "You added up the means of the batches and divided by the number of examples. Multiply each "
    "mean by the size of its batch first, or add up with `reduction='sum'`."
)(_evaluation_habit("means_over_examples", means_over_examples=True))


evaluate.mistake(
    "You divided by the size of the last batch. Count the examples as you go through the batches."
)(_evaluation_habit("last_count", last_count=True))


evaluate.mistake(
    "The numbers are right and they are tensors. `.item()` makes a Python number of each."
)(_evaluation_habit("tensor_results", tensors=True))


@evaluate.mistake(
    "You set `network.training`, which is the flag of the outermost module alone: its layers stay "
    "in evaluation mode. `network.train(was_training)` reaches them all."
)
def outermost_flag_only(network, loader):
    was_training = network.training
    result = evaluated(network.eval(), loader)
    network.training = was_training
    return result


@evaluate.mistake(
    "You switch recording on at the end, although it may have been off before. "
    "`with torch.no_grad():` puts back what was there."
)
def recording_switched_on(network, loader):
    result = evaluated(network, loader)
    torch.set_grad_enabled(True)
    return result


@evaluate.mistake(
    "You switched recording off for good: after your function no `backward()` works any more. Use "
    "`with torch.no_grad():`, which ends with its block."
)
def recording_stays_off(network, loader):
    result = evaluated(network, loader)
    torch.set_grad_enabled(False)
    return result


@evaluate.mistake(
    "The parameters no longer require a gradient: training could not go on. `torch.no_grad()` "
    "switches the recording off for the block alone, and leaves the network as it is."
)
def frozen_for_good(network, loader):
    network.requires_grad_(False)
    return evaluated(network, loader)


evaluate.hint("Three sums in a loop: of the losses, of the right answers, of the examples.")
evaluate.hint(
    "`F.cross_entropy(…, reduction='sum')` adds up; divide by the number of examples at the end."
)
evaluate.hint(
    "Batches of 3 and 1 with means 1.0 and 5.0: the answer is 2.0, not 3.0.",
    when="value",
)
evaluate.hint("Did you divide, and by what?", when="factor")
evaluate.hint("Which comes first, loss or accuracy?", when="order")
evaluate.hint(
    "`was_training = network.training` at the start; `network.train(was_training)` at the end.",
    when="puts the mode back, and recording as it was",
)
evaluate.hint(
    "logits has shape (n, classes): `argmax(dim=1)` goes along the classes.", when="error"
)
evaluate.hint("`.item()` turns a tensor with one number into a Python number.", when="type")
