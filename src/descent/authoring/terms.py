"""The terms of the course, and the section that teaches each.

A chapter's header lists what it ``teaches``, and its prose sets a term in bold where it defines it.
Both name terms. ``book/terms.yml`` adds other names of a term, the bold that is emphasis and
defines nothing, and the few sections that no rule finds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.authoring.source import ChapterSource, read_source
from descent.authoring.term_notes import TermNotes
from descent.study.catalog import Chapter
from descent.study.spelling import plain_words, term_key

_FENCE = re.compile(r"^(```|~~~|:::).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
_BOLD = re.compile(r"\*\*(?=\S)((?:(?!\n\s*\n)[^*])+?)(?<=\S)\*\*")
_SENTENCE_START = re.compile(r"(^|[.:!?]\s|\n\s*\n|\n\s*(?:[-*]|\d+\.)\s)\s*[(\"“]*$")
# A term is a noun phrase; these words make it a sentence, an instruction or a contrast.
_NO_NOUN = re.compile(
    r"an?|and|are|as|at|be|because|before|between|but|by|can|do|does|for|from|had|has|have|how|if|"
    r"in|is|its?|itself|keeps|may|means|must|no|nobody|not|nothing|of|once|one|or|our|own|same|so|"
    r"than|that|the|there|they|this|to|us|was|we|were|what|when|who|why|will|with|without|your?"
)
_MOST_WORDS = 4
# Where a chapter looks back or beyond, it defines nothing.
_CLOSING = re.compile(r"(Go further|Explain it)\b")


@dataclass(frozen=True)
class Place:
    """Where a term is taught: a section of a chapter, or its beginning where ``section`` is None.

    ``section`` is the text of the heading as the author wrote it.
    """

    chapter: Chapter
    section: str | None


@dataclass(frozen=True)
class Term:
    """A term, its other names, and its places: the one that teaches it first."""

    name: str
    also: tuple[str, ...]
    places: tuple[Place, ...]


def course_terms(course: Course) -> list[Term]:
    """Find every term of the course.

    Returns
    -------
    list of Term
        In alphabetical order.

    Raises
    ------
    AuthoringError
        When a chapter source or ``book/terms.yml`` cannot be read, or the latter names a section
        that its chapter does not have.
    """
    path = course.root / "book" / "terms.yml"
    notes = TermNotes.read(path, course.name_of(path))
    names = _Names(notes)
    pages = [_read_page(course, chapter) for chapter in course.chapters]
    for page in pages:
        page.note_terms(names, notes.emphasis.get(page.chapter.id, frozenset()))
    terms = [_term(key, names, pages, notes) for key in names.found]
    _refuse_unknown_sections(notes, pages, course.name_of(path))
    return sorted(terms, key=lambda term: (term.name.casefold(), term.name))


class _Names:
    """The names that were found for each term, under one key for all its spellings."""

    def __init__(self, notes: TermNotes) -> None:
        self._listed = {term_key(name): name for name in notes.also}
        self._also = {term_key(name): others for name, others in notes.also.items()}
        self._canonical = {
            term_key(other): term_key(name)
            for name, others in notes.also.items()
            for other in others
        }
        self.found: dict[str, list[str]] = defaultdict(list)

    def key_of(self, name: str) -> str:
        key = term_key(name)
        return self._canonical.get(key, key)

    def add(self, name: str) -> str:
        key = self.key_of(name)
        self.found[key].append(name)
        return key

    def shown(self, key: str) -> str:
        """Return the name a term is listed under: the notes', else the shortest that was found."""
        return self._listed.get(key) or min(self.found[key], key=lambda name: (len(name), name))

    def also(self, key: str) -> tuple[str, ...]:
        """Return the term's other names, those of the notes and those that chapters use."""
        names = {term_key(self.shown(key)): self.shown(key)}
        for name in (*self._also.get(key, ()), *self.found[key]):
            names.setdefault(term_key(name), name)
        return tuple(names.values())[1:]


@dataclass
class _Section:
    """A section of a chapter: its heading, its words, and the keys of what it sets in bold."""

    heading: str | None
    text: str
    bold: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.heading_words = plain_words(self.heading or "")
        self.words = plain_words(self.text)
        self.is_closing = bool(self.heading and _CLOSING.match(self.heading))


