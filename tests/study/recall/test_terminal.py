"""A review in the terminal: what is asked, which keys do what, and that nothing is lost."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from descent import cli
from descent.study.recall.in_terminal import review_in_terminal
from descent.study.recall.session import Session
from descent.study.store import ProgressStore

FOUR = "ladder/04_softmax"
NOON = 1_800_014_400.0
DAY = 86_400.0

pytestmark = pytest.mark.usefixtures("move_to")


@pytest.fixture
def done(course, clock):
    """A learner who did all exercises of the chapter three days ago."""
    clock.now = NOON - 3 * DAY
    for exercise in ("logits", "softmax"):
        ProgressStore().record_check(FOUR, exercise, "correct")
    clock.now = NOON
    return clock


class Keys:
    """Fingers on the keyboard, and the seconds that pass between two keys."""

    def __init__(self, keys: str, clock: SimpleNamespace, seconds: float) -> None:
        self.left, self.clock, self.seconds = list(keys), clock, seconds

    def __call__(self) -> str:
        self.clock.now += self.seconds
        if not self.left:
            raise EOFError
        return self.left.pop(0)


def review(clock: SimpleNamespace, keys: str, chapter: str = "", seconds: float = 4.0) -> str:
    output = io.StringIO()
    session = Session(ProgressStore(), chapter, clock=clock.time)
    console = Console(file=output, width=80, color_system=None)
    review_in_terminal(session, Keys(keys, clock, seconds), console, clock.time)
    return output.getvalue()


def answers() -> list[tuple[str, bool]]:
    found = ProgressStore().events()
    return [(one.exercise, one.data["remembered"]) for one in found if one.kind == "review"]


def test_a_review_from_the_first_card_to_the_last(done):
    said = review(done, "\rk\rn\r1")
    assert answers() == [("logit", True), ("shift", False), ("sum", True)]
    assert "1 of 3 · rung 4" in said and "2 of 3 · rung 4 · a new case" in said
    assert "What is a logit?" in said and "What does μ change?" in said
    assert "Known: back on Wednesday." in said and "Not yet: back tomorrow." in said
    assert "Done: 3 cards, 2 known, 1 not yet; about 8 seconds a card." in said
    assert "Tomorrow: 1 card. In the next seven days: 3." in said


def test_the_answer_is_not_shown_before_it_is_asked_for(done):
    assert "A score" not in review(done, "q")
    assert "A score" in review(done, "\rq")


@pytest.mark.parametrize("keys", ["\rkq", "\rk\rq", "\rk\x03", "\rk\r", "\rk"])
def test_leaving_at_any_time_loses_nothing(done, keys):
    said = review(done, keys)
    assert answers() == [("logit", True)]
    assert "2 cards of today left; nothing is lost." in said
    assert "1 of 2" in review(done, "q")


def test_other_keys_do_nothing(done):
    review(done, "xk\rxyz\rk")
    assert answers() == [("logit", True)]


def test_the_seconds_of_a_card_are_recorded(done):
    review(done, "\rk")
    assert ProgressStore().events()[-1].data == {
        "remembered": True, "seconds": 8.0, "where": "review",
    }  # fmt: skip


def test_a_card_answered_elsewhere_meanwhile_is_not_asked_again(done):
    session = Session(ProgressStore(), clock=done.time)
    first = session.asked(session.deck())[0].card
    ProgressStore().record("review", FOUR, "shift", remembered=True, seconds=1, where="page")
    session.answer(first, True, 1)
    assert [state.card.item for state in session.asked(session.deck())] == ["sum"]


def test_a_sitting_beyond_four_o_clock_does_not_ask_again_what_was_forgotten(done):
    done.now = NOON + 15.9 * 3_600
    said = review(done, "\rn\rn\rn", seconds=300)
    assert "Done: 3 cards, 0 known, 3 not yet" in said
    assert len(answers()) == 3


def test_one_chapter_alone(done, add_chapter):
    add_chapter("ladder/05_deep")
    done.now = NOON - 3 * DAY
    ProgressStore().record_check("ladder/05_deep", "logits", "correct")
    done.now = NOON
    said = review(done, "\rk", chapter="ladder/05_deep")
    assert "Due today: 1 card." in said and "rung 5" in said


def test_nothing_due_is_said_in_words(course, clock):
    assert "no cards for you yet" in review(clock, "")
    ProgressStore().record("review", FOUR, "logit", remembered=True, seconds=1, where="page")
    assert "Nothing is due today. Next: 1 card on Wednesday." in review(clock, "")


def test_a_clock_set_back_is_told(done):
    review(done, "\rk")
    done.now -= 2 * DAY
    said = " ".join(review(done, "q").split())
    assert "answers of 15 January 2027, and this machine's clock says 13 January 2027" in said


def test_without_a_terminal_the_cards_are_listed_and_nothing_is_asked(done):
    result = CliRunner().invoke(cli.app, ["review"], env={"COLUMNS": "100"})
    assert result.exit_code == 0
    assert "What is a logit?" in result.output and "A score" not in result.output
    assert not answers()


def read_until(terminal: int, words: str) -> str:
    """Read what a program prints until it says some words."""
    said = ""
    while words not in said:
        said += os.read(terminal, 4096).decode("utf-8", errors="replace")
    return said


def test_a_review_that_is_killed_keeps_every_answer(done):
    done.now = time.time() - 3 * DAY
    for exercise in ("logits", "softmax"):
        ProgressStore().record_check(FOUR, exercise, "correct")
    terminal, program_side = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "descent", "review"],
        stdin=program_side, stdout=program_side, stderr=program_side, start_new_session=True,
    )  # fmt: skip
    try:
        os.close(program_side)
        read_until(terminal, "q: leave")
        os.write(terminal, b"\r")
        read_until(terminal, "n: not yet")
        os.write(terminal, b"k")
        read_until(terminal, "2 of 3")
    finally:
        program.kill()
        program.wait()
        os.close(terminal)
    assert answers() == [("logit", True)]


def test_an_unknown_chapter_is_told(course):
    result = CliRunner().invoke(cli.app, ["review", "ladder/77", "--list"])
    assert "no chapter 'ladder/77'" in str(result.exception)
