"""A real browser, and the built book to open in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect
from programs import PATIENCE

from descent.serving.book import build_book, html_folder

ROOT = Path(__file__).resolve().parents[2]
expect.set_options(timeout=1000 * PATIENCE)


@dataclass
class Visit:
    """A page that is open, with what went wrong and what it asked a network for."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._see)

    def close(self) -> None:
        self.page.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1")):
            self.outside.append(request.url)


@pytest.fixture(scope="module")
def html(browser: Browser) -> Path:
    """Return the folder of the built book; without a browser it is not built."""
    (ROOT / "_build").mkdir(exist_ok=True)
    with FileLock(ROOT / "_build" / "tests.lock"):
        build_book(ROOT)
    return html_folder(ROOT)


def accept(dialog: Locator) -> None:
    """Answer a dialog as a person would who only wants to go on."""
    dialog.locator("button.jp-mod-accept").click()


@pytest.fixture(scope="module")
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens an address in a window of its own."""
    contexts = []

    def open_address(
        address: str,
        width: int = 1200,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
    ) -> Visit:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        context.set_default_timeout(1000 * PATIENCE)
        contexts.append(context)
        visited = Visit(context.new_page())
        visited.watch()
        # What JupyterLab asks when a busy machine was slow to save or to start a kernel.
        visited.page.add_locator_handler(visited.page.locator("dialog.jp-Dialog"), accept)
        visited.page.goto(address)
        return visited

    yield open_address
    for context in contexts:
        context.close()
