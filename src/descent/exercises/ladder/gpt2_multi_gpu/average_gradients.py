"""How `average_gradients` is judged."""

from __future__ import annotations

import copy

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect
from descent.training.links import Link, in_turns

from .shared import SECONDS, Tensor, numbers_sent, ring

average_gradients = Exercise("average_gradients", minutes=20, difficulty=2, changes=("model",))

_SHAPES = ((3,), (2, 4), (), (5,), (2, 3))
"""Their sizes rise and fall, so that no sorting leaves the order as it is."""


class _Parts(nn.Module):
    """Parameters of these shapes, of which the ones that are `frozen` are not trained."""

    def __init__(self, *shapes: tuple[int, ...], frozen: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.parts = nn.ParameterList(
            nn.Parameter(torch.zeros(shape), requires_grad=place not in frozen)
            for place, shape in enumerate(shapes)
        )

    def __repr__(self) -> str:
        shapes = ", ".join(str(tuple(part.shape)) for part in self.parts)
        return f"a model of parameters of shapes {shapes}"


def _models(draw: Draw, size: int, *shapes: tuple[int, ...], frozen=()) -> list[_Parts]:
    """The same weights everywhere, and other gradients in each process."""
    first = _Parts(*shapes, frozen=frozen)
    with torch.no_grad():
        for parameter in first.parameters():
            parameter.copy_(normals(draw, *parameter.shape))
    models = [copy.deepcopy(first) for _ in range(size)]
    for model in models:
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.grad = normals(draw, *parameter.shape)
    return models


def _averaged(answer, models: list[_Parts]) -> list[Link]:
    links: dict[int, Link] = {}

    def one(link: Link) -> None:
        links[link.rank] = link
        answer(models[link.rank], link)

    in_turns(one, len(models), SECONDS)
    return [links[rank] for rank in range(len(models))]


def _mean_gradients(models: list[_Parts]) -> list[Tensor | None]:
    """Place by place; None where there is no gradient."""
    return [
        None if same[0].grad is None else torch.stack([p.grad for p in same]).mean(0)
        for same in zip(*(model.parameters() for model in models), strict=True)
    ]


def _expect_means(answer, models: list[_Parts], among: tuple[int, ...] | None = None) -> None:
    wanted = _mean_gradients(models)
    _averaged(answer, models)
    for rank in among or (0, len(models) - 1):
        for place, (parameter, mean) in enumerate(
            zip(models[rank].parameters(), wanted, strict=True)
        ):
            if mean is not None:
                called = f"the gradient of parameter {place} in process {rank}"
                expect(parameter.grad, called).close_to(mean, atol=1e-5)


@average_gradients.property("leaves the mean of a gradient in every process", trials=4)
def _(answer, draw: Draw) -> None:
    models = _models(draw, 1 + draw.size, (3,))
    _expect_means(answer, models, tuple(range(len(models))))


@average_gradients.property("gives every parameter its own piece back", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_means(answer, _models(draw, 1 + draw.size, *_SHAPES))


@average_gradients.property("leaves the weights as they are")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 3, *_SHAPES)
    with torch.no_grad():  # other ones in each process, so that averaging them shows
        for parameter in models[1].parameters():
            parameter.add_(1.0)
    before = copy.deepcopy(models[1])
    _averaged(answer, models)
    for place, (now, old) in enumerate(
        zip(models[1].parameters(), before.parameters(), strict=True)
    ):
        expect(now, f"parameter {place}").close_to(old.detach(), rtol=0, atol=0)


@average_gradients.property("exchanges all gradients at once")
def _(answer, draw: Draw) -> None:
    links = _averaged(answer, _models(draw, 4, *_SHAPES))
    expect(max(len(link.sent) for link in links), "messages that a process sends").is_between(1, 6)
    most = max(numbers_sent(link) for link in links)
    expect(most, "numbers that a process sends, of 23 in all").is_between(1, 6 * 6)


def _expect_passed_over(answer, models: list[_Parts]) -> None:
    # A frozen or unused parameter between two others; the pieces behind it must not be moved.
    without = [place for place, p in enumerate(models[0].parameters()) if p.grad is None]
    expect(len(without), "parameters without a gradient before the call").equals(2)
    _expect_means(answer, models)
    after = [p.grad for p in models[1].parameters()]
    has_one = [place for place in without if after[place] is not None]
    expect(not has_one, "the ones without a gradient still have none").is_true(
        otherwise=f"Parameter {has_one[0] if has_one else 0} had no gradient (.grad was None) and "
        "has one now."
    )


@average_gradients.property("passes over frozen parameters")
def _(answer, draw: Draw) -> None:
    _expect_passed_over(answer, _models(draw, 3, *_SHAPES, frozen=(0, 3)))


@average_gradients.property("passes over a trainable parameter that the loss did not use")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 3, *_SHAPES)
    for model in models:
        model.parts[1].grad = model.parts[3].grad = None
    _expect_passed_over(answer, models)


