"""The locks install anywhere, and importing the package costs nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ["requirements.txt", "requirements-test.txt"]


def pins(lock: str) -> dict[str, str]:
    """Return name → version of every line of a lock that is not a comment.

    After a semicolon stands on which platform a package is wanted.
    """
    text = (ROOT / lock).read_text("utf-8")
    lines = [re.split("[#;]", line)[0].strip() for line in text.splitlines()]
    pairs = [line.split("==") for line in lines if line]
    assert all(len(pair) == 2 for pair in pairs), [pair for pair in pairs if len(pair) != 2]
    return dict(pairs)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_nothing_but_exact_public_versions(lock: str) -> None:
    for name, version in pins(lock).items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name), name
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}=={version}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_folder_and_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert not re.search(r"https?://|file:/|(^|\s)/\w+|^-", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_torch_is_pinned_without_a_local_label(lock: str) -> None:
    assert pins(lock)["torch"] == "2.13.0"


def test_the_test_lock_holds_the_versions_of_the_first() -> None:
    run, tests = pins("requirements.txt"), pins("requirements-test.txt")
    assert {name: tests.get(name) for name in run} == run
    assert "pytest" in tests and "pytest" not in run


@pytest.mark.parametrize("lock", LOCKS)
def test_triton_is_wanted_only_where_it_is_built(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("triton==")]
    assert line.endswith('; platform_system == "Linux"')


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for lock, declared in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-test.txt", project["optional-dependencies"]["test"]),
    ):
        locked = pins(lock)
        for requirement in declared:
            name, exact = re.match(r"([\w.-]+)(?:==([\w.]+))?", requirement).groups()  # type: ignore[union-attr]
            version = locked.get(name.lower())
            assert version is not None, f"{name} is not in {lock}: run make lock"
            assert exact in (None, version), f"{name} is {version} in {lock}: run make lock"


def test_the_wheel_has_what_a_run_is_made_of() -> None:
    from hatchling.builders.wheel import WheelBuilder

    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}
    home = ROOT / "src" / "descent" / "runs" / "nanogpt"
    wanted = [*home.glob("*.py"), *home.glob("profiles/*.toml")]
    assert len(wanted) > 8
    assert {path.relative_to(ROOT / "src").as_posix() for path in wanted} <= packed


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules loaded by a statement in a fresh interpreter."""
    code = f"{statement}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_no_other_package() -> None:
    # What a bare interpreter loads by itself (.pth files included) is not ours.
    loaded = modules_after("import descent") - modules_after("pass")
    ours = loaded - sys.stdlib_module_names
    assert ours == {"descent"}


@pytest.mark.parametrize("room", ["descent.data", "descent.figures", "descent.notebook"])
def test_what_a_notebook_imports_from_waits_with_what_takes_seconds(room: str) -> None:
    assert not modules_after(f"import {room}") & {"torch", "jax", "sklearn", "tiktoken"}


def test_a_notebook_finds_its_names() -> None:
    import descent

    assert {"chapter", "check", "hint", "progress"} <= set(dir(descent))
    assert callable(descent.check)
    called = set(descent.__all__) - {"__version__", "triton", "tl"}
    assert all(callable(getattr(descent, name)) for name in called)
    with pytest.raises(AttributeError, match="chekc"):
        descent.chekc  # noqa: B018
