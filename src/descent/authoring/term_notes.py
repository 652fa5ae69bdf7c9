"""What ``book/terms.yml`` adds to the terms that the chapters themselves show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from descent.authoring.problems import AuthoringError
from descent.study.spelling import term_key


@dataclass(frozen=True)
class TermNotes:
    """What ``book/terms.yml`` says.

    Attributes
    ----------
    also
        Other names of a term, by the name under which it is listed.
    emphasis
        By chapter id: the keys of what it sets in bold without defining it.
    sections
        By chapter id and term: the heading of the section that teaches it.
    """

    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    emphasis: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, file: str) -> TermNotes:
        """Read the file; a missing one says nothing.

        Raises
        ------
        AuthoringError
            When it is not YAML, or not of this form.
        """
        if not path.is_file():
            return cls()
        try:
            fields: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            raise AuthoringError(f"{file}: is not YAML ({error}).".replace("\n", " ")) from error
        if not isinstance(fields, dict) or not fields.keys() <= {"also", "emphasis", "sections"}:
            raise AuthoringError(f"{file}: has the fields 'also', 'emphasis' and 'sections'.")
        try:
            notes = cls(
                {name: tuple(map(str, names)) for name, names in fields.get("also", {}).items()},
                {
                    chapter_id: frozenset(map(term_key, names))
                    for chapter_id, names in fields.get("emphasis", {}).items()
                },
                {
                    chapter_id: {term_key(name): str(heading) for name, heading in places.items()}
                    for chapter_id, places in fields.get("sections", {}).items()
                },
            )
        except (AttributeError, TypeError) as error:
            raise AuthoringError(
                f"{file}: 'also' has a list of names for a term, 'sections' and 'emphasis' for "
                "a chapter's id a heading by term and a list."
            ) from error
        notes._refuse_two_meanings(file)
        return notes

    def _refuse_two_meanings(self, file: str) -> None:
        seen: set[str] = set()
        for listed, also in self.also.items():
            spellings = {term_key(name): name for name in (listed, *also)}
            for key in spellings.keys() & seen:
                raise AuthoringError(f"{file}: 'also' has '{spellings[key]}' under two terms.")
            seen |= spellings.keys()
