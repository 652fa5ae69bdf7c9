"""How `elbo` is judged."""

from __future__ import annotations

import torch
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

elbo = Exercise("elbo", minutes=20, difficulty=2, returns=torch.Tensor)


def _expected(logits, pixels, mean, log_variance):
    """By torch's distributions, picture by picture, in double precision."""
    q = Normal(mean.double(), log_variance.double().exp().sqrt())
    totals = []
    for n in range(len(pixels)):
        seen = Bernoulli(logits=logits[n].double()).log_prob(pixels[n].double()).sum()
        standard = Normal(torch.zeros_like(q.mean[n]), torch.ones_like(q.mean[n]))
        totals.append(seen - kl_divergence(Normal(q.mean[n], q.stddev[n]), standard).sum())
    return torch.stack(totals).mean()


def _inputs(draw: Draw, batch: int, pixels: tuple[int, ...], latent: int, scale: float = 1.5):
    black = (normals(draw, batch, *pixels) > 0).float()
    logits = normals(draw, batch, *pixels, scale=scale)
    return logits, black, normals(draw, batch, latent), normals(draw, batch, latent)


@elbo.property("is the mean over pictures of log-likelihood minus divergence, in nats", trials=5)
def _(answer, draw: Draw) -> None:
    inputs = _inputs(draw, draw.size + 1, (5,), 3)
    expect(answer(*inputs), "the bound").has_shape().close_to(_expected(*inputs))


@elbo.property("takes pictures of any shape: (batch, 1, 3, 4)", trials=3)
def _(answer, draw: Draw) -> None:
    inputs = _inputs(draw, 2 + draw.size, (1, 3, 4), 2)
    expect(answer(*inputs), "the bound").close_to(_expected(*inputs))


@elbo.property("is −196 · ln 2 for a model of 14 × 14 pixels that knows nothing")
def _(answer, draw: Draw) -> None:
    pixels = (normals(draw, 2, 1, 14, 14) > 0).float()
    found = answer(torch.zeros(2, 1, 14, 14), pixels, torch.zeros(2, 3), torch.zeros(2, 3))
    expect(found, "the bound").close_to(-135.857)


@elbo.property("survives logits in the hundreds")
def _(answer, draw: Draw) -> None:
    inputs = _inputs(draw, 3, (4,), 2, scale=300.0)
    expect(answer(*inputs), "the bound").is_finite().close_to(_expected(*inputs))


@elbo.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    inputs = _inputs(draw, 1, (2, 3), 1)
    expect(answer(*inputs), "the bound").close_to(_expected(*inputs))


@elbo.property("lets gradients through to decoder and encoder")
def _(answer, draw: Draw) -> None:
    logits, pixels, mean, log_variance = _inputs(draw, 2, (4,), 2)
    found = answer(
        logits.requires_grad_(), pixels, mean.requires_grad_(), log_variance.requires_grad_()
    )
    expect(found.requires_grad, "whether a gradient can flow").equals(True)
    if found.requires_grad:
        expect(len(gradients_at_leaves(found)), "inputs that a gradient reaches").equals(3)


@elbo.right
def right_elbo(logits, pixels, mean, log_variance):
    surprise = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
    explained = -surprise.flatten(1).sum(1)
    divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1)
    return (explained - divergence).mean()


_RETURN, _EXPLAINED = "(explained - divergence).mean()", "-surprise.flatten(1).sum(1)"
_SURPRISE = 'F.binary_cross_entropy_with_logits(logits, pixels, reduction="none")'

