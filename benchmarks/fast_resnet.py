"""The ladder of steps from a plain training loop to a fast one, each step's share measured.

One network, one loop; each step changes one thing and is timed against the loop as it stood before,
turn about, on the same machine. A step that does not make it faster here is recorded as such and
not kept. Before the first step and after the last the loop is profiled. The record goes to
book/results/fast_resnet_steps.json.

    python benchmarks/fast_resnet.py [--seconds 2] [--turns 7] [--out FILE]

On two cores it takes some five minutes, and uses the GPU where there is one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.data import DataLoader, Dataset

from descent.data import mnist
from descent.models.fast_resnet import FastResNet
from descent.runs.results.records import hardware, versions

ROOT = Path(__file__).resolve().parents[1]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MEAN, SPREAD, SHIFT, SIDE = 0.1307, 0.3081, 2, 28
PHASES = ("load", "forward", "backward", "update")
PROFILED_STEPS = 20


@dataclass(frozen=True)
class Loop:
    """How a loop is built; the defaults are the plain one."""

    resident: bool = False  # the pictures lie on the device, as numbers ready to be used
    moved_together: bool = False  # a batch is moved in one operation, not picture by picture
    reads_each_loss: bool = True  # the loss is turned into a Python number at each step
    channels_last: bool = False
    bfloat16: bool = False
    compiled: bool = False
    batch: int = 64
    side: int = SIDE  # of the square that is cut out of each picture


STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("data resident on the device", {"resident": True}),
    ("augmentation of a batch at once", {"moved_together": True}),
    ("loss read rarely", {"reads_each_loss": False}),
    ("channels last", {"channels_last": True}),
    ("bfloat16", {"bfloat16": True}),
    ("compiled", {"compiled": True}),
    ("larger batch", {"batch": 192 if DEVICE == "cpu" else 1024}),
    ("margin cut off", {"side": 20}),
)


class OneByOne(Dataset[tuple[Tensor, int]]):
    """Pictures as a plain loop has them: each made ready and moved by itself, when asked for."""

    def __init__(self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        picture = (torch.from_numpy(self.images[number]).float() / 255 - MEAN) / SPREAD
        return moved_alone(picture[None]), int(self.labels[number])


class Data:
    """The digits, once as they come and once resident."""

    def __init__(self) -> None:
        digits = mnist("train")
        self.source = digits.source
        self.dataset = OneByOne(digits.images, digits.labels)
        ready = (torch.from_numpy(digits.images).to(DEVICE).float() / 255 - MEAN) / SPREAD
        self.pictures = ready[:, None]
        self.padded = F.pad(ready, [SHIFT] * 4, value=-MEAN / SPREAD)
        self.labels = torch.from_numpy(digits.labels).to(DEVICE)


def moved_alone(picture: Tensor) -> Tensor:
    """Move one picture, (1, 28, 28), by up to SHIFT pixels each way."""
    down, right = np.random.randint(-SHIFT, SHIFT + 1, 2)  # noqa: NPY002 (as a plain loop does)
    return torch.roll(picture, (int(down), int(right)), (1, 2))


def moved_together(data: Data, picked: Tensor, side: int) -> Tensor:
    """Move a batch of pictures, and cut squares out of their middles, in one gathering."""
    edge = SHIFT + (SIDE - side) // 2
    moves = torch.randint(-SHIFT, SHIFT + 1, (2, len(picked), 1), device=DEVICE) + edge
    down, right = moves + torch.arange(side, device=DEVICE)
    return data.padded[picked[:, None, None], down[:, :, None], right[:, None, :]][:, None]


def batches(loop: Loop, data: Data) -> Callable[[], tuple[Tensor, Tensor]]:
    """Return a function that gives the next batch, on the device, without end."""
    if not loop.resident:
        loader = DataLoader(data.dataset, loop.batch, shuffle=True, drop_last=True)
        endless = (batch for _ in count() for batch in loader)

        def load() -> tuple[Tensor, Tensor]:
            pictures, labels = next(endless)
            return pictures.to(DEVICE), labels.to(DEVICE)

        return load

    def pick() -> tuple[Tensor, Tensor]:
        picked = torch.randint(len(data.labels), (loop.batch,), device=DEVICE)
        if loop.moved_together:
            return moved_together(data, picked, loop.side), data.labels[picked]
        alone = [moved_alone(data.pictures[number]) for number in picked]
        return torch.stack(alone), data.labels[picked]

    return pick


@cache
def stepper(loop: Loop, data: Data) -> Callable[[], Tensor]:
    """Return a function that makes one update and returns its loss; compiled once for each loop."""
    torch.manual_seed(0)
    layout = torch.channels_last if loop.channels_last else torch.contiguous_format
    net = FastResNet(loop.side, width=16, blocks=1).to(DEVICE, memory_format=layout)
    forward: Any = torch.compile(net) if loop.compiled else net
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    following = batches(loop, data)
    precision = torch.autocast(DEVICE, torch.bfloat16) if loop.bfloat16 else nullcontext()

    def step() -> Tensor:
        with record_function("load"):
            pictures, labels = following()
            pictures = pictures.contiguous(memory_format=layout)
        with record_function("forward"), precision:
            loss = F.cross_entropy(forward(pictures), labels)
        with record_function("backward"):
            loss.backward()
        with record_function("update"):
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            if loop.reads_each_loss:
                loss.item()
        return loss.detach()

    for _ in range(5):  # compiling, and a GPU's own start
        step()
    return step


def rate(step: Callable[[], Tensor], batch: int, seconds: float) -> float:
    """Count pictures for each second, over some seconds."""
    wait()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds or not done:
        for _ in range(5):
            loss = step()
        done += 5
        loss.item()  # nothing is left in the GPU's queue
    return done * batch / (time.perf_counter() - began)


def wait() -> None:
    """Let the GPU finish."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def against(before: Loop, after: Loop, data: Data, turns: int, seconds: float) -> list[list[float]]:
    """Measure the rates of two loops turn about, so that a busy moment strikes both."""
    steps = [(stepper(loop, data), loop.batch) for loop in (before, after)]
    rates: list[list[float]] = [[], []]
    for _ in range(turns):
        for found, (step, batch) in zip(rates, steps, strict=True):
            found.append(rate(step, batch, seconds))
    return rates


