"""The terms of a course, and the section that each is sent to."""

from __future__ import annotations

import pytest

from descent.authoring import AuthoringError
from descent.authoring.course import load_course
from descent.authoring.listing import index_of_terms
from descent.authoring.terms import course_terms
from descent.study.spelling import term_key

HEADER = """\
# ---
# title: {title}
# subtitle: A page
# part: {part}
# hours: 1
# teaches: [{teaches}]
# builds: something
# number: exact
# data: synthetic
# recall:
#   - {{id: what, section: idea, q: "Q?", a: "A."}}
# ---

# %% [markdown]
# # {title}
"""


@pytest.fixture
def write(course):
    """Return a function that writes a chapter of these cells of prose."""

    def write_chapter(chapter_id: str, teaches: str, *cells: str) -> None:
        part, _, name = chapter_id.partition("/")
        text = HEADER.format(title=name, part=part, teaches=teaches)
        for cell in cells:
            lines = "".join(f"# {line}".rstrip() + "\n" for line in cell.split("\n"))
            text += f"\n# %% [markdown]\n{lines}"
        course.write(f"solutions/{chapter_id}.py", text)

    course.source.unlink()
    return write_chapter


def found(course):
    """Return the places of each term: marks of chapters and headings."""
    terms = course_terms(load_course(course.root))
    return {t.name: [(p.chapter.mark, p.section) for p in t.places] for t in terms}


def test_a_term_leads_to_the_section_that_defines_it(course, write):
    write(
        "ladder/10_net",
        "batch norm, residual connection, folding",
        "We meet **batch norm** and a\n**residual connection** here.",
        "## Statistics\nThat is **batch norm**, in short.",
        "## Folding, and why\nNothing is bold.",
        "## One addition\nA residual\nconnection adds.",
    )
    assert found(course) == {
        "batch norm": [("10", "Statistics")],
        "folding": [("10", "Folding, and why")],
        "residual connection": [("10", None)],
    }


def test_the_chapter_that_teaches_a_term_comes_first_then_the_course_order(course, write):
    write("ladder/02_a", "", "## A\nThe **loss** falls.")
    write("ladder/10_b", "", "## B\nThe **loss** again.")
    write("ladder/03_c", "losses", "## C\nThe **loss** is taught.")
    write("research/1_d", "", "## D\n**Loss**, once more.")
    assert found(course) == {"loss": [("3", "C"), ("2", "A"), ("10", "B"), ("R1", "D")]}


def test_spellings_of_one_term_are_one_entry(course, write):
    write("ladder/01_a", "mini-batches", "## A\nA **minibatch**.\n\n## B\n**Minibatches** again.")
    write("ladder/02_b", "", "## C\nThe **mini batch**.")
    assert found(course) == {"minibatch": [("1", "A"), ("2", "C")]}
    assert term_key("Batch normalization") == term_key("batch-normalisation")
    assert term_key("classes") == term_key("class") != term_key("clas")


def test_emphasis_headings_in_a_line_and_code_are_no_terms(course, write):
    write(
        "ladder/01_a",
        "dropout",
        "## A\n**Predict.** What happens? **99.3 %** and **`code`** and **$d = 1$**; we **have not"
        " run it**, **by hand**, **one**, but **a claim that is far too long**.",
        "## B\n- **Dropout.** In training, places are zeroed.\n- **Others.** They are not.",
        "## Go further\n**whitening** is for another day.",
        "```\n# ## no heading\n**no term**\n```",
    )
    assert found(course) == {"dropout": [("1", "B")]}


@pytest.mark.parametrize(
    ("bold", "listed"),
    [
        ("**Attention** is", "attention"),
        ("the method of **Adam** is", "Adam"),
        ("**JAX** is", "JAX"),
        ("**L2 regularisation** is", "L2 regularisation"),
        ("- **Top-k** is", "top-k"),
        ("It ends. **Mixup** is", "mixup"),
    ],
)
def test_a_term_is_listed_as_it_stands_within_a_sentence(course, write, bold, listed):
    write("ladder/01_a", "", f"## A\n{bold} a thing.")
    assert list(found(course)) == [listed]


def test_the_notes_name_other_names_sections_and_emphasis(course, write):
    write(
        "ladder/01_a",
        "batch normalisation, folding",
        "## A\n**batch norm** and **add**.",
        "## In use\nIt costs nothing.",
    )
    write("ladder/02_b", "", "## B\nWe **add**.")
    course.write(
        "book/terms.yml",
        "also: {batch norm: [batch normalisation, BN]}\n"
        "sections: {ladder/01_a: {folding: In use}}\n"
        "emphasis: {ladder/01_a: [add]}\n",
    )
    assert found(course) == {
        "add": [("2", "B")],
        "batch norm": [("1", "A")],
        "folding": [("1", "In use")],
    }
    terms = {term.name: term.also for term in course_terms(load_course(course.root))}
    assert terms["batch norm"] == ("batch normalisation", "BN")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sections: {ladder/01_a: {x: Nowhere}}", "ladder/01_a has no section 'Nowhere'"),
        ("sections: {ladder/09_z: {x: A}}", "ladder/09_z has no section 'A'"),
        ("also: {x: [y], z: [Y]}", "'also' has 'Y' under two terms"),
        ("also: {x: [y], y: [w]}", "'also' has 'y' under two terms"),
        ("also: [x]", "'also' has a list of names for a term"),
        ("synonyms: {}", "has the fields 'also', 'emphasis' and 'sections'"),
        ("also: [", "is not YAML"),
    ],
)
def test_wrong_notes_are_named(course, write, text, complaint):
    write("ladder/01_a", "x", "## A\n**x**")
    course.write("book/terms.yml", text)
    with pytest.raises(AuthoringError, match=f"book/terms.yml: .*{complaint}"):
        course_terms(load_course(course.root))


def test_the_page_has_letters_names_and_links(course, write):
    write("ladder/10_net", "no_grad", "## The layer: $x$ and `y`\nA **buffer** and `no_grad`.")
    write("research/2_laws", "", "## Again\nThe **buffer**.\n\n## 3 ways\nThe **top-k**.")
    course.write("book/terms.yml", "also: {buffer: [store]}")
    text = index_of_terms(course_terms(load_course(course.root)))
    link = "[The layer: $x$ and `y`](../solutions/ladder/10_net.ipynb#the-layer--and-y)"
    again = "[Again](../solutions/research/2_laws.ipynb#again)"
    assert f"- **buffer** (*store*): {link}, rung 10; {again}, Research 2\n" in text
    assert f"- **`no_grad`**: {link}, rung 10\n" in text
    assert [line for line in text.split("\n") if line.startswith("## ")] == ["## B", "## N", "## T"]
