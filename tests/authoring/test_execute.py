"""Running a page: where it runs, what is kept of its outputs, what a failure says."""

from __future__ import annotations

import os
import sys

import pytest

from descent.authoring import AuthoringError, build_chapters


def build(course, **options):
    return build_chapters(course.root, report=lambda line: None, **options)


def printed(cells) -> str:
    outputs = [o for c in cells if c.cell_type == "code" for o in c.outputs]
    return "".join(o["text"] for o in outputs if o.output_type == "stream")


def test_outputs_are_real_and_carry_no_times(course, cells_of):
    build(course)
    cells = cells_of(course.page)
    assert printed(cells).endswith("slope 6.0\n")
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all("execution" not in cell.metadata for cell in cells)


def test_it_runs_this_python_and_keeps_out_of_the_authors_files(
    course, cells_of, tmp_path, monkeypatch
):
    mine = tmp_path / "mine"
    monkeypatch.setenv("DESCENT_HOME", str(mine))
    monkeypatch.setenv("DESCENT_WORK", str(mine))
    course.add_cells(
        f"""\
        # %%
        import sys
        open("left.txt", "w").write("x")
        open(os.path.join(os.environ["DESCENT_HOME"], "progress"), "w").write("x")
        print(sys.executable == {sys.executable!r})
        print(os.environ["DESCENT_COURSE"] == {str(course.root)!r})
        print(os.path.exists(os.environ["DESCENT_WORK"]))
        """
    )
    build(course)
    assert printed(cells_of(course.page)).endswith("True\nTrue\nFalse\n")
    assert not mine.exists()
    assert not list(course.root.rglob("left.txt"))


def test_nothing_of_this_machine_or_this_run_stays_in_the_page(course, cells_of, monkeypatch):
    monkeypatch.setenv("DESCENT_DATA", os.sep + os.path.join("somewhere", "shared"))
    course.add_cells(
        """\
        # %%
        import warnings
        warnings.warn("careful")
        print(object(), os.getcwd(), os.environ["DESCENT_COURSE"], os.environ["DESCENT_DATA"])
        """
    )
    build(course)
    text = printed(cells_of(course.page))
    assert "<object object at 0x0> . . data\n" in text
    assert "this cell:2: UserWarning: careful" in text
    first = course.generated()
    build(course, force=True)
    assert course.generated() == first


def test_a_widget_becomes_a_sentence(course, cells_of):
    course.add_cells(
        """\
        # %%
        from IPython.display import display
        view = {"model_id": "5f3a", "version_major": 2, "version_minor": 0}
        display({"application/vnd.jupyter.widget-view+json": view, "text/plain": "Pad()"}, raw=True)
        """
    )
    build(course)
    last = [cell for cell in cells_of(course.page) if cell.cell_type == "code"][-1]
    (output,) = last.outputs
    assert list(output.data) == ["text/markdown"]
    assert "works in JupyterLab" in output.data["text/markdown"]


def test_pictures_come_out_whatever_backend_the_author_uses(course, cells_of, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    course.add_cells("""\
        # %%
        import matplotlib.pyplot as plt
        plt.plot([1, 2])
        plt.show()
        """)
    build(course)
    outputs = [o for c in cells_of(course.page) if c.cell_type == "code" for o in c.outputs]
    assert any("image/png" in o.get("data", {}) for o in outputs)


def test_a_page_with_the_offline_default_is_refused(course):
    course.add_cells("""\
        # %%
        import sys
        print("this is scikit-learn digits (offline default)", file=sys.stderr)
        """)
    with pytest.raises(AuthoringError, match="DESCENT_DATA"):
        build(course)
    assert not course.page.exists()


def test_what_only_programs_read_is_left_out(course, cells_of):
    course.add_cells(
        """\
        # %%
        from IPython.display import display
        display({"application/vnd.descent.check+json": {}, "text/plain": "correct"}, raw=True)
        """
    )
    build(course)
    last = [cell for cell in cells_of(course.page) if cell.cell_type == "code"][-1]
    assert last.outputs[0].data == {"text/plain": "correct"}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise ValueError('seven\\nlines')", "raised ValueError: seven"),
        ("os._exit(3)", "ended the kernel"),
    ],
)
def test_a_cell_that_fails_is_named(course, code, says):
    course.add_cells(f"# %%\n{code}\n")
    with pytest.raises(AuthoringError) as caught:
        build(course)
    (problem,) = caught.value.problems
    assert problem.startswith("solutions/toys/01_one_weight.py, cell 9 (line ")
    assert problem.endswith(f"): {says}")
    assert not course.page.exists()


def test_a_real_run_is_not_begun_by_making_the_page(course, cells_of):
    course.add_cells(
        """
        # %% tags=["real-run"]
        print("training for days")

        # %%
        print("after it")
        """
    )
    build(course)
    for path in (course.page, course.learner):
        cell = next(cell for cell in cells_of(path) if "for days" in cell.source)
        assert {"skip-execution", "nbval-skip"} <= set(cell.metadata["tags"])
    assert printed(cells_of(course.page)).endswith("after it\n")
    assert "for days" not in printed(cells_of(course.page))
