"""How `importance_log_likelihood` is judged: a study with an error bar, on a model whose
likelihood is known."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.exercises.studies import Case, covers_as_often_as_it_says, does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

importance_log_likelihood = Exercise(
    "importance_log_likelihood", minutes=30, difficulty=3, seconds=3.0,
    returns=tuple[float, float],
)  # fmt: skip


def _normal_log(x, mean, deviation):
    return -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)


def _linear_gaussian(seed: int, samples: int) -> tuple[Tensor, Tensor, float]:
    """z ~ N(0, 1), x = 2 z + noise of deviation ½: log p(x) is that of N(0, 4.25).

    The proposal is near the posterior, and a little wider.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal() * math.sqrt(4.25)
    mean, deviation = 2 * x / 4.25 + 0.1, 1.3 * math.sqrt(0.25 / 4.25)
    z = mean + deviation * rng.normal(size=samples)
    joint = _normal_log(z, 0.0, 1.0) + _normal_log(x, 2 * z, 0.5)
    truth = float(_normal_log(x, 0.0, math.sqrt(4.25)))
    return torch.tensor(joint), torch.tensor(_normal_log(z, mean, deviation)), truth


def _expected(log_joint, log_proposal) -> tuple[float, float]:
    """Weights as exact floats after the largest is taken off; the error by the delta method."""
    logs = (log_joint - log_proposal).double().numpy()
    weights = np.exp(logs - logs.max())
    error = np.std(weights, ddof=1) / np.mean(weights) / math.sqrt(len(weights))
    return float(np.log(np.mean(weights)) + logs.max()), float(error)


def _weights(draw: Draw, samples: int, scale: float = 0.6) -> tuple[Tensor, Tensor]:
    """Logarithms of joint and proposal whose weights are of like size, in double precision."""
    proposal = normals(draw, samples).double()
    return proposal + normals(draw, samples, scale=scale).double() - 3.0, proposal


@importance_log_likelihood.property("is the logarithm of the mean weight", trials=5)
def _(answer, draw: Draw) -> None:
    inputs = _weights(draw, 40 + draw.size)
    expect(answer(*inputs)[0], "the estimate").close_to(_expected(*inputs)[0])


@importance_log_likelihood.property("says how far off it may be: one standard error", trials=5)
def _(answer, draw: Draw) -> None:
    inputs = _weights(draw, 15 + draw.size, scale=0.3)
    expect(answer(*inputs)[1], "the standard error").close_to(_expected(*inputs)[1])


@importance_log_likelihood.property("survives log-probabilities of −2000")
def _(answer, draw: Draw) -> None:
    joint, proposal = _weights(draw, 60)
    for shift in (-2000.0, 2000.0):
        found = answer(joint + shift, proposal)
        estimate, error = _expected(joint + shift, proposal)
        expect(found[0], "the estimate").is_finite().close_to(estimate, rtol=1e-7)
        expect(found[1], "the standard error").close_to(error)


@importance_log_likelihood.property("is not upset by a sample that explains nothing at all")
def _(answer, draw: Draw) -> None:
    joint, proposal = _weights(draw, 60)
    joint[draw.integers(0, 60)] -= 3000.0
    estimate, error = _expected(joint, proposal)
    found = answer(joint, proposal)
    expect(found[0], "the estimate").is_finite().close_to(estimate)
    expect(found[1], "the standard error").close_to(error)


@importance_log_likelihood.property("is exact, without error, where the proposal is the posterior")
def _(answer, draw: Draw) -> None:
    proposal = normals(draw, 12).double()
    log_likelihood = draw.normal(scale=5.0)
    found = answer(proposal + log_likelihood, proposal)
    expect(found[0], "the estimate").close_to(log_likelihood, atol=1e-9)
    expect(found[1], "the standard error").close_to(0.0, atol=1e-9)


@importance_log_likelihood.property(
    "holds the truth within two errors as often as it should", trials=1
)
def _(answer, draw: Draw) -> None:
    cases = []
    for _ in range(120):
        joint, proposal, truth = _linear_gaussian(draw.seed(), 400)
        estimate, error = _expected(joint, proposal)
        cases.append(Case((joint, proposal), truth, (estimate - 2 * error, estimate + 2 * error)))

    def interval(joint, proposal):
        estimate, error = answer(joint, proposal)
        return float(estimate - 2 * error), float(estimate + 2 * error)

    covers_as_often_as_it_says(interval, cases, level=0.954, forgiven=0.02)


