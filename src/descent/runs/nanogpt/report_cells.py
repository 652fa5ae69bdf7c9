"""What the report of `nanogpt` shows besides the common parts: a sample, and the whole split."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import nn

from descent.models.gpt import sample
from descent.runs.folder import RunFolder
from descent.runs.folder.learner_model import own_class
from descent.runs.nanogpt import NanoGptSettings
from descent.runs.nanogpt.task import CharacterTask, make_task, whole_validation_loss
from descent.runs.results.report_cells import last_state


def last_model(folder: RunFolder) -> tuple[CharacterTask, nn.Module, int]:
    """Return a run's task, the model of its newest checkpoint, and the step of that.

    Where the run keeps an average of the weights, the model has it: that is what is evaluated.
    """
    settings = cast(NanoGptSettings, folder.settings())
    task = make_task(settings, "cpu", own_class(folder))
    model = task.model()
    state = last_state(folder)
    averaged = {
        name.removeprefix("module."): value
        for name, value in state["average"].items()
        if name.startswith("module.")
    }
    model.load_state_dict(averaged or state["model"])
    return task, model.eval(), state["step"]


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
