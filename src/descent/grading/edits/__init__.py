"""The slips that a machine knows: wrong answers that people plausibly write, made of a right one.

`making` gives them out; `vocabulary` lists the kinds, likeliest first; each of the files beside it
knows one sort: `arithmetic`, `axes`, `calls`, `conditions`, `displays`, `functions`, `indexing`,
`loops`, `modules`, `names`, `numbers`, `options`, `randomness`, `results`, `statements`, `states`,
`training`. `code` is the right answer laid out for editing, `change` is one change of it, `phrases`
says what its parts are to be called.
"""

from descent.grading.edits.making import Edit, edits_of, pairs_of

__all__ = ["Edit", "edits_of", "pairs_of"]
