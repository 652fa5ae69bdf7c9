"""What to call a part of an answer before somebody who has not seen it."""

from __future__ import annotations

import ast

from descent.grading.edits.code import Code, called, is_number

_OPERATIONS = {
    ast.Add: "a sum",
    ast.Sub: "a difference",
    ast.Mult: "a product",
    ast.Div: "a quotient",
    ast.MatMult: "a matrix product",
    ast.Pow: "a power",
    ast.FloorDiv: "a quotient",
    ast.Mod: "a remainder",
}
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


def ordinal(place: int) -> str:
    """`first` for 0."""
    return _ORDINALS[place] if place < len(_ORDINALS) else f"{place + 1}th"


def is_known(code: Code, node: ast.AST) -> bool:
    """Whether a name, dotted or not, means something to the reader."""
    if isinstance(node, ast.Name):
        return node.id in code.known
    if isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return node.attr in code.known
        return is_known(code, node.value)
    return False


def phrase(code: Code, node: ast.AST) -> str:
    """A part of an answer in words, without its formula."""
    if is_number(node) or is_known(code, node):
        text = code.text_of(node)
        return "π" if text == "math.pi" else f"`{text}`"
    if isinstance(node, ast.Constant):
        return f"`{code.text_of(node)}`"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and is_number(node.operand):
        return f"`{code.text_of(node)}`"
    if isinstance(node, ast.BinOp):
        named = named_in(code, node)
        of = " of " + " and ".join(f"`{name}`" for name in named) if len(named) == 2 else ""
        return _OPERATIONS.get(type(node.op), "a value") + of
    if isinstance(node, ast.Call) and (name := called(node)):
        if isinstance(node.func, ast.Name) and name not in code.known:
            return "the result of a call"
        if name in ("len", "float", "int") and len(node.args) == 1 and is_known(code, node.args[0]):
            return f"`{code.text_of(node)}`"
        return f"the result of `{name}`"
    if isinstance(node, ast.Subscript):
        inner = node.value
        if isinstance(inner, ast.Attribute) and inner.attr == "shape" and is_known(code, inner):
            return f"a size of {phrase(code, inner.value)}"
        return f"a part of {phrase(code, inner)}" if is_known(code, inner) else "a part"
    if isinstance(node, ast.Attribute):
        return f"`.{node.attr}`" if not isinstance(node.value, ast.Name) else "an attribute"
    if isinstance(node, ast.Name):
        return "the loop's variable" if _is_loop_variable(code, node) else "an intermediate result"
    return "a value"


def operand(code: Code, node: ast.AST, role: str) -> str:
    """A part with its role, as "the factor `2`", "a term"."""
    said = phrase(code, node)
    if said.startswith("`") or said == "π":
        return f"the {role} {said}"
    if said.startswith("the result of"):
        return f"the {role} with {said[len('the result of ') :]}"
    named = named_in(code, node)
    return f"a {role} with " + " and ".join(f"`{name}`" for name in named) if named else f"a {role}"


def named_in(code: Code, node: ast.AST) -> list[str]:
    """The parameters that occur in a part, two at most."""
    mine = {name for function in code.functions for name in _parameter_names(function)}
    names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name) and part.id in mine]
    return list(dict.fromkeys(names))[:2]


def where(code: Code, node: ast.AST) -> str:
    """In which part of the answer a node stands, as " in the first result"; may be empty."""
    statement = code.statement(node)
    parts: list[str] = []
    if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Tuple):
        for place, element in enumerate(statement.value.elts):
            if _holds(element, node):
                parts.append(f"in the {ordinal(place)} result")
    elif isinstance(statement, ast.If | ast.While):
        parts.append("in a condition")
    elif isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if len(targets) == 1 and is_known(code, targets[0]):
            parts.append(f"in `{code.text_of(targets[0])}`")
    if code.is_class:
        parts.append(f"in `{code.function(node).name}`")
    return " " + ", ".join(parts) if parts else ""


def listed(things: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(things[:-1]), things[-1]] if len(things) > 1 else things)


def _holds(whole: ast.AST, part: ast.AST) -> bool:
    return any(node is part for node in ast.walk(whole))


def _parameter_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args if argument.arg != "self"]


def _is_loop_variable(code: Code, node: ast.Name) -> bool:
    for store in code.stores.get((code.function(node), node.id), ()):
        if isinstance(code.parent(store), ast.For | ast.comprehension):
            return True
    return False
