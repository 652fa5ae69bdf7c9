"""What is judged: one module per chapter, named after it."""