def climb(data: Data, turns: int, seconds: float) -> tuple[Loop, list[dict[str, Any]]]:
    """Go up the steps, keep those that pay, and return the last loop and what was measured."""
    loop, measured = Loop(), []
    for name, change in STEPS:
        tried = replace(loop, **change)
        before, after = against(loop, tried, data, turns, seconds)
        gains = [new / old for new, old in zip(after, before, strict=True)]
        gain = statistics.median(gains)  # turn about, so that a busy moment strikes both
        kept = gain > 1 or "reads_each_loss" in change  # on a CPU there is nothing to wait for
        measured.append(
            {
                "step": name,
                "pictures per second before": [round(value) for value in before],
                "pictures per second": [round(value) for value in after],
                "times as fast": round(gain, 3),
                "slowest turn": round(min(gains), 3),
                "fastest turn": round(max(gains), 3),
                "kept": kept,
            }
        )
        print(f"{name}: × {gain:.2f} ({min(gains):.2f} to {max(gains):.2f})", flush=True)
        loop = tried if kept else loop
    add_shares(measured)
    return loop, measured


def add_shares(measured: list[dict[str, Any]]) -> None:
    """Say of each kept step which share of the plain loop's time for a picture it took away."""
    left = 1.0
    for step in measured:
        after = left / step["times as fast"] if step["kept"] else left
        step["share of the plain loop's time"] = round(left - after, 4)
        left = after


def profiled(loop: Loop, data: Data) -> dict[str, Any]:
    """Profile some updates: the share of each phase, and of the operations that take most."""
    step = stepper(loop, data)
    kinds = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if DEVICE == "cuda" else [])
    with profile(activities=kinds) as seen:
        for _ in range(PROFILED_STEPS):
            step()
        wait()
    rows = {row.key: row for row in seen.key_averages()}
    phases = {name: rows[name].cpu_time_total for name in PHASES}
    spent = "self_device_time_total" if DEVICE == "cuda" else "self_cpu_time_total"
    own = {name: getattr(row, spent) for name, row in rows.items() if name not in PHASES}
    most = sorted(own, key=lambda name: -own[name])[:8]
    calls = sum(row.count for name, row in rows.items() if name.startswith("aten::"))
    return {
        "phases": {name: round(value / sum(phases.values()), 4) for name, value in phases.items()},
        "microseconds for each picture": round(
            sum(phases.values()) / PROFILED_STEPS / loop.batch, 2
        ),
        "operations for each step": round(calls / PROFILED_STEPS),
        "operations that take most": [
            {"name": name, "share": round(own[name] / sum(own.values()), 4)} for name in most
        ],
    }


def main() -> None:
    """Climb, profile before and after, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "book/results/fast_resnet_steps.json")
    told = parser.parse_args()
    data = Data()
    before = profiled(Loop(), data)
    fast, steps = climb(data, told.turns, told.seconds)
    record = {
        "what": f"{data.source}: from a plain training loop to a fast one, FastResNet(28, 16, 1)",
        "command": f"python {' '.join(['benchmarks/fast_resnet.py', *sys.argv[1:]])}",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "device": DEVICE,
        "threads": torch.get_num_threads(),
        "busy": f"load average {os.getloadavg()[0]:.1f} at the end, its own threads among it",
        "versions": versions(),
        "steps": steps,
        "plain": {"loop": asdict(Loop()), "profile": before},
        "fast": {"loop": asdict(fast), "profile": profiled(fast, data)},
    }
    told.out.parent.mkdir(parents=True, exist_ok=True)
    told.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
