"""An exercises module may be a file or a folder; its messages are read without importing it."""

from __future__ import annotations

from descent.authoring.course import load_course
from descent.authoring.declared import (
    declared_exercises,
    exercises_text,
    written_messages,
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


def test_messages_carry_exercise_occasion_and_line(course):
    course.write(
        "src/descent/exercises/toys/one_weight.py",
        course.exercises.read_text()
        + '\n@line.mistake(\n    "You kept"\n    " nothing."\n)\ndef nothing(w):\n    return 0\n',
    )
    found = written_messages(*only(course))
    file = "src/descent/exercises/toys/one_weight.py"
    assert [(m.kind, m.exercise, m.text, m.when, m.line) for m in found] == [
        ("hint", "predict", "Multiply.", None, 5),
        ("hint", "predict", "Look at the sign of w.", "sign", 6),
        ("hint", "Line", "Keep w.", None, 8),
        ("mistake", "Line", "You kept nothing.", None, 10),
    ]
    assert {message.file for message in found} == {file}


def test_messages_of_a_folder(course):
    as_folder(course)
    files = {message.file.rpartition("/")[2] for message in written_messages(*only(course))}
    assert files == {"predict.py", "line.py"}
