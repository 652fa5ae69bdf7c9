"""The page "Your way", as a learner uses it: by keyboard, with a record, on a phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

TWO, GOAL = "ladder/02_two", "research/1_goal"
KEY = "descent.record.v1"
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Visited(Protocol):
    page: Page
    errors: list[str]
    outside: list[str]

    def close(self) -> None: ...


@pytest.fixture
def open_plan(visit: Callable[..., Visited], plan_page: str) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the page; nothing may fail, and nothing may leave the page."""
    opened: list[Visited] = []

    def open_it(
        address: str = "", events: list[dict[str, Any]] | None = None, **window: Any
    ) -> Page:
        visited = visit("about:blank", **window)
        opened.append(visited)
        if events:
            stored = json.dumps(json.dumps(events))
            visited.page.add_init_script(
                f"localStorage.getItem('{KEY}') ?? localStorage.setItem('{KEY}', {stored})"
            )
        visited.page.goto(plan_page + address)
        return visited.page

    yield open_it
    for visited in opened:
        assert visited.errors == []
        assert visited.outside == []
        visited.close()


def event(
    number: int, kind: str, chapter: str = "", item: str = "", **fields: Any
) -> dict[str, Any]:
    made = {"uid": f"e{number}", "at": float(number), "kind": kind, "chapter": chapter}
    return made | {"exercise": item, "outcome": None, "mistake": None, "seconds": 0} | fields


def correct(number: int, chapter: str, exercise: str) -> dict[str, Any]:
    return event(number, "check", chapter, exercise, outcome="correct")


def stored_plans(page: Page) -> list[dict[str, Any]]:
    text = page.evaluate(f"() => localStorage.getItem('{KEY}')") or "[]"
    return [one["data"] for one in json.loads(text) if one["kind"] == "plan"]


def chapters_of(page: Page) -> list[str]:
    """The chapters of the plan, with the line where the hours end."""
    rows = page.locator(".plan-chapters > li").all()
    return [row.locator(".name > :first-child").inner_text() if row.locator(".name").count()
            else row.inner_text() for row in rows]  # fmt: skip


def stop(page: Page, chapter: str) -> Locator:
    return page.locator(f'.course-map a[data-chapter="{chapter}"]')


def test_an_address_makes_a_plan(open_plan):
    page = open_plan("#goal=research/1&hours=5")
    expect(page.locator("#plan-title")).to_have_text("To R1 · The goal")
    expect(page.locator("#plan-say")).to_have_text(
        "The shortest way takes 16 h: 4 sections in 3 chapters. "
        "5 h carry you into 2 · Two weights, to the end of “The shape”."
    )
    assert chapters_of(page) == ["1 · One weight", "2 · Two weights", "R1 · The goal"]
    sections = page.locator(".plan-chapters details li")
    expect(sections).to_have_text(
        ["The shape (to do)2 h4 h", "your 5 h end here", "The slope (to do)2 h6 h"]
    )
    link = page.get_by_role("link", name="The slope").first
    assert link.get_attribute("href") == f"../solutions/{TWO}.html#the-slope"
    expect(
        page.get_by_text("Can wait, since nothing on this way needs it: An aside.")
    ).to_be_visible()
    expect(page.get_by_text("What fits is 1 · One weight, 2 h.")).to_be_visible()


def test_a_chapter_that_is_not_written_names_what_stands_in_for_it(open_plan):
    page = open_plan("#goal=research/1")
    note = page.locator(f'.plan-chapters > li[data-chapter="{GOAL}"] .note')
    expect(note).to_have_text(
        "Not written yet. Until then: A big book. Do: chapter 1. Skip: the rest."
    )
    assert note.get_by_role("link").get_attribute("href") == "https://e.org/b"
    expect(
        page.get_by_text("F1 · First things: what comes after First things (10 h)")
    ).to_be_visible()


def test_a_plan_is_made_by_keyboard_and_kept(open_plan):
    page = open_plan()
    field = page.get_by_role("combobox", name="Where to")
    field.focus()
    page.keyboard.type("go")
    expect(page.get_by_role("option")).to_have_text(["R1 · The goal"])
    assert field.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    active = field.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_text("R1 · The goal")
    page.keyboard.press("Enter")
    assert field.input_value() == "R1 · The goal"
    page.keyboard.press("Tab")
    page.keyboard.type("20,5")
    page.keyboard.press("Enter")
    expect(page.locator("#plan-say")).to_have_text(
        "The shortest way takes 16 h: 4 sections in 3 chapters. It fits, with 4 h 30 to spare."
    )
    assert page.url.endswith("#goal=research/1&hours=20.5")
    assert stored_plans(page) == [{"goal": GOAL, "hours": 20.5, "known": []}]


