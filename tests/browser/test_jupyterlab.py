"""JupyterLab and the book from the server of ``make start``, used as a learner would."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import Error as PlaywrightError
from programs import PATIENCE, Program

from descent.serving.addresses import free_port

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "ladder/01_scalar_regression"
COURSE = ("solutions", "notebooks", "book")
COURSE_FILES = ("_config.yml", "_toc.yml", "README.md", "requirements.txt")
ANSWER = 1000 * PATIENCE  # milliseconds for a kernel to start and answer

SIGNATURE = "def predict(w: float, b: float, x: np.ndarray) -> np.ndarray:\n"
WRONG = SIGNATURE + "    return w * x"
RIGHT = SIGNATURE + "    return w * x + b"
NAMED_MISTAKE = "You left out b."


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, html: Path) -> Path:
    """Return a copy of the course, with its book built already."""
    copy = tmp_path_factory.mktemp("course")
    for folder in COURSE:
        shutil.copytree(ROOT / folder, copy / folder)
    for name in COURSE_FILES:
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, copy / name)
    shutil.copytree(html, copy / "_build" / "html")
    shutil.copy(html.parent / "book.json", copy / "_build" / "book.json")
    return copy


@pytest.fixture(scope="module")
def addresses(
    browser: Browser, course: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Start the server as ``make start`` does and return what it prints: the two addresses."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "DESCENT_COURSE": str(course),
        "DESCENT_HOME": str(home / "descent"),
        "DESCENT_WORK": str(course / "work"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "descent.serving", "--no-browser"]
    command += ["--port", str(free_port(9300))]
    with Program(command, course, environment) as server:
        found = server.wait_until_it_says(r"The book +(http\S+)\n +JupyterLab +(http\S+)\n")
        yield {"The book": found[1], "JupyterLab": found[2]}


def code_cell(page: Page, start: str) -> Locator:
    """Return the code cell that begins so, in view: JupyterLab draws only what is seen."""
    cell = page.locator(".jp-Notebook:visible .jp-CodeCell").filter(
        has=page.locator(".cm-content", has_text=re.compile(rf"^\s*{re.escape(start)}"))
    )
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        # A cell at the edge may be hidden again before it has come into view: then go on scrolling.
        with contextlib.suppress(PlaywrightError):
            if cell.count():
                cell.first.evaluate("cell => cell.scrollIntoView({block: 'center'})", timeout=2000)
                if cell.first.is_visible():
                    return cell.first
        page.locator(".jp-Notebook:visible").hover()
        page.mouse.wheel(0, 350)
        page.wait_for_timeout(120)
    pytest.fail(f"no code cell begins with {start!r}")


def run(page: Page, cell: Locator, code: str | None = None) -> None:
    """Run a cell with Ctrl-Enter, after replacing what is in it when code is given."""
    cell.locator(".cm-content").click()
    if code is not None:
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")


def run_until_it_ran(page: Page, cell: Locator) -> None:
    """Run a cell again, as a person would, if a busy machine dropped it."""
    ran = re.compile(r"^\[\d+\]:$")
    for _ in range(2):
        run(page, cell)
        try:
            expect(cell.locator(".jp-InputPrompt")).to_have_text(ran, timeout=20_000)
            return
        except AssertionError:
            continue
    run(page, cell)
    expect(cell.locator(".jp-InputPrompt")).to_have_text(ran, timeout=ANSWER)


def test_a_learner_goes_from_the_book_to_a_tick(
    addresses: dict[str, str], visit: Callable[..., object]
) -> None:
    page: Page = visit(addresses["The book"], height=1000).page  # type: ignore[attr-defined]
    expect(page.locator(".bd-article h1")).to_contain_text("Descent")

    server, token = addresses["The book"].split("book/?")
    page.goto(f"{server}book/solutions/{CHAPTER}.html?{token}")
    link = page.get_by_role("link", name="Open in JupyterLab")
    assert link.get_attribute("href") == f"/descent/open/{CHAPTER}"
    link.click()
    page.wait_for_url(f"**/lab/tree/{CHAPTER}.ipynb", timeout=ANSWER)
    page.locator(".jp-Notebook").wait_for(timeout=ANSWER)
    # A cell that is run while the kernel is still starting may be dropped.
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    idle.first.wait_for(state="attached", timeout=ANSWER)

    setup = code_cell(page, "import")
    run_until_it_ran(page, setup)

    # A blank is not a mistake.
    run(page, code_cell(page, "def predict"))
    check = code_cell(page, "check(predict)")
    run(page, check)
    result = check.locator(".descent-check")
    expect(result).to_contain_text("not attempted", timeout=ANSWER)

    run(page, code_cell(page, "def predict"), WRONG)
    check = code_cell(page, "check(predict)")
    run(page, check)
    expect(result).to_contain_text(NAMED_MISTAKE, timeout=ANSWER)
    expect(result).to_contain_text("not right yet")
    expect(check.locator(".jp-OutputArea")).not_to_contain_text("Traceback")

    run(page, code_cell(page, "def predict"), RIGHT)
    check = code_cell(page, "check(predict)")
    run(page, check)
    expect(result).to_contain_text("correct", timeout=ANSWER)
    expect(result).to_contain_text("✓")
    expect(result).not_to_contain_text("✗")

    # Progress, in a new cell below.
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("progress()")
    page.keyboard.press("Control+Enter")
    shown = code_cell(page, "progress()").locator(".jp-OutputArea-output").last
    expect(shown).to_contain_text("One weight", timeout=ANSWER)
    expect(shown).to_contain_text(re.compile(r"\b1/\d"))


def test_jupyterlab_opens_on_the_start_page_and_a_chapter_is_a_click(
    addresses: dict[str, str], course: Path, visit: Callable[..., object]
) -> None:
    server, token = addresses["JupyterLab"].split("lab?")
    visited = visit(f"{server}lab/workspaces/first?{token}", width=1300)  # nothing open yet
    page: Page = visited.page  # type: ignore[attr-defined]
    start = page.frame_locator("#descent-start iframe")
    expect(start.get_by_role("heading", level=1)).to_be_visible()
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel")
    expect(tabs).to_have_text(["Start"])
    listed = page.locator(".jp-DirListing-itemText")
    expect(listed.filter(has_text="AGENTS.md")).to_be_visible()
    for inside in ("solutions", "notebooks", "book", "README.md", "_build"):
        expect(listed.filter(has_text=re.compile(f"^{inside}$"))).to_have_count(0)

    copy = course / "work" / "ladder" / "03_vector_regression.ipynb"
    assert not copy.exists()
    start.get_by_role("link", name="Many weights").first.click()
    expect(page.locator(".jp-Notebook:visible")).to_contain_text("Many weights")
    assert copy.exists()
    assert page.url.endswith("/tree/ladder/03_vector_regression.ipynb")

    # The start page stays the first tab, and knows what is open.
    tabs.filter(has_text="Start").click()
    running = start.locator(".running")
    expect(running.get_by_role("link", name="3 · Many weights")).to_be_visible()
    page.reload()
    expect(page.locator(".jp-Notebook:visible")).to_contain_text("Many weights")
    expect(tabs.first).to_have_text("Start")
    assert visited.outside == []  # type: ignore[attr-defined]


def test_the_start_page_follows_jupyterlabs_theme(
    addresses: dict[str, str], visit: Callable[..., object]
) -> None:
    page: Page = visit(addresses["JupyterLab"]).page  # type: ignore[attr-defined]
    root = page.frame_locator("#descent-start iframe").locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    page.get_by_role("menuitem", name="Settings").click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Theme$")).hover()
    page.locator(".lm-Menu-itemLabel", has_text="JupyterLab Dark").first.click()
    expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_the_start_page_alone_fits_and_follows_the_system(
    addresses: dict[str, str], visit: Callable[..., object], theme: str, width: int
) -> None:
    server, token = addresses["JupyterLab"].split("lab?")
    visited = visit(f"{server}descent/start?{token}", width=width, theme=theme)
    page: Page = visited.page  # type: ignore[attr-defined]
    expect(page.get_by_role("link", name="Read the chapter")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    red = page.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.slice(4))")
    assert red > 200 if theme == "light" else red < 60
    assert visited.errors == [] and visited.outside == []  # type: ignore[attr-defined]


def test_the_start_page_is_used_by_keyboard(
    addresses: dict[str, str], visit: Callable[..., object]
) -> None:
    server, token = addresses["JupyterLab"].split("lab?")
    page: Page = visit(f"{server}descent/start?{token}").page  # type: ignore[attr-defined]
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert "Read the chapter" in reached and "How to begin" in reached
    page.locator("summary").focus()
    was_open = page.locator("#how").evaluate("(how) => how.open")
    page.keyboard.press("Enter")
    assert page.locator("#how").evaluate("(how) => how.open") != was_open
    page.locator("a.chapter").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab/tree/ladder/02_autograd.ipynb")


def test_the_learners_copy_is_not_the_courses_notebook(
    addresses: dict[str, str], course: Path
) -> None:
    server, token = addresses["JupyterLab"].split("lab?")
    urllib.request.urlopen(f"{server}descent/open/{CHAPTER}?{token}", timeout=PATIENCE).close()
    copy, blank = (course / folder / f"{CHAPTER}.ipynb" for folder in ("work", "notebooks"))
    assert copy.is_file()
    assert not copy.samefile(blank)
    assert blank.read_bytes() == (ROOT / "notebooks" / f"{CHAPTER}.ipynb").read_bytes()


def test_a_clock_begun_in_a_notebook_stands_on_the_start_page(
    addresses: dict[str, str], visit: Callable[..., object]
) -> None:
    server, token = addresses["JupyterLab"].split("lab?")
    copied = f"{server}descent/open/ladder/02_autograd?{token}"
    urllib.request.urlopen(copied, timeout=PATIENCE).close()
    # A workspace of its own: the default one brings back the notebooks that other tests opened.
    address = f"{server}lab/workspaces/clock/tree/ladder/02_autograd.ipynb?{token}"
    page: Page = visit(address, height=1000).page  # type: ignore[attr-defined]
    page.locator(".jp-Notebook").wait_for(timeout=ANSWER)
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")
    idle.first.wait_for(state="attached", timeout=ANSWER)
    setup = code_cell(page, "import")
    run_until_it_ran(page, setup)
    run(page, setup, 'from descent import chapter, clock\n\nchapter("ladder/02")\nclock()')
    cell = code_cell(page, "from descent import chapter, clock")
    cell.get_by_role("button", name="Begin").click(timeout=ANSWER)
    expect(cell).to_contain_text("0 min, running")

    start: Page = visit(f"{server}descent/start?{token}").page  # type: ignore[attr-defined]
    expect(start.locator(".clock")).to_contain_text("The clock runs for 2 ·")

    cell.get_by_role("button", name="Stop").click()
    expect(cell).to_contain_text("No clock runs.")
    start.reload()
    expect(start.locator(".today")).to_contain_text("No clock runs.")


def test_a_page_of_the_book_opens_as_a_tab_and_only_once(
    addresses: dict[str, str], visit: Callable[..., object]
) -> None:
    server, token = addresses["JupyterLab"].split("lab?")
    page: Page = visit(f"{server}lab/workspaces/pages?{token}", width=1300).page  # type: ignore[attr-defined]
    start = page.frame_locator("#descent-start iframe")
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel")
    for _ in range(2):
        tabs.filter(has_text="Start").click()
        start.get_by_role("link", name="Choose a goal").click()
        shown = page.frame_locator("#descent-page-plan iframe")
        expect(shown.get_by_role("heading", level=1)).to_be_visible(timeout=ANSWER)
    expect(tabs.filter(has_text="Plan")).to_have_count(1)
