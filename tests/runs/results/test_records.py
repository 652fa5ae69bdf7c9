"""Recorded results: kept, read back, and shown beside the published numbers."""

from __future__ import annotations

import json

import pytest

from descent.errors import CourseError
from descent.runs.definition.catalogue import find_run
from descent.runs.results.records import FOLDER, read_records, results_of, write_record


@pytest.fixture
def finished(tools):
    folder = tools.made("nanogpt", "cpu", text="any", steps=300)
    folder.write("program.json", {"outcome": "finished"})
    lines = [
        {"step": 299, "time": 9.0, "loss": 1.5, "learning rate": 1e-3},
        {"step": 300, "time": 9.5, "training loss": 1.71, "validation loss": 1.93456},
    ]
    (folder.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_finished_run_is_recorded_and_shown_beside_the_published_number(finished, tmp_path):
    path = write_record(tmp_path, finished, "2-cores", note="A busy machine.")
    assert path == tmp_path / FOLDER / "nanogpt-cpu-2-cores.json"
    (record,) = read_records(tmp_path, "nanogpt")
    assert record.metrics == {"validation loss": 1.93456} and record.seconds == 9.5
    assert record.command == "descent run nanogpt --profile cpu --set text=any --set steps=300"
    assert "cores" in record.hardware and set(record.versions) == {"python", "torch"}
    shown = results_of(find_run("nanogpt"), tmp_path)
    assert "| cpu | validation loss 1.9346<br>changed: text = any, steps = 300 | 9.5 |" in shown
    assert "validation loss 1.88: nanoGPT's README" in shown and "A busy machine." in shown


def test_what_was_not_run_is_said(finished, tmp_path):
    before = results_of(find_run("nanogpt"), tmp_path)
    assert "Not yet run, so there is no number: cpu," in before and "smoke" not in before
    write_record(tmp_path, finished, "2-cores")
    after = results_of(find_run("nanogpt"), tmp_path)
    assert "no number: gpu, multi-gpu" in after


def test_several_seeds_and_shares_are_written_with_their_spread(finished, tmp_path):
    path = write_record(tmp_path, finished, "here")
    record = json.loads(path.read_text())
    record["metrics"] = {"test accuracy": {"mean": 0.99042, "std": 0.0006, "n": 10}}
    path.write_text(json.dumps(record))
    shown = results_of(find_run("nanogpt"), tmp_path)
    assert "test accuracy 99.04 % ± 0.06 % (10 seeds)" in shown


def test_perplexity_and_bits_are_kept_and_what_is_no_result_is_not(finished, tmp_path):
    numbers = {"validation perplexity": 41.2, "bits per character": 2.613, "mfu": 0.4}
    line = {"step": 300, "time": 9.5, **numbers}
    (finished.path / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    write_record(tmp_path, finished, "here")
    (record,) = read_records(tmp_path, "nanogpt")
    assert record.metrics == {"validation perplexity": 41.2, "bits per character": 2.613}
    assert "bits per character 2.613" in results_of(find_run("nanogpt"), tmp_path)


def test_of_a_busy_machine_no_speed_is_claimed(finished, tmp_path):
    write_record(tmp_path, finished, "here", busy=True)
    assert read_records(tmp_path, "nanogpt")[0].seconds is None
    assert "| not claimed: other work ran |" in results_of(find_run("nanogpt"), tmp_path)


def test_an_unfinished_run_is_not_recorded(tools, tmp_path):
    with pytest.raises(CourseError, match="is not finished"):
        write_record(tmp_path, tools.made(), "here")


def test_a_broken_record_is_named(tmp_path):
    path = tmp_path / FOLDER / "nanogpt-cpu-x.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"run": "nanogpt"}')
    with pytest.raises(CourseError, match=r"nanogpt-cpu-x\.json is not the record of a run"):
        read_records(tmp_path, "nanogpt")
