"""A run on disk: its folder, the state it is in, and the learner's model in it.

What happens where: ``run_folder`` reads and writes one run's folder and judges its state, one of
``states``; for that ``lock`` keeps two trainings out of one folder, and ``liveness`` knows whether
a process or a cluster's job is still there. ``sweep_results`` keeps what the trainings of a sweep
came to. ``finding`` makes folders and finds them again, ``learner_model`` keeps the learner's
definitions and makes their class of them.
"""

from descent.runs.folder.run_folder import RunFolder

__all__ = ["RunFolder"]
