"""What all tests share: a browser, how they are shared out, and the score that is printed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The first makes it start as root in a container; the others keep it from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Keep each file (and notebook) in one process, but share out the chapters of the course."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrChapter(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            each_alone = nodeid.startswith("tests/course/")
            return nodeid if each_alone else super()._split_scope(nodeid)

    if config.getoption("dist") != "loadfile":
        return None
    return ByFileOrChapter(config, log)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the score of the graders, whichever process graded which chapter."""
    scores = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "grader score"
    ]
    if scores:
        terminalreporter.section("the graders graded")
        for line in sorted(set(scores)):  # set-up and call both carry them
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one, say loudly that nothing was tested in a browser.

    One for each module: playwright allows one at a time in a process, and leaves an event loop
    running until it ends.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("NO CHROMIUM HERE: NOTHING WAS TESTED IN A BROWSER. Install chromium to do so.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()
