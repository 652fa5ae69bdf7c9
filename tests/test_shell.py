"""Whether code runs in a notebook: asked in one place, without importing IPython."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from descent.shell import in_notebook, ipython_shell


@pytest.mark.parametrize(
    ("shell", "answer"),
    [
        (None, False),
        (SimpleNamespace(), False),  # IPython in a terminal
        (SimpleNamespace(kernel="a kernel"), True),
    ],
)
def test_a_kernel_is_told_from_a_terminal(monkeypatch, shell, answer):
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert in_notebook() is answer
    assert ipython_shell() is shell


def test_outside_ipython_it_is_not_imported_to_find_out():
    code = (
        "import sys; from descent.shell import in_notebook; "
        "print(in_notebook(), 'IPython' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
