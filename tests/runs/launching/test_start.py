"""Real runs of the smoke profile: papermill, torchrun, two processes, and what may befall them."""

from __future__ import annotations

import random
import textwrap

import nbformat
import psutil
import pytest
from programs import PATIENCE

from descent.runs.folder import RunFolder
from descent.runs.folder.learner_model import join_cells
from descent.runs.folder.states import FAILED, FINISHED, LOST, STOPPED
from descent.runs.launching.start import resume_run, start_run
from descent.runs.launching.stopping import stop_run
from descent.runs.watching.look import look_at
from descent.training.checkpoint import checkpoint_steps


def report_text(folder):
    notebook = nbformat.read(folder.report, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = "".join(output.get("text", "") for output in outputs)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    return shown, len(pictures)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the uninterrupted run is kept for the tests that compare with it."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def whole(kept, tools, monkeypatch):
    """The smoke run of nanogpt, uninterrupted; made once."""
    folders = list(kept.glob("nanogpt-*"))
    if folders:
        return RunFolder(folders[0])
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DESCENT_RUNS", str(kept))
        folder = start_run("nanogpt", "smoke")
        tools.wait_for_end(folder)
    return folder


def test_the_smoke_run_goes_through_to_its_report(whole, tools):
    status = whole.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(whole)
    assert list(tools.losses(whole)) == list(range(200))
    measured = tools.losses(whole, "validation loss")
    assert list(measured) == [0, 50, 100, 150, 200]
    assert measured[200] < measured[0] - 0.5
    text, pictures = report_text(whole)
    assert pictures == 1
    for words in ("nanogpt, profile smoke", "processes = 2", "torch 2.", "After 200 steps on"):
        assert words in text
    assert f"validation loss {measured[200]:.4f}" in text
    assert "No number was published for the profile smoke" in text


def test_whatever_befalls_it_the_curve_is_that_of_the_uninterrupted_run(whole, tools):
    """Stopped, then a rank killed, then the launcher: three times it goes on, bit for bit."""
    folder = start_run("nanogpt", "smoke")
    tools.wait_for_step(folder, 5)
    stop_run(folder)
    look = look_at(folder)
    assert look.state == STOPPED, tools.printed(folder)
    assert checkpoint_steps(folder.checkpoints) == [look.step + 1]
    assert f"it stopped at step {look.step}" in report_text(folder)[0]

    resume_run(folder)
    tools.wait_for_step(folder, look.step + random.randint(30, 60))
    saved = checkpoint_steps(folder.checkpoints)
    launcher = folder.read("launcher.json")["pid"]
    ranks = [
        process
        for process in psutil.Process(launcher).children(recursive=True)
        if process.environ().get("RANK") == "1"
    ]
    ranks[0].kill()
    status = tools.wait_for_end(folder)
    assert status.state == FAILED
    assert "rank 1 was killed by SIGKILL" in status.reason
    assert checkpoint_steps(folder.checkpoints)[-1] >= saved[-1]

    resume_run(folder)
    tools.wait_for_step(folder, checkpoint_steps(folder.checkpoints)[-1] + 3)
    family = tools.family(folder.read("launcher.json")["pid"])
    for process in family:
        process.kill()  # as when the machine is switched off
    psutil.wait_procs(family, timeout=PATIENCE)
    assert folder.status().state == LOST

    resume_run(folder)
    assert tools.wait_for_end(folder).state == FINISHED, tools.printed(folder)
    for name in ("loss", "validation loss", "learning rate"):
        assert tools.losses(folder, name) == tools.losses(whole, name)


def test_an_error_in_the_learner_s_model_shows_their_own_line(tools):
    """Their model trains for a while; then a process fails, and its traceback ends the run."""
    cells = [
        "import torch\nfrom torch import nn",
        textwrap.dedent(
            """
            class Mine(nn.Module):
                def __init__(self, vocabulary, context, width, heads, layers):
                    super().__init__()
                    self.table = nn.Embedding(vocabulary, vocabulary)
                    self.calls = 0
                def forward(self, tokens):
                    self.calls += 1
                    if self.calls == 60:
                        raise IndexError("the sixtieth time is one too many")
                    return self.table(tokens)
            """
        ),
    ]
    folder = start_run("nanogpt", "smoke", {}, join_cells(cells, "Mine"))
    status = tools.wait_for_end(folder)
    assert status.state == FAILED
    assert "IndexError: the sixtieth time is one too many" in status.reason
    assert "in forward" in status.reason
    assert folder.asked()["changes"] == {"model": "mine"}
    assert len(tools.losses(folder)) > 20
    notebook = nbformat.read(folder.report, as_version=4)
    errors = [
        "\n".join(output.traceback)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert len(errors) == 1 and "the sixtieth time is one too many" in errors[0]


def test_a_report_whose_kernel_dies_takes_no_training_with_it(tools):
    """papermill cannot go on; the program is asked to save, and the run can be resumed."""
    folder = start_run("nanogpt", "smoke", {"steps": 5000})
    tools.wait_for_step(folder, 5)
    below = tools.family(folder.read("launcher.json")["pid"])
    (kernel,) = [process for process in below if "ipykernel_launcher" in process.cmdline()]
    kernel.kill()
    status = tools.wait_for_end(folder)
    assert status.state == STOPPED
    assert "the report is not complete" in status.reason
    assert checkpoint_steps(folder.checkpoints)[-1] == folder.step() + 1
