"""What the page of research/4 has no time for: grokking, and steps to a target loss on MNIST.

Writes a record to book/results.

    python benchmarks/optimization_pictures.py grokking   # addition modulo 53, three seeds
    python benchmarks/optimization_pictures.py knee       # steps to a loss, by batch, rate and seed

A second argument names a file with rows that an interrupted `knee` has printed.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.data import mnist

ROOT = Path(__file__).resolve().parents[1]
MODULUS, SHARE, GROK_STEPS = 53, 0.5, 3000
BATCHES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
RATES = tuple(0.0025 * 2**k for k in range(10))
TARGET, SEEDS, MOST_STEPS = 0.25, 3, 8_000


def sums(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs modulo `MODULUS` as two one-hot codes, their sums, and which are trained on."""
    a, b = torch.cartesian_prod(torch.arange(MODULUS), torch.arange(MODULUS)).T
    x = torch.cat([F.one_hot(a, MODULUS), F.one_hot(b, MODULUS)], dim=1).float()
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(seed))
    trained = torch.zeros(len(a), dtype=torch.bool)
    trained[order[: int(SHARE * len(a))]] = True
    return x, (a + b) % MODULUS, trained


def grok(seed: int, decay: float) -> dict[str, Any]:
    """Train on half of the sums with AdamW; accuracy on both halves every 25 steps."""
    x, y, trained = sums(seed)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(2 * MODULUS, 128), nn.ReLU(), nn.Linear(128, MODULUS))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=decay)
    steps, seen, unseen = [], [], []
    for step in range(GROK_STEPS + 1):
        if step % 25 == 0:
            with torch.no_grad():
                right = (model(x).argmax(-1) == y).float()
            steps.append(step)
            seen.append(round(right[trained].mean().item(), 4))
            unseen.append(round(right[~trained].mean().item(), 4))
        optimiser.zero_grad()
        F.cross_entropy(model(x[trained]), y[trained]).backward()
        optimiser.step()
    return {"seed": seed, "weight decay": decay, "step": steps, "seen": seen, "unseen": unseen}


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor, str]:
    """58 000 digits to train on and 2 000 to measure the loss on, scaled to mean 0 and spread 1."""
    data = mnist("train")
    x = torch.from_numpy(data.images).float().reshape(len(data.images), -1) / 255
    x = (x - x.mean()) / x.std()
    y = torch.from_numpy(data.labels)
    return x[:-2000], y[:-2000], x[-2000:], y[-2000:], data.source


def network(seed: int) -> nn.Sequential:
    """784 → 32 → 10, the network of the page."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))


def steps_to(parts: Any, batch: int, rate: float, seed: int, most: int) -> int | None:
    """SGD steps until the held-out loss is at most `TARGET`, looked at every few steps.

    None where it is not reached in `most` steps, or the loss explodes.
    """
    x, y, x_held, y_held, _ = parts
    model, draw = network(seed), torch.Generator().manual_seed(seed)
    every = max(1, 128 // batch)
    for step in range(1, most + 1):
        rows = torch.randint(len(x), (batch,), generator=draw)
        loss = F.cross_entropy(model(x[rows]), y[rows])
        grads = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, grad in zip(model.parameters(), grads, strict=True):
                parameter -= rate * grad
            if step % every == 0:
                held = F.cross_entropy(model(x_held), y_held).item()
                if not np.isfinite(held) or held > 30:
                    return None
                if held <= TARGET:
                    return step
    return None


def knee(before: Path | None) -> list[dict[str, Any]]:
    """Steps to the target for every batch, rate and seed.

    A rate gets three times the steps of the best rate so far at its batch, and no more. From batch
    256 on the rates begin at a quarter of the best one of the batch before. What an interrupted run
    has printed is taken from the file `before`, a row a line.
    """
    parts = digits()
    rows = [json.loads(line) for line in before.read_text().splitlines()] if before else []
    done = {(row["batch"], row["rate"]) for row in rows}
    best = 0.0
    for batch in BATCHES:
        most = MOST_STEPS
        for rate in RATES:
            if (batch, rate) not in done and (batch < 256 or rate >= best / 4):
                steps = [steps_to(parts, batch, rate, seed, most) for seed in range(SEEDS)]
                if None not in steps:
                    most = min(most, 3 * max(count for count in steps if count))
                rows.append({"batch": batch, "rate": rate, "steps": steps})
                print(json.dumps(rows[-1]), flush=True)
        reached = [row for row in rows if row["batch"] == batch and None not in row["steps"]]
        best = min(reached, key=lambda row: sum(row["steps"]))["rate"]
    return rows


def main(what: str, before: Path | None = None) -> None:
    """Make one of the two records and write it down."""
    began = time.process_time()
    if what == "grokking":
        runs = [grok(seed, 1.0) for seed in range(3)] + [grok(0, 0.0)]
        setting = {
            "modulus": MODULUS,
            "share of the sums trained on": SHARE,
            "width": 128,
            "rate": 1e-2,
        }
    else:
        runs = knee(before)
        setting = {"network": "784-32-10", "target": TARGET, "data": digits()[-1]}
    record = {
        "what": f"research/4, {what}",
        "command": f"python benchmarks/optimization_pictures.py {what}",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "setting": setting,
        **({} if before else {"seconds": round(time.process_time() - began, 1)}),
        "runs": runs,
    }
    out = ROOT / "book/results" / f"optimization_{what}.json"
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{out.name} written")


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
