"""What the report of `word_shakespeare` shows besides the common parts: words, bits, a sample."""

from __future__ import annotations

import math
from typing import cast

import torch

from descent.errors import CourseError
from descent.models.gpt import sample
from descent.runs.folder import RunFolder
from descent.runs.results.records import read_records
from descent.runs.results.report_cells import last_model
from descent.runs.word_shakespeare import WordSettings
from descent.runs.word_shakespeare.task import make_task
from descent.study.paths import course_root
from descent.training.metrics import latest


def show_words(folder: RunFolder) -> None:
    """Print how the text is cut, and how much of it the model cannot know."""
    task = make_task(cast(WordSettings, folder.settings()), "cpu")
    first = [task.words.names[number] for number in task.inputs[0, :12].tolist()]
    print(f"{task.source} begins {' | '.join(repr(word) for word in first)}")
    print(
        f"{task.inputs.numel()} tokens to train on, in {len(task.inputs)} windows that do not "
        f"overlap; {len(task.words)} numbers, one of them for what is unknown."
    )
    targets = task.validation[1]
    unknown = (targets == task.words.unknown).float().mean().item()
    print(
        f"{targets.numel()} to validate on, {100 * unknown:.1f} % of them unknown; a token has "
        f"{task.characters / targets.numel():.2f} characters."
    )


def show_bits(folder: RunFolder) -> None:
    """Print perplexity and bits per character, and those of the character model where recorded."""
    task = make_task(cast(WordSettings, folder.settings()), "cpu")
    found = latest(folder.metrics())
    if "bits per character" not in found:
        print("Nothing was measured.")
        return
    spelled = task.spelling / task.characters / math.log(2)
    print(f"perplexity {found['validation perplexity']:.1f} a token")
    print(
        f"{found['bits per character']:.3f} bits per character, of which {spelled:.3f} spell the "
        "unknown words"
    )
    for profile, loss in _recorded():
        print(
            f"{loss / math.log(2):.3f} bits per character: the run nanogpt, profile {profile}, "
            "which reads characters, by an estimate on the same validation text"
        )


def show_sample(folder: RunFolder, length: int = 150) -> None:
    """Print what the model of the newest checkpoint writes, in words that it knows."""
    task, model, step = last_model(folder)
    start = torch.tensor([[task.words.number("\n")]])
    draw = torch.Generator().manual_seed(task.settings.seed)
    context, known = task.settings.context, task.words.unknown
    tokens = sample(model, start, length, context, draw, vocabulary=known)
    print(f"After {step} steps on {task.source}:")
    print("".join(task.words.names[token] for token in tokens[0].tolist()))


def _recorded() -> list[tuple[str, float]]:
    """Return profile and validation loss of the character model's records, as they stand."""
    try:
        records = read_records(course_root(), "nanogpt")
    except CourseError:  # no course around: a run works without one
        return []
    return [
        (record.profile, record.metrics["validation loss"])
        for record in records
        if not record.changes
    ]
