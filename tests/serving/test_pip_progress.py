"""How the first start says how far it is, from a pip that is made up."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def load(name: str) -> Any:
    """Import one of the tools as a module."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pip_progress = load("pip_progress")


class Clock:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    (folder / "pip-24.0.dist-info").mkdir(parents=True)
    return folder


@pytest.fixture
def progress(site: Path, clock: Clock) -> Any:
    return pip_progress.PipProgress(["torch", "Jinja2", "rich"], [site], clock)


def hear(progress: Any, text: str) -> None:
    for line in text.splitlines(keepends=True):
        progress.hear(line)


def test_while_pip_looks_packages_up_they_are_counted(progress) -> None:
    hear(progress, "Looking in indexes: https://example.org/simple\nCollecting torch==2.13.0\n")
    assert progress.words().startswith("found 1 of 3 packages, about ")
    hear(
        progress,
        "  Downloading torch-2.13.0-cp311-none-linux_x86_64.whl.metadata (29 kB)\n"
        "Collecting jinja2==3.1.6 (from -r requirements.txt (line 192))\n",
    )
    assert progress.count() == (2, 3)


FETCHING = """\
Collecting torch==2.13.0
Collecting jinja2==3.1.6
Requirement already satisfied: rich==15.0.0 in ./site-packages
Downloading jinja2-3.1.6-py3-none-any.whl (134 kB)
Downloading torch-2.13.0-cp311-none-linux_x86_64.whl (175.5 MB)
"""


def test_the_megabytes_of_the_file_on_its_way_are_those_on_the_disk(
    progress, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(pip_progress.tempfile, "gettempdir", lambda: str(tmp_path))
    hear(progress, FETCHING)
    assert progress.words().startswith("fetched 2 of 3 packages, 0 MB, ")
    assert progress.words().endswith("(torch: 0 of 176 MB)")
    arriving = tmp_path / "pip-unpack-x" / "torch-2.13.0-cp311-none-linux_x86_64.whl"
    arriving.parent.mkdir()
    with arriving.open("wb") as file:
        os.truncate(file.fileno(), 88_000_000)
    assert progress.words().startswith("fetched 2 of 3 packages, 88 MB, ")
    assert progress.words().endswith("(torch: 88 of 176 MB)")
    assert 0.4 < progress.share() < 0.6


def test_what_is_unpacked_is_counted_on_the_disk(progress, site, clock) -> None:
    hear(progress, FETCHING)
    (site / "typing_extensions-4.0.dist-info").mkdir()  # there before: not of this installation
    hear(progress, "Installing collected packages: jinja2, typing-extensions, torch\n")
    assert progress.words().startswith("unpacked 0 of 3 packages, ")
    (site / "jinja2-3.1.6.dist-info").mkdir()
    assert progress.words().startswith("unpacked 1 of 3 packages, ")
    assert progress.share() < 0.1, "torch is nearly all of it"
    (site / "torch-2.13.0.dist-info").mkdir()
    assert progress.count() == (2, 3)


def test_the_time_left_follows_the_pace(progress, clock) -> None:
    hear(progress, FETCHING)
    hear(progress, "Installing collected packages: torch\n")
    assert progress.words().endswith("about 2 min left"), "no pace yet: what is usual"
    clock.now += 300
    assert progress.seconds_left() > 0
    assert progress.overall_share() < 1


@pytest.mark.parametrize(
    ("line", "fetched"),
    [
        ("  Downloading https://example.org/a/ruff-0.1.0.tar.gz (1.0 MB)\n", "ruff"),
        ("  Using cached rich-15.0.0-py3-none-any.whl (245 kB)\n", "rich"),
        ("Processing /home/me/a folder/scikit_learn-1.8.0-cp311.whl (from x)\n", "scikit-learn"),
        ("Requirement already satisfied: ruamel.yaml==0.18 in ./x (0.18)\n", "ruamel-yaml"),
    ],
)
def test_every_way_in_which_pip_gets_a_package_counts(progress, line: str, fetched: str) -> None:
    hear(progress, line + "Collecting x==1\n")
    assert progress.fetched == {fetched}


def test_packages_that_were_not_in_the_lock_are_counted_too(progress) -> None:
    hear(progress, FETCHING + "Collecting triton==3.0\nDownloading triton-3.0.whl (150 MB)\n")
    assert progress.count() == (3, 4)


def test_silence_is_reported_and_the_lines_come_in_order() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stream, os.fdopen(writing, "w") as pip:
        heard = pip_progress.lines_or_silence(stream, 0.01)
        assert next(heard) is None
        pip.write("Collecting a\nCollecting b\n")
        pip.close()
        lines = [line for line in heard if line]
    assert lines == ["Collecting a\n", "Collecting b\n"]


def test_a_terminal_gets_a_bar_in_place_and_a_log_gets_lines(progress, monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    hear(progress, FETCHING)
    monkeypatch.setattr(sys, "stdout", Terminal())
    bar = pip_progress.Display()
    bar.last = float("-inf")
    bar.update(progress)
    assert sys.stdout.getvalue().startswith("\r  [")
    assert "\n" not in sys.stdout.getvalue()
    assert "fetched 2 of 3 packages" in sys.stdout.getvalue()
    bar.close()
    assert sys.stdout.getvalue().endswith(" \r")

    monkeypatch.setattr(sys, "stdout", io.StringIO())
    lines = pip_progress.Display()
    lines.last = float("-inf")
    lines.update(progress)
    lines.update(progress)  # a moment later: nothing new to say
    lines.close()
    assert sys.stdout.getvalue().count("\n") == 1
    assert sys.stdout.getvalue().startswith("  fetched 2 of 3 packages, ")
