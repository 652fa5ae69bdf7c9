"""How `gan_losses` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import gradients_at_leaves

gan_losses = Exercise(
    "gan_losses", minutes=15, difficulty=2, returns=tuple[torch.Tensor, torch.Tensor]
)


def _surprise(logits, real: bool) -> float:
    """The mean of −log of the probability given to the truth, one logit after another."""
    signed = -logits.double().numpy().reshape(-1) if real else logits.double().numpy().reshape(-1)
    return float(np.mean([np.logaddexp(0.0, value) for value in signed]))


def _expect_losses(answer, real, fake) -> None:
    found = answer(real, fake)
    discriminator = _surprise(real, True) + _surprise(fake, False)
    expect(found[0], "the discriminator's loss").has_shape().close_to(discriminator)
    expect(found[1], "the generator's loss").has_shape().close_to(_surprise(fake, True))


@gan_losses.property("are mean surprises: two for the judge, one for the forger", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_losses(answer, normals(draw, draw.size + 1, 1) + 0.5, normals(draw, draw.size + 1, 1))


@gan_losses.property("weigh both batches alike, whatever their sizes", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_losses(answer, normals(draw, 3, 1), normals(draw, 5 + draw.size, 1) - 1.0)


@gan_losses.property("take logits of shape (n,) as well as (n, 1)")
def _(answer, draw: Draw) -> None:
    _expect_losses(answer, normals(draw, 4), normals(draw, 4))


@gan_losses.property("are 2 ln 2 and ln 2 for a judge that cannot tell")
def _(answer, draw: Draw) -> None:
    found = answer(torch.zeros(3, 1), torch.zeros(3, 1))
    expect(found[0], "the discriminator's loss").close_to(2 * np.log(2))
    expect(found[1], "the generator's loss").close_to(np.log(2))


@gan_losses.property("stay finite for logits in the hundreds", trials=3)
def _(answer, draw: Draw) -> None:
    sign = draw.choice([1.0, -1.0])
    _expect_losses(answer, -sign * 300 - normals(draw, 3, 1), sign * 400 + normals(draw, 3, 1))


@gan_losses.property("push the forger hard where the judge is sure of the forgery")
def _(answer, draw: Draw) -> None:
    fake = (normals(draw, 2, 1) - 30.0).requires_grad_()
    found = answer(normals(draw, 2, 1), fake)
    expect(found[1].requires_grad, "whether a gradient can flow").equals(True)
    if found[1].requires_grad:
        gradient = gradients_at_leaves(found[1])[0]
        expect(gradient, "the gradient at each forged logit").close_to([[-0.5], [-0.5]])


@gan_losses.right
def right_losses(real_logits, fake_logits):
    genuine, forged = F.softplus(-real_logits), F.softplus(fake_logits)
    judge = genuine.mean() + forged.mean()
    forger = F.softplus(-fake_logits).mean()
    return judge, forger


_JUDGE = "genuine.mean() + forged.mean()"
_FORGER = "F.softplus(-fake_logits).mean()"

gan_losses.slip(
    "saturating_generator",
    "Your generator minimises log(1 − D(fake)). Where the judge is sure of the forgery that is "
    "flat, and the generator gets no gradient when it needs it most. Minimise −log D(fake).",
    {_FORGER: "-F.softplus(fake_logits).mean()"},
)
gan_losses.slip(
    "labels_exchanged",
    "You exchanged real and fake: a positive logit means that the judge takes a picture for real.",
    {
        _FORGER: "F.softplus(fake_logits).mean()",
        _JUDGE: "F.softplus(real_logits).mean() + F.softplus(-fake_logits).mean()",
    },
)
gan_losses.slip(
    "generator_helps_judge",
    "Your generator wants the judge to be right. It wants its forgeries taken for real.",
    {_FORGER: "F.softplus(fake_logits).mean()"},
)
gan_losses.slip(
    "halved",
    "You halved the discriminator's loss. It is the *sum* of two means here.",
    {_JUDGE: f"({_JUDGE}) / 2"},
)
gan_losses.slip(
    "one_batch_of_both",
    "You averaged over both batches together, so that the larger one counts for more. Take each "
    "mean by itself, and add.",
    {_JUDGE: "2 * F.softplus(torch.cat([-real_logits, fake_logits])).mean()"},
)
gan_losses.slip(
    "summed",
    "You summed over the pictures. Take means.",
    {
        _JUDGE: "F.softplus(-real_logits).sum() + F.softplus(fake_logits).sum()",
        _FORGER: "F.softplus(-fake_logits).sum()",
    },
)
gan_losses.slip(
    "logarithm_of_sigmoid",
    "You take the logarithm of a sigmoid, which is rounded to 0 or 1 at logits in the hundreds. "
    "−log sigmoid(a) is softplus(−a).",
    {
        _JUDGE: "-real_logits.sigmoid().log().mean() - (1 - fake_logits.sigmoid()).log().mean()",
        _FORGER: "-fake_logits.sigmoid().log().mean()",
    },
)
gan_losses.slip(
    "real_alone",
    "Your discriminator looks at the real pictures alone, so calling everything real is perfect.",
    {_JUDGE: "F.softplus(-real_logits).mean()"},
)
gan_losses.slip(
    "fake_alone",
    "Your discriminator looks at the forgeries alone, so calling everything fake is perfect.",
    {_JUDGE: "F.softplus(fake_logits).mean()"},
)
gan_losses.slip(
    "order_exchanged",
    "The two losses come back in the wrong order: the discriminator's first.",
    {"return judge, forger": "return forger, judge"},
)
gan_losses.slip(
    "probabilities_expected",
    "You took the inputs for probabilities. They are logits: any real number.",
    {
        _JUDGE: "-real_logits.clamp(1e-6, 1 - 1e-6).log().mean() "
        "- (1 - fake_logits.clamp(1e-6, 1 - 1e-6)).log().mean()",
        _FORGER: "-fake_logits.clamp(1e-6, 1 - 1e-6).log().mean()",
    },
)

gan_losses.hint(
    "The judge answers a question with two classes. What is its surprise at each truth?"
)
gan_losses.hint("−log sigmoid(a) = log(1 + e^(−a)), which torch calls softplus(−a).")
gan_losses.hint("Is the gradient at a forged logit of −30 near 0, or near −1?",
                when="push the forger hard where the judge is sure of the forgery")  # fmt: skip
gan_losses.hint("By hand at logits 0: ln 2 for each of the three terms.", when="factor")
