"""How a learner stands with a section: done, begun or open."""

from __future__ import annotations

from descent.study.events import new_event
from descent.study.routes import load_map
from descent.study.routes.standing import standings


def states(*events, known=()):
    found = standings(load_map(), events, known)
    return {key.partition("/")[2]: one.state for key, one in found.items() if one.state != "open"}


def check(chapter, exercise, outcome="correct"):
    return new_event("check", chapter, exercise, outcome)


def test_nothing_is_done_or_begun_at_first(small):
    assert states() == {}


def test_a_section_is_done_when_all_its_exercises_are(small):
    assert states(check("ladder/01_line", "predict")) == {
        "01_line#data": "done",
        "01_line#fit": "begun",
    }
    both = [check("ladder/01_line", name) for name in ("predict", "loss")]
    assert states(*both)["01_line#fit"] == "done"


def test_a_wrong_answer_or_a_hint_begins_a_section(small):
    assert states(check("ladder/01_line", "gradient", "not right yet")) == {
        "01_line#slope": "begun"
    }
    assert states(new_event("hint", "ladder/01_line", "gradient")) == {"01_line#slope": "begun"}


def test_a_chapter_between_two_sections_is_in_progress_at_the_next(small):
    done = [check("ladder/01_line", name) for name in ("predict", "loss")]
    assert states(*done)["01_line#slope"] == "begun"


def test_a_section_without_exercises_at_the_foot_is_done_with_the_chapter(small):
    names = ["to_tensors", "gradients"]
    assert "02_slopes#afterwards" not in states(check("ladder/02_slopes", names[0]))
    done = states(*[check("ladder/02_slopes", name) for name in names])
    assert done["02_slopes#afterwards"] == "done"


def test_an_opened_chapter_is_begun_at_its_first_section(small):
    assert states(new_event("start", "ladder/02_slopes", "")) == {"02_slopes#tensors": "begun"}


def test_an_unwritten_chapter_is_begun_by_the_clock_and_done_when_the_learner_says_so(small):
    clock = new_event("clock", "research/1_attention", "", data={"action": "begin"})
    assert states(clock) == {"1_attention": "begun"}
    assert states(clock, known=["research/1"]) == {"1_attention": "done"}


def test_an_unknown_name_among_what_is_known_is_passed_over(small):
    assert states(known=["research/99", "", "nothing#there"]) == {}


def test_a_record_under_a_former_name_counts(small, monkeypatch):
    from descent.study.store import ProgressStore

    ProgressStore().record_check("ladder/01_old", "slope_of", "correct")
    (small / "book/former_ids.yml").write_text(
        "ladder/01_old: ladder/01_line\nladder/01_line/slope_of: ladder/01_line/gradient\n"
    )
    assert states(*ProgressStore().events())["01_line#slope"] == "done"
