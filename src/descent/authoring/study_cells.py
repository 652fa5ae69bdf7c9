"""The cells in which a learner commits to something: to a prediction, a card, an answer in words.

In the source, and in the learner's notebook, each is one call: ``commit``, ``outcome``, ``recall``
or ``write``. What it asks is declared in the chapter's header. On the book's page, where no kernel
runs, predictions, cards and answers become HTML that reads without a script, and that
``book/assets`` brings to life; what the cells between a prediction and its outcome print is folded.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from html import escape
from typing import TypeVar

import nbformat
from nbformat import NotebookNode

from descent.authoring.pages import authored, markdown
from descent.authoring.rendered import html
from descent.authoring.source import Cell, ChapterSource, cell_id
from descent.study.catalog import Chapter
from descent.study.header import Card, Prediction, Written
from descent.study.recall.areas import card_places
from descent.study.written.drafts import AsksInWriting

HTML_ON_PAGE = ("predict", "recall", "write")
"""The roles of cells that no kernel computes anything for."""

STUDY_ROLES = (*HTML_ON_PAGE, "outcome")

_COMMENT_WIDTH = 96

Entry = TypeVar("Entry", Prediction, Written)


def notebook_cell(source: ChapterSource, cell: Cell) -> NotebookNode:
    """Return the cell as the learner's notebook has it: the call, under what it asks."""
    made = authored(cell)
    if cell.role in ("predict", "write"):
        made.source = f"{_comment(_question(source.chapter, cell))}\n{cell.text}"
    return made


def foot_cells(source: ChapterSource) -> list[NotebookNode]:
    """Return the recall section of the learner's notebook; it has a page's remaining cards."""
    if not foot_cards(source):
        return []
    chapter = source.chapter
    call = nbformat.v4.new_code_cell(
        "from descent import recall\n\nrecall()", id=cell_id(chapter.id, "made / recall cards")
    )
    return [markdown(chapter, "recall", f"## Recall\n\n{RECALL_WORDS}"), call]


def page_cell(source: ChapterSource, cell: Cell) -> NotebookNode:
    """Return the HTML that stands for a cell on the book's page."""
    chapter = source.chapter
    if cell.role == "recall":
        name = str(cell.name)
        text = recall_area(chapter, name, [c for c in chapter.recall if c.section == name])
    elif cell.role == "predict":
        text = prediction_box(chapter, _declared(chapter.predictions, cell))
    else:
        text = written_box(chapter, _declared(chapter.written, cell))
    made = markdown(chapter, f"{cell.role} {cell.name}", text)
    made.id = cell.id
    return made


def foot_of_page(source: ChapterSource) -> list[NotebookNode]:
    """Return the recall section of the book's page."""
    cards = foot_cards(source)
    if not cards:
        return []
    area = recall_area(source.chapter, "", cards)
    return [markdown(source.chapter, "recall", f"## Recall\n\n{RECALL_WORDS}\n\n{area}")]


RECALL_WORDS = "Say each answer aloud before you open it."


def foot_cards(source: ChapterSource) -> list[Card]:
    """Return the cards whose section has no place of its own for them."""
    places = card_places(source.chapter)
    return [card for card in source.chapter.recall if card.section not in places]


def folded_cells(source: ChapterSource) -> set[str]:
    """Return the ids of code cells between a prediction and its outcome, and of the outcomes."""
    found: set[str] = set()
    waiting: set[str | None] = set()
    for cell in source.cells:
        if cell.role == "predict":
            waiting.add(cell.name)
        elif cell.role == "outcome" or (cell.role == "code" and waiting):
            found.add(cell.id)
            waiting.discard(cell.name)
    return found


def recall_area(chapter: Chapter, section: str, cards: Iterable[Card]) -> str:
    """Return cards as HTML; each opens to its answer."""
    inner = "".join(
        f'<details class="descent-card"{_of(chapter, card.id)}>'
        f'<summary>{html(card.question)}</summary><div class="answer">{html(card.answer)}</div>'
        "</details>"
        for card in cards
    )
    where = _attributes(chapter=chapter.id, section=section)
    return f'<div class="descent-recall"{where}>{inner}</div>'


def prediction_box(chapter: Chapter, prediction: Prediction) -> str:
    """Return the place on a page where a prediction is made."""
    kind = "choice" if prediction.choices else "number"
    choices = json.dumps(prediction.choices, ensure_ascii=False) if prediction.choices else None
    attributes = _attributes(
        kind=kind,
        unit=prediction.unit or None,
        within=prediction.within,
        factor=prediction.factor,
        choices=choices,
        because=html(prediction.because),
    )
    ask = f'<p class="ask">{html(prediction.ask)}</p>'
    return f'<div class="descent-predict"{_of(chapter, prediction.id)}{attributes}>{ask}</div>'


def written_box(chapter: AsksInWriting, written: Written) -> str:
    """Return the place on a page where an answer is written; the rubric stays folded."""
    points = "".join(f"<li>{html(point)}</li>" for point in written.rubric)
    return (
        f'<div class="descent-written"{_of(chapter, written.id)}>'
        f'<p class="ask">{html(written.ask)}</p><details class="rubric">'
        f"<summary>What a good answer contains</summary><ul>{points}</ul>"
        f'<div class="model-answer">{html(written.answer)}</div></details></div>'
    )


def _question(chapter: Chapter, cell: Cell) -> str:
    if cell.role == "write":
        return _declared(chapter.written, cell).ask
    return question(_declared(chapter.predictions, cell))


def question(prediction: Prediction) -> str:
    """Return what a prediction asks, and in which form it is answered."""
    if prediction.choices:
        return f"{prediction.ask} One of: {', '.join(map(repr, prediction.choices))}."
    return f"{prediction.ask} In {prediction.unit}." if prediction.unit else prediction.ask


def _comment(text: str) -> str:
    """Write markdown as comment lines; code and formulas stay as they are written."""
    lines = textwrap.wrap(" ".join(text.split()), _COMMENT_WIDTH, break_long_words=False)
    return "\n".join(f"# {line}" for line in lines)


def _declared(entries: Iterable[Entry], cell: Cell) -> Entry:
    return next(entry for entry in entries if entry.id == cell.name)


def _of(chapter: AsksInWriting, item: str) -> str:
    return _attributes(chapter=chapter.id, item=item)


def _attributes(**values: str | float | None) -> str:
    given = {key: value for key, value in values.items() if value is not None}
    return "".join(
        f' data-{key}="{escape(f"{value:g}" if isinstance(value, float) else value)}"'
        for key, value in given.items()
    )
