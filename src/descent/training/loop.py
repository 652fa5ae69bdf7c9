"""The training loop of every real run.

The model, the data and the schedule are a task's; the loop has what they share: accumulation,
several processes, mixed precision, clipping, evaluation, checkpoints, and exact continuation. What
is drawn at random follows from seed, step and rank (see `randomness`), so step, weights and
optimiser are all that a checkpoint needs to hold.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from descent.errors import CourseError
from descent.training.checkpoint import (
    CheckpointError,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from descent.training.distributed import Processes, mean_over, micro_batches, say_to_all
from descent.training.metrics import MetricsFile
from descent.training.randomness import seed_everything
from descent.training.settings import Settings
from descent.training.speed import Speed
from descent.training.stopping import FINISHED, STOPPED, Stop

SECONDS_BETWEEN_LINES = 2.0


class Diverged(CourseError):
    """The loss is no longer a number."""


class Task(Protocol):
    """What is trained."""

    def model(self) -> nn.Module:
        """Make the model; the generators were seeded alike in every process."""

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """Make the optimisers; a group's ``lr`` is its rate where `rate` is 1."""

    def rate(self, step: int) -> float:
        """Return the factor on every learning rate in an update, from 0."""

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Return the mean loss, a scalar, of some rows of a step's global batch.

        The batch follows from the seed and the step alone.
        """

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure the model, in evaluation mode and without gradients.

        Every process takes its share, and all return the same numbers.
        """


def train(
    task: Task, settings: Settings, folder: Path, processes: Processes, stop: Stop | None = None
) -> str:
    """Train until the last step, or until asked to stop, from the newest checkpoint if any.

    Parameters
    ----------
    task : Task
    settings : Settings
    folder : Path
        Gets ``metrics.jsonl`` and ``checkpoints/``.
    processes : Processes
        This one among all that train together; each calls this function.
    stop : Stop, optional
        Says when to stop, as `stopping.stop_on_request` does; never without.

    Returns
    -------
    str
        ``"finished"``, or ``"stopped"`` when that was asked for; a checkpoint is saved then.

    Raises
    ------
    Diverged
        When the loss is not finite.
    CourseError
        When a checkpoint or the metrics cannot be written or read, or the batch does not divide.
    """
    with _Training(task, settings, folder, processes) as training:
        return training.run(stop or Stop())