def test_a_section_is_a_goal_too_for_who_types_its_name(open_plan):
    page = open_plan()
    field = page.get_by_role("combobox", name="Where to")
    field.click()
    expect(page.get_by_role("option")).to_have_count(6)  # one route and five chapters
    field.fill("slope")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#plan-title")).to_have_text("To 2 · Two weights, “The slope”")
    assert page.url.endswith("#goal=ladder/02%23slope")
    page.reload()
    assert field.input_value() == "The slope, in 2"
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator("#plan-say")).to_have_text(
        "The shortest way takes 6 h: 3 sections in 2 chapters."
    )


def test_the_plan_of_the_terminal_is_shown_when_nothing_is_asked_for(open_plan):
    plan = event(1, "plan", data={"goal": GOAL, "hours": 7, "known": ["ladder/01_one"]})
    page = open_plan(events=[plan])
    expect(page.locator("#plan-title")).to_have_text("To R1 · The goal")
    assert page.get_by_label("Hours you have").input_value() == "7"
    expect(page.get_by_text("You said that you know 1 · One weight")).to_be_visible()


@pytest.mark.parametrize("data", [
    {"goal": "research/99_gone"}, {"goal": 7, "hours": "many"}, {"route": "lost"}, {},
])  # fmt: skip
def test_a_plan_that_the_course_does_not_have_any_more_is_passed_over(open_plan, data):
    page = open_plan(events=[event(1, "plan", data=data)])
    expect(page.locator("#plan-result a").first).to_have_text("The short route")
    expect(page.locator("#plan-goal-wrong")).to_be_hidden()


@pytest.mark.parametrize(
    ("goal", "hours", "said"),
    [
        ("nowhere", "", "Nothing here is called “nowhere”. Choose one from the list."),
        ("weight", "", "could be 1 · One weight, or 2 · Two weights, or 3 · Three weights."),
        ("", "5", "Choose one from the list."),
        ("R1", "-3", "“-3” is no number of hours above zero. Write 24 or 1.5, or leave it empty."),
        ("R1", "1e300", "“1e300” is too many hours. Write 24 or 1.5, or leave it empty."),
        ("R1", "soon", "“soon” is no number of hours above zero."),
    ],
)
def test_bad_input_is_told_and_keeps_nothing(open_plan, goal, hours, said):
    page = open_plan()
    page.get_by_role("combobox", name="Where to").fill(goal)
    page.get_by_label("Hours you have").fill(hours)
    page.get_by_role("button", name="Make the plan").click()
    expect(page.locator(".plan-wrong:visible")).to_contain_text(said)
    expect(page.locator("[aria-invalid=true]")).to_be_focused()
    assert stored_plans(page) == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("#goal=research/99", "There is no chapter “research/99”. Choose one from the list."),
        ("#route=home", "There is no route “home” to follow. Choose one from the list."),
        ("#route=backwards", "There is no route “backwards” to follow. Choose one from the list."),
        ("#goal=research/1&hours=none", "“none” is no number of hours above zero."),
    ],
)
def test_a_slip_in_the_address_is_told(open_plan, address, said):
    page = open_plan(address)
    expect(page.locator(".plan-wrong:visible")).to_contain_text(said)


def test_a_route_says_who_it_is_for_and_what_it_takes_for_granted(open_plan):
    page = open_plan("#route=short&hours=2")
    expect(page.locator("#plan-title")).to_have_text("The short route")
    expect(page.get_by_text("For you if you are in a hurry.")).to_be_visible()
    expect(page.locator("#plan-say")).to_have_text(
        "The route takes 5 h: 2 sections in 2 chapters. 2 h carry you to the end of "
        "1 · One weight. A good place to stop is after 1 · One weight: a line."
    )
    assert chapters_of(page) == ["1 · One weight", "your 2 h end here", "R1 · The goal"]
    expect(page.get_by_role("heading", name="Taken for granted")).to_be_visible()
    expect(page.locator("#plan-result ul.plan-list")).to_contain_text("2 · Two weights")


