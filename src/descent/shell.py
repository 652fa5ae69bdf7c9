"""The IPython shell this code runs in, if it runs in one.

Any room may ask. IPython is looked for and never imported: where it is not loaded, nobody is in it.
"""

from __future__ import annotations

import sys
from typing import Any


def ipython_shell() -> Any:
    """Return the running IPython shell, of a notebook or of a terminal; None outside IPython."""
    ipython = sys.modules.get("IPython")
    get_ipython = getattr(ipython, "get_ipython", None)
    return None if get_ipython is None else get_ipython()


def in_notebook() -> bool:
    """Say whether this code runs in a Jupyter kernel, which can show pictures and HTML."""
    return hasattr(ipython_shell(), "kernel")
