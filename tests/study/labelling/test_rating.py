"""A blind rating: nobody sees whose a sample is, the order stays, and the result comes last."""

from __future__ import annotations

import pytest

from descent.errors import CourseError
from descent.study.labelling import rating
from descent.study.labelling.desk import Desk
from descent.study.labelling.judgements import Judgements
from descent.study.labelling.rating import blind_rating, rated

A, B = [f"before {i}" for i in range(20)], [f"after {i}" for i in range(20)]


@pytest.fixture
def shown(shell, monkeypatch):
    """Return the desk that a call shows."""
    desks: list[Desk] = []
    monkeypatch.setattr(rating, "show_desk", lambda desk_of, text: desks.append(desk_of()))

    def show(*given) -> Desk:
        blind_rating(*given)
        return desks[-1]

    return show


def rate_all(desk: Desk, **judgement) -> list[str]:
    """Rate every sample by its first word; return them in the order in which they came."""
    came = []
    while desk.item is not None:
        text = desk.texts[desk.item]
        came.append(text)
        desk.buttons[judgement[text.split()[0]]].click()
    return came


def test_samples_come_mixed_and_only_as_texts(shown):
    desk = shown(A, B)
    came = rate_all(desk, before="neutral", after="positive")
    assert sorted(came) == sorted(A + B) and came not in (A + B, B + A)
    first = [text.split()[0] for text in came[:20]]
    assert 2 <= first.count("after") <= 18


def test_the_result_counts_pairs_and_comes_only_when_all_are_rated(shown, capsys):
    assert rated() is None and "Nobody" in capsys.readouterr().out
    desk = shown(A, B)
    desk.buttons["neutral"].click()
    assert rated() is None and "1 of 40 samples are rated" in capsys.readouterr().out
    desk.undo.click()
    rate_all(desk, before="neutral", after="positive")
    found = rated()
    assert (found.wins, found.ties, found.losses, found.share) == (20, 0, 0, 1.0)
    assert found.a == (0.5,) * 20 and found.b == (1.0,) * 20
    assert found.interval == pytest.approx((0.8389, 1.0), abs=1e-3)


def test_a_tie_is_half_a_win(shown):
    rate_all(shown(A, B), before="negative", after="negative")
    found = rated()
    assert (found.wins, found.ties, found.losses, found.share) == (0, 20, 0, 0.5)


def test_after_a_restart_it_goes_on_in_the_same_order(shown):
    desk = shown(A, B)
    order = list(desk.texts.values())
    desk.buttons["neutral"].click()
    again = shown(A, B)
    assert list(again.texts.values()) == order and again.texts[again.item] == order[1]


def test_samples_that_are_all_the_same_are_rated_each(shown):
    rate_all(shown(["before"] * 3, ["after"] * 3), before="positive", after="negative")
    assert (rated().wins, rated().losses) == (0, 3)


def test_other_samples_need_another_name(shown):
    shown(A, B)
    with pytest.raises(CourseError, match="of other samples"):
        blind_rating(B, A)
    assert shown(B, A, "second").item is not None


@pytest.mark.parametrize(("a", "b"), [([], []), (["x"], ["y", "z"]), ("ab", "cd")])
def test_lists_that_do_not_fit_are_refused(a, b):
    with pytest.raises(CourseError, match="a and b are lists"):
        blind_rating(a, b)


def test_where_no_widget_can_be_shown_a_text_says_so_and_the_order_is_drawn_once(capsys):
    blind_rating(A, B)
    blind_rating(A, B)
    assert "40 samples of two models are rated blindly" in capsys.readouterr().out
    kinds = [line["kind"] for line in Judgements("rating", rating.KIND).lines()]
    assert kinds == ["plan"]
