"""Triton where it has a build, in its interpreter where there is no GPU.

Kernels are compiled for a GPU. Without one Triton can run them on a CPU, slowly, with numpy in the
place of the GPU's programs; it has to be told so before it is imported for the first time.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from types import SimpleNamespace
from typing import Any

import torch

from descent.training.triton_guard import guard_the_interpreter

NO_TRITON = (
    "Triton is not installed here. It is built for Linux only, so kernels cannot be run or judged "
    "on this machine; on a Linux machine, or in a Linux container, they can."
)

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

triton: Any = None
tl: Any = SimpleNamespace(constexpr=int)  # with which a kernel can still be written down
with contextlib.suppress(ImportError):
    triton = importlib.import_module("triton")
    tl = importlib.import_module("triton.language")
if triton is not None:
    guard_the_interpreter()
