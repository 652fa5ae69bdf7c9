"""Judgements on disk: kept at once, taken back, safe from cut lines and from each other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from descent.errors import CourseError
from descent.study.labelling.judgements import Judgements


def test_a_judgement_is_there_for_whoever_comes_next():
    Judgements("set", "texts").give("a text", 1.0)
    Judgements("set", "texts").give("skipped", None)
    assert Judgements("set", "texts").now() == {"a text": 1.0, "skipped": None}
    assert Judgements("other", "texts").now() == Judgements("set", "rating").now() == {}


def test_the_last_judgement_of_an_item_counts_and_is_taken_back_first():
    kept = Judgements("set", "texts")
    for item, value in (("a", 1.0), ("b", 0.5), ("a", 0.0)):
        kept.give(item, value)
    assert kept.now() == {"a": 0.0, "b": 0.5}
    assert kept.undo() == "a" and kept.now() == {"a": 1.0, "b": 0.5}
    assert kept.undo() == "b" and kept.undo() == "a" and kept.undo() is None
    assert kept.now() == {}
    kept.give("a", 0.5)
    assert kept.now() == {"a": 0.5}


def test_after_a_restart_the_last_of_all_is_taken_back_and_with_two_kernels_each_its_own():
    first = Judgements("set", "texts")
    first.give("a", 1.0)
    second = Judgements("set", "texts")
    second.give("b", 0.0)
    assert first.undo() == "a" and first.now() == {"b": 0.0}
    assert Judgements("set", "texts").undo() == "b"


@pytest.mark.parametrize(
    "cut", [b'{"uid": "x", "kind": "judged", "item', b"\xff\xfe\n", b"[1, 2]\n"]
)
def test_a_broken_line_harms_no_other(cut):
    kept = Judgements("set", "texts")
    kept.give("before", 1.0)
    with kept.path.open("ab") as file:
        file.write(cut)
    kept.give("after", 0.0)
    assert kept.now() == {"before": 1.0, "after": 0.0}


def test_whatever_a_text_holds_comes_back_as_it_was():
    texts = ["", "two\nlines\u2028and\u2029more", 'quotes " and \\ and déjà vu', "\ud800"]
    kept = Judgements("set", "texts")
    for text in texts:
        kept.give(text, 0.5)
    assert list(kept.now()) == texts


def test_two_kernels_at_once_lose_nothing(home):
    program = (
        "import sys; from descent.study.labelling.judgements import Judgements\n"
        "kept = Judgements('set', 'texts')\n"
        "for i in range(60): kept.give(f'{sys.argv[1]} {i} ' + 'long ' * 300, 1.0)"
    )
    kernels = [
        subprocess.Popen([sys.executable, "-c", program, name], env={**os.environ}) for name in "ab"
    ]
    assert [kernel.wait() for kernel in kernels] == [0, 0]
    assert len(Judgements("set", "texts").now()) == 120


def test_what_cannot_be_written_is_said_and_does_not_count(home):
    home.mkdir()
    (home / "labels").write_text("a file is in the way")
    kept = Judgements("set", "texts")
    with pytest.raises(CourseError, match="This was not kept"):
        kept.give("a", 1.0)


def test_a_full_disk_keeps_no_half_of_a_judgement(monkeypatch):
    kept = Judgements("set", "texts")
    kept.give("a", 1.0)
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: write(file, data[: len(data) // 2]))
        with pytest.raises(CourseError, match="disk is full"):
            kept.give("b", 1.0)
    assert kept.now() == {"a": 1.0}
    kept.give("b", 0.0)
    assert kept.now() == {"a": 1.0, "b": 0.0}


@pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 65, None, "-x"])
def test_a_name_that_is_no_name_of_a_file_is_refused(name):
    with pytest.raises(CourseError, match="cannot be the name of a set"):
        Judgements(name, "texts")
