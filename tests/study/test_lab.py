"""Finding a running JupyterLab, and a browser."""

from __future__ import annotations

import webbrowser

import pytest
from jupyter_server import serverapp

from descent.study.lab import book_addresses, lab_address, open_in_browser


@pytest.fixture
def running(monkeypatch):
    servers = []
    monkeypatch.setattr(serverapp, "list_running_servers", lambda *_: iter(servers))
    return servers


def test_the_address_is_that_of_the_server_that_serves_the_file(tmp_path, running):
    path = tmp_path / "a course" / "work" / "01.ipynb"
    path.parent.mkdir(parents=True)
    (tmp_path / "other").mkdir()
    assert lab_address(path) is None
    running.append({"root_dir": str(tmp_path / "other"), "url": "http://localhost:1/"})
    assert lab_address(path) is None
    running.append({"root_dir": str(tmp_path), "url": "http://localhost:8888/", "token": "secret"})
    expected = "http://localhost:8888/lab/tree/a%20course/work/01.ipynb?token=secret"
    assert lab_address(path) == expected


@pytest.mark.parametrize("linked", ["work", "work/ladder"])
def test_a_folder_of_copies_that_is_a_link_is_served_too(tmp_path, running, linked):
    course, elsewhere = tmp_path / "course", tmp_path / "elsewhere"
    (course / linked).parent.mkdir(parents=True)
    (elsewhere / "ladder").mkdir(parents=True)
    (course / linked).symlink_to(elsewhere)
    path = course / "work" / "ladder" / "01.ipynb"
    path.parent.mkdir(exist_ok=True)
    running.append({"root_dir": str(course / "work"), "url": "http://localhost:8888/"})
    assert lab_address(path) == "http://localhost:8888/lab/tree/ladder/01.ipynb"


def test_a_server_on_what_a_link_leads_to_serves_what_is_reached_through_the_link(
    tmp_path, running
):
    (tmp_path / "real" / "work").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    running.append({"root_dir": str(tmp_path / "real" / "work"), "url": "http://localhost:8888/"})
    path = tmp_path / "link" / "work" / "01.ipynb"
    assert lab_address(path) == "http://localhost:8888/lab/tree/01.ipynb"


def test_the_courses_own_server_is_preferred_to_one_further_up(tmp_path, running):
    (tmp_path / "work").mkdir()
    running.append({"root_dir": str(tmp_path), "url": "http://localhost:1/"})
    running.append({"root_dir": str(tmp_path / "work"), "url": "http://localhost:2/"})
    running.append({"root_dir": str(tmp_path), "url": "http://localhost:3/"})
    assert lab_address(tmp_path / "work" / "01.ipynb") == "http://localhost:2/lab/tree/01.ipynb"


def test_pages_of_the_book_are_on_the_server_that_serves_the_copies(root, running):
    (root / "work").mkdir()
    page = "solutions/ladder/01.html#a-line"
    assert book_addresses()(page) == page
    running.append({"root_dir": str(root / "work"), "url": "http://localhost:8/", "token": "t"})
    assert book_addresses()(page) == f"http://localhost:8/book/{page.replace('#', '?token=t#')}"


def test_no_browser_is_opened_without_a_screen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(webbrowser, "get", lambda: pytest.fail("a browser was looked for"))
    assert not open_in_browser("http://localhost:8888/")


def test_a_text_browser_is_not_used_and_a_missing_one_is_no_error(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("w3m"))
    assert not open_in_browser("http://localhost:8888/")

    def none():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    assert not open_in_browser("http://localhost:8888/")
