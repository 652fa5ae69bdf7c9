"""The index of terms of the real chapters: what each says it teaches is taught in a section."""

from __future__ import annotations

from pathlib import Path

import pytest

from descent.authoring.course import Course, load_course
from descent.authoring.term_notes import TermNotes
from descent.authoring.terms import Term, course_terms
from descent.study.spelling import term_key

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT)


@pytest.fixture(scope="module")
def terms(course: Course) -> list[Term]:
    return course_terms(course)


def test_what_a_chapter_teaches_leads_to_one_of_its_sections(terms: list[Term]) -> None:
    """Say in ``book/terms.yml`` which section teaches what is listed here."""
    homeless = [
        f"{place.chapter.id}: {term.name}"
        for term in terms
        for place in term.places
        if place.section is None and _is_taught(term, place.chapter.teaches)
    ]
    assert homeless == []


def _is_taught(term: Term, teaches: tuple[str, ...]) -> bool:
    taught = {term_key(name) for name in teaches}
    return any(term_key(name) in taught for name in (term.name, *term.also))


@pytest.mark.parametrize(
    ("name", "chapter", "section"),
    [
        ("batch norm", "ladder/10_resnet", "Batch norm: statistics of a channel"),
        ("Adam", "ladder/08_adam_optax", "Adam"),
        ("causal mask", "ladder/13_causal_transformer", "Who may look at whom"),
        ("cross-entropy", "ladder/04_softmax_classification", "A loss for probabilities"),
        ("residual connection", "ladder/10_resnet", "One addition"),
        ("dropout", "ladder/09_convnet", "Three ways not to memorise"),
    ],
)
def test_a_term_is_sent_where_a_reader_would_send_it(
    terms: list[Term], name: str, chapter: str, section: str
) -> None:
    (term,) = [term for term in terms if term.name == name]
    assert (term.places[0].chapter.id, term.places[0].section) == (chapter, section)


def test_the_names_of_the_notes_name_something(terms: list[Term], course: Course) -> None:
    notes = TermNotes.read(course.root / "book" / "terms.yml", "book/terms.yml")
    listed = {term.name for term in terms}
    assert [name for name in notes.also if name not in listed] == []
