"""What coding assistants are told is true of this repository."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOR_ALL = ROOT / "AGENTS.md"
FOR_LEARNERS = ROOT / "src" / "descent" / "serving" / "work_agents.md"


def test_both_files_forbid_to_write_an_answer() -> None:
    for path in (FOR_ALL, FOR_LEARNERS):
        assert "**Never write an exercise's answer**" in path.read_text("utf-8")


def test_every_command_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = re.findall(r"`make ([a-z-]+)", FOR_ALL.read_text("utf-8"))
    assert len(named) >= 4
    for name in named:
        assert re.search(rf"(?m)^{name}:", makefile), name


def test_every_folder_that_is_named_exists() -> None:
    folders = re.findall(r"`((?:src|solutions|notebooks)/[a-z/]*)", FOR_ALL.read_text("utf-8"))
    assert len(folders) >= 6
    for folder in folders:
        assert (ROOT / folder).is_dir(), folder
