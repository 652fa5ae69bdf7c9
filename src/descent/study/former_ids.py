"""Names that the course gave up, and the ones that stand for them now.

A record keeps the name that a thing had when it happened. ``book/former_ids.yml`` says what became
of it, so that a chapter, an exercise, a card or a prediction may be renamed and nobody loses
anything::

    ladder/04_softmax: ladder/04_softmax_classification
    ladder/04_softmax_classification/nll: ladder/04_softmax_classification/negative_log_likelihood
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from descent.study.events import PREDICTION, Event
from descent.study.paths import CourseNotFound, course_root
from descent.study.yaml_text import NotYaml, from_yaml


def with_present_names(events: list[Event]) -> list[Event]:
    """Return the events under the names that things have now."""
    former = _former_names()
    return [_renamed(event, former) for event in events] if former else events


def present_name(name: str) -> str:
    """Return the name a thing has now: a chapter's id, or ``chapter/item``."""
    return _present(name, _former_names())


def _renamed(event: Event, former: Mapping[str, str]) -> Event:
    chapter = _present(event.chapter, former)
    mark = PREDICTION if event.exercise.startswith(PREDICTION) else ""
    name = _present(f"{chapter}/{event.exercise.removeprefix(mark)}", former)
    item = mark + name.removeprefix(f"{chapter}/")
    if (chapter, item) == (event.chapter, event.exercise):
        return event
    return replace(event, chapter=chapter, exercise=item)


def _present(name: str, former: Mapping[str, str]) -> str:
    """Follow a name to the one in use; a ring of names ends where it began."""
    seen = {name}
    while (name := former.get(name, name)) not in seen:
        seen.add(name)
    return name


def former_names(root: Path) -> Mapping[str, str]:
    """Return the names that a course gave up, each with the one that stands for it.

    Raises
    ------
    NotYaml
        When the file of them is not YAML.
    """
    try:
        path = root / "book" / "former_ids.yml"
        return _read(path, path.stat().st_mtime_ns)
    except OSError:
        return {}


def _former_names() -> Mapping[str, str]:
    """The names of the course that is here. A record is read whatever is wrong with its course."""
    try:
        return former_names(course_root())
    except (CourseNotFound, NotYaml):
        return {}


@functools.lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> Mapping[str, str]:
    text = path.read_text(encoding="utf-8")
    if all(not line.strip() or line.startswith("#") for line in text.splitlines()):
        return {}
    names = from_yaml(text)
    return {str(old): str(new) for old, new in names.items()} if isinstance(names, dict) else {}
