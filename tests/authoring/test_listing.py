"""The lists of chapters, made from the headers."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest
import yaml

from descent.authoring import AuthoringError, build_chapters, listing, stale_files
from descent.runs.definition.catalogue import RUNS

MARKERS = "<!-- chapters:start -->\n<!-- chapters:end -->\n"
RECORD = """{"run": "RUN", "profile": "PROFILE", "label": "2-cores", "date": "2026-01-02",
"command": "descent run RUN", "hardware": "two cores", "versions": {"torch": "2"},
"metrics": {"validation loss": 1.9}, "seconds": 10.0}"""


def build(course):
    return build_chapters(course.root, execute=False, report=lambda line: None)


def add_chapter(course, part: str, name: str, title: str, needs: str = "") -> None:
    text = (
        course.source.read_text()
        .replace("One weight", title)
        .replace("part: toys", f"part: {part}")
    )
    course.write(f"solutions/{part}/{name}.py", text.replace("needs: []", f"needs: [{needs}]"))
    slug = name.partition("_")[2]
    course.write(f"src/descent/exercises/{part}/{slug}.py", course.exercises.read_text())


def test_the_table_of_contents_has_the_chapters_that_exist(course):
    add_chapter(course, "ladder", "02_b", "B")
    add_chapter(course, "ladder", "10_c", "C")
    build(course)
    toc = yaml.safe_load((course.root / "_toc.yml").read_text())
    assert toc["root"] == "book/index"
    parts = {p["caption"]: [c["file"] for c in p["chapters"]] for p in toc["parts"]}
    assert list(parts.items()) == [
        ("Start here", ["book/how-to-work"]),
        ("The ladder", ["solutions/ladder/02_b", "solutions/ladder/10_c"]),
        ("Toys", ["solutions/toys/01_one_weight"]),
        ("To look things up", ["book/terms", "book/bibliography"]),
    ]


def test_parts_after_the_ladder_sort_number_and_read_well(course):
    add_chapter(course, "capstone", "1_supervised", "A project")
    add_chapter(course, "reinforcement", "4_zero", "Zero", needs="research/10_more")
    add_chapter(course, "research", "10_more", "More", needs="research/3_scale")
    add_chapter(course, "research", "3_scale", "Scale", needs="ladder/13_causal")
    add_chapter(course, "ladder", "13_causal", "Causal")
    course.source.unlink()
    course.edit(
        course.root / "solutions" / "research" / "3_scale.py",
        "We follow",
        "A **thing**, after [rung 13](../ladder/13_causal.ipynb). We follow",
    )
    build(course)
    toc = yaml.safe_load((course.root / "_toc.yml").read_text())
    assert {p["caption"]: [c["file"] for c in p["chapters"]] for p in toc["parts"][1:-1]} == {
        "The ladder": ["solutions/ladder/13_causal"],
        "Research chapters": ["solutions/research/3_scale", "solutions/research/10_more"],
        "Reinforcement learning": ["solutions/reinforcement/4_zero"],
        "Capstones": ["solutions/capstone/1_supervised"],
    }
    front = (course.root / "book" / "index.md").read_text()
    cards = re.findall(r"grid-item-card\} (.*)", front)
    assert cards == ["13 · Causal", "R3 · Scale", "R10 · More", "RL4 · Zero", "C1 · A project"]
    assert re.findall(r"\*1.5 hours(.*)\*", front) == [
        "",
        " · after 13",
        " · after R3",
        " · after R10",
        "",
    ]
    readme = (course.root / "README.md").read_text()
    assert "[RL4 · Zero](notebooks/reinforcement/4_zero.ipynb)" in readme
    page = nbformat.read(course.root / "solutions/reinforcement/4_zero.ipynb", as_version=4)
    assert page.cells[0].source.startswith(
        "# RL4 · Zero\n\n**About 1.5 hours** · After [R10 · More](../research/10_more.ipynb) · "
    )
    terms = (course.root / "book" / "terms.md").read_text()
    assert "- **thing**: [Scale](../solutions/research/3_scale.ipynb), Research 3\n" in terms


def test_the_map_has_a_card_a_chapter(course):
    add_chapter(course, "ladder", "02_b", "B", needs="toys/01_one_weight")
    build(course)
    text = (course.root / "book" / "index.md").read_text()
    assert text.startswith("# Course\n") and text.endswith("\nAfter the map.\n")
    assert "2 chapters, 4 graded exercises, about 3 hours." in text
    assert ":::{grid-item-card} 2 · B\n:link: ../solutions/ladder/02_b\n:link-type: doc" in text
    assert "*1.5 hours · after Toys 1*" in text


def test_the_table_has_a_row_a_chapter(course):
    build(course)
    text = (course.root / "README.md").read_text()
    link = "[Toys 1 · One weight](notebooks/toys/01_one_weight.ipynb)"
    assert f"| {link} | a prediction \\| and a model | exact | 1.5 |" in text
    assert text.endswith("\nAfter the table.\n")


@pytest.mark.parametrize("name", ["_toc.yml", "README.md", "book/index.md", "book/terms.md"])
def test_a_list_changed_by_hand_is_stale(course, name):
    build(course)
    path = course.root / name
    path.write_text(
        path.read_text().replace("One weight", "1").replace("01_one", "1_one").replace("## ", "# ")
    )
    assert f"{name} does not list the chapters as they are. Run `make chapters`." in stale_files(
        course.root
    )


@pytest.mark.parametrize("name", ["README.md", "book/index.md"])
@pytest.mark.parametrize(
    "text",
    [
        "# Course\n",
        "<!-- chapters:start -->\n",
        "<!-- chapters:end -->\n<!-- chapters:start -->\n",
        "<!-- chapters:start -->\n<!-- chapters:start -->\n<!-- chapters:end -->\n",
    ],
)
def test_missing_markers_are_an_error_and_the_file_is_left(course, name, text):
    path = course.write(name, text)
    with pytest.raises(AuthoringError, match=f"{name}: needs one line '<!-- chapters:start -->'"):
        build(course)
    assert path.read_text() == text
    assert any(line.startswith(f"{name}: needs one line") for line in stale_files(course.root))


def test_a_missing_file_is_named(course):
    (course.root / "README.md").unlink()
    with pytest.raises(AuthoringError, match="README.md: the file is missing"):
        build(course)


def test_the_page_of_real_runs_has_all_runs_of_a_chapter_the_last_of_its_page_first(
    course, monkeypatch
):
    further = replace(RUNS["gpt2"], chapter="toys/1")
    monkeypatch.setattr(listing, "RUNS", {"gpt2": further, "nanogpt": RUNS["nanogpt"]})
    course.edit(course.source, "# data: synthetic\n", "# data: synthetic\n# run: nanogpt\n")
    course.write("book/real-runs.md", f"# Real runs\n\n{MARKERS}")
    build(course)
    text = (course.root / "book" / "real-runs.md").read_text()
    assert 0 < text.index("(`nanogpt`)") < text.index("(`gpt2`)") and text.count("(`") == 2


def test_real_runs_have_a_page_once_a_chapter_has_one(course):
    build(course)
    assert "real-runs" not in (course.root / "_toc.yml").read_text()
    course.edit(course.source, "# data: synthetic\n", "# data: synthetic\n# run: nanogpt\n")
    course.write("book/real-runs.md", f"# Real runs\n\n{MARKERS}")
    build(course)
    assert "- file: book/real-runs" in (course.root / "_toc.yml").read_text()
    text = (course.root / "book" / "real-runs.md").read_text()
    assert "(`nanogpt`)" in text and "Not yet run, so there is no number: cpu" in text
    record = RECORD.replace("RUN", "nanogpt").replace("PROFILE", "cpu")
    course.write("book/results/runs/nanogpt-cpu-2-cores.json", record)
    stale = " ".join(stale_files(course.root))
    assert "real-runs.md" in stale and "solutions/toys/01_one_weight.ipynb" in stale
    build(course)
    assert "validation loss 1.9" in (course.root / "book" / "real-runs.md").read_text()
