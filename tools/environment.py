"""Make the virtual environment ``.venv`` and run something in it: the first half of ``make start``.

    python3 tools/environment.py [--tests] [ARGUMENTS FOR THE ENVIRONMENT'S PYTHON ...]

Standard library only, and no syntax newer than Python 3.7: it must be able to run on a Python that
is too old for the course, to say so. Everything that can go wrong ends in one line that says what
to do. A run with nothing to do takes milliseconds: a stamp in ``.venv`` holds the hash of what was
installed, and is written only once everything is.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pip_progress import Display, PipProgress, lines_or_silence

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "descent-installed.json"
UNFINISHED = VENV / "descent-unfinished"
LOG = VENV / "descent-install.log"
LOCK = ROOT / ".venv.lock"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
SPACE_NEEDED = 3 * 10**9  # bytes: what the environment takes with torch's CPU build
LOCKS = {"run": "requirements.txt", "tests": "requirements-test.txt"}

# What pip says, and what the reader should do about it. The first match wins.
PIP_FAILURES = (
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        "The disk is full: the course needs about 3 GB, and 8 GB where torch comes with CUDA. Free "
        "some space (or point TMPDIR at a larger disk), then run the same command again; it "
        "continues where it stopped.",
    ),
    (
        r"NewConnectionError|NameResolution|name resolution|Max retries exceeded|ConnectTimeout|"
        r"ReadTimeout|Network is unreachable|ProxyError|ConnectionResetError|SSLError|"
        r"Connection broken|IncompleteRead",
        "The package index cannot be reached. Check the network (and the proxy settings, if you "
        "use one), then run the same command again; it continues where it stopped.",
    ),
    (
        r"Permission denied|Errno 13|Read-only file system",
        "Some folder is not writable for you (the course's folder, or pip's cache). Make it "
        "yours, then run the same command again.",
    ),
)


class Trouble(Exception):
    """Something a person can put right; the message is all they see."""


# --- a suitable Python ------------------------------------------------------------------------

PROBE = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1])"


def python_version(command: str, probe: str = PROBE) -> tuple[int, int] | None:
    """Return the version of the interpreter ``command``; None if it is missing or incomplete."""
    try:
        done = subprocess.run(
            [command, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30
        )
        major, minor = done.stdout.split()[:2]
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return int(major), int(minor)


def candidates() -> list[str]:
    """Return the interpreters to try, best first: the one asked for, this one, then the PATH's."""
    asked = os.environ.get("DESCENT_PYTHON")
    if asked:
        return [asked]
    named = ["python{}.{}".format(*version) for version in reversed(SUPPORTED)]
    return [sys.executable, *named, "python3", "python"]


def find_python() -> str:
    """Return an interpreter the course can use, or raise Trouble saying what to install."""
    without_venv = None
    for command in candidates():
        if python_version(command) in SUPPORTED:
            return command
        version = python_version(command, PROBE.replace(", venv, ensurepip", ""))
        if version in SUPPORTED:
            without_venv = without_venv or version
    if without_venv:
        name = "python{}.{}".format(*without_venv)
        raise Trouble(
            f"Your {name} cannot make virtual environments. On Debian and Ubuntu install what is "
            f"missing with: sudo apt install {name}-venv; then run the same command again."
        )
    asked = os.environ.get("DESCENT_PYTHON")
    found = f"DESCENT_PYTHON={asked}" if asked else "python3 is {}.{}".format(*sys.version_info)
    raise Trouble(
        f"Descent needs Python 3.11, 3.12 or 3.13, and found none ({found}). Install one from "
        "python.org or your system's packages, then run the same command again; "
        "DESCENT_PYTHON=/path/to/python names one that is not on the PATH."
    )


# --- the virtual environment ------------------------------------------------------------------


def venv_python() -> Path:
    """Return where the environment's interpreter is, or would be."""
    return VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"


