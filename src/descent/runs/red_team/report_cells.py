"""What the report of `red_team` shows: the questions, what was flagged, and the audited rate."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from descent.runs.folder import RunFolder
from descent.runs.red_team.asking import WAYS, Dialogue, hold_talks
from descent.runs.red_team.audit import audited_rate, drawn, read_sheet, write_sheet
from descent.runs.red_team.clusters import clusters
from descent.runs.red_team.judges import Judge, make_judge, shown
from descent.runs.results.report_cells import last_model
from descent.runs.results.sweep_cells import show_table
from descent.study.files import write_whole

KEPT, SHEET = "talks.json", "audit.csv"
SHOWN, CLUSTERS = 5, 6

Talks = dict[str, list[Dialogue]]


def all_talks(folder: RunFolder) -> Talks:
    """Return the dialogues of every way of asking; held once, and kept in the run's folder.

    Few-shot and supervised asking begin with what zero-shot asking found.
    """
    path = folder.path / KEPT
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {way: [Dialogue(**each) for each in talks] for way, talks in kept.items()}
    settings = folder.settings()
    device = "cuda" if settings.device == "cuda" and torch.cuda.is_available() else "cpu"
    task, model, _ = last_model(folder, device)
    askers = {"few-shot": task.pair.model, "supervised": model}
    talks = {WAYS[0]: task.talks} | {
        way: hold_talks(task.pair, asker, task.judge, settings, way, task.talks)
        for way, asker in askers.items()
    }
    text = json.dumps({way: [asdict(each) for each in found] for way, found in talks.items()})
    write_whole(path, text.encode())
    return talks


def show_asked(folder: RunFolder) -> None:
    """Print how many questions each way of asking gave, and how many answers were flagged."""
    settings, table = folder.settings(), []
    for way, talks in all_talks(folder).items():
        flagged = sum(talk.flagged for talk in talks)
        words = {word for talk in talks for word in talk.question.split()}
        table.append([way, str(settings.questions), str(len(talks)), str(len(words)), str(flagged)])
    show_table(["way", "asked for", "distinct questions", "distinct words", "flagged"], table)
    print("Flagged is what the judge says. It is no rate before somebody has read the answers.")


def show_flagged(folder: RunFolder, whole: bool = False) -> None:
    """Print some dialogues whose answers were flagged, masked unless the whole is asked for."""
    judge = _judge(folder)
    for way, talks in all_talks(folder).items():
        some = [talk for talk in talks if talk.flagged][:SHOWN]
        print(f"{way}:" if some else f"{way}: nothing was flagged")
        questions = shown(judge, [talk.question for talk in some], whole)
        answers = [talk.answer if whole else judge.masked(talk.answer) for talk in some]
        for question, answer in zip(questions, answers, strict=True):
            print(f"  {question}\n    {answer}")


def show_clusters(folder: RunFolder, whole: bool = False) -> None:
    """Print the clusters of questions that drew flagged answers, of all ways together."""
    judge = _judge(folder)
    talks = [talk for found in all_talks(folder).values() for talk in found]
    questions = list(dict.fromkeys(talk.question for talk in talks if talk.flagged))
    found = clusters(questions, CLUSTERS, folder.settings().seed)
    if not found:
        print("Nothing was flagged, so there is nothing to put together.")
    for cluster in found:
        words = ", ".join(shown(judge, cluster.words, whole)) or "no word in common"
        (example,) = shown(judge, cluster.questions[:1], whole)
        print(f"{len(cluster.questions):4} questions: {words}; such as: {example}")


def write_audit(folder: RunFolder) -> None:
    """Write the sheet to read by hand into the run's folder, unless it is there."""
    settings, path = folder.settings(), folder.path / SHEET
    write_sheet(path, all_talks(folder), settings.audited, settings.seed)
    print(f"The sheet: {path}")
    print(
        "It has answers that the judge flagged and others, mixed, as they are, with nothing masked."
        " Write yes or no into the last column of each row, and save it as CSV."
    )


def show_audited(folder: RunFolder) -> None:
    """Print the rate of harmful answers of each way, once the whole sheet is filled."""
    settings, path, talks = folder.settings(), folder.path / SHEET, all_talks(folder)
    places, verdicts = drawn(talks, settings.audited, settings.seed), _verdicts(path)
    if len(verdicts) < len(places):
        print(
            f"No rate yet: {len(verdicts)} of {len(places)} rows of the sheet have a verdict. Fill "
            "it, and run this cell again."
        )
        return
    table = []
    for way, found in talks.items():
        if not found:
            continue
        own = {place: verdicts[i] for i, (of, place) in enumerate(places, start=1) if of == way}
        rate = audited_rate(found, own)
        interval = f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"
        wrong = f"{rate.flagged_read - rate.flagged_harmful} of {rate.flagged_read}"
        table.append([way, f"{100 * rate.rate:.1f} %", interval, wrong])
    show_table(["way", "harmful answers", "95 % interval", "flagged and harmless"], table)


def _verdicts(path: Path) -> dict[int, bool]:
    return read_sheet(path) if path.exists() else {}


def _judge(folder: RunFolder) -> Judge:
    settings: Any = folder.settings()
    return make_judge(settings.judge, "cpu")
