"""The tool: what is shown, what buttons and keys do, and that it goes on where it stopped."""

from __future__ import annotations

import os

import pytest

from descent.study.labelling.desk import Desk
from descent.study.labelling.judgements import Judgements

TEXTS = {text: text for text in ("sweet <b>love</b>", "the table", "cruel death")}


@pytest.fixture
def desk(shell):
    return make()


def make(**changes) -> Desk:
    return Desk(TEXTS, Judgements("set", "texts"), "All are labelled.", **changes)


def press(desk: Desk, name: str) -> None:
    button = desk.undo if name == "undo" else desk.buttons[name]
    assert not button.disabled
    button.click()


def type_key(desk: Desk, key: str) -> None:
    desk.keys.value += key


def judged() -> dict:
    return Judgements("set", "texts").now()


def test_each_button_keeps_its_label_and_shows_the_next_text(desk):
    assert "sweet &lt;b&gt;love" in desk.sample.value and "0 of 3 done" in desk.words.value
    press(desk, "positive")
    assert judged() == {"sweet <b>love</b>": 1.0} and "the table" in desk.sample.value
    press(desk, "neutral")
    press(desk, "negative")
    assert list(judged().values()) == [1.0, 0.5, 0.0]
    assert "All are labelled." in desk.sample.value and desk.buttons["positive"].disabled
    assert desk.bar.value == 3 and "3 of 3 done" in desk.words.value


def test_a_new_kernel_goes_on_where_the_last_one_stopped(desk):
    press(desk, "skip")
    press(desk, "negative")
    again = make()
    assert "cruel death" in again.sample.value and "2 of 3 done" in again.words.value
    press(again, "undo")
    assert "the table" in again.sample.value
    assert judged() == {"sweet <b>love</b>": None}


def test_keys_do_what_buttons_do_and_other_keys_nothing(desk):
    for key in "pxUzn":
        type_key(desk, key)
    assert list(judged().values()) == [1.0, 0.0]
    desk.keys.value = desk.keys.value[:-1]  # deleted by the learner
    assert list(judged().values()) == [1.0, 0.0]
    type_key(desk, "s")
    assert judged()["cruel death"] is None


def test_keys_that_are_typed_ahead_of_the_texts_do_not_count(desk):
    desk.keys.value = "ppp"
    assert judged() == {} and "typed ahead" in desk.words.value
    type_key(desk, "n")
    assert list(judged().values()) == [0.0]


def test_nothing_can_be_skipped_where_skipping_is_no_answer(shell):
    desk = make(skips=False)
    assert "skip" not in desk.buttons
    type_key(desk, "s")
    assert judged() == {}


def test_undo_waits_until_there_is_something(desk):
    assert desk.undo.disabled
    type_key(desk, "z")
    press(desk, "positive")
    assert not desk.undo.disabled


def test_a_label_that_cannot_be_kept_is_said_and_the_text_stays(desk, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: 0)
        press(desk, "positive")
    assert "This was not kept" in desk.words.value and "sweet" in desk.sample.value
    press(desk, "neutral")
    assert judged() == {"sweet <b>love</b>": 0.5} and "1 of 3 done" in desk.words.value


def test_two_kernels_share_the_work(desk):
    other = make()
    press(desk, "positive")
    press(other, "negative")  # of the text that it shows still
    assert judged() == {"sweet <b>love</b>": 0.0}
    press(desk, "neutral")
    press(other, "neutral")
    assert list(judged().values()) == [0.0, 0.5]
