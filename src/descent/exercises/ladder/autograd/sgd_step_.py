"""How `sgd_step_` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

from .shared import drawn_parameters, expect_same_tensors, slopes_of, values

sgd_step_ = Exercise("sgd_step_", minutes=15, difficulty=2, changes=("parameters",))


def _where_it_arrives(parameters: list[torch.Tensor], rate: float) -> np.ndarray:
    before = np.stack([values(parameters), slopes_of(parameters)])
    return np.array([1.0, -rate]) @ before


@sgd_step_.property("moves every parameter against its slope", trials=5)
def _(answer, draw: Draw) -> None:
    parameters, rate = drawn_parameters(draw), draw.uniform(0.05, 0.5)
    expected = _where_it_arrives(parameters, rate)
    answer(list(parameters), rate)
    expect(values(parameters), "the parameters' entries after the step").close_to(expected)


@sgd_step_.property("changes the tensors it was given, which stay leaves", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw)
    listed = list(parameters)
    answer(listed, 0.1)
    expect_same_tensors(listed, parameters)


@sgd_step_.property("leaves no slope behind", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw)
    answer(list(parameters), 0.1)
    expect(slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))


@sgd_step_.property("lets a parameter without .grad stay where it is", trials=2)
def _(answer, draw: Draw) -> None:
    parameters, rate = drawn_parameters(draw, bare=True), draw.uniform(0.05, 0.5)
    expected = _where_it_arrives(parameters, rate)
    answer(list(parameters), rate)
    expect(values(parameters), "the parameters' entries after the step").close_to(expected)


@sgd_step_.property("with a learning rate of 0, moves nothing and clears all the same", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = drawn_parameters(draw)
    before = values(parameters)
    answer(list(parameters), 0.0)
    expect(values(parameters), "the parameters' entries after the step").close_to(before)
    expect(slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))


@sgd_step_.property("leaves recording switched on afterwards", trials=1)
def _(answer, draw: Draw) -> None:
    torch.set_grad_enabled(True)
    answer(drawn_parameters(draw), 0.1)
    expect(torch.is_grad_enabled(), "recording is on").is_true(
        otherwise="After the call torch records nothing any more, in the whole program."
    )


def _step(parameters, learning_rate, **habits) -> None:
    """One step with one bad habit, named by keyword: what the mistakes below share."""
    with torch.no_grad():
        for parameter in parameters:
            if habits.get("clears_first"):
                parameter.grad = None
            if parameter.grad is not None or habits.get("expects_grad"):
                rate = 1.0 if habits.get("without_rate") else learning_rate
                rate = -rate if habits.get("climbs") else rate
                parameter -= rate * parameter.grad
            if not habits.get("keeps_slopes"):
                parameter.grad = None
            if habits.get("only_first"):
                return


@sgd_step_.mistake(
    "torch refuses: a leaf that requires a gradient may not be changed in place while operations "
    "are recorded. The update is no part of the loss; put it under `with torch.no_grad():`."
)
def recorded_update(parameters, learning_rate):
    for parameter in parameters:
        parameter -= learning_rate * parameter.grad
        parameter.grad = None


@sgd_step_.mistake(
    "The caller's parameters have not moved. `parameter = parameter - …` makes a new tensor and "
    "gives it the local name; `parameter -= …` writes into the one you were given."
)
def rebound_name(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter = parameter - learning_rate * parameter.grad
            parameter.grad = None


@sgd_step_.mistake(
    "The parameters have not moved; only their `.grad` is cleared. `parameter = parameter - …` "
    "makes a new tensor under a local name: use `parameter -= …`. Or did you clear before you "
    "used the slopes? First the step, then the clearing."
)
def only_cleared(parameters, learning_rate):
    _step(parameters, learning_rate, clears_first=True)


@sgd_step_.mistake(
    "You put new tensors into the list. The caller still holds the old ones, which have not moved "
    "and which the next `backward()` will fill. Change the tensors in place."
)
def replaced_in_list(parameters, learning_rate):
    for place, parameter in enumerate(parameters):
        if parameter.grad is not None:
            parameters[place] = parameter - learning_rate * parameter.grad


@sgd_step_.mistake(
    "You did not clear the slopes: the next `backward()` adds to them, and every step will carry "
    "all earlier ones along."
)
def not_cleared(parameters, learning_rate):
    _step(parameters, learning_rate, keeps_slopes=True)


@sgd_step_.mistake(
    "You set the parameters to zero after the step, and not their slopes: it is `.grad` that is "
    "cleared."
)
def zeroed_parameters(parameters, learning_rate):
    _step(parameters, learning_rate, keeps_slopes=True)
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()


@sgd_step_.mistake("You added the slope. It points uphill, where the loss grows: subtract it.")
def climbed(parameters, learning_rate):
    _step(parameters, learning_rate, climbs=True)


@sgd_step_.mistake("You ignored the learning rate: scale the slope by it.")
def without_rate(parameters, learning_rate):
    _step(parameters, learning_rate, without_rate=True)


@sgd_step_.mistake("Only the first parameter took the step. Does the loop return too early?")
def only_first(parameters, learning_rate):
    _step(parameters, learning_rate, only_first=True)


@sgd_step_.mistake(
    "A parameter's `.grad` may be None, when it took no part in the loss. Leave it where it is."
)
def expects_slopes(parameters, learning_rate):
    _step(parameters, learning_rate, expects_grad=True)


@sgd_step_.mistake(
    "With a learning rate of 0 you returned before the slopes were cleared. Nothing moves then, "
    "but the clearing is done all the same."
)
def returned_at_rate_zero(parameters, learning_rate):
    if learning_rate:
        _step(parameters, learning_rate)


@sgd_step_.mistake(
    "Your function stops at the first parameter whose `.grad` is None, and those behind it are "
    "not moved. `continue` goes on with the next one; `return` and `break` end the loop."
)
def stops_at_none(parameters, learning_rate):
    bare = [place for place, one in enumerate(parameters) if one.grad is None]
    _step(parameters[: bare[0]] if bare else parameters, learning_rate)
    zero_all(parameters)


def zero_all(parameters) -> None:
    for parameter in parameters:
        parameter.grad = None


@sgd_step_.mistake(
    "You switched recording off and not on again: from now on no loss in the program has a graph. "
    "`with torch.no_grad():` switches it back at the end of its block."
)
def switched_off(parameters, learning_rate):
    torch.set_grad_enabled(False)
    _step(parameters, learning_rate)
    torch.set_grad_enabled(False)


@sgd_step_.mistake(
    "The step is right, but the parameters no longer require a gradient, so it was the last one. "
    "`torch.no_grad()` pauses the recording and leaves the parameters as they are."
)
def stops_requiring(parameters, learning_rate):
    _step(parameters, learning_rate)
    for parameter in parameters:
        parameter.requires_grad_(False)


sgd_step_.hint("Two things for every parameter: move it by its slope, then clear the slope.")
sgd_step_.hint("`with torch.no_grad():` around the loop, `parameter -= …` inside it.")
sgd_step_.hint("`zero_gradients(parameters)` does the clearing. When is the right moment?")
sgd_step_.hint("Is the update under `torch.no_grad()`? Can a `.grad` be None?", when="error")
sgd_step_.hint("Which way does a positive slope point?", when="sign")
sgd_step_.hint(
    "Is it the caller's tensor that you change, or a new one under the same name?", when="value"
)
