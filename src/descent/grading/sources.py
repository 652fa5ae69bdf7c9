"""The text of a right answer, of which wrong ones are made by edits."""

from __future__ import annotations
import __future__ as future

import ast
import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Source:
    """A right answer as text.

    Attributes
    ----------
    name : str
        What the text defines: a function or class.
    text : str
        The definition, without decorators.
    namespace : mapping
        What the names in it mean. It is looked at when a text is defined, not before.
    """

    name: str
    text: str
    namespace: Mapping[str, Any]

    @classmethod
    def of(cls, answer: Callable[..., Any]) -> Source:
        """The source of a function or class that stands in a module, on its top level."""
        written = inspect.getsource(answer)
        definition = ast.parse(written).body[0]
        lines = written.splitlines(keepends=True)[definition.lineno - 1 :]
        return cls(answer.__name__, "".join(lines), vars(sys.modules[answer.__module__]))

    @functools.cached_property
    def parameters(self) -> list[str]:
        """The names of the parameters that take positional arguments, in order; of a class those
        that it is made with."""
        (made,) = ast.parse(self.text).body
        if isinstance(made, ast.ClassDef):
            of_class = [part for part in made.body if getattr(part, "name", "") == "__init__"]
            made = of_class[0] if of_class else made
        if not isinstance(made, ast.FunctionDef):
            return []
        names = [one.arg for one in (*made.args.posonlyargs, *made.args.args)]
        return names[1:] if made.name == "__init__" else names

    def edited(self, edits: Mapping[str, str]) -> str:
        """The text with each key replaced by its value.

        Raises
        ------
        ValueError
            When a key does not stand in the text exactly once.
        """
        text = self.text
        for old, new in edits.items():
            if (times := text.count(old)) != 1:
                raise ValueError(f"{old!r} stands {times} times in `{self.name}`, not once")
            text = text.replace(old, new)
        return text

    def define(self, text: str | ast.Module, file: str) -> Any:
        """What an edited text defines. Tracebacks through it show its lines, under `file`.

        Raises whatever the text raises when it is compiled and defined.
        """
        if isinstance(text, str):
            linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        flags = future.annotations.compiler_flag
        code = compile(text, file, "exec", flags=flags, dont_inherit=True)
        namespace = dict(self.namespace)
        exec(code, namespace)
        return namespace[self.name]
