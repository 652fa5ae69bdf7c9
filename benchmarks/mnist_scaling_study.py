"""The study of research/2 on MNIST: widths, sizes and seeds, without and with dropout.

Runs the definitions of the chapter's own source, and writes a record to book/results. Each seed's
runs are kept as they come, in a file of their own, and are not made again: seeds may be measured by
several processes, and the last to end writes the whole record.

    python benchmarks/mnist_scaling_study.py 0 1 2
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from descent.study.answers import answers_from_source

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = tuple(round(2 * 2 ** (k / 2)) for k in range(7))
HELD_OUT, FULL = 10_000, 50_000
SIZES = tuple(FULL // 2**k for k in range(6))
DROPOUTS = (0.0, 0.2)
OUT = ROOT / "book/results/mnist_scaling_study.json"


def kept(seed: int) -> Path:
    """The file of one seed's runs, a row a line."""
    return OUT.with_suffix(f".seed{seed}")


def rows_of(seed: int) -> list[dict[str, Any]]:
    """The runs of a seed that were made, of the widths of the study."""
    rows = [json.loads(line) for line in kept(seed).read_text().splitlines()]
    return [row for row in rows if row["width"] in WIDTHS]


def measure(seed: int) -> None:
    """Make every run of a seed that is not kept yet."""
    page: Any = answers_from_source(ROOT / "solutions/research/02_scaling_laws.py", "scaling_laws")
    *data, source = page.small_digits()
    if len(data[0]) != HELD_OUT + FULL:
        raise SystemExit(f"the record is made on MNIST, and this is {source}")
    kept(seed).touch()
    have = {(row["dropout"], row["width"], row["examples"]) for row in rows_of(seed)}
    for plan in itertools.product(DROPOUTS, WIDTHS, SIZES):
        if plan in have:
            continue
        dropout, width, examples = plan
        began = time.thread_time()
        loss, accuracy = page.one_run(data, HELD_OUT, width, examples, seed, dropout)
        row = {
            "seed": seed, "dropout": dropout, "width": width, "examples": examples,
            "loss": round(loss, 5), "accuracy": round(accuracy, 5),
            "seconds": round(time.thread_time() - began, 2),
        }  # fmt: skip
        with kept(seed).open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row, flush=True)


def main(*seeds: int) -> None:
    """Make the runs of these seeds, and write down all that are kept."""
    torch.set_num_threads(1)
    for seed in seeds:
        measure(seed)
    found = sorted(
        int(path.suffix.removeprefix(".seed")) for path in OUT.parent.glob(f"{OUT.stem}.seed*")
    )
    rows = [row for seed in found for row in rows_of(seed)]
    record = {
        "what": "research/2, a three-layer CNN on MNIST at 14 x 14, one epoch",
        "command": f"python benchmarks/mnist_scaling_study.py {' '.join(map(str, found))}",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work",
        "threads": 1,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "columns": ["seed", "dropout", "width", "examples", "loss", "accuracy"],
        "runs": [[row[key] for key in ("seed", "dropout", "width", "examples", "loss", "accuracy")]
                 for row in rows],
        "seconds": round(sum(row["seconds"] for row in rows)),
    }  # fmt: skip
    lines = json.dumps(record, indent=1).split('"runs"')[0].rstrip()
    runs = ",\n  ".join(json.dumps(row) for row in record["runs"])
    text = f'{lines}\n "runs": [\n  {runs}\n ],\n "seconds": {record["seconds"]}\n}}\n'
    OUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
