"""The models that real runs train when the learner's own is not chosen."""
