# ---
# title: "Modeling objectives"
# subtitle: One line for the map of chapters, on what the page is about and what comes out of it
# part: research
# hours: 2
# needs: []
# teaches: [moving average]
# builds: a moving average
# number: the number that the reader's own result has to match, and how closely
# data: synthetic
# run: null
# readings: []
# sections:
#   - {id: data, heading: "The data", for: "every experiment of the page is judged on it", needs: []}
#   - {id: moving_average, heading: "One idea, one exercise", for: "a convolution is the same with weights that are learned", needs: [data]}
# recall:
#   - {id: windows, section: moving_average, transfer: false, q: "How many windows of $k$ neighbours are there in a list of $n$ numbers?", a: "$n - k + 1$. The first begins at place 0, and the last at place $n - k$."}
#   - {id: window_of_one, section: moving_average, transfer: true, q: "What does a window of 1 do?", a: "Nothing. Each number is its own mean."}
#   - {id: spread_of_four, section: moving_average, transfer: true, q: "Noise has a spread of 1. What is its spread after a moving average over 4 independent numbers?", a: "1/2: the spread of a mean of $k$ independent numbers falls with the root of $k$."}
#   - {id: jump, section: data, transfer: false, q: "A series jumps from 0 to 1. What does a moving average over $k$ numbers make of the jump?", a: "A ramp that takes $k$ steps. What calms the noise also blurs the edge."}
#   - {id: whole_series, section: moving_average, transfer: true, q: "The window is as long as the series. What comes out?", a: "One number, the mean of all."}
#   - {id: place_of_a_mean, section: moving_average, transfer: false, q: "At which place does a mean over 9 neighbours belong in a plot?", a: "In the middle of its window, four places after its first neighbour."}
# predictions:
#   - {id: calmed_spread, ask: "What is the spread after a moving average over 9 readings, on the flat part before the step?", within: 0.03, because: "The spread of a mean of 9 independent numbers is a third of the spread of one."}
# written:
#   - {id: calmer_curve, ask: "What do you pay for a calmer curve?", rubric: ["the edge is blurred", "over as many readings as the window is long"], answer: "The step becomes a ramp as long as the window: what calms the noise also blurs the edge."}
# ---

# %% [markdown]
# # Modelling objectives

# %% tags=["setup"]
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import chapter, check

chapter("research/05_modeling_objectives")

# %% exercise="two_view_loss"
def two_view_loss(z: Tensor, temperature: float) -> Tensor:
    """Compute the contrastive loss of pairs of views, in nats.

    Parameters
    ----------
    z : shape (2n, d), vectors of length 1; rows i and i + n are two views of the same picture
    temperature : positive, down to 0.001

    Returns
    -------
    one number: the mean over all 2n anchors of −log of the share that the anchor's partner has in a
        softmax of similarity / temperature over the 2n − 1 *other* rows. With n = 1 it is 0.
    """
    ### BEGIN SOLUTION
    n = len(z) // 2
    itself = torch.eye(2 * n, dtype=torch.bool)
    scores = (z @ z.T / temperature).masked_fill(itself, -math.inf)
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))
    ### END SOLUTION


# %% check="two_view_loss"
check(two_view_loss)

