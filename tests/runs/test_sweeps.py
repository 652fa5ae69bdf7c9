"""Sweeps: whatever befalls one, it makes what is missing and comes to the same results."""

from __future__ import annotations

import contextlib
import io
import json
import time
from types import SimpleNamespace

import psutil
import pytest
from rich.console import Console

from descent import measured, notebook_runs
from descent.errors import CourseError
from descent.runs.definition.catalogue import RUNS, find_run
from descent.runs.definition.profiles import settings_of
from descent.runs.definition.sweep import Point, cores
from descent.runs.folder.learner_model import join_cells
from descent.runs.folder.liveness import this_process
from descent.runs.folder.states import FAILED, FINISHED, LOST, RUNNING, STOPPED, UNDER_WAY
from descent.runs.launching.requirements import NotReady, check_requirements
from descent.runs.launching.start import resume_run, start_run
from descent.runs.launching.stopping import program_lives, stop_run
from descent.runs.launching.sweep import last_words, why_it_failed
from descent.runs.results.records import read_records, results_of, write_record
from descent.runs.watching import look, terminal
from descent.runs.watching import notebook as in_notebook
from descent.training.settings import WrongSetting

SWEEP = "mnist_scaling"
SECONDS = 600


@pytest.fixture
def whole(whole_run):
    """The smoke run of a sweep, uninterrupted."""
    return whole_run(SWEEP)


def model(line):
    """The network of the run, as a class of the learner's that does something before it is made."""
    imports = "import os\nimport time\nfrom pathlib import Path"
    base = "from descent.models.scaling_cnn import ScalingCNN"
    body = f"    def __init__(self, width, dropout):\n        {line}\n"
    made = f"class Mine(ScalingCNN):\n{body}        super().__init__(width, dropout)"
    return join_cells([f"{imports}\n{base}", made], "Mine")


def waits_for(gate):
    """A network that is not made at the second width before a file is there."""
    return model(f"while width > 2 and not Path({str(gate)!r}).exists(): time.sleep(0.05)")


def results(folder):
    """What the trainings came to: all but the time they took."""
    return [{**row, "seconds": None} for row in folder.results.rows(folder.points())]


def wait_for(condition, folder, tools):
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, f"a hang\n{tools.printed(folder)}"
        time.sleep(0.05)


def wait_for_results(folder, number, tools):
    """Wait until so many trainings have ended, and the run goes on."""
    wait_for(lambda: len(results(folder)) >= number, folder, tools)
    state = folder.status()
    assert state.state in UNDER_WAY, f"{state}\n{tools.printed(folder)}"


def stamps(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.results.made.glob("*.json")}


def program(folder):
    """The sweep's program, and the processes that make its trainings."""
    process = psutil.Process(folder.read("program.json")["pid"])
    return process, process.children(recursive=True)


def gone(processes):
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    return not alive


def test_the_smoke_sweep_goes_through_to_its_report(whole, tools):
    status = whole.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(whole)
    assert (whole.step(), whole.steps()) == (24, 24)
    assert repr(whole) == f"{whole.id}: finished, training 24 of 24"
    rows = results(whole)
    assert len({(row["width"], row["pictures"], row["dropout"], row["seed"]) for row in rows}) == 24
    text, pictures, errors = tools.report_outputs(whole)
    assert (pictures, errors) == (1, [])
    for words in ("mnist_scaling, profile smoke", "processes = 2", "24 of 24 trainings.",
                  "validation loss with dropout 0.2", "dropout 0.2, validation accuracy",
                  "No number was published for the profile smoke"):  # fmt: skip
        assert words in text
    log = whole.log.read_text()
    assert "training 24 of 24: width=" in log


def test_stopped_and_killed_it_makes_only_what_is_missing(whole, tools, tmp_path):
    """It ends early twice, each time in the midst of trainings, and comes to the same results."""
    gate = tmp_path / "gate"
    folder = start_run(SWEEP, "smoke", {}, waits_for(gate))
    wait_for_results(folder, 3, tools)  # those of the first width
    stop_run(folder)
    assert folder.status().state == STOPPED, tools.printed(folder)
    assert "it stopped at training 3" in tools.report_outputs(folder)[0]
    made = stamps(folder)
    assert len(made) == 3

    resume_run(folder)
    wait_for(lambda: program_lives(folder), folder, tools)
    wait_for(lambda: len(program(folder)[1]) >= 2, folder, tools)
    with pytest.raises(CourseError, match="there is nothing to resume"):
        resume_run(folder)
    process, workers = program(folder)
    whole_family = tools.family(folder.read("launcher.json")["pid"])
    for each in whole_family:
        if each not in workers:
            each.kill()
    assert gone([process, *workers])  # they end by themselves, in the midst of a training
    assert folder.status().state == LOST
    assert stamps(folder) == made

    gate.touch()
    resume_run(folder)
    assert tools.wait_for_end(folder).state == FINISHED, tools.printed(folder)
    assert results(folder) == results(whole)
    assert {name: stamps(folder)[name] for name in made} == made


