"""A small book, built by the real thing: one chapter with all that a learner does in a page."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser

from descent.authoring.rendered import html
from descent.authoring.study_cells import prediction_box, recall_area, written_box
from descent.serving.book import build_book, html_folder
from descent.study.catalog import Chapter, read_chapter

ROOT = Path(__file__).resolve().parents[3]
CHAPTER = "ladder/04_choosing"

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
# sections:
#   - {id: softmax, heading: Softmax, for: "scores become probabilities", needs: []}
#   - {id: gradient, heading: The gradient, for: "training", needs: [softmax]}
# recall:
#   - {id: shift, section: softmax, transfer: false, q: "What does softmax not change under?", a: "Adding $c$ to every logit."}
#   - {id: overflow, section: softmax, transfer: true, q: "Why is the largest logit subtracted?", a: "exp overflows above 88.7."}
#   - {id: shapes, section: gradient, transfer: false, q: "Which shape has dW?", a: "(d, k), as W has."}
# predictions:
#   - {id: nan_step, ask: "After how many steps comes the first NaN?", unit: "steps", within: 0, because: "The second step meets *exp* of 120."}
#   - {id: accuracy, ask: "What does the accuracy do?", choices: [rises, falls], because: "The largest logit moves."}
#   - {id: gap, ask: "How large is the largest gap?", factor: 2, because: "float32 has seven digits."}
#   - {id: left, ask: "How many on the left?", within: 1, because: "Half of them."}
#   - {id: right, ask: "How many on the right?", within: 1, because: "The other half."}
# written:
#   - {id: explain, ask: "Explain the NaN to a friend.", rubric: ["names the overflow of exp", "says *which* step"], answer: "exp(120) is infinite in float32."}
# ---

# %% exercise="softmax"
"""  # noqa: E501

CAME = {"nan_step": "1", "accuracy": "falls", "gap": "0.05", "left": "3", "right": "4"}
TOGETHER = ("left", "right")
"""Two predictions that are made before the outputs of either."""


def text(name: str, source: str) -> NotebookNode:
    """Return a cell of prose, or of HTML."""
    return nbformat.v4.new_markdown_cell(source, id=name)


def experiment(item: str) -> list[NotebookNode]:
    """Return the cell of an experiment and that of its outcome, executed and folded."""
    value = CAME[item]
    words = {"code_prompt_show": "Show what came", "code_prompt_hide": "Hide what came"}
    printed = nbformat.v4.new_output("stream", text=f"measured {value}\n")
    markup = (
        f'<div class="descent-outcome" data-chapter="{CHAPTER}" data-item="{item}" '
        f'data-value="{value}"><p>It is {value}.</p></div>'
    )
    shown = nbformat.v4.new_output("display_data", {"text/html": markup, "text/plain": value})
    cells = []
    for name, output, tags in (
        ("run", printed, ["hide-output"]),
        ("outcome", shown, ["remove-input", "hide-output"]),
    ):
        cell = nbformat.v4.new_code_cell("measure()", id=f"{name}-{item}", outputs=[output])
        cell.metadata = NotebookNode({"tags": tags, "mystnb": words})
        cells.append(cell)
    return cells


def page(chapter: Chapter) -> NotebookNode:
    """Return the chapter's page, as the authoring step writes it."""
    cells = [text("title", "# 4 · Choosing a class\n\n## Softmax\n\nScores become probabilities.")]
    for prediction in chapter.predictions:
        cells.append(text(f"ask-{prediction.id}", prediction_box(chapter, prediction)))
        if prediction.id not in TOGETHER:
            cells += experiment(prediction.id)
    cells += [cell for item in TOGETHER for cell in experiment(item)]
    for section, prose in (
        ("softmax", ""),
        ("gradient", "## The gradient\n\nWith $E = P - Y$.\n\n"),
    ):
        cards = [card for card in chapter.recall if card.section == section]
        cells.append(text(f"cards-{section}", prose + recall_area(chapter, section, cards)))
    cells += [text(f"write-{one.id}", written_box(chapter, one)) for one in chapter.written]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def course_data(chapter: Chapter) -> dict[str, Any]:
    """Return what the pages without a kernel know of this course."""
    place = {"chapter": chapter.id}
    about = {"id": chapter.id, "mark": "4", "title": chapter.title, "exercises": ["softmax"]}
    own = {"softmax": ["softmax"], "gradient": []}
    return {
        "chapters": [{**about, "page": f"solutions/{chapter.id}.html"}],
        "sections": [
            {**place, "id": f"{chapter.id}#{one.id}", "anchor": one.id, "exercises": own[one.id]}
            for one in chapter.sections
        ],
        "cards": [
            {**vars(card), **place, "item": card.id}
            | {"q_html": html(card.question), "a_html": html(card.answer)}
            for card in chapter.recall
        ],
        "predictions": [
            {**vars(one), **place, "item": one.id}
            | {"ask_html": html(one.ask), "because_html": html(one.because)}
            for one in chapter.predictions
        ],
    }


def write_course(root: Path) -> None:
    """Write the sources of the small book, with the assets and the pages of the real one."""
    for folder in ("assets", "templates"):
        shutil.copytree(ROOT / "book" / folder, root / "book" / folder)
    for name in ("_config.yml", "book/review.md", "book/my-predictions.md", "book/references.bib"):
        shutil.copy(ROOT / name, root / name)
    (root / "_toc.yml").write_text(TOC, "utf-8")
    (root / "book" / "index.md").write_text("# Descent\n\nA small book.\n", "utf-8")
    source = root / "solutions" / f"{CHAPTER}.py"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE, "utf-8")
    chapter = read_chapter(source, root)
    nbformat.write(page(chapter), source.with_suffix(".ipynb"))
    script = f"window.DESCENT_COURSE = {json.dumps(course_data(chapter))};\n"
    (root / "book" / "assets" / "course-data.js").write_text(script, "utf-8")


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
