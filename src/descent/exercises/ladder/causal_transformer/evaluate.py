"""How `evaluate` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from descent.exercises.doubles import (
    token_tensor,
)
from descent.grading import Draw, Exercise, expect

from .shared import drawn_table, table_surprises

evaluate = Exercise("evaluate", minutes=12, difficulty=2, changes=("model",))


@evaluate.property("averages over every word but the first, each predicted once", trials=5)
def _(answer, draw: Draw) -> None:
    context = min(1 + draw.size, 5)
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


@evaluate.property("evaluates in evaluation mode, without recording gradients")
def _(answer, draw: Draw) -> None:
    model = drawn_table(draw, 4, 3).train()
    loss = answer(model, token_tensor(draw, 4, 8), 3)
    expect(any(model.modes), "whether the model was in training mode").equals(False)
    expect(any(model.recorded), "whether gradients were recorded").equals(False)
    expect(loss, "the loss").is_a(float)


def _judge(model, tokens, context, **habits):
    """An evaluation with one bad habit, named by keyword: what the mistakes below share."""
    if not habits.get("trains"):
        model.eval()
    total, count, means = 0.0, 0, []
    offset = 0 if habits.get("not_offset") else 1
    step = 1 if habits.get("overlaps") else context
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for start in range(0, len(tokens) - 1, step):
            x = tokens[start : start + context]
            y = tokens[start + offset : start + context + offset]
            x = x[: len(y)] if offset else x[: min(context, len(tokens) - 1 - start)]
            y = y[: len(x)]
            if habits.get("drops_rest") and len(x) < context and count:
                break
            surprises = F.cross_entropy(model(x[None])[0], y, reduction="none")
            surprises = surprises[-1:] if habits.get("last_only") else surprises
            total, count = total + surprises.sum().item(), count + len(surprises)
            means.append(surprises.mean().item())
    if habits.get("summed"):
        return total
    return float(np.mean(means)) if habits.get("mean_of_means") else total / count


def _judging(name, habit):
    def answer(model, tokens, context):
        return _judge(model, tokens, context, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "mean_of_means", "mean_of_means",
        "You averaged the means of the windows, so each word of the short last window counts "
        "for more. Add the surprises and divide by the number of words predicted.",
    ),
    (
        "dropped_rest", "drops_rest",
        "You dropped the short window at the end. Its words count too.",
    ),
    (
        "in_training_mode", "trains",
        "You evaluated in whichever mode the model came: call model.eval() first. Layers such "
        "as dropout behave differently in the two.",
    ),
    (
        "with_gradients", "records",
        "You recorded gradients for a number that is never differentiated. Evaluate under "
        "torch.no_grad().",
    ),
    (
        "summed_surprise", "summed",
        "You returned the sum of the surprises. Divide by the number of words predicted.",
    ),
    (
        "evaluated_without_offset", "not_offset",
        "Your targets are the inputs themselves. They are offset by one.",
    ),
    (
        "judged_last_place", "last_only",
        "You judged the last place of each window alone. Every place predicts.",
    ),
    (
        "overlapping_windows", "overlaps",
        "Your windows overlap, so that most words are predicted many times. A new window begins"
        " where the last one ended.",
    ),
):  # fmt: skip
    evaluate.mistake(_message)(_judging(_name, _habit))


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
    return sum(surprises) / len(surprises)


@evaluate.mistake("You returned the perplexity. Return the mean surprise; exp comes later.")
def perplexity_of_text(model, tokens, context):
    return math.exp(_judge(model, tokens, context))


@evaluate.mistake("You divided by the number of words. The first one is never predicted: n − 1.")
def divided_by_all(model, tokens, context):
    return _judge(model, tokens, context) * (len(tokens) - 1) / len(tokens)


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
