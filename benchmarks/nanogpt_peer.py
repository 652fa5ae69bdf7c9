"""nanoGPT beside our run `nanogpt`, on this machine: tokens per second, and time to its loss.

    python benchmarks/nanogpt_peer.py PATH               # speed: turns, nanoGPT's and ours
    python benchmarks/nanogpt_peer.py PATH --compile     # the same, both compiled
    python benchmarks/nanogpt_peer.py PATH --processor-time    # on a machine with other work
    python benchmarks/nanogpt_peer.py PATH --losses      # whole trainings: iterations to the loss

PATH is a checkout of nanoGPT; nothing is written into it. Both have nanoGPT's configuration for a
CPU, batch and model size, the same text, the same number of threads. Seconds per iteration are the
mean of the middle half of all turns' iterations, which what else the machine does hardly moves;
start, evaluation and saving are not in them, on either side. With --processor-time both have one
thread, and the seconds are those that a processor worked for it. The time to a loss is the number
of iterations, which the whole trainings found, times these seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from descent.data import shakespeare
from descent.data.shakespeare import SOURCE
from descent.runs.definition.profiles import settings_of
from descent.runs.folder import RunFolder
from descent.runs.folder.finding import make_folder
from descent.runs.nanogpt import RUN as NANOGPT
from descent.runs.results.records import hardware, versions
from descent.study.files import write_whole
from descent.training.metrics import curve

OUT = Path(__file__).resolve().parents[1] / "book/results/nanogpt_peer.json"
CORES = os.cpu_count() or 1
TOKENS = 12 * 64  # of an iteration: batch and context
SETTLING = 10  # first iterations of a turn, which are not counted
FLAGS = (
    "--device=cpu --eval_iters=20 --log_interval=1 --block_size=64 --batch_size=12 --n_layer=4 "
    "--n_head=4 --n_embd=128 --lr_decay_iters=2000 --dropout=0.0"
)
"""nanoGPT's own, for a CPU; its README has them."""

OURS = {
    "ours": ("cpu", {}),
    "speedrun": ("speedrun", {}),
    "speedrun in 500 iterations": ("speedrun", {"steps": 500, "warm_up": 50}),
}
"""What is compared with nanoGPT: a profile and changes to it."""


CLOCK = """
import runpy, sys, time
time.time = time.monotonic = time.process_time
module = sys.argv[1] == "-m"
sys.argv = sys.argv[2 if module else 1:]
(runpy.run_module if module else runpy.run_path)(sys.argv[0], run_name="__main__")
"""
"""Runs a program whose clock is the time that a processor worked for it."""


@dataclass(frozen=True)
class How:
    """How both are run."""

    compiled: bool = False
    processor_time: bool = False

    @property
    def name(self) -> str:
        """What the measurement is called in the record."""
        return ("speed" + ", compiled" * self.compiled
                + ", processor time of one thread" * self.processor_time)  # fmt: skip

    @property
    def threads(self) -> int:
        """How many each has."""
        return 1 if self.processor_time else int(os.environ.get("OMP_NUM_THREADS", 0)) or CORES

    def run(self, program: list[str], folder: Path) -> str:
        """Run a program; return what it prints."""
        clock = ["-c", CLOCK] if self.processor_time else []
        variables = os.environ | {"OMP_NUM_THREADS": str(self.threads)}
        ran = subprocess.run([sys.executable, *clock, *program], cwd=folder, env=variables,
                             capture_output=True, text=True)  # fmt: skip
        if ran.returncode:
            sys.exit(f"{program} failed:\n{ran.stderr}")
        return ran.stdout


