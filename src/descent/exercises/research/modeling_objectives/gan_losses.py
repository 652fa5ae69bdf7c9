"""How `gan_losses` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

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


@gan_losses.property("let the judge learn from both batches", trials=2)
def _(answer, draw: Draw) -> None:
    real, fake = normals(draw, 2, 1), normals(draw, 4, 1)
    found = answer(real.requires_grad_(), fake.requires_grad_())
    expect(found[0].requires_grad, "whether a gradient reaches the judge").equals(True)
    if found[0].requires_grad:
        at = {slope.numel(): slope for slope in gradients_at_leaves(found[0])}
        wanted = (real.detach().sigmoid() - 1) / 2, fake.detach().sigmoid() / 4
        for what, right in zip(("real", "forged"), wanted, strict=True):
            slope = at.get(right.numel(), torch.zeros_like(right))
            expect(slope, f"the judge's gradient at each {what} logit").close_to(right)


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
gan_losses.slip(
    "clamped_at_100",
    "torch's binary_cross_entropy of probabilities stops at a surprise of 100. Hand the logits "
    "to binary_cross_entropy_with_logits, or take softplus.",
    {
        "F.softplus(-real_logits)": "(-real_logits.sigmoid().log()).clamp(max=100)",
        "F.softplus(fake_logits)": "(-(1 - fake_logits.sigmoid()).log()).clamp(max=100)",
        _FORGER: "(-fake_logits.sigmoid().log()).clamp(max=100).mean()",
    },
)
gan_losses.slip(
    "epsilon_in_logarithm",
    "You added a small number inside the logarithm, so no surprise is larger than its logarithm "
    "says, and the gradient is lost. −log sigmoid(a) is softplus(−a).",
    {
        "F.softplus(-real_logits)": "-(real_logits.sigmoid() + 1e-8).log()",
        "F.softplus(fake_logits)": "-(1 - fake_logits.sigmoid() + 1e-8).log()",
        _FORGER: "-(fake_logits.sigmoid() + 1e-8).log().mean()",
    },
)
gan_losses.slip(
    "means_of_logits",
    "You returned means of logits, the losses of a Wasserstein GAN. Here a logit is turned into "
    "a probability, and its surprise counts.",
    {_JUDGE: "fake_logits.mean() - real_logits.mean()", _FORGER: "-fake_logits.mean()"},
)
gan_losses.slip(
    "hinges",
    "You wrote hinge losses. Here the loss is the surprise, −log of a probability.",
    {
        _JUDGE: "F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()",
        _FORGER: "-fake_logits.mean()",
    },
)
gan_losses.slip(
    "least_squares",
    "You took squared errors of the logits. Here the loss is the surprise, −log of a probability.",
    {
        _JUDGE: "(real_logits - 1).square().mean() + fake_logits.square().mean()",
        _FORGER: "(fake_logits - 1).square().mean()",
    },
)
gan_losses.slip(
    "forger_cut_off",
    "The generator's loss is cut off from the forgeries, so it cannot learn. `.detach()` belongs "
    "into the discriminator's step, outside of this function.",
    {_FORGER: "F.softplus(-fake_logits.detach()).mean()"},
)
gan_losses.slip(
    "judge_cut_off",
    "The discriminator's loss is cut off from the forged logits, so it never learns to tell "
    "forgeries. `.detach()` belongs on the forged pictures, outside of this function.",
    {_JUDGE: "genuine.mean() + F.softplus(fake_logits.detach()).mean()"},
)
gan_losses.slip(
    "judge_cut_off_from_real",
    "The discriminator's loss is cut off from the real logits, so it never learns what is real. "
    "No `.detach()` is needed in this function.",
    {_JUDGE: "F.softplus(-real_logits.detach()).mean() + forged.mean()"},
)
gan_losses.slip(
    "both_cut_off",
    "Neither loss has a gradient: no `.detach()`, `.item()` or new tensor on the way from the "
    "logits to the losses.",
    {"return judge, forger": "return judge.detach(), forger.detach()"},
)
gan_losses.slip(
    "mean_of_both",
    "You averaged over both batches together. The larger batch counts for more, and the loss is "
    "halved: take each mean by itself, and add.",
    {_JUDGE: "F.softplus(torch.cat([-real_logits, fake_logits])).mean()"},
)
gan_losses.slip(
    "base_two",
    "You took logarithms to base 2. Everything on this page is in nats.",
    {
        _JUDGE: f"({_JUDGE}) / 0.6931471805599453",
        _FORGER: f"{_FORGER} / 0.6931471805599453",
    },
)
gan_losses.slip(
    "forger_counts_twice",
    "You doubled the generator's loss. It is one mean, over the forgeries.",
    {_FORGER: f"2 * {_FORGER}"},
)
gan_losses.slip(
    "judge_negated",
    "You flipped the sign of the discriminator's loss. It minimises its surprise, which is never "
    "negative.",
    {_JUDGE: f"-({_JUDGE})"},
)
gan_losses.slip(
    "forger_negated",
    "You flipped the sign of the generator's loss: minimising it makes forgeries look forged.",
    {_FORGER: f"-{_FORGER}"},
)


@gan_losses.mistake(
    "You joined the real and the forged logits one by one. The batches may differ in size: take "
    "each mean by itself, and add the two means."
)
def one_by_one(real_logits, fake_logits):
    judge = (F.softplus(-real_logits) + F.softplus(fake_logits)).mean()
    return judge, F.softplus(-fake_logits).mean()


gan_losses.slip(
    "minus_the_judge",
    "Your generator's loss is minus the discriminator's. That is the saturating game; minimise "
    "−log D(fake).",
    {_FORGER: f"-({_JUDGE})"},
)
gan_losses.slip(
    "forger_sees_real",
    "Your generator also wants real pictures taken for forgeries. It has no hand in them: its "
    "forgeries alone count.",
    {_FORGER: "F.softplus(-fake_logits).mean() + F.softplus(real_logits).mean()"},
)
gan_losses.slip(
    "real_target_smoothed",
    "You smoothed the target of the real pictures to 0.9. Here the truth is 1.",
    {_JUDGE: "(genuine + 0.1 * real_logits).mean() + forged.mean()"},
)

gan_losses.hint(
    "The judge answers a question with two classes. What is its surprise at each truth?"
)
gan_losses.hint("−log sigmoid(a) = log(1 + e^(−a)), which torch calls softplus(−a).")
gan_losses.hint("Is the gradient at a forged logit of −30 near 0, or near −1?",
                when="push the forger hard where the judge is sure of the forgery")  # fmt: skip
gan_losses.hint("By hand at logits 0: ln 2 for each of the three terms.", when="factor")
