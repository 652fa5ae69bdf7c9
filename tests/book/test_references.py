"""The bibliography: whole entries, under keys that a writer can guess."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from pybtex.database import Entry, parse_file

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = parse_file(str(ROOT / "book" / "references.bib"), bib_format="bibtex").entries
WHERE_IT_APPEARED = {
    "article": "journal",
    "book": "publisher",
    "incollection": "booktitle",
    "inproceedings": "booktitle",
    "misc": "howpublished",
}


def plain(name: str) -> str:
    """Return a name as the keys spell it: lower case, without accents or braces."""
    text = re.sub(r"\\.|[{}]", "", name)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


@pytest.mark.parametrize("key", list(ENTRIES))
def test_a_key_is_the_first_author_and_the_year(key: str) -> None:
    entry = ENTRIES[key]
    surname = plain("".join(entry.persons["author"][0].last_names))
    assert re.fullmatch(rf"{surname}{entry.fields['year']}[a-z]*", key)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))
def test_an_entry_says_what_it_is_and_where_it_appeared(entry: Entry) -> None:
    assert entry.fields["title"]
    assert entry.fields[WHERE_IT_APPEARED[entry.type]]


def test_no_work_is_listed_twice() -> None:
    titles = [plain(entry.fields["title"]) for entry in ENTRIES.values()]
    assert len(titles) == len(set(titles))