@dataclass
class _Page:
    """A chapter as its sections; ``teaches`` and the bold of the sections are keys of terms."""

    chapter: Chapter
    sections: list[_Section]
    teaches: set[str] = field(default_factory=set)

    def note_terms(self, names: _Names, emphasis: frozenset[str]) -> None:
        self.teaches = {names.add(name) for name in self.chapter.teaches}
        for section in self.sections:
            if section.is_closing:
                continue
            for name, is_run_in in _bold_names(section.text):
                is_taught = names.key_of(name) in self.teaches
                if is_taught or not (is_run_in or term_key(name) in emphasis):
                    section.bold.add(names.add(name))

    def section_of(self, key: str, names: Iterable[str]) -> str | None:
        """Return the heading of the section that teaches a term; None means the beginning."""
        phrases = [plain_words(name) for name in names]

        def rank(section: _Section) -> int:
            is_bold, opens = key in section.bold, section.heading is None
            in_heading = any(_has_phrase(section.heading_words, phrase) for phrase in phrases)
            if section.is_closing:
                return 0
            if is_bold and not opens:
                return 6 if in_heading else 5
            if in_heading:
                return 4
            if is_bold:
                return 3
            if not opens and any(_has_phrase(section.words, phrase) for phrase in phrases):
                return 2
            return int(not opens and any(set(phrase) <= set(section.words) for phrase in phrases))

        best = max(self.sections, key=rank)  # the first of several
        return best.heading if rank(best) else None


def _read_page(course: Course, chapter: Chapter) -> _Page:
    source = read_source(chapter, course.name_of(chapter.source))
    return _Page(chapter, list(_sections(source)))


def _sections(source: ChapterSource) -> Iterator[_Section]:
    """Yield the opening of a chapter, then each section, in prose alone."""
    prose = "\n\n".join(cell.text for cell in source.with_role("prose"))
    # Code may have a line that looks like a heading.
    parts = _HEADING.split(_FENCE.sub("", prose))
    yield _Section(None, parts[2] if len(parts) > 2 else "")
    for heading, text in zip(parts[3::2], parts[4::2], strict=True):
        yield _Section(heading, text)


def _bold_names(text: str) -> Iterator[tuple[str, bool]]:
    """Yield what a text sets in bold and may define: short noun phrases, as they are listed.

    The second value says whether it is a heading within the line, "**Dropout.** In training ...".
    """
    for found in _BOLD.finditer(text):
        bold = " ".join(found[1].split())
        name = bold.rstrip(".:?!,")
        words = name.split()
        if _CODE.search(name) or _FORMULA.search(name) or not name[:1].isalpha():
            continue
        if len(words) > _MOST_WORDS or any(_NO_NOUN.fullmatch(word.casefold()) for word in words):
            continue
        starts = _SENTENCE_START.search(text[: found.start()])
        yield _uncapitalised(name) if starts else name, name != bold


def _uncapitalised(name: str) -> str:
    """Return a name from the start of a sentence as it stands within one, capitals of names kept.

    Whether a word is a name is not to be seen at the start of a sentence; where it is, another
    place of the course or its ``teaches`` says so.
    """
    first = name.split(" ")[0]
    is_kept = first.upper() == first or any(letter.isupper() for letter in first[1:])
    return name if is_kept else name[0].lower() + name[1:]


def _term(key: str, names: _Names, pages: list[_Page], notes: TermNotes) -> Term:
    shown, also = names.shown(key), names.also(key)
    places = []
    for page in sorted(pages, key=lambda page: key not in page.teaches):  # stable: course order
        if key in page.teaches or any(key in section.bold for section in page.sections):
            said = _said(notes, page.chapter.id, names, key)
            section = said or page.section_of(key, (shown, *also))
            places.append(Place(page.chapter, section))
    return Term(shown, also, tuple(places))


def _said(notes: TermNotes, chapter_id: str, names: _Names, key: str) -> str | None:
    found = notes.sections.get(chapter_id, {})
    return next((heading for name, heading in found.items() if names.key_of(name) == key), None)


def _refuse_unknown_sections(notes: TermNotes, pages: list[_Page], file: str) -> None:
    headings = {page.chapter.id: {s.heading for s in page.sections} for page in pages}
    problems = [
        f"{file}: {chapter_id} has no section '{heading}'."
        for chapter_id, places in notes.sections.items()
        for heading in places.values()
        if heading not in headings.get(chapter_id, ())
    ]
    if problems:
        raise AuthoringError(problems)


def _has_phrase(words: list[str], phrase: list[str]) -> bool:
    """Say whether the words of a phrase stand one after the other."""
    size = len(phrase)
    return any(words[at : at + size] == phrase for at in range(len(words) - size + 1))
