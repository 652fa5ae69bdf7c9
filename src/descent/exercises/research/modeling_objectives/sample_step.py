"""How `sample_step` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

sample_step = Exercise("sample_step", minutes=30, difficulty=3, returns=torch.Tensor)


def _levels(draw: Draw, steps: int) -> Tensor:
    left = torch.tensor(draw.uniform(0.4, 0.95, steps), dtype=torch.float32)
    return torch.cat([torch.ones(1), left.cumprod(0)])


def _expected(x, found, t: int, kept, noise, clip=None) -> np.ndarray:
    """By Bayes' rule with precisions: what x says of the step before, and what x₀ says of it."""
    x, found, noise = (part.double().numpy() for part in (x, found, noise))
    now, before = float(kept[t]), float(kept[t - 1])
    clean = (x - (1 - now) ** 0.5 * found) / now**0.5
    if clip is not None:
        clean = np.minimum(np.maximum(clean, -clip), clip)
    if t == 1:
        return clean
    left = now / before
    precision_x, precision_clean = left / (1 - left), 1 / (1 - before)
    together = precision_x + precision_clean
    mean = (precision_x * x / left**0.5 + precision_clean * before**0.5 * clean) / together
    return mean + together**-0.5 * noise


def _inputs(draw: Draw, *shape: int) -> tuple[Tensor, Tensor, Tensor]:
    return normals(draw, *shape), normals(draw, *shape), normals(draw, *shape)


@sample_step.property("draws from the posterior of the step before", trials=6)
def _(answer, draw: Draw) -> None:
    x, found, noise = _inputs(draw, draw.size, 3)
    kept, t = _levels(draw, 6), draw.integers(2, 7)
    expected = _expected(x, found, t, kept, noise)
    expect(answer(x, found, t, kept, noise), "the step before").close_to(expected, rtol=1e-3)


@sample_step.property("ends on the clean picture: the last step adds no noise", trials=3)
def _(answer, draw: Draw) -> None:
    x, found, noise = _inputs(draw, 2, 3)
    kept = _levels(draw, 3)
    expected = _expected(x, found, 1, kept, noise)
    got = answer(x, found, 1, kept, noise)
    expect(got, "the picture").close_to(expected, rtol=1e-3, atol=1e-4)


@sample_step.property("clips the clean picture that it guesses, not the step", trials=4)
def _(answer, draw: Draw) -> None:
    x, found, noise = _inputs(draw, 2, 1, 3, 3)
    kept, clip = _levels(draw, 5), draw.choice([1.0, 0.5])
    for t in (1, 2, 5):
        expected = _expected(2 * x, found, t, kept, noise, clip)
        got = answer(2 * x, found, t, kept, noise, clip)
        expect(got, f"from step {t}").close_to(expected, rtol=1e-3, atol=1e-4)


@sample_step.property("clips at 0 where it is told so, and not at all by default", trials=3)
def _(answer, draw: Draw) -> None:
    x, found, noise = _inputs(draw, 2, 3)
    kept, t = _levels(draw, 4), draw.integers(2, 5)
    nothing = _expected(x, found, t, kept, noise, 0.0)
    expect(answer(x, found, t, kept, noise, 0.0), "with clip = 0").close_to(nothing, rtol=1e-3)
    free = _expected(3 * x, found, t, kept, noise)
    expect(answer(3 * x, found, t, kept, noise), "without clip").close_to(free, rtol=1e-3)


@sample_step.property("goes back exactly along the way it came, where the noise is known", trials=3)
def _(answer, draw: Draw) -> None:
    clean, noise = normals(draw, 3, 2), normals(draw, 3, 2)
    kept = _levels(draw, 4)
    x = kept[3].sqrt() * clean + (1 - kept[3]).sqrt() * noise
    found = answer(x, noise, 1, torch.tensor([1.0, kept[3].item()]), torch.zeros(3, 2))
    expect(found, "the clean points").close_to(clean, rtol=1e-3, atol=1e-4)


@sample_step.right
def right_step(x, found, t, kept, noise, clip=None):
    now, before = kept[t], kept[t - 1]
    added = 1 - now / before
    clean = (x - (1 - now).sqrt() * found) / now.sqrt()
    if clip is not None:
        clean = clean.clamp(-clip, clip)
    from_clean = before.sqrt() * added * clean
    from_x = (1 - added).sqrt() * (1 - before) * x
    deviation = (added * (1 - before) / (1 - now)).sqrt()
    return (from_clean + from_x) / (1 - now) + deviation * noise


_DEVIATION = "(added * (1 - before) / (1 - now)).sqrt()"
_CLEAN = "(x - (1 - now).sqrt() * found) / now.sqrt()"
_RETURN = "(from_clean + from_x) / (1 - now) + deviation * noise"

