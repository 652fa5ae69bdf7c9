"""What several exercises of ladder/deep_network draw from and compare with."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, expect

Network = list[tuple[torch.Tensor, torch.Tensor]]


def drawn_network(draw: Draw, widths: list[int]) -> Network:
    """Random layers, biases included, that require a gradient.

    The small shift of the biases keeps every unit off its corner, where the ways to write ReLU
    differ in their slope.
    """
    return [
        (
            normals(draw, a, c).requires_grad_(),
            (normals(draw, c) + 33e-5).requires_grad_(),
        )
        for a, c in pairwise(widths)
    ]


def module(network: Network) -> nn.Sequential:
    """The same network made of torch's own layers."""
    parts: list[nn.Module] = []
    for W, b in network:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(W.T)
            linear.bias.copy_(b)
        parts += [linear, nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def expect_parameters(network: Network, oracle: nn.Module, gradients: bool = False) -> None:
    """Compare every W and b (or their gradients) with those of the oracle's layers."""
    linears = [part for part in oracle.modules() if isinstance(part, nn.Linear)]
    for number, ((W, b), linear) in enumerate(zip(network, linears, strict=True), start=1):
        if gradients:
            assert linear.weight.grad is not None and linear.bias.grad is not None
            if W.grad is None or b.grad is None:
                expect(False, f"a gradient in W{number} and b{number}").is_true(
                    otherwise=f"No gradient reached layer {number}: somewhere between it and the "
                    "logits autograd was not looking."
                )
                continue
            expect(W.grad, f"the gradient of W{number}").close_to(linear.weight.grad.T, atol=1e-4)
            expect(b.grad, f"the gradient of b{number}").close_to(linear.bias.grad, atol=1e-4)
        else:
            expect(W, f"W{number}").close_to(linear.weight.T, atol=1e-4)
            expect(b, f"b{number}").close_to(linear.bias, atol=1e-4)


def drawn_layer(n_in, n_out, generator, deviation):
    W = torch.randn(n_in, n_out, generator=generator) * deviation
    return W.requires_grad_(), torch.zeros(n_out, requires_grad=True)


def he(n_in, n_out, generator):
    return drawn_layer(n_in, n_out, generator, math.sqrt(2 / n_in))


def step(oracle: nn.Module, loss: torch.Tensor, learning_rate: float) -> None:
    """A step by hand: the first use of ``torch.optim`` in a process takes seconds."""
    slopes = torch.autograd.grad(loss, list(oracle.parameters()))
    with torch.no_grad():
        for parameter, slope in zip(oracle.parameters(), slopes, strict=True):
            parameter.copy_(torch.add(parameter, slope, alpha=-learning_rate))


def parameters_of(network: Network) -> list[torch.Tensor]:
    return [tensor for layer in network for tensor in layer]