def test_what_is_done_and_begun_comes_from_the_record(open_plan):
    events = [
        correct(1, "ladder/01_one", "fit"),
        correct(2, TWO, "shape"),
        event(3, "check", TWO, "slope", outcome="not right yet"),
    ]
    page = open_plan("#goal=research/1", events)
    expect(page.locator("#plan-say")).to_have_text(
        "The shortest way takes 12 h: 2 sections in 2 chapters."
    )
    assert stop(page, "ladder/01_one").get_attribute("data-state") == "done"
    assert stop(page, TWO).get_attribute("data-state") == "begun"
    assert "in progress, on your way" in (stop(page, TWO).get_attribute("aria-label") or "")
    assert stop(page, GOAL).get_attribute("data-state") == "todo"
    ready = page.locator("#plan-open li strong")
    expect(ready).to_have_text(["2 · Two weights", "F1 · First things"])
    expect(page.locator("#plan-open li").first).to_contain_text("go on with The slope")


def test_what_happens_elsewhere_is_seen_at_once(open_plan):
    page = open_plan("#goal=research/1")
    page.evaluate("() => window.descentRecord.add('check', 'ladder/01_one', 'fit', {})")
    assert stop(page, "ladder/01_one").get_attribute("data-state") == "begun"


def test_what_a_learner_knows_needs_nothing_any_more_until_it_is_taken_back(open_plan):
    page = open_plan("#goal=research/1&hours=20")
    two = page.locator(f'.plan-chapters > li[data-chapter="{TWO}"]')
    two.locator("summary").click()
    two.get_by_role("button", name="I know this already").click()
    expect(page.locator("#plan-say")).to_contain_text("10 h: 1 section in 1 chapter.")
    assert stored_plans(page)[-1] == {"goal": GOAL, "hours": 20, "known": [TWO]}
    page.reload()
    expect(page.locator("#plan-say")).to_contain_text("10 h: 1 section in 1 chapter.")
    page.get_by_role("button", name="take back").click()
    expect(page.locator("#plan-say")).to_contain_text("16 h: 4 sections in 3 chapters.")
    assert stored_plans(page)[-1]["known"] == []


def test_the_map_shows_the_way_and_the_neighbours(open_plan):
    page = open_plan("#goal=research/1")
    way = page.locator('.course-map a[data-plan="on"], .course-map a[data-plan="goal"]')
    assert {one.get_attribute("data-chapter") for one in way.all()} == {
        "ladder/01_one", TWO, GOAL,
    }  # fmt: skip
    stop(page, TWO).focus()
    near = page.locator(".course-map a[data-near]")
    found = {
        one.get_attribute("data-chapter"): one.get_attribute("data-near") for one in near.all()
    }
    assert found == {
        "ladder/01_one": "before", TWO: "self", "ladder/03_three": "after", GOAL: "after",
    }  # fmt: skip
    expect(page.locator(".course-map path.lit")).to_have_count(3)
    stop(page, TWO).blur()
    expect(near).to_have_count(0)


def test_a_chapter_of_the_map_says_what_it_is_for_and_leads_to_a_plan(open_plan):
    page = open_plan("#route=short&hours=8")
    stop(page, TWO).click()
    about = page.locator("#plan-about")
    expect(about.locator("h3")).to_be_focused()
    expect(about).to_contain_text("For what comes after Two weights.")
    expect(about).to_contain_text("It needs: 1 · One weight.")
    expect(about).to_contain_text("The slope (to do): The slope is used later")
    later = about.locator("h4:text('What needs it later') + ul")
    expect(later.locator("strong")).to_have_text(["3 · Three weights", "R1 · The goal"])
    expect(page.locator("#plan-title")).to_have_text("The short route")
    about.get_by_role("link", name="Plan a way to it").click()
    expect(page.locator("#plan-title")).to_have_text("To 2 · Two weights")
    assert page.url.endswith("#goal=ladder/02&hours=8")
    page.go_back()
    expect(page.locator("#plan-title")).to_have_text("The short route")


