"""How `gaussian_kl` is judged."""

from __future__ import annotations

import torch
from torch.distributions import Normal, kl_divergence

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

gaussian_kl = Exercise("gaussian_kl", minutes=15, difficulty=1, returns=torch.Tensor)


def _expected(mean, log_variance, other_mean, other_log_variance):
    q = Normal(mean.double(), log_variance.double().exp().sqrt())
    p = Normal(other_mean.double(), other_log_variance.double().exp().sqrt())
    return kl_divergence(q, p).sum(-1)


@gaussian_kl.property("of two Gaussians is what torch's distributions say", trials=5)
def _(answer, draw: Draw) -> None:
    inputs = [normals(draw, draw.size + 1, 3) for _ in range(4)]
    expect(answer(*inputs), "the divergences").close_to(_expected(*inputs))


@gaussian_kl.property("of the page's point and the standard normal is a half")
def _(answer, draw: Draw) -> None:
    mean, zeros = torch.tensor([[0.6, 0.8]]), torch.zeros(1, 2)
    expect(answer(mean, zeros, zeros, zeros), "the divergence").close_to([0.5])


@gaussian_kl.property("of a Gaussian and itself is 0")
def _(answer, draw: Draw) -> None:
    mean, log_variance = normals(draw, 3, 4), normals(draw, 3, 4)
    found = answer(mean, log_variance, mean, log_variance)
    expect(found, "the divergences").close_to([0.0] * 3, atol=1e-6)


@gaussian_kl.property("adds up over dimensions and keeps the batch", trials=4)
def _(answer, draw: Draw) -> None:
    inputs = [normals(draw, 2, draw.size) for _ in range(4)]
    expect(answer(*inputs), "the divergences").has_shape(2).close_to(_expected(*inputs))


@gaussian_kl.property("survives log variances of −60 and 60")
def _(answer, draw: Draw) -> None:
    mean, zeros = normals(draw, 1, 2), torch.zeros(1, 2)
    for low in (-60.0, 60.0):
        inputs = (mean, zeros + low, zeros, zeros + low + 1.0)
        expect(answer(*inputs), f"at log variances near {low}").close_to(_expected(*inputs))


@gaussian_kl.property("lets gradients through to all four")
def _(answer, draw: Draw) -> None:
    inputs = [normals(draw, 2, 3).requires_grad_() for _ in range(4)]
    found = answer(*inputs).sum()
    expect(found.requires_grad, "whether a gradient can flow").equals(True)
    if found.requires_grad:
        expect(len(gradients_at_leaves(found)), "inputs that a gradient reaches").equals(4)


@gaussian_kl.right
def right_kl(mean, log_variance, other_mean, other_log_variance):
    ratio = log_variance - other_log_variance
    gap = (mean - other_mean).square() / other_log_variance.exp()
    return 0.5 * (ratio.exp() - ratio - 1 + gap).sum(-1)


_SUM = "0.5 * (ratio.exp() - ratio - 1 + gap).sum(-1)"

gaussian_kl.slip(
    "other_way_round",
    "You computed the divergence the other way round. KL(q ‖ p) averages under q, the first of "
    "the two, and is not symmetric: whose variance divides the gap between the means?",
    {
        "log_variance - other_log_variance": "other_log_variance - log_variance",
        "/ other_log_variance.exp()": "/ log_variance.exp()",
    },
)
gaussian_kl.slip(
    "mean_over_dimensions",
    "You averaged over the dimensions. Independent dimensions *add* their divergences; the mean "
    "makes the divergence weigh too little in the ELBO.",
    {".sum(-1)": ".mean(-1)"},
)
gaussian_kl.slip(
    "summed_over_batch",
    "You summed over the batch as well. One number for each example comes back: sum over the last "
    "dimension alone.",
    {".sum(-1)": ".sum()"},
)
gaussian_kl.slip(
    "without_half",
    "The factor ½ is missing: it comes from the exponent of the Gaussian's density.",
    {"0.5 * (": "("},
)
gaussian_kl.slip(
    "log_deviation",
    "You took the inputs for logarithms of standard deviations. They are of *variances*: σ² = "
    "e^{log variance}.",
    {
        "log_variance - other_log_variance": "2 * (log_variance - other_log_variance)",
        "other_log_variance.exp()": "(2 * other_log_variance).exp()",
    },
)
gaussian_kl.slip(
    "gap_not_scaled",
    "You left the gap between the means undivided. It counts in units of the second Gaussian's "
    "variance; only for the standard normal that is 1.",
    {" / other_log_variance.exp()": ""},
)
gaussian_kl.slip(
    "other_is_standard",
    "You compare with the standard normal, whatever the second Gaussian is. Both have a mean and "
    "a variance of their own here.",
    {
        "log_variance - other_log_variance": "log_variance",
        "(mean - other_mean).square() / other_log_variance.exp()": "mean.square()",
    },
)
gaussian_kl.slip(
    "without_one",
    "The −1 is missing, so that a Gaussian does not have divergence 0 from itself.",
    {" - 1 + gap": " + gap"},
)
gaussian_kl.slip(
    "negative_divergence",
    "The sign is flipped. A divergence is never negative: the ELBO subtracts it.",
    {_SUM: f"-{_SUM}"},
)
gaussian_kl.slip(
    "gap_not_squared",
    "The gap between the means enters squared.",
    {".square()": ".abs()"},
)
gaussian_kl.slip(
    "in_bits",
    "You divided by ln 2: these are bits. Everything on this page is in nats.",
    {_SUM: f"{_SUM} / 0.6931471805599453"},
)
gaussian_kl.slip(
    "ratio_of_exponentials",
    "You divide e^{log variance} by another. Near 100 or −100 each is infinite or 0 in float32 "
    "before they are divided: take the exponential of the difference.",
    {
        "ratio.exp()": "(2 * log_variance).exp() / (log_variance + other_log_variance).exp()",
    },
)
gaussian_kl.slip(
    "difference_of_squares",
    "You subtracted squared means. The gap between the means is squared as a whole.",
    {"(mean - other_mean).square()": "(mean.square() - other_mean.square())"},
)
gaussian_kl.slip(
    "gap_over_deviation",
    "You divided the squared gap by the second Gaussian's standard deviation. Divide by its "
    "variance.",
    {"/ other_log_variance.exp()": "/ (other_log_variance / 2).exp()"},
)
gaussian_kl.slip(
    "gap_over_own_variance",
    "You divided the gap by the first Gaussian's variance. It counts in units of the second's.",
    {"/ other_log_variance.exp()": "/ log_variance.exp()"},
)
gaussian_kl.slip(
    "log_variance_limited",
    "You limited the log variances. From −60 to 60 nothing overflows here: take them as they are.",
    {
        "log_variance - other_log_variance": (
            "log_variance.clamp(-20, 20) - other_log_variance.clamp(-20, 20)"
        ),
        "/ other_log_variance.exp()": "/ other_log_variance.clamp(-20, 20).exp()",
    },
)

