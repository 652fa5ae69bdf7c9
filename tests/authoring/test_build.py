"""What is built when: identical bytes, nothing run twice, staleness seen without running."""

from __future__ import annotations

import pytest

from descent.authoring import AuthoringError, build_chapters, stale_files

LEARNER = "notebooks/toys/01_one_weight.ipynb"
PAGE = "solutions/toys/01_one_weight.ipynb"


def build(course, **options):
    return build_chapters(course.root, report=lambda line: None, **options)


@pytest.fixture
def runs(course, tmp_path):
    """Make the chapter leave a mark each time it is run; return a function that counts them."""
    marks = tmp_path / "marks"
    course.add_cells(f"# %%\nprint('ran', file=open({str(marks)!r}, 'a'))\n")
    return lambda: len(marks.read_text().splitlines()) if marks.exists() else 0


def test_everything_is_missing_then_fresh(course):
    missing = stale_files(course.root)
    assert f"{LEARNER} is missing. Run `make chapters`." in missing
    assert f"{PAGE} is missing. Run `make chapters`." in missing
    assert any(line.startswith("_toc.yml ") for line in missing)
    chapter, lists = build(course)
    assert chapter.executed and set(chapter.written) == {course.learner, course.page}
    assert len(lists.written) == 6
    assert stale_files(course.root) == []


def test_a_second_build_runs_and_writes_nothing(course, runs):
    build(course)
    before = course.generated()
    chapter, lists = build(course)
    assert (chapter.executed, chapter.written, lists.written) == (False, (), ())
    assert course.generated() == before
    assert runs() == 1


def test_the_same_source_elsewhere_makes_the_same_bytes(course, tmp_path):
    build(course)
    first = course.generated()
    for path in (course.learner, course.page):
        path.unlink()
    build(course)
    assert course.generated() == first


def test_force_runs_again(course, runs):
    build(course)
    build(course, force=True)
    assert runs() == 2


def test_changed_prose_is_stale_but_not_run_again(course, cells_of, runs):
    build(course)
    course.edit(course.source, "# We follow {cite:t}", "# Here we follow {cite:t}")
    stale = stale_files(course.root)
    assert [line.split(" ")[0] for line in stale] == [LEARNER, PAGE]
    assert all("is older than solutions/toys/01_one_weight.py" in line for line in stale)
    build(course)
    assert runs() == 1
    assert stale_files(course.root) == []
    page = cells_of(course.page)
    assert any(cell.source.startswith("Here we follow") for cell in page)
    outputs = [o for c in page if c.cell_type == "code" for o in c.outputs]
    assert "slope 6.0\n" in [o.text for o in outputs if o.output_type == "stream"]


def test_changed_code_is_run_again(course, runs):
    build(course)
    course.edit(course.source, 'print("slope",', 'print("the slope",')
    assert len(stale_files(course.root)) == 2
    build(course)
    assert runs() == 2
    assert "the slope 6.0" in course.page.read_text()


def test_a_changed_hint_is_stale_but_runs_nothing(course, runs):
    build(course)
    course.edit(course.exercises, "Multiply.", "Multiply w and x.")
    assert len(stale_files(course.root)) == 2
    build(course)
    assert "Multiply w and x." in course.page.read_text()
    assert stale_files(course.root) == []
    assert runs() == 1


def test_a_changed_comment_is_stale_but_runs_nothing(course, cells_of, runs):
    build(course)
    course.edit(course.source, "import os\n", "# For paths.\nimport os  # a module\n")
    assert len(stale_files(course.root)) == 2
    build(course)
    assert stale_files(course.root) == []
    assert runs() == 1
    assert any("import os  # a module" in cell.source for cell in cells_of(course.page))


def test_a_line_broken_in_two_runs_nothing_and_another_value_does(course, runs):
    course.edit(
        course.source,
        "import os\n",
        'def scale(x: float) -> float:\n    """Scale."""\n    return x * 3\n',
    )
    build(course)
    course.edit(course.source, "    return x * 3", "    return (\n        x * 3\n    )")
    course.edit(course.source, '"""Scale."""', '"""Scale by\n    three."""')
    assert len(stale_files(course.root)) == 2
    build(course)
    assert stale_files(course.root) == []
    assert "three." in course.page.read_text()
    assert runs() == 1
    course.edit(course.source, "x * 3", "x * 4")
    build(course)
    assert runs() == 2


