"""A run on disk: its folder, the state it is in, and the learner's model in it.

What happens where: ``run_folder`` reads and writes one run's folder, ``finding`` makes folders and
finds them again, ``liveness`` knows whether a process or a cluster's job is still there,
``learner_model`` keeps the learner's definitions and makes their class of them.
"""

from descent.runs.folder.run_folder import RunFolder

__all__ = ["RunFolder"]
