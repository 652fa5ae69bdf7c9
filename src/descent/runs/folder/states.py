"""The states that a run can be in."""

from __future__ import annotations

from dataclasses import dataclass

from descent.training.stopping import FINISHED, STOPPED

__all__ = ["FAILED", "FINISHED", "LOST", "RUNNING", "STARTING", "STOPPED", "UNDER_WAY", "Status"]

STARTING, RUNNING, FAILED, LOST = "starting", "running", "failed", "lost"
UNDER_WAY = (STARTING, RUNNING)


@dataclass(frozen=True)
class Status:
    """How a run stands.

    Attributes
    ----------
    state
        ``starting``, ``running``, ``stopped`` (saved, can continue), ``finished``, ``failed``, or
        ``lost``: its process is gone and did not say why, as when the machine was switched off.
    reason
        Why, in words; empty where there is nothing to say.
    """

    state: str
    reason: str = ""
