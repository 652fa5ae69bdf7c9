"""The book as files: built without a warning, complete, and leaning on no network."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from descent.serving.book import Build, log_file

ROOT = Path(__file__).resolve().parents[2]
# What a browser fetches by itself, as against what a reader may click on.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=[\"'](?:https?:)?//"
    r"|<link\b[^>]*\bhref=[\"'](?:https?:)?//"
    r"|url\(\s*[\"']?(?:https?:)?//"
    r"|@import\s+[\"'](?:https?:)?//"
)
HREF = re.compile(r"<a\b[^>]*\bhref=\"([^\"]+)\"")


def listed_pages() -> list[str]:
    """Return the pages of the table of contents, in its order."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *chapters]


def test_the_strict_build_has_no_warning(strict_build: Build) -> None:
    log = log_file(ROOT).read_text(encoding="utf-8", errors="replace")
    complaints = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
    assert strict_build.strict, "\n".join(complaints or log.splitlines()[-30:])


def test_every_listed_page_is_built(html: Path) -> None:
    missing = [page for page in listed_pages() if not (html / f"{page}.html").is_file()]
    assert not missing


def test_every_chapter_that_exists_is_listed() -> None:
    sources = (ROOT / "solutions").glob("*/[0-9]*_*.py")
    chapters = {str(path.relative_to(ROOT).with_suffix("")) for path in sources}
    listed = {page for page in listed_pages() if page.startswith("solutions/")}
    assert listed == chapters


def test_no_page_fetches_anything_from_a_network(html: Path) -> None:
    pages = [*html.rglob("*.html"), *html.glob("_static/*.css"), *html.glob("_static/styles/*.css")]
    assert len(pages) > len(listed_pages())
    fetching = {
        str(page.relative_to(html)): found.group()
        for page in pages
        if (found := FETCHED.search(page.read_text(encoding="utf-8")))
    }
    assert not fetching


@pytest.mark.parametrize("page", listed_pages())
def test_links_within_the_book_lead_somewhere(html: Path, page: str) -> None:
    path = html / f"{page}.html"
    broken = []
    for href in HREF.findall(path.read_text(encoding="utf-8")):
        link = urlsplit(href)
        if link.scheme or not link.path:
            continue
        if not (path.parent / unquote(link.path)).exists():
            broken.append(href)
    assert not broken


def test_the_readers_own_files_stay_out_of_the_book(html: Path) -> None:
    built = {path.relative_to(html).parts[0] for path in html.rglob("*.html")}
    assert built.isdisjoint({"work", "notebooks", "tests", "src", ".venv"})
