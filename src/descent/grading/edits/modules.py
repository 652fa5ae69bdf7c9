"""Slips in models made of layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called
from descent.grading.edits.phrases import phrase, where


def kinds_of_state(code: Code) -> Iterator[Change]:
    """A buffer for a parameter and the reverse, a plain list for a ModuleList."""
    for node in code.all(ast.Call):
        name = called(node)
        if name == "Parameter" and node.args:
            inner = code.text_of(node.args[0])
            yield Change(
                "parameter",
                "a parameter were a plain tensor, which no optimiser finds",
                [code.put(node, inner)],
            )
        if name == "ModuleList" and node.args:
            yield Change(
                "plain list",
                "the layers stood in a plain list, where no optimiser finds them",
                [code.put(node, f"list({code.text_of(node.args[0])})")],
            )
        if name == "register_buffer" and len(node.args) == 2:
            what, value = (code.text_of(a) for a in node.args)
            attribute = f"self.{what.strip(chr(39))}"
            yield Change(
                "buffer",
                f"`{attribute}` were a plain tensor, not a buffer",
                [code.put(node, f"setattr(self, {what}, {value})")],
            )
            yield Change(
                "buffer",
                f"`{attribute}` were a parameter, not a buffer",
                [code.put(node, f"setattr(self, {what}, nn.Parameter({value}))")],
            )


def shared_layers(code: Code) -> Iterator[Change]:
    """One layer used many times in the place of new ones."""
    for node in code.all(ast.GeneratorExp, ast.ListComp):
        if isinstance(node.elt, ast.Call) and len(node.generators) == 1:
            over = code.text_of(node.generators[0].iter)
            target = node.generators[0].target
            used = {n.id for n in ast.walk(node.elt) if isinstance(n, ast.Name)}
            if isinstance(target, ast.Name) and target.id not in used:
                text = f"([{code.text_of(node.elt)}] * len({over}))"
                yield Change(
                    "shared",
                    "one and the same thing stood in every place, not a new one each time",
                    [code.put(node, text)],
                    "make a new one in the loop",
                )
    created = [
        node
        for node in code.all(ast.Assign)
        if isinstance(node.targets[0], ast.Attribute)
        and isinstance(node.value, ast.Call)
        and code.function(node).name == "__init__"
    ]
    for one in created:
        for two in created:
            if one is not two and called(one.value) == called(two.value):
                if code.span(one) < code.span(two):
                    first, second = phrase(code, one.targets[0]), phrase(code, two.targets[0])
                    yield Change(
                        "shared",
                        f"{first} and {second} were one and the same layer",
                        [code.put(two.value, code.text_of(one.targets[0]))],
                    )
                if code.text_of(one.value) != code.text_of(two.value):
                    first, second = phrase(code, one.targets[0]), phrase(code, two.targets[0])
                    yield Change(
                        "same layer",
                        f"{first} were made like {second}",
                        [code.put(one.value, code.text_of(two.value))],
                    )


def residual(code: Code) -> Iterator[Change]:
    """What is added to a branch taken in another place; an activation at the end or none."""
    for function in code.functions:
        if function.name != "forward":
            continue
        for end in code.all(ast.Return):
            if code.function(end) is not function or end.value is None:
                continue
            value = code.inside(end.value)
            for text, clause in (
                (f"F.relu({value})", "a ReLU stood at the end as well"),
                (f"{value}.softmax(-1)", "a softmax stood at the end as well"),
                (f"{value}.log_softmax(-1)", "a log-softmax stood at the end as well"),
            ):
                yield Change(
                    "activation", f"{clause}{where(code, end)}", [code.put(end.value, text)]
                )
    for node in code.all(ast.Call):
        if isinstance(node.func, ast.Attribute | ast.Subscript) and code.text_of(
            node.func
        ).startswith("self."):
            text = code.text_of(node)
            yield Change(
                "activation",
                f"a ReLU followed {phrase(code, node.func)}{where(code, node)}",
                [code.put(node, f"F.relu({text})")],
            )


def layer_forgotten(code: Code) -> Iterator[Change]:
    """A layer of a model left out: `x` for `self.layer(x)`."""
    for node in code.all(ast.Call):
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute | ast.Subscript):
            base = node.func.value
            if (
                isinstance(base, ast.Name)
                and base.id == "self"
                or isinstance(node.func, ast.Subscript)
            ):
                yield Change(
                    "forgotten layer",
                    f"{phrase(code, node.func)} were left out{where(code, node)}",
                    [code.put(node, code.inside(node.args[0]))],
                )


def other_layer(code: Code) -> Iterator[Change]:
    """Another layer of the same model called, or the same one twice."""
    layers = [
        node.func
        for node in code.all(ast.Call)
        if isinstance(node.func, ast.Attribute) and code.text_of(node.func.value) == "self"
    ]
    names = list(dict.fromkeys(layer.attr for layer in layers))
    for layer in layers:
        for name in names:
            if name != layer.attr:
                new = f"`self.{name}`" if name in code.known else "another layer"
                yield Change(
                    "other layer",
                    f"{new} stood in the place of {phrase(code, layer)}" + where(code, layer),
                    [code.put(layer, f"self.{name}")],
                )
