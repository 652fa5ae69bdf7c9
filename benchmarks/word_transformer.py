"""The race of ladder/13 over rates, seeds and more passes than its page has time for.

Runs the definitions of the chapter's own source, and writes a record to book/results.

    python benchmarks/word_transformer.py rates     # 3 passes at several peak rates
    python benchmarks/word_transformer.py seeds     # 3 passes, three seeds
    python benchmarks/word_transformer.py long      # 8 passes, validation after each
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from descent.data import shakespeare
from descent.study.answers import answers_from_source

ROOT = Path(__file__).resolve().parents[1]
VOCABULARY = 2000
RATES = {"network of rung 11": (4e-3, 8e-3, 1.2e-2), "transformer": (2.5e-3, 4e-3, 6e-3)}


def chapter() -> Any:
    """The chapter's definitions, with the data that its functions expect."""
    page: Any = answers_from_source(ROOT / "solutions/ladder/13_causal_transformer.py")
    parts = page.prepare(shakespeare().text, VOCABULARY)
    _, page.train_tokens, page.valid_tokens, page.test_tokens = parts
    page.VOCABULARY = VOCABULARY
    return page


def one_run(page: Any, name: str, peak: float, passes: int, seed: int) -> dict[str, Any]:
    """Train one model; the mean training loss of every pass, and the perplexity after it."""
    model, began = page.new_model(name, seed), time.perf_counter()
    losses: list[float] = []
    valid: list[float] = []
    for some in page.passes_of(name, model, peak, passes, seed):
        losses.append(round(sum(some) / len(some), 3))
        valid.append(round(math.exp(page.evaluate(model, page.valid_tokens, page.READS[name])), 2))
    test = math.exp(page.evaluate(model, page.test_tokens, page.READS[name]))
    return {
        "model": name, "parameters": sum(p.numel() for p in model.parameters()), "peak": peak,
        "passes": passes, "seed": seed, "valid perplexity after each pass": valid,
        "test perplexity": round(test, 2), "seconds": round(time.perf_counter() - began, 1),
        "mean training loss of each pass": losses,
    }  # fmt: skip


def main(what: str) -> None:
    """Run one of the three records and write it down."""
    page, runs = chapter(), []
    peaks, passes = page.PEAK_OF, page.PASSES
    plans = {
        "rates": [(name, peak, passes, 0) for name in peaks for peak in RATES[name]],
        "seeds": [(name, peaks[name], passes, seed) for name in peaks for seed in range(3)],
        "long": [(name, peaks[name], 8, 0) for name in peaks],
    }
    for plan in plans[what]:
        runs.append(one_run(page, *plan))
        print(runs[-1], flush=True)
    record = {
        "what": f"ladder/13, word-level tiny Shakespeare, {what}",
        "command": f"python benchmarks/word_transformer.py {what}",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "runs": runs,
    }
    out = ROOT / "book/results" / f"word_transformer_{what}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
