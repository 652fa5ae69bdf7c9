"""A tiny training for the tests: in this process, under torchrun, or in a pair of processes.

Faults are asked for by the environment: ``DESCENT_TEST_FAULT=rank:step:what`` with a signal's name,
``error`` or ``nan``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.elastic.multiprocessing.errors import record

from descent.training.distributed import Processes, mean_over, share, start_processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics
from descent.training.randomness import generator
from descent.training.settings import Settings
from descent.training.stopping import STOP_FILE, stop_on_request


class TinyTask:
    """A small network learns a noisy sine. The batch depends on the seed and the step alone."""

    def __init__(self, settings, rank=0, dropout=0.0, fault=None):
        self.settings, self.rank, self.dropout = settings, rank, dropout
        self.fault = fault or os.environ.get("DESCENT_TEST_FAULT", "")
        self.seen = []

    def model(self):
        block = nn.Sequential(nn.Tanh(), nn.Dropout(self.dropout), nn.Linear(32, 1))
        return nn.Sequential(nn.Linear(2, 32), block)

    def optimisers(self, model):
        return [torch.optim.AdamW(model.parameters(), lr=0.01)]

    def rate(self, step):
        return min(1.0, (step + 1) / 5)

    def loss(self, model, step, rows):
        self.seen.append((step, rows))
        self.fail(step)
        draw = generator(self.settings.seed, step)
        x = torch.from_numpy(draw.normal(size=(self.settings.batch_size, 2))).float()
        x = x[rows.start : rows.stop]
        bad = f"{self.rank}:{step}:nan" == self.fault
        return (model(x) - torch.sin(2 * x[:, :1])).square().mean() * (float("nan") if bad else 1)

    def evaluate(self, model, processes):
        assert not model.training
        x = torch.linspace(-2, 2, 24).reshape(12, 2)
        rows = share(len(x), processes)
        x = x[rows.start : rows.stop]
        error = (model(x) - torch.sin(2 * x[:, :1])).square().mean().double()
        return {"held_out_loss": float(mean_over(error, processes))}

    def fail(self, step):
        rank, at, what = (self.fault or "-1:-1:").split(":")
        if (int(rank), int(at)) != (self.rank, step):
            return
        if what.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, what))
        elif what == "error":
            raise ZeroDivisionError("the learner divided by nothing")


def settings(**changes):
    usual = {"steps": 12, "batch_size": 12, "checkpoint_every": 4, "evaluate_every": 6, "clip": 1.0}
    return Settings(**{**usual, **changes})


def run(folder, fault=None, dropout=0.0, **changes):
    """Train in this process; return how it ended."""
    told = settings(**changes)
    task = TinyTask(told, dropout=dropout, fault=fault)
    with stop_on_request(Path(folder) / STOP_FILE) as stop:
        return train(task, told, Path(folder), Processes(), stop)


def losses(folder, name="loss"):
    return dict(zip(*curve(read_metrics(Path(folder) / "metrics.jsonl"), name), strict=True))


@record
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--micro-batch", type=int, default=0)
    parser.add_argument("--shard", default="none")
    parser.add_argument("--precision", default="float32")
    asked = vars(parser.parse_args())
    print(train_in(start_processes("cpu"), **asked))


def train_in(processes, folder, fault="", **changes):
    """Train in this process, which is one of several; return how it ended."""
    chosen = settings(**changes)
    task = TinyTask(chosen, rank=processes.rank, fault=fault)
    with stop_on_request(Path(folder) / STOP_FILE) as stop:
        return train(task, chosen, Path(folder), processes, stop)


def serve(handle, meeting, rank):
    """Be one of a pair: train whenever asked to, and answer how it ended, until nobody asks."""
    warnings.simplefilter("always")
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    with Connection(handle) as link, contextlib.suppress(EOFError):
        while True:
            link.send(train_in(Processes(rank, 2, rank), **link.recv()))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
    else:
        main()
