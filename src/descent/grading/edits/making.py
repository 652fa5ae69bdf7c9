"""Wrong answers that people plausibly write, made of a right one by machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from descent.grading.edits.change import both
from descent.grading.edits.code import Code
from descent.grading.edits.helpers import helpers_of
from descent.grading.edits.vocabulary import LIKELY, OTHERS, Slip, changes, single_changes
from descent.grading.sources import Source


@dataclass(frozen=True)
class Edit:
    """A changed definition, and what it behaves like.

    Attributes
    ----------
    kind : str
        Of which sort it is.
    words : str
        Whole sentences to the learner.
    text : str
        The changed definition; `Source.define` makes an answer of it, if it can be one.
    """

    kind: str
    words: str
    text: str


def edits_of(source: Source) -> Iterator[Edit]:
    """Every edit of a right answer, likeliest kinds first, no text twice; made as asked for.

    After the likely slips in the answer itself come those in earlier answers that it calls.
    """
    code = Code(source)
    seen = {code.text}
    for edit in _all_edits(source, code):
        if edit.text not in seen:
            seen.add(edit.text)
            yield edit


def _all_edits(source: Source, code: Code) -> Iterator[Edit]:
    yield from _edits(code, LIKELY)
    for helper in helpers_of(source, code):
        for edit in _edits(Code(helper), LIKELY):
            words = edit.words.replace("as if ", f"as if, in the work of `{helper.name}`, ", 1)
            yield Edit(edit.kind, words, f"{edit.text}\n\n\n{code.text}")
    yield from _edits(code, OTHERS)


def _edits(code: Code, slips: Sequence[Slip]) -> Iterator[Edit]:
    for change in changes(code, slips):
        text = code.edited(change.splices)
        if text is not None and text != code.text:
            yield Edit(change.kind, change.words, text)


def pairs_of(source: Source, most: int = 300) -> Iterator[Edit]:
    """Two likely edits together, `most` of them at most, likeliest first."""
    code = Code(source)
    seen = {code.text, *(edit.text for edit in edits_of(source))}
    likely = list(islice(single_changes(code), 80))

    def made() -> Iterator[Edit]:
        # By the sum of their places: the likeliest two come first.
        for one, two in sorted(combinations(range(len(likely)), 2), key=sum):
            pair = both(likely[one], likely[two])
            text = code.edited(pair.splices)
            if text is not None and text not in seen:
                seen.add(text)
                yield Edit(pair.kind, pair.words, text)

    return islice(made(), most)
