"""What Muon costs: PyTorch's, and ours with matrices of one shape together, on nanogpt's matrices.

    python benchmarks/nanogpt_muon.py

Prints milliseconds of an update beside those of AdamW and of a forward and backward pass, each the
median of some, in alternation, and writes them to book/results.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

from descent.runs.definition.profiles import settings_of
from descent.runs.nanogpt import RUN as NANOGPT
from descent.runs.nanogpt.task import make_task
from descent.runs.results.records import hardware, versions
from descent.study.files import write_whole
from descent.training.muon import Muon

OUT = Path(__file__).resolve().parents[1] / "book/results/nanogpt_muon.json"
TURNS = 7


def main() -> None:
    """Time each in turn, print and record the medians."""
    settings = settings_of(NANOGPT, "speedrun")
    task = make_task(settings, "cpu")  # type: ignore[arg-type]
    model = task.model()
    adamw, muon = task.optimisers(model)
    matrices = muon.param_groups[0]["params"]

    def forward_and_backward() -> None:
        model.zero_grad(set_to_none=True)
        task.loss(model, 0, range(settings.batch_size)).backward()

    work: dict[str, Callable[[], object]] = {
        "forward and backward": forward_and_backward,
        "AdamW for the rest": adamw.step,
        "torch.optim.Muon, 5 rounds": torch.optim.Muon(matrices, lr=0.0).step,
        **{f"ours, {rounds} rounds": Muon(matrices, lr=0.0, rounds=rounds).step
           for rounds in (5, 4, 3)},
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(TURNS + 1):
        for name, do in work.items():
            began = time.process_time()
            do()
            times[name].append(time.process_time() - began)
    medians = {name: 1000 * statistics.median(some[1:]) for name, some in times.items()}
    for name, milliseconds in medians.items():
        print(f"{name}: {milliseconds:.1f} ms")
    record = {
        "what": "milliseconds of processor time, one thread, for the matrices of nanogpt's "
        "profile speedrun (4 layers, width 128)",
        "command": "python benchmarks/nanogpt_muon.py",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "milliseconds": {name: round(value, 2) for name, value in medians.items()},
    }
    write_whole(OUT, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
