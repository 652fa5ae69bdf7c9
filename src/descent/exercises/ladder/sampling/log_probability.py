"""How `log_probability` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import (
    WORDS,
    Speaker,
    expect_at_rest,
    int64_tensor,
    padded,
    read,
    row_of_window,
    unsure,
)

log_probability = Exercise("log_probability", minutes=15, difficulty=2, changes=("model",))


def _sum_of_logs(model: Speaker, prompt: list[int], new: list[int], context, pad) -> float:
    """The logarithm of the product of the probabilities, in numpy."""
    rows = np.exp(model.table.detach().numpy())
    total, ids = 0.0, prompt + new
    for place in range(len(prompt), len(ids)):
        row = rows[row_of_window(read(ids[:place], context, pad))]
        total += math.log(row[ids[place]] / row.sum())
    return total


@log_probability.property("adds up the logarithms along the text", trials=6)
def _(answer, draw: Draw) -> None:
    model, context = unsure(draw), draw.integers(1, 4)
    prompt = draw.integers(0, WORDS, draw.size + 2).tolist()
    new = draw.integers(0, WORDS, draw.size).tolist()
    got = answer(model, int64_tensor(prompt), int64_tensor(new), context)
    expect(got, "the log-probability").close_to(_sum_of_logs(model, prompt, new, context, 0))


@log_probability.property("is that of two halves, one after the other", trials=3)
def _(answer, draw: Draw) -> None:
    model, ids = unsure(draw), draw.integers(0, WORDS, 8).tolist()
    parts = [(ids[:2], ids[2:5]), (ids[:5], ids[5:])]
    for before, after in parts:
        got = answer(model, int64_tensor(before), int64_tensor(after), 3)
        expect(got, "the log-probability").close_to(_sum_of_logs(model, before, after, 3, 0))


@log_probability.property("starts from a prompt shorter than the window, or from none", trials=3)
def _(answer, draw: Draw) -> None:
    for pad, prompt in ((2, []), (5, [1]), (None, [3])):
        model, new = unsure(draw), draw.integers(0, WORDS, 4).tolist()
        got = answer(model, int64_tensor(prompt), int64_tensor(new), 3, pad=pad)
        expected = _sum_of_logs(model, prompt, new, 3, pad)
        expect(got, f"the log-probability with pad = {pad}").close_to(expected)


@log_probability.property("stays finite for a text of several hundred words")
def _(answer, draw: Draw) -> None:
    model, new = unsure(draw), draw.integers(0, WORDS, 400).tolist()
    got = answer(model, int64_tensor([1, 2]), int64_tensor(new), 2)
    expected = _sum_of_logs(model, [1, 2], new, 2, 0)
    expect(got, "the log-probability of 400 words").close_to(expected)


@log_probability.property("is 0 for no words, and a plain number")
def _(answer, draw: Draw) -> None:
    got = answer(unsure(draw), int64_tensor([1, 2]), int64_tensor([]), 2)
    expect(got, "the log-probability of nothing").close_to(0.0).has_shape()


@log_probability.property("runs the model in evaluation mode, and leaves it as it came", trials=4)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model = unsure(draw)
        model.train(training)
        got = answer(model, int64_tensor([1, 2]), int64_tensor([3, 4]), 2)
        expect(got, "the log-probability").close_to(_sum_of_logs(model, [1, 2], [3, 4], 2, 0))
        expect_at_rest(model, training)


def _judged(model, prompt, new, context, pad=0, value=None, combine=sum, **habits):
    """The right measurement with one habit changed."""
    before = model.training
    if not habits.get("any_mode"):
        model.eval()
    value = value or (lambda logits, word: F.log_softmax(logits, 0)[word].item())
    ids = torch.cat([prompt, new])
    parts = []
    first = 1 if habits.get("with_prompt") and len(prompt) else len(prompt)
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for place in range(first, len(ids)):
            text = ids[: place + 1] if habits.get("sees_target") else ids[:place]
            text = ids[len(prompt) : place] if habits.get("forgets_prompt") else text
            text = prompt if habits.get("fixed") else text
            window = text[-context:]
            filled = pad if not habits.get("pads_with_zero") else 0
            logits = model(padded(window, context, filled)[None])[0]
            parts.append(value(logits.detach(), int(ids[place])))
    if not habits.get("stays"):
        model.train(before or bool(habits.get("always_train")))
    return float(combine(parts))


@log_probability.mistake(
    "You averaged. A text's log-probability is the *sum*; divide by its length only when you want "
    "a perplexity."
)
def mean_of_logs(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: sum(x) / max(len(x), 1))


@log_probability.mistake(
    "You included the prompt. It is given; only the new words are to be judged."
)
def prompt_included(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, with_prompt=True)


@log_probability.mistake("The sign is wrong: the logarithm of a probability is never above 0.")
def surprise(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: -sum(x))


@log_probability.mistake("You returned the probability itself. Return its logarithm, the sum.")
def product(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: math.exp(sum(x)))


@log_probability.mistake(
    "You multiplied the probabilities first. The product of a few hundred of them is too small for "
    "any floating-point number and becomes 0: add up their logarithms."
)
def log_of_product(model, prompt, new, context, pad=0):
    def value(logits, word):
        return torch.softmax(logits, 0)[word].item()

    def combine(parts):
        product = math.prod(parts)
        return math.log(product) if product else -math.inf

    return _judged(model, prompt, new, context, pad, value, combine)


@log_probability.mistake("You added up probabilities. Add up their logarithms.")
def sum_of_probabilities(model, prompt, new, context, pad=0):
    def value(logits, word):
        return torch.softmax(logits, 0)[word].item()

    return _judged(model, prompt, new, context, pad, value)


@log_probability.mistake(
    "You added up logits. They are not logarithms of probabilities before `log_softmax`."
)
def raw_logits(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, lambda logits, word: logits[word].item())


@log_probability.mistake("You took logarithms to base 2. Use natural ones.")
def in_bits(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, combine=lambda x: sum(x) / math.log(2))


@log_probability.mistake(
    "You judged the likeliest word at each place. The question is about the word that stands there."
)
def likeliest_word(model, prompt, new, context, pad=0):
    def value(logits, word):
        return F.log_softmax(logits, 0).max().item()

    return _judged(model, prompt, new, context, pad, value)


@log_probability.mistake(
    "The window already holds the word that it is to predict: off by one. Word t is judged after "
    "the words *before* t."
)
def sees_the_word(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, sees_target=True)


@log_probability.mistake("The model read only the new words. The prompt comes before them.")
def forgets_prompt(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, 0 if pad is None else pad, forgets_prompt=True)


@log_probability.mistake("Every word was judged after the prompt alone: the context never moved.")
def context_fixed(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, fixed=True)


@log_probability.mistake("You filled up with 0, whatever `pad` is. Hand pad to `last_window`.")
def pads_with_zero(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, pads_with_zero=True)


@log_probability.mistake("The model was run in training mode. `model.eval()` first.")
def in_any_mode(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, any_mode=True)


@log_probability.mistake("The model stays in evaluation mode. Put it back as it was.")
def stays_in_evaluation(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, stays=True)


@log_probability.mistake(
    "The model is in training mode afterwards, whatever it was before. Put it back as it was."
)
def always_training(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, always_train=True)


@log_probability.mistake("Gradients were recorded on the way: wrap it in `torch.no_grad()`.")
def records(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, records=True)


log_probability.hint("`ids = torch.cat([prompt, new])`; judge the places from len(prompt) on.")


log_probability.hint("`F.log_softmax(logits, dim=0)[word]` is one term.")


log_probability.hint("Place t is judged after `last_window(ids[:t], context, pad)`.")


log_probability.hint("Sum or mean?", when="factor")


log_probability.hint("Which words were judged? Which ones were read?", when="value")


log_probability.equivalent(
    "`logits = model(last_window(ids[:end], context, pad)[None])[0]` → "
    "`logits = model(last_window(ids[:end], context, pad)[None])[-1]`",
    because="in a batch of one, the last is the first",
)


log_probability.equivalent(
    "`total += F.log_softmax(logits, dim=0)[ids[end]].item()` → "
    "`total += F.log_softmax(logits)[ids[end]].item()`",
    because="of one dimension there is one to choose",
)


log_probability.equivalent(
    "`total += F.log_softmax(logits, dim=0)[ids[end]].item()` → "
    "`total += F.log_softmax(logits, dim=-1)[ids[end]].item()`",
    because="of one dimension there is one to choose",
)
