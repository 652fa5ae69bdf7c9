"""How `RewardModel` is judged: a body whose hidden vectors are known, place by place."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.exercises.inspecting import has
from descent.grading import Draw, Exercise, expect

from .shared import completions, drawn_lengths, mask_of

START = 2


class Body(nn.Module):
    """A causal body: the hidden vector of a place is a running mean of what was read so far.

    Called as a model it gives logits; `hidden` is what stands before them.
    """

    def __init__(self, draw: Draw, d: int, words: int = 12) -> None:
        super().__init__()
        self.vectors = nn.Parameter(normals(draw, words, d))

    def hidden(self, tokens: Tensor) -> Tensor:
        """Shape (n, t) → (n, t, d)."""
        read = self.vectors[tokens].cumsum(dim=1)
        return read / torch.arange(1, tokens.shape[1] + 1)[:, None] ** 0.5

    def forward(self, tokens: Tensor) -> Tensor:
        """Shape (n, t) → (n, t, words)."""
        return self.hidden(tokens) @ self.vectors.T


def _expected(body: Body, head: Any, tokens: Tensor, mask: Tensor) -> Tensor:
    """Each line by itself, cut to its real length, with the start token before it."""
    scores = []
    for line, real in zip(tokens.tolist(), mask.tolist(), strict=True):
        alone = torch.tensor([[START, *line[: sum(real)]]])
        scores.append(head(body.hidden(alone)[0, -1])[0].item())
    return torch.tensor(scores)


def _made(answer, draw: Draw, d: int) -> tuple[Any, Body] | None:
    body = Body(draw, d)
    model = answer(body, d)
    if not has(model, "the reward model", "body", "head"):
        return None
    expect(model.head, "the head").is_a(nn.Linear)
    if not isinstance(model.head, nn.Linear):
        return None
    expect(model.head.weight, "the head's weight").has_shape(1, d)
    with torch.no_grad():
        model.head.weight.copy_(normals(draw, 1, d))
        model.head.bias.fill_(draw.normal() + 0.3)
    return model, body


RewardModel = Exercise("RewardModel", minutes=25, difficulty=2, changes=("body",))


@RewardModel.property("scores the last real token of each line", trials=6)
def _(answer, draw: Draw) -> None:
    d = draw.size + 2
    made = _made(answer, draw, d)
    if made is None:
        return
    model, body = made
    n, places = draw.size + 2, 5 + draw.integers(0, 3)
    lengths = drawn_lengths(draw, n, places)
    tokens, mask = completions(draw, lengths, places), mask_of(lengths, places)
    scores = model(tokens, mask)
    expect(scores, "the scores").has_shape(n).close_to(_expected(body, model.head, tokens, mask))


@RewardModel.property("goes by the mask: a token 0 inside of a line is real", trials=3)
def _(answer, draw: Draw) -> None:
    made = _made(answer, draw, 4)
    if made is None:
        return
    model, body = made
    lengths = [4, 6, 2]
    tokens, mask = completions(draw, lengths, 6), mask_of(lengths, 6)
    tokens[0, 3], tokens[1, 1] = 0, 0
    expect(model(tokens, mask), "the scores").close_to(_expected(body, model.head, tokens, mask))


@RewardModel.property("does not care what the padding is, nor how much there is", trials=3)
def _(answer, draw: Draw) -> None:
    made = _made(answer, draw, 3)
    if made is None:
        return
    model, body = made
    lengths = drawn_lengths(draw, 4, 5)
    tokens, mask = completions(draw, lengths, 8), mask_of(lengths, 8)
    right = _expected(body, model.head, tokens, mask)
    tokens[~mask] = draw.integers(2, 12)
    expect(model(tokens, mask), "the scores where the padding is another token").close_to(right)


@RewardModel.property("scores a batch of one line that fills its width", trials=2)
def _(answer, draw: Draw) -> None:
    made = _made(answer, draw, 3)
    if made is None:
        return
    model, body = made
    tokens, mask = completions(draw, [5], 5), mask_of([5], 5)
    scores = model(tokens, mask)
    expect(scores, "the scores").has_shape(1).close_to(_expected(body, model.head, tokens, mask))


@RewardModel.property("has a body of its own, with the weights it was given", trials=2)
def _(answer, draw: Draw) -> None:
    body = Body(draw, 3)
    before = body.vectors.detach().clone()
    model = answer(body, 3)
    if not has(model, "the reward model", "body", "head") or not hasattr(model.body, "vectors"):
        return
    expect(model.body.vectors, "the weights of its body").close_to(before)
    lengths = [3, 1, 4]
    scores = model(completions(draw, lengths, 4), mask_of(lengths, 4))
    own = dict(model.named_parameters())
    expect(sum(value.numel() for value in own.values()), "how many numbers it learns").equals(
        before.numel() + 4
    )
    expect(scores.requires_grad, "whether its scores can be trained").equals(True)
    if not scores.requires_grad:
        return
    scores.square().sum().backward()
    with torch.no_grad():
        for value in own.values():
            value.add_(1.0)
    expect(body.vectors, "the policy's weights after the reward model's changed").close_to(before)
    expect(body.vectors.grad is None, "whether the policy got no gradient").equals(True)


@RewardModel.property("trains its body too", trials=2)
def _(answer, draw: Draw) -> None:
    made = _made(answer, draw, 3)
    if made is None or not hasattr(made[0].body, "vectors"):
        return
    model, _ = made
    lengths = [3, 2, 4]
    scores = model(completions(draw, lengths, 4), mask_of(lengths, 4))
    if scores.requires_grad:
        scores.square().sum().backward()
    gradient = model.body.vectors.grad
    moved = gradient is not None and bool(gradient.abs().sum() > 0)
    expect(moved, "whether a gradient reaches the body").equals(True)


@RewardModel.right
class RightModel(nn.Module):
    def __init__(self, body, d):
        super().__init__()
        self.body = copy.deepcopy(body)
        self.head = nn.Linear(d, 1)

    def forward(self, tokens, mask):
        n = len(tokens)
        begun = torch.cat([torch.full((n, 1), 2), tokens], dim=1)
        hidden = self.body.hidden(begun)
        last = mask.sum(dim=1)
        return self.head(hidden[torch.arange(n), last])[:, 0]


_SLIPS = {
    "last_place": (
        "You scored the last place, which is padding in all lines but the longest. Take the "
        "last "
        "*real* token of each line.",
        {"hidden[torch.arange(n), last]": "hidden[:, -1]"},
    ),
    "one_before": (
        "You scored the token before the last. With the start token in front, the last real one "
        "stands at place `mask.sum(1)`.",
        {"last = mask.sum(dim=1)": "last = mask.sum(dim=1) - 1"},
    ),
    "one_after": (
        "You scored the place after the last real token.",
        {"last = mask.sum(dim=1)": "last = (mask.sum(dim=1) + 1).clamp(max=tokens.shape[1])"},
    ),
    "longest_for_all": (
        "You took the length of the longest line for all lines. Each has its own.",
        {"last = mask.sum(dim=1)": "last = mask.sum(dim=1).max()"},
    ),
    "first_token": (
        "You scored the first place. What is read there has seen nothing of the line.",
        {"hidden[torch.arange(n), last]": "hidden[:, 0]"},
    ),
    "mean_of_places": (
        "You averaged over places. The last real token has read the whole line: score it.",
        {"hidden[torch.arange(n), last]": "hidden.mean(dim=1)"},
    ),
    "mean_of_real_places": (
        "You averaged over the real places. The last real token has read the whole line: score "
        "it.",
        {"hidden[torch.arange(n), last]":
         "((hidden[:, 1:] * mask[..., None]).sum(1) / mask.sum(1)[:, None])"},
    ),
    "sum_of_scores": (
        "You added the scores of all real places up. One place is scored, the last.",
        {"self.head(hidden[torch.arange(n), last])[:, 0]":
         "(self.head(hidden[:, 1:])[..., 0] * mask).sum(1)"},
    ),
    "padding_by_value": (
        "You looked for token 0 to find the padding. A 0 can be drawn inside a line: go by the "
        "mask.",
        {"last = mask.sum(dim=1)": "last = (tokens != 0).sum(dim=1)"},
    ),
    "shared_body": (
        "The reward model and the policy share their weights. Training one changes the other: "
        "copy the body.",
        {"copy.deepcopy(body)": "body"},
    ),
    "frozen_body": (
        "No gradient reaches the body. It learns as well as the head.",
        {"self.body.hidden(begun)": "self.body.hidden(begun).detach()"},
    ),
    "without_start": (
        "Your lines do not begin with the start token, as those do that the body was trained on. "
        "Put it in front.",
        {"torch.cat([torch.full((n, 1), 2), tokens], dim=1)": "tokens",
         "last = mask.sum(dim=1)": "last = mask.sum(dim=1) - 1"},
    ),
    "starts_with_padding": (
        "You put token 0 in front. Lines begin with the start token, 2.",
        {"torch.full((n, 1), 2)": "torch.full((n, 1), 0)"},
    ),
    "starts_with_the_end": (
        "You put the end token in front. Lines begin with the start token, 2.",
        {"torch.full((n, 1), 2)": "torch.full((n, 1), 1)"},
    ),
    "probabilities": (
        "You returned probabilities. A logit is asked for: reinforcement learning needs a score "
        "that does not flatten out.",
        {"[:, 0]": "[:, 0].sigmoid()"},
    ),
    "one_column": (
        "Your scores have shape (n, 1). With labels of shape (n,) a loss would compare every "
        "score with every label.",
        {"[:, 0]": ""},
    ),
    "new_body": (
        "The body begins with other weights than the policy's. Copy them: it has learned to "
        "read.",
        {"copy.deepcopy(body)": "nn.Module.apply(copy.deepcopy(body), "
         "lambda part: [value.data.fill_(0.3) for value in part.parameters(recurse=False)])"},
    ),
    "largest_of_places": (
        "You took the largest value over the places. The last real token has read the whole "
        "line: score it.",
        {"hidden[torch.arange(n), last]":
         "hidden.amax(dim=1)"},
    ),
    "head_without_bias": (
        "Your head has no bias. The page asks for nn.Linear with one.",
        {"nn.Linear(d, 1)":
         "nn.Linear(d, 1, bias=False)"},
    ),
    "squashed": (
        "You squashed the scores with tanh. A logit is asked for, any real number.",
        {"[:, 0]":
         "[:, 0].tanh()"},
    ),
    "start_at_the_end": (
        "You put the start token behind the line. It comes first.",
        {"torch.cat([torch.full((n, 1), 2), tokens], dim=1)":
         "torch.cat([tokens, torch.full((n, 1), 2)], dim=1)"},
    ),
    "two_layers": (
        "Your head is no single linear layer. One nn.Linear from d to 1 is asked for.",
        {"self.head = nn.Linear(d, 1)":
         "self.head = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 1))"},
    ),
    "norm_added": (
        "You added a layer between body and head. There are no other parameters than the "
        "body's and the head's.",
        {"self.head = nn.Linear(d, 1)":
         "self.head = nn.Linear(d, 1)\n        self.norm = nn.LayerNorm(d)",
         "self.head(hidden[":
         "self.head(self.norm(hidden)["},
    ),
    "batch_of_one_lost": (
        "A batch of one line gave a number without an axis. The scores have shape (n,), for n "
        "= 1 too.",
        {"[:, 0]":
         ".squeeze()"},
    ),
    "last_place_never": (
        "A line that fills the width was scored one token too early. With the start in front "
        "there is one place more.",
        {"last = mask.sum(dim=1)":
         "last = mask.sum(dim=1).clamp(max=tokens.shape[1] - 1)"},
    ),
    "padding_set_to_zero": (
        "You set the hidden vectors of padding to 0 and scored the last place. Lines that are "
        "padded then all score the same.",
        {"hidden[torch.arange(n), last]":
         "(hidden[:, 1:] * mask[..., None])[:, -1]"},
    ),
    "last_that_is_not_zero": (
        "You took the last token that is not 0. Padding may hold anything, and a 0 may be "
        "real: go by the mask.",
        {"last = mask.sum(dim=1)":
         "last = (torch.arange(tokens.shape[1]) * (tokens != 0)).amax(dim=1) + 1"},
    ),
    "first_end_token": (
        "You looked for the end token. A line that was cut has none: go by the mask.",
        {"last = mask.sum(dim=1)":
         "last = (tokens == 1).int().argmax(dim=1) + 1"},
    ),
    "probabilities_stretched": (
        "You returned probabilities, stretched from −1 to 1. A logit is asked for.",
        {"[:, 0]":
         "[:, 0].sigmoid() * 2 - 1"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    RewardModel.slip(_name, _message, _edits)

RewardModel.equivalent(
    "`return self.head(hidden[torch.arange(n), mask.sum(dim=1)])[:, 0]` → "
    "`return self.head(hidden[torch.arange(n), mask.sum(dim=1)])[:, -1]`",
    because="the head gives one number: the first column is the last",
)

RewardModel.hint("Which place has read the whole line, and nothing of the padding?")
RewardModel.hint(
    "`hidden[rows, places]` with two vectors of numbers takes one place from each row."
)
RewardModel.hint(
    "A line of 3 real tokens, with the start in front: places 0, 1, 2, 3. Which is it?",
    when="value",
)
