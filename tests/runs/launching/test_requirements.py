"""What is missing is said before anything begins."""

from __future__ import annotations

import shutil

import pytest

from descent.errors import CourseError
from descent.runs.launching import requirements
from descent.runs.launching.start import fitting_profile, start_run

GIGA = 10**9


@pytest.fixture(autouse=True)
def nothing_begins(apart):
    yield
    assert not apart.exists()


def refused(profile, *words, **changes):
    with pytest.raises(CourseError) as error:
        start_run("nanogpt", profile, changes)
    said = str(error.value)
    assert "\n" not in said
    for word in words:
        assert word in said, said


def test_no_gpu(monkeypatch):
    monkeypatch.setattr(requirements, "_gpus", lambda: [])
    refused("gpu", "for a GPU", "finds none here", "--profile cpu")


def test_too_few_gpus(monkeypatch):
    monkeypatch.setattr(requirements, "_gpus", lambda: [80 * GIGA] * 2)
    refused("multi-gpu", "takes 4 GPUs", "there are 2 here", "--set processes=2")


def test_too_little_memory_on_the_gpu(monkeypatch):
    monkeypatch.setattr(requirements, "_gpus", lambda: [GIGA // 10])
    refused("gpu", "of memory", "0.1 GB is free on the GPU", "--set micro_batch=32")


def test_too_little_memory_here(monkeypatch):
    monkeypatch.setattr(requirements, "_free_memory", lambda: 1000)
    refused("smoke", "of memory", "free here", "--set micro_batch=4")


def test_no_data():
    refused("cpu", "tiny Shakespeare, 1.1 MB", "It is prepared with: python -c")


def test_no_slurm(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("slurm", "no `sbatch` here", "--profile gpu", text="any")


def test_no_room_on_the_disk(monkeypatch):
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(requirements.shutil, "disk_usage", lambda path: full)
    refused("smoke", "GB of disk", "DESCENT_RUNS")


def test_mine_without_a_model():
    refused("smoke", "no model was handed over", model="mine")


@pytest.mark.parametrize(
    ("gpus", "profile", "lacking"),
    [([], "cpu", "for a GPU"), ([80], "gpu", "takes 4 GPUs"), ([80] * 4, "multi-gpu", "")],
)
def test_without_a_profile_the_largest_that_fits_is_taken(monkeypatch, gpus, profile, lacking):
    monkeypatch.setattr(requirements, "_gpus", lambda: [GIGA * size for size in gpus])
    taken, why = fitting_profile("nanogpt", {"text": "any"})
    assert taken == profile and lacking in why and bool(why) == bool(lacking)


def test_where_no_profile_fits_the_smallest_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(requirements, "_gpus", lambda: [])
    monkeypatch.setattr(requirements, "_free_memory", lambda: 1000)
    with pytest.raises(CourseError, match="of memory"):
        fitting_profile("nanogpt")
