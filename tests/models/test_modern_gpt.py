"""The GPT with later ideas in it: what each changes, and that without them it is GPT-2's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from descent.models.gpt import GPT
from descent.models.modern_gpt import ModernGPT, rotary_angles, rotate

SIZES = {"vocabulary": 13, "context": 8, "width": 16, "heads": 2, "layers": 3}
IDEAS = ("rotary", "qk_norm", "squared_relu", "zero_projections")
NONE = dict.fromkeys(IDEAS, False)
EACH = [NONE, *({**NONE, idea: True} for idea in IDEAS), dict.fromkeys(IDEAS, True)]


def made(seed=0, **ideas):
    torch.manual_seed(seed)
    return ModernGPT(**SIZES, **ideas)


def stirred(model):
    """Weights far from where they begin, so that every part has an effect."""
    torch.manual_seed(1)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return model.eval()


def test_without_the_ideas_it_is_gpt_2_s_weight_for_weight():
    torch.manual_seed(0)
    plain = GPT(**SIZES)
    modern = made(**NONE)
    assert all(map(torch.equal, plain.parameters(), modern.parameters()))
    modern.load_state_dict(plain.state_dict())
    tokens = torch.randint(13, (4, 8))
    torch.testing.assert_close(plain(tokens), modern(tokens))


@pytest.mark.parametrize("ideas", EACH)
def test_a_place_depends_on_itself_and_those_before(ideas):
    model = stirred(made(**ideas))
    x = model.tokens(torch.randint(13, (1, 8))).detach().requires_grad_()
    model.tokens.register_forward_hook(lambda *_: x)
    model(torch.zeros(1, 8, dtype=torch.long))[0, 3].square().sum().backward()
    seen = x.grad[0].abs().sum(dim=1) > 0
    assert seen.tolist() == [True] * 4 + [False] * 4


@pytest.mark.parametrize("ideas", EACH)
def test_it_knows_the_order_of_what_is_before(ideas):
    model = stirred(made(**ideas))
    logits = model(torch.tensor([[1, 2, 3], [2, 1, 3]]))[:, -1]
    assert (logits[0] - logits[1]).abs().max() > 1e-3


def test_the_product_of_rotated_vectors_depends_on_their_distance_alone():
    torch.manual_seed(0)
    q, k = torch.randn(2, 6)
    angles = rotary_angles(20, 6)
    assert angles[1].tolist() == pytest.approx([1.0, 10_000 ** (-1 / 3), 10_000 ** (-2 / 3)])
    turned = [
        rotate(x.expand(1, 20, 1, 6), angles.cos()[:, None], angles.sin()[:, None])[0, :, 0]
        for x in (q, k)
    ]
    products = turned[0] @ turned[1].T
    for distance in (0, 3, 11):
        along = products.diagonal(-distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-5, rtol=0)
    assert products[0, 0] == pytest.approx((q @ k).item(), abs=1e-5)
    assert abs(products[3, 0] - products[11, 0]) > 1e-3
    torch.testing.assert_close(turned[0].norm(dim=1), q.norm().expand(20))


def test_rotary_has_no_table_of_positions_and_takes_shorter_texts():
    model = stirred(made(rotary=True))
    assert not any("position" in name for name in model.state_dict())
    tokens = torch.randint(13, (2, 8))
    torch.testing.assert_close(model(tokens[:, :5]), model(tokens)[:, :5])


def test_with_qk_norm_the_scale_of_queries_and_keys_does_not_matter():
    tokens = torch.randint(13, (2, 8))
    moved = {}
    for qk_norm in (True, False):
        model = stirred(made(**{**NONE, "qk_norm": qk_norm}))
        before = model(tokens)
        with torch.no_grad():
            for block in model.blocks:
                block.attention.queries_keys_values.weight[:32] *= 10
        moved[qk_norm] = (model(tokens) - before).abs().max().item()
    assert moved[True] < 1e-3 < moved[False]


def test_with_zero_projections_it_begins_as_its_embedding_alone():
    model = made(**{**NONE, "zero_projections": True})
    tokens = torch.randint(13, (2, 8))
    places = model.positions(torch.arange(8))
    alone = model.read_out(model.norm(model.tokens(tokens) + places))
    assert torch.equal(model(tokens), alone)
    F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten()).backward()
    assert all(block.projection.weight.grad.abs().max() > 0 for block in model.blocks)


def test_squared_relu_is_what_it_says():
    model = stirred(made(**{**NONE, "squared_relu": True}))
    block, inner = model.blocks[0], []
    block.projection.register_forward_pre_hook(lambda _, x: inner.append(x[0]))
    expanded = []
    block.expand.register_forward_hook(lambda _, __, y: expanded.append(y))
    model(torch.randint(13, (2, 8)))
    assert torch.equal(inner[0], expanded[0].clamp(min=0) ** 2)
