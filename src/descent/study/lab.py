"""Finding a JupyterLab that is running, and a browser to show it in."""

from __future__ import annotations

import os
import sys
import webbrowser
from pathlib import Path
from urllib.parse import quote, urlencode

_TEXT_BROWSERS = ("www-browser", "links", "elinks", "lynx", "w3m")


def lab_address(path: Path) -> str | None:
    """Return the address of a file in a running JupyterLab, or None when none serves it.

    Of several servers it is the one whose folder is the nearest above the file.

    Parameters
    ----------
    path
        A file below the folder a server was started in, by whatever links it is reached.
    """
    from jupyter_server.serverapp import list_running_servers

    found: list[tuple[int, str]] = []
    for server in list_running_servers():
        inside = _path_inside(path, str(server.get("root_dir", "")))
        if inside is None:
            continue
        token = server.get("token")
        query = f"?{urlencode({'token': token})}" if token else ""
        address = f"{server['url']}lab/tree/{quote(inside.as_posix())}{query}"
        found.append((len(inside.parts), address))
    return min(found)[1] if found else None


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
