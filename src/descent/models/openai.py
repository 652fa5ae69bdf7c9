"""OpenAI's published GPT-2, as our `GPT`."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from descent.errors import CourseError
from descent.models.gpt import GPT

VOCABULARY = 50257
CONTEXT = 1024


class Size(NamedTuple):
    """Features of a token, attention heads, blocks."""

    width: int
    heads: int
    layers: int


SIZES = {
    "gpt2": Size(768, 12, 12),
    "gpt2-medium": Size(1024, 16, 24),
    "gpt2-large": Size(1280, 20, 36),
    "gpt2-xl": Size(1600, 25, 48),
}

# Ours on the left, by the name that `transformers` gives it; {} is the block's number.
OUTSIDE = {
    "tokens": "transformer.wte",
    "positions": "transformer.wpe",
    "norm": "transformer.ln_f",
}
IN_A_BLOCK = {
    "blocks.{}.norm_1": "transformer.h.{}.ln_1",
    "blocks.{}.attention.queries_keys_values": "transformer.h.{}.attn.c_attn",
    "blocks.{}.attention.projection": "transformer.h.{}.attn.c_proj",
    "blocks.{}.norm_2": "transformer.h.{}.ln_2",
    "blocks.{}.expand": "transformer.h.{}.mlp.c_fc",
    "blocks.{}.projection": "transformer.h.{}.mlp.c_proj",
}


class NoWeights(CourseError):
    """The published weights cannot be had; the message says why and what to do."""


def published_gpt2(name: str, **options: Any) -> Any:
    """Return OpenAI's model of a name as a ``GPT2LMHeadModel`` of `transformers`, on the CPU.

    Parameters
    ----------
    name : str
        ``gpt2``, ``gpt2-medium``, ``gpt2-large`` or ``gpt2-xl``.
    **options
        What `transformers` is told besides, such as ``attn_implementation="eager"``.

    Raises
    ------
    NoWeights
        When the weights can neither be found nor fetched.
    """
    from transformers import GPT2LMHeadModel

    try:
        return GPT2LMHeadModel.from_pretrained(name, **options)
    except Exception as error:  # transformers and its hub let many kinds through
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NoWeights(
            f"OpenAI's weights of {name} are not here and could not be fetched ({why}). Fetch them "
            'once where there is a network: python -c "from transformers import GPT2LMHeadModel '
            f"as M; M.from_pretrained('{name}')\""
        ) from error


def load_openai_weights(name: str, context: int = CONTEXT, dropout: float = 0.0) -> GPT:
    """Return OpenAI's model of a name, on the CPU.

    The weights come through `transformers`: from its cache, from a folder named by the environment
    variable ``HF_HOME``, or from the Hugging Face hub.

    Parameters
    ----------
    name : str
        ``gpt2``, ``gpt2-medium``, ``gpt2-large`` or ``gpt2-xl``.
    context : int
        The longest sequence it will read, at most 1024; later positions are cut off.
    dropout : float
        Share that is dropped while training.

    Raises
    ------
    NoWeights
        When they can neither be found nor fetched.
    """
    theirs = published_gpt2(name)
    return from_transformers(theirs, context, dropout)


def from_transformers(theirs: Any, context: int, dropout: float = 0.0) -> GPT:
    """Copy a ``GPT2LMHeadModel`` of `transformers` into our `GPT`.

    It keeps the weights of a linear map as (inputs, outputs), where torch's own have (outputs,
    inputs): they are transposed.

    Parameters
    ----------
    theirs : GPT2LMHeadModel
    context : int
        At most theirs; later positions are cut off.
    dropout : float
        Share that is dropped while training.
    """
    size = theirs.config
    given = theirs.state_dict()
    vocabulary, width = given["transformer.wte.weight"].shape
    ours = GPT(
        vocabulary, context, width, size.n_head, size.n_layer, dropout, bias=True, gelu="tanh"
    )
    modules = dict(ours.named_modules())
    with torch.no_grad():
        for name, their_name in _pairs(size.n_layer):
            _copy(modules[name], given, their_name)
    return ours


def _pairs(layers: int) -> list[tuple[str, str]]:
    inside = [
        (ours.format(layer), theirs.format(layer))
        for layer in range(layers)
        for ours, theirs in IN_A_BLOCK.items()
    ]
    return [*OUTSIDE.items(), *inside]


def _copy(module: nn.Module, given: dict[str, Tensor], name: str) -> None:
    weight = given[f"{name}.weight"]
    if isinstance(module, nn.Linear):
        weight = weight.T
    own = module.get_parameter("weight")
    own.copy_(weight[: len(own)])  # of positions, as many as are wanted
    if f"{name}.bias" in given:
        module.get_parameter("bias").copy_(given[f"{name}.bias"])
