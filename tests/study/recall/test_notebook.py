"""Cards inside a chapter's notebook."""

from __future__ import annotations

import time

import ipywidgets
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from descent.study.catalog import find_chapter
from descent.study.kernel import KernelOfThisPython
from descent.study.recall.areas import UnknownSection, area_cards
from descent.study.recall.in_notebook import area_widget, recall
from descent.study.store import ProgressStore

FOUR = "ladder/04_softmax"


@pytest.fixture
def chapter(course):
    InteractiveShell.instance()
    yield find_chapter("ladder/04")
    InteractiveShell.clear_instance()


def answer(item: str, remembered: bool) -> None:
    ProgressStore().record("review", FOUR, item, remembered=remembered, seconds=1.0, where="page")


def shown(chapter, section: str) -> tuple[list[str], list[str]]:
    """Return the ids of the cards that return to a place, and of its own."""
    returning, own = area_cards(chapter, section, ProgressStore().events())
    return [card.item for card in returning], [card.item for card in own]


def press(widget, words: str) -> None:
    """Press the first button that says these words."""
    buttons = [one for one in every(widget) if isinstance(one, ipywidgets.Button)]
    next(one for one in buttons if one.description == words).click()


def every(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from every(child)


def text_of(widget) -> str:
    """Return all Markdown that a widget shows."""
    outputs = [one.outputs for one in every(widget) if isinstance(one, ipywidgets.Output)]
    return "\n".join(out["data"]["text/markdown"] for found in outputs for out in found)


def test_a_place_has_the_cards_of_its_section_and_the_foot_the_rest(chapter):
    assert shown(chapter, "softmax") == ([], ["shift", "sum"])
    assert shown(chapter, "") == ([], ["logit"])


def test_a_forgotten_card_returns_at_the_next_place_until_it_is_known(chapter):
    answer("shift", False)
    assert shown(chapter, "") == (["shift"], ["logit"])
    assert shown(chapter, "softmax") == ([], ["shift", "sum"])
    answer("shift", True)
    assert shown(chapter, "") == ([], ["logit"])


def test_a_section_without_cards_is_told_with_those_that_have_some(chapter):
    with pytest.raises(UnknownSection, match='"scores", "softmax"'):
        area_cards(chapter, "sofmax", [])


def test_outside_a_kernel_the_questions_are_printed_and_nothing_waits(chapter, capsys):
    answer("logit", False)
    recall(chapter, "softmax", ProgressStore())
    said = capsys.readouterr().out
    assert "— What does μ change?" in said and "— What is a logit?" in said
    assert "Nothing" not in said and "A score" not in said


def test_a_card_is_answered_with_two_presses_and_is_in_the_record_at_once(chapter):
    store = ProgressStore()
    widget = area_widget(*area_cards(chapter, "softmax", []), store)
    assert "Nothing" not in text_of(widget)
    press(widget, "Show the answer")
    assert "Nothing" in text_of(widget)
    press(widget, "Not yet")
    (event,) = store.events()
    assert (event.kind, event.chapter, event.exercise) == ("review", FOUR, "shift")
    assert event.data["remembered"] is False and event.data["where"] == "page"
    assert event.at == pytest.approx(time.time(), abs=60)
    assert "in the review tomorrow" in text_of(widget)
    press(widget, "Show the answer")
    press(widget, "I knew it")
    assert [one.exercise for one in store.events()] == ["shift", "sum"]


def test_in_a_kernel_the_cell_ends_at_once_and_can_be_read_without_widgets(chapter):
    source = (
        "from descent.study.catalog import find_chapter\n"
        "from descent.study.recall.in_notebook import recall\n"
        "from descent.study.store import ProgressStore\n"
        "recall(find_chapter('ladder/04'), 'softmax', ProgressStore())"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=300, kernel_manager_class=KernelOfThisPython).execute()
    (output,) = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data
    assert output.data["text/plain"].startswith("— What does μ change?")
    assert not ProgressStore().events()
