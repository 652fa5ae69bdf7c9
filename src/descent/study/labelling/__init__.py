"""Judging texts by hand: a label for each sample, and a rating of two models' samples unseen.

What happens where: ``judgements`` keeps every judgement at once in a file of JSON lines, ``desk``
is the tool in a notebook, with buttons and keys. ``labels`` puts a person's labels and the
lexicon's together; ``rating`` mixes two models' samples, and says in the end whose were liked.
"""
