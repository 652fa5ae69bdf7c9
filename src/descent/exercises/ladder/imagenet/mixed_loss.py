"""How `mixed_loss` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_labels

mixed_loss = Exercise("mixed_loss", minutes=12, difficulty=2, changes=("model",), returns=Tensor)


class Seeing(nn.Module):
    """A linear model that keeps what it was shown, and in which mode."""

    def __init__(self, draw: Draw, classes: int = 3) -> None:
        super().__init__()
        self.matrix = nn.Parameter(normals(draw, classes, 4))
        self.inner = nn.Identity()
        self.seen: list[Tensor] = []
        self.modes: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach().clone())
        self.modes.append((self.training, self.inner.training))
        return x.flatten(1) @ self.matrix.T

    def __repr__(self) -> str:
        return "a model"


def _mixing(draw: Draw, n: int) -> tuple[Seeing, Tensor, Tensor, Tensor]:
    """A model, pictures of 4 pixels, labels, and an order: one round of all, so that no picture
    is its own partner and the inverse is another."""
    around = torch.tensor(draw.rng.permutation(n))
    order = torch.empty_like(around)
    order[around] = around.roll(1)
    return Seeing(draw), normals(draw, n, 1, 2, 2), drawn_labels(draw, 3, n), order


def _mixed_by_loop(
    model: Seeing,
    images: Tensor,
    labels: Tensor,
    share: float,
    order: Tensor,
    smoothing: float = 0.0,
) -> tuple[Tensor, float, np.ndarray]:
    """What the model is to see, the loss, and its gradient for the model's matrix."""
    partners = order.tolist()
    mixed = torch.stack(
        [share * images[i] + (1 - share) * images[j] for i, j in enumerate(partners)]
    )
    shown = mixed.flatten(1).double().numpy()
    loss, slope = 0.0, np.zeros(tuple(model.matrix.shape))
    for i, row in enumerate(shown @ model.matrix.detach().double().numpy().T):
        logs = row - row.max() - math.log(np.exp(row - row.max()).sum())
        wanted = np.full(len(row), smoothing / len(row))
        wanted[int(labels[i])] += share * (1 - smoothing)
        wanted[int(labels[partners[i]])] += (1 - share) * (1 - smoothing)
        loss -= float(wanted @ logs)
        slope += np.outer(np.exp(logs) - wanted, shown[i])
    return mixed, loss / len(images), slope / len(images)


@mixed_loss.property("shows the mixed pictures once, and asks for both labels", trials=5)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, draw.size + 2)
    share = draw.uniform(0.55, 0.95)
    share = share if draw.size % 2 else round(1 - share, 2)
    mixed, loss, _ = _mixed_by_loop(model, images, labels, share, order)
    found = answer(model, images, labels, share, order)
    expect(len(model.seen), "how often the model was called").equals(1)
    expect(model.seen[0] if model.seen else None, "what the model saw").close_to(mixed)
    expect(found, "the loss").close_to(loss)


@mixed_loss.property("smooths both targets by as much as it is told", trials=3)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 5)
    share, smoothing = draw.uniform(0.1, 0.9), draw.choice([0.1, 0.3])
    _, loss, _ = _mixed_by_loop(model, images, labels, share, order, smoothing)
    expect(answer(model, images, labels, share, order, smoothing), "the loss").close_to(loss)


@mixed_loss.property(
    "mixes nothing where the share is 1 or 0, or a picture is its own partner", trials=1
)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    _, own, _ = _mixed_by_loop(model, images, labels, 1.0, order)
    _, other, _ = _mixed_by_loop(model, images, labels, 0.0, order)
    expect(answer(model, images, labels, 1.0, order), "the loss at 1").close_to(own)
    expect(answer(model, images, labels, 0.0, order), "the loss at 0").close_to(other)
    alone = answer(model, images, labels, 0.6, torch.arange(4))
    expect(alone, "the loss of pictures that are their own partners").close_to(own)


@mixed_loss.property("leaves `backward` to the caller", trials=1)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    answer(model, images, labels, 0.7, order)
    expect(model.matrix.grad is None, "no gradient in the model yet").equals(True)


