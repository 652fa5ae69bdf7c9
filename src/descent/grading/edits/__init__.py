"""The slips that a machine knows: wrong answers that people plausibly write, made of a right one.

`making` gives them out; `vocabulary` lists the kinds, likeliest first; each of the files beside it
knows one sort: `arithmetic`, `names`, `numbers`, `results`, `axes`, `calls`, `conditions`, `loops`,
`statements`, `indexing`, `training`, `modules`. `code` is the right answer laid out for editing,
`change` one change of it, `phrases` says what its parts are to be called.
"""

from descent.grading.edits.making import Edit, edits_of, pairs_of

__all__ = ["Edit", "edits_of", "pairs_of"]
