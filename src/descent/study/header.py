"""The YAML header of a chapter source: its fields, read and checked one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.study.yaml_text import NotYaml, from_yaml

_REQUIRED = ("title", "subtitle", "part", "hours", "teaches", "builds", "number", "data", "recall")
_OPTIONAL = ("needs", "run", "readings", "sections", "predictions", "written")
_ITEM_ID = re.compile(r"[a-z][a-z0-9_]*")
_CHAPTER_ID = re.compile(r"[a-z][a-z0-9_]*/\d+_[a-z][a-z0-9_]*")


class CatalogError(CourseError):
    """The catalog cannot answer: an unknown chapter, or sources that contradict each other."""


class HeaderError(CatalogError):
    """The header of a chapter source is wrong; the message names the file and the field."""


@dataclass(frozen=True)
class Reading:
    """A source worth reading: its bibliography key, the place to read and what to skip."""

    key: str
    where: str
    skip: str | None = None


@dataclass(frozen=True)
class Section:
    """A section of a chapter that teaches something.

    Attributes
    ----------
    id
        Its name in records, plans and links; it outlives a change of the heading.
    heading
        The text of its ``##`` heading.
    purpose
        What it is for later in the course, in one sentence.
    needs
        What it builds on: sections of the same chapter by their id, of another as
        ``part/NN_slug#section``, or a whole chapter. Ids of chapters may be cut to ``part/NN``.
    """

    id: str
    heading: str
    purpose: str
    needs: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """One recall question, with its answer.

    Attributes
    ----------
    id
        Its name in records: an edited card keeps its history.
    section
        The section whose matter it asks for.
    transfer
        Whether it asks for a new case rather than for what the page said.
    question, answer
        Markdown.
    """

    id: str
    section: str
    transfer: bool
    question: str
    answer: str


@dataclass(frozen=True)
class Prediction:
    """One quantity that the learner commits themselves to before it is shown.

    Attributes
    ----------
    id
        Its name in records.
    ask
        The question, in markdown.
    because
        Why it comes as it does; shown in review when the prediction was missed.
    unit
        The unit of a number; empty for a choice and for a pure number.
    within, factor
        A number is right when it is no further than ``within`` from what came, or than a factor of
        ``factor``. One of the two is given.
    choices
        What there is to choose from; empty where a number is asked for.
    """

    id: str
    ask: str
    because: str
    unit: str = ""
    within: float | None = None
    factor: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """An exercise that is answered in sentences, and judged by the writer with a rubric.

    Attributes
    ----------
    id
        Its name in records.
    ask
        The question, in markdown.
    rubric
        What a good answer contains, point by point.
    answer
        A model answer, in markdown.
    """

    id: str
    ask: str
    rubric: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Header:
    """What the YAML header of a chapter source says, field by field."""

    title: str
    subtitle: str
    part: str
    hours: float
    needs: tuple[str, ...]
    teaches: tuple[str, ...]
    builds: str
    number_to_match: str
    data: str
    run: str | None
    readings: tuple[Reading, ...]
    sections: tuple[Section, ...]
    recall: tuple[Card, ...]
    predictions: tuple[Prediction, ...]
    written: tuple[Written, ...]


def parse_header(path: Path, text: str) -> Header:
    fields = _yaml_block(path, text)
    for name in _REQUIRED:
        if fields.get(name) is None:
            raise HeaderError(f"{path}: field '{name}' is missing from the header.")
    for name in fields:
        if name not in _REQUIRED + _OPTIONAL:
            raise HeaderError(f"{path}: field '{name}' is not a header field.")
    read = _FieldReader(path, fields)
    return Header(
        title=read.text("title"),
        subtitle=read.line("subtitle"),
        part=read.line("part"),
        hours=read.hours(),
        needs=read.needs(),
        teaches=read.texts("teaches"),
        builds=read.text("builds"),
        number_to_match=read.text("number"),
        data=read.text("data"),
        run=None if fields.get("run") is None else read.text("run"),
        readings=read.readings(),
        sections=read.sections(),
        recall=read.recall(),
        predictions=read.predictions(),
        written=read.written(),
    )


def _yaml_block(path: Path, text: str) -> dict[str, Any]:
    """Return the fields between the two ``# ---`` lines a source begins with."""
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "# ---":
        raise HeaderError(f"{path}: the first line must be '# ---', which opens the header.")
    block = []
    for line in lines[1:]:
        if line.rstrip() == "# ---":
            break
        if not line.startswith("#"):
            raise HeaderError(f"{path}: the header is not closed by a line '# ---'.")
        block.append(line[1:].removeprefix(" "))
    else:
        raise HeaderError(f"{path}: the header is not closed by a line '# ---'.")
    try:
        fields = from_yaml("\n".join(block))
    except NotYaml as error:
        where = f" line {error.line + 1}" if error.line else ""  # below the line that opens it
        raise HeaderError(f"{path}{where}: the header is not YAML ({error.problem}).") from error
    if not isinstance(fields, dict):
        raise HeaderError(f"{path}: the header has no fields.")
    return fields


