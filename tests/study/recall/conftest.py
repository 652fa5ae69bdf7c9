"""A small course with sections and cards, a clock that the test sets, and a zone of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from descent.study.events import Event

CHAPTER = """\
# ---
# title: {title}
# subtitle: From scores to probabilities
# part: ladder
# hours: 2
# needs: []
# teaches: [softmax]
# builds: softmax
# number: none
# data: synthetic
# run: null
# sections:
#   - {{id: scores, heading: "Scores", for: "every classifier begins so"}}
#   - {{id: softmax, heading: "From scores to probabilities", for: "every classifier ends so"}}
# recall:
#   - {{id: logit, section: scores, transfer: false, q: "What is a `logit`?", a: "A score"}}
#   - {{id: shift, section: softmax, transfer: true, q: "What does $\\\\mu$ change?", a: "Nothing"}}
#   - {{id: sum, section: softmax, transfer: false, q: "What is the sum?", a: "**One**"}}
{more}# ---

# %% [markdown]
# # {title}
#
# ## Scores

# %% exercise="logits"
def logits(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION

# %% check="logits"
check(logits)

# %% [markdown]
# ## From scores to probabilities

# %% exercise="softmax"
def softmax(x):
    ### BEGIN SOLUTION
    return x
    ### END SOLUTION

# %% check="softmax"
check(softmax)

# %% recall="softmax"
recall("softmax")
"""

FOUR = "ladder/04_softmax"


@pytest.fixture
def course(root: Path) -> Path:
    """A course of one chapter with three cards in two sections."""
    write_chapter(root, FOUR)
    return root


def write_chapter(root: Path, chapter_id: str, more: int = 0) -> Path:
    """Write a chapter with three cards in two sections, and more in the second."""
    line = '#   - {{id: more_{0}, section: softmax, q: "Which {0}?", a: "That"}}\n'
    path = root / "solutions" / f"{chapter_id}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = CHAPTER.format(
        title=path.stem[3:].capitalize(), more="".join(map(line.format, range(more)))
    )
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def add_chapter(root: Path) -> Callable[..., Path]:
    """Write one more chapter of the same kind, under the id that is given."""
    return lambda chapter_id, more=0: write_chapter(root, chapter_id, more)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock whose ``now`` the test sets; what is recorded happens then."""
    clock = SimpleNamespace(now=1_800_014_400.0)
    clock.time = lambda: clock.now
    monkeypatch.setattr("descent.study.events.time", clock)
    return clock


@pytest.fixture
def review_event() -> Callable[..., Event]:
    """Make the event of an answer."""

    def make(
        at: float, remembered: object = True, item: str = "logit", where: str = "review"
    ) -> Event:
        data = {"remembered": remembered, "where": where}
        return Event(f"{at}-{item}", at, "review", FOUR, item, data=data)

    return make
