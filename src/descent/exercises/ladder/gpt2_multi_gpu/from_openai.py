"""How `from_openai` is judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor

from_openai = Exercise("from_openai", minutes=20, difficulty=2, returns=dict[str, torch.Tensor])


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


def _published(
    draw: Draw, layers: Iterable[int], width: int, masks: bool = False
) -> dict[str, Tensor]:
    """A small model's weights, named and laid out as OpenAI's are."""
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (7, width), "wpe.weight": (5, width)}
    for layer in layers:
        parts: dict[str, tuple[int, ...]] = {
            "ln_1.weight": (width,),
            "ln_1.bias": (width,),
            "attn.bias": (1, 1, 5, 5),
            "attn.masked_bias": (),
            "attn.c_attn.weight": (width, 3 * width),
            "attn.c_attn.bias": (3 * width,),
            "attn.c_proj.weight": (width, width),
            "attn.c_proj.bias": (width,),
            "ln_2.weight": (width,),
            "ln_2.bias": (width,),
            "mlp.c_fc.weight": (width, 4 * width),
            "mlp.c_fc.bias": (4 * width,),
            "mlp.c_proj.weight": (4 * width, width),
            "mlp.c_proj.bias": (width,),
        }
        if not masks:
            del parts["attn.bias"], parts["attn.masked_bias"]
        shapes |= {f"h.{layer}.{part}": shape for part, shape in parts.items()}
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


def _expect_names(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    missing = sorted(set(wanted) - set(found))
    too_many = sorted(set(found) - set(wanted))
    expect(len(missing), f"how many names are missing{_first(missing)}").equals(0)
    expect(len(too_many), f"how many names there are too many{_first(too_many)}").equals(0)


def _first(names: list[str]) -> str:
    return f", such as `{names[0]}`" if names else ""


def _expect_values(found: dict[str, Tensor], wanted: dict[str, Tensor], *names: str) -> None:
    for name in names:
        if name in found:
            expect(found[name], f"`{name}`").close_to(wanted[name])
        else:
            expect(name in found, f"whether `{name}` is there").is_true(
                otherwise=f"There is no `{name}`."
            )


@from_openai.property("names every weight as ours are named", trials=2)
def _(answer, draw: Draw) -> None:
    published = _published(draw, range(draw.size), 2)
    _expect_names(answer(published, _NAMES), _ours(published, range(draw.size)))


@from_openai.property("gives every norm and bias its own numbers", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, range(2), 2)
    wanted = _ours(published, range(2))
    found = answer(published, _NAMES)
    _expect_values(found, wanted, *(name for name, value in wanted.items() if value.ndim == 1))


@from_openai.property("transposes the matrices of the layers", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, range(2), 2)
    found, wanted = answer(published, _NAMES), _ours(published, range(2))
    for part in ("attention.queries_keys_values", "expand", "projection"):
        _expect_values(found, wanted, f"blocks.0.{part}.weight", f"blocks.1.{part}.weight")


@from_openai.property("transposes the square matrices too", trials=2)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0], 3)
    found = answer(published, _NAMES)
    _expect_values(found, _ours(published, [0]), "blocks.0.attention.projection.weight")


@from_openai.property("leaves the tables of tokens and positions as they are", trials=2)
def _(answer, draw: Draw) -> None:
    # Square in the second trial, where a transposed one has the same shape.
    published = _published(draw, [0], 3)
    if draw.size > 1:
        published["wpe.weight"] = published["wpe.weight"][:3]
        published["wte.weight"] = published["wte.weight"][:3]
    wanted = _ours(published, [0])
    _expect_values(answer(published, _NAMES), wanted, "tokens.weight", "positions.weight")


@from_openai.property("reads out with the table that reads in", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0], 2)
    _expect_values(answer(published, _NAMES), _ours(published, [0]), "read_out.weight")


@from_openai.property("keeps all layers, and 1 apart from 10, 11 and 12", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, range(13), 1)
    found, wanted = answer(published, _NAMES), _ours(published, range(13))
    _expect_values(found, wanted, *(f"blocks.{layer}.norm_1.weight" for layer in (1, 10, 11, 12)))
    _expect_names(found, wanted)


@from_openai.property("leaves the masks out and keeps the biases", trials=1)
def _(answer, draw: Draw) -> None:
    published = _published(draw, [0, 1], 2, masks=True)
    found = answer(published, _NAMES)
    wanted = _ours(published, [0, 1])
    kept = [name for name in wanted if name.endswith("bias") and name in found]
    expect(len(kept), "how many biases there are").equals(
        sum(name.endswith("bias") for name in wanted)
    )
    _expect_names(found, wanted)


@from_openai.property("uses the names it is given", trials=1)
def _(answer, draw: Draw) -> None:
    other = {theirs: f"{ours}_2" for theirs, ours in _NAMES.items()} | {"wte": "tokens"}
    published = _published(draw, [0], 2)
    wanted = {
        f"{name.rsplit('.', 1)[0]}_2.{name.rsplit('.', 1)[1]}": value
        for name, value in _ours(published, [0]).items()
        if name not in ("tokens.weight", "read_out.weight")
    }
    wanted |= dict.fromkeys(("tokens.weight", "read_out.weight"), published["wte.weight"])
    found = answer(published, other)
    _expect_names(found, wanted)
    _expect_values(found, wanted, "blocks.0.norm_1_2.weight", "norm_2.bias")


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


@from_openai.property("leaves `published` and its tensors as they are", trials=1)
def _(answer, draw: Draw) -> None:
    handed: list[_File] = []
    file = _File(_published(draw, [0, 1], 2, masks=True), handed)
    answer(file, _NAMES)
    same_names = [here.keys() == file.keys() for here in handed]
    expect(all(same_names), "whether `published` has the entries that it had").is_true(
        otherwise="You took entries out of `published`, or put some into it."
    )
    same_tensors = [
        all(torch.equal(here[name], file[name]) for name in file if name in here) for here in handed
    ]
    expect(all(same_tensors), "whether the tensors in `published` are as they were").is_true(
        otherwise="You changed a tensor of `published` in place."
    )


@from_openai.right
def right_from_openai(published, names):
    ours = {}
    for name, value in published.items():
        part, kind = name.rsplit(".", 1)
        layer = ""
        if part.startswith("h."):
            _, number, part = part.split(".", 2)
            layer = f"blocks.{number}."
        if part == "attn":
            continue
        if layer and value.ndim == 2:
            value = value.T
        ours[f"{layer}{names[part]}.{kind}"] = value
    ours["read_out.weight"] = published["wte.weight"]
    return ours


from_openai.slip(
    "never_transposed",
    "Nothing is transposed. OpenAI's layers compute x W with W: (in, out); nn.Linear keeps "
    "(out, in).",
    {"value = value.T": "pass"},
)
from_openai.slip(
    "only_where_shape_differs",
    "You transposed only the matrices that are not square. attn.c_proj is square, so its shape "
    "fits both ways, and its numbers still lie the other way.",
    {"value.ndim == 2": "value.ndim == 2 and value.shape[0] != value.shape[1]"},
)
from_openai.slip(
    "tables_too",
    "You transposed the tables of tokens and positions too. They are looked up row by row, in "
    "both libraries: (vocabulary, width) and (context, width).",
    {"if layer and value.ndim": "if value.ndim"},
)
from_openai.slip(
    "tables_and_read_out_too",
    "You transposed the tables of tokens and positions too, and the read-out with them. Tables are "
    "looked up row by row, in both libraries: (vocabulary, width) and (context, width).",
    {
        "if layer and value.ndim": "if value.ndim",
        'published["wte.weight"]': 'ours["tokens.weight"]',
    },
)
from_openai.slip(
    "read_out_transposed",
    "You transposed the read-out. nn.Linear keeps (out, in), that is (vocabulary, width), and so "
    "does the table of tokens: it fits as it is.",
    {'published["wte.weight"]': 'published["wte.weight"].T'},
)
from_openai.slip(
    "loses_bias_of_attention",
    "Biases got lost. You leave out whatever ends in `attn.bias`, and `attn.c_attn.bias` does "
    "too: the mask is the one directly below `attn`.",
    {'part == "attn"': 'part == "attn" or name.endswith("attn.bias")'},
)
from_openai.slip(
    "loses_all_biases",
    "All biases got lost. Only the two mask entries directly below `attn` go.",
    {'part == "attn"': 'part == "attn" or kind == "bias"'},
)
from_openai.slip(
    "keeps_masks",
    "The masks are still there, `attn.bias` and `attn.masked_bias`. They are no weights: leave "
    "them out.",
    {'part == "attn"': "False", "names[part]": "names.get(part, part)"},
)
from_openai.slip(
    "looks_masks_up",
    "You look `attn` up in `names`, and it is not there: `h.0.attn.bias` is a mask, and no "
    "weight. Pass over the two masks of each layer.",
    {'part == "attn"': "False"},
)
from_openai.slip(
    "without_read_out",
    "`read_out.weight` is missing. The published file has one table for reading in and out: "
    "give it under both names.",
    {'ours["read_out.weight"] = published["wte.weight"]': "pass"},
)
from_openai.slip(
    "only_read_out",
    "You moved the table of tokens to `read_out.weight`. It is there once and needed twice: give "
    "it under both names.",
    {'published["wte.weight"]': 'ours.pop("tokens.weight")'},
)


@from_openai.mistake(
    "You took entries out of `published` itself, or put some into it. It belongs to the caller, "
    "who may need it again: build a new dictionary, and pass over what you leave out."
)
def deletes_masks(published, names):
    for name in list(published):
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            del published[name]
    return right_from_openai(published, names)


from_openai.slip(
    "transposed_in_place",
    "You transposed the published tensors themselves, with `t_()` or the like. They belong to the "
    "caller: `value.T` makes a new view and leaves them as they are.",
    {"value = value.T": "value.t_()"},
)
from_openai.slip(
    "one_digit_layers",
    "From layer 10 on the numbers are cut short, so that layer 11 overwrites layer 1. Split the "
    "name at its dots.",
    {'f"blocks.{number}."': 'f"blocks.{number[0]}."'},
)
from_openai.slip(
    "twelve_layers",
    "You translate the layers 0 to 11 and no more. GPT-2's other sizes have 24, 36 and 48: take "
    "the layers that are in `published`.",
    {'part == "attn"': 'part == "attn" or layer in [f"blocks.{n}." for n in range(12, 99)]'},
)
from_openai.slip(
    "own_names",
    "You look the parts up in a table of your own, such as the notebook's NAMES, and not in the "
    "argument `names`.",
    {"names[part]": "_NAMES[part]"},
)


from_openai.hint("Split a name at its dots: `h`, the number, the part in the middle, the kind.")
from_openai.hint("`module, kind = name.rsplit('.', 1)`; then look `module` up in `names`.")
from_openai.hint("Which four parts hold matrices that are multiplied?", when="transposed")
from_openai.hint("A square matrix fits both ways. Is it the right one?", when="value")
from_openai.hint("Which names of the file are no weights?", when="error")
