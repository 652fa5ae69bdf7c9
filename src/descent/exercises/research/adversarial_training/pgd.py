"""How `pgd` is judged: beside steps worked out by hand."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import SmallNet, Untouched, labels_for, pictures

pgd = Exercise("pgd", minutes=30, difficulty=3, changes=("model",), returns=torch.Tensor)


def _unit(gradient: np.ndarray, norm: str) -> np.ndarray:
    if norm == "linf":
        return np.sign(gradient)
    return gradient / np.sqrt((gradient**2).sum(axis=(1, 2, 3), keepdims=True))


def _kept(moved: np.ndarray, x: np.ndarray, epsilon: float, norm: str) -> np.ndarray:
    change = moved - x
    if norm == "linf":
        change = np.clip(change, -epsilon, epsilon)
    else:
        length = np.sqrt((change**2).sum(axis=(1, 2, 3), keepdims=True))
        change = change * np.minimum(1.0, epsilon / np.maximum(length, 1e-300))
    return np.clip(x + change, 0.0, 1.0)


def _expected(model, x, y, epsilon, size, steps, norm="linf", start=None, targeted=False):
    origin = x.double().numpy()
    at = _kept(origin if start is None else start.double().numpy(), origin, epsilon, norm)
    for _ in range(steps):
        gradient = model.gradient(torch.tensor(at), y)
        at = at + (-size if targeted else size) * _unit(gradient, norm)
        at = _kept(at, origin, epsilon, norm)
    return at


def _case(draw: Draw, n: int):
    return SmallNet(draw).eval(), pictures(draw, n), labels_for(draw, n)


def _judge(answer, *arguments, **keywords) -> None:
    expected = _expected(*arguments, **keywords)
    expect(answer(*arguments, **keywords), "the attacked pictures").close_to(expected, atol=2e-4)


@pgd.property("in l∞ climbs step by step, and is brought back after each", trials=4)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size)
    _judge(answer, model, x, y, 0.25, 0.1, draw.size + 1)


@pgd.property("in l2 climbs step by step, and is brought back after each", trials=4)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size)
    _judge(answer, model, x, y, 0.6, 0.25, draw.size + 1, norm="l2")


@pgd.property("begins at the start, brought back into the ball", trials=3)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size + 1)
    for norm in ("linf", "l2"):
        near = (x + normals(draw, *x.shape, scale=0.08)).clamp(0.0, 1.0)
        _judge(answer, model, x, y, 0.5, 0.05, 2, norm=norm, start=near)
        far = x + normals(draw, *x.shape)
        _judge(answer, model, x, y, 0.3, 0.05, 0, norm=norm, start=far)


@pgd.property("keeps the ball round the picture, not round the start", trials=3)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size + 1)
    start = (x + 0.2 * normals(draw, *x.shape).sign()).clamp(0.0, 1.0)
    _judge(answer, model, x, y, 0.25, 0.15, 6, start=start)


@pgd.property("of a targeted attack goes where the target's loss falls", trials=4)
def _(answer, draw: Draw) -> None:
    model, x, targets = _case(draw, draw.size)
    for norm in ("linf", "l2"):
        _judge(answer, model, x, targets, 0.3, 0.1, 3, norm=norm, targeted=True)


@pgd.property("attacks the model in evaluation mode and leaves it as it was", trials=4)
def _(answer, draw: Draw) -> None:
    model, x, y = _case(draw, draw.size + 1)
    watch = Untouched(model, draw)
    model.train()
    watch.training = True
    _judge(answer, model, x, y, 0.3, 0.1, 3)
    watch.look()
    model.eval()
    watch.training = False
    result = answer(model, x, y, 0.3, 0.1, 2)
    watch.look()
    expect(result.requires_grad, "whether the result still asks for a gradient").equals(False)


@pgd.right
def right_pgd(model, x, y, epsilon, step, steps, norm="linf", start=None, targeted=False):
    def back(moved):
        change = moved - x
        if norm == "linf":
            change = change.clamp(-epsilon, epsilon)
        else:
            lengths = change.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
            change = change * (epsilon / lengths.clamp(min=1e-12)).clamp(max=1.0)
        return (x + change).clamp(0.0, 1.0)

    training = model.training
    model.eval()
    at = back(x if start is None else start)
    for _ in range(steps):
        at = at.clone().requires_grad_(True)
        loss = F.cross_entropy(model(at), y, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, at)
        if norm == "linf":
            direction = gradient.sign()
        else:
            direction = gradient / gradient.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
        at = back(at.detach() + (-step if targeted else step) * direction)
    model.train(training)
    return at


_MOVE = "at = back(at.detach() + (-step if targeted else step) * direction)"
_START = "at = back(x if start is None else start)"

pgd.slip(
    "never_brought_back",
    "You never brought the pictures back: after several steps they have left the ball.",
    {_MOVE: "at = at.detach() + (-step if targeted else step) * direction"},
)
pgd.slip(
    "brought_back_at_the_end",
    "You brought the pictures back only at the end. On the way the gradients were those of "
    "pictures outside of the ball.",
    {
        _MOVE: "at = at.detach() + (-step if targeted else step) * direction",
        "    model.train(training)\n    return at": (
            "    model.train(training)\n    return back(at) if steps else at"
        ),
    },
)
pgd.slip(
    "ball_round_the_start",
    "Your ball lies round the start. From a start at its edge the attack goes twice as far as "
    "allowed.",
    {_START: _START + "\n    x = at.clone()"},
)
pgd.slip(
    "always_from_x",
    "You took each step from the picture itself: however many steps, it goes one step far.",
    {"back(at.detach() + ": "back(x + "},
)
pgd.slip(
    "gradient_of_the_first",
    "You used the gradient at the picture for every step. It changes on the way: that is what "
    "more steps are for.",
    {"F.cross_entropy(model(at), y": "F.cross_entropy(model(at - at.detach() + x), y"},
)
pgd.slip(
    "target_ignored",
    "You climb in a targeted attack as well: away from the target.",
    {"(-step if targeted else step)": "step"},
)
pgd.slip(
    "signs_exchanged",
    "You go down in the untargeted attack and up in the targeted one: the signs are exchanged.",
    {"-step if targeted else step": "step if targeted else -step"},
)
pgd.slip(
    "start_ignored",
    "You ignore the start. All restarts then end at the same place.",
    {"back(x if start is None else start)": "back(x)"},
)
pgd.slip(
    "start_not_brought_back",
    "A start outside of the ball stays outside: bring it back as well.",
    {"back(x if start is None else start)": "x if start is None else start"},
)
pgd.slip(
    "epsilon_for_step",
    "Each of your steps is epsilon long. Such steps jump from edge to edge: take `step`.",
    {"(-step if targeted else step)": "(-epsilon if targeted else epsilon)"},
)
pgd.slip(
    "one_step_too_few",
    "You take one step too few.",
    {"range(steps)": "range(steps - 1)"},
)
pgd.slip(
    "one_step_too_many",
    "You take one step too many.",
    {"range(steps)": "range(steps + 1)"},
)
pgd.slip(
    "training_mode",
    "You attacked the model in training mode: dropout makes a different network of it at every "
    "step.",
    {"    model.eval()\n": ""},
)
pgd.slip(
    "left_in_eval",
    "You left the model in evaluation mode, whichever it was in before.",
    {"    model.train(training)\n": ""},
)
pgd.slip(
    "always_back_to_training",
    "You put the model into training mode at the end, whichever it was in before.",
    {"model.train(training)": "model.train()"},
)
pgd.slip(
    "backward_into_weights",
    "The gradients of the weights are not what they were: `loss.backward()` adds to them at every "
    "step, and `zero_grad` takes away what was there. Ask `torch.autograd.grad` for those of the "
    "pictures alone.",
    {"(gradient,) = torch.autograd.grad(loss, at)": "loss.backward()\n        gradient = at.grad"},
)
pgd.slip(
    "sign_in_l2",
    "You take the sign in l2 as well: the step is √d times too long and points elsewhere.",
    {
        "direction = gradient / gradient.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)": (
            "direction = gradient.sign()"
        )
    },
)
pgd.slip(
    "norm_ignored",
    "You ignore `norm`: the attack is always l∞.",
    {"    def back(moved):": '    norm = "linf"\n\n    def back(moved):'},
)
pgd.slip(
    "one_length_for_all",
    "In l2 you divided by the length of the whole batch's gradient. Each picture has its own.",
    {"gradient.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)": "gradient.norm()"},
)

pgd.slip(
    "weights_left_frozen",
    "You stopped the weights from asking for a gradient, and left them so. Whoever trains on after "
    "the attack trains nothing.",
    {"    model.eval()\n": "    model.eval()\n    model.requires_grad_(False)\n"},
)
pgd.slip(
    "weights_all_set_free",
    "You let every weight ask for a gradient at the end, also those that its owner keeps fixed. "
    "Put "
    "back what you found, or leave `requires_grad` alone.",
    {"    model.train(training)\n": "    model.train(training)\n    model.requires_grad_(True)\n"},
)
pgd.slip(
    "start_clipped_only",
    "You brought the start into the range of pixels and not into the ball.",
    {_START: "at = x if start is None else start.clamp(0.0, 1.0)"},
)
pgd.slip(
    "ball_round_the_last_place",
    "Your ball goes along: it lies round the place reached before the step. So nothing keeps the "
    "attack near the picture.",
    {
        _MOVE: (
            "origin, x = x, at.detach()\n"
            "        at = back(at.detach() + (-step if targeted else step) * direction)\n"
            "        x = origin"
        ),
    },
)
pgd.slip(
    "gradient_itself_in_l2",
    "In l2 you stepped along the gradient as long as it is. Where the model is sure it is tiny: "
    "divide by its length.",
    {
        "direction = gradient / gradient.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)": (
            "direction = gradient"
        )
    },
)
pgd.slip(
    "gradient_itself",
    "You stepped along the gradient as long as it is, in both norms. Where the model is sure it is "
    "tiny: take the steepest step of length `step`.",
    {
        "direction = gradient.sign()": "direction = gradient",
        "direction = gradient / gradient.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)": (
            "direction = gradient"
        ),
    },
)
pgd.slip(
    "epsilon_over_steps",
    "Your steps are epsilon / steps long. Their length is given: `step`.",
    {"(-step if targeted else step)": "(-epsilon if targeted else epsilon) / steps"},
)
pgd.slip(
    "own_step",
    "Your steps are 2.5 · epsilon / steps long. Their length is given: `step`.",
    {"(-step if targeted else step)": "(-2.5 if targeted else 2.5) * epsilon / steps"},
)
pgd.slip(
    "linf_ball_for_both",
    "You brought the pictures back pixel by pixel in l2 as well: that box reaches √d times as far "
    "as the ball.",
    {
        'if norm == "linf":\n            change': "if True:\n            change",
    },
)
pgd.slip(
    "random_start_of_its_own",
    "Without a start you begin at random. Begin at x: who wants noise hands it in as the start.",
    {
        _START: (
            "at = back(x + epsilon * (2 * torch.rand(x.shape) - 1) if start is None else start)"
        )
    },
)
pgd.slip(
    "stops_when_all_are_wrong",
    "You stop as soon as all pictures are read wrongly. All steps are asked for: a later restart, "
    "or another model, is not fooled so easily.",
    {
        "        loss = F": (
            "        if bool((model(at).argmax(dim=1) != y).all()):\n            break\n        "
            "loss = F"
        )
    },
)
pgd.slip(
    "stops_when_all_are_done",
    "You stop as soon as the attack has succeeded on all pictures. All steps are asked for.",
    {
        "        loss = F": (
            "        done = (model(at).argmax(dim=1) == y) == targeted\n"
            "        if bool(done.all()):\n            break\n        loss = F"
        )
    },
)
pgd.slip(
    "each_stops_when_done",
    "You leave a picture alone once the attack on it has succeeded. Every picture makes all steps.",
    {
        _MOVE: (
            "done = ((model(at).argmax(dim=1) == y) == targeted).reshape(-1, 1, 1, 1)\n"
            "        moved = back(at.detach() + (-step if targeted else step) * direction)\n"
            "        at = torch.where(done, at.detach(), moved)"
        )
    },
)
pgd.slip(
    "best_of_all_steps",
    "You return the place with the highest loss on the way. Asked for is where the last step led.",
    {
        _START: _START + "\n    best, most = at, torch.full((len(x),), -torch.inf)",
        _MOVE: _MOVE
        + (
            "\n        with torch.no_grad():\n"
            "            each = F.cross_entropy(model(at), y, reduction='none')\n"
            "        each = -each if targeted else each\n"
            "        best = torch.where((each > most).reshape(-1, 1, 1, 1), at, best)\n"
            "        most = torch.maximum(each, most)"
        ),
        "    model.train(training)\n    return at": "    model.train(training)\n    return best",
    },
)
pgd.slip(
    "nothing_for_no_steps",
    "With 0 steps you return x. The start comes back, brought into the ball.",
    {_START: "at = back(x if start is None or steps == 0 else start)"},
)
pgd.slip(
    "gradients_added_up",
    "You added the gradients of all steps so far: `.grad` adds up where it is not cleared. A step "
    "goes by the gradient at the place reached, and nothing else.",
    {
        _START: _START + "\n    total = 0.0",
        'if norm == "linf":\n            direction': (
            'total = gradient = total + gradient\n        if norm == "linf":\n            direction'
        ),
    },
)
pgd.slip(
    "still_attached",
    "Your result still asks for a gradient. Whoever trains on it would send one back through the "
    "attack.",
    {
        "    model.train(training)\n    return at": (
            "    model.train(training)\n    return at.requires_grad_(True)"
        )
    },
)
pgd.slip(
    "own_prediction",
    "You took the model's own answer for the label. It is the loss of y that counts.",
    {"F.cross_entropy(model(at), y": "F.cross_entropy(model(at), model(at).argmax(dim=1)"},
)

pgd.hint("One step is: gradient at the place where you are, `steepest_step`, `project`.")
pgd.hint("`project` takes the picture as its second argument, at every step the same one.")
pgd.hint(
    "With steps=0 the start comes back, projected. Does it?",
    when="begins at the start, brought back into the ball",
)
pgd.hint(
    "A targeted attack subtracts the step.",
    when="of a targeted attack goes where the target's loss falls",
)

_GRADIENT = "gradient, = torch.autograd.grad(F.cross_entropy(model(at), y{}), at)"
_SUM, _MEAN = _GRADIENT.format(", reduction='sum'"), _GRADIENT.format("")
pgd.equivalent(
    f"`{_SUM}` → `{_MEAN}`",
    because="a step has the same length however long the gradient is",
)
