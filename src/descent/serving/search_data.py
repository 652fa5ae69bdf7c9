"""A Sphinx extension: what the book's search needs and Sphinx's own index lacks.

Sphinx finds pages. It does not know which section teaches a term, and for an excerpt it fetches
each page found, which a page opened from disk may not do. So the text of every section and the
entries of the index of terms are written as a script, ``_static/search-data.js``. The search page
loads it, and ``search.js`` shows what is in it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx

DATA_FILE = "search-data.js"
SCRIPT = "search.js"

_TERMS = "terms"
"""The class of a list of terms; ``descent.authoring.listing`` writes it."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Collect the sections while pages are written, and write them when all are."""
    data = _SearchData()
    app.connect("doctree-resolved", data.collect)
    app.connect("html-page-context", _add_scripts)
    app.connect("build-finished", data.write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


class _SearchData:
    """What was found in the pages of one build: their sections, and the terms of the course."""

    def __init__(self) -> None:
        self.pages: dict[str, list[dict[str, str]]] = {}
        self.terms: list[dict[str, Any]] = []

    def collect(self, app: Sphinx, doctree: nodes.document, docname: str) -> None:
        if app.builder.format == "html":
            self.pages[docname] = sections_of(doctree)
            self.terms += terms_of(doctree, docname)

    def write(self, app: Sphinx, exception: Exception | None) -> None:
        if exception is None and app.builder.format == "html":
            data = json.dumps({"pages": self.pages, "terms": self.terms}, ensure_ascii=False)
            path = Path(app.outdir, "_static", DATA_FILE)
            path.write_text(f"window.descentSearch = {data};\n", encoding="utf-8")


def _add_scripts(app: Sphinx, pagename: str, *_: Any) -> None:
    if pagename == "search":  # deferred: they need what the theme loads after them
        app.add_js_file(DATA_FILE, loading_method="defer")
        app.add_js_file(SCRIPT, loading_method="defer")


def sections_of(doctree: nodes.document) -> list[dict[str, str]]:
    """Return the sections of a page: the id a link needs, the title, and the prose.

    Code, its outputs, and what a reader has to unfold (hints, solutions, answers) are left out.
    """
    return [
        {
            "id": section["ids"][0],
            "title": section[0].astext(),
            "text": " ".join(_paragraphs(section)),
        }
        for section in doctree.findall(nodes.section)
    ]


def terms_of(doctree: nodes.document, docname: str) -> list[dict[str, Any]]:
    """Return the entries of the lists of terms on a page: their names, and their sections.

    Parameters
    ----------
    doctree
        The page, its links resolved.
    docname
        Its name, from which the links lead.
    """
    entries = []
    for terms in doctree.findall(nodes.container):
        if _TERMS not in terms["classes"]:
            continue
        for entry in terms.findall(nodes.list_item):
            entries.append(
                {
                    "names": [node.astext() for node in _names(entry)],
                    "places": [_place(link, docname) for link in entry.findall(nodes.reference)],
                }
            )
    return entries


def _names(entry: nodes.Node) -> Iterator[nodes.Node]:
    for kind in (nodes.strong, nodes.emphasis):
        yield from (node for node in entry.findall(kind) if not _is_in_link(node))


def _is_in_link(node: nodes.Node) -> bool:
    parent = node.parent
    while parent is not None and not isinstance(parent, nodes.list_item):
        if isinstance(parent, nodes.reference):
            return True
        parent = parent.parent
    return False


def _place(link: nodes.reference, docname: str) -> dict[str, str]:
    target = urlsplit(link["refuri"])
    path = posixpath.normpath(posixpath.join(posixpath.dirname(docname), target.path))
    return {"page": path.removesuffix(".html"), "id": target.fragment}


def _paragraphs(section: nodes.section) -> Iterator[str]:
    folded = 0
    for child in section.children:
        if isinstance(child, nodes.raw):
            folded += child.astext().count("<details") - child.astext().count("</details")
        if folded or isinstance(child, nodes.section) or _is_cell(child):
            continue
        for node in child.findall():
            if isinstance(node, nodes.math_block):
                yield "…"
            # A chapter's line of facts, which has a link in HTML, is not prose.
            elif isinstance(node, nodes.paragraph) and not any(node.findall(nodes.raw)):
                yield _plain(node)


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and "cell" in node.get("classes", ())


def _plain(paragraph: nodes.paragraph) -> str:
    """Return a paragraph in one line; of its formulas only those that read as they stand."""
    paragraph = paragraph.deepcopy()
    for formula in list(paragraph.findall(nodes.math)):
        text = formula.astext()
        formula.replace_self(nodes.Text("…" if re.search(r"[\\{}^]", text) else text))
    return " ".join(paragraph.astext().split())
