"""A small library in a file, easy to spoil."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from descent.study.resources import read_library

TEXT = """\
seeds:
  "000": {title: the list, kind: post}
  "001": {title: the plan, kind: post}
uses: {start: To begin, tools: Tools}
resources:
  - id: first_book
    title: First Book
    author: Martin Görner
    kind: book
    level: from zero
    hours: 20
    use: start
    best_for: a first network
    skip: chapter 4
    skip_from: "000"
    chapters: [ladder/01_scalar_regression, research/7_alignment]
    said:
      "000": Clear, and long.
      "001": Begin here.
    url: https://example.org/book
    url_from: seed
  - id: short_talk
    title: Short Talk
    author: Ann
    kind: lecture
    level: basics
    hours: 0.75
    hours_from: seed
    use: start
    best_for: an evening after the book
    chapters: [ladder/13_causal_transformer]
    said:
      "001": Watch it twice.
    url: https://example.org/talk
    url_from: known
  - id: a_tool
    title: A Tool
    author: Bob
    kind: tool
    level: advanced
    use: tools
    best_for: experiments
    said:
      "000": Used throughout.
    url: https://example.org/tool
    url_from: seed
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a file of three resources."""
    path = tmp_path / "resources.yml"
    path.write_text(textwrap.dedent(TEXT), encoding="utf-8")
    return path


@pytest.fixture
def library(file: Path):
    """Return three resources: a book, a talk and a tool."""
    return read_library(file)
