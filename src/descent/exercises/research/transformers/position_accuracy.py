"""How `position_accuracy` is judged."""

from __future__ import annotations

import torch
from torch import nn

from descent.exercises.doubles import token_tensor
from descent.grading import Draw, Exercise, expect

from .shared import Tensor

position_accuracy = Exercise(
    "position_accuracy", minutes=20, difficulty=2, changes=("model",), returns=Tensor
)


class Peeping(nn.Module):
    """Logits from this token, the next where there is one, and the last; it notes its calls."""

    def __init__(self, here: Tensor, after: Tensor) -> None:
        super().__init__()
        self.here, self.after = nn.Parameter(here.clone()), nn.Parameter(after.clone())
        self.modes: list[bool] = []
        self.recorded: list[bool] = []

    def forward(self, tokens: Tensor) -> Tensor:
        self.modes.append(self.training)
        self.recorded.append(torch.is_grad_enabled())
        logits = self.here[tokens]
        ahead = torch.zeros_like(logits)
        ahead[:, :-1] = self.after[tokens[:, 1:]]
        past = (tokens.cumsum(1) % 3)[..., None] * self.here[0]
        return logits + ahead + past + self.after[tokens[:, -1:]]

    def __repr__(self) -> str:
        return f"a small model of {len(self.here)} tokens that looks one token ahead"


def _model(draw: Draw, vocabulary: int) -> Peeping:
    """Its weights are not rounded: of sums of hundredths two can be the largest."""
    here, after = draw.rng.normal(size=(2, vocabulary, vocabulary))
    return Peeping(torch.tensor(here).float(), 2 * torch.tensor(after).float())


def _counted(model: Peeping, inputs: Tensor, targets: Tensor, cut: bool) -> list[float]:
    """How often each place is right, one sequence and one place at a time."""
    here, after = model.here.detach(), model.after.detach()
    right = [0] * inputs.shape[1]
    for row, wanted in zip(inputs.tolist(), targets.tolist(), strict=True):
        for t, token in enumerate(row):
            logits = here[token] + (sum(row[: t + 1]) % 3) * here[0]
            logits = logits + after[token if cut else row[-1]]
            if not cut and t + 1 < len(row):
                logits = logits + after[row[t + 1]]
            right[t] += int(logits.argmax()) == wanted[t]
    return [count / len(inputs) for count in right]


def _try(answer, draw: Draw, cut: bool, batch: int, time: int, vocabulary: int = 5) -> None:
    model, inputs = _model(draw, vocabulary), token_tensor(draw, vocabulary, batch, time)
    with torch.no_grad():
        guesses = model(inputs).argmax(-1)
    targets = torch.where(
        torch.tensor(draw.integers(0, 2, batch, time)).bool(),
        guesses,
        token_tensor(draw, vocabulary, batch, time),
    )
    model.modes.clear()
    found = answer(model, inputs, targets, cut)
    expect(found, "the accuracies").close_to(_counted(model, inputs, targets, cut), atol=1e-6)
    expect(found, "the accuracies").has_dtype("float32")


@position_accuracy.property("counts every place by itself when the model reads the whole", trials=5)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, False, 4 + draw.size, draw.integers(2, 7))


@position_accuracy.property("cuts the future off, place after place", trials=5)
def _(answer, draw: Draw) -> None:
    _try(answer, draw, True, 4 + draw.size, draw.integers(2, 7))


@position_accuracy.property("works for one sequence and for one place")
def _(answer, draw: Draw) -> None:
    for cut in (False, True):
        _try(answer, draw, cut, 1, 5)
        _try(answer, draw, cut, 6, 1)


@position_accuracy.property("asks in evaluation mode, and leaves the mode as it was")
def _(answer, draw: Draw) -> None:
    for cut in (False, True):
        for mode in (True, False):
            model, inputs = _model(draw, 4), token_tensor(draw, 4, 3, 4)
            model.train(mode)
            answer(model, inputs, inputs, cut)
            expect(sum(model.modes), "how many calls found the model in training mode").equals(0)
            expect(model.training, "whether the model is in training mode afterwards").equals(mode)


@position_accuracy.property("records no gradients, and leaves recording on")
def _(answer, draw: Draw) -> None:
    for cut in (False, True):
        model, inputs = _model(draw, 4), token_tensor(draw, 4, 3, 4)
        answer(model, inputs, inputs, cut)
        expect(sum(model.recorded), "how many calls recorded gradients").equals(0)
        expect(torch.is_grad_enabled(), "whether gradients are recorded afterwards").equals(True)


