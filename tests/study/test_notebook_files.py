"""A notebook file in whatever state: read if it can be, else said what it is and what to do."""

from __future__ import annotations

import json

import nbformat
import pytest

from descent.characters import whole_characters
from descent.study.notebook_files import (
    BrokenNotebook,
    notebook_bytes,
    read_code_cells,
    read_notebook,
)

CELL = nbformat.v4.new_code_cell("é = 1", id="one")
TEXT = nbformat.writes(nbformat.v4.new_notebook(cells=[CELL]))
CONFLICT = TEXT.replace('   "source"', '<<<<<<< HEAD\n   "source"', 1)
DEEP = TEXT.replace('"metadata": {}', f'"metadata": {{"a": {"[" * 200}{"]" * 200}}}', 1)
DEEPER = "[" * 100_000


@pytest.mark.parametrize(
    ("content", "says", "remedy"),
    [
        (TEXT.encode("utf-16"), "saved as UTF-16", "save it as UTF-8"),
        (TEXT.encode("utf-16-le"), "saved as UTF-16", "save it as UTF-8"),
        (TEXT.encode("cp1252"), r"not saved as UTF-8 \(byte 0xe9 in line 10\)", "save it as UTF-8"),
        (b"\x89PNG\r\n\0", "not even text", ""),
        (CONFLICT.encode(), r"Git put two versions .* line \d+", "git checkout --ours"),
        (b" \n", "file is empty", "descent reset"),
        (TEXT[: len(TEXT) // 2].encode(), r"breaks off in line \d+", "descent reset"),
        (TEXT.replace(":", ";", 1).encode(), "not JSON at line 2", "descent reset"),
        (DEEP.encode(), "nested too deeply", ""),
        (DEEPER.encode(), "nested too deeply", ""),
        (b"3", "not a notebook", ""),
        (b'{"cells": null, "nbformat": 4}', "not a valid notebook", ""),
        (b'{"cells": [], "nbformat": "four"}', "not a valid notebook", ""),
        (b'{"n": ' + b"1" * 5000 + b"}", "not JSON", ""),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path, content, says, remedy):
    path = tmp_path / "mine.ipynb"
    path.write_bytes(content)
    with pytest.raises(BrokenNotebook, match=says) as caught:
        read_notebook(path)
    said = str(caught.value)
    assert remedy in said and str(path) in said and "\n" not in said and len(said) < 400


def test_a_folder_is_no_notebook(tmp_path):
    with pytest.raises(BrokenNotebook, match="this is a folder"):
        read_notebook(tmp_path)


def test_a_byte_order_mark_is_read_over(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert read_code_cells(path) == ["é = 1"]


def test_half_a_character_is_kept_in_the_file_and_marked_where_it_is_used(tmp_path):
    path = tmp_path / "mine.ipynb"
    data = json.loads(TEXT)
    data["cells"][0]["source"] = "a = '\ud83d'"
    path.write_text(json.dumps(data))
    notebook = read_notebook(path)
    assert json.loads(notebook_bytes(notebook))["cells"][0]["source"] == ["a = '\ud83d'"]
    assert read_code_cells(path) == ["a = '\ufffd'"]
    assert whole_characters("\ud83d\ude00 é") == "😀 é"