@mixed_loss.property("lets the gradient through to the model", trials=1)
def _(answer, draw: Draw) -> None:
    model, images, labels, order = _mixing(draw, 4)
    _, _, slope = _mixed_by_loop(model, images, labels, 0.7, order, 0.1)
    loss = answer(model, images, labels, 0.7, order, 0.1)
    attached = getattr(loss, "grad_fn", None) is not None
    expect(attached, "part of the graph").equals(True)
    model.matrix.grad = None
    if attached:
        loss.sum().backward()
        expect(model.matrix.grad, "the gradient").close_to(slope, rtol=1e-3, atol=1e-5)


@mixed_loss.property("calls the model in the mode it is in, and leaves it there", trials=1)
def _(answer, draw: Draw) -> None:
    for training in (True, False):
        model, images, labels, order = _mixing(draw, 4)
        model.train(training)
        answer(model, images, labels, 0.7, order)
        modes = [*model.modes, (model.training, model.inner.training)]
        expect(any(map(any, modes)), "training mode at any time").equals(training)
        expect(all(map(all, modes)), "training mode all the time").equals(training)


@mixed_loss.right
def right_loss(model, images, labels, share, order, smoothing=0.0):
    logits = model(share * images + (1 - share) * images[order])
    own = F.cross_entropy(logits, labels, label_smoothing=smoothing)
    other = F.cross_entropy(logits, labels[order], label_smoothing=smoothing)
    return share * own + (1 - share) * other


_MIXTURE = "share * images + (1 - share) * images[order]"
_PASS = f"logits = model({_MIXTURE})"
_TOTAL = "share * own + (1 - share) * other"
_OTHER = "F.cross_entropy(logits, labels[order], label_smoothing=smoothing)"


