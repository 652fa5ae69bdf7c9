"""A report is plain data, and its renderings depend on its words alone."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

from descent.grading import Exercise, judge
from descent.grading.report import NOT_RIGHT, OUTCOMES, Failure, Report, passing_report


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
    for outcome in OUTCOMES:
        report = Report("slope", outcome, notes=("`np.pi` is <3>.",))
        assert "`np.pi` is <3>." in report.as_text()
        assert "<code>np.pi</code> is &lt;3&gt;." in report.as_html()


FAILURE = Failure(
    property="matches", words="It is 6 where 3 is right.", symptom="value",
    call="slope(w=1)", name="the slope", returned="6", expected="3",
    message="It may be that you forgot `eps`.", guess=True,
    isolated=("It is right where `eps` is 0.", "It is wrong only for <2> rows."),
)  # fmt: skip


def test_what_questions_found_stands_under_the_headline() -> None:
    report = Report("slope", NOT_RIGHT, (("matches", False),), FAILURE)
    text = report.as_text()
    headline, isolated = text.index("It may be"), text.index("- It is right where `eps` is 0.")
    assert headline < isolated < text.index("✗ matches")
    html = report.as_html()
    assert "<li>It is right where <code>eps</code> is 0.</li>" in html
    assert "only for &lt;2&gt; rows" in html
    assert html.index("It may be") < html.index("It is right where") < html.index("matches")


def test_a_guess_is_set_apart_from_a_verdict() -> None:
    guess = Report("slope", NOT_RIGHT, (), FAILURE)
    sure = Report("slope", NOT_RIGHT, (), replace(FAILURE, guess=False))
    assert "descent-guess" in guess.as_html() and "descent-guess" not in sure.as_html()
    assert guess.as_json()["guess"] is True and sure.as_json()["guess"] is False
    assert guess.as_json()["isolated"] == list(FAILURE.isolated)


def test_no_colour_of_its_own_hides_text_on_a_dark_or_a_light_page() -> None:
    html = Report("slope", NOT_RIGHT, (), FAILURE).as_html()
    assert "color:black" not in html and "color:#000" not in html and "background:#" not in html
