"""Citations for a notebook, which has no bibliography of its own: "Nielsen (2015)"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pybtex.database import Entry, parse_file
from pybtex.exceptions import PybtexError

from descent.authoring.problems import AuthoringError

_ROLE = re.compile(r"\{cite(?::(?P<style>[tp]))?\}`(?P<keys>[^`]+)`")


@dataclass(frozen=True)
class Work:
    """What a citation says of one work: who, when, and where it can be read, if online."""

    authors: str
    year: str
    url: str | None


@dataclass(frozen=True)
class Bibliography:
    """The works that may be cited, by key."""

    file: str
    works: Mapping[str, Work]

    @classmethod
    def read(cls, path: Path, name_of: Callable[[Path], str]) -> Bibliography:
        """Read a BibTeX file; a missing one is a bibliography of no works.

        Raises
        ------
        AuthoringError
            When the file is not BibTeX.
        """
        file = name_of(path)
        if not path.is_file():
            return cls(file, {})
        try:
            entries = parse_file(str(path), bib_format="bibtex").entries
        except PybtexError as error:
            raise AuthoringError(f"{file}: is not BibTeX ({error}).") from error
        return cls(file, {key: _work(entry) for key, entry in entries.items()})

    def unknown_keys(self, text: str) -> list[str]:
        """Return the keys cited in ``text`` that no work has."""
        return [key for key in _cited_keys(text) if key not in self.works]

    def spell_out(self, text: str) -> str:
        """Replace the citation roles in ``text``.

        ``{cite:t}`` becomes "Nielsen (2015)", ``{cite:p}`` and ``{cite}`` become
        "(Nielsen, 2015)"; both are links where the work is online.
        """
        return _ROLE.sub(self._spell_out_role, text)

    def _spell_out_role(self, role: re.Match[str]) -> str:
        if any(key not in self.works for key in _keys(role)):
            return role[0]  # the author is told of it when the chapter is built
        works = [self.works[key] for key in _keys(role)]
        if role["style"] == "t":
            named = [_link(f"{work.authors} ({work.year})", work.url) for work in works]
            return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
        return f"({'; '.join(_link(f'{work.authors}, {work.year}', work.url) for work in works)})"


def _cited_keys(text: str) -> Iterator[str]:
    for role in _ROLE.finditer(text):
        yield from _keys(role)


def _keys(role: re.Match[str]) -> list[str]:
    return [key.strip() for key in role["keys"].split(",")]


def _link(text: str, url: str | None) -> str:
    return f"[{text}]({url})" if url else text


def _work(entry: Entry) -> Work:
    doi = entry.fields.get("doi")
    url = entry.fields.get("url") or (f"https://doi.org/{doi}" if doi else None)
    return Work(_authors(entry), entry.fields.get("year", "no date"), url)


def _authors(entry: Entry) -> str:
    """Return the family names as a sentence says them: one, two with "and", or "et al."."""
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [
        " ".join(str(part) for part in (*person.rich_prelast_names, *person.rich_last_names))
        for person in people
    ]
    if not names:
        return str(entry.fields.get("title", "Anonymous"))
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names)
