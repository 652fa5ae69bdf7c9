"""The slips that a machine knows. (A stand-in until the vocabulary is there.)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from descent.grading.mutants import source_mutants
from descent.grading.sources import Source


@dataclass(frozen=True)
class Edit:
    kind: str
    words: str
    text: str


def edits_of(source: Source) -> Iterator[Edit]:
    for m in source_mutants(source.text):
        yield Edit("mutant", "MUTANT " + m.name, m.source)


def pairs_of(source: Source, most: int = 300) -> Iterator[Edit]:
    return iter(())