@importance_log_likelihood.property(
    "refuses where fewer than ten samples carry the weight", trials=4
)
def _(answer, draw: Draw) -> None:
    samples = 200 + draw.size
    joint, proposal = _weights(draw, samples, scale=0.2)
    few = joint.clone()
    few[3:12] += 14.0  # nine of them carry it all
    refuses(answer, few, proposal, because="nine samples that carry all the weight")
    nine = torch.full((9,), -3.0).double()
    refuses(answer, nine, 0 * nine, because="nine samples of equal weight")
    refuses(answer, *_weights(draw, 6), because="six samples in all")
    one = joint - 800.0
    one[draw.integers(0, samples)] += 60.0
    refuses(answer, one, proposal, because="one sample that carries all the weight")


@importance_log_likelihood.property("does not refuse where ten or more do", trials=4)
def _(answer, draw: Draw) -> None:
    proposal = normals(draw, 300).double()
    joint = proposal - 40.0
    joint[5:17] += 30.0
    found = does_not_refuse(answer, joint, proposal, although="only twelve of 300 samples count")
    if found is not None:
        expect(found[0], "the estimate").close_to(_expected(joint, proposal)[0])
    one_larger = torch.cat([torch.full((20,), -9.0), torch.tensor([-9.0 + math.log(3.0)])]).double()
    does_not_refuse(answer, one_larger, 0 * one_larger, although="a weight of 3 beside twenty of 1")
    ten = torch.full((10,), -7.0).double()
    does_not_refuse(answer, ten, ten, although="ten samples of equal weight are the fewest allowed")


@importance_log_likelihood.right
def right_estimate(log_joint, log_proposal):
    log_weights = log_joint - log_proposal
    highest = log_weights.max()
    weights = (log_weights - highest).exp()
    effective = weights.sum() ** 2 / weights.square().sum()
    if effective < 9.9999:
        raise ValueError(f"only {effective:.1f} samples carry the weight")
    error = weights.std() / weights.mean() / len(weights) ** 0.5
    return float(weights.mean().log() + highest), float(error)


_ESTIMATE = "float(weights.mean().log() + highest)"
_ERROR = "weights.std() / weights.mean() / len(weights) ** 0.5"

