"""A fault is planted in a small verified course; ``make test`` finds it, wherever it lies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("src", "tools", "tests/course", "tests/support", "tests/conftest.py", "pyproject.toml")
NEEDED += ("requirements.txt", "README.md", "book/references.bib")
NEEDED += ("book/index.md",)

# As many words as a chapter has at least, and a measurement that it shows.
MORE = f"""
# %% [markdown]
# {"Seven plain words stand in this line. " * 180}

# %%
from descent import measured

print(measured("speeds"))
"""

GRADER = "src/descent/exercises/toys/line/moving_average.py"

Verify = Callable[[], "subprocess.CompletedProcess[str]"]


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the course in ``root``, with its own copy of the package."""
    own = {
        **os.environ,
        "PYTHONPATH": str(root / "src"),
        "DESCENT_COURSE": str(root),
        "DESCENT_HOME": str(root / "home"),
    }
    for name in [name for name in own if name.startswith(("PYTEST_", "DESCENT_VERIFICATION"))]:
        del own[name]
    return subprocess.run(
        [sys.executable, *command], cwd=root, env=own, text=True, timeout=2 * PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a course of one small chapter, verified as a whole."""
    root = tmp_path_factory.mktemp("course")
    for name in NEEDED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (root / "solutions").mkdir()
    (root / "book" / "results").mkdir()
    (root / "book" / "results" / "speeds.json").write_text('{"speed": 1}')
    made = run(root, "-m", "descent", "new-chapter", "toys/1_line")
    assert made.returncode == 0, made.stdout
    with (root / "solutions" / "toys" / "01_line.py").open("a") as chapter:
        chapter.write(MORE)
    for command in (["limits", "--lower"], ["build"]):
        done = run(root, "-m", "descent", *command)
        assert done.returncode == 0, done.stdout
    first = run(root, "tools/test.py", "--chapters-only")
    assert first.returncode == 0, first.stdout
    assert "toys/01_line  whole    never verified as a whole" in first.stdout
    assert (root / "tests" / "verified" / "toys" / "01_line.json").is_file()
    return root


@pytest.fixture
def plant(course: Path):
    """Return a function that changes a file of the course; afterwards it is as it was."""
    kept: dict[Path, str] = {}

    def change(name: str, old: str, new: str) -> None:
        path = course / name
        kept[path] = path.read_text(encoding="utf-8")
        assert old in kept[path]
        path.write_text(kept[path].replace(old, new), encoding="utf-8")

    yield change
    for path, text in kept.items():
        path.write_text(text, encoding="utf-8")


def test_a_fault_in_the_chapter(course, plant):
    plant("solutions/toys/01_line.py", "= np.mean(values[", "= np.sum(values[")
    found = run(course, "tools/test.py", "--chapters-only")
    assert found.returncode == 1
    assert "whole    changed: solutions/toys/01_line.py" in found.stdout
    assert "the reference fails" in found.stdout


def test_a_fault_in_its_grader(course, plant):
    plant(GRADER, '{"np.mean(run)": "np.sum(run)"}', '{"np.mean(run)": "np.sum(run) / window"}')
    found = run(course, "tools/test.py", "--chapters-only")
    assert found.returncode == 1
    assert f"whole    changed: {GRADER}" in found.stdout
    assert "FAILED tests/course/test_graders.py" in found.stdout


def test_a_fault_in_a_room_it_imports(course, plant):
    plant(
        "src/descent/grading/differences.py", "    want = to_array(expected)\n", "    return None\n"
    )
    found = run(course, "tools/test.py", "--chapters-only")
    assert found.returncode == 1
    assert "changed below it: grading" in found.stdout
    assert "FAILED tests/course/test_graders.py" in found.stdout


def test_a_fault_in_a_record_it_shows(course, plant):
    plant("book/results/speeds.json", '{"speed": 1}', '{"speed": 2}')
    found = run(course, "tools/test.py", "--chapters-only")
    assert found.returncode == 1
    assert "whole    changed: book/results/speeds.json" in found.stdout
    assert "solutions/toys/01_line.ipynb" in found.stdout
    assert "make test: failed: chapters fresh" in found.stdout
