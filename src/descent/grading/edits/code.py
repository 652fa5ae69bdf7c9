"""A definition laid out for editing: every node with its place in the text."""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar, overload

from descent.grading.sites import Function, body, sites
from descent.grading.sources import Source

Node = TypeVar("Node", bound=ast.AST)
Splice = tuple[int, int, str]
"""Bytes from here to there of a text, and what is put in their place."""

INDENT = " " * 4
_ATOMS = (
    ast.Name,
    ast.Constant,
    ast.Call,
    ast.Attribute,
    ast.Subscript,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.JoinedStr,
)
_DOCUMENTED = re.compile(r"^ *([\w, ]+?) : ", re.MULTILINE)


class Code:
    """A definition without its docstrings and comments, written as `ast.unparse` writes it.

    Attributes
    ----------
    text : str
    tree : ast.Module
        Parsed from `text`, so that every node knows its place in it.
    functions : list
        The function, or the methods and what they define, in order.
    nodes : list
        Every statement and expression that may be changed, in order. What stands in an f-string
        or an annotation is left out.
    known : set of str
        Names that mean something to somebody who has not seen this answer.
    """

    def __init__(self, source: Source) -> None:
        bare = ast.parse(source.text)
        self.known = _documented(bare) | set(source.namespace) | set(dir(builtins))
        _without_docstrings(bare)
        self.text = ast.unparse(bare)
        self.tree = ast.parse(self.text)
        self.is_class = isinstance(self.tree.body[0], ast.ClassDef)
        self._bytes = self.text.encode()
        self._line_starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))
        self.functions = [node for node in ast.walk(self.tree) if isinstance(node, Function)]
        for function in self.functions:
            self.known |= set(parameters(function))
        self._parents: dict[ast.AST, ast.AST] = {}
        self._statements: dict[ast.AST, ast.stmt] = {}
        self._functions: dict[ast.AST, Function] = {}
        self._by_type: dict[type, list[ast.AST]] = defaultdict(list)
        self.kinds: dict[tuple[Function, str], set[str]] = {}
        self._collect()

    def _collect(self) -> None:
        for parent in ast.walk(self.tree):
            for child in ast.iter_child_nodes(parent):
                self._parents[child] = parent
        for function in self.functions:
            for statement in body(function):
                for node in ast.walk(statement):
                    self._functions[node] = function
        hidden = {
            inner
            for node in ast.walk(self.tree)
            if isinstance(node, ast.JoinedStr | ast.AnnAssign)
            for part in (node.values if isinstance(node, ast.JoinedStr) else [node.annotation])
            for inner in ast.walk(part)
        }
        self.nodes: list[ast.AST] = []
        for node, statement in sites(self.tree):
            placed = hasattr(node, "lineno") or isinstance(node, ast.comprehension)
            if placed and node not in hidden and node not in self._statements:
                self.nodes.append(node)
                self._statements[node] = statement
                self._by_type[type(node)].append(node)

    # ------------------------------------------------------------------ what there is

    @overload
    def all(self, kind: type[Node], /) -> Iterator[Node]: ...

    @overload
    def all(self, *kinds: type[ast.AST]) -> Iterator[Any]: ...

    def all(self, *kinds: type[ast.AST]) -> Iterator[Any]:
        """Every node of these types, in the order of the types."""
        for kind in kinds:
            yield from self._by_type.get(kind, ())

    def parent(self, node: ast.AST) -> ast.AST:
        """What a node stands in."""
        return self._parents[node]

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node stands in; of a block its head."""
        return self._statements[node]

    def function(self, node: ast.AST) -> Function:
        """The innermost function that a node stands in."""
        return self._functions[node]

    @overload
    def around(self, node: ast.AST, kind: type[Node], /) -> Node | None: ...

    @overload
    def around(self, node: ast.AST, *kinds: type[ast.AST]) -> Any: ...

    def around(self, node: ast.AST, *kinds: type[ast.AST]) -> Any:
        """The nearest of these types that a node stands in, within its function."""
        while (node := self._parents[node]) and not isinstance(node, Function | ast.Module):
            if isinstance(node, kinds):
                return node
        return None

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements among which one stands."""
        parent = self._parents[statement]
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    @cached_property
    def blocks(self) -> list[list[ast.stmt]]:
        """Every list of statements."""
        found: list[list[ast.stmt]] = []
        for node in self.nodes:
            if isinstance(node, ast.stmt) and self.block(node)[0] is node:
                found.append(self.block(node))
        return found

    @cached_property
    def loads(self) -> dict[tuple[Function, str], list[ast.Name]]:
        """Where each name is read, by function and name."""
        found: dict[tuple[Function, str], list[ast.Name]] = defaultdict(list)
        for node in self.all(ast.Name):
            if isinstance(node.ctx, ast.Load):
                found[self.function(node), node.id].append(node)
        return found

    @cached_property
    def stores(self) -> dict[tuple[Function, str], list[ast.Name]]:
        """Where each name is assigned, by function and name."""
        found: dict[tuple[Function, str], list[ast.Name]] = defaultdict(list)
        for node in self.all(ast.Name):
            if isinstance(node.ctx, ast.Store):
                found[self.function(node), node.id].append(node)
        return found

    # ------------------------------------------------------------------ its text

    def span(self, node: ast.AST) -> tuple[int, int]:
        """From which byte to which a node goes."""
        starts = self._line_starts
        return (
            starts[node.lineno - 1] + node.col_offset,  # type: ignore[attr-defined]
            starts[node.end_lineno - 1] + node.end_col_offset,  # type: ignore[attr-defined]
        )

    def text_of(self, node: ast.AST) -> str:
        """What is written there."""
        start, end = self.span(node)
        return self._bytes[start:end].decode()

    def inside(self, node: ast.AST) -> str:
        """The same, in brackets where it may need them."""
        text = self.text_of(node)
        is_negative = isinstance(node, ast.Constant) and text.startswith("-")
        bracketed = text.startswith("(") and isinstance(node, ast.Tuple | ast.GeneratorExp)
        return text if (isinstance(node, _ATOMS) and not is_negative) or bracketed else f"({text})"

    def put(self, node: ast.AST, text: str) -> Splice:
        """Another text in the place of a node."""
        return (*self.span(node), text)

    def swap(self, one: ast.AST, two: ast.AST) -> tuple[Splice, Splice]:
        """Two nodes in each other's place."""
        return self.put(one, self.inside(two)), self.put(two, self.inside(one))

    def between(self, one: ast.AST, two: ast.AST) -> tuple[int, str]:
        """The text from the end of a node to the start of another, and where it begins."""
        start, end = self.span(one)[1], self.span(two)[0]
        return start, self._bytes[start:end].decode()

    def operator(self, one: ast.AST, two: ast.AST, old: str, new: str) -> Splice:
        """Another operator between two operands."""
        start, text = self.between(one, two)
        at = start + len(text[: text.index(old)].encode())
        return at, at + len(old.encode()), new

    def lines(self, statement: ast.stmt, indent: int) -> str:
        """A statement's lines, moved to another indentation."""
        written = self.text_of(statement)
        old, new = "\n" + " " * statement.col_offset, "\n" + " " * indent
        return " " * indent + written.replace(old, new)

    def before(self, statement: ast.stmt, *lines: str) -> Splice:
        """Lines put in front of a statement; each has its indentation."""
        at = self._line_starts[statement.lineno - 1]
        return at, at, "".join(f"{line}\n" for line in lines)

    def after(self, statement: ast.stmt, *lines: str) -> Splice:
        """Lines put after a statement; each has its indentation."""
        at = self.span(statement)[1]
        return at, at, "".join(f"\n{line}" for line in lines)

    def without(self, call: ast.Call, *dropped: ast.expr | ast.keyword) -> Splice:
        """A call with some of its arguments left out."""
        given = [part for part in (*call.args, *call.keywords) if part not in dropped]
        return self.put(call, f"{self.text_of(call.func)}({', '.join(map(self.text_of, given))})")

    def drop(self, statement: ast.stmt) -> Splice:
        """`pass` in a statement's place."""
        return self.put(statement, "pass")

    def edited(self, splices: Sequence[Splice]) -> str | None:
        """The text with all splices applied, or None where two of them overlap."""
        parts: list[bytes] = []
        at = 0
        for start, end, new in sorted(splices, key=lambda splice: splice[:2]):
            if start < at:
                return None
            parts += [self._bytes[at:start], new.encode()]
            at = end
        return b"".join([*parts, self._bytes[at:]]).decode()


