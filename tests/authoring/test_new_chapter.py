"""``descent new-chapter``: what it refuses, and that what it makes builds and passes its audit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import descent
from descent.authoring import AuthoringError, broken_limits, make_chapter
from descent.authoring.chapter_id import RETIRED
from descent.authoring.course import load_course

ID = "foundations/01_linear_algebra"
MODULE = "src/descent/exercises/foundations/linear_algebra"


def refusal(course, name: str) -> str:
    before = sorted(course.root.rglob("*"))
    with pytest.raises(AuthoringError) as caught:
        make_chapter(course.root, name)
    assert sorted(course.root.rglob("*")) == before
    (problem,) = caught.value.problems
    return problem


def test_the_number_gets_its_zero_and_the_part_its_folders(course):
    made = make_chapter(course.root, "foundations/1_linear_algebra")
    assert made.id == ID
    assert made.files == (
        f"solutions/{ID}.py",
        f"{MODULE}/__init__.py",
        f"{MODULE}/moving_average.py",
        "src/descent/exercises/foundations/__init__.py",
    )
    assert all((course.root / file).is_file() for file in made.files)
    (chapter,) = [c for c in load_course(course.root).chapters if c.id == ID]
    assert chapter.title == "Linear algebra"
    assert "descent build foundations/01" in made.next_steps
    second = make_chapter(course.root, "foundations/02_probability")
    assert len(second.files) == 3


def test_a_title_may_hold_anything(course):
    make_chapter(course.root, "foundations/1_linear_algebra", title='Matrices: "why" #1')
    chapters = load_course(course.root)
    assert chapters.find(ID).title == 'Matrices: "why" #1'
    assert chapters.problems == ()


def test_what_to_do_with_the_first_chapter_of_a_part(course):
    assert "PARTS" not in make_chapter(course.root, "toys/2_a").next_steps
    assert "of src/descent/study/parts.py" in make_chapter(course.root, "new/1_b").next_steps


@pytest.mark.parametrize(
    "name", ["linear_algebra", "foundations/linear_algebra", "Foundations/1_x", "a/1_x/2_y",
             "foundations/1-x", "foundations/1_", "../1_x", "foundations/1_é", ""],
)  # fmt: skip
def test_a_name_that_is_none(course, name):
    assert "Write part/number_slug" in refusal(course, name)


def test_numbers_and_words_that_cannot_be(course):
    assert "the first chapter of a part is 1" in refusal(course, "foundations/0_x")
    assert "'lambda' is a word of Python" in refusal(course, "foundations/1_lambda")


def test_a_number_that_is_taken(course):
    assert refusal(course, "toys/1_other") == (
        "Number 1 of toys is toys/01_one_weight. The next free one is 2."
    )


def test_a_number_keeps_its_owner_though_its_header_is_wrong(course):
    course.write("solutions/toys/07_broken.py", "no header\n")
    assert "Number 7 of toys is toys/07_broken" in refusal(course, "toys/7_x")


def test_a_slug_that_is_taken_in_any_part(course):
    assert "what toys/01_one_weight is called" in refusal(course, "foundations/1_one_weight")


def test_a_number_is_never_used_again(course):
    course.write(RETIRED, "# gone\ntoys/05_perceptron  # merged into 06\n")
    assert "was toys/05_perceptron, and a number is never used again" in refusal(course, "toys/5_x")
    assert "The next free one is 6" in refusal(course, "toys/5_x")


def test_a_file_that_is_there(course):
    course.write("src/descent/exercises/toys/loops.py", "mine = 1\n")
    assert (
        refusal(course, "toys/2_loops") == "src/descent/exercises/toys/loops.py is there already."
    )
    assert (course.root / "src/descent/exercises/toys/loops.py").read_text() == "mine = 1\n"


def test_two_chapters_with_one_number_and_one_with_a_number_that_is_gone(course):
    text = course.source.read_text()
    course.write("solutions/toys/01_twice.py", text)
    course.write("solutions/toys/05_x.py", text)
    course.write(RETIRED, "toys/05_perceptron\n")
    assert load_course(course.root).problems == (
        "solutions/toys/01_twice.py: number 1 belongs to toys/01_one_weight.",
        "solutions/toys/05_x.py: number 5 belongs to toys/05_perceptron, which is gone.",
    )
    course.write(RETIRED, "perceptron\n")
    assert any(
        p.startswith(f"{RETIRED}: 'perceptron' is not") for p in load_course(course.root).problems
    )


VERIFY = """
import json
from typer.testing import CliRunner
from descent.cli import app

commands = {
    "build": ["build", "foundations/01"],
    "audit": ["grade-the-graders", "foundations/01"],
    "check": ["check-chapters"],
}
results = {name: CliRunner().invoke(app, words) for name, words in commands.items()}
print(json.dumps({
    name: [result.exit_code, result.output, repr(result.exception)]
    for name, result in results.items()
}))
"""


@pytest.fixture
def scratch(course, monkeypatch) -> Path:
    """Return the course with a copy of the package beside it, which its kernels import."""
    package = Path(descent.__file__).parent
    copied = course.root / "src" / "descent"
    course.exercises.unlink()
    course.source.unlink()
    shutil.copytree(
        package, copied, ignore=shutil.ignore_patterns("__pycache__", "ladder"), dirs_exist_ok=True
    )
    monkeypatch.setenv("PYTHONPATH", str(course.root / "src"))
    monkeypatch.setenv("DESCENT_COURSE", str(course.root))
    monkeypatch.setenv("DESCENT_HOME", str(course.root / "home"))
    return course.root


def test_a_new_chapter_builds_executes_and_passes_its_audit(scratch):
    make_chapter(scratch, "foundations/1_linear_algebra")
    run = subprocess.run(
        [sys.executable, "-c", VERIFY], capture_output=True, text=True, env=os.environ
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["build"][0] == 0 and "01_linear_algebra: executed" in found["build"][1], found
    assert found["audit"][0] == 0 and "7 named mistakes" in found["audit"][1], found
    # Nothing is left to put right but to write the chapter.
    problem, count = found["check"][1].splitlines()
    assert "a chapter has at least 1500" in problem and count == "1 to put right."


def test_a_new_chapter_is_in_the_house_style(course):
    made = make_chapter(course.root, "foundations/1_linear_algebra")
    assert broken_limits(course.root, ["foundations"], unfinished=True) == []
    pyproject = Path(descent.__file__).parents[2] / "pyproject.toml"
    shutil.copy(pyproject, course.root)
    for room in ("", "figures/", "grading/"):  # so that ruff knows its own package
        course.write(f"src/descent/{room}__init__.py", "")
    for command in (["check"], ["format", "--check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "--force-exclude", *made.files],
            cwd=course.root, capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
    for file in made.files:
        assert "<<" not in (course.root / file).read_text()
