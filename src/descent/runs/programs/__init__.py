"""What trains: one module for each run, with its task and what it asks of the learner's model."""
