"""Exercises that are answered in sentences: write, submit, then compare with a rubric.

``drafts`` keeps what was written and which points of the rubric its writer found in it, version by
version; ``in_notebook`` shows rubric and model answer under the cell. Nothing is judged by machine.
"""
