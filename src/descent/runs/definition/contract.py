"""What a run asks of the learner's model, tried on small inputs before anything long begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from descent.errors import CourseError
from descent.training.randomness import seed_everything

TOLERANCE = 1e-4  # of a logit: what summing in another order may change


class BrokenContract(CourseError):
    """The model cannot be trained by the run; the message says why."""


def check_language_model(
    model_class: object, arguments: Mapping[str, Any], context: int = 0
) -> None:
    """Refuse a class that is no language model the run can train.

    Parameters
    ----------
    model_class : type
        Made with the values of `arguments` in their order; takes (batch, time) tokens and returns
        (batch, time, vocabulary) logits.
    arguments : dict
        With ``vocabulary``, the rest of the sizes, and a dropout if any.
    context : int
        The longest sequence; 0 where ``context`` is among the arguments.

    Raises
    ------
    BrokenContract
        When it is not a module, cannot be made, answers in another shape or type, looks at later
        tokens, or takes no gradient.
    """
    model = _make(model_class, arguments)
    vocabulary, context = arguments["vocabulary"], context or arguments["context"]
    seed_everything(1)
    for length in (context, min(2, context)):
        tokens = torch.randint(vocabulary, (2, length))
        _check_answer(
            _answer(model, tokens), (2, length, vocabulary), "tokens", "(batch, time, vocabulary)"
        )
    _stir(model)
    _check_no_leak(model, torch.randint(vocabulary, (2, context)), vocabulary)
    tokens = torch.randint(vocabulary, (2, context))
    _check_gradient(model, tokens, tokens)


def check_picture_model(
    model_class: object, arguments: dict[str, int], shapes: list[tuple[int, int, int]]
) -> None:
    """Refuse a class that is no classifier of pictures the run can train.

    Parameters
    ----------
    model_class : type
        Made with the values of `arguments` in their order; takes (batch, channels, H, W) pictures
        and returns (batch, classes) logits.
    arguments : dict
        With ``classes``.
    shapes : list of (int, int, int)
        Channels, height and width of pictures that it has to take.

    Raises
    ------
    BrokenContract
        When it is not a module, cannot be made, answers in another shape or type, takes no
        gradient, or scores a picture by the others of its batch when it is evaluated.
    """
    model = _make(model_class, arguments)
    classes = arguments["classes"]
    seed_everything(1)
    for shape in shapes:
        pictures = torch.randn(4, *shape)
        for training in (True, False):
            model.train(training)
            _check_answer(
                _answer(model, pictures, "pictures"), (4, classes), "pictures", "(batch, classes)"
            )
    _check_alone(model, torch.randn(4, *shapes[0]))
    _check_gradient(model, torch.randn(4, *shapes[0]), torch.randint(classes, (4,)))


def with_classes(model_class: object, *sizes: Any) -> object:
    """Give a class that is made with some sizes a constructor that takes the number of classes.

    So `check_picture_model` can make it. What is no class is returned as it is, to be refused.
    """
    if not isinstance(model_class, type):
        return model_class
    base: Any = model_class

    class Sized(base):
        def __init__(self, classes: int) -> None:
            super().__init__(*sizes)

    Sized.__name__ = base.__name__
    return Sized


def check_denoiser(
    model_class: object, arguments: Mapping[str, int], shape: tuple[int, int, int]
) -> None:
    """Refuse a class that is no denoiser the run can train.

    Parameters
    ----------
    model_class : type
        Made with the values of `arguments` in their order; takes (batch, channels, H, W) noisy
        pictures and (batch,) whole numbers, the steps of their noise, and returns the noise, in the
        shape of the pictures.
    arguments : dict
        With ``noise_steps``, above the largest step.
    shape : (int, int, int)
        Channels, height and width of the pictures.

    Raises
    ------
    BrokenContract
        When it is not a module, cannot be made, answers in another shape or type, takes no
        gradient, does not use the step, or finds other noise in a picture with others beside it.
    """
    model = _make(model_class, arguments)
    seed_everything(1)
    for batch in (4, 1):
        noisy, times = torch.randn(batch, *shape), torch.randint(arguments["noise_steps"], (batch,))
        for training in (True, False):
            model.train(training)
            answer = _denoised(model, noisy, times)
            _check_answer(answer, tuple(noisy.shape), "pictures", "their own shape", "noise")
    model.train()
    noisy, times = torch.randn(4, *shape), torch.randint(arguments["noise_steps"], (4,))
    found = _denoised(model, noisy, times)
    _check_loss_gradient(model, (found - torch.randn_like(found)).square().mean())
    _stir(model)
    _check_steps(model, torch.randn(4, *shape), arguments["noise_steps"] - 1)


def check_player(model_class: object, channels: int, height: int, width: int, actions: int) -> None:
    """Refuse a class that is no player of a game of pictures the run can train.

    Parameters
    ----------
    model_class : type
        Made with these four numbers; takes (n, channels, height, width) uint8 pictures and returns
        (n, actions) logits and (n,) values.
    channels, height, width : int
        Of a picture.
    actions : int

    Raises
    ------
    BrokenContract
        When it is not a module, cannot be made, answers in another shape or type, takes no
        gradient, or answers otherwise with other pictures beside one, or in evaluation mode.
    """
    names = {"channels": channels, "height": height, "width": width, "actions": actions}
    model = _make(model_class, names)
    seed_everything(1)
    for batch in (4, 1):
        pictures = torch.randint(256, (batch, channels, height, width), dtype=torch.uint8)
        logits, values = _played(model, pictures)
        _check_answer(logits, (batch, actions), "pictures", "(n, actions)")
        _check_answer(values, (batch,), "pictures", "(n,)", "values")
    _stir(model)
    pictures = torch.randint(256, (4, channels, height, width), dtype=torch.uint8)
    logits, values = _played(model, pictures)
    loss = nn.functional.cross_entropy(logits, torch.zeros(4).long()) + values.square().mean()
    _check_loss_gradient(model, loss)
    _check_same_player(model, pictures)


def _played(model: nn.Module, pictures: Tensor) -> tuple[Any, Any]:
    answer = _answer(model, pictures, "uint8 pictures")
    if not (isinstance(answer, tuple) and len(answer) == 2):
        raise BrokenContract(
            f"The model returns {type(answer).__name__}; the run needs a tuple of two: logits "
            "(n, actions) and values (n,)."
        )
    return answer


@torch.no_grad()
def _check_same_player(model: nn.Module, pictures: Tensor) -> None:
    """Ask together and one by one, training and evaluating: the answers must be the same."""
    model.train()
    training = torch.cat([part.flatten() for part in _played(model, pictures)])
    model.eval()
    together = torch.cat([part.flatten() for part in _played(model, pictures)])
    each = [_played(model, one[None]) for one in pictures]
    alone = torch.cat(
        [torch.cat([part.flatten() for part in side]) for side in zip(*each, strict=True)]
    )
    most = TOLERANCE * max(1.0, together.abs().max().item())
    if (training - together).abs().max().item() > most:
        raise BrokenContract(
            "The model answers otherwise after eval(). PPO compares how likely an action is now "
            "with how likely it was when it was taken; dropout or batch norm would change that by "
            "itself. Leave them out."
        )
    if (together - alone).abs().max().item() > most:
        raise BrokenContract(
            "What the model says of a picture depends on the other pictures of its batch. They are "
            "of other games; no norm may mix them."
        )


def _denoised(model: nn.Module, noisy: Tensor, times: Tensor) -> Any:
    try:
        return model(noisy, times)
    except Exception as error:  # whatever the learner's code raises
        raise BrokenContract(
            f"Given pictures of shape {tuple(noisy.shape)} and steps of shape "
            f"{tuple(times.shape)}, whole numbers, the model fails: {_words(error)}"
        ) from error


def _make(model_class: object, arguments: Mapping[str, Any]) -> nn.Module:
    name = getattr(model_class, "__name__", repr(model_class))
    if not (isinstance(model_class, type) and issubclass(model_class, nn.Module)):
        raise BrokenContract(f"{name} is not a class that derives from torch.nn.Module.")
    asked = ", ".join(f"{name}={value}" for name, value in arguments.items())
    try:
        model = model_class(*arguments.values())
    except Exception as error:  # whatever the learner's code raises
        raise BrokenContract(f"{name}({asked}) cannot be made: {_words(error)}") from error
    if not any(weight.requires_grad for weight in model.parameters()):
        raise BrokenContract(f"{name} has no parameters to train.")
    return model


def _answer(model: nn.Module, given: Tensor, what: str = "tokens") -> Any:
    try:
        return model(given)
    except Exception as error:  # whatever the learner's code raises
        raise BrokenContract(
            f"Given {what} of shape {tuple(given.shape)}, the model fails: {_words(error)}"
        ) from error


def _check_answer(
    answer: Any, wanted: tuple[int, ...], given: str, axes: str, what: str = "logits"
) -> None:
    verb = "is" if what == "noise" else "are"
    if not isinstance(answer, Tensor):
        raise BrokenContract(f"The model returns {type(answer).__name__}, not a tensor of {what}.")
    if tuple(answer.shape) != wanted:
        raise BrokenContract(
            f"The model returns {what} of shape {tuple(answer.shape)}; with {given} in a batch of "
            f"{wanted[0]} the run needs {wanted}: {axes}."
        )
    if not answer.is_floating_point():
        raise BrokenContract(f"The model returns {answer.dtype}; {what} {verb} floating point.")
    if not torch.isfinite(answer).all():
        raise BrokenContract(f"The model returns {what} that {verb} not finite.")


def _stir(model: nn.Module) -> None:
    """Move every weight a little: behind a projection that begins at zero a leak does not show."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))


