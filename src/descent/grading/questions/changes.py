"""Other values in the place of an argument: of the same kind, size and sign, with other numbers."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from descent.grading.questions.snapshots import is_module, is_random
from descent.grading.values import (
    independent_copy,
    is_tensor,
    is_torch_generator,
    to_array,
)

SEVERAL = 5
"""So many different changes of an argument are made at most."""


def is_scalar(value: Any) -> bool:
    """A number of Python's or numpy's own, no truth value."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def is_numeric(value: Any) -> bool:
    """An array, a tensor, or a list of numbers, or of those."""
    if is_scalar(value) or isinstance(value, bool | str) or value is None:
        return False
    if isinstance(value, list | tuple):
        return bool(value) and all(is_scalar(p) or is_numeric(p) for p in value)
    array = to_array(value)
    return array is not None and array.size > 0


def other_numbers(value: Any, rng: np.random.Generator) -> Any:
    """The same with other numbers; None where there is no telling what would be."""
    if is_scalar(value):
        return _other_scalar(value, rng)
    if isinstance(value, list | tuple):
        if all(isinstance(part, int) and not isinstance(part, bool) for part in value):
            return _like(value, _other_integers(np.array(value, dtype=np.int64), rng).tolist())
        parts = [other_numbers(part, rng) for part in value]
        return None if any(part is None for part in parts) else _like(value, parts)
    array = to_array(value)
    if array is None or array.size == 0:
        return None
    return with_numbers(value, _other_array(array, rng))


def _like(value: Any, parts: list[Any]) -> Any:
    return parts if isinstance(value, list) else tuple(parts)


def _other_scalar(value: Any, rng: np.random.Generator) -> Any:
    kind = type(value)
    if isinstance(value, int | np.integer):
        return kind(int(value) + int(rng.integers(1, 4)))
    if 0 < value < 1:
        return kind(rng.uniform(0.15, 0.85) * (1 if value > 0.05 else value * 2))
    if value == 0:
        return kind(rng.uniform(0.2, 1.0))
    return kind(value * rng.choice([rng.uniform(0.4, 0.8), rng.uniform(1.3, 2.2)]))


def _other_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if array.dtype.kind == "b":
        return rng.random(array.shape) < 0.5
    if array.dtype.kind in "iu":
        return _other_integers(array, rng)
    finite = np.where(np.isfinite(array), array, 0.0)
    if (finite >= 0).all():
        other = finite * rng.uniform(0.4, 1.8, array.shape)
        sums = finite.sum(-1, keepdims=True) if array.ndim else finite
        if array.ndim and array.shape[-1] > 1 and np.allclose(sums, 1.0, atol=1e-3):
            other = other / other.sum(-1, keepdims=True)
        elif not finite.any():
            other = rng.uniform(0.1, 1.0, array.shape)
        elif (finite <= 1).all():
            other = np.minimum(other, 1.0)
    else:
        spread = float(np.abs(finite).mean()) or 1.0
        other = finite * rng.uniform(0.4, 1.8, array.shape) + spread * rng.normal(size=array.shape)
    return np.where(np.isfinite(array), np.round(other, 4), array).astype(array.dtype)


