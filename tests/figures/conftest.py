"""A page to try the interactive figures in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from programs import PATIENCE


@pytest.fixture
def open_page(browser: Any, tmp_path: Any) -> Iterator[Any]:
    """Opens markup from disk; afterwards no error and no request may have left the page."""
    trouble: list[str] = []
    pages = []

    def open_it(markup: str, html: str = "", body: str = "", **options: Any) -> Any:
        path = tmp_path / f"page{len(pages)}.html"
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        path.write_text(f"<!doctype html><html {html}>{head}<body {body}>{markup}</body></html>")
        page = browser.new_page(**{"viewport": {"width": 820, "height": 600}, **options})
        page.set_default_timeout(1000 * PATIENCE)
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
