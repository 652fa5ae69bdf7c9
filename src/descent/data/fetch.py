"""One way to get a file the course knows: the class's copy, the cache, or a mirror.

A file is known by the SHA-256 of its *decompressed* content, so that a copy may be gzipped or
not, by whomever. What a person put in place and does not match is refused; in the cache, which is
the course's own, it is fetched anew. What is fetched appears under its final name only once it is
whole and checked, and no mirror can send more, or take longer, than the file's size allows.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import socket
import sys
import tempfile
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from descent.errors import CourseError

T = TypeVar("T")

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
LEFTOVER_SECONDS = 3600.0
LEAST_SECONDS = 60.0
SLOWEST = 50_000
"""Bytes a second: a mirror that sends a whole file more slowly than this is given up."""
GZIP_EXTRA = 4096
"""Bytes by which gzip may make a file longer that it cannot make shorter, and more."""
GZIP_MAGIC = b"\x1f\x8b"

# URL or host → why it failed. What failed once is not tried again while this process lives.
_failures: dict[str, str] = {}


class DataError(CourseError):
    """A data file cannot be used."""


class RefusedFile(DataError):
    """A file is there and is not what it should be: truncated, altered, or another file."""


class UnavailableFile(DataError):
    """There is no copy of the file and none could be fetched."""


@dataclass(frozen=True)
class KnownFile:
    """A file the course uses, and how to recognise it.

    Attributes
    ----------
    name : path below a data folder, uncompressed: "mnist/t10k-labels-idx1-ubyte".
    sha256 : checksum of the decompressed content, hexadecimal.
    size : length of the decompressed content, in bytes.
    mirrors : addresses to fetch it from, tried in turn; gzipped or not.
    """

    name: str
    sha256: str
    size: int
    mirrors: tuple[str, ...]


def read(file: KnownFile) -> bytes:
    """The decompressed, verified content of a known file.

    Looked for in the folders of `DESCENT_DATA` (`<folder>/mnist/…`, then `<folder>/…`), then in
    the user's cache, then on the mirrors unless `DESCENT_OFFLINE` is set. A damaged copy in the
    cache is passed over, and gone once another was fetched.

    Raises
    ------
    RefusedFile : a copy is in a folder of `DESCENT_DATA`, but its content is not the known one.
    UnavailableFile : no copy, and no mirror gave one; says what was tried.
    """
    for path in _shared_copies(file):
        content, problem = _read(file, path)
        if problem:
            raise RefusedFile(
                f"{path} is refused: {problem}. Delete it and run this again to fetch a fresh "
                f"copy, or put a good copy of {file.name} in its place."
            )
        return content
    damaged = {}
    for path in _both_forms(cache_folder() / file.name):
        content, problem = _read(file, path)
        if not problem:
            return content
        damaged[path] = problem
    return _download(file, damaged)


def cache_folder() -> Path:
    """Where fetched files are kept: `DESCENT_HOME`/data if set, else the user's cache."""
    home = os.environ.get("DESCENT_HOME")
    if home:
        return Path(home).expanduser() / "data"
    import platformdirs

    return platformdirs.user_cache_path("descent") / "data"


def data_folders() -> list[Path]:
    """The folders named in `DESCENT_DATA`, in order."""
    named = os.environ.get("DESCENT_DATA", "").split(os.pathsep)
    return [Path(folder).expanduser() for folder in named if folder.strip()]


def _shared_copies(file: KnownFile) -> Iterator[Path]:
    """Existing candidates in the folders of `DESCENT_DATA`, first choice first."""
    for folder in data_folders():
        for name in (file.name, Path(file.name).name):
            yield from _both_forms(folder / name)


def _both_forms(place: Path) -> Iterator[Path]:
    for path in (place, place.with_name(place.name + ".gz")):
        if path.is_file():
            yield path


