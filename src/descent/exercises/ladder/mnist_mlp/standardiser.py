"""How `Standardiser` is judged."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from descent.grading import Draw, Exercise, expect

Standardiser = Exercise("Standardiser", minutes=8, difficulty=1)


def _pixels(draw: Draw, n: int, low: float, high: float) -> torch.Tensor:
    """Many pixels: whether the standard deviation divides by N or N − 1 must not show."""
    return torch.tensor(draw.uniform(low, high, n, 200), dtype=torch.float32)


def _scaled(training: torch.Tensor, other: torch.Tensor) -> np.ndarray:
    scaler = StandardScaler().fit(training.numpy().astype(np.float64).reshape(-1, 1))
    flat = other.numpy().astype(np.float64).reshape(-1, 1)
    return scaler.transform(flat).reshape(other.shape)


@Standardiser.property("brings the training pictures to mean 0 and standard deviation 1", trials=3)
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, draw.uniform(0.5, 0.9))
    scaled = answer(training)(training)
    expect(scaled, "the training pictures").close_to(_scaled(training, training), rtol=1e-3)


@Standardiser.property(
    "treats other pictures by the training pictures' mean and deviation", trials=3
)
def _(answer, draw: Draw) -> None:
    training, other = _pixels(draw, 100, 0.0, 0.6), _pixels(draw, 30, 0.3, 1.0)
    scaled = answer(training)(other)
    expect(scaled, "the other pictures").close_to(_scaled(training, other), rtol=1e-3)


@Standardiser.property("takes one picture, and one without ink", trials=2)
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, 0.7)
    standardise = answer(training)
    for name, other in (("one picture", training[3:4]), ("a blank picture", torch.zeros(1, 200))):
        expect(standardise(other), name).close_to(_scaled(training, other), rtol=1e-3)


@Standardiser.property("stays finite where a pixel is never inked", trials=2)
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, 0.7)
    training[:, :20] = 0.0
    scaled = answer(training)(training)
    expect(scaled, "the pictures").is_finite().close_to(_scaled(training, training), rtol=1e-3)


@Standardiser.property("keeps mean and std, one number each")
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, 0.7)
    standardise = answer(training)
    standardise(_pixels(draw, 5, 0.5, 1.0))
    flat = training.numpy().astype(np.float64).ravel()
    expect(standardise.mean, "mean").has_shape().close_to(np.average(flat), rtol=1e-3)
    spread = np.linalg.norm(flat - np.average(flat)) / flat.size**0.5
    expect(standardise.std, "std").has_shape().close_to(spread, rtol=1e-3)


@Standardiser.property("leaves the pictures it is given alone")
def _(answer, draw: Draw) -> None:
    training, other = _pixels(draw, 100, 0.0, 0.7), _pixels(draw, 5, 0.5, 1.0)
    kept_training, kept_other = training.numpy().copy(), other.numpy().copy()
    answer(training)(other)
    expect(training, "the training pictures afterwards").close_to(kept_training)
    expect(other, "the other pictures afterwards").close_to(kept_other)


@Standardiser.mistake(
    "You measured the mean and deviation of the pictures that are being scaled. Measure them "
    "once, on the training pictures, in `__init__`: test pictures must not take part in preparing "
    "themselves (that is leakage), and one picture alone would be scaled by itself."
)
class OwnStatistics:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - x.mean()) / x.std().clamp_min(1e-8)


@Standardiser.mistake(
    "You measured the mean and deviation of the pictures that are being scaled. Measure them "
    "once, on the training pictures, in `__init__`: test pictures must not take part in preparing "
    "themselves (that is leakage), and a blank picture alone becomes 0/0."
)
class OwnStatisticsUnguarded(OwnStatistics):
    def __call__(self, x):
        return (x - x.mean()) / x.std()


@Standardiser.mistake(
    "Your deviation is that from 0: the mean was not subtracted before squaring. `training.std()` "
    "does both."
)
class DeviationFromZero:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.square().mean().sqrt()

    def __call__(self, x):
        return (x - self.mean) / self.std


@Standardiser.mistake(
    "You gave every picture its own mean and deviation. That removes how much ink there is, which "
    "is information: one mean and one deviation for all pictures."
)
class PerPicture:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True).clamp_min(1e-8)


@Standardiser.mistake(
    "You gave every pixel its own mean and deviation. A corner pixel that is never inked has "
    "deviation 0, and 0/0 is NaN. One mean and one deviation for all pixels together."
)
class PerPixel:
    def __init__(self, training):
        self.mean, self.std = training.mean(0), training.std(0)

    def __call__(self, x):
        return (x - self.mean) / self.std


@Standardiser.mistake(
    "You gave every pixel its own mean and deviation, with a small number against division by 0. "
    "A pixel inked in one picture of 60 000 would then be blown up to hundreds. One mean and one "
    "deviation for all pixels together."
)
class PerPixelGuarded(PerPixel):
    def __init__(self, training):
        self.mean, self.std = training.mean(0), training.std(0) + 1e-8


@Standardiser.mistake(
    "You divided by the variance. The standard deviation is its square root, and is what has the "
    "units of the pixels."
)
class DividedByVariance:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - self.mean) / self.std**2


@Standardiser.mistake("You subtracted the mean and forgot to divide by the standard deviation.")
class OnlyCentred:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return x - self.mean


@Standardiser.mistake("You divided by the standard deviation and forgot to subtract the mean.")
class OnlyDivided:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return x / self.std


@Standardiser.mistake(
    "Division comes before subtraction unless brackets say otherwise: you computed x − "
    "(mean/std). Write (x − mean) / std."
)
class Precedence:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return x - self.mean / self.std


@Standardiser.mistake(
    "You scaled to the range 0 … 1 by the smallest and largest pixel. Standardising means mean 0 "
    "and standard deviation 1."
)
class MinMax:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()
        self.low, self.high = training.min(), training.max()

    def __call__(self, x):
        return (x - self.low) / (self.high - self.low)


@Standardiser.mistake(
    "You wrote into the tensor you were given: after `x -= …` the caller's pictures are changed, "
    "and standardising them twice goes wrong. `(x - mean) / std` makes a new tensor."
)
class InPlace:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        x -= self.mean
        x /= self.std
        return x


@Standardiser.mistake(
    "You moved the mean to 0 twice: once when the training pictures arrived, and then by the mean "
    "of what was left. Keep the mean of the pixels as they came."
)
class CentredFirst:
    def __init__(self, training):
        training = training - training.mean()
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - self.mean) / self.std


Standardiser.hint(
    "What is measured once belongs in `__init__`; what happens each time, in `__call__`."
)
Standardiser.hint(
    "`training.mean()` without an axis is one number over all pixels of all pictures."
)
Standardiser.hint(
    "Which pictures did the mean come from: the training ones, always?", when="offset"
)
Standardiser.hint("Some pixel has deviation 0. One deviation for all pixels avoids it.", when="nan")
Standardiser.hint("Did you divide by std, or by its square?", when="factor")
Standardiser.hint(
    "`mean = …` inside `__init__` is gone when it ends. `self.mean = …` stays, and `self.std`: the "
    "check reads both by these names.",
    when="error",
)
Standardiser.hint(
    "mean and std are single numbers. Is there an axis in the brackets?", when="shape"
)