@average_gradients.property("works in a process alone", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_means(answer, _models(draw, 1, *_SHAPES))


@average_gradients.right
def right_average(model, link):
    owners = [p for p in model.parameters() if p.grad is not None]
    mean = ring(torch.cat([p.grad.flatten() for p in owners]), link) / link.size
    at = 0
    for p in owners:
        p.grad.copy_(mean[at : at + p.grad.numel()].view_as(p.grad))
        at += p.grad.numel()


average_gradients.slip(
    "summed",
    "You left the sum. With p processes that is p times the gradient of the batch, as if the "
    "learning rate were p times larger. Divide by link.size.",
    {" / link.size": ""},
)
average_gradients.slip(
    "divided_twice",
    "You divided twice, by p². The sum of p gradients is divided by p once.",
    {" / link.size": " / link.size**2"},
)
average_gradients.slip(
    "by_number_of_parameters",
    "You divided by the number of parameters. The sum has one gradient from each process: divide "
    "by link.size.",
    {" / link.size": " / len(owners)"},
)
average_gradients.slip(
    "not_given_back",
    "The gradients in the model are still each process's own. Did you average, and keep the result "
    "in a variable or a list of your own? Write it into them, with p.grad.copy_ or p.grad = …",
    {"p.grad.copy_(mean[at : at + p.grad.numel()].view_as(p.grad))": "pass"},
)
average_gradients.slip(
    "first_piece_for_all",
    "Every parameter gets the first numbers of the long vector. After each piece go on by its "
    "numel().",
    {"at += p.grad.numel()": "pass"},
)
average_gradients.slip(
    "in_other_order",
    "The pieces went back in reverse. Take them from the long vector in the order in which you "
    "laid them there.",
    {"for p in owners:": "for p in reversed(owners):"},
)
average_gradients.slip(
    "largest_first",
    "The pieces went back in order of size. Take them from the long vector in the order in which "
    "you laid them there, that of model.parameters().",
    {"for p in owners:": "for p in sorted(owners, key=lambda p: -p.numel()):"},
)
average_gradients.slip(
    "only_in_process_0",
    "The mean is in process 0 alone. Every process has to write it into its own model.",
    {"    at = 0": "    owners, at = owners if link.rank == 0 else [], 0"},
)


@average_gradients.mistake(
    "You exchanged every parameter by itself. A model has hundreds, and each exchange pays for "
    "2(p − 1) messages: lay all gradients end to end and exchange once."
)
def one_by_one_parameters(model, link):
    for parameter in model.parameters():
        if parameter.grad is not None:
            total = ring(parameter.grad.flatten(), link)
            parameter.grad.copy_(total.view_as(parameter.grad) / link.size)


average_gradients.slip(
    "trips_over_none",
    "A parameter without a gradient (a frozen one, say) has .grad None. Pass over it.",
    {" if p.grad is not None": ""},
)
average_gradients.slip(
    "trips_over_unused",
    "You pass over frozen parameters only. A trainable one that the loss did not use has .grad "
    "None as well: ask `parameter.grad is not None`, not requires_grad.",
    {" if p.grad is not None": " if p.requires_grad"},
)


@average_gradients.mistake(
    "You give a parameter without a gradient one of zeros, and send it. Whoever has .grad None is "
    "passed over: nothing of it is sent, and it still has None afterwards."
)
def fills_with_zeros(model, link):
    for parameter in model.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    right_average(model, link)


def _given_back_with_gaps(model, link, parameters):
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    total = ring(torch.cat([g.flatten() for g in gradients]), link) / link.size
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.copy_(total[: parameter.numel()].view_as(parameter))
        total = total[parameter.numel() :]


@average_gradients.mistake(
    "On the way back you count on over parameters without a gradient too. They have no place in "
    "the long vector: go on by numel() only where there is a gradient."
)
def counts_gaps(model, link):
    _given_back_with_gaps(model, link, list(model.parameters()))


@average_gradients.mistake(
    "On the way back you count on over a trainable parameter that has no gradient. It has no place "
    "in the long vector: go on by numel() only where .grad is not None."
)
def counts_unused(model, link):
    _given_back_with_gaps(model, link, [p for p in model.parameters() if p.requires_grad])


@average_gradients.mistake(
    "You gave every process the gradient of process 0. The others' parts of the batch count too."
)
def first_process_only(model, link):
    owners = [p for p in model.parameters() if p.grad is not None]
    for parameter in owners:
        if link.rank == 0:
            for other in range(1, link.size):
                link.send(parameter.grad, other)
        else:
            parameter.grad.copy_(link.receive(0))


@average_gradients.mistake(
    "You averaged the weights, and the gradients are still each process's own. What is exchanged "
    "is parameter.grad; the weights are the same everywhere, and stay."
)
def averages_weights(model, link):
    with torch.no_grad():
        mean = ring(torch.cat([p.flatten() for p in model.parameters()]), link) / link.size
        for parameter in model.parameters():
            parameter.copy_(mean[: parameter.numel()].view_as(parameter))
            mean = mean[parameter.numel() :]


average_gradients.hint("One long vector of all gradients, your ring, a division, and back.")
average_gradients.hint("`torch.cat([g.flatten() for g in gradients])`; back with `view_as`.")
average_gradients.hint("By which number do you divide the sum?", when="factor")
average_gradients.hint("Does the order in which you take the pieces off matter?", when="value")
average_gradients.hint("Which parameters have no gradient at all?", when="error")
