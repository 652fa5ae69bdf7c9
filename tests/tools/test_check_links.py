"""The check of the resources' addresses, against servers of this machine."""

from __future__ import annotations

import datetime
import importlib.util
import re
import socket
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from programs import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
TODAY = datetime.date(2026, 11, 29)


def _load():
    path = ROOT / "tools" / "check_links.py"
    spec = importlib.util.spec_from_file_location("check_links", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["check_links"] = module
    spec.loader.exec_module(module)
    return module


check_links = _load()
Patience = check_links.Patience
AT_ONCE = Patience(timeout=PATIENCE, pause=0.0)


class Site:
    """A server whose paths answer as they are called, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                site.asked.append(f"{self.command} {self.path}")
                if self.path == "/hangs":
                    site.released.wait(PATIENCE)
                    return
                status = int(self.path.strip("/")[:3])
                if self.path == "/405-to-head" and self.command == "GET":
                    status = 200
                if self.path == "/503-once" and len(site.asked) > 2:
                    status = 200
                self.send_response(status)
                if status == 301:
                    self.send_header("Location", "/200")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_HEAD = answer

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    site = Site()
    yield site
    site.close()


@pytest.fixture
def closed_port() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def entry(name: str, url: str, marks: str = "") -> str:
    return f"  - id: {name}\n    title: T\n    url: {url}\n    url_from: seed\n{marks}\n"


def marks(url: str, day: str = "2026-01-02") -> str:
    return f"    dead: {day}\n    archive: {check_links.ARCHIVE}{url}\n"


@pytest.mark.parametrize(
    ("path", "state", "asked"),
    [
        ("/200", "alive", ["HEAD"]),
        ("/404", "gone", ["HEAD", "GET"]),
        ("/410", "gone", ["HEAD", "GET"]),
        ("/403", "unclear", ["HEAD", "GET"]),
        ("/405-to-head", "alive", ["HEAD", "GET"]),
        ("/500", "unclear", ["HEAD", "GET"] * 3),
        ("/503-once", "alive", ["HEAD", "GET", "HEAD"]),
        ("/429", "unclear", ["HEAD"] * 3),
    ],
)
def test_the_head_is_asked_for_then_the_page_and_what_may_pass_again(site, path, state, asked):
    answer = check_links.check(site.address + path, AT_ONCE)
    assert answer.state == state
    assert site.asked == [f"{method} {path}" for method in asked]


def test_a_redirect_is_followed_and_reported(site):
    url = f"{site.address}/301"
    answer = check_links.check(url, AT_ONCE)
    assert (answer.state, answer.moved_to) == ("alive", f"{site.address}/200")
    assert f"moved: {url} -> {site.address}/200" in check_links.report({url: answer}, {url: False})


def test_a_server_that_does_not_answer_is_left_and_proves_nothing(site):
    answer = check_links.check(f"{site.address}/hangs", Patience(timeout=0.2, pause=0.0, tries=1))
    assert (answer.state, answer.detail) == ("unclear", "no answer in time")


def test_a_closed_port_is_gone(closed_port):
    assert check_links.check(closed_port, AT_ONCE).state == "gone"


@pytest.mark.parametrize(
    ("code", "state"), [(socket.EAI_NONAME, "gone"), (socket.EAI_AGAIN, "unclear")]
)
def test_a_name_without_a_server_is_gone_and_a_failed_look_up_is_not(monkeypatch, code, state):
    def fail(*_, **__):
        raise urllib.error.URLError(socket.gaierror(code, "no"))

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    assert check_links.check("https://no.example/", AT_ONCE).state == state


def test_each_address_is_asked_once_and_every_server_answers_for_itself(site, closed_port):
    urls = [f"{site.address}/200", f"{site.address}/404", closed_port, f"{site.address}/200"]
    answers = check_links.check_all(urls, AT_ONCE)
    assert {url: answer.state for url, answer in answers.items()} == {
        f"{site.address}/200": "alive",
        f"{site.address}/404": "gone",
        closed_port: "gone",
    }
    assert site.asked == ["HEAD /200", "HEAD /404", "GET /404"]
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor")]


def test_a_video_is_asked_for_where_a_gone_one_shows(monkeypatch):
    seen = []

    def refuse(request, timeout):
        seen.append(request.full_url)
        raise urllib.error.HTTPError(request.full_url, 404, "no", {}, None)

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    answer = check_links.check("https://www.youtube.com/watch?v=abc", AT_ONCE)
    assert answer.state == "gone" and answer.url == "https://www.youtube.com/watch?v=abc"
    assert "/oembed?format=json&url=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3Dabc" in seen[0]


def test_marking_writes_what_is_gone_and_takes_back_what_came_back(site, tmp_path, capsys):
    gone, alive = f"{site.address}/404", f"{site.address}/200"
    unclear, long_gone = f"{site.address}/500", f"{site.address}/410"
    head = "# kept\nresources:\n"
    file = tmp_path / "resources.yml"
    file.write_text(
        head
        + entry("a", gone)
        + entry("b", alive, marks(alive))
        + entry("c", unclear)
        + entry("d", long_gone, marks(long_gone)),
        encoding="utf-8",
    )
    arguments = ["--file", str(file), "--timeout", str(PATIENCE), "--pause", "0"]
    before = file.read_text(encoding="utf-8")
    assert check_links.main(arguments) == 1
    assert file.read_text(encoding="utf-8") == before
    said = capsys.readouterr().out
    assert f"gone: {gone}: status 404" in said and f"came back: {alive}" in said
    assert f"gone (marked): {long_gone}: status 410" in said
    assert "4 addresses: 1 alive, 1 unclear, 2 gone." in said

    assert check_links.main([*arguments, "--mark"]) == 0
    today = str(datetime.date.today())
    assert file.read_text(encoding="utf-8") == (
        head
        + entry("a", gone, marks(gone, today))
        + entry("b", alive)
        + entry("c", unclear)
        + entry("d", long_gone, marks(long_gone))
    )
    assert "make chapters" in capsys.readouterr().out
    assert check_links.main([*arguments, "--mark"]) == 0


def test_two_resources_with_one_address_are_both_marked():
    url = "https://a.example/"
    answer = check_links.Answer(url, "gone", "status 404")
    text = entry("a", url) + entry("b", url)
    marked = check_links.with_marks(text, {url: answer}, TODAY)
    assert marked.count("dead: 2026-11-29") == 2
    assert not check_links.read_links(text)[url] and check_links.read_links(marked)[url]


def test_without_a_network_nothing_is_marked(tmp_path, closed_port, capsys):
    file = tmp_path / "resources.yml"
    file.write_text(entry("a", closed_port), encoding="utf-8")
    assert check_links.main(["--file", str(file), "--pause", "0", "--mark"]) == 2
    assert file.read_text(encoding="utf-8") == entry("a", closed_port)
    assert "there is no network here" in capsys.readouterr().out


def test_a_missing_file_is_said(tmp_path, capsys):
    assert check_links.main(["--file", str(tmp_path / "none.yml")]) == 2
    assert "none.yml cannot be read" in capsys.readouterr().err


def test_it_reads_the_addresses_of_the_course_as_the_course_does():
    text = check_links.FILE.read_text(encoding="utf-8")
    assert list(check_links.read_links(text)) == list(
        dict.fromkeys(resource["url"] for resource in yaml.safe_load(text)["resources"])
    )


def test_marks_are_written_as_the_course_reads_them(tmp_path):
    from descent.study.resources import read_library

    text = check_links.FILE.read_text(encoding="utf-8")
    links = check_links.read_links(text)
    answers = {url: check_links.Answer(url, "gone", "status 404") for url in links}
    file = tmp_path / "resources.yml"
    file.write_text(check_links.with_marks(text, answers, TODAY), encoding="utf-8")
    library = read_library(file)
    assert {resource.dead for resource in library.resources} == {TODAY}
    assert all(r.archive == check_links.ARCHIVE + r.url for r in library.resources)
    back = {url: check_links.Answer(url, "alive", "200") for url in links}
    again = check_links.with_marks(file.read_text(encoding="utf-8"), back, TODAY)
    assert again == re.sub(r"(?m)^    (dead|archive): .*\n", "", text)
