"""Looking for one edit among all of a small right answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from right_answers import source_of

from descent.grading.edits import edits_of


@pytest.fixture
def answer_of() -> Callable[[str, str], Any]:
    """The answer of the edit with a sentence, made of a right answer's text."""

    def find(text: str, sentence: str) -> Any:
        source = source_of(text)
        edits = [edit for edit in edits_of(source) if edit.words == sentence]
        said = "\n".join(edit.words for edit in edits_of(source))
        assert len(edits) > 0, f"{sentence!r} is not among\n{said}"
        return source.define(edits[0].text, "<edit>")

    return find
