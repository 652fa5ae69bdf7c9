"""Labels by a lexicon: in their range, and announced as what they are."""

from __future__ import annotations

import numpy as np
import pytest

from descent.data import sentiment as scored
from descent.data import soft_labels
from descent.data.sentiment import NOBODY_LABELLED, _said
from descent.errors import CourseError


def test_pleasant_words_score_above_nothing_and_unpleasant_ones_below():
    scores = scored(["I love this sweet joy", "the table", "", "O hateful, vile and cruel death"])
    assert scores.shape == (4,) and scores.dtype == np.float64
    assert scores[0] > 0.5 and scores[3] < -0.5 and (scores[1:3] == 0).all()
    assert (abs(scores) <= 1).all()
    assert scored(["a good man"])[0] > 0 > scored(["not a good man"])[0]
    assert scored([]).shape == (0,)


def test_soft_labels_have_neutral_in_the_middle_and_say_once_that_nobody_gave_them(capsys):
    _said.clear()
    texts = ["sweet love", "the table", "cruel death"]
    labels = soft_labels(texts)
    assert labels == pytest.approx((scored(texts) + 1) / 2) and labels[1] == 0.5
    assert labels[0] > 0.5 > labels[2]
    soft_labels(texts)
    assert capsys.readouterr().err.count(NOBODY_LABELLED) == 1


@pytest.mark.parametrize("texts", ["one text", [b"bytes"], [None]])
def test_what_is_no_list_of_texts_is_refused(texts):
    with pytest.raises(CourseError, match=r"sentiment\(\[text\]\)"):
        scored(texts)
