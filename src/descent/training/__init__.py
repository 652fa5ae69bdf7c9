"""Training: the loop, several processes, checkpoints, metrics. Knows no model and no data set."""
