"""Triton's interpreter, held to the memory that a kernel was given.

The interpreter reads and writes wherever a pointer leads: a forgotten mask would spoil the memory
of the process, and end it later, somewhere else. Here every access is looked at before it is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

Span = tuple[int, int]
"""The addresses of a piece of memory: of its first byte, and of the one behind its last."""


class Access(NamedTuple):
    """One load or store of a kernel: the places whose mask is true."""

    writes: bool
    addresses: np.ndarray  # of the first byte of each, uint64
    width: int  # bytes of each

    def outside(self, spans: list[Span]) -> int:
        """How many of the places are not wholly within one of the pieces of memory."""
        inside = np.zeros(self.addresses.shape, dtype=bool)
        for low, high in spans:
            if high - low >= self.width:
                inside |= (self.addresses >= np.uint64(low)) & (
                    self.addresses <= np.uint64(high - self.width)
                )
        return int((~inside).sum())


_lent: list[Span] = []
"""The memory of the tensors that the running kernel was given; nothing where none runs."""

_watchers: list[list[Access]] = []


@contextlib.contextmanager
def accesses() -> Iterator[list[Access]]:
    """Collect what kernels read and write while the block runs."""
    seen: list[Access] = []
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)


def guard_the_interpreter() -> None:
    """Make kernels in the interpreter raise IndexError before they leave their tensors' memory."""
    from triton.runtime import interpreter

    builder: Any = interpreter.interpreter_builder
    executor: Any = interpreter.GridExecutor
    if hasattr(executor, "guarded"):
        return
    executor.guarded = True
    load, store = builder.create_masked_load, builder.create_masked_store
    swap, change = builder.create_atomic_cas, builder.create_atomic_rmw
    hand_over, launch = executor._init_args_hst, executor.__call__

    # Every other way to memory, such as a block pointer or a descriptor, goes through these four.
    def guarded_load(pointers: Any, mask: Any, *rest: Any) -> Any:
        width = interpreter._get_np_dtype(pointers.get_element_ty()).itemsize
        _look(False, pointers, mask.data, width)
        return load(pointers, mask, *rest)

    def guarded_store(pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        _look(True, pointers, mask.data, value.data.dtype.itemsize)
        return store(pointers, value, mask, *rest)

    def guarded_swap(pointers: Any, compared: Any, value: Any, *rest: Any) -> Any:
        _look(True, pointers, True, value.data.dtype.itemsize)
        return swap(pointers, compared, value, *rest)

    def guarded_change(operation: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        _look(True, pointers, mask.data, value.data.dtype.itemsize)
        return change(operation, pointers, value, mask, *rest)

    def lend(self: Any, arguments: Any, named: Any) -> Any:
        hosts = hand_over(self, arguments, named)
        _lent[:] = [_span(host) for host in (*hosts[0], *hosts[1].values()) if _is_tensor(host)]
        return hosts

    def guarded_launch(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return launch(self, *arguments, **named)
        finally:
            _lent.clear()

    builder.create_masked_load, builder.create_masked_store = guarded_load, guarded_store
    builder.create_atomic_cas, builder.create_atomic_rmw = guarded_swap, guarded_change
    executor._init_args_hst, executor.__call__ = lend, guarded_launch


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)


def _span(tensor: torch.Tensor) -> Span:
    """All memory that a tensor is a view of: its neighbours in it are no damage to the process."""
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def _look(writes: bool, pointers: Any, mask: Any, width: int) -> None:
    """Refuse an access that leaves the memory of the tensors, before it is made."""
    addresses = np.asarray(pointers.data).astype(np.uint64)
    access = Access(writes, addresses[np.broadcast_to(mask, addresses.shape)], width)
    if access.outside(_lent):
        raise IndexError(
            f"this {'writes' if writes else 'reads'} where no tensor of the kernel's is. Are the "
            "pointer, the places and the mask right?"
        )
    for seen in _watchers:
        seen.append(access)
