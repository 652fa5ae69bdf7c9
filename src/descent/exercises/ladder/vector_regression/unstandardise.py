"""How `unstandardise` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import plane_heights

unstandardise = Exercise(
    "unstandardise", minutes=10, difficulty=2, returns=tuple[np.ndarray, float]
)


@unstandardise.property("gives the same predictions from the original x", trials=6)
def _(answer, draw: Draw) -> None:
    d = min(draw.size, 5)
    w, b, mean = draw.normal(d), draw.normal(), draw.normal(d, scale=5.0)
    std = draw.choice([0.5, 2.0, 4.0]) + draw.uniform(0.1, 0.9, d)
    new_w, new_b = answer(w, b, mean, std)
    # The plane's heights at the origin and at the unit vectors of the original space name it.
    heights = plane_heights(w, b, (np.vstack([np.eye(d), np.zeros(d)]) - mean) / std)
    expect(new_w, "w").close_to(heights[:-1] - heights[-1], atol=1e-4)
    expect(new_b, "b").close_to(heights[-1], atol=1e-4)


@unstandardise.property("leaves features alone that were standard already")
def _(answer, draw: Draw) -> None:
    w, b = draw.normal(3), draw.normal()
    new_w, new_b = answer(w, b, np.zeros(3), np.ones(3))
    expect(new_w, "w").close_to(w)
    expect(new_b, "b").close_to(b)


@unstandardise.property("moves b by what the mean was worth")
def _(answer, draw: Draw) -> None:
    w, b, mean = draw.uniform(1, 3, 2), draw.normal(), draw.uniform(5, 9, 2)
    new_w, new_b = answer(w, b, mean, np.array([2.0, 2.0]))
    expect(new_w, "w").close_to(w / 2)
    expect(new_b, "b").close_to(b - sum(w * mean) / 2, atol=1e-4)


@unstandardise.mistake(
    "You left b as it was. Subtracting the means moved the origin: w·mean/std has to come off b."
)
def bias_forgotten(w, b, mean, std):
    return w / std, b


@unstandardise.mistake(
    "You multiplied the weights by std. The features were divided by it, so the weights are too: "
    "bar per standard deviation becomes bar per volt."
)
def multiplied(w, b, mean, std):
    return w * std, b - (w * std) @ mean


@unstandardise.mistake(
    "b has to use the weights of the original units: subtract the sum of mean·w/std, not of mean·w."
)
def bias_from_scaled_weights(w, b, mean, std):
    return w / std, b - w @ mean


@unstandardise.right
def right_back(w, b, mean, std):
    new_w = w / std
    new_b = b - new_w @ mean
    return new_w, new_b


unstandardise.slip(
    "divided_twice",
    "The shift of b is divided by std twice. Is w overwritten by w / std and then divided once "
    "more? b moves by the sum of mean·w/std, with the w that was given.",
    {"new_w @ mean": "(new_w / std) @ mean"},
)


@unstandardise.mistake(
    "You added the shift to b. Standardising subtracts the mean, so its part, w·mean/std, is "
    "subtracted too."
)
def shift_added(w, b, mean, std):
    return w / std, b + (w / std) @ mean


@unstandardise.mistake(
    "You standardised the weights as if they were features. Put (x − mean)/std into w·x + b and "
    "sort the terms."
)
def standardised_again(w, b, mean, std):
    return (w - mean) / std, b


@unstandardise.mistake(
    "You left the weights as they were. They are in bar per standard deviation; divide by std."
)
def weights_forgotten(w, b, mean, std):
    return w, b - (w / std) @ mean


@unstandardise.mistake(
    "b became a vector: the shift is one number, the sum of mean·w/std over the features."
)
def bias_not_summed(w, b, mean, std):
    return w / std, b - w * mean / std


@unstandardise.mistake(
    "You averaged the shifts of the features. b moves by their sum."
)  # fmt: skip
def shift_averaged(w, b, mean, std):
    return w / std, b - np.mean(w * mean / std)


@unstandardise.mistake("You divided b by a spread. b is in bar already; only its shift uses std.")
def bias_scaled(w, b, mean, std):
    return w / std, (b - w @ mean) / np.prod(std)


unstandardise.hint("Write out w′·(x − mean)/std + b′ and collect what multiplies x, and the rest.")
unstandardise.hint("The rest does not depend on x: it is the new b.")
unstandardise.hint("w is (d,), b is one number. What adds up the shifts?", when="shape")
unstandardise.hint("Which sign does mean have inside (x − mean)/std?", when="sign")
unstandardise.hint(
    "The weights in b's shift: those before or after the division?", when="value"
)  # fmt: skip
unstandardise.hint(
    "`w /= std` writes into the array you were given; `w = w / std` does not.",
    when="changes input",
)