def test_the_program_alone_killed_is_told_and_nothing_is_lost(tools, tmp_path):
    gate = tmp_path / "gate"
    folder = start_run(SWEEP, "smoke", {"seeds": 1}, waits_for(gate))
    wait_for_results(folder, 3, tools)
    process, workers = program(folder)
    process.kill()
    assert gone([process, *workers])
    status = tools.wait_for_end(folder)
    assert status.state == FAILED and "killed by SIGKILL" in status.reason
    assert len(results(folder)) == 3
    assert "3 of 12 trainings." in tools.report_outputs(folder)[0]


def test_what_fails_is_told_by_name_and_takes_no_other_with_it(whole, tools, tmp_path):
    """At the second width one training raises an error with dropout, and one dies without."""
    gate = tmp_path / "gate"
    ways = "os.kill(os.getpid(), 9) if not dropout else int('no such width')"
    line = f"width > 2 and not Path({str(gate)!r}).exists() and ({ways})"
    folder = start_run(SWEEP, "smoke", {"halvings": 0}, model(line))
    status = tools.wait_for_end(folder)
    assert status.state == FAILED
    assert "The training width=3,pictures=800,dropout=0.0,seed=0 failed" in status.reason
    assert "all results are kept" in status.reason and "Its process was killed" in status.reason
    assert "Failed too: width=3,pictures=800,dropout=0.2,seed=0" in status.reason
    assert "ValueError: invalid literal" in folder.log.read_text()
    made = stamps(folder)
    assert len(made) == 4 and all("width=2" in name for name in made)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (1, []) and "4 of 8 trainings." in text
    assert "width=3,pictures=800,dropout=0.2,seed=1 failed: ValueError" in text

    gate.touch()
    resume_run(folder)
    assert tools.wait_for_end(folder).state == FINISHED, tools.printed(folder)
    assert results(folder) == [row for row in results(whole) if row["pictures"] == 800]
    assert {name: stamps(folder)[name] for name in made} == made


def test_an_error_that_was_foreseen_is_said_without_its_traceback():
    assert last_words(WrongSetting("pictures is 9")) == "pictures is 9"


def test_a_program_that_dies_of_itself_leaves_its_last_lines(tools):
    folder = tools.made(SWEEP)
    said = why_it_failed(folder, 1, "Traceback\nOSError: no space")
    assert said.endswith("OSError: no space")


def fill(folder, rows):
    """Let trainings have ended, with made-up numbers."""
    for number, point in enumerate(folder.points()[:rows]):
        numbers = {
            "parameters": 10,
            "training flops": 1e6 * point.values["width"] * point.values["pictures"],
            "validation loss": 0.5 + number / 1000,
            "validation accuracy": 0.75,
        }
        folder.results.write(point, numbers, 2.0)


def test_how_far_it_is_and_how_long_it_takes_still(tools):
    folder = tools.made(SWEEP, dropout=0.0, halvings=0, widths=1, seeds=4)  # four of equal work
    assert look.seconds_left(folder) is None
    fill(folder, 1)
    assert look.seconds_left(folder) == pytest.approx(2.0 * 3 / 2)  # two at a time
    folder.note_status(RUNNING)
    folder.write("launcher.json", this_process())
    now = look.look_at(folder)
    assert now.progress == "training 1 of 4, about 3 s left"
    assert "validation loss 0.5" in now.words
    console = Console(width=100, file=io.StringIO())
    console.print(terminal._shown(folder, now))
    assert "running, training 1 of 4, about 3 s left" in console.file.getvalue()
    assert 'aria-valuenow="25"' in in_notebook._as_html(folder, now)
    assert "training 1 of 4, about 3 s left" in look.list_in_words([(folder, now)], 80)
    fill(folder, 4)
    folder.note_status(FINISHED)
    folder.remove("launcher.json")
    ended = look.look_at(folder)
    assert (ended.step, ended.left) == (4, None)
    assert "finished at training 4 of 4." in look.closing_words(folder, ended)


