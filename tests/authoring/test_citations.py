"""Citations as a notebook shows them."""

from __future__ import annotations

import pytest

from descent.authoring.citations import Bibliography
from descent.authoring.problems import AuthoringError


@pytest.fixture
def works(course) -> Bibliography:
    return Bibliography.read(course.root / "book" / "references.bib", lambda path: path.name)


@pytest.mark.parametrize(
    ("role", "text"),
    [
        ("{cite:t}`vaswani2017`", "Vaswani et al. (2017)"),
        ("{cite:p}`vaswani2017`", "(Vaswani et al., 2017)"),
        ("{cite}`vaswani2017`", "(Vaswani et al., 2017)"),
        ("{cite:t}`hinton1986`", "van den Oord and Hinton (1986)"),
        ("{cite:t}`nielsen2015`", "[Nielsen (2015)](https://example.org/book)"),
        (
            "{cite:p}`hinton1986, vaswani2017`",
            "(van den Oord and Hinton, 1986; Vaswani et al., 2017)",
        ),
        (
            "{cite:t}`hinton1986,vaswani2017`",
            "van den Oord and Hinton (1986) and Vaswani et al. (2017)",
        ),
    ],
)
def test_a_role_becomes_words(works, role, text):
    assert works.spell_out(f"As {role} says.") == f"As {text} says."


def test_text_without_citations_stays(works):
    text = "Code `x` and {math}`y` and `nielsen2015`."
    assert works.spell_out(text) == text


def test_unknown_keys_are_named(works):
    assert works.unknown_keys("{cite:p}`nielsen2015,nobody` {cite:t}`noone`") == ["nobody", "noone"]


def test_a_file_that_is_not_bibtex_is_refused(course):
    path = course.write("book/references.bib", "@book{x, title = ")
    with pytest.raises(AuthoringError, match="references.bib: is not BibTeX"):
        Bibliography.read(path, lambda path: path.name)
