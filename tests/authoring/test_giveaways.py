"""A hint that writes the solution out is found; one that points the way is not."""

from __future__ import annotations

import pytest

from descent.authoring.declared import WrittenHint
from descent.authoring.giveaways import giveaways, solution_code

SOLUTION = "error = predict(w, b, x) - y\nreturn 2 * np.mean(error * x), 2 * np.mean(error)\n"

TELLS_ALL = {
    "in code": "`error = predict(w, b, x) - y`, then `2 * np.mean(error * x), 2 * np.mean(error)`.",
    "as a person writes it": "Return 2 · mean(error · x), 2 · mean(error).",
}
POINTS_THE_WAY = {
    "names only": "Use `predict`, and `np.mean` of the `error`. Mind the factor of 2.",
    "one small part": "Begin with `error = predict(w, b, x) - y`.",
    "a smaller case": "For x = [1, 3] and errors of [−1, −3], what is the mean of the products?",
}


def ladder(*texts: str, when: str | None = None) -> list[WrittenHint]:
    return [WrittenHint("gradient", text, when, "hints.py", 1) for text in texts]


@pytest.mark.parametrize("hint", TELLS_ALL)
def test_a_hint_that_is_the_solution(hint):
    hints = ladder(TELLS_ALL[hint], "The last one.")
    assert giveaways(hints, SOLUTION) == hints[:1]


@pytest.mark.parametrize("hint", POINTS_THE_WAY)
def test_a_hint_that_points_the_way(hint):
    assert giveaways(ladder(POINTS_THE_WAY[hint], "The last one."), SOLUTION) == []


def test_the_last_hint_for_everybody_may_tell_all():
    assert giveaways(ladder("The first one.", TELLS_ALL["in code"]), SOLUTION) == []


def test_a_hint_for_a_symptom_comes_before_the_last():
    hints = [*ladder("The last one."), *ladder(TELLS_ALL["in code"], when="sign")]
    assert giveaways(hints, SOLUTION) == hints[1:]


def test_the_solution_of_a_class_is_all_its_regions():
    cell = (
        "class Line:\n    def __init__(self, w):\n        ### BEGIN SOLUTION\n        self.w = w\n"
        "        ### END SOLUTION\n\n    def slope(self):\n        ### BEGIN SOLUTION\n"
        "        return self.w\n        ### END SOLUTION\n"
    )
    assert solution_code(cell) == "self.w = w\nreturn self.w\n"
