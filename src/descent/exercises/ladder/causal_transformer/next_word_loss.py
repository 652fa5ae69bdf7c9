"""How `next_word_loss` is judged."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from descent.exercises.doubles import (
    normals,
    token_tensor,
)
from descent.grading import Draw, Exercise, expect

from .shared import surprise_of_each

next_word_loss = Exercise("next_word_loss", minutes=5, difficulty=1)


@next_word_loss.property("is the mean surprise over all places of all windows", trials=5)
def _(answer, draw: Draw) -> None:
    time = 1 + draw.size
    logits, targets = normals(draw, 3, time, 4), token_tensor(draw, 4, 3, time)
    expect(answer(logits, targets), "the loss").close_to(surprise_of_each(logits, targets).mean())


@next_word_loss.property("is log(vocabulary) when nothing is preferred")
def _(answer, draw: Draw) -> None:
    loss = answer(torch.zeros(2, 3, 8), token_tensor(draw, 8, 2, 3))
    expect(loss, "the loss").close_to(math.log(8))
    expect(loss, "the loss").has_shape()


@next_word_loss.property("survives logits in the hundreds")
def _(answer, draw: Draw) -> None:
    logits, targets = 200 * normals(draw, 2, 3, 5), token_tensor(draw, 5, 2, 3)
    expect(answer(logits, targets), "the loss").is_finite().close_to(
        surprise_of_each(logits, targets).mean()
    )


@next_word_loss.property("is a tensor through which the gradient flows")
def _(answer, draw: Draw) -> None:
    logits, targets = normals(draw, 2, 3, 5).requires_grad_(), token_tensor(draw, 5, 2, 3)
    loss = answer(logits, targets)
    expect(loss, "the loss").is_a(torch.Tensor)
    expect(getattr(loss, "requires_grad", False), "whether a gradient can flow").equals(True)


@next_word_loss.mistake(
    "Your loss is a plain number, or cut off from its gradient: `backward` has nowhere to go. "
    "Return the tensor; `.item()` comes in the training loop."
)
def plain_number(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item()


@next_word_loss.mistake(
    "You brought the vocabulary to dimension 1 with a reshape, which mixes places and words. "
    "Flatten batch and time into one dimension, or transpose."
)
def reshaped_axes(logits, targets):
    batch, time, words = logits.shape
    return F.cross_entropy(logits.reshape(batch, words, time), targets)


@next_word_loss.mistake("You judge the last place alone. All places count: that is the bargain.")
def last_place(logits, targets):
    return F.cross_entropy(logits[:, -1], targets[:, -1])


@next_word_loss.mistake(
    "You shifted the targets once more. `windows_at` has done it: logits[:, t] belong to "
    "targets[:, t]."
)
def shifted_twice(logits, targets):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())


@next_word_loss.mistake("You summed. A mean keeps long and short windows comparable.")
def summed_loss(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")


@next_word_loss.mistake("You summed over the places of a window. Average over them too.")
def summed_over_time(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) * logits.shape[1]


@next_word_loss.mistake(
    "You applied softmax before cross_entropy, which contains it: the probabilities are then "
    "treated as logits."
)
def softmax_first(logits, targets):
    return F.cross_entropy(logits.softmax(-1).flatten(0, 1), targets.flatten())


@next_word_loss.mistake("That is the perplexity, exp of the loss. Return the loss itself.")
def perplexity_instead(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten()).exp()


@next_word_loss.mistake("The sign is flipped: a loss is minus the log-probability.")
def log_probability(logits, targets):
    return -F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@next_word_loss.mistake("You returned one loss for each place. The loss is their mean.")
def one_for_each_place(logits, targets):
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


next_word_loss.hint("Every place of every window is one classification. Make a list of them.")


next_word_loss.hint("`logits.flatten(0, 1)` has shape (batch · time, vocabulary).")


next_word_loss.hint("Did a reshape change which numbers lie together?", when="value")


next_word_loss.hint("By how many places do you divide?", when="factor")


next_word_loss.hint("One number for the whole batch.", when="shape")
