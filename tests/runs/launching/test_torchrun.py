"""What torchrun's workers died of, said in words."""

from __future__ import annotations

import json

import pytest

from descent.runs.definition.catalogue import find_run
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.finding import make_folder
from descent.runs.folder.learner_model import join_cells
from descent.runs.folder.lock import locked
from descent.runs.launching.torchrun import cause_of_death, errors_folder, start_torchrun

CELLS = [
    "import torch\nfrom torch import nn",
    """
class Mine(nn.Module):
    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__()
        self.table = nn.Embedding(vocabulary, vocabulary)
        self.calls = 0
    def forward(self, tokens):
        self.calls += 1
        if self.calls == 30:
            raise IndexError("the thirtieth time is one too many")
        return self.table(tokens)
""",
]


def died(folder):
    """Train under torchrun, which fails; say of what."""
    process = start_torchrun(folder)
    try:
        code = process.wait(timeout=600)
    finally:
        process.kill()
    return cause_of_death(folder, code, folder.log.read_text())


def test_an_error_in_the_learner_s_model_shows_their_own_line(tools):
    run, changes = find_run("nanogpt"), {"model": "mine", "processes": 1, "evaluate_every": 0}
    settings = settings_of(run, "smoke", changes)
    folder = make_folder(run, "smoke", settings, changes, join_cells(CELLS, "Mine"))
    said = died(folder)
    assert "rank 0 failed" in said and "in forward" in said
    assert "IndexError: the thirtieth time is one too many" in said
    assert len(tools.losses(folder)) > 20


def left(folder, message, traceback):
    path = errors_folder(folder) / "0" / "error.json"
    path.parent.mkdir(parents=True)
    words = {"message": message, "extraInfo": {"py_callstack": traceback}}
    path.write_text(json.dumps({"message": words}))


def test_an_error_of_the_course_s_own_is_said_without_its_traceback(tools):
    folder = tools.made()
    message = "CheckpointError: The checkpoint of step 3 could not be written: the disk is full."
    frames = 'Traceback (most recent call last):\n  File "loop.py", line 5, in _save\n'
    left(folder, message, f"{frames}descent.training.checkpoint.{message}\n")
    said = cause_of_death(folder, 1, "")
    assert said.endswith(
        "failed:\nThe checkpoint of step 3 could not be written: the disk is full."
    )


def test_an_error_that_nobody_foresaw_keeps_its_traceback(tools):
    folder = tools.made()
    message = "RuntimeError: descent.training is a word of this message"
    left(folder, message, f"Traceback (most recent call last):\n  File\n{message}\n")
    assert "Traceback" in cause_of_death(folder, 1, "")


def test_torchrun_itself_killed_is_said(tools):
    assert "torchrun, which starts the training, was killed by SIGKILL" in cause_of_death(
        tools.made(), -9, ""
    )


def test_a_second_trainer_is_refused(tools, monkeypatch):
    monkeypatch.setattr("descent.runs.folder.lock.PATIENCE", 0.0)
    folder = tools.made()
    with (
        locked(folder.training_lock, ""),
        pytest.raises(Exception, match=f"Another process trains {folder.id} already"),
        folder.only_trainer(),
    ):
        pass
