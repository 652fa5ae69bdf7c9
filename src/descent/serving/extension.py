"""The Jupyter server extension: the book, the start page, and the learner's record.

They are at ``/book/``, ``/descent/start`` and ``/descent/events``.
"""

from __future__ import annotations

from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp

from descent.serving import course_files, record_api
from descent.serving.start_page import handlers as start_page
from descent.study.paths import course_root

# nbgrader's side panels are for an instructor, who has them in any other JupyterLab of this
# environment. The announcements ask whether to fetch news from the network.
HIDDEN_IN_LAB = ("@jupyter/nbgrader", "@jupyterlab/apputils-extension:announcements")


def quieten_lab(handler: JupyterHandler, page_config: dict[str, Any]) -> dict[str, Any]:
    """Leave out of JupyterLab's page what a learner has no use for."""
    disabled = page_config.setdefault("disabledExtensions", [])
    disabled.extend(name for name in HIDDEN_IN_LAB if name not in disabled)
    return page_config


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "descent.serving.extension"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    base_url = server.web_app.settings["base_url"]
    server.web_app.settings["page_config_hook"] = quieten_lab
    server.web_app.add_handlers(".*$", course_files.handlers(course_root(), base_url))
    server.web_app.add_handlers(".*$", start_page.handlers(base_url))
    server.web_app.add_handlers(".*$", record_api.handlers(base_url))
