"""Adam as one Triton kernel, on a GPU: its share of the bandwidth, beside torch's own fused Adam.

    python benchmarks/fused_adam.py            # measure, and write book/results/fused_adam.json
    python benchmarks/fused_adam.py --check    # one update against torch.optim.Adam, any machine

The kernel is the one that research chapter 3 gives as its solution. For 10 million to 1 billion
float32 parameters it is timed beside `torch.optim.Adam(fused=True)` on one parameter of that size,
and beside a plain copy. An update moves 28 bytes a parameter; a copy of n bytes moves 2 n. Each
time is the median of several updates, measured by the GPU's own clock, after some that are not
counted. Sizes that do not fit into the memory are left out, and said to be.

Without a GPU nothing is measured and nothing is written: the program says so and exits with 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from descent.exercises.references import reference_answer
from descent.runs.results.records import hardware, versions
from descent.study.files import write_whole
from descent.training.triton_language import NO_TRITON, triton

OUT = Path(__file__).resolve().parents[1] / "book/results/fused_adam.json"
CHAPTER = "research/03_training_at_scale"
COUNTS = (10**7, 3 * 10**7, 10**8, 3 * 10**8, 10**9)
BYTES = 28  # read: weight, gradient, two moments; written: weight, two moments
WARM_UP, TIMES = 5, 20
RATE, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8


def main() -> None:
    """Check the kernel, or measure it; add what was measured to the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare one update, measure nothing")
    parser.add_argument("--block", type=int, default=1024, help="numbers in a block")
    told = parser.parse_args()
    if triton is None:
        sys.exit(f"NOT RUN. {NO_TRITON}")
    if told.check:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        print(f"largest difference to torch.optim.Adam on {device}: {difference(device):.1e}")
        return
    if not torch.cuda.is_available():
        sys.exit("NOT RUN: there is no GPU here. Nothing was measured, and nothing was written.")
    print(f"largest difference to torch.optim.Adam: {difference('cuda'):.1e}")
    rows = [row for count in COUNTS if (row := measured(count, told.block)) is not None]
    record = {
        "what": "an update of Adam, float32, one tensor: seconds, and share of a copy's bandwidth",
        "command": f"python benchmarks/fused_adam.py --block {told.block}",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "versions": {**versions(), "triton": triton.__version__},
        "bytes a parameter": BYTES,
        "sizes": rows,
    }
    write_whole(OUT, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def step(tensors: list[Tensor], number: int, block: int, decay: float = 0.0) -> None:
    """One update by the chapter's kernel: weights, gradients and both moments, in place."""
    kernel = _kernel()
    count = tensors[0].numel()
    kernel[(triton.cdiv(count, block),)](
        *tensors, count, RATE, *BETAS, EPS, decay,
        1 - BETAS[0] ** number, 1 - BETAS[1] ** number, BLOCK=block,
    )  # fmt: skip


@cache
def _kernel() -> Any:
    return triton.jit(reference_answer(CHAPTER, "adam_kernel"))


def difference(device: str, count: int = 1003) -> float:
    """The largest difference to torch.optim.Adam after three updates, with weight decay."""
    theirs = nn.Parameter(torch.randn(count, device=device))
    ours = [theirs.detach().clone(), *(torch.zeros(count, device=device) for _ in range(3))]
    optimiser = torch.optim.Adam([theirs], RATE, BETAS, EPS, weight_decay=0.1)
    for number in range(1, 4):
        theirs.grad = torch.randn(count, device=device)
        optimiser.step()
        ours[1] = theirs.grad
        step(ours, number, 256, decay=0.1)
    return float((ours[0] - theirs.detach()).abs().max())


def seconds(work: Callable[[], object]) -> float:
    """The median of several times, by the GPU's clock."""
    for _ in range(WARM_UP):
        work()
    times = []
    for _ in range(TIMES):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1000)
    return statistics.median(times)


def _kernel_seconds(count: int, block: int) -> float:
    ours = [torch.zeros(count, device="cuda") for _ in range(4)]
    return seconds(lambda: step(ours, 3, block))


def _fused_seconds(count: int) -> float:
    parameter = nn.Parameter(torch.zeros(count, device="cuda"))
    parameter.grad = torch.zeros_like(parameter)
    optimiser = torch.optim.Adam([parameter], RATE, BETAS, EPS, fused=True)
    return seconds(optimiser.step)


def _copy_seconds(count: int) -> float:
    source, target = (torch.zeros(count, device="cuda") for _ in range(2))
    return seconds(lambda: target.copy_(source))


def measured(count: int, block: int) -> dict[str, float] | None:
    """One size: seconds of the kernel, of torch's fused Adam and of a copy; None if too large."""
    try:
        kernel = _kernel_seconds(count, block)
        fused = _fused_seconds(count)
        copy = _copy_seconds(count)
    except torch.cuda.OutOfMemoryError:
        print(f"{count:,} parameters do not fit into this GPU's memory: left out")
        return None
    finally:
        torch.cuda.empty_cache()
    bandwidth = 8 * count / copy
    row = {
        "parameters": count,
        "seconds, kernel": kernel,
        "seconds, torch fused": fused,
        "copy, bytes a second": bandwidth,
        "share of the copy, kernel": BYTES * count / kernel / bandwidth,
        "share of the copy, torch fused": BYTES * count / fused / bandwidth,
    }
    print({key: float(f"{value:.4g}") for key, value in row.items()}, flush=True)
    return row


if __name__ == "__main__":
    main()
