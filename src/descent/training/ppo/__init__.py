"""Proximal policy optimisation: learning to act, by the training loop that every run has.

What happens where: ``settings`` is what such a training is told, ``advantages`` and ``objective``
are its mathematics, ``rollout`` holds what was lived through between two updates of the policy,
``task`` puts them together. It knows no environment and no model.
"""
