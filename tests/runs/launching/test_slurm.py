"""Slurm without a Slurm: submitit's local executor, and an `sbatch` that writes down its file."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from descent.runs.definition.catalogue import find_run
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.finding import make_folder
from descent.runs.folder.learner_model import join_cells
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
    _command(
        tools / "sbatch",
        f"mkdir -p {tmp_path}/queued; before=$(ls {tmp_path}/queued | wc -l)\n"
        f'cp "$1" {tmp_path}/queued/$before.sh; echo Submitted batch job $((4217 + before))',
    )
    _command(tools / "squeue", "echo PENDING")
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


def test_a_sweep_is_queued_as_an_array_and_a_job_after_it(cluster):
    folder = start_run("mnist_scaling", "slurm", {"digits": "any", "partition": "cores"})
    array, last = (text.read_text() for text in sorted((cluster / "queued").iterdir()))
    for flag in ("--array=0-7%8", "--nodes=1", "--cpus-per-task=8", "--time=120",
                 "--partition=cores"):  # fmt: skip
        assert f"#SBATCH {flag}" in array
    assert "#SBATCH --dependency=afterany:4217" in last and "#SBATCH --nodes=1" in last
    assert "--array" not in last and "--dependency" not in array
    assert folder.read("launcher.json") == {"array": "4217", "job": "4218"}
    assert folder.status().state == STARTING
    stop_run(folder)
    assert folder.status().state == STOPPED
    assert (cluster / "asked").read_text().split("\n")[:2] == ["scancel 4218", "scancel 4217"]


def test_a_sweep_for_a_gpu_asks_for_one_in_each_job(cluster):
    asked = {"digits": "any", "device": "cuda", "nodes": 2, "processes": 4}
    start_run("batch_size_sweep", "slurm", asked)
    texts = [path.read_text() for path in (cluster / "queued").iterdir()]
    assert len(texts) == 2
    for text in texts:
        assert "#SBATCH --gpus-per-node=1" in text and "#SBATCH --cpus-per-task=4" in text


def test_the_jobs_of_an_array_share_a_sweep_and_go_on_when_their_turn_comes_again(tools, tmp_path):
    """Both are warned in the midst of a training; the last job has only the report to make."""
    gate = tmp_path / "gate"
    cells = [
        "import time\nfrom pathlib import Path\nfrom descent.models.scaling_cnn import ScalingCNN",
        "class Mine(ScalingCNN):\n    def __init__(self, width, dropout):\n"
        f"        while width > 2 and not Path({str(gate)!r}).exists(): time.sleep(0.05)\n"
        "        super().__init__(width, dropout)",
    ]
    changes = {"where": "slurm", "nodes": 2, "processes": 1, "seeds": 1, "model": "mine"}
    run = find_run("mnist_scaling")
    settings = settings_of(run, "smoke", changes)
    folder = make_folder(run, "smoke", settings, changes, join_cells(cells, "Mine"))
    made = slurm.executor(folder, "local")
    jobs = made.map_array(slurm.ArrayWork(str(folder.path)), range(2))
    wait_until(lambda: folder.step() >= 3)  # those of the first width
    for job in jobs:
        (task,) = psutil.Process(int(job.job_id)).children()
        wait_until(lambda task=task: trains(task))
        workers = task.children(recursive=True)
        task.send_signal(signal.SIGUSR2)
        psutil.wait_procs([task, *workers])
    assert folder.step() == 3
    gate.touch()
    wait_until(lambda: folder.step() == folder.steps() == 12)
    made_before = {path.name: path.stat().st_mtime_ns for path in folder.results.made.iterdir()}
    last = slurm.executor(folder, "local").submit(slurm.NodeWork(str(folder.path)))
    folder.write("launcher.json", {"job": last.job_id})
    assert wait_for_state(folder, FINISHED).state == FINISHED, tools.printed(folder)
    assert "12 of 12 trainings." in tools.report_outputs(folder)[0]
    after = {path.name: path.stat().st_mtime_ns for path in folder.results.made.iterdir()}
    assert after == made_before


def trains(task):
    """Whether the processes of an array's job are there: one waits for the gate."""
    return any("spawn_main" in " ".join(each.cmdline()) for each in task.children(recursive=True))


def wait_until(condition):
    until = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < until, "a hang"
        time.sleep(0.1)
