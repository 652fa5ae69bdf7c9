"""The model of `gpt.py` with four later ideas in it, each of which can be left out."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent.models.gpt import Block, initialise

ROTARY_BASE = 10_000.0  # the slowest pair of features turns once in about 2π × this many places


class Attention(nn.Module):
    """Causal self-attention with several heads.

    Parameters
    ----------
    width, heads : int
        Features of a token, and the heads they are divided among.
    context : int
        The longest sequence.
    dropout : float
        Share of attention weights and of outputs that is dropped.
    rotary, qk_norm : bool
        As `ModernGPT` takes them.
    """

    cosines: Tensor
    sines: Tensor

    def __init__(
        self, width: int, heads: int, context: int, dropout: float, rotary: bool, qk_norm: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.rotary = rotary
        self.qk_norm = qk_norm
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width, bias=False)
        if rotary:
            angles = rotary_angles(context, width // heads)
            self.register_buffer("cosines", angles.cos(), persistent=False)
            self.register_buffer("sines", angles.sin(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Let each place look at itself and those before it: (batch, time, width) to the same."""
        batch, time, width = x.shape
        made = self.queries_keys_values(x).view(batch, time, 3 * self.heads, width // self.heads)
        # Queries and keys are treated alike, so they go together: half as many small operations.
        both, v = made.split([2 * self.heads, self.heads], dim=2)
        if self.qk_norm:
            both = F.rms_norm(both, both.shape[-1:])
        if self.rotary:
            both = rotate(both, self.cosines[:time, None], self.sines[:time, None])
        q, k = both.transpose(1, 2).chunk(2, dim=1)  # (batch, heads, time, width of a head)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v.transpose(1, 2), dropout_p=dropout, is_causal=True
        )
        y = y.transpose(1, 2).reshape(batch, time, width)
        return F.dropout(self.projection(y), self.dropout, self.training)


class ModernGPT(nn.Module):
    """A language model over tokens: GPT-2's, and what was found since.

    With all four ideas left out, it is `gpt.GPT`, weight for weight.

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
    rotary : bool
        Queries and keys are turned by an angle that grows with their place, so that their product
        depends on how far apart they are (Su et al., 2021); there is no table of positions then.
        The features of a head are an even number.
    qk_norm : bool
        Queries and keys are brought to one length before their product, which then cannot grow
        (Henry et al., 2020).
    squared_relu : bool
        ReLU, squared, in place of GELU (So et al., 2021).
    zero_projections : bool
        What each part adds to the stream begins at zero: at first the model is its embedding
        alone.
    """

    def __init__(
        self,
        vocabulary: int,
        context: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float = 0.0,
        *,
        rotary: bool = True,
        qk_norm: bool = True,
        squared_relu: bool = True,
        zero_projections: bool = True,
    ) -> None:
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = None if rotary else nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        activation = squared if squared_relu else F.gelu
        self.blocks = nn.ModuleList(
            Block(
                Attention(width, heads, context, dropout, rotary, qk_norm),
                width,
                dropout,
                activation,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, bias=False)
        self.read_out = nn.Linear(width, vocabulary, bias=False)
        self.read_out.weight = self.tokens.weight  # one table reads tokens in and out
        initialise(self, projections=0.0 if zero_projections else 0.02 / math.sqrt(2 * layers))

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
        x = self.tokens(tokens)
        if self.positions is not None:
            x = x + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.read_out(self.norm(x))
        return logits


def squared(x: Tensor) -> Tensor:
    """Return max(0, x)², number by number."""
    return F.relu(x).square()


def rotary_angles(context: int, features: int) -> Tensor:
    """Return the angle of each place and pair of features: (context, features / 2), in radians."""
    speeds = ROTARY_BASE ** -(torch.arange(0, features, 2) / features)
    return torch.arange(context)[:, None] * speeds


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn pairs of features, the i-th of the first half with the i-th of the second.

    Parameters
    ----------
    x : Tensor
        (batch, time, heads, features).
    cosines, sines : Tensor
        (time, 1, features / 2), of the angles.

    Returns
    -------
    Tensor
        Of the shape of `x`.
    """
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosines - second * sines, first * sines + second * cosines], dim=-1)
