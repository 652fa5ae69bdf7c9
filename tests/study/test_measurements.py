"""What was measured beforehand, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from descent import measured
from descent.study.measurements import UnknownMeasurement
from descent.study.paths import CourseNotFound


@pytest.fixture
def results(root: Path) -> Path:
    folder = root / "book" / "results"
    folder.mkdir(parents=True)
    (folder / "race.json").write_text('{"date": "2026-11-20", "runs": [1.5]}', encoding="utf-8")
    (folder / "ablation.json").write_text("{}", encoding="utf-8")
    return folder


def test_a_record_is_found_in_the_course_folder(results: Path) -> None:
    assert measured("race") == {"date": "2026-11-20", "runs": [1.5]}


def test_the_record_of_a_real_run_is_found_by_its_folder(results: Path) -> None:
    (results / "runs").mkdir()
    (results / "runs" / "gpt-cpu-here.json").write_text('{"run": "gpt"}', encoding="utf-8")
    assert measured("runs/gpt-cpu-here") == {"run": "gpt"}
    with pytest.raises(UnknownMeasurement, match=r"There are: ablation, race, runs/gpt-cpu-here"):
        measured("gpt-cpu-here")


@pytest.mark.parametrize("name", ["races", "race.json", "../results/race", "", "runs"])
def test_an_unknown_name_lists_those_there_are(results: Path, name: str) -> None:
    (results / "runs").mkdir()
    with pytest.raises(UnknownMeasurement, match=r"There are: ablation, race\.$"):
        measured(name)


def test_a_course_without_records_says_so(root: Path) -> None:
    with pytest.raises(UnknownMeasurement, match="There are none"):
        measured("race")


@pytest.mark.parametrize("text", ['{"runs": [1', "[1, 2]"])
def test_a_damaged_record_is_named(results: Path, text: str) -> None:
    (results / "race.json").write_text(text, encoding="utf-8")
    with pytest.raises(UnknownMeasurement, match=r"race\.json"):
        measured("race")


def test_without_a_course_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESCENT_COURSE", str(tmp_path))
    with pytest.raises(CourseNotFound, match="DESCENT_COURSE"):
        measured("race")
