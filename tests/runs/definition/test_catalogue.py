"""The runs there are: found by their folders."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import descent.runs
from descent.errors import CourseError
from descent.runs.definition import catalogue
from descent.runs.definition.profiles import profile_names, settings_of


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """Copy the folder of nanogpt under another name, to where runs are looked for."""

    def copied(folder, name):
        source = catalogue.home_of(catalogue.RUNS["nanogpt"])
        shutil.copytree(source, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
        init = tmp_path / folder / "__init__.py"
        init.write_text(init.read_text().replace('name="nanogpt"', f'name="{name}"'))
        monkeypatch.setattr(descent.runs, "__path__", [*descent.runs.__path__, str(tmp_path)])
        monkeypatch.delitem(sys.modules, f"descent.runs.{folder}", raising=False)

    yield copied
    for name in [name for name in sys.modules if name.startswith("descent.runs.tiny")]:
        del sys.modules[name]


def test_the_runs_come_in_the_order_of_their_chapters():
    assert list(catalogue.RUNS) == [
        "mnist_resnet", "imagenet", "nanogpt", "gpt2", "word_shakespeare", "mnist_scaling",
        "batch_size_sweep", "ddpm", "rlhf_shakespeare",
    ]  # fmt: skip


def test_every_run_is_whole():
    for run in catalogue.RUNS.values():
        home = catalogue.home_of(run)
        assert {"__init__.py", "task.py", "report.py"} <= {path.name for path in home.iterdir()}
        task = catalogue.task_module(run)
        made = (task.load, task.train_point) if run.sweep else (task.make_task,)
        assert all(map(callable, (*made, task.check_model)))


def test_a_run_is_added_by_its_folder_alone(copied, monkeypatch):
    copied("tinygpt", "tinygpt")
    found = catalogue.discover()
    assert set(found) == {*catalogue.RUNS, "tinygpt"}
    run = found["tinygpt"]
    assert "smoke" in profile_names(run) and settings_of(run, "smoke").steps == 200
    assert Path(catalogue.task_module(run).__file__).parent.name == "tinygpt"


def test_a_run_that_is_not_called_what_its_folder_is_is_named(copied):
    copied("tinygpt", "smallgpt")
    with pytest.raises(CourseError, match="tinygpt is called smallgpt: give both one name"):
        catalogue.discover()
