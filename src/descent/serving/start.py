"""The second half of ``make start``: the book, the learner's folder, then the server."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import threading
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from descent.errors import CourseError
from descent.serving.addresses import HOST, Addresses, free_port, port_number, running_course
from descent.serving.book import build_book
from descent.serving.work_folder import furnish, lab_state
from descent.study.paths import course_root, work_folder

DEFAULT_PORT = "8888"
LAB_EXTENSIONS = Path(__file__).with_name("labextension")

# nbgrader's server parts are an instructor's; without its panels they have nothing to answer.
NBGRADER_PARTS = ("formgrader", "validate_assignment", "assignment_list", "course_list")
SERVER_EXTENSIONS = {
    "descent.serving.extension": True,
    **{f"nbgrader.server_extensions.{part}": False for part in NBGRADER_PARTS},
}


def prepare(root: Path, work: Path) -> None:
    """Build the book and furnish the learner's folder; no book does not keep from starting."""
    print("Looking at the book (a minute or two when it must be built) ...", flush=True)
    try:
        print(build_book(root).message, flush=True)
    except OSError as error:
        print(f"The book could not be built: {error}.", flush=True)
    furnish(work)


def has_display(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Say whether a browser can be opened here, and may be."""
    if environment.get("DESCENT_NO_BROWSER", "0") not in ("", "0"):
        return False
    if platform in ("darwin", "win32"):
        return True
    return bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def open_browser(addresses: Addresses) -> None:
    """Open the book and JupyterLab, its start page in front, in a browser with its own window."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return
    in_terminal = type(browser) is webbrowser.GenericBrowser  # such as lynx: it would take over
    if not in_terminal:
        browser.open(addresses.book)
        browser.open(addresses.lab)


def announce(addresses: Addresses, headline: str, browser: bool) -> None:
    """Print both addresses, and open them where there is a browser."""
    print(f"\n{headline}\n")
    print(f"  The book    {addresses.book}")
    print(f"  JupyterLab  {addresses.lab}\n", flush=True)
    if browser:
        threading.Thread(target=open_browser, args=(addresses,), daemon=True).start()


def server_options(work: Path, port: int, token: str) -> list[str]:
    """Return the options of the one Jupyter server, in the form its command line takes.

    JupyterLab opens in the learner's folder, and its file list shows nothing outside of it.
    """
    import zmq

    options = {
        "ServerApp.root_dir": str(work),
        "ServerApp.ip": HOST,
        "ServerApp.port": port,
        "ServerApp.base_url": "/",
        "ServerApp.open_browser": False,
        "ServerApp.jpserver_extensions": SERVER_EXTENSIONS,
        "IdentityProvider.token": token,
        "LabApp.extra_labextensions_path": str(LAB_EXTENSIONS),
        "LabApp.workspaces_dir": str(lab_state(work)),
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "Application.log_level": "ERROR",
        # Encrypted, or the kernel warns in this terminal that it is not.
        "KernelManager.transport_encryption": "auto" if zmq.has("curve") else "disabled",
    }
    chosen = [f"--{name}={value}" for name, value in options.items()]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--allow-root")  # root in a container; Jupyter refuses it unless told
    return chosen


def set_environment(root: Path) -> None:
    """Make kernels and terminals of the server use this environment and this course."""
    os.environ["DESCENT_COURSE"] = str(root)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    scripts = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])


def serve(root: Path, work: Path, wanted_port: int, browser: bool) -> None:
    """Run JupyterLab with the book until Ctrl-C."""
    from jupyterlab.labapp import LabApp

    port = free_port(wanted_port)
    if port != wanted_port:
        print(f"Port {wanted_port} is taken; using {port}.", flush=True)
    set_environment(root)
    token = secrets.token_hex(24)
    server: Any = LabApp.initialize_server(argv=server_options(work, port, token))

    def stop(number: int, frame: Any) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second Ctrl-C does not wait for kernels
        print("\nStopped. Your work is saved in work/; make start brings it back.", flush=True)
        server.stop(from_signal=True)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    addresses = Addresses(f"http://{HOST}:{server.port}/", token)
    headline = "Descent is running. Ctrl-C stops it."
    server.io_loop.add_callback(announce, addresses, headline, browser)
    server.start()


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare the course and serve it, or point to the server that does so already."""
    parser = argparse.ArgumentParser(prog="make start", description="Start the course.")
    parser.add_argument("--port", default=DEFAULT_PORT, help="default: %(default)s")
    parser.add_argument("--no-browser", action="store_true", help="print the addresses only")
    chosen = parser.parse_args(arguments)
    browser = has_display() and not chosen.no_browser
    try:
        port = port_number(chosen.port)
        root, work = course_root(), work_folder()
        prepare(root, work)
        running = running_course(work)
        if running is not None:
            announce(running, "Descent is running already, in another terminal.", browser)
        else:
            serve(root, work, port, browser)
    except CourseError as error:
        print(f"descent: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
        return 130
    return 0
