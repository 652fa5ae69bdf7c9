"""What the bootstrap says when something is missing: one line, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import PATIENCE

TOOLS = Path(__file__).resolve().parents[2] / "tools"
SCRIPTS = ("environment.py", "pip_progress.py")

# Keeps pip to an index that nobody answers for, whatever this machine's own settings are.
NO_NETWORK = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_RETRIES": "1",
    "PIP_NO_CACHE_DIR": "1",
}


def make_checkout(root: Path, requirement: str = "rich==14.0.0") -> Path:
    """Make a folder with all the bootstrap reads: itself, a lock, a pyproject.toml."""
    (root / "tools").mkdir(parents=True)
    for script in SCRIPTS:
        shutil.copy(TOOLS / script, root / "tools")
    for lock in ("requirements.txt", "requirements-test.txt"):
        (root / lock).write_text(requirement + "\n", "utf-8")
    (root / "pyproject.toml").write_text("[project]\nname = 'small'\nversion = '1'\n", "utf-8")
    return root


def bootstrap(
    root: Path, *arguments: str, user: int | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the bootstrap of a checkout, as another user when asked."""
    return subprocess.run(
        [sys.executable, "-S", str(root / "tools" / "environment.py"), *arguments],
        env={**os.environ, **NO_NETWORK, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        user=user,
    )


def the_one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed bootstrap said, having checked that it is a single line."""
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("descent: ")
    return lines[0]


def stub_python(folder: Path, script: str) -> str:
    """Make a command that behaves as some other Python would."""
    stub = folder / "python-stub"
    stub.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    stub.chmod(0o755)
    return str(stub)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "course")


def test_a_python_too_old_is_named_with_what_to_do(checkout: Path, tmp_path: Path) -> None:
    stub = stub_python(tmp_path, "echo 3 9")
    line = the_one_line(bootstrap(checkout, DESCENT_PYTHON=stub))
    assert "needs Python 3.11, 3.12 or 3.13" in line
    assert stub in line
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_names_the_package_to_install(checkout: Path, tmp_path: Path) -> None:
    stub = stub_python(tmp_path, 'case "$2" in *ensurepip*) exit 1;; *) echo 3 12;; esac')
    line = the_one_line(bootstrap(checkout, DESCENT_PYTHON=stub))
    assert "sudo apt install python3.12-venv" in line


def test_no_network_is_one_line_and_leaves_nothing_that_looks_installed(checkout: Path) -> None:
    line = the_one_line(bootstrap(checkout))
    assert "package index cannot be reached" in line
    assert not (checkout / ".venv" / "descent-installed.json").exists()
    again = bootstrap(checkout)
    assert "was interrupted; continuing" in again.stdout
    assert the_one_line(again) == line


def test_a_folder_that_is_no_environment_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "thesis.txt").write_text("years of work", "utf-8")
    assert "is not a virtual environment" in the_one_line(bootstrap(checkout))
    assert (checkout / ".venv" / "thesis.txt").read_text("utf-8") == "years of work"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="changes user: needs root")
def test_a_folder_of_someone_else_is_one_line() -> None:
    # Not under pytest's own folder, which is closed to other users.
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        checkout = make_checkout(Path(place) / "course")
        python = shutil.which("python3", path="/usr/bin:/bin")
        if python is None:
            pytest.skip("no system Python that every user may run")
        done = subprocess.run(
            [python, str(checkout / "tools" / "environment.py")],
            env={**NO_NETWORK, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            user=65534,
            timeout=PATIENCE,
        )
    assert "is not writable for you" in the_one_line(done)


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """Mount a disk of one megabyte, where this machine lets us."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot mount a small disk here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line(tiny_disk: Path) -> None:
    line = the_one_line(bootstrap(make_checkout(tiny_disk / "course")))
    assert "The disk is full: the course needs about 3 GB" in line


def test_an_environment_half_removed_is_made_anew(checkout: Path) -> None:
    for name in ("bin", "etc", "lib", "share"):
        (checkout / ".venv" / name).mkdir(parents=True)
    (checkout / ".venv" / "descent-install.log").write_text("", "utf-8")
    assert "Making a virtual environment" in bootstrap(checkout).stdout
    assert (checkout / ".venv" / "pyvenv.cfg").exists()


def load_bootstrap(checkout: Path):
    """Import the bootstrap of a checkout as a module."""
    import importlib.util

    path = checkout / "tools" / "environment.py"
    sys.path.insert(0, str(path.parent))  # as it is for a script
    spec = importlib.util.spec_from_file_location("environment", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


# Says that it looks a package up, then nothing until it is seen that this was told.
SILENT_PIP = """\
import pathlib, sys, time
print("Collecting rich==14.0.0", flush=True)
seen = pathlib.Path(sys.argv[-1])
until = time.monotonic() + 60
while not seen.exists() and time.monotonic() < until:
    time.sleep(0.01)
sys.exit(0 if seen.exists() else "nobody told how far it is while pip said nothing")
"""


def test_how_far_it_is_is_told_while_pip_says_nothing(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = next((finished / ".venv").glob("lib/*/site-packages")) / "pip"
    pip.mkdir()
    (pip / "__main__.py").write_text(SILENT_PIP, "utf-8")
    environment = load_bootstrap(finished)
    seen = tmp_path / "seen"

    class Told(environment.Display):  # type: ignore[name-defined,misc]
        every = 0.01

        def __init__(self) -> None:
            self.in_place = False
            self.last = 0.0

        def update(self, progress) -> None:
            if progress.words().startswith("found 1 of 2 packages"):
                seen.touch()

    monkeypatch.setattr(environment, "Display", Told)
    environment.pip("install", str(seen), packages=["rich", "mdurl"])
    assert seen.exists()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full"),
        (
            "WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found "
            "for torch==2.13.0",
            "cannot be reached",
        ),
        ("ERROR: No matching distribution found for torch==2.13.0", "index offers no torch==2"),
        (
            "ERROR: Could not find torch==2.13.0 (from versions: none)\n"
            "ERROR: No matching distribution found for torch==2.13.0",
            "cannot be reached, or offers no torch==2.13.0",
        ),
        ("ERROR: [Errno 13] Permission denied: '/srv'", "not writable"),
        ("ERROR: something unforeseen", "pip failed: something unforeseen. The whole output"),
    ],
)
def test_what_pip_says_becomes_what_to_do(checkout: Path, output: str, expected: str) -> None:
    assert expected in load_bootstrap(checkout).explain(output, "pip failed")


@pytest.fixture
def finished(checkout: Path) -> Path:
    """A checkout whose installation is complete, as far as the bootstrap can see."""
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True
    )
    stamp = {"run": load_bootstrap(checkout).fingerprint("run")}
    (checkout / ".venv" / "descent-installed.json").write_text(json.dumps(stamp), "utf-8")
    return checkout


