"""How `Adam` is judged."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch

from descent.grading import Draw, Exercise, expect

from .shared import BETAS, MISTAKES, adam_moves, spoiled_adam

Adam = Exercise("Adam", minutes=30, difficulty=3, seconds=20.0)


def _leaf(values: np.ndarray) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).requires_grad_()


class _Parameters:
    """What an optimiser is made with: the tensors themselves, shown with their first values.

    A check hands copies to an answer, whatever it calls the argument. This one is its own copy,
    because an optimiser is meant to change its parameters.
    """

    def __init__(self, *tensors: torch.Tensor) -> None:
        self.tensors = tensors
        self.shown = repr([np.round(tensor.detach().numpy(), 3).tolist() for tensor in tensors])

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __getitem__(self, place: int) -> torch.Tensor:
        return self.tensors[place]

    def __deepcopy__(self, memo: dict[int, Any]) -> _Parameters:
        return self

    def __repr__(self) -> str:
        return self.shown


class _Once:
    """Parameters as an iterator: after one walk through it, it is empty."""

    def __init__(self, *tensors: torch.Tensor) -> None:
        self.left = list(tensors)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return self

    def __next__(self) -> torch.Tensor:
        if not self.left:
            raise StopIteration
        return self.left.pop(0)

    def __deepcopy__(self, memo: dict[int, Any]) -> _Once:
        return self

    def __repr__(self) -> str:
        return "an iterator over parameters"


def _drive(
    optimiser: Any, parameters: list[torch.Tensor], gradients: list[np.ndarray | None]
) -> None:
    """Clear, give every parameter its gradient, step."""
    optimiser.zero_grad()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
    optimiser.step()


@functools.cache
def _optax_path() -> Callable[[Any, Any], Any]:
    """optax.adam(0.02) along given gradients as one compiled function, made once a process."""
    transformation = optax.adam(0.02)

    def advance(carried: Any, gradient: Any) -> Any:
        theta, state = carried
        updates, state = transformation.update(gradient, state, theta)
        return (optax.apply_updates(theta, updates), state), None

    def path(theta: Any, gradients: Any) -> Any:
        return jax.lax.scan(advance, (theta, transformation.init(theta)), gradients)[0][0]

    return jax.jit(path)


@Adam.property("moves one parameter as the algorithm says", trials=4)
def _(answer, draw: Draw) -> None:
    steps, n = min(draw.size, 5), 3
    start, gradients = draw.normal(n), draw.normal(steps, n) + 0.5
    betas = draw.uniform(0.3, 0.7), draw.uniform(0.8, 0.97)
    rate, epsilon = draw.uniform(0.05, 0.5), draw.choice([0.1, 0.5])
    parameter = _leaf(start)
    optimiser = answer(_Parameters(parameter), lr=rate, betas=betas, eps=epsilon)
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    expected = start + adam_moves(gradients, rate, betas, epsilon)[-1]
    expect(parameter, f"the parameter after {steps} steps").close_to(expected)
    expect(parameter.requires_grad and parameter.is_leaf, "still a leaf").is_true(
        otherwise="afterwards the parameter is no leaf that requires a gradient"
    )


@Adam.property("keeps the state of each parameter apart", trials=3)
def _(answer, draw: Draw) -> None:
    starts, gradients = draw.normal(3, 2), draw.normal(4, 3, 2)
    gradients *= np.array([1.0, 5.0, 0.1])[:, None]
    gradients += np.array([0.0, 5.0, 0.0])[:, None]
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Parameters(*parameters), 0.1)
    for gradient in gradients:
        _drive(optimiser, parameters, list(gradient))
    expected = starts + adam_moves(gradients, 0.1)[-1]
    for place, parameter in enumerate(parameters):
        expect(parameter, f"parameter {place} after 4 steps").close_to(expected[place])


@Adam.property("takes parameters of different shapes, a single number too", trials=2)
def _(answer, draw: Draw) -> None:
    shapes: tuple[tuple[int, ...], ...] = ((2, 3), (3,), ())
    starts = [np.asarray(draw.normal(*shape)) for shape in shapes]
    gradients = [np.asarray(draw.normal(3, *shape)) for shape in shapes]
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Parameters(*parameters), 0.1)
    for t in range(3):
        _drive(optimiser, parameters, [g[t] for g in gradients])
    for parameter, start, g in zip(parameters, starts, gradients, strict=True):
        expected = start + adam_moves(g, 0.1)[-1]
        expect(parameter, f"the one of shape {start.shape} after 3 steps").close_to(expected)


@Adam.property("accepts an iterator, as model.parameters() is one", trials=2)
def _(answer, draw: Draw) -> None:
    starts, gradients = draw.normal(2, 3), draw.normal(3, 2, 3)
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Once(*parameters), lr=0.1)
    for gradient in gradients:
        _drive(optimiser, parameters, list(gradient))
    expected = starts + adam_moves(gradients, 0.1)[-1]
    for place in range(2):
        expect(parameters[place], f"parameter {place} after 3 steps").close_to(expected[place])


@Adam.property("leaves a parameter without gradient alone, its state and count too", trials=2)
def _(answer, draw: Draw) -> None:
    starts, gradients = draw.normal(3, 2), draw.normal(4, 3, 2) + 1.0
    parameters = [_leaf(start) for start in starts]
    optimiser = answer(_Parameters(*parameters), lr=0.1)
    for t, gradient in enumerate(gradients):
        # The one in the middle has a gradient every second time, the others always.
        _drive(optimiser, parameters, [gradient[0], gradient[1] if t % 2 else None, gradient[2]])
        if t == 0:
            expect(parameters[1], "a parameter that never had a gradient").close_to(starts[1])
    for place, taken, name in (
        (0, slice(None), "the parameter before it after 4 steps"),
        (1, slice(1, None, 2), "one with a gradient every second time"),
        (2, slice(None), "the parameter after it after 4 steps"),
    ):
        expected = starts[place] + adam_moves(gradients[taken, place], 0.1)[-1]
        expect(parameters[place], name).close_to(expected)


@Adam.property("takes a gradient of 0 for a gradient", trials=1)
def _(answer, draw: Draw) -> None:
    start, gradients = draw.normal(2), np.zeros((3, 2))
    gradients[0] = draw.choice([-1.0, 1.0]) * np.array([1.0, 2.0])
    parameter = _leaf(start)
    optimiser = answer(_Parameters(parameter), lr=0.1)
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    expected = start + adam_moves(gradients, 0.1)[-1]
    expect(parameter, "after one gradient and two that are 0").close_to(expected)


@Adam.property("sets every gradient to None in zero_grad, and nothing else", trials=1)
def _(answer, draw: Draw) -> None:
    parameters = [_leaf(draw.normal(2)), _leaf(draw.normal(3))]
    optimiser = answer(_Parameters(*parameters))
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    before = [parameter.detach().clone() for parameter in parameters]
    optimiser.zero_grad()
    expect(sum(p.grad is None for p in parameters), "how many of 2 gradients are None").equals(2)
    left = sum(float(p.grad.sum()) for p in parameters if p.grad is not None)
    expect(left, "the sum of all gradients that are left").close_to(0.0, atol=1e-6)
    expect(parameters[0], "a parameter after zero_grad").close_to(before[0])


@Adam.property("leaves the gradients as they are in step", trials=1)
def _(answer, draw: Draw) -> None:
    parameter, gradient = _leaf(draw.normal(3)), draw.normal(3)
    _drive(answer(_Parameters(parameter)), [parameter], [gradient])
    expect(parameter.grad is not None, "the gradient is still there").is_true(
        otherwise="after step() the parameter's gradient is gone"
    )
    expect(parameter.grad, "the gradient after step()").close_to(gradient)


@Adam.property("equals optax.adam to 1e-6 over 100 steps", trials=1)
def _(answer, draw: Draw) -> None:
    start, gradients = draw.normal(4), draw.normal(100, 4) * np.array([1.0, 1e-2, 1e2, 1e-5])
    parameter = _leaf(start)
    optimiser = answer(_Parameters(parameter), lr=0.02)
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    with jax.enable_x64(True):
        library = np.asarray(_optax_path()(jnp.asarray(start), jnp.asarray(gradients)))
    expect(parameter, "the parameter after 100 steps").close_to(library, rtol=0.0, atol=1e-6)


@Adam.property("has the defaults lr = 0.001, betas = (0.9, 0.999), eps = 1e-8", trials=2)
def _(answer, draw: Draw) -> None:
    gradients = draw.normal(3, 2)
    gradients[:, 1] = 1e-8
    parameter = _leaf(np.zeros(2))
    optimiser = answer(_Parameters(parameter))
    for gradient in gradients:
        _drive(optimiser, [parameter], [gradient])
    expect(parameter, "the parameter after 3 steps from 0").close_to(
        adam_moves(gradients, 1e-3)[-1]
    )


class _Optimiser:
    """A right Adam, which the mistakes below spoil by a habit or a method."""

    habits: dict[str, bool] = {}

    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        self.t = [0] * len(self.parameters)

    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is not None:
                    self.move(i, p, p.grad)

    def move(self, i, p, gradient):
        self.t[i] += 1
        new, self.m[i], self.v[i] = spoiled_adam(
            p,
            gradient,
            self.m[i],
            self.v[i],
            self.t[i],
            self.lr,
            self.betas,
            self.eps,
            **self.habits,
        )
        p.copy_(new)

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None


for _name in (
    "no_correction",
    "epsilon_inside",
    "no_root",
    "counter_from_zero",
    "counter_ahead",
    "betas_swapped",
    "first_moment_unused",
    "summed_gradient",
    "square_of_mean",
    "climbed",
    "rate_twice",
    "stored_corrected",
    "second_moment_uncorrected",
):
    _message, _habits = MISTAKES[_name]
    Adam.mistake(_message)(type(_name, (_Optimiser,), {"habits": _habits}))


@Adam.mistake(
    "All parameters share one state. The average of one parameter's gradients says "
    "nothing about another's: keep an m, "
    "a v and a t for each."
)
class shared_state(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.shared = [0.0, 0.0]

    def move(self, i, p, gradient):
        self.t[i] += 1
        new, *self.shared = spoiled_adam(
            p, gradient, *self.shared, self.t[i], self.lr, self.betas, self.eps, **self.habits
        )
        p.copy_(new)


@Adam.mistake(
    "All parameters share one m, one v and one count: each takes its step with the averages of "
    "the others, and t runs on for every parameter. Keep an m, a v and a t for each."
)
class shared_state_and_count(shared_state):
    def move(self, i, p, gradient):
        self.t[i] = sum(self.t)
        super().move(i, p, gradient)
        self.t = [self.t[i]] + [0] * (len(self.t) - 1)


@Adam.mistake(
    "Parameters of the same shape share one m, one v and one count. Shape is no name: keep the "
    "state by place, or by the parameter itself."
)
class state_by_shape(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.place = {tuple(p.shape): i for i, p in enumerate(self.parameters)}

    def move(self, i, p, gradient):
        super().move(self.place[tuple(p.shape)], p, gradient)


@Adam.mistake(
    "Every m and v has the shape of the first parameter. Make them with "
    "`torch.zeros_like(p)`, for each p."
)
class first_shape(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.m = [torch.zeros_like(self.parameters[0]) for _ in self.parameters]
        self.v = [torch.zeros_like(self.parameters[0]) for _ in self.parameters]

    def step(self):  # of its own, so that what stops here counts as the answer's error
        super().step()


@Adam.mistake(
    "Your settings do not reach the step: it uses the defaults of `adam_step`. Hand on "
    "self.lr, self.betas and self.eps."
)
class ignores_settings(_Optimiser):
    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        super().__init__(parameters)


@Adam.mistake(
    "The learning rate reaches the step, and betas and eps do not: it uses their defaults. Hand "
    "on self.betas and self.eps."
)
class ignores_betas(_Optimiser):
    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        super().__init__(parameters, lr)


@Adam.mistake(
    "Your step counter moves on for every parameter, not for every step: with three "
    "parameters it counts by threes, and "
    "the bias correction fades too early."
)
class counts_every_parameter(_Optimiser):
    def move(self, i, p, gradient):
        self.t = [sum(self.t[:1]) + 1] * len(self.t)
        new, self.m[i], self.v[i] = spoiled_adam(
            p, gradient, self.m[i], self.v[i], self.t[0], self.lr, self.betas, self.eps
        )
        p.copy_(new)


@Adam.mistake(
    "One counter serves all parameters, so that it runs on for a parameter that had no "
    "gradient. Its averages did not: "
    "count for each parameter the steps it took part in."
)
class one_counter(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.steps = 0

    def step(self):
        self.steps += 1
        super().step()

    def move(self, i, p, gradient):
        self.t[i] = self.steps - 1
        super().move(i, p, gradient)


@Adam.mistake(
    "You treat a missing gradient as zero: the parameter coasts on its old average. Skip "
    "a parameter whose grad is None."
)
class missing_is_zero(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                self.move(i, p, torch.zeros_like(p) if p.grad is None else p.grad)


@Adam.mistake(
    "At a parameter without gradient your step ends, and those after it do not move. Skip that "
    "parameter alone: `continue`, not `return` or `break`."
)
class stops_at_missing(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is None:
                    return
                self.move(i, p, p.grad)


@Adam.mistake(
    "Your step stops where p.grad is None. That is a parameter that took no part in the loss: "
    "skip it with `continue`."
)
class computes_with_none(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                self.move(i, p, p.grad)


@Adam.mistake(
    "You skip a parameter whose gradient is 0. A zero is a gradient too: the averages take it "
    "in, and the step goes on along m. Skip only where grad is None."
)
class skips_zeros(_Optimiser):
    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is not None and p.grad.any():
                    self.move(i, p, p.grad)


@Adam.mistake(
    "torch is recording your step for `backward`, and forbids writing into a parameter "
    "meanwhile. Put `with torch.no_grad():` around it."
)
class recorded(_Optimiser):
    def step(self):
        for i, p in enumerate(self.parameters):
            if p.grad is not None:
                self.move(i, p, p.grad)


@Adam.mistake(
    "Your zero_grad stops where a gradient is None already, as all are before the first "
    "`backward`. Set `p.grad = None`, whatever it was."
)
class zeroes_none(_Optimiser):
    def zero_grad(self):
        for p in self.parameters:
            p.grad.zero_()


@Adam.mistake(
    "Your zero_grad fills the gradients with zeros. Set them to None: a zero gradient is "
    "still a gradient, and the "
    "parameter would coast."
)
class fills_with_zeros(_Optimiser):
    def zero_grad(self):
        for p in self.parameters:
            p.grad = None if p.grad is None else torch.zeros_like(p)


@Adam.mistake(
    "Your zero_grad does nothing: gradients of the next batch would be added to those of this one."
)
class keeps_gradients(_Optimiser):
    def zero_grad(self):
        pass


@Adam.mistake(
    "The parameters do not move. Did you make new tensors, as in `p = p - …`? The model "
    "holds the old ones: write into "
    "them with `p.copy_(…)` or `p -= …`. (Or was an iterator walked through before you "
    "made a list of it?)"
)
class new_tensors(_Optimiser):
    def move(self, i, p, gradient):
        super().move(i, p.detach().clone(), gradient)


@Adam.mistake(
    "With an iterator, nothing moves: it was empty after the first walk through it. Begin with "
    "`self.parameters = list(parameters)`."
)
class walks_twice(_Optimiser):
    def __init__(self, parameters, lr=1e-3, betas=BETAS, eps=1e-8):
        super().__init__(parameters, lr, betas, eps)
        if isinstance(parameters, _Once):
            self.parameters = []


@Adam.mistake(
    "Your averages start from 0 again at every step: they are made anew in `step`, or cleared in "
    "`zero_grad`. Make them once, in `__init__`, and clear only gradients."
)
class forgets(_Optimiser):
    def step(self):
        self.m, self.v = [0 * m for m in self.m], [0 * v for v in self.v]
        self.t = [0] * len(self.t)
        super().step()


@Adam.mistake(
    "Your averages are reset, but the step counter runs on. Both belong to the whole run: "
    "make them once, in `__init__`."
)
class forgets_averages(_Optimiser):
    def step(self):
        self.m, self.v = [0 * m for m in self.m], [0 * v for v in self.v]
        super().step()


@Adam.mistake(
    "m and v are one and the same tensor, so that writing into one changes the other. Make "
    "zeros for each of them."
)
class aliased_tensors(_Optimiser):
    def move(self, i, p, gradient):
        self.t[i] += 1
        (beta1, beta2), t, state = self.betas, self.t[i], self.m[i]
        state.mul_(beta1).add_((1 - beta1) * gradient)
        state.mul_(beta2).add_((1 - beta2) * gradient**2)
        m_hat, v_hat = state / (1 - beta1**t), state / (1 - beta2**t)
        p.copy_(p - self.lr * m_hat / (v_hat.sqrt() + self.eps))


@Adam.mistake(
    "m and v are one and the same list: `self.m = self.v = …` gives it two names, and what you "
    "store in v is found in m at the next step. Make two lists."
)
class aliased_lists(_Optimiser):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.v = self.m


@Adam.mistake(
    "You clear the gradients in step. Leave them: clearing is what zero_grad is for, and "
    "a caller may look at them."
)
class clears_in_step(_Optimiser):
    def step(self):
        super().step()
        self.zero_grad()


@Adam.mistake("A weight decay is in your step, coupled to the gradient. Plain Adam has none.")
class decays(_Optimiser):
    def move(self, i, p, gradient):
        super().move(i, p, gradient + 0.01 * p)


Adam.hint(
    "In `__init__`: a list of the parameters, the settings, and for each parameter an m, "
    "a v and a count."
)
Adam.hint(
    "In `step`, under `torch.no_grad()`: for each parameter with a gradient, count, call "
    "`adam_step`, store, `p.copy_(…)`."
)
Adam.hint("`zero_grad` sets `p.grad = None` for each parameter.")
Adam.hint("Writing into a parameter needs `with torch.no_grad():` around it.", when="error")
Adam.hint(
    "Compare one parameter, one step, with `adam_step` by hand; then two steps; then two "
    "parameters.",
    when="value",
)
Adam.hint("Is t = 1 when the first step is taken? Count before you use it.", when="nan")
Adam.hint("Is t = 1 when the first step is taken? Count before you use it.", when="infinite")
Adam.hint(
    "What happens to m, v and t of a parameter that is skipped? Nothing.",
    when="leaves a parameter without gradient alone, its state and count too",
)
