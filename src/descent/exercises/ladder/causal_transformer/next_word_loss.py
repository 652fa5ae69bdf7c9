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

next_word_loss = Exercise("next_word_loss", minutes=5, difficulty=1, returns=torch.Tensor)


@next_word_loss.property("is the mean surprise over all places of all windows", trials=5)
def _(answer, draw: Draw) -> None:
    time = 1 + draw.size
    logits, targets = normals(draw, 3, time, 4), token_tensor(draw, 4, 3, time)
    expect(answer(logits, targets), "the loss").close_to(surprise_of_each(logits, targets).mean())


@next_word_loss.property("is log(vocabulary) when nothing is preferred")
def _(answer, draw: Draw) -> None:
    loss = answer(torch.zeros(2, 3, 8), token_tensor(draw, 8, 2, 3))
    expect(loss, "the loss").close_to(math.log(8))


@next_word_loss.property("survives logits in the hundreds")
def _(answer, draw: Draw) -> None:
    logits, targets = 200 * normals(draw, 2, 3, 5), token_tensor(draw, 5, 2, 3)
    expect(answer(logits, targets), "the loss").is_finite().close_to(
        surprise_of_each(logits, targets).mean()
    )


@next_word_loss.property("is one number, through which the gradient flows")
def _(answer, draw: Draw) -> None:
    logits, targets = normals(draw, 2, 3, 5).requires_grad_(), token_tensor(draw, 5, 2, 3)
    loss = answer(logits, targets)
    expect(loss, "the loss").has_shape()
    expect(loss.requires_grad, "whether a gradient can flow").equals(True)


@next_word_loss.right
def right_loss(logits, targets):
    surprises = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    return surprises.mean()


_MEAN, _TURNED = "surprises.mean()", "logits.transpose(1, 2)"
_CROSS_ENTROPY = f'F.cross_entropy({_TURNED}, targets, reduction="none")'


next_word_loss.slip(
    "cut_off",
    "Your loss is cut off from its gradient: `backward` has nowhere to go. No `.detach()`, no new "
    "tensor; `.item()` comes in the training loop.",
    {_MEAN: "surprises.mean().detach()"},
)
next_word_loss.slip(
    "reshaped_axes",
    "You brought the vocabulary to dimension 1 with a reshape, which mixes places and words. "
    "Flatten batch and time into one dimension, or transpose.",
    {_TURNED: "logits.reshape(len(logits), logits.shape[2], -1)"},
)
next_word_loss.slip(
    "last_place",
    "You judge the last place alone. All places count: that is the bargain.",
    {_MEAN: "surprises[:, -1].mean()"},
)
next_word_loss.slip(
    "shifted_twice",
    "You shifted the targets once more. `windows_at` has done it: logits[:, t] belong to "
    "targets[:, t].",
    {f"{_TURNED}, targets": "logits[:, :-1].transpose(1, 2), targets[:, 1:]"},
)
next_word_loss.slip(
    "summed_loss",
    "You summed. A mean keeps long and short windows comparable.",
    {_MEAN: "surprises.sum()"},
)
next_word_loss.slip(
    "summed_over_time",
    "You summed over the places of a window. Average over them too.",
    {_MEAN: "surprises.sum(1).mean()"},
)
next_word_loss.slip(
    "summed_over_windows",
    "You summed over the windows. Average over them too.",
    {_MEAN: "surprises.mean(1).sum()"},
)
next_word_loss.slip(
    "softmax_first",
    "You applied softmax before cross_entropy, which contains it: the probabilities are then "
    "treated as logits.",
    {_TURNED: "logits.softmax(-1).transpose(1, 2)"},
)
next_word_loss.slip(
    "softmax_over_time",
    "Your softmax runs over the places of a window. At each place the words of the vocabulary "
    "compete: the last dimension.",
    {_CROSS_ENTROPY: "-logits.log_softmax(1).gather(2, targets[..., None])"},
)
next_word_loss.slip(
    "logarithm_of_softmax",
    "You take the logarithm of the softmax. A probability of e^−400 is rounded to 0, and its "
    "logarithm is −∞: take log_softmax, or F.cross_entropy, of the logits.",
    {_CROSS_ENTROPY: "-logits.softmax(-1).log().gather(2, targets[..., None])"},
)
next_word_loss.slip(
    "logarithm_held_up",
    "You add a small number to the probabilities before the logarithm, which puts a ceiling on "
    "every surprise. Take log_softmax, or F.cross_entropy, of the logits: they need none.",
    {_CROSS_ENTROPY: "-(logits.softmax(-1) + 1e-10).log().gather(2, targets[..., None])"},
)
next_word_loss.slip(
    "perplexity_instead",
    "That is the perplexity, exp of the loss. Return the loss itself.",
    {_MEAN: "surprises.mean().exp()"},
)
next_word_loss.slip(
    "log_probability",
    "The sign is flipped: a loss is minus the log-probability.",
    {_MEAN: "-surprises.mean()"},
)
next_word_loss.slip(
    "one_for_each_place",
    "You returned one loss for each place. The loss is their mean.",
    {_MEAN: "surprises"},
)
next_word_loss.slip(
    "one_for_each_window",
    "You returned one loss for each window. The loss is the mean over all of them.",
    {_MEAN: "surprises.mean(1)"},
)


next_word_loss.hint("Every place of every window is one classification. Make a list of them.")
next_word_loss.hint("`logits.flatten(0, 1)` has shape (batch · time, vocabulary).")
next_word_loss.hint("Did a reshape change which numbers lie together?", when="value")
next_word_loss.hint("By how many places do you divide?", when="factor")
next_word_loss.hint("One number for the whole batch.", when="shape")
