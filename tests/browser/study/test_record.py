"""The record in a browser: nothing is lost, it goes into a file and comes out of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from descent.study.events import events_from
from descent.study.store import ProgressStore

pytestmark = pytest.mark.browser

CHAPTER = "ladder/04_choosing"
ADD = "(item) => descentRecord.add('review', 'ladder/04_choosing', item, { remembered: true })"
UIDS = "descentRecord.events().map(({ uid }) => uid)"


@pytest.fixture
def address(pages: Path) -> str:
    """Return the address of the page that shows the record, on disk."""
    return (pages / "book/review.html").as_uri()


@pytest.fixture
def page(visit: Callable[..., Any], address: str) -> Page:
    return visit(address).page


def save(page: Page, folder: Path) -> Path:
    """Save the record to a file, as the reader does."""
    with page.expect_download() as started:
        page.get_by_role("button", name="Save to a file").click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def load(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)


def test_a_file_takes_the_record_to_another_browser_and_to_the_course(
    page: Page, visit: Callable[..., Any], address: str, tmp_path: Path
) -> None:
    for item in ("shift", "shapes"):
        page.evaluate(ADD, item)
    path = save(page, tmp_path)
    assert path.suffix == ".jsonl"

    other: Page = visit(address).page
    other.evaluate(ADD, "overflow")
    load(other, path)
    expect(other.get_by_text("2 entries are new; 0 were here already.")).to_be_visible()
    expect(other.get_by_text("Your record has 3 entries.")).to_be_visible()
    load(other, path)
    expect(other.get_by_text("0 entries are new; 2 were here already.")).to_be_visible()
    other.reload()
    assert set(page.evaluate(UIDS)) < set(other.evaluate(UIDS))

    lines = path.read_text("utf-8").splitlines()
    store = ProgressStore(tmp_path / "progress.sqlite3")
    assert store.merge(map(json.loads, lines)) == 2
    assert [event.data for event in store.events()] == [{"remembered": True}] * 2
    assert {event.uid for event in store.events()} == set(page.evaluate(UIDS))


def test_a_file_of_the_course_is_understood_and_its_broken_lines_are_counted(
    page: Page, tmp_path: Path
) -> None:
    store = ProgressStore(tmp_path / "progress.sqlite3")
    store.record_check(CHAPTER, "softmax", "correct", seconds=0.2)
    [event] = store.events()
    path = tmp_path / "record.jsonl"
    path.write_text(f'{json.dumps(vars(event))}\n{{"uid": "cut sho\n', "utf-8")
    load(page, path)
    expect(page.get_by_text("1 line could not be read and was passed over.")).to_be_visible()
    assert events_from(page.evaluate("descentRecord.events()")) == [event]


def test_a_file_of_something_else_changes_nothing(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader\n", "utf-8")
    load(page, path)
    expect(page.get_by_text("letter.txt holds no entry of a record.")).to_be_visible()
    assert page.evaluate("descentRecord.events()") == []


def test_all_is_deleted_only_after_a_second_word(page: Page) -> None:
    page.evaluate(ADD, "shift")
    page.evaluate("descentRecord.keepDraft('c', 'i', 'a draft')")
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing was deleted.")).to_be_visible()
    assert len(page.evaluate("descentRecord.events()")) == 1
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("1 entry deleted.")).to_be_visible()
    page.reload()
    assert page.evaluate("descentRecord.events()") == []
    assert page.evaluate("Object.keys(localStorage).filter((name) => /^descent/.test(name))") == []


def test_two_windows_write_to_one_record(page: Page, address: str) -> None:
    other = page.context.new_page()
    other.goto(address)
    for number in range(3):
        page.evaluate(ADD, f"a{number}")
        other.evaluate(ADD, f"b{number}")
    for window in (page, other):
        expect(window.get_by_text("Your record has 6 entries.")).to_be_visible()
    assert page.evaluate(UIDS) == other.evaluate(UIDS)
    other.close()
    page.reload()
    expect(page.get_by_text("Your record has 6 entries.")).to_be_visible()


def test_what_two_windows_write_in_the_same_moment_is_all_kept(page: Page, address: str) -> None:
    other = page.context.new_page()
    other.goto(address)
    other.evaluate(ADD, "theirs")
    expect(page.get_by_text("Your record has 1 entry.")).to_be_visible()
    page.evaluate(ADD, "ours")
    # A window that has not seen our entry writes its own: ours is gone from the storage.
    other.evaluate(
        """() => localStorage.setItem("descent.record.v1", JSON.stringify(
          JSON.parse(localStorage.getItem("descent.record.v1")).filter(
            ({ exercise }) => exercise !== "ours")))"""
    )
    page.wait_for_function(
        "JSON.parse(localStorage.getItem('descent.record.v1')).some((e) => e.exercise === 'ours')"
    )
    for window in (page, other):
        expect(window.get_by_text("Your record has 2 entries.")).to_be_visible()


def test_what_is_deleted_in_one_window_is_gone_in_the_other(page: Page, address: str) -> None:
    other = page.context.new_page()
    other.goto(address)
    page.evaluate(ADD, "one")
    expect(other.get_by_text("Your record has 1 entry.")).to_be_visible()
    other.get_by_role("button", name="Delete all").click()
    other.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Your record has 0 entries.")).to_be_visible()
    page.reload()
    assert page.evaluate("descentRecord.events()") == []


@pytest.mark.parametrize(
    "is_full, words",
    [
        ("true", "lets the page keep nothing"),
        ("this[name]", "storage that this browser gives the book is full"),
    ],
    ids=["from the first", "at the second"],
)
def test_where_nothing_can_be_stored_the_reader_is_told_and_can_save_a_file(
    page: Page, tmp_path: Path, is_full: str, words: str
) -> None:
    page.evaluate(
        f"""() => {{
          const keep = Storage.prototype.setItem;
          Storage.prototype.setItem = function (name, text) {{
            if ({is_full}) throw new DOMException("full", "QuotaExceededError");
            keep.call(this, name, text);
          }};
        }}"""
    )
    page.evaluate(ADD, "one")
    page.evaluate(ADD, "two")
    expect(page.locator(".descent-notice")).to_contain_text(words)
    expect(page.get_by_text("Your record has 2 entries.")).to_be_visible()
    assert len(save(page, tmp_path).read_text("utf-8").splitlines()) == 2


def test_without_any_storage_the_page_works_and_says_so(
    visit: Callable[..., Any], address: str
) -> None:
    visited = visit("about:blank")
    visited.page.add_init_script(
        """Object.defineProperty(window, "localStorage", {
          get() { throw new DOMException("no", "SecurityError"); },
        })"""
    )
    visited.page.goto(address)
    visited.page.evaluate(ADD, "one")
    expect(visited.page.get_by_text("Your record has 1 entry.")).to_be_visible()
    expect(visited.page.locator(".descent-notice")).to_contain_text("keep nothing")
    visited.page.get_by_role("button", name="Close").click()
    expect(visited.page.locator(".descent-notice p")).to_have_count(0)


def test_a_damaged_record_is_put_aside_and_one_of_a_newer_book_left_alone(page: Page) -> None:
    page.evaluate("localStorage.setItem('descent.record.v1', '[{\"uid\": ')")
    page.reload()
    page.evaluate(ADD, "one")
    expect(page.locator(".descent-notice")).to_contain_text("could not be read. It was put aside")
    assert page.evaluate("localStorage.getItem('descent.record.v1.damaged')") == '[{"uid": '
    assert len(page.evaluate("descentRecord.events()")) == 1

    newer = '{"layout": 2, "events": []}'
    page.evaluate("(text) => localStorage.setItem('descent.record.v1', text)", newer)
    page.reload()
    page.evaluate(ADD, "two")
    expect(page.locator(".descent-notice")).to_contain_text("made by a newer version of the book")
    assert page.evaluate("localStorage.getItem('descent.record.v1')") == newer
    assert len(page.evaluate("descentRecord.events()")) == 1


def test_what_was_renamed_keeps_its_history(page: Page) -> None:
    page.evaluate("descentRecord.add('review', 'ladder/04_old', 'moved', { remembered: true })")
    expect(page.locator(".descent-due")).to_contain_text("There are no cards for you yet.")
    page.evaluate(
        """() => {
          window.DESCENT_FORMER_IDS = {
            "ladder/04_old": "ladder/04_new", "ladder/04_new": "ladder/04_choosing",
            "ladder/04_choosing/moved": "ladder/04_choosing/shift",
          };
          descentRecord.add("hint", "another", "thing", {}); // so that the page looks again
        }"""
    )
    expect(page.locator(".descent-due")).to_contain_text("Nothing is due today. Next: 1 card on ")


def test_ten_thousand_answers_fit_into_the_storage(page: Page) -> None:
    page.evaluate(
        """() => descentRecord.merge(Array.from({ length: 10000 }, (_, i) => JSON.stringify({
          uid: `u${i}`, at: 1.7e9 + 3000 * i, kind: "review", chapter: "ladder/04_choosing",
          exercise: ["shift", "overflow", "shapes"][i % 3],
          data: { remembered: i % 5 > 0, seconds: 4.2, where: "review" },
        })).join("\\n"))"""
    )
    page.clock.set_fixed_time(1.8e9)  # more than a year after the last
    page.reload()
    expect(page.get_by_text("Your record has 10000 entries.")).to_be_visible()
    expect(page.locator(".descent-due")).to_contain_text("Due today: 3 cards.")
