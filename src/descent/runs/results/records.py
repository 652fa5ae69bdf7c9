"""Recorded results of real runs: small files of the course, shown beside the published numbers.

A record holds what somebody measured, on which machine, with which versions and by which command.
What has no record has not been run, and is listed as such.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.runs.definition.catalogue import find_run
from descent.runs.definition.declaration import Published, Run
from descent.runs.definition.profiles import profile_names
from descent.runs.folder import RunFolder
from descent.runs.results.numbers import in_words, last_values, seconds
from descent.study.files import write_whole
from descent.training.stopping import FINISHED

FOLDER = Path("book/results/runs")
"""Where the records are, below the course's folder."""

NOT_LISTED = ("smoke",)
"""Profiles that only try whether everything works: nothing they measure is worth a record."""


RESULTS = (
    " loss", "accuracy", "perplexity", "bits per character", " kl", " reward", " sentiment",
    " distinct",
)  # fmt: skip
"""How the names of numbers end that a record keeps."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measured result.

    Attributes
    ----------
    run, profile, label
        What ran, and a word for the machine, such as ``2-cores``.
    date, command, hardware
        In words.
    versions
        Of Python, torch and the like, by name.
    metrics
        Numbers by name; one of several seeds is a dict with ``mean``, ``std`` and ``n``.
    seconds
        Of training; None where other work ran on the machine, so that they say nothing of speed.
    changes
        Settings that differ from the profile.
    note
        What a reader has to know besides.
    trainings
        Of a sweep, each of its trainings: settings and numbers by name. Empty for another run.
    """

    run: str
    profile: str
    label: str
    date: str
    command: str
    hardware: str
    versions: dict[str, str]
    metrics: dict[str, Any]
    seconds: float | dict[str, Any] | None
    changes: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    trainings: list[dict[str, Any]] = field(default_factory=list)


