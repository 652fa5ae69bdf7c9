"""What a chapter may not exceed, counted: the limits of CONTRIBUTING.md that a program can see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from descent.authoring.course import Course
from descent.authoring.declared import WrittenHint, WrittenText, read_written
from descent.authoring.giveaways import giveaways, solution_code
from descent.authoring.prose import Sentence, sentences
from descent.authoring.source import ChapterSource, read_source
from descent.study.catalog import Chapter

FEWEST_WORDS, MOST_WORDS = 1500, 3500
LONG, LONGISH = 30, 25
MOST_LONGISH = 10
"""Percent of a chapter's sentences that may have more words than LONGISH."""
STRETCH = 250
"""Words that may stand between two things to do: a cell to run or fill in, or a prediction."""
SHORT = 4
"""Lines of a solution; at most half of a chapter's solutions have fewer."""
FEWEST_CARDS, MOST_CARDS = 6, 10
MOST_SECTIONS = 25

_PREDICTION = re.compile(r"Predict\b")
# The headings of the closing sections: from the first of them on, all there is is things to do.
_TASKS = re.compile(r"Go further|Explain it( to a friend)?")
_MARK = re.compile(r"(?<=[\w\"'”’)\]…])!+(?=[\s\"'”’)\]]|$)")
# "Just" is also said of what is near: "has just read", "just below", "just as large".
_BELITTLING = re.compile(
    r"\b(?:simply|obviously"
    r"|(?<!\bhas )(?<!\bhave )(?<!\bhad )just(?! (?:as|below|above|before|after|past)\b))\b",
    re.IGNORECASE,
)


Spoken = list[list[Sentence] | None]
"""What the cells of a chapter say, in order; None for a cell to run or to fill in."""


@dataclass(frozen=True)
class Count:
    """One thing counted in a chapter.

    Attributes
    ----------
    key
        Its name in the list of known excesses.
    amount
        How much of it there is.
    most, least
        What is allowed.
    what
        How a message calls the amount, such as "sentences over 30 words".
    places
        Where it is, each a line with a note.
    """

    key: str
    amount: int
    most: int
    what: str
    places: tuple[str, ...] = ()
    least: int = 0

    def says(self, known: int = 0) -> str:
        """Return the amount, the limit it breaks and the places, as one sentence."""
        if self.amount < self.least:
            return f"{self.what}: {self.amount}; a chapter has at least {self.least}."
        listed = f", {known} known" if known else ""
        where = f"; {', '.join(self.places)}" if self.places else ""
        return f"{self.what}: {self.amount}, {self.most or 'none'} allowed{listed}{where}."


def count_chapter(course: Course, chapter: Chapter) -> list[Count]:
    """Count in one chapter everything that has a limit, whether it is kept or not.

    Raises
    ------
    AuthoringError
        When the source or the exercises module cannot be read.
    """
    source = read_source(chapter, course.name_of(chapter.source))
    written = read_written(course, chapter)
    spoken = [
        sentences(cell.text, cell.line + 1) if cell.role == "prose" else None
        for cell in source.cells
    ]
    prose = [sentence for found in spoken if found for sentence in found]
    return [
        *_counts_of_prose(prose),
        _stretches(spoken),
        *_counts_of_voice(prose, written.texts),
        _short_solutions(source),
        _giveaways(source, written.hints),
        Count("sections", len(chapter.sections), MOST_SECTIONS, "sections in the header", (), 1),
        *_counts_of_cards(chapter),
    ]


def _counts_of_prose(prose: list[Sentence]) -> Iterator[Count]:
    words = sum(sentence.words for sentence in prose)
    yield Count("words", words, MOST_WORDS, "words of prose", least=FEWEST_WORDS)
    over = [sentence for sentence in prose if sentence.words > LONG]
    yield Count(
        "sentences_over_30",
        len(over),
        0,
        f"sentences over {LONG} words",
        tuple(f"line {found.line} ({found.words} words)" for found in over),
    )
    longish = [sentence for sentence in prose if sentence.words > LONGISH]
    yield Count(
        "percent_over_25",
        100 * len(longish) // max(len(prose), 1),
        MOST_LONGISH,
        f"percent of sentences over {LONGISH} words",
        tuple(f"line {found.line} ({found.words})" for found in longish),
    )


def _stretches(spoken: Spoken) -> Count:
    """Count the words beyond STRETCH between two things to do."""
    beyond, places = 0, []
    for first, words in _runs_of_prose(spoken):
        if words > STRETCH:
            beyond += words - STRETCH
            places.append(f"line {first} ({words} words)")
    what = f"words beyond {STRETCH} between two things to do"
    return Count("words_beyond_250", beyond, 0, what, tuple(places))


def _runs_of_prose(spoken: Spoken) -> Iterator[tuple[int, int]]:
    """Yield the first line and the words of the prose between two things to do."""
    first, words = 0, 0
    for cell in spoken:
        for sentence in cell or ():
            if _TASKS.fullmatch(sentence.text):
                yield first, words
                return
            if _PREDICTION.match(sentence.text):
                yield first, words
                first, words = 0, 0
            first = first or sentence.line
            words += sentence.words
        if cell is None:
            yield first, words
            first, words = 0, 0
    yield first, words


def _counts_of_cards(chapter: Chapter) -> Iterator[Count]:
    cards = chapter.recall
    yield Count("recall_cards", len(cards), MOST_CARDS, "recall cards", (), FEWEST_CARDS)
    repeating = tuple(card.id for card in cards if not card.transfer)
    what = "recall cards that ask about no new case"
    yield Count("repeating_cards", len(repeating), len(cards) // 2, what, repeating)


def _counts_of_voice(prose: list[Sentence], texts: list[WrittenText]) -> Iterator[Count]:
    """Count exclamation marks and belittling words, in the page and in what a check says."""
    heard = [(f"line {sentence.line}", sentence.text) for sentence in prose]
    heard += [
        (f"{written.file}, line {written.line}", sentence.text)
        for written in texts
        if _MARK.search(written.text) or _BELITTLING.search(written.text)
        for sentence in sentences(written.text)
    ]
    marks = tuple(where for where, text in heard for _ in _MARK.findall(text))
    yield Count("exclamation_marks", len(marks), 0, "exclamation marks", marks)
    words = tuple(
        f"{where} ('{word}')" for where, text in heard for word in _BELITTLING.findall(text)
    )
    what = "the words 'simply', 'just' and 'obviously'"
    yield Count("belittling_words", len(words), 0, what, words)


def _short_solutions(source: ChapterSource) -> Count:
    cells = source.with_role("exercise")
    short = [cell for cell in cells if _lines(solution_code(cell.text)) < SHORT]
    return Count(
        "short_solutions",
        len(short),
        len(cells) // 2,
        f"solutions under {SHORT} lines, of {len(cells)}",
        tuple(f"{cell.name} (line {cell.line})" for cell in short),
    )


def _lines(code: str) -> int:
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in code.split("\n"))


def _giveaways(source: ChapterSource, hints: list[WrittenHint]) -> Count:
    found = [
        hint
        for cell in source.with_role("exercise")
        for hint in giveaways(
            [hint for hint in hints if hint.exercise == cell.name], solution_code(cell.text)
        )
    ]
    return Count(
        "hints_that_tell_all",
        len(found),
        0,
        "hints before the last that are the solution",
        tuple(f"{hint.exercise} ({hint.file}, line {hint.line})" for hint in found),
    )
