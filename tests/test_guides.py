"""What README and CONTRIBUTING name is there: every path, command and quoted piece of code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from descent.authoring.limits import (
    FEWEST_CARDS,
    FEWEST_WORDS,
    LONG,
    LONGISH,
    MOST_CARDS,
    MOST_WORDS,
    STRETCH,
)
from descent.authoring.study_problems import MOST_PREDICTIONS
from descent.cli import app
from descent.cli.app import LEARN, REMEMBER, TIME, TRAIN, WAY
from descent.study.header import _OPTIONAL, _REQUIRED

ROOT = Path(__file__).resolve().parents[1]
GUIDES = ("README.md", "CONTRIBUTING.md")

# What a path's blanks stand for, and where what has no path of its own is looked for.
BLANKS = {"<part>": "*", "<slug>": "*", "<name>": "*", "NN_slug": "[0-9][0-9]_*"}
ROOMS = ("", "src/descent/", "src/descent/runs/*/", "src/descent/exercises/*/*/")
ROOMS += ("src/descent/figures/", "benchmarks/")
# The form of a chapter's id; and what is made by a start, by the verification, and by whoever takes
# the first chapter away.
NOT_YET = {"part/NN_slug", "work/", ".venv", ".venv/bin", "tests/verified/"}
NOT_YET |= {"solutions/retired_chapters.txt"}
PATH = re.compile(r"[\w.<>*-]*/[\w.<>*/-]*|[\w-]+\.(?:py|toml|md|yml|txt|bib|css|js|ipynb)|\.venv")


def text_of(guide: str) -> str:
    return (ROOT / guide).read_text(encoding="utf-8")


def in_code(guide: str) -> list[str]:
    """Everything in backticks or in a block of commands."""
    text = text_of(guide)
    blocks = re.findall(r"^```(?:\w*)\n(.*?)^```$", text, re.M | re.S)
    rest = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    lines = [line.strip() for block in blocks for line in block.split("\n")]
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", rest)] + lines


def commands(program: str) -> list[tuple[str, list[str]]]:
    return [
        (guide, code.removeprefix(".venv/bin/").split()[1:])
        for guide in GUIDES
        for code in in_code(guide)
        if code.removeprefix(".venv/bin/").startswith(f"{program} ")
        and not code.startswith("descent build makes")
    ]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_path_is_there(guide):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(guide))
    paths = [code for code in in_code(guide) if PATH.fullmatch(code) and code not in NOT_YET]
    assert len(paths) > 3
    missing = [path for path in [*paths, *links] if not is_there(path)]
    assert not missing


def is_there(path: str) -> bool:
    for blank, pattern in BLANKS.items():
        path = path.replace(blank, pattern)
    if re.fullmatch(r"\w+/\d\d\w*|\w+/\d_\w+", path):  # a chapter, perhaps one to be made
        return True
    return any(any(ROOT.glob(f"{room}{path}".rstrip("/"))) for room in ROOMS)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_within_a_guide_leads_to_a_heading(guide):
    text = text_of(guide)
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


@pytest.mark.parametrize("guide, words", commands("descent"))
def test_every_descent_command_is_known(guide, words):
    command = typer.main.get_command(app)
    for word in words:
        if word.startswith("-") or not hasattr(command, "commands"):
            break
        assert word in command.commands, f"{guide}: there is no `descent {' '.join(words)}`"
        command = command.commands[word]
    options = {name for parameter in command.params for name in parameter.opts}
    used = {word for word in words if word.startswith("--")}
    assert used <= options, f"{guide}: `descent {' '.join(words)}`"


@pytest.mark.parametrize("guide, words", commands("make"))
def test_every_make_target_is_known(guide, words):
    makefile = text_of("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    variables = set(re.findall(r"^([A-Z]+) \?=", makefile, re.M))
    target, *settings = words
    assert target in targets
    assert {setting.partition("=")[0] for setting in settings if "=" in setting} <= variables


def test_what_is_quoted_still_stands_there():
    quotes = re.findall(
        r"<!-- from (\S+) -->\n```python\n(.*?)```$", text_of("CONTRIBUTING.md"), re.M | re.S
    )
    assert len(quotes) >= 5
    for file, code in quotes:
        assert code in text_of(file), f"{file} no longer has what CONTRIBUTING.md quotes"


def test_the_limits_are_those_that_are_counted():
    text = text_of("CONTRIBUTING.md")
    for row in (
        f"| words of prose | {FEWEST_WORDS} to {MOST_WORDS} |",
        f"| words of a sentence | {LONG}; at most a tenth of the sentences over {LONGISH} |",
        f"| words between two things to do | {STRETCH}.",
        f"| predictions, one quantity each | {MOST_PREDICTIONS} |",
        f"| recall cards | {FEWEST_CARDS} to {MOST_CARDS}; at least half ask about a new case |",
    ):
        assert row in text


def test_every_header_field_is_explained():
    text = text_of("CONTRIBUTING.md")
    table = text.partition("## A chapter's source")[2].partition("A cell's role")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, re.M)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == {*_REQUIRED, *_OPTIONAL}
    optional = "`needs`, `run`, `readings`, `sections`, `predictions` and `written`"
    assert set(re.findall(r"`(\w+)`", optional)) == set(_OPTIONAL)
    assert f"All but {optional} are required" in text


def test_the_readme_names_every_command_of_a_learner() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    everyday = {LEARN, WAY, REMEMBER, TIME, TRAIN}
    named = [(one.name or one.callback.__name__, one) for one in app.registered_commands]
    named += [(one.name, one) for one in app.registered_groups]
    commands = [name for name, one in named if one.rich_help_panel in everyday and name != "start"]
    assert len(commands) > 15
    assert [name for name in commands if f"| `descent {name}" not in readme] == []
