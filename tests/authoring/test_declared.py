"""An exercises module may be a file or a folder; what it says is read without importing it."""

from __future__ import annotations

import pytest

from descent.authoring import AuthoringError
from descent.authoring.course import load_course
from descent.authoring.declared import (
    WrittenHint,
    declared_exercises,
    exercises_text,
    read_written,
)

FOLDER = "src/descent/exercises/toys/one_weight"


def as_folder(course) -> None:
    """Make the module a folder with a file an exercise."""
    text = course.exercises.read_text()
    course.exercises.unlink()
    place = text.index('line = Exercise("Line"')
    imports = "from descent.grading import Exercise\n"
    course.write(f"{FOLDER}/predict.py", text[:place])
    course.write(f"{FOLDER}/line.py", imports + text[place:])
    course.write(f"{FOLDER}/__init__.py", "from .line import line\nfrom .predict import predict\n")


def only(course):
    loaded = load_course(course.root)
    return loaded, loaded.chapters[0]


def test_a_folder_declares_what_its_files_declare(course):
    as_folder(course)
    assert set(declared_exercises(*only(course))) == {"predict", "Line"}
    course.edit(course.root / FOLDER / "line.py", "minutes=15", "minutes=20")
    assert declared_exercises(*only(course))["Line"].minutes == 20
    assert "minutes=20" in exercises_text(course.root, only(course)[1])


def test_hints_carry_exercise_occasion_and_line(course):
    course.edit(course.exercises, 'line.hint("Keep w.")', 'line.hint("Keep w.", "sign")')
    file = "src/descent/exercises/toys/one_weight.py"
    assert read_written(*only(course)).hints == [
        WrittenHint("predict", "Multiply.", None, file, 5),
        WrittenHint("predict", "Look at the sign of w.", "sign", file, 6),
        WrittenHint("Line", "Keep w.", "sign", file, 8),
    ]


def test_texts_are_those_of_several_words_wherever_they_stand(course):
    course.write(
        "src/descent/exercises/toys/one_weight.py",
        course.exercises.read_text()
        + '\nHABITS = {"nothing": "You kept"\n    " nothing."}\n\n\n'
        + '@line.mistake("You kept it.")\ndef _(w):\n    """Keep the w."""\n    return "w b"\n',
    )
    found = [(written.text, written.line) for written in read_written(*only(course)).texts]
    assert sorted(found) == [
        ("Keep w.", 8),
        ("Look at the sign of w.", 6),
        ("You kept it.", 14),
        ("You kept nothing.", 10),
        ("w b", 17),
    ]


def test_hints_of_a_folder(course):
    as_folder(course)
    files = {hint.file.rpartition("/")[2] for hint in read_written(*only(course)).hints}
    assert files == {"predict.py", "line.py"}


def test_a_module_that_is_not_python(course):
    course.exercises.write_text("x = (\n")
    with pytest.raises(AuthoringError, match="one_weight.py: is not Python"):
        read_written(*only(course))
