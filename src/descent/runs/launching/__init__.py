"""Starting runs, letting them go on, and stopping them: on this machine, or on a Slurm cluster.

What happens where: ``requirements`` looks first at what a run would fail of later, ``start`` begins
a run or continues it, ``supervisor`` is the process behind it, which executes its report and notes
how it ended, ``torchrun`` starts its workers and says what they died of, ``worker`` is one of them,
``sweep`` makes the trainings of a sweep in a pool of processes, ``slurm`` queues all this on a
cluster, ``stopping`` asks a run to save and end. ``notebook_processes`` is apart: a function of a
notebook in several processes, without a run.
"""
