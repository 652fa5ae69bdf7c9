"""How `accumulate` is judged."""

from __future__ import annotations

from typing import Any

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Table, accumulated, drawn_batch, drawn_table, loss_and_slopes, weights_of

accumulate = Exercise("accumulate", minutes=12, difficulty=2, changes=("model",))


def _slopes_of(model: Table) -> list[Any]:
    return [p.grad for p in (model.tokens, model.places, model.gain)]


def _same_as_whole(answer, draw: Draw, rows: int, parts: int) -> None:
    model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, rows)
    loss, slopes = loss_and_slopes(weights_of(model), inputs, targets)
    found = answer(model, inputs, targets, parts)
    for name, slope, expected in zip(
        ("tokens", "places", "gain"), _slopes_of(model), slopes, strict=True
    ):
        expect(slope, f"the gradient of {name}").close_to(expected, atol=1e-7)
    expect(found, "the loss").close_to(loss)


@accumulate.property("leaves the gradient of the whole batch, in equal parts", trials=4)
def _(answer, draw: Draw) -> None:
    parts = 1 + min(draw.size, 3)
    _same_as_whole(answer, draw, 2 * parts, parts)


@accumulate.property("weighs unequal parts by their rows", trials=4)
def _(answer, draw: Draw) -> None:
    _same_as_whole(answer, draw, 4 + draw.size % 2 * 3, 3)


@accumulate.property("is one ordinary step for one part")
def _(answer, draw: Draw) -> None:
    _same_as_whole(answer, draw, 3, 1)


@accumulate.property("never reads more than a part at once, and lets go of each before the next")
def _(answer, draw: Draw) -> None:
    model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, 7)
    answer(model, inputs, targets, 3)
    expect(sum(model.rows), "how many rows were read in all").equals(7)
    expect(model.rows, "the rows of each part, of 7 in 3 parts").equals([3, 2, 2])
    late = sum(size > 0 for size in model.slopes_found[1:])
    expect(late, "how many of the parts after the first found a gradient already there").equals(
        len(model.rows) - 1
    )
    model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, 5)
    answer(model, inputs, targets, 4)
    expect(model.rows, "the rows of each part, of 5 in 4 parts").equals([2, 1, 1, 1])


@accumulate.property("clears what was left over, and returns a plain number")
def _(answer, draw: Draw) -> None:
    model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, 4)
    _, slopes = loss_and_slopes(weights_of(model), inputs, targets)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    loss = answer(model, inputs, targets, 2)
    expect(model.tokens.grad, "the gradient of tokens").close_to(slopes[0], atol=1e-7)
    expect(loss, "the loss").is_a(float)


def _accumulating(name, habit):
    def answer(model, inputs, targets, parts):
        return accumulated(model, inputs, targets, parts, **{habit: True})

    answer.__name__ = name
    return answer


for _name, _habit, _message in (
    (
        "unweighted_parts", "unweighted",
        "The gradients of the parts are added in full, so that more parts give a longer gradient. "
        "Weigh each part's mean loss by its share of the rows.",
    ),
    (
        "mean_of_unequal_means", "mean_of_means",
        "You divide by the number of parts. That is right while they are equal; here a short part "
        "would count as much as a long one. Weigh by rows.",
    ),
    (
        "cleared_between_parts", "cleared_between",
        "You clear the gradient before each part, so that only the last one counts. Clear once, "
        "at the start.",
    ),
    (
        "never_cleared", "keeps_old",
        "What was left over from before is still in the gradient. Clear it once, at the start.",
    ),
    (
        "all_at_once", "at_once",
        "You read the whole batch at once. The numbers are right, and the memory is what this was "
        "to save: read part by part.",
    ),
    (
        "one_large_graph", "one_graph",
        "You add up the losses and call backward once, so that the activations of all parts are "
        "in memory together. Call backward on each part.",
    ),
    (
        "rest_dropped", "drops_rest",
        "Rows are missing: when the parts do not come out even, the rest is dropped.",
    ),
    (
        "sum_over_tokens", "sums_tokens",
        "Your gradient is that of the sum over all tokens. It is to be that of their mean.",
    ),
    (
        "loss_of_last_part", "last_loss",
        "You return the loss of the last part. It is to be that of the whole batch.",
    ),
    (
        "losses_added", "sum_of_losses",
        "The gradient is right. The loss that you return is the sum of the parts' losses; weigh "
        "each by its share of the rows.",
    ),
    (
        "losses_averaged", "mean_of_losses",
        "The gradient is right. The loss that you return is the plain mean of the parts' losses, "
        "in which a short part counts as much as a long one. Weigh by rows.",
    ),
    ("loss_as_tensor", "tensor", "The loss is a tensor. Return a plain float: `.item()`."),
    (
        "parts_of_so_many_rows", "split",
        "split(k) makes parts of k rows; tensor_split(k) makes k parts.",
    ),
    (
        "chunks", "chunk",
        "chunk(k) rounds the rows of a part up, so that fewer than k parts may come out, and a "
        "much shorter last one; tensor_split(k) makes k parts, whose sizes differ by at most 1.",
    ),
    (
        "cleared_at_the_end", "cleared_last",
        "You clear the gradient at the end, and it is what was wanted. Clear once, at the start.",
    ),
):  # fmt: skip
    accumulate.mistake(_message)(_accumulating(_name, _habit))


for _ending in ("", ", strict=False"):
    accumulate.equivalent(
        "`for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True):` "
        "→ `for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts)"
        f"{_ending}):`",
        because="inputs and targets are cut into as many parts",
    )


accumulate.hint("Clear once. For each part: loss, times its share of the rows, backward.")


accumulate.hint("`inputs.tensor_split(parts)` cuts along the first dimension, sizes within one.")


accumulate.hint("`len(x) / len(inputs)` is a part's share.", when="factor")


accumulate.hint("Is the gradient cleared once, or before each part?", when="value")


accumulate.hint("`.item()` takes the number and lets go of the graph.", when="type")