def test_a_finished_environment_runs_the_command_at_once(finished: Path) -> None:
    done = bootstrap(finished, "-c", "import sys; print(sys.prefix); sys.exit(7)")
    assert done.returncode == 7
    assert done.stdout.strip() == str(finished / ".venv")


def test_a_changed_lock_is_installed_again(finished: Path) -> None:
    (finished / "requirements.txt").write_text("rich==14.1.0\n", "utf-8")
    assert not load_bootstrap(finished).is_ready("run")


def test_the_test_tools_are_installed_on_top(finished: Path) -> None:
    assert load_bootstrap(finished).is_ready("run")
    assert not load_bootstrap(finished).is_ready("tests")


def test_packages_that_an_interrupted_installation_left_half_done_are_forgotten(
    finished: Path,
) -> None:
    site = next((finished / ".venv").glob("lib/*/site-packages"))
    for name in ("whole", "cut", "unlisted"):
        (site / f"{name}.py").write_text("x = 1\n", "utf-8")
        (site / f"{name}-1.0.dist-info").mkdir()
        if name != "unlisted":
            record = site / f"{name}-1.0.dist-info" / "RECORD"
            record.write_text(f"{name}.py,sha256=abc,6\n{name}-1.0.dist-info/RECORD,,\n", "utf-8")
    (site / "cut.py").write_text("x", "utf-8")
    load_bootstrap(finished).forget_broken_packages()
    assert [info.name for info in site.glob("*.dist-info")] == ["whole-1.0.dist-info"]
