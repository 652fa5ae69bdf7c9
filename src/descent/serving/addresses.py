"""Ports, addresses, and the servers that are running already."""

from __future__ import annotations

import os
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from descent.errors import CourseError
from descent.serving.work_folder import is_served_from

HOST = "127.0.0.1"
PORTS_TRIED = 50
LAST_PORT = 65535


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


def port_number(text: str) -> int:
    """Read the number of a port.

    Raises
    ------
    CourseError
        When it is not one.
    """
    if text.isdecimal() and text.isascii() and 1 <= int(text) <= LAST_PORT:
        return int(text)
    raise CourseError(
        f"A port is a whole number from 1 to {LAST_PORT}, and '{text}' is not. "
        "For example: make start PORT=9000."
    )


def free_port(wanted: int) -> int:
    """Return the first free port from the wanted one on.

    Raises
    ------
    CourseError
        When fifty ports in a row are taken.
    """
    last = min(wanted + PORTS_TRIED - 1, LAST_PORT)
    for port in range(wanted, last + 1):
        if is_free(port):
            return port
    raise CourseError(
        f"Ports {wanted} to {last} are all taken, or not allowed to you. "
        "Name another one: make start PORT=9000."
    )


def running_course(work: Path) -> Addresses | None:
    """Return the addresses of a server that serves this course, if one is running.

    Parameters
    ----------
    work
        The learner's folder, which it opens in.
    """
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        if not is_served_from(server.get("root_dir", ""), work):
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
