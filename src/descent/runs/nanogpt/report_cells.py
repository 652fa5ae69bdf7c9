"""What the report of `nanogpt` shows besides the common parts: a sample, and the whole split."""

from __future__ import annotations

import math

import torch

from descent.models.gpt import sample
from descent.runs.folder import RunFolder
from descent.runs.nanogpt.task import whole_validation_loss
from descent.runs.results.report_cells import last_model


def show_whole_validation(folder: RunFolder) -> None:
    """Print the loss over the whole validation split, beside which an estimate is a sample."""
    task, model, step = last_model(folder)
    loss = whole_validation_loss(task, model)
    print(f"After {step} steps, over the whole validation split: {loss:.4f} nats a character,")
    print(f"which is {loss / math.log(2):.4f} bits.")


def show_sample(folder: RunFolder, length: int = 400) -> None:
    """Print what the model of the newest checkpoint writes."""
    task, model, step = last_model(folder)
    start = torch.tensor([[task.characters.index("\n")]])
    draw = torch.Generator().manual_seed(task.settings.seed)
    tokens = sample(model, start, length, task.settings.context, draw)
    print(f"After {step} steps on {task.source}:")
    print("".join(task.characters[token] for token in tokens[0].tolist()))
