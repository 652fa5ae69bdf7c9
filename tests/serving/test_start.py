"""The server of ``make start``: a real one, on a free port."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from programs import PATIENCE

from descent.errors import CourseError
from descent.serving import addresses
from descent.serving.start import has_display, main, server_options


class Answer:
    """What the server answered: status, headers and text; redirects are not followed."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str] | None = None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        self.status = response.status
        self.location = response.getheader("Location") or ""
        self.policy = response.getheader("Content-Security-Policy") or ""
        self.cookies = "; ".join(
            value.split(";")[0] for name, value in response.getheaders() if name == "Set-Cookie"
        )
        self.text = response.read().decode("utf-8", "replace")
        connection.close()


def test_a_page_is_served_with_the_token(served) -> None:
    answer = Answer(served.port, f"/book/?token={served.token}")
    assert (answer.status, answer.text) == (200, "<h1>Front page</h1>")
    assert "sandbox" not in answer.policy


def test_after_the_token_the_cookie_is_enough(served) -> None:
    cookies = Answer(served.port, f"/book/?token={served.token}").cookies
    answer = Answer(served.port, "/book/ladder/index.html", {"Cookie": cookies})
    assert (answer.status, answer.text) == (200, "<h1>The ladder</h1>")


@pytest.mark.parametrize("path", ["/book/", "/book", "/book/ladder/index.html", "/book/?token=no"])
def test_without_the_token_the_page_is_refused(served, path: str) -> None:
    answer = Answer(served.port, path)
    assert answer.status == 302
    assert answer.location.startswith("/login")
    assert "<h1>" not in answer.text


def test_the_address_without_its_slash_leads_to_the_book(served) -> None:
    answer = Answer(served.port, f"/book?token={served.token}")
    assert answer.status == 302
    assert answer.location == f"/book/?token={served.token}"


@pytest.mark.parametrize(
    "path", ["../../secret.txt", "..%2f..%2fsecret.txt", "%2e%2e/%2e%2e/secret.txt", "/etc/passwd"]
)
def test_no_path_leads_out_of_the_book(served, path: str) -> None:
    answer = Answer(served.port, f"/book/{path}?token={served.token}")
    assert answer.status in (403, 404)
    assert "answers" not in answer.text and "root:" not in answer.text


def test_jupyterlab_comes_from_the_same_server_and_sees_the_learners_folder_alone(
    served, small_course: Path
) -> None:
    assert Answer(served.port, f"/lab?token={served.token}").status == 200
    (small_course / "work" / "mine.txt").write_text("mine", "utf-8")
    assert Answer(served.port, f"/api/contents/mine.txt?token={served.token}").status == 200
    for path in ("secret.txt", "solutions", "../secret.txt", "..%2fsecret.txt"):
        answer = Answer(served.port, f"/api/contents/{path}?token={served.token}")
        assert answer.status in (400, 403, 404)
        assert "answers" not in answer.text


def test_a_second_start_points_to_the_first(served, small_course, start_environment) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "descent.serving"],
        cwd=small_course,
        env=start_environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0
    assert "running already" in done.stdout
    assert f"{served.url}book/?token={served.token}" in done.stdout


@pytest.fixture
def bookless(small_course: Path, tmp_path: Path) -> Path:
    """Make a course whose book cannot be built: it has no table of contents."""
    (tmp_path / "solutions").mkdir()
    return tmp_path


def test_a_taken_port_a_failed_book_and_ctrl_c(bookless: Path, start_course) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        served = start_course(bookless, taken)
        assert f"Port {taken} is taken; using {served.port}." in served.program.said
    assert served.program.said.count("The book could not be built") == 1
    page = Answer(served.port, f"/book/?token={served.token}")
    assert page.status == 404
    assert "make book" in page.text
    said = served.program.said
    served.program.interrupt()
    assert served.program.wait() == 0
    rest = served.program.said.removeprefix(said)
    assert [line for line in rest.splitlines() if line] == [
        "Stopped. Your work is saved in work/; make start brings it back."
    ]


def test_no_port_left_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_free", lambda port: False)
    with pytest.raises(CourseError, match="8888 to 8937 are all taken.*PORT="):
        addresses.free_port(8888)
    with pytest.raises(CourseError, match="65530 to 65535 are all taken"):
        addresses.free_port(65530)


@pytest.mark.parametrize("port", ["-1", "0", "65536", "99999", "eighty", "8888.5", "", "٨٨٨٨"])
def test_a_port_that_is_none_is_one_line(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--port={port}"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("descent: A port is a whole number from 1 to 65535, and ")
    assert f"'{port}' is not" in said.err and said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({"DESCENT_NO_BROWSER": "1"}, "darwin", False),
        ({"DISPLAY": ":0", "DESCENT_NO_BROWSER": "1"}, "linux", False),
    ],
)
def test_a_browser_opens_only_where_there_is_one(environment, platform, expected) -> None:
    assert has_display(environment, platform) is expected


def test_the_server_listens_on_this_machine_only(tmp_path: Path) -> None:
    options = server_options(tmp_path, 8888, "secret")
    assert "--ServerApp.ip=127.0.0.1" in options
    assert "--IdentityProvider.token=secret" in options
