"""The exercises of the ladder, rung by rung."""
