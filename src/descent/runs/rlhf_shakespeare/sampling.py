"""Completions of prompts, and the log-probability of each of their tokens."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent.models.gpt import GPT, Attention, Block, sample

AT_ONCE = 256  # sequences that a model is given at a time, where no gradient is asked for


@torch.no_grad()
def complete(
    model: nn.Module, prompts: Tensor, length: int, vocabulary: int, draw: torch.Generator
) -> Tensor:
    """Continue prompts by what the model says of the next token, at temperature 1.

    Parameters
    ----------
    model : nn.Module
        From (batch, time) tokens to (batch, time, at least `vocabulary`) logits.
    prompts : Tensor
        (n, prompt) tokens.
    length : int
        Tokens to add.
    vocabulary : int
        Only tokens below it are drawn.
    draw : torch.Generator
        On the device of `prompts`.

    Returns
    -------
    Tensor
        (n, prompt + length).
    """
    model.eval()
    if not isinstance(model, GPT):  # a learner's: no more is known of it than its logits
        return sample(model, prompts, length, prompts.shape[1] + length, draw, 1.0, vocabulary)
    memory, tokens, new = _Memory(model), prompts, prompts
    for _ in range(length):
        chances = F.softmax(memory.next(new)[:, :vocabulary].float(), dim=-1)
        new = torch.multinomial(chances, 1, generator=draw)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


def log_probabilities(model: nn.Module, tokens: Tensor, prompt: int, vocabulary: int) -> Tensor:
    """Return the log-probability of each token of completions, as `complete` drew them.

    Tokens from `vocabulary` on are never drawn, so they have no share of the probability here.

    Parameters
    ----------
    model : nn.Module
    tokens : Tensor
        (n, prompt + length).
    prompt : int
        Tokens of each that were given.
    vocabulary : int

    Returns
    -------
    Tensor
        (n, length), in nats.
    """
    logits = model(tokens[:, :-1])[:, prompt - 1 :, :vocabulary].float()
    drawn = tokens[:, prompt:]
    return -F.cross_entropy(logits.transpose(1, 2), drawn, reduction="none")


@torch.no_grad()
def measured(model: nn.Module, tokens: Tensor, prompt: int, vocabulary: int) -> Tensor:
    """Return `log_probabilities` without gradients, some sequences at a time."""
    model.eval()
    parts = [log_probabilities(model, some, prompt, vocabulary) for some in tokens.split(AT_ONCE)]
    return torch.cat(parts)


class _Memory:
    """Keys and values of what our model has read, so that it need not be read again."""

    def __init__(self, model: GPT) -> None:
        self.model, self.read = model, 0
        self.past: list[tuple[Tensor, Tensor]] = []

    def next(self, tokens: Tensor) -> Tensor:
        """Read on, (batch, time), and score the token after it: (batch, vocabulary)."""
        places = torch.arange(self.read, self.read + tokens.shape[1], device=tokens.device)
        x = self.model.tokens(tokens) + self.model.positions(places)
        for number, block in enumerate(self.model.blocks):
            assert isinstance(block, Block)
            x = x + self._attend(number, block.attention, block.norm_1(x))
            x = x + block.projection(block.activation(block.expand(block.norm_2(x))))
        self.read += tokens.shape[1]
        scored: Tensor = self.model.read_out(self.model.norm(x[:, -1]))
        return scored

    def _attend(self, number: int, attention: nn.Module, x: Tensor) -> Tensor:
        assert isinstance(attention, Attention)
        batch, time, width = x.shape
        split = (batch, time, attention.heads, width // attention.heads)
        q, k, v = (
            part.view(split).transpose(1, 2)
            for part in attention.queries_keys_values(x).split(width, dim=2)
        )
        if self.read:
            k, v = (torch.cat(pair, dim=2) for pair in zip(self.past[number], (k, v), strict=True))
            self.past[number] = (k, v)
        else:
            self.past.append((k, v))
        # Of several tokens at the beginning each sees those before it; a later one sees all.
        y = F.scaled_dot_product_attention(q, k, v, is_causal=not self.read)
        seen: Tensor = attention.projection(y.transpose(1, 2).reshape(batch, time, width))
        return seen
