"""How `estimator_report` is judged: long samples would find what it adds up."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

estimator_report = Exercise(
    "estimator_report", minutes=20, difficulty=2, returns=tuple[float, Tensor, Tensor]
)


def _added_up(policy, start) -> tuple[float, list[float], list[float]]:
    p, q = policy.double().tolist(), start.double().tolist()
    kl = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)
    values = []
    for a, b in zip(p, q, strict=True):
        if a > 0:
            log_ratio = math.log(b / a)
            values.append((a, (-log_ratio, log_ratio**2 / 2, b / a - 1 - log_ratio)))
    means = [sum(a * v[k] for a, v in values) for k in range(3)]
    spreads = [
        math.sqrt(max(sum(a * v[k] ** 2 for a, v in values) - means[k] ** 2, 0.0)) for k in range(3)
    ]
    return kl, [round(mean - kl, 14) for mean in means], spreads


def _expect_report(answer, policy, start) -> None:
    kl, biases, spreads = _added_up(policy, start)
    found = answer(policy, start)
    expect(found[0], "the KL").close_to(kl, atol=1e-6)
    expect(found[1], "the biases of k1, k2, k3").has_shape(3).close_to(biases, atol=1e-5)
    expect(found[2], "the standard deviations of k1, k2, k3").has_shape(3).close_to(
        spreads, atol=1e-5
    )


def _shares(draw: Draw, words: int):
    weights = torch.tensor([draw.integers(1, 30) for _ in range(words)]).double()
    return weights / weights.sum()


@estimator_report.property("adds up what sampling would estimate", trials=6)
def _(answer, draw: Draw) -> None:
    words = draw.size + 1
    _expect_report(answer, _shares(draw, words), _shares(draw, words))


@estimator_report.property("is 0 throughout for equal models", trials=2)
def _(answer, draw: Draw) -> None:
    shares = _shares(draw, draw.size + 2)
    _expect_report(answer, shares, shares.clone())


@estimator_report.property("finds a bias of k3 where the policy never writes a token", trials=3)
def _(answer, draw: Draw) -> None:
    policy = torch.tensor([0.0, 0.35, 0.65]).double()[torch.tensor(draw.rng.permutation(3))]
    _expect_report(answer, policy, _shares(draw, 3))


@estimator_report.property("shows how little k2 is worth far away", trials=2)
def _(answer, draw: Draw) -> None:
    far = draw.choice([0.01, 0.02, 0.04])
    policy, start = torch.tensor([1 - far, far]).double(), torch.tensor([0.2, 0.8]).double()
    _expect_report(answer, policy, start)
    _expect_report(answer, start, policy)


@estimator_report.right
def right_report(policy, start):
    written = policy > 0
    p, q = policy[written], start[written]
    log_r = (q / p).log()
    k = torch.stack([-log_r, log_r.square() / 2, q / p - 1 - log_r])
    means = (p * k).sum(dim=1)
    kl = (p * (p / q).log()).sum()
    spreads = (p * (k - means[:, None]).square()).sum(dim=1).sqrt()
    return float(kl), means - kl, spreads


_SLIPS = {
    "start_as_weight": (
        "You weighted by the start. The samples come from the policy.",
        {"means = (p * k)": "means = (q * k)", "spreads = (p * (k": "spreads = (q * (k"},
    ),
    "unweighted": (
        "You counted every token alike. Each comes as often as the policy writes it.",
        {"means = (p * k).sum(dim=1)": "means = k.mean(dim=1)",
         "(p * (k - means[:, None]).square()).sum(dim=1)":
         "(k - means[:, None]).square().mean(dim=1)"},
    ),
    "means_returned": (
        "You returned the means. The bias is how far a mean lies from the KL.",
        {"means - kl, spreads": "means, spreads"},
    ),
    "bias_sign": (
        "Your biases have the wrong sign: the mean minus the truth.",
        {"means - kl, spreads": "kl - means, spreads"},
    ),
    "absolute_bias": (
        "You gave distances. A bias has a sign: whether too much is reported or too little.",
        {"means - kl, spreads": "(means - kl).abs(), spreads"},
    ),
    "relative_bias": (
        "You divided the biases by the KL. They are asked for in nats.",
        {"means - kl, spreads": "(means - kl) / kl.clamp(min=1e-12), spreads"},
    ),
    "variances": (
        "You gave variances. A standard deviation is the root.",
        {".sum(dim=1).sqrt()": ".sum(dim=1)"},
    ),
    "spread_about_the_truth": (
        "You measured the spread about the KL, bias and all. A standard deviation is about the "
        "estimator's own mean.",
        {"k - means[:, None]": "k - kl"},
    ),
    "raw_second_moment": (
        "You did not take the mean off before squaring.",
        {"(k - means[:, None])": "k"},
    ),
    "k3_turned_over": (
        "Your k3 has p/q in it. When the policy writes the samples, r is q/p.",
        {"q / p - 1 - log_r": "p / q - 1 + log_r"},
    ),
    "k2_not_halved": (
        "Your k2 is not halved.",
        {"log_r.square() / 2": "log_r.square()"},
    ),
    "k1_sign": (
        "Your k1 has the wrong sign: −log r, which is log p − log q.",
        {"torch.stack([-log_r,": "torch.stack([log_r,"},
    ),
    "reverse_kl": (
        "Your KL is that of the start from the policy. Asked for is KL(policy ‖ start).",
        {"(p * (p / q).log()).sum()": "(q * (q / p).log()).sum()"},
    ),
    "zero_not_left_out": (
        "A token that the policy never writes made NaN of your sums. It never comes: leave it "
        "out.",
        {"written = policy > 0": "written = policy >= 0"},
    ),
    "k3_always_unbiased": (
        "You took k3 for unbiased whatever the models. Its r − 1 has mean 0 only if the policy "
        "can "
        "write all that the start can.",
        {"means - kl, spreads": "(means - kl) * torch.tensor([1.0, 1.0, 0.0]), spreads"},
    ),
    "in_bits": (
        "Your KL is in bits. Nats are asked for.",
        {"(p * (p / q).log()).sum()": "(p * (p / q).log2()).sum()"},
    ),
    "sample_deviation": (
        "You divided by one token less. These are sums over a whole distribution, not a sample.",
        {".sum(dim=1).sqrt()": ".sum(dim=1).mul(len(p) / max(len(p) - 1, 1)).sqrt()"},
    ),
    "kl_by_k2": (
        "You took the mean of k2 for the KL. It is an approximation; the KL is Σ p log p/q.",
        {"kl = (p * (p / q).log()).sum()":
         "kl = means[1]"},
    ),
    "kl_by_k3": (
        "You took the mean of k3 for the KL. Where the policy's probability of a word is 0 it "
        "is another number: the KL is Σ p log p/q.",
        {"kl = (p * (p / q).log()).sum()":
         "kl = means[2]"},
    ),
    "spread_unweighted": (
        "Your spread counts every word alike. Each comes as often as the policy writes it.",
        {"spreads = (p * (k - means[:, None]).square()).sum(dim=1).sqrt()":
         "spreads = k.std(dim=1, correction=0)"},
    ),
    "spread_of_words": (
        "Your spread counts every word alike, and divides by one less. Each comes as often as "
        "the policy writes it.",
        {"spreads = (p * (k - means[:, None]).square()).sum(dim=1).sqrt()":
         "spreads = k.std(dim=1)"},
    ),
    "spread_of_products": (
        "You took the spread of p·k. Weigh the squares by p, not the values.",
        {"spreads = (p * (k - means[:, None]).square()).sum(dim=1).sqrt()":
         "spreads = (p * k).std(dim=1)"},
    ),
    "mean_distance": (
        "You gave the mean distance from the mean. A standard deviation is the root of the "
        "mean square.",
        {"(p * (k - means[:, None]).square()).sum(dim=1).sqrt()":
         "(p * (k - means[:, None]).abs()).sum(dim=1)"},
    ),
    "start_made_to_add_up": (
        "You made the start add up to 1 over the words that the policy writes. Its "
        "probabilities stay as they are.",
        {"p, q = policy[written], start[written]":
         "p, q = policy[written], start[written]\n    q = q / q.sum()"},
    ),
    "small_number_for_zero": (
        "You put a small number for a probability of 0. Such a word is never drawn: leave it "
        "out.",
        {"p, q = policy[written], start[written]":
         "p, q = policy.clamp(min=1e-8), start"},
    ),
    "error_of_the_mean": (
        "You divided by the root of the number of words. That is no sample: it is the whole "
        "distribution.",
        {".sum(dim=1).sqrt()":
         ".sum(dim=1).sqrt() / len(p) ** 0.5"},
    ),
    "entropy": (
        "You gave the policy's entropy for the KL. The start belongs into the logarithm.",
        {"kl = (p * (p / q).log()).sum()":
         "kl = -(p * p.log()).sum()"},
    ),
    "relative_deviations": (
        "You divided the deviations by the mean. They are asked for in nats.",
        {".sum(dim=1).sqrt()":
         ".sum(dim=1).sqrt() / means[0].clamp(min=1e-12)"},
    ),
    "order": (
        "The estimators come in another order: k1, k2, k3.",
        {"[-log_r, log_r.square() / 2, q / p - 1 - log_r]":
         "[-log_r, q / p - 1 - log_r, log_r.square() / 2]"},
    ),
    "means_by_the_start": (
        "You weighted the means by the start. The samples come from the policy.",
        {"means = (p * k)":
         "means = (q * k)"},
    ),
    "means_unweighted": (
        "Your means count every word alike. Each comes as often as the policy writes it.",
        {"means = (p * k).sum(dim=1)":
         "means = k.mean(dim=1)"},
    ),
    "ratio_turned_over": (
        "Your r is p/q. When the policy writes the samples it is q/p, the start's "
        "probability over the policy's.",
        {"log_r = (q / p).log()":
         "log_r = (p / q).log()",
         "q / p - 1 - log_r":
         "p / q - 1 - log_r"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    estimator_report.slip(_name, _message, _edits)

estimator_report.hint("An estimator gives one number for each token. How often does each come?")
estimator_report.hint("Mean: Σ p k. Variance: Σ p (k − mean)².")
estimator_report.hint("What is Σ p (q/p − 1) if p is 0 somewhere, and q is not?",
                      when="finds a bias of k3 where the policy never writes a token")  # fmt: skip