sample_step.slip(
    "noise_at_the_end",
    "You added noise in the last step too, with the standard deviation √β. The picture comes out "
    "covered with it; the posterior's deviation is 0 there.",
    {_DEVIATION: "added.sqrt()"},
)
sample_step.slip(
    "larger_deviation",
    "You drew with the standard deviation √β, without noise in the last step. That is a choice "
    "some make; here the posterior's own is asked for, √(β (1 − ᾱ before) / (1 − ᾱ)).",
    {_DEVIATION: "added.sqrt() * (t > 1)"},
)
sample_step.slip(
    "no_noise_at_all",
    "You add no noise. From the same start you then always get the same picture, and too smooth a "
    "one: draw from the posterior.",
    {_RETURN: "(from_clean + from_x) / (1 - now)"},
)
sample_step.slip(
    "straight_to_the_picture",
    "You returned the guess of the clean picture at once. It is a mean of all pictures that x may "
    "have been: go back one step only.",
    {_RETURN: "clean"},
)
sample_step.slip(
    "guess_noised_again",
    "You noised your guess afresh. The step before is drawn given the guess *and* x.",
    {_RETURN: "before.sqrt() * clean + (1 - before).sqrt() * noise"},
)
sample_step.slip(
    "variance_for_deviation",
    "You multiplied the noise by the variance of the posterior. Take the root.",
    {_DEVIATION: "added * (1 - before) / (1 - now)"},
)
sample_step.slip(
    "weights_exchanged",
    "You exchanged the weights of x and of the guess: near the end the guess counts for more.",
    {
        "before.sqrt() * added * clean": "before.sqrt() * added * x",
        "(1 - added).sqrt() * (1 - before) * x": "(1 - added).sqrt() * (1 - before) * clean",
    },
)
sample_step.slip(
    "clip_ignored",
    "`clip` makes no difference to your answer. It limits the guess of the clean picture to "
    "[−clip, clip].",
    {"if clip is not None:": "if False:"},
)
sample_step.slip(
    "zero_is_none",
    "You take a clip of 0 for none. None means that nothing is clipped: ask `clip is not None`.",
    {"if clip is not None:": "if clip:"},
)
sample_step.slip(
    "step_clipped",
    "You clipped the result. Steps on the way are noisy and may leave the range; the guess of the "
    "*clean* picture may not.",
    {
        "        clean = clean.clamp(-clip, clip)\n": "        pass\n",
        f"return {_RETURN}": (
            f"step = {_RETURN}\n    return step if clip is None else step.clamp(-clip, clip)"
        ),
    },
)
sample_step.slip(
    "clipped_above_alone",
    "You clipped from above alone. The range has two ends, −clip and clip.",
    {"clean.clamp(-clip, clip)": "clean.clamp(max=clip)"},
)
sample_step.slip(
    "guess_not_scaled",
    "Your guess of the clean picture is still shrunk: divide by √ᾱ.",
    {_CLEAN: "x - (1 - now).sqrt() * found"},
)
sample_step.slip(
    "noise_found_not_scaled",
    "You took the whole of the noise off. In x it stands with the factor √(1 − ᾱ).",
    {_CLEAN: "(x - found) / now.sqrt()"},
)
sample_step.slip(
    "one_step_on",
    "You read the levels at t + 1 and t, as if t were the step to reach. x is at step t, with "
    "level kept[t].",
    {"kept[t], kept[t - 1]": "kept[min(t + 1, len(kept) - 1)], kept[t]"},
)
sample_step.slip(
    "found_for_fresh_noise",
    "You went back with the noise found in place of fresh noise: that is the step of DDIM, which "
    "draws nothing. Draw from the Gaussian of the page.",
    {_RETURN: "before.sqrt() * clean + (1 - before).sqrt() * found"},
)
sample_step.slip(
    "always_clipped",
    "You clip to [−1, 1], asked or not. Without `clip` nothing is limited.",
    {
        "if clip is not None:\n        clean = clean.clamp(-clip, clip)": (
            "clean = clean.clamp(-1, 1)"
        )
    },
)
sample_step.slip(
    "clipped_to_one",
    "You clip to [−1, 1], whatever `clip` is.",
    {"clean.clamp(-clip, clip)": "clean.clamp(-1, 1)"},
)
sample_step.slip(
    "clipped_to_positive",
    "You clip to [0, clip]. The range has two ends, −clip and clip.",
    {"clean.clamp(-clip, clip)": "clean.clamp(0, clip)"},
)
sample_step.slip(
    "x_clipped",
    "You clipped x. The noisy x may leave the range; the guess of the clean picture may not.",
    {"clean = clean.clamp(-clip, clip)": "x = x.clamp(-clip, clip)"},
)
sample_step.slip(
    "found_clipped",
    "You clipped the noise. The guess of the clean picture is limited.",
    {"clean.clamp(-clip, clip)": "(x - (1 - now).sqrt() * found.clamp(-clip, clip)) / now.sqrt()"},
)
sample_step.slip(
    "variance_since_the_start",
    "You took 1 − ᾱ for the variance of this step. That is all the noise since the start: β is 1 "
    "− ᾱ_t / ᾱ_{t−1}.",
    {"1 - now / before": "1 - now"},
)
sample_step.slip(
    "mean_clipped",
    "You clipped the mean of the step. On the way it may leave the range; the guess of the "
    "*clean* picture may not.",
    {
        "        clean = clean.clamp(-clip, clip)\n": "        pass\n",
        f"return {_RETURN}": (
            "middle = (from_clean + from_x) / (1 - now)\n"
            "    middle = middle if clip is None else middle.clamp(-clip, clip)\n"
            "    return middle + deviation * noise"
        ),
    },
)
sample_step.slip(
    "step_clipped_too",
    "You clipped the result as well as the guess. Steps on the way are noisy and may leave the "
    "range.",
    {
        f"return {_RETURN}": (
            f"step = {_RETURN}\n    return step if clip is None else step.clamp(-clip, clip)"
        ),
    },
)
sample_step.slip(
    "variance_by_subtraction",
    "You took ᾱ_{t−1} − ᾱ_t for the variance of this step. Shares multiply: β is 1 − ᾱ_t / "
    "ᾱ_{t−1}.",
    {"1 - now / before": "before - now"},
)
sample_step.slip(
    "one_clip_by_default",
    "You clip to [−1, 1] where no `clip` is given. Without it nothing is limited.",
    {
        "if clip is not None:\n        clean = clean.clamp(-clip, clip)": (
            "limit = 1.0 if clip is None else clip\n    clean = clean.clamp(-limit, limit)"
        )
    },
)
sample_step.slip(
    "share_left_not_rooted",
    "You weighed x by 1 − β. In the mean it stands with the root, √(1 − β).",
    {"(1 - added).sqrt() * (1 - before)": "(1 - added) * (1 - before)"},
)
sample_step.slip(
    "level_not_rooted",
    "You weighed the guess by ᾱ of the step before. In the mean it stands with the root, √ᾱ_{t−1}.",
    {"before.sqrt() * added": "before * added"},
)
sample_step.slip(
    "level_of_this_step",
    "You weighed the guess by √ᾱ_t. In the mean stands the level of the step before, √ᾱ_{t−1}.",
    {"before.sqrt() * added": "now.sqrt() * added"},
)
sample_step.slip(
    "noise_found_by_its_variance",
    "You took 1 − ᾱ times the noise off x. The noise stands in it with the root, √(1 − ᾱ).",
    {_CLEAN: "(x - (1 - now) * found) / now.sqrt()"},
)
sample_step.slip(
    "guess_divided_by_level",
    "You divided the guess by ᾱ. In x the clean picture stands with the root, √ᾱ.",
    {_CLEAN: "(x - (1 - now).sqrt() * found) / now"},
)
sample_step.slip(
    "guess_without_root",
    "You used ᾱ and 1 − ᾱ in the guess. Both stand there with their roots: x = √ᾱ x₀ + √(1 − ᾱ) ε.",
    {_CLEAN: "(x - (1 - now) * found) / now"},
)
sample_step.slip(
    "levels_exchanged_in_variance",
    "You turned the ratio in the variance over. It is β (1 − ᾱ_{t−1}) / (1 − ᾱ_t), which is less "
    "than β.",
    {_DEVIATION: "(added * (1 - now) / (1 - before).clamp(min=1e-12)).sqrt()"},
)
sample_step.slip(
    "noise_of_the_level",
    "You drew with the standard deviation √(1 − ᾱ_{t−1}). That is all the noise of the step "
    "before; much of it is in x already.",
    {_DEVIATION: "(1 - before).sqrt()"},
)
sample_step.slip(
    "mean_not_divided",
    "You did not divide the mean by 1 − ᾱ_t, so the two weights are too small.",
    {_RETURN: "(from_clean + from_x) + deviation * noise"},
)
sample_step.slip(
    "mean_divided_by_level_before",
    "You divided the mean by 1 − ᾱ_{t−1}. Divide by 1 − ᾱ_t, the level of x.",
    {_RETURN: "(from_clean + from_x) / (1 - before) + deviation * noise"},
)


@sample_step.mistake(
    "You draw noise of your own. Use the `noise` that you are given: then a step can be repeated."
)
def own_noise(x, found, t, kept, noise, clip=None):
    return right_step(x, found, t, kept, torch.randn_like(x), clip)


sample_step.hint(
    "Three pieces: β of this step, the guess of the clean picture, the posterior's two weights."
)
sample_step.hint("kept[0] = 1: what do the two weights and the deviation become at t = 1?")
sample_step.hint("β = 1 − ᾱ_t / ᾱ_{t−1}.", when="value")
sample_step.hint("What is the deviation at t = 1, where 1 − ᾱ before is 0?",
                 when="ends on the clean picture: the last step adds no noise")  # fmt: skip
sample_step.hint("Print the guess for t = 1 beside the result: they are the same.", when="nan")