def test_a_passing_check_shows_the_card_of_its_declaration(course, cells_of, runs):
    course.edit(
        course.exercises,
        "line = Exercise",
        '@predict.property("multiplies")\ndef _(answer, draw): ...\n\nline = Exercise',
    )
    build(course)
    (shown,) = next(
        cell for cell in cells_of(course.page) if cell.source == "check(predict)"
    ).outputs
    assert shown.data["text/plain"] == "predict: correct\n  ✓ multiplies"
    course.edit(course.exercises, "multiplies", "multiplies the two")
    assert any(PAGE in line for line in stale_files(course.root))
    build(course)
    assert "✓ multiplies the two" in course.page.read_text()
    assert stale_files(course.root) == []
    assert runs() == 1


def test_another_look_of_the_card_makes_the_pages_that_show_it_stale(course, monkeypatch):
    build(course)
    monkeypatch.setattr("descent.grading.report.Report.as_html", lambda self: "<p>another</p>")
    assert [line.split(" ")[0] for line in stale_files(course.root)] == [PAGE]


def test_a_new_record_of_a_run_is_shown_without_running_the_page(course, runs, monkeypatch):
    results = ["Not yet run: gpu."]
    monkeypatch.setattr("descent.authoring.written._results", lambda run, course: {
        "text/plain": results[0]})  # fmt: skip
    course.add_cells('# %%\nfrom descent import recorded\n\n# %%\nrecorded("mnist_resnet")\n')
    build(course)
    assert "Not yet run: gpu." in course.page.read_text()
    results[0] = "Measured."
    assert [line.split(" ")[0] for line in stale_files(course.root)] == [PAGE]
    build(course)
    assert "Measured." in course.page.read_text()
    assert runs() == 1


@pytest.mark.parametrize("name", ["speeds", "runs/sweep-cpu-here"])
def test_a_changed_measurement_runs_the_page_that_reads_it_again(course, runs, name):
    record = course.write(f"book/results/{name}.json", "[1]")
    course.add_cells(f"""
        # %%
        def measured(name):
            return name

        measured("{name}")
        """)
    build(course)
    record.write_text("[2]")
    assert [line.split(" ")[0] for line in stale_files(course.root)] == [PAGE]
    build(course)
    assert runs() == 2


def test_a_new_pipeline_makes_everything_stale_but_runs_nothing(course, runs, monkeypatch):
    build(course)
    monkeypatch.setattr("descent.authoring.freshness.PIPELINE_VERSION", 999)
    assert len(stale_files(course.root)) == 2
    build(course)
    assert stale_files(course.root) == []
    assert runs() == 1


@pytest.mark.parametrize("name", [LEARNER, PAGE])
def test_an_edit_by_hand_is_seen(course, name):
    build(course)
    course.edit(course.root / name, "## A model", "## My model")
    (line,) = stale_files(course.root)
    assert line.startswith(f"{name} is not what its source makes")
    build(course)
    assert stale_files(course.root) == []


def test_a_broken_notebook_is_made_again(course):
    build(course)
    before = course.generated()
    course.page.write_text("{")
    assert stale_files(course.root) == [f"{PAGE} cannot be read. Run `make chapters`."]
    build(course)
    assert course.generated() == before


def test_a_changed_bibliography_is_seen(course):
    build(course)
    course.edit(course.root / "book" / "references.bib", "Nielsen, Michael A.", "Nilsen, M.")
    stale = {line.partition(" ")[0] for line in stale_files(course.root)}
    assert stale == {LEARNER, "book/assets/course-data.js"}  # whose cards cite it


def test_a_page_that_was_not_run_is_stale(course, runs):
    build(course, execute=False)
    assert runs() == 0
    assert stale_files(course.root) == [f"{PAGE} has not been executed. Run `make chapters`."]
    build(course)
    assert stale_files(course.root) == []
    build(course, execute=False)
    assert stale_files(course.root) == []


def test_a_notebook_without_a_source_is_named(course):
    build(course)
    course.write("notebooks/toys/07_gone.ipynb", "{}")
    assert stale_files(course.root) == [
        "notebooks/toys/07_gone.ipynb has no chapter source. Delete it."
    ]


@pytest.mark.parametrize("only", ["toys/02_again", "toys/02", "again", ["toys/02"]])
def test_only_what_was_asked_for_is_built(course, only):
    text = course.source.read_text().replace("One weight", "Again")
    course.write("solutions/toys/02_again.py", text)
    course.write("src/descent/exercises/toys/again.py", course.exercises.read_text())
    built = build(course, only=only, execute=False)
    assert [done.chapter for done in built] == ["toys/02_again", None]
    assert not course.learner.exists()


def test_an_unknown_chapter_is_refused(course):
    with pytest.raises(AuthoringError, match="There is no chapter 'toys/08'"):
        build(course, only="toys/08")


def test_each_chapter_is_reported(course):
    lines = []
    build_chapters(course.root, execute=False, report=lines.append)
    build_chapters(course.root, execute=False, report=lines.append)
    assert lines == ["toys/01_one_weight: written", "toys/01_one_weight: unchanged"]
