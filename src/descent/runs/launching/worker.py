"""The training program of every run: one worker of those that torchrun starts.

``python -m descent.runs.launching.worker FOLDER``
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import record

from descent.runs.definition.catalogue import task_module
from descent.runs.folder import RunFolder
from descent.runs.folder.learner_model import own_class
from descent.runs.folder.liveness import this_process
from descent.training.distributed import start_processes, stop_processes
from descent.training.loop import train
from descent.training.stopping import STOPPED, stop_on_request


@record
def main() -> None:
    """Train; the outcome goes to the folder, an error to torchrun, which ends all processes."""
    folder = RunFolder(Path(sys.argv[1]))
    # From when a process can be found to be asked, it must not die of the signal.
    with stop_on_request(folder.stop_file) as stop, ExitStack() as until_the_end:
        processes = start_processes(folder.settings().device)
        if processes.first:
            until_the_end.enter_context(folder.only_trainer())
            folder.write("program.json", this_process())
        trained = task_module(folder.run())
        for settings, path in folder.trainings():
            task = trained.make_task(settings, processes.device, own_class(folder))
            outcome = train(task, settings, path, processes, stop)
            if outcome == STOPPED:
                break
        if processes.first:
            folder.write("program.json", {**this_process(), "outcome": outcome})
    stop_processes()


if __name__ == "__main__":
    main()
