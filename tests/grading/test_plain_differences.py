"""Texts, lists of them, dictionaries and sets differ in words of their own."""

from __future__ import annotations

import pytest

from descent.grading.expectations import expect
from descent.grading.plain_differences import plain_difference


@pytest.mark.parametrize(
    ("value", "expected", "words"),
    [
        ("cat", "dog", "It is 'cat' where 'dog' is right."),
        ("the cat ", "the cat", "white space at its ends"),
        ("The Cat", "the cat", "small and capital letters"),
        ("thecat", "the cat", "but for white space"),
        ("the ca", "the cat", "as far as it goes, and 1 character too short"),
        ("the cat.", "the cat", "goes on, 1 character too long"),
        ("the cot sat", "the cat sat", "up to place 5, and goes on with 'ot sat' where 'at sat'"),
        ("", "a", "It is empty where 'a' is right."),
        (b"a", "a", "It is bytes; it should be a text."),
        (3, "a", "It is a whole number; it should be a text."),
        (["a"], ["a", "b"], "It has 1 entry; it should have 2. They are right as far as they go: "
                            "'b' is missing."),
        (["b"], ["a", "b"], "before them 'a' is missing"),
        (["a", "b", "c"], ["a"], "The first one is right; 'b' and 'c' are too many."),
        (["c", "b", "a"], ["a", "b", "c"], "in reverse order"),
        (["b", "c", "a"], ["a", "b", "c"], "their order is not"),
        (("a",), ["a"], "Its entries are right, but it is a tuple; it should be a list."),
        (["a", "b", "x"], ["a", "b", "c"], "All entries are right but `[2]`: it is 'x' where 'c'"),
        (["a", "c", "d"], ["a", "b", "c", "d"], "Of the right ones 'b' is missing."),
        ([], ["a"], "It has no entries; it should have 1."),
        ({"a": 1}, {"b": 1}, "The key 'b' is missing; 'a' is too many."),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "what it has for 'b': 2 where 3 is right"),
        ({"x"}, {"x", "y"}, "The entry 'y' is missing."),
        ({"a"}, ["a"], "It is a set; it should be a list."),
    ],
)  # fmt: skip
def test_words_for_things(value, expected, words: str) -> None:
    assert words in plain_difference(value, expected).words


@pytest.mark.parametrize(
    ("value", "expected", "symptom"),
    [
        (None, "a", "none"), ("a", ["a"], "type"), (["a"], ["a", "b"], "length"),
        (["b", "a"], ["a", "b"], "order"), (["b"], ["a"], "value"), ("ab", "abc", "length"),
        ({"a": 1}, {}, "length"),
    ],
)  # fmt: skip
def test_symptoms_for_hints(value, expected, symptom: str) -> None:
    assert plain_difference(value, expected).symptom == symptom


def test_a_strange_class_gets_a_sentence_too() -> None:
    class Strange(list):
        def __len__(self):
            raise ValueError

        __iter__ = __getitem__ = __eq__ = __repr__ = __len__

    for value in (Strange(), {"a": Strange()}, [Strange()]):
        for expected in (["a"], {"a": "b"}, "a"):
            with pytest.raises(AssertionError, match="the result: "):
                expect(value).equals(expected)


def test_words_where_none_were_expected_are_no_wrong_type() -> None:
    with pytest.raises(AssertionError, match="'noise'"):
        expect(["noise"]).equals([])
    with pytest.raises(AssertionError):
        expect([1.5]).equals([])
    expect([]).equals([])