def _other_integers(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    low, high = int(array.min()), int(array.max())
    flat = array.ravel()
    if len(np.unique(flat)) == flat.size > 1:
        return rng.permutation(flat).reshape(array.shape).astype(array.dtype)
    if low == high:
        return (array + rng.integers(1, 3)).astype(array.dtype)
    return rng.integers(low, high + 1, array.shape).astype(array.dtype)


def with_numbers(value: Any, numbers: np.ndarray) -> Any:
    """Something of the kind of `value` that holds these numbers, of whatever shape."""
    if is_tensor(value):
        torch = sys.modules["torch"]
        new = torch.as_tensor(np.array(numbers, order="C")).to(value.dtype).clone()
        if value.requires_grad:
            new.requires_grad_()
            if value.is_leaf and value.grad is not None and value.grad.shape == new.shape:
                new.grad = value.grad.detach().clone()
        return new
    if isinstance(value, np.ndarray):
        return np.array(numbers, dtype=value.dtype)
    if isinstance(value, list | tuple):
        return _like(value, np.asarray(numbers).tolist())
    jax = sys.modules.get("jax")
    if jax is not None and isinstance(value, jax.Array):
        return jax.numpy.asarray(numbers, dtype=value.dtype)
    return None


def tensors_of(value: Any) -> list[Any]:
    """The tensors that may have a gradient: a tensor, those in a list, a network's parameters."""
    if is_module(value):
        return list(value.parameters())
    parts = [value] if is_tensor(value) else value if isinstance(value, list | tuple) else []
    return [part for part in parts if is_tensor(part) and part.is_leaf and part.requires_grad]


def copy_of(value: Any) -> Any:
    """A copy that shares nothing, with the gradients, which a network's copy leaves out."""
    other = independent_copy(value)
    if is_module(value) and other is not value:
        for old, new in zip(value.parameters(), other.parameters(), strict=True):
            new.grad = None if old.grad is None else old.grad.detach().clone()
    return other


def other_gradients(value: Any, rng: np.random.Generator) -> Any:
    """A copy whose tensors have other gradients; None where they can have none."""
    other = copy_of(value)
    tensors = tensors_of(other)
    for tensor in tensors:
        numbers = rng.normal(size=tuple(tensor.shape))
        tensor.grad = with_numbers(tensor.detach(), numbers)
    return other if tensors else None


def other_weights(module: Any, rng: np.random.Generator) -> Any:
    """A copy of a network with other parameters; None where it has none."""
    torch = sys.modules["torch"]
    other = copy_of(module)
    changed = False
    with torch.no_grad():
        for part in other.parameters():
            numbers = to_array(part)
            if numbers is not None and numbers.size and numbers.dtype.kind == "f":
                part.copy_(torch.as_tensor(_noisy(numbers, rng)).to(part.dtype))
                changed = True
    return other if changed else None


def _noisy(numbers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spread = float(np.abs(numbers).mean()) or 0.3
    return numbers + spread * rng.normal(size=numbers.shape)


def other_mode(module: Any, rng: np.random.Generator | None = None) -> Any:
    """A copy of a network in the other mode."""
    return copy_of(module).train(not module.training)


def other_seed(generator: Any, rng: np.random.Generator) -> Any:
    """A generator of the same kind that begins elsewhere."""
    seed = int(rng.integers(2**31))
    if is_torch_generator(generator):
        return type(generator)(device=generator.device).manual_seed(seed)
    return np.random.default_rng(seed)


def other_text(text: str, rng: np.random.Generator) -> str:
    """Other text of the same letters."""
    if len(set(text)) < 2:
        return text + "x" * int(rng.integers(1, 4))
    letters = list(text)
    rng.shuffle(letters)
    return "".join(letters)


def other_value(value: Any, rng: np.random.Generator) -> Any:
    """Another value of the same kind, or None."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return other_text(value, rng)
    if is_random(value):
        return other_seed(value, rng)
    if is_scalar(value) or is_numeric(value):
        return other_numbers(value, rng)
    if is_module(value):
        return other_weights(value, rng)
    if isinstance(value, list | tuple) and value:
        if all(isinstance(part, str) for part in value):
            parts = list(value)
            if len(set(parts)) < 2:
                return None
            while parts == list(value):
                rng.shuffle(parts)
            return _like(value, parts)
        parts = [other_value(part, rng) for part in value]
        if all(part is None for part in parts):
            return None
        return _like(value, [v if p is None else p for v, p in zip(value, parts, strict=True)])
    if isinstance(value, dict) and value:
        other = {key: other_value(part, rng) for key, part in value.items()}
        if all(part is None for part in other.values()):
            return None
        return {key: value[key] if part is None else part for key, part in other.items()}
    return None
