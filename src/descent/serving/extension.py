"""A Jupyter server extension that serves the built book at ``/book/``, behind the same login."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import web

from descent.serving.book import html_folder

# nbgrader's side panels are for an instructor, who has them in any other JupyterLab of this
# environment. The announcements ask whether to fetch news from the network.
HIDDEN_IN_LAB = ("@jupyter/nbgrader", "@jupyterlab/apputils-extension:announcements")

NO_BOOK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>No book yet</title>
<body style="font: 1.1rem/1.5 sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem">
<h1>The book is not built yet</h1>
<p>Run <code>make book</code> in the course's folder, then load this page again.
The notebooks are in <a href="{lab}">JupyterLab</a> meanwhile.</p></body></html>
"""


class BookHandler(AuthenticatedFileHandler):
    """One file of the book. tornado refuses paths that lead out of the book's folder."""

    @property
    def content_security_policy(self) -> str:
        """Leave out the sandbox of Jupyter's file handler.

        It is meant for files of unknown origin; under it a page may not load its own fonts nor
        remember whether the reader chose light or dark. The book is made by this course.
        """
        return JupyterHandler.content_security_policy.fget(self)  # type: ignore[attr-defined]

    def check_xsrf_cookie(self) -> None:
        """Ask for no token beside the login: reading a page changes nothing.

        Otherwise a page opened from a bookmark, which has no referring page, would be refused.
        """

    @web.authenticated
    @authorized
    def get(self, path: str, **options: Any) -> Awaitable[None]:  # type: ignore[override]
        """Send one file, or a page that says how to build the book when there is none."""
        if not (Path(self.root) / "index.html").is_file():
            self.set_status(404)
            self.set_header("Content-Type", "text/html; charset=UTF-8")
            return self.finish(NO_BOOK.format(lab=url_path_join(self.base_url, "lab")))
        return web.StaticFileHandler.get(self, path, **options)


class BookRedirect(JupyterHandler):
    """Send ``/book`` to ``/book/``, the login token included."""

    @web.authenticated
    def get(self) -> None:
        """Redirect, keeping the query."""
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(url_path_join(self.base_url, "book/") + query, permanent=False)


def quieten_lab(handler: JupyterHandler, page_config: dict[str, Any]) -> dict[str, Any]:
    """Leave out of JupyterLab's page what a learner has no use for."""
    disabled = page_config.setdefault("disabledExtensions", [])
    disabled.extend(name for name in HIDDEN_IN_LAB if name not in disabled)
    return page_config


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "descent.serving.extension"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    base = server.web_app.settings["base_url"]
    server.web_app.settings["page_config_hook"] = quieten_lab
    folder = html_folder(Path(server.root_dir))
    options = {"path": str(folder), "default_filename": "index.html"}
    server.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "book"), BookRedirect),
            (url_path_join(base, r"book/(.*)"), BookHandler, options),
        ],
    )
