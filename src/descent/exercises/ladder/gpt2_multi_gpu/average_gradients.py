"""How `average_gradients` is judged."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect
from descent.training.links import Link, in_turns

from .shared import SECONDS, numbers_sent, ring

average_gradients = Exercise("average_gradients", minutes=20, difficulty=2, changes=("model",))


class _Parts(nn.Module):
    """Three parameters of different shapes; the middle one may be frozen."""

    def __init__(self, frozen: bool = False) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(2, 3))
        self.middle = nn.Parameter(torch.zeros(4), requires_grad=not frozen)
        self.bias = nn.Parameter(torch.zeros(3))

    def __repr__(self) -> str:
        return "a model of parameters of shapes (2, 3), (4,) and (3,)"


def _models(draw: Draw, size: int, frozen: bool = False) -> list[_Parts]:
    """The same weights everywhere, and other gradients in each process."""
    first = _Parts(frozen)
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


@average_gradients.property("leaves the mean of the gradients in every process", trials=4)
def _(answer, draw: Draw) -> None:
    models = _models(draw, 1 + draw.size)
    wanted = [
        torch.stack([p.grad for p in same if p.grad is not None]).mean(0)
        for same in zip(*(model.parameters() for model in models), strict=True)
    ]
    _averaged(answer, models)
    for rank in (0, len(models) - 1):
        for (name, parameter), mean in zip(models[rank].named_parameters(), wanted, strict=True):
            expect(parameter.grad, f"the gradient of `{name}` in process {rank}").close_to(
                mean, atol=1e-5
            )


@average_gradients.property("leaves the weights as they are")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 3)
    before = copy.deepcopy(models[1])
    _averaged(answer, models)
    for (name, now), old in zip(models[1].named_parameters(), before.parameters(), strict=True):
        expect(now, f"`{name}`").close_to(old.detach(), rtol=0, atol=0)


@average_gradients.property("exchanges all gradients at once")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 4)
    links = _averaged(answer, models)
    expect(max(len(link.sent) for link in links), "messages that a process sends").is_between(1, 6)
    most = max(numbers_sent(link) for link in links)
    expect(most, "numbers that a process sends, of 13 in all").is_between(1, 6 * 4)


def _expect_passed_over(answer, models: list[_Parts]) -> None:
    grads = [model.bias.grad for model in models]
    mean = np.mean([grad.numpy() for grad in grads if grad is not None], axis=0)
    _averaged(answer, models)
    expect(models[2].middle.grad is None, "the one without a gradient still has none").is_true(
        otherwise="A parameter that had no gradient has one now."
    )
    expect(models[2].bias.grad, "the gradient of the parameter after it").close_to(mean, atol=1e-5)


@average_gradients.property("passes over frozen parameters")
def _(answer, draw: Draw) -> None:
    _expect_passed_over(answer, _models(draw, 3, frozen=True))


@average_gradients.property("passes over a trainable parameter that the loss did not use")
def _(answer, draw: Draw) -> None:
    models = _models(draw, 3)
    for model in models:
        model.middle.grad = None
    _expect_passed_over(answer, models)


def _exchange(model, link, scale: float | None = None, give_back: bool = True, back: int = 1):
    """A right average, which the mistakes below spoil in one place each."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    total = ring(torch.cat([g.flatten() for g in gradients]), link)
    total = total * (1 / link.size if scale is None else scale)
    if give_back:
        for gradient in gradients[::back]:
            gradient.copy_(total[: gradient.numel()].view_as(gradient))
            total = total[gradient.numel() :]


@average_gradients.mistake(
    "You left the sum. With p processes that is p times the gradient of the batch, as if the "
    "learning rate were p times larger. Divide by link.size."
)
def summed(model, link):
    _exchange(model, link, scale=1.0)


@average_gradients.mistake("You divided twice, by p². The sum of p gradients is divided by p once.")
def divided_twice(model, link):
    _exchange(model, link, scale=1 / link.size**2)


@average_gradients.mistake(
    "You averaged, and kept the result to yourself: the gradients in the model are still each "
    "process's own. Write into them, with copy_."
)
def not_given_back(model, link):
    _exchange(model, link, give_back=False)


@average_gradients.mistake(
    "The pieces went back in another order than they came. Take them from the long vector in the "
    "order of model.parameters()."
)
def in_other_order(model, link):
    _exchange(model, link, back=-1)


@average_gradients.mistake(
    "You exchanged every parameter by itself. A model has hundreds, and each exchange pays for "
    "2(p − 1) messages: lay all gradients end to end and exchange once."
)
def one_by_one_parameters(model, link):
    for parameter in model.parameters():
        if parameter.grad is not None:
            total = ring(parameter.grad.flatten(), link)
            parameter.grad.copy_(total.view_as(parameter.grad) / link.size)


@average_gradients.mistake(
    "A parameter without a gradient (a frozen one, say) has .grad None. Pass over it."
)
def trips_over_none(model, link):
    total = ring(torch.cat([p.grad.flatten() for p in model.parameters()]), link) / link.size
    for parameter in model.parameters():
        parameter.grad.copy_(total[: parameter.numel()].view_as(parameter))
        total = total[parameter.numel() :]


@average_gradients.mistake(
    "You pass over frozen parameters only. A trainable one that the loss did not use has .grad "
    "None as well: ask `parameter.grad is not None`, not requires_grad."
)
def trips_over_unused(model, link):
    trained = [p for p in model.parameters() if p.requires_grad]
    total = ring(torch.cat([p.grad.flatten() for p in trained]), link) / link.size
    for parameter in trained:
        parameter.grad.copy_(total[: parameter.numel()].view_as(parameter))
        total = total[parameter.numel() :]


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
    for parameter in model.parameters():
        if parameter.grad is not None:
            if link.rank == 0:
                for other in range(1, link.size):
                    link.send(parameter.grad, other)
            else:
                parameter.grad.copy_(link.receive(0))


average_gradients.hint("One long vector of all gradients, your ring, a division, and back.")


average_gradients.hint("`torch.cat([g.flatten() for g in gradients])`; back with `view_as`.")


average_gradients.hint("By which number do you divide the sum?", when="factor")


average_gradients.hint("Does the order in which you take the pieces off matter?", when="value")


average_gradients.hint("Which parameters have no gradient at all?", when="error")
