"""GPT-2's model, plain: a decoder-only transformer (Radford et al., 2019)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Causal self-attention with several heads.

    Parameters
    ----------
    width, heads : int
        Features of a token, and the heads they are divided among.
    dropout : float
        Share of attention weights and of outputs that is dropped.
    bias : bool
        Whether the linear maps add a bias.
    """

    def __init__(self, width: int, heads: int, dropout: float, bias: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=bias)
        self.projection = nn.Linear(width, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Let each place look at itself and those before it: (batch, time, width) to the same."""
        batch, time, width = x.shape
        split = (batch, time, self.heads, width // self.heads)
        q, k, v = (
            part.view(split).transpose(1, 2)  # (batch, heads, time, width of a head)
            for part in self.queries_keys_values(x).split(width, dim=2)
        )
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        y = y.transpose(1, 2).reshape(batch, time, width)
        return F.dropout(self.projection(y), self.dropout, self.training)


class Block(nn.Module):
    """Attention, then a small network for each place, both added to the stream.

    Parameters
    ----------
    attention : nn.Module
        From (batch, time, width) to the same.
    width : int
        Features of a token.
    dropout : float
        Share of the small network's outputs that is dropped.
    activation : callable
        Between its two linear maps, on (batch, time, 4 · width).
    bias : bool
        Whether linear maps and norms add a bias.
    """

    def __init__(
        self,
        attention: nn.Module,
        width: int,
        dropout: float,
        activation: Callable[[Tensor], Tensor] = F.gelu,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, bias=bias)
        self.attention = attention
        self.norm_2 = nn.LayerNorm(width, bias=bias)
        self.expand = nn.Linear(width, 4 * width, bias=bias)
        self.projection = nn.Linear(4 * width, width, bias=bias)
        self.dropout = dropout
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, width) to the same."""
        x = x + self.attention(self.norm_1(x))
        y = self.projection(self.activation(self.expand(self.norm_2(x))))
        return x + F.dropout(y, self.dropout, self.training)


class GPT(nn.Module):
    """A language model over tokens.

    Parameters
    ----------
    vocabulary : int
        Number of different tokens.
    context : int
        The longest sequence it can read.
    width, heads, layers : int
        Features of a token, attention heads (a divisor of `width`), blocks.
    dropout : float
        Share that is dropped while training.
    bias : bool
        Whether linear maps and norms add a bias. GPT-2's do; without, it is a little faster and no
        worse.
    gelu : str
        ``none`` for GELU itself, ``tanh`` for the approximation that GPT-2 was trained with.
    """

    def __init__(
        self,
        vocabulary: int,
        context: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float = 0.0,
        bias: bool = False,
        gelu: str = "none",
    ) -> None:
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        activation = partial(F.gelu, approximate=gelu)
        self.blocks = nn.ModuleList(
            Block(Attention(width, heads, dropout, bias), width, dropout, activation, bias)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, bias=bias)
        self.read_out = nn.Linear(width, vocabulary, bias=False)
        self.read_out.weight = self.tokens.weight  # one table reads tokens in and out
        # 2 × layers terms are added to the stream: together they keep its scale.
        initialise(self, projections=0.02 / math.sqrt(2 * layers))

    def forward(self, tokens: Tensor) -> Tensor:
        """Score every token as the next, at each place.

        Parameters
        ----------
        tokens : Tensor
            (batch, time) whole numbers below the vocabulary; time at most the context.

        Returns
        -------
        Tensor
            (batch, time, vocabulary) logits; those at a place depend on it and what is before.
        """
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(places))
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.read_out(self.norm(x))
        return logits


def initialise(model: nn.Module, projections: float) -> None:
    """Draw GPT-2's first weights as nanoGPT does: 0.02 wide, biases 0.

    Parameters
    ----------
    model : nn.Module
        Changed in place.
    projections : float
        Deviation of what writes into the stream, the weights called ``projection``.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for name, weight in model.named_parameters():
        if name.endswith("projection.weight"):
            nn.init.normal_(weight, std=projections)


def parameter_count(
    vocabulary: int, context: int, width: int, layers: int, bias: bool = False
) -> int:
    """Return the number of weights of a `GPT`, without making one."""
    block = 12 * width * width + 2 * width + (11 * width if bias else 0)
    return (vocabulary + context) * width + layers * block + (2 if bias else 1) * width


@torch.no_grad()
def sample(
    model: nn.Module,
    tokens: Tensor,
    length: int,
    context: int,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
    vocabulary: int | None = None,
) -> Tensor:
    """Continue sequences, each token drawn from what the model says of the next.

    Parameters
    ----------
    model : nn.Module
        From (batch, time) tokens to (batch, time, vocabulary) logits.
    tokens : Tensor
        (batch, time), at least one token each.
    length : int
        Tokens to add.
    context : int
        The longest sequence the model reads: the latest tokens are what it is given.
    generator : torch.Generator, optional
        What is drawn from.
    temperature : float
        Below 1 the likely ones become likelier.
    vocabulary : int, optional
        Only so many tokens are drawn, where the model's vocabulary is padded to more.

    Returns
    -------
    Tensor
        (batch, time + length).
    """
    model.eval()
    for _ in range(length):
        logits = model(tokens[:, -context:])[:, -1, :vocabulary].float() / temperature
        drawn = torch.multinomial(F.softmax(logits, dim=-1), 1, generator=generator)
        tokens = torch.cat([tokens, drawn], dim=1)
    return tokens


def windows(tokens: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """Cut a text into windows side by side; what is left over at the end is not in them.

    Parameters
    ----------
    tokens : Tensor
        (length,), more than `context` of them.
    context : int
        Tokens of a window.

    Returns
    -------
    inputs, targets : Tensor
        (windows, context) each; the target at a place is the token after it.
    """
    number = (len(tokens) - 1) // context
    length = number * context
    return tokens[:length].view(number, context), tokens[1 : length + 1].view(number, context)


@torch.no_grad()
def total_loss(model: nn.Module, inputs: Tensor, targets: Tensor, at_once: int = 64) -> float:
    """Add up the cross-entropy of all targets, in nats.

    Parameters
    ----------
    model : nn.Module
        From (batch, time) tokens to (batch, time, vocabulary) logits. Put into evaluation mode.
    inputs, targets : Tensor
        (windows, time), as `windows` cuts them.
    at_once : int
        Windows that the model is given at a time.
    """
    model.eval()
    total = 0.0
    for read, wanted in zip(inputs.split(at_once), targets.split(at_once), strict=True):
        logits = model(read)
        total += F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum").item()
    return total
