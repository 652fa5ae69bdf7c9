"""The page to print: it says what was recorded, and no more."""

from __future__ import annotations

import re

from descent.study.export.figures import week_bars
from descent.study.export.report import report_html, report_on, write_report
from descent.study.store import ProgressStore


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition("<body>")[2]).split())


def test_the_page_says_what_was_recorded(store, tmp_path):
    file = tmp_path / "report.html"
    write_report(file, store=store)
    shown = text(file.read_text(encoding="utf-8"))
    assert "1 · Scalar regression 1 of 2" in shown
    assert "predict done 2 1" in shown  # two tries, one hint
    assert "1 · Scalar regression 1 1 1" in shown  # one card, one review, one remembered
    assert "Autograd" not in shown  # nothing is said of what was never begun


def test_the_page_needs_nothing_from_elsewhere(store):
    html = report_html(report_on(store, store.events()[-1].at))
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", html)


def test_of_nothing_recorded_the_page_says_nothing(course):
    html = report_html(report_on(ProgressStore(), 1.8e9))
    assert "Nothing is recorded yet." in text(html)
    assert not re.search(r"\d+ (of|min|h)\b", text(html))


def test_what_a_learner_wrote_is_text_and_no_markup(store):
    store.record("review", "<script>alert(1)</script>", "card", remembered=False)
    html = report_html(report_on(store, store.events()[-1].at))
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_years_of_weeks_can_be_drawn():
    from datetime import date, timedelta

    weeks = {date(2020, 1, 6) + timedelta(days=7 * n): float(n % 9) for n in range(300)}
    drawn = week_bars(weeks)
    assert drawn.count('class="bar"') == 300
    assert drawn.count('class="middle"') <= 13
