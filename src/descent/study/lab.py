"""Finding a JupyterLab that is running, and a browser to show it in."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from descent.study.paths import work_folder

_TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")


def lab_address(path: Path) -> str | None:
    """Return the address of a file in a running JupyterLab, or None when none serves it.

    Of several servers it is the one whose folder is the nearest above the file.

    Parameters
    ----------
    path
        A file below the folder a server was started in, by whatever links it is reached.
    """
    found = _nearest_server(path)
    if found is None:
        return None
    server, inside = found
    return f"{server['url']}lab/tree/{quote(inside.as_posix())}{_login(server)}"


def book_addresses() -> Callable[[str], str]:
    """Return what makes an address of a page of the book.

    On a running server it is an address of that server. Where none runs it is the page as it was
    given.

    Returns
    -------
    callable
        Takes a page from the book's root on, perhaps with ``#`` and an anchor.
    """
    found = _nearest_server(work_folder() / "any")
    if found is None:
        return lambda page: page
    server = found[0]

    def address(page: str) -> str:
        path, _, anchor = page.partition("#")
        place = f"#{quote(anchor)}" if anchor else ""
        return f"{server['url']}book/{quote(path)}{_login(server)}{place}"

    return address


def _nearest_server(path: Path) -> tuple[dict[str, Any], Path] | None:
    """Return the server whose folder is the nearest above a file, and the path from there on."""
    from jupyter_server.serverapp import list_running_servers

    found = []
    for server in list_running_servers():
        inside = _path_inside(path, str(server.get("root_dir", "")))
        if inside is not None:
            found.append((server, inside))
    return min(found, key=lambda one: len(one[1].parts), default=None)


def _login(server: dict[str, Any]) -> str:
    token = server.get("token")
    return f"?{urlencode({'token': token})}" if token else ""


def _path_inside(path: Path, root: str) -> Path | None:
    """Return a file's path from a server's folder on, or None when the folder is not above it.

    Folders are compared as what they are and not by name: the one that holds a learner's copies may
    be a link, and so may any folder in it.
    """
    if not os.path.isdir(root):
        return None
    for place in (Path(os.path.abspath(path)), path.resolve()):
        for folder in place.parents:
            if folder.is_dir() and folder.samefile(root):
                return place.relative_to(folder)
    return None


def open_in_browser(address: str) -> bool:
    """Open an address in a graphical browser, if there is one; a text browser is not used.

    Returns
    -------
    bool
        Whether a browser was asked to open it.
    """
    has_screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not has_screen:
        return False
    try:
        browser = webbrowser.get()
        if getattr(browser, "name", "") in _TEXT_BROWSERS:
            return False
        return browser.open(address)
    except (webbrowser.Error, OSError):
        return False
