"""What the report of `gpt2` shows besides the common parts: its speed, and a sample."""

from __future__ import annotations

from typing import cast

import torch

from descent.data.gpt2_bpe import SOURCE, gpt2_bpe, gpt2_encoding, offline_bpe
from descent.models.gpt import sample
from descent.runs.folder import RunFolder
from descent.runs.folder.learner_model import own_class
from descent.runs.gpt2 import Gpt2Settings
from descent.runs.gpt2.task import make_task
from descent.runs.results.report_cells import last_state
from descent.training.checkpoint import checkpoint_steps
from descent.training.metrics import curve


def show_speed(folder: RunFolder) -> None:
    """Print the tokens a second, evaluations included, and the share of the peak (MFU)."""
    settings = cast(Gpt2Settings, folder.settings())
    lines = [line for line in folder.metrics() if "loss" in line]
    if len(lines) < 2:
        print("Nothing was trained.")
        return
    first, last = lines[0], lines[-1]
    steps, seconds = last["step"] - first["step"], last["time"] - first["time"]
    tokens = steps * settings.batch_size * settings.context
    print(f"{tokens / max(seconds, 1e-9):,.0f} tokens a second, evaluations included")
    shares = curve(lines, "mfu")[1]
    if shares:
        print(f"MFU {sorted(shares)[len(shares) // 2]:.1%}, the median of {len(shares)} readings")
    else:
        print("MFU: the peak of this device is not known; give it with --set peak_tflops=…")


def show_sample(folder: RunFolder, length: int = 200) -> None:
    """Print what the model of the newest checkpoint writes, or the one it began with."""
    settings = cast(Gpt2Settings, folder.settings())
    task = make_task(settings, "cpu", own_class(folder))
    model, done = task.model(), 0
    if checkpoint_steps(folder.checkpoints):
        state = last_state(folder)
        model.load_state_dict(state["model"])
        done = state["step"]
    start = torch.tensor([[task.origin.end_of_text]])
    draw = torch.Generator().manual_seed(settings.seed)
    tokens = sample(model, start, length, settings.context, draw, vocabulary=task.origin.vocabulary)
    code = gpt2_encoding(gpt2_bpe() if task.origin.encoding == SOURCE else offline_bpe())
    print(f"After {done} steps on {task.origin.text}, in {task.origin.encoding}:")
    print(code.decode(tokens[0, 1:].tolist()))
