"""Looking at runs and following one; nothing here changes a run.

What happens where: ``look`` says how runs stand, ``terminal`` and ``notebook`` follow one there.
"""
