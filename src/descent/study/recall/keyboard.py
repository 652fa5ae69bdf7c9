"""Single keys from the terminal, without Enter and without an echo."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Let the terminal hand over each key as it is pressed; afterwards it is as it was.

    Yields
    ------
    callable
        Waits for the next key and returns it, an arrow or function key as one text. Keys pressed
        before they are asked for are kept. It raises KeyboardInterrupt on Ctrl-C and EOFError where
        the terminal is gone.
    """
    if sys.platform == "win32":
        import msvcrt

        yield msvcrt.getwch
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    waiting: deque[str] = deque()

    def next_key() -> str:
        if not waiting:
            waiting.extend(_split(os.read(terminal, 1_024).decode(errors="replace")))
        if not waiting:
            raise EOFError
        return waiting.popleft()

    tty.setcbreak(terminal, termios.TCSANOW)
    try:
        yield next_key
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _split(text: str) -> list[str]:
    """Take keys pressed quickly one after the other apart; an escape sequence is one key."""
    return [text] if text.startswith("\x1b") else list(text)
