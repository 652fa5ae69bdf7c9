"""Read ``book/resources.yml``, and say all that is wrong in it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.paths import course_root
from descent.study.resources.library import KINDS, LEVELS, ORIGINS, Library, Resource, Source
from descent.study.yaml_text import NotYaml, from_yaml

FILE = "book/resources.yml"

_TOP = ("seeds", "uses", "resources")
_TEXTS = ("id", "title", "author", "kind", "level", "use", "best_for", "url", "url_from")
_OPTIONAL_TEXTS = ("skip", "skip_from", "note", "archive", "hours_from")
_OTHERS = ("hours", "chapters", "said", "dead")
_ID = re.compile(r"[a-z][a-z0-9_]*")
_CHAPTER_ID = re.compile(r"[a-z][a-z0-9_]*/\d+_[a-z][a-z0-9_]*")
_URL = re.compile(r"https?://[^\s<>()]+")


class ResourceError(CourseError):
    """The file of resources is wrong, or a question to it means nothing.

    Parameters
    ----------
    problems
        One line for each thing that is wrong.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


def course_library() -> Library:
    """Read the resources of the course this program belongs to.

    Raises
    ------
    ResourceError
        When the file is missing or wrong.
    """
    return read_library(course_root() / FILE, FILE)


def read_library(path: Path, name: str | None = None) -> Library:
    """Read a file of resources.

    Parameters
    ----------
    path
        The file.
    name
        What messages call it; by default its path.

    Raises
    ------
    ResourceError
        When it cannot be read or is wrong; one line for each mistake.
    """
    name = str(path) if name is None else name
    fields = _yaml(path, name)
    if not isinstance(fields, dict) or set(fields) != set(_TOP):
        raise ResourceError(f"{name}: has the fields 'seeds', 'uses' and 'resources', no others.")
    sources, uses, entries = (fields[key] for key in _TOP)
    if not _are_sources(sources):
        raise ResourceError(f"{name}: 'seeds' has a {{title, kind}} for each quoted number.")
    if not isinstance(uses, dict) or not all(_is_text(text) for text in uses.values()):
        raise ResourceError(f"{name}: 'uses' has a heading for each group.")
    if not isinstance(entries, list):
        raise ResourceError(f"{name}: 'resources' is a list.")
    problems = list(_problems(entries, sources, uses))
    if problems:
        raise ResourceError(f"{name}: {problem}" for problem in problems)
    return Library(
        {key: Source(key, **source) for key, source in sources.items()},
        uses,
        tuple(_resource(entry) for entry in entries),
    )


def _yaml(path: Path, name: str) -> Any:
    try:
        return from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ResourceError(f"{name}: cannot be read ({error}).") from error
    except NotYaml as error:
        raise ResourceError(f"{name}: is not YAML ({error}).".replace("\n", " ")) from error


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_sources(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(key, str)
        and isinstance(source, dict)
        and set(source) == {"title", "kind"}
        and all(map(_is_text, source.values()))
        for key, source in value.items()
    )


def _problems(
    entries: list[Any], sources: Mapping[str, Any], uses: Mapping[str, str]
) -> Iterator[str]:
    seen = set()
    for place, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or not _is_text(entry.get("id")):
            yield f"resource {place} has no id."
            continue
        if entry["id"] in seen:
            yield f"two resources are called {entry['id']}."
        seen.add(entry["id"])
        for problem in _entry_problems(entry, sources, uses):
            yield f"{entry['id']}: {problem}"


def _entry_problems(
    entry: dict[str, Any], sources: Mapping[str, Any], uses: Mapping[str, str]
) -> Iterator[str]:
    known = _TEXTS + _OPTIONAL_TEXTS + _OTHERS
    yield from (f"'{name}' is not a field of a resource." for name in entry if name not in known)
    missing = [name for name in (*_TEXTS, "said") if name not in entry]
    yield from (f"'{name}' is missing." for name in missing)
    texts = [name for name in (*_TEXTS, *_OPTIONAL_TEXTS) if name in entry]
    wrong = [name for name in texts if not _is_text(entry[name])]
    yield from (f"'{name}' must be a text that is not empty." for name in wrong)
    if not missing and not wrong:
        yield from _choice_problems(entry, uses)
        yield from _value_problems(entry)
        yield from _source_problems(entry, sources)


def _choice_problems(entry: dict[str, Any], uses: Mapping[str, str]) -> Iterator[str]:
    choices = {"kind": KINDS, "level": LEVELS, "use": tuple(uses), "url_from": ORIGINS}
    for name, allowed in choices.items():
        if entry[name] not in allowed:
            yield f"'{name}' is '{entry[name]}'; it must be one of: {', '.join(allowed)}."
    if not _ID.fullmatch(entry["id"]):
        yield "an id has small letters, figures and underlines, and begins with a letter."
    for name in ("url", "archive"):
        if name in entry and not _URL.fullmatch(entry[name]):
            yield f"'{name}' must be an address that begins with http:// or https://."


def _value_problems(entry: dict[str, Any]) -> Iterator[str]:
    hours = entry.get("hours", 1)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
        yield "'hours' must be a number above zero; leave it out where none is known."
    if "hours_from" in entry and (entry["hours_from"] != "seed" or "hours" not in entry):
        yield "'hours_from' can only be 'seed', beside 'hours'."
    chapters = entry.get("chapters", [])
    if not isinstance(chapters, list) or not all(
        isinstance(chapter, str) and _CHAPTER_ID.fullmatch(chapter) for chapter in chapters
    ):
        yield "'chapters' must be a list of chapter ids, such as ladder/01_scalar_regression."
    elif len(set(chapters)) < len(chapters):
        yield "'chapters' names one twice."
    if ("dead" in entry) != ("archive" in entry):
        yield "'dead' and 'archive' go together."
    if not isinstance(entry.get("dead", datetime.date.min), datetime.date):
        yield "'dead' must be a date, such as 2026-11-29."


def _source_problems(entry: dict[str, Any], sources: Mapping[str, Any]) -> Iterator[str]:
    said = entry["said"]
    if not isinstance(said, dict) or not said or not all(map(_is_text, said.values())):
        yield "'said' must have a text for each document that names the resource."
        return
    for key in said:
        if key not in sources:
            yield f"'said' names {key!r}; the documents are {', '.join(sources)}, in quotes."
    if "skip_from" in entry and (entry["skip_from"] not in said or "skip" not in entry):
        yield "'skip_from' must be one of the documents under 'said', beside 'skip'."


def _resource(entry: dict[str, Any]) -> Resource:
    fields = {name: value for name, value in entry.items() if name != "hours_from"}
    for name in (*_TEXTS, *_OPTIONAL_TEXTS):
        if name in fields:
            fields[name] = fields[name].strip()
    fields["chapters"] = tuple(entry.get("chapters", ()))
    return Resource(**fields, hours_are_told="hours_from" in entry)
