"""How long a year of reviews takes to open: from the database to the list of what is due today.

A learner of 400 cards answers 10 000 times in a year, a share of them wrongly. The record is
written to a database of its own; then the list is worked out as ``descent review`` does it, several
times, each in a fresh process, with nothing kept in between.

    python benchmarks/study_recall.py [--answers 10000] [--times 7]
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from descent.study.catalog import load_catalog
from descent.study.recall.cards import ReviewCard
from descent.study.recall.collecting import all_cards
from descent.study.recall.deck import make_deck
from descent.study.store import ProgressStore

YEAR, DAY = 365, 86_400.0
CARDS = 400
CHAPTER = "ladder/04_softmax_classification"


def write_year(path: Path, answers: int, now: float) -> None:
    """Write a year of answers, so many a day, each to a card drawn from all."""
    draw = random.Random(0)
    times = sorted(now - draw.uniform(0, YEAR) * DAY for _ in range(answers))
    records = [
        {
            "uid": uuid.uuid4().hex,
            "at": at,
            "kind": "review",
            "chapter": CHAPTER,
            "exercise": f"card_{draw.randrange(CARDS)}",
            "data": {
                "remembered": draw.random() < 0.8,
                "seconds": round(draw.lognormvariate(2, 0.7), 1),
                "where": "review",
            },
        }
        for at in times
    ]
    ProgressStore(path).merge(records)


def open_once(path: Path, now: float) -> dict[str, float]:
    """Return the milliseconds of each step, and of the processor."""
    begun, cpu_begun = time.perf_counter(), time.process_time()
    events = ProgressStore(path).events()
    read = time.perf_counter()
    cards = all_cards(events)
    found = time.perf_counter()
    cards += [ReviewCard(CHAPTER, f"card_{place}", "?", "!") for place in range(CARDS)]
    deck = make_deck(cards, events, now)
    ended, cpu = time.perf_counter(), time.process_time() - cpu_begun
    assert len(events) > 0 and len(deck.due) + len(deck.later) > 0
    steps = {"record": read - begun, "cards": found - read, "due": ended - found}
    return {
        name: 1_000 * seconds
        for name, seconds in {**steps, "all": ended - begun, "cpu": cpu}.items()
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.open:
        found = open_once(options.open, time.time())
        print(" ".join(f"{name}={value:.1f}" for name, value in found.items()))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "progress.sqlite3"
        write_year(path, options.answers, time.time())
        command = [sys.executable, __file__, "--open", str(path)]
        lines = [
            subprocess.run(command, capture_output=True, text=True, check=True).stdout
            for _ in range(options.times)
        ]
    runs = [dict(part.split("=") for part in line.split()) for line in lines]
    print(
        f"{options.answers} answers, {CARDS} cards, {len(load_catalog())} chapters; milliseconds:"
    )
    for name in runs[0]:
        values = [float(run[name]) for run in runs]
        least, middle, most = min(values), statistics.median(values), max(values)
        print(f"{name:>8}: least {least:6.1f}, median {middle:6.1f}, most {most:6.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
