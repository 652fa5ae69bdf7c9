"""How `zero_gradients` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import drawn_parameters, expect_same_tensors, slopes_of, values

zero_gradients = Exercise("zero_gradients", minutes=5, difficulty=1, changes=("parameters",))


@zero_gradients.property("leaves no slope behind", trials=4)
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw)
    answer(list(parameters))
    expect(slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))


@zero_gradients.property("leaves the parameters themselves alone", trials=3)
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw)
    listed, before = list(parameters), values(parameters)
    answer(listed)
    expect(values(parameters), "the parameters' entries").close_to(before)
    expect_same_tensors(listed, parameters)


@zero_gradients.property("copes with a parameter that has no .grad yet, and with no parameters")
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw, bare=True)
    answer(list(parameters))
    expect(slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))
    answer([])


@zero_gradients.property("lets the next backward() start from zero", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw)
    answer(list(parameters))
    for parameter in parameters:
        if parameter.requires_grad:
            parameter.square().sum().backward()
    expect(slopes_of(parameters), "the next slopes of Σ p²").close_to(2 * values(parameters))


@zero_gradients.mistake(
    "Nothing has changed. `grad = torch.zeros(…)` gives a local name a new value; write to the "
    "attribute, `parameter.grad = None`, or into the tensor, `parameter.grad.zero_()`."
)
def only_a_local_name(parameters):
    for parameter in parameters:
        grad = parameter.grad
        grad = None  # noqa: F841 (the mistake itself)


@zero_gradients.mistake(
    "You set the parameters to zero: all that was learned is lost. It is their `.grad` that is to "
    "be emptied."
)
def zeroed_values(parameters):
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()


@zero_gradients.mistake(
    "You set the parameters to zero together with their `.grad`. The parameters stay."
)
def zeroed_both(parameters):
    zeroed_values(parameters)
    for parameter in parameters:
        parameter.grad = None


@zero_gradients.mistake("Only the first parameter was cleared. Does the loop return too early?")
def only_the_first(parameters):
    for parameter in parameters[:1]:
        parameter.grad = None


@zero_gradients.mistake(
    "`.grad` is None until the first `backward()`, and None has no `zero_()`. Ask first, or assign "
    "None."
)
def stumbles_over_none(parameters):
    for parameter in parameters:
        parameter.grad.zero_()


@zero_gradients.mistake(
    "`if parameter.grad:` asks whether the entries are other than 0, which a tensor of several "
    "cannot answer. Ask `is not None`."
)
def asks_for_truth(parameters):
    for parameter in parameters:
        if parameter.grad:
            parameter.grad.zero_()


@zero_gradients.mistake(
    "Your function stops at the first parameter whose `.grad` is None, and those behind it keep "
    "their slopes. `continue` goes on with the next one; `return` and `break` end the loop."
)
def stops_at_none(parameters):
    for parameter in parameters:
        if parameter.grad is None:
            return
        parameter.grad.zero_()


@zero_gradients.mistake(
    "You cleared the first two parameters alone, `w` and `b` as it were. The list may hold any "
    "number of them: go through all with a loop."
)
def only_two(parameters):
    parameters[0].grad = None
    parameters[1].grad = None


@zero_gradients.mistake(
    "`.grad` cannot be the number 0: it is a tensor of the parameter's shape, or None."
)
def assigned_a_number(parameters):
    for parameter in parameters:
        parameter.grad = 0


@zero_gradients.mistake(
    "A `.grad` has the shape and the dtype of its parameter, and `torch.zeros(…)` is float32 "
    "unless told otherwise. `torch.zeros_like(parameter)` has both; None is simpler."
)
def other_dtype(parameters):
    for parameter in parameters:
        parameter.grad = torch.zeros(parameter.shape)


@zero_gradients.mistake(
    "A tensor has no `zero_grad()`; optimisers and modules do, from rung 6 on. Here it is the "
    "attribute `.grad` of each tensor."
)
def called_zero_grad(parameters):
    for parameter in parameters:
        parameter.zero_grad()


@zero_gradients.mistake(
    "You put new tensors into the list. The caller's parameters are still the old ones, slopes and "
    "all."
)
def new_tensors(parameters):
    for place, parameter in enumerate(parameters):
        parameters[place] = parameter.detach().clone().requires_grad_()


@zero_gradients.mistake(
    "The slopes are gone, but the parameters no longer require a gradient, so there will never be "
    "new ones."
)
def stopped_watching(parameters):
    for parameter in parameters:
        parameter.grad = None
        parameter.requires_grad_(False)


zero_gradients.hint("One loop over the parameters, one assignment to an attribute of each.")
zero_gradients.hint("`parameter.grad = None` empties it; `.grad.zero_()` needs a `.grad` to exist.")
zero_gradients.hint("Which of your parameters has `.grad` None?", when="error")
zero_gradients.hint("Print every `.grad` after your function. Did each one change?", when="value")