@position_accuracy.right
def right_accuracy(model, inputs, targets, cut):
    mode, time = model.training, inputs.shape[1]
    model.eval()
    with torch.no_grad():
        if cut:
            logits = torch.stack([model(inputs[:, : t + 1])[:, -1] for t in range(time)], dim=1)
        else:
            logits = model(inputs)
    model.train(mode)
    right = logits.argmax(-1) == targets
    return right.float().mean(0)


position_accuracy.slip(
    "one_number",
    "You took the mean over everything. Each place has its own accuracy: the mean is over the "
    "batch.",
    {".mean(0)": ".mean() * torch.ones(time)"},
)
position_accuracy.slip(
    "mean_over_places",
    "Your mean runs over the places: one number for each sequence. It is the other way round.",
    {".mean(0)": ".mean(1)"},
)
position_accuracy.slip(
    "cut_ignored",
    "You let the model read everything, also when the future is to be cut off.",
    {"        if cut:": "        if False:"},
)
position_accuracy.slip(
    "always_cut",
    "You cut the future off in both cases.",
    {"        if cut:": "        if True:"},
)
position_accuracy.slip(
    "cut_the_wrong_way_round",
    "You cut when you should not, and do not when you should.",
    {"        if cut:": "        if not cut:"},
)
position_accuracy.slip(
    "cut_one_early",
    "For place t you read the inputs before t. Place t itself has been read when the model "
    "predicts what follows it: inputs[:, : t + 1].",
    {"inputs[:, : t + 1]": "inputs[:, : max(t, 1)]"},
)
position_accuracy.slip(
    "cut_one_late",
    "For place t you read one input too many, the very one that should be cut off.",
    {"inputs[:, : t + 1])[:, -1]": "inputs[:, : t + 2])[:, t]"},
)
position_accuracy.slip(
    "first_place_of_the_cut",
    "You took the logits of the first place of the cut text. Those of its *last* place predict "
    "what comes next.",
    {"[:, -1] for t": "[:, 0] for t"},
)
position_accuracy.slip(
    "cut_away_the_past",
    "You cut off the past instead of the future, and read from place t on.",
    {"inputs[:, : t + 1])[:, -1]": "inputs[:, t:])[:, 0]"},
)
position_accuracy.slip(
    "least_likely",
    "You compared the *least* likely token. argmax, not argmin.",
    {"argmax": "argmin"},
)
position_accuracy.slip(
    "training_mode",
    "You asked the model in whatever mode it came. Call model.eval() first.",
    {"    model.eval()\n": ""},
)
position_accuracy.slip(
    "mode_not_restored",
    "You left the model in evaluation mode. Note its mode first and restore it afterwards.",
    {"    model.train(mode)\n": ""},
)
position_accuracy.slip(
    "always_back_to_training",
    "You left the model in training mode even where it came in evaluation mode.",
    {"model.train(mode)": "model.train()"},
)
position_accuracy.slip(
    "gradients_recorded",
    "Your measurement records gradients, for nothing. Wrap it in torch.no_grad().",
    {"with torch.no_grad():": "with torch.enable_grad():"},
)
position_accuracy.slip(
    "padded_instead_of_cut",
    "You filled the future with zeros instead of cutting it off. A zero is a token, and a "
    "model that peeps will read it.",
    {
        "model(inputs[:, : t + 1])[:, -1]": "model(torch.where(torch.arange(time) <= t, in"
        "puts, 0))[:, t]"
    },
)
position_accuracy.slip(
    "place_alone",
    "You gave the model the token of place t alone. It reads all from 0 to t.",
    {"inputs[:, : t + 1]": "inputs[:, t : t + 1]"},
)
position_accuracy.slip(
    "until_the_first_error",
    "You count a place only if all before it were right. Each place is judged by itself.",
    {"right.float().mean(0)": "right.float().cumprod(1).mean(0)"},
)
position_accuracy.slip(
    "mean_so_far",
    "Your numbers are means over all places so far. Each place has its own.",
    {"right.float().mean(0)": "right.float().mean(0).cumsum(0) / torch.arange(1, time + 1)"},
)
position_accuracy.slip(
    "recording_left_off",
    "You switched the recording of gradients off for good. `with torch.no_grad():` puts it back.",
    {"with torch.no_grad():": "torch.set_grad_enabled(False)\n    if True:"},
)


position_accuracy.hint("Get logits (batch, time, vocabulary) in either way, then compare once.")
position_accuracy.hint(
    "For the cut: for each t, which slice of the inputs, and which place of its logits?"
)
position_accuracy.hint(
    "With 2 places: place 0 reads [:, :1], place 1 reads [:, :2]. In general?",
    when="cuts the future off, place after place",
)
position_accuracy.hint("The mean goes over dimension 0, the sequences.", when="shape")
