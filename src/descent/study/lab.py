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

    Parameters
    ----------
    path
        A file below the folder a server was started in.
    """
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        root = Path(str(server.get("root_dir", ""))).resolve()
        if server.get("root_dir") and path.resolve().is_relative_to(root):
            inside = quote(path.resolve().relative_to(root).as_posix())
            token = server.get("token")
            query = f"?{urlencode({'token': token})}" if token else ""
            return f"{server['url']}lab/tree/{inside}{query}"
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
