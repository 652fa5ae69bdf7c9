"""Files behind the server's login: the built book at ``/book/``, and those of our own pages."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

from descent.serving.book import html_folder
from descent.serving.pages.rendering import STATIC, render_message


class CourseFileHandler(AuthenticatedFileHandler):
    """One file of a folder. tornado refuses paths that lead out of it."""

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
        """Send one file."""
        return web.StaticFileHandler.get(self, path, **options)


class BookHandler(CourseFileHandler):
    """One file of the book."""

    @web.authenticated
    @authorized
    def get(self, path: str, **options: Any) -> Awaitable[None]:  # type: ignore[override]
        """Send one file, or a page that says how to build the book when there is none."""
        if not (Path(self.root) / "index.html").is_file():
            self.set_status(404)
            self.set_header("Content-Type", "text/html; charset=UTF-8")
            text = "Run make book in the course's folder, then load this page again."
            return self.finish(render_message("The book is not built yet", text, self.base_url))
        return web.StaticFileHandler.get(self, path, **options)


class BookRedirect(JupyterHandler):
    """Send ``/book`` to ``/book/``, the login token included."""

    @web.authenticated
    def get(self) -> None:
        """Redirect, keeping the query."""
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(url_path_join(self.base_url, "book/") + query, permanent=False)


def handlers(root: Path, base_url: str) -> list[tuple[Any, ...]]:
    """Return what is to be added to a server at this address, for a course in this folder."""
    options = {"path": str(html_folder(root)), "default_filename": "index.html"}
    return [
        (url_path_join(base_url, r"descent/static/(.*)"), CourseFileHandler, {"path": str(STATIC)}),
        (url_path_join(base_url, "book"), BookRedirect),
        (url_path_join(base_url, r"book/(.*)"), BookHandler, options),
    ]
