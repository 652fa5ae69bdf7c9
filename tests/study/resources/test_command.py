"""`descent resources`, as it is typed."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from descent import cli


@pytest.fixture
def course(file, tmp_path, monkeypatch):
    """Return a course folder that has the small library, and is the current course."""
    root = tmp_path / "course"
    (root / "solutions").mkdir(parents=True)
    (root / "book").mkdir()
    file.rename(root / "book" / "resources.yml")
    monkeypatch.setenv("DESCENT_COURSE", str(root))
    return root


def run(*arguments):
    result = CliRunner().invoke(cli.app, ["resources", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_a_resource_is_shown_with_all_that_is_known_of_it(course):
    assert run("görner", "network") == (
        "First Book, Martin Görner\n"
        "  book · from zero · about 20 h\n"
        "  https://example.org/book\n"
        "  Best for: a first network.\n"
        "  Skip: chapter 4 (after the list).\n"
        "  The list: Clear, and long.\n"
        "  The plan: Begin here.\n"
        "  Enters at: rung 1, Research 7.\n"
        "\n"
        "1 of 3 resources.\n"
    )


def test_filters_are_options_and_all_hold(course):
    shown = run("--kind", "lecture", "--level", "basics", "--hours", "1", "--chapter", "13")
    assert shown.startswith("Short Talk, Ann\n  lecture · basics · 45 min\n")
    assert run("--kind", "book", "--hours", "1") == (
        "0 of 3 resources.\n"
        "Nothing answers to all of that. Ask for less; the book has a page of them all.\n"
    )


def test_a_dead_address_comes_with_its_archive(course):
    with (course / "book" / "resources.yml").open("a", encoding="utf-8") as file:
        file.write("    dead: 2026-01-02\n    archive: https://archive.example/a\n")
    shown = run("tool")
    assert "  https://example.org/tool (gone on 2026-01-02)\n" in shown
    assert "  Archive: https://archive.example/a\n" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "film"], "descent: There is no kind 'film'. There are: book, course"),
        (["--chapter", "99"], "descent: No resource enters the course at '99'."),
    ],
)
def test_what_does_not_exist_is_one_line_and_an_exit_code(
    course, monkeypatch, capsys, arguments, words
):
    monkeypatch.setattr("sys.argv", ["descent", "resources", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1 and capsys.readouterr().err.startswith(words)
