"""How `loss_fn` is judged."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from descent.grading import Draw, Exercise, expect

# JAX compiles every operation for every shape it meets, so the shapes here are few and fixed, and
# the mistakes count with numpy unless they are being traced.

loss_fn = Exercise("loss_fn", minutes=12, difficulty=2, seconds=20.0, compiled=True)


N, WIDTHS = 2, (4, 3, 3)


Params = list[dict[str, Any]]


def _params(draw: Draw, widths: tuple[int, ...] = WIDTHS) -> Params:
    return [
        {
            "w": jnp.asarray(draw.normal(a, c), jnp.float32),
            "b": jnp.asarray(draw.normal(c), jnp.float32),
        }
        for a, c in zip(widths[:-1], widths[1:], strict=True)
    ]


def _last_layer(bias: list[float]) -> dict[str, Any]:
    """A last layer that gives every example the same logits."""
    weight = np.zeros(WIDTHS[-2:], np.float32)
    return {"w": jnp.asarray(weight), "b": jnp.asarray(np.array(bias, np.float32))}


def _batch(draw: Draw, n: int = N) -> tuple[jax.Array, jax.Array]:
    x = jnp.asarray(draw.normal(n, WIDTHS[0]), jnp.float32)
    return x, jnp.asarray(draw.integers(0, WIDTHS[-1], n))


def _cross_entropy(params: Params, x: Any, y: Any) -> float:
    """Example by example: the log of how many times likelier all classes are than the true one."""
    layers = [(np.asarray(layer["w"], float), np.asarray(layer["b"], float)) for layer in params]
    losses = []
    for row, label in zip(np.asarray(x, float), np.asarray(y), strict=True):
        for place, (w, b) in enumerate(layers):
            row = (np.maximum(row, 0.0) if place else row) @ w + b
        losses.append(np.logaddexp.reduce(row - row[label]))
    return float(np.mean(losses))


@loss_fn.property("is the mean cross-entropy of the network's logits", trials=5)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    expect(answer(params, x, y), "the loss").close_to(_cross_entropy(params, x, y), atol=1e-5)


@loss_fn.property("can be differentiated by JAX", trials=1)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    layers = tuple(params)
    # The shapes say that it traced; nothing is compiled.
    slopes = jax.eval_shape(jax.grad(answer), layers, x, y)
    expect(jax.tree.map(lambda leaf: leaf.shape, slopes), "the shapes of the gradient").equals(
        jax.tree.map(lambda leaf: leaf.shape, layers)
    )


@loss_fn.property("works for one example and a single layer", trials=3)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw, (WIDTHS[0], WIDTHS[-1])), _batch(draw, 1)
    loss = _cross_entropy(params, x, y)
    expect(answer(params, x, y), "the loss of one example").close_to(loss, atol=1e-5)


@loss_fn.property("is right when logits are in the hundreds", trials=3)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    shifted = np.asarray(params[-1]["b"]) + np.array([0.0, 300.0, -200.0], np.float32)
    params[-1]["b"] = jnp.asarray(shifted)
    y = jnp.asarray(np.array([2, int(y[1])]))  # one class at least is all but impossible
    expect(answer(params, x, y), "the loss").close_to(_cross_entropy(params, x, y), atol=1e-5)


@loss_fn.property(
    "is a natural number of nats: ln 3 when three classes are equally likely", trials=1
)
def _(answer, draw: Draw) -> None:
    params, (x, y) = _params(draw), _batch(draw)
    params[-1] = _last_layer([0.0, 0.0, 0.0])
    expect(answer(params, x, y), "the loss").close_to(math.log(3))


def _library(params: Params) -> Any:
    """jnp where JAX is tracing, else numpy."""
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(params))
    return jnp if traced else np


def _log_probabilities(params: Params, x: Any, axis: int = 1) -> tuple[Any, Any, Any]:
    """The library to count with, the logits, and the logarithm of their softmax."""
    xp = _library(params)
    x = xp.asarray(x)
    for place, layer in enumerate(params):
        x = (xp.maximum(x, 0) if place else x) @ xp.asarray(layer["w"]) + xp.asarray(layer["b"])
    shifted = x - x.max(axis=axis, keepdims=True)
    return xp, x, shifted - xp.log(xp.exp(shifted).sum(axis=axis, keepdims=True))


@loss_fn.mistake(
    "You summed over the batch. The loss is a mean, so that batches of any size can be compared."
)
def summed_loss(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.sum(log_p[xp.arange(len(y)), y])


@loss_fn.mistake(
    "The minus is missing: a log-probability is negative, and the loss is its negative."
)
def without_minus(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return xp.mean(log_p[xp.arange(len(y)), y])


@loss_fn.mistake(
    "You averaged over the classes too, wrong ones included. Pick the true class of each "
    "example, then average over examples."
)
def mean_of_onehot(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p * (xp.arange(log_p.shape[1]) == xp.asarray(y)[:, None]))


@loss_fn.mistake(
    "You used the logits as if they were log-probabilities. Take log_softmax of them first."
)
def without_softmax(params, x, y):
    xp, logits, _ = _log_probabilities(params, x)
    return -xp.mean(logits[xp.arange(len(y)), y])


@loss_fn.mistake(
    "You averaged the probabilities of the true classes. The loss is the mean of −log of them."
)
def without_log(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(xp.exp(log_p)[xp.arange(len(y)), y])


@loss_fn.mistake(
    "Your softmax runs over the batch (axis 0). Probabilities add to 1 over the classes, axis 1."
)
def softmax_over_batch(params, x, y):
    xp, _, log_p = _log_probabilities(params, x, axis=0)
    return -xp.mean(log_p[xp.arange(len(y)), y])


@loss_fn.mistake(
    "`log_p[:, y]` picks, for every example, the classes of all examples. Pair them: "
    "`log_p[jnp.arange(n), y]`."
)
def every_pair(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p[:, y])


@loss_fn.mistake(
    "You took the most likely class in place of the true one: the labels y do not count."
)
def predicted_class(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p.max(axis=1))


@loss_fn.mistake("You returned one loss for each example. The loss is one number: their mean.")
def per_example(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -log_p[xp.arange(len(y)), y]


@loss_fn.mistake(
    "Logits in the hundreds break it: softmax first and log afterwards overflows, or "
    "takes the log of 0. Use a form that "
    "does both at once, such as `jax.nn.log_softmax`."
)
def unstable(params, x, y):
    xp, logits, _ = _log_probabilities(params, x)
    raised = xp.exp(logits)
    return -xp.mean(xp.log((raised / raised.sum(axis=1, keepdims=True))[xp.arange(len(y)), y]))


def _padded(epsilon: float) -> None:
    def wrong(params, x, y):
        xp, _, log_p = _log_probabilities(params, x)
        return -xp.mean(xp.log(xp.exp(log_p)[xp.arange(len(y)), y] + epsilon))

    wrong.__name__ = f"padded_by_{epsilon:g}"
    loss_fn.mistake(
        f"You added {epsilon:g} to the probability before its log, so that no example can lose "
        f"more than {-math.log(epsilon):.1f} nats, however wrong. `jax.nn.log_softmax` needs no "
        "such padding."
    )(wrong)


for _epsilon in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12):
    _padded(_epsilon)


@loss_fn.mistake("Your logarithm is to base 2. Nats are natural logarithms.")
def in_bits(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return -xp.mean(log_p[xp.arange(len(y)), y]) / math.log(2)


@loss_fn.mistake(
    "The softmax is applied twice: `log_softmax`, and the cross-entropies of optax, want "
    "logits, not probabilities."
)
def softmax_twice(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    p = xp.exp(log_p)
    return -xp.mean((p - xp.log(xp.exp(p).sum(axis=1, keepdims=True)))[xp.arange(len(y)), y])


@loss_fn.mistake(
    "The numbers are right, and JAX cannot differentiate them: plain numpy "
    "needs numbers where JAX sends "
    "tracers. Write jnp for np, and return the array as it is."
)
def plain_numpy(params, x, y):
    _, _, log_p = _log_probabilities(params, x)
    return -np.mean(np.asarray(log_p)[np.arange(len(y)), np.asarray(y)])


@loss_fn.mistake(
    "You turn the loss into a Python number, with float() or .item(). JAX sends tracers, which "
    "have no number yet: return the array as it is."
)
def as_float(params, x, y):
    xp, _, log_p = _log_probabilities(params, x)
    return float(-xp.mean(log_p[xp.arange(len(y)), y]))


loss_fn.hint(
    "Three parts: `logits(params, x)`, the log of its softmax, minus the mean over the "
    "true classes."
)
loss_fn.hint("`jax.nn.log_softmax(…)[jnp.arange(len(y)), y]` picks one entry of each row.")
loss_fn.hint("Is it one number for the whole batch?", when="shape")
loss_fn.hint("Sum, mean over examples, or mean over everything?", when="factor")
loss_fn.hint("Is there plain numpy (np) or a float() somewhere? JAX needs jnp.", when="error")
loss_fn.hint(
    "exp of 300 is infinite in float32. Which function takes log and softmax together?", when="nan"
)
loss_fn.hint(
    "exp of 300 is infinite in float32. Which function takes log and softmax together?",
    when="infinite",
)


loss_fn.equivalent(
    "transposed",
    because="the loss is one number; only under tracing, where nothing can be compared, it seems "
    "to differ",
)