def test_followed_in_a_notebook_it_shows_bar_log_and_end_but_no_curve(tools, capsys, monkeypatch):
    folder = tools.made("batch_size_sweep")
    for point in folder.points():
        folder.results.write(point, {"updates": 7, "examples": None}, 1.0)
    folder.note_status(FINISHED)
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda *_, **__: SimpleNamespace(update=shown.append)
    )
    monkeypatch.setattr("descent.figures.LivePlot", None)
    in_notebook.watch_in_notebook(folder)
    assert "finished, training 16 of 16" in shown[-1].data
    assert "finished at training 16 of 16. updates 7" in capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "words"), [(59, "59 s"), (90, "1.5 min"), (9000, "2.5 h")])
def test_time_is_said_in_a_unit_of_its_size(seconds, words):
    assert look._in_words(seconds) == words


def test_a_record_has_every_training_and_a_page_can_show_it(tools, tmp_path, monkeypatch):
    root = tmp_path / "course"
    (root / "solutions").mkdir(parents=True)
    monkeypatch.setenv("DESCENT_COURSE", str(root))
    folder = tools.made(SWEEP, dropout=0.0)
    fill(folder, 12)
    with pytest.raises(CourseError, match="not finished"):
        write_record(root, folder, "here")
    folder.write("program.json", {"outcome": FINISHED})
    path = write_record(root, folder, "here", "a note")
    (record,) = read_records(root, SWEEP)
    assert record.trainings == folder.results.rows(folder.points())
    assert record.seconds == 24.0
    assert record.metrics["dropout 0.0, validation accuracy"] == {"mean": 0.75, "std": 0.0, "n": 2}
    assert measured(f"runs/{path.stem}") == json.loads(path.read_text())
    assert max(map(len, path.read_text().splitlines())) < 400
    write_record(root, folder, "there", busy=True)
    busy = read_records(root, SWEEP)[1]
    assert busy.seconds is None and not any("seconds" in row for row in busy.trainings)
    assert "75.00 % ± 0.00 % (2 seeds)" in results_of(find_run(SWEEP), root)


def test_trainings_at_a_time_are_one_a_core_or_as_many_as_are_asked_for():
    assert settings_of(RUNS[SWEEP], "cpu").workers == cores()
    assert settings_of(RUNS[SWEEP], "smoke").workers == 2
    with pytest.raises(WrongSetting, match="^processes is 0; a cluster"):
        settings_of(RUNS[SWEEP], "slurm", {"processes": 0})


def test_memory_is_counted_for_all_that_train_at_a_time(tools, monkeypatch):
    monkeypatch.setattr("descent.runs.launching.requirements._free_memory", lambda: 3e9)
    run = RUNS[SWEEP]
    check_requirements(run, settings_of(run, "smoke"), tools.made(SWEEP).path)
    with pytest.raises(NotReady, match=r"Fewer trainings at a time.*--set processes=1"):
        check_requirements(run, settings_of(run, "smoke", {"processes": 40}), tools.made().path)


def test_several_trainings_share_a_gpu(tools, monkeypatch):
    monkeypatch.setattr("descent.runs.launching.requirements._gpus", lambda: [80_000_000_000])
    run = RUNS[SWEEP]
    settings = settings_of(run, "gpu", {"digits": "any"})
    assert settings.processes == 8
    check_requirements(run, settings, tools.made(SWEEP).path)
    monkeypatch.setattr("descent.runs.launching.requirements._gpus", lambda: [4_000_000_000])
    with pytest.raises(NotReady, match="free on the GPU"):
        check_requirements(run, settings, tools.made(SWEEP).path)


def test_a_model_of_a_chapter_is_refused_where_none_has_it():
    with pytest.raises(CourseError, match=r"No chapter's exercise is the model of mnist_scaling"):
        notebook_runs.run(SWEEP, profile="smoke", model="mine")


def test_a_result_is_whole_or_not_there(tools):
    folder = tools.made(SWEEP)
    point = folder.points()[0]
    with contextlib.suppress(TypeError):
        folder.results.write(point, {"validation loss": object()}, 1.0)
    assert folder.results.missing([point]) == [point]
    folder.results.write(point, {"validation loss": 0.5}, 1.0)
    assert folder.results.missing([point]) == []
    (folder.results.made / f"{point.name}.json").write_text('{"width": 2, "vali')
    assert folder.results.missing([point]) == [point]
    assert Point({"a": 1, "b": 0.5}).name == "a=1,b=0.5"
