"""Two builds of the book at once: one builds, the other waits and finds it built."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from descent.serving import book


def test_two_first_starts_build_the_book_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.md").write_text("# Front page", "utf-8")
    second_waits = threading.Event()
    builds = []

    def build(root: Path, output: Path) -> int:
        builds.append(output)
        assert second_waits.wait(60), "the second did not wait"
        (output / "_build" / "html").mkdir(parents=True)
        (output / "_build" / "html" / "index.html").write_text("<h1>Front page</h1>", "utf-8")
        return 0

    monkeypatch.setattr(book, "_run_jupyter_book", build)
    monkeypatch.setattr(book, "_say_another_builds", second_waits.set)
    found: list[book.Build] = []
    both = [
        threading.Thread(target=lambda: found.append(book.build_book(tmp_path))) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert sorted(build.message for build in found) == [
        "The book is built.",
        "The book is up to date.",
    ]
    assert len(builds) == 1
    assert (book.html_folder(tmp_path) / "index.html").is_file()
