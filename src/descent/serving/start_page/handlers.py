"""What the server answers at ``/descent/``: the start page, and the way to a learner's copy."""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_escape, url_path_join
from tornado import web

from descent.errors import CourseError
from descent.serving.pages.rendering import render, render_message
from descent.serving.start_page.content import start_page
from descent.study.paths import work_folder
from descent.study.store import ProgressStore
from descent.study.workbook import Opened, open_chapter

CHAPTER = r"[a-z][a-z0-9_]*/\d+_[a-z0-9_]+"


class PageHandler(JupyterHandler):
    """A page of our own: only its own style and script, and nothing from elsewhere."""

    @property
    def content_security_policy(self) -> str:
        """Allow the page what it needs, and nothing else, whatever text gets into it."""
        return (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
            "connect-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
        )

    def send_page(self, html: str, status: int = 200) -> None:
        """Send HTML that no cache may keep: the next look may say something else."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(html)


class StartHandler(PageHandler):
    """The start page."""

    @web.authenticated
    async def get(self) -> None:
        """Send the page."""
        sessions = await self.session_manager.list_sessions()
        try:
            page = await asyncio.to_thread(start_page, sessions)
        except CourseError as error:
            self.send_page(
                render_message("The course cannot be read", str(error), self.base_url), 500
            )
            return
        self.send_page(render("start.html", self.base_url, page=page))


class OpenHandler(PageHandler):
    """The way to the learner's copy of a chapter, which is made the first time."""

    @web.authenticated
    async def get(self, chapter: str) -> None:
        """Redirect to the copy in JupyterLab, or say why there is none."""
        try:
            opened = await asyncio.to_thread(_open, chapter)
        except CourseError as error:
            page = render_message("This chapter cannot be opened", str(error), self.base_url)
            self.send_page(page, 404)
            return
        inside = url_escape(opened.path.relative_to(work_folder()).as_posix())
        self.redirect(url_path_join(self.base_url, "lab/tree", inside))


def _open(chapter: str) -> Opened:
    opened = open_chapter(chapter)
    ProgressStore().record_start(opened.chapter.id)
    return opened


def handlers(base_url: str) -> list[tuple[Any, ...]]:
    """Return what is to be added to a server at this address."""
    return [
        (url_path_join(base_url, "descent/start"), StartHandler),
        (url_path_join(base_url, f"descent/open/({CHAPTER})"), OpenHandler),
    ]
