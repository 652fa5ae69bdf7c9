"""What a test starts is ended, whatever becomes of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from programs import PATIENCE, Program

# Starts a child in a session of its own, as Jupyter starts kernels, and takes no notice of SIGTERM.
STUBBORN = """\
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
print("child", child.pid, flush=True)
time.sleep(600)
"""
# Starts a program as a test does, and is killed before it can end it.
KILLED = """\
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from programs import Program
program = Program([sys.executable, "-c", "import time; time.sleep(600)"], Path.cwd(), os.environ)
print(program.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.Error:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it runs still")


def test_a_failed_test_leaves_nothing_running(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("programs.PARTING", 0.1)
    with (
        pytest.raises(RuntimeError, match="the test failed"),
        Program([sys.executable, "-c", STUBBORN], tmp_path, os.environ) as program,
    ):
        child = int(program.wait_until_it_says(r"child (\d+)")[1])
        raise RuntimeError("the test failed")
    wait_until_gone(program.process.pid)
    wait_until_gone(child)


def test_tests_that_are_killed_leave_nothing_running(tmp_path: Path) -> None:
    support = str(Path(__file__).with_name("support"))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, support], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert killed.returncode == -signal.SIGKILL
    wait_until_gone(int(killed.stdout))


def test_what_a_program_said_is_in_the_message_when_it_never_says_what_was_hoped(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", "print('no such file')"]
    with (
        Program(command, tmp_path, os.environ) as program,
        pytest.raises(AssertionError, match="no such file"),
    ):
        program.wait_until_it_says("ready")
