"""How `patching_effect` is judged: on a small model that is computed by hand."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from descent.exercises.doubles import fill_with_normals, normals
from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

from .shared import hooks_on

patching_effect = Exercise(
    "patching_effect", minutes=30, difficulty=3, changes=("model",), returns=float
)


class _Heads(nn.Module):
    """Numbers (n, T, d) → ``mixed`` (n, T, heads, size), each head bent → out (n, T, 2)."""

    def __init__(self, draw: Draw, d: int, heads: int, size: int) -> None:
        super().__init__()
        self.heads, self.size = heads, size
        self.into = nn.Linear(d, heads * size)
        self.mixed = nn.Identity()
        self.out = nn.Linear(heads * size, 2)
        fill_with_normals(self, draw, 0.8)

    def forward(self, x):
        return self.out(self.mixed(self._past(x)).flatten(2)).sinh()

    def _past(self, x):
        n, length, _ = x.shape
        return self.into(x).cumsum(dim=1).tanh().reshape(n, length, self.heads, self.size)


class _Twice(_Heads):
    """What goes into ``mixed``, and comes out of it as the same tensor, is used a second time."""

    def forward(self, x):
        past = self._past(x)
        out = self.out(self.mixed(past).flatten(2)).sinh()
        return out + past.mean(dim=(2, 3))[..., None] * torch.tensor([3.0, -3.0])


class _Metric:
    """The mean, over rows and places, of first number less second; later places weigh more."""

    def __call__(self, output):
        weights = torch.arange(1.0, output.shape[1] + 1)
        return float(((output[:, :, 0] - output[:, :, 1]) * weights).mean())

    def __repr__(self) -> str:
        return "a metric of the output"


def _mixed(model: _Heads, x) -> np.ndarray:
    weight, bias = (p.detach().double().numpy() for p in model.into.parameters())
    past = np.tanh(np.cumsum(x.double().numpy() @ weight.T + bias, axis=1))
    return past.reshape(*past.shape[:2], model.heads, model.size)


def _score(model: _Heads, mixed: np.ndarray) -> float:
    weight, bias = (p.detach().double().numpy() for p in model.out.parameters())
    out = np.sinh(mixed.reshape(*mixed.shape[:2], -1) @ weight.T + bias)
    weights = np.arange(1.0, out.shape[1] + 1)
    return float(((out[:, :, 0] - out[:, :, 1]) * weights).mean())


def _beside(model: _Heads, mixed: np.ndarray) -> float:
    """What a `_Twice` scores by its second use."""
    weights = np.arange(1.0, mixed.shape[1] + 1)
    return float((6 * mixed.mean(axis=(2, 3)) * weights).mean()) * isinstance(model, _Twice)


def _effect(model: _Heads, clean, corrupted, head: int) -> float:
    good, bad = _mixed(model, clean), _mixed(model, corrupted)
    patched = bad.copy()
    patched[:, :, head] = good[:, :, head]
    low, high = (_score(model, mixed) + _beside(model, mixed) for mixed in (bad, good))
    return (_score(model, patched) + _beside(model, bad) - low) / (high - low)


def _case(draw: Draw, kind: type[_Heads] = _Heads):
    n, length, d = 1 + draw.size % 4, 4 + draw.size % 3, 3
    model = kind(draw, d, 2 + draw.size % 3, 4)
    while True:
        clean, corrupted = normals(draw, n, length, d), normals(draw, n, length, d)
        good, bad = _mixed(model, clean), _mixed(model, corrupted)
        gap = _score(model, good) - _score(model, bad)
        gap += _beside(model, good) - _beside(model, bad)
        if abs(gap) > 0.3:
            return (model, clean, corrupted) if gap > 0 else (model, corrupted, clean)


def _expect_effect(answer, model, clean, corrupted, head: int) -> None:
    wanted = _effect(model, clean, corrupted, head)
    found = answer(model, clean, corrupted, "mixed", head, _Metric())
    expect(found, f"the effect of head {head}").close_to(wanted, rtol=1e-3, atol=1e-3)


@patching_effect.property("is the share of the way back that this head alone brings", trials=7)
def _(answer, draw: Draw) -> None:
    model, clean, corrupted = _case(draw)
    for head in range(model.heads):
        _expect_effect(answer, model, clean, corrupted, head)


@patching_effect.property("works where the clean run scores lower than the corrupted", trials=3)
def _(answer, draw: Draw) -> None:
    model, clean, corrupted = _case(draw)
    _expect_effect(answer, model, clean, corrupted, 1)
    _expect_effect(answer, model, corrupted, clean, 1)


@patching_effect.property("is 1 where this head is all there is to it", trials=2)
def _(answer, draw: Draw) -> None:
    model, clean, corrupted = _case(draw)
    with torch.no_grad():
        model.out.weight[:, model.size :] = 0.0
    gap = _score(model, _mixed(model, clean)) - _score(model, _mixed(model, corrupted))
    if gap < 0:
        clean, corrupted = corrupted, clean
    if abs(gap) > 0.05:
        _expect_effect(answer, model, clean, corrupted, 0)
        _expect_effect(answer, model, clean, corrupted, 1)


@patching_effect.property("spoils no tensor that the model uses once more", trials=2)
def _(answer, draw: Draw) -> None:
    model, clean, corrupted = _case(draw, _Twice)
    _expect_effect(answer, model, clean, corrupted, 0)


@patching_effect.property("leaves no hook behind, and the model as it was", trials=2)
def _(answer, draw: Draw) -> None:
    model, clean, corrupted = _case(draw)
    before = model(clean).detach()
    answer(model, clean, corrupted, "mixed", 0, _Metric())
    expect(hooks_on(model), "hooks on the model afterwards").equals(0)
    expect(model(clean).detach(), "what the model gives afterwards").close_to(before, atol=1e-6)


@patching_effect.property("refuses runs that score the same: there is nothing to bring back")
def _(answer, draw: Draw) -> None:
    model, clean, _ = _case(draw)
    refuses(answer, model, clean, clean.clone(), "mixed", 0, _Metric(), because="equal scores")
    model, clean, corrupted = _case(draw)
    with torch.no_grad():
        model.out.weight.zero_()
    refuses(
        answer,
        model,
        clean,
        corrupted,
        "mixed",
        0,
        _Metric(),
        because="an output that is always the same",
    )


@patching_effect.right
def right_effect(model, clean, corrupted, part, head, metric):
    seen = []
    place = dict(model.named_modules())[part]

    def run(x, hook):
        handle = place.register_forward_hook(hook)
        try:
            return metric(model(x).detach())
        finally:
            handle.remove()

    def keep(module, inputs, output):
        seen.append(output.detach().clone())

    def patch(module, inputs, output):
        mixed = output.clone()
        mixed[:, :, head] = seen[0][:, :, head]
        return mixed

    high, low = run(clean, keep), run(corrupted, keep)
    if abs(high - low) < 1e-6:
        raise ValueError("both runs score the same: there is no effect to bring back")
    return (run(corrupted, patch) - low) / (high - low)


_RETURN = "(run(corrupted, patch) - low) / (high - low)"

patching_effect.slip(
    "patched_the_clean_run",
    "You put the corrupted output into the clean run. That asks whether the head is *necessary*; "
    "here the clean output goes into the corrupted run.",
    {
        _RETURN: "(high - run(clean, patch)) / (high - low)",
        "seen[0]": "seen[1]",
    },
)
patching_effect.slip(
    "always_all_of_it",
    "Your effect is 1 whatever the head: the clean output went into the clean run. It goes into "
    "the corrupted one.",
    {"run(corrupted, patch)": "run(clean, patch)"},
)
patching_effect.slip(
    "all_heads",
    "You put in the clean output of all heads. One head's goes in, and the others keep what they "
    "gave.",
    {
        "        mixed = output.clone()\n        mixed[:, :, head] = seen[0][:, :, head]\n": (
            "        mixed = seen[0].clone()\n"
        )
    },
)
patching_effect.slip(
    "share_of_a_patched_clean_run",
    "You put the corrupted output into the clean run, and measured where that came out. Here the "
    "clean output goes into the corrupted run.",
    {"run(corrupted, patch)": "run(clean, patch)", "seen[0]": "seen[1]"},
)
patching_effect.slip(
    "its_own_output",
    "You put back what the corrupted run had itself. It is the clean run's output that goes in.",
    {"seen[0]": "seen[1]"},
)
patching_effect.slip(
    "not_normalised",
    "You returned how much the score rises. Divide by what the clean run would bring.",
    {_RETURN: "run(corrupted, patch) - low"},
)
patching_effect.slip(
    "measured_from_zero",
    "You divided the patched score by the clean one. Both are measured from the corrupted run: "
    "nothing brought back is 0.",
    {_RETURN: "run(corrupted, patch) / high"},
)
patching_effect.slip(
    "what_is_missing",
    "You returned the share that is still missing. What the head brought back is 1 less that.",
    {_RETURN: "(high - run(corrupted, patch)) / (high - low)"},
)
patching_effect.slip(
    "divided_by_the_size",
    "You divided by the size of the difference. Where the clean run scores lower, the sign turns.",
    {"/ (high - low)": "/ abs(high - low)"},
)
patching_effect.slip(
    "divided_by_the_clean_score",
    "You divided by the clean score. The whole way is from the corrupted to the clean one.",
    {"/ (high - low)": "/ high"},
)
patching_effect.slip(
    "all_but_this_head",
    "You put in every head *but* this one.",
    {
        "        mixed = output.clone()\n        mixed[:, :, head] = seen[0][:, :, head]\n": (
            "        mixed = seen[0].clone()\n        mixed[:, :, head] = output[:, :, head]\n"
        )
    },
)
patching_effect.slip(
    "a_place_for_a_head",
    "You put in one *place* of the row, for all heads. The shape is (n, T, heads, size): heads are "
    "axis 2.",
    {
        "mixed[:, :, head] = seen[0][:, :, head]": "mixed[:, head] = seen[0][:, head]",
    },
)
patching_effect.slip(
    "last_place_alone",
    "You put in the last place alone. The head's whole output goes in.",
    {
        "mixed[:, :, head] = seen[0][:, :, head]": "mixed[:, -1, head] = seen[0][:, -1, head]",
    },
)
patching_effect.slip(
    "switched_off",
    "You switched the head off. Patching puts in what it gave in the clean run.",
    {"= seen[0][:, :, head]": "= 0.0"},
)
patching_effect.slip(
    "mean_put_in",
    "You put in the clean run's mean over rows. Each row of the batch has its own.",
    {"= seen[0][:, :, head]": "= seen[0][:, :, head].mean(dim=0)"},
)
patching_effect.slip(
    "difference_added",
    "You added the clean output to the corrupted one. It replaces it.",
    {"mixed[:, :, head] = ": "mixed[:, :, head] += "},
)
patching_effect.slip(
    "equal_scores_not_refused",
    "Where both runs score the same you divide by nearly nothing, and any number may come out. "
    "Refuse with a ValueError.",
    {"if abs(high - low) < 1e-6:": "if False:"},
)
patching_effect.slip(
    "nothing_for_equal_scores",
    "Where both runs score the same you return 0. Nothing was lost, so nothing can come back: "
    "refuse with a ValueError.",
    {
        'raise ValueError("both runs score the same: there is no effect to bring back")': (
            "return 0.0"
        )
    },
)
patching_effect.slip(
    "lower_clean_score_refused",
    "You refuse where the clean run scores lower than the corrupted one. That is a way back too: "
    "refuse equal scores alone.",
    {"if abs(high - low) < 1e-6:": "if high - low < 1e-6:"},
)
patching_effect.slip(
    "limited",
    "You limited the share to 0 and 1. A mixture of two runs may lie beyond either.",
    {_RETURN: "min(max((run(corrupted, patch) - low) / (high - low), 0.0), 1.0)"},
)
patching_effect.slip(
    "hook_left",
    "Your hook stays on the model: every later run is patched as well.",
    {"handle.remove()": "pass"},
)
patching_effect.slip(
    "neighbouring_head",
    "You patched the head before it. Heads are counted from 0.",
    {
        "mixed[:, :, head] = seen[0][:, :, head]": (
            "mixed[:, :, head - 1] = seen[0][:, :, head - 1]"
        )
    },
)

patching_effect.slip(
    "changed_in_place",
    "You wrote into the part's own output. Where the model uses that tensor once more, it is "
    "patched there as well: copy it, put the head in, and return the copy.",
    {"mixed = output.clone()": "mixed = output"},
)
patching_effect.slip(
    "size_of_the_share",
    "You took the size of the share. Where the head makes matters worse, it is below 0.",
    {_RETURN: "abs((run(corrupted, patch) - low) / (high - low))"},
)
patching_effect.slip(
    "a_number_for_a_head",
    "You put in one *number* of every head. The shape is (n, T, heads, size): heads are axis 2.",
    {
        "mixed[:, :, head] = seen[0][:, :, head]": "mixed[..., head] = seen[0][..., head]",
    },
)
patching_effect.slip(
    "a_row_for_a_head",
    "You put in one *row* of the batch. The shape is (n, T, heads, size): heads are axis 2.",
    {
        "mixed[:, :, head] = seen[0][:, :, head]": (
            "mixed[head % len(mixed)] = seen[0][head % len(mixed)]"
        ),
    },
)

for _other in ("<= 1e-06", "< 2e-06"):
    patching_effect.equivalent(
        f"`if abs(high - low) < 1e-06:` → `if abs(high - low) {_other}:`",
        because="no two runs lie so near without being equal",
    )

patching_effect.hint("Three runs: clean, corrupted, and corrupted with one head's clean output.")
patching_effect.hint("`record` the clean run; `run_with_edits` on the corrupted one.")
patching_effect.hint("An edit: copy the output, write the head's clean part in, return the copy.")
patching_effect.hint("Is nothing brought back 0, and all of it 1?", when="value")
