"""Links between processes: what arrives, what is counted, and what ends a wait for nothing."""

from __future__ import annotations

import contextlib
import gc
import threading
import time

import pytest
import torch
from programs import PATIENCE

from descent.grading.sandbox import OutOfTime, time_limit
from descent.training.links import Deadlock, Link, LinkError, Stuck, alone, in_turns


def test_messages_arrive_in_order_as_copies_and_are_counted() -> None:
    def talk(link: Link) -> list[float]:
        if link.rank == 0:
            values = torch.ones(3)
            link.send(values, 1)
            values += 1  # after it was sent
            link.send(values, 1)
            assert [sent.numbers for sent in link.sent] == [3, 3]
            assert [sent.size for sent in link.sent] == [12, 12]
            return []
        return [link.receive(0).sum().item() for _ in range(2)]

    assert in_turns(talk, 2)[1] == [3.0, 6.0]


def test_when_everybody_waits_it_says_who_waits_for_whom() -> None:
    with pytest.raises(Deadlock, match="process 0 waits for process 1; process 1 waits for"):
        in_turns(lambda link: link.receive((link.rank + 1) % 3), 3)


def test_a_process_that_has_returned_cannot_be_waited_for() -> None:
    with pytest.raises(Deadlock, match="process 0 has returned"):
        in_turns(lambda link: link.receive(0) if link.rank else None, 2)


def test_a_message_that_nobody_receives_is_noticed() -> None:
    with pytest.raises(LinkError, match="never received"):
        in_turns(lambda link: link.send(torch.ones(1), 1) if link.rank == 0 else None, 2)


def test_an_error_of_one_process_ends_all_and_is_the_one_that_is_raised() -> None:
    def fails(link: Link) -> None:
        if link.rank == 1:
            raise ZeroDivisionError
        link.receive(1)

    with pytest.raises(ZeroDivisionError):
        in_turns(fails, 3)


def test_an_endless_loop_is_ended() -> None:
    def endless(link: Link) -> None:
        while link.rank == 0:
            pass

    with pytest.raises(Stuck, match="loop"):
        in_turns(endless, 2, seconds=0.2)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_collecting_garbage_is_nobodys_work() -> None:
    def collects_slowly(phase: str, info: dict[str, int]) -> None:
        until = time.process_time() + 0.5
        while phase == "stop" and time.process_time() < until:
            pass

    gc.callbacks.insert(0, collects_slowly)
    try:
        assert in_turns(lambda link: gc.collect() >= 0, 1, seconds=0.3) == [True]
    finally:
        gc.callbacks.remove(collects_slowly)


def test_who_runs_out_of_time_leaves_no_thread_behind() -> None:
    threads: list[threading.Thread] = []

    def swallows_the_first(link: Link) -> None:
        threads.append(threading.current_thread())
        for _ in range(2):
            with contextlib.suppress(Stuck):
                while True:
                    pass

    with pytest.raises(OutOfTime), time_limit(0.3):
        in_turns(swallows_the_first, size=2, seconds=1e9)
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_nobody_sends_to_himself_or_to_nobody() -> None:
    with pytest.raises(LinkError, match="nobody else"):
        alone().send(torch.ones(1), 0)
    with pytest.raises(LinkError, match="they are 0 to 1"):
        in_turns(lambda link: link.send(torch.ones(1), 2), 2)
    with pytest.raises(LinkError, match="Only a tensor"):
        in_turns(lambda link: link.send(1.0, 1 - link.rank), 2)  # type: ignore[arg-type]
