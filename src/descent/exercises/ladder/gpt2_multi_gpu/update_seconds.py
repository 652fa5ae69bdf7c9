"""How `update_seconds` is judged."""

from __future__ import annotations

from typing import NamedTuple

from descent.grading import Draw, Exercise, expect

update_seconds = Exercise("update_seconds", minutes=12, difficulty=2, returns=tuple[float, float])


class _Case(NamedTuple):
    """What an answer is called with, in order."""

    gradient_bytes: float
    processes: int
    bandwidth: float
    latency: float
    forward: float
    backward: float
    micro_batches: int


def _ring_clock(case: _Case) -> float:
    """The time of a ring, message by message."""
    clock = 0.0
    for _half in range(2):
        for _step in range(case.processes - 1):
            clock += case.latency + case.gradient_bytes / case.processes / case.bandwidth
    return clock


def _case(draw: Draw, processes: int = 0, micro_batches: int = 0) -> _Case:
    return _Case(
        gradient_bytes=1e6 * draw.integers(1, 500),
        processes=processes or 1 + draw.size,
        bandwidth=1e9 * draw.integers(1, 100),
        latency=1e-5 * draw.integers(1, 50),
        forward=0.01 * draw.integers(1, 9),
        backward=0.01 * draw.integers(1, 9),
        micro_batches=micro_batches or draw.integers(2, 6),
    )


def _expect_exchange(answer, case: _Case) -> None:
    exchange, _ = answer(*case)
    expect(exchange, "seconds of the exchange").close_to(_ring_clock(case), rtol=1e-6, atol=1e-12)


def _expect_update(answer, case: _Case) -> None:
    """The update's time, given what the answer takes for the exchange's."""
    exchange, update = answer(*case)
    clock = 0.0
    for k in range(case.micro_batches):
        clock += case.forward
        last = k == case.micro_batches - 1
        clock += max(case.backward, exchange) if last else case.backward
    expect(update, "seconds of the update").close_to(clock, rtol=1e-6)


@update_seconds.property("times the ring: 2(p − 1) messages of a p-th each", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_exchange(answer, _case(draw)._replace(latency=0.0))


@update_seconds.property("pays the latency with each message", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_exchange(answer, _case(draw))
    _expect_exchange(answer, _case(draw)._replace(bandwidth=1e15))


@update_seconds.property("hides a short exchange behind the last backward pass", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_update(answer, _case(draw)._replace(bandwidth=1e13, latency=1e-9))


@update_seconds.property("waits, once, for what is longer than the last backward pass", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_update(answer, _case(draw, processes=2 + draw.size)._replace(bandwidth=1e6))


@update_seconds.property("hides it behind one backward pass, and not behind several", trials=4)
def _(answer, draw: Draw) -> None:
    # The exchange takes between one backward pass and as many as there are micro-batches.
    case = _case(draw, processes=2 + draw.size, micro_batches=draw.integers(3, 6))
    case = case._replace(latency=0.0, backward=0.08)
    seconds = case.backward * draw.uniform(1.2, case.micro_batches - 0.5)
    _expect_update(answer, case._replace(bandwidth=case.bandwidth * _ring_clock(case) / seconds))


@update_seconds.property("exchanges nothing on one GPU")
def _(answer, draw: Draw) -> None:
    case = _case(draw, processes=1)
    _expect_exchange(answer, case)
    _expect_update(answer, case)


@update_seconds.right
def right_seconds(gradient_bytes, processes, bandwidth, latency, forward, backward, micro_batches):
    messages = 2 * (processes - 1)
    exchange = messages * (latency + gradient_bytes / processes / bandwidth)
    computing = micro_batches * (forward + backward)
    return exchange, computing + max(0.0, exchange - backward)


_MESSAGE = "(latency + gradient_bytes / processes / bandwidth)"

update_seconds.slip(
    "half_a_ring",
    "You timed one half of the ring, p − 1 messages. The sums are made in p − 1 steps and handed "
    "round in p − 1 more.",
    {"2 * (processes - 1)": "processes - 1"},
)
update_seconds.slip(
    "whole_messages",
    "Your messages carry all the gradients. In a ring each carries a p-th of them.",
    {"gradient_bytes / processes / bandwidth": "gradient_bytes / bandwidth"},
)
update_seconds.slip(
    "one_message_more",
    "p messages in each half are one too many: a part has p − 1 steps to go.",
    {"2 * (processes - 1)": "2 * processes"},
)
update_seconds.slip(
    "multiplied_by_bandwidth",
    "m / p · b multiplies by the bandwidth. It stands below the line, with p: m / (p · b).",
    {"processes / bandwidth": "processes * bandwidth"},
)
update_seconds.slip(
    "latency_once",
    "The latency is paid once for each message, 2(p − 1) times. You counted it once.",
    {
        f"messages * {_MESSAGE}": (
            "messages * gradient_bytes / processes / bandwidth + latency * (processes > 1)"
        )
    },
)
update_seconds.slip(
    "latency_once_even_alone",
    "The latency is paid once for each message, 2(p − 1) times. You added it once, and even where "
    "one process alone sends nothing.",
    {f"messages * {_MESSAGE}": "messages * gradient_bytes / processes / bandwidth + latency"},
)
update_seconds.slip(
    "never_hidden",
    "You added the exchange to the update as a whole. It runs beside the last backward pass: only "
    "what is longer than that pass is waited for.",
    {"max(0.0, exchange - backward)": "exchange"},
)
update_seconds.slip(
    "negative_wait",
    "A short exchange makes your update shorter than its computing. Nobody waits a negative time: "
    "max(0, t_ring − t_backward).",
    {"max(0.0, exchange - backward)": "exchange - backward"},
)
update_seconds.slip(
    "every_micro_batch",
    "You paid for an exchange with each micro-batch. There is one an update, at the last "
    "micro-batch.",
    {"max(0.0, exchange - backward)": "micro_batches * max(0.0, exchange - backward)"},
)
update_seconds.slip(
    "hidden_behind_all",
    "You let the exchange hide behind the backward passes of all micro-batches. It cannot begin "
    "before the last one: only then are the gradients those of the whole batch.",
    {"exchange - backward": "exchange - micro_batches * backward"},
)
update_seconds.slip(
    "hidden_behind_forward_too",
    "You let the exchange hide behind the forward pass as well. It begins with the last backward "
    "pass: only that one can hide it.",
    {"exchange - backward": "exchange - forward - backward"},
)
update_seconds.slip(
    "one_forward_pass",
    "Each micro-batch has a forward and a backward pass: k · (t_forward + t_backward), with "
    "brackets.",
    {"micro_batches * (forward + backward)": "forward + micro_batches * backward"},
)
update_seconds.slip(
    "without_brackets",
    "k · t_forward + t_backward counts one backward pass. Both passes are made k times: put them "
    "in brackets.",
    {"micro_batches * (forward + backward)": "micro_batches * forward + backward"},
)


update_seconds.equivalent(
    "`update = micro_batches * (forward + backward) + max(0.0, exchange - backward)` → "
    "`update = micro_batches * (forward + backward) + max(exchange - backward, 0.0)`",
    because="the larger of two numbers has no order",
)


update_seconds.hint("First the ring: how many messages, and how long does one take?")
update_seconds.hint("exchange = 2(p − 1) · (latency + gradient_bytes / p / bandwidth)")
update_seconds.hint(
    "What happens beside the last backward pass, and how long is the longer of the two?"
)
update_seconds.hint("Work an update with two micro-batches out by hand.", when="value")
update_seconds.hint("What has a single process to exchange?", when="offset")
