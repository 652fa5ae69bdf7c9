"""Which modules of the package a chapter reaches, directly or through others."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grimp

PACKAGE = "descent"

ENGINE = (
    "descent.authoring.learner",
    "descent.authoring.solution",
    "descent.authoring.chapter_audit",
    "descent.study.headless",
    "descent.verification.light",
)
"""What makes every chapter's notebooks, and what verifies them."""


class ImportGraph:
    """The imports among the modules of the package, those inside functions included."""

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        import grimp

        return grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)

    def reached_from(self, modules: Iterable[str]) -> set[str]:
        """Return the modules themselves, all they import, and the packages that hold these.

        A name that is no module of the package reaches nothing.
        """
        reached: set[str] = set()
        waiting = [module for module in modules if module in self._graph.modules]
        while waiting:
            module = waiting.pop()
            if module in reached:
                continue
            reached.add(module)
            waiting += self._graph.find_modules_directly_imported_by(module)
            parent = module.rpartition(".")[0]
            # The front of the package only says where its names live.
            waiting += [parent] if parent and parent != PACKAGE else []
        return reached

    def modules_below(self, package: str) -> set[str]:
        """Return a package and every module in it."""
        return {m for m in self._graph.modules if m == package or m.startswith(f"{package}.")}

    def file_of(self, module: str) -> Path:
        """Return the source file of a module."""
        place = Path(__file__).parents[1].joinpath(*module.split(".")[1:])
        front = place / "__init__.py"
        return front if front.is_file() else place.with_suffix(".py")

    def imported_by_code(self, code: str) -> set[str]:
        """Return the modules that a chapter's code imports by name.

        A name taken from the front of the package counts as the module that it lives in. A name
        taken from the front of a room (``from descent.figures import plot_curves``) counts as the
        whole room: its front fetches names when they are used, which no graph can see.
        """
        homes = import_module(PACKAGE).MODULES  # its front stands above this room
        found: set[str] = set()
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found |= self._imported(alias.name)
            elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
                for alias in node.names:
                    home = homes.get(alias.name, alias.name)
                    found |= self._imported(f"{PACKAGE}.{home}")
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found |= self._imported(node.module)
        return found

    def _imported(self, module: str) -> set[str]:
        if module != PACKAGE and not module.startswith(f"{PACKAGE}."):
            return set()
        is_room = module.count(".") == 1 and self.file_of(module).name == "__init__.py"
        return self.modules_below(module) if is_room else {module}
