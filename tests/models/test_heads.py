"""Heads of a GPT-2: scores of attention that is known, and the model without some."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from descent.models.heads import (
    induction_scores,
    previous_token_scores,
    repeated_tokens,
    without_heads,
)


def looking(time, *places):
    """The attention of one head that looks from each t to places[t] alone: (1, 1, time, time)."""
    made = torch.zeros(1, 1, time, time)
    for t, s in enumerate(places):
        made[0, 0, t, s] = 1
    return made


TOKENS = torch.tensor([[7, 3, 5, 3, 7, 5, 3, 9]])


def brute_force(attention, tokens):
    given, asked = 0.0, 0
    for row, read in enumerate(tokens.tolist()):
        for t in range(len(read)):
            after = [s for s in range(1, t + 1) if read[s - 1] == read[t]]
            if after:
                asked += 1
                given += sum(attention[row, 0, t, s].item() for s in after)
    return given / asked


def test_all_that_followed_earlier_copies_counts_and_nothing_else():
    # From 3, the third time, one may look behind either 3; from 9, which is new, nothing is asked.
    near = looking(8, 0, 0, 0, 2, 1, 3, 4, 0)
    far = looking(8, 0, 0, 0, 2, 1, 3, 2, 0)
    split = (near + far) / 2
    for attention in (near, far, split):
        assert induction_scores(attention, TOKENS).tolist() == [1.0]
    at_the_copy = looking(8, 0, 0, 0, 1, 0, 2, 3, 0)  # the copy itself, not what followed
    assert induction_scores(at_the_copy, TOKENS).item() < 0.3


def test_scores_are_those_of_a_loop():
    draw = torch.Generator().manual_seed(4)
    tokens = torch.randint(5, (3, 17), generator=draw)
    attention = torch.rand((3, 1, 17, 17), generator=draw).tril()
    attention /= attention.sum(dim=-1, keepdim=True)
    expected = brute_force(attention, tokens)
    assert induction_scores(attention, tokens).item() == pytest.approx(expected, abs=1e-6)
    previous = sum(attention[r, 0, t, t - 1].item() for r in range(3) for t in range(1, 17)) / 48
    assert previous_token_scores(attention).item() == pytest.approx(previous, abs=1e-6)


def test_heads_are_scored_by_themselves():
    heads = torch.cat([looking(8, 0, 0, 0, 2, 1, 3, 4, 0), looking(8, 0, 0, 1, 2, 3, 4, 5, 6)], 1)
    assert previous_token_scores(heads)[1] == 1
    induction = induction_scores(heads, TOKENS)
    assert induction[0] == 1 and induction[1] < 1


def test_tokens_are_repeated_behind_the_first_and_none_stands_twice_in_a_copy():
    draw = torch.Generator().manual_seed(1)
    tokens = repeated_tokens(40, 7, 3, 5, draw, 40)
    assert tokens.shape == (5, 22) and (tokens[:, 0] == 40).all()
    assert torch.equal(tokens[:, 1:8], tokens[:, 8:15])
    assert torch.equal(tokens[:, 1:8], tokens[:, 15:])
    assert all(len(row.unique()) == 8 for row in tokens)
    assert not torch.equal(tokens[0], tokens[1])


@pytest.fixture
def model():
    torch.manual_seed(0)
    size = GPT2Config(vocab_size=31, n_positions=16, n_embd=12, n_head=3, n_layer=2)
    return GPT2LMHeadModel(size).eval()


def test_a_head_taken_out_is_one_whose_projection_is_zero(model):
    tokens = torch.arange(10)[None]
    whole = model(tokens).logits
    with without_heads(model, [(1, 2), (0, 0)]):
        without = model(tokens).logits
    assert torch.equal(model(tokens).logits, whole) and not torch.allclose(without, whole)
    with torch.no_grad():  # of (inputs, outputs): a head's inputs are a quarter of the rows
        model.transformer.h[1].attn.c_proj.weight[8:12] = 0
        model.transformer.h[0].attn.c_proj.weight[:4] = 0
    assert torch.allclose(model(tokens).logits, without, atol=1e-6)


def test_heads_come_back_after_an_error(model):
    tokens = torch.arange(10)[None]
    whole = model(tokens).logits
    with pytest.raises(ZeroDivisionError), without_heads(model, [(0, 1)]):
        raise ZeroDivisionError
    assert torch.equal(model(tokens).logits, whole)
