"""How `generate` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import (
    ALARM,
    WORDS,
    Speaker,
    Watch,
    expect_evaluated,
    expect_grad_as_it_was,
    expect_mode,
    expect_not_recorded,
    int64_tensor,
    p_value_of,
    ranking,
    row_of_window,
    unsure,
    walk,
    written_words,
)


def _certain(draw: Draw) -> Speaker:
    """A model that is certain of its next word: whatever draws from it writes the same."""
    follows = draw.rng.permutation(WORDS)
    return Speaker(np.where(np.eye(WORDS)[follows] == 1, 0.0, -np.inf))


generate = Exercise("generate", minutes=25, difficulty=3, changes=("model",), returns=Tensor)


@generate.property("reads the last words, and what it has just written", trials=6)
def _(answer, draw: Draw) -> None:
    model, context, length = _certain(draw), draw.integers(1, 4), draw.size + 1
    prompt = draw.integers(0, WORDS, draw.size + 2).tolist()
    new = answer(model, int64_tensor(prompt), length, torch_generator(draw.seed()), context)
    written, seen = walk(model, prompt, length, context, 0)
    expect(new, "the new words").equals(written)
    expect(model.seen, "what the model read").equals(seen)


@generate.property("starts from a prompt that is shorter than the window", trials=2)
def _(answer, draw: Draw) -> None:
    for pad, prompt in ((3, draw.integers(0, WORDS, 2).tolist()), (2, []), (None, [5])):
        model = _certain(draw)
        new = answer(model, int64_tensor(prompt), 5, torch_generator(draw.seed()), 4, pad=pad)
        written, seen = walk(model, prompt, 5, 4, pad)
        expect(new, f"the new words with pad = {pad}").equals(written)
        expect([len(window) for window in model.seen], "words read").equals(list(map(len, seen)))


@generate.property("ends after the stop word, which it keeps", trials=4)
def _(answer, draw: Draw) -> None:
    model, prompt = _certain(draw), draw.integers(0, WORDS, 3).tolist()
    path, _ = walk(model, prompt, 9, 2, 0)
    prompt_words = answer(model, int64_tensor(prompt), 9, torch_generator(0), 2, stop=path[2])
    written, _ = walk(model, prompt, 9, 2, 0, stop=path[2])
    expect(prompt_words, "the new words").equals(written)
    asked_again = int64_tensor([path[2], *prompt])
    new = answer(model, asked_again, 9, torch_generator(0), 2, stop=path[2])
    expect(len(new), "new words where the prompt holds the stop word").equals(len(written))
    always_zero = Speaker(np.where(np.eye(WORDS)[[0] * WORDS] == 1, 0.0, -np.inf))
    new = answer(always_zero, int64_tensor([1, 2]), 5, torch_generator(0), 2, stop=0)
    expect(len(new), "new words where the stop word is word 0").equals(1)


@generate.property("writes nothing for length 0", trials=1)
def _(answer, draw: Draw) -> None:
    new = answer(_certain(draw), int64_tensor([1, 2]), 0, torch_generator(0), 2)
    expect(len(new), "how many new words").equals(0)


@generate.property("returns int64, for no words as well", trials=1)
def _(answer, draw: Draw) -> None:
    for length in (2, 0):
        new = answer(_certain(draw), int64_tensor([1, 2]), length, torch_generator(0), 2)
        expect(new, f"the new words for length {length}").has_dtype("int64")


@generate.property("hands its settings on", trials=2)
def _(answer, draw: Draw) -> None:
    prompt = draw.integers(0, WORDS, 2).tolist()
    best = draw.integers(0, WORDS)
    for settings in ({"temperature": 0.0}, {"k": 1}, {"p": 0.0}, {"k": 1, "banned": [best]}):
        model = unsure(draw)
        new, other = (
            answer(model, int64_tensor(prompt), 8, torch_generator(seed), 2, **settings)
            for seed in (draw.seed(), draw.seed())
        )
        # The same for every answer that ignores settings, whatever it draws.
        expect(np.array_equal(new, other), f"two seeds agree for {settings}").is_true(
            otherwise=f"{settings} leaves nothing to chance, and your text still depends on the "
            "generator: do the settings reach `next_word_probabilities`?"
        )
        banned = settings.get("banned", [])

        def choose(logits, banned=banned):
            return np.argmax([-np.inf if i in banned else z for i, z in enumerate(logits)])

        written, _ = walk(model, prompt, 8, 2, 0, choose=choose)
        expect(new, f"the new words for {settings}").equals(written)


def _ways_out(answer, draw: Draw):
    """Calls that end in each way there is: at the length, at a stop word, before the first word."""
    model = _certain(draw)
    first = walk(model, [1, 2], 1, 2, 0)[0][0]
    for called, length, stop in (
        ("after all words", 3, None), ("after the stop word", 3, first), ("after no word", 0, None),
    ):  # fmt: skip

        def run(length=length, stop=stop):
            return answer(model, int64_tensor([1, 2]), length, torch_generator(0), 2, stop=stop)

        yield called, model, run


@generate.property("runs the model, and all inside it, in evaluation mode", trials=1)
def _(answer, draw: Draw) -> None:
    model = _certain(draw)
    model.train()
    answer(model, int64_tensor([1, 2]), 3, torch_generator(0), 2)
    expect_evaluated(model)


@generate.property("leaves the model in the mode in which it came, on every way out", trials=1)
def _(answer, draw: Draw) -> None:
    for called, model, run in _ways_out(answer, draw):
        for training in (True, False):
            model.train(training)
            run()
            expect_mode(model, training, called)


@generate.property("records nothing for `backward`", trials=1)
def _(answer, draw: Draw) -> None:
    model = _certain(draw)
    new = answer(model, int64_tensor([1, 2]), 3, torch_generator(0), 2)
    expect_not_recorded(model)
    expect(bool(new.requires_grad), "the text waits for backward").equals(False)


@generate.property("leaves recording on or off, as it was before", trials=1)
def _(answer, draw: Draw) -> None:
    for _, _, run in _ways_out(answer, draw):
        expect_grad_as_it_was(run)


@generate.property("takes its randomness from the generator alone", trials=2)
def _(answer, draw: Draw) -> None:
    model, seed = unsure(draw, scale=0.3), draw.seed()
    watch, generator = Watch(), torch_generator(seed)
    one = answer(model, int64_tensor([1, 2]), 15, generator, 2)
    two = answer(model, int64_tensor([1, 2]), 15, generator, 2)
    watch.expect_still()
    expect(np.array_equal(one, two), "a second text repeats the first").equals(False)
    again = answer(model, int64_tensor([1, 2]), 15, torch_generator(seed), 2)
    expect(np.array_equal(one, again), "the same seed writes the same text").equals(True)


@generate.property("draws every word from the model's probabilities", trials=2)
def _(answer, draw: Draw) -> None:
    sure = _certain(draw)
    written = answer(sure, int64_tensor([1, 2]), 4, torch_generator(0), 2)
    expect(written, "the new words of a model that is certain").equals(
        walk(sure, [1, 2], 4, 2, 0)[0]
    )
    if len(written) != 4 or written.tolist() != walk(sure, [1, 2], 4, 2, 0)[0]:
        return  # what it draws from is another matter, then
    shares = np.zeros((WORDS, WORDS))
    shares[:, :3] = [draw.rng.permutation([0.5, 0.3, 0.2]) for _ in range(WORDS)]
    model = Speaker(np.log(np.maximum(shares, 1e-300)) - 1e9 * (shares == 0))
    text = [0, *answer(model, int64_tensor([0]), 100, torch_generator(draw.seed()), 1)]
    # Each word's rank in its row: independent draws from one distribution, whatever came before.
    ranks = [
        ranking(shares[row_of_window([int(before)])].tolist()).index(int(word))
        for before, word in zip(text[:-1], text[1:], strict=True)
    ]
    counts = np.bincount(ranks, minlength=WORDS)
    p_value = 0.0 if counts[3:].any() else p_value_of(counts[:3], np.array([0.5, 0.3, 0.2]))
    expect(p_value > ALARM, "the chi-square test is passed").is_true(
        otherwise="The words that followed each context did not come with the probabilities that "
        "the model gave them."
    )


def _habitual(*habits: str) -> Any:
    def wrong(model, prompt, length, generator, context, pad=0, stop=None, **settings):
        return written_words(
            model, prompt, length, generator, context, pad, stop, habits=habits, **settings
        )

    return wrong


def _generate_mistake(habit: str, message: str) -> None:
    wrong = _habitual(habit)
    wrong.__name__ = habit.replace(" ", "_")
    generate.mistake(message)(wrong)


for _habit, _message in {
    "fixed context": "Every word was drawn after the prompt alone: the context never moved. "
    "Append each new word before you ask for the next.",
    "front": "The model read the *first* words of the text for ever. It reads the last: "
    "`last_window`.",
    "new alone": "The model read only the new words. The prompt is part of the text, until it "
    "has moved out of the window.",
    "in front": "You put the new word in front of the text. It comes after it: "
    "`torch.cat([ids, word])`.",
    "with prompt": "You returned the prompt as well. Return the new words alone.",
    "one more": "You wrote one word too many.",
    "drops stop": "The stop word is missing at the end. It is part of what was written.",
    "goes on": "You did not stop after the stop word.",
    "stops unless 0": "Word 0 may be the stop word too, and `if stop` takes 0 for None. Write "
    "`stop is not None`.",
    "never cuts": "The model read the whole text so far. It reads the last `context` words: "
    "`last_window`.",
    "tensor of list": "A text of no words is a tensor of floats in your answer: that is what "
    "torch.tensor makes of an empty list, unless you say `dtype=torch.int64`.",
    "returns early": "At the stop word you return from inside the loop, and the model stays in "
    "evaluation mode. Restore the mode on that way out too: `break`, or `try … finally`.",
    "returns early for 0": "For length 0 you return at once, with the model in evaluation mode: "
    "restore the mode on that way out too.",
    "top mode": "You set `training` of the model itself, and the layers inside it stay as they "
    "were. model.eval() and model.train(…) set all of them.",
    "switches on": "Recording is on after your call, also where it was off before: the caller may "
    "have wanted it off. `with torch.no_grad():` puts back what there was.",
    "switches off": "You switched recording off and left it off: the next `backward` of a training "
    "fails. `with torch.no_grad():` puts it back by itself.",
    "stops at prompt": "You stopped because the stop word stands in the *prompt*. Only a new "
    "word ends the writing.",
    "never pads": "A model of n words got fewer: fill a short text up, by `last_window` with pad.",
    "always pads": "You filled up with 0, whatever `pad` is. Hand pad to `last_window`; None means "
    "that nothing is filled up.",
    "ignores settings": "The settings did not reach `next_word_probabilities`: pass `**settings`.",
    "greedy": "You always take the most probable word. Draw one, from the generator.",
    "global": "Your draws come from the global generator. Use the one that was handed over.",
    "own seed": "You made a generator of your own inside, so that every text from one prompt is "
    "the same. Use the one that was handed over.",
    "any mode": "The model was run in training mode. `model.eval()` first, and back afterwards.",
    "stays": "The model stays in evaluation mode. Note `model.training` before, restore it after.",
    "always train": "The model is in training mode afterwards, whatever it was before. Restore "
    "what it was.",
    "records": "Gradients were recorded at every word: wrap the loop in `torch.no_grad()`.",
}.items():
    _generate_mistake(_habit, _message)


generate.hint("The frame of every evaluation: note the mode, eval, no_grad, restore the mode.")
generate.hint("One round: last_window → model → next_word_probabilities → sample → append.")
generate.hint("The model wants a batch: `window[None]` has shape (1, n); its answer, `[0]`.")
generate.hint("`torch.cat([ids, word])`, with `word` of shape (1,).")
generate.hint("What has the text been cut down to before you return it?", when="length")
generate.hint("`ids[len(prompt):]` is what is new.", when="shape")


generate.equivalent(
    "`logits = model(last_window(ids, context, pad)[None])[0]` → "
    "`logits = model(last_window(ids, context, pad)[None])[-1]`",
    because="in a batch of one, the last is the first",
)
