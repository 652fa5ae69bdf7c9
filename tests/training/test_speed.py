"""The share of a device's arithmetic that is used."""

from __future__ import annotations

import pytest

from descent.training import speed
from descent.training.distributed import Processes
from descent.training.settings import Settings
from descent.training.speed import Speed, peak_of


class Costly:
    def operations(self):
        return 3e12


@pytest.fixture
def clock(monkeypatch):
    times = iter((10.0, 14.0, 100.0, 101.0))
    monkeypatch.setattr(speed.time, "monotonic", lambda: next(times))


def test_the_share_of_two_devices_at_their_peak(clock):
    settings = Settings(steps=9, batch_size=2, peak_tflops=1.5)
    measured = Speed(Costly(), settings, Processes(world=2))
    assert measured.read(0) == {}
    assert measured.read(2) == {"mfu": pytest.approx(0.5)}  # 2 updates of 1 s each in 4 s
    measured.pause()
    assert measured.read(3) == {}
    assert measured.read(4) == {"mfu": pytest.approx(1.0)}


def test_nothing_is_said_where_peak_or_cost_is_not_known(clock):
    for task, peak in ((Costly(), 0.0), (object(), 1.5)):
        measured = Speed(task, Settings(steps=9, batch_size=2, peak_tflops=peak), Processes())
        measured.read(0)
        assert measured.read(2) == {}


def test_a_loop_writes_it_down(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny.TinyTask, "operations", lambda self: 1.0, raising=False)
    tiny.run(tmp_path, peak_tflops=1e-12)
    measured = tiny.losses(tmp_path, "mfu")
    # 0, 4, 6 and 8 are the first after the beginning, an evaluation or a checkpoint.
    assert list(measured) == [1, 2, 3, 5, 7, 9, 10, 11]
    assert all(value > 0 for value in measured.values())


def test_gpus_are_known_by_name():
    assert peak_of("NVIDIA A100-SXM4-80GB") == 312
    assert peak_of("NVIDIA H100 80GB HBM3") == 989
    assert peak_of("NVIDIA H100 PCIe") == 756
    assert peak_of("Voodoo 2") == 0
