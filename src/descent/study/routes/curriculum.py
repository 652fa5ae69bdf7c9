"""What ``book/curriculum.yml`` says of each chapter of the course, written or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from descent.study.routes.fields import Fields
from descent.study.routes.yaml_file import RoutesError, read_mapping

FILE = Path("book", "curriculum.yml")

_FIELDS = ("for", "helped_by", "title", "hours", "needs", "teaches", "resource")


@dataclass(frozen=True)
class Resource:
    """What to take instead of a chapter that is not written yet.

    Attributes
    ----------
    title, url
        What it is, and its address; None where the founding document gives none.
    read, skip
        What to read or do in it, and what to leave out.
    """

    title: str
    url: str | None
    read: str
    skip: str


@dataclass(frozen=True)
class Entry:
    """One chapter of the curriculum.

    Attributes
    ----------
    id
        The chapter.
    purpose
        What it is for later, in one sentence.
    helped_by
        Ids of chapters that make it easier, and that it can do without.
    title, hours, needs, teaches, resource
        What a header would say, for a chapter that has none yet. ``title`` is empty and ``hours``
        is 0 where the entry leaves them to the header.
    """

    id: str
    purpose: str
    helped_by: tuple[str, ...]
    title: str = ""
    hours: float = 0.0
    needs: tuple[str, ...] = ()
    teaches: tuple[str, ...] = ()
    resource: Resource | None = None


def read_curriculum(root: Path) -> list[Entry]:
    """Read the curriculum of a course folder; one without the file has no entries.

    Raises
    ------
    RoutesError
        When the file or a field of it is wrong; the message names the place.
    """
    path = root / FILE
    if not path.exists():
        return []
    return [_entry(path, name, fields) for name, fields in read_mapping(path).items()]


def _entry(path: Path, name: str, values: object) -> Entry:
    read = Fields(path, name, values, _FIELDS)
    part, _, slug = name.partition("/")
    if not part or not slug.partition("_")[0].isdecimal():
        raise RoutesError(f"{path.name}: '{name}' is not the id of a chapter (part/NN_slug).")
    speaks_for_itself = "title" not in read.values
    return Entry(
        id=name,
        purpose=read.text("for"),
        helped_by=read.texts("helped_by"),
        title="" if speaks_for_itself else read.text("title"),
        hours=0.0 if speaks_for_itself else read.hours("hours"),
        needs=read.texts("needs"),
        teaches=read.texts("teaches"),
        resource=None if speaks_for_itself else _resource(path, name, read.values.get("resource")),
    )


def _resource(path: Path, name: str, values: object) -> Resource:
    read = Fields(path, f"{name}, resource", values, ("title", "url", "read", "skip"))
    url = None if read.values.get("url") is None else read.text("url")
    return Resource(read.text("title"), url, read.text("read"), read.text("skip"))
