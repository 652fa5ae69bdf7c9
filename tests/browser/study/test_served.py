"""The pages under ``make start``: what is done in them is in the record of the course."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from programs import Program

from descent.serving.addresses import free_port
from descent.serving.book import html_folder
from descent.study.store import ProgressStore

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_choosing"
LOCAL = "JSON.parse(localStorage.getItem('descent.record.v1') ?? '[]').length"


class Server:
    """The server of the small course, which a test may stop and start again at one address."""

    def __init__(self, course: Path, home: Path) -> None:
        self.course, self.port = course, free_port(9600)
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        self.environment = {
            **os.environ,
            **{name: str(home / name.lower()) for name in names},
            "DESCENT_COURSE": str(course),
            "DESCENT_HOME": str(home / "descent"),
            "DESCENT_WORK": str(home / "work"),
            "PYTHONUNBUFFERED": "1",
        }
        self.store = ProgressStore(home / "descent" / "progress.sqlite3")

    def run(self) -> Program:
        command = [
            sys.executable,
            "-m",
            "descent.serving",
            "--no-browser",
            "--port",
            str(self.port),
        ]
        return Program(command, self.course, self.environment)

    def address(self, program: Program, page: str) -> str:
        found = program.wait_until_it_says(r"The book +(http\S+)/book/\?(token=\w+)\n")
        return f"{found[1]}/book/{page}?{found[2]}"


@pytest.fixture
def server(course: Path, tmp_path: Path) -> Server:
    return Server(course, tmp_path)


@pytest.fixture
def running(server: Server) -> Iterator[Program]:
    with server.run() as program:
        yield program


def answer(page: Page, item: str, button: str) -> None:
    card = page.locator(f".descent-recall details[data-item={item}]")
    card.locator("summary").click()
    card.get_by_role("button", name=button).click()
    expect(card.get_by_role("status")).not_to_be_empty()


def test_what_is_done_in_a_page_is_in_the_record_and_back_after_a_reload(
    server: Server, running: Program, visit: Callable[..., Any]
) -> None:
    server.store.record("predict", CHAPTER, "gap", value=0.5, sure=0.6)  # as the notebook does
    visited = visit(server.address(running, f"solutions/{CHAPTER}.html"))
    page: Page = visited.page
    expect(page.get_by_text("You said 0.5, 60 % sure. It is 0.05.")).to_be_visible()
    answer(page, "shift", "I knew it")
    page.get_by_role("textbox", name="Explain the NaN").fill("exp overflows.")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_function(f"{LOCAL} === 0")  # all has arrived
    events = server.store.events()
    assert [event.kind for event in events] == ["predict", "outcome", "review", "write"]
    assert events[1].data == {"value": 0.05}
    assert events[2].data["remembered"] is True and events[2].exercise == "shift"
    assert events[3].data == {"text": "exp overflows."}

    page.reload()
    expect(page.get_by_role("textbox", name="Explain the NaN")).to_have_value("exp overflows.")
    expect(page.locator(".descent-card[data-item=shift] [role=status]")).to_contain_text(
        "You knew it."
    )
    page.goto(page.url.replace(f"solutions/{CHAPTER}", "book/review"))
    expect(
        page.get_by_text("It is kept on this machine, in the record of the course")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Delete all")).to_be_hidden()
    assert visited.errors == [] and visited.outside == []


def test_what_could_not_be_sent_waits_and_is_sent_the_next_time(
    server: Server, visit: Callable[..., Any]
) -> None:
    with server.run() as program:
        address = server.address(program, f"solutions/{CHAPTER}.html")
        page: Page = visit(address).page
        answer(page, "shift", "I knew it")
        page.wait_for_function(f"{LOCAL} === 0")
    answer(page, "overflow", "Not yet")
    expect(page.locator(".descent-notice")).to_contain_text("The course’s server does not answer.")
    assert page.evaluate(LOCAL) == 1
    assert [event.exercise for event in server.store.events()] == ["shift"]
    with server.run() as program:
        page.goto(server.address(program, "book/review.html"))
        page.wait_for_function(f"{LOCAL} === 0")
    assert [event.exercise for event in server.store.events()] == ["shift", "overflow"]


def test_an_event_that_is_refused_does_not_hold_up_the_others(
    server: Server, running: Program, visit: Callable[..., Any]
) -> None:
    page: Page = visit(server.address(running, "book/review.html")).page
    page.evaluate(
        """(chapter) => descentRecord.merge(
          ["good", "b".repeat(300), "also"].map((item, at) => JSON.stringify(
            { uid: `u${at}`, at: 1.7e9 + at, kind: "review", chapter, exercise: item, data: {} },
          )).join("\\n"))""",
        CHAPTER,
    )
    expect(page.locator(".descent-notice")).to_contain_text("The server did not take something")
    page.wait_for_function(f"{LOCAL} === 1")
    assert [event.exercise for event in server.store.events()] == ["good", "also"]


def test_a_host_that_is_no_server_of_ours_is_taken_as_a_browser_alone(
    course: Path, tmp_path: Path, visit: Callable[..., Any]
) -> None:
    root = tmp_path / "host"
    shutil.copytree(html_folder(course), root / "book")
    port = free_port(9700)
    command = [sys.executable, "-u", "-m", "http.server", "-b", "127.0.0.1", str(port)]
    with Program(command, root, os.environ) as host:
        host.wait_until_it_says("Serving HTTP")
        page: Page = visit(f"http://127.0.0.1:{port}/book/book/review.html").page
        expect(page.get_by_text("It is kept in this browser")).to_be_visible()
        page.evaluate("descentRecord.add('review', 'c', 'i', { remembered: true })")
        page.reload()
        expect(page.get_by_text("Your record has 1 entry.")).to_be_visible()
        expect(page.locator(".descent-notice")).to_have_count(0)
