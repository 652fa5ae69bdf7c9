"""Real runs: trainings that take minutes to days, in the background, and their reports."""
