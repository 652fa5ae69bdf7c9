"""What a run is, before anything of it has begun.

What happens where: ``declaration`` has the classes in which a run says what it needs and what was
published, ``sweep`` what a run of many small trainings is made of, ``catalogue`` finds the runs by
their folders, ``profiles`` reads their settings, ``contract`` tries a learner's model on small
inputs, ``digits`` is MNIST as runs need it, ``language_models`` what runs share that train one on
tiny Shakespeare, ``players`` what those share that learn to play.
"""
