"""Predictions: one quantity, committed to before it is shown, scored afterwards.

``answers`` reads what a learner puts in, ``scoring`` compares what was said with what came,
``commit`` does both for a notebook, ``history`` puts all of them in a table. What is asked is
declared in the chapters' headers; what was said and what came are events of the record.
"""
