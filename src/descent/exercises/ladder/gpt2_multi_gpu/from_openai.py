"""How `from_openai` is judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

from_openai = Exercise("from_openai", minutes=20, difficulty=2)


_LAYER_NAMES = {
    "ln_1": "norm_1",
    "attn.c_attn": "attention.queries_keys_values",
    "attn.c_proj": "attention.projection",
    "ln_2": "norm_2",
    "mlp.c_fc": "expand",
    "mlp.c_proj": "projection",
}


_OTHER_NAMES = {"wte": "tokens", "wpe": "positions", "ln_f": "norm"}


_NAMES = {**_OTHER_NAMES, **_LAYER_NAMES}


def _published(draw: Draw, layers: Iterable[int], width: int) -> dict[str, Tensor]:
    """A small model's weights, named and laid out as OpenAI's are."""
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (7, width), "wpe.weight": (5, width)}
    for layer in layers:
        shapes |= {
            f"h.{layer}.ln_1.weight": (width,),
            f"h.{layer}.ln_1.bias": (width,),
            f"h.{layer}.attn.bias": (1, 1, 5, 5),
            f"h.{layer}.attn.masked_bias": (),
            f"h.{layer}.attn.c_attn.weight": (width, 3 * width),
            f"h.{layer}.attn.c_attn.bias": (3 * width,),
            f"h.{layer}.attn.c_proj.weight": (width, width),
            f"h.{layer}.attn.c_proj.bias": (width,),
            f"h.{layer}.ln_2.weight": (width,),
            f"h.{layer}.ln_2.bias": (width,),
            f"h.{layer}.mlp.c_fc.weight": (width, 4 * width),
            f"h.{layer}.mlp.c_fc.bias": (4 * width,),
            f"h.{layer}.mlp.c_proj.weight": (4 * width, width),
            f"h.{layer}.mlp.c_proj.bias": (width,),
        }
    shapes |= {"ln_f.weight": (width,), "ln_f.bias": (width,)}
    return {name: torch.tensor(draw.rng.normal(size=shape)) for name, shape in shapes.items()}


def _ours(published: dict[str, Tensor], layers: Iterable[int]) -> dict[str, Tensor]:
    """What each of our names should hold, put down one by one."""
    wanted = {"read_out.weight": published["wte.weight"]}
    for theirs, ours in _OTHER_NAMES.items():
        for kind in ("weight", "bias"):
            if f"{theirs}.{kind}" in published:
                wanted[f"{ours}.{kind}"] = published[f"{theirs}.{kind}"]
    for layer in layers:
        for theirs, ours in _LAYER_NAMES.items():
            weight = published[f"h.{layer}.{theirs}.weight"]
            weight = torch.einsum("io->oi", weight) if weight.ndim == 2 else weight
            wanted[f"blocks.{layer}.{ours}.weight"] = weight
            wanted[f"blocks.{layer}.{ours}.bias"] = published[f"h.{layer}.{theirs}.bias"]
    return wanted


def _expect_state(found: Any, wanted: dict[str, Tensor], names: list[str] | None = None) -> None:
    expect(found, "the weights").is_a(dict)
    missing = sorted(set(wanted) - set(found))
    too_many = sorted(set(found) - set(wanted))
    expect(len(missing), f"how many names are missing{_first(missing)}").equals(0)
    expect(len(too_many), f"how many names there are too many{_first(too_many)}").equals(0)
    for name in names or wanted:
        if name in found:
            expect(found[name], f"`{name}`").close_to(wanted[name])


def _first(names: list[str]) -> str:
    return f", such as `{names[0]}`" if names else ""


@from_openai.property("gives every weight its name and its layout", trials=2)
def _(answer, draw: Draw) -> None:
    layers = range(draw.size)
    published = _published(draw, layers, 2)
    _expect_state(answer(published, _NAMES), _ours(published, layers))


@from_openai.property("transposes the square matrices too", trials=2)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0], 3)
    found = answer(published, _NAMES)
    _expect_state(found, _ours(published, [0]), ["blocks.0.attention.projection.weight"])


@from_openai.property("keeps layer 1 and layer 11 apart", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [1, 11], 1)
    wanted = _ours(published, [1, 11])
    names = [f"blocks.{layer}.norm_1.weight" for layer in (1, 11)]
    _expect_state(answer(published, _NAMES), wanted, names)


@from_openai.property("leaves the masks out and keeps the biases", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0, 1], 2)
    found = answer(published, _NAMES)
    wanted = _ours(published, [0, 1])
    kept = [name for name in wanted if name.endswith("bias") and name in found]
    expect(len(kept), "how many biases there are").equals(
        sum(name.endswith("bias") for name in wanted)
    )
    expect(len(found), "how many tensors there are").equals(len(wanted))


@from_openai.property("reads out with the table that reads in", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0], 2)
    found = answer(published, _NAMES)
    expect(found["read_out.weight"], "`read_out.weight`").close_to(published["wte.weight"])


class _File(dict[str, Tensor]):
    """Published weights, which keep the copies of them that an answer is handed."""

    def __init__(self, weights: dict[str, Tensor], handed: list[_File] | None = None) -> None:
        super().__init__(weights)
        self.handed = handed

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Tensor]:
        plain = {name: value.clone() for name, value in self.items()}
        if self.handed is None:  # the answer's own copy, with which it may do as it likes
            return plain
        self.handed.append(_File(plain))
        return self.handed[-1]


@from_openai.property("leaves `published` as it is", trials=1)
def _(answer, draw: Draw) -> None:
    handed: list[_File] = []
    file = _File(_published(draw, [0, 1], 2), handed)
    answer(file, _NAMES)
    unchanged = [
        here.keys() == file.keys() and all(torch.equal(here[name], file[name]) for name in file)
        for here in handed
    ]
    expect(unchanged.count(False), "how many of the inputs were changed").equals(0)


def _renamed(published, names, turn, skip=None, tie=True, blocks=True):
    """A right translation, which the mistakes below spoil in one place each."""
    out = {}
    for name, value in published.items():
        module, kind = name.rsplit(".", 1)
        layer = ""
        if module.startswith("h."):
            _, number, module = module.split(".", 2)
            layer = f"blocks.{number}." if blocks else f"blocks.{number[0]}."
        if module == "attn" or (skip and skip(name)):
            continue
        out[f"{layer}{names[module]}.{kind}"] = value.T if turn(name, value) else value
    if tie:
        out["read_out.weight"] = published["wte.weight"]
    return out


def _is_turned(name: str, value: Tensor) -> bool:
    return value.ndim == 2 and name.startswith("h.")


@from_openai.mistake(
    "Nothing is transposed. OpenAI's layers compute x W with W: (in, out); nn.Linear keeps "
    "(out, in)."
)
def never_transposed(published, names):
    return _renamed(published, names, lambda name, value: False)


@from_openai.mistake(
    "You transposed only the matrices whose shape does not fit. attn.c_proj is square, so its "
    "shape always fits, and its numbers still lie the other way."
)
def only_where_shape_differs(published, names):
    return _renamed(
        published,
        names,
        lambda name, value: _is_turned(name, value) and value.shape[0] != value.shape[1],
    )


@from_openai.mistake(
    "You transposed the tables of tokens and positions too. They are looked up row by row, in "
    "both libraries: (vocabulary, width) and (context, width)."
)
def tables_too(published, names):
    return _renamed(published, names, lambda name, value: value.ndim == 2)


@from_openai.mistake(
    "Biases got lost. You leave out whatever ends in `attn.bias`, and `attn.c_attn.bias` does "
    "too: the mask is the one directly below `attn`."
)
def loses_bias_of_attention(published, names):
    return _renamed(published, names, _is_turned, skip=lambda name: name.endswith("attn.bias"))


@from_openai.mistake("All biases got lost. Only the two mask entries directly below `attn` go.")
def loses_all_biases(published, names):
    return _renamed(published, names, _is_turned, skip=lambda name: name.endswith("bias"))


@from_openai.mistake(
    "The masks are still there, `attn.bias` and `attn.masked_bias`. They are no weights: leave "
    "them out."
)
def keeps_masks(published, names):
    out = _renamed(published, names, _is_turned)
    for name, value in published.items():
        if name.endswith((".attn.bias", ".masked_bias")):
            _, layer, rest = name.split(".", 2)
            out[f"blocks.{layer}.{rest}"] = value
    return out


@from_openai.mistake(
    "`read_out.weight` is missing. The published file has one table for reading in and out: "
    "give it under both names."
)
def without_read_out(published, names):
    return _renamed(published, names, _is_turned, tie=False)


@from_openai.mistake(
    "You changed `published` itself. It belongs to the caller, who may need it again: build a new "
    "dictionary, and pass over what you leave out."
)
def changes_published(published, names):
    for name in list(published):
        if name.endswith((".attn.bias", ".masked_bias")):
            del published[name]
    return _renamed(published, names, _is_turned)


@from_openai.mistake(
    "From layer 10 on the numbers are cut short, so that layer 11 overwrites layer 1. Split the "
    "name at its dots."
)
def one_digit_layers(published, names):
    return _renamed(published, names, _is_turned, blocks=False)


from_openai.hint("Split a name at its dots: `h`, the number, the part in the middle, the kind.")


from_openai.hint("`module, kind = name.rsplit('.', 1)`; then look `module` up in `names`.")


from_openai.hint("Which four parts hold matrices that are multiplied?", when="transposed")


from_openai.hint("A square matrix fits both ways. Is it the right one?", when="value")


from_openai.hint("Which names of the file are no weights?", when="error")