importance_log_likelihood.slip(
    "bound_instead",
    "You averaged the logarithms of the weights. That is the ELBO, which lies below. Average the "
    "weights, and take the logarithm then.",
    {_ESTIMATE: "float(log_weights.mean())"},
)
importance_log_likelihood.slip(
    "summed_weights",
    "You summed the weights. The estimate is their mean: it must not grow with the number of "
    "samples.",
    {_ESTIMATE: "float(weights.sum().log() + highest)"},
)
importance_log_likelihood.slip(
    "underflow",
    "You took the exponential of −2000, which is 0, and the logarithm of 0. Take the largest off "
    "first and add it again at the end (torch.logsumexp does).",
    {"log_weights.max()": "0 * log_weights.max()"},
)
importance_log_likelihood.slip(
    "largest_not_added",
    "You took the largest off before the exponential and did not add it again after the logarithm.",
    {_ESTIMATE: "float(weights.mean().log())"},
)
importance_log_likelihood.slip(
    "joint_alone",
    "You did not divide by the proposal. Samples that the encoder likes to draw are drawn too "
    "often; their weight makes up for it.",
    {"log_joint - log_proposal": "log_joint"},
)
importance_log_likelihood.slip(
    "proposal_multiplied",
    "You multiplied by the proposal's density. A weight is p(x, z) *divided* by q(z).",
    {"log_joint - log_proposal": "log_joint + log_proposal"},
)
importance_log_likelihood.slip(
    "error_of_one_sample",
    "Your error is that of a single weight. The mean of K of them is √K times as exact.",
    {" / len(weights) ** 0.5": ""},
)
importance_log_likelihood.slip(
    "error_of_the_mean_weight",
    "Your error is that of the mean weight, not of its logarithm. A logarithm turns a relative "
    "error into an absolute one: divide by the mean weight.",
    {_ERROR: "weights.std() / len(weights) ** 0.5"},
)
importance_log_likelihood.slip(
    "error_of_the_bound",
    "Your error is that of the mean *logarithm*. The estimate is the logarithm of a mean: its "
    "error is the relative error of the mean weight.",
    {_ERROR: "log_weights.std() / len(weights) ** 0.5"},
)
importance_log_likelihood.slip(
    "divided_by_k",
    "The variance under your error is divided by K. Divide by K − 1, as the page asks.",
    {"weights.std()": "weights.std(correction=0)"},
)
importance_log_likelihood.slip(
    "never_refuses",
    "You give a number, however few samples carry the weight. Where the effective number is below "
    "10, estimate and error are worth nothing: raise a ValueError.",
    {"if effective < 9.9999:": "if False:"},
)
importance_log_likelihood.slip(
    "counts_samples",
    "You counted the samples drawn. What matters is how many carry the weight: (Σw)² / Σw².",
    {"weights.sum() ** 2 / weights.square().sum()": "len(weights) * torch.ones(())"},
)
importance_log_likelihood.slip(
    "at_most_ten",
    "You refuse ten samples of equal weight as well. Refuse *fewer* than 10.",
    {"effective < 9.9999": "effective < 10.001"},
)
importance_log_likelihood.slip(
    "share_of_the_largest",
    "You divided the sum of the weights by the largest. The effective number is (Σw)² / Σw²: one "
    "large weight beside many others does not make them worthless.",
    {"weights.sum() ** 2 / weights.square().sum()": "weights.sum() / weights.max()"},
)
importance_log_likelihood.slip(
    "samples_multiplied",
    "You added log K. The *mean* of the weights is their sum divided by K: subtract it from the "
    "logarithm of the sum.",
    {_ESTIMATE: "float(weights.sum().log() + highest) + math.log(len(weights))"},
)
importance_log_likelihood.slip(
    "error_by_effective_number",
    "You divided by the root of the effective number. The error of a mean of K weights has √K: "
    "their spread is in it already.",
    {" / len(weights) ** 0.5": " / effective ** 0.5"},
)
importance_log_likelihood.slip(
    "weights_turned_over",
    "Your weights are upside down: q(z) / p(x, z). It is p(x, z) / q(z).",
    {"log_joint - log_proposal": "log_proposal - log_joint"},
)
importance_log_likelihood.slip(
    "averaged_apart",
    "You averaged the joint and the proposal apart from each other. Each sample has a weight of "
    "its own: subtract first.",
    {_ESTIMATE: "float(torch.logsumexp(log_joint, 0) - torch.logsumexp(log_proposal, 0))"},
)
importance_log_likelihood.slip(
    "average_under_the_posterior",
    "You averaged the log-weights by the weights, which lies above. Take the logarithm of the "
    "mean weight.",
    {_ESTIMATE: "float((weights / weights.sum() * log_weights).sum())"},
)
importance_log_likelihood.slip(
    "tenth_of_the_samples",
    "You refuse where less than a tenth of the samples counts. The limit is a number, 10.",
    {"effective < 9.9999": "effective < 0.1 * len(weights)"},
)

importance_log_likelihood.equivalent(
    "`if effective < 9.9999:` → `if effective <= 9.9999:`",
    because="an effective number is not exactly this one",
)


importance_log_likelihood.hint(
    "A weight is p(x, z) / q(z | x). Its mean over samples of q is p(x). Why?"
)
importance_log_likelihood.hint(
    "log-mean-exp: take the largest off, average, logarithm, add it again."
)
importance_log_likelihood.hint(
    "If a number has relative error r, its logarithm has absolute error r.",
    when="says how far off it may be: one standard error",
)
importance_log_likelihood.hint(
    "The effective number is (Σw)² / Σw². What is it for K equal weights, and for one that is "
    "much larger than the others?"
)
importance_log_likelihood.hint("Try weights 1, 1, 1, 1, ten times larger, by hand.", when="value")
