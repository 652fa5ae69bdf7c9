"""What the page of research/4 has no time for: grokking, addition modulo 53 from three seeds.

Writes a record to book/results.

    python benchmarks/grokking.py
"""

from __future__ import annotations

import json
import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[1]
MODULUS, SHARE, GROK_STEPS = 53, 0.5, 3000


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


def main() -> None:
    """Make the record and write it down."""
    began = time.process_time()
    runs = [grok(seed, 1.0) for seed in range(3)] + [grok(0, 0.0)]
    record = {
        "what": "research/4, grokking",
        "command": "python benchmarks/grokking.py",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "setting": {
            "modulus": MODULUS,
            "share of the sums trained on": SHARE,
            "width": 128,
            "rate": 1e-2,
        },
        "seconds": round(time.process_time() - began, 1),
        "runs": runs,
    }
    out = ROOT / "book/results/grokking.json"
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{out.name} written")


if __name__ == "__main__":
    main()
