"""How `margin_loss` is judged: positive exactly where the attack has succeeded, and never flat."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals, token_tensor
from descent.grading import Draw, Exercise, expect

margin_loss = Exercise(
    "margin_loss",
    minutes=15,
    difficulty=2,
    changes=("scores",),  # handed over itself, so that its gradient can be looked at
    returns=Tensor,
)


def _expected(scores, labels, targeted: bool) -> np.ndarray:
    out = []
    for row, label in zip(scores.detach().double().numpy(), labels.tolist(), strict=True):
        others = max(value for k, value in enumerate(row) if k != label)
        out.append(row[label] - others if targeted else others - row[label])
    return np.array(out)


def _margins(answer, scores, labels, targeted: bool = False) -> None:
    """Expect the margins, and the scores as they were."""
    expected, before = _expected(scores, labels, targeted), scores.clone()
    found = answer(scores, labels, targeted=targeted) if targeted else answer(scores, labels)
    expect(torch.equal(scores, before), "whether the scores are what they were").is_true(
        "Your code changed the scores that it was given. Work on a copy."
    )
    expect(found, "the margins").close_to(expected)


def _case(draw: Draw, scale: float = 1.0):
    n, classes = draw.size + 1, draw.integers(2, 6)
    return scale * normals(draw, n, classes), token_tensor(draw, classes, n)


@margin_loss.property("is the best other score minus the label's", trials=5)
def _(answer, draw: Draw) -> None:
    scores, labels = _case(draw)
    _margins(answer, scores, labels)


@margin_loss.property("of a targeted attack is the target's score minus the best other", trials=5)
def _(answer, draw: Draw) -> None:
    scores, targets = _case(draw)
    _margins(answer, scores, targets, targeted=True)


@margin_loss.property(
    "never counts the label among the others, also where all are negative", trials=4
)
def _(answer, draw: Draw) -> None:
    for scale, shift in ((1.0, -2e4), (1.0, 50.0), (300.0, 0.0), (1e4, 0.0), (1e12, 0.0)):
        scores, labels = _case(draw, scale)
        for targeted in (False, True):
            _margins(answer, scores + shift, labels, targeted)


@margin_loss.property("has a gradient of 1 and −1 where a softmax has none", trials=4)
def _(answer, draw: Draw) -> None:
    scores, labels = _case(draw, 1e4)
    scores = scores.clone().requires_grad_(True)
    margins = answer(scores, labels)
    expect(margins.requires_grad, "whether a gradient can be asked for").equals(True)
    if not margins.requires_grad:
        return
    (gradient,) = torch.autograd.grad(margins.sum(), scores)
    expected = torch.zeros_like(gradient)
    for i, label in enumerate(labels.tolist()):
        others = scores[i].detach().clone()
        others[label] = -torch.inf
        expected[i, others.argmax()] += 1.0
        expected[i, label] -= 1.0
    expect(gradient, "the gradient with respect to the scores").close_to(expected)


@margin_loss.right
def right_margin(scores, labels, targeted=False):
    rows = torch.arange(len(scores))
    own = scores[rows, labels]
    others = scores.clone()
    others[rows, labels] = -math.inf
    margin = others.max(dim=1).values - own
    return -margin if targeted else margin


margin_loss.slip(
    "label_among_others",
    "Your margin never falls below 0: the label's own score takes part in the maximum, or you cut "
    "it off. Before the attack has succeeded it is flat, and there is nothing to climb.",
    {"    others[rows, labels] = -math.inf\n": ""},
)
margin_loss.slip(
    "zero_for_the_label",
    "You put 0 in the label's place. Where all other scores are negative, this 0 is the largest.",
    {"= -math.inf": "= 0.0"},
)
margin_loss.slip(
    "sign_turned",
    "The sign is turned round: the attack would make the label more certain.",
    {"others.max(dim=1).values - own": "own - others.max(dim=1).values"},
)
margin_loss.slip(
    "target_ignored",
    "`targeted` changes nothing in your answer. There the target's score has to come out in front.",
    {"-margin if targeted else margin": "margin"},
)
margin_loss.slip(
    "softmax_first",
    "You compared probabilities. At large scores they are exactly 0 and 1, and their gradient is "
    "exactly 0: compare the scores.",
    {
        "own = scores[rows, labels]": (
            "scores = scores.softmax(dim=1)\n    own = scores[rows, labels]"
        )
    },
)
margin_loss.slip(
    "log_softmax_and_label",
    "You took the cross-entropy. It sees all scores, and its gradient vanishes where the model is "
    "sure.",
    {"others.max(dim=1).values - own": "scores.logsumexp(dim=1) - own"},
)
margin_loss.slip(
    "stops_when_broken",
    "You cut the margin off at 0 from above. How far an attack has gone beyond the border is part "
    "of the answer that was asked for.",
    {"    return -margin": "    margin = margin.clamp(max=0)\n    return -margin"},
)
margin_loss.slip(
    "mean_of_the_others",
    "You took the mean of the other scores. It is the best of them that has to come out in front.",
    {"others.max(dim=1).values": "(scores.sum(dim=1) - own) / (scores.shape[1] - 1)"},
)
margin_loss.slip(
    "one_number",
    "You averaged over the batch. Each example has a margin of its own.",
    {
        "return -margin if targeted else margin": (
            "return (-margin if targeted else margin).mean().expand(len(scores))"
        )
    },
)
margin_loss.slip(
    "detached",
    "Your margins are cut off from the scores: no gradient comes back.",
    {"own = scores[rows, labels]": "scores = scores.detach()\n    own = scores[rows, labels]"},
)
margin_loss.slip(
    "smooth_maximum",
    "You took the logarithm of a sum of exponentials of the other scores. Asked for is their "
    "maximum.",
    {"others.max(dim=1).values": "others.logsumexp(dim=1)"},
)
margin_loss.slip(
    "smallest_other",
    "You took the smallest of the other scores.",
    {"= -math.inf": "= math.inf", "others.max(dim=1)": "others.min(dim=1)"},
)

margin_loss.slip(
    "finite_for_the_label",
    "You put a fixed negative number in the label's place. Scores here are of any size: where all "
    "others are lower still, it is the largest. Put −infinity.",
    {"= -math.inf": "= -1e4"},
)
margin_loss.slip(
    "changes_the_scores",
    "Your code changed the scores that it was given: they now hold −infinity in the labels' "
    "places. "
    "Work on a copy.",
    {"others = scores.clone()": "others = scores.detach()"},
)
margin_loss.slip(
    "huge_number_off_the_label",
    "You took a fixed number off the label's score, a very large one. Scores here are of any size: "
    "a label that leads by more is still the largest. Put −infinity in its place.",
    {"others[rows, labels] = -math.inf": "others[rows, labels] -= 1e9"},
)
margin_loss.slip(
    "fixed_number_off_the_label",
    "You took a fixed number off the label's score. Scores here are of any size: a label that "
    "leads "
    "by more is still the largest. Put −infinity in its place.",
    {"others[rows, labels] = -math.inf": "others[rows, labels] -= 1e4"},
)
margin_loss.slip(
    "second_of_all",
    "You took the second largest of *all* scores for the best other one. Where the label does not "
    "lead, the best other score is the largest.",
    {"others.max(dim=1).values": "scores.topk(2, dim=1).values[:, 1]"},
)
margin_loss.slip(
    "first_minus_second",
    "You took the difference of the two largest scores. The label may be neither of them: it is "
    "its "
    "score that the best other one is compared with.",
    {
        "others.max(dim=1).values - own": (
            "scores.topk(2, dim=1).values[:, 0] - scores.topk(2, dim=1).values[:, 1]"
        )
    },
)
margin_loss.slip(
    "columns_of_all_labels",
    "You left out the columns of *all* labels of the batch in every row. Each row leaves out its "
    "own: index with `[rows, labels]`.",
    {"others[rows, labels]": "others[:, labels]"},
)
margin_loss.slip(
    "largest_of_the_batch",
    "You took the largest score of the whole batch. Each example is compared with its own others.",
    {"others.max(dim=1).values": "others.max()"},
)
margin_loss.slip(
    "places_for_scores",
    "You took the *place* of the largest other score, not the score.",
    {"others.max(dim=1).values": "others.argmax(dim=1)"},
)
margin_loss.slip(
    "sizes_compared",
    "You compared the others by their size without sign. A large negative score is a low one.",
    {"others = scores.clone()": "others = scores.abs()"},
)
margin_loss.slip(
    "one_number_itself",
    "You return one number for the batch, the mean. Each example has a margin of its own.",
    {"return -margin if targeted else margin": "return (-margin if targeted else margin).mean()"},
)
margin_loss.slip(
    "one_sum",
    "You return one number for the batch, the sum. Each example has a margin of its own.",
    {"return -margin if targeted else margin": "return (-margin if targeted else margin).sum()"},
)
margin_loss.slip(
    "a_column",
    "Your margins are of the wrong shape: there is one number for each example, so the shape is "
    "(batch,).",
    {"own = scores[rows, labels]": "own = scores.gather(1, labels[:, None])"},
)

margin_loss.hint("Two numbers for each row: the label's score, and the largest of all others.")
margin_loss.hint("Copy the scores, put −infinity in the label's place, then take the maximum.")
margin_loss.hint("What if all scores are negative?", when="value")
