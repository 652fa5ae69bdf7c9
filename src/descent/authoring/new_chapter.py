"""``descent new-chapter``: a chapter that builds and passes its audit, to be overwritten."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from descent.authoring.chapter_id import RETIRED, ChapterId, parse_id, retired_ids
from descent.authoring.problems import AuthoringError

_NEXT_STEPS = """\
Next:
  - Write the chapter: the header first, then the page, then its graders. CONTRIBUTING.md says how.
  - descent build {short}
    makes and executes its notebooks, and puts it into the lists of chapters.
  - descent grade-the-graders {short}
    says whether every mistake is named and every wrong answer is rejected.
  - descent limits {short}
    counts its words; check-chapters asks for the fewest that a chapter has.
  - make test CHAPTER={short}
    verifies it wholly."""

_NEW_PART = """\
  - This is the first chapter of {part}. The part's title and its place in the course are in PARTS
    of src/descent/study/parts.py."""


@dataclass(frozen=True)
class NewChapter:
    """What was made: the chapter's id, its files from the course folder on, and what to do next."""

    id: str
    files: tuple[str, ...]
    next_steps: str


def make_chapter(root: Path, name: str, title: str = "") -> NewChapter:
    """Make the source and the exercises module of a new chapter.

    Parameters
    ----------
    root
        The course folder.
    name
        Such as ``foundations/1_linear_algebra``.
    title
        What the chapter is called; by default its slug in words.

    Raises
    ------
    AuthoringError
        When the name is none, its number or slug is or was in use, or a file is there already.
        Then nothing is written.
    """
    chapter = parse_id(name)
    title = " ".join(title.split()) or chapter.title
    _refuse_what_is_taken(root, chapter)
    exercises = Path("src", "descent", "exercises", chapter.part)
    texts = {
        Path("solutions", chapter.part, chapter.file): _filled("chapter.py.txt", chapter, title),
        exercises / chapter.slug / "__init__.py": _filled("exercises_init.py.txt", chapter, title),
        exercises / chapter.slug / "moving_average.py": _filled("exercise.py.txt", chapter, title),
    }
    notebooks = [Path(folder, f"{chapter}.ipynb") for folder in ("notebooks", "solutions")]
    for path in (*texts, *notebooks, exercises / chapter.slug, exercises / f"{chapter.slug}.py"):
        if (root / path).exists():
            raise AuthoringError(f"{path.as_posix()} is there already.")
    if not (root / exercises / "__init__.py").exists():
        texts[exercises / "__init__.py"] = f'"""The exercises of {chapter.part}."""\n'
    is_first = all(other.part != chapter.part for other in _ids_in_use(root))
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    made = tuple(path.as_posix() for path in texts)
    return NewChapter(str(chapter), made, _next_steps(chapter, is_first))


def _refuse_what_is_taken(root: Path, chapter: ChapterId) -> None:
    for other in _ids_in_use(root):
        if (other.part, other.number) == (chapter.part, chapter.number):
            raise AuthoringError(
                f"Number {chapter.number} of {chapter.part} is {other}. "
                f"The next free one is {_next_number(root, chapter.part)}."
            )
        if other.slug == chapter.slug:
            raise AuthoringError(
                f"'{chapter.slug}' is what {other} is called. Choose another name."
            )
    for other in retired_ids(root):
        if (other.part, other.number) == (chapter.part, chapter.number):
            raise AuthoringError(
                f"Number {chapter.number} of {chapter.part} was {other}, and a number is never "
                f"used again ({RETIRED}). The next free one is "
                f"{_next_number(root, chapter.part)}."
            )


def _ids_in_use(root: Path) -> list[ChapterId]:
    """Read them off the files, so that a chapter with a wrong header keeps its number."""
    found = []
    for path in sorted((root / "solutions").glob("*/*.py")):
        try:
            found.append(parse_id(f"{path.parent.name}/{path.stem}"))
        except AuthoringError:  # not a chapter's file
            continue
    return found


def _next_number(root: Path, part: str) -> int:
    taken = [*_ids_in_use(root), *retired_ids(root)]
    return 1 + max(other.number for other in taken if other.part == part)


def _filled(template: str, chapter: ChapterId, title: str) -> str:
    text = files("descent.authoring").joinpath("templates", template).read_text("utf-8")
    blanks = {
        "id": str(chapter),
        "part": chapter.part,
        "title": title,
        "quoted title": json.dumps(title, ensure_ascii=False),
    }
    for blank, filling in blanks.items():
        text = text.replace(f"<<{blank}>>", filling)
    return text


def _next_steps(chapter: ChapterId, is_first: bool) -> str:
    steps = _NEXT_STEPS.format(short=f"{chapter.part}/{chapter.number:02d}")
    if is_first:
        steps += "\n" + _NEW_PART.format(part=chapter.part)
    return steps