def _read(file: KnownFile, path: Path) -> tuple[bytes, str | None]:
    """The decompressed content of a copy, and what is wrong with it (None if nothing is)."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return b"", f"it cannot be read ({error.strerror or error})"
    return _check(file, raw)


def _check(file: KnownFile, raw: bytes) -> tuple[bytes, str | None]:
    """The decompressed content, and what is wrong with it (None if nothing is)."""
    try:
        content = _decompressed(raw, file.size + 1)
    except (OSError, EOFError, zlib.error) as error:
        found = hashlib.sha256(raw).hexdigest()
        return b"", (
            f"its gzip data is damaged or cut short ({error}); SHA-256 wanted {file.sha256} "
            f"once decompressed, found {found} as it is"
        )
    found = hashlib.sha256(content).hexdigest()
    if found == file.sha256:
        return content, None
    length = f"more than {file.size}" if len(content) > file.size else str(len(content))
    return content, (
        f"SHA-256 wanted {file.sha256}, found {found} ({length} bytes where {file.size} belong)"
    )


def _decompressed(raw: bytes, limit: int) -> bytes:
    """Content of gzip or plain bytes. At most `limit` bytes of gzip are unpacked."""
    if raw[:2] != GZIP_MAGIC:
        return raw
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
        return stream.read(limit)


def _download(file: KnownFile, damaged: dict[Path, str]) -> bytes:
    """Fetch from the first mirror that gives the right content, and keep it in the cache.

    There it takes the place of damaged copies.
    """
    reasons = [f"{path} is damaged: {problem}" for path, problem in damaged.items()]
    if os.environ.get("DESCENT_OFFLINE", "") not in ("", "0"):
        raise _unavailable(file, [*reasons, "DESCENT_OFFLINE is set"])
    for url in file.mirrors:
        host = urlsplit(url).netloc
        failure = _failures.get(url) or _failures.get(host)
        if failure is None:
            raw, failure = _from_mirror(file, url)
            if failure is None:
                _keep(file, raw, list(damaged))
                return _check(file, raw)[0]
        reasons.append(f"{host}: {failure}")
    raise _unavailable(file, reasons)


def _unavailable(file: KnownFile, reasons: list[str]) -> UnavailableFile:
    missing = [str(folder) for folder in data_folders() if not folder.is_dir()]
    reasons = reasons + [f"DESCENT_DATA names {place}, which is no folder" for place in missing]
    return UnavailableFile(
        f"{file.name} is not on this machine and could not be fetched ({'; '.join(reasons)}). "
        "Connect to the network, or put a copy in a folder named by DESCENT_DATA."
    )


def _from_mirror(file: KnownFile, url: str) -> tuple[bytes, str | None]:
    """What one mirror sent, once it is checked; or why there is nothing, remembered."""
    import requests

    host = urlsplit(url).netloc
    try:
        if not _resolves(url):
            raise requests.ConnectionError("its name is not resolved")
        raw = _within(_longest(file), lambda given_up: _transfer(file, url, given_up))
    except TooMuch as error:
        return b"", _failures.setdefault(url, str(error))
    except TimeoutError:
        why = f"took longer than {_longest(file):.0f} s for {file.size} bytes"
        return b"", _failures.setdefault(url, why)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an HTTP error"
        return b"", _failures.setdefault(url, f"answered {status}")
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ReadTimeout) as error:
        return b"", _failures.setdefault(url, f"broke off ({_short(error)})")
    except requests.RequestException as error:
        return b"", _failures.setdefault(host, f"no connection ({_short(error)})")
    problem = _check(file, raw)[1]
    if problem:
        return b"", _failures.setdefault(url, f"sent a wrong file: {problem}")
    return raw, None


def _short(error: Exception) -> str:
    """What an error says in a few words: the part a person can use."""
    said = re.sub(r"<[^>]*>|\(.*?object at .*?\)", "", str(error)).strip(" :()'\"")
    return (said[:80] + "…") if len(said) > 80 else said or type(error).__name__


class TooMuch(Exception):
    """A mirror sends more than the file can be long."""


class _Received(io.BytesIO):
    """What has come so far: never more than a file can be long, and nothing once given up."""

    def __init__(self, file: KnownFile, given_up: threading.Event) -> None:
        super().__init__()
        self.most = file.size + file.size // 1000 + GZIP_EXTRA
        self.given_up = given_up

    def write(self, data: Any) -> int:
        if self.given_up.is_set():
            raise TimeoutError
        if self.tell() + len(data) > self.most:
            raise TooMuch(f"sent more than the {self.most} bytes that the file can take")
        return super().write(data)


def _longest(file: KnownFile) -> float:
    """Seconds that a mirror may take for a whole file."""
    return LEAST_SECONDS + file.size / SLOWEST


def _within(seconds: float, action: Callable[[threading.Event], T]) -> T:
    """What an action returns or raises, in a thread of its own because it may never end.

    Raises
    ------
    TimeoutError : it took longer. The event that it was given is set then, so that it can stop.
    """
    given_up = threading.Event()
    outcome: Future[T] = Future()

    def act() -> None:
        try:
            outcome.set_result(action(given_up))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    try:
        return outcome.result(timeout=seconds)
    finally:
        given_up.set()


def _transfer(file: KnownFile, url: str, given_up: threading.Event) -> bytes:
    """The bytes at a URL, with a progress bar when it takes a while."""
    import pooch
    from tqdm import tqdm  # type: ignore[import-untyped]

    received = _Received(file, given_up)
    # Without a total a bar has no truth value, which pooch asks for; the server's replaces it.
    options = {"total": file.size, "unit": "B", "unit_scale": True, "leave": False, "delay": 0.5}
    with tqdm(desc=file.name, **options) as bar:
        get = pooch.HTTPDownloader(
            progressbar=bar, chunk_size=1 << 16, timeout=(CONNECT_SECONDS, READ_SECONDS)
        )
        get(url, received, None)
    return received.getvalue()


def _resolves(url: str) -> bool:
    """Whether the host's name is found soon enough: `requests` has no time limit for this part."""
    if urllib.request.getproxies():
        return True  # the proxy looks names up
    host = urlsplit(url).hostname
    try:
        return bool(_within(CONNECT_SECONDS, lambda _: socket.getaddrinfo(host, None)))
    except OSError:  # a time-out among them
        return False


def _keep(file: KnownFile, raw: bytes, instead_of: list[Path]) -> None:
    """Put checked bytes in the cache, whole or not at all, and remove what they replace.

    They are written under a passing name, then renamed: a reader never sees half a file, and two
    kernels fetching at once do not mix theirs. A cache that cannot be written costs a warning.
    """
    final = cache_folder() / (file.name + (".gz" if raw[:2] == GZIP_MAGIC else ""))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(final)
        handle, passing = tempfile.mkstemp(".part", final.name + ".", final.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(passing, final)
            for path in instead_of:
                if path != final:
                    path.unlink(missing_ok=True)
        except BaseException:
            Path(passing).unlink(missing_ok=True)
            raise
    except OSError as error:
        print(
            f"{file.name} was fetched but not kept in {final.parent}: {error.strerror or error}. "
            "It will be fetched again next time.",
            file=sys.stderr,
        )


def _remove_leftovers(final: Path) -> None:
    """Delete what killed processes left, sparing what another may be writing now."""
    for path in final.parent.glob(final.name + ".*.part"):
        with contextlib.suppress(FileNotFoundError):  # another process has just renamed it
            if abs(time.time() - path.stat().st_mtime) > LEFTOVER_SECONDS:
                path.unlink()
