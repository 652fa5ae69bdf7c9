"""Real runs of the smoke profile: papermill, torchrun, two processes, and what may befall them."""

from __future__ import annotations

import psutil
import pytest

from descent.errors import CourseError
from descent.runs.folder.states import FAILED, FINISHED, RUNNING, STOPPED
from descent.runs.launching.start import resume_run, start_run
from descent.runs.launching.stopping import ask_to_stop, stop_run
from descent.training.checkpoint import checkpoint_steps


@pytest.fixture
def whole(whole_run):
    """The smoke run of nanogpt, uninterrupted."""
    return whole_run("nanogpt")


def test_the_smoke_run_goes_through_to_its_report(whole, tools):
    status = whole.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(whole)
    assert list(tools.losses(whole)) == list(range(200))
    measured = tools.losses(whole, "validation loss")
    assert list(measured) == [0, 50, 100, 150, 200]
    assert measured[200] < measured[0] - 0.5
    text, pictures, errors = tools.report_outputs(whole)
    assert (pictures, errors) == (1, [])
    for words in ("nanogpt, profile smoke", "processes = 2", "torch 2.", "After 200 steps on"):
        assert words in text
    assert f"validation loss {measured[200]:.4f}" in text
    assert "No number was published for the profile smoke" in text


def below(folder):
    """The processes of a run, by what they are."""
    found = {}
    for process in psutil.Process(folder.read("launcher.json")["pid"]).children(recursive=True):
        words = process.cmdline()
        if "ipykernel_launcher" in words:
            found["kernel"] = process
        elif "torch.distributed.run" in words:
            found["torchrun"] = process
        elif rank := process.environ().get("RANK"):
            found[f"rank {rank}"] = process
    return found


def test_whatever_befalls_it_the_curve_is_that_of_the_uninterrupted_run(whole, tools):
    """Three times it ends early, each in another way, and goes on: bit for bit the same curve."""
    folder = start_run("nanogpt", "smoke")
    tools.wait_for_step(folder, 5)
    stop_run(folder)
    reached = folder.step()
    assert folder.status().state == STOPPED, tools.printed(folder)
    assert checkpoint_steps(folder.checkpoints) == [reached + 1]
    assert f"it stopped at step {reached}" in tools.report_outputs(folder)[0]

    resume_run(folder)
    tools.wait_for_step(folder, reached + 30)
    saved = checkpoint_steps(folder.checkpoints)
    below(folder)["rank 1"].kill()
    status = tools.wait_for_end(folder)
    assert status.state == FAILED
    assert "rank 1 was killed by SIGKILL" in status.reason
    (error,) = tools.report_outputs(folder)[2]
    assert error in status.reason
    assert checkpoint_steps(folder.checkpoints)[-1] >= saved[-1]

    resume_run(folder)
    tools.wait_for_step(folder, checkpoint_steps(folder.checkpoints)[-1] + 3)
    processes = below(folder)
    ranks = [processes["rank 0"], processes["rank 1"]]
    for rank in ranks:
        rank.suspend()  # what follows is to happen before the last step
    launching = [psutil.Process(folder.read("launcher.json")["pid"])]
    launching += [processes["kernel"], processes["torchrun"]]
    for process in launching:
        process.kill()
    psutil.wait_procs(launching)
    assert folder.status().state == RUNNING  # the ranks train on
    with pytest.raises(CourseError, match="is running: there is nothing to resume"):
        resume_run(folder)
    assert ask_to_stop(folder)
    for rank in ranks:
        rank.resume()
    assert tools.wait_for_end(folder).state == STOPPED
    assert checkpoint_steps(folder.checkpoints)[-1] == folder.step() + 1
    psutil.wait_procs(ranks)

    resume_run(folder)
    assert tools.wait_for_end(folder).state == FINISHED, tools.printed(folder)
    for name in ("loss", "validation loss", "learning rate"):
        assert tools.losses(folder, name) == tools.losses(whole, name)
