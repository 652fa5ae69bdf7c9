"""What a session found out, and which chapters passed by it."""

from __future__ import annotations

import pytest

from descent.verification.fingerprints import Fingerprint
from descent.verification.records import Record, orphaned_records, read_record, write_record
from descent.verification.session import Tested

CHAPTER = "toys/01_toy_1"
PASSED = [
    f"tests/course/test_blank_notebooks.py::test[{CHAPTER}]",
    f"tests/course/test_graders.py::test[{CHAPTER}]",
    f"solutions/{CHAPTER}.ipynb::Cell 0",
]


def test_a_chapter_passed_when_its_audit_and_both_notebooks_did():
    tested = Tested(passed=PASSED, scores={CHAPTER: [{}]})
    assert tested.passed_whole(CHAPTER)
    assert not tested.passed_whole("toys/02_toy_2")


@pytest.mark.parametrize("missing", PASSED[::2])
def test_a_chapter_did_not_pass_when_a_part_was_not_run(missing):
    passed = [name for name in PASSED if name != missing]
    assert not Tested(passed=passed, scores={CHAPTER: [{}]}).passed_whole(CHAPTER)
    assert not Tested(passed=PASSED).passed_whole(CHAPTER)


def test_a_chapter_did_not_pass_when_any_test_of_it_failed():
    page = f"tests/browser/test_pages.py::test[solutions/{CHAPTER}]"
    tested = Tested(passed=PASSED, failed=[page], scores={CHAPTER: [{}]})
    assert not tested.passed_whole(CHAPTER)


def test_a_session_that_was_killed_verified_nothing(tmp_path):
    assert Tested.read(tmp_path / "none.json") == Tested()
    (tmp_path / "half.json").write_text('{"passed": ["')
    assert Tested.read(tmp_path / "half.json") == Tested()


def test_a_record_comes_back_and_is_not_rewritten_for_its_seconds(toys):
    chapter = toys.course().chapters[0]
    record = Record(Fingerprint({"a": "1"}, {"b": "2"}, {"c": "3"}), [{"exercise": "f"}], 12.0)
    assert write_record(toys.root, chapter, record)
    assert read_record(toys.root, chapter) == record
    slower = Record(record.fingerprint, record.scores, 99.0)
    assert not write_record(toys.root, chapter, slower)
    assert read_record(toys.root, chapter) == record


def test_the_record_of_a_chapter_that_is_gone_is_found(toys):
    toys.verified()
    toys.source(3).unlink()
    (orphan,) = orphaned_records(toys.root, list(toys.course().chapters))
    assert orphan.name == "03_toy_3.json"