elbo.slip(
    "mean_over_pixels",
    "You averaged over the pixels. Their log-probabilities *add*; the mean makes the picture weigh "
    "hundreds of times too little beside the divergence, and the posterior collapses to the prior.",
    {_EXPLAINED: "-surprise.flatten(1).mean(1)"},
)
elbo.slip(
    "squared_error",
    "You took the squared error of the pixels. That is no log-likelihood of black and white "
    "pixels, so what comes out is not in nats: take the Bernoulli log-probability.",
    {_SURPRISE: "(logits.sigmoid() - pixels).square()"},
)
elbo.slip(
    "divergence_added",
    "You added the divergence. It is what the code costs: subtract it.",
    {_RETURN: "(explained + divergence).mean()"},
)
elbo.slip(
    "loss_returned",
    "You returned the loss, minus the bound. Return the bound itself, a negative number here; the "
    "training loop flips the sign.",
    {_RETURN: "-(explained - divergence).mean()"},
)
elbo.slip(
    "without_divergence",
    "The divergence is missing: that is a plain autoencoder, and no bound on log p(x).",
    {_RETURN: "explained.mean()"},
)
elbo.slip(
    "divergence_averaged",
    "You averaged the divergence over the latent dimensions. They add.",
    {"- log_variance).sum(1)": "- log_variance).mean(1)"},
)
elbo.slip(
    "summed_over_batch",
    "You summed over the batch. Average over the pictures, so that the bound does not depend on "
    "the batch size.",
    {_RETURN: "(explained - divergence).sum()"},
)
elbo.slip(
    "sigmoid_first",
    "You applied the sigmoid before a function that contains it: the probabilities are then taken "
    "for logits.",
    {"with_logits(logits,": "with_logits(logits.sigmoid(),"},
)
elbo.slip(
    "logarithm_of_sigmoid",
    "You take logarithms of the sigmoid. At a logit of 300 it is rounded to 1, and the logarithm "
    "of 1 − 1 is −∞: binary_cross_entropy_with_logits takes the logits themselves.",
    {_SURPRISE: "-(pixels * logits.sigmoid().log() + (1 - pixels) * (1 - logits.sigmoid()).log())"},
)
elbo.slip(
    "clamped_probability",
    "torch's binary_cross_entropy of probabilities stops at a surprise of 100 for a pixel, and "
    "rounding spoils it earlier. Hand the logits to binary_cross_entropy_with_logits.",
    {_SURPRISE: 'F.binary_cross_entropy(logits.sigmoid(), pixels, reduction="none")'},
)
elbo.slip(
    "deviation_for_variance",
    "You took `log_variance` for the logarithm of the standard deviation. Its exponential is σ².",
    {
        "log_variance.exp() + mean.square() - 1 - log_variance": (
            "(2 * log_variance).exp() + mean.square() - 1 - 2 * log_variance"
        )
    },
)
elbo.slip(
    "white_pixels_forgotten",
    "You count the ink alone. A pixel that is 0 has a probability too, 1 − sigmoid(logit).",
    {_SURPRISE: "-pixels * F.logsigmoid(logits)"},
)
elbo.slip(
    "divergence_turned",
    "You took the divergence of the prior from the encoder's Gaussian. It is the other one: the "
    "mean is taken under the encoder's.",
    {
        "(log_variance.exp() + mean.square() - 1 - log_variance)": (
            "((-log_variance).exp() * (1 + mean.square()) - 1 + log_variance)"
        )
    },
)
elbo.slip(
    "means_everywhere",
    "You averaged over pixels and over latent dimensions. Both are sums; only the pictures are "
    "averaged.",
    {
        _EXPLAINED: "-surprise.flatten(1).mean(1)",
        "- log_variance).sum(1)": "- log_variance).mean(1)",
    },
)

