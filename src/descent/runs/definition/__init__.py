"""What a run is, before anything of it has begun.

What happens where: ``declaration`` has the classes in which a run says what it needs and what was
published, ``catalogue`` finds the runs by their folders, ``profiles`` reads their settings,
``contract`` tries a learner's model on small inputs, ``language_models`` is what runs share that
train one on tiny Shakespeare.
"""
