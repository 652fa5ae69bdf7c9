"""The state of the interpreter and the libraries that every check runs in.

What earlier cells left behind (gradients off, another default dtype) must not fail a right answer,
and what an answer leaves behind must not reach the cells after it. So a check begins in a known
state, says what it had to change for that, and puts everything back.
"""

# ruff: noqa: NPY002  (it is numpy's legacy global state that learners' code may touch)

from __future__ import annotations

import contextlib
import gc
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

AS_IT_IS: Any = object()
"""For a setting that a check takes as it finds it, and only puts back."""

_RECURSION = max(sys.getrecursionlimit(), 1000)
_SWITCH_SECONDS = sys.getswitchinterval()

# Bound at import: a notebook may give these names another meaning, even inside an answer.
_seed_python, _python_state, _set_python_state = random.seed, random.getstate, random.setstate
_seed_numpy, _numpy_state, _set_numpy_state = (
    np.random.seed, np.random.get_state, np.random.set_state,
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One piece of global state.

    `known` is its value during a check; `off` says, for a learner, what is so when it has another,
    with the value in the place of ``{}``.
    """

    read: Callable[[], Any]
    write: Callable[[Any], None]
    known: Any = AS_IT_IS
    off: str = ""


def every_setting() -> list[Setting]:
    """The settings of Python, of this process, and of the libraries that are loaded."""
    found = [
        Setting(sys.getrecursionlimit, sys.setrecursionlimit, _RECURSION, "recursion limit {}"),
        Setting(sys.getswitchinterval, sys.setswitchinterval, _SWITCH_SECONDS),
        Setting(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
        Setting(_folder, lambda folder: os.chdir(folder) if folder else None),
        Setting(lambda: dict(os.environ), _set_environment),
    ]
    torch = sys.modules.get("torch")
    if torch is not None:
        show = torch._tensor_str
        found.append(Setting(show.get_printoptions, lambda old: torch.set_printoptions(**old)))
    return found + library_settings()


def library_settings() -> list[Setting]:
    """The settings on which torch's and jax's results depend: quick to read."""
    found: list[Setting] = []
    if (torch := sys.modules.get("torch")) is not None:
        found += _settings_of_torch(torch)
    if (jax := sys.modules.get("jax")) is not None and hasattr(jax, "config"):
        found += _settings_of_jax(jax)
    return found


def _settings_of_torch(torch: Any) -> list[Setting]:
    autocast = [
        Setting(partial(torch.is_autocast_enabled, kind), partial(torch.set_autocast_enabled, kind),
                False, "autocast on")
        for kind in ("cpu", "cuda")
    ]  # fmt: skip
    return [
        Setting(torch.is_grad_enabled, torch.set_grad_enabled, True, "gradients off"),
        Setting(torch.get_default_dtype, torch.set_default_dtype, torch.float32,
                "default dtype {}"),
        Setting(lambda: str(torch.get_default_device()),
                lambda device: torch.set_default_device(None if device == "cpu" else device),
                "cpu", "default device {}"),
        *autocast,
        Setting(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0,
                "deterministic algorithms demanded"),
        Setting(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False,
                "anomaly detection on"),
        Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest",
                "float32 matrix products in {} precision"),
        Setting(torch.get_num_threads, torch.set_num_threads),
    ]  # fmt: skip


def _settings_of_jax(jax: Any) -> list[Setting]:
    return [
        Setting(partial(getattr, jax.config, name), partial(jax.config.update, name), False,
                f"{name} on")
        for name in ("jax_enable_x64", "jax_disable_jit", "jax_debug_nans")
    ]  # fmt: skip


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


def _set_environment(wanted: dict[str, str]) -> None:
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


def restored_state() -> contextlib.AbstractContextManager[list[str]]:
    """The known state of one trial: what one leaves behind does not reach the next."""
    return known_state(library_settings())


@contextlib.contextmanager
def known_state(settings: list[Setting]) -> Iterator[list[str]]:
    """Run the block with every setting known, then put all back as it was.

    Yields what was not as known, in words. Random states, numpy's print options and its and
    Python's handling of warnings are put back as well.
    """
    off: list[str] = []
    torch = sys.modules.get("torch")
    with (
        np.errstate(all="ignore"), np.printoptions(), warnings.catch_warnings(action="ignore"),
        _random_states_kept(torch), _without_inference_mode(torch, off),
    ):  # fmt: skip
        before = [setting.read() for setting in settings]
        try:
            for setting, found in zip(settings, before, strict=True):
                if setting.known is not AS_IT_IS and found != setting.known:
                    _write(setting, setting.known)
                    if setting.off:
                        off.append(setting.off.format(found))
            yield off
        finally:
            for setting, found in zip(settings, before, strict=True):
                if setting.read() != found:
                    _write(setting, found)


def _write(setting: Setting, value: Any) -> None:
    # A folder that was deleted, a recursion limit below the present depth: nothing to be done.
    with contextlib.suppress(OSError, RecursionError):
        setting.write(value)


@contextlib.contextmanager
def _without_inference_mode(torch: Any, off: list[str]) -> Iterator[None]:
    if torch is None or not torch.is_inference_mode_enabled():
        yield
        return
    off.append("inference mode on")
    with torch.inference_mode(False):
        yield


@contextlib.contextmanager
def _random_states_kept(torch: Any) -> Iterator[None]:
    python, numpy = _python_state(), _numpy_state()
    cpu = torch.random.get_rng_state() if torch is not None else None
    on_gpu = torch is not None and torch.cuda.is_initialized()
    gpus = torch.cuda.get_rng_state_all() if on_gpu else []
    try:
        yield
    finally:
        _set_python_state(python)
        _set_numpy_state(numpy)
        if torch is not None:
            torch.random.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and (where it is loaded) torch's global generators."""
    _seed_python(seed)
    _seed_numpy(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is not None:
        # `torch.manual_seed` asks for every accelerator too, and where none is started yet keeps
        # the whole stack of every call for later: hundreds of times the cost of the seeding.
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(seed)