class _Training(ExitStack):
    """A training under way: the model and all that moves it."""

    def __init__(self, task: Task, settings: Settings, folder: Path, processes: Processes) -> None:
        super().__init__()
        self.task, self.settings, self.processes = task, settings, processes
        self.rows = micro_batches(settings.batch_size, settings.micro_batch, processes)
        self.checkpoints = folder / "checkpoints"
        self.sharded = settings.shard == "full" and processes.world > 1
        seed_everything(settings.seed)
        self.model = task.model().to(processes.device)
        state = self._newest_state()
        self._restore_model(state)
        if self.sharded:
            self._shard()
        self.optimisers = task.optimisers(self.model)
        for group in self._groups():
            group["initial_lr"] = group["lr"]
        self.scaler = torch.amp.GradScaler(enabled=settings.precision == "float16")
        self.average = self._averaged()
        self.trained = 0.0  # seconds before this process began
        self.start = self._restore_rest(state)
        self.compiled = self._compiled()
        self.forward = self._wrapped()
        self._rehearse()
        self.began: float | None = time.monotonic()
        self.metrics: MetricsFile | None = None
        if processes.first:
            self.metrics = MetricsFile(folder / "metrics.jsonl", self.start)
            self.callback(self.metrics.close)
        self.next_line = 0.0
        self.speed = Speed(task, settings, processes)

    def run(self, stop: Stop) -> str:
        """Go from the step the checkpoint was saved at to the last."""
        last = self.settings.steps
        for step in range(self.start, last):
            if step > self.start and _due(step, self.settings.checkpoint_every):
                self._save(step)
            if _due(step, self.settings.evaluate_every):
                self._evaluate(step)
            loss = self._update(step)
            if self._reads(step) and self._read(step, loss, stop) and step + 1 < last:
                self._save(step + 1)
                self._say(f"stopped after step {step + 1} of {last}; it is saved")
                return STOPPED
        if self.start < last:
            self._save(last)
        self._evaluate(last)
        return FINISHED

    def _update(self, step: int) -> Tensor:
        """Move the weights once; return the loss of this process's share, still on its device."""
        seed_everything(self.settings.seed, step, self.processes.rank)
        self.model.train()
        factor = self.task.rate(step)
        for group in self._groups():
            group["lr"] = group["initial_lr"] * factor
        total = torch.zeros((), device=self.processes.device)
        for rows in self.rows:
            # Gradients are exchanged once, with the last part, not with each.
            with self._gradients_stay_here(rows is not self.rows[-1]):
                with self._precision():
                    loss = self.task.loss(self.forward, step, rows) / len(self.rows)
                self.scaler.scale(loss).backward()
            total += loss.detach()
        if self.settings.clip:
            for optimiser in self.optimisers:
                self.scaler.unscale_(optimiser)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        for optimiser in self.optimisers:
            self.scaler.step(optimiser)
            optimiser.zero_grad(set_to_none=True)
        self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.model)
        return total

    def _reads(self, step: int) -> bool:
        """Whether the loss is looked at. It waits for a GPU, and so is not done at every step.

        Before a checkpoint it is, so that weights that are not numbers are never saved.
        """
        done = step + 1
        saves = _due(done, self.settings.checkpoint_every)
        return _due(step, self.settings.log_every) or saves or done == self.settings.steps

    def _read(self, step: int, loss: Tensor, stop: Stop) -> bool:
        """Write the loss down; return whether any process was asked to stop."""
        asked = torch.tensor(float(stop.asked), dtype=torch.float64, device=loss.device)
        both = mean_over(torch.stack([loss.double(), asked]), self.processes)
        mean, share_asked = both.tolist()
        if not math.isfinite(mean):
            raise Diverged(
                f"The loss is {mean} at step {step}: training went astray. A smaller learning "
                "rate or clip is what helps most often."
            )
        rate = next(self._groups())["lr"]
        speed = self.speed.read(step)
        self._write(step, loss=mean, learning_rate=rate, **speed)
        if time.monotonic() >= self.next_line or step + 1 == self.settings.steps:
            shown = "".join(f"  {name} {value:.1%}" for name, value in speed.items())
            self._say(f"step {step} of {self.settings.steps}  loss {mean:.4f}{shown}")
            self.next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        return share_asked > 0

    def _rehearse(self) -> None:
        """Make some updates and take them back; what they draw is drawn again at each step."""
        if not self.settings.rehearse or self.start == self.settings.steps:
            return
        parts: list[Any] = [self.model, *self.optimisers, self.scaler]
        parts += [] if self.average is None else [self.average]
        before = [copy.deepcopy(part.state_dict()) for part in parts]
        for _ in range(self.settings.rehearse):
            self._update(self.start)
        for part, state in zip(parts, before, strict=True):
            part.load_state_dict(state)
        self._finish_queue()

    def _evaluate(self, step: int) -> None:
        model = self.compiled if self.average is None else self.average.module
        model.eval()
        with self._clock_stopped(), torch.no_grad(), self._precision():
            measured = self.task.evaluate(model, self.processes)
        self.speed.pause()
        self._write(step, **measured)
        named = ((name.replace("_", " "), value) for name, value in measured.items())
        shown = "  ".join(f"{name} {value:.4f}" for name, value in named)
        self._say(f"step {step} of {self.settings.steps}  {shown}")

    def _save(self, step: int) -> None:
        """Write a checkpoint; where weights are shared out, all gather what the first writes."""
        if self.metrics is None and not self.sharded:
            return
        state = {
            "step": step,
            "seconds": self._seconds(),
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "scaler": self.scaler.state_dict(),
            "average": self.average.state_dict() if self.average is not None else {},
        }
        if self.sharded:
            from descent.training.sharding import whole

            state = whole(state, keep=self.processes.first)
        if self.metrics is not None:
            self.metrics.sync()
            with self._clock_stopped():
                save_checkpoint(self.checkpoints, step, state)
        self.speed.pause()

    def _newest_state(self) -> dict[str, Any] | None:
        """Read the newest whole checkpoint, the same in every process; None where there is none."""
        first = self.processes.first
        found = say_to_all(newest_checkpoint(self.checkpoints) if first else None, self.processes)
        return None if found is None else load_checkpoint(self.checkpoints, found)

    def _restore_model(self, state: dict[str, Any] | None) -> None:
        """Take the weights, while the model is still whole."""
        if state is not None:
            with self._of_this_model(state):
                self.model.load_state_dict(state["model"])

    def _restore_rest(self, state: dict[str, Any] | None) -> int:
        """Take all that goes with the weights; return the step."""
        if state is None:
            return 0
        with self._of_this_model(state):
            for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
                self._load_optimiser(optimiser, saved)
            if self.average is not None:
                self.average.load_state_dict(state["average"])
        self.scaler.load_state_dict(state["scaler"])
        self.trained = state["seconds"]
        self._say(f"continues from the checkpoint of step {state['step']}")
        return int(state["step"])

    def _load_optimiser(self, optimiser: Optimizer, saved: dict[str, Any]) -> None:
        if not self.sharded:
            optimiser.load_state_dict(saved)
            return
        from descent.training.sharding import load_optimiser

        load_optimiser(optimiser, saved)

    @contextmanager
    def _of_this_model(self, state: dict[str, Any]) -> Iterator[None]:
        """Say of a checkpoint that does not fit that it is of another model."""
        try:
            yield
        except (RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"The checkpoint of step {state['step']} in {self.checkpoints} is of another "
                f"model: {error}"
            ) from error

    def _shard(self) -> None:
        from descent.training.sharding import shard_model  # a second, for those who need it

        dtype = getattr(torch, self.settings.precision)
        shard_model(self.model, self.processes, dtype, self.settings.compile)

    def _averaged(self) -> AveragedModel | None:
        """Make the moving average of the weights and of what batch norm has counted."""
        keep = self.settings.average
        if not keep:
            return None
        rule = get_ema_multi_avg_fn(keep)
        return AveragedModel(self.model, multi_avg_fn=rule, use_buffers=True)

    def _compiled(self) -> nn.Module:
        if not self.settings.compile or self.sharded:  # whose blocks are compiled already
            return self.model
        mode = "reduce-overhead" if self.settings.graphs else None
        return cast(nn.Module, torch.compile(self.model, mode=mode))

    def _wrapped(self) -> nn.Module:
        """Let gradients be averaged over the processes."""
        if self.processes.world == 1 or self.sharded:
            return self.compiled
        gpus = [self.processes.local_rank] if self.processes.device != "cpu" else None
        # In a stage of a task that trains several models, only that one's weights have gradients.
        some = bool(getattr(self.task, "in_stages", False))
        return DistributedDataParallel(self.compiled, device_ids=gpus, find_unused_parameters=some)

    def _gradients_stay_here(self, stay: bool) -> AbstractContextManager[Any]:
        if self.sharded:
            cast(Any, self.forward).set_requires_gradient_sync(not stay)
        elif stay and isinstance(self.forward, DistributedDataParallel):
            return self.forward.no_sync()
        return ExitStack()

    def _finish_queue(self) -> None:
        """Wait until the GPU has done all it was given."""
        if self.processes.device != "cpu":
            torch.cuda.synchronize(self.processes.device)

    def _precision(self) -> AbstractContextManager[Any]:
        kind = torch.device(self.processes.device).type
        dtype = getattr(torch, self.settings.precision)
        return torch.autocast(kind, dtype, enabled=dtype != torch.float32)

    def _groups(self) -> Iterator[dict[str, Any]]:
        return (group for optimiser in self.optimisers for group in optimiser.param_groups)

    def _seconds(self) -> float:
        """Return the seconds of training alone, over all its parts."""
        return self.trained + (time.monotonic() - self.began if self.began is not None else 0.0)

    @contextmanager
    def _clock_stopped(self) -> Iterator[None]:
        """Leave out of the seconds what is not training: measuring and saving."""
        self._finish_queue()  # what a GPU has still to do is training
        self.trained, self.began = self._seconds(), None
        yield
        self.began = time.monotonic()

    def _write(self, step: int, **values: float) -> None:
        if self.metrics is not None:
            self.metrics.write(step, self._seconds(), **values)

    def _say(self, line: str) -> None:
        if self.processes.first:
            print(line, flush=True)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
