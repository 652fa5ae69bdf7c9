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
    expect_evaluated,
    expect_grad_as_it_was,
    expect_mode,
    expect_not_recorded,
    int64_tensor,
    padded,
    read,
    row_of_window,
    unsure,
)

log_probability = Exercise(
    "log_probability", minutes=15, difficulty=2, changes=("model",), returns=float
)


def _sum_of_logs(model: Speaker, prompt: list[int], new: list[int], context, pad) -> float:
    """Of each word its logit minus the logarithm of Σ exp, in numpy."""
    rows = model.table.detach().numpy()
    total, ids = 0.0, prompt + new
    for place in range(len(prompt), len(ids)):
        row = rows[row_of_window(read(ids[:place], context, pad))]
        row = row - row.max()
        total += row[ids[place]] - math.log(np.exp(row).sum())
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


@log_probability.property("is 0 for no words", trials=1)
def _(answer, draw: Draw) -> None:
    got = answer(unsure(draw), int64_tensor([1, 2]), int64_tensor([]), 2)
    expect(got, "the log-probability of nothing").close_to(0.0)


@log_probability.property("is finite for a word of hardly any probability", trials=2)
def _(answer, draw: Draw) -> None:
    # e^−60 is lost beside 1e-10, and e^−2000 is smaller than any floating-point number.
    for gap in (60.0, 2000.0):
        model = Speaker(gap * np.eye(WORDS)[draw.rng.permutation(WORDS)])
        for word in draw.rng.permutation(WORDS)[:3].tolist():
            got = answer(model, int64_tensor([1, 2]), int64_tensor([word]), 2)
            expect(got, f"the log-probability, logits up to {gap:g}").close_to(
                _sum_of_logs(model, [1, 2], [word], 2, 0)
            )


def _ways_out(answer, draw: Draw):
    model = unsure(draw)
    for called, new in (("after two words", [3, 4]), ("after no word", [])):

        def run(new=new):
            return answer(model, int64_tensor([1, 2]), int64_tensor(new), 2)

        yield called, model, run


@log_probability.property("runs the model, and all inside it, in evaluation mode", trials=2)
def _(answer, draw: Draw) -> None:
    model = unsure(draw)
    model.train()
    got = answer(model, int64_tensor([1, 2]), int64_tensor([3, 4]), 2)
    expect_evaluated(model)
    expect(got, "the log-probability").close_to(_sum_of_logs(model, [1, 2], [3, 4], 2, 0))


@log_probability.property("leaves the model in the mode in which it came", trials=1)
def _(answer, draw: Draw) -> None:
    for called, model, run in _ways_out(answer, draw):
        for training in (True, False):
            model.train(training)
            run()
            expect_mode(model, training, called)


@log_probability.property("records nothing for `backward`", trials=1)
def _(answer, draw: Draw) -> None:
    model = unsure(draw)
    answer(model, int64_tensor([1, 2]), int64_tensor([3, 4]), 2)
    expect_not_recorded(model)


@log_probability.property("leaves recording on or off, as it was before", trials=1)
def _(answer, draw: Draw) -> None:
    for _, _, run in _ways_out(answer, draw):
        expect_grad_as_it_was(run)


def _judged(model, prompt, new, context, pad=0, value=None, combine=sum, **habits):
    """The right measurement with one habit changed."""
    before = model.training
    if habits.get("top_mode"):
        model.training = False
    elif not habits.get("any_mode"):
        model.eval()
    if habits.get("returns_early") and not len(new):
        return 0.0
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
    if habits.get("top_mode"):
        model.training = before
    elif not habits.get("stays"):
        model.train(before or bool(habits.get("always_train")))
    if "recording" in habits:
        torch.set_grad_enabled(habits["recording"])
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


@log_probability.mistake(
    "You set `training` of the model itself, and the layers inside it stay as they were. "
    "model.eval() and model.train(…) set all of them."
)
def top_mode_only(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, top_mode=True)


@log_probability.mistake(
    "For no words you return at once, with the model in evaluation mode: restore the mode on that "
    "way out too."
)
def returns_early(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, returns_early=True)


@log_probability.mistake(
    "Recording is off after your call, so the next `backward` of a training fails. `with "
    "torch.no_grad():` puts back what there was."
)
def switches_off(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, recording=False)


@log_probability.mistake(
    "Recording is on after your call, also where it was off before: the caller may have wanted it "
    "off. `with torch.no_grad():` puts back what there was."
)
def switches_on(model, prompt, new, context, pad=0):
    return _judged(model, prompt, new, context, pad, recording=True)


@log_probability.mistake(
    "You took the logarithm of a softmax. A probability too small for a floating-point number is 0 "
    "there, and its logarithm minus infinity: `log_softmax` never makes the probability."
)
def log_of_softmax(model, prompt, new, context, pad=0):
    def value(logits, word):
        chance = torch.softmax(logits, 0)[word].item()
        return math.log(chance) if chance else -math.inf

    return _judged(model, prompt, new, context, pad, value)


@log_probability.mistake(
    "You added a little to the probability before the logarithm. A word that is less probable than "
    "that counts as if it were not: use `log_softmax`."
)
def adds_a_little(model, prompt, new, context, pad=0):
    def value(logits, word):
        return math.log(torch.softmax(logits, 0)[word].item() + 1e-10)

    return _judged(model, prompt, new, context, pad, value)


@log_probability.mistake(
    "The words of the prompt are judged as well. They are given: begin after it."
)
def judges_the_prompt(model, prompt, new, context, pad=0):
    return _judged(model, prompt[:0], torch.cat([prompt, new]), context, pad)


@log_probability.mistake(
    "From the second new word on the model no longer read the prompt. It comes before all the new "
    "words."
)
def drops_prompt_after_the_first(model, prompt, new, context, pad=0):
    first = _judged(model, prompt, new[:1], context, pad)
    if len(new) < 2:
        return first
    return first + _judged(model, new[:1], new[1:], context, pad)


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
