"""How `update_seconds` is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from descent.grading import Draw, Exercise, expect

from .shared import named

update_seconds = Exercise("update_seconds", minutes=12, difficulty=2)


def _ring_clock(size: float, processes: int, bandwidth: float, latency: float) -> float:
    """The time of a ring, message by message."""
    clock = 0.0
    for _half in range(2):
        for _step in range(processes - 1):
            clock += latency + size / processes / bandwidth
    return clock


def _case(draw: Draw) -> dict[str, Any]:
    return {
        "size": 1e6 * draw.integers(1, 500),
        "processes": 1 + draw.size,
        "bandwidth": 1e9 * draw.integers(1, 100),
        "latency": 1e-5 * draw.integers(1, 50),
        "forward": 0.01 * draw.integers(1, 9),
        "backward": 0.01 * draw.integers(1, 9),
        "micro_batches": draw.integers(1, 6),
    }


def _expect_seconds(answer, given: dict[str, Any]) -> None:
    exchange, update = answer(**given)
    wanted = _ring_clock(given["size"], given["processes"], given["bandwidth"], given["latency"])
    expect(exchange, "seconds of the exchange").close_to(wanted, rtol=1e-6, atol=1e-12)
    clock = 0.0
    for k in range(given["micro_batches"]):
        clock += given["forward"]
        last = k == given["micro_batches"] - 1
        clock += max(given["backward"], wanted) if last else given["backward"]
    expect(update, "seconds of the update").close_to(clock, rtol=1e-6)


@update_seconds.property("times the ring: 2(p − 1) messages of a p-th each", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, _case(draw))


@update_seconds.property("hides the exchange behind the last backward pass", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, {**_case(draw), "bandwidth": 1e13, "latency": 1e-9})


@update_seconds.property("waits for what is longer than the last backward pass", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, {**_case(draw), "bandwidth": 1e6, "processes": 2 + draw.size})


@update_seconds.property("exchanges nothing on one GPU")
def _(answer, draw: Draw) -> None:
    _expect_seconds(answer, {**_case(draw), "processes": 1})


def _wrong_seconds(
    halves=2, parts=True, all_of=0, latency_once=False, hidden=True, every=False, whole_hides=False
) -> Callable[..., Any]:
    def answer(size, processes, bandwidth, latency, forward, backward, micro_batches):
        messages = halves * (processes - 1 + all_of * (processes > 1))
        each = size / processes if parts else size
        waits = latency * min(messages, 1) if latency_once else messages * latency
        exchange = messages * each / bandwidth + waits
        room = micro_batches * backward if whole_hides else backward
        extra = max(exchange - room, 0.0) if hidden else exchange
        extra *= micro_batches if every else 1
        return exchange, micro_batches * (forward + backward) + extra

    return answer


update_seconds.mistake(
    "You timed one half of the ring, p − 1 messages. The sums are made in p − 1 steps and handed "
    "round in p − 1 more."
)(named("half_a_ring", _wrong_seconds(halves=1)))


update_seconds.mistake(
    "Your messages carry all the gradients. In a ring each carries a p-th of them."
)(named("whole_messages", _wrong_seconds(parts=False)))


update_seconds.mistake("p messages in each half are one too many: a part has p − 1 steps to go.")(
    named("one_message_more", _wrong_seconds(all_of=1))
)


update_seconds.mistake(
    "The latency is paid once for each message, 2(p − 1) times. You counted it once."
)(named("latency_once", _wrong_seconds(latency_once=True)))


update_seconds.mistake(
    "You added the exchange to the update as a whole. It runs beside the last backward pass: only "
    "what is longer than that pass is waited for."
)(named("never_hidden", _wrong_seconds(hidden=False)))


update_seconds.mistake(
    "You paid for an exchange with each micro-batch. With no_sync there is one an update, at the "
    "last micro-batch."
)(named("every_micro_batch", _wrong_seconds(every=True)))


update_seconds.mistake(
    "You let the exchange hide behind the backward passes of all micro-batches. It cannot begin "
    "before the last one: only then are the gradients those of the whole batch."
)(named("hidden_behind_all", _wrong_seconds(whole_hides=True)))


update_seconds.equivalent(
    "`update = micro_batches * (forward + backward) + max(0.0, exchange - backward)` → "
    "`update = micro_batches * (forward + backward) + max(exchange - backward, 0.0)`",
    because="the larger of two numbers has no order",
)


update_seconds.hint("First the ring: how many messages, and how long does one take?")


update_seconds.hint("exchange = 2(p − 1) · (latency + size / p / bandwidth)")


update_seconds.hint(
    "What happens beside the last backward pass, and how long is the longer of the two?"
)


update_seconds.hint("Work an update with two micro-batches out by hand.", when="value")


update_seconds.hint("What has a single process to exchange?", when="offset")
