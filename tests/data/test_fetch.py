"""Known files: found, fetched from a mirror, or refused in words that help."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from descent.data import fetch
from descent.data.fetch import KnownFile, RefusedFile, UnavailableFile
from descent.errors import CourseError

mnist_module = importlib.import_module("descent.data.mnist")  # functions have the same names
bpe_module = importlib.import_module("descent.data.gpt2_bpe")
shakespeare_module = importlib.import_module("descent.data.shakespeare")

CONTENT = b"seventy thousand digits, more or less\n" * 200
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PACKED = gzip.compress(CONTENT)


class Mirror(BaseHTTPRequestHandler):
    """Answers by path; counts what it was asked."""

    asked: list[str]
    sent: int
    over: threading.Event

    def do_GET(self):
        type(self).asked.append(self.path)
        if self.path in ("/endless", "/trickle"):
            self.send_for_ever(bytes(1 << 16) if self.path == "/endless" else b"s")
            return
        body = {
            "/good.gz": PACKED,
            "/plain": CONTENT,
            "/truncated.gz": PACKED[:-20],
            "/wrong": b"<html>Please sign in to this network</html>",
            "/cut": PACKED,
        }.get(self.path)
        self.send_response(200 if body is not None else 404)
        body = body or b"not here"
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # "/cut" promises all and breaks off half way, as a lost connection does.
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def send_for_ever(self, piece):
        """Send until the other side hangs up, or the test is over."""
        self.send_response(200)
        self.end_headers()
        try:
            while not type(self).over.wait(0 if len(piece) > 1 else 0.02):
                self.wfile.write(piece)
                type(self).sent += len(piece)
        except OSError:
            pass

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Mirror.asked, Mirror.sent, Mirror.over = [], 0, threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Mirror.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def known(*mirrors: str) -> KnownFile:
    return KnownFile("things/thing.txt", SHA256, len(CONTENT), mirrors)


def in_cache() -> list[str]:
    folder = fetch.cache_folder() / "things"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("first", ["/missing", "/truncated.gz", "/wrong", "/cut"])
def test_a_bad_mirror_gives_way_to_the_next_and_only_the_good_copy_is_kept(mirror, first):
    assert fetch.read(known(mirror + first, mirror + "/good.gz")) == CONTENT
    assert Mirror.asked == [first, "/good.gz"]
    assert in_cache() == ["thing.txt.gz"]


def test_a_mirror_cannot_send_more_than_the_file_takes(mirror):
    with pytest.raises(UnavailableFile, match=r"sent more than the \d+ bytes"):
        fetch.read(known(mirror + "/endless"))
    assert Mirror.sent < 50_000_000 and in_cache() == []


def test_a_mirror_cannot_take_for_ever(mirror, monkeypatch):
    monkeypatch.setattr(fetch, "LEAST_SECONDS", 0.1)
    with pytest.raises(UnavailableFile, match=f"longer than 0 s for {len(CONTENT)} bytes"):
        fetch.read(known(mirror + "/trickle"))


def test_every_file_the_course_fetches_has_a_size_that_bounds_it():
    pictures = [file for _, *files in mnist_module.FILES.values() for file in files]
    texts = [bpe_module.MERGES_FILE, bpe_module.VOCABULARY_FILE, shakespeare_module.FILE]
    for file in (*pictures, *texts):
        assert 0 < file.size < 100_000_000 and 60 < fetch._longest(file) < 1800


@pytest.mark.parametrize("name", ["thing.txt", "thing.txt.gz"])
def test_a_damaged_copy_in_the_cache_is_fetched_anew(mirror, name):
    folder = fetch.cache_folder() / "things"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(PACKED[:-30])
    assert fetch.read(known(mirror + "/good.gz")) == CONTENT
    assert in_cache() == ["thing.txt.gz"]
    assert fetch.read(known()) == CONTENT


def test_a_damaged_copy_in_the_cache_stays_when_no_other_can_be_had(mirror, monkeypatch):
    path = fetch.cache_folder() / "things/thing.txt"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"damaged")
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    with pytest.raises(UnavailableFile, match="thing.txt is damaged.*DESCENT_OFFLINE is set"):
        fetch.read(known(mirror + "/plain"))
    assert path.read_bytes() == b"damaged"


def test_what_was_fetched_is_not_fetched_again(mirror):
    file = known(mirror + "/plain")
    assert fetch.read(file) == fetch.read(file) == CONTENT
    assert Mirror.asked == ["/plain"]
    assert in_cache() == ["thing.txt"]


def test_when_all_mirrors_fail_the_error_says_how_each_did_and_nothing_is_kept(mirror):
    with pytest.raises(UnavailableFile) as caught:
        fetch.read(known(mirror + "/missing", mirror + "/wrong", mirror + "/truncated.gz"))
    said = str(caught.value)
    assert "answered 404" in said
    assert "sent a wrong file" in said and SHA256 in said and "things/thing.txt" in said
    assert "gzip data is damaged" in said
    assert "DESCENT_DATA" in said
    assert in_cache() == []


def test_a_failure_is_remembered_and_not_tried_again(mirror):
    file = known(mirror + "/missing")
    for _ in range(3):
        with pytest.raises(UnavailableFile, match="answered 404"):
            fetch.read(file)
    assert Mirror.asked == ["/missing"]


def test_a_dead_host_is_asked_once_for_all_its_files(mirror, monkeypatch):
    tried = []
    real = fetch._transfer

    def transfer(file, url, given_up):
        tried.append(url)
        return real(file, url, given_up)

    monkeypatch.setattr(fetch, "_transfer", transfer)
    dead = "http://127.0.0.1:9"  # the discard port: nobody listens
    for path in ("/a", "/b"):
        assert fetch.read(known(dead + path, mirror + "/plain")) == CONTENT
        (fetch.cache_folder() / "things/thing.txt").unlink()
    assert [url for url in tried if url.startswith(dead)] == [dead + "/a"]


def test_offline_asks_nobody(mirror, monkeypatch):
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    with pytest.raises(UnavailableFile, match="DESCENT_OFFLINE is set"):
        fetch.read(known(mirror + "/plain"))
    assert Mirror.asked == []


@pytest.mark.parametrize("place", ["things/thing.txt", "thing.txt"])
@pytest.mark.parametrize("packed", [True, False])
def test_a_shared_copy_is_used_first_in_any_layout(mirror, tmp_path, monkeypatch, place, packed):
    shared = tmp_path / "second" / (place + (".gz" if packed else ""))
    shared.parent.mkdir(parents=True)
    shared.write_bytes(PACKED if packed else CONTENT)
    folders = [str(tmp_path / "first, absent"), str(tmp_path / "second")]
    monkeypatch.setenv("DESCENT_DATA", os.pathsep.join(folders))
    assert fetch.read(known(mirror + "/plain")) == CONTENT
    assert Mirror.asked == [] and in_cache() == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (CONTENT[:-5], f"{len(CONTENT) - 5} bytes where {len(CONTENT)} belong"),
        (CONTENT + b"more", f"more than {len(CONTENT)}"),
        (CONTENT.replace(b"seventy", b"sixteen", 1), "found"),
        (PACKED[:-30], "gzip data is damaged or cut short"),
        (gzip.compress(b"another file"), "12 bytes where"),
        (b"", "0 bytes where"),
    ],
    ids=["short", "long", "altered", "cut gzip", "another gzip", "empty"],
)
def test_a_wrong_copy_is_refused_with_name_checksums_and_remedy(
    mirror, tmp_path, monkeypatch, damage, says
):
    copy = tmp_path / "thing.txt"
    copy.write_bytes(damage)
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    with pytest.raises(RefusedFile) as caught:
        fetch.read(known(mirror + "/plain"))
    said = str(caught.value)
    assert str(copy) in said and SHA256 in said and says in said and "Delete it" in said
    assert hashlib.sha256(damage).hexdigest() in said or damage[:2] == b"\x1f\x8b"
    assert isinstance(caught.value, CourseError)
    assert copy.read_bytes() == damage, "the person's file is left for them to look at"


def test_a_gzip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    (tmp_path / "thing.txt.gz").write_bytes(gzip.compress(bytes(50_000_000)))
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    with pytest.raises(RefusedFile, match=f"more than {len(CONTENT)} bytes"):
        fetch.read(known())


def test_an_interrupted_write_leaves_nothing_and_the_next_try_succeeds(mirror, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch.read(known(mirror + "/good.gz"))
    assert in_cache() == []
    assert fetch.read(known(mirror + "/good.gz")) == CONTENT


def test_leftovers_of_a_killed_process_are_ignored_and_cleared(mirror):
    folder = fetch.cache_folder() / "things"
    folder.mkdir(parents=True)
    old, young = folder / "thing.txt.gz.old.part", folder / "thing.txt.gz.young.part"
    for path in (old, young):
        path.write_bytes(PACKED[:50])
    hours_ago = time.time() - 3 * 3600
    os.utime(old, (hours_ago, hours_ago))
    assert fetch.read(known(mirror + "/good.gz")) == CONTENT
    assert in_cache() == ["thing.txt.gz", young.name]


def test_a_full_disk_costs_a_warning_not_the_data(mirror, monkeypatch, capsys):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert fetch.read(known(mirror + "/plain")) == CONTENT
    assert "No space left on device" in capsys.readouterr().err
    assert in_cache() == []


def test_a_mistyped_shared_folder_is_mentioned(tmp_path, monkeypatch):
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path / "tpyo"))
    monkeypatch.setenv("DESCENT_OFFLINE", "1")
    with pytest.raises(UnavailableFile, match="tpyo, which is no folder"):
        fetch.read(known())


def test_the_cache_is_under_descent_home_when_that_is_set(tmp_path, monkeypatch):
    assert fetch.cache_folder() == tmp_path / "home" / "data"
    monkeypatch.delenv("DESCENT_HOME")
    assert "descent" in str(fetch.cache_folder())
