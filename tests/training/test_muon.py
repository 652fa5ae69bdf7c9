"""Muon: steps whose singular values are near 1, whichever way a matrix lies."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from descent.training.muon import Muon, orthogonal

SHAPES = [(8, 8), (24, 8), (8, 24), (24, 8), (8, 8)]


def weights(*shapes):
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in shapes]


def give_gradients(matrices, seed):
    draw = torch.Generator().manual_seed(seed)
    for matrix in matrices:
        matrix.grad = torch.randn(matrix.shape, generator=draw)


def singular_values(matrix):
    return torch.linalg.svdvals(matrix.detach())


def test_the_singular_vectors_stay_and_the_values_come_near_one():
    torch.manual_seed(0)
    u, _ = torch.linalg.qr(torch.randn(6, 6))
    v, _ = torch.linalg.qr(torch.randn(20, 6))
    values = torch.tensor([5.0, 3.0, 1.0, 0.5, 0.2, 0.1])
    made = orthogonal((u * values @ v.T)[None], rounds=5)[0]
    found = u.T @ made @ v
    assert (found - found.diag().diag()).abs().max() < 1e-4
    assert found.diag().min() > 0.6 and found.diag().max() < 1.3


def test_more_rounds_raise_smaller_values():
    matrix = torch.diag(torch.tensor([1.0, 1.0, 1.0, 0.01]))[None]
    smallest = [singular_values(orthogonal(matrix, rounds)[0])[-1] for rounds in (1, 3, 5)]
    assert smallest[0] < smallest[1] < smallest[2]


def test_a_matrix_of_zeros_stays():
    assert torch.equal(orthogonal(torch.zeros(1, 3, 4), 5), torch.zeros(1, 3, 4))


def test_each_matrix_moves_as_if_it_were_alone():
    together, alone = weights(*SHAPES), weights(*SHAPES)
    optimisers = [Muon(together, lr=0.1), *(Muon([matrix], lr=0.1) for matrix in alone)]
    for step in range(3):
        give_gradients(together, step)
        give_gradients(alone, step)
        for optimiser in optimisers:
            optimiser.step()
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("shape", "length"), [((8, 24), 0.1), ((24, 8), 0.1 * 3**0.5)])
def test_a_step_is_as_long_as_the_rate_says(shape, length):
    (matrix,) = weights(shape)
    before = matrix.detach().clone()
    give_gradients([matrix], 1)
    matrix.grad *= 1e-6  # the size of the gradient does not matter
    Muon([matrix], lr=0.1).step()
    moved = singular_values(before - matrix)
    assert 0.6 * length < moved.min() and moved.max() < 1.3 * length
    assert (matrix.grad * (before - matrix)).sum() > 0


def test_it_is_close_to_pytorch_s():
    """Theirs computes in bfloat16, and divides by another norm first."""
    ours, theirs = weights(*SHAPES), weights(*SHAPES)
    optimisers = Muon(ours, lr=0.1, weight_decay=0.1), torch.optim.Muon(theirs, lr=0.1)
    start = [matrix.detach().clone() for matrix in ours]
    for step in range(3):
        give_gradients(ours, step)
        give_gradients(theirs, step)
        for optimiser in optimisers:
            optimiser.step()
    for one, other, begun in zip(ours, theirs, start, strict=True):
        moves = [(matrix.detach() - begun).flatten() for matrix in (one, other)]
        assert torch.cosine_similarity(*moves, dim=0) > 0.95
        assert moves[0].norm().item() == pytest.approx(moves[1].norm().item(), rel=0.2)


def test_its_state_is_saved_and_restored():
    whole, parts = weights(*SHAPES), weights(*SHAPES)
    first, second = Muon(whole, lr=0.1), Muon(parts, lr=0.1)
    for step in range(4):
        give_gradients(whole, step)
        first.step()
    for step in range(2):
        give_gradients(parts, step)
        second.step()
    continued = Muon(parts, lr=0.5)
    continued.load_state_dict(copy.deepcopy(second.state_dict()))
    for step in range(2, 4):
        give_gradients(parts, step)
        continued.step()
    assert all(torch.equal(one, other) for one, other in zip(whole, parts, strict=True))


def test_what_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r"one has shape \(3,\)"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)
