"""Settings: what a class declares of its own is held to, with what it inherits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from descent.training.settings import Settings, WrongSetting


@dataclass(frozen=True, kw_only=True)
class Own(Settings):
    CHOICES: ClassVar = {"colour": ("red", "blue")}
    LEAST: ClassVar = {"width": 2, "batch_size": 4}
    MOST: ClassVar = {"width": 8}
    SHARES: ClassVar = ("dropout",)

    colour: str = "red"
    width: int = 4
    dropout: float = 0.0


def own(**changes):
    return Own(**{"steps": 1, "batch_size": 4, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "green"}, "^colour is 'green'; it can be red or blue"),
        ({"width": 1}, "^width is 1; the least is 2"),
        ({"width": 9}, "^width is 9; the most is 8"),
        ({"dropout": -0.1}, "^dropout is -0.1; the least is 0"),
        ({"dropout": 1.0}, "^dropout is 1.0; it is a share, from 0 to below 1"),
        ({"batch_size": 3}, "^batch_size is 3; the least is 4"),  # more than all trainings ask
        ({"device": "tpu"}, "^device is 'tpu'; it can be cpu or cuda"),
        ({"log_every": 0}, "^log_every is 0; the least is 1"),
        ({"average": 1.0}, "^average is 1.0; it is a share"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(WrongSetting, match=message):
        own(**changes)


def test_bounds_themselves_can_be_had():
    assert own(width=2).width == 2 and own(width=8).width == 8 and own(dropout=0.999)
