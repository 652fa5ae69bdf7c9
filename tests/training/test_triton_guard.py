"""Kernels in Triton's interpreter reach the memory of their own tensors, and nothing else."""

from __future__ import annotations

import pytest
import torch

from descent.training.triton_guard import accesses
from descent.training.triton_language import tl, triton

pytestmark = [
    pytest.mark.skipif(triton is None, reason="Triton has no build here"),
    pytest.mark.skipif(torch.cuda.is_available(), reason="compiled, not interpreted"),
]


def without_mask(values, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(values + at, 2 * tl.load(values + at))


def shifted(values, by, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.arange(0, BLOCK) + by
    tl.store(values + at, 1.0)


def wide(values, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    there = values.to(tl.pointer_type(tl.float64), bitcast=True)
    tl.store(there + tl.arange(0, BLOCK), 1.0)


def one_byte_on(values, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    there = (values.to(tl.int64) + 1).to(tl.pointer_type(tl.float32))
    tl.store(there + tl.arange(0, BLOCK), 1.0)


def nowhere(values, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    tl.store((values.to(tl.int64) * 0).to(tl.pointer_type(tl.float32)), 1.0)


def added(values, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    tl.atomic_add(values + 10_000_000 + tl.arange(0, BLOCK), 1.0)


def refused(kernel, *arguments, grid: int = 1, block: int = 4) -> None:  # type: ignore[no-untyped-def]
    values = torch.zeros(4)
    with pytest.raises(Exception, match="where no tensor of the kernel's is"):
        triton.jit(kernel)[(grid,)](values, *arguments, BLOCK=block)


def test_a_kernel_without_a_mask_is_stopped_before_it_leaves_its_tensors() -> None:
    values = torch.ones(8)
    triton.jit(without_mask)[(2,)](values, BLOCK=4)
    assert values.tolist() == [2.0] * 8
    refused(without_mask, block=8)
    refused(without_mask, grid=10**6)


@pytest.mark.parametrize("by", [1, -1, 12, -10_000_000, 2**31 - 8])
def test_places_before_and_behind_are_refused(by: int) -> None:
    refused(shifted, by)


@pytest.mark.parametrize("kernel", [wide, one_byte_on, nowhere, added])
def test_pointers_of_another_make_are_refused(kernel) -> None:  # type: ignore[no-untyped-def]
    refused(kernel)


def test_a_view_reaches_its_neighbours_and_what_it_touched_is_told() -> None:
    whole = torch.zeros(12)
    with accesses() as seen:
        triton.jit(shifted)[(1,)](whole[4:8], 2, BLOCK=4)
    assert whole.tolist() == [0.0] * 6 + [1.0] * 4 + [0.0] * 2
    own = [(whole[4:8].data_ptr(), whole[8:].data_ptr())]
    assert [(access.writes, access.outside(own)) for access in seen] == [(True, 2)]
