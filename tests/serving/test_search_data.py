"""The search of the book: the sections that teach a term come first, with a passage, from disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from programs import PATIENCE

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
extensions = ["myst_parser", "sphinx_design", "descent.serving.search_data"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
root_doc = "index"
html_theme = "basic"
html_static_path = ["assets"]
"""
INDEX = """\
# Front

:::{toctree}
chapters/10_net
chapters/14_fast
terms
:::
"""
NET = """\
# 10 · Residual networks

About <a href="#">5 hours</a> of **batch norm**.

## Statistics of a channel

Something else comes first. That is **batch norm**, of $c$ channels and $\\frac{a}{b}$.

```python
hidden_in_code = 1
```

<details class="hint"><summary>Hint</summary>

The answer to a hint.

</details>

After the hint.

### Below

$$ a = b, $$

Deeper words, with a **buffer**.
"""
FAST = """\
# 14 · A fast network

A batch is fast. The norm is to batch.

## Batch norm in sixteen bits

We keep batch norm in full precision. A buffer (again) is no problem. Elephants are grey.
"""
TERMS = """\
# Index of terms

:::{div} terms
- **batch norm** (*batch normalisation*):
  [Statistics of a *channel*](chapters/10_net.md#statistics-of-a-channel), rung 10
- **batch**: [14 · A fast network](chapters/14_fast.md), rung 14
- **buffer** (*store*, *`persistent_store`*): [Below](chapters/10_net.md#below), rung 10;
  [Sixteen](chapters/14_fast.md#batch-norm-in-sixteen-bits), rung 14
- **buffers of a module**: [Below](chapters/10_net.md#below), rung 10
:::
"""


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a book of two chapters and an index of terms, strictly."""
    source = tmp_path_factory.mktemp("book")
    (source / "chapters").mkdir()
    (source / "assets").mkdir()
    shutil.copy(ROOT / "book" / "assets" / "search.js", source / "assets")
    pages = {
        "conf.py": CONFIG,
        "index.md": INDEX,
        "terms.md": TERMS,
        "chapters/10_net.md": NET,
        "chapters/14_fast.md": FAST,
    }
    for name, text in pages.items():
        (source / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "--keep-going", ".", "html"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return source / "html"


@pytest.fixture(scope="module")
def data(html: Path) -> dict[str, Any]:
    text = (html / "_static" / "search-data.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.descentSearch = ").removesuffix(";\n"))


def test_a_term_has_its_names_and_the_anchors_of_its_sections(data):
    assert data["terms"] == [
        {
            "names": ["batch norm", "batch normalisation"],
            "places": [{"page": "chapters/10_net", "id": "statistics-of-a-channel"}],
        },
        {"names": ["batch"], "places": [{"page": "chapters/14_fast", "id": ""}]},
        {
            "names": ["buffer", "store", "persistent_store"],
            "places": [
                {"page": "chapters/10_net", "id": "below"},
                {"page": "chapters/14_fast", "id": "batch-norm-in-sixteen-bits"},
            ],
        },
        {
            "names": ["buffers of a module"],
            "places": [{"page": "chapters/10_net", "id": "below"}],
        },
    ]


def test_of_a_section_there_is_the_prose_and_nothing_folded(data):
    sections = data["pages"]["chapters/10_net"]
    assert [section["title"] for section in sections] == [
        "10 · Residual networks",
        "Statistics of a channel",
        "Below",
    ]
    assert sections[0]["text"] == ""
    assert sections[1]["text"] == (
        "Something else comes first. That is batch norm, of c channels and …. After the hint."
    )
    assert sections[2]["text"] == "… Deeper words, with a buffer."


@pytest.fixture(scope="module")
def search(browser: Browser, html: Path) -> Iterator[Callable[[str], Page]]:
    """Return a function that searches the book, opened from disk, and waits for all results."""
    context = browser.new_context()
    context.set_default_timeout(1000 * PATIENCE)
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))

    def search_for(query: str) -> Page:
        page.goto((html / "search.html").as_uri() + f"?q={query}")
        page.get_by_text("Search Results").wait_for()
        return page

    yield search_for
    context.close()


def taught(page: Page) -> list[str]:
    return page.locator("#taught li > a").all_inner_texts()


@pytest.mark.browser
@pytest.mark.parametrize(
    "query",
    ["batch norm", "Batch Norm", "BatchNorm", "batch normalization", "what is batch norm?"],
)
def test_the_section_that_teaches_comes_first(search, query):
    page = search(query)
    first = page.locator("ul.search > li").first
    assert (
        first.locator("a").first.inner_text() == "10 · Residual networks › Statistics of a channel"
    )
    address = first.locator("a").first.get_attribute("href")
    assert address == "chapters/10_net.html#statistics-of-a-channel"
    assert first.locator("p.context").inner_text().startswith("… That is batch norm, of c channels")
    assert first.locator("mark").all_inner_texts() == ["batch", "norm"]


@pytest.mark.browser
def test_other_chapters_that_come_back_to_a_term_are_named(search):
    page = search("persistent store")
    assert taught(page) == ["10 · Residual networks › Below"]
    also = page.locator("#taught .also a")
    assert also.all_inner_texts() == ["14 · A fast network › Batch norm in sixteen bits"]


@pytest.mark.browser
def test_the_beginning_of_a_term_finds_it_after_the_term_itself(search):
    assert taught(search("batch"))[0] == "14 · A fast network"
    assert taught(search("buff")) == ["10 · Residual networks › Below"]


@pytest.mark.browser
def test_what_is_no_term_is_found_by_sphinx_with_a_passage_and_its_section(search):
    page = search("elephant")
    assert taught(page) == []
    result = page.locator("#search-results li")
    assert result.locator("a").first.inner_text() == "14 · A fast network"
    assert result.locator("p.context").inner_text() == (
        "Batch norm in sixteen bits: … Elephants are grey."
    )
    link = result.locator("p.context a")
    assert link.get_attribute("href") == "chapters/14_fast.html#batch-norm-in-sixteen-bits"


@pytest.mark.browser
@pytest.mark.parametrize("query", ["", "xyzzy", "(", "<b>"])
def test_an_odd_question_breaks_nothing(search, html, query):
    page = search(query) if query else search("buffer")
    if not query:
        page.goto((html / "search.html").as_uri())
        page.wait_for_load_state()
    assert taught(page) == []
