"""A model of the learner's that a run cannot train is refused, with the reason."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from descent.models.gpt import GPT
from descent.models.modern_gpt import ModernGPT
from descent.runs.definition.contract import BrokenContract, check_language_model
from descent.runs.folder.learner_model import join_cells
from descent.runs.launching.start import start_run

SIZES = {"vocabulary": 11, "context": 8, "width": 16, "heads": 2, "layers": 2}


class Good(nn.Module):
    """The least a model can be: it knows the token at each place."""

    def __init__(self, vocabulary, context, width, heads, layers):
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.out(self.read(tokens))

    def read(self, tokens):
        return self.table(tokens)


class SeesAll(Good):
    def read(self, tokens):
        return self.table(tokens) + self.table(tokens).mean(dim=1, keepdim=True)


class SeesNext(Good):
    def read(self, tokens):
        return self.table(tokens.roll(-1, dims=1))


class NormalisesOverTime(Good):
    """Leaks only while training, through the statistics of the batch."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.norm = nn.BatchNorm1d(sizes[2])

    def read(self, tokens):
        return self.norm(self.table(tokens).transpose(1, 2)).transpose(1, 2)


class LeaksBehindZero(Good):
    """Looks ahead with what is zero at the beginning, and would train to use it."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.projection = nn.Linear(sizes[2], sizes[2], bias=False)
        nn.init.zeros_(self.projection.weight)

    def read(self, tokens):
        x = self.table(tokens)
        return x + self.projection(x.mean(dim=1, keepdim=True))


class LastOnly(Good):
    def forward(self, tokens):
        return super().forward(tokens)[:, -1]


class Choice(Good):
    def forward(self, tokens):
        return super().forward(tokens).argmax(dim=-1, keepdim=True).expand(-1, -1, 11)


class Pair(Good):
    def forward(self, tokens):
        return super().forward(tokens), None


class Detached(Good):
    def forward(self, tokens):
        return super().forward(tokens).detach()


class HalfUsed(Good):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.unused = nn.Linear(3, 3)


class FixedLength(Good):
    def __init__(self, vocabulary, context, *sizes):
        super().__init__(vocabulary, context, *sizes)
        self.places = nn.Parameter(torch.zeros(context, sizes[0]))

    def read(self, tokens):
        return self.table(tokens) + self.places


class OtherArguments(nn.Module):
    def __init__(self, config):
        super().__init__()


class Infinite(Good):
    def forward(self, tokens):
        return super().forward(tokens) / 0


class NoParameters(nn.Module):
    def __init__(self, vocabulary, *sizes):
        super().__init__()
        self.vocabulary = vocabulary

    def forward(self, tokens):
        return F.one_hot(tokens, self.vocabulary).float()


@pytest.mark.parametrize("model", [Good, GPT, ModernGPT])
def test_a_model_that_keeps_it_is_taken(model):
    check_language_model(model, SIZES)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda *sizes: None, "not a class that derives from torch.nn.Module"),
        (dict, "dict is not a class that derives"),
        (OtherArguments, r"OtherArguments\(vocabulary=11, context=8.* cannot be made: TypeError"),
        (LastOnly, r"shape \(2, 11\).* needs \(2, 8, 11\)"),
        (Choice, "logits are floating point"),
        (Pair, "returns tuple, not a tensor"),
        (SeesAll, "looks ahead.*causal mask"),
        (SeesNext, "looks ahead"),
        (LeaksBehindZero, "looks ahead"),
        (NormalisesOverTime, "looks ahead"),
        (Detached, "No gradient comes back"),
        (HalfUsed, "No gradient reaches unused.weight, unused.bias"),
        (FixedLength, r"Given tokens of shape \(2, 2\), the model fails: RuntimeError"),
        (Infinite, "not finite"),
        (NoParameters, "no parameters"),
    ],
)
def test_a_model_that_breaks_it_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_language_model(model, SIZES)


def test_it_is_refused_before_anything_begins(apart):
    cells = ["import torch\nfrom torch import nn", "class Mine(nn.Linear):\n    pass"]
    with pytest.raises(BrokenContract, match="Mine.* cannot be made"):
        start_run("nanogpt", "smoke", {}, join_cells(cells, "Mine"))
    assert not apart.exists()
