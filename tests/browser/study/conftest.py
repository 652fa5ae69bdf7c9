"""A small book, built by the real thing: one chapter with all that a learner does in a page."""

from __future__ import annotations

import functools
import json
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser

from descent.serving.book import build_book, html_folder

ROOT = Path(__file__).resolve().parents[3]
CHAPTER = "ladder/04_choosing"
PAGE = f"solutions/{CHAPTER}.html"
REVIEW, PREDICTIONS = "book/review.html", "book/my-predictions.html"
OF_CHAPTER = f'data-chapter="{CHAPTER}"'

TOC = f"""\
format: jb-book
root: book/index
parts:
  - caption: All
    chapters:
      - file: book/review
      - file: book/my-predictions
      - file: solutions/{CHAPTER}
"""

SOURCE = """\
# ---
# title: Choosing a class
# subtitle: From scores to probabilities
# part: ladder
# hours: 3
# needs: []
# teaches: [softmax]
# builds: a softmax
# number: none
# data: none
# recall: [{id: shift, section: softmax, transfer: false, q: "Why?", a: "Because."}]
# sections: [{id: softmax, heading: Softmax, for: later, needs: []}]
# ---

# %% exercise="softmax"
"""

CARDS = {
    "shift": ("softmax", "What does softmax not change under?", "Adding \\(c\\) to every logit."),
    "overflow": ("softmax", "Why is the largest logit subtracted?", "exp overflows above 88.7."),
    "shapes": ("gradient", "Which shape has dW?", "(d, k), as W has."),
}
BECAUSE = "The second step meets <em>exp</em> of 120, which float32 does not hold."
PREDICTED = [
    {"item": "nan_step", "ask": "After how many steps comes the first NaN?", "unit": "steps"},
    {"item": "accuracy", "ask": "What does the accuracy do?", "choices": ["rises", "falls"]},
    {"item": "gap", "ask": "How large is the largest gap?", "factor": 2},
]


def cards_of(section: str) -> str:
    """Return an area of cards, as the authoring step writes it."""
    inner = "".join(
        f'<details class="descent-card" {OF_CHAPTER} data-item="{item}"><summary>{question}'
        f'</summary><div class="answer">{answer}</div></details>'
        for item, (where, question, answer) in CARDS.items()
        if where == section
    )
    return f'<div class="descent-recall" {OF_CHAPTER} data-section="{section}">{inner}</div>'


def box(item: str, ask: str, attributes: str) -> str:
    """Return the box of a prediction."""
    return (
        f'<div class="descent-predict" {OF_CHAPTER} data-item="{item}" {attributes} '
        f'data-because="{BECAUSE}"><p class="ask">{ask}</p></div>'
    )


def experiment(item: str, value: str) -> list[NotebookNode]:
    """Return the cell of an experiment and that of its outcome, folded, as executed."""
    words = {"code_prompt_show": "Show what came", "code_prompt_hide": "Hide what came"}
    printed = nbformat.v4.new_output("stream", text=f"measured {value}\n")
    shown = (
        f'<div class="descent-outcome" {OF_CHAPTER} data-item="{item}" data-value="{value}">'
        f"<p>It is {value}.</p></div>"
    )
    outcome = nbformat.v4.new_output("display_data", {"text/html": shown, "text/plain": value})
    cells = []
    for name, source, output, tags in (
        ("run", f"print('measured', {value!r})", printed, ["hide-output"]),
        ("outcome", f'outcome("{item}", result)', outcome, ["remove-input", "hide-output"]),
    ):
        cell = nbformat.v4.new_code_cell(source, id=f"{name}-{item}", outputs=[output])
        cell.metadata = NotebookNode({"tags": tags, "mystnb": words})
        cells.append(cell)
    return cells


WRITTEN = f"""\
<div class="descent-written" {OF_CHAPTER} data-item="explain"><p class="ask">Explain the NaN to a friend.</p>\
<details class="rubric"><summary>What a good answer contains</summary>\
<ul><li>names the overflow of exp</li><li>says <em>which</em> step</li></ul>\
<div class="model-answer">exp(120) is infinite in float32.</div></details></div>"""


def notebook() -> NotebookNode:
    """Return the chapter's page, as the authoring step would write it."""

    def text(name: str, source: str) -> NotebookNode:
        return nbformat.v4.new_markdown_cell(source, id=name)

    steps, rises, gap = PREDICTED
    return nbformat.v4.new_notebook(
        cells=[
            text("title", "# 4 · Choosing a class\n\n## Softmax\n\nScores become probabilities."),
            text("p1", box("nan_step", steps["ask"], 'data-kind="number" data-unit="steps" data-within="0"')),
            *experiment("nan_step", "1"),
            text("p2", box("accuracy", rises["ask"], "data-kind=\"choice\" data-choices='[\"rises\",\"falls\"]'")),
            *experiment("accuracy", "falls"),
            text("p3", box("gap", gap["ask"], 'data-kind="number" data-factor="2"')),
            *experiment("gap", "0.05"),
            text("r1", cards_of("softmax")),
            text("h2", "## The gradient\n\nBy hand, with $E = P - Y$."),
            text("r2", cards_of("gradient")),
            text("w1", WRITTEN),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )  # fmt: skip


def course_data() -> str:
    """Return what the pages without a kernel know of this course."""
    page = {"id": CHAPTER, "mark": "4", "title": "Choosing a class", "page": PAGE, "exercises": ["softmax"]}
    course = {
        "chapters": [page],
        "sections": [
            {"id": f"{CHAPTER}#{name}", "chapter": CHAPTER, "anchor": name, "exercises": exercises}
            for name, exercises in (("softmax", ["softmax"]), ("gradient", []))
        ],
        "cards": [
            {"chapter": CHAPTER, "item": item, "section": where, "transfer": False, "q_html": q, "a_html": a}
            for item, (where, q, a) in CARDS.items()
        ],
        "predictions": [
            {"chapter": CHAPTER, "ask_html": one["ask"], "because_html": BECAUSE, **one} for one in PREDICTED
        ],
    }  # fmt: skip
    return f"window.DESCENT_COURSE = {json.dumps(course)};\n"


def write_course(root: Path) -> None:
    """Write the sources of the small book, with the assets and the pages of the real one."""
    for folder in ("assets", "templates"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    for name in ("_config.yml", "book/review.md", "book/my-predictions.md", "book/references.bib"):
        shutil.copy(ROOT / name, root / name)
    (root / "book" / "assets" / "course-data.js").write_text(course_data(), "utf-8")
    (root / "_toc.yml").write_text(TOC, "utf-8")
    (root / "book" / "index.md").write_text("# Descent\n\nA small book.\n", "utf-8")
    source = root / "solutions" / f"{CHAPTER}.py"
    source.parent.mkdir(parents=True)
    source.write_text(textwrap.dedent(SOURCE), "utf-8")
    nbformat.write(notebook(), source.with_suffix(".ipynb"))


@pytest.fixture(scope="session")
def build_small_book(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that builds the small book the first time it is called."""

    @functools.cache
    def build() -> Path:
        root = tmp_path_factory.mktemp("course")
        write_course(root)
        built = build_book(root)
        assert built.strict, (root / "_build" / "book.log").read_text("utf-8")
        return root

    return build


@pytest.fixture(scope="module")
def course(browser: Browser, build_small_book: Callable[[], Path]) -> Path:
    """Return the folder of the small course; without a browser it is not built."""
    return build_small_book()


@pytest.fixture(scope="module")
def pages(course: Path) -> Path:
    """Return the folder of the small book's pages."""
    return html_folder(course)
