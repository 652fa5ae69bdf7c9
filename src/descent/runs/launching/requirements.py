"""What a run requires of the machine, looked at before it begins: all it would fail of later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from descent.errors import CourseError
from descent.runs.definition.declaration import Run
from descent.runs.definition.sweep import SweepSettings
from descent.training.distributed import Processes, micro_batches
from descent.training.settings import RunSettings, Settings

GIGA = 1e9
ROOM = 1.2  # the estimate leaves out what is small


class NotReady(CourseError):
    """The machine lacks something the run needs; the message says what, and what to do."""


def check_requirements(run: Run, settings: RunSettings, folder: Path) -> None:
    """Refuse a run that could not go through.

    Parameters
    ----------
    run : Run
    settings : RunSettings
    folder : Path
        Where its checkpoints will be.

    Raises
    ------
    NotReady
        When a GPU, memory, disk, the data or Slurm's ``sbatch`` is missing.
    WrongSetting
        When the batch does not divide among the processes.
    """
    if isinstance(settings, Settings):
        micro_batches(settings.batch_size, settings.micro_batch, Processes(world=settings.world))
    checks: list[Callable[[Run, RunSettings], None]] = [_check_data]
    if settings.where == "slurm":  # the machine that trains is another one
        checks.insert(0, _check_slurm)
    else:
        checks[:0] = [_check_gpus, _check_memory]
    for check in checks:
        check(run, settings)
    _check_disk(run, settings, folder)


def _check_slurm(run: Run, settings: RunSettings) -> None:
    if shutil.which("sbatch") is None:
        raise NotReady(
            "This run is for a Slurm cluster, and there is no `sbatch` here. Start it on the "
            "cluster's login node, or take another profile: descent run "
            f"{run.name} --profile gpu"
        )


def _check_gpus(run: Run, settings: RunSettings) -> None:
    if settings.device == "cpu":
        return
    there = _gpus()
    if not there:
        raise NotReady(
            "This run is for a GPU, and PyTorch finds none here. Take the profile for a CPU: "
            f"descent run {run.name} --profile cpu"
        )
    if len(there) < settings.processes and run.sweep is None:
        raise NotReady(
            f"This run takes {settings.processes} GPUs, one for each process, and there "
            f"{'is 1' if len(there) == 1 else f'are {len(there)}'} here. Take fewer: "
            f"--set processes={len(there)}"
        )


def _check_memory(run: Run, settings: RunSettings) -> None:
    needed = ROOM * run.needs(settings).memory
    processes = settings.workers if isinstance(settings, SweepSettings) else settings.processes
    if settings.device == "cuda":
        gpus = _gpus()[:processes]
        free = min(gpus)
        needed *= -(-processes // len(gpus))
        where = "free on the GPU"
    else:
        needed *= processes
        free = _free_memory()
        where = "free here"
    if needed > free:
        raise NotReady(
            f"This run needs about {needed / GIGA:.1f} GB of memory, and {free / GIGA:.1f} GB is "
            f"{where}. {_with_less_memory(settings)}"
        )


def _with_less_memory(settings: RunSettings) -> str:
    if isinstance(settings, Settings):
        return (
            "A smaller micro_batch needs less and gives the same curve: "
            f"--set micro_batch={max(1, settings.rows // 2)}"
        )
    return "Fewer trainings at a time need less and give the same results: --set processes=1"


def _check_data(run: Run, settings: RunSettings) -> None:
    data = run.data
    problem = data.missing(settings) if data else None
    if data is None or problem is None:
        return
    licence = f" {data.licence}" if data.licence else ""
    raise NotReady(
        f"The data is not there: {data.name}, {data.size}.{licence} It is prepared with: "
        f"{data.command}   ({problem})"
    )


def _check_disk(run: Run, settings: RunSettings, folder: Path) -> None:
    """Two checkpoints stay while a third is written."""
    needed = 3 * ROOM * run.needs(settings).checkpoint
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise NotReady(
            f"This run's checkpoints need about {needed / GIGA:.1f} GB of disk, and "
            f"{free / GIGA:.1f} GB is free in {there}. Make room, or set DESCENT_RUNS to another "
            "folder."
        )


def _gpus() -> list[int]:
    """Return the free memory of each GPU, in bytes."""
    import torch

    return [torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count())]


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)
