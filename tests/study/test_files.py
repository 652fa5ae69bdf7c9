"""Files written whole, and what killed processes left of them."""

from __future__ import annotations

import os

import pytest

from descent.errors import CourseError
from descent.study.files import _written_beside, create_whole, remove_leftovers, write_whole


def test_only_old_files_that_nobody_writes_are_left_overs(tmp_path):
    dead, young, future = (
        tmp_path / f".a.ipynb.{name}.tmp" for name in ("dead0000", "young000", "future00")
    )
    theirs = tmp_path / ".mine.tmp"
    for path in (dead, young, future, theirs):
        path.write_text("half a notebook")
    for path, date in ((dead, 1e9), (future, 4e9), (theirs, 1e9)):
        os.utime(path, (date, date))
    with _written_beside(tmp_path / "a.ipynb", b"whole") as running:
        os.utime(running, (1e9, 1e9))
        remove_leftovers(tmp_path)
        assert set(tmp_path.iterdir()) == {young, theirs, running}
    assert not running.exists()


def test_a_file_that_is_there_is_not_made_again_with_or_without_hard_links(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    assert create_whole(path, b"first") and not create_whole(path, b"second")

    def appears_meanwhile(hidden, target):
        target.write_bytes(b"theirs")
        raise PermissionError(1, "no hard links here")

    monkeypatch.setattr(os, "link", appears_meanwhile)
    other = tmp_path / "b.ipynb"
    assert not create_whole(other, b"ours")
    assert (path.read_bytes(), other.read_bytes()) == (b"first", b"theirs")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_link_is_written_through_and_one_in_a_circle_is_refused_in_words(tmp_path):
    link, real = tmp_path / "link", tmp_path / "elsewhere.ipynb"
    link.symlink_to(real)
    write_whole(link, b"one")
    write_whole(link, b"two")
    assert link.is_symlink() and real.read_bytes() == b"two"
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(CourseError, match="a.ipynb: cannot be written"):
        write_whole(circle / "a.ipynb", b"")