def _check_no_leak(model: nn.Module, tokens: Tensor, vocabulary: int) -> None:
    """Change the later tokens: logits at earlier places must stay, evaluating and training."""
    cut = max(1, tokens.shape[1] // 2)
    changed = tokens.clone()
    changed[:, cut:] = (changed[:, cut:] + 1) % vocabulary
    for training in (False, True):
        model.train(training)
        answers = []
        for given in (tokens, changed):
            seed_everything(2)  # the same dropout both times
            answers.append(_answer(model, given).detach()[:, :cut])
        moved = (answers[0] - answers[1]).abs().max().item()
        if cut < tokens.shape[1] and moved > TOLERANCE:
            raise BrokenContract(
                "The model looks ahead: when tokens from place "
                f"{cut} on change, logits before it move by {moved:.2g}. A model that sees the "
                "next token learns to copy it. Check the causal mask."
            )


def _check_alone(model: nn.Module, pictures: Tensor) -> None:
    """Evaluate pictures together and one by one: the logits must be the same."""
    model.eval()
    together = _answer(model, pictures, "pictures").detach()
    alone = torch.cat([_answer(model, one[None], "pictures").detach() for one in pictures])
    moved = (together - alone).abs().max().item()
    if moved > TOLERANCE * max(1.0, together.abs().max().item()):
        raise BrokenContract(
            f"When it is evaluated, a picture's logits move by {moved:.2g} with the other pictures "
            "of its batch. After eval(), batch norm uses its running statistics."
        )
    if together.min() >= 0 and torch.allclose(together.sum(dim=1), torch.ones(len(together))):
        raise BrokenContract(
            "The model returns probabilities, which sum to 1. The loss takes logits, before the "
            "softmax."
        )


def _check_steps(model: nn.Module, noisy: Tensor, last: int) -> None:
    """Tell pictures other steps: the noise found must move, but only that of the picture told."""
    model.eval()
    early, late = (_denoised(model, noisy, torch.full((4,), t)).detach() for t in (0, last))
    if torch.equal(early, late):
        raise BrokenContract(
            f"The model finds the same noise whether it is told step 0 or {last}: it does not use "
            "the step. How much noise there is decides what of the picture to trust."
        )
    times = torch.linspace(0, last, 4).long()
    together = _denoised(model, noisy, times).detach()
    alone = [_denoised(model, one[None], t[None]) for one, t in zip(noisy, times, strict=True)]
    moved = (together - torch.cat(alone).detach()).abs().max().item()
    if moved > TOLERANCE * max(1.0, together.abs().max().item()):
        raise BrokenContract(
            f"When it is evaluated, the noise found in a picture moves by {moved:.2g} with the "
            "other pictures of its batch. Each has a step of its own, and no norm may mix them: "
            "group norm does not."
        )


def _check_gradient(model: nn.Module, given: Tensor, targets: Tensor) -> None:
    model.train()
    logits = _answer(model, given, "tokens" if given.dim() == 2 else "pictures")
    _check_loss_gradient(
        model, nn.functional.cross_entropy(logits.flatten(0, -2), targets.flatten())
    )


def _check_loss_gradient(model: nn.Module, loss: Tensor) -> None:
    try:
        loss.backward()
    except RuntimeError as error:
        raise BrokenContract(
            f"No gradient comes back through the model: {_words(error)}"
        ) from error
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    without = [name for name, weight in trained.items() if weight.grad is None]
    if without:
        raise BrokenContract(
            f"No gradient reaches {', '.join(without[:3])}: the answer does not depend on "
            f"{'it' if len(without) == 1 else 'them'}."
        )
    if not all(torch.isfinite(weight.grad).all() for weight in trained.values()):  # type: ignore[arg-type]
        raise BrokenContract("The gradient is not finite.")


def _words(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
