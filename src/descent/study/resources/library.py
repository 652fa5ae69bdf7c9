"""What is known of a resource, and of the documents that name it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("book", "course", "lecture", "paper", "post", "video", "tool", "site", "data")
LEVELS = ("from zero", "basics", "advanced")
ORIGINS = ("seed", "known")


@dataclass(frozen=True)
class Source:
    """One of the documents that the course grew from: its key, what it is called, what it is."""

    key: str
    title: str
    kind: str


@dataclass(frozen=True)
class Resource:
    """Something worth reading, watching or using outside the course.

    Attributes
    ----------
    id
        Never changes.
    hours
        How many it takes; None for what is only looked into.
    hours_are_told
        Whether a source document says how many; otherwise they are an estimate.
    use
        The key of the group it stands in.
    said
        What the author of each source document said of it, by the document's key.
    skip, skip_from
        What to leave out, and the document that says so; None where it is the course's judgement.
    chapters
        Ids of the chapters at which it enters the course, some of them not written yet.
    url_from
        "seed" where the address stands in a source document, else "known".
    dead, archive
        The day on which its address was found gone, and where a copy may be found.
    """

    id: str
    title: str
    author: str
    kind: str
    level: str
    use: str
    best_for: str
    said: Mapping[str, str]
    url: str
    url_from: str
    hours: float | None = None
    hours_are_told: bool = False
    skip: str | None = None
    skip_from: str | None = None
    chapters: tuple[str, ...] = ()
    note: str | None = None
    dead: datetime.date | None = None
    archive: str | None = None


@dataclass(frozen=True)
class Library:
    """All resources, in the order of the page, with the documents and the groups by key."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()

    def named_by(self, key: str) -> tuple[Resource, ...]:
        """Return the resources that one source document names."""
        return tuple(resource for resource in self.resources if key in resource.said)


def hours_text(resource: Resource) -> str | None:
    """Return how long a resource takes, in words; None where that is not known."""
    if resource.hours is None:
        return None
    return (
        duration(resource.hours) if resource.hours_are_told else f"about {duration(resource.hours)}"
    )


def duration(hours: float) -> str:
    """Return a number of hours as ``25 min``, ``2 h 25 min`` or ``40 h``."""
    whole, minutes = divmod(round(hours * 60), 60)
    parts = ([f"{whole} h"] if whole else []) + ([f"{minutes} min"] if minutes or not whole else [])
    return " ".join(parts)
