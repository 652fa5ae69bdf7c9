"""The variants of research/1 on Shakespeare: positions and shared keys, three seeds each.

Runs the definitions of the chapter's own source, and writes a record to book/results.

    python benchmarks/transformer_variants.py              # all: some six minutes of one core
    python benchmarks/transformer_variants.py alibi none   # these again; the other rows stay
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from descent.data import shakespeare
from descent.study.answers import answers_from_source

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("sinusoids", "none", "rotary", "alibi", "multi-query")
SEEDS, STEPS, BATCH, PEAK = 3, 400, 32, 5e-3
VOCABULARY, SHORT, LONG = 2000, 31, 127  # odd, as the chapter explains
PARTS = (("0 to 30", 0, 31), ("31 to 62", 31, 63), ("63 to 126", 63, 127))


def chapter() -> Any:
    """The chapter's definitions, with the text cut as its page cuts it."""
    source = ROOT / "solutions/research/01_transformers.py"
    page: Any = answers_from_source(source, "research_transformers")
    page.VOCABULARY = VOCABULARY
    pieces = [piece for piece in page.re.split(r"\b", shakespeare().text) if piece]
    cut = len(pieces) * 9 // 10
    frequent = Counter(pieces[:cut]).most_common(VOCABULARY - 1)
    number = {word: i for i, word in enumerate(["<unk>", *(word for word, _ in frequent)])}
    tokens = torch.tensor([number.get(piece, 0) for piece in pieces])
    page.train_tokens, page.valid_tokens = tokens[:cut], tokens[cut:]
    return page


def one_run(page: Any, name: str, seed: int) -> dict[str, Any]:
    """Train one variant on short blocks; its loss on short ones, and on long ones by place."""
    model, began = page.variant(name, seed), time.perf_counter()
    batches = page.shuffled(*page.training_blocks(page.train_tokens, SHORT), BATCH, seed)
    losses = page.fit(model, batches, page.rates_of(PEAK, STEPS))
    inputs, targets = (part[:600] for part in page.training_blocks(page.valid_tokens, SHORT))
    run: dict[str, Any] = {
        "model": name, "seed": seed, "parameters": sum(p.numel() for p in model.parameters()),
        "last training losses": round(sum(losses[-20:]) / 20, 3),
        "valid": round(page.mean_loss(model, inputs, targets), 3),
    }  # fmt: skip
    inputs, targets = (part[:150] for part in page.training_blocks(page.valid_tokens, LONG))
    with torch.no_grad():
        each = F.cross_entropy(model(inputs).transpose(1, 2), targets, reduction="none").mean(0)
    run["by place"] = {part: round(float(each[low:high].mean()), 3) for part, low, high in PARTS}
    run["seconds"] = round(time.perf_counter() - began, 1)
    return run


def main(names: list[str]) -> None:
    """Run the variants named, all when none is, and write the record; other rows of it stay."""
    page = chapter()
    out = ROOT / "book/results/transformer_variants.json"
    earlier = json.loads(out.read_text(encoding="utf-8"))["models"] if out.exists() else []
    models = [run for run in earlier if names and run["model"] not in names]
    for name in names or NAMES:
        for seed in range(SEEDS):
            models.append(one_run(page, name, seed))
            print(json.dumps(models[-1]), flush=True)
    record = {
        "what": "research/1, word-boundary tiny Shakespeare, one thing changed at a time",
        "command": "python benchmarks/transformer_variants.py",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "settings": {"steps": STEPS, "batch": BATCH, "block": SHORT, "peak rate": PEAK},
        "models": sorted(models, key=lambda run: (NAMES.index(run["model"]), run["seed"])),
    }  # fmt: skip
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
