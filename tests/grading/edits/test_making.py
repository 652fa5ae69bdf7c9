"""Edits come without doubles, in the same order, and say nothing secret."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Sequence
from pathlib import Path

import pytest
from right_answers import source_of

from descent.grading.edits import edits_of, pairs_of
from descent.grading.edits.code import Code, Splice
from descent.grading.sources import Source

SLOPE = '''
def slope(w: float, x: np.ndarray, y: np.ndarray) -> float:
    """The slope of the loss.

    Parameters
    ----------
    w : the weight
    x, y : the batch
    """
    ### BEGIN SOLUTION
    hidden_error = w * x - y
    return 2 * np.mean(hidden_error * x)
    ### END SOLUTION
'''


def test_no_text_comes_twice_nor_is_the_right_one() -> None:
    texts = [edit.text for edit in edits_of(source_of(SLOPE))]
    assert len(texts) == len(set(texts)) > 40
    right = ast.dump(ast.parse(re.sub(r'""".*?"""', "", SLOPE, flags=re.DOTALL).strip()))
    assert right not in {ast.dump(ast.parse(text)) for text in texts}


def test_the_order_is_always_the_same() -> None:
    assert list(edits_of(source_of(SLOPE))) == list(edits_of(source_of(SLOPE)))


def test_every_text_is_python_and_defines_the_name() -> None:
    source = source_of(SLOPE)
    for edit in edits_of(source):
        assert callable(source.define(edit.text, "<edit>")), edit.words


def test_sentences_are_whole_and_name_nothing_of_the_solution() -> None:
    for edit in (*edits_of(source_of(SLOPE)), *pairs_of(source_of(SLOPE))):
        assert edit.words.startswith("It behaves as if "), edit.words
        assert edit.words[-1] in ".?", edit.words
        assert "hidden_error" not in edit.words
        assert "mean(" not in edit.words and " * " not in edit.words


def test_an_edit_is_made_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str | None] = []
    edited = Code.edited

    def counted(code: Code, splices: Sequence[Splice]) -> str | None:
        made.append(edited(code, splices))
        return made[-1]

    monkeypatch.setattr(Code, "edited", counted)
    edits = edits_of(source_of(SLOPE))
    next(edits)
    first = len(made)
    rest = list(edits)
    assert first < 5 < len(rest) < len(made)


def test_pairs_join_two_edits_and_their_words() -> None:
    source = source_of(SLOPE)
    pairs = list(pairs_of(source, most=50))
    single = {edit.text for edit in edits_of(source)}
    assert len(pairs) == len({pair.text for pair in pairs}) == 50
    assert all(pair.text not in single for pair in pairs)
    wrong_twice = next(pair for pair in pairs if "the factor `2` were missing" in pair.words)
    assert wrong_twice.words.count("as if") == 2


def test_a_slip_in_an_earlier_answer_that_is_called(tmp_path: Path) -> None:
    module = tmp_path / "earlier_answers.py"
    module.write_text(
        "def square_mean(x):\n    return sum(a * a for a in x) / len(x)\n\n\n"
        "def size(x):\n    return square_mean(x) ** 0.5\n"
    )
    namespace = runpy.run_path(str(module), run_name="earlier_answers")
    text = "def size(x):\n    return square_mean(x) ** 0.5\n"
    source = Source("size", text, {**namespace, "__name__": "earlier_answers"})
    words = "It behaves as if, in the work of `square_mean`, you did not divide by `len(x)`."
    edit = next(edit for edit in edits_of(source) if edit.words == words)
    assert source.define(edit.text, "<edit>")([3, 4]) == 5
