"""How `test_evaluation` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import (
    WORDS,
    Speaker,
    Watch,
    examples,
    expect_evaluated,
    expect_grad_as_it_was,
    expect_mode,
    expect_not_recorded,
    int64_tensor,
    mixed,
    row_of_window,
    unsure,
    walk,
    written_words,
)

test_evaluation = Exercise(
    "test_evaluation",
    minutes=15,
    difficulty=2,
    changes=("model",),
    returns=tuple[float, Tensor],
)


def _perplexity_of(model: Speaker, test_set: tuple[Tensor, Tensor]) -> float:
    """The reciprocal of the geometric mean of the probabilities."""
    rows = np.exp(model.table.detach().numpy())
    product = 1.0
    for context, target in zip(test_set[0].tolist(), test_set[1].tolist(), strict=True):
        row = rows[row_of_window(context)]
        product *= (row[target] / row.sum()) ** (1 / len(test_set[1]))
    return 1 / product


@test_evaluation.property("gives the perplexity of the whole test set", trials=5)
def _(answer, draw: Draw) -> None:
    model, test_set = unsure(draw), examples(draw, draw.size)
    result, _ = answer(model, test_set, int64_tensor([1, 2]), 2, draw.seed())
    expect(result, "the perplexity").close_to(_perplexity_of(model, test_set))


@test_evaluation.property("counts every example of a long test set once")
def _(answer, draw: Draw) -> None:
    model, test_set = unsure(draw), examples(draw, 1037)
    result, _ = answer(model, test_set, int64_tensor([1, 2]), 1, draw.seed())
    expected = _perplexity_of(model, test_set)
    expect(result, "the perplexity of 1037 examples").close_to(expected, rtol=1e-6)


@test_evaluation.property("lets the model write, with as many words as its contexts have", trials=4)
def _(answer, draw: Draw) -> None:
    context = draw.integers(1, 5)
    model, prompt = unsure(draw), draw.integers(0, WORDS, draw.size).tolist()
    test_set = examples(draw, 6, context)
    new, other = (
        answer(model, test_set, int64_tensor(prompt), 6, seed, temperature=0.0, pad=4)[1]
        for seed in (draw.seed(), draw.seed())
    )
    expect(np.array_equal(new, other), "two seeds agree at temperature 0").is_true(
        otherwise="Temperature 0 leaves nothing to chance, and your sample still depends on the "
        "seed: do the settings reach `generate`, and is the model in evaluation mode?"
    )
    expect(new, "the new words").equals(walk(model, prompt, 6, context, 4)[0])


@test_evaluation.property("hands its settings on", trials=3)
def _(answer, draw: Draw) -> None:
    model, prompt = unsure(draw), draw.integers(0, WORDS, 3).tolist()
    path, _ = walk(model, prompt, 6, 2, 0)
    test_set = examples(draw, 3)
    _, new = answer(model, test_set, int64_tensor(prompt), 6, draw.seed(), k=1, stop=path[1])
    expect(new, "the new words").equals(walk(model, prompt, 6, 2, 0, stop=path[1])[0])
    follows = draw.rng.permutation(WORDS)
    model, test_set = Speaker(3.0 * np.eye(WORDS)[follows]), examples(draw, 3, 3)
    for pad in (4, 5):  # two words are missing, so that the first new word depends on pad
        _, new = answer(model, test_set, int64_tensor([1]), 4, draw.seed(), k=1, pad=pad)
        expect(new, f"the new words with pad = {pad}").equals(walk(model, [1], 4, 3, pad)[0])


@test_evaluation.property("judges the model itself, whatever the settings", trials=2)
def _(answer, draw: Draw) -> None:
    for settings in ({"temperature": 2.0}, {"p": 0.9}, {"banned": [3]}):
        model, test_set = unsure(draw), examples(draw, 40)
        plain, _ = answer(model, test_set, int64_tensor([1, 2]), 2, draw.seed())
        shaped, _ = answer(model, test_set, int64_tensor([1, 2]), 2, draw.seed(), **settings)
        same = math.isclose(float(plain), float(shaped), rel_tol=1e-4)
        expect(same, f"the perplexity with {settings} is that without").is_true(
            otherwise="The settings changed your perplexity. They shape the sample alone; the test "
            "set judges the model itself."
        )


@test_evaluation.property("writes the same from the same seed, and another text from another")
def _(answer, draw: Draw) -> None:
    model, test_set, seed = unsure(draw, scale=0.3), examples(draw, 3), draw.seed()
    texts = [
        answer(model, test_set, int64_tensor([1, 2]), 15, s)[1] for s in (seed, seed, seed + 1)
    ]
    expect(np.array_equal(texts[0], texts[1]), "the same seed, the same text").equals(True)
    expect(np.array_equal(texts[0], texts[2]), "another seed, the same text").equals(False)


def _evaluate(answer, draw: Draw, model: Speaker, length: int = 3, **settings):
    return answer(model, examples(draw, 4), int64_tensor([1, 2]), length, draw.seed(), **settings)


@test_evaluation.property("neither uses nor changes the global random streams", trials=2)
def _(answer, draw: Draw) -> None:
    watch = Watch()
    _evaluate(answer, draw, unsure(draw))
    watch.expect_still()


@test_evaluation.property("runs the model, and all inside it, in evaluation mode", trials=1)
def _(answer, draw: Draw) -> None:
    model = unsure(draw)
    model.train()
    _evaluate(answer, draw, model)
    expect_evaluated(model)


@test_evaluation.property("leaves the model in the mode in which it came", trials=1)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        for length in (3, 0):
            model = unsure(draw)
            model.train(training)
            _evaluate(answer, draw, model, length)
            expect_mode(model, training)


@test_evaluation.property("records nothing for `backward`", trials=1)
def _(answer, draw: Draw) -> None:
    model = unsure(draw)
    _evaluate(answer, draw, model)
    expect_not_recorded(model)


@test_evaluation.property("leaves recording on or off, as it was before", trials=1)
def _(answer, draw: Draw) -> None:
    model = unsure(draw)
    expect_grad_as_it_was(lambda: _evaluate(answer, draw, model))


def _evaluated(model, test_set, prompt, length, seed, habits=(), **settings):
    """Evaluation with bad habits, named."""
    contexts, targets = test_set
    before = model.training
    if "global seed" in habits:
        torch.manual_seed(seed)
    generator = torch_generator(0 if "fixed seed" in habits else seed)
    if "ignores settings" in habits:
        settings = {}
    writing = ["global"] if {"global seed", "global stream"} & set(habits) else []
    reach = contexts.shape[1] + ("one more word" in habits)
    reach = 3 if "three words" in habits else reach
    reach = contexts.shape[0] if "rows for columns" in habits else reach
    if "any mode" not in habits:
        model.eval()
    else:
        writing.append("any mode")
    writing += [habit for habit in ("records", "with prompt") if habit in habits]
    if "without pad" in habits:
        settings = {name: value for name, value in settings.items() if name != "pad"}
    if "without stop" in habits:
        settings = {name: value for name, value in settings.items() if name != "stop"}
    new = written_words(model, prompt, length, generator, reach, habits=writing, **settings)
    with torch.set_grad_enabled("records" in habits):
        losses = F.cross_entropy(model(contexts), targets, reduction="none").detach()
    result = math.exp(losses.mean().item())
    if {"with settings", "with temperature"} & set(habits):
        left_out = ("pad", "stop", *(("k", "p", "banned") if "with temperature" in habits else ()))
        shaping = {name: value for name, value in settings.items() if name not in left_out}
        with torch.no_grad():
            rows = torch.stack([mixed(row, **shaping) for row in model(contexts)])
        chances = rows[torch.arange(len(targets)), targets]
        result = torch.exp(-chances.log().mean()).item()
    if "loss" in habits:
        result = losses.mean().item()
    if "base 2" in habits:
        result = 2 ** losses.mean().item()
    if "mean of perplexities" in habits:
        result = losses.exp().mean().item()
    if "first example" in habits:
        result = math.exp(losses[0].item())
    if "switches off" in habits:
        torch.set_grad_enabled(False)
    if "stays" not in habits:
        model.train(before or "always train" in habits)
    return (new, result) if "swapped" in habits else (result, new)


def _evaluation_mistake(habit: str, message: str) -> None:
    def wrong(model, test_set, prompt, length, seed, **settings):
        return _evaluated(model, test_set, prompt, length, seed, habits=(habit,), **settings)

    wrong.__name__ = habit.replace(" ", "_")
    test_evaluation.mistake(message)(wrong)


for _habit, _message in {
    "global seed": "You called `torch.manual_seed`: every evaluation sets the global stream back, "
    "and the training's dropout masks and shuffles repeat. Make a generator of your own, "
    "`torch.Generator().manual_seed(seed)`.",
    "global stream": "The sample was drawn from the global stream. Make a generator from the seed.",
    "fixed seed": "Your generator has a seed of its own. Use `seed`.",
    "loss": "You returned the mean loss in nats. The perplexity is exp of it.",
    "mean of perplexities": "You averaged perplexities of single words. Average the logarithms, "
    "then take exp once.",
    "with settings": "You measured the perplexity after temperature, cuts and bans. They shape the "
    "sample alone; the test set judges the model itself.",
    "with temperature": "You measured the perplexity at the temperature of the sample. The test "
    "set judges the model itself, at 1.",
    "three words": "The model reads three words, whatever the test contexts have: CONTEXT is the "
    "notebook's. Take `contexts.shape[1]`.",
    "rows for columns": "The model reads as many words as there are examples. The contexts' "
    "*columns* are its words: `contexts.shape[1]`.",
    "base 2": "You raised 2 to a loss in nats. The perplexity is exp of it.",
    "without pad": "`pad` did not reach `generate`: pass `**settings`, whole.",
    "without stop": "`stop` did not reach `generate`: pass `**settings`, whole.",
    "first example": "You judged one example. The whole test set counts.",
    "swapped": "The two have changed places: first the perplexity, then the sample.",
    "ignores settings": "The settings did not reach `generate`: pass `**settings`.",
    "with prompt": "Your sample begins with the prompt. Give the new words alone.",
    "one more word": "The model reads as many words as the test contexts have: "
    "`contexts.shape[1]`.",
    "any mode": "The model was evaluated in training mode.",
    "stays": "The model stays in evaluation mode, and would train on without its dropout. Restore "
    "the mode in which it came.",
    "always train": "The model is in training mode afterwards, whatever it was before.",
    "records": "Gradients were recorded: use `torch.no_grad()`.",
    "switches off": "You switched recording off and left it off: the next `backward` of the "
    "training fails. `with torch.no_grad():` puts it back by itself.",
}.items():
    _evaluation_mistake(_habit, _message)


test_evaluation.hint("`score` and `perplexity` for the one, `generate` for the other.")
test_evaluation.hint("`torch.Generator().manual_seed(seed)` is a stream of its own.")
test_evaluation.hint("How many words does the model read? The contexts have as many columns.")
test_evaluation.hint(
    "Which calls change something that outlives them?",
    when="neither uses nor changes the global random streams",
)
test_evaluation.hint("Which of the two comes first?", when="type")
