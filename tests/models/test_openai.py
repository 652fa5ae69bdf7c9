"""OpenAI's weights in our model: the logits are those of `transformers`."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from descent.models.gpt import parameter_count
from descent.models.openai import SIZES, NoWeights, from_transformers, load_openai_weights


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=31, n_positions=16, n_embd=24, n_head=3, n_layer=2)
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        for weight in model.parameters():  # biases and gains too, which begin at 0 and 1
            weight.add_(0.3 * torch.randn_like(weight))
    return model


@pytest.mark.parametrize("context", [16, 9])
def test_the_logits_are_those_of_transformers(theirs, context):
    ours = from_transformers(theirs, context).eval()
    tokens = torch.randint(31, (3, context))
    with torch.no_grad():
        assert torch.allclose(ours(tokens), theirs(tokens).logits, atol=2e-4)
    assert ours.read_out.weight is ours.tokens.weight


def test_the_sizes_are_the_published_ones():
    counts = {name: parameter_count(50257, 1024, s.width, s.layers, True) for name, s in
              SIZES.items()}  # fmt: skip
    millions = {name: round(count / 1e6) for name, count in counts.items()}
    assert millions == {"gpt2": 124, "gpt2-medium": 355, "gpt2-large": 774, "gpt2-xl": 1558}


def test_parameters_are_counted_with_their_biases(theirs):
    counted = sum(weight.numel() for weight in from_transformers(theirs, 16).parameters())
    assert counted == parameter_count(31, 16, 24, 2, bias=True)


def test_weights_that_cannot_be_had_are_said(monkeypatch):
    def fail(name):
        raise OSError("We couldn't connect to the hub\nand more")

    monkeypatch.setattr(GPT2LMHeadModel, "from_pretrained", fail)
    with pytest.raises(NoWeights, match=r"of gpt2-xl are not here .*connect to the hub\)"):
        load_openai_weights("gpt2-xl")
