"""Real runs: trainings that take minutes to days, in the background, and their reports.

A run is a folder here, such as ``nanogpt``; so is a sweep, which is many small trainings, such as
``mnist_scaling``. Its ``__init__`` declares it (`RUN`) with its settings, ``task`` is what trains,
``report`` is the script of its report, which papermill executes, ``report_cells`` has what that
calls of this run alone, and ``profiles`` are the settings for each kind of machine. Adding a run is
adding such a folder: it is found by its profiles.

What happens where, each room on those before it: ``definition`` says what a run is, ``folder`` is
a run on disk, ``launching`` starts, continues and stops it, ``watching`` follows it, ``results``
shows and records what it came to. The runs themselves stand above all of them.
"""

from descent.runs.former_names import keep_former_names

keep_former_names()
