"""What was written when the rooms were laid out otherwise goes on working."""

from __future__ import annotations

import json
import pickle
from importlib import import_module

import pytest

from descent.runs.folder.finding import find_folder
from descent.runs.folder.learner_model import own_class
from descent.runs.folder.states import FINISHED, STOPPED
from descent.runs.former_names import FORMER_NAMES
from descent.runs.launching import start
from descent.runs.launching.slurm import NodeWork
from descent.runs.results.report_cells import show_comparison
from descent.runs.watching.look import closing_words, follow, listing

MODEL = """\
# model: Mine

# %%
from torch import nn
from descent.runs.processes import in_processes
# %%
class Mine(nn.Module):
    pass
"""
REPORT = """\
from descent.runs.folder import RunFolder
from descent.runs.programs.nanogpt import show_sample, show_whole_validation
from descent.runs.programs.gpt2 import show_speed
from descent.runs.programs.imagenet_report import show_accuracy, show_crops, show_table
from descent.runs.report import show_comparison, show_curve, show_machine, show_settings, train_run
from descent.runs.seeds import show_curves, show_trainings
"""


@pytest.fixture
def old(apart):
    """A run folder as it was written before, stopped by its launcher."""
    path = apart / "nanogpt-smoke-20250101-120000"
    path.mkdir(parents=True)
    settings = {
        "steps": 200, "batch_size": 16, "micro_batch": 0, "seed": 0, "seeds": 1, "device": "cpu",
        "precision": "float32", "compile": False, "graphs": False, "rehearse": 0, "clip": 1.0,
        "average": 0.0, "shard": "none", "peak_tflops": 0.0, "log_every": 1,
        "evaluate_every": 50, "checkpoint_every": 25, "processes": 2, "nodes": 1, "where": "here",
        "partition": "", "hours": 4.0, "model": "mine", "context": 32, "width": 32, "heads": 2,
        "layers": 2, "dropout": 0.0, "rotary": False, "qk_norm": False, "squared_relu": False,
        "zero_projections": False, "optimiser": "adamw", "learning_rate": 0.003,
        "least_rate": 0.0003, "warm_up": 10, "schedule": "cosine", "fall": 1.0, "beta2": 0.99,
        "weight_decay": 0.1, "matrix_rate": 0.02, "matrix_decay": 0.0, "momentum": 0.95,
        "rounds": 5, "evaluation_batches": 4, "text": "any",
    }  # fmt: skip
    asked = {"run": "nanogpt", "profile": "smoke", "changes": {"model": "mine"}}
    process = {"pid": 4_000_000, "began": 1735732800.0, "host": "a-machine"}
    files = {
        "settings.json": {**asked, "settings": settings},
        "status.json": {"state": "stopped", "reason": ""},
        "launcher.json": process,
        "program.json": {**process, "outcome": "stopped"},
        "exit.json": {"code": 0, "reason": ""},
    }
    for name, content in files.items():
        (path / name).write_text(json.dumps(content))
    lines = [{"step": 49, "time": 1.0, "loss": 2.5}, {"step": 50, "time": 1.1, "loss": 2.4}]
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "model.py").write_text(MODEL)
    (path / "log.txt").write_text("stopped after step 50\n")
    return path


def test_an_old_run_folder_is_listed_watched_reported_and_resumed(old, monkeypatch, capsys):
    ((folder, look),) = listing()
    assert (folder.path, look.state, look.step, look.steps) == (old, STOPPED, 50, 200)
    assert "stopped at step 50" in closing_words(folder, list(follow(folder))[-1])
    show_comparison(find_folder())
    assert "it stopped at step 50" in capsys.readouterr().out
    assert own_class(folder).__name__ == "Mine"
    launched = []
    monkeypatch.setattr(start, "_launch", launched.append)
    start.resume_run(folder)
    assert launched == [folder]


def test_an_old_run_that_finished_stays_finished(old):
    (old / "status.json").write_text('{"state": "finished", "reason": ""}')
    assert find_folder().status().state == FINISHED


def test_the_cells_of_an_old_report_still_find_what_they_call():
    exec(REPORT, {})


def test_a_job_queued_before_is_made_of_the_same_class():
    now = pickle.dumps(NodeWork("folder"))
    where = b"descent.runs.launching.slurm"
    before = pickle.dumps(NodeWork("folder"), protocol=0).replace(where, b"descent.runs.slurm")
    assert where in now and where not in before
    assert type(pickle.loads(before)) is NodeWork


@pytest.mark.parametrize("name", [name for name, places in FORMER_NAMES.items() if places])
def test_a_former_name_has_what_is_in_its_new_places(name):
    former = import_module(name)
    for place in FORMER_NAMES[name]:
        module = import_module(place)
        public = {key for key in vars(module) if not key.startswith("_")}
        assert public and all(getattr(former, key) is not None for key in public)


def test_what_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        import_module("descent.runs.programs.resnet")