def read_records(root: Path, run: str) -> list[Record]:
    """Return the records of a run, by profile and label.

    Raises
    ------
    CourseError
        When one is not a record; the message names the file.
    """
    found = []
    for path in sorted((root / FOLDER).glob(f"{run}-*.json")):
        try:
            found.append(Record(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError) as error:
            raise CourseError(f"{path} is not the record of a run: {error}") from error
    return [record for record in found if record.run == run]


def write_record(
    root: Path, folder: RunFolder, label: str, note: str = "", busy: bool = False
) -> Path:
    """Record a finished run.

    Parameters
    ----------
    root : Path
        The course's folder.
    folder : RunFolder
    label : str
        A word for the machine.
    note : str
        What a reader has to know besides.
    busy : bool
        Whether other work ran on the machine meanwhile: then the seconds are not kept.

    Returns
    -------
    Path
        The record.

    Raises
    ------
    CourseError
        When the run is not finished.
    """
    asked = folder.asked()
    if folder.read("program.json").get("outcome") != FINISHED:
        raise CourseError(f"{folder.id} is not finished: there is nothing to record yet.")
    changes = "".join(f" --set {name}={value}" for name, value in asked["changes"].items())
    record = {
        "run": asked["run"],
        "profile": asked["profile"],
        "label": label,
        "date": time.strftime("%Y-%m-%d"),
        "command": f"descent run {asked['run']} --profile {asked['profile']}{changes}",
        "hardware": hardware(),
        "versions": versions(),
        "metrics": _metrics(folder),
        "seconds": None if busy else seconds(folder),
        "changes": asked["changes"],
        "note": note,
    }
    text = json.dumps(record, indent=1)
    trainings = folder.results.rows(folder.points())
    if busy:
        trainings = [{n: value for n, value in row.items() if n != "seconds"} for row in trainings]
    if trainings:  # a line each
        rows = ",\n  ".join(json.dumps(row) for row in trainings)
        text = f'{text[:-2]},\n "trainings": [\n  {rows}\n ]\n}}'
    path = root / FOLDER / f"{record['run']}-{record['profile']}-{label}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"{text}\n".encode())
    return path


def hardware() -> str:
    """Say what this machine computes with: processor, cores, memory, GPUs."""
    import psutil
    import torch

    memory = psutil.virtual_memory().total / 2**30
    # Two processors of one name may differ in what they can do at once, and so in speed.
    widest = torch.backends.cpu.get_cpu_capability()
    parts = [f"{_processor()} ({widest}), {os.cpu_count()} cores, {memory:.0f} GiB"]
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    parts += [f"{gpus.count(name)} × {name}" for name in dict.fromkeys(gpus)]
    return "; ".join(parts)


def versions() -> dict[str, str]:
    """Return the versions a measured number depends on."""
    import torch

    return {"python": platform.python_version(), "torch": torch.__version__.partition("+")[0]}


def results_of(run: Run, root: Path) -> str:
    """Write a run's results in Markdown: measured, published, and what was not run yet."""
    records = read_records(root, run.name)
    blocks = []
    if records:
        head = "| Profile | Measured | Seconds of training | On | Date |\n|---|---|---|---|---|"
        blocks.append("\n".join([head, *(_row(record) for record in records)]))
        blocks += [f"*{record.profile}, {record.label}:* {record.note}" for record in records
                   if record.note]  # fmt: skip
    published = [f"- {line}" for line in _published(run.published)]
    if published:
        blocks.append("Published:\n\n" + "\n".join(published))
    missing = [name for name in profile_names(run) if name not in NOT_LISTED]
    missing = [name for name in missing if name not in {record.profile for record in records}]
    if missing:
        blocks.append(f"Not yet run, so there is no number: {', '.join(missing)}.")
    return "\n\n".join(blocks)


def all_results(root: Path, names: list[str]) -> str:
    """Write the results of several runs in Markdown, a heading for each."""
    runs = [find_run(name) for name in names]
    return "\n\n".join(f"## {run.title} (`{run.name}`)\n\n{results_of(run, root)}" for run in runs)


def records_text(root: Path, run: str) -> str:
    """Return what a page that shows the records depends on, as text."""
    paths = sorted((root / FOLDER).glob(f"{run}-*.json"))
    return "".join(path.read_text(encoding="utf-8") for path in paths)


def _metrics(folder: RunFolder) -> dict[str, Any]:
    """Return what is a result: all that a sweep came to; of a training, losses and accuracies."""
    values = last_values(folder)
    return values if folder.run().sweep else {n: v for n, v in values.items() if _is_result(n)}


def _is_result(name: str) -> bool:
    return name.endswith(RESULTS) and name != "training loss"


def _row(record: Record) -> str:
    measured = "<br>".join(f"{name} {in_words(name, value)}" for name, value in
                           record.metrics.items())  # fmt: skip
    if record.changes:
        changed = ", ".join(f"{name} = {value}" for name, value in record.changes.items())
        measured += f"<br>changed: {changed}"
    busy = "not claimed: other work ran"
    trained = busy if record.seconds is None else in_words("seconds", record.seconds)
    torch = record.versions.get("torch", "")
    place = f"{record.hardware}; torch {torch}" if torch else record.hardware
    return f"| {record.profile} | {measured} | {trained} | {place} | {record.date} |"


def _published(numbers: Iterable[Published]) -> list[str]:
    """Say each published number once, with the profiles that it is to be compared with."""
    profiles: dict[str, list[str]] = {}
    for number in numbers:
        said = f"{number.metric} {in_words(number.metric, number.value)}: {number.source}"
        profiles.setdefault(said, []).append(number.profile)
    return [f"{said} (profile{'s' * (len(names) > 1)} {', '.join(names)})"
            for said, names in profiles.items()]  # fmt: skip


def _processor() -> str:
    """Return the processor's name, which Linux keeps in a file of its own."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
