"""nbgrader itself takes the notebooks: releases an assignment from a page, grades a submission."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from programs import PATIENCE
from traitlets.config import Config

from descent.authoring import build_chapters
from descent.authoring.blanking import stub_of

pytestmark = pytest.mark.filterwarnings("ignore:Object of type:sqlalchemy.exc.SAWarning")

ANSWER = "def predict(w, x):\n    return w * x"


@pytest.fixture
def classroom(course, tmp_path, monkeypatch) -> Path:
    """Return an nbgrader course whose only assignment is the chapter's page."""
    # nbgrader calls alembic by name, which is installed beside this Python.
    beside = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{beside}{os.pathsep}{os.environ['PATH']}")
    course.edit(
        course.source,
        '    print("checked", answer.__name__)\n',
        "    assert answer(2.0, 3.0) == 6.0 if answer is predict else answer(2.0).slope() == 2.0\n",
    )
    build_chapters(course.root, execute=False, report=lambda line: None)
    folder = tmp_path / "classroom"
    (folder / "source" / "week1").mkdir(parents=True)
    shutil.copy(course.page, folder / "source" / "week1")
    return folder


def released(classroom: Path) -> nbformat.NotebookNode:
    path = classroom / "release" / "week1" / "01_one_weight.ipynb"
    return nbformat.read(path, as_version=4)


def by_grade_id(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {cell.metadata["nbgrader"]["grade_id"]: cell for cell in graded}


def test_generate_assignment_takes_the_page(course, classroom):
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "week1", "--no-db"]
    done = subprocess.run(
        command, cwd=classroom, capture_output=True, text=True, env=os.environ, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    ours = by_grade_id(nbformat.read(course.learner, as_version=4))
    theirs = by_grade_id(released(classroom))
    assert list(theirs) == list(ours) == ["predict", "check-predict", "Line", "check-Line"]
    for name, cell in theirs.items():
        assert "w * x" not in cell.source and "self.w" not in cell.source, name
        assert "SOLUTION" not in cell.source
    assert theirs["check-Line"].source == ours["check-Line"].source
    assert theirs["check-Line"].metadata["nbgrader"] == ours["check-Line"].metadata["nbgrader"]


@pytest.mark.parametrize(
    ("answer", "score"), [(ANSWER, 1.0), (ANSWER.replace("*", "+"), 0.0), (None, 0.0)]
)
def test_autograde_grades_the_learners_notebook(course, classroom, answer, score):
    handed_in = classroom / "submitted" / "ada" / "week1"
    handed_in.mkdir(parents=True)
    notebook = nbformat.read(course.learner, as_version=4)
    if answer is not None:
        by_grade_id(notebook)["predict"].source = answer
    nbformat.write(notebook, handed_in / "01_one_weight.ipynb")

    config = Config()
    config.CourseDirectory.root = str(classroom)
    config.CourseDirectory.assignment_id = "week1"
    config.CourseDirectory.db_url = f"sqlite:///{classroom / 'gradebook.db'}"
    for converter in (GenerateAssignment, Autograde):
        converter(coursedir=CourseDirectory(config=config), config=config).start()

    with Gradebook(config.CourseDirectory.db_url) as gradebook:
        submission = gradebook.find_submission_notebook("01_one_weight", "week1", "ada")
        scores = {grade.cell.name: grade.auto_score for grade in submission.grades}
    assert scores == {"check-predict": score, "check-Line": 0.0}


def test_a_stub_is_never_the_solution():
    text = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n    # after"
    assert stub_of(text).split("\n")[-1] == "    # after"
    assert "return 1" not in stub_of(text)
