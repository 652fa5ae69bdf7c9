"""A pipeline's schedule, as a reader handles it in a browser."""

from __future__ import annotations

from fractions import Fraction

import pytest

from descent.figures import pipeline_figure


def schedule(stages: int, parts: int) -> list[list[str]]:
    """Tick by tick, each stage takes the next pass whose input is there: nothing of a formula."""
    done: dict[tuple[str, int, int], int] = {}  # the tick at which a pass was made
    rows: list[list[str]] = [[] for _ in range(stages)]
    waiting = [[(kind, m) for kind in "FB" for m in range(parts)] for _ in range(stages)]
    tick = 0
    while any(waiting):
        for stage in range(stages):
            kind, m = waiting[stage][0] if waiting[stage] else ("", 0)
            if kind == "F":
                ready = stage == 0 or done.get(("F", stage - 1, m), tick) < tick
            else:
                last = stage == stages - 1
                ready = bool(kind) and (last or done.get(("B", stage + 1, m), tick) < tick)
            rows[stage].append(f"{kind}{m}" if ready else "")
            if ready:
                done[kind, stage, m] = tick
                waiting[stage].pop(0)
        tick += 1
    return rows


def drawn(page, stages: int, ticks: int) -> list[list[str]]:
    """What the blocks show, read off from where they stand."""
    rows = [[""] * ticks for _ in range(stages)]
    for stage, track in enumerate(page.locator(".dg-track").all()):
        for block in track.evaluate(
            "t => [...t.querySelectorAll('.dg-block')].map((b) => [b.textContent, b.style.left])"
        ):
            rows[stage][round(float(block[1].rstrip("%")) * ticks / 100)] = block[0]
    return rows


def shown(page, which: int = 0) -> list[str]:
    return page.locator(".figure-readout").nth(which).locator("b").all_inner_texts()


def set_slider(page, name: str, value: int) -> None:
    page.locator(f"input.dg-{name}").first.evaluate(
        "(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def test_nothing_is_fetched_and_the_same_content_gives_the_same_bytes():
    page = pipeline_figure().html
    assert "http" not in page
    assert page == pipeline_figure().html
    assert page != pipeline_figure(stages=2).html
    assert repr(pipeline_figure()).startswith("<interactive figure")


@pytest.mark.parametrize(("stages", "parts"), [(0, 8), (9, 8), (4, 0), (4, 33)])
def test_what_cannot_be_drawn_is_refused(stages, parts):
    with pytest.raises(ValueError, match="must"):
        pipeline_figure(stages, parts)


@pytest.mark.browser
@pytest.mark.parametrize(("stages", "parts"), [(1, 1), (4, 8), (8, 3), (3, 32), (8, 1)])
def test_blocks_and_numbers_are_those_of_stages_that_work_when_they_can(open_page, stages, parts):
    page = open_page(pipeline_figure(2, 5).html)
    set_slider(page, "stages", stages)
    set_slider(page, "parts", parts)
    rows = schedule(stages, parts)
    ticks = len(rows[0])
    assert drawn(page, stages, ticks) == rows
    idle = Fraction(sum(row.count("") for row in rows), stages * ticks)
    assert idle == Fraction(stages - 1, parts + stages - 1)
    share = f"{stages - 1}/{parts + stages - 1} = {100 * float(idle):.1f} %"
    speed = stages * parts * 2 / ticks
    assert shown(page) == [str(ticks), share, f"{speed:.2f} times", str(parts)]
    width = page.locator(".dg-waiting").evaluate("e => e.style.width")
    assert float(width.rstrip("%")) == pytest.approx(100 * float(idle), abs=1e-3)
    assert f"{100 * float(idle):.1f} % are the bubble" in page.get_by_role("img").get_attribute(
        "aria-label"
    )


@pytest.mark.browser
def test_every_tick_is_said_in_words(open_page):
    page = open_page(pipeline_figure(3, 2).html)
    for tick, column in enumerate(zip(*schedule(3, 2), strict=True)):
        set_slider(page, "tick", tick)
        said = page.inner_text(".figure-message")
        for stage, block in enumerate(column):
            assert f"stage {stage} {block or 'waits'}" in said
        waits = column.count("")
        assert ("All work." if waits == 0 else f"{waits} of 3 wait.") in said


@pytest.mark.browser
def test_a_tick_that_is_no_more_gives_way_to_the_last(open_page):
    page = open_page(pipeline_figure(8, 8).html)
    set_slider(page, "tick", 29)
    set_slider(page, "stages", 1)
    assert "Tick 15: stage 0 B7. All work." in page.inner_text(".figure-message")
    assert page.locator(".dg-tick").get_attribute("max") == "15"


@pytest.mark.browser
def test_a_screen_reader_is_told_every_row(open_page):
    page = open_page(pipeline_figure(2, 3).html)
    assert page.get_by_role("listitem").locator(".figure-hidden").all_inner_texts() == [
        "Stage 0: forward in ticks 0 to 2, backward in ticks 5 to 7, waits in 2 of 8.",
        "Stage 1: forward in ticks 1 to 3, backward in ticks 4 to 6, waits in 2 of 8.",
    ]


@pytest.mark.browser
def test_it_is_worked_by_keyboard_alone(open_page):
    page = open_page(pipeline_figure().html)
    for name in ("stages", "parts", "tick"):
        page.keyboard.press("Tab")
        assert page.locator(f".dg-{name}").evaluate("e => e === document.activeElement")
        page.keyboard.press("ArrowRight")
    assert page.locator("output").all_inner_texts() == ["5", "9", "1, the last is 25"]


@pytest.mark.browser
def test_it_fits_a_phone_and_answers_a_tap(open_page):
    page = open_page(
        pipeline_figure(8, 32).html, viewport={"width": 360, "height": 800}, has_touch=True
    )
    track = page.locator(".dg-track").first.bounding_box()
    page.touchscreen.tap(track["x"] + 0.502 * track["width"], track["y"] + 10)
    assert "Tick 39:" in page.inner_text(".figure-message")
    assert not page.locator(".dg-block b").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for control in page.locator("input").all():
        assert control.bounding_box()["height"] >= 40


@pytest.mark.browser
def test_two_on_a_page_are_two(open_page):
    same = pipeline_figure().html
    page = open_page(same + same)
    set_slider(page, "stages", 2)
    assert shown(page, 0)[0] == "18" and shown(page, 1)[0] == "22"
