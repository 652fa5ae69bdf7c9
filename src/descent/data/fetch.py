"""One way to get a file the course knows: the class's copy, the cache, or a mirror.

A file is known by the SHA-256 of its *decompressed* content, so that a copy may be gzipped or
not, by whomever. What does not match is refused; what is fetched appears under its final name
only once it is whole and checked.
"""

from __future__ import annotations

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from descent.errors import CourseError

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
LEFTOVER_SECONDS = 3600.0
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
    the user's cache, then on the mirrors unless `DESCENT_OFFLINE` is set.

    Raises
    ------
    RefusedFile : a copy is there, but its content is not the known one.
    UnavailableFile : no copy, and no mirror gave one; says what was tried.
    """
    for path in _copies(file):
        return _verified(file, path)
    return _download(file)


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


def _copies(file: KnownFile) -> Iterator[Path]:
    """Existing candidates, first choice first."""
    plain = Path(file.name).name
    places = [folder / name for folder in data_folders() for name in (file.name, plain)]
    for place in [*places, cache_folder() / file.name]:
        for path in (place, place.with_name(place.name + ".gz")):
            if path.is_file():
                yield path


def _verified(file: KnownFile, path: Path) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RefusedFile(f"{path} cannot be read: {error.strerror or error}") from error
    content, problem = _check(file, raw)
    if problem:
        raise RefusedFile(
            f"{path} is refused: {problem}. Delete it and run this again to fetch a fresh copy, "
            f"or put a good copy of {file.name} in its place."
        )
    return content


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


def _download(file: KnownFile) -> bytes:
    """Fetch from the first mirror that gives the right content, and keep it in the cache."""
    if os.environ.get("DESCENT_OFFLINE", "") not in ("", "0"):
        raise _unavailable(file, ["DESCENT_OFFLINE is set"])
    reasons = []
    for url in file.mirrors:
        host = urlsplit(url).netloc
        known = _failures.get(url) or _failures.get(host)
        if known is None:
            content, known = _from_mirror(file, url)
            if known is None:
                return content
        reasons.append(f"{host}: {known}")
    raise _unavailable(file, reasons)


def _unavailable(file: KnownFile, reasons: list[str]) -> UnavailableFile:
    missing = [str(folder) for folder in data_folders() if not folder.is_dir()]
    reasons = reasons + [f"DESCENT_DATA names {place}, which is no folder" for place in missing]
    return UnavailableFile(
        f"{file.name} is not on this machine and could not be fetched ({'; '.join(reasons)}). "
        "Connect to the network, or put a copy in a folder named by DESCENT_DATA."
    )


def _from_mirror(file: KnownFile, url: str) -> tuple[bytes, str | None]:
    """Content from one mirror, saved to the cache; or why there is none, remembered."""
    import requests

    host = urlsplit(url).netloc
    try:
        if not _resolves(url):
            raise requests.ConnectionError("its name is not resolved")
        raw = _transfer(file, url)
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an HTTP error"
        return b"", _failures.setdefault(url, f"answered {status}")
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ReadTimeout) as error:
        return b"", _failures.setdefault(url, f"broke off ({_short(error)})")
    except requests.RequestException as error:
        return b"", _failures.setdefault(host, f"no connection ({_short(error)})")
    content, problem = _check(file, raw)
    if problem:
        return b"", _failures.setdefault(url, f"sent a wrong file: {problem}")
    _keep(file, raw)
    return content, None


def _short(error: Exception) -> str:
    """What an error says in a few words: the part a person can use."""
    said = re.sub(r"<[^>]*>|\(.*?object at .*?\)", "", str(error)).strip(" :()'\"")
    return (said[:80] + "…") if len(said) > 80 else said or type(error).__name__


def _transfer(file: KnownFile, url: str) -> bytes:
    """The bytes at a URL, with a progress bar when it takes a while."""
    import pooch
    from tqdm import tqdm  # type: ignore[import-untyped]

    received = io.BytesIO()
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
    found: list[bool] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(urlsplit(url).hostname, None)
            found.append(True)
        except OSError:
            pass

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return bool(found)


def _keep(file: KnownFile, raw: bytes) -> None:
    """Put checked bytes in the cache, whole or not at all.

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
        if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
            path.unlink(missing_ok=True)
