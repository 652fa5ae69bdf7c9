"""The GPT of the runs."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from descent.models.gpt import GPT, parameter_count, sample, total_loss, windows

SIZES = {"vocabulary": 13, "context": 8, "width": 16, "heads": 2, "layers": 3}


def test_its_size():
    model = GPT(**SIZES)
    counted = sum(weight.numel() for weight in model.parameters())
    assert counted == parameter_count(13, 8, 16, 3)


def test_gpt_2_has_124_million():
    assert 124e6 < parameter_count(50257, 1024, 768, 12) < 125e6


def test_it_begins_by_knowing_nothing():
    torch.manual_seed(0)
    tokens = torch.randint(13, (64, 8))
    loss = F.cross_entropy(GPT(**SIZES)(tokens).flatten(0, 1), tokens.roll(1).flatten())
    assert abs(loss.item() - math.log(13)) < 0.05


def test_the_stream_keeps_its_scale_whatever_the_depth():
    torch.manual_seed(0)
    tokens = torch.randint(13, (8, 8))
    for layers in (1, 24):
        model = GPT(**{**SIZES, "layers": layers})
        spread = []
        model.norm.register_forward_pre_hook(lambda _, x, kept=spread: kept.append(x[0].std()))
        model(tokens)
        assert spread[0] < 0.05


def test_a_place_depends_on_itself_and_those_before():
    torch.manual_seed(0)
    model = GPT(**SIZES).eval()
    x = model.tokens(torch.randint(13, (1, 8))).detach().requires_grad_()
    model.tokens.register_forward_hook(lambda *_: x)
    model(torch.zeros(1, 8, dtype=torch.long))[0, 3].sum().backward()
    seen = x.grad[0].abs().sum(dim=1) > 0
    assert seen.tolist() == [True] * 4 + [False] * 4


def test_sampling_goes_on_past_the_context_and_follows_its_generator():
    torch.manual_seed(0)
    model = GPT(**SIZES)
    start = torch.tensor([[1, 2]])
    one, other = (sample(model, start, 20, 8, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.shape == (1, 22) and torch.equal(one, other)
    assert one[0, :2].tolist() == [1, 2]


def test_a_low_temperature_takes_the_likeliest():
    torch.manual_seed(0)
    model = GPT(**SIZES).eval()
    start = torch.tensor([[1, 2, 3]])
    drawn = sample(model, start, 1, 8, temperature=1e-6)[0, -1]
    assert drawn == model(start)[0, -1].argmax()


def test_windows_lie_side_by_side_and_their_targets_come_next():
    inputs, targets = windows(torch.arange(11), 3)
    assert inputs.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert targets.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert windows(torch.arange(10), 3)[0].shape == (3, 3)  # the last target is the last token
    assert windows(torch.arange(9), 3)[0].shape == (2, 3)


def test_the_loss_of_all_windows_is_added_up_however_many_go_at_once():
    torch.manual_seed(0)
    model = GPT(11, 4, 8, 2, 1, dropout=0.5)
    inputs, targets = windows(torch.randint(11, (41,)), 4)
    one, other = (total_loss(model, inputs, targets, at_once) for at_once in (64, 3))
    assert one == pytest.approx(other, rel=1e-5)
    logits = model.eval()(inputs)
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    assert one == pytest.approx(expected.item(), rel=1e-5)
