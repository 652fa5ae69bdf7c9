"""How `train_step` is judged."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from descent.grading import Draw, Exercise, expect

train_step = Exercise("train_step", minutes=10, difficulty=2, seconds=20.0, compiled=True)


class SquaredError:
    """(w·x + b − y)² with parameters in any nest, which prints as its formula."""

    def __call__(self, params: Any, x: Any, y: Any) -> Any:
        w, b = jax.tree.leaves(params)[::-1]
        return (w * x + b - y) ** 2

    def __repr__(self) -> str:
        return "(w·x + b − y)²"


class Case:
    """A batch of one number, and parameters whose loss and slopes there are known."""

    def __init__(self, draw: Draw) -> None:
        self.w, self.b, self.x, self.y = (draw.normal() for _ in range(4))
        self.params = {"w": jnp.float32(self.w), "b": jnp.float32(self.b)}
        self.batch = jnp.float32(self.x), jnp.float32(self.y)
        self.loss_fn = SquaredError()
        self.loss = self._height(self.w, self.b)
        # Central differences, exact on a quadratic for any step.
        self.dw = (self._height(self.w + 1, self.b) - self._height(self.w - 1, self.b)) / 2
        self.db = (self._height(self.w, self.b + 1) - self._height(self.w, self.b - 1)) / 2

    def _height(self, w: float, b: float) -> float:
        return float((np.polyval([w, b], self.x) - self.y) ** 2)


def _transformation(
    rule: Callable[[Any, Any, Any], tuple[Any, Any]],
) -> optax.GradientTransformation:
    return optax.GradientTransformation(lambda params: 0, rule)


def _plain_descent(rate: float) -> optax.GradientTransformation:
    def update(g: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(lambda leaf: -rate * leaf, g), state

    return _transformation(update)


@train_step.property("adds the optimiser's updates to the parameters", trials=4)
def _(answer, draw: Draw) -> None:
    rate, case = draw.uniform(0.05, 0.3), Case(draw)
    plain = _plain_descent(rate)
    params, state, found = answer(case.loss_fn, plain, case.params, 0, *case.batch)
    expect(params["w"], "w").close_to(case.w - rate * case.dw, atol=1e-4)
    expect(params["b"], "b").close_to(case.b - rate * case.db, atol=1e-4)
    expect(found, "the loss").close_to(case.loss, atol=1e-4)


@train_step.property("gives the optimiser its state, and hands the new state on", trials=2)
def _(answer, draw: Draw) -> None:
    case, state = Case(draw), draw.integers(1, 5)

    def growing(g: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        return jax.tree.map(lambda leaf: -0.01 * state * leaf, g), state + 1

    optimiser = _transformation(growing)
    params, new_state, _ = answer(case.loss_fn, optimiser, case.params, state, *case.batch)
    expect(new_state, "the new state").equals(state + 1)
    expect(params["w"], "w").close_to(case.w - 0.01 * state * case.dw, atol=1e-4)
    expect(params["b"], "b").close_to(case.b - 0.01 * state * case.db, atol=1e-4)


@train_step.property("gives the optimiser the gradient and the parameters, once", trials=2)
def _(answer, draw: Draw) -> None:
    case = Case(draw)
    seen: list[Any] = []

    def decaying(g: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        seen.append(g)
        params = jax.tree.map(lambda leaf: 0.0 * leaf, g) if params is None else params
        return jax.tree.map(lambda slope, leaf: -0.1 * slope - 0.5 * leaf, g, params), state

    optimiser = _transformation(decaying)
    params, _, _ = answer(case.loss_fn, optimiser, case.params, 0, *case.batch)
    expect(len(seen), "how often update was called").equals(1)
    expected = 0.5 * case.w - 0.1 * case.dw, 0.5 * case.b - 0.1 * case.db
    expect(params["w"], "w under an optimiser that uses w").close_to(expected[0], atol=1e-4)
    expect(params["b"], "b under an optimiser that uses b").close_to(expected[1], atol=1e-4)


@train_step.property("keeps the nest of the parameters", trials=1)
def _(answer, draw: Draw) -> None:
    case = Case(draw)
    nested = [{"layer": (case.params["b"], [case.params["w"]])}]
    params, _, _ = answer(case.loss_fn, _plain_descent(0.0), nested, 0, *case.batch)
    expect(str(jax.tree.structure(params)), "the structure").equals(str(jax.tree.structure(nested)))


@train_step.property("can be compiled: every number stays an array", trials=1)
def _(answer, draw: Draw) -> None:
    case = Case(draw)
    step = functools.partial(answer, case.loss_fn, _plain_descent(0.1))
    shapes = jax.eval_shape(step, case.params, 0, *case.batch)  # it traces, nothing is compiled
    expect(shapes[2].shape, "the shape of the loss under jit").equals(())


def _train(loss_fn, optimiser, params, state, x, y, **habits):
    """A training step with one bad habit, named by keyword."""
    loss, gradient = jax.value_and_grad(loss_fn)(params, x, y)
    updates, new_state = optimiser.update(
        gradient, state, None if habits.get("hides_params") else params
    )
    if habits.get("updates_twice"):
        updates, new_state = optimiser.update(updates, new_state, params)
    if habits.get("calls_twice"):
        new_state = optimiser.update(gradient, state, params)[1]
    updates = gradient if habits.get("skips_optimiser") else updates
    sign = -1.0 if habits.get("subtracts") else 1.0
    moved = jax.tree.map(lambda leaf, update: leaf + sign * update, params, updates)
    moved = updates if habits.get("returns_updates") else moved
    moved = params if habits.get("returns_old") else moved
    loss = loss_fn(moved, x, y) if habits.get("loss_after") else loss
    return moved, state if habits.get("old_state") else new_state, loss


def _train_mistake(name: str, message: str, habit: str) -> None:
    def wrong(loss_fn, optimiser, params, state, x, y):
        return _train(loss_fn, optimiser, params, state, x, y, **{habit: True})

    wrong.__name__ = name
    train_step.mistake(message)(wrong)


_train_mistake(
    "subtracted",
    "You subtracted the updates. The sign is in them already: they are to be added.",
    "subtracts",
)


_train_mistake(
    "skipped_optimiser",
    "You added the gradient itself. The optimiser turns it into an update first: "
    "`optimiser.update(gradient, state, params)`.",
    "skips_optimiser",
)


_train_mistake(
    "old_state",
    "You returned the old state. The optimiser's memory is in the new one, the second "
    "thing that "
    "update returns: without it every step is Adam's first.",
    "old_state",
)


_train_mistake(
    "hidden_params",
    "You did not hand the params to update. Some transformations need them, weight decay "
    "for "
    "one: `optimiser.update(gradient, state, params)`.",
    "hides_params",
)


_train_mistake(
    "loss_after",
    "You returned the loss after the step. Return the one from before, which "
    "`jax.value_and_grad` gives with the gradient.",
    "loss_after",
)


_train_mistake(
    "updated_twice",
    "You sent the updates through the optimiser a second time. Once is a step.",
    "updates_twice",
)


_train_mistake(
    "called_twice",
    "You called `update` twice, once for each result. It returns both: "
    "`updates, state = optimiser.update(…)`.",
    "calls_twice",
)


_train_mistake(
    "returned_updates",
    "You returned the updates in place of the parameters. Add them on: "
    "`optax.apply_updates(params, updates)`.",
    "returns_updates",
)


_train_mistake(
    "returned_old",
    "You returned the old parameters. `apply_updates` changes nothing in place: return "
    "what it "
    "gives back.",
    "returns_old",
)


@train_step.mistake(
    "You turn the loss into a Python number, with float() or .item(). Under `jax.jit`, which "
    "comes next, there is no number in it yet: return the array as it is."
)
def float_loss(loss_fn, optimiser, params, state, x, y):
    moved, state, loss = _train(loss_fn, optimiser, params, state, x, y)
    return moved, state, float(loss)


@train_step.mistake(
    "`jax.value_and_grad` gives the value first and the gradient second; you took them the other "
    "way round."
)
def gradient_first(loss_fn, optimiser, params, state, x, y):
    gradient, loss = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimiser.update(gradient, state, params)
    return optax.apply_updates(params, updates), state, loss


@train_step.mistake(
    "Parameters and updates are nests, and + does not reach into them. Use "
    "`optax.apply_updates(params, updates)`, or `jax.tree.map`."
)
def added_nests(loss_fn, optimiser, params, state, x, y):
    loss, gradient = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimiser.update(gradient, state, params)
    return params + updates, state, loss


@train_step.mistake("The results are in another order: return (params, state, loss).")
def loss_first(loss_fn, optimiser, params, state, x, y):
    moved, state, loss = _train(loss_fn, optimiser, params, state, x, y)
    return loss, moved, state


@train_step.mistake(
    "You made a fresh state. Use the one you were given, which holds what earlier steps left."
)
def fresh_state(loss_fn, optimiser, params, state, x, y):
    return _train(loss_fn, optimiser, params, optimiser.init(params), x, y)


train_step.hint("Three lines: loss and gradient, updates and state, new parameters.")
train_step.hint(
    "`jax.value_and_grad(loss_fn)` is a function of (params, x, y) that returns the loss "
    "and the gradient."
)
train_step.hint(
    "`optax.apply_updates(params, updates)` adds; the minus is in the updates.", when="sign"
)
train_step.hint(
    "Which state do you return: the one that came in, or the one update gave back?",
    when="gives the optimiser its state, and hands the new state on",
)
train_step.hint("In which order are params, state and loss returned?", when="type")
train_step.hint("In which order are params, state and loss returned?", when="error")


train_step.equivalent(
    "transposed",
    because="the loss is one number; only under tracing, where nothing can be compared, it seems "
    "to differ",
)
train_step.equivalent(
    "`return (optax.apply_updates(params, updates), state, loss)` → "
    "`return (optax.apply_updates(updates, params), state, loss)`",
    because="a sum does not depend on the order of its terms",
)