def test_stuck_leads_back_to_the_sections_that_supply_it(open_plan):
    page = open_plan()
    page.get_by_role("combobox", name="I am stuck in").fill("broadcast")
    page.keyboard.press("Enter")
    page.get_by_label("in the section").select_option("The slope")
    result = page.locator("#stuck-result")
    expect(result.locator("h4")).to_have_text(["It stands on", "And that on"])
    expect(result.locator("li strong")).to_have_text(["The shape", "1 · One weight"])
    link = result.get_by_role("link", name="The shape")
    assert link.get_attribute("href") == f"../solutions/{TWO}.html#the-shape"
    page.get_by_role("combobox", name="I am stuck in").fill("F1")
    page.keyboard.press("Enter")
    expect(result).to_contain_text("It needs nothing that this course teaches.")


def test_a_phone_has_the_map_as_a_list_with_the_same_links(open_plan):
    page = open_plan("#goal=research/1&hours=5&about=ladder/02", width=360, height=740)
    expect(page.locator(".course-map")).to_be_hidden()
    items = page.locator(".course-list li[data-chapter]")
    expect(items).to_have_count(5)
    expect(items.filter(has_text="R1 · The goal")).to_contain_text("on your way")
    drawn = page.locator(".course-map a").all()
    addresses = {one.get_attribute("data-chapter"): one.get_attribute("href") for one in drawn}
    for link in page.locator(".course-list a").all():
        assert addresses[link.get_attribute("data-chapter")] == link.get_attribute("href")
    assert not page.evaluate(WIDER)
    page.set_viewport_size({"width": 1200, "height": 800})
    expect(page.locator(".course-map")).to_be_visible()
    expect(items.first).to_be_hidden()


def test_the_keyboard_gets_past_the_map_and_keeps_the_plan(open_plan):
    page = open_plan("#goal=research/1&hours=5")
    past = page.get_by_role("link", name="Past the map")
    past.focus()
    expect(past).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = page.evaluate("() => document.activeElement.closest('#plan-open') !== null")
    assert focused
    page.evaluate("() => window.descentRecord.add('start', 'ladder/01_one', '', {})")
    expect(page.locator("#plan-title")).to_have_text("To R1 · The goal")


def test_a_plan_follows_what_was_renamed(open_plan):
    data = {"goal": "ladder/07_pair#incline", "known": ["ladder/07_pair#shape"]}
    page = open_plan(events=[event(1, "plan", data=data)])
    expect(page.locator("#plan-title")).to_have_text("To 2 · Two weights, “The slope”")
    expect(
        page.get_by_text("You said that you know “The shape” in 2 · Two weights")
    ).to_be_visible()


def test_a_plan_made_twice_is_kept_once(open_plan):
    page = open_plan("#goal=research/1&hours=5")
    for _ in range(2):
        page.get_by_role("button", name="Make the plan").click()
    assert stored_plans(page) == [{"goal": GOAL, "hours": 5, "known": []}]


def test_states_have_shapes(open_plan):
    page = open_plan(events=[correct(1, "ladder/01_one", "fit"), event(2, "start", TWO)])
    shown = {
        name: [
            shape
            for shape in ("todo", "begun", "done")
            if stop(page, name).locator(f".state > .{shape}").is_visible()
        ]
        for name in ("ladder/01_one", TWO, GOAL)
    }
    assert shown == {"ladder/01_one": ["done"], TWO: ["begun"], GOAL: ["todo"]}


def test_the_page_plans_without_a_record_too(visit, plan_page):
    visited = visit("about:blank")
    visited.page.add_init_script(
        "Object.defineProperty(window, 'descentRecord', { get: () => undefined, set: () => {} })"
    )
    visited.page.goto(f"{plan_page}#goal=research/1")
    expect(visited.page.locator("#plan-say")).to_contain_text("16 h: 4 sections in 3 chapters.")
    visited.page.get_by_role("button", name="I know this already").first.click()
    expect(visited.page.locator("#plan-say")).to_contain_text("14 h: 3 sections in 2 chapters.")
    kept = visited.page.evaluate("() => location.hash")
    assert kept == "#goal=research/1&known=ladder/01_one"
    visited.close()


def test_without_scripts_the_map_leads_to_the_pages(browser, plan_page):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(plan_page)
    assert stop(page, TWO).get_attribute("href") == f"../solutions/{TWO}.html"
    expect(page.get_by_text("The planner needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("button", name="Make the plan")).to_be_hidden()
    context.close()
