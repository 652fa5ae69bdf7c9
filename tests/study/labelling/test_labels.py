"""Labels by hand and by the lexicon: whose they are is never lost."""

from __future__ import annotations

import pytest

from descent.data import sentiment
from descent.errors import CourseError
from descent.study.labelling.judgements import Judgements
from descent.study.labelling.labels import KIND, label_samples, labels


def by_hand(**values) -> None:
    for text, value in values.items():
        Judgements("mine", KIND).give(text, value)


def test_labels_by_hand_come_first_and_the_lexicon_s_are_for_the_others(capsys):
    by_hand(cruel=1.0, table=0.5, odd=None)
    found = labels(["love", "table", "odd", "hate", "love"], "mine")
    assert found.texts == ["cruel", "table", "love", "hate"]
    assert found.by_person.tolist() == [True, True, False, False]
    expected = [1.0, 0.5, *((sentiment(["love", "hate"]) + 1) / 2)]
    assert found.soft.tolist() == pytest.approx(expected)
    assert "2 labels by a person, 2 by the lexicon; 1 skipped" in capsys.readouterr().out


def test_without_texts_there_are_those_by_hand_alone_and_without_those_the_lexicon_s(capsys):
    by_hand(sad=0.0)
    assert labels(name="mine").soft.tolist() == [0.0]
    found = labels(["joy"], "others")
    assert found.by_person.tolist() == [False] and found.soft[0] > 0.5
    empty = labels(name="others", say=False)
    assert empty.texts == [] and empty.soft.shape == empty.by_person.shape == (0,)


def test_where_no_widget_can_be_shown_a_text_says_so(capsys):
    by_hand(joy=1.0)
    label_samples(["joy", "sorrow", "joy"], "mine")
    said = capsys.readouterr().out
    assert "label 2 texts by hand" in said and "1 are labelled" in said and "JupyterLab" in said


def test_one_text_in_place_of_a_list_is_refused():
    for ask in (labels, label_samples):
        with pytest.raises(CourseError, match="as a list"):
            ask("one text")