gaussian_kl.slip(
    "one_subtracted_once",
    "You subtracted 1 once a row. Every dimension has its own −1.",
    {_SUM: "0.5 * ((ratio.exp() - ratio + gap).sum(-1) - 1)"},
)
gaussian_kl.slip(
    "half_of_a_part",
    "The factor ½ stands before a part of the sum only. It belongs to all four terms.",
    {_SUM: "(0.5 * (ratio.exp() - 1 + gap) - ratio).sum(-1)"},
)
gaussian_kl.slip(
    "half_without_the_gap",
    "You did not halve the gap between the means. The factor ½ belongs to all four terms.",
    {_SUM: "(0.5 * (ratio.exp() - ratio - 1) + gap).sum(-1)"},
)
gaussian_kl.slip(
    "logarithm_added",
    "You added log σ_q² − log σ_p². It is subtracted: a narrower q costs more.",
    {"ratio.exp() - ratio": "ratio.exp() + ratio"},
)
gaussian_kl.slip(
    "ratio_turned_round",
    "You divided the variances the other way round. In the sum stands σ_q² / σ_p².",
    {"ratio.exp()": "(-ratio).exp()"},
)
gaussian_kl.slip(
    "logarithm_left_out",
    "The logarithm of the variances is missing. Without it, a Gaussian narrower than p would cost "
    "less than nothing.",
    {" - ratio - 1": " - 1"},
)
gaussian_kl.slip(
    "log_variance_for_variance",
    "You took log variances for variances. Their exponentials are σ².",
    {"ratio.exp()": "log_variance / other_log_variance"},
)
gaussian_kl.slip(
    "second_mean_left_out",
    "You squared the first mean. What counts is the gap between both means.",
    {"(mean - other_mean)": "mean"},
)
gaussian_kl.slip(
    "summed_over_the_wrong_axis",
    "You summed over the batch. Each row keeps its own number: sum over the dimensions.",
    {".sum(-1)": ".sum(0)"},
)
gaussian_kl.slip(
    "not_summed",
    "You did not sum over the dimensions. One number for each row comes back.",
    {".sum(-1)": ""},
)
gaussian_kl.slip(
    "halves_in_deviations",
    "You multiplied the log variances by 2 where the variances are taken, and not where the "
    "logarithms are. They are logarithms of variances already.",
    {
        "ratio.exp()": "(2 * ratio).exp()",
        "other_log_variance.exp()": "(2 * other_log_variance).exp()",
    },
)


@gaussian_kl.mistake(
    "You took the inputs for logarithms of standard deviations, and squared their exponentials. "
    "They are logarithms of *variances*: σ² = e^{log variance}."
)
def squared_deviation(mean, log_variance, other_mean, other_log_variance):
    own, other = log_variance.exp(), other_log_variance.exp()
    spread = (own.square() + (mean - other_mean).square()) / (2 * other.square())
    return (other_log_variance - log_variance + spread - 0.5).sum(-1)


@gaussian_kl.mistake(
    "You added a small number to a variance before you divided by it. At a log variance of −60 it "
    "is larger than the variance itself: take exponentials of differences of logarithms."
)
def variance_padded(mean, log_variance, other_mean, other_log_variance):
    other = other_log_variance.exp() + 1e-8
    spread = (log_variance.exp() + (mean - other_mean).square()) / other
    return 0.5 * (spread - 1 - log_variance + other_log_variance).sum(-1)


gaussian_kl.hint(
    "Write log q(z) − log p(z) in one dimension, and average it under q, term by term."
)
gaussian_kl.hint("Under q the mean of (z − m_p)² is v_q + (m_q − m_p)².")
gaussian_kl.hint(
    "By hand: q = N(1, 1), p = N(0, 4), that is log variances 0 and ln 4: 0.443 nats.", when="value"
)
gaussian_kl.hint("Which dimension is summed, and which one stays?", when="shape")
