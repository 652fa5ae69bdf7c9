"""What counts as a sentence and as a word, in the markdown that chapters are written in."""

from __future__ import annotations

import pytest

from descent.authoring.prose import sentences

# the markdown, and the number of words of each sentence in it
TEXTS = {
    "two sentences": ("It falls. It falls faster.", [2, 3]),
    "over two lines": ("It falls\nfaster. Then it stops.", [3, 3]),
    "a question and quotation marks": ('"Does it fall?" Yes, it does.', [3, 3]),
    "a formula is one word": ("The slope $w = x + 1$ is steep. So is $b$.", [5, 3]),
    "a formula begins a sentence": ("It falls. $w$ grows.", [2, 2]),
    "a formula over two lines": ("The slope $w\n= x$ is steep.", [5]),
    "code is one word": ("Call `np.mean(x, axis=0)` once. `x` stays.", [3, 2]),
    "abbreviations": ("Take a tool, e.g. NumPy, or Fig. 3, or no. 5 of them. Go.", [13, 1]),
    "a name with initials": ("It was J. S. Bach. It was good.", [5, 3]),
    "a variable ends a sentence": ("Multiply by the matrix W. Then add b.", [5, 3]),
    "an ellipsis goes on": ("The places 0, 1, … 5 are free.", [7]),
    "decimals and dates": ("A rate of 0.05 is best. In 2014 it was 1 000.", [6, 5]),
    "a heading": ("## One step\n\nThe gradient points up.", [2, 4]),
    "a list": ("Three things:\n\n- the data\n- the model. It learns.\n1. a loop", [2, 2, 2, 2, 2]),
    "a list goes on in the next line": ("- the data\n  of rung 1\n- the rest", [5, 2]),
    "a citation in the text": ("We follow {cite:t}`adam2015` here.", [4]),
    "a citation in brackets": ("Adam is fast {cite:p}`adam2015,kingma`. We use it.", [3, 3]),
    "a link": ("See [rung 3](03_vector_regression.ipynb). Then go on.", [3, 3]),
    "a picture": ("![The loss falls.](loss.png)\n\nIt falls.", [2]),
    "emphasis": ("This is a **batch**. *Predict* it.", [4, 2]),
    "a block of code": ("Write:\n\n```python\nfor x in y:\n    pass\n```\n\nThen run.", [1, 2]),
    "a table": ("| a | b |\n|---|---|\n| one | two |\n\nThat is all.", [3]),
    "an admonition": (":::{admonition} How it works\n:class: tip\nRun it.\n:::", [3, 2]),
    "a fold": ("<details><summary>An answer</summary> It falls.</details>", [2, 2]),
    "a displayed formula in a sentence": (
        "With the columns side by side,\n\n$$ l = xW + b, $$\n\nwhere $b$ is a row. Good.",
        [12, 1],
    ),
    "a displayed formula that ends a sentence": ("We get\n\n$$ a = b. $$\n\nIt is small.", [3, 3]),
    "a new sentence after a displayed formula": ("The step is\n$$ a = b $$\nIt is small.", [4, 3]),
    "a hyphenated word and a dash": ("A left-hand side – the loss – falls.", [6]),
}


@pytest.mark.parametrize("text", TEXTS)
def test_words_of_each_sentence(text):
    markdown, expected = TEXTS[text]
    assert [sentence.words for sentence in sentences(markdown)] == expected


def test_lines_are_those_of_the_source():
    text = "## A heading\n\nOne. Two\nthree.\n\n```\ncode\n```\n\n- four\n- five\n  six. Seven."
    found = [(sentence.line, sentence.text) for sentence in sentences(text, first_line=10)]
    assert found == [
        (10, "A heading"),
        (12, "One."),
        (12, "Two three."),
        (19, "four"),
        (20, "five six."),
        (21, "Seven."),
    ]


def test_a_formula_over_lines_moves_no_line():
    found = sentences("It is\n$$\na\n= b\n$$\nGood.")
    assert [(sentence.line, sentence.words) for sentence in found] == [(1, 3), (6, 1)]
