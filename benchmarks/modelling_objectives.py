"""What research/5 compares over seeds, for which its page has no time.

Runs the definitions of the chapter's own source, and writes a record to book/results.

    python benchmarks/modelling_objectives.py
"""

from __future__ import annotations

import json
import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.data import mnist
from descent.study.answers import answers_from_source

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (0, 1, 2)
LEAST = 0.02
TWO_VIEW_STEPS = 300


def chapter() -> tuple[Any, str]:
    """The chapter's definitions, with the data that its functions expect; and the data's name."""
    page: Any = answers_from_source(ROOT / "solutions/research/05_modeling_objectives.py", "page")
    train, test = mnist("train"), mnist("test")
    digits, labels = page.halved(train.images), torch.from_numpy(train.labels)
    cut = len(digits) * 5 // 6
    page.digits, page.labels = digits[:cut], labels[:cut]
    page.held_digits, page.held_labels = digits[cut:], labels[cut:]
    page.test_digits, page.test_labels = page.halved(test.images), torch.from_numpy(test.labels)
    return page, train.source


def view(x: Tensor) -> Tensor:
    """Turn, stretch, lean and shift each picture a little, by amounts of its own."""
    n = len(x)
    turn, lean = (torch.rand(2, n) - 0.5) * torch.tensor([[0.5], [0.6]])
    stretch = 1 + (torch.rand(2, n) - 0.5) * 0.5
    shift = (torch.rand(2, n) - 0.5) * 0.5
    across = torch.stack([turn.cos() * stretch[0], lean - turn.sin(), shift[0]], dim=1)
    down = torch.stack([turn.sin(), turn.cos() * stretch[1], shift[1]], dim=1)
    grid = F.affine_grid(torch.stack([across, down], dim=1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def two_view_encoder(page: Any, seed: int) -> Any:
    """The page's encoder, trained without labels on two views of each picture."""
    torch.manual_seed(seed)
    encoder = page.Encoder()

    def loss() -> Tensor:
        x = page.digits[page.any_of(len(page.digits), 128)]
        return page.two_view_loss(encoder(torch.cat([view(x), view(x)])), 0.2)

    page.fit(encoder.parameters(), loss, TWO_VIEW_STEPS, 3e-3)
    return encoder


def accuracy(page: Any, encoder: Any, seed: int) -> float:
    """The share of test digits that ten held-out examples a class name rightly."""
    right = page.named(encoder, page.test_digits, seed) == page.test_labels
    return round(right.double().mean().item(), 4)


def main() -> None:
    """Measure, and write the record."""
    torch.set_num_threads(1)
    page, source = chapter()
    contrastive, duels, encoder = [], [], None
    for seed in SEEDS:
        encoder, _ = page.train_encoder(0.1, 300, seed)
        row = {"loss": "with labels", "seed": seed, "accuracy": accuracy(page, encoder, seed)}
        contrastive.append(row)
        print(row, flush=True)
        row = {"loss": "two views", "seed": seed, "steps": TWO_VIEW_STEPS}
        row["accuracy"] = accuracy(page, two_view_encoder(page, seed), seed)
        contrastive.append(row)
        print(row, flush=True)
    for normed in (True, False):
        for seed in SEEDS:
            forger, losses = page.duel(normed, 1000, seed)
            with torch.no_grad():
                pictures = (forger(torch.randn(1000, page.CODE)).reshape(-1, 1, 14, 14) + 1) / 2
            counts = torch.bincount(page.named(encoder, pictures), minlength=10).tolist()
            covered, missed = page.modes_covered(counts, LEAST)
            last = {name: round(math.fsum(values[-50:]) / 50, 3) for name, values in losses.items()}
            duels.append({"batch norm": normed, "seed": seed, "counts": counts, "covered": covered,
                          "missed": missed, "mean loss of the last 50 steps": last})  # fmt: skip
            print(duels[-1], flush=True)
    record = {
        "what": "research/5: accuracy from ten held-out examples a class, by an encoder trained "
        "with labels and by one trained on two views; and how many digits a generator covers, with "
        "batch norm and without",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{os.cpu_count()} cores ({platform.machine()}), one thread, "
        f"torch {torch.__version__.split('+')[0]}",
        "command": "python benchmarks/modelling_objectives.py",
        "data": source,
        "contrastive": contrastive,
        "duels": duels,
    }  # fmt: skip
    path = ROOT / "book/results/modelling_objectives.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
