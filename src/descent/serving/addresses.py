"""Ports, addresses, and the servers that are running already."""

from __future__ import annotations

import os
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from descent.errors import CourseError

HOST = "127.0.0.1"
PORTS_TRIED = 50


@dataclass(frozen=True)
class Addresses:
    """Where a running course is found; the token logs the browser in."""

    server: str
    token: str

    @property
    def lab(self) -> str:
        """JupyterLab."""
        return f"{self.server}lab?token={self.token}"

    @property
    def book(self) -> str:
        """The book."""
        return f"{self.server}book/?token={self.token}"


def is_free(port: int) -> bool:
    """Say whether a server could listen on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        if os.name == "posix":  # as tornado does: a port that is being closed counts as free
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(wanted: int) -> int:
    """Return the first free port from the wanted one on.

    Raises
    ------
    CourseError
        When fifty ports in a row are taken.
    """
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        if is_free(port):
            return port
    raise CourseError(
        f"Ports {wanted} to {wanted + PORTS_TRIED - 1} are all taken. "
        "Name another one: make start PORT=9000."
    )


def running_course(root: Path) -> Addresses | None:
    """Return the addresses of a server that serves this very course, if one is running."""
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        if Path(server.get("root_dir", "")).resolve() != root.resolve():
            continue
        addresses = Addresses(server["url"], server.get("token", ""))
        if _serves_book(addresses):
            return addresses
    return None


def _serves_book(addresses: Addresses) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(addresses.book, timeout=5) as answer:
            return bool(answer.status == 200 and "/login" not in answer.url)
    except (OSError, ValueError):
        return False
