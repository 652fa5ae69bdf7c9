"""Where modules of this room were before, for what was written then.

Reports of old runs import them, and so may a learner's notebook and the definitions that a run
keeps of it; a job that waits in a cluster's queue names the class it is made of. The course itself
uses none of these names.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

FORMER_NAMES = {
    "descent.runs.processes": ["descent.runs.launching.notebook_processes"],
    "descent.runs.programs": [],
    "descent.runs.programs.gpt2": ["descent.runs.gpt2.task", "descent.runs.gpt2.report_cells"],
    "descent.runs.programs.imagenet": ["descent.runs.imagenet.task"],
    "descent.runs.programs.imagenet_report": ["descent.runs.imagenet.report_cells"],
    "descent.runs.programs.mnist_resnet": ["descent.runs.mnist_resnet.task"],
    "descent.runs.programs.nanogpt": [
        "descent.runs.nanogpt.task",
        "descent.runs.nanogpt.report_cells",
    ],
    "descent.runs.report": ["descent.runs.results.report_cells"],
    "descent.runs.seeds": ["descent.runs.results.numbers", "descent.runs.results.report_cells"],
    "descent.runs.slurm": ["descent.runs.launching.slurm"],
}
"""A module's name before, and the modules that have now what was in it."""


class _FormerNames(MetaPathFinder, Loader):
    """Gives a module its former name too: with what is in those that took its place."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in FORMER_NAMES:
            return None
        return ModuleSpec(name, self, is_package=not FORMER_NAMES[name])

    def exec_module(self, module: ModuleType) -> None:
        for place in FORMER_NAMES[module.__name__]:
            public = vars(import_module(place)).items()
            vars(module).update({name: value for name, value in public if name[0] != "_"})


def keep_former_names() -> None:
    """Let the former names be imported, after all that there is under a name of its own."""
    if not any(isinstance(finder, _FormerNames) for finder in sys.meta_path):
        sys.meta_path.append(_FormerNames())
