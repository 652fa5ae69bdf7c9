"""Slurm without a Slurm: submitit's local executor, and an `sbatch` that writes down its file."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from descent.runs.folder.states import FINISHED, STARTING, STOPPED
from descent.runs.launching import slurm
from descent.runs.launching.start import start_run
from descent.runs.launching.stopping import stop_run

pytest.importorskip("submitit", reason="submitit is not installed: Slurm is not tested")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder of commands that stand in for Slurm's; each writes down what it was asked."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, answer in (("sbatch", "Submitted batch job 4217"), ("squeue", "PENDING")):
        _command(tools / name, f'echo "$0 $@" >> {tmp_path}/asked; echo {answer}')
    _command(tools / "scancel", f'echo "scancel $@" >> {tmp_path}/asked')
    _command(tools / "srun", "exit 0")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def _command(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_a_run_is_queued_with_what_it_needs(cluster):
    folder = start_run("nanogpt", "slurm", {"text": "any", "partition": "gpus"})
    asked = next((folder.path / "slurm").glob("*.sh")).read_text()
    for flag in (
        "--nodes=2",
        "--ntasks-per-node=1",
        "--gpus-per-node=4",
        "--partition=gpus",
        "--time=60",
        "--signal=USR2@",
        f"--job-name={folder.id}",
        "--open-mode=append",
    ):
        assert f"#SBATCH {flag}" in asked
    assert folder.read("launcher.json") == {"job": "4217"}
    assert folder.status().state == STARTING and "queue" in folder.status().reason


def test_a_queued_run_that_is_stopped_leaves_the_queue(cluster):
    folder = start_run("nanogpt", "slurm", {"text": "any"})
    stop_run(folder)
    assert folder.status().state == STOPPED
    assert "scancel 4217" in (cluster / "asked").read_text()


def test_a_job_that_is_gone_is_a_lost_run(cluster):
    folder = start_run("nanogpt", "slurm", {"text": "any"})
    _command(cluster / "bin" / "squeue", "echo 'Invalid job id specified' >&2; exit 1")
    assert folder.status().state == "lost"


def test_all_machines_of_a_job_meet_at_one_place():
    assert slurm.rendezvous("node-7", "4217") == "node-7:24217/4217"
    assert slurm.rendezvous("node-7", "123456_3") == "node-7:34563/123456_3"


def test_a_job_warned_by_slurm_saves_and_goes_on_at_its_next_turn(tools):
    """The warning comes while it trains; the requeued job trains on to the end."""
    folder = tools.made()
    folder.note_status(STARTING)
    job = slurm.executor(folder, "local").submit(slurm.NodeWork(str(folder.path)))
    folder.write("launcher.json", {"job": job.job_id})
    tools.wait_for_step(folder, 10)
    (task,) = psutil.Process(int(job.job_id)).children()
    first = folder.read("program.json")["pid"]
    task.send_signal(signal.SIGUSR2)
    assert wait_for_state(folder, STOPPED).state == STOPPED
    saved = folder.step()
    assert 10 <= saved < 199
    assert wait_for_state(folder, FINISHED).state == FINISHED, tools.printed(folder)
    assert folder.read("program.json")["pid"] != first
    assert list(tools.losses(folder)) == list(range(200))
    assert f"continues from the checkpoint of step {saved + 1}" in folder.log.read_text()
    assert not folder.stop_file.exists()


def wait_for_state(folder, state):
    until = time.monotonic() + 600
    while folder.status().state != state and time.monotonic() < until:
        time.sleep(0.1)
    return folder.status()
