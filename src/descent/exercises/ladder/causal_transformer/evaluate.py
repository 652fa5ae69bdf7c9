"""How `evaluate` is judged."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from descent.exercises.doubles import (
    token_tensor,
)
from descent.grading import Draw, Exercise, expect

from .shared import drawn_table, table_surprises

evaluate = Exercise("evaluate", minutes=12, difficulty=2, changes=("model",), returns=float)


@evaluate.property("averages over every word but the first, each predicted once", trials=5)
def _(answer, draw: Draw) -> None:
    context = min(draw.size, 5)
    model, tokens = drawn_table(draw, 4, context), token_tensor(draw, 4, 3 * context + 1)
    expected = table_surprises(model, tokens, context).mean()
    expect(answer(model, tokens, context), "the loss").close_to(expected)


@evaluate.property("counts the short window at the end, word by word", trials=3)
def _(answer, draw: Draw) -> None:
    model, tokens = drawn_table(draw, 4, 4), token_tensor(draw, 4, 4 * draw.size + 3)
    expected = table_surprises(model, tokens, 4).mean()
    expect(answer(model, tokens, 4), "the loss").close_to(expected)


@evaluate.property("works when the text is shorter than the context")
def _(answer, draw: Draw) -> None:
    model, tokens = drawn_table(draw, 4, 6), token_tensor(draw, 4, 3)
    expect(answer(model, tokens, 6), "the loss").close_to(table_surprises(model, tokens, 6).mean())


@evaluate.property("takes a text of two words")
def _(answer, draw: Draw) -> None:
    model, tokens = drawn_table(draw, 4, 3), token_tensor(draw, 4, 2)
    expect(answer(model, tokens, 3), "the loss").close_to(table_surprises(model, tokens, 3).mean())


@evaluate.property("evaluates with every part of the model in evaluation mode")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw, 4, 3).train()
    answer(model, token_tensor(draw, 4, 8), 3)
    expect(sum(model.modes), "how many parts were in training mode, in all calls").equals(0)


@evaluate.property("records no gradients")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw, 4, 3)
    answer(model, token_tensor(draw, 4, 8), 3)
    expect(any(model.recorded), "whether gradients were recorded").equals(False)


@evaluate.property("lets gradients be recorded again afterwards")
def _(answer, draw: Draw) -> None:
    answer(drawn_table(draw, 4, 3), token_tensor(draw, 4, 8), 3)
    expect(torch.is_grad_enabled(), "whether gradients are recorded afterwards").equals(True)


@evaluate.right
def right_evaluation(model, tokens, context):
    model.eval()
    total, predicted = 0.0, len(tokens) - 1
    with torch.no_grad():
        for start in range(0, predicted, context):
            length = min(context, predicted - start)
            x = tokens[start : start + length]
            y = tokens[start + 1 : start + length + 1]
            surprises = F.cross_entropy(model(x[None])[0], y, reduction="none")
            total += surprises.sum().item()
    return total / predicted


_ADDED, _RETURNED = "surprises.sum().item()", "total / predicted"
_STARTS = "range(0, predicted, context)"


evaluate.slip(
    "mean_of_means",
    "You averaged the means of the windows, so each word of the short last window counts "
    "for more. Add the surprises and divide by the number of words predicted.",
    {_ADDED: "surprises.mean().item()", _RETURNED: "total / -(-predicted // context)"},
)
evaluate.slip(
    "dropped_rest",
    "You dropped the short window at the end. Its words count too.",
    {
        _STARTS: "range(0, max(predicted - context + 1, 1), context)",
        _RETURNED: "total / min(predicted, max(predicted // context, 1) * context)",
    },
)
evaluate.slip(
    "dropped_rest_without_windows",
    "You dropped the short window at the end. Its words count too: of a text that is shorter than "
    "the context, nothing is left.",
    {
        _STARTS: "range(0, predicted - context + 1, context)",
        _RETURNED: "total / (predicted // context * context)",
    },
)
evaluate.slip(
    "rest_counts_as_0",
    "The short window at the end adds nothing to your sum, and its words are counted below the "
    "line. Predict them too.",
    {_STARTS: "range(0, predicted - context + 1, context)"},
)
evaluate.slip(
    "in_training_mode",
    "You evaluated in whichever mode the model came: call model.eval() first. Layers such "
    "as dropout behave differently in the two.",
    {"    model.eval()\n": ""},
)
evaluate.slip(
    "top_alone_evaluates",
    "The model says that it is in evaluation mode, and its parts are not. `model.eval()` sets all "
    "of them.",
    {"model.eval()": "model.training = False"},
)
evaluate.slip(
    "with_gradients",
    "You recorded gradients for a number that is never differentiated. Evaluate under "
    "torch.no_grad().",
    {"no_grad": "enable_grad"},
)
evaluate.slip(
    "recording_left_off",
    "You turned the recording of gradients off and never on again: the next training has none. "
    "`with torch.no_grad():` ends by itself.",
    {"with torch.no_grad():": "torch.set_grad_enabled(False)\n    if True:"},
)
evaluate.slip(
    "summed_surprise",
    "You returned the sum of the surprises. Divide by the number of words predicted.",
    {_RETURNED: "total"},
)
evaluate.slip(
    "evaluated_without_offset",
    "Your targets are the inputs themselves. They are offset by one.",
    {"tokens[start + 1 : start + length + 1]": "tokens[start : start + length]"},
)
evaluate.slip(
    "judged_last_place",
    "You judged the last place of each window alone. Every place predicts.",
    {_ADDED: "surprises[-1].item()", _RETURNED: "total / -(-predicted // context)"},
)
evaluate.slip(
    "divided_by_all",
    "You divided by the number of words. The first one is never predicted: n − 1.",
    {_RETURNED: "total / len(tokens)"},
)
evaluate.slip(
    "last_word_never_predicted",
    "The last word of the text is never predicted, and missing from the count. There are n − 1 "
    "predictions: each word but the first.",
    {"len(tokens) - 1": "max(len(tokens) - 2, 1)"},
)


@evaluate.mistake("You returned the perplexity. Return the mean surprise; exp comes later.")
def perplexity_of_text(model, tokens, context):
    return math.exp(right_evaluation(model, tokens, context))


@evaluate.mistake(
    "Your windows overlap, so that most words are predicted many times. A new window begins "
    "where the last one ended."
)
def overlapping_windows(model, tokens, context):
    model.eval()
    surprises = []
    with torch.no_grad():
        for start in range(len(tokens) - 1):
            y = tokens[start + 1 : start + context + 1]
            logits = model(tokens[None, start : start + len(y)])[0]
            surprises += F.cross_entropy(logits, y, reduction="none").tolist()
    return sum(surprises) / len(surprises)


@evaluate.mistake(
    "You predict each word from the `context` words before it. Here the windows lie end to end: "
    "words early in a window have little context, and that is left in."
)
def full_context_for_each_word(model, tokens, context):
    model.eval()
    total = 0.0
    with torch.no_grad():
        for t in range(1, len(tokens)):
            logits = model(tokens[None, max(0, t - context) : t])[0, -1]
            total += F.cross_entropy(logits, tokens[t]).item()
    return total / (len(tokens) - 1)


@evaluate.mistake(
    "You cut the text into pieces and predict inside each, so that the first word of a piece is "
    "never predicted. A window of N inputs needs N + 1 words of the text."
)
def predicted_inside_pieces(model, tokens, context):
    model.eval()
    surprises = []
    with torch.no_grad():
        for piece in tokens.split(context):
            if len(piece) > 1:
                logits = model(piece[None, :-1])[0]
                surprises += F.cross_entropy(logits, piece[1:], reduction="none").tolist()
    return sum(surprises) / max(len(surprises), 1)


for _size_of_batch in (63, 65):
    evaluate.equivalent(
        "`pieces = [(batch * context, context) for batch in torch.arange(whole).split(64)]` → "
        "`pieces = [(batch * context, context) for batch in "
        f"torch.arange(whole).split({_size_of_batch})]`",
        because="how many windows go through the model at once does not change the sum",
    )


evaluate.hint("Walk through the text in steps of `context`; the last step may be short.")
evaluate.hint("Add up loss · words in each window, then divide by the words predicted, n − 1.")
evaluate.hint("`min(context, len(tokens) - 1 - start)` is the length of a window.", when="value")
evaluate.hint("Is the last window longer than what is left of the text?", when="error")
evaluate.hint("`.item()` makes a Python float.", when="type")
