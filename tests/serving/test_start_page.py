"""The start page: what it says, where its links lead, and what becomes of the learner's folder."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import SimpleNamespace

import pytest
from programs import PATIENCE

from descent.errors import CourseError
from descent.serving.pages.rendering import render
from descent.serving.start_page import today
from descent.serving.start_page.content import StartPage, start_page
from descent.serving.work_folder import furnish, link_runs
from descent.study.progress import progress_table
from descent.study.store import ProgressStore
from descent.study.timing.setting import begin, stop

EVERY_EXERCISE = ("predict", "loss")


@pytest.fixture
def course(small_course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small course, with a learner who has done nothing."""
    monkeypatch.setenv("DESCENT_COURSE", str(small_course))
    monkeypatch.setenv("DESCENT_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("DESCENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DESCENT_RUNS", str(tmp_path / "runs"))
    yield small_course


def html(page: StartPage) -> str:
    return render("start.html", "/", page=page)


def text(page: StartPage) -> str:
    """Return what a person reads, white space evened out."""
    main = html(page).partition("<main")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", main).split())


def do(chapter: str, *exercises: str) -> None:
    store = ProgressStore()
    store.record_start(chapter)
    for exercise in exercises:
        store.record_check(chapter, exercise, "correct")


# --- what it says -------------------------------------------------------------------------------


def test_who_has_done_nothing_is_told_how_to_begin_and_with_what(course: Path) -> None:
    page = start_page()
    assert page.is_new
    assert "Begin here 1 One &lt;weight&gt; &amp; no more" in text(page)
    assert '<details class="how" id="how" open>' in html(page)
    assert "No notebook is open, and no training run is going on." in text(page)


def test_every_text_is_escaped(course: Path) -> None:
    session = {
        "path": "<script>alert(1)</script>.ipynb",
        "type": "notebook",
        "kernel": {"execution_state": "<b>"},
    }
    shown = html(start_page([session]))
    assert "<weight>" not in shown
    assert "<script>alert" not in shown and "kernel <b>" not in shown


def test_what_is_next_is_what_the_progress_command_says(course: Path) -> None:
    for done in ((), ("predict",), EVERY_EXERCISE):
        do("ladder/01_one", *done)
        page, table = start_page(), progress_table()
        assert page.table.suggestion == table.suggestion
        assert table.next_step is not None
        step = table.next_step
        assert f"{step.row.chapter.number} {step.row.chapter.title}" in text(page).replace(
            "&lt;", "<"
        ).replace("&gt;", ">").replace("&amp;", "&")
        assert table.total_text in text(page)
    assert "Go on with 2 Two" in text(start_page()) or "Next 2 Two" in text(start_page())


def test_where_all_is_done_it_says_so(course: Path) -> None:
    for chapter in ("ladder/01_one", "ladder/02_two", "foundations/1_algebra"):
        do(chapter, *EVERY_EXERCISE)
    page = start_page()
    assert page.percent == 100
    assert "Every chapter is done." in text(page)


def test_chapters_stand_by_part_and_say_what_they_wait_for(course: Path) -> None:
    page = start_page()
    assert [part.title for part in page.parts] == ["The ladder", "Foundations"]
    [first, second, algebra] = page.table.rows
    assert page.state_text(second) == "after 1"
    assert page.state_text(algebra) == "after 2"
    do("ladder/01_one", *EVERY_EXERCISE)
    assert [start_page().state_text(row) for row in start_page().table.rows] == [
        "done",
        "open",
        "after 2",
    ]
    assert [part.done for part in start_page().parts] == [1, 0]


def test_open_notebooks_are_named_by_their_chapter(course: Path) -> None:
    sessions = [
        {"path": "x/mine 1.ipynb", "type": "notebook", "kernel": {"execution_state": "idle"}},
        {"path": "ladder/02_two.ipynb", "type": "notebook", "kernel": {"execution_state": "busy"}},
        {"path": "ladder/02_two.ipynb", "type": "notebook", "kernel": None},
        {"path": "console-1", "type": "console", "kernel": {"execution_state": "idle"}},
    ]
    found = start_page(sessions[:2] + sessions[3:]).notebooks
    assert [(one.title, one.state) for one in found] == [
        ("2 · Two", "busy"),
        ("mine 1.ipynb", "idle"),
    ]
    assert 'href="/lab/tree/x/mine%201.ipynb"' in html(start_page(sessions))
    assert start_page([sessions[2]]).notebooks[0].state == "unknown"


class FakeRun(SimpleNamespace):
    """A run as the page asks for it."""

    def status(self) -> SimpleNamespace:
        return SimpleNamespace(state=self.state)

    def step(self) -> int:
        return 30

    def steps(self) -> int:
        return 120


def test_runs_that_are_going_on_are_shown_with_a_way_to_their_report(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from descent.runs.folder import finding

    names = {"going": "running", "ended": "finished", "new": "starting"}
    runs = [
        FakeRun(id=name, state=state, report=tmp_path / "runs" / name / "report.ipynb")
        for name, state in names.items()
    ]
    runs[0].report.parent.mkdir(parents=True)
    runs[0].report.write_text("{}", "utf-8")
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(finding, "all_runs", lambda: runs)
    page = start_page()
    assert [(run.id, run.percent) for run in page.runs] == [("going", 25), ("new", 25)]
    assert [run.report for run in page.runs] == ["runs/going/report.ipynb", None]
    assert (tmp_path / "work" / str(page.runs[0].report)).is_file()
    assert "running, step 30 of 120 (25 %)" in text(page)


def test_the_page_needs_no_torch(course: Path) -> None:
    code = (
        "import sys\nfrom descent.serving.start_page.content import start_page\nstart_page()\n"
        "print('torch' in sys.modules, 'IPython' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# --- from a server ------------------------------------------------------------------------------


def ask(served, path: str, token: bool = True) -> tuple[HTTPResponse, str]:
    """Get a page; redirects are not followed."""
    with closing(HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)) as connection:
        headers = {"Authorization": f"token {served.token}"} if token else {}
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response, response.read().decode("utf-8", "replace")


@pytest.mark.parametrize(
    "path", ["/descent/start", "/descent/open/ladder/02_two", "/descent/static/pages.css"]
)
def test_without_the_login_nothing_is_shown_or_made(served, small_course: Path, path: str) -> None:
    response, _ = ask(served, path, token=False)
    assert response.status in (302, 403)
    assert not (small_course / "work" / "ladder" / "02_two.ipynb").exists()


def test_the_page_comes_with_its_files_and_nothing_from_elsewhere(served) -> None:
    response, page = ask(served, "/descent/start")
    assert response.status == 200
    assert response.getheader("Content-Security-Policy", "").startswith("default-src 'none'; ")
    assert response.getheader("Cache-Control") == "no-store"
    addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert addresses and all(address.startswith("/") for address in addresses)
    for address in {address for address in addresses if "/static/" in address}:
        assert ask(served, address)[0].status == 200
    assert not re.search(r"https?://|<style|style=|onclick=", page)


def test_a_chapter_is_made_the_first_time_it_is_opened_and_never_overwritten(
    served, small_course: Path
) -> None:
    copy = small_course / "work" / "ladder" / "01_one.ipynb"
    assert not copy.exists()
    response, _ = ask(served, "/descent/open/ladder/01_one")
    assert (response.status, response.getheader("Location")) == (
        302,
        "/lab/tree/ladder/01_one.ipynb",
    )
    assert copy.read_bytes() == (small_course / "notebooks/ladder/01_one.ipynb").read_bytes()
    copy.write_text("mine", "utf-8")
    assert ask(served, "/descent/open/ladder/01_one")[0].status == 302
    assert copy.read_text("utf-8") == "mine"
    assert "Go on with" in ask(served, "/descent/start")[1]


@pytest.mark.parametrize("name", ["ladder/99_none", "..%2f/1_x", "ladder/1_<b>"])
def test_a_chapter_that_is_none_is_said_in_a_sentence(served, name: str) -> None:
    response, page = ask(served, f"/descent/open/{name}")
    assert response.status == 404
    assert "<b>" not in page and "Traceback" not in page


def test_jupyterlab_is_given_the_start_tab_and_tabs_of_its_own(served, small_course: Path) -> None:
    assert "descent-start" in ask(served, "/lab")[1]
    script = ask(served, "/lab/extensions/descent-start/static/start-tab.js")
    assert script[0].status == 200 and "descent/start" in script[1]
    response, _ = ask(served, "/lab/api/workspaces/")
    assert response.status == 200


# --- the learner's folder -----------------------------------------------------------------------


def test_the_folder_is_made_with_a_note_for_assistants_that_is_not_written_twice(
    tmp_path: Path,
) -> None:
    work = tmp_path / "a" / "work"
    furnish(work)
    note = work / "AGENTS.md"
    assert "Never write an exercise's answer" in note.read_text("utf-8")
    note.write_text("my own words", "utf-8")
    furnish(work)
    assert note.read_text("utf-8") == "my own words"


def test_a_folder_that_is_a_link_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work").symlink_to(tmp_path / "elsewhere")
    furnish(tmp_path / "work")
    assert (tmp_path / "elsewhere" / "AGENTS.md").exists()
    assert (tmp_path / "work").is_symlink()


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file", "utf-8")
    with pytest.raises(CourseError, match="work: cannot be made"):
        furnish(tmp_path / "work")


def test_runs_are_linked_and_the_link_follows_them(tmp_path: Path) -> None:
    work, old, new = tmp_path / "work", tmp_path / "old", tmp_path / "new"
    for folder in (work, old, new):
        folder.mkdir()
    assert link_runs(work, old) == work / "runs"
    assert link_runs(work, new) == work / "runs"
    assert (work / "runs").samefile(new)


def test_a_learners_own_runs_folder_is_left_alone(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "runs").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    assert link_runs(work, tmp_path / "runs") is None
    assert not (work / "runs").is_symlink()


# --- today --------------------------------------------------------------------------------------


def test_a_new_learner_sees_how_to_begin_a_clock_and_a_plan(course: Path) -> None:
    shown = text(start_page())
    assert "0 min worked this week" in shown and "No clock runs." in shown
    assert "No card is due today" in shown and "No plan is chosen" in shown


def test_the_clock_that_runs_and_the_hours_are_on_the_page(course: Path) -> None:
    half_an_hour_ago = time.time() - 1800
    begin("ladder/01_one", at=datetime.fromtimestamp(half_an_hour_ago).strftime("%H:%M"))
    page = start_page()
    assert "The clock runs for 1 · One &lt;weight&gt;" in text(page)
    stop()
    shown = text(start_page())
    assert "No clock runs." in shown
    worked = re.search(r"(\d+) min worked this week", shown)
    assert worked is not None
    # The clock began with a whole minute, and a busy machine takes its time.
    assert 30 <= int(worked[1]) <= (time.time() - half_an_hour_ago) / 60 + 2


def test_cards_that_are_due_lead_to_the_review(course: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        today, "make_deck", lambda *_: SimpleNamespace(pile=(1, 2), waiting=(1,), later=())
    )
    page = start_page()
    assert "2 cards to recall today, 1 more on the next days Recall them" in text(page)
    assert "/book/book/review.html" in html(page)


def test_a_plan_that_the_course_cannot_make_any_more_is_said_and_takes_nothing_down(course: Path):
    ProgressStore().record("plan", "", "", goal="ladder/99_gone")
    assert "The plan" in text(start_page())
