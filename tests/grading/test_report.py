"""A report is plain data, and its renderings depend on its words alone."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

from descent.grading import Exercise, judge
from descent.grading.report import Report, passing_report


def test_reports_can_be_sent_from_one_process_to_another(slope: Exercise) -> None:
    class Strange:
        def __repr__(self):
            raise ValueError

    for answer in (slope.mistakes[0].answer, lambda w, x, y: Strange(), lambda: 0, 3):
        report = judge(slope, answer)
        assert pickle.loads(pickle.dumps(report)) == report
        assert json.loads(json.dumps(report.as_json())) == report.as_json()


def test_the_seconds_of_a_check_are_not_shown(slope: Exercise) -> None:
    report = passing_report(slope)
    assert replace(report, seconds=3.21).as_bundle() == report.as_bundle()


def test_notes_are_shown_with_every_outcome() -> None:
    for outcome in ("correct", "not right yet", "not attempted"):
        report = Report("slope", outcome, notes=("`np.pi` is <3>.",))
        assert "`np.pi` is <3>." in report.as_text()
        assert "<code>np.pi</code> is &lt;3&gt;." in report.as_html()