class _FieldReader:
    """Reads the fields of one header, each as the kind of thing it must be."""

    def __init__(self, path: Path, fields: Mapping[str, Any]) -> None:
        self.path = path
        self.fields = fields

    def wrong(self, name: str, wanted: str) -> HeaderError:
        return HeaderError(f"{self.path}: field '{name}' must be {wanted}.")

    def text(self, name: str) -> str:
        value = self.fields[name]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(name, "a text")
        if not str(value).strip():
            raise self.wrong(name, "a text that is not empty")
        return str(value).strip()

    def line(self, name: str) -> str:
        value = self.text(name)
        if "\n" in value:
            raise self.wrong(name, "one line")
        return value

    def hours(self) -> float:
        value = self.fields["hours"]
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self.wrong("hours", "a number of hours above zero")
        return float(value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.fields.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, "a list of texts")
        return tuple(item.strip() for item in value)

    def needs(self) -> tuple[str, ...]:
        ids = self.texts("needs")
        for chapter_id in ids:
            if not _CHAPTER_ID.fullmatch(chapter_id):
                raise self.wrong("needs", f"a list of chapter ids; '{chapter_id}' is not one")
        return ids

    def records(
        self, name: str, keys: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> list[dict[str, Any]]:
        """Return a list of mappings that have all of ``keys`` and perhaps the optional ones."""
        value = self.fields.get(name) or []
        wanted = f"a list of {{{', '.join(keys)}}}"
        if not isinstance(value, list):
            raise self.wrong(name, wanted)
        for place, item in enumerate(value, start=1):
            if not isinstance(item, dict):
                raise self.wrong(name, f"{wanted}; entry {place} is not")
            no_others = set(item) <= set(keys + optional)
            texts = all(isinstance(item.get(key), str | int | float) for key in keys)
            if not no_others or not texts:
                raise self.wrong(name, f"{wanted}; entry {place} is not")
        return value

    def readings(self) -> tuple[Reading, ...]:
        entries = self.records("readings", ("key", "where"), ("skip",))
        return tuple(
            Reading(str(item["key"]), str(item["where"]), item.get("skip")) for item in entries
        )

    def sections(self) -> tuple[Section, ...]:
        entries = self.named("sections", ("id", "heading", "for"), ("needs",))
        return tuple(
            Section(
                item["id"], item["heading"], item["for"], self.list_of(item, "sections", "needs")
            )
            for item in entries
        )

    def recall(self) -> tuple[Card, ...]:
        entries = self.named("recall", ("id", "section", "q", "a"), ("transfer",))
        return tuple(
            Card(item["id"], item["section"], item.get("transfer") is True, item["q"], item["a"])
            for item in entries
        )

    def predictions(self) -> tuple[Prediction, ...]:
        optional = ("unit", "within", "factor", "choices")
        entries = self.named("predictions", ("id", "ask", "because"), optional)
        found = []
        for item in entries:
            choices = self.list_of(item, "predictions", "choices")
            ways = [item.get("within"), item.get("factor"), choices or None]
            if sum(way is not None for way in ways) != 1 or len(choices) == 1:
                wanted = "a list whose entries have one of within, factor and choices (two or more)"
                raise self.wrong("predictions", f"{wanted}; '{item['id']}' has not")
            found.append(
                Prediction(
                    item["id"],
                    item["ask"],
                    item["because"],
                    str(item.get("unit", "")),
                    self.number(item, "within", 0.0),
                    self.number(item, "factor", 1.0),
                    choices,
                )
            )
        return tuple(found)

    def written(self) -> tuple[Written, ...]:
        entries = self.named("written", ("id", "ask", "answer"), ("rubric",))
        return tuple(
            Written(
                item["id"], item["ask"], self.list_of(item, "written", "rubric"), item["answer"]
            )
            for item in entries
        )

    def named(
        self, name: str, keys: tuple[str, ...], optional: tuple[str, ...]
    ) -> list[dict[str, Any]]:
        """Return the entries of a list that all have an id of their own, their texts stripped."""
        entries = self.records(name, keys, optional)
        seen: set[str] = set()
        for item in entries:
            if not _ITEM_ID.fullmatch(str(item["id"])) or item["id"] in seen:
                raise self.wrong(
                    name,
                    f"a list whose entries have an id each, such as largest_step; {item['id']!r}",
                )
            seen.add(item["id"])
        return [
            {key: str(value).strip() if key in keys else value for key, value in item.items()}
            for item in entries
        ]

    def list_of(self, item: dict[str, Any], name: str, key: str) -> tuple[str, ...]:
        """Return the list of texts under an entry's key, empty where there is none."""
        value = item.get(key) or []
        if not isinstance(value, list):
            raise self.wrong(name, f"a list whose '{key}' are lists; that of '{item['id']}' is not")
        return tuple(str(text).strip() for text in value)

    def number(self, item: dict[str, Any], key: str, least: float) -> float | None:
        """Return the number under an entry's key, or None where there is none."""
        value = item.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            raise self.wrong(
                "predictions", f"a list whose '{key}' is a number from {least:g} on; '{item['id']}'"
            )
        return float(value)
