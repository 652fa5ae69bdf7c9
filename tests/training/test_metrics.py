"""The metrics file: torn lines, and continuing."""

from __future__ import annotations

import pytest

from descent.errors import CourseError
from descent.training.metrics import MetricsFile, curve, last_step, latest, read_metrics


def written(path, *steps, start=0):
    file = MetricsFile(path, start)
    for step in steps:
        file.write(step, step / 10, loss=1 / (step + 1))
    file.close()


def test_a_curve_comes_back(tmp_path):
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path, 0)
    file.write(0, 0.5, loss=2.0, learning_rate=0.1)
    file.write(1, 1.5, loss=1.0)
    file.close()
    lines = read_metrics(path)
    assert lines[0] == {"step": 0, "time": 0.5, "loss": 2.0, "learning rate": 0.1}
    assert curve(lines, "loss") == ([0, 1], [2.0, 1.0])
    assert curve(lines, "learning rate") == ([0], [0.1])


def test_a_torn_last_line_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    written(path, 0, 1)
    path.write_text(path.read_text() + '{"step": 2, "ti')
    assert [line["step"] for line in read_metrics(path)] == [0, 1]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('{"step": null, "time": 1.0, "loss": 2.0}', []),
        ('{"step": "7", "time": 1.0}', []),
        ('{"step": true, "time": 1.0}', []),
        ('{"step": 1.5, "time": 1.0}', []),
        ('{"step": 7, "time": null}', []),
        ('{"step": 7}', []),
        ("[7, 1.0]", []),
        ('{"step": 7, "time": 1, "loss": null, "note": "x"}', [{"step": 7, "time": 1}]),
    ],
)
def test_what_is_no_number_is_left_out(tmp_path, line, read):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f"{line}\n")
    assert read_metrics(path) == read
    assert latest(read) == {} and last_step(read) in (0, 7)


def test_continuing_cuts_what_came_after_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    written(path, 0, 1, 2, 3)
    path.write_text(path.read_text() + '{"step": 4, "ti')
    written(path, 2, 3, 4, start=2)
    assert [line["step"] for line in read_metrics(path)] == [0, 1, 2, 3, 4]


def test_no_file_is_no_lines(tmp_path):
    assert read_metrics(tmp_path / "none") == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="cannot be written"):
        MetricsFile(tmp_path / "file" / "metrics.jsonl", 0)
