"""What `gpt2_induction` measures: attention to earlier copies, and the loss without some heads.

Nothing is trained. A "training" of this sweep is one look at the model, on tokens drawn from its
seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent.models.heads import (
    Head,
    induction_scores,
    previous_token_scores,
    repeated_tokens,
    without_heads,
)
from descent.models.openai import published_gpt2
from descent.runs.definition.contract import BrokenContract
from descent.runs.gpt2_induction import CONTROL, INDUCTION, LOSS, PREVIOUS, InductionSettings
from descent.training.randomness import generator, seed_everything

TINY: dict[str, Any] = {
    "vocab_size": 211,
    "n_positions": 128,
    "n_embd": 32,
    "attn_implementation": "eager",
}
DRAWN, OTHERS = 1, 2  # draw the tokens apart from the heads to compare with


def load(settings: InductionSettings, device: str) -> Any:
    """Bring the model to the device: a ``GPT2LMHeadModel`` that tells its attention."""
    if settings.weights == "random":
        from transformers import GPT2Config, GPT2LMHeadModel

        seed_everything(settings.seed)
        size = GPT2Config(n_layer=settings.layers, n_head=settings.heads, **TINY)
        model: Any = GPT2LMHeadModel(size)
    else:
        # Other implementations of attention are faster and do not say where they look.
        model = published_gpt2(settings.weights, attn_implementation="eager")
    return model.to(device).eval()


@torch.no_grad()
def train_point(
    settings: InductionSettings,
    values: Mapping[str, Any],
    data: Any,
    model_class: type[nn.Module] | None = None,
) -> dict[str, float]:
    """Measure one head, or what is left without the best ones together.

    Parameters
    ----------
    settings : InductionSettings
    values : mapping
        ``layer``, ``head`` and ``seed``; or ``together``, how many are taken out, and ``seed``.
    data : GPT2LMHeadModel
        As `load` returns it.
    model_class : None

    Returns
    -------
    dict
        Of a head its two scores and the loss without it alone. Of a number the loss without so many
        of the best induction heads, and without as many others.
    """
    tokens = drawn(settings, data, values["seed"])
    if "layer" in values:
        layer, head = values["layer"], values["head"]
        # A head's own attention follows from the layers below it, so that one look is enough.
        loss, attention = look(data, tokens, settings.period, [(layer, head)])
        return {
            INDUCTION: induction_scores(attention[layer], tokens)[head].item(),
            PREVIOUS: previous_token_scores(attention[layer])[head].item(),
            LOSS: loss,
        }
    ranked = ranking(data, tokens, settings.period)
    number = values["together"]
    rest = ranked[number:]
    chosen = generator(values["seed"], OTHERS).permutation(len(rest))[:number]
    return {
        LOSS: look(data, tokens, settings.period, ranked[:number])[0],
        CONTROL: look(data, tokens, settings.period, [rest[i] for i in chosen])[0],
    }


def drawn(settings: InductionSettings, model: Any, seed: int) -> Tensor:
    """Draw the tokens of a seed, each row behind the end of another text, on the model's device."""
    draw = torch.Generator().manual_seed(int(generator(seed, DRAWN).integers(2**31)))
    end = model.config.vocab_size - 1
    tokens = repeated_tokens(end, settings.period, settings.copies, settings.rows, draw, end)
    return tokens.to(model.device)


def ranking(model: Any, tokens: Tensor, period: int) -> list[Head]:
    """Return all heads, the one with the highest induction score first."""
    _, attention = look(model, tokens, period, [])
    scores = torch.stack([induction_scores(layer, tokens) for layer in attention])
    order = scores.flatten().argsort(descending=True, stable=True).tolist()
    return [divmod(number, scores.shape[1]) for number in order]


def look(
    model: Any, tokens: Tensor, period: int, out: Iterable[Head]
) -> tuple[float, tuple[Tensor, ...]]:
    """Read tokens without some heads.

    Returns
    -------
    loss : float
        In nats a token, the mean over the copies after the first; the very first token of the
        second is left out, which nothing foretells.
    attention : tuple of Tensor
        Of each layer: (rows, heads, time, time).
    """
    with without_heads(model, out):
        read = model(tokens, output_attentions=True, use_cache=False)
    logits, targets = read.logits[:, period + 1 : -1], tokens[:, period + 2 :]
    loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
    return loss.item(), read.attentions


def check_model(model_class: object, settings: InductionSettings) -> None:
    """Refuse a model of one's own.

    Raises
    ------
    BrokenContract
        Always: it is OpenAI's that is looked at.
    """
    raise BrokenContract(
        "gpt2_induction looks at OpenAI's published model and trains nothing: it takes no model of "
        "yours. The chapter measures the one that you train."
    )
