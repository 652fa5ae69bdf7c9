"""How `exact_noise` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import CIRCLE

exact_noise = Exercise("exact_noise", minutes=35, difficulty=3, returns=torch.Tensor)


def _expected(x: Tensor, kept: float, centres: Tensor, weights: Tensor, spread: float) -> Tensor:
    """−√(1 − ᾱ) times the gradient of torch's own log-density of the noisy mixture."""
    points = x.double().clone().requires_grad_()
    deviation = (kept * spread**2 + 1 - kept) ** 0.5
    parts = Independent(Normal(kept**0.5 * centres.double(), deviation), 1)
    density = MixtureSameFamily(Categorical(weights.double()), parts)
    with torch.enable_grad():
        (score,) = torch.autograd.grad(density.log_prob(points).sum(), points)
    return -((1 - kept) ** 0.5) * score


def _mixture(draw: Draw, parts: int, d: int = 2) -> tuple[Tensor, Tensor]:
    weights = torch.tensor(draw.uniform(0.1, 1.0, parts), dtype=torch.float32).reshape(parts)
    return normals(draw, parts, d, scale=1.5), weights / weights.sum()


def _expect_noise(answer, x, kept, centres, weights, spread) -> None:
    expected = _expected(x, kept, centres, weights, spread)
    found = answer(x, kept, centres, weights, spread)
    expect(found, "the expected noise").is_finite().close_to(expected, rtol=1e-3, atol=1e-4)


@exact_noise.property("is −√(1 − ᾱ) times the score of the noisy mixture", trials=6)
def _(answer, draw: Draw) -> None:
    centres, weights = _mixture(draw, draw.size + 1)
    x, kept, spread = normals(draw, 5, 2), draw.uniform(0.05, 0.95), draw.uniform(0.1, 1.5)
    _expect_noise(answer, x, kept, centres, weights, spread)