def fingerprint(kind: str) -> str:
    """Return the hash of all that decides what is installed, and where."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in (LOCKS[kind], "pyproject.toml"):
        digest.update(name.encode() + (ROOT / name).read_bytes())
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """Return what was installed, kind by kind; nothing if an installation was interrupted."""
    if UNFINISHED.exists():
        return {}
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_ready(kind: str) -> bool:
    """Say whether everything of this kind is installed already."""
    # The tests' lock contains the other one.
    stamp = read_stamp()
    kinds = [kind] if kind == "tests" else ["run", "tests"]
    return venv_python().exists() and any(stamp.get(k) == fingerprint(k) for k in kinds)


def check_folder() -> None:
    """Raise Trouble when the course's folder cannot be written or the disk is nearly full."""
    trial = ROOT / f".write-test-{os.getpid()}"
    try:
        trial.write_bytes(b"x" * 4096)
    except OSError as error:
        if error.errno == 28:
            raise Trouble(PIP_FAILURES[0][1]) from None
        raise Trouble(
            f"The folder {ROOT} is not writable for you ({error.strerror}). Make it yours, or "
            "clone the course into a folder of your own, then run the same command again."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            trial.unlink()
    if not venv_python().exists() and shutil.disk_usage(str(ROOT)).free < SPACE_NEEDED:
        raise Trouble(PIP_FAILURES[0][1])


def works() -> bool:
    """Say whether the environment there is can be used: a supported Python, with pip."""
    probe = "import sys, pip; print(sys.version_info[0], sys.version_info[1])"
    return python_version(str(venv_python()), probe) in SUPPORTED


def create_venv() -> None:
    """Make ``.venv``, or make it anew when what is there does not work."""
    if works():
        return
    if VENV.exists() and not (VENV.is_dir() and is_disposable(VENV)):
        raise Trouble(
            f"{VENV} exists and is not a virtual environment. Move it away, then run the same "
            "command again."
        )
    python = find_python()
    print("Making a virtual environment in .venv ...", flush=True)
    done = subprocess.run(
        [python, "-m", "venv", "--clear", str(VENV)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode or not works():
        raise Trouble(explain(done.stdout, f"{python} -m venv .venv failed"))


def is_disposable(folder: Path) -> bool:
    """Say whether the folder is a virtual environment, whole or half made."""
    ours = {STAMP.name, UNFINISHED.name, LOG.name, ".gitignore"}
    usual = {"bin", "etc", "include", "lib", "lib64", "share", "Include", "Lib", "Scripts"}
    names = {path.name for path in folder.iterdir()}
    return "pyvenv.cfg" in names or names <= usual | ours


# --- installing -------------------------------------------------------------------------------


def explain(output: str, otherwise: str) -> str:
    """Turn what pip printed into one line that says what to do."""
    for pattern, advice in PIP_FAILURES:
        if re.search(pattern, output):
            return advice
    missing = re.search(r"No matching distribution found for (\S+)", output)
    if missing:
        # With no version at all to choose from, an index that gives no answer looks the same.
        silent = "cannot be reached, or " if "(from versions: none)" in output else ""
        return (
            f"The package index {silent}offers no {missing.group(1)} for this Python and this "
            "machine. Check the network, or try another Python (DESCENT_PYTHON=python3.12 make "
            f"start); details are in {LOG.relative_to(ROOT)}."
        )
    errors = re.findall(r"(?m)^ERROR: (.*)", output) or output.strip().splitlines()[-1:]
    reason = f": {errors[0]}" if errors else ""
    return f"{otherwise}{reason}. The whole output is in {LOG.relative_to(ROOT)}."


def pip(*arguments: str, packages: Sequence[str] = ()) -> None:
    """Run pip in the environment, its output in the log; raise Trouble when it fails.

    Parameters
    ----------
    arguments
        What to do.
    packages
        The packages this is about, to show how far it is; without them nothing is shown.
    """
    command = [str(venv_python()), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    environment = {**os.environ, "PYTHONUTF8": "1", "PIP_PROGRESS_BAR": "off"}
    progress = PipProgress(packages, list(VENV.glob("**/site-packages")))
    display = Display()
    heard = []
    with LOG.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=str(ROOT),
            env=environment,
            encoding="utf-8",
            errors="replace",
        )
        assert process.stdout is not None
        try:
            for line in lines_or_silence(process.stdout, display.every):
                if line is not None:
                    log.write(line)
                    log.flush()
                    heard.append(line)
                    progress.hear(line)
                if packages:
                    display.update(progress)
            process.wait()
        finally:
            display.close()
            end(process)
    if process.returncode:
        raise Trouble(explain("".join(heard), "pip could not install the course's packages"))


def end(process: subprocess.Popen[str]) -> None:
    """Let pip remove its temporary files when this is interrupted; Ctrl-C reached it as well."""
    try:
        process.wait(timeout=10)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


def forget_broken_packages() -> None:
    """Make pip see again what an interrupted installation left half done.

    pip takes a package for installed when its ``.dist-info`` is there. One whose files are not all
    there, at the sizes its RECORD states, loses its ``.dist-info``, so that pip installs it anew.
    """
    for info in VENV.glob("**/site-packages/*.dist-info"):
        try:
            with (info / "RECORD").open(encoding="utf-8", newline="") as record:
                rows = [row for row in csv.reader(record) if len(row) == 3 and row[2]]
            whole = all((info.parent / row[0]).stat().st_size == int(row[2]) for row in rows)
        except (OSError, ValueError):
            whole = False
        if not whole and not info.name.startswith("pip-"):
            shutil.rmtree(str(info), ignore_errors=True)


def install(kind: str) -> None:
    """Install the locked requirements and the package itself, then write the stamp."""
    stamp = {k: v for k, v in read_stamp().items() if v == fingerprint(k)}
    if UNFINISHED.exists():
        print("The last installation was interrupted; continuing it.", flush=True)
        forget_broken_packages()
    UNFINISHED.write_text("removed when the installation is complete\n", "utf-8")
    LOG.write_text("", "utf-8")
    lock = ROOT / LOCKS[kind]
    packages = re.findall(r"(?m)^([\w.-]+)==", lock.read_text("utf-8"))
    print(f"Installing {len(packages)} packages; all that pip says is in {LOG.relative_to(ROOT)}.")
    sys.stdout.flush()
    pip("install", "-r", str(lock), packages=packages)
    print("Installing the course itself ...", flush=True)
    # The lock holds the build tools too, so this needs no package index.
    pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp[kind] = fingerprint(kind)
    STAMP.write_text(json.dumps(stamp), "utf-8")
    UNFINISHED.unlink()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock, so that two commands started together do not install into one folder."""
    try:
        import fcntl
    except ImportError:  # Windows: go without
        yield
        return
    with LOCK.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another command is installing; waiting for it ...", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure(kind: str) -> Path:
    """Make the environment complete if it is not, and return its interpreter.

    Parameters
    ----------
    kind
        "run" for what a learner needs, "tests" for the test tools as well.

    Raises
    ------
    Trouble
        With one line that says what to do.
    """
    if not is_ready(kind):
        check_folder()
        with one_at_a_time():
            if not is_ready(kind):  # another command may have done it meanwhile
                create_venv()
                install(kind)
    return venv_python()


def run(python: Path, arguments: list[str]) -> int:
    """Run the environment's Python in place of this one."""
    if os.name == "nt":
        return subprocess.call([str(python), *arguments])
    sys.stdout.flush()
    os.execv(str(python), [str(python), *arguments])


def main(arguments: list[str]) -> int:
    """Make the environment, then run the rest of the command line in it."""
    kind = "run"
    if arguments[:1] == ["--tests"]:
        kind, arguments = "tests", arguments[1:]
    try:
        python = ensure(kind)
    except Trouble as trouble:
        print(f"descent: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndescent: stopped; the same command continues where it was.", file=sys.stderr)
        return 130
    except OSError as error:
        advice = PIP_FAILURES[0][1] if error.errno == 28 else str(error)
        print(f"descent: {advice}", file=sys.stderr)
        return 1
    return run(python, arguments) if arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
