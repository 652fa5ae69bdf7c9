"""How `two_view_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

from .shared import CIRCLE, log_shares, on_the_sphere

two_view_loss = Exercise("two_view_loss", minutes=15, difficulty=2, returns=torch.Tensor)


def _expected(z, temperature: float) -> float:
    shares, n = log_shares(z, temperature), len(z) // 2
    return float(np.mean([-shares[i, (i + n) % (2 * n)] for i in range(2 * n)]))


@two_view_loss.property("is the mean surprise at each vector's partner", trials=5)
def _(answer, draw: Draw) -> None:
    z, temperature = on_the_sphere(draw, 2 * (draw.size + 1), 3), draw.uniform(0.2, 2.0)
    expect(answer(z, temperature), "the loss").close_to(_expected(z, temperature))


@two_view_loss.property("agrees with the four points of the page")
def _(answer, draw: Draw) -> None:
    pairs = CIRCLE[[0, 2, 1, 3]]
    expect(answer(pairs, 0.5), "the loss").close_to(_expected(pairs, 0.5))


@two_view_loss.property("is 0 for one picture: its views have nothing to be told from")
def _(answer, draw: Draw) -> None:
    z = on_the_sphere(draw, 2, 4)
    expect(answer(z, draw.uniform(0.1, 1.0)), "the loss").close_to(0.0, atol=1e-6)


@two_view_loss.property("is the logarithm of 2n − 1 for an encoder that maps all to one point")
def _(answer, draw: Draw) -> None:
    z = on_the_sphere(draw, 1, 3).repeat(2 * draw.size + 2, 1)
    expect(answer(z, 0.1), "the loss").close_to(math.log(2 * draw.size + 1))


@two_view_loss.property("survives a temperature of 0.001, and sends a gradient back")
def _(answer, draw: Draw) -> None:
    z = on_the_sphere(draw, 6, 3).requires_grad_()
    loss = answer(z, 0.001)
    expect(loss, "the loss").is_finite().close_to(_expected(z, 0.001))
    expect(loss.requires_grad, "whether a gradient can flow").equals(True)
    if loss.requires_grad:
        gradient = gradients_at_leaves(loss)[0]
        expect(bool(gradient.isfinite().all()), "whether the gradient is finite").equals(True)


@two_view_loss.property("hides a vector from itself, however unlike all others are")
def _(answer, draw: Draw) -> None:
    u = on_the_sphere(draw, 1, 3)
    expect(answer(torch.cat([u, -u]), 0.001), "of two opposite views").close_to(0.0, atol=1e-3)
    corners = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
    expected = _expected(corners, 0.002)
    expect(answer(corners, 0.002), "of four vectors far from each other").close_to(expected)


@two_view_loss.right
def right_two_views(z, temperature):
    n = len(z) // 2
    itself = torch.eye(2 * n, dtype=torch.bool)
    scores = (z @ z.T / temperature).masked_fill(itself, -math.inf)
    partner = torch.arange(2 * n).roll(n)
    return F.cross_entropy(scores, partner)


_LOSS, _HIDDEN = "F.cross_entropy(scores, partner)", ".masked_fill(itself, -math.inf)"

two_view_loss.slip(
    "compared_with_itself",
    "You left each vector among its own candidates. It is always its best match, so the loss can "
    "never get near 0: hide the diagonal.",
    {_HIDDEN: ""},
)
two_view_loss.slip(
    "hidden_by_zero",
    "You set the vector's score with itself to 0. After the softmax e⁰ = 1 is still a candidate: "
    "hide it with −∞.",
    {"-math.inf": "0.0"},
)
two_view_loss.slip(
    "neighbours_paired",
    "You paired neighbouring rows, 0 with 1 and 2 with 3. Here the partner of row i is row i + n.",
    {"torch.arange(2 * n).roll(n)": "torch.arange(2 * n) ^ 1"},
)
two_view_loss.slip(
    "one_direction",
    "You averaged over the first views alone. The second ones are anchors as well, with the first "
    "as their partners: 2n terms.",
    {_LOSS: "F.cross_entropy(scores[:n], partner[:n])"},
)
two_view_loss.slip(
    "other_views_alone",
    "Your candidates are the vectors of the other half alone. All 2n − 1 other vectors are "
    "candidates, those of the anchor's own half too.",
    {
        _HIDDEN: "",
        _LOSS: "(F.cross_entropy(scores[:n, n:], torch.arange(n))"
        " + F.cross_entropy(scores[n:, :n], torch.arange(n))) / 2",
    },
)
two_view_loss.slip(
    "summed_views",
    "You summed over the anchors. Average over all 2n, so that the loss does not grow with the "
    "batch.",
    {_LOSS: 'F.cross_entropy(scores, partner, reduction="sum")'},
)
two_view_loss.slip(
    "averaged_over_pictures",
    "You divided by the number of pictures. There are two anchors a picture: divide by 2n.",
    {_LOSS: 'F.cross_entropy(scores, partner, reduction="sum") / n'},
)
two_view_loss.slip(
    "times_temperature",
    "You multiplied by the temperature. Scores are divided by it: a small one makes differences "
    "large.",
    {"z @ z.T / temperature": "z @ z.T * temperature"},
)
two_view_loss.slip(
    "without_temperature",
    "`temperature` makes no difference to your answer. Divide the similarities by it.",
    {" / temperature": ""},
)
two_view_loss.slip(
    "partner_not_below",
    "You left the partner out of the denominator. It is one of the 2n − 1 candidates; without it "
    "the loss has no floor and can be negative.",
    {
        _LOSS: "(scores.masked_fill(F.one_hot(partner, 2 * n).bool(), -math.inf).logsumexp(1)"
        " - scores[torch.arange(2 * n), partner]).mean()"
    },
)
two_view_loss.slip(
    "exponential_first",
    "You take exponentials before anything is subtracted. At a temperature of 0.001 a score is "
    "1000 and its exponential is infinite: take log_softmax, or cross_entropy, of the scores.",
    {
        _LOSS: "-(scores.exp()[torch.arange(2 * n), partner] / scores.exp().sum(1)).log().mean()",
    },
)
two_view_loss.slip(
    "cut_off",
    "Your loss is cut off from its gradient, so no encoder can learn from it. No `.detach()`, and "
    "`.item()` only when you print.",
    {_LOSS: f"{_LOSS}.detach()"},
)
two_view_loss.slip(
    "finite_hiding",
    "You hid the diagonal with a finite number. At a temperature of 0.001 the scores themselves "
    "reach −1000, and then it is no longer the least: use −∞.",
    {"-math.inf": "-100.0"},
)
two_view_loss.slip(
    "itself_opposite",
    "You set the similarity of a vector with itself to −1 before you divided. Its exponential is "
    "small and not 0, so it is still a candidate: hide the score with −∞.",
    {"-math.inf": "-1.0 / temperature"},
)
two_view_loss.slip(
    "half_the_anchors",
    "You added up the first views alone and divided by all 2n. The second views are anchors as "
    "well.",
    {_LOSS: 'F.cross_entropy(scores[:n], partner[:n], reduction="sum") / (2 * n)'},
)
two_view_loss.slip(
    "bare_numerator",
    "The partner's similarity is not divided by the temperature in your numerator, but in the "
    "denominator it is.",
    {_LOSS: "(scores.logsumexp(1) - scores[torch.arange(2 * n), partner] * temperature).mean()"},
)
two_view_loss.slip(
    "mirrored_partner",
    "You paired row i with row 2n − 1 − i. The partner of row i is row i + n, and that of row i "
    "+ n is row i.",
    {"torch.arange(2 * n).roll(n)": "torch.arange(2 * n).flip(0)"},
)
two_view_loss.slip(
    "loss_times_temperature",
    "You multiplied the loss by the temperature, as some programs do to keep gradients alike. "
    "Here it is the plain mean of −log shares.",
    {_LOSS: "temperature * F.cross_entropy(scores, partner)"},
)
two_view_loss.slip(
    "first_views_against_second",
    "You ask the first views alone, and offer them the second views alone. All 2n rows are "
    "anchors, and all 2n − 1 others are candidates.",
    {_HIDDEN: "", _LOSS: "F.cross_entropy(scores[:n, n:], torch.arange(n))"},
)


@two_view_loss.mistake(
    "You left each vector among its own candidates, and took exponentials that overflow at a "
    "temperature of 0.001. Hide the diagonal with −∞, and take cross_entropy of the scores."
)
def itself_and_exponentials(z, temperature):
    n = len(z) // 2
    powers = (z @ z.T / temperature).exp()
    partner = torch.arange(2 * n).roll(n)
    return -(powers[torch.arange(2 * n), partner] / powers.sum(1)).log().mean()


@two_view_loss.mistake(
    "You left each vector among its own candidates, and at a temperature of 0.001 the exponentials "
    "of all others come to 0. Hide the diagonal with −∞, and take cross_entropy of the scores."
)
def itself_and_exponentials_of_differences(z, temperature):
    n = len(z) // 2
    powers = ((z @ z.T - 1) / temperature).exp()
    partner = torch.arange(2 * n).roll(n)
    return -(powers[torch.arange(2 * n), partner] / powers.sum(1)).log().mean()


two_view_loss.slip(
    "softmax_twice",
    "You handed shares to cross_entropy, which takes a softmax itself. Hand it the scores.",
    {_LOSS: "F.cross_entropy(scores.softmax(1), partner)"},
)
two_view_loss.slip(
    "mean_share",
    "You took the logarithm of the mean share. Take the logarithm of each share, then the mean.",
    {_LOSS: "-scores.softmax(1)[torch.arange(2 * n), partner].mean().log()"},
)
two_view_loss.slip(
    "share_for_logarithm",
    "You averaged the shares themselves. The loss is the mean of their negative logarithms.",
    {_LOSS: "-scores.softmax(1)[torch.arange(2 * n), partner].mean()"},
)
two_view_loss.slip(
    "in_bits",
    "You took logarithms to base 2. The loss is in nats.",
    {_LOSS: "F.cross_entropy(scores, partner) / 0.6931471805599453"},
)
two_view_loss.slip(
    "sign_flipped",
    "Your loss has the opposite sign. It is −log of a share, which is never negative.",
    {_LOSS: "-F.cross_entropy(scores, partner)"},
)


two_view_loss.hint("It is classification: 2n questions, each with 2n − 1 possible answers.")
two_view_loss.hint(
    "Row i of z @ z.T / temperature are the logits of question i. What is wrong with entry i?"
)
two_view_loss.hint("`torch.arange(2 * n).roll(n)` is n, n + 1, …, 0, 1, …: the right answers.")
two_view_loss.hint("Which score becomes −∞, so that its share is exactly 0?", when="value")
two_view_loss.hint("How many anchors does your mean run over?", when="factor")
