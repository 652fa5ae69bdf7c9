"""The exercises that a chapter's module in ``descent.exercises`` declares."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.study.catalog import Chapter

if TYPE_CHECKING:
    from descent.grading import Exercise


def exercises_file(root: Path, chapter: Chapter) -> Path:
    """Return where the chapter's exercises are declared."""
    return root / "src" / "descent" / "exercises" / chapter.part / f"{chapter.slug}.py"


def exercises_text(root: Path, chapter: Chapter) -> str:
    """Return the text of the exercises module, empty where there is none."""
    path = exercises_file(root, chapter)
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def declared_exercises(course: Course, chapter: Chapter) -> dict[str, Exercise]:
    """Load what the chapter's exercises module declares.

    The file of this course folder is loaded, whichever copy of the package is installed, so that
    what is built is what the author sees.

    Returns
    -------
    dict
        Exercises by name; empty where there is no module.

    Raises
    ------
    AuthoringError
        When the module cannot be imported, or declares one name twice.
    """
    from descent.grading import Exercise

    path = exercises_file(course.root, chapter)
    if not path.is_file():
        return {}
    file = course.name_of(path)
    name = f"_authored_{chapter.part}_{chapter.slug}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A class defined in the module may look its module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise AuthoringError(f"{file}: cannot be imported ({reason}).") from error
    found: dict[str, Exercise] = {}
    for value in vars(module).values():
        if not isinstance(value, Exercise) or any(value is known for known in found.values()):
            continue
        if value.name in found:
            raise AuthoringError(f"{file}: exercise '{value.name}' is declared twice.")
        found[value.name] = value
    return found
