"""A Chromium to try the interactive figures in."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from typing import Any

import pytest


def find_chromium() -> str | None:
    """The browser's path: `CHROMIUM` if set, else what is installed."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next((p for n in names if (p := shutil.which(n))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser; the tests that ask for it are skipped, loudly, where there is none."""
    path = find_chromium()
    if path is None:
        warnings.warn("NO CHROMIUM: the interactive figures were not tried", stacklevel=1)
        pytest.skip("NO CHROMIUM: the interactive figures were not tried")
    sync = pytest.importorskip("playwright.sync_api", reason="NO PLAYWRIGHT: figures not tried")
    with sync.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any, tmp_path: Any) -> Iterator[Any]:
    """Opens markup from disk; afterwards no error and no request may have left the page."""
    trouble: list[str] = []
    pages = []

    def open_it(markup: str, html: str = "", body: str = "", **options: Any) -> Any:
        path = tmp_path / f"page{len(pages)}.html"
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        path.write_text(f"<!doctype html><html {html}>{head}<body {body}>{markup}</body></html>")
        page = chromium.new_page(**{"viewport": {"width": 820, "height": 600}, **options})
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("console", lambda said: trouble.append(f"console: {said.text}"))
        page.on(
            "request",
            lambda asked: asked.url == path.as_uri() or trouble.append(f"request: {asked.url}"),
        )
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield open_it
    for page in pages:
        page.close()
    assert trouble == []
