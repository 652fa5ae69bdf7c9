"""Slips in indices and slices, and in copies."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, arguments, called
from descent.grading.edits.phrases import phrase, where


def other_slice(code: Code) -> Iterator[Change]:
    """A slice off by one, with its ends exchanged, or none."""
    for node in code.all(ast.Subscript):
        if not isinstance(node.slice, ast.Slice) or isinstance(node.ctx, ast.Del):
            continue
        base = code.inside(node.value)
        it = f"a slice of {phrase(code, node.value)}"
        lower = code.inside(node.slice.lower) if node.slice.lower else ""
        upper = code.inside(node.slice.upper) if node.slice.upper else ""
        step = f":{code.text_of(node.slice.step)}" if node.slice.step else ""
        for text, clause in _slices(lower, upper):
            yield Change(
                "slice",
                f"{it} {clause}{where(code, node)}",
                [code.put(node, f"{base}[{text}{step}]")],
            )
        yield Change(
            "slice",
            f"the whole of {phrase(code, node.value)} stood where a slice of it belongs"
            + where(code, node),
            [code.put(node, base)],
        )
    for part in code.all(ast.Slice):
        parent = code.parent(part)
        if isinstance(parent, ast.Tuple):
            for new, clause in (
                (":-1", "left out the last"),
                ("1:", "left out the first"),
                ("::-1", "ran backwards"),
                (":", "were the whole"),
            ):
                if code.text_of(part) != new:
                    yield Change(
                        "slice",
                        f"a slice along one axis {clause}{where(code, part)}",
                        [code.put(part, new)],
                    )


def _slices(lower: str, upper: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if lower:
        found += [
            (f"{lower} + 1:{upper}", "began one too late"),
            (f"{lower} - 1:{upper}", "began one too early"),
            (f":{upper}", "began at the first element"),
            (f":{lower}", "were the part before, not after"),
        ]
    else:
        found += [(f"1:{upper}", "left out the first element")]
    if upper:
        found += [
            (f"{lower}:{upper} + 1", "ended one too late"),
            (f"{lower}:{upper} - 1", "ended one too early"),
            (f"{lower}:", "went on to the end"),
            (f"{upper}:", "were the part after, not before"),
            (f"-{upper}:", "were the last elements, not the first"),
        ]
    else:
        found += [(f"{lower}:-1", "left out the last element")]
    if lower.startswith("(-"):
        found += [(f":{lower[2:-1]}", "were the first elements, not the last")]
        found += [(f"{lower} - 1:-1", "stood one too early")]
    elif lower and not upper:
        found += [(f"{lower} - 1:-1", "stood one too early")]
    if lower and upper:
        found += [
            (f"{lower} + 1:{upper} + 1", "stood one too late"),
            (f"{lower} - 1:{upper} - 1", "stood one too early"),
        ]
        found += [(f"{upper}:{lower}", "had its ends exchanged")]
    return found


def index_forgotten(code: Code) -> Iterator[Change]:
    """The whole in the place of a part: `x` for `x[batch]`, one index of a pair off."""
    for node in code.all(ast.Subscript):
        if isinstance(node.slice, ast.Slice) or not isinstance(node.ctx, ast.Load):
            continue
        base = code.inside(node.value)
        said = phrase(code, node.value)
        yield Change(
            "not indexed",
            f"the whole of {said} stood where a part of it belongs{where(code, node)}",
            [code.put(node, base)],
        )
        index = node.slice
        if not isinstance(index, ast.Tuple):
            yield Change(
                "index for value",
                f"a place in {said} stood where its value belongs{where(code, node)}",
                [code.put(node, code.inside(index))],
            )
        if not isinstance(index, ast.Tuple | ast.Constant):
            text = code.inside(index)
            for sign, word in (("+", "late"), ("-", "early")):
                yield Change(
                    "index",
                    f"an index into {said} were one too {word}{where(code, node)}",
                    [code.put(index, f"{text} {sign} 1")],
                )
    for index_tuple in code.all(ast.Subscript):
        if isinstance(index_tuple.slice, ast.Tuple):
            for place, part in enumerate(index_tuple.slice.elts):
                if not isinstance(part, ast.Slice | ast.Constant):
                    for sign, word in (("+", "late"), ("-", "early")):
                        clause = (
                            f"an index into {phrase(code, index_tuple.value)} were one too {word}"
                        )
                        yield Change(
                            "index",
                            clause + where(code, part),
                            [code.put(part, f"{code.inside(part)} {sign} 1")],
                        )
                    whole = code.put(part, ":")
                    yield Change(
                        "not indexed",
                        f"all were taken along axis {place} of {phrase(code, index_tuple.value)}",
                        [whole],
                    )


def whole_for_part(code: Code) -> Iterator[Change]:
    """What a part was taken of in its place, in the arguments of one call."""
    wholes: dict[str, str] = {}
    for assign in code.all(ast.Assign):
        target, value = assign.targets[0], assign.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=False))
        for one, new in pairs:
            if isinstance(one, ast.Name) and isinstance(new, ast.Subscript):
                wholes[one.id] = code.inside(new.value)
    for call in code.all(ast.Call):
        splices = [
            code.put(part, wholes[part.id])
            for part in ast.walk(call)
            if isinstance(part, ast.Name) and part.id in wholes and isinstance(part.ctx, ast.Load)
        ]
        splices += [
            code.put(part, code.inside(part.value))
            for argument in call.args
            for part in [argument]
            if isinstance(part, ast.Subscript) and not isinstance(part.slice, ast.Slice)
        ]
        if splices:
            name = called(call)
            of = f" by `{name}`" if name in code.known else ""
            yield Change("not indexed", f"all the data were used{of}, not a part of it", splices)


def in_all_statements(code: Code) -> Iterator[Change]:
    """`x` for `x[batch]` in every place."""
    found: dict[tuple[int, str], list[ast.Subscript]] = {}
    for node in code.all(ast.Subscript):
        if isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Slice):
            found.setdefault(
                (code.span(code.function(node))[0], code.text_of(node.slice)), []
            ).append(node)
    for nodes in found.values():
        if len(nodes) > 1 and len({code.text_of(node.value) for node in nodes}) > 1:
            yield Change(
                "not indexed",
                "all the data stood where a part of it belongs",
                [code.put(node, code.inside(node.value)) for node in nodes],
            )


def copies(code: Code) -> Iterator[Change]:
    """What was given changed in place, and copies where the thing itself belongs."""
    for node in code.all(ast.Call):
        name = called(node)
        if name in ("tensor", "array") and node.args:
            other = "torch.as_tensor" if name == "tensor" else "np.asarray"
            yield Change(
                "not copied",
                f"a tensor shared its memory with {phrase(code, node.args[0])}",
                [code.put(node.func, other)],
                "make a copy",
            )
        if name == "deepcopy" and node.args:
            yield Change(
                "not copied",
                "there were no copy, but the thing itself",
                [code.put(node, code.text_of(node.args[0]))],
            )
            yield Change(
                "not copied",
                "the copy were a shallow one",
                [code.put(node, f"copy.copy({code.text_of(node.args[0])})")],
            )
    for function in code.functions:
        first = function.body[0]
        for argument in arguments(function):
            kind = code.text_of(argument.annotation) if argument.annotation else ""
            makers = {
                "Tensor": ["{}.clone()", "{}.detach()", "{}.float()", "{}.double()"],
                "np.random.Generator": [
                    "__import__('copy').deepcopy({})",
                    "np.random.default_rng(0)",
                ],
                "torch.Generator": [
                    "torch.Generator().manual_seed(0)",
                    "{}.clone_state()",
                    "None",
                    "torch.Generator()",
                ],
                "nn.Module": ["__import__('copy').deepcopy({})"],
            }
            for maker in makers.get(
                kind, ["__import__('copy').deepcopy({})"] if "list" in kind else []
            ):
                text = f"{' ' * first.col_offset}{argument.arg} = {maker.format(argument.arg)}"
                yield Change(
                    "worked on another", _instead(argument.arg, maker), [code.before(first, text)]
                )


def _instead(name: str, maker: str) -> str:
    if name in ("generator", "rng") and "copy" not in maker:
        return f"what is drawn did not come from `{name}`"
    if "clone" in maker or "copy" in maker:
        return f"a copy of `{name}` were used, and `{name}` itself left as it was"
    if "detach" in maker:
        return f"`{name}` were cut off from its graph"
    return f"`{name}` were turned into {'float32' if 'float' in maker else 'float64'} first"
