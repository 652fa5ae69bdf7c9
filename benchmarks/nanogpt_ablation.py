"""What each ingredient of nanogpt's speedrun is worth: the table of ladder/16.

Trains nanoGPT's CPU configuration, then adds one ingredient after the other until it is the profile
`speedrun`; then leaves out one of each from the whole. All rows have the same model size, the same
2000 iterations and the same tokens. What is there already is not trained again.

    python benchmarks/nanogpt_ablation.py                  # three seeds of the ladder
    python benchmarks/nanogpt_ablation.py --left-out       # and of the rows that leave one out
    python benchmarks/nanogpt_ablation.py --seeds 5 --at-once 4
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from descent.runs.nanogpt import NANOGPT, NanoGptSettings
from descent.runs.profiles import settings_of
from descent.runs.records import hardware, versions
from descent.study.files import write_whole

OUT = Path(__file__).resolve().parents[1] / "book/results/nanogpt_ablation.json"
TARGET = 1.88  # nanoGPT's README, for this configuration
EVALUATE_EVERY = 100

INGREDIENTS: dict[str, dict[str, Any]] = {
    "learning rate 3e-3": {"learning_rate": 3e-3},
    "linear fall to zero": {"schedule": "linear", "least_rate": 0.0},
    "rotary positions": {"rotary": True},
    "QK-norm": {"qk_norm": True},
    "ReLU²": {"squared_relu": True},
    "zero-initialised projections": {"zero_projections": True},
    "Muon": {"optimiser": "muon"},
}
"""In the order in which they are added, with the settings that add them to the profile `cpu`."""


@dataclass(frozen=True)
class Row:
    """A row of the table: what it is called, and what it changes in the profile `cpu`."""

    name: str
    kind: str
    changes: dict[str, Any]


def rows(left_out: bool) -> list[Row]:
    """The ladder; with `left_out` also the rows that lack one ingredient."""
    speedrun = vars(settings_of(NANOGPT, "speedrun"))
    made = [Row("nanoGPT's setting", "ladder", {})]
    for name, change in INGREDIENTS.items():
        made.append(Row(f"+ {name}", "ladder", made[-1].changes | change))
    # Muon's own settings are the profile's, so that the last row of the ladder is the profile.
    muon = ("matrix_rate", "matrix_decay", "momentum", "rounds")
    whole = made[-1].changes | {name: speedrun[name] for name in muon}
    made[-1] = Row(made[-1].name, "ladder", whole)
    if left_out:
        for name, change in INGREDIENTS.items():
            if name != "Muon":  # which is the row above it
                kept = {key: value for key, value in whole.items() if key not in change}
                made.append(Row(f"all but {name}", "left out", kept))
    return made


def main() -> None:
    """Train what is missing, and write the record after each training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=2, help="trainings, of one thread each")
    parser.add_argument("--left-out", action="store_true", help="leave one out of the whole, too")
    told = parser.parse_args()
    table = rows(told.left_out)
    there = recorded_runs(table)
    # The ends of the ladder come first: the record is of use long before it is whole.
    ordered = sorted(table, key=lambda row: row.name not in (table[0].name, "+ Muon"))
    waiting = [(row, seed) for seed in range(told.seeds) for row in ordered
               if seed not in {run["seed"] for run in there[row.name]}]  # fmt: skip
    with ProcessPoolExecutor(told.at_once, multiprocessing.get_context("spawn")) as pool:
        begun = {pool.submit(train_once, row, seed): row for row, seed in waiting}
        for done in as_completed(begun):
            row, run = begun[done], done.result()
            there[row.name].append(run)
            write_record(table, there, told.at_once)
            print(f"{row.name}, seed {run['seed']}: {run['validation loss']}", flush=True)


def train_once(row: Row, seed: int) -> dict[str, Any]:
    """Train one row with one seed, on one thread; return what is recorded of it."""
    import torch

    from descent.runs.programs.nanogpt import make_task, whole_validation_loss
    from descent.training.checkpoint import load_checkpoint
    from descent.training.distributed import Processes
    from descent.training.loop import train
    from descent.training.metrics import curve, read_metrics

    torch.set_num_threads(1)
    changes = row.changes | {"seed": seed, "evaluate_every": EVALUATE_EVERY, "checkpoint_every": 0}
    settings = cast(NanoGptSettings, settings_of(NANOGPT, "cpu", changes))
    task = make_task(settings, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "log.txt").open("w") as log, redirect_stdout(log):
            train(task, settings, Path(folder), Processes())
        lines = read_metrics(Path(folder) / "metrics.jsonl")
        model = task.model()
        state = load_checkpoint(Path(folder) / "checkpoints", settings.steps)
        model.load_state_dict(state["model"])
    steps, losses = curve(lines, "validation loss")
    times = [line["time"] for line in lines if "loss" in line]
    between = [later - sooner for sooner, later in zip(times, times[1:], strict=False)]
    return {
        "seed": seed,
        "validation loss": round(losses[-1], 4),
        "whole validation loss": round(whole_validation_loss(task, model), 4),
        "iteration that passes": passing(steps, losses),
        "seconds per iteration": round(statistics.median(between), 5),
        "curve": {"iteration": steps, "validation loss": [round(loss, 4) for loss in losses]},
    }


def passing(steps: list[int], losses: list[float]) -> int | None:
    """Where the line through the measured losses first comes to the target, or None."""
    points = list(zip(steps, losses, strict=True))
    for (before, above), (after, below) in zip(points, points[1:], strict=False):
        if below <= TARGET:
            share = (above - TARGET) / (above - below)
            return round(before + share * (after - before))
    return None


def recorded_runs(table: list[Row]) -> dict[str, list[dict[str, Any]]]:
    """What the record holds of the rows, where they are still the same."""
    found: dict[str, list[dict[str, Any]]] = {row.name: [] for row in table}
    if OUT.exists():
        for old in json.loads(OUT.read_text(encoding="utf-8"))["rows"]:
            if any((row.name, row.changes) == (old["name"], old["changes"]) for row in table):
                found[old["name"]] = old["runs"]
    return found


def write_record(table: list[Row], there: dict[str, list[dict[str, Any]]], at_once: int) -> None:
    """Write down what there is so far; rows without a run are left out."""
    record = {
        "what": "nanogpt's speedrun, an ingredient at a time: 4 layers, 4 heads, width 128, "
        "context 64, batches of 12, 2000 iterations; validation loss in nats a character, as the "
        "mean of 20 random batches and over the whole validation split; where the target is "
        "passed is read off the line between estimates 100 iterations apart",
        "command": "python benchmarks/nanogpt_ablation.py",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "note": f"{at_once} trainings at a time, one thread each, on a machine shared with other "
        "work: the seconds are medians, to compare rows by, and not a quiet machine's.",
        "target": TARGET,
        "rows": [asdict(row) | summary(there[row.name]) for row in table if there[row.name]],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write_whole(OUT, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, spread and number of each measured value, and the runs themselves."""
    runs = sorted(runs, key=lambda run: run["seed"])
    return {**dict(_means(runs)), "runs": runs}


def _means(runs: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    for name in ("validation loss", "whole validation loss", "iteration that passes",
                 "seconds per iteration"):  # fmt: skip
        values = [run[name] for run in runs]
        if None in values:  # the target was not passed with every seed
            yield name, None
            continue
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        mean = statistics.mean(values)
        yield name, {"mean": round(mean, 4), "std": round(spread, 4), "n": len(values)}


if __name__ == "__main__":
    main()