elbo.slip(
    "prior_of_variance_e",
    "Your prior has a log variance of 1. The standard normal has variance 1, so a log variance of "
    "0.",
    {
        "(log_variance.exp() + mean.square() - 1 - log_variance)": (
            "((log_variance - 1).exp() + mean.square() / 2.718281828459045 - log_variance)"
        )
    },
)
elbo.slip(
    "prior_around_one",
    "Your prior has mean 1. The standard normal has mean 0.",
    {"mean.square()": "(mean - 1).square()"},
)
elbo.slip(
    "divergence_without_half",
    "The factor ½ of the divergence is missing.",
    {"0.5 * (log_variance.exp()": "(log_variance.exp()"},
)
elbo.slip(
    "divergence_of_the_batch",
    "You subtracted the divergence of the whole batch from each picture. Each picture pays for its "
    "own code.",
    {_RETURN: "(explained - divergence.sum()).mean()"},
)
elbo.slip(
    "pixels_of_the_batch",
    "You added up the pixels of the whole batch, and subtracted a mean divergence. Average the "
    "pictures in both.",
    {_RETURN: "explained.sum() - divergence.mean()"},
)
elbo.slip(
    "log_variance_forgotten",
    "The logarithm of the variance is missing in the divergence, so narrow codes are free.",
    {"- 1 - log_variance)": "- 1)"},
)
elbo.slip(
    "ink_exchanged",
    "You exchanged ink and paper. The logit is that of ink, of a pixel that is 1.",
    {"with_logits(logits,": "with_logits(-logits,"},
)
elbo.slip(
    "probability_for_logarithm",
    "You added up probabilities of the pixels. Add their logarithms.",
    {_EXPLAINED: "(-surprise).exp().flatten(1).sum(1)"},
)
elbo.slip(
    "in_bits",
    "You divided by ln 2: these are bits. Everything on this page is in nats.",
    {_RETURN: "(explained - divergence).mean() / 0.6931471805599453"},
)
elbo.slip(
    "one_for_each_picture",
    "You returned one bound for each picture. Return their mean.",
    {_RETURN: "explained - divergence"},
)


@elbo.mistake(
    "You summed the pixels over one dimension alone. A picture may have several, as (1, 14, 14): "
    "flatten it first, and sum all its pixels."
)
def one_dimension_summed(logits, pixels, mean, log_variance):
    surprise = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(1)
    divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1)
    return -surprise.mean() - divergence.mean()


@elbo.mistake(
    "You summed the pixels over the last dimension alone. A picture may have several, as "
    "(1, 14, 14): flatten it first, and sum all its pixels."
)
def last_dimension_summed(logits, pixels, mean, log_variance):
    surprise = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(-1)
    divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1)
    return -surprise.mean() - divergence.mean()


def _limited(logits, pixels, by):
    sure = logits.sigmoid().clamp(by, 1 - by)
    return -(pixels * sure.log() + (1 - pixels) * (1 - sure).log())


elbo.slip(
    "probability_limited",
    "You kept the probabilities away from 0 and 1. No surprise is then larger than about 16 nats: "
    "binary_cross_entropy_with_logits takes the logits themselves.",
    {_SURPRISE: "_limited(logits, pixels, 1e-7)"},
)
elbo.slip(
    "probability_limited_far",
    "You kept the probabilities well away from 0 and 1, so large surprises are cut off. "
    "binary_cross_entropy_with_logits takes the logits themselves.",
    {_SURPRISE: "_limited(logits, pixels, 1e-6)"},
)


@elbo.mistake(
    "You added a small number inside the logarithm, so no surprise is larger than its logarithm "
    "says. binary_cross_entropy_with_logits takes the logits themselves."
)
def epsilon_in_logarithm(logits, pixels, mean, log_variance):
    sure = logits.sigmoid()
    seen = pixels * (sure + 1e-8).log() + (1 - pixels) * (1 - sure + 1e-8).log()
    divergence = 0.5 * (log_variance.exp() + mean.square() - 1 - log_variance).sum(1)
    return (seen.flatten(1).sum(1) - divergence).mean()


elbo.hint("Two numbers for each picture: the log-probability of all its pixels, and a divergence.")
elbo.hint('`F.binary_cross_entropy_with_logits(…, reduction="none")`, then flatten(1).sum(1).')
elbo.hint("Which sums stay sums: pixels, latent dimensions, pictures?", when="factor")
elbo.hint("Is your number negative? A log-probability of pixels is.", when="sign")
elbo.hint("Begin with a model that knows nothing: logits 0, mean 0, log variance 0.", when="value")
