"""What a run says about itself before anything of it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descent.runs.definition.sweep import Point, Row
from descent.training.settings import RunSettings


@dataclass(frozen=True)
class Published:
    """A number someone published, for the report to set beside ours.

    Attributes
    ----------
    profile
        The profile with the same configuration.
    metric
        Its name among the run's metrics.
    value
        The number; an accuracy is a share, from 0 to 1.
    source
        Who published it, and how it is measured.
    only
        Settings that it holds for besides the profile's, as name and value.
    """

    profile: str
    metric: str
    value: float
    source: str
    only: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Needs:
    """What a run takes of the machine, estimated from its settings.

    Attributes
    ----------
    memory
        Bytes for each process, on its device.
    checkpoint
        Bytes of one checkpoint.
    """

    memory: int
    checkpoint: int


@dataclass(frozen=True)
class Data:
    """A data set a run cannot do without.

    Attributes
    ----------
    name, size
        What it is called, and how much there is of it, in words.
    licence
        What has to be agreed to first, in words; empty for nothing.
    command
        What prepares it.
    missing
        Says why it cannot be had for these settings, or None when it is there.
    prepare
        Makes it, from a source (empty for the usual one) into a folder (None for the usual one):
        what ``descent prepare RUN SOURCE --to FOLDER`` calls. None where nothing is to be made.
    """

    name: str
    size: str
    licence: str
    command: str
    missing: Callable[[Any], str | None]
    prepare: Callable[[str, Path | None], None] | None = None


@dataclass(frozen=True)
class Sweep:
    """What makes a run a sweep: many small trainings, and what they come to together.

    Its ``task.py`` has ``load(settings, device)``, which returns the data, once for a process; and
    ``train_point(settings, values, data, model_class)``, which returns the numbers of one training
    by name, the same whenever and wherever it is called.

    Attributes
    ----------
    points
        Lists the trainings that some settings ask for.
    summary
        Says what all trainings came to: numbers by name, one over several seeds as
        ``mean``, ``std`` and ``n``. It is given what there is, which may be a part or nothing.
    """

    points: Callable[[Any], list[Point]]
    summary: Callable[[Sequence[Row]], dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """A real run.

    It is a folder of its own in `descent.runs`, which declares it as ``RUN``; beside the
    declaration are ``task.py`` (what trains), ``report.py`` (the script of its report) and
    ``profiles/``.

    Attributes
    ----------
    name, title
        What its folder is called, and it on the command line; and in the report.
    chapter
        The chapter it belongs to, such as ``"ladder/16"``.
    settings
        The class of its settings.
    mine
        Chapter and exercise of the model that ``model=mine`` takes; None where there is no such
        exercise, and only a class can be handed over.
    needs
        Estimates what some settings need.
    data
        The data set, if it needs one.
    published
        The numbers to compare with.
    sweep
        Its trainings, where it is many small ones; None for a run that trains one model.
    loss_in
        What the loss is measured in, for the axis of its curve.
    """

    name: str
    title: str
    chapter: str
    settings: type[RunSettings]
    mine: tuple[str, str] | None
    needs: Callable[[Any], Needs]
    data: Data | None = None
    published: tuple[Published, ...] = ()
    sweep: Sweep | None = None
    loss_in: str = "nats"