def parameters(function: Function) -> list[str]:
    """The names of all parameters but `self`, in order."""
    return [argument.arg for argument in arguments(function)]


def arguments(function: Function) -> list[ast.arg]:
    """The parameters of a function but `self`, in order."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [argument for argument in named if argument.arg != "self"]


def defaults(function: Function) -> dict[str, ast.expr]:
    """The defaults of a function's parameters, by name."""
    given = function.args
    placed = [*given.posonlyargs, *given.args]
    found = dict(zip([a.arg for a in placed][::-1], given.defaults[::-1], strict=False))
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return found | {argument.arg: value for argument, value in pairs if value is not None}


def called(node: ast.AST) -> str:
    """The last name of what is called: `mean` of `x.mean()` and of `np.mean(x)`; "" for others."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr
        if isinstance(node.func, ast.Name):
            return node.func.id
    return ""


def is_module(node: ast.AST) -> bool:
    """A library by its usual name, so that `np.mean(x)` is no method of `np`."""
    return isinstance(node, ast.Name) and node.id in (
        "torch",
        "np",
        "F",
        "jnp",
        "math",
        "jax",
        "nn",
    )


def is_number(node: ast.AST) -> bool:
    """A number as it is written, and not a truth value."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _documented(tree: ast.AST) -> set[str]:
    """The names that the docstrings explain."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            for match in _DOCUMENTED.finditer(ast.get_docstring(node, clean=False) or ""):
                found |= set(re.split(r"[, ]+", match[1]))
    return found


def _without_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:] or [ast.Pass()]