@exact_noise.property("of the page's four points, in any dimension too", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_noise(answer, normals(draw, 6, 2), 0.64, CIRCLE, torch.ones(4) / 4, 0.1)
    centres, weights = _mixture(draw, 3, draw.size)
    _expect_noise(answer, normals(draw, 4, draw.size), 0.3, centres, weights, 0.5)


@exact_noise.property("of one Gaussian is a straight line through its centre", trials=3)
def _(answer, draw: Draw) -> None:
    centre, x = normals(draw, 1, 2), normals(draw, 4, 2)
    kept, spread = draw.uniform(0.1, 0.9), draw.uniform(0.3, 2.0)
    slope = (1 - kept) ** 0.5 / (kept * spread**2 + 1 - kept)
    found = answer(x, kept, centre, torch.ones(1), spread)
    expect(found, "the expected noise").close_to(slope * (x - kept**0.5 * centre), atol=1e-4)


@exact_noise.property("is x itself where nothing is left of the data, and 0 where nothing is noisy")
def _(answer, draw: Draw) -> None:
    centres, weights = _mixture(draw, 3)
    x = normals(draw, 4, 2)
    expect(answer(x, 0.0, centres, weights, 0.5), "at ᾱ = 0").close_to(x, atol=1e-5)
    expect(answer(x, 1.0, centres, weights, 0.5), "at ᾱ = 1").close_to(0 * x, atol=1e-6)


@exact_noise.property("takes mixtures of single points: a spread of 0", trials=3)
def _(answer, draw: Draw) -> None:
    centres, weights = _mixture(draw, 3)
    _expect_noise(answer, normals(draw, 5, 2), draw.uniform(0.1, 0.9), centres, weights, 0.0)


@exact_noise.property("stays right a hundred away from every centre, and for parts of weight 0")
def _(answer, draw: Draw) -> None:
    centres, weights = _mixture(draw, 3)
    far = 100 + normals(draw, 3, 2)
    _expect_noise(answer, far, 0.9, centres, weights, 0.2)
    # The points lie where only the part of weight 0 would put them, far from the other one.
    pair, alone = torch.tensor([[1.0, 2.0], [-9.0, 11.0]]), torch.tensor([0.0, 1.0])
    x = 0.5**0.5 * pair[:1] + 0.1 * normals(draw, 2, 2)
    expected = _expected(x, 0.5, pair[1:], torch.ones(1), 0.2)
    found = answer(x, 0.5, pair, alone, 0.2)
    expect(found, "with a part of weight 0").close_to(expected, rtol=1e-3)


def _divided(densities: Tensor) -> Tensor:
    return densities / densities.sum(1, keepdim=True)


@exact_noise.right
def right_noise(x, kept, centres, weights, spread):
    variance = kept * spread**2 + 1 - kept
    gap = x[:, None] - kept**0.5 * centres
    shares = (weights.log() - gap.square().sum(-1) / (2 * variance)).softmax(1)
    expected_gap = (shares[..., None] * gap).sum(1)
    return (1 - kept) ** 0.5 * expected_gap / variance


_RETURN = "(1 - kept) ** 0.5 * expected_gap / variance"
_SHARES = "(weights.log() - gap.square().sum(-1) / (2 * variance)).softmax(1)"
_VARIANCE = "kept * spread**2 + 1 - kept"

exact_noise.slip(
    "score_returned",
    "You returned minus the score. The noise is √(1 − ᾱ) times that.",
    {_RETURN: "expected_gap / variance"},
)
exact_noise.slip(
    "sign_of_score",
    "The sign is flipped: the score points towards the data, the noise away from it.",
    {_RETURN: f"-({_RETURN})"},
)
exact_noise.slip(
    "centres_not_shrunk",
    "The centres move: at level ᾱ each is at √ᾱ times its place.",
    {"kept**0.5 * centres": "centres"},
)
exact_noise.slip(
    "centres_shrunk_too_far",
    "You shrank the centres by ᾱ. It is √ᾱ that multiplies the data.",
    {"kept**0.5 * centres": "kept * centres"},
)
exact_noise.slip(
    "points_for_parts",
    "You took each part for a single point. A part with spread s has variance ᾱs² + 1 − ᾱ at "
    "this level.",
    {_VARIANCE: "1 - kept"},
)
exact_noise.slip(
    "spread_not_shrunk",
    "The parts shrink too: their own variance counts ᾱ times, beside 1 − ᾱ of the noise.",
    {_VARIANCE: "spread**2 + 1 - kept"},
)
exact_noise.slip(
    "spread_not_squared",
    "`spread` is a standard deviation. Square it before you add variances.",
    {_VARIANCE: "kept * spread + 1 - kept"},
)
exact_noise.slip(
    "weights_forgotten",
    "You left out the weights of the parts: one with weight 0.9 is nine times as likely to be the "
    "origin as one with 0.1.",
    {"weights.log() - ": "-"},
)
exact_noise.slip(
    "weights_not_logarithms",
    "Inside the softmax weights stand as logarithms.",
    {"weights.log() - ": "weights - "},
)
exact_noise.slip(
    "nearest_centre",
    "You took the likeliest part alone. Every part is the origin with some probability: average "
    "over them.",
    {_SHARES: f"torch.nn.functional.one_hot({_SHARES}.argmax(1), len(centres)).float()"},
)
exact_noise.slip(
    "prior_shares",
    "You averaged the parts by their weights alone. Where x lies tells much about which part it "
    "came from: Bayes' rule.",
    {_SHARES: "weights.expand(len(x), -1)"},
)
exact_noise.slip(
    "exponential_underflow",
    "Far from every centre all your exponentials are 0, and 0 / 0 is NaN. Take a softmax of the "
    "logarithms.",
    {_SHARES: "_divided(weights * (-gap.square().sum(-1) / (2 * variance)).exp())"},
)
exact_noise.slip(
    "without_half",
    "The ½ in the Gaussian's exponent is missing: the shares come out too sure.",
    {"(2 * variance)": "variance"},
)
exact_noise.slip(
    "weights_padded",
    "You added a small number to the weights. A part of weight 0 is then the answer wherever it "
    "lies nearest: log 0 = −∞ is what softmax needs.",
    {"weights.log()": "(weights + 1e-6).log()"},
)
exact_noise.slip(
    "score_itself",
    "You returned the score, which points to the data. The noise is −√(1 − ᾱ) times that.",
    {_RETURN: "-expected_gap / variance"},
)
exact_noise.slip(
    "factor_not_rooted",
    "You multiplied by 1 − ᾱ. The noise stands in x with the factor √(1 − ᾱ): its root.",
    {_RETURN: "(1 - kept) * expected_gap / variance"},
)
exact_noise.slip(
    "weights_after_softmax",
    "You multiplied by the weights after the softmax, so your shares no longer add up to 1. Put "
    "log w inside.",
    {_SHARES: "(-gap.square().sum(-1) / (2 * variance)).softmax(1) * weights"},
)
exact_noise.slip(
    "divided_by_noise_alone",
    "You divided the gap by 1 − ᾱ, as if all of it were noise. A part of variance ᾱs² explains "
    "its share: divide by v.",
    {_RETURN: "(1 - kept) ** 0.5 * expected_gap / torch.tensor(1 - kept)"},
)
exact_noise.slip(
    "variance_squared",
    "You squared the variance in the Gaussian's exponent. v is a variance already.",
    {"(2 * variance)": "(2 * variance**2)"},
)

exact_noise.slip(
    "centre_for_clean_point",
    "You took the expected centre for the clean point, and all the rest for noise. A part of "
    "variance ᾱs² explains its share of the gap: divide it by v.",
    {_RETURN: "expected_gap / (1 - kept) ** 0.5"},
)
exact_noise.slip(
    "shares_over_the_batch",
    "Your softmax runs over the batch. For each point the shares of the *parts* add up to 1.",
    {".softmax(1)": ".softmax(0)"},
)
exact_noise.slip(
    "distance_not_squared",
    "You took the distance to each centre in the Gaussian's exponent. It stands there squared.",
    {"gap.square().sum(-1)": "gap.square().sum(-1).sqrt()"},
)


exact_noise.hint("Given the part k, x is Gaussian. What is the mean of ε then, given x and k?")
exact_noise.hint("E[ε | x, k] = √(1 − ᾱ) (x − √ᾱ c_k) / (ᾱ s² + 1 − ᾱ). Now average over k.")
exact_noise.hint("p(k | x) is a softmax over k of log w_k + log N(x; √ᾱ c_k, v).")
exact_noise.hint("Test it with one part first: a straight line.", when="value")
exact_noise.hint("Are you taking exponentials of numbers near −10 000?", when="nan")
