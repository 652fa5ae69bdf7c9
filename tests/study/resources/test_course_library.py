"""The resources of the course itself: none that a source document names is missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from descent.study.catalog import read_chapter
from descent.study.resources import FILE, read_library

ROOT = Path(__file__).resolve().parents[3]
NAMED = yaml.safe_load(Path(__file__).with_name("named.yml").read_text(encoding="utf-8"))
DOCUMENTS = [key for key in NAMED if key != "not_counted"]


@pytest.fixture(scope="module")
def library():
    return read_library(ROOT / FILE)


@pytest.mark.parametrize("key", DOCUMENTS)
def test_every_name_of_a_document_is_a_resource_and_no_other_claims_it(library, key):
    named = Counter(NAMED[key].values())
    assert max(named.values()) == 1
    assert {resource.id for resource in library.named_by(key)} == set(named)


def test_the_counts_are_those_of_the_documents(library):
    assert {key: len(library.named_by(key)) for key in library.sources} == {
        "000": 33,
        "001": 25,
        "002": 19,
        "003": 12,
        "004": 13,
    }
    assert len(library.resources) == 82


def test_chapters_that_stand_are_called_by_their_ids(library):
    standing = {path.parent.name + "/" + path.stem for path in ROOT.glob("solutions/*/[0-9]*.py")}
    parts = {chapter.partition("/")[0] for chapter in standing}
    named = {chapter for resource in library.resources for chapter in resource.chapters}
    ladder = {chapter for chapter in named if chapter.startswith("ladder/")}
    assert "ladder" in parts and ladder <= standing
    assert read_chapter(ROOT / "solutions" / f"{sorted(ladder)[0]}.py").id in ladder


def test_an_address_is_of_a_document_or_known_and_every_resource_has_hours_or_is_looked_into(
    library,
):
    assert {resource.url_from for resource in library.resources} == {"seed", "known"}
    without = {resource.kind for resource in library.resources if resource.hours is None}
    assert without == {"tool", "data"}
