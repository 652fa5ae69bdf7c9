"""What each ingredient of nanogpt's speedrun is worth: the table of ladder/16.

Trains nanoGPT's CPU configuration, then adds one ingredient after the other until it is the profile
`speedrun`; then leaves out one of each from the whole. All rows have the same model size, the same
2000 iterations and the same tokens. What is there already is not trained again.

    python benchmarks/nanogpt_ablation.py                  # three seeds of the ladder
    python benchmarks/nanogpt_ablation.py --left-out       # and of the rows that leave one out
    python benchmarks/nanogpt_ablation.py --seeds 5 --at-once 4
    python benchmarks/nanogpt_ablation.py --seconds        # what an iteration of each row costs
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from descent.runs.definition.profiles import settings_of
from descent.runs.nanogpt import RUN as NANOGPT
from descent.runs.nanogpt import NanoGptSettings
from descent.runs.results.records import hardware, versions
from descent.study.files import write_whole

if TYPE_CHECKING:
    from descent.runs.nanogpt.task import CharacterTask

OUT = Path(__file__).resolve().parents[1] / "book/results/nanogpt_ablation.json"
TARGET = 1.88  # nanoGPT's README, for this configuration
EVALUATE_EVERY = 100
TURNS, ITERATIONS, SETTLING = 3, 30, 5  # of the timing

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
    parser.add_argument("--seconds", action="store_true", help="time iterations, train nothing")
    told = parser.parse_args()
    table = rows(told.left_out)
    if told.seconds:
        seconds = time_rows(table)
        write_record(table, recorded(table)[0], seconds)
        return
    runs, seconds = recorded(table)
    # The ends of the ladder come first: the record is of use long before it is whole.
    ordered = sorted(table, key=lambda row: row.name not in (table[0].name, "+ Muon"))
    waiting = [(row, seed) for seed in range(told.seeds) for row in ordered
               if seed not in {run["seed"] for run in runs[row.name]}]  # fmt: skip
    with ProcessPoolExecutor(told.at_once, multiprocessing.get_context("spawn")) as pool:
        begun = {pool.submit(train_once, row, seed): row for row, seed in waiting}
        for done in as_completed(begun):
            row, run = begun[done], done.result()
            runs[row.name].append(run)
            write_record(table, runs, seconds)
            print(f"{row.name}, seed {run['seed']}: {run['validation loss']}", flush=True)


def train_once(row: Row, seed: int) -> dict[str, Any]:
    """Train one row with one seed, on one thread; return what is recorded of it."""
    from descent.runs.nanogpt.task import whole_validation_loss
    from descent.training.checkpoint import load_checkpoint
    from descent.training.metrics import curve, read_metrics

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        task, _ = train_row(row, folder, seed=seed, evaluate_every=EVALUATE_EVERY)
        steps, losses = curve(read_metrics(folder / "metrics.jsonl"), "validation loss")
        model = task.model()
        model.load_state_dict(load_checkpoint(folder / "checkpoints", steps[-1])["model"])
    return {
        "seed": seed,
        "validation loss": round(losses[-1], 4),
        "whole validation loss": round(whole_validation_loss(task, model), 4),
        "iteration that passes": passing(steps, losses),
        "curve": {"iteration": steps, "validation loss": [round(loss, 4) for loss in losses]},
    }


def time_rows(table: list[Row]) -> dict[str, list[float]]:
    """Let the rows train a little in turn; return the seconds per iteration of each turn."""
    seconds: dict[str, list[float]] = {row.name: [] for row in table}
    for _ in range(TURNS):
        for row in table:
            with tempfile.TemporaryDirectory() as name:
                _, each = train_row(row, Path(name), steps=ITERATIONS, evaluation_batches=1)
            seconds[row.name].append(statistics.median(each[SETTLING:]))
            print(f"{row.name}: {1000 * seconds[row.name][-1]:.1f} ms", flush=True)
    return seconds


def train_row(row: Row, folder: Path, **changes: Any) -> tuple[CharacterTask, list[float]]:
    """Train a row; return its task, and the seconds of processor time of each iteration."""
    import torch

    from descent.runs.nanogpt.task import make_task
    from descent.training.distributed import Processes
    from descent.training.loop import train

    torch.set_num_threads(1)
    told = row.changes | {"checkpoint_every": 0, "evaluate_every": 0} | changes
    settings = cast(NanoGptSettings, settings_of(NANOGPT, "cpu", told))
    task, begun = make_task(settings, "cpu"), []
    loss = task.loss

    def timed(*arguments: Any) -> Any:
        begun.append(time.process_time())
        return loss(*arguments)

    task.loss = timed  # type: ignore[method-assign]
    with (folder / "log.txt").open("w") as log, redirect_stdout(log):
        train(task, settings, folder, Processes())
    return task, [later - sooner for sooner, later in zip(begun, begun[1:], strict=False)]


def passing(steps: list[int], losses: list[float]) -> int | None:
    """Where the line through the measured losses first comes to the target, or None."""
    points = list(zip(steps, losses, strict=True))
    for (before, above), (after, below) in zip(points, points[1:], strict=False):
        if below <= TARGET:
            share = (above - TARGET) / (above - below)
            return round(before + share * (after - before))
    return None


def recorded(table: list[Row]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[float]]]:
    """The runs and the seconds that the record holds of the rows, where they are still the same."""
    runs: dict[str, list[dict[str, Any]]] = {row.name: [] for row in table}
    seconds: dict[str, list[float]] = {row.name: [] for row in table}
    if OUT.exists():
        same = {(row.name, json.dumps(row.changes)) for row in table}
        for old in json.loads(OUT.read_text(encoding="utf-8"))["rows"]:
            if (old["name"], json.dumps(old["changes"])) in same:
                runs[old["name"]] = old["runs"]
                seconds[old["name"]] = old.get("seconds of each turn", [])
    return runs, seconds


def write_record(
    table: list[Row], runs: dict[str, list[dict[str, Any]]], seconds: dict[str, list[float]]
) -> None:
    """Write down what there is so far; rows without a run are left out."""
    record = {
        "what": "nanogpt's speedrun, an ingredient at a time: 4 layers, 4 heads, width 128, "
        "context 64, batches of 12, 2000 iterations; validation loss in nats a character, as the "
        "mean of 20 random batches and over the whole validation split; where the target is "
        "passed is read off the line between estimates 100 iterations apart",
        "command": "python benchmarks/nanogpt_ablation.py, and with --seconds",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "note": "Seconds are processor time of one thread, measured in turns, on a machine shared "
        "with other work: to compare rows by. Spreads are over seeds, null where there is one.",
        "target": TARGET,
        "rows": [asdict(row) | summary(runs[row.name], seconds[row.name])
                 for row in table if runs[row.name]],
    }  # fmt: skip
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write_whole(OUT, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def summary(runs: list[dict[str, Any]], seconds: list[float]) -> dict[str, Any]:
    """Mean, spread and number of each measured value, and what they are made of."""
    runs = sorted(runs, key=lambda run: run["seed"])
    names = ("validation loss", "whole validation loss", "iteration that passes")
    means = {name: mean_and_spread([run[name] for run in runs], 4) for name in names}
    return {
        **means,
        "seconds per iteration": mean_and_spread(seconds, 5),
        "seconds of each turn": [round(second, 5) for second in seconds],
        "runs": runs,
    }


def mean_and_spread(values: list[Any], digits: int) -> dict[str, Any] | None:
    """Mean, standard deviation and number; None where one is missing, or all are."""
    if not values or None in values:  # such as a target that not every seed passed
        return None
    spread = round(statistics.stdev(values), digits) if len(values) > 1 else None
    return {"mean": round(statistics.mean(values), digits), "std": spread, "n": len(values)}


if __name__ == "__main__":
    main()
