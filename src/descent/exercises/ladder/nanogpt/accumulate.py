"""How `accumulate` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

from .shared import Table, drawn_batch, drawn_table, loss_and_slopes, mode_of, weights_of

accumulate = Exercise("accumulate", minutes=12, difficulty=2, changes=("model",), returns=float)


def _slopes_of(model: Table) -> list[Any]:
    return [p.grad for p in (model.tokens, model.places, model.gain)]


def _expect_slopes(model: Table, slopes: list[Any]) -> None:
    for name, slope, expected in zip(
        ("tokens", "places", "gain"), _slopes_of(model), slopes, strict=True
    ):
        expect(slope, f"the gradient of {name}").close_to(expected, atol=1e-7)


def _same_as_whole(answer, draw: Draw, rows: int, parts: int, time: int = 4) -> None:
    model = drawn_table(draw)
    inputs, targets = (tokens[:, :time] for tokens in drawn_batch(draw, rows))
    loss, slopes = loss_and_slopes(weights_of(model), inputs, targets)
    found = answer(model, inputs, targets, parts)
    _expect_slopes(model, slopes)
    expect(found, "the loss").close_to(loss)


@accumulate.property("leaves the gradient of the whole batch, in equal parts", trials=4)
def _(answer, draw: Draw) -> None:
    parts = 1 + min(draw.size, 3)
    _same_as_whole(answer, draw, 2 * parts, parts, time=1 + draw.size % 4)


@accumulate.property("weighs unequal parts by their rows", trials=4)
def _(answer, draw: Draw) -> None:
    _same_as_whole(answer, draw, 4 + draw.size % 2 * 3, 3)


@accumulate.property("is one ordinary step for one part")
def _(answer, draw: Draw) -> None:
    _same_as_whole(answer, draw, 3, 1)


@accumulate.property("clears the gradient that was left over from before")
def _(answer, draw: Draw) -> None:
    model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, 4)
    _, slopes = loss_and_slopes(weights_of(model), inputs, targets)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    answer(model, inputs, targets, 2)
    _expect_slopes(model, slopes)


@accumulate.property("reads the batch in the parts that torch.tensor_split makes")
def _(answer, draw: Draw) -> None:
    for rows, wanted in ((7, [3, 2, 2]), (5, [2, 1, 1, 1]), (3, [1, 1, 1])):
        model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, rows)
        answer(model, inputs, targets, len(wanted))
        words = f"the rows of each part, of {rows} in {len(wanted)} parts"
        expect(model.rows, words).equals(wanted)


@accumulate.property("calls backward on each part before it reads the next")
def _(answer, draw: Draw) -> None:
    model, (inputs, targets) = drawn_table(draw), drawn_batch(draw, 7)
    answer(model, inputs, targets, 3)
    late = sum(size > 0 for size in model.slopes_found[1:])
    expect(late, "how many of the parts after the first found a gradient already there").equals(
        len(model.rows) - 1
    )


@accumulate.property("leaves the parameters and the mode of the model as they were")
def _(answer, draw: Draw) -> None:
    for mode in (True, False):
        model, (inputs, targets) = drawn_table(draw).train(mode), drawn_batch(draw, 4)
        before = weights_of(model)
        answer(model, inputs, targets, 2)
        for name, found, kept in zip(
            ("tokens", "places", "gain"), weights_of(model), before, strict=True
        ):
            expect(found, name).close_to(kept)
        expect(mode_of(model), "its mode afterwards").equals("training" if mode else "evaluation")


@accumulate.right
def right_accumulation(model, inputs, targets, parts):
    model.zero_grad()
    total = 0.0
    for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True):
        share = len(x) / len(inputs)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        (loss * share).backward()
        total += loss.item() * share
    return total


_INPUTS, _TARGETS = "inputs.tensor_split(parts)", "targets.tensor_split(parts)"
_BACKWARD, _ADDED = "(loss * share).backward()", "loss.item() * share"


accumulate.slip(
    "unweighted_parts",
    "The gradients of the parts are added in full, so that more parts give a longer gradient. "
    "Weigh each part's mean loss by its share of the rows.",
    {"len(x) / len(inputs)": "1.0"},
)
accumulate.slip(
    "gradients_unweighted",
    "The loss that you return is right. The gradients of the parts are added in full: call "
    "backward on the loss times the part's share of the rows.",
    {_BACKWARD: "loss.backward()"},
)
accumulate.slip(
    "mean_of_unequal_means",
    "You divide by the number of parts. That is right while they are equal; here a short part "
    "would count as much as a long one. Weigh by rows.",
    {"len(x) / len(inputs)": "1 / parts"},
)
accumulate.slip(
    "gradients_averaged",
    "The loss that you return is right. The gradient is the plain mean of the parts' gradients, in "
    "which a short part counts as much as a long one. Weigh by rows.",
    {_BACKWARD: "(loss / parts).backward()"},
)
accumulate.slip(
    "cleared_between_parts",
    "You clear the gradient before each part, so that only the last one counts. Clear once, "
    "at the start.",
    {"    share =": "    model.zero_grad()\n        share ="},
)
accumulate.slip(
    "never_cleared",
    "What was left over from before is still in the gradient. Clear it once, at the start.",
    {"    model.zero_grad()\n": ""},
)
accumulate.slip(
    "all_at_once",
    "You read the whole batch at once. The numbers are right, and the memory is what this was "
    "to save: read part by part.",
    {_INPUTS: "[inputs]", _TARGETS: "[targets]"},
)
accumulate.slip(
    "row_by_row",
    "You read a row at a time. The numbers are right; `parts` says into how many parts the batch "
    "is cut.",
    {_INPUTS: "inputs.split(1)", _TARGETS: "targets.split(1)"},
)
accumulate.slip(
    "one_large_graph",
    "You add up the losses and call backward once, so that the activations of all parts are "
    "in memory together. Call backward on each part.",
    {
        "total = 0.0": "total, whole = 0.0, 0.0",
        _BACKWARD: "whole = whole + loss * share",
        "return total": "whole.backward()\n    return total",
    },
)
accumulate.slip(
    "backward_forgotten",
    "Nothing calls backward, so that there is no gradient. Call it on each part's share of the "
    "loss.",
    {f"        {_BACKWARD}\n": ""},
)
accumulate.slip(
    "rest_dropped",
    "Rows are missing: when the parts do not come out even, the rest is dropped.",
    {
        _INPUTS: f"inputs[: len(inputs) // parts * parts].{_INPUTS.partition('.')[2]}",
        _TARGETS: f"targets[: len(targets) // parts * parts].{_TARGETS.partition('.')[2]}",
    },
)
accumulate.slip(
    "sum_over_tokens",
    "Your gradient is that of the sum over all tokens. It is to be that of their mean.",
    {"y.flatten())": "y.flatten(), reduction='sum')", "len(x) / len(inputs)": "1.0"},
)
accumulate.slip(
    "loss_of_last_part",
    "You return the loss of the last part. It is to be that of the whole batch.",
    {f"total += {_ADDED}": "total = loss.item()"},
)
accumulate.slip(
    "losses_added",
    "The gradient is right. The loss that you return is the sum of the parts' losses; weigh "
    "each by its share of the rows.",
    {_ADDED: "loss.item()"},
)
accumulate.slip(
    "losses_averaged",
    "The gradient is right. The loss that you return is the plain mean of the parts' losses, "
    "in which a short part counts as much as a long one. Weigh by rows.",
    {_ADDED: "loss.item() / parts"},
)
accumulate.slip(
    "losses_weighed_twice",
    "The gradient is right. In the loss that you return, each part is multiplied by its share "
    "twice: once is enough.",
    {_ADDED: "loss.item() * share**2"},
)
accumulate.slip(
    "parts_of_so_many_rows",
    "split(k) makes parts of k rows; tensor_split(k) makes k parts.",
    {_INPUTS: "inputs.split(parts)", _TARGETS: "targets.split(parts)"},
)
accumulate.slip(
    "chunks",
    "chunk(k) rounds the rows of a part up, so that fewer than k parts may come out, and a "
    "much shorter last one; tensor_split(k) makes k parts, whose sizes differ by at most 1.",
    {_INPUTS: "inputs.chunk(parts)", _TARGETS: "targets.chunk(parts)"},
)
accumulate.slip(
    "cleared_at_the_end",
    "You clear the gradient at the end, and it is what was wanted. Clear once, at the start.",
    {"return total": "model.zero_grad()\n    return total"},
)
accumulate.slip(
    "step_taken",
    "The parameters have moved. Here the gradient is computed and nothing more; the step is the "
    "optimiser's.",
    {"return total": "for p in model.parameters():\n        p.data -= 0.1 * p.grad\n"
     "    return total"},
)  # fmt: skip
accumulate.slip(
    "put_into_evaluation",
    "You put the model into evaluation mode, and a training that goes on has no dropout. Leave the "
    "mode alone.",
    {"model.zero_grad()": "model.eval()\n    model.zero_grad()"},
)


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
