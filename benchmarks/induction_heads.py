"""What research/8 studies over seeds, for which its page has no time.

Runs the definitions of the chapter's own source, and writes a record to book/results.

    python benchmarks/induction_heads.py
"""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from descent.study.answers import answers_from_source

ROOT = Path(__file__).resolve().parents[1]
SEEDS, CONTROL_SEEDS, STEPS = range(12), range(3), 400
RANDOM, FIXED = (6, 16), (16, 16)


def rows_of(page: Any, seed: int, periods: tuple[int, int]) -> Tensor:
    """96 rows to judge on."""
    generator = torch.Generator().manual_seed(seed)
    return page.repeated_batch(96, page.VOCABULARY, page.LENGTH, *periods, generator)[0]


def scores(page: Any, model: Any, layers: int, rows: Tensor, off: int | None) -> Tensor:
    """Induction score of every head of the last layer, with a first-layer head at its mean."""
    usual = page.record(model, rows_of(page, 8, RANDOM), ["layers.0.mixed"])["layers.0.mixed"]

    def cut(output: Tensor) -> Tensor:
        changed = output.clone()
        changed[:, :, off] = usual[:, :, off].mean(dim=(0, 1))
        return changed

    seen: list[Tensor] = []
    edits = {} if off is None else {"layers.0.mixed": cut}
    last = f"layers.{layers - 1}.pattern"
    with torch.no_grad():
        page.run_with_edits(model, rows, {**edits, last: lambda a: seen.append(a) or a})
    return page.induction_score(seen[0], rows)


def two_layers(page: Any, seed: int) -> dict[str, float]:
    """The best induction head's score: whole, and without either head of the first layer."""
    model, _ = page.train_attention(2, *RANDOM, STEPS, seed)
    rows = rows_of(page, 9, RANDOM)
    whole = scores(page, model, 2, rows, None)
    best = int(whole.argmax())
    pattern = page.record(model, rows, ["layers.0.pattern"])["layers.0.pattern"]
    previous = int(page.previous_token_score(pattern).argmax())
    return {
        "seed": seed,
        "whole": round(float(whole[best]), 4),
        "previous_token_score": round(float(page.previous_token_score(pattern)[previous]), 4),
        "previous": round(float(scores(page, model, 2, rows, previous)[best]), 4),
        "other": round(float(scores(page, model, 2, rows, 1 - previous)[best]), 4),
    }


def one_layer(page: Any, seed: int, periods: tuple[int, int]) -> dict[str, float]:
    """A control: its best score on rows as in training."""
    model, _ = page.train_attention(1, *periods, STEPS, seed)
    best = scores(page, model, 1, rows_of(page, 9, periods), None).max()
    return {"seed": seed, "whole": round(float(best), 4)}


def main() -> None:
    """Train, measure and write the record."""
    torch.set_num_threads(1)
    page: Any = answers_from_source(ROOT / "solutions/research/08_interpretability.py", "page")
    record = {
        "command": "python benchmarks/induction_heads.py",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{os.cpu_count()} cores ({platform.machine()}), one thread, "
        f"torch {torch.__version__.split('+')[0]}",
        "steps": STEPS,
        "two_layers": [two_layers(page, seed) for seed in SEEDS],
        "one_layer": [one_layer(page, seed, RANDOM) for seed in CONTROL_SEEDS],
        "fixed_period": [one_layer(page, seed, FIXED) for seed in CONTROL_SEEDS],
    }
    path = ROOT / "book/results/induction_heads.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