# %% exercise="supervised_contrastive_loss"
def supervised_contrastive_loss(z: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Compute the contrastive loss that sees labels, in nats.

    This loss is told which pictures belong together, by their labels. It is not self-supervised.

    Parameters
    ----------
    z : shape (n, d), vectors of length 1, n at least 2
    labels : int64 of shape (n,)
    temperature : positive, down to 0.001

    Returns
    -------
    one number. For each anchor: the mean, over its positives (the other rows with its label), of −log
        of the positive's share in a softmax over all other rows. Then the mean over those anchors
        that have a positive; 0 where none has. The gradient is finite always.
    """
    ### BEGIN SOLUTION
    others = ~torch.eye(len(z), dtype=torch.bool)
    positive = (labels[:, None] == labels) & others
    scores = (z @ z.T / temperature).masked_fill(~others, -math.inf)
    log_share = scores.log_softmax(dim=1).masked_fill(~positive, 0.0)
    counts = positive.sum(dim=1)
    of_each = -log_share.sum(dim=1) / counts.clamp(min=1)
    return of_each.sum() / (counts > 0).sum().clamp(min=1)
    ### END SOLUTION


# %% check="supervised_contrastive_loss"
check(supervised_contrastive_loss)

# %% exercise="classify_by_mean_similarity"
def classify_by_mean_similarity(queries: Tensor, examples: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Give each query the class whose examples are most similar to it on average.

    Parameters
    ----------
    queries : shape (m, d), vectors of any length but 0
    examples : shape (n, d), vectors of any length but 0
    labels : int64 of shape (n,), the examples' classes, in any order and any numbers of each
    classes : how many classes there are; some may have no example, and are never the answer

    Returns
    -------
    int64 of shape (m,): the class with the highest mean cosine of the angle to its examples
    """
    ### BEGIN SOLUTION
    similarity = F.normalize(queries, dim=1) @ F.normalize(examples, dim=1).T
    means = torch.full((len(queries), classes), -math.inf)
    for label in labels.unique():
        means[:, label] = similarity[:, labels == label].mean(dim=1)
    return means.argmax(dim=1)
    ### END SOLUTION


# %% check="classify_by_mean_similarity"
check(classify_by_mean_similarity)

# %% exercise="diagnose_embedding"
def diagnose_embedding(z: Tensor, labels: Tensor) -> str:
    """Say what is wrong with an embedding, by the table above.

    Parameters
    ----------
    z : shape (n, d), one vector for each picture
    labels : int64 of shape (n,); at least two labels, and at least one of them twice

    Returns
    -------
    "not normalised", "collapsed", "mixed", "one direction" or "healthy": the first row of the table
        that applies. A vector is never compared with itself. Mean similarities run over all pairs.
    """
    ### BEGIN SOLUTION
    if ((z.norm(dim=1) - 1).abs() > 0.01).any():
        return "not normalised"
    same = labels[:, None] == labels
    others = ~torch.eye(len(z), dtype=torch.bool)
    similarity = z @ z.T
    within, across = similarity[same & others].mean(), similarity[~same].mean()
    if across > 0.9:
        return "collapsed"
    if within - across < 0.2:
        return "mixed"
    variances = torch.linalg.svdvals(z - z.mean(dim=0)) ** 2
    return "one direction" if variances[0] > 0.9 * variances.sum() else "healthy"
    ### END SOLUTION


# %% check="diagnose_embedding"
check(diagnose_embedding)

# %% exercise="gaussian_kl"
def gaussian_kl(mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor) -> Tensor:
    """Compute KL(q ‖ p) of two Gaussians with independent dimensions, in nats.

    Parameters
    ----------
    mean, log_variance : shape (batch, d), of q; log_variance is log σ², from −60 to 60
    other_mean, other_log_variance : shape (batch, d), of p; the two log variances differ by little
        where they are large

    Returns
    -------
    shape (batch,): one divergence for each row
    """
    ### BEGIN SOLUTION
    ratio = log_variance - other_log_variance
    gap = (mean - other_mean).square() / other_log_variance.exp()
    return 0.5 * (ratio.exp() - ratio - 1 + gap).sum(dim=-1)
    ### END SOLUTION


# %% check="gaussian_kl"
check(gaussian_kl)

# %% exercise="elbo"
def elbo(logits: Tensor, pixels: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute the evidence lower bound of a VAE with black and white pixels, in nats a picture.

    Parameters
    ----------
    logits : shape (batch, …), the decoder's logit of ink at every pixel; may be in the hundreds
    pixels : float of the same shape, 0 or 1
    mean, log_variance : shape (batch, latent), the encoder's Gaussian; the prior is standard normal

    Returns
    -------
    one number, the mean over the pictures of: log-probability of all pixels of a picture, minus
        the divergence of its Gaussian from the prior
    """
    ### BEGIN SOLUTION
    surprise = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
    prior = torch.zeros_like(mean)
    divergence = gaussian_kl(mean, log_variance, prior, prior)
    return (-surprise.flatten(1).sum(dim=1) - divergence).mean()
    ### END SOLUTION


# %% check="elbo"
check(elbo)

# %% exercise="importance_log_likelihood"
def importance_log_likelihood(log_joint: Tensor, log_proposal: Tensor) -> tuple[float, float]:
    """Estimate log p(x) of one picture from samples of its encoder, with an error bar.

    Parameters
    ----------
    log_joint : float64 of shape (K,), log p(x, z) at K samples z of the proposal, perhaps near −2000
    log_proposal : float64 of shape (K,), log q(z) at the same samples

    Returns
    -------
    the estimate: the logarithm of the mean weight w = p(x, z) / q(z), in nats
    its standard error: the standard deviation of the weights (with K − 1), divided by their mean
        and by √K

    Raises
    ------
    ValueError : the effective number of samples, (Σw)² / Σw², is below 10 (by more than rounding)
    """
    ### BEGIN SOLUTION
    log_weights = log_joint - log_proposal
    highest = log_weights.max()
    weights = (log_weights - highest).exp()
    effective = weights.sum() ** 2 / weights.square().sum()
    if effective < 10 - 1e-6:
        raise ValueError(f"only {effective:.1f} of {len(weights)} samples carry the weight")
    error = weights.std() / weights.mean() / math.sqrt(len(weights))
    return (weights.mean().log() + highest).item(), error.item()
    ### END SOLUTION


# %% check="importance_log_likelihood"
check(importance_log_likelihood)

# %% exercise="latent_walk"
def latent_walk(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Walk from one latent vector to another along a great circle.

    Parameters
    ----------
    start, end : shape (d,), neither of them 0
    steps : how many points, both ends among them; at least 2

    Returns
    -------
    shape (steps, d): the direction turns by the same angle at every step, and the length changes by
        the same amount. Where both point the same way the walk is a straight line.

    Raises
    ------
    ValueError : the two point in opposite directions (an angle within 0.001 of π)
    """
    ### BEGIN SOLUTION
    share = torch.linspace(0, 1, steps)[:, None]
    first, last = start.norm(), end.norm()
    u, v = start / first, end / last
    angle = torch.arccos((u @ v).clamp(-1, 1))
    if angle > math.pi - 0.001:
        raise ValueError("between opposite directions no great circle is the shortest")
    if angle < 0.001:
        return (1 - share) * start + share * end
    turned = (((1 - share) * angle).sin() * u + (share * angle).sin() * v) / angle.sin()
    return ((1 - share) * first + share * last) * turned
    ### END SOLUTION


# %% check="latent_walk"
check(latent_walk)

# %% exercise="gan_losses"
def gan_losses(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the losses of a discriminator and of a generator that does not give up, in nats.

    Parameters
    ----------
    real_logits, fake_logits : the discriminator's logits of "real" for a batch of real pictures and
        for one of forgeries, of shape (n,) or (n, 1); the batches may differ in size, and logits may
        be in the hundreds

    Returns
    -------
    the discriminator's loss: its mean surprise at the real batch plus its mean surprise at the fake one
    the generator's loss: the mean of −log of the probability that a forgery is taken for real
    """
    ### BEGIN SOLUTION
    judge = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    return judge, F.softplus(-fake_logits).mean()
    ### END SOLUTION


# %% check="gan_losses"
check(gan_losses)

# %% exercise="modes_covered"
def modes_covered(counts: list[int], least: float) -> tuple[int, int]:
    """Say how many classes a generator surely covers, and how many it surely misses.

    Parameters
    ----------
    counts : for each class, how many of the generator's pictures a classifier took for it
    least : the share that counts as covered, between 0 and 1

    Returns
    -------
    covered : the number of classes whose 95 % interval (Wilson's, z = 1.96) lies above `least`
    missed : the number of classes whose interval lies below `least`. The others are undecided.

    Raises
    ------
    ValueError : there are no pictures at all
    """
    ### BEGIN SOLUTION
    n, z = sum(counts), 1.96
    if n == 0:
        raise ValueError("nothing follows from no pictures")
    shares = torch.tensor(counts) / n
    middle = (shares + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (shares * (1 - shares) / n + z**2 / (4 * n**2)).sqrt()
    return int((middle - half > least).sum()), int((middle + half < least).sum())
    ### END SOLUTION


# %% check="modes_covered"
check(modes_covered)

# %% exercise="noise_levels"
def noise_levels(steps: int, schedule: str) -> Tensor:
    """Compute which share of a picture's variance is left after each step of noise.

    Parameters
    ----------
    steps : T, at least 2
    schedule : "linear" or "cosine", by the table above

    Returns
    -------
    float32 of shape (steps + 1,): entry t is ᾱ after t steps, so the first is 1. No step adds more
        than 0.999 of the variance.

    Raises
    ------
    ValueError : any other schedule
    """
    ### BEGIN SOLUTION
    if schedule == "linear":
        added = torch.linspace(1e-4, 0.02, steps, dtype=torch.float64) * 1000 / steps
    elif schedule == "cosine":
        done = torch.arange(steps + 1, dtype=torch.float64) / steps
        left = torch.cos((done + 0.008) / 1.008 * math.pi / 2) ** 2
        added = 1 - left[1:] / left[:-1]
    else:
        raise ValueError(f"schedule is 'linear' or 'cosine', not {schedule!r}")
    return torch.cat([torch.ones(1), (1 - added.clamp(max=0.999)).cumprod(dim=0).float()])
    ### END SOLUTION


# %% check="noise_levels"
check(noise_levels)

# %% exercise="noised"
def noised(x: Tensor, kept: Tensor, start: Tensor, end: Tensor, noise: Tensor) -> Tensor:
    """Go from one step of noise to a later one in a single jump.

    Parameters
    ----------
    x : shape (batch, …), each row as it is after its own number of steps
    kept : shape (T + 1,), ᾱ after 0, 1, …, T steps, falling from 1 and never 0
    start, end : int64 of shape (batch,), for each row the step it is at and the one to reach;
        start ≤ end, and where they are equal the row stays as it is
    noise : standard normal, of the shape of x

    Returns
    -------
    of the shape of x: the rows at step `end`, made with this noise
    """
    ### BEGIN SOLUTION
    left = (kept[end] / kept[start]).reshape(-1, *[1] * (x.ndim - 1))
    return left.sqrt() * x + (1 - left).sqrt() * noise
    ### END SOLUTION


# %% check="noised"
check(noised)

# %% exercise="exact_noise"
def exact_noise(x: Tensor, kept: float, centres: Tensor, weights: Tensor, spread: float) -> Tensor:
    """Compute the noise that is to be expected in noisy points of a mixture of Gaussians.

    Parameters
    ----------
    x : shape (batch, d), points √ᾱ x₀ + √(1 − ᾱ) ε; perhaps a hundred away from all centres
    kept : ᾱ, from 0 to 1
    centres : shape (parts, d)
    weights : shape (parts,), adding up to 1; some may be 0
    spread : the standard deviation of every part, in every direction; 0 only where kept < 1

    Returns
    -------
    shape (batch, d): the mean of ε given x, exactly
    """
    ### BEGIN SOLUTION
    variance = kept * spread**2 + 1 - kept
    gap = x[:, None] - math.sqrt(kept) * centres
    shares = (weights.log() - gap.square().sum(dim=-1) / (2 * variance)).softmax(dim=1)
    return math.sqrt(1 - kept) * (shares[..., None] * gap).sum(dim=1) / variance
    ### END SOLUTION


# %% check="exact_noise"
check(exact_noise)

# %% exercise="Denoiser"
class Denoiser(nn.Module):
    """Find the noise in pictures of one channel, as in the table above.

    Parameters
    ----------
    width : C, the channels of the finest grid
    noise_steps : T, the number of steps

    Attributes
    ----------
    step : nn.Embedding of noise_steps + 1 rows of 7 · width numbers
    stem, down, bottom, middle, up, merge, noise : nn.Conv2d with bias, kernel 3, padding 1.
        There are no other parameters.
    """

    def __init__(self, width: int, noise_steps: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.cut = [width, 2 * width, 4 * width]
        self.step = nn.Embedding(noise_steps + 1, 7 * width)
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.bottom = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(4 * width, 4 * width, 3, padding=1)
        self.up = nn.Conv2d(6 * width, 2 * width, 3, padding=1)
        self.merge = nn.Conv2d(3 * width, width, 3, padding=1)
        self.noise = nn.Conv2d(width, 1, 3, padding=1)
        ### END SOLUTION

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Noisy pictures (batch, 1, h, w), steps (batch,) from 0 to T → noise (batch, 1, h, w).

        Both sides are at least 5; they may be odd.
        """
        ### BEGIN SOLUTION
        one, two, four = self.step(t)[:, :, None, None].split(self.cut, dim=1)
        fine = F.silu(self.stem(x) + one)
        half = F.silu(self.down(fine) + two)
        y = F.silu(self.bottom(half) + four)
        y = y + F.silu(self.middle(y))
        y = F.interpolate(y, size=half.shape[2:])
        y = F.silu(self.up(torch.cat([y, half], dim=1)))
        y = F.interpolate(y, size=fine.shape[2:])
        y = F.silu(self.merge(torch.cat([y, fine], dim=1)))
        return self.noise(y)
        ### END SOLUTION


# %% check="Denoiser"
check(Denoiser)

# %% exercise="sample_step"
def sample_step(x: Tensor, found: Tensor, t: int, kept: Tensor, noise: Tensor, clip: float | None = None) -> Tensor:
    """Go one step back, from step t to step t − 1.

    Parameters
    ----------
    x : shape (batch, …), at step t
    found : of the shape of x, the noise that a model finds in it
    t : from 1 to T
    kept : shape (T + 1,), ᾱ after 0, 1, …, T steps
    noise : standard normal, of the shape of x
    clip : unless None, the guess of the clean picture is limited to [−clip, clip]; 0 is a limit too

    Returns
    -------
    of the shape of x: a draw from the Gaussian above. From t = 1 it is the guess itself.
    """
    ### BEGIN SOLUTION
    now, before = kept[t], kept[t - 1]
    added = 1 - now / before
    clean = (x - (1 - now).sqrt() * found) / now.sqrt()
    if clip is not None:
        clean = clean.clamp(-clip, clip)
    mean = (before.sqrt() * added * clean + (1 - added).sqrt() * (1 - before) * x) / (1 - now)
    return mean + (added * (1 - before) / (1 - now)).sqrt() * noise
    ### END SOLUTION


# %% check="sample_step"
check(sample_step)