mixed_loss.slip(
    "own_label_only",
    "You asked for the picture's own label alone. The partner's counts too, with 1 − share.",
    {"labels[order]": "labels"},
)
mixed_loss.slip(
    "labels_swapped",
    "The weights of the two labels have changed places: the picture's own label weighs `share`.",
    {_TOTAL: "(1 - share) * own + share * other"},
)
mixed_loss.slip(
    "pictures_swapped",
    "The weights of the two pictures have changed places: each picture itself weighs `share`.",
    {_MIXTURE: "(1 - share) * images + share * images[order]"},
)
mixed_loss.slip(
    "all_swapped",
    "The weights of pictures and labels have both changed places: the picture itself and its own "
    "label weigh `share`.",
    {
        _MIXTURE: "(1 - share) * images + share * images[order]",
        _TOTAL: "(1 - share) * own + share * other",
    },
)
mixed_loss.slip(
    "pictures_unmixed",
    "The pictures are not mixed, only the labels.",
    {_MIXTURE: "images"},
)
mixed_loss.slip(
    "mixed_in_place",
    "Your partners are pictures that are multiplied by `share` already: you changed `images` in "
    "place before you took them. Make new pictures.",
    {_PASS: "images.mul_(share).add_((1 - share) * images[order])\n    logits = model(images)"},
)
mixed_loss.slip(
    "partner_unweighted",
    "The partner's picture is added whole to `share` of the first. It weighs 1 − share.",
    {_MIXTURE: "share * images + images[order]"},
)
mixed_loss.slip(
    "labels_averaged",
    "You mixed the *numbers* of the classes, and half of class 0 and class 2 is not class 1. Work "
    "out a loss against each label, and mix the losses.",
    {_TOTAL: "F.cross_entropy(logits, (share * labels + (1 - share) * labels[order]).long(), "
     "label_smoothing=smoothing)"},
)  # fmt: skip
mixed_loss.slip(
    "two_passes",
    "You showed the model the pictures apart and mixed the losses. Mix the pictures, and show the "
    "mixture: one pass.",
    {
        _PASS: "logits, others = model(images), model(images[order])",
        _OTHER: _OTHER.replace("logits", "others"),
    },
)
mixed_loss.slip(
    "mixed_logits",
    "You mixed the model's outputs. Mix its inputs: one pass.",
    {_PASS: "logits = share * model(images) + (1 - share) * model(images[order])"},
)
mixed_loss.slip(
    "called_for_each_label",
    "You called the model once for each label. The logits are the same: keep them, and call it "
    "once.",
    {"    other =": f"    {_PASS}\n    other ="},
)
mixed_loss.slip(
    "inverse_order",
    "Your partners are the inverse order: the partner of picture i is picture order[i].",
    {_PASS: f"order = order.argsort()\n    {_PASS}"},
)
mixed_loss.slip(
    "inverse_order_of_the_labels",
    "Your pictures and your labels have different partners. The partner of picture i is picture "
    "order[i], and its label is labels[order[i]].",
    {"labels[order]": "labels[order.argsort()]"},
)
mixed_loss.slip(
    "neighbours",
    "Your partner is always the neighbour. Use `order`.",
    {_PASS: f"order = torch.arange(len(images)).roll(1)\n    {_PASS}"},
)
mixed_loss.slip(
    "mirrored",
    "Your partner is the picture at the mirrored place. Use `order`.",
    {_PASS: f"order = torch.arange(len(images)).flip(0)\n    {_PASS}"},
)
mixed_loss.slip(
    "louder_label",
    "You asked only for the label that weighs more. Both count, by their weights.",
    {_TOTAL: "own if share >= 0.5 else other"},
)
mixed_loss.slip(
    "even_labels",
    "Both labels weigh a half in your loss. They weigh share and 1 − share.",
    {_TOTAL: "(own + other) / 2"},
)
mixed_loss.slip(
    "unweighted",
    "You added the two losses unweighted.",
    {_TOTAL: "own + other"},
)
mixed_loss.slip(
    "smoothing_unused",
    "`smoothing` is not used.",
    {_PASS: f"smoothing = 0.0\n    {_PASS}"},
)
mixed_loss.slip(
    "smoothing_fixed",
    "You smooth by 0.1 always. Use the number that was given.",
    {_PASS: f"smoothing = 0.1\n    {_PASS}"},
)
mixed_loss.slip(
    "partner_not_smoothed",
    "Only the target of the picture's own label is smoothed. Smooth the partner's as well.",
    {_OTHER: "F.cross_entropy(logits, labels[order])"},
)
mixed_loss.slip(
    "own_not_smoothed",
    "Only the target of the partner's label is smoothed. Smooth the picture's own as well.",
    {"(logits, labels, label_smoothing=smoothing)": "(logits, labels)"},
)
mixed_loss.slip(
    "plain_loss",
    "You returned a plain number, so that nothing can be learned from it. Return the tensor.",
    {_TOTAL: f"({_TOTAL}).item()"},
)
mixed_loss.slip(
    "without_gradient",
    "No gradient flows from your loss to the model, so that nothing can be learned from it. Leave "
    "out `no_grad`, `detach`, and whatever makes a new tensor from a number.",
    {_TOTAL: f"({_TOTAL}).detach()"},
)
mixed_loss.slip(
    "backward_inside",
    "There are gradients in the model when your function returns: you called `backward()`. Whoever "
    "asked for the loss does that.",
    {f"return {_TOTAL}": f"loss = {_TOTAL}\n    loss.backward(retain_graph=True)\n    return loss"},
)
mixed_loss.slip(
    "in_training_mode",
    "You put the model into training mode. Take it in the mode it is in.",
    {_PASS: f"model.train()\n    {_PASS}"},
)
mixed_loss.slip(
    "in_evaluation_mode",
    "You put the model into evaluation mode. Take it in the mode it is in.",
    {_PASS: f"model.eval()\n    {_PASS}"},
)


mixed_loss.hint("Mix, one pass, then the loss against each of the two labels.")
mixed_loss.hint("`images[order]` are the partners, `labels[order]` their labels.")
mixed_loss.hint("Weigh the two losses by share and 1 − share.", when="value")
mixed_loss.hint("`images.mul_(…)` would change the pictures you were given.", when="changes input")
