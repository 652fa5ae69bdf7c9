"""Recall: the chapters' cards come back when they are about to be forgotten.

What happens where: ``schedule`` wraps the library
that says when a card returns, and holds the rules; ``cards`` says what a card is, ``met`` which
ones the learner has met, ``collecting`` finds all of them. ``deck`` puts them together with the log
of answers: what is due, what waits. ``session`` is one sitting, ``in_terminal`` shows it and
``keyboard`` reads its keys; ``areas`` says which cards stand where in a chapter, ``in_notebook``
shows them there; both speak with ``words``, and ``readable`` writes formulas as text.
"""
