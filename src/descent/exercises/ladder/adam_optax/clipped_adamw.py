"""How `clipped_adamw` is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from descent.grading import Draw, Exercise, expect

from .shared import adam_moves

clipped_adamw = Exercise("clipped_adamw", minutes=10, difficulty=2, seconds=20.0, compiled=True)


def _walk(transformation: Any, start: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """The parameters after every step; they are held one by one, in a nest."""
    params = _nested(start)
    state, path = transformation.init(params), []
    for gradient in gradients:
        updates, state = transformation.update(_nested(gradient), state, params)
        params = jax.tree.map(lambda leaf, update: leaf + update, params, updates)
        path.append([float(leaf) for leaf in jax.tree.leaves(params)])
    return np.array(path)


def _nested(numbers: np.ndarray) -> Any:
    first, second, third = (jnp.float32(number) for number in numbers)
    return {"a": [first, second], "b": (third,)}


def _adamw_path(
    start: np.ndarray, gradients: np.ndarray, rate: float, decay: float, longest: float
) -> np.ndarray:
    """The same from the definition, in float64."""
    lengths = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    steps = np.diff(
        adam_moves(gradients * np.minimum(1, longest / lengths), 1.0), axis=0, prepend=0.0
    )
    theta, path = start.astype(float), []
    for step in steps:
        theta = theta + rate * (step - decay * theta)
        path.append(theta)
    return np.array(path)


def _case(draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    start = np.round(2 + draw.rng.random(3), 2)
    sizes = np.array([[0.02], [8.0], [2.0]])
    return start, sizes * (draw.normal(3, 3) + np.array([1.0, -1.0, 1.0]))


@clipped_adamw.property("clips, takes Adam's ratio, decays and scales, in this order", trials=4)
def _(answer, draw: Draw) -> None:
    start, gradients = _case(draw)
    rate, decay, longest = (
        draw.uniform(0.05, 0.2),
        draw.uniform(0.1, 0.4),
        draw.choice([0.08, 0.12]),
    )
    path = _walk(answer(rate, decay, longest), start, gradients)
    expected = _adamw_path(start, gradients, rate, decay, longest)
    expect(path[0], "the parameters after 1 step").close_to(expected[0], atol=1e-4)
    expect(path[-1], "the parameters after 3 steps").close_to(expected[-1], atol=1e-4)


@clipped_adamw.property("is Adam when there is no decay and nothing to clip", trials=2)
def _(answer, draw: Draw) -> None:
    start, gradients = _case(draw)
    path = _walk(answer(0.1, 0.0, 1e6), start, gradients)
    expect(path[-1], "the parameters after 3 steps").close_to(
        start + adam_moves(gradients, 0.1)[-1], atol=1e-4
    )


@clipped_adamw.property("shrinks every weight by the same factor when gradients are 0", trials=1)
def _(answer, draw: Draw) -> None:
    start, _ = _case(draw)
    path = _walk(answer(0.1, 0.5, 1.0), start, np.zeros((3, 3)))
    expect(path[-1], "the parameters after 3 steps").close_to(0.95**3 * start, atol=1e-4)


def _chain_mistake(
    name: str, message: str, parts: Callable[[float, float, float], list[Any]]
) -> None:
    def wrong(learning_rate, weight_decay, max_norm):
        return optax.chain(*parts(learning_rate, weight_decay, max_norm))

    wrong.__name__ = name
    clipped_adamw.mistake(message)(wrong)


_clip, _ratio, _decay, _rate = (
    optax.clip_by_global_norm,
    optax.scale_by_adam,
    optax.add_decayed_weights,
    optax.scale_by_learning_rate,
)


_chain_mistake(
    "coupled_decay",
    "Your decay comes before Adam's ratio: it is divided by √v̂ like the gradient. That "
    "is L2 "
    "regularisation. Decoupled decay is added after scale_by_adam.",
    lambda r, d, c: [_clip(c), _decay(d), _ratio(), _rate(r)],
)


_chain_mistake(
    "decay_before_clip",
    "Your decay comes first, so that it is clipped and divided by √v̂ with the gradient. "
    "The "
    "order is: clip, ratio, decay, learning rate.",
    lambda r, d, c: [_decay(d), _clip(c), _ratio(), _rate(r)],
)


_chain_mistake(
    "decay_after_rate",
    "Your decay comes after the learning rate: it is not scaled by it, and has the wrong "
    "sign, "
    "so that weights grow. Scaling comes last.",
    lambda r, d, c: [_clip(c), _ratio(), _rate(r), _decay(d)],
)


_chain_mistake(
    "clipped_after",
    "You clip after Adam's ratio: that limits the step, not the gradient, and one "
    "enormous "
    "gradient still enters the averages. Clip first.",
    lambda r, d, c: [_ratio(), _clip(c), _decay(d), _rate(r)],
)


_chain_mistake(
    "clipped_last",
    "You clip at the very end, where the update has long been made. Clip the gradient, first.",
    lambda r, d, c: [_ratio(), _decay(d), _rate(r), _clip(c)],
)


_chain_mistake(
    "unclipped",
    "Nothing is clipped: `max_norm` plays no part.",
    lambda r, d, c: [_ratio(), _decay(d), _rate(r)],
)


_chain_mistake(
    "clipped_by_value",
    "You clip each entry by itself, or each tensor, which turns the gradient to another "
    "direction. "
    "Scale it as a whole: clip_by_global_norm.",
    lambda r, d, c: [optax.clip(c), _ratio(), _decay(d), _rate(r)],
)


_chain_mistake(
    "climbing",
    "Your updates point uphill. They are going to be added, so the sign must be in them: "
    "scale_by_learning_rate(η), or scale(−η).",
    lambda r, d, c: [_clip(c), _ratio(), _decay(d), optax.scale(r)],
)


_chain_mistake(
    "rate_twice_in_chain",
    "The learning rate is applied twice: optax.adam contains it. Use scale_by_adam, the "
    "ratio "
    "alone, or leave out the last part.",
    lambda r, d, c: [_clip(c), optax.adam(r), _decay(d), _rate(r)],
)


_chain_mistake(
    "decay_unscaled",
    "Your decay is subtracted after the learning rate has been applied, so that it is not "
    "multiplied by η and weights vanish fast. Add it before the learning rate.",
    lambda r, d, c: [_clip(c), _ratio(), _rate(r), _decay(-d)],
)


_chain_mistake(
    "decay_scaled_twice",
    "Your decay is multiplied by the learning rate twice. The last part of the chain, or "
    "optax.adamw, does it already: hand it weight_decay as it is.",
    lambda r, d, c: [_clip(c), _ratio(), _decay(r * d), _rate(r)],
)


_chain_mistake(
    "decay_for_beta",
    "The second argument of optax.adamw is b1, so that your decay became the memory of m. "
    "Write `weight_decay=weight_decay`.",
    lambda r, d, c: [_clip(c), optax.adamw(r, d)],
)


_chain_mistake(
    "always_rescaled",
    "You give every gradient the length max_norm, small ones too. Clipping only shortens: a "
    "gradient that is short enough stays as it is.",
    lambda r, d, c: [optax.normalize_by_update_norm(c), _ratio(), _decay(d), _rate(r)],
)


_chain_mistake(
    "undecayed",
    "The weight decay that is asked for does not come: your chain has none, or not that number "
    "(`optax.adamw` takes `weight_decay=…`).",
    lambda r, d, c: [_clip(c), _ratio(), _rate(r)],
)


_chain_mistake(
    "without_ratio",
    "Adam's ratio is missing: this is gradient descent with clipping and decay.",
    lambda r, d, c: [_clip(c), _decay(d), _rate(r)],
)


_chain_mistake(
    "without_rate",
    "The learning rate is missing, and with it the minus sign.",
    lambda r, d, c: [_clip(c), _ratio(), _decay(d)],
)


clipped_adamw.hint("Four parts in `optax.chain`, in the order in which the docstring names them.")
clipped_adamw.hint(
    "clip_by_global_norm, scale_by_adam, add_decayed_weights, scale_by_learning_rate."
)
clipped_adamw.hint("Who adds the minus: scale(−η), or scale_by_learning_rate(η)?", when="sign")
clipped_adamw.hint("Is the decay divided by √v̂ on its way? Is it multiplied by η?", when="value")
clipped_adamw.hint(
    "optax.adam(η) contains a learning rate; scale_by_adam() does not.", when="factor"
)