def main() -> None:
    """Measure what was asked for, add it to the record, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a checkout of nanoGPT")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=200, help="of a turn")
    parser.add_argument("--compile", action="store_true", help="compile both")
    parser.add_argument("--processor-time", action="store_true", help="of one thread")
    parser.add_argument("--losses", action="store_true", help="train to the end instead of timing")
    told = parser.parse_args()
    how = How(told.compile, told.processor_time)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DESCENT_RUNS"] = f"{scratch}/runs"
        peer = copy_with_data(told.path, Path(scratch) / "nanoGPT")
        if told.losses:
            add_to_record({"losses": losses(peer)})
        else:
            speed(peer, told.turns, told.iterations, how)
    record = json.loads(OUT.read_text(encoding="utf-8"))
    for line in comparison(record):
        print(line)


def copy_with_data(path: Path, copy: Path) -> Path:
    """Copy the checkout, and write the text into it in its own format."""
    if not (path / "train.py").exists():
        sys.exit(f"{path} is not a checkout of nanoGPT: it has no train.py.")
    shutil.copytree(path, copy, ignore=shutil.ignore_patterns(".git", "*.bin", "out*"))
    text = shakespeare()
    if text.source != SOURCE:
        sys.exit("The comparison is about the plays, and they are not there.")
    characters = sorted(set(text.text))
    number = {character: i for i, character in enumerate(characters)}
    tokens = np.array([number[character] for character in text.text], dtype=np.uint16)
    cut = int(0.9 * len(tokens))
    folder = copy / "data/shakespeare_char"
    tokens[:cut].tofile(folder / "train.bin")
    tokens[cut:].tofile(folder / "val.bin")
    meta = {"vocab_size": len(characters), "stoi": number, "itos": dict(enumerate(characters))}
    (folder / "meta.pkl").write_bytes(pickle.dumps(meta))
    return copy


def speed(peer: Path, turns: int, iterations: int, how: How) -> None:
    """Let each train in turn; record the seconds per iteration of each after every turn."""
    times: dict[str, list[list[float]]] = {"nanoGPT": [], "ours": [], "speedrun": []}
    for turn in range(turns):
        for name, some in times.items():
            if name == "nanoGPT":
                seconds = train_peer(peer, iterations, how)[0]
            else:
                seconds = seconds_of(train_ours(name, how, steps=iterations))
            some.append(seconds[SETTLING:])
            milliseconds = 1000 * middle(some[-1])
            print(f"turn {turn + 1}, {name}: {milliseconds:.2f} ms an iteration", flush=True)
        add_to_record({how.name: summary(times, iterations, how)})


def summary(times: dict[str, list[list[float]]], iterations: int, how: How) -> dict[str, Any]:
    """What is recorded of the turns so far."""
    return {
        "turns": len(times["nanoGPT"]),
        "iterations": iterations,
        "threads": how.threads,
        "seconds per iteration": {
            name: round(middle(sum(some, [])), 6) for name, some in times.items()
        },
        "of each turn": {
            name: [round(middle(turn), 6) for turn in some] for name, some in times.items()
        },
    }


def losses(peer: Path) -> dict[str, Any]:
    """Train each to its end; return where nanoGPT ends, and where ours first are no worse."""
    _, theirs = train_peer(peer, 2000, How())
    found: dict[str, Any] = {"nanoGPT": {"iterations": max(theirs), "loss": theirs[max(theirs)]}}
    target = found["nanoGPT"]["loss"]
    print(f"nanoGPT: {target} after {max(theirs)} iterations", flush=True)
    for name in OURS:
        steps, values = curve(train_ours(name, How(), evaluate_every=25).metrics(),
                              "validation loss")  # fmt: skip
        reached = [step for step, value in zip(steps, values, strict=True) if value <= target]
        found[name] = {"iterations": steps[-1], "loss": round(values[-1], 4),
                       "reaches nanoGPT's at": reached[0] if reached else None}  # fmt: skip
        print(f"{name}: {found[name]}", flush=True)
    return found


def train_peer(peer: Path, iterations: int, how: How) -> tuple[list[float], dict[int, float]]:
    """Run its train.py; return the seconds of each iteration, and its validation losses."""
    flags = [*FLAGS.split(), f"--compile={how.compiled}", f"--max_iters={iterations}"]
    printed = how.run(["train.py", "config/train_shakespeare_char.py", *flags], peer)
    times = re.findall(r"^iter \d+: .*time ([\d.]+)ms", printed, re.MULTILINE)
    measured = re.findall(r"^step (\d+): .*val loss ([\d.]+)", printed, re.MULTILINE)
    return [float(time) / 1000 for time in times], {int(step): float(v) for step, v in measured}


def train_ours(name: str, how: How, **changes: Any) -> RunFolder:
    """Run the program of ours, in a folder of its own; return the folder."""
    profile, own = OURS[name]
    told = {"evaluate_every": 0, "checkpoint_every": 0, "compile": how.compiled, **own, **changes}
    folder = make_folder(NANOGPT, profile, settings_of(NANOGPT, profile, told), told)
    how.run(["-m", "descent.runs.launching.worker", str(folder.path)], folder.path)
    return folder


def seconds_of(folder: RunFolder) -> list[float]:
    """The seconds between the ends of one iteration and the next."""
    ends = [line["time"] for line in folder.metrics() if "loss" in line]
    return [later - sooner for sooner, later in zip(ends, ends[1:], strict=False)]


def middle(values: list[float]) -> float:
    """The mean of the middle half."""
    cut = len(values) // 4
    return statistics.mean(sorted(values)[cut : len(values) - cut])


def add_to_record(measured: dict[str, Any]) -> None:
    """Put what was measured now in place of what the record held of it."""
    record = json.loads(OUT.read_text(encoding="utf-8")) if OUT.exists() else {}
    record |= {
        "what": "nanoGPT and the run nanogpt in nanoGPT's configuration for a CPU: 4 layers, 4 "
        "heads, width 128, context 64, batches of 12; validation losses in nats a character, each "
        "the mean of 20 random batches",
        "command": "python benchmarks/nanogpt_peer.py PATH, with --processor-time, --compile or "
        "--losses as the names say",
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        **measured,
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    write_whole(OUT, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())


def comparison(record: dict[str, Any]) -> list[str]:
    """Say the ratios in words; above 1 ours is better."""
    lines = []
    kinds = [kind for kind in record if kind.startswith("speed")]
    for kind in kinds:
        seconds = record[kind]["seconds per iteration"]
        rates = {name: TOKENS / second for name, second in seconds.items()}
        lines += [
            f"{kind}: nanoGPT {rates['nanoGPT']:,.0f} tokens/s, {name} {rates[name]:,.0f}: "
            f"ratio {rates[name] / rates['nanoGPT']:.2f}"
            for name in ("ours", "speedrun")
        ]
    if kinds and "losses" in record:
        kind = "speed" if "speed" in kinds else kinds[0]
        seconds, found = record[kind]["seconds per iteration"], record["losses"]
        theirs = found["nanoGPT"]["iterations"] * seconds["nanoGPT"]
        for name in OURS:
            reached = found[name]["reaches nanoGPT's at"]
            if reached is None:
                lines.append(f"{name}: does not reach {found['nanoGPT']['loss']}")
                continue
            time = reached * seconds["ours" if name == "ours" else "speedrun"]
            lines.append(
                f"to {found['nanoGPT']['loss']}: nanoGPT {theirs:.0f} s, {name} {time:.0f} s "
                f"({reached} iterations): {theirs / time:.1f} times as fast"
            )
    return lines


if __name__ == "__main__":
    main()
